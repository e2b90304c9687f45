"""Slips in the statistics of Korb et al. (2023): each is reproduced, corrected, and cannot be made here.

The numbers are those that the paper prints (Table 1, Table 2, Results). docs/statistics.md explains them.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.behaviour.response_times import scale_within
from analysis.models.classical import contingency, goodness_of_fit, one_way_anova
from analysis.models.mixed import fit_mixed
from analysis.models.model_weights import akaike_weights
from hardware.simulated import effects
from hardware.simulated.windows import simulate_response_times

SIZES = {"amisulpride": 42, "naltrexone": 44, "placebo": 44}
RIGHT = {"amisulpride": 7, "naltrexone": 13, "placebo": 22}
"""Participants who guessed their own group: 16.7, 29.5 and 50 % of the groups."""
GUESSED_PLACEBO = {"amisulpride": 24, "naltrexone": 18, "placebo": 22}


def test_the_chi_square_of_the_guesses_was_computed_from_percentages() -> None:
    """Printed: χ2(2) = 17.6, p < 0.001, a goodness of fit of 16.7, 29.5 and 50. On counts: 11.15, .004."""
    percentages = [100 * RIGHT[group] / SIZES[group] for group in SIZES]
    assert round(stats.chisquare(percentages).statistic, 1) == 17.6
    with pytest.raises(ValueError, match="not percentages"):
        goodness_of_fit(dict(zip(SIZES, percentages, strict=True)))
    counts = pd.DataFrame({"right": RIGHT, "wrong": {group: SIZES[group] - RIGHT[group] for group in SIZES}})
    row = contingency(counts).iloc[0]
    assert (round(row["chi2"], 2), row["df"], round(row["p"], 3)) == (11.15, 2, 0.004)


def test_a_popular_guess_is_not_knowledge() -> None:
    """The groups did not differ in how many believed in the placebo: nobody needed to know anything."""
    counts = pd.DataFrame(
        {
            "placebo": GUESSED_PLACEBO,
            "another": {group: SIZES[group] - n for group, n in GUESSED_PLACEBO.items()},
        }
    )
    assert contingency(counts).loc[0, "p"] > 0.3
    assert round(goodness_of_fit(GUESSED_PLACEBO).loc[0, "p"], 1) == 0.6  # as in Table 1
    share = sum(GUESSED_PLACEBO.values()) / sum(SIZES.values())
    assert stats.binomtest(RIGHT["placebo"], SIZES["placebo"], share).pvalue > 0.8


def test_group_codes_taken_for_numbers_give_the_printed_degrees_of_freedom() -> None:
    """F(1,128) for the outliers of three groups of 130 is a regression on a code; it is F(2, 127)."""
    rng = np.random.default_rng(1)
    code = np.repeat([1, 2, 3], list(SIZES.values()))
    data = pd.DataFrame({"n_excluded": rng.poisson(18, 130), "group": code})
    data.loc[data["group"] == 2, "n_excluded"] += 6
    as_number = stats.linregress(data["group"], data["n_excluded"])
    assert len(data) - 2 == 128 and as_number.pvalue > 0.05  # it overlooks that the middle group is different
    row = one_way_anova(data, value="n_excluded", group="group").iloc[0]
    assert (row["num_df"], row["den_df"]) == (2, 127)
    assert row["p"] < 0.001


@pytest.mark.parametrize(
    ("f", "den_df", "p", "digits"),
    [(0.62, 127, 0.5, 1), (0.15, 127, 0.9, 1), (2.97, 122, 0.06, 2)],
    ids=["age", "time from pill", "positive mood"],
)
def test_the_printed_p_values_belong_to_two_degrees_of_freedom(
    f: float, den_df: int, p: float, digits: int
) -> None:
    """Printed as F(1,127) and F(1,122), with the p values of F(2,127) and F(2,122)."""
    assert round(stats.f.sf(f, 2, den_df), digits) == p
    assert round(stats.f.sf(f, 1, den_df), digits) != p


def test_z_scored_response_times_cannot_differ_between_groups() -> None:
    """Within-participant z-scores have the mean zero for everybody: a group slower by 0.8 s vanishes."""
    rng = np.random.default_rng(2)
    times = simulate_response_times(effects.none(), n_participants=24, rng=rng).dropna(
        subset=["response_time"]
    )
    slower = times["response_time"] + 0.8 * (times["group"] == "B")
    times = times.assign(response_time=slower, response_z=scale_within(slower, within=times["participant"]))
    seconds = fit_mixed("response_time ~ group + (1|participant) + (1|face)", times).anova().loc["group"]
    z_scores = fit_mixed("response_z ~ group + (1|participant) + (1|face)", times).anova().loc["group"]
    assert seconds["p"] < 0.001 and seconds["den_df"] < 30
    assert z_scores["F"] < 0.1 and z_scores["p"] > 0.9
    assert z_scores["den_df"] > 500  # trials are taken for participants


def test_the_weights_of_table_2_do_not_add_up_to_one() -> None:
    """As printed they sum to 1.010 (WAIC) and 1.113 (LOO), beyond rounding; ours sum to one."""
    printed = {"waic": [0.002, 0.013, 0.001, 0.995], "loo": [0.001, 0.127, 0.001, 0.985]}
    largest_rounding = 4 * 0.0005
    for weights in printed.values():
        assert sum(weights) - 0.001 > 1 + largest_rounding  # two of them were printed as "<0.001"
    assert akaike_weights(np.array([4437.2, 4441.4, 4430.0, 4446.9])).sum() == pytest.approx(1)


def test_equal_counts_of_women_are_not_what_a_difference_in_sex_is() -> None:
    """Chi-square of 28, 30, 29 women against equal counts can hardly ever reject with fixed group sizes."""
    rng = np.random.default_rng(3)
    women = rng.binomial(list(SIZES.values()), 87 / 130, (2000, 3))
    fits = [goodness_of_fit(pd.Series(row)).loc[0, "p"] < 0.05 for row in women[:300]]
    assert np.mean(fits) < 0.01
    tables = [
        pd.DataFrame({"women": row, "men": np.array(list(SIZES.values())) - row}) for row in women[:600]
    ]
    rate = np.mean([contingency(table).loc[0, "p"] < 0.05 for table in tables])
    assert 0.02 < rate < 0.085
