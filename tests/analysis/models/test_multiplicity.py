"""Adjusted p values against what is known exactly."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from analysis.models.multiplicity import adjusted_p, critical_values

DF = np.full(3, 28.0)


def pairs(n_means: int) -> np.ndarray:
    one = np.eye(n_means)
    differences = np.array([one[i] - one[j] for i, j in combinations(range(n_means), 2)])
    return differences @ differences.T / 2


@pytest.mark.parametrize(("n_means", "within"), [(2, 1e-9), (3, 1e-6), (4, 5e-4), (6, 5e-3)])
def test_mvt_of_all_pairs_is_tukey(n_means: int, within: float) -> None:
    correlation = pairs(n_means)
    t = np.linspace(0.5, 6, len(correlation))
    df = np.full(len(t), 17.3)
    mvt = adjusted_p(t, df, "mvt", n_means=n_means, correlation=correlation)
    tukey = adjusted_p(t, df, "tukey", n_means=n_means, correlation=correlation)
    np.testing.assert_allclose(mvt, tukey, rtol=within)


@pytest.mark.parametrize("adjust", ["none", "bonferroni", "sidak", "tukey", "mvt"])
def test_limits_exclude_zero_exactly_where_p_is_small(adjust: str) -> None:
    critical = critical_values(DF, adjust, level=0.95, n_means=3, correlation=pairs(3))
    np.testing.assert_allclose(
        adjusted_p(critical[:1].repeat(3), DF, adjust, n_means=3, correlation=pairs(3)), 0.05, rtol=1e-5
    )


def test_dunnett_is_that_of_scipy() -> None:
    rng = np.random.default_rng(4)
    groups = [rng.normal(mean, 1, 12) for mean in (0, 0.6, 1.1, 0.2)]
    expected = stats.dunnett(*groups[1:], control=groups[0], rng=np.random.default_rng(1))
    pooled = np.sqrt(np.mean([group.var(ddof=1) for group in groups]))
    t = np.array([(group.mean() - groups[0].mean()) / (pooled * np.sqrt(2 / 12)) for group in groups[1:]])
    correlation = np.full((3, 3), 0.5) + 0.5 * np.eye(3)
    actual = adjusted_p(t, np.full(3, 44.0), "mvt", n_means=4, correlation=correlation)
    np.testing.assert_allclose(actual, expected.pvalue, atol=3e-4)


def test_independent_contrasts_are_sidak_for_normal_values() -> None:
    t, df = np.array([2.0, 1.0, 3.0]), np.full(3, np.inf)
    mvt = adjusted_p(t, df, "mvt", n_means=3, correlation=np.eye(3))
    sidak = adjusted_p(t, df, "sidak", n_means=3, correlation=np.eye(3))
    np.testing.assert_allclose(mvt, sidak, rtol=1e-3)


def test_step_procedures_are_monotone_and_at_most_one() -> None:
    t = np.array([0.1, 2.5, 2.4, 0.2])
    df = np.full(4, 20.0)
    for adjust in ("holm", "BH"):
        p = adjusted_p(t, df, adjust, n_means=4, correlation=np.eye(4))
        assert (p <= 1).all()
        assert (np.diff(p[np.argsort(-t)]) >= 0).all()


def test_contrasts_that_cannot_be_estimated_do_not_count() -> None:
    t, df = np.array([2.0, np.nan, 1.0]), np.array([20.0, np.nan, 20.0])
    p = adjusted_p(t, df, "bonferroni", n_means=3, correlation=np.full((3, 3), np.nan))
    np.testing.assert_allclose(p, np.minimum(1, 2 * 2 * stats.t.sf(t, df)))
    assert np.isnan(critical_values(df, "mvt", level=0.9, n_means=3, correlation=np.eye(3))).tolist() == [
        False,
        True,
        False,
    ]
    nothing = np.full(2, np.nan)
    assert np.isnan(adjusted_p(nothing, nothing, "mvt", n_means=2, correlation=np.eye(2))).all()
    assert np.isnan(critical_values(nothing, "tukey", level=0.9, n_means=2, correlation=np.eye(2))).all()


def test_a_single_contrast_is_not_adjusted() -> None:
    for adjust in ("holm", "tukey", "mvt", "sidak"):
        p = adjusted_p(np.array([2.0]), np.array([9.0]), adjust, n_means=2, correlation=np.eye(1))
        assert p == pytest.approx(2 * stats.t.sf(2.0, 9.0))
