"""What an asymptotic regression predicts before it sees data, and where it disagrees with those it saw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from analysis.models.asymptotic_data import AsymptoticData
from analysis.models.asymptotic_likelihood import CellStatistics, Formula, draw_subject_effects, start_weight
from analysis.models.asymptotic_priors import AsymptoticPriors

if TYPE_CHECKING:
    from analysis.models.asymptotic_fit import AsymptoticFit

ALARM = 0.01
"""Two-sided tail probability below which a statistic is called in conflict with the model."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PriorCurves:
    """Curves drawn from the prior, in one cell; (n_draws, n_times) each, in the unit of the response."""

    times: np.ndarray
    """(n_times,)"""
    population: np.ndarray
    """Curve of a subject without effects: each line of Korb et al. (2023), Fig. 2B."""
    subject: np.ndarray
    """Curve of a subject with effects on asymptote, start and rate."""
    value: np.ndarray
    """One value of that subject at each time, residual included."""


class SubjectParameters(NamedTuple):
    """Parameters of each subject; (n_draws, n_subjects, n_cells) each."""

    a: np.ndarray
    """Asymptotes."""
    b: np.ndarray
    """Starts."""
    c: np.ndarray
    """Log rates."""


def prior_curves(
    priors: AsymptoticPriors,
    *,
    times: np.ndarray,
    n: int,
    formula: Formula = "from_baseline",
    rng: np.random.Generator,
) -> PriorCurves:
    """Draw curves from the prior.

    Parameters
    ----------
    priors : AsymptoticPriors
        Prior distributions.
    times : numpy.ndarray
        (n_times,), from 1.
    n : int
        Number of draws.
    formula : {"from_baseline", "printed"}
        Form of the curve.
    rng : numpy.random.Generator
        Source of randomness.

    Examples
    --------
    >>> drawn = prior_curves(AsymptoticPriors(), times=np.arange(1, 6), n=3, rng=np.random.default_rng(1))
    >>> drawn.population.shape, drawn.population[:, 0].tolist()
    ((3, 5), [0.0, 0.0, 0.0])
    """
    times = np.asarray(times, dtype=float)

    def normal(mean: float, sd: float) -> np.ndarray:
        return rng.normal(mean, sd, n)

    def effect(scale: float) -> np.ndarray:
        return rng.standard_normal(n) * np.abs(normal(0, scale))

    a, c = normal(priors.a_mean, priors.a_sd), normal(priors.c_mean, priors.c_sd)
    population = a[:, None] * (1 - start_weight(c, times, formula=formula))
    own_a, b = a + effect(priors.effect_a_sd), effect(priors.effect_b_sd)
    weight = start_weight(c + effect(priors.effect_c_sd), times, formula=formula)
    subject = own_a[:, None] - (own_a - b)[:, None] * weight
    residual = np.abs(normal(0, priors.sigma_sd))[:, None] * rng.standard_normal(subject.shape)
    return PriorCurves(times=times, population=population, subject=subject, value=subject + residual)


def subject_parameters(
    fit: AsymptoticFit, *, max_draws: int, rng: np.random.Generator
) -> tuple[SubjectParameters, np.ndarray]:
    """Draw the subjects' asymptotes and starts given the data and everything else.

    Returns
    -------
    tuple
        SubjectParameters, and the numbers of the draws that were used (chains one after the other).
    """
    total = fit.posterior["sigma"].size
    chosen = np.linspace(0, total - 1, min(max_draws, total)).astype(int)
    a, c = _of_subjects(fit, "a")[chosen], _flat(fit, "c_subject")[chosen]
    effect_a, b = (
        np.concatenate(parts)
        for parts in zip(
            *(
                draw_subject_effects(
                    CellStatistics.of(fit.data),
                    a=a[part],
                    c=c[part],
                    factor_a=_factor(fit, "a")[chosen[part]],
                    factor_b=_factor(fit, "b")[chosen[part]],
                    sigma=_flat(fit, "sigma")[chosen[part]],
                    formula=fit.formula,
                    rng=rng,
                )
                for part in (slice(start, start + 50) for start in range(0, len(chosen), 50))
            ),
            strict=True,
        )
    )
    return SubjectParameters(a + effect_a, b, c), chosen


def check_predictions(fit: AsymptoticFit, *, max_draws: int, rng: np.random.Generator) -> pd.DataFrame:
    """Compare the data with those of the fitted model; see `AsymptoticFit.posterior_predictive`."""
    own, chosen = subject_parameters(fit, max_draws=max_draws, rng=rng)
    sigma = _flat(fit, "sigma")[chosen][:, None, None, None]
    noise_sd = sigma / np.sqrt(np.where(fit.data.observed, fit.data.n, np.nan))
    known = _curves(own, fit)
    fresh = _curves(_new_subjects(fit, chosen, rng), fit)
    repeated = known + noise_sd * rng.standard_normal(known.shape)
    others = fresh + noise_sd * rng.standard_normal(fresh.shape)
    seen = np.where(fit.data.observed, fit.data.mean, np.nan)
    rows = {}
    for name, (question, function) in RESIDUAL_STATISTICS.items():
        pair = [function((values - known) / noise_sd, fit.data) for values in (seen, repeated)]
        rows[name] = {"question": question, **_compared(*pair)}
    for name, (question, function) in POPULATION_STATISTICS.items():
        observed = np.broadcast_to(function(seen[None], fit.data), len(chosen))
        rows[name] = {"question": question, **_compared(observed, function(others, fit.data))}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("statistic")


def subject_curves(
    fit: AsymptoticFit, *, times: np.ndarray, max_draws: int, rng: np.random.Generator
) -> np.ndarray:
    """Draw curves of the subjects; see `AsymptoticFit.subject_curves`."""
    own, _ = subject_parameters(fit, max_draws=max_draws, rng=rng)
    weight = start_weight(own.c, times, formula=fit.formula)
    return own.a[..., None] - (own.a - own.b)[..., None] * weight


def _curves(own: SubjectParameters, fit: AsymptoticFit) -> np.ndarray:
    weight = start_weight(own.c, fit.data.time, formula=fit.formula)
    return own.a[..., None] - (own.a - own.b)[..., None] * weight


def _new_subjects(fit: AsymptoticFit, chosen: np.ndarray, rng: np.random.Generator) -> SubjectParameters:
    """Parameters of other subjects of the same groups."""

    def effects(name: str) -> np.ndarray:
        noise = rng.standard_normal((len(chosen), fit.data.n_subjects, fit.data.n_cells))
        return np.einsum("dkl,dsl->dsk", _factor(fit, name)[chosen], noise)

    a, c = _of_subjects(fit, "a")[chosen], _of_subjects(fit, "c")[chosen]
    return SubjectParameters(a + effects("a"), effects("b"), c + effects("c"))


def _flat(fit: AsymptoticFit, name: str) -> np.ndarray:
    values = fit.parameter_draws[name]
    return values.reshape(-1, *values.shape[2:])


def _factor(fit: AsymptoticFit, name: str) -> np.ndarray:
    return _flat(fit, f"sd_{name}")[..., None] * _flat(fit, f"factor_{name}")


def _of_subjects(fit: AsymptoticFit, name: str) -> np.ndarray:
    values = _flat(fit, name)
    return values[:, fit.data.group if values.shape[1] > 1 else np.zeros(fit.data.n_subjects, dtype=int)]


def _compared(observed: np.ndarray, replicated: np.ndarray) -> dict[str, float | bool]:
    """Tail probability of the observed among the replicated; half of the ties count."""
    above = np.mean(replicated > observed) + 0.5 * np.mean(replicated == observed)
    two_sided = float(min(1.0, 2 * min(above, 1 - above)))
    lower, upper = np.quantile(replicated, [0.025, 0.975])
    return {
        "observed": float(observed.mean()),
        "replicated": float(replicated.mean()),
        "q2_5": float(lower),
        "q97_5": float(upper),
        "p": two_sided,
        "conflict": bool(two_sided < ALARM),
    }


def _largest_window_misfit(z: np.ndarray, data: AsymptoticData) -> np.ndarray:
    """Largest mean of standardised residuals of a group, cell and time, in standard errors."""
    found = np.zeros(len(z))
    for index in range(len(data.groups)):
        members = data.group == index
        count = data.observed[members].sum(axis=0)
        total = np.nansum(z[:, members], axis=1) / np.sqrt(np.maximum(count, 1))
        found = np.maximum(found, np.abs(total).max(axis=(1, 2)))
    return found


def _neighbour_correlation(z: np.ndarray, _: AsymptoticData) -> np.ndarray:
    """Correlation of standardised residuals at neighbouring times."""
    return np.nanmean(z[..., 1:] * z[..., :-1], axis=(1, 2, 3)) / np.nanmean(z**2, axis=(1, 2, 3))


def _kurtosis(z: np.ndarray, _: AsymptoticData) -> np.ndarray:
    return np.nanmean(z**4, axis=(1, 2, 3)) / np.nanmean(z**2, axis=(1, 2, 3)) ** 2


def _unequal_spread(z: np.ndarray, _: AsymptoticData) -> np.ndarray:
    """Largest over smallest standard deviation of residuals among the cells."""
    spread = np.sqrt(np.nanmean(z**2, axis=(1, 3)))
    return spread.max(axis=1) / spread.min(axis=1)


def _largest_start(values: np.ndarray, _: AsymptoticData) -> np.ndarray:
    """Largest mean over the subjects at the first time, among the cells, without its sign."""
    return np.abs(np.nanmean(values[..., 0], axis=1)).max(axis=1)


def _tails_of_subjects(values: np.ndarray, _: AsymptoticData) -> np.ndarray:
    """Kurtosis of the subjects' means of a cell about the mean of all, over all cells."""
    means = np.nanmean(values, axis=3)
    deviation = means - np.nanmean(means, axis=1, keepdims=True)
    scaled = deviation / np.sqrt(np.nanmean(deviation**2, axis=1, keepdims=True))
    return np.nanmean(scaled**4, axis=(1, 2))


Statistic = tuple[str, Callable[[np.ndarray, AsymptoticData], np.ndarray]]

RESIDUAL_STATISTICS: dict[str, Statistic] = {
    "curve_misfit": (
        "do the means of a group at some time lie off the curve? (largest, in standard errors)",
        _largest_window_misfit,
    ),
    "neighbour_correlation": (
        "are residuals at neighbouring times alike, more than the curve explains?",
        _neighbour_correlation,
    ),
    "residual_kurtosis": ("are there more outlying values than a normal residual has?", _kurtosis),
    "unequal_spread": ("is the residual larger in some cells? (largest over smallest SD)", _unequal_spread),
}
"""Of residuals given the subjects' own curves."""

POPULATION_STATISTICS: dict[str, Statistic] = {
    "start": ("do curves start off zero, where the model has no mean of b? (largest mean)", _largest_start),
    "subject_kurtosis": ("are there more outlying subjects than normal effects have?", _tails_of_subjects),
}
"""Of the responses, against those of new subjects."""
