r"""Tests of fixed effects with Satterthwaite's degrees of freedom.

The variance of a contrast of fixed effects depends on the covariance parameters and on sigma; how well those
are known, from the curvature of the criterion, gives the degrees of freedom. Both the covariance of the fixed
effects and its derivatives are exact.

References
----------
Kuznetsova, Brockhoff & Christensen (2017), lmerTest: tests in linear mixed effects models, Journal of
Statistical Software 82(13), sections 2 and 3: t tests, and F tests by the eigenvectors of the contrasts'
covariance. Fai & Cornelius (1996), Journal of Statistical Computation and Simulation 54: the denominator of
the F test.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import pandas as pd
from scipy import linalg, stats

from analysis.models.criterion import Criterion, Solution
from analysis.models.optimum import Optimum

DegreesOfFreedom = Literal["satterthwaite", "kenward-roger"]


class Tests(Protocol):
    """Tests of fixed effects by some method."""

    @property
    def estimates(self) -> np.ndarray:
        """(n_coefficients,)."""

    @property
    def covariance(self) -> np.ndarray:
        """(n_coefficients, n_coefficients)."""

    def t_tests(self, contrasts: np.ndarray) -> pd.DataFrame:
        """Test each contrast on its own."""

    def f_test(self, contrasts: np.ndarray) -> tuple[int, float, float, float]:
        """Test all contrasts together; return numerator and denominator df, F and p."""


@dataclass(frozen=True)
class FixedEffectTests:
    """Estimates of the fixed effects, their covariance, and how well that covariance is known."""

    estimates: np.ndarray
    """(n_coefficients,)"""
    covariance: np.ndarray
    """(n_coefficients, n_coefficients)"""
    derivatives: np.ndarray
    """(n_parameters + 1, n_coefficients, n_coefficients) of the covariance, by parameters and sigma."""
    parameter_covariance: np.ndarray
    """(n_parameters + 1, n_parameters + 1) asymptotic covariance of parameters and sigma."""

    def t_tests(self, contrasts: np.ndarray) -> pd.DataFrame:
        """Test each contrast on its own.

        Parameters
        ----------
        contrasts : numpy.ndarray
            (n_contrasts, n_coefficients); rows with NaN give NaN.

        Returns
        -------
        pandas.DataFrame
            One row per contrast: estimate, se, df, t, p (two-sided).
        """
        estimate = contrasts @ self.estimates
        variance = np.einsum("ci,ij,cj->c", contrasts, self.covariance, contrasts)
        se = np.sqrt(variance)
        df = np.array([self._degrees(row) for row in contrasts])
        t = estimate / se
        columns = {"estimate": estimate, "se": se, "df": df, "t": t, "p": 2 * stats.t.sf(np.abs(t), df)}
        return pd.DataFrame(columns)

    def f_test(self, contrasts: np.ndarray) -> tuple[int, float, float, float]:
        """Test all contrasts together; return numerator and denominator df, F and p."""
        values, vectors = np.linalg.eigh(contrasts @ self.covariance @ contrasts.T)
        solid = values > 1e-8 * values.max()
        independent = vectors[:, solid].T @ contrasts
        n_contrasts = int(solid.sum())
        f = float(np.mean((independent @ self.estimates) ** 2 / values[solid]))
        df = _denominator(np.array([self._degrees(row) for row in independent]))
        return n_contrasts, df, f, float(stats.f.sf(f, n_contrasts, df))

    def _degrees(self, contrast: np.ndarray) -> float:
        """Return Satterthwaite's degrees of freedom of one contrast."""
        variance = contrast @ self.covariance @ contrast
        slopes = np.einsum("i,kij,j->k", contrast, self.derivatives, contrast)
        spread = slopes @ self.parameter_covariance @ slopes
        return float(2 * variance**2 / spread) if spread > 0 else np.nan


def fixed_effect_tests(criterion: Criterion, optimum: Optimum) -> FixedEffectTests:
    """Prepare the tests of the fixed effects of a fitted model."""
    solution = criterion.solve(optimum.theta)
    n = criterion.design.n_coefficients
    sigma = criterion.sigma(solution)
    scale = criterion.response.scale
    upper = solution.triangle[:n, :n].T
    to_given = linalg.solve_triangular(criterion.design.triangle, np.eye(n))
    to_independent = to_given @ linalg.solve_triangular(upper, np.eye(n))
    reduced = linalg.solve_triangular(upper, solution.triangle[n, :n])
    covariance = (sigma * scale) ** 2 * to_independent @ to_independent.T
    by_parameter = _derivatives(criterion, solution)
    derivatives = (sigma * scale) ** 2 * (to_independent @ by_parameter @ to_independent.T)
    return FixedEffectTests(
        estimates=to_given @ (criterion.response.coefficients + scale * reduced),
        covariance=covariance,
        derivatives=np.concatenate([derivatives, 2 / sigma * covariance[None]]),
        parameter_covariance=_parameter_covariance(criterion, optimum, solution, sigma),
    )


def _derivatives(criterion: Criterion, solution: Solution) -> np.ndarray:
    """Differentiate (X'V^-1 X)^-1, in the basis in which it is the identity, by the covariance parameters."""
    parts = []
    pairs = zip(criterion.design.factors, solution.scores, solution.weights, strict=True)
    for factor, scores, weights in pairs:
        for row, column in zip(*factor.entries, strict=True):
            product = scores[:, row, :-1].T @ weights[:, column, :-1]
            parts.append(product + product.T)
    return np.array(parts)


def _parameter_covariance(
    criterion: Criterion, optimum: Optimum, solution: Solution, sigma: float
) -> np.ndarray:
    """Return twice the inverse of the curvature of the criterion, by the covariance parameters and sigma."""
    profiled = _pseudo_inverse(optimum.hessian)
    mixed = -2 * criterion.degrees / sigma * criterion.gradient_parts(solution)[1]
    own = 4 * criterion.degrees / sigma**2
    across = -(profiled @ mixed) / own
    corner = 1 / own + mixed @ profiled @ mixed / own**2
    return 2 * np.block([[profiled, across[:, None]], [across[None, :], np.array([[corner]])]])


def _pseudo_inverse(hessian: np.ndarray) -> np.ndarray:
    """Invert a curvature; directions without curvature (redundant at a boundary) are left out."""
    values, vectors = np.linalg.eigh(hessian)
    solid = values > 1e-8 * max(values.max(), 1e-8)
    return (vectors[:, solid] / values[solid]) @ vectors[:, solid].T


def _denominator(degrees: np.ndarray) -> float:
    """Combine the degrees of freedom of independent contrasts into those of their F test."""
    if np.ptp(degrees) < 1e-8:
        return float(degrees.mean())
    if (degrees <= 2).any():
        return 2.0
    expectation = np.sum(degrees / (degrees - 2))
    return float(2 * expectation / (expectation - len(degrees)))
