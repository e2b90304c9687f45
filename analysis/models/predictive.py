"""How well a model predicts what it has not seen: WAIC and leave-one-out from log-likelihoods of its draws.

References
----------
Watanabe (2010). Asymptotic equivalence of Bayes cross validation and widely applicable information criterion.
Journal of Machine Learning Research 11, 3571-3594.
Vehtari, Gelman & Gabry (2017). Practical Bayesian model evaluation using leave-one-out cross-validation and
WAIC. Statistics and Computing 27, 1413-1432, doi:10.1007/s11222-016-9696-4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.models.diagnostics import ess_mean
from analysis.models.pareto import log_sum_exp, smooth_log_weights

_UNITS_AT_ONCE = 256
"""Units that are treated together: bounds the memory."""


@dataclass(frozen=True, kw_only=True)
class PredictiveDensity:
    """Expected log density of new data (elpd), unit by unit; higher is better."""

    pointwise: np.ndarray
    """(n_units,) log density of each unit, predicted from the others."""
    p_pointwise: np.ndarray
    """(n_units,) effective number of parameters that each unit accounts for."""
    mcse_pointwise: np.ndarray
    """(n_units,) Monte-Carlo standard error from the finite number of draws; NaN for WAIC."""
    pareto_k: np.ndarray
    """(n_units,) heaviness of the importance weights' tail (PSIS); NaN for WAIC."""
    n_draws: int
    """Draws over all chains."""

    @property
    def elpd(self) -> float:
        """Sum over the units."""
        return float(self.pointwise.sum())

    @property
    def se(self) -> float:
        """Standard error of `elpd` because the units are a sample."""
        return float(np.sqrt(len(self.pointwise) * np.var(self.pointwise, ddof=1)))

    @property
    def p(self) -> float:
        """Effective number of parameters."""
        return float(self.p_pointwise.sum())

    @property
    def information_criterion(self) -> float:
        """-2 `elpd`: WAIC or LOOIC; lower is better."""
        return -2 * self.elpd

    @property
    def k_threshold(self) -> float:
        """Largest Pareto k that can be trusted: 0.7, or less for fewer than 2 200 draws."""
        return min(1 - 1 / float(np.log10(self.n_draws)), 0.7)

    @property
    def unreliable(self) -> np.ndarray:
        """(n_units,) bool: Pareto k above its threshold, or for WAIC a p above 0.4."""
        if np.isnan(self.pareto_k).all():
            return self.p_pointwise > 0.4
        return ~(self.pareto_k <= self.k_threshold)


def waic(log_likelihood: np.ndarray) -> PredictiveDensity:
    """Widely applicable information criterion.

    Parameters
    ----------
    log_likelihood : numpy.ndarray
        (n_chains, n_draws, n_units) log density of each unit (an observation, or all of a participant's)
        under each draw.

    Notes
    -----
    A unit whose p exceeds 0.4 makes WAIC unreliable (Vehtari et al. 2017, section 2.3): use `psis_loo`.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> y, mean = rng.normal(size=50), rng.normal(scale=0.14, size=(4, 500, 1))
    >>> log_density = -0.5 * (y - mean) ** 2 - 0.5 * np.log(2 * np.pi)
    >>> round(waic(log_density).p, 1)  # one parameter
    0.8
    """
    draws = _checked(log_likelihood)
    n_draws = draws.shape[0] * draws.shape[1]
    pooled = draws.reshape(n_draws, -1)
    p = np.var(pooled, axis=0, ddof=1)
    return PredictiveDensity(
        pointwise=log_sum_exp(pooled) - np.log(n_draws) - p,
        p_pointwise=p,
        mcse_pointwise=np.full(pooled.shape[1], np.nan),
        pareto_k=np.full(pooled.shape[1], np.nan),
        n_draws=n_draws,
    )


def psis_loo(log_likelihood: np.ndarray, *, efficiency: np.ndarray | None = None) -> PredictiveDensity:
    """Leave-one-out cross-validation from one fit, by Pareto-smoothed importance sampling.

    Parameters
    ----------
    log_likelihood : numpy.ndarray
        (n_chains, n_draws, n_units) as for `waic`. What a unit is decides what is left out: observations, or
        whole participants when each column is the log density of all that a participant contributed.
    efficiency : numpy.ndarray, optional
        (n_units,) relative efficiency of the draws; estimated from the chains when not given.

    Notes
    -----
    Units whose `pareto_k` exceeds the threshold of 0.7 are so influential that these draws cannot stand in
    for those of a fit without them: their densities, and differences that rest on them, must not be trusted.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> y, mean = rng.normal(size=50), rng.normal(scale=0.14, size=(4, 500, 1))
    >>> loo = psis_loo(-0.5 * (y - mean) ** 2 - 0.5 * np.log(2 * np.pi))
    >>> round(loo.p, 1), int(loo.unreliable.sum())
    (0.8, 0)
    """
    draws = _checked(log_likelihood)
    if efficiency is None:
        efficiency = relative_efficiency(draws)
    n_draws = draws.shape[0] * draws.shape[1]
    pooled = draws.reshape(n_draws, -1)
    blocks = range(0, pooled.shape[1], _UNITS_AT_ONCE)
    parts = [_loo(pooled[:, i : i + _UNITS_AT_ONCE], efficiency[i : i + _UNITS_AT_ONCE]) for i in blocks]
    pointwise, mcse, pareto_k = (np.concatenate(column) for column in zip(*parts, strict=True))
    return PredictiveDensity(
        pointwise=pointwise,
        p_pointwise=log_sum_exp(pooled) - np.log(n_draws) - pointwise,
        mcse_pointwise=mcse,
        pareto_k=pareto_k,
        n_draws=n_draws,
    )


def relative_efficiency(log_likelihood: np.ndarray) -> np.ndarray:
    """Effective sample size of each unit's density, divided by the number of draws; 1 if it is constant."""
    densities = np.exp(log_likelihood - log_likelihood.max(axis=(0, 1)))
    ratio = ess_mean(densities) / (log_likelihood.shape[0] * log_likelihood.shape[1])
    return np.where(np.isfinite(ratio), ratio, 1.0)


def _loo(pooled: np.ndarray, efficiency: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log density, its Monte-Carlo error (log-normal) and Pareto k of each left-out unit."""
    log_weights, pareto_k = smooth_log_weights(-pooled, relative_efficiency=efficiency)
    density = log_sum_exp(pooled + log_weights)
    squares = (np.exp(log_weights) * np.expm1(pooled - density)) ** 2
    return density, np.sqrt(np.log1p(squares.sum(axis=0) / efficiency)), pareto_k


def _checked(log_likelihood: np.ndarray) -> np.ndarray:
    draws = np.asarray(log_likelihood, dtype=float)
    if draws.ndim != 3 or draws.shape[2] < 2:
        raise ValueError(
            "a log-likelihood must have the dimensions (chain, draw, unit) with two units or more; "
            f"its shape is {draws.shape}"
        )
    if not np.isfinite(draws).all():
        raise ValueError(
            f"{int((~np.isfinite(draws)).sum())} log-likelihoods are not finite: leave out the units without "
            "data, and see whether the sampler diverged"
        )
    return draws
