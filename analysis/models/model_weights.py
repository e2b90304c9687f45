"""Weights of models from how well each predicts each unit left out.

References
----------
Yao, Vehtari, Simpson & Gelman (2018). Using stacking to average Bayesian predictive distributions. Bayesian
Analysis 13, 917-1007, doi:10.1214/17-BA1091.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize


def akaike_weights(elpd: np.ndarray) -> np.ndarray:
    """Relative support exp(-IC / 2), IC = -2 elpd, as in Table 2 of Korb et al. (2023); sums to one.

    Takes the sums at face value: a difference of 3 gives 20 to 1, however uncertain it is. See
    `pseudo_bma_plus` for weights that know about this.

    Examples
    --------
    >>> akaike_weights(np.array([-100.0, -101.0, -103.0])).round(3)
    array([0.705, 0.259, 0.035])
    """
    elpd = np.asarray(elpd, dtype=float)
    weights = np.exp(elpd - elpd.max())
    return weights / weights.sum()


def pseudo_bma_plus(
    pointwise: np.ndarray, *, rng: np.random.Generator, n_resamples: int = 4000
) -> np.ndarray:
    """Akaike-type weights, averaged over Bayesian-bootstrap resamples of the units (pseudo-BMA+).

    Parameters
    ----------
    pointwise : numpy.ndarray
        (n_units, n_models) log density of each unit when it was left out.
    rng : numpy.random.Generator
        Draws the resamples; the same generator state gives the same weights.
    n_resamples : int
        Number of resamples.

    Returns
    -------
    numpy.ndarray
        (n_models,) sums to one.

    Examples
    --------
    >>> pointwise = np.random.default_rng(1).normal(size=(100, 2)) * 0.1 + [0.0, -0.01]
    >>> pseudo_bma_plus(pointwise, rng=np.random.default_rng(1)).round(1)
    array([0.7, 0.3])
    """
    pointwise = _checked(pointwise)
    shares = rng.dirichlet(np.ones(len(pointwise)), size=n_resamples)
    sums = len(pointwise) * shares @ pointwise
    weights = np.exp(sums - sums.max(axis=1, keepdims=True))
    return np.mean(weights / weights.sum(axis=1, keepdims=True), axis=0)


def stacking(pointwise: np.ndarray) -> np.ndarray:
    """Weights of the mixture of the models' predictions that predicts the left-out units best.

    Not a probability that a model is true: two models that predict the same share one weight arbitrarily, and
    a model that predicts some units best keeps weight although another one is better on the whole.

    Parameters
    ----------
    pointwise : numpy.ndarray
        (n_units, n_models) log density of each unit when it was left out.

    Returns
    -------
    numpy.ndarray
        (n_models,) sums to one.

    Examples
    --------
    >>> stacking(np.log([[0.9, 0.1], [0.2, 0.8], [0.9, 0.1]])).round(3)
    array([0.847, 0.153])
    """
    pointwise = _checked(pointwise)
    density = np.exp(pointwise - pointwise.max(axis=1, keepdims=True))
    n_models = density.shape[1]

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        mixture = np.maximum(density @ weights, np.finfo(float).tiny)
        return -float(np.mean(np.log(mixture))), -np.mean(density / mixture[:, None], axis=0)

    result = minimize(
        loss,
        np.full(n_models, 1 / n_models),
        jac=True,
        method="SLSQP",
        bounds=[(0, 1)] * n_models,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1, "jac": lambda w: np.ones(n_models)},
        options={"ftol": 1e-12, "maxiter": 500},
    )
    weights = np.clip(result.x, 0, 1)
    return _polished(weights / weights.sum(), density)


def _polished(weights: np.ndarray, density: np.ndarray) -> np.ndarray:
    """Steps of expectation-maximisation, each an improvement, until no model would improve the mixture."""
    for _ in range(500):
        ratios = np.mean(density / np.maximum(density @ weights, np.finfo(float).tiny)[:, None], axis=0)
        if ratios.max() < 1 + 1e-9:
            break
        weights = weights * ratios / np.sum(weights * ratios)
    return weights


def _checked(pointwise: np.ndarray) -> np.ndarray:
    pointwise = np.asarray(pointwise, dtype=float)
    if pointwise.ndim != 2 or pointwise.shape[0] < 2:
        raise ValueError(f"log densities must be (n_units, n_models); their shape is {pointwise.shape}")
    if not np.isfinite(pointwise).all():
        raise ValueError("log densities of left-out units must be finite")
    return pointwise
