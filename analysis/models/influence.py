"""How much a mixed model depends on single participants (or other groups): the model without each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from analysis.models.processes import in_processes

if TYPE_CHECKING:
    from analysis.models.mixed import MixedFit


def leave_one_out(
    fit: MixedFit,
    data: pd.DataFrame,
    group: str,
    *,
    terms: Sequence[str] | None = None,
    options: Mapping[str, Any] | None = None,
    n_processes: int = 1,
    progress: bool = True,
) -> pd.DataFrame:
    """Fit the model without each level of a grouping factor in turn.

    Parameters
    ----------
    fit : MixedFit
        The fitted model.
    data : pandas.DataFrame
        The data that it was fitted to.
    group : str
        Column whose levels are left out, one at a time.
    terms : sequence of str, optional
        Fixed effects to report; all by default.
    options : mapping, optional
        Other arguments that ``fit_mixed`` was given, such as weights (the name of a column).
    n_processes : int
        See `analysis.models.processes.in_processes`.
    progress : bool
        Show a progress bar.

    Returns
    -------
    pandas.DataFrame
        One row per level and term: the group's name as column, term, estimate (without the level), change
        (estimate without minus estimate with it), change_in_se (change divided by the standard error of the
        whole fit). NaN where the model without the level cannot be fitted, or has other coefficients.

    Raises
    ------
    ValueError
        If the column or a term does not exist, or the data are not those of the fit.
    """
    if group not in data:
        raise ValueError(f"no column {group!r} in the data; there are {', '.join(map(str, data))}")
    names = list(fit.fixed_effects.index) if terms is None else list(terms)
    unknown = [name for name in names if name not in fit.fixed_effects.index]
    if unknown:
        raise ValueError(f"no fixed effect {unknown[0]!r}; there are {', '.join(fit.fixed_effects.index)}")
    if len(data) != fit.n_observations + fit.n_dropped:
        raise ValueError(
            f"the data have {len(data)} rows, the fit had {fit.n_observations + fit.n_dropped}: give the same"
        )
    levels = list(data[group].dropna().unique())
    shared = (fit.formula, data, group, {"reml": fit.reml, **(options or {})}, names)
    work = in_processes(_without, shared, levels, n_processes=n_processes)
    bar = tqdm(work, total=len(levels), desc=f"Without each {group}", disable=not progress, leave=False)
    estimates = np.array(list(bar))
    whole = fit.fixed_effects.loc[names]
    change = estimates - whole["estimate"].to_numpy()
    return pd.DataFrame(
        {
            group: np.repeat(np.array(levels, dtype=object), len(names)),
            "term": np.tile(names, len(levels)),
            "estimate": estimates.ravel(),
            "change": change.ravel(),
            "change_in_se": (change / whole["se"].to_numpy()).ravel(),
        }
    )


def _without(shared: tuple[str, pd.DataFrame, str, dict[str, Any], list[str]], level: object) -> np.ndarray:
    """Return the estimates without one level."""
    from analysis.models.mixed import fit_mixed

    formula, data, group, options, names = shared
    try:
        fit = fit_mixed(formula, data[data[group] != level], **options)
    except (ValueError, np.linalg.LinAlgError):
        return np.full(len(names), np.nan)
    return fit.fixed_effects["estimate"].reindex(names).to_numpy()
