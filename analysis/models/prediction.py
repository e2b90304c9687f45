"""What a fitted mixed model predicts: new rows, new data sets, and shares of variance.

References
----------
Nakagawa, Johnson & Schielzeth (2017), The coefficient of determination R2 and intra-class correlation
coefficient from generalized linear mixed-effects models revisited and expanded, Journal of the Royal Society
Interface 14, 20170213. Johnson (2014), Extension of Nakagawa & Schielzeth's R2 GLMM to random slopes models,
Methods in Ecology and Evolution 5, 944-946: the variance of random slopes, averaged over the observations.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from analysis.models.crossproducts import Factor
from analysis.models.design import FixedEffects, RandomEffects, offset_values
from analysis.models.formula import parse_formula
from analysis.models.processes import check_generator
from analysis.models.table import as_fitted, group_codes
from analysis.models.terms import finite, read_formula, variables_in

if TYPE_CHECKING:
    from analysis.models.criterion import Criterion
    from analysis.models.mixed import _Model
    from analysis.models.optimum import Optimum
    from analysis.models.satterthwaite import FixedEffectTests
    from analysis.models.variances import VarianceComponents


class Prediction:
    """The part of a `MixedFit` that predicts."""

    sigma: float
    _model: _Model
    _criterion: Criterion
    _optimum: Optimum
    _tests: FixedEffectTests
    _variances: VarianceComponents

    def predict(
        self,
        data: pd.DataFrame,
        *,
        random: bool = True,
        new_levels: Literal["error", "zero"] = "error",
    ) -> np.ndarray:
        """Predict the response in new rows.

        Parameters
        ----------
        data : pandas.DataFrame
            One row per prediction, with the variables of the formula (the response is not needed). Offsets
            of the formula are computed from it; an offset that was given as an array is left out.
        random : bool
            Add the predicted random effects of the groups, or predict for an average group.
        new_levels : {"error", "zero"}
            What to do with a group that was not in the data: refuse it, or predict it as an average one.

        Returns
        -------
        numpy.ndarray
            (n_rows,) in the unit of the response; NaN where a variable is missing.

        Raises
        ------
        ValueError
            If a column is missing, a factor has a level that was not in the data, or a group is new.
        """
        if new_levels not in {"error", "zero"}:
            raise ValueError(f"new_levels should be 'error' or 'zero'; got {new_levels!r}")
        parsed = parse_formula(self._model.formula)
        effects = [factor.effects for factor in self._criterion.design.factors] if random else []
        names = _needed(self._model.fixed, effects, parsed.offsets)
        groups = list(dict.fromkeys(name for effect in effects for name in effect.groups))
        frame, complete = as_fitted(data, names, self._model.levels, groups)
        result = np.full(len(data), np.nan)
        if not complete.any():
            return result
        fixed = self._model.fixed
        predicted = fixed.all_columns(frame)[:, fixed.kept] @ self._tests.estimates
        predicted += offset_values(parsed, frame)
        for effect in effects:
            rows, refuse = data.loc[complete], new_levels == "error"
            codes = group_codes(rows, effect.groups, effect.levels, refuse=refuse)
            known = codes >= 0
            own = self._variances.effects[effect.group].to_numpy()[codes[known]]
            predicted[known] += np.sum(_columns(effect, frame)[known] * own, axis=1)
        result[complete] = predicted
        return result

    def simulate(self, n: int, *, rng: np.random.Generator) -> np.ndarray:
        """Draw new responses from the fitted model, with new random effects and residuals.

        Parameters
        ----------
        n : int
            Number of data sets.
        rng : numpy.random.Generator
            Source of randomness.

        Returns
        -------
        numpy.ndarray
            (n, n_observations) responses for the complete rows of the data, ready for `refit`.
        """
        check_generator(rng)
        if n < 0:
            raise ValueError(f"n should be the number of data sets; got {n}")
        design, roots = self._criterion.design, self._criterion.covariance_factors(self._optimum.theta)
        fixed = design.fixed @ (design.triangle @ self._tests.estimates)
        simulated = np.empty((n, design.n_observations))
        for row in simulated:
            effects = [
                (rng.standard_normal((factor.n_levels, factor.n_effects)) @ root.T).ravel()
                for factor, root in zip(design.factors, roots, strict=True)
            ]
            drawn = design.random @ np.concatenate(effects) + rng.standard_normal(design.n_observations)
            row[:] = fixed + self.sigma * drawn
        return simulated / design.root_weights + self._model.offset

    def r2(self) -> pd.DataFrame:
        """Return the shares of variance that the model explains (Nakagawa's R2).

        Returns
        -------
        pandas.DataFrame
            One row: marginal (fixed effects alone), conditional (with random effects), and the variances
            they are made of: var_fixed (of the predictions, divisor n - 1), var_random (averaged over the
            observations where there are slopes), var_residual.
        """
        design = self._criterion.design
        fixed = design.fixed @ (design.triangle @ self._tests.estimates) / design.root_weights
        var_fixed = float(np.var(fixed, ddof=1))
        var_random = float(sum(variance for _, variance in self._group_variances()))
        total = var_fixed + var_random + self.sigma**2
        row = {
            "marginal": var_fixed / total,
            "conditional": (var_fixed + var_random) / total,
            "var_fixed": var_fixed,
            "var_random": var_random,
            "var_residual": self.sigma**2,
        }
        return pd.DataFrame([row])

    @property
    def intraclass_correlation(self) -> pd.Series:
        """Share of each grouping factor in the variance that the fixed effects leave (adjusted ICC).

        With random slopes it is that of an average observation.
        """
        variances = dict(self._group_variances())
        total = sum(variances.values()) + self.sigma**2
        shares = {group: variances[group] / total for group in self._model.groups}
        return pd.Series(shares, name="icc").rename_axis("group")

    def _group_variances(self) -> Iterator[tuple[str, float]]:
        """Yield the variance of each grouping factor's random effects, averaged over the observations."""
        factors = self._criterion.design.factors
        for factor, covariance in zip(factors, self._variances.covariances, strict=True):
            yield factor.effects.group, _average_variance(factor, covariance)


def _average_variance(factor: Factor, covariance: np.ndarray) -> float:
    """Return the mean over the rows of z' covariance z."""
    columns = factor.effects.columns
    return float(np.einsum("ni,ij,nj->", columns, covariance, columns, optimize=True) / len(columns))


def _needed(fixed: FixedEffects, effects: list[RandomEffects], offsets: tuple[str, ...]) -> list[str]:
    """Return the columns that a prediction is computed from."""
    formulas = [fixed.spec.formula, *(spec.formula for effect in effects for spec in effect.specs)]
    formulas += [read_formula(f"0 + I({text})") for text in offsets]
    return list(dict.fromkeys(name for formula in formulas for name in variables_in(formula)))


def _columns(effect: RandomEffects, frame: pd.DataFrame) -> np.ndarray:
    """Return the random-effect columns at new values, (n_rows, n_effects)."""
    parts = [
        finite(spec.get_model_matrix(frame, context={}), len(frame), effect.group) for spec in effect.specs
    ]
    return np.column_stack(parts)[:, list(effect.kept)]
