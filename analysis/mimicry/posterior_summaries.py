"""Reduces posteriors of the asymptotic regressions to the tables that are shown and drawn."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from analysis.mimicry.mimicry_contrasts import comparisons
from analysis.models.asymptotic import AsymptoticFit
from analysis.models.bayes_factors import savage_dickey
from analysis.models.diagnostics import hdi
from analysis.models.rope import region_of_equivalence

CURVE_POINTS = 41
"""Moments at which curves are drawn."""
DENSITY_POINTS = 61
PRIOR_CURVES = 60
"""Curves of Fig. 2B."""
MOST_DRAWS = 2000
"""Draws behind a density at most; more cannot be seen."""
GROUP_PARAMETERS = ("a", "c")


class Draws(NamedTuple):
    """Draws of one parameter in one group and cell, or of a difference between groups."""

    parameter: str
    muscle: str
    emotion: str
    group: str
    values: np.ndarray
    """(n_chains, n_draws)"""


def each_parameter(fit: AsymptoticFit) -> Iterator[Draws]:
    """Go through asymptote and rate of every group and cell; a parameter without groups has the group ""."""
    for name in GROUP_PARAMETERS:
        values = fit.posterior[name]
        groups = [str(group) for group in fit.coords["drug"]] if values.shape[2] > 1 else [""]
        for (i, group), (j, cell) in _places(groups, fit):
            yield Draws(name, cell[0], cell[1], group, values[:, :, i, j])


def each_difference(fit: AsymptoticFit) -> Iterator[Draws]:
    """Go through the differences between pairs of groups, the first minus the second."""
    groups = [str(group) for group in fit.coords["drug"]]
    for name in GROUP_PARAMETERS:
        values = fit.posterior[name]
        if values.shape[2] < 2:
            continue
        for first, second in combinations(range(len(groups)), 2):
            pair = f"{groups[first]} - {groups[second]}"
            for j, cell in enumerate(_cells(fit)):
                yield Draws(name, cell[0], cell[1], pair, values[:, :, first, j] - values[:, :, second, j])


def _cells(fit: AsymptoticFit) -> list[tuple[str, str]]:
    return [(str(muscle), str(emotion)) for muscle, emotion in fit.coords["cell"]]


def _places(
    groups: list[str], fit: AsymptoticFit
) -> Iterator[tuple[tuple[int, str], tuple[int, tuple[str, str]]]]:
    for group in enumerate(groups):
        for cell in enumerate(_cells(fit)):
            yield group, cell


def intervals(draws: Iterator[Draws]) -> pd.DataFrame:
    """Summarise posteriors: `parameter muscle emotion group mean sd median lower upper lower_50 upper_50`.

    The intervals are the shortest that hold 95 % and 50 % of the draws (HPDI).
    """
    rows = []
    for each in draws:
        lower, upper = hdi(each.values)
        lower_50, upper_50 = hdi(each.values, probability=0.5)
        rows.append(
            {
                **_labels(each),
                "mean": each.values.mean(),
                "sd": each.values.std(ddof=1),
                "median": np.median(each.values),
                "lower": lower,
                "upper": upper,
                "lower_50": lower_50,
                "upper_50": upper_50,
            }
        )
    return pd.DataFrame(rows)


def densities(draws: Iterator[Draws]) -> pd.DataFrame:
    """Smooth posteriors into curves: `parameter muscle emotion group value density`."""
    parts = []
    for each in draws:
        values = each.values.ravel()
        values = values[:: max(1, len(values) // MOST_DRAWS)]
        low, high = np.quantile(values, [0.001, 0.999])
        margin = 0.15 * (high - low)
        grid = np.linspace(low - margin, high + margin, DENSITY_POINTS)
        density = stats.gaussian_kde(values)(grid)
        parts.append(pd.DataFrame({**_labels(each), "value": grid, "density": density}))
    return pd.concat(parts, ignore_index=True)


def differences(fit: AsymptoticFit, *, rope: dict[str, float]) -> pd.DataFrame:
    """Judge the differences between groups.

    Parameters
    ----------
    fit : AsymptoticFit
        A model in which groups differ.
    rope : dict
        Parameter ("a", "c") -> half-width of the region of practical equivalence.

    Returns
    -------
    pandas.DataFrame
        `parameter muscle emotion group` (the pair) `mean sd lower upper` (95 % HPDI) `in_region
        prob_direction verdict bf01 bf_trustworthy`. The Bayes factor is that of no difference
        (Savage-Dickey).
    """
    prior_sd = {"a": fit.priors.a_sd, "c": fit.priors.c_sd}
    rows = []
    for each in each_difference(fit):
        half = rope[each.parameter]
        region = region_of_equivalence(each.values, lower=-half, upper=half).iloc[0]
        density = stats.norm(0.0, prior_sd[each.parameter] * np.sqrt(2)).pdf(0.0)
        factor = savage_dickey(each.values, prior_density=float(density)).iloc[0]
        rows.append(
            {
                **_labels(each),
                "mean": region["mean"],
                "sd": region["sd"],
                "lower": region["hdi_lower"],
                "upper": region["hdi_upper"],
                "in_region": 100 * region["in_region"],
                "prob_direction": 100 * region["prob_direction"],
                "verdict": region["verdict"],
                "bf01": factor["bf01"],
                "bf_trustworthy": factor["trustworthy"],
            }
        )
    return pd.DataFrame(rows)


def mimicry(fit: AsymptoticFit) -> pd.DataFrame:
    """Judge mimicry in the model that ignores groups: the difference between two emotions' asymptotes.

    Returns
    -------
    pandas.DataFrame
        One row per muscle and predicted pair: `muscle first second mean sd lower upper` (95 % HPDI) and
        `percent_positive`, the posterior probability that the difference has the predicted sign.
    """
    cells, values = _cells(fit), fit.posterior["a"][:, :, 0, :]
    rows = []
    for muscle in dict.fromkeys(muscle for muscle, _ in cells):
        emotions = [emotion for name, emotion in cells if name == muscle]
        for pair in comparisons(emotions, muscle=muscle, has_time=True):
            if not pair.predicted:
                continue
            first, second = (values[:, :, cells.index((muscle, name))] for name in (pair.first, pair.second))
            lower, upper = hdi(first - second)
            rows.append(
                {
                    "muscle": muscle,
                    "first": pair.first,
                    "second": pair.second,
                    "mean": (first - second).mean(),
                    "sd": (first - second).std(ddof=1),
                    "lower": lower,
                    "upper": upper,
                    "percent_positive": 100 * (first > second).mean(),
                }
            )
    return pd.DataFrame(rows)


def ribbon(fit: AsymptoticFit, *, n_windows: int) -> pd.DataFrame:
    """Give the population curves of the model that ignores groups: `muscle emotion time median lower upper`.

    Lower and upper are the 95 % HPDI at each moment.
    """
    times = np.linspace(1.0, n_windows, CURVE_POINTS)
    curves = fit.predict(times)[None, :, 0]
    band, median = hdi(curves), np.median(curves[0], axis=0)
    parts = [
        pd.DataFrame(
            {
                "muscle": muscle,
                "emotion": emotion,
                "time": times,
                "median": median[j],
                "lower": band.lower[j],
                "upper": band.upper[j],
            }
        )
        for j, (muscle, emotion) in enumerate(_cells(fit))
    ]
    return pd.concat(parts, ignore_index=True)


def prior_curves(fit: AsymptoticFit, *, n_windows: int, seed: int) -> pd.DataFrame:
    """Draw population curves from the prior, as in Fig. 2B: `draw time value`."""
    times = np.linspace(1.0, n_windows, CURVE_POINTS)
    curves = fit.prior_predictive(PRIOR_CURVES, seed=seed, times=times).population
    parts = [
        pd.DataFrame({"draw": i, "time": times, "value": curve}) for i, curve in enumerate(curves, start=1)
    ]
    return pd.concat(parts, ignore_index=True)


def _labels(each: Draws) -> dict[str, str]:
    return {
        "parameter": each.parameter,
        "muscle": each.muscle,
        "emotion": each.emotion,
        "group": each.group,
    }
