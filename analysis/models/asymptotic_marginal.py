"""Log-likelihoods of the asymptotic regression for the comparison of models: of subjects and of observations.

Of a *subject*: the density of all the subject's data, with its effects integrated out. Those of asymptote and
start are integrated exactly, given the rates. Those of the rates are integrated by importance sampling with
randomised quasi-Monte-Carlo points. Half of the points come from the effects' prior, so that no region is
missed; the other half from a normal approximation of the effects' distribution given the subject's data and
the other parameters of the draw, so that the points are where the integrand is. That this approximation
has an integral of one serves as a control, and several independent randomisations give the error.

Of an *observation* (the values of one subject, cell and time): its density given the subject's effects, as
brms computes it. Effects of asymptote and start are drawn from their distribution given all else.

References
----------
Owen & Zhou (2000). Safe and effective importance sampling. Journal of the American Statistical Association
95, 135-143 (mixtures with the prior; controls).
Owen (1998). Scrambling Sobol' and Niederreiter-Xing points. Journal of Complexity 14, 466-489.
Merkle, Furr & Rabe-Hesketh (2019). Bayesian comparison of latent variable models: conditional versus marginal
likelihoods. Psychometrika 84, 802-829, doi:10.1007/s11336-019-09679-0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from scipy import special
from scipy.stats import qmc
from tqdm import tqdm

from analysis.models.asymptotic_data import AsymptoticData
from analysis.models.asymptotic_likelihood import (
    CellStatistics,
    Formula,
    draw_subject_effects,
    marginal_log_likelihood,
    pointwise_log_density,
    start_weight,
)

_N_RANDOMISATIONS = 4
_BLOCKS_AT_ONCE = 600
"""Subjects times points whose asymptotes and starts are integrated together: what the cache holds."""


class SubjectLogLikelihood(NamedTuple):
    """Log density of the data of each subject under each draw, and how exactly it is known."""

    log_likelihood: np.ndarray
    """(n_chains, n_draws, n_subjects)."""
    standard_error: np.ndarray
    """(n_chains, n_draws, n_subjects) of the integral over the rates' effects, from its randomisations."""

    @property
    def elpd_error(self) -> float:
        """About how much the integration adds to the error of a sum over the subjects.

        As points are shared by the draws, a subject's error does not average out over them.
        """
        return float(np.sqrt(np.sum(np.mean(self.standard_error**2, axis=(0, 1)))))


class _Shape(NamedTuple):
    """Second-order expansion of each subject's log-likelihood in its log rates."""

    centre: np.ndarray
    """(n_subjects, n_cells) log rates about which it was expanded."""
    gradient: np.ndarray
    """(n_subjects, n_cells)."""
    curvature: np.ndarray
    """(n_subjects, n_cells, n_cells) minus the second derivatives; no negative eigenvalue."""


class _Points(NamedTuple):
    """Standardised effects of the rates at which the likelihood is evaluated, for one draw."""

    z: np.ndarray
    """(n_randomisations, n_points, n_subjects, n_cells)."""
    log_weight: np.ndarray
    """(n_randomisations, n_points, n_subjects) log of the prior's density over the mixture's."""
    control: np.ndarray
    """(n_randomisations, n_points, n_subjects) approximation's density over the mixture's: 1 on average."""


class _Parameters(NamedTuple):
    """Parameters of one draw, or of several with a leading dimension."""

    a: np.ndarray
    """(n_subjects, n_cells) asymptotes without subject effects."""
    c: np.ndarray
    """(n_subjects, n_cells) log rates without subject effects."""
    c_subject: np.ndarray
    """(n_subjects, n_cells) log rates with them."""
    factor_a: np.ndarray
    """(n_cells, n_cells) Cholesky factor of the effects' covariance; so factor_b and factor_c."""
    factor_b: np.ndarray
    factor_c: np.ndarray
    sigma: np.ndarray

    def at(self, chosen: int | slice) -> _Parameters:
        """Parameters of one draw, or of some."""
        return _Parameters(*(values[chosen] for values in self))

    def mean(self) -> _Parameters:
        """Mean over the draws."""
        return _Parameters(*(values.mean(axis=0) for values in self))


def subject_log_likelihood(
    data: AsymptoticData,
    draws: Mapping[str, np.ndarray],
    *,
    formula: Formula = "from_baseline",
    n_points: int = 32,
    max_draws: int = 2000,
    seed: int = 1,
    progress: bool = False,
) -> SubjectLogLikelihood:
    """Log density of each subject's data with all effects of the subject integrated out.

    Parameters
    ----------
    data : AsymptoticData
        What was observed.
    draws : mapping
        Posterior draws (n_chains, n_draws, ...): ``a`` and ``c`` (..., n_groups or 1, n_cells), ``sigma``,
        ``sd_a``, ``sd_b``, ``sd_c`` (..., n_cells), ``factor_a``, ``factor_b``, ``factor_c`` (..., n_cells,
        n_cells; lower Cholesky factors of the correlations) and ``c_subject`` (..., n_subjects, n_cells).
    formula : {"from_baseline", "printed"}
        Form of the curve.
    n_points : int
        Evaluations per subject and draw, a multiple of eight times a power of two (16, 32, 64, ...).
    max_draws : int
        Draws are thinned evenly to no more than this number over all chains.
    seed : int
        Of the randomisations; models that are compared should share it, so that some of the error cancels.
    progress : bool
        Whether to show a progress bar.

    Notes
    -----
    On 2 600 simulated subject means (130 subjects, four cells, five times) the integrals of 32 points had a
    root mean square error of 0.003, and their sum over the subjects one of 0.05. Points from the prior alone
    have errors ten times as large.
    """
    parameters, shape = _parameters(data, draws, max_draws)
    normal = _normal_points(n_points, data.n_cells, seed)
    statistics = CellStatistics.of(data)
    expansion = _expand(statistics, parameters, formula)
    n_draws = len(parameters.sigma)
    values, errors = np.empty((2, n_draws, data.n_subjects))
    for index in tqdm(range(n_draws), desc="integrating subjects", disable=not progress, leave=False):
        draw = parameters.at(index)
        points = _points(draw, expansion, normal)
        density = _log_density(statistics, draw, draw.c + points.z @ draw.factor_c.T, formula)
        values[index], errors[index] = _integral(density + points.log_weight, points.control)
    return SubjectLogLikelihood(values.reshape(*shape, -1), errors.reshape(*shape, -1))


def pointwise_log_likelihood(
    data: AsymptoticData,
    draws: Mapping[str, np.ndarray],
    *,
    formula: Formula = "from_baseline",
    max_draws: int = 4000,
    rng: np.random.Generator,
) -> np.ndarray:
    """Log density of each observation given its subject's effects.

    Parameters
    ----------
    data, draws, formula
        As for `subject_log_likelihood`.
    max_draws : int
        Draws are thinned evenly to no more than this number over all chains.
    rng : numpy.random.Generator
        Draws the subjects' asymptotes and starts given the data and all other parameters.

    Returns
    -------
    numpy.ndarray
        (n_chains, n_draws, n_observations) in the order of subject, cell and time. An observation is what a
        subject showed in a cell at a time, whatever the number of trials behind it: their joint density.
    """
    parameters, shape = _parameters(data, draws, max_draws)
    statistics = CellStatistics.of(data)
    observed = data.observed
    result = np.empty((len(parameters.sigma), int(observed.sum())))
    step = max(1, _BLOCKS_AT_ONCE // data.n_subjects)
    for first in range(0, len(result), step):
        chosen = slice(first, first + step)
        some = parameters.at(chosen)
        effect_a, start = draw_subject_effects(
            statistics,
            a=some.a,
            c=some.c_subject,
            factor_a=some.factor_a,
            factor_b=some.factor_b,
            sigma=some.sigma,
            formula=formula,
            rng=rng,
        )
        weight = start_weight(some.c_subject, data.time, formula=formula)
        asymptote = (some.a + effect_a)[..., None]
        expected = asymptote - (asymptote - start[..., None]) * weight
        density = pointwise_log_density(statistics, expected=expected, sigma=some.sigma)
        result[chosen] = density[:, observed]
    return result.reshape(*shape, -1)


def _parameters(
    data: AsymptoticData, draws: Mapping[str, np.ndarray], max_draws: int
) -> tuple[_Parameters, tuple[int, int]]:
    """Every k-th draw of each chain, with k as small as possible; and (n_chains, n_draws) of what is left."""
    n_chains, n_draws = draws["sigma"].shape
    step = -(-n_chains * n_draws // max_draws)
    thinned = {name: np.asarray(values)[:, ::step] for name, values in draws.items()}
    flat = {name: values.reshape(-1, *values.shape[2:]) for name, values in thinned.items()}
    factor = {name: flat[f"sd_{name}"][..., None] * flat[f"factor_{name}"] for name in "abc"}
    parameters = _Parameters(
        a=_of_subjects(flat["a"], data),
        c=_of_subjects(flat["c"], data),
        c_subject=flat["c_subject"],
        factor_a=factor["a"],
        factor_b=factor["b"],
        factor_c=factor["c"],
        sigma=flat["sigma"],
    )
    return parameters, thinned["sigma"].shape


def _of_subjects(parameter: np.ndarray, data: AsymptoticData) -> np.ndarray:
    """Each subject's value of a parameter of groups, or of all: (n_draws, n_subjects, n_cells)."""
    group = data.group if parameter.shape[1] > 1 else np.zeros(data.n_subjects, dtype=int)
    return parameter[:, group]


def _expand(statistics: CellStatistics, parameters: _Parameters, formula: Formula) -> _Shape:
    """Expand the log-likelihoods about the mean log rates, by differences over a standard deviation."""
    mean = parameters.mean()
    centre, sd = mean.c_subject, np.maximum(parameters.c_subject.std(axis=0), 1e-3)
    n_cells = centre.shape[1]
    first, second = np.tril_indices(n_cells)
    unit = np.eye(n_cells)
    together, apart = unit[first] + unit[second], unit[first] - unit[second]
    steps = np.concatenate([together, -together, apart, -apart, unit, -unit])
    density = _log_density(statistics, mean, (centre + sd * steps[:, None])[None], formula)[0]
    plus, minus, one, other, forward, backward = np.split(density, np.cumsum([len(first)] * 4 + [n_cells]))
    curvature = np.zeros((len(centre), n_cells, n_cells))
    curvature[:, first, second] = -(plus + minus - one - other).T / (4 * sd[:, first] * sd[:, second])
    curvature[:, second, first] = curvature[:, first, second]
    gradient = (forward - backward).T / (2 * sd)
    return _Shape(centre, gradient, _without_negative_eigenvalues(curvature))


def _without_negative_eigenvalues(matrices: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(matrices)
    return (vectors * np.maximum(values, 0)[:, None, :]) @ vectors.swapaxes(1, 2)


def _normal_points(n_points: int, n_cells: int, seed: int) -> np.ndarray:
    """Scrambled Sobol points for prior and approximation: (n_randomisations, n_points / 8, 2, n_cells)."""
    n_half = n_points // (2 * _N_RANDOMISATIONS)
    if n_half < 2 or n_half & (n_half - 1) or n_half * 2 * _N_RANDOMISATIONS != n_points:
        raise ValueError(f"n_points must be 16, 32, 64, 128 or another power of two; it is {n_points}")
    result = np.empty((_N_RANDOMISATIONS, n_half, 2, n_cells))
    for index, rng in enumerate(np.random.default_rng(seed).spawn(_N_RANDOMISATIONS)):
        uniform = qmc.Sobol(2 * n_cells, scramble=True, rng=rng).random(n_half)
        inside = np.clip(uniform, 1e-12, 1 - 1e-12)
        result[index] = special.ndtri(inside).reshape(n_half, 2, n_cells)
    return result


def _points(draw: _Parameters, expansion: _Shape, normal: np.ndarray) -> _Points:
    """Place the points of one draw: half from the prior, half from the approximation."""
    factor = draw.factor_c
    precision = np.eye(len(factor)) + factor.T @ expansion.curvature @ factor
    pull = np.einsum("sjk,sk->sj", expansion.curvature, draw.c - expansion.centre)
    mean = np.linalg.solve(precision, ((expansion.gradient - pull) @ factor)[..., None])[..., 0]
    root = np.linalg.cholesky(precision)
    own = mean + np.einsum("skj,rpk->rpsj", np.linalg.inv(root), normal[:, :, 1])
    prior = np.broadcast_to(normal[:, :, 0, None, :], own.shape)
    z = np.concatenate([prior, own], axis=1)
    standard = np.einsum("skj,rpsk->rpsj", root, z - mean)
    log_prior = -0.5 * np.sum(z**2, axis=-1)
    log_own = np.log(np.diagonal(root, axis1=1, axis2=2)).sum(axis=1) - 0.5 * np.sum(standard**2, axis=-1)
    log_mixture = np.logaddexp(log_prior, log_own) - np.log(2)
    return _Points(z, log_prior - log_mixture, np.exp(log_own - log_mixture))


def _integral(log_values: np.ndarray, control: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Logarithm of the mean over the points, divided by that of the control; and its standard error."""
    highest = log_values.max(axis=(0, 1))
    values = np.exp(log_values - highest)
    result = values.mean(axis=(0, 1)) / control.mean(axis=(0, 1))
    each = values.mean(axis=1) / control.mean(axis=1)
    error = each.std(axis=0, ddof=1) / np.sqrt(_N_RANDOMISATIONS) / result
    return np.log(result) + highest, error


def _log_density(
    statistics: CellStatistics, draw: _Parameters, c: np.ndarray, formula: Formula
) -> np.ndarray:
    """Log densities at log rates (n_randomisations, n_points, n_subjects, n_cells), for one draw."""
    points = c.reshape(-1, *c.shape[2:])
    step = max(1, _BLOCKS_AT_ONCE // c.shape[2])
    parts = [
        marginal_log_likelihood(
            statistics,
            a=draw.a[None],
            c=points[first : first + step],
            factor_a=draw.factor_a[None],
            factor_b=draw.factor_b[None],
            sigma=np.atleast_1d(draw.sigma),
            formula=formula,
            solve_lower=_forward_substitution,
        )
        for first in range(0, len(points), step)
    ]
    return np.concatenate(parts).reshape(c.shape[:3])


def _forward_substitution(lower: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Solve lower triangular systems (..., n, n) with one right-hand side (..., n, 1), row by row."""
    solution = np.empty_like(right)
    for row in range(lower.shape[-1]):
        known = np.einsum("...k,...k->...", lower[..., row, :row], solution[..., :row, 0])
        solution[..., row, 0] = (right[..., row, 0] - known) / lower[..., row, row]
    return solution
