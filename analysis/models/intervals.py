"""Confidence intervals of everything that a mixed model estimates: Wald, profile likelihood, bootstrap.

- ``wald``: fixed effects by t with Satterthwaite's degrees of freedom; standard deviations on the log scale
  and correlations on Fisher's z scale, from the curvature of the criterion; none at the edge (zero, one).
- ``profile``: the values that a likelihood-ratio test would not reject, as lme4's ``confint``; also at the
  edge. By maximum likelihood, so that intervals of a small study are a little short. Seconds.
- ``bootstrap``: studies simulated from the fit and fitted again, as lme4's ``bootMer``. Minutes, which can be
  shared among processes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import stats
from tqdm import tqdm

from analysis.models.criterion import Criterion
from analysis.models.multiplicity import check_level
from analysis.models.optimum import SINGULAR
from analysis.models.profile import (
    Held,
    hold_correlation,
    hold_deviation,
    hold_fixed_effect,
    hold_sigma,
    profile_limits,
)
from analysis.models.threads import blas_threads

if TYPE_CHECKING:
    from analysis.models.mixed import MixedFit


@dataclass(frozen=True)
class Parameter:
    """One parameter of a mixed model, named as lme4's ``confint(oldNames=FALSE)`` does."""

    name: str
    effect: str
    """fixed, sd, correlation or sigma."""
    group: str
    """Grouping factor; empty for fixed effects and sigma."""
    term: str
    """A correlation joins the two terms by a colon and a space."""
    positions: tuple[int, ...]
    """Number of the fixed effect, or of the one or two random effects of the group."""


def parameters_of(fit: MixedFit) -> list[Parameter]:
    """List the parameters: fixed effects, then per group standard deviations and correlations, then sigma."""
    fixed = [
        Parameter(str(name), "fixed", "", str(name), (position,))
        for position, name in enumerate(fit.fixed_effects.index)
    ]
    random: list[Parameter] = []
    for group, rows in fit.random_effects.iloc[:-1].groupby("group", sort=False):
        terms = list(rows["term"])
        for position, (term, correlations) in enumerate(zip(terms, rows["correlations"], strict=True)):
            random.append(Parameter(f"sd_{term}|{group}", "sd", str(group), term, (position,)))
            for other in range(position - len(correlations), position):
                name = f"cor_{term}.{terms[other]}|{group}"
                both = f"{terms[other]}: {term}"
                random.append(Parameter(name, "correlation", str(group), both, (other, position)))
    return [*fixed, *random, Parameter("sigma", "sigma", "", "", ())]


def estimates_of(fit: MixedFit) -> np.ndarray:
    """Return the estimates in the order of `parameters_of`."""
    values = list(fit.fixed_effects["estimate"])
    random = fit.random_effects.iloc[:-1]
    for sd, correlations in zip(random["sd"], random["correlations"], strict=True):
        values += [sd, *correlations]
    return np.array([*values, fit.sigma])


def chosen(fit: MixedFit, names: Sequence[str] | None) -> list[int]:
    """Return the positions of the parameters of these names; ``fixed``, ``sd`` and so on stand for all such.

    Raises
    ------
    ValueError
        If a name is neither.
    """
    every = parameters_of(fit)
    if names is None:
        return list(range(len(every)))
    names = [names] if isinstance(names, str) else list(names)
    for name in names:
        if not any(name in (each.name, each.effect) for each in every):
            raise ValueError(
                f"no parameter {name!r}; there are {', '.join(each.name for each in every)}; "
                "or ask for all that are fixed, sd, correlation, sigma"
            )
    return [place for place, each in enumerate(every) if each.name in names or each.effect in names]


def interval_table(fit: MixedFit, positions: Sequence[int], limits: np.ndarray) -> pd.DataFrame:
    """Put estimates and limits, (n_parameters, 2), into a table; see `wald_intervals`."""
    every, estimates = parameters_of(fit), estimates_of(fit)
    return pd.DataFrame(
        {
            "effect": [every[place].effect for place in positions],
            "group": [every[place].group for place in positions],
            "term": [every[place].term for place in positions],
            "estimate": estimates[list(positions)],
            "lower": limits[:, 0],
            "upper": limits[:, 1],
        },
        index=pd.Index([every[place].name for place in positions], name="parameter"),
    )


def wald_intervals(
    fit: MixedFit, *, level: float = 0.95, parameters: Sequence[str] | None = None
) -> pd.DataFrame:
    """Return intervals from standard errors.

    Parameters
    ----------
    fit : MixedFit
        The fitted model.
    level : float
        Confidence level of each interval.
    parameters : sequence of str, optional
        Names of parameters, or ``fixed``, ``sd``, ``correlation``, ``sigma``; all by default.

    Returns
    -------
    pandas.DataFrame
        Index parameter; effect, group, term, estimate, lower, upper. NaN for a standard deviation of zero and
        a correlation of one: use another method there.
    """
    check_level(level)
    positions = chosen(fit, parameters)
    t = stats.t.isf((1 - level) / 2, fit.fixed_effects["df"])
    reach = t * fit.fixed_effects["se"]
    fixed = np.column_stack([fit.fixed_effects["estimate"] - reach, fit.fixed_effects["estimate"] + reach])
    limits = np.vstack([fixed, _variance_limits(fit, float(stats.norm.isf((1 - level) / 2)))])
    return interval_table(fit, positions, limits[positions])


def profile_intervals(
    fit: MixedFit,
    *,
    level: float = 0.95,
    parameters: Sequence[str] | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Return intervals from the profile likelihood.

    Parameters
    ----------
    fit, level, parameters
        As in `wald_intervals`.
    progress : bool
        Show a progress bar.

    Returns
    -------
    pandas.DataFrame
        As `wald_intervals`. Estimates are those of the fit (restricted, if it is), limits those of maximum
        likelihood; lme4 does the same.
    """
    check_level(level)
    positions = chosen(fit, parameters)
    zeta = float(stats.norm.isf((1 - level) / 2))
    best = fit.refit(reml=False) if fit.reml else fit
    limits = []
    with blas_threads(len(fit._criterion.design.dense)):
        for held in tqdm(
            _held(best, positions), total=len(positions), desc="Profiles", disable=not progress, leave=False
        ):
            limits.append((-1.0, 1.0) if held is None else profile_limits(held, best.criterion, zeta))
    return interval_table(fit, positions, np.array(limits))


def _held(fit: MixedFit, positions: Sequence[int]) -> Iterator[Held | None]:
    """Yield the parameters to profile; None for a correlation that does not exist."""
    every, estimates = parameters_of(fit), estimates_of(fit)
    criterion, theta = fit._criterion, fit._optimum.theta
    numbers = {factor.effects.group: number for number, factor in enumerate(criterion.design.factors)}
    for place in positions:
        parameter, estimate = every[place], float(estimates[place])
        if parameter.effect == "fixed":
            se = float(fit.fixed_effects["se"].iloc[place])
            yield hold_fixed_effect(criterion, theta, parameter.positions[0], estimate=estimate, se=se)
        elif parameter.effect == "sigma":
            yield hold_sigma(criterion, theta, estimate=estimate)
        elif parameter.effect == "sd":
            number = numbers[parameter.group]
            yield hold_deviation(criterion, theta, number, parameter.positions[0], estimate=estimate)
        elif np.isnan(estimate):
            yield None
        else:
            first, second = parameter.positions
            number = numbers[parameter.group]
            yield hold_correlation(criterion, theta, number, (first, second), estimate=estimate)


def _variance_limits(fit: MixedFit, z: float) -> np.ndarray:
    """Return Wald limits of standard deviations, correlations and sigma, (n_variance_parameters, 2)."""
    criterion, theta = fit._criterion, fit._optimum.theta
    sigma = fit.sigma / criterion.response.scale
    groups = list(fit.n_groups)
    is_sd = np.array([each.effect != "correlation" for each in parameters_of(fit)])[len(fit.fixed_effects) :]
    values = _scaled(criterion, groups, theta, sigma)
    point, derivatives = np.append(theta, sigma), []
    for place in range(len(point)):
        step = np.zeros(len(point))
        step[place] = 1e-5
        ahead = _scaled(criterion, groups, (point + step)[:-1], (point + step)[-1])
        behind = _scaled(criterion, groups, (point - step)[:-1], (point - step)[-1])
        with np.errstate(invalid="ignore"):  # minus infinity at a deviation of zero
            derivatives.append((ahead - behind) / 2e-5)
    with np.errstate(invalid="ignore"):
        variance = np.einsum("ji,jk,ki->i", derivatives, fit._tests.parameter_covariance, derivatives)
        limits = values[:, None] + z * np.sqrt(variance)[:, None] * np.array([-1.0, 1.0])
    edge = np.where(is_sd, values < np.log(SINGULAR * sigma), ~(np.abs(values) < np.arctanh(0.9999)))
    limits[edge] = np.nan
    limits = np.where(is_sd[:, None], np.exp(limits), np.tanh(limits))
    return limits * np.where(is_sd, criterion.response.scale, 1.0)[:, None]


def _scaled(criterion: Criterion, groups: Sequence[str], theta: np.ndarray, sigma: float) -> np.ndarray:
    """Return log standard deviations and Fisher's z of correlations, in units of the response's scale."""
    by_group = {}
    for factor, root in zip(criterion.design.factors, criterion.covariance_factors(theta), strict=True):
        given = sigma * factor.whitening @ root
        covariance = given @ given.T
        sd = np.sqrt(np.diag(covariance))
        with np.errstate(divide="ignore", invalid="ignore"):
            logs, z = np.log(sd), np.arctanh(np.clip(covariance / np.outer(sd, sd), -1, 1))
        blocks = factor.effects.blocks
        values = [[logs[i], *z[i, list(block[:place])]] for block in blocks for place, i in enumerate(block)]
        by_group[factor.effects.group] = [value for row in values for value in row]
    return np.array([value for group in groups for value in by_group[group]] + [np.log(sigma)])
