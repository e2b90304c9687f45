r"""Tests of fixed effects with the covariance and degrees of freedom of Kenward and Roger.

The usual covariance of the fixed effects takes the estimated variances for the true ones and is too small in
small samples. Kenward and Roger enlarge it by a second-order correction, scale the F statistic, and choose
degrees of freedom so that its first two moments are right.

With :math:`V = \sum_r \gamma_r G_r`, where :math:`\gamma` are the variances and covariances of the random
effects and the residual variance, the method needs :math:`X'V^{-1}G_rV^{-1}X`,
:math:`X'V^{-1}G_rV^{-1}G_sV^{-1}X` and :math:`\mathrm{tr}(V^{-1}G_rV^{-1}G_s)`. They are formed from the
products of the random effects' columns, so that no matrix has as many rows as there are observations.

References
----------
Kenward & Roger (1997), Small sample inference for fixed effects from restricted maximum likelihood,
Biometrics 53, 983-997. Halekoh & Højsgaard (2014), A Kenward-Roger approximation and parametric bootstrap
methods for tests in linear mixed models: the R package pbkrtest, Journal of Statistical Software 59(9), whose
treatment of degenerate cases is followed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import linalg, stats

from analysis.models.criterion import Criterion, Solution
from analysis.models.optimum import Optimum
from analysis.models.satterthwaite import FixedEffectTests

_MOST_EFFECTS = 8000
"""Number of random effects above which the matrices do not fit into a usual memory (4 x 0.5 GB)."""


@dataclass(frozen=True)
class KenwardRogerTests:
    """Estimates of the fixed effects with their adjusted covariance."""

    estimates: np.ndarray
    """(n_coefficients,)"""
    covariance: np.ndarray
    """(n_coefficients, n_coefficients), adjusted."""
    root: np.ndarray
    """(n_coefficients, n_coefficients); ``root @ root.T`` is the covariance without adjustment."""
    sensitivities: np.ndarray
    """(n_variances, n_coefficients, n_coefficients) X'V^-1 G V^-1 X where X'V^-1 X is the identity."""
    parameter_covariance: np.ndarray
    """(n_variances, n_variances) asymptotic covariance of the variances."""

    def t_tests(self, contrasts: np.ndarray) -> pd.DataFrame:
        """Test each contrast on its own; as `FixedEffectTests.t_tests`."""
        estimate = contrasts @ self.estimates
        se = np.sqrt(np.einsum("ci,ij,cj->c", contrasts, self.covariance, contrasts))
        df = np.array([self._moments(row[None])[0] for row in contrasts])
        t = estimate / se
        columns = {"estimate": estimate, "se": se, "df": df, "t": t, "p": 2 * stats.t.sf(np.abs(t), df)}
        return pd.DataFrame(columns)

    def f_test(self, contrasts: np.ndarray) -> tuple[int, float, float, float]:
        """Test all contrasts together; return numerator and denominator df, scaled F and p."""
        contrasts = _independent(contrasts @ self.root) @ linalg.inv(self.root)
        df, scale = self._moments(contrasts)
        effect = contrasts @ self.estimates
        wald = effect @ np.linalg.solve(contrasts @ self.covariance @ contrasts.T, effect)
        f = float(scale * wald / len(contrasts))
        return len(contrasts), df, f, float(stats.f.sf(f, len(contrasts), df))

    def _moments(self, contrasts: np.ndarray) -> tuple[float, float]:
        """Return the denominator degrees of freedom and the scale of F, (Kenward & Roger 1997, section 3)."""
        if not np.isfinite(contrasts).all():
            return np.nan, np.nan
        q = len(contrasts)
        rows = _independent(contrasts @ self.root)
        parts = rows @ self.sensitivities @ rows.T
        traces = np.trace(parts, axis1=1, axis2=2)
        a1 = float(traces @ self.parameter_covariance @ traces)
        a2 = float(np.einsum("rs,rij,sji->", self.parameter_covariance, parts, parts))
        if a2 == 0:
            return np.inf, 1.0
        b = (a1 + 6 * a2) / (2 * q)
        g = ((q + 1) * a1 - (q + 4) * a2) / ((q + 2) * a2)
        c1, c2, c3 = np.array([g, q - g, q + 2 - g]) / (3 * q + 2 * (1 - g))
        v0 = 1 + c1 * b
        ratio = _ratio(1 - a2 / q, 1 - c2 * b)
        rho = ratio**2 * (0.0 if abs(v0) < 1e-10 else v0) / (1 - c3 * b) / q
        df = 4 + (q + 2) / (q * rho - 1)
        scale = 1.0 if abs(df - 2) < 0.01 else df * (1 - a2 / q) / (df - 2)
        return float(df), float(scale)


def kenward_roger_tests(criterion: Criterion, optimum: Optimum, tests: FixedEffectTests) -> KenwardRogerTests:
    """Prepare the tests of the fixed effects of a model fitted by restricted maximum likelihood.

    Parameters
    ----------
    criterion, optimum, tests
        The fitted model.

    Raises
    ------
    ValueError
        If the model is not fitted by restricted maximum likelihood, or has more than 8000 random effects.
    """
    if not criterion.reml:
        raise ValueError(
            "Kenward and Roger's method belongs to restricted maximum likelihood: ask fit.refit(reml=True)"
        )
    n_effects = criterion.design.random.shape[1]
    if n_effects > _MOST_EFFECTS:
        raise ValueError(
            f"Kenward and Roger's method needs too much memory for {n_effects} random effects: use "
            "Satterthwaite's, which is the same in samples of this size"
        )
    solution = criterion.solve(optimum.theta)
    first, second, information = _derivatives(criterion, solution)
    covariance = 2 * _inverse(information)
    correction = np.einsum("rs,rsij->ij", covariance, second)
    correction -= np.einsum("rs,rij,sjk->ik", covariance, first, first)
    root = _root(criterion, solution)
    size = len(correction)
    adjusted = root @ (np.eye(size) + correction + correction.T) @ root.T
    return KenwardRogerTests(tests.estimates, adjusted, root, first, covariance)


def _root(criterion: Criterion, solution: Solution) -> np.ndarray:
    """Return the root of the covariance of the fixed effects in whose basis X'V^-1 X is the identity."""
    n = criterion.design.n_coefficients
    upper = solution.triangle[:n, :n].T
    root = linalg.solve_triangular(criterion.design.triangle, linalg.solve_triangular(upper, np.eye(n)))
    return root * (criterion.sigma(solution) * criterion.response.scale)


def _derivatives(criterion: Criterion, solution: Solution) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return X'V^-1 G_r V^-1 X, X'V^-1 G_r V^-1 G_s V^-1 X and the expected information of the variances.

    All of it relative to sigma and in the basis in which X'V^-1 X is the identity; the last G is the
    identity, of the residual variance.
    """
    design = criterion.design
    products = (design.random.T @ design.random).toarray()
    spread = _spread(criterion, solution, products)
    n_columns = len(solution.triangle)
    basis = linalg.solve_triangular(solution.triangle, np.eye(n_columns), lower=True).T[:-1, :-1]
    with_fixed = design.random_fixed @ basis
    explained = spread @ with_fixed
    within = products - products @ spread @ products
    scores = with_fixed - products @ explained
    again = scores - within @ explained
    residual = np.eye(n_columns - 1) - scores.T @ explained
    slices, pairs = _pairs(criterion)
    sides = [_both_sides(scores, slices[factor], *pair) for factor, *pair in pairs]
    through = [within @ side for side in sides]
    first = np.array([*(scores.T @ side for side in sides), residual])
    second = np.zeros((len(first), *first.shape))
    for r, side in enumerate(sides):
        for s in range(r, len(sides)):
            second[r, s] = side.T @ through[s]
            second[s, r] = second[r, s].T
        second[r, -1] = side.T @ again
        second[-1, r] = second[r, -1].T
    second[-1, -1] = residual - again.T @ explained
    squared = within - within @ spread @ products
    traces = np.zeros((len(first), len(first)))
    for r, (factor, *pair) in enumerate(pairs):
        for s, (other, *second_pair) in enumerate(pairs):
            traces[r, s] = _crossed(within, slices[factor], slices[other], pair, second_pair)
        traces[r, -1] = traces[-1, r] = _diagonal_trace(squared, slices[factor], *pair)
    traces[-1, -1] = design.n_observations - np.sum(spread * products) - np.sum(spread * within)
    information = traces - 2 * np.trace(second, axis1=2, axis2=3)
    information += np.einsum("rij,sji->rs", first, first)
    return first, second, (information + information.T) / 2


Slots = tuple[slice, int, int]
"""Where the random effects of a grouping factor stand, its number of levels, and of effects per level."""


def _spread(criterion: Criterion, solution: Solution, products: np.ndarray) -> np.ndarray:
    """Return Lambda M^-1 Lambda', (n_random_effects, n_random_effects)."""
    roots = []
    for factor, root in zip(criterion.design.factors, solution.covariance_factors, strict=True):
        roots += [root] * factor.n_levels
    turned = _times_blocks(products, roots)
    matrix = _times_blocks(turned.T, roots)
    matrix[np.diag_indices_from(matrix)] += 1.0
    lower = linalg.cholesky(matrix, lower=True)
    half = linalg.solve_triangular(lower, _block_transposed(roots), lower=True)
    return half.T @ half


def _times_blocks(matrix: np.ndarray, roots: list[np.ndarray]) -> np.ndarray:
    """Multiply the columns with a block-diagonal matrix."""
    result, start = np.empty_like(matrix), 0
    for root in roots:
        stop = start + len(root)
        result[:, start:stop] = matrix[:, start:stop] @ root
        start = stop
    return result


def _block_transposed(roots: list[np.ndarray]) -> np.ndarray:
    """Return the transposed block-diagonal matrix, dense."""
    return linalg.block_diag(*(root.T for root in roots))


def _pairs(criterion: Criterion) -> tuple[list[Slots], list[tuple[int, int, int]]]:
    """Return the grouping factors' slots and, per variance or covariance, its factor and two effects."""
    slots, pairs, start = [], [], 0
    for number, factor in enumerate(criterion.design.factors):
        stop = start + factor.n_levels * factor.n_effects
        slots.append((slice(start, stop), factor.n_levels, factor.n_effects))
        rows, columns = factor.entries
        pairs += [(number, int(row), int(column)) for row, column in zip(rows, columns, strict=True)]
        start = stop
    return slots, pairs


def _both_sides(scores: np.ndarray, slots: Slots, row: int, column: int) -> np.ndarray:
    """Multiply with the derivative of the random effects' covariance by one of its entries."""
    part, n_levels, n_effects = slots
    own = scores[part].reshape(n_levels, n_effects, -1)
    result = np.zeros_like(scores)
    target = result[part].reshape(n_levels, n_effects, -1)
    target[:, row] = own[:, column]
    if row != column:
        target[:, column] = own[:, row]
    return result


def _crossed(
    within: np.ndarray, first: Slots, second: Slots, pair: list[int], second_pair: list[int]
) -> float:
    """Return the trace of V^-1 G_r V^-1 G_s."""
    part, n_levels, n_effects = first
    other, n_others, n_other_effects = second
    block = within[part, other].reshape(n_levels, n_effects, n_others, n_other_effects)
    (i, j), (k, m) = pair, second_pair
    total = np.sum(block[:, i, :, k] * block[:, j, :, m]) + np.sum(block[:, i, :, m] * block[:, j, :, k])
    return float(0.5 * total * (1 if i == j else 2) * (1 if k == m else 2))


def _diagonal_trace(squared: np.ndarray, slots: Slots, row: int, column: int) -> float:
    """Return the trace of V^-1 G_r V^-1."""
    part, n_levels, n_effects = slots
    places = np.arange(part.start, part.stop).reshape(n_levels, n_effects)
    return float(squared[places[:, row], places[:, column]].sum() * (1.0 if row == column else 2.0))


def _independent(rows: np.ndarray) -> np.ndarray:
    """Return orthonormal rows that span the same space."""
    _, sizes, directions = np.linalg.svd(rows, full_matrices=False)
    return directions[sizes > 1e-7 * sizes.max(initial=0.0)]


def _ratio(numerator: float, denominator: float) -> float:
    """Divide; 1 where both vanish."""
    both = abs(numerator) < 1e-14 and abs(denominator) < 1e-14
    return 1.0 if both else numerator / denominator


def _inverse(information: np.ndarray) -> np.ndarray:
    """Invert the information; directions of which the data say nothing are left out."""
    scale = np.sqrt(np.maximum(np.diag(information), 1e-300))
    return linalg.pinvh(information / np.outer(scale, scale), rtol=1e-10) / np.outer(scale, scale)
