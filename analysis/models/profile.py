r"""Profile likelihood of a mixed model: how much worse the best fit becomes when one parameter is held.

For each value of a parameter all others are fitted again by maximum likelihood, as lme4's profile does;
:math:`\zeta` is the square root of the rise of the deviance, with the sign of the change. A 95 % interval
ends where :math:`|\zeta|` is 1.96. lme4 interpolates :math:`\zeta` between about ten points; here the end is
searched for until it is exact.

How a parameter is held. A fixed effect: its column leaves the design, and its part leaves the response. A
standard deviation or correlation: the effects of its block are rotated so that the one or two effects in
question come first in the covariance factor; there a standard deviation is a single entry, and a correlation
is the direction of a row with two entries. A deviation of zero and a correlation of one are then ordinary
points.

References
----------
Bates, Mächler, Bolker & Walker (2015), Journal of Statistical Software 67(1), section 5.1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from scipy import linalg, optimize

from analysis.models.criterion import Criterion
from analysis.models.crossproducts import Design, Response

_FREE_SD = 0.03
"""Smallest share of sigma at which a search starts a random effect, so that it may leave zero."""
_N_STEPS = 60
"""Steps outwards after which a parameter has no limit."""

Constrained = Callable[[np.ndarray], tuple[float, np.ndarray]]


@dataclass(frozen=True)
class Held:
    """A deviance as a function of one parameter that is held, the others at their best."""

    deviance: Callable[[float], float]
    estimate: float
    lowest: float
    """Edge of what the parameter can be; the deviance exists there."""
    highest: float
    step: float
    """Where to look for a limit first, as distance from the estimate."""


def profile_limits(held: Held, minimum: float, zeta: float) -> tuple[float, float]:
    r"""Search where the deviance is higher than the minimum by zeta squared.

    Parameters
    ----------
    held : Held
        The parameter.
    minimum : float
        Deviance of the fit (maximum likelihood).
    zeta : float
        Normal quantile of the confidence level, 1.96 for 95 %.

    Returns
    -------
    tuple of float
        Lower and upper limit. An edge that is not worse than that is a limit itself.

    Raises
    ------
    ValueError
        If a lower deviance than the minimum is found: then the fit was not the best one.
    """

    @cache
    def rise(value: float) -> float:
        if value == held.estimate:
            return -zeta
        difference = held.deviance(value) - minimum
        if difference < -1e-4:
            raise ValueError(
                f"the profile found a better fit (deviance lower by {-difference:.2g}): the model was not "
                "fitted to its optimum; simplify the random effects"
            )
        return float(np.sqrt(max(difference, 0.0))) - zeta

    return _limit(rise, held, -1, zeta), _limit(rise, held, 1, zeta)


def hold_fixed_effect(
    criterion: Criterion, theta: np.ndarray, position: int, *, estimate: float, se: float
) -> Held:
    """Hold one coefficient of the fixed effects.

    Parameters
    ----------
    criterion : Criterion
        Maximum likelihood.
    theta : numpy.ndarray
        Its optimum.
    position : int
        Number of the coefficient.
    estimate, se : float
        The coefficient and its standard error.
    """
    design, others, along = _without_column(criterion.design, position)
    column = criterion.design.triangle[:, position]
    best = _Best(_free_start(criterion, theta))

    def deviance(value: float) -> float:
        shifted = criterion.response.coefficients - value * column
        response = _shifted(criterion, design, shifted, others, along)
        return best.of(Criterion(design, response, reml=False).value_and_gradient)

    return Held(deviance, estimate, -np.inf, np.inf, 2 * se)


def hold_sigma(criterion: Criterion, theta: np.ndarray, *, estimate: float) -> Held:
    """Hold the residual standard deviation; see `hold_fixed_effect`."""
    best = _Best(_free_start(criterion, theta))
    scale = criterion.response.scale

    def deviance(value: float) -> float:
        def at(theta: np.ndarray) -> tuple[float, np.ndarray]:
            value_there, gradient = _with_sigma(criterion, theta, value / scale)
            return value_there, gradient[:-1]

        return np.inf if value <= 0 else best.of(at)

    return Held(deviance, estimate, 0.0, np.inf, 2 * estimate / np.sqrt(2 * criterion.degrees))


def hold_deviation(
    criterion: Criterion, theta: np.ndarray, factor: int, effect: int, *, estimate: float
) -> Held:
    """Hold the standard deviation of a random effect, given by the numbers of its factor and its effect."""
    rotated = _Rotated(criterion, factor, (effect,))
    size = abs(rotated.reach[0, 0]) * criterion.response.scale
    entry = rotated.entry(0, 0)
    start = rotated.start(theta)
    sigma = criterion.sigma(criterion.solve(theta))
    best = _Best(np.append(np.delete(start, entry), np.log(sigma)))

    def deviance(value: float) -> float:
        def at(free: np.ndarray) -> tuple[float, np.ndarray]:
            sigma = np.exp(free[-1])
            full = np.insert(free[:-1], entry, value / (size * sigma))
            value_there, gradient = _with_sigma(rotated, full, sigma)
            by_sigma = gradient[-1] - gradient[entry] * full[entry]
            return value_there, np.append(np.delete(gradient[:-1], entry), by_sigma)

        return best.of(at)

    return Held(deviance, estimate, 0.0, np.inf, max(0.3 * estimate, 0.1 * size * sigma))


def hold_correlation(
    criterion: Criterion, theta: np.ndarray, factor: int, effects: tuple[int, int], *, estimate: float
) -> Held:
    """Hold the correlation of two random effects of one block; see `hold_deviation`."""
    rotated = _Rotated(criterion, factor, effects)
    entries = np.array([rotated.entry(0, 0), rotated.entry(1, 0), rotated.entry(1, 1)])
    skew = rotated.reach[1, 0] / rotated.reach[1, 1]
    start = rotated.start(theta)
    first, below, second = start[entries]
    length = np.hypot(below + skew * first, second)
    best = _Best(np.append(np.delete(start, entries), np.sqrt([first, max(length, _FREE_SD)])))
    inserted = entries - np.arange(3)

    def deviance(value: float) -> float:
        across = np.sqrt(max(1 - value**2, 0.0))

        def at(free: np.ndarray) -> tuple[float, np.ndarray]:
            u, v = free[-2:]
            held = [u**2, value * v**2 - skew * u**2, across * v**2]
            deviance_there, gradient = rotated.value_and_gradient(np.insert(free[:-2], inserted, held))
            by_first, by_below, by_second = gradient[entries]
            ends = [2 * u * (by_first - skew * by_below), 2 * v * (value * by_below + across * by_second)]
            return deviance_there, np.append(np.delete(gradient, entries), ends)

        return best.of(at)

    return Held(deviance, estimate, -1.0, 1.0, 0.2)


class _Best:
    """The best value of a function, searched from where the last search ended."""

    def __init__(self, start: np.ndarray) -> None:
        self._start = start
        self._curvature: np.ndarray | None = None

    def of(self, function: Constrained) -> float:
        """Return the minimum."""
        if not len(self._start):
            return function(self._start)[0]
        found = self._search(function, self._start, self._curvature)
        if not np.isfinite(found.fun) or np.abs(found.jac).max() > 0.1:
            found = min((found, self._search(function, found.x, None)), key=lambda each: each.fun)
        self._start = found.x
        self._curvature = found.hess_inv
        return float(found.fun)

    @staticmethod
    def _search(
        function: Constrained, start: np.ndarray, curvature: np.ndarray | None
    ) -> optimize.OptimizeResult:
        options = {"gtol": 1e-4, "maxiter": 300}
        if curvature is not None and np.linalg.eigvalsh(curvature).min() > 0:
            options["hess_inv0"] = (curvature + curvature.T) / 2
        return optimize.minimize(function, start, jac=True, method="BFGS", options=options)


class _Rotated(Criterion):
    """A criterion whose factor of one block is triangular in another order of the effects.

    Whitened columns may be rotated within their block without changing the model.
    """

    def __init__(self, criterion: Criterion, factor: int, first: tuple[int, ...]) -> None:
        super().__init__(criterion.design, criterion.response, reml=criterion.reml)
        grouping = criterion.design.factors[factor]
        block = next(block for block in grouping.effects.blocks if first[0] in block)
        order = [*first, *(position for position in block if position not in first)]
        given = grouping.whitening[np.ix_(order, block)]
        lower = np.linalg.cholesky(given @ given.T)
        self._part = np.ix_(block, block)
        self._factor, self._block = factor, block
        self._rotation = linalg.solve(grouping.whitening[self._part], lower[np.argsort(order)])
        self.reach = lower
        """Effects in the new order = reach @ factor in the new order, block by block."""

    def covariance_factors(self, theta: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return the factors in the order of the design, no longer triangular."""
        matrices = super().covariance_factors(theta)
        matrices[self._factor][self._part] = self._rotation @ matrices[self._factor][self._part]
        return matrices

    def parameters(self, matrices: Sequence[np.ndarray]) -> np.ndarray:
        """Return the free entries in the new order."""
        turned = [matrix.copy() for matrix in matrices]
        turned[self._factor][self._part] = self._rotation.T @ turned[self._factor][self._part]
        return super().parameters(turned)

    def entry(self, row: int, column: int) -> int:
        """Return the number of the parameter at a place of the block."""
        rows, columns = self.design.factors[self._factor].entries
        wanted = (rows == self._block[row]) & (columns == self._block[column])
        return int(self.slices[self._factor].start + np.flatnonzero(wanted)[0])

    def start(self, theta: np.ndarray) -> np.ndarray:
        """Return parameters of the given ones' covariance, in the new order and off zero."""
        matrices = [matrix.copy() for matrix in Criterion.covariance_factors(self, theta)]
        block = self._rotation.T @ matrices[self._factor][self._part]
        lower = np.asarray(np.linalg.qr(block.T, mode="r")).T
        matrices[self._factor][self._part] = lower * np.where(np.diag(lower) < 0, -1.0, 1.0)
        return _off_zero(self, Criterion.parameters(self, matrices))


def _limit(rise: Callable[[float], float], held: Held, side: int, zeta: float) -> float:
    """Search for the limit on one side of the estimate."""
    edge = held.lowest if side < 0 else held.highest
    if held.estimate == edge:
        return edge
    inside, step = held.estimate, held.step * zeta / 2
    for _ in range(_N_STEPS):
        outside = held.estimate + side * step
        if side * (outside - edge) >= 0:
            outside = edge
            if rise(edge) <= 0:
                return edge
        height = rise(outside)
        if height > 0:
            return float(optimize.brentq(rise, inside, outside, xtol=1e-7 * abs(outside - inside), rtol=1e-9))
        inside = outside
        step *= float(np.clip(1.1 * zeta / max(height + zeta, 1e-9), 1.2, 4.0))
    return side * np.inf


def _with_sigma(criterion: Criterion, theta: np.ndarray, sigma: float) -> tuple[float, np.ndarray]:
    """Return the deviance and its gradient, by theta and then by log sigma, where sigma is given.

    ``sigma`` is in units of the response's scale.
    """
    try:
        with np.errstate(all="ignore"):
            solution = criterion.solve(theta)
            determinants, residual = criterion.gradient_parts(solution)
            profiled = criterion.value(theta)
    except np.linalg.LinAlgError:
        return np.inf, np.zeros(len(theta) + 1)
    ratio = (criterion.sigma(solution) / sigma) ** 2
    value = profiled + criterion.degrees * (ratio - 1 - np.log(ratio))
    by_theta = determinants + criterion.degrees * ratio * residual
    return value, np.append(by_theta, 2 * criterion.degrees * (1 - ratio))


def _without_column(design: Design, position: int) -> tuple[Design, np.ndarray, np.ndarray]:
    """Leave one column out of the fixed effects.

    Returns
    -------
    design : Design
    others : numpy.ndarray
        (n_coefficients, n_coefficients - 1) the remaining space, in the given design's orthogonal columns.
    along : numpy.ndarray
        (n_coefficients,) the direction that is left out.
    """
    remaining = np.delete(design.triangle, position, axis=1)
    whole, triangle = np.linalg.qr(remaining, mode="complete")
    others, along = whole[:, :-1], whole[:, -1]
    smaller = replace(
        design,
        fixed=design.fixed @ others,
        triangle=triangle[:-1],
        random_fixed=design.random_fixed @ others,
    )
    return smaller, others, along


def _shifted(
    criterion: Criterion, design: Design, coefficients: np.ndarray, others: np.ndarray, along: np.ndarray
) -> Response:
    """Return the response with other coefficients, reduced to the design without one column."""
    response = criterion.response
    part = float(along @ coefficients)
    scale = float(np.hypot(response.scale, part))
    products = response.scale * response.random_residual + part * (criterion.design.random_fixed @ along)
    return replace(
        response, coefficients=others.T @ coefficients, scale=scale, random_residual=products / scale
    )


def _free_start(criterion: Criterion, theta: np.ndarray) -> np.ndarray:
    """Return parameters near an optimum from which every random effect can grow."""
    matrices = []
    for matrix in criterion.covariance_factors(theta):
        lower = np.asarray(np.linalg.qr(matrix.T, mode="r")).T
        matrices.append(lower * np.where(np.diag(lower) < 0, -1.0, 1.0))
    return _off_zero(criterion, criterion.parameters(matrices))


def _off_zero(criterion: Criterion, theta: np.ndarray) -> np.ndarray:
    """Raise diagonal entries that are practically zero."""
    theta = theta.copy()
    for factor, part in zip(criterion.design.factors, criterion.slices, strict=True):
        rows, columns = factor.entries
        low = (rows == columns) & (theta[part] < _FREE_SD)
        theta[part][low] = _FREE_SD
    return theta
