"""Find the best covariance parameters of a mixed model, and certify that they are.

A quasi-Newton search comes near, Newton steps with the exact gradient and its differences arrive. The optimum
is certified by the Newton decrement (how much lower the criterion could still become, judged by its own
curvature) and by the absence of negative curvature.

Near a singular optimum (a variance of zero or a correlation of one) a triangular factor is a poor coordinate:
where its first column vanishes, the others may be rotated at no cost, and the search follows a curved valley.
There the random effects are turned so that the factor is diagonal with the vanishing directions last. A
singular optimum then lies inside the parameter space as any other, and because the last columns of the factor
reach every direction that has no variance, absence of negative curvature says that no variance is missed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import optimize

from analysis.models.criterion import Criterion, lower_triangular
from analysis.models.threads import blas_threads

_CERTIFIED_DECREMENT = 1e-8
"""A further decrease of the criterion by less than this changes no reported digit (our choice)."""
SINGULAR = 1e-4
"""A standard deviation below this share of sigma counts as zero (as lme4's isSingular)."""
_NEAR_SINGULAR = 0.03
"""A standard deviation below this share of sigma calls for turned coordinates (our choice)."""
_NEWTON_STEPS = 20
_LONGEST_STEP = 0.5
"""Longest step along one direction, in units of sigma: curvature tells nothing of what is farther away."""
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

    @property
    def flat(self) -> bool:
        """Tell whether other parameters are as good, because the criterion has a direction without slope."""
        scale = np.sqrt(np.maximum(np.diag(self.hessian), 1e-12))
        return bool(np.linalg.eigvalsh(self.hessian / np.outer(scale, scale)).min() < 1e-7)


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
    return best


def standard_deviations(criterion: Criterion, theta: np.ndarray) -> list[np.ndarray]:
    """Return the singular values of each correlated block's covariance factor, in units of sigma."""
    matrices = criterion.covariance_factors(theta)
    return [
        np.linalg.svd(matrix[np.ix_(block, block)], compute_uv=False)
        for factor, matrix in zip(criterion.design.factors, matrices, strict=True)
        for block in factor.effects.blocks
    ]


class _Turned(Criterion):
    """A criterion whose random effects are turned within their blocks, for a search near the boundary."""

    def __init__(self, criterion: Criterion, theta: np.ndarray) -> None:
        self.__dict__.update(criterion.__dict__)
        self._frames = []
        for factor, matrix in zip(self.design.factors, criterion.covariance_factors(theta), strict=True):
            frame = np.eye(len(matrix))
            for block in factor.effects.blocks:
                part = np.ix_(block, block)
                frame[part] = np.linalg.svd(matrix[part])[0]
            self._frames.append(frame)

    def covariance_factors(self, theta: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return the factors in the coordinates of the design, where they are not triangular."""
        pairs = zip(self._frames, super().covariance_factors(theta), strict=True)
        return tuple(frame @ matrix for frame, matrix in pairs)

    def parameters(self, matrices: Sequence[np.ndarray]) -> np.ndarray:
        """Return the free entries in the turned coordinates."""
        return super().parameters([frame.T @ m for frame, m in zip(self._frames, matrices, strict=True)])

    def turn(self, matrices: Sequence[np.ndarray]) -> np.ndarray:
        """Return the turned parameters that have the same covariance as the given factors."""
        pairs = zip(self._frames, matrices, strict=True)
        return super().parameters([lower_triangular(frame.T @ matrix) for frame, matrix in pairs])


def _search(criterion: Criterion, theta: np.ndarray) -> Optimum:
    """Search from one start: quasi-Newton, Newton steps, and away from saddles."""
    for attempt in range(4):
        theta = optimize.minimize(
            criterion.value_and_gradient,
            theta,
            jac=True,
            method="BFGS",
            options={"gtol": 1e-3, "maxiter": 500},
        ).x
        if attempt or _smallest(criterion, theta) < _NEAR_SINGULAR:
            optimum, theta = _at_the_edge(criterion, theta)
        else:
            optimum = _newton(criterion, theta)
            theta = optimum.theta
        if optimum.certified:
            break
    return optimum


def _at_the_edge(criterion: Criterion, theta: np.ndarray) -> tuple[Optimum, np.ndarray]:
    """Take Newton steps in turned coordinates; return also where to go on if the end is a saddle."""
    turned = _Turned(criterion, theta)
    optimum = _newton(turned, turned.turn(criterion.covariance_factors(theta)))
    optimum = _snapped(turned, optimum)
    onward = optimum.theta if np.isfinite(optimum.decrement) else _off_the_saddle(turned, optimum)
    criterion.n_evaluations = turned.n_evaluations
    theta, onward = (
        criterion.parameters([lower_triangular(matrix) for matrix in turned.covariance_factors(point)])
        for point in (optimum.theta, onward)
    )
    hessian = _hessian(criterion, theta, np.full(len(theta), 1e-4))
    return replace(optimum, theta=theta, hessian=hessian), onward


def _smallest(criterion: Criterion, theta: np.ndarray) -> float:
    """Return the smallest standard deviation of any combination of random effects."""
    return min(float(values.min()) for values in standard_deviations(criterion, theta))


def _newton(criterion: Criterion, theta: np.ndarray) -> Optimum:
    """Take Newton steps until they no longer lead anywhere."""
    steps = np.full(len(theta), 1e-4)
    optimum, step = _judged(criterion, theta, steps)
    for _ in range(_NEWTON_STEPS):
        if optimum.decrement < 1e-3 * _CERTIFIED_DECREMENT:
            break
        steps = np.clip(1e-4 * np.sqrt(2 / np.maximum(np.diag(optimum.hessian), 1e-12)), 1e-7, 3e-4)
        lower = _lower_along(criterion, optimum, step)
        if lower is None:
            break
        optimum, step = _judged(criterion, lower, steps)
    return _polished(criterion, optimum, step)


def _lower_along(criterion: Criterion, optimum: Optimum, step: np.ndarray) -> np.ndarray | None:
    """Return the first of ever smaller steps that does not raise the criterion, or none."""
    slack = _slack(criterion, optimum)
    for share in (1.0, 0.3, 0.1, 0.03, 0.01):
        theta = optimum.theta + share * step
        if criterion.value(theta) <= optimum.value + (slack if share == 1.0 else -slack):
            return theta
    return None


def _polished(criterion: Criterion, optimum: Optimum, step: np.ndarray) -> Optimum:
    """Take a last, tiny step, for which the curvature is as good as known."""
    theta = optimum.theta + step
    value, gradient = criterion.value_and_gradient(theta)
    decrement, _ = _newton_step(optimum.hessian, gradient)
    if value > optimum.value + _slack(criterion, optimum) or decrement >= optimum.decrement:
        return optimum
    return replace(optimum, theta=theta, value=value, gradient=gradient, decrement=decrement)


def _slack(criterion: Criterion, optimum: Optimum) -> float:
    """Return by how much rounding may change the criterion."""
    return 1e-12 * (abs(optimum.value) + criterion.degrees)


def _judged(criterion: Criterion, theta: np.ndarray, steps: np.ndarray) -> tuple[Optimum, np.ndarray]:
    """Judge a point by gradient and curvature, and return the Newton step from it."""
    value, gradient = criterion.value_and_gradient(theta)
    hessian = _hessian(criterion, theta, steps)
    decrement, step = _newton_step(hessian, gradient)
    return Optimum(theta, value, gradient, hessian, decrement, singular=False, n_searches=1), step


def _newton_step(hessian: np.ndarray, gradient: np.ndarray) -> tuple[float, np.ndarray]:
    """Return how far the criterion could still fall, and the step that leads there."""
    curvature, directions = np.linalg.eigh(hessian)
    largest = max(1.0, np.abs(curvature).max())
    solid = np.abs(curvature) > 1e-8 * largest
    along, size = (directions.T @ gradient)[solid], np.abs(curvature[solid])
    saddle = curvature.min() < -1e-5 * largest
    decrement = np.inf if saddle else 0.5 * float(np.sum(along**2 / size))
    return decrement, -directions[:, solid] @ np.clip(along / size, -_LONGEST_STEP, _LONGEST_STEP)


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


def _snapped(turned: _Turned, optimum: Optimum) -> Optimum:
    """Put standard deviations that are practically zero to zero where that costs nothing."""
    if _smallest(turned, optimum.theta) >= SINGULAR:
        return optimum
    matrices = [matrix.copy() for matrix in turned.covariance_factors(optimum.theta)]
    for factor, matrix in zip(turned.design.factors, matrices, strict=True):
        for block in factor.effects.blocks:
            part = np.ix_(block, block)
            left, values, right = np.linalg.svd(matrix[part])
            matrix[part] = (left * np.where(values < SINGULAR, 0.0, values)) @ right
    theta = turned.turn(matrices)
    value, gradient = turned.value_and_gradient(theta)
    if value > optimum.value + _CERTIFIED_DECREMENT:
        return replace(optimum, singular=True)
    decrement, _ = _newton_step(optimum.hessian, gradient)
    if decrement < _CERTIFIED_DECREMENT:
        return replace(
            optimum, theta=theta, value=value, gradient=gradient, decrement=decrement, singular=True
        )
    return replace(_judged(turned, theta, np.full(len(theta), 1e-4))[0], singular=True)


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
