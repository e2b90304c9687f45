"""Pareto-smoothed importance sampling: weights whose largest values are replaced by those of a fitted tail.

References
----------
Vehtari, Simpson, Gelman, Yao & Gabry (2024). Pareto smoothed importance sampling. Journal of Machine Learning
Research 25(72), 1-58.
Zhang & Stephens (2009). A new and efficient estimation method for the generalized Pareto distribution.
Technometrics 51, 316-325, doi:10.1198/tech.2009.08017.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

_FEWEST_IN_TAIL = 5


class SmoothedWeights(NamedTuple):
    """Importance weights after smoothing, and how heavy their tails are."""

    log_weights: np.ndarray
    """(n_draws, n_units) normalised: the weights of a unit sum to one."""
    pareto_k: np.ndarray
    """(n_units,) shape of the tail; infinite if it cannot be fitted, -infinite if it is all equal."""


class Pareto(NamedTuple):
    """Generalised Pareto distribution of exceedances: heavier tails with larger ``shape``."""

    shape: float
    scale: float


def smooth_log_weights(log_ratios: np.ndarray, *, relative_efficiency: np.ndarray) -> SmoothedWeights:
    """Normalise importance ratios after replacing the largest by quantiles of a Pareto tail.

    Parameters
    ----------
    log_ratios : numpy.ndarray
        (n_draws, n_units) log of the ratio of the wanted density to the one that was drawn from.
    relative_efficiency : numpy.ndarray
        (n_units,) effective sample size divided by the number of draws; sets how many draws are the tail.

    Examples
    --------
    >>> ratios = np.random.default_rng(1).normal(scale=0.1, size=(1000, 1))
    >>> weights = smooth_log_weights(ratios, relative_efficiency=np.ones(1))
    >>> float(np.exp(weights.log_weights).sum().round(6)), bool(weights.pareto_k[0] < 0.5)
    (1.0, True)
    """
    n_draws, n_units = log_ratios.shape
    log_weights = log_ratios - log_ratios.max(axis=0)
    shapes = np.full(n_units, np.inf)
    tail_lengths = tail_length(n_draws, relative_efficiency)
    for unit in range(n_units):
        if tail_lengths[unit] >= _FEWEST_IN_TAIL:
            log_weights[:, unit], shapes[unit] = _smooth(log_weights[:, unit], tail_lengths[unit])
    log_weights -= log_sum_exp(log_weights)
    return SmoothedWeights(log_weights, shapes)


def tail_length(n_draws: int, relative_efficiency: np.ndarray) -> np.ndarray:
    """How many of the largest weights are smoothed: 3 sqrt(S / r_eff), but at most a fifth of the draws."""
    return np.ceil(np.minimum(0.2 * n_draws, 3 * np.sqrt(n_draws / relative_efficiency))).astype(int)


def log_sum_exp(values: np.ndarray) -> np.ndarray:
    """Logarithm of the sum of exponentials over the first axis, without overflow."""
    highest = values.max(axis=0)
    return highest + np.log(np.exp(values - highest).sum(axis=0))


def fit_pareto(exceedances: np.ndarray) -> Pareto:
    """Fit a generalised Pareto distribution to sorted exceedances of a threshold.

    The posterior mean of Zhang and Stephens on a grid; the shape is then drawn towards 0.5 with the weight of
    ten observations, as Vehtari et al. (2024, appendix G) advise for few of them.

    Parameters
    ----------
    exceedances : numpy.ndarray
        (n,) distances above the threshold, ascending, the last one positive.

    Examples
    --------
    >>> uniform = (np.arange(1, 2001) - 0.5) / 2000
    >>> shape, scale = fit_pareto(2 / 0.3 * ((1 - uniform) ** -0.3 - 1))
    >>> round(shape, 1), round(scale, 1)
    (0.3, 2.0)
    """
    n = len(exceedances)
    n_grid = 30 + int(np.sqrt(n))
    quartile = exceedances[int(n / 4 + 0.5) - 1]
    step = np.sqrt(n_grid / (np.arange(1, n_grid + 1) - 0.5))
    with np.errstate(all="ignore"):  # many equal weights give a quartile of zero: no shape, told below
        theta = 1 / exceedances[-1] + (1 - step) / (3 * quartile)
        shapes = np.log1p(-theta[:, None] * exceedances).mean(axis=1)
        profile = n * (np.log(-theta / shapes) - shapes - 1)
        weights = np.exp(profile - profile.max())
        theta_mean = np.sum(theta * weights) / weights.sum()
        shape = np.log1p(-theta_mean * exceedances).mean()
        scale = -shape / theta_mean
    shape = (shape * n + 0.5 * 10) / (n + 10)
    return Pareto(float(shape) if np.isfinite(shape) else np.inf, float(scale))


def _smooth(log_weights: np.ndarray, length: int) -> tuple[np.ndarray, float]:
    """One unit's log weights (largest 0) with a smoothed tail, never above 0; and the shape of the tail."""
    smoothed = log_weights.copy()
    largest = np.argpartition(log_weights, len(log_weights) - length - 1)[-length - 1 :]
    largest = largest[np.argsort(log_weights[largest], kind="stable")]
    threshold, tail = np.exp(log_weights[largest[0]]), largest[1:]
    if np.ptp(log_weights[tail]) < np.finfo(float).eps:
        return smoothed, -np.inf
    shape, scale = fit_pareto(np.exp(log_weights[tail]) - threshold)
    if np.isfinite(shape):
        above = -np.log1p(-(np.arange(1, length + 1) - 0.5) / length)
        growth = np.expm1(shape * above) / shape if shape != 0 else above
        smoothed[tail] = np.minimum(np.log(threshold + scale * growth), 0)
    return smoothed, shape
