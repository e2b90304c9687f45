"""Without an effect, every test of the report finds one in about 5 % of studies; intervals hold the truth.

Minutes long: run with --slow. ``python tests/paper/false_positives.py`` prints the tables of the docs.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.mimicry.model_plan import plan_emg_model
from analysis.models.mixed import fit_mixed
from hardware.simulated import effects as known

from .false_positives import (
    MIDDLE,
    Layout,
    Questions,
    Tally,
    emg_coverage,
    emg_rates,
    exclusion_rates,
    follow_up_rates,
    response_time_rates,
    sample_rates,
    significant,
)

BAND = (3.0, 7.0)
"""Percent of studies in which a test at 5 % may find what is not there."""
CONSERVATIVE = {
    "equivalence of two groups that differ by the default bound": "30 participants are too few for the bound",
    "any pair of groups, corrected (Holm)": "the correction bounds the rate from above",
    "N": "the allocation makes groups of equal size",
}
"""Tests that may find less, and why."""
NO_TESTS = ("fit singular", "fit not certified")


def outside(table: pd.DataFrame, low: float, high: float) -> pd.DataFrame:
    """Return the rows whose rate lies outside of the band by more than its simulation error (99.9 %)."""
    hits = table["percent"] / 100 * table["n"]
    low_end, high_end = (stats.beta.ppf(q, hits + 0.5, table["n"] - hits + 0.5) for q in (0.0005, 0.9995))
    sure_low, sure_high = 100 * low_end, 100 * high_end
    return table[(sure_low > high) | (sure_high < low)]


def judged(table: pd.DataFrame) -> pd.DataFrame:
    """Print a table and return the tests whose rate should lie in the band."""
    print(table.round(1).to_string())
    exempt = table["test"].isin([*CONSERVATIVE, *NO_TESTS]) | table["test"].str.contains("doubtful")
    exempt |= table["what"] == "coverage"
    upper_only = table[table["test"].isin(CONSERVATIVE)]
    assert outside(upper_only, -1.0, BAND[1]).empty
    return table[~exempt]


def pooled(table: pd.DataFrame) -> pd.DataFrame:
    """Put both muscles together."""
    hits = (table["percent"] * table["n"]).groupby(table["test"]).sum()
    n = table["n"].groupby(table["test"]).sum()
    return pd.DataFrame({"test": n.index, "n": n.to_numpy(), "percent": (hits / n).to_numpy()})


@pytest.mark.slow
def test_models_of_the_muscles() -> None:
    table = emg_rates(900)
    tests = judged(table)
    assert outside(tests, *BAND).empty
    both = pooled(tests)
    assert both["percent"].between(*BAND).all(), both[~both["percent"].between(*BAND)]
    assert (table.loc[table["test"] == "fit not certified", "percent"] == 0).all()


@pytest.mark.slow
def test_intervals_of_the_muscles() -> None:
    table = emg_coverage(500)
    print(table.round(1).to_string())
    assert outside(table, 93.0, 97.0).empty
    assert pooled(table)["percent"].between(93.0, 97.0).all()


@pytest.mark.slow
def test_follow_up_and_excluded_trials() -> None:
    for table in (follow_up_rates(400), exclusion_rates(1000)):
        assert outside(judged(table), *BAND).empty


@pytest.mark.slow
def test_response_times() -> None:
    assert outside(judged(response_time_rates(500)), *BAND).empty


@pytest.mark.slow
def test_table_1_and_guesses() -> None:
    table = sample_rates(400)
    assert outside(judged(table), *BAND).empty
    assert outside(table[table["what"] == "coverage"], 93.0, 97.0).empty


def test_all_studies_of_a_layout_have_the_same_rows() -> None:
    layout = Layout.make(6)
    rng = np.random.default_rng(1)
    first, second = (layout.responses(known.none(), rng) for _ in range(2))
    assert len(layout.table) == layout.kept.sum() == len(first["corrugator"])
    assert layout.table.groupby(["participant", "emotion"]).size().min() > 0
    assert layout.table.groupby("group")["participant"].nunique().tolist() == [2, 2, 2]
    assert not np.allclose(first["corrugator"], second["corrugator"])


def test_a_refit_of_a_layout_is_the_model_of_the_report() -> None:
    layout = Layout.make(9)
    responses = layout.responses(known.paper(), np.random.default_rng(3))
    refitted = layout.fit(np.random.default_rng(1).normal(size=len(layout.table))).refit(
        responses["corrugator"]
    )
    plan = plan_emg_model(
        layout.table.assign(emg=responses["corrugator"]),
        time_origin_window=MIDDLE,
        window_s=1.0,
        contrasts="sum",
    )
    fit = fit_mixed(plan.formula, plan.data)
    np.testing.assert_allclose(refitted.anova()["F"], fit.anova()["F"], rtol=1e-3)
    questions = Questions.of(fit, "corrugator")
    slopes = fit.contrasts(questions.weights[[name == "slope, per emotion" for name in questions.names]])
    np.testing.assert_allclose(slopes["p"], fit.slopes("time", ["emotion"])["p"], rtol=1e-6)
    from_one = fit_mixed(plan.formula, plan.data.assign(time=plan.data["time"] + MIDDLE)).anova()
    for term in ("emotion", "group", "emotion:group"):
        found = fit._tests.f_test(questions.terms[f"term {term}, time from 1"])
        np.testing.assert_allclose(found[2:], from_one.loc[term, ["F", "p"]].astype(float), rtol=1e-3)


def test_a_wrong_test_would_be_noticed() -> None:
    """Trials taken for participants: the band is missed by far, and the tally says so."""
    rng, tally = np.random.default_rng(1), Tally()
    for _ in range(100):
        levels = rng.normal(0, 1, 20).repeat(10) + rng.normal(0, 1, 200)
        tally.add(
            "wrong", "t test of trials", significant(stats.ttest_ind(levels[:100], levels[100:]).pvalue)
        )
    table = tally.table()
    assert table.loc[0, "percent"] > 30
    assert len(outside(table, *BAND)) == 1
