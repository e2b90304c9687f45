"""The asymptotic regression's likelihood, with the subject effects of asymptote and start integrated out.

The curve of a subject in a cell is ``a - (a - b) w(t)`` with ``w(t) = exp(-exp(c) (t - 1))``. Given the rate
c it is linear in the asymptote a and the start b. So their normal subject effects can be integrated out
exactly, and drawn exactly afterwards; the groups' asymptotes with their normal prior, too. The cost is that
of one matrix per subject with twice as many rows as there are cells, whatever the number of trials.

Functions take numpy arrays, with leading dimensions of draws as wanted; those with an argument ``xp`` also
take arrays of jax (``xp=jax.numpy``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np

from analysis.models.asymptotic_data import FIRST_TIME, AsymptoticData

Formula = Literal["from_baseline", "printed"]

HALF_LOG_TWO_PI = 0.5 * float(np.log(2 * np.pi))


class CellStatistics(NamedTuple):
    """What the likelihood needs of the data; (n_subjects, n_cells, n_times) each, `time` (n_times,)."""

    mean: Any
    n: Any
    ss: Any
    n_values: Any
    log_weight: Any
    time: Any

    @classmethod
    def of(cls, data: AsymptoticData) -> CellStatistics:
        """Take the arrays of reduced data."""
        return cls(data.mean, data.n, data.ss, data.n_values, data.log_weight, data.time)


def start_weight(c: Any, time: Any, *, formula: Formula = "from_baseline", xp: Any = np) -> Any:
    """Weight w of the start b in the curve ``a - (a - b) w``.

    Parameters
    ----------
    c : array
        (...) logarithm of the rate per unit of time.
    time : array
        (n_times,).
    formula : {"from_baseline", "printed"}
        ``exp(-exp(c) (t - 1))``, which is 1 at the first time; or ``exp(-exp(c) t - 1)`` as the equation of
        Korb et al. (2023) is printed.
    xp : module
        numpy or jax.numpy.

    Returns
    -------
    array
        (..., n_times).

    Examples
    --------
    >>> start_weight(np.array(0.0), np.array([1.0, 2.0])).round(3)
    array([1.   , 0.368])
    """
    rate = xp.exp(c)[..., None]
    if formula == "printed":
        return xp.exp(-rate * time - 1)
    return xp.exp(-rate * (time - FIRST_TIME))


class _Given(NamedTuple):
    """Normal distribution of a subject's standardised effects of a and b, given the rates."""

    root: Any
    """(..., 2 n_cells, 2 n_cells) lower Cholesky factor of their precision."""
    half: Any
    """(..., 2 n_cells) root^-1 (information), so that their mean is root'^-1 half."""
    quadratic: Any
    """(...) weighted sum of squares about the curve without effects."""
    rise_rise: Any
    """(..., n_cells) weighted sums over the times: of (1 - w)^2, (1 - w) w and (1 - w) times the residual."""
    rise_start: Any
    rise_residual: Any


class Collapsed(NamedTuple):
    """Likelihood without the asymptotes of the groups, and their distribution given all else."""

    log_likelihood: Any
    """() log density of all data, the groups' asymptotes integrated over their prior."""
    mean: Any
    """(n_groups, n_cells) mean of the asymptotes given the data and the other parameters."""
    root: Any
    """(n_groups, n_cells, n_cells) lower Cholesky factor of their precision."""


def marginal_log_likelihood(
    statistics: CellStatistics,
    *,
    a: Any,
    c: Any,
    factor_a: Any,
    factor_b: Any,
    sigma: Any,
    formula: Formula = "from_baseline",
    xp: Any = np,
    solve_lower: Callable[[Any, Any], Any] = np.linalg.solve,
) -> Any:
    """Log density of each subject's data given its rates; the effects of a and b are integrated out.

    Parameters
    ----------
    statistics : CellStatistics
        Data.
    a : array
        (..., n_subjects, n_cells) asymptotes without subject effects.
    c : array
        (..., n_subjects, n_cells) log rates of the subjects, effects included.
    factor_a, factor_b : array
        (..., n_cells, n_cells) lower Cholesky factors of the covariances of the subject effects.
    sigma : array
        (...) residual standard deviation of one value.
    formula : {"from_baseline", "printed"}
        See `start_weight`.
    xp, solve_lower : module, function
        numpy or jax.numpy, and the solution of lower triangular systems (matrix, right-hand sides).

    Returns
    -------
    array
        (..., n_subjects), in nats.
    """
    given = _effects(statistics, a, c, factor_a, factor_b, sigma, formula, xp, solve_lower)
    return _log_density(statistics, given, sigma, xp)


def collapsed_log_likelihood(
    statistics: CellStatistics,
    *,
    members: Any,
    a_mean: float,
    a_sd: float,
    c: Any,
    factor_a: Any,
    factor_b: Any,
    sigma: Any,
    formula: Formula = "from_baseline",
    xp: Any = np,
    solve_lower: Callable[[Any, Any], Any] = np.linalg.solve,
) -> Collapsed:
    """Log density of all data given the rates, with the asymptotes of the groups integrated out too.

    Parameters
    ----------
    members : array
        (n_subjects, n_groups) 1 where a subject belongs to a group, else 0; one column if all share them.
    a_mean, a_sd : float
        Normal prior of each asymptote.
    statistics, c, factor_a, factor_b, sigma, formula, xp, solve_lower
        As for `marginal_log_likelihood`, without leading dimensions.

    Returns
    -------
    Collapsed
    """
    given = _effects(
        statistics, xp.full_like(c, a_mean), c, factor_a, factor_b, sigma, formula, xp, solve_lower
    )
    on_a = xp.swapaxes(factor_a, -1, -2) * given.rise_rise[:, None, :]
    on_b = xp.swapaxes(factor_b, -1, -2) * given.rise_start[:, None, :]
    loading = solve_lower(given.root, xp.concatenate([on_a, on_b], -2))
    n_cells = c.shape[-1]
    precision = given.rise_rise[:, :, None] * xp.eye(n_cells) - xp.swapaxes(loading, -1, -2) @ loading
    information = given.rise_residual - xp.einsum("srk,sr->sk", loading, given.half)
    of_groups = xp.einsum("sg,skl->gkl", members, precision)
    root = xp.linalg.cholesky(of_groups + xp.eye(n_cells) / a_sd**2)
    half = solve_lower(root, (members.T @ information)[..., None])
    shift = xp.linalg.solve(xp.swapaxes(root, -1, -2), half)[..., 0]
    log_root = xp.sum(xp.log(a_sd * xp.diagonal(root, axis1=-2, axis2=-1)))
    total = xp.sum(_log_density(statistics, given, sigma, xp)) + 0.5 * xp.sum(half**2) - log_root
    return Collapsed(total, a_mean + shift, root)


def _log_density(statistics: CellStatistics, given: _Given, sigma: Any, xp: Any) -> Any:
    sigma = xp.asarray(sigma)[..., None]
    log_root = xp.sum(xp.log(xp.diagonal(given.root, axis1=-2, axis2=-1)), -1)
    count = xp.sum(statistics.n_values, (-1, -2))
    spread = xp.sum(statistics.ss, (-1, -2)) / sigma**2
    constant = xp.sum(statistics.log_weight, (-1, -2)) - count * (HALF_LOG_TWO_PI + xp.log(sigma))
    return constant - 0.5 * (given.quadratic + spread) + 0.5 * xp.sum(given.half**2, -1) - log_root


def draw_subject_effects(
    statistics: CellStatistics,
    *,
    a: np.ndarray,
    c: np.ndarray,
    factor_a: np.ndarray,
    factor_b: np.ndarray,
    sigma: np.ndarray,
    formula: Formula = "from_baseline",
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw the subject effects of a and b from their distribution given the data and all other parameters.

    Arguments as in `marginal_log_likelihood`, as numpy arrays.

    Returns
    -------
    tuple of numpy.ndarray
        Effects of a and of b, (..., n_subjects, n_cells) each; to be added to `a` and to 0.
    """
    given = _effects(statistics, a, c, factor_a, factor_b, sigma, formula, np, np.linalg.solve)
    noise = rng.standard_normal(given.half.shape)
    standard = np.linalg.solve(np.swapaxes(given.root, -1, -2), (given.half + noise)[..., None])[..., 0]
    n_cells = standard.shape[-1] // 2
    effect_a = np.einsum("...jk,...sk->...sj", factor_a, standard[..., :n_cells])
    effect_b = np.einsum("...jk,...sk->...sj", factor_b, standard[..., n_cells:])
    return effect_a, effect_b


def pointwise_log_density(
    statistics: CellStatistics, *, expected: np.ndarray, sigma: np.ndarray
) -> np.ndarray:
    """Log density of the values of each subject, cell and time around an expected value.

    Parameters
    ----------
    statistics : CellStatistics
        Data.
    expected : numpy.ndarray
        (..., n_subjects, n_cells, n_times).
    sigma : numpy.ndarray
        (...) residual standard deviation of one value.

    Returns
    -------
    numpy.ndarray
        (..., n_subjects, n_cells, n_times); 0 where there are no data.
    """
    sigma = np.asarray(sigma)[..., None, None, None]
    squares = statistics.n * (statistics.mean - expected) ** 2 + statistics.ss
    log_scale = HALF_LOG_TWO_PI + np.log(sigma)
    return statistics.log_weight - statistics.n_values * log_scale - 0.5 * squares / sigma**2


def _effects(
    statistics: CellStatistics,
    a: Any,
    c: Any,
    factor_a: Any,
    factor_b: Any,
    sigma: Any,
    formula: Formula,
    xp: Any,
    solve_lower: Callable[[Any, Any], Any],
) -> _Given:
    """Precision and information of the standardised effects, per subject."""
    start = start_weight(c, statistics.time, formula=formula, xp=xp)
    rise = 1 - start
    weight = statistics.n / xp.asarray(sigma)[..., None, None, None] ** 2
    residual = statistics.mean - a[..., None] * rise
    factor_a, factor_b = factor_a[..., None, :, :], factor_b[..., None, :, :]
    turned_a, turned_b = xp.swapaxes(factor_a, -1, -2), xp.swapaxes(factor_b, -1, -2)

    def summed(left: Any, right: Any) -> Any:
        return xp.sum(weight * left * right, -1)

    rise_rise, rise_start, start_start = summed(rise, rise), summed(rise, start), summed(start, start)
    rise_residual, start_residual = summed(rise, residual), summed(start, residual)
    aa = turned_a @ (rise_rise[..., None] * factor_a)
    ab = turned_a @ (rise_start[..., None] * factor_b)
    bb = turned_b @ (start_start[..., None] * factor_b)
    upper = xp.concatenate([aa, ab], -1)
    lower = xp.concatenate([xp.swapaxes(ab, -1, -2), bb], -1)
    precision = xp.concatenate([upper, lower], -2) + xp.eye(2 * aa.shape[-1])
    on_a, on_b = turned_a @ rise_residual[..., None], turned_b @ start_residual[..., None]
    root = xp.linalg.cholesky(precision)
    half = solve_lower(root, xp.concatenate([on_a, on_b], -2))[..., 0]
    quadratic = xp.sum(weight * residual**2, (-1, -2))
    return _Given(root, half, quadratic, rise_rise, rise_start, rise_residual)
