"""Tests of a handful of animals, rank tests, and permutations."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from analysis.models.nonparametric import dunnett, mann_whitney, wilcoxon_one_sample
from analysis.models.permutation import largest_of_family, sequential_test, sign_flip_p, two_group_p
from analysis.models.small_samples import one_sample, two_samples

RNG = np.random.default_rng(1)
FIRST, SECOND = RNG.normal(0.8, 1, 9), RNG.normal(0, 1.4, 7)


def test_one_sample_is_the_t_test() -> None:
    theirs = stats.ttest_1samp(FIRST, 0.1)
    ours = one_sample(np.append(FIRST, np.nan), against=0.1)
    assert ours["p"] == pytest.approx(theirs.pvalue)
    assert [ours["lower"] + 0.1, ours["upper"] + 0.1] == pytest.approx(list(theirs.confidence_interval()))
    assert ours["n"] == 9
    exact = stats.permutation_test((FIRST - 0.1,), np.mean, permutation_type="samples")
    assert ours["p_exact"] == pytest.approx(exact.pvalue)


def test_two_samples_is_welchs_test() -> None:
    theirs = stats.ttest_ind(FIRST, SECOND, equal_var=False)
    ours = two_samples(FIRST, SECOND)
    assert ours["p"] == pytest.approx(theirs.pvalue)
    assert ours["df"] == pytest.approx(theirs.df)
    exact = stats.permutation_test((FIRST, SECOND), lambda a, b: a.mean() - b.mean(), n_resamples=20000)
    assert ours["p_exact"] == pytest.approx(exact.pvalue, abs=0.005)
    pooled = np.sqrt((8 * FIRST.var(ddof=1) + 6 * SECOND.var(ddof=1)) / 14)
    assert ours["effect_size"] == pytest.approx((FIRST.mean() - SECOND.mean()) / pooled * (1 - 3 / 55))


def test_intervals_of_effect_sizes_cover() -> None:
    rng = np.random.default_rng(2)
    found = [one_sample(rng.normal(0.6, 1, 9)) for _ in range(300)]
    inside = [row["effect_lower"] <= 0.6 * (1 - 3 / 31) <= row["effect_upper"] for row in found]
    assert 0.91 < np.mean(inside) < 0.985


def test_values_that_do_not_vary() -> None:
    assert one_sample(np.zeros(4))["p"] == 1
    same = one_sample(np.full(4, 0.5))
    assert same["p"] == 0
    assert same["p_exact"] == 2 / 16
    assert np.isnan(same["effect_lower"])
    with pytest.raises(ValueError, match="two animals at least, found 1"):
        one_sample(np.array([1.0, np.nan]))


def test_rank_tests_are_scipys() -> None:
    ours = mann_whitney(FIRST, np.append(SECOND, np.nan))
    assert ours["p"] == stats.mannwhitneyu(FIRST, SECOND).pvalue
    assert -1 <= ours["rank_biserial"] <= 1
    assert wilcoxon_one_sample(FIRST, against=0.2)["p"] == stats.wilcoxon(FIRST - 0.2).pvalue
    assert wilcoxon_one_sample(np.full(4, 0.2), against=0.2)["p"] == 1
    with pytest.raises(ValueError, match="both groups need values, found 9 and 0"):
        mann_whitney(FIRST, np.array([]))


def test_dunnett_is_the_example_of_the_paper() -> None:
    # Dunnett (1955), blood counts: control 8.25, drug A 8.90, drug B 10.88
    groups = {
        "control": [7.40, 8.50, 7.20, 8.24, 9.84, 8.32],
        "A": [9.76, 8.80, 7.68, 9.36],
        "B": [12.80, 9.68, 12.16, 9.20, 10.55],
    }
    found = dunnett({name: np.array(values) for name, values in groups.items()}, control="control")
    assert found.loc["A", "estimate"] == pytest.approx(0.65)
    assert found.loc["A", "p"] > 0.5
    assert found.loc["B", "p"] < 0.01
    assert found.loc["A", "lower"] < 0 < found.loc["A", "upper"]
    with pytest.raises(ValueError, match="no group 'none'"):
        dunnett({"a": FIRST, "b": SECOND}, control="none")
    with pytest.raises(ValueError, match="too small: b"):
        dunnett({"a": FIRST, "b": SECOND[:1]}, control="a")


def test_flips_and_exchanges_by_chance_agree_with_all_of_them() -> None:
    many = np.random.default_rng(3).normal(0.4, 1, 20)
    drawn = sign_flip_p(many, rng=np.random.default_rng(1), n_flips=20_000)
    assert drawn == pytest.approx(one_sample(many)["p"], abs=0.02)
    with pytest.raises(ValueError, match="give rng"):
        sign_flip_p(many)
    drawn = two_group_p(many, many + 0.5, rng=np.random.default_rng(1))
    assert drawn == pytest.approx(stats.ttest_ind(many, many + 0.5).pvalue, abs=0.03)


@pytest.mark.parametrize("stop_after", [None, 3, 10])
def test_p_values_are_valid_with_and_without_stopping(stop_after: int | None) -> None:
    rng = np.random.default_rng(4)
    p = np.array(
        [
            sequential_test(
                rng.normal(), iter(rng.normal(size=99)), n_permutations=99, stop_after=stop_after
            ).p
            for _ in range(2000)
        ]
    )
    for alpha in (0.02, 0.05, 0.1, 0.5):
        assert np.mean(p <= alpha) < alpha + 3 * np.sqrt(alpha / 2000)
    assert np.mean(p <= 0.05) > 0.03


def test_no_more_shuffles_are_made_than_needed() -> None:
    asked = []

    def shuffles() -> object:
        for number in range(1000):
            asked.append(number)
            yield 1.0

    found = sequential_test(0.0, shuffles(), n_permutations=1000, stop_after=5)
    assert (found.n_permutations, len(asked), found.stopped_early, found.p) == (5, 5, True, 1.0)
    with pytest.raises(ValueError, match="10 shuffles were asked for, 2 came"):
        sequential_test(0.0, [1.0, 2.0], n_permutations=10)
    with pytest.raises(ValueError, match="nothing to test"):
        sequential_test(np.nan, [1.0], n_permutations=1)


def test_the_largest_of_a_family_is_at_least_as_strict() -> None:
    rng = np.random.default_rng(5)
    permuted = rng.normal(size=(199, 4))
    observed = np.array([0.0, 1.0, 2.0, 3.5])
    adjusted = largest_of_family(observed, permuted)
    each = (1 + (permuted >= observed).sum(axis=0)) / 200
    assert (adjusted >= each).all()
    assert adjusted[3] < 0.05
