r"""The profiled (restricted) likelihood of a mixed model and its exact gradient.

The model is :math:`y = X\beta + Z\Lambda u + e` with :math:`u \sim N(0, \sigma^2 I)` and :math:`e \sim N(0,
\sigma^2 I)`. The criterion is -2 log likelihood (or -2 log restricted likelihood) as a function of the free
entries of :math:`\Lambda`, with :math:`\beta` and :math:`\sigma` at their best values. It is evaluated by a
Cholesky factor of :math:`M = \Lambda'Z'Z\Lambda + I`, blocked so that the grouping factor with most random
effects costs only small blocks, one per level.

The entries of :math:`\Lambda` may have any sign. The criterion does not depend on the sign of a column, so
that a variance of zero lies inside the parameter space, and no bounds are needed.

With :math:`V = I + Z\Lambda\Lambda'Z'` and :math:`r = y - X\beta`, the derivative with respect to
:math:`\Lambda` is

.. math:: 2 Z'\left(V^{-1} - V^{-1}X(X'V^{-1}X)^{-1}X'V^{-1} - V^{-1}rr'V^{-1}/\sigma^2\right)Z\Lambda,

whose second part belongs to the restricted likelihood only.

References
----------
Bates, Mächler, Bolker & Walker (2015), Journal of Statistical Software 67(1), sections 3.4 and 5.4, for
the criterion. Bates et al., documentation of MixedModels.jl, for the blocked Cholesky factor.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import linalg

from analysis.models.coupling import Coupling
from analysis.models.crossproducts import Design, Response


@dataclass(frozen=True)
class Solution:
    """The mixed-model equations solved for one value of the covariance parameters.

    Scores, weights and traces have one entry per grouping factor. The last axis of scores and weights is
    ``n_coefficients + 1``: the fixed effects in a basis in which they are uncorrelated, then the residual
    with :math:`r'V^{-1}r = 1`.
    """

    covariance_factors: tuple[np.ndarray, ...]
    """Lower-triangular, (n_effects, n_effects) each, for the whitened columns."""
    log_determinant: float
    """Log determinant of V."""
    triangle: np.ndarray
    """Lower Cholesky factor of [X y]'V^-1[X y]."""
    scores: tuple[np.ndarray, ...]
    """Z'V^-1[X r], (n_levels, n_effects, n_coefficients + 1)."""
    weights: tuple[np.ndarray, ...]
    """Lambda'Z'V^-1[X r], (n_levels, n_effects, n_coefficients + 1)."""
    traces: tuple[np.ndarray, ...]
    """Z'V^-1 Z Lambda, summed over the levels' own blocks, (n_effects, n_effects)."""


@dataclass(frozen=True)
class _Cholesky:
    """Blocked Cholesky factor of M; "first" and "dense" are the two parts of `Design`."""

    inverse: np.ndarray
    """(n_levels, n_effects, n_effects) inverse of each first block's lower factor."""
    half_first: np.ndarray
    """(n_levels, n_effects, n_coefficients + 1)"""
    cross: Coupling
    """(n_dense, n_levels, n_effects) dense part against the solved first part."""
    schur: np.ndarray
    """(n_dense, n_dense) products of the dense part, given the first factor."""
    products: np.ndarray
    """(n_dense, n_coefficients + 1) the dense part with [X y], given the first factor."""
    dense: np.ndarray
    """(n_dense, n_dense) lower factor of the dense block."""
    half_dense: np.ndarray
    """(n_dense, n_coefficients + 1)"""
    triangle: np.ndarray
    log_determinant: float


class Criterion:
    """-2 log likelihood or -2 log restricted likelihood, profiled over fixed effects and residual variance.

    Parameters
    ----------
    design, response : Design, Response
        Products of the data, see `analysis.models.crossproducts`.
    reml : bool
        Restricted likelihood if true.
    """

    def __init__(self, design: Design, response: Response, *, reml: bool) -> None:
        self.design, self.response, self.reml = design, response, reml
        self.n_evaluations = 0
        self.degrees = design.n_observations - (design.n_coefficients if reml else 0)
        self.slices = _consecutive(len(factor.entries[0]) for factor in design.factors)
        self._dense_slices = _consecutive(factor.n_levels * factor.n_effects for factor in design.factors[1:])
        products = np.column_stack([design.random_fixed, response.random_residual])
        first = design.factors[0]
        size = first.n_levels * first.n_effects
        self._first_products = products[:size].reshape(first.n_levels, first.n_effects, products.shape[1])
        self._dense_products = products[size:]
        self._constant = 2 * self.degrees * np.log(response.scale) - 2 * np.log(design.root_weights).sum()
        if reml:
            self._constant += 2 * np.log(np.abs(np.diag(design.triangle))).sum()

    @property
    def n_parameters(self) -> int:
        """Number of covariance parameters, without the residual variance."""
        return self.slices[-1].stop

    def covariance_factors(self, theta: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return each grouping factor's lower-triangular covariance factor, in units of sigma."""
        matrices = []
        for factor, part in zip(self.design.factors, self.slices, strict=True):
            matrix = np.zeros((factor.n_effects, factor.n_effects))
            matrix[factor.entries] = theta[part]
            matrices.append(matrix)
        return tuple(matrices)

    def parameters(self, matrices: Sequence[np.ndarray]) -> np.ndarray:
        """Return the free entries of covariance factors: the inverse of `covariance_factors`."""
        pairs = zip(self.design.factors, matrices, strict=True)
        return np.concatenate([matrix[factor.entries] for factor, matrix in pairs])

    def value(self, theta: np.ndarray) -> float:
        """Return the criterion; infinity where rounding makes it impossible to evaluate."""
        try:
            with np.errstate(all="ignore"):
                cholesky = self._factorise(self.covariance_factors(theta))
                value = self._profiled(cholesky.log_determinant, cholesky.triangle)
        except np.linalg.LinAlgError:
            return np.inf
        return value if np.isfinite(value) else np.inf

    def value_and_gradient(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the criterion and its derivatives with respect to the covariance parameters."""
        try:
            with np.errstate(all="ignore"):
                solution = self.solve(theta)
                determinants, residual = self.gradient_parts(solution)
                value = self._profiled(solution.log_determinant, solution.triangle)
                gradient = determinants + self.degrees * residual
        except np.linalg.LinAlgError:
            return np.inf, np.zeros_like(theta)
        usable = np.isfinite(value) and np.isfinite(gradient).all()
        return (value, gradient) if usable else (np.inf, np.zeros_like(theta))

    def gradient_parts(self, solution: Solution) -> tuple[np.ndarray, np.ndarray]:
        """Return the derivatives of the log determinants, and of the log residual sum of squares."""
        determinants, residuals = [], []
        for scores, weights, traces in zip(solution.scores, solution.weights, solution.traces, strict=True):
            fixed = np.tensordot(scores[..., :-1], weights[..., :-1], ((0, 2), (0, 2)))
            determinants.append(2 * (traces - fixed if self.reml else traces))
            residuals.append(-2 * scores[..., -1].T @ weights[..., -1])
        return self.parameters(determinants), self.parameters(residuals)

    def sigma(self, solution: Solution) -> float:
        """Return the residual standard deviation, in units of ``response.scale``."""
        return float(abs(solution.triangle[-1, -1]) / np.sqrt(self.degrees))

    def solve(self, theta: np.ndarray) -> Solution:
        """Solve the mixed-model equations.

        Raises
        ------
        numpy.linalg.LinAlgError
            If rounding makes a matrix indefinite.
        """
        matrices = self.covariance_factors(theta)
        cholesky = self._factorise(matrices)
        design, root, inverse = self.design, matrices[0], cholesky.inverse
        inverse_t = inverse.transpose(0, 2, 1)
        dense_weights = _solve_lower(cholesky.dense, cholesky.half_dense, transposed=True)
        spread = self._apply(matrices, dense_weights)
        dense_scores = cholesky.products - cholesky.schur @ spread
        weights = inverse_t @ (cholesky.half_first - cholesky.cross.to_levels(spread))
        scores = self._first_products - (design.first @ root) @ weights
        scores -= design.dense_first.to_levels(spread)
        basis = _solve_lower(cholesky.triangle, np.eye(len(cholesky.triangle))).T
        return Solution(
            matrices,
            cholesky.log_determinant,
            cholesky.triangle,
            self._per_factor(scores @ basis, dense_scores @ basis),
            self._per_factor(weights @ basis, dense_weights @ basis),
            self._traces(matrices, cholesky),
        )

    def _profiled(self, log_determinant: float, triangle: np.ndarray) -> float:
        """Return the criterion at the best fixed effects and residual variance."""
        diagonal = np.abs(np.diag(triangle))
        value = log_determinant + self._constant
        value += self.degrees * (1 + np.log(2 * np.pi * diagonal[-1] ** 2 / self.degrees))
        return float(value + (2 * np.log(diagonal[:-1]).sum() if self.reml else 0.0))

    def _factorise(self, matrices: tuple[np.ndarray, ...]) -> _Cholesky:
        """Factor M block by block; raises LinAlgError where rounding makes it indefinite."""
        self.n_evaluations += 1
        design, root = self.design, matrices[0]
        lower = np.linalg.cholesky(root.T @ design.first @ root + np.eye(len(root)))
        inverse = np.linalg.inv(lower)
        upper = root @ inverse.transpose(0, 2, 1)
        half_first = upper.transpose(0, 2, 1) @ self._first_products
        cross = design.dense_first.times(upper)
        schur = design.dense - cross.gram()
        products = self._dense_products - cross.to_dense(half_first)
        middle = self._apply(matrices, self._apply(matrices, schur, transposed=True).T, transposed=True)
        dense = np.linalg.cholesky(middle + np.eye(len(schur)))
        half_dense = _solve_lower(dense, self._apply(matrices, products, transposed=True))
        half = half_first.reshape(upper.shape[0] * upper.shape[2], half_first.shape[2])
        total = design.n_observations * np.eye(half.shape[1])
        triangle = np.linalg.cholesky(total - half.T @ half - half_dense.T @ half_dense)
        log_determinant = 2 * np.log(np.diagonal(lower, axis1=1, axis2=2)).sum()
        log_determinant += 2 * np.log(np.diag(dense)).sum()
        return _Cholesky(
            inverse, half_first, cross, schur, products, dense, half_dense, triangle, log_determinant
        )

    def _traces(self, matrices: tuple[np.ndarray, ...], cholesky: _Cholesky) -> tuple[np.ndarray, ...]:
        """Return the sums over levels of the diagonal blocks of Z'V^-1 Z Lambda."""
        design, inverse = self.design, cholesky.inverse
        solved = (design.first @ matrices[0]) @ inverse.transpose(0, 2, 1)
        first = (solved @ inverse).sum(axis=0)
        if not len(cholesky.dense):
            return (first,)
        inverted = _inverse(cholesky.dense)
        covariance = self._apply(matrices, self._apply(matrices, inverted).T)
        remaining = design.dense_first.minus(cholesky.cross.times(solved.transpose(0, 2, 1)))
        first = first - remaining.traced(covariance, cholesky.cross.times(inverse))
        left = self._apply(matrices, cholesky.schur, transposed=True).T
        dense = []
        for factor, part in zip(design.factors[1:], self._dense_slices, strict=True):
            shape = (factor.n_levels, factor.n_effects, len(inverted))
            dense.append(
                np.tensordot(left[part].reshape(shape), inverted[part].reshape(shape), ((0, 2), (0, 2)))
            )
        return (first, *dense)

    def _apply(
        self, matrices: tuple[np.ndarray, ...], values: np.ndarray, *, transposed: bool = False
    ) -> np.ndarray:
        """Multiply the dense part's covariance factor (or its transpose) with (n_dense, n_columns) values."""
        result = np.empty_like(values)
        pairs = zip(self.design.factors[1:], matrices[1:], self._dense_slices, strict=True)
        for factor, matrix, part in pairs:
            blocks = values[part].reshape(factor.n_levels, factor.n_effects, values.shape[1])
            result[part] = ((matrix.T if transposed else matrix) @ blocks).reshape(values[part].shape)
        return result

    def _per_factor(self, first: np.ndarray, dense: np.ndarray) -> tuple[np.ndarray, ...]:
        """Split the dense part into one (n_levels, n_effects, n_columns) array per grouping factor."""
        pairs = zip(self.design.factors[1:], self._dense_slices, strict=True)
        shapes = [(part, (factor.n_levels, factor.n_effects, dense.shape[1])) for factor, part in pairs]
        return (first, *(dense[part].reshape(shape) for part, shape in shapes))


def lower_triangular(root: np.ndarray) -> np.ndarray:
    """Return the lower-triangular factor of ``root @ root.T``, which may be singular.

    Examples
    --------
    >>> lower_triangular(np.array([[0.0, -2.0], [3.0, 4.0]]))
    array([[ 2.,  0.],
           [-4.,  3.]])
    """
    lower = np.asarray(np.linalg.qr(root.T, mode="r")).T
    return lower * np.where(np.diag(lower) < 0, -1.0, 1.0)


def _consecutive(lengths: Iterable[int]) -> tuple[slice, ...]:
    """Return slices of the given lengths, one after the other."""
    ends = np.cumsum([0, *lengths])
    return tuple(slice(int(start), int(stop)) for start, stop in pairwise(ends))


def _solve_lower(lower: np.ndarray, values: np.ndarray, *, transposed: bool = False) -> np.ndarray:
    """Solve a lower-triangular system; a system without equations has an empty solution."""
    if not len(lower):
        return values
    return linalg.solve_triangular(lower, values, lower=True, trans=int(transposed), check_finite=False)


def _inverse(lower: np.ndarray) -> np.ndarray:
    """Return the inverse of the matrix whose lower Cholesky factor is given."""
    inverse, _ = linalg.lapack.dpotri(lower, lower=1)
    return np.tril(inverse) + np.tril(inverse, -1).T
