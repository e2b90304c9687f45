"""Fits as plain tables for other programs, in the manner of R's broom.mixed.

`tidy` has one row per parameter, `glance` one row per model, `augment` one row per observation, and
`random_values` one row per random effect and level. `tables` returns them together with the tests, and
`DESCRIPTIONS` says what every column means, for a data dictionary beside the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from scipy import stats

from analysis.models.conditional import conditional_covariances
from analysis.models.multiplicity import check_level

if TYPE_CHECKING:
    from analysis.models.mixed import MixedFit

DESCRIPTIONS: dict[str, str] = {
    "effect": "fixed: a coefficient; ran_pars: a standard deviation or correlation of random effects",
    "group": "grouping factor of a random effect; Residual for the residual",
    "level": "level of the grouping factor",
    "term": "name of the coefficient, of the random effect, or of the tested term",
    "estimate": "estimate; standard deviations are in the unit of the response per unit of the term",
    "std_error": "standard error; of a random effect its conditional standard deviation",
    "statistic": "t: estimate divided by standard error",
    "df": "degrees of freedom (Satterthwaite)",
    "p_value": "two-sided p value",
    "conf_low": "lower limit of the confidence interval",
    "conf_high": "upper limit of the confidence interval",
    "num_df": "numerator degrees of freedom",
    "den_df": "denominator degrees of freedom (Satterthwaite)",
    "F": "F statistic of the type III test",
    "formula": "the model in lme4's notation",
    "method": "REML or ML",
    "n_observations": "rows that were used",
    "n_dropped": "rows that were left out because of missing values",
    "n_parameters": "fixed effects, covariance parameters and the residual variance",
    "df_residual": "observations minus parameters",
    "sigma": "residual standard deviation",
    "log_likelihood": "log likelihood, restricted for REML",
    "criterion": "minus twice the log likelihood, restricted for REML",
    "aic": "Akaike's information criterion",
    "bic": "Bayesian information criterion, by the number of observations",
    "singular": "true if a random effect has no variance or is a combination of others",
    "converged": "true if the optimum is certified",
    "n_groups": "levels of every grouping factor",
    "row": "number of the row in the data, from 0",
    "response": "response",
    "fitted": "fitted value, random effects included",
    "fixed": "fitted value of the fixed effects (and the offset) alone",
    "residual": "response minus fitted value",
    "scaled_residual": "residual divided by its standard deviation: sigma over the root of the weight",
}
"""What every column of the tables means."""


def tidy(
    fit: MixedFit,
    effects: Sequence[Literal["fixed", "ran_pars"]] = ("fixed", "ran_pars"),
    *,
    intervals: pd.DataFrame | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Return one row per parameter.

    Parameters
    ----------
    fit : MixedFit
        The fitted model.
    effects : sequence of {"fixed", "ran_pars"}
        Coefficients, and standard deviations with correlations.
    intervals : pandas.DataFrame, optional
        What ``fit.confidence_intervals(...)`` returned for all parameters; Wald intervals by default.
    level : float
        Confidence level of the Wald intervals.

    Returns
    -------
    pandas.DataFrame
        effect, group, term, estimate, std_error, statistic, df, p_value, conf_low, conf_high. Terms of random
        effects are named as in broom.mixed: ``sd__(Intercept)``, ``cor__(Intercept).time``,
        ``sd__Observation``.

    Raises
    ------
    ValueError
        If an effect is neither, or the intervals are not those of all parameters.
    """
    unknown = [effect for effect in effects if effect not in {"fixed", "ran_pars"}]
    if unknown:
        raise ValueError(f"effects should be 'fixed' and 'ran_pars'; got {unknown[0]!r}")
    if intervals is None:
        intervals = fit.confidence_intervals("wald", level=level)
    n_fixed = len(fit.fixed_effects)
    if (
        list(intervals["term"].iloc[:n_fixed]) != list(fit.fixed_effects.index)
        or "sigma" not in intervals.index
    ):
        raise ValueError("the intervals should be those of all parameters of this fit")
    table = intervals.reset_index(drop=True)
    kind, terms = table["effect"], table["term"].str.replace(": ", ".", regex=False)
    names = {"fixed": table["term"], "sd": "sd__" + terms, "correlation": "cor__" + terms}
    names["sigma"] = pd.Series("sd__Observation", index=table.index)
    tests = fit.fixed_effects.reset_index(drop=True).reindex(table.index)
    result = pd.DataFrame(
        {
            "effect": np.where(kind == "fixed", "fixed", "ran_pars"),
            "group": table["group"].mask(kind == "sigma", "Residual"),
            "term": [names[each][place] for place, each in enumerate(kind)],
            "estimate": table["estimate"],
            "std_error": tests["se"],
            "statistic": tests["t"],
            "df": tests["df"],
            "p_value": tests["p"],
            "conf_low": table["lower"],
            "conf_high": table["upper"],
        }
    )
    return result[result["effect"].isin(effects)].reset_index(drop=True)


def glance(fit: MixedFit) -> pd.DataFrame:
    """Return one row about the model as a whole; see `DESCRIPTIONS`."""
    row = {
        "formula": fit.formula,
        "method": "REML" if fit.reml else "ML",
        "n_observations": fit.n_observations,
        "n_dropped": fit.n_dropped,
        "n_groups": "; ".join(f"{group}: {count}" for group, count in fit.n_groups.items()),
        "n_parameters": fit.n_parameters,
        "df_residual": fit.n_observations - fit.n_parameters,
        "sigma": fit.sigma,
        "log_likelihood": fit.log_likelihood,
        "criterion": fit.criterion,
        "aic": fit.aic,
        "bic": fit.bic,
        "singular": fit.singular,
        "converged": fit.converged,
    }
    return pd.DataFrame([row])


def augment(fit: MixedFit) -> pd.DataFrame:
    """Return one row per observation.

    Returns
    -------
    pandas.DataFrame
        row, one column per grouping factor with the level's name, response, fitted, fixed, residual,
        scaled_residual.
    """
    fitted, residual = fit.fitted(), fit.residuals()
    columns: dict[str, object] = {"row": np.flatnonzero(fit._model.kept)}
    groups = {factor.effects.group: factor.effects for factor in fit._criterion.design.factors}
    for group in fit.n_groups:
        columns[group] = groups[group].levels.to_numpy()[groups[group].codes]
    fixed = fit._model.fixed.matrix @ fit.fixed_effects["estimate"].to_numpy() + fit._model.offset
    columns |= {
        "response": fitted + residual,
        "fitted": fitted,
        "fixed": fixed,
        "residual": residual,
        "scaled_residual": residual * fit._criterion.design.root_weights / fit.sigma,
    }
    return pd.DataFrame(columns)


def random_values(fit: MixedFit, *, level: float = 0.95) -> pd.DataFrame:
    """Return one row per random effect of every level (conditional modes).

    Parameters
    ----------
    fit : MixedFit
        The fitted model.
    level : float
        Level of the interval, which takes the fixed effects and variances as known.

    Returns
    -------
    pandas.DataFrame
        group, level, term, estimate, std_error (conditional standard deviation), conf_low, conf_high.
    """
    check_level(level)
    z = stats.norm.isf((1 - level) / 2)
    covariances = conditional_covariances(fit._criterion, fit._optimum.theta, sigma=fit.sigma)
    parts = []
    for group in fit.n_groups:
        modes = fit.group_effects(group)
        estimate = modes.to_numpy().ravel(order="F")
        se = np.sqrt(np.diagonal(covariances[group], axis1=1, axis2=2)).ravel(order="F")
        part = pd.DataFrame(
            {
                "group": group,
                "level": np.tile(modes.index.to_numpy(), len(modes.columns)),
                "term": np.repeat(modes.columns.to_numpy(), len(modes)),
                "estimate": estimate,
                "std_error": se,
                "conf_low": estimate - z * se,
                "conf_high": estimate + z * se,
            }
        )
        parts.append(part.astype({"level": object}))
    return pd.concat(parts, ignore_index=True)


def tables(fit: MixedFit, *, intervals: pd.DataFrame | None = None) -> dict[str, pd.DataFrame]:
    """Return every table of a fit by name: tidy, anova, glance, random_values, augment.

    The columns are described in `DESCRIPTIONS`, but for the grouping factors in augment.
    """
    anova = fit.anova().reset_index().rename(columns={"p": "p_value"})
    return {
        "tidy": tidy(fit, intervals=intervals),
        "anova": anova,
        "glance": glance(fit),
        "random_values": random_values(fit),
        "augment": augment(fit),
    }
