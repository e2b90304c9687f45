"""Bayes factors agree with published ones, with closed forms, and with each other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.models.bayes_factors import (
    bayes_factor_of_estimate,
    bic_bayes_factor,
    evidence_words,
    jzs_one_sample,
    jzs_two_sample,
    savage_dickey,
)
from analysis.models.mixed import fit_mixed
from analysis.models.rope import region_of_equivalence

SLEEP = np.array([1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4])
"""R's `sleep`: second drug minus first."""
HORSEBEAN = [179, 160, 136, 227, 217, 168, 108, 124, 143, 140]
LINSEED = [309, 229, 181, 141, 260, 203, 148, 169, 213, 257, 244, 271]
"""R's `chickwts`, two of the feeds."""


def test_jzs_of_the_sleep_data_is_that_of_the_package_bayesfactor() -> None:
    """BayesFactor, ?ttestBF: 17.25888 with r = 0.707."""
    assert jzs_one_sample(stats.ttest_1samp(SLEEP, 0).statistic, 10) == pytest.approx(17.25888, abs=1e-5)


def test_jzs_of_the_chicks_is_that_of_the_package_bayesfactor() -> None:
    """BayesFactor's manual, two-sample example: 5.98 with r = 0.707."""
    t = stats.ttest_ind(HORSEBEAN, LINSEED).statistic
    assert round(jzs_two_sample(t, 10, 12), 2) == 5.98


def test_jzs_of_a_t_value_is_that_of_pingouin() -> None:
    """The documentation of pingouin, bayesfactor_ttest: t = 3.5 with 20 (+ 20) participants, r = 0.707."""
    assert jzs_two_sample(3.5, 20, 20, scale=0.707) == pytest.approx(26.743, abs=1e-3)
    assert jzs_one_sample(3.5, 20, scale=0.707) == pytest.approx(17.185, abs=1e-3)


def test_jzs_is_the_ratio_of_marginal_likelihoods() -> None:
    """Another way to the same number: a Cauchy prior on the noncentrality of t."""
    t, n, scale = 1.3, 25, 0.7
    effects = np.linspace(-12, 12, 20001)
    likelihood = stats.nct.pdf(t, n - 1, effects * np.sqrt(n))
    marginal = np.trapezoid(np.nan_to_num(likelihood) * stats.cauchy.pdf(effects, scale=scale), effects)
    expected = marginal / stats.t.pdf(t, n - 1)
    assert jzs_one_sample(t, n, scale=scale) == pytest.approx(expected, rel=1e-3)


def test_jzs_stays_finite_where_it_can_and_favours_the_null_more_with_more_participants() -> None:
    at_zero = [jzs_one_sample(0.0, n) for n in (5, 50, 500, 50_000)]
    assert at_zero == sorted(at_zero, reverse=True) and at_zero[-1] > 0
    assert jzs_one_sample(25.0, 100) > 1e40
    assert jzs_one_sample(100.0, 100_000) == np.inf
    assert jzs_two_sample(-2.0, 30, 30) == jzs_two_sample(2.0, 30, 30)


def test_an_estimate_with_a_normal_prior_has_a_closed_form() -> None:
    estimate, se, sd = 0.5, 0.2, 1.0
    expected = stats.norm.pdf(estimate, scale=np.hypot(se, sd)) / stats.norm.pdf(estimate, scale=se)
    found = bayes_factor_of_estimate(estimate, se, scale=sd, prior="normal")
    assert found == pytest.approx(expected, rel=1e-8)


def test_an_estimate_is_judged_alike_in_any_unit() -> None:
    here = bayes_factor_of_estimate(0.012, 0.005, 80, scale=0.02)
    assert bayes_factor_of_estimate(12.0, 5.0, 80, scale=20.0) == pytest.approx(here, rel=1e-6)
    assert bayes_factor_of_estimate(0.0, 1e-4, 80, scale=1.0) < 1e-3
    assert bayes_factor_of_estimate(0.5, 1e-3, 80, scale=1.0) > 1e60


@pytest.fixture(scope="module")
def sleepstudy(shared: Path) -> pd.DataFrame:
    return pd.read_csv(shared / "reference" / "sleepstudy.csv")


def test_the_bic_counts_participants(sleepstudy: pd.DataFrame) -> None:
    """R: exp((BIC0 - BIC1) / 2) with lme4's likelihoods and log(18) for the 18 participants."""
    fits = [fit_mixed(f"Reaction ~ {days} + (Days|Subject)", sleepstudy) for days in ("Days", "1")]
    row = bic_bayes_factor(*fits, n=18).iloc[0]
    assert row["formula_0"].startswith("Reaction ~ 1")
    assert (row["n_parameters_0"], row["n_parameters_1"]) == (5, 6)
    np.testing.assert_allclose([row["bic_0"], row["bic_1"]], [1789.92774075, 1769.28157504], atol=1e-5)
    assert row["bf10"] == pytest.approx(30426.915, rel=1e-5) and row["bf01"] == pytest.approx(1 / row["bf10"])
    assert bic_bayes_factor(*fits, n=180).loc[0, "bf10"] == pytest.approx(9621.835, rel=1e-5)


def test_unrelated_models_have_no_bic_bayes_factor(sleepstudy: pd.DataFrame) -> None:
    fit = fit_mixed("Reaction ~ Days + (1|Subject)", sleepstudy)
    with pytest.raises(ValueError, match="equally many"):
        bic_bayes_factor(fit, fit, n=18)
    with pytest.raises(ValueError, match="different observations"):
        bic_bayes_factor(fit, fit_mixed("Reaction ~ 1 + (1|Subject)", sleepstudy.iloc[:-5]), n=18)
    with pytest.raises(ValueError, match="participants"):
        bic_bayes_factor(fit, fit, n=1)


def test_savage_dickey_finds_the_ratio_of_a_normal_posterior() -> None:
    """Normal data with a normal prior: the Bayes factor is known, and its Monte-Carlo error is honest."""
    prior, posterior = stats.norm(0, 0.2), stats.norm(0.03, 0.05)
    expected = posterior.pdf(0) / prior.pdf(0)
    rng = np.random.default_rng(5)
    rows = [
        savage_dickey(posterior.rvs((4, 500), random_state=rng), prior_density=prior.pdf).iloc[0]
        for _ in range(60)
    ]
    logs = np.log([row["bf01"] for row in rows])
    assert np.mean(logs) == pytest.approx(np.log(expected), abs=0.02)
    assert np.mean([row["mcse_log"] for row in rows]) == pytest.approx(np.std(logs), rel=0.35)
    assert all(row["trustworthy"] for row in rows)


def test_savage_dickey_says_when_the_null_is_outside_of_the_draws() -> None:
    draws = np.random.default_rng(1).normal(5, 0.5, (4, 1000))
    row = savage_dickey(draws, prior_density=0.1).iloc[0]
    assert not row["trustworthy"] and row["bf10"] > 100


def test_savage_dickey_refuses_what_it_cannot_use() -> None:
    with pytest.raises(ValueError, match="100 finite draws"):
        savage_dickey(np.zeros(1000), prior_density=1.0)
    with pytest.raises(ValueError, match="no density"):
        savage_dickey(np.random.default_rng(1).normal(size=500), prior_density=stats.uniform(1, 2).pdf)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: jzs_one_sample(np.nan, 10), "finite"),
        (lambda: jzs_one_sample(1.0, 1), "2 participants"),
        (lambda: jzs_two_sample(1.0, 1, 1), "3 participants"),
        (lambda: jzs_two_sample(1.0, 10, 10, scale=0), "positive"),
        (lambda: bayes_factor_of_estimate(0.1, 0.0, scale=1), "positive"),
        (lambda: evidence_words(-1), "zero or positive"),
    ],
)
def test_wrong_input_is_explained(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    ("bf10", "words"),
    [
        (0.0, "extreme evidence for no difference (BF01 = inf)"),
        (0.5, "hardly any evidence for no difference (BF01 = 2)"),
        (12.0, "strong evidence for a difference (BF10 = 12)"),
        (123456.0, "extreme evidence for a difference (BF10 = 1.2e+05)"),
    ],
)
def test_bayes_factors_in_words(bf10: float, words: str) -> None:
    assert evidence_words(bf10) == words


@pytest.mark.parametrize(
    ("mean", "verdict"), [(0.0, "equivalent"), (1.0, "different"), (0.09, "inconclusive")]
)
def test_a_region_of_equivalence_is_judged_by_the_interval(mean: float, verdict: str) -> None:
    draws = np.random.default_rng(2).normal(mean, 0.03, (4, 2000))
    row = region_of_equivalence(draws, lower=-0.1, upper=0.1).iloc[0]
    assert row["verdict"] == verdict
    assert row["in_region"] == pytest.approx(stats.norm(mean, 0.03).cdf(0.1), abs=4 * row["mcse"] + 1e-9)


def test_a_region_needs_rising_bounds_and_draws() -> None:
    draws = np.random.default_rng(2).normal(size=200)
    with pytest.raises(ValueError, match="rise"):
        region_of_equivalence(draws, lower=1, upper=-1)
    with pytest.raises(ValueError, match="100 finite"):
        region_of_equivalence(draws[:50], lower=-1, upper=1)
