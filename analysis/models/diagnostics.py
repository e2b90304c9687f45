"""Whether Markov chains can be trusted, and how exactly a posterior is known from them.

All functions take draws of shape ``(n_chains, n_draws, ...)`` and work on every trailing dimension at once.
They return NaN where draws are not finite or do not vary, as nothing can be said there.

References
----------
Vehtari, Gelman, Simpson, Carpenter & Bürkner (2021). Rank-normalization, folding, and localization: an
improved R-hat. Bayesian Analysis 16, 667-718, doi:10.1214/20-BA1221. (Chains whose R-hat exceeds 1.01, or
whose effective sample size is below 100 per chain, should not be used.)
Betancourt (2016). Diagnosing suboptimal cotangent disintegrations in Hamiltonian Monte Carlo,
arXiv:1604.00695.
Kenney & Keeping (1951). Mathematics of statistics, part 2, p. 141: variance of a standard deviation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy import fft, special, stats

_COLUMNS_AT_ONCE = 512
"""Parameters that are treated together: bounds the memory of the autocovariances."""


class Interval(NamedTuple):
    """Lower and upper end of an interval; arrays of the shape of one draw."""

    lower: np.ndarray
    upper: np.ndarray


def rhat(draws: np.ndarray) -> np.ndarray:
    """Potential scale reduction of split, rank-normalised chains: near 1 when the chains agree.

    The larger of two values: one that is sensitive to chains in different places (bulk), one that is
    sensitive to chains of different spread (folded around the median).

    Parameters
    ----------
    draws : numpy.ndarray
        (n_chains, n_draws, ...); at least 4 draws. One chain is compared with itself, half against half.

    Returns
    -------
    numpy.ndarray
        (...).

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> chains = rng.normal(size=(4, 1000))
    >>> rhat(chains).round(2)
    np.float64(1.0)
    >>> rhat(chains + np.arange(4)[:, None]).round(1)
    np.float64(1.5)
    """
    return _by_columns(draws, _rhat)


def ess_bulk(draws: np.ndarray) -> np.ndarray:
    """Effective sample size for the middle of the distribution (mean, median), after rank-normalisation.

    How many independent draws would know the posterior's location as well; shapes as in `rhat`.
    """
    return _by_columns(draws, lambda columns: _ess(_normal_scores(_split(columns))))


def ess_tail(draws: np.ndarray, *, probability: float = 0.9) -> np.ndarray:
    """Effective sample size of the ends of the central interval of this probability: the smaller of the two.

    Says how far a 90 % interval (or the extremes of a 95 % one) can be trusted.
    """
    _check_probability(probability)
    tail = (1 - probability) / 2
    return _by_columns(draws, lambda x: np.minimum(_ess_quantile(x, tail), _ess_quantile(x, 1 - tail)))


def ess_mean(draws: np.ndarray) -> np.ndarray:
    """Effective sample size for the mean, without rank-normalisation: the one a standard error needs."""
    return _by_columns(draws, lambda columns: _ess(_split(columns)))


def mcse_mean(draws: np.ndarray) -> np.ndarray:
    """Monte-Carlo standard error of the posterior mean, in the units of the draws.

    Examples
    --------
    >>> draws = np.random.default_rng(1).normal(scale=3, size=(4, 1000))
    >>> mcse_mean(draws).round(3)  # about 3 / sqrt(4000)
    np.float64(0.047)
    """
    return _by_columns(draws, lambda x: x.std(axis=(0, 1), ddof=1) / np.sqrt(_ess(_split(x))))


def mcse_sd(draws: np.ndarray) -> np.ndarray:
    """Monte-Carlo standard error of the posterior standard deviation, in the units of the draws.

    From the variance of the squared deviations and their own effective sample size.
    """
    return _by_columns(draws, _mcse_sd)


def mcse_quantile(draws: np.ndarray, *, probability: float) -> np.ndarray:
    """Monte-Carlo standard error of a posterior quantile, in the units of the draws.

    Half the width of the interval between those order statistics that enclose the quantile as a normal
    standard error would (probability .68), given the effective sample size at this quantile.
    """
    _check_probability(probability)
    return _by_columns(draws, lambda columns: _mcse_quantile(columns, probability))


def ebfmi(energy: np.ndarray) -> np.ndarray:
    """Fraction of missing information of the energy of Hamiltonian chains (Betancourt 2016), per chain.

    Below 0.3 the sampler cannot reach the tails: its intervals are too short and the model needs another
    parametrisation or stronger priors.

    Parameters
    ----------
    energy : numpy.ndarray
        (n_chains, n_draws) Hamiltonian at each draw.

    Returns
    -------
    numpy.ndarray
        (n_chains,).
    """
    energy = np.asarray(energy, dtype=float)
    if energy.ndim != 2 or energy.shape[1] < 3:
        raise ValueError(
            f"energy must be (n_chains, n_draws) with 3 draws or more; its shape is {energy.shape}"
        )
    deviations = energy - energy.mean(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.sum(np.diff(energy, axis=1) ** 2, axis=1) / np.sum(deviations**2, axis=1)


def hdi(draws: np.ndarray, *, probability: float = 0.95) -> Interval:
    """Shortest interval that holds this share of the draws (highest density, for one hump).

    Parameters
    ----------
    draws : numpy.ndarray
        (n_chains, n_draws, ...).
    probability : float
        Share of draws inside.

    Returns
    -------
    Interval
        lower and upper, each (...).

    Examples
    --------
    >>> draws = np.random.default_rng(1).exponential(size=(4, 5000))
    >>> lower, upper = hdi(draws)
    >>> bool(lower < 0.01), upper.round(1)
    (True, np.float64(3.0))
    """
    _check_probability(probability)
    draws = _checked(draws)
    ordered = np.sort(draws.reshape(-1, *draws.shape[2:]), axis=0)
    step = int(np.floor(probability * len(ordered)))
    width = ordered[step:] - ordered[: len(ordered) - step]
    start = np.argmin(width, axis=0)[None]
    lower = np.take_along_axis(ordered, start, axis=0)[0]
    upper = np.take_along_axis(ordered, start + step, axis=0)[0]
    known = np.isfinite(draws).all(axis=(0, 1))
    return Interval(np.where(known, lower, np.nan)[()], np.where(known, upper, np.nan)[()])


def _checked(draws: np.ndarray) -> np.ndarray:
    draws = np.asarray(draws, dtype=float)
    if draws.ndim < 2 or draws.shape[0] == 0:
        raise ValueError(f"draws must have the dimensions (chain, draw, ...); their shape is {draws.shape}")
    if draws.shape[1] < 4:
        raise ValueError(f"at least 4 draws per chain are needed to judge chains; there are {draws.shape[1]}")
    return draws


def _check_probability(probability: float) -> None:
    if not 0 < probability < 1:
        raise ValueError(f"a probability must lie between 0 and 1 (.95, not 95); it is {probability}")


def _by_columns(draws: np.ndarray, function: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Apply a function of (chain, draw, parameter) arrays to all trailing dimensions, in bounded memory."""
    draws = _checked(draws)
    columns = draws.reshape(*draws.shape[:2], -1)
    usable = np.isfinite(columns).all(axis=(0, 1))
    usable[usable] = ~_constant(columns[:, :, usable])
    chosen = np.flatnonzero(usable)
    result = np.full(columns.shape[2], np.nan)
    for start in range(0, len(chosen), _COLUMNS_AT_ONCE):
        block = chosen[start : start + _COLUMNS_AT_ONCE]
        with np.errstate(divide="ignore", invalid="ignore"):
            result[block] = function(columns[:, :, block])
    return result.reshape(draws.shape[2:])[()]


def _constant(columns: np.ndarray) -> np.ndarray:
    low, high = columns.min(axis=(0, 1)), columns.max(axis=(0, 1))
    return high - low <= 4 * np.finfo(float).eps * np.maximum(np.abs(low), np.abs(high))


def _split(columns: np.ndarray) -> np.ndarray:
    """Halves of the chains as chains of their own; a middle draw of an odd number is left out."""
    half = columns.shape[1] // 2
    return np.concatenate([columns[:, :half], columns[:, -half:]])


def _normal_scores(columns: np.ndarray) -> np.ndarray:
    """Normal quantiles of the ranks over all chains (Blom's offset); ties share their rank."""
    n = columns.shape[0] * columns.shape[1]
    ranks = stats.rankdata(columns.reshape(n, -1), axis=0)
    return special.ndtri((ranks - 3 / 8) / (n + 1 / 4)).reshape(columns.shape)


def _rhat(columns: np.ndarray) -> np.ndarray:
    chains = _split(columns)
    folded = np.abs(chains - np.median(chains, axis=(0, 1)))
    return np.fmax(_scale_reduction(_normal_scores(chains)), _scale_reduction(_normal_scores(folded)))


def _scale_reduction(chains: np.ndarray) -> np.ndarray:
    n_draws = chains.shape[1]
    between = n_draws * chains.mean(axis=1).var(axis=0, ddof=1)
    within = chains.var(axis=1, ddof=1).mean(axis=0)
    return np.sqrt((between / within + n_draws - 1) / n_draws)


def _ess(chains: np.ndarray) -> np.ndarray:
    """Effective sample size of chains that were split already: Geyer's initial monotone sequence."""
    n_chains, n_draws, _ = chains.shape
    covariance = _autocovariance(chains).mean(axis=0)
    within = covariance[0] * n_draws / (n_draws - 1)
    total = covariance[0] + chains.mean(axis=1).var(axis=0, ddof=1)
    correlation = 1 - (within - covariance) / total
    correlation[0] = 1
    tau = _autocorrelation_time(correlation)
    n = n_chains * n_draws
    return np.where(_constant(chains), np.nan, n / np.maximum(tau, 1 / np.log10(n)))


def _autocovariance(chains: np.ndarray) -> np.ndarray:
    """Autocovariance of each chain at every lag (divided by the number of draws): (chain, lag, parameter)."""
    n_draws = chains.shape[1]
    length = fft.next_fast_len(2 * n_draws, real=True)
    spectrum = fft.rfft(chains - chains.mean(axis=1, keepdims=True), n=length, axis=1)
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    return fft.irfft(power, n=length, axis=1)[:, :n_draws] / n_draws


def _autocorrelation_time(correlation: np.ndarray) -> np.ndarray:
    """Sum of the autocorrelations over positive, decreasing pairs of lags, then one half-pair."""
    n_draws, n_columns = correlation.shape
    n_pairs = max((n_draws - 1) // 2, 1)
    even, odd = correlation[0 : 2 * n_pairs : 2], correlation[1 : 2 * n_pairs : 2]
    pairs = even + odd
    ended = pairs <= 0
    last = np.where(ended.any(axis=0), ended.argmax(axis=0), n_pairs - 1)
    kept = np.arange(n_pairs)[:, None] < last
    monotone = np.minimum.accumulate(np.where(kept, pairs, np.inf), axis=0)
    remainder = np.maximum(even[last, np.arange(n_columns)], 0)
    return -1 + 2 * np.where(kept, monotone, 0).sum(axis=0) + remainder


def _ess_quantile(columns: np.ndarray, probability: float) -> np.ndarray:
    below = columns <= np.quantile(columns, probability, axis=(0, 1))
    return _ess(_split(below.astype(float)))


def _mcse_sd(columns: np.ndarray) -> np.ndarray:
    squares = (columns - columns.mean(axis=(0, 1))) ** 2
    variance = squares.mean(axis=(0, 1))
    variance_of_variance = (np.mean(squares**2, axis=(0, 1)) - variance**2) / _ess(_split(squares))
    return np.sqrt(variance_of_variance / variance / 4)


def _mcse_quantile(columns: np.ndarray, probability: float) -> np.ndarray:
    ess = _ess_quantile(columns, probability)
    ordered = np.sort(columns.reshape(-1, columns.shape[2]), axis=0)
    n = len(ordered)
    normal = special.ndtr([[-1.0], [1.0]])
    place = special.betaincinv(ess * probability + 1, ess * (1 - probability) + 1, normal) * n - 1
    known = np.isfinite(ess)
    place = np.where(known, place, 0)
    low = np.maximum(np.floor(place[0]), 0).astype(int)
    high = np.minimum(np.ceil(place[1]), n - 1).astype(int)
    parameter = np.arange(columns.shape[2])
    return np.where(known, (ordered[high, parameter] - ordered[low, parameter]) / 2, np.nan)
