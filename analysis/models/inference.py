"""What can be asked of a fitted model: slopes, means, their contrasts, and joint tests, cell by cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
import pandas as pd
from scipy import stats

from analysis.models.bootstrap import Kind, bootstrap
from analysis.models.contrasts import (
    ContrastSet,
    Weights,
    as_names,
    contrast_families,
    contrast_table,
    weight_matrix,
)
from analysis.models.intervals import profile_intervals, wald_intervals
from analysis.models.joint_tests import joint_contrasts
from analysis.models.kenward_roger import KenwardRogerTests, kenward_roger_tests
from analysis.models.multiplicity import Adjustment, check_level
from analysis.models.satterthwaite import DegreesOfFreedom, FixedEffectTests, Tests
from analysis.models.trends import mean_contrasts, mean_rows, slope_contrasts, slope_rows

if TYPE_CHECKING:
    from analysis.models.criterion import Criterion
    from analysis.models.mixed import MixedFit, _Model
    from analysis.models.optimum import Optimum

At = Mapping[str, Any]


class Inference:
    """The part of a `MixedFit` that answers questions about its fixed effects."""

    _model: _Model
    _criterion: Criterion
    _optimum: Optimum
    _tests: FixedEffectTests

    def anova(self, *, ddf: DegreesOfFreedom = "satterthwaite") -> pd.DataFrame:
        """Test every term of the fixed effects (type III).

        Parameters
        ----------
        ddf : {"satterthwaite", "kenward-roger"}
            Method of the degrees of freedom, see `analysis.models.satterthwaite` and
            `analysis.models.kenward_roger` (which adjusts F as well).

        Returns
        -------
        pandas.DataFrame
            Index term; num_df, den_df, F, p. A test compares the levels with equal weights, at zero of the
            numeric variables.
        """
        method = self._tests_by(ddf)
        tests = {term: method.f_test(contrasts) for term, contrasts in self._model.fixed.hypotheses.items()}
        table = pd.DataFrame.from_dict(tests, orient="index", columns=["num_df", "den_df", "F", "p"])
        return table.astype({"num_df": int}).rename_axis("term")

    def coefficients(self, *, ddf: DegreesOfFreedom = "satterthwaite") -> pd.DataFrame:
        """Test every coefficient: ``fixed_effects``, with the method of `anova`."""
        names = pd.Index(self._model.fixed.names, name="term")
        return self._tests_by(ddf).t_tests(np.eye(len(names))).set_index(names)

    def _tests_by(self, ddf: DegreesOfFreedom) -> Tests:
        """Return the tests by a method."""
        if ddf == "satterthwaite":
            return self._tests
        if ddf == "kenward-roger":
            return self._kenward_roger
        raise ValueError(f"ddf should be 'satterthwaite' or 'kenward-roger'; got {ddf!r}")

    @cached_property
    def _kenward_roger(self) -> KenwardRogerTests:
        return kenward_roger_tests(self._criterion, self._optimum, self._tests)

    def slopes(
        self,
        variable: str,
        by: Sequence[str] = (),
        *,
        at: At | None = None,
        level: float = 0.95,
        ddf: DegreesOfFreedom = "satterthwaite",
    ) -> pd.DataFrame:
        """Estimate the slope along a numeric variable in every cell.

        Parameters
        ----------
        variable : str
            Numeric variable of the fixed effects.
        by : sequence of str
            Variables whose combinations are the cells; factors that are not named are averaged over.
        at : mapping, optional
            Values at which other variables are held (several are averaged over); by default the mean of
            numbers, and all levels of factors.
        level : float
            Confidence level of each interval.
        ddf : {"satterthwaite", "kenward-roger"}
            As in `anova`.

        Returns
        -------
        pandas.DataFrame
            The columns of ``by``, then slope, se, df, t, z, p, lower, upper. ``t`` and ``z``
            are the same ratio; p and the interval are those of t. emtrends prints z with the normal
            distribution for more than 3000 observations.
        """
        cells, contrasts = slope_contrasts(self._model.fixed, variable, by, at or {})
        return _cell_table(cells, self._tests_by(ddf).t_tests(contrasts), "slope", level)

    def means(
        self,
        by: Sequence[str] = (),
        *,
        at: At | None = None,
        level: float = 0.95,
        ddf: DegreesOfFreedom = "satterthwaite",
    ) -> pd.DataFrame:
        """Estimate the mean response in every cell; as `slopes`, with a column mean instead of slope.

        An offset is not part of it.
        """
        cells, contrasts = mean_contrasts(self._model.fixed, by, at or {})
        return _cell_table(cells, self._tests_by(ddf).t_tests(contrasts), "mean", level)

    def slope_contrasts(
        self,
        variable: str,
        of: Sequence[str] | str,
        by: Sequence[str] | str = (),
        *,
        method: ContrastSet | Weights = "pairwise",
        reference: object = None,
        adjust: Adjustment | None = None,
        at: At | None = None,
        level: float = 0.95,
        ddf: DegreesOfFreedom = "satterthwaite",
    ) -> pd.DataFrame:
        """Compare slopes along a numeric variable between the levels of factors, within every cell.

        Parameters
        ----------
        variable : str
            Numeric variable of the fixed effects.
        of : str or sequence of str
            Factors whose levels (combinations of levels) are compared.
        by : str or sequence of str
            Variables whose combinations are the cells; each cell is a family of its own.
        method : {"pairwise", "trt.vs.ctrl", "consec", "eff", "poly", "interaction"} or mapping
            Which contrasts, named as in emmeans; or a name and one weight per level for each.
        reference : object, optional
            The level that others are compared with (``trt.vs.ctrl``); the first by default.
        adjust : {"none", "bonferroni", "holm", "BH", "sidak", "tukey", "mvt"}, optional
            How p values and intervals allow for several contrasts in a cell, see
            `analysis.models.multiplicity`. By default tukey for all pairs, mvt for comparisons with one level
            (Dunnett) or with the one before, none otherwise.
        at : mapping, optional
            Values at which other numeric variables are held; their mean by default.
        level : float
            Confidence level of each family.
        ddf : {"satterthwaite", "kenward-roger"}
            As in `anova`.

        Returns
        -------
        pandas.DataFrame
            contrast, the columns of ``by``, estimate, se, df, t, p, lower, upper; NaN where
            the data cannot tell.
        """
        fixed, cells_of = self._model.fixed, [*as_names(by), *as_names(of)]
        cells, rows = slope_rows(fixed, variable, cells_of, at or {})
        families = contrast_families(cells, rows, of=of, by=by, method=method, reference=reference)
        return contrast_table(self._tests_by(ddf), fixed, families, adjust=adjust, level=level)

    def mean_contrasts(
        self,
        of: Sequence[str] | str,
        by: Sequence[str] | str = (),
        *,
        method: ContrastSet | Weights = "pairwise",
        reference: object = None,
        adjust: Adjustment | None = None,
        at: At | None = None,
        level: float = 0.95,
        ddf: DegreesOfFreedom = "satterthwaite",
    ) -> pd.DataFrame:
        """Compare means between the levels of factors, within every cell; see `slope_contrasts`."""
        fixed, cells_of = self._model.fixed, [*as_names(by), *as_names(of)]
        cells, rows = mean_rows(fixed, cells_of, at or {})
        families = contrast_families(cells, rows, of=of, by=by, method=method, reference=reference)
        return contrast_table(self._tests_by(ddf), fixed, families, adjust=adjust, level=level)

    def contrasts(
        self, weights: pd.DataFrame | np.ndarray, *, ddf: DegreesOfFreedom = "satterthwaite"
    ) -> pd.DataFrame:
        """Test linear combinations of the fixed effects.

        Parameters
        ----------
        weights : pandas.DataFrame or numpy.ndarray
            (n_contrasts, n_coefficients) in the order of ``fixed_effects``; a table whose columns have their
            names may have another order.
        ddf : {"satterthwaite", "kenward-roger"}
            As in `anova`.

        Returns
        -------
        pandas.DataFrame
            One row per contrast: estimate, se, df, t, p.
        """
        matrix = weight_matrix(weights, self._model.fixed.names)
        table = self._tests_by(ddf).t_tests(matrix)
        return table.set_index(weights.index) if isinstance(weights, pd.DataFrame) else table

    def joint_tests(
        self,
        by: Sequence[str] | str = (),
        *,
        at: At | None = None,
        ddf: DegreesOfFreedom = "satterthwaite",
    ) -> pd.DataFrame:
        """Test every term of the other variables in every cell, numeric ones at their means.

        Without ``by`` this is the type III table with numeric variables centred. See
        `analysis.models.joint_tests`.

        Returns
        -------
        pandas.DataFrame
            term, the columns of ``by``, num_df, den_df, F, p; NaN where nothing of a term can be estimated.
        """
        records = []
        for label, contrasts in joint_contrasts(self._model.fixed, by, at or {}):
            test = self._tests_by(ddf).f_test(contrasts) if len(contrasts) else (0, np.nan, np.nan, np.nan)
            records.append({**label, **dict(zip(("num_df", "den_df", "F", "p"), test, strict=True))})
        return pd.DataFrame(records)

    def confidence_intervals(
        self,
        method: Literal["wald", "profile", "bootstrap"] = "wald",
        *,
        level: float = 0.95,
        parameters: Sequence[str] | None = None,
        n_replicates: int = 1000,
        rng: np.random.Generator | None = None,
        kind: Kind = "percentile",
        n_processes: int = 1,
        progress: bool = True,
    ) -> pd.DataFrame:
        """Return confidence intervals of fixed effects, standard deviations, correlations and sigma.

        Parameters
        ----------
        method : {"wald", "profile", "bootstrap"}
            See `analysis.models.intervals`.
        level : float
            Confidence level of each interval.
        parameters : sequence of str, optional
            Names as in the table's index, or ``fixed``, ``sd``, ``correlation``, ``sigma``; all by default.
        n_replicates, rng, kind, n_processes
            For the bootstrap only, see `analysis.models.bootstrap`; ``rng`` must be given.
        progress : bool
            Show a progress bar while profiling or bootstrapping.

        Returns
        -------
        pandas.DataFrame
            Index parameter (named as by lme4's ``confint(oldNames=FALSE)``); effect, group, term, estimate,
            lower, upper. The bootstrap adds how many replicates were used, failed and were singular.
        """
        fit = cast("MixedFit", self)
        if method == "wald":
            return wald_intervals(fit, level=level, parameters=parameters)
        if method == "profile":
            return profile_intervals(fit, level=level, parameters=parameters, progress=progress)
        if method != "bootstrap":
            raise ValueError(f"method should be 'wald', 'profile' or 'bootstrap'; got {method!r}")
        if rng is None:
            raise ValueError("a bootstrap draws random numbers: give rng=np.random.default_rng(SEED)")
        result = bootstrap(
            fit, n_replicates=n_replicates, rng=rng, n_processes=n_processes, progress=progress
        )
        return result.intervals(level=level, kind=kind, parameters=parameters)


def _cell_table(cells: pd.DataFrame, tests: pd.DataFrame, name: str, level: float) -> pd.DataFrame:
    """Put cells, tests and confidence limits side by side, with z next to t."""
    check_level(level)
    reach = tests["se"] * stats.t.isf((1 - level) / 2, tests["df"])
    tests = tests.assign(lower=tests["estimate"] - reach, upper=tests["estimate"] + reach)
    tests.insert(4, "z", tests["t"])
    return pd.concat([cells, tests.rename(columns={"estimate": name})], axis=1)
