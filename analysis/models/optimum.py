"""Find the best covariance parameters of a mixed model, and certify that they are.

A quasi-Newton search comes near, Newton steps with the exact gradient and its differences arrive. The optimum
is certified by the Newton decrement (how much lower the criterion could still become, judged by its own
curvature) and by the absence of negative curvature. A singular optimum (a variance of zero or a correlation
of one) lies inside the parameter space but could be a saddle, so it is left in all directions at once and
searched again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy import optimize

from analysis.models.criterion import Criterion
from analysis.models.threads import blas_threads

_CERTIFIED_DECREMENT = 1e-8
"""A further decrease of the criterion by less than this changes no reported digit (our choice)."""
SINGULAR = 1e-4
"""A standard deviation below this share of sigma counts as zero (as lme4's isSingular)."""
_STARTS = (0.3, 1.0, 0.05, 3.0)
"""Standard deviations, in units of sigma, from which searches begin until one is certified."""


@dataclass(frozen=True)
class Optimum:
    """The best covariance parameters that were found."""

    theta: np.ndarray
    value: float
    gradient: np.ndarray
    hessian: np.ndarray
    """Second derivatives of the profiled criterion."""
    decrement: float
    """Expected further decrease of the criterion; infinite at a saddle."""
    singular: bool
    n_searches: int

    @property
    def certified(self) -> bool:
        """Tell whether this is a minimum to the precision that is reported."""
        return self.decrement < _CERTIFIED_DECREMENT


def find_optimum(criterion: Criterion, start: np.ndarray | None = None) -> Optimum:
    """Minimise a criterion over the covariance parameters.

    Parameters
    ----------
    criterion : Criterion
        The model.
    start : numpy.ndarray, optional
        Parameters near the optimum, for instance those of a fit of another response.

    Returns
    -------
    Optimum
        The lowest value found. It may not be certified: look at ``certified``.
    """
    with blas_threads(len(criterion.design.dense)):
        best: Optimum | None = None
        for number, theta in enumerate(_starts(criterion, start), start=1):
            found = _search(criterion, theta)
            if best is None or found.value < best.value:
                best = found
            best = replace(best, n_searches=number)
            if best.certified:
                break
        assert best is not None
        return _reconsidered(criterion, best) if best.singular else best


def standard_deviations(criterion: Criterion, theta: np.ndarray) -> list[np.ndarray]:
    """Return the singular values of each correlated block's covariance factor, in units of sigma."""
    matrices = criterion.covariance_factors(theta)
    return [
        np.linalg.svd(matrix[np.ix_(block, block)], compute_uv=False)
        for factor, matrix in zip(criterion.design.factors, matrices, strict=True)
        for block in factor.effects.blocks
    ]


def _search(criterion: Criterion, theta: np.ndarray) -> Optimum:
    """Search from one start: quasi-Newton, Newton steps, and away from saddles."""
    for _ in range(4):
        search = optimize.minimize(
            criterion.value_and_gradient,
            theta,
            jac=True,
            method="BFGS",
            options={"gtol": 1e-3, "maxiter": 500},
        )
        optimum = _newton(criterion, search.x)
        if np.isfinite(optimum.decrement):
            break
        theta = _off_the_saddle(criterion, optimum)
    return _snapped(criterion, optimum)


def _newton(criterion: Criterion, theta: np.ndarray) -> Optimum:
    """Take Newton steps until they no longer lead anywhere."""
    steps = np.full(len(theta), 1e-4)
    optimum, step = _judged(criterion, theta, steps)
    for _ in range(8):
        steps = np.clip(1e-3 * np.sqrt(2 / np.maximum(np.diag(optimum.hessian), 1e-12)), 1e-6, 1e-3)
        slack = 1e-12 * (abs(optimum.value) + criterion.degrees)
        if criterion.value(optimum.theta + step) > optimum.value + slack:
            break
        optimum, step = _judged(criterion, optimum.theta + step, steps)
        if optimum.decrement < 1e-3 * _CERTIFIED_DECREMENT:
            break
    return optimum


def _judged(criterion: Criterion, theta: np.ndarray, steps: np.ndarray) -> tuple[Optimum, np.ndarray]:
    """Judge a point by gradient and curvature, and return the Newton step from it."""
    value, gradient = criterion.value_and_gradient(theta)
    hessian = _hessian(criterion, theta, steps)
    curvature, directions = np.linalg.eigh(hessian)
    largest = max(1.0, np.abs(curvature).max())
    solid = np.abs(curvature) > 1e-8 * largest
    along, size = (directions.T @ gradient)[solid], np.abs(curvature[solid])
    saddle = curvature.min() < -1e-5 * largest
    decrement = np.inf if saddle else 0.5 * float(np.sum(along**2 / size))
    optimum = Optimum(theta, value, gradient, hessian, decrement, singular=False, n_searches=1)
    return optimum, -directions[:, solid] @ (along / size)


def _hessian(criterion: Criterion, theta: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Differentiate the exact gradient by central differences."""
    rows = []
    for position, step in enumerate(steps):
        shift = np.zeros(len(theta))
        shift[position] = step
        ahead = criterion.value_and_gradient(theta + shift)[1]
        behind = criterion.value_and_gradient(theta - shift)[1]
        rows.append((ahead - behind) / (2 * step))
    hessian = np.array(rows)
    return (hessian + hessian.T) / 2


def _snapped(criterion: Criterion, optimum: Optimum) -> Optimum:
    """Put standard deviations that are practically zero to zero where that costs nothing."""
    if min(values.min() for values in standard_deviations(criterion, optimum.theta)) >= SINGULAR:
        return optimum
    matrices = [matrix.copy() for matrix in criterion.covariance_factors(optimum.theta)]
    for factor, matrix in zip(criterion.design.factors, matrices, strict=True):
        for block in factor.effects.blocks:
            part = np.ix_(block, block)
            left, values, right = np.linalg.svd(matrix[part])
            values = np.where(values < SINGULAR, 0.0, values)
            matrix[part] = _lower_triangular((left * values) @ right)
    theta = criterion.parameters(matrices)
    if criterion.value(theta) > optimum.value + _CERTIFIED_DECREMENT:
        return replace(optimum, singular=True)
    return replace(_judged(criterion, theta, np.full(len(theta), 1e-4))[0], singular=True)


def _reconsidered(criterion: Criterion, optimum: Optimum) -> Optimum:
    """Leave a singular optimum in all directions at once, and search again."""
    inflated = [_inflated(matrix) for matrix in criterion.covariance_factors(optimum.theta)]
    again = _search(criterion, criterion.parameters(inflated))
    best = again if again.value < optimum.value - _CERTIFIED_DECREMENT else optimum
    return replace(best, n_searches=optimum.n_searches + 1)


def _inflated(matrix: np.ndarray) -> np.ndarray:
    """Return the factor of a covariance to which a little variance in every direction is added."""
    return _lower_triangular(np.column_stack([matrix, 0.1 * np.eye(len(matrix))]))


def _lower_triangular(root: np.ndarray) -> np.ndarray:
    """Return the lower-triangular factor of ``root @ root.T``, which may be singular."""
    lower = np.asarray(np.linalg.qr(root.T, mode="r")).T
    return lower * np.where(np.diag(lower) < 0, -1.0, 1.0)


def _off_the_saddle(criterion: Criterion, optimum: Optimum) -> np.ndarray:
    """Step down along the direction of most negative curvature."""
    direction = np.linalg.eigh(optimum.hessian)[1][:, 0]
    candidates = [optimum.theta + size * direction for size in (0.1, -0.1, 0.01, -0.01)]
    return min(candidates, key=criterion.value)


def _starts(criterion: Criterion, start: np.ndarray | None) -> Iterator[np.ndarray]:
    """Yield parameters to start from; the best of the plain ones first when nothing is known."""
    plain = [
        criterion.parameters([size * np.eye(factor.n_effects) for factor in criterion.design.factors])
        for size in _STARTS
    ]
    if start is not None:
        yield start
    yield from sorted(plain, key=criterion.value)
