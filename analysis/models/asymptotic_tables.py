"""Tables of an asymptotic regression: parameters, differences between groups, curves."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.models.diagnostics import ess_bulk, ess_tail, hdi, mcse_mean, rhat

if TYPE_CHECKING:
    from analysis.models.asymptotic_fit import AsymptoticFit

LEVELS = (0.025, 0.975)

DIMENSIONS: dict[str, tuple[str, ...]] = {
    "a": ("drug_a", "cell"),
    "c": ("drug_c", "cell"),
    **{f"sd_{name}": ("cell",) for name in "abc"},
    **{f"cor_{name}": ("pair",) for name in "abc"},
    "sigma": (),
    "c_subject": ("subject", "cell"),
}
"""Names of the dimensions of each entry of the posterior, after chain and draw."""


def summary_table(fit: AsymptoticFit) -> pd.DataFrame:
    """One row per parameter; see `AsymptoticFit.summary`."""
    rows = {}
    for name, draws in named_draws(fit):
        lower, upper = np.quantile(draws, LEVELS)
        shortest = hdi(draws)
        rows[name] = {
            "mean": draws.mean(),
            "median": np.median(draws),
            "sd": draws.std(ddof=1),
            "q2_5": lower,
            "q97_5": upper,
            "hdi_lower": float(shortest.lower),
            "hdi_upper": float(shortest.upper),
            "mcse": float(mcse_mean(draws)),
            "rhat": float(rhat(draws)),
            "ess_bulk": float(ess_bulk(draws)),
            "ess_tail": float(ess_tail(draws)),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("parameter")


def named_draws(fit: AsymptoticFit) -> Iterator[tuple[str, np.ndarray]]:
    """Draws (n_chains, n_draws) of every parameter of the population, with its name."""
    cells = fit.data.cell_names
    for name in ("a", "c"):
        for index, group in enumerate(fit.coords[f"drug_{name}"]):
            for number, cell in enumerate(cells):
                yield _label(name, group, cell), fit.posterior[name][:, :, index, number]
    for name in ("a", "b", "c"):
        for number, cell in enumerate(cells):
            yield _label(f"sd_{name}", cell), fit.posterior[f"sd_{name}"][:, :, number]
    for name in ("a", "b", "c"):
        for number, (first, second) in enumerate(cell_pairs(len(cells))):
            label = _label(f"cor_{name}", cells[first], cells[second])
            yield label, fit.posterior[f"cor_{name}"][:, :, number]
    yield "sigma", fit.posterior["sigma"]


def cell_pairs(n_cells: int) -> list[tuple[int, int]]:
    """Pairs of cells in the order of the correlations.

    Examples
    --------
    >>> cell_pairs(3)
    [(0, 1), (0, 2), (1, 2)]
    """
    return [(first, second) for second in range(n_cells) for first in range(second)]


def contrast_table(fit: AsymptoticFit, reference: str | None) -> pd.DataFrame:
    """Differences between groups; see `AsymptoticFit.drug_contrasts`."""
    groups = list(fit.data.groups)
    if len(groups) < 2:
        raise ValueError(
            "there are no groups to compare: the model was fitted without a drug, or with one level"
        )
    if reference is not None and reference not in groups:
        raise ValueError(f"no group {reference!r}; the groups are {', '.join(groups)}")
    if reference is None:
        pairs = [(second, first) for first, second in combinations(groups, 2)]
    else:
        pairs = [(group, reference) for group in groups if group != reference]
    rows = []
    for name in ("a", "c"):
        draws = fit.posterior[name]
        if draws.shape[2] == 1:
            continue
        for one, other in pairs:
            difference = draws[:, :, groups.index(one)] - draws[:, :, groups.index(other)]
            rows += [
                {"parameter": name, "contrast": f"{one} - {other}", **_levels(fit, number)}
                | _described(difference[:, :, number])
                for number in range(fit.data.n_cells)
            ]
    if not rows:
        raise ValueError("this model has no differences between groups (drug_on='none'): fit drug_on='both'")
    return pd.DataFrame(rows)


def curve_table(fit: AsymptoticFit, times: np.ndarray, probability: float) -> pd.DataFrame:
    """Mean curves with their highest-density bands; see `AsymptoticFit.curves`."""
    curves = fit.predict(times)
    band = hdi(curves[None], probability=probability)
    mean = curves.mean(axis=0)
    rows = []
    for index, group in enumerate(fit.data.groups):
        for number in range(fit.data.n_cells):
            for place, time in enumerate(times):
                at = (index, number, place)
                values = {"mean": mean[at], "lower": band.lower[at], "upper": band.upper[at]}
                rows.append({"drug": group, **_levels(fit, number), "time": float(time), **values})
    return pd.DataFrame(rows)


def _levels(fit: AsymptoticFit, cell: int) -> dict[str, str]:
    return dict(zip(fit.data.within, fit.data.cells[cell], strict=True))


def _label(name: str, *parts: str) -> str:
    named = [part for part in parts if part]
    return f"{name}[{', '.join(named)}]" if named else name


def _described(draws: np.ndarray) -> dict[str, float]:
    lower, upper = np.quantile(draws, LEVELS)
    above = float((draws > 0).mean())
    return {
        "mean": float(draws.mean()),
        "sd": float(draws.std(ddof=1)),
        "q2_5": float(lower),
        "q97_5": float(upper),
        "prob_direction": max(above, 1 - above),
        "mcse": float(mcse_mean(draws)),
    }
