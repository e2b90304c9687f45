"""Linear mixed models with crossed random effects, tested with Satterthwaite's degrees of freedom.

The models are those of R's lme4 and lmerTest, in the same notation and with the same answers: restricted or
full maximum likelihood, t tests of coefficients, type III F tests of terms, slopes per cell. What differs:

- Factors have sum-to-zero contrasts by default (R: treatment contrasts). The type III table, slopes and means
  do not depend on the coding; for other coefficients write ``C(drug, contr.treatment)``.
- ``diag(x|g)`` makes every column of ``x`` vary on its own, the contrasts of a factor too (lme4 knows it from
  version 2). ``(x||g)`` is that of lme4, where the levels of a factor stay correlated with each other.
- Only an optimum whose gradient and curvature were checked counts as converged, and the optimum does not
  depend on units or centring of the covariates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from analysis.models.criterion import Criterion
from analysis.models.crossproducts import Design, reduce_design, reduce_response
from analysis.models.design import (
    FixedEffects,
    fixed_effects,
    offset_values,
    random_effects,
    response_values,
    typed_table,
)
from analysis.models.formula import parse_formula
from analysis.models.inference import DegreesOfFreedom, Inference
from analysis.models.nesting import check_nested, check_same_observations
from analysis.models.optimum import Optimum, find_optimum
from analysis.models.prediction import Prediction
from analysis.models.satterthwaite import FixedEffectTests, fixed_effect_tests
from analysis.models.summary import summary
from analysis.models.threads import blas_threads
from analysis.models.variances import VarianceComponents, variance_components


@dataclass(frozen=True)
class _Model:
    """What a fit knows of its formula and data, apart from the response."""

    formula: str
    fixed: FixedEffects
    design: Design
    groups: tuple[str, ...]
    levels: dict[str, tuple]
    """Levels of the variables that are factors."""
    offset: np.ndarray
    """(n_observations,)"""
    kept: np.ndarray
    warnings: tuple[str, ...]


@dataclass(frozen=True, repr=False, eq=False)
class MixedFit(Inference, Prediction):
    """A fitted mixed model.

    Tables are plain data frames; ``print(fit)`` shows all of it in words.
    """

    formula: str
    reml: bool
    fixed_effects: pd.DataFrame
    """Index term; estimate, se, df (Satterthwaite), t, p (two-sided)."""
    vcov: pd.DataFrame
    """Covariance matrix of the estimates."""
    random_effects: pd.DataFrame
    """group, term, sd, correlations (with the terms above it in the bracket); last row: the residual."""
    sigma: float
    """Residual standard deviation, in the unit of the response."""
    criterion: float
    """-2 log restricted likelihood, or -2 log likelihood if ``reml`` is false."""
    singular: bool
    """True if a random effect has no variance, or is a combination of others."""
    converged: bool
    """True if the optimum is certified; if not, nothing here should be trusted."""
    n_observations: int
    n_dropped: int
    """Rows of the data left out because of missing values."""
    n_groups: dict[str, int]
    """Number of levels of each grouping factor."""
    warnings: list[str]
    """What a careful reader should know, in words."""
    _model: _Model
    _criterion: Criterion
    _optimum: Optimum
    _tests: FixedEffectTests
    _variances: VarianceComponents

    def __repr__(self) -> str:
        return (
            f"<MixedFit {self.formula}: criterion {self.criterion:.4f}, {self.n_observations} observations>"
        )

    def __str__(self) -> str:
        return self.summary()

    @property
    def log_likelihood(self) -> float:
        """Log (restricted) likelihood."""
        return -self.criterion / 2

    @property
    def n_parameters(self) -> int:
        """Number of fixed effects, covariance parameters and the residual variance."""
        return len(self.fixed_effects) + self._criterion.n_parameters + 1

    @property
    def aic(self) -> float:
        """Akaike's information criterion."""
        return self.criterion + 2 * self.n_parameters

    @property
    def bic(self) -> float:
        """Bayesian information criterion with the number of observations, as in lme4."""
        return self.criterion + float(np.log(self.n_observations)) * self.n_parameters

    @property
    def theta(self) -> np.ndarray:
        """Covariance parameters as lme4 defines them, in the order of the formula's grouping factors."""
        return self._variances.theta

    def group_effects(self, group: str) -> pd.DataFrame:
        """Return the predicted random effects (conditional modes) of a grouping factor, one row per level."""
        if group not in self._variances.effects:
            raise ValueError(f"no grouping factor {group!r}; there are {', '.join(self.n_groups)}")
        return self._variances.effects[group].copy()

    def fitted(self) -> np.ndarray:
        """Return the fitted values, random effects and offset included, (n_observations,)."""
        return self._variances.fitted + self._model.offset

    def residuals(self) -> np.ndarray:
        """Return response minus fitted values, (n_observations,)."""
        return self._criterion.response.values - self._variances.fitted

    def refit(self, response: np.ndarray | None = None, *, reml: bool | None = None) -> MixedFit:
        """Fit the same model to another response, much faster than from the beginning.

        Parameters
        ----------
        response : numpy.ndarray, optional
            One value per row of the data, or per complete row; the present response by default.
        reml : bool, optional
            As in `fit_mixed`; unchanged by default.
        """
        present = self._criterion.response.values + self._model.offset
        values = present if response is None else np.asarray(response, dtype=float)
        if len(values) == len(self._model.kept):
            values = values[self._model.kept]
        reml = self.reml if reml is None else reml
        return _fitted_model(self._model, values, reml=reml, start=self._optimum.theta)

    def summary(self, *, ddf: DegreesOfFreedom = "satterthwaite") -> str:
        """Describe the fit in words and tables, as lmerTest's summary and anova do."""
        return summary(self, ddf=ddf)


def fit_mixed(
    formula: str,
    data: pd.DataFrame,
    *,
    reml: bool = True,
    weights: str | np.ndarray | None = None,
    offset: str | np.ndarray | None = None,
) -> MixedFit:
    """Fit a linear mixed model.

    Parameters
    ----------
    formula : str
        In lme4's notation, for instance ``log_emg ~ emotion*drug*time + (emotion*time|subject) + (1|face)``.
    data : pandas.DataFrame
        One row per observation. Text, categories and truth values are factors with sum-to-zero contrasts,
        numbers are covariates and are used as they are (centre them where zero is not a meaningful value).
    reml : bool
        Restricted maximum likelihood (default) or maximum likelihood.
    weights : str or numpy.ndarray, optional
        Column of the data, or one positive number per row: the residual variance of a row is sigma squared
        divided by its weight (the number of trials of which the response is the mean, for instance).
    offset : str or numpy.ndarray, optional
        Column of the data, or one number per row, that is added with the coefficient 1; as ``offset(x)`` in
        the formula.

    Returns
    -------
    MixedFit
        The fit; read its ``warnings``.

    Raises
    ------
    ValueError
        If the formula cannot be read, a column is missing or unusable, the response is constant, a weight is
        not positive, or there are too few observations or groups.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> data = pd.DataFrame({"subject": np.repeat(np.arange(20), 12), "emotion": ["angry", "happy"] * 120})
    >>> data["emg"] = 0.3 * (data.emotion == "happy") + rng.normal(0, 0.4, 240)
    >>> data["emg"] += rng.normal(0, 0.5, 20)[data.subject]
    >>> fit = fit_mixed("emg ~ emotion + (1|subject)", data)
    >>> print(fit.anova().round(2).to_string(index_names=False))
             num_df  den_df      F    p
    emotion       1   219.0  45.06  0.0
    """
    if not isinstance(reml, (bool, np.bool_)):
        raise ValueError(f"reml should be True (restricted maximum likelihood) or False; got {reml!r}")
    parsed = parse_formula(formula)
    if isinstance(offset, str):
        name = offset if offset.isidentifier() else f"`{offset}`"
        formula, offset = f"{formula} + offset({name})", None
        parsed = parse_formula(formula)
    rows = {name: row for name, row in (("weights", weights), ("offset", offset)) if row is not None}
    table = typed_table(parsed, data, rows)
    with blas_threads(0):
        added = offset_values(parsed, table.frame) + table.rows.get("offset", 0.0)
        response = response_values(parsed, table)
        fixed, fixed_warnings = fixed_effects(parsed.fixed, table)
        random, random_warnings = random_effects(parsed.random, table)
        design = reduce_design(fixed.matrix, random, table.rows.get("weights"))
    model = _Model(
        formula,
        fixed,
        design,
        tuple(effect.group for effect in random),
        table.levels,
        added,
        table.kept,
        (*table.warnings, *fixed_warnings, *random_warnings),
    )
    return _fitted_model(model, response, reml=reml)


def likelihood_ratio(first: MixedFit, second: MixedFit) -> pd.DataFrame:
    """Compare two nested models fitted to the same observations.

    Models that differ in their fixed effects are refitted by maximum likelihood first; restricted likelihoods
    can be compared only between models with the same fixed effects. A test of whether a variance is zero is
    conservative, because zero is at the edge of what a variance can be.

    Parameters
    ----------
    first, second : MixedFit
        In any order.

    Returns
    -------
    pandas.DataFrame
        Index formula, the smaller model first; n_parameters, criterion, aic, bic, chi2, df, p.

    Raises
    ------
    ValueError
        If observations or weights differ, or neither model contains the other as far as can be seen: by
        their fixed effects, grouping factors, and criterion.
    """
    check_same_observations(first, second)
    if first.n_parameters == second.n_parameters:
        raise ValueError("the two models have equally many parameters: neither is contained in the other")
    if set(first.fixed_effects.index) != set(second.fixed_effects.index) or first.reml != second.reml:
        first, second = (fit.refit(reml=False) if fit.reml else fit for fit in (first, second))
    small, large = sorted((first, second), key=lambda fit: fit.n_parameters)
    columns = ["n_parameters", "criterion", "aic", "bic"]
    table = pd.DataFrame(
        [[getattr(fit, name) for name in columns] for fit in (small, large)], columns=columns
    )
    check_nested(small, large)
    chi2 = max(small.criterion - large.criterion, 0.0)
    if small.criterion < large.criterion - 1e-4:
        raise ValueError(f"{large.formula!r} fits worse than {small.formula!r}: it does not contain it")
    df = large.n_parameters - small.n_parameters
    table["chi2"], table["df"], table["p"] = [np.nan, chi2], [np.nan, df], [np.nan, stats.chi2.sf(chi2, df)]
    return table.set_index(pd.Index([small.formula, large.formula], name="formula"))


def _fitted_model(
    model: _Model, response: np.ndarray, *, reml: bool, start: np.ndarray | None = None
) -> MixedFit:
    """Reduce the response, find the optimum, and read everything from it."""
    with blas_threads(len(model.design.dense)):
        if len(response) == len(model.offset):
            response = response - model.offset
        reduced = reduce_response(model.design, response)
        criterion = Criterion(model.design, reduced, reml=reml)
        optimum = find_optimum(criterion, start)
        if not optimum.certified and _has_no_residual(criterion, optimum):
            raise ValueError(
                "the random effects explain the response without residual: nothing is left to model"
            )
        tests = fixed_effect_tests(criterion, optimum)
        variances = variance_components(criterion, optimum, tests, model.groups)
    names = pd.Index(model.fixed.names, name="term")
    coefficients = tests.t_tests(np.eye(len(names))).set_index(names)
    sizes = {factor.effects.group: factor.n_levels for factor in model.design.factors}
    return MixedFit(
        formula=model.formula,
        reml=reml,
        fixed_effects=coefficients,
        vcov=pd.DataFrame(tests.covariance, index=names, columns=model.fixed.names),
        random_effects=variances.table,
        sigma=variances.sigma,
        criterion=optimum.value,
        singular=optimum.singular,
        converged=optimum.certified,
        n_observations=len(response),
        n_dropped=int((~model.kept).sum()),
        n_groups={group: sizes[group] for group in model.groups},
        warnings=[*model.warnings, *_said_of_optimum(optimum, variances)],
        _model=model,
        _criterion=criterion,
        _optimum=optimum,
        _tests=tests,
        _variances=variances,
    )


def _has_no_residual(criterion: Criterion, optimum: Optimum) -> bool:
    """Tell whether the search ran towards a residual of zero."""
    return criterion.sigma(criterion.solve(optimum.theta)) < 1e-4


def _said_of_optimum(optimum: Optimum, variances: VarianceComponents) -> list[str]:
    """Say in words what is wrong with an optimum."""
    said = []
    if optimum.singular:
        said.append(f"singular fit: {variances.boundary}; a simpler random part would fit as well")
    elif optimum.flat:
        said.append(
            "the data cannot tell some variances of random effects apart (terms that describe the same?): "
            "other values fit as well"
        )
    if not optimum.certified:
        said.append(
            f"not converged after {optimum.n_searches} searches (the criterion could still fall by about "
            f"{optimum.decrement:.2g}): do not use this fit; simplify the random effects"
        )
    return said
