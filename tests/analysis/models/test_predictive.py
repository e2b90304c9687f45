"""WAIC, PSIS-LOO and model weights agree with R's loo, and with answers that are known exactly."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from analysis.models.model_weights import akaike_weights, pseudo_bma_plus, stacking
from analysis.models.pareto import fit_pareto, smooth_log_weights
from analysis.models.predictive import psis_loo, relative_efficiency, waic

REFERENCE = json.loads(
    (Path(__file__).parent / "reference" / "comparison_loo.json").read_text(encoding="utf-8")
)
CASES = [(case, model) for case in REFERENCE["cases"] for model in REFERENCE["models"]]


def normals(n: int, seed: int) -> np.ndarray:
    """The generator of make_comparison.R."""
    uniform, x = np.empty(n), seed
    for i in range(n):
        x = 16807 * x % 2147483647
        uniform[i] = x / 2147483647
    return stats.norm.ppf(uniform)


def log_likelihood(case: str, model: str) -> np.ndarray:
    settings, values = REFERENCE["cases"][case]["case"], REFERENCE["models"][model]
    x = normals(REFERENCE["n"], 101)
    y = 0.5 + 0.25 * x + normals(REFERENCE["n"], 202)
    y[0] += settings["outlier"]
    n_chains, n_draws, rho = settings["n_chains"], settings["n_draws"], values["rho"]
    z = normals(4 * n_chains * n_draws, values["seed"]).reshape(n_chains, n_draws, 4)
    for t in range(1, n_draws):
        z[:, t] = rho * z[:, t - 1] + np.sqrt(1 - rho**2) * z[:, t]
    intercept, slope, curvature, log_sd = np.moveaxis(
        np.array(values["centre"]) + np.array(values["spread"]) * z, 2, 0
    )
    mean = intercept[..., None] + slope[..., None] * x + curvature[..., None] * x**2
    return stats.norm.logpdf(y, mean, np.exp(log_sd)[..., None])


@pytest.mark.parametrize(("case", "model"), CASES)
def test_waic_is_that_of_r_loo(case: str, model: str) -> None:
    expected = REFERENCE["cases"][case]["models"][model]
    result = waic(log_likelihood(case, model))
    np.testing.assert_allclose(result.pointwise, expected["waic"], rtol=1e-9)
    np.testing.assert_allclose(result.p_pointwise, expected["p_waic"], rtol=1e-9)
    assert result.se == pytest.approx(expected["se_waic"], rel=1e-9)
    assert result.information_criterion == pytest.approx(-2 * sum(expected["waic"]))


@pytest.mark.parametrize(("case", "model"), CASES)
def test_loo_and_pareto_k_are_those_of_r_loo(case: str, model: str) -> None:
    expected = REFERENCE["cases"][case]["models"][model]
    draws = log_likelihood(case, model)
    result = psis_loo(draws, efficiency=np.array(expected["r_eff"]))
    np.testing.assert_allclose(result.pointwise, expected["loo"], rtol=1e-8)
    np.testing.assert_allclose(result.p_pointwise, expected["p_loo"], rtol=1e-6, atol=1e-10)
    np.testing.assert_allclose(result.pareto_k, expected["k"], rtol=1e-7, atol=1e-9)
    assert result.se == pytest.approx(expected["se_loo"], rel=1e-8)
    independent = psis_loo(draws, efficiency=np.ones(draws.shape[2]))
    np.testing.assert_allclose(independent.pointwise, expected["loo_r1"], rtol=1e-8)
    np.testing.assert_allclose(independent.pareto_k, expected["k_r1"], rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("model", REFERENCE["models"])
def test_own_efficiency_is_near_that_of_r_loo(model: str) -> None:
    """Not equal: R's loo 2.5.1 does not split the chains."""
    expected = REFERENCE["cases"]["long"]["models"][model]
    draws = log_likelihood("long", model)
    np.testing.assert_allclose(relative_efficiency(draws), expected["r_eff"], rtol=0.15)
    assert psis_loo(draws).elpd == pytest.approx(sum(expected["loo"]), abs=0.02)


@pytest.mark.parametrize("case", REFERENCE["cases"])
def test_weights_are_those_of_r_loo(case: str) -> None:
    expected = REFERENCE["cases"][case]
    pointwise = np.column_stack([model["loo"] for model in expected["models"].values()])
    np.testing.assert_allclose(akaike_weights(pointwise.sum(axis=0)), expected["pseudo_bma"], rtol=1e-9)
    plus = pseudo_bma_plus(pointwise, rng=np.random.default_rng(1), n_resamples=100_000)
    np.testing.assert_allclose(plus, expected["pseudo_bma_plus"], atol=0.004)
    np.testing.assert_allclose(stacking(pointwise), expected["stacking"], atol=2e-4)


def test_weights_of_models_that_complement_each_other_are_those_of_r_loo() -> None:
    expected = REFERENCE["weights"]
    n_units, n_models = expected["n_units"], expected["n_models"]
    pointwise = expected["scale"] * normals(n_units * n_models, expected["seed"]).reshape(n_units, n_models)
    plus = pseudo_bma_plus(pointwise, rng=np.random.default_rng(1), n_resamples=100_000)
    np.testing.assert_allclose(plus, expected["pseudo_bma_plus"], atol=0.004)
    np.testing.assert_allclose(stacking(pointwise), expected["stacking"], atol=2e-4)


def exact_and_draws(n_draws: int) -> tuple[np.ndarray, np.ndarray]:
    """Leave-one-out densities of normal data with known variance and a flat prior; log density of draws."""
    rng = np.random.default_rng(8)
    y = rng.normal(size=30)
    mean = rng.normal(y.mean(), 1 / np.sqrt(len(y)), size=(4, n_draws, 1))
    others = (y.sum() - y) / (len(y) - 1)
    exact = stats.norm.logpdf(y, others, np.sqrt(1 + 1 / (len(y) - 1)))
    return exact, stats.norm.logpdf(y, mean, 1)


def test_loo_is_the_exact_one_within_its_monte_carlo_error() -> None:
    exact, draws = exact_and_draws(4000)
    result = psis_loo(draws)
    z = (result.pointwise - exact) / result.mcse_pointwise
    assert np.abs(z).max() < 4
    assert result.elpd == pytest.approx(exact.sum(), abs=0.02)
    assert not result.unreliable.any()


def test_monte_carlo_error_is_the_scatter_over_repetitions() -> None:
    rng = np.random.default_rng(9)
    y = np.array([0.3, -1.0, 2.5])
    results = [psis_loo(stats.norm.logpdf(y, rng.normal(0, 0.4, size=(2, 300, 1)), 1)) for _ in range(200)]
    scatter = np.std([result.pointwise for result in results], axis=0, ddof=1)
    claimed = np.mean([result.mcse_pointwise for result in results], axis=0)
    np.testing.assert_allclose(claimed, scatter, rtol=0.25)


def test_an_influential_unit_is_named() -> None:
    """Ratios exp(Exponential(k)) have a Pareto tail of shape k."""
    shapes = np.array([0.2, 1.2, 0.4])
    draws = -np.random.default_rng(2).exponential(shapes, size=(4, 1000, 3))
    assert psis_loo(draws).unreliable.tolist() == [False, True, False]
    np.testing.assert_allclose(psis_loo(draws).pareto_k, shapes, atol=0.2)
    assert waic(draws).unreliable.tolist() == [False, True, False]


def test_threshold_of_k_is_stricter_for_few_draws() -> None:
    assert psis_loo(log_likelihood("long", "flat")).k_threshold == 0.7
    assert psis_loo(log_likelihood("short", "flat")).k_threshold == pytest.approx(1 - 1 / np.log10(240))


@pytest.mark.parametrize("shape", [0.1, 0.4, 0.7])
def test_pareto_shape_is_recovered(shape: float) -> None:
    exceedances = np.sort(stats.genpareto.rvs(shape, scale=3, size=20_000, random_state=1))
    fitted = fit_pareto(exceedances)
    assert fitted.shape == pytest.approx(shape, abs=0.03)
    assert fitted.scale == pytest.approx(3, rel=0.05)


def test_constant_ratios_have_no_tail_but_equal_weights() -> None:
    result = smooth_log_weights(np.zeros((100, 1)), relative_efficiency=np.ones(1))
    np.testing.assert_allclose(np.exp(result.log_weights), 0.01)
    assert result.pareto_k[0] == -np.inf


def test_weights_survive_extreme_log_ratios() -> None:
    ratios = np.random.default_rng(1).normal(scale=500, size=(1000, 2)) - 1e5
    result = smooth_log_weights(ratios, relative_efficiency=np.ones(2))
    assert np.isfinite(result.log_weights).all()
    np.testing.assert_allclose(np.exp(result.log_weights).sum(axis=0), 1)
    assert (result.pareto_k > 1).all()


def test_stacking_is_at_the_optimum_of_the_simplex() -> None:
    rng = np.random.default_rng(3)
    for n_models in (2, 4, 7):
        pointwise = rng.normal(size=(130, n_models)) * 0.3 - 25
        weights = stacking(pointwise)
        density = np.exp(pointwise + 25)
        gradient = np.mean(density / (density @ weights)[:, None], axis=0)
        assert weights.sum() == pytest.approx(1)
        assert gradient.max() < 1 + 1e-5  # Karush-Kuhn-Tucker: no model would improve the mixture
        np.testing.assert_allclose(gradient[weights > 1e-3], 1, atol=1e-5)


def test_models_that_predict_the_same_share_their_weight() -> None:
    pointwise = np.random.default_rng(4).normal(size=(50, 1)) * np.ones((1, 3))
    np.testing.assert_allclose(akaike_weights(pointwise.sum(axis=0)), 1 / 3)
    np.testing.assert_allclose(pseudo_bma_plus(pointwise, rng=np.random.default_rng(1)), 1 / 3)
    np.testing.assert_allclose(stacking(pointwise), 1 / 3)


def test_one_model_has_all_the_weight() -> None:
    pointwise = np.random.default_rng(5).normal(size=(20, 1))
    assert stacking(pointwise) == pytest.approx([1])
    assert pseudo_bma_plus(pointwise, rng=np.random.default_rng(1)) == pytest.approx([1])


def test_the_same_seed_gives_the_same_weights() -> None:
    pointwise = np.random.default_rng(6).normal(size=(20, 3))
    first, second = (pseudo_bma_plus(pointwise, rng=np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_wrong_input_is_explained() -> None:
    with pytest.raises(ValueError, match=r"\(chain, draw, unit\)"):
        waic(np.zeros((100, 5)))
    with pytest.raises(ValueError, match="two units"):
        psis_loo(np.zeros((4, 100, 1)))
    draws = np.zeros((4, 100, 3))
    draws[0, 0, 0] = -np.inf
    with pytest.raises(ValueError, match="1 log-likelihoods are not finite"):
        psis_loo(draws)
    with pytest.raises(ValueError, match=r"\(n_units, n_models\)"):
        stacking(np.zeros(5))
    with pytest.raises(ValueError, match="finite"):
        stacking(np.full((5, 2), np.nan))
