"""Contrasts of fixed effects that answer questions in the units of the data: slopes and means per cell.

The design is evaluated on a reference grid: every combination of the levels of the factors, with the numeric
variables at their means. What is not asked for is averaged with equal weights, as emmeans and emtrends do.

References
----------
Searle, Speed & Milliken (1980), Population marginal means in the linear model, The American Statistician
34(4).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from analysis.models.design import FixedEffects


def slope_contrasts(
    fixed: FixedEffects, variable: str, by: Sequence[str], at: Mapping[str, Any]
) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the cells and, per cell, the contrast that is its slope; see `slope_rows`.

    Contrasts are those of the kept coefficients, (n_cells, n_coefficients); NaN where the data cannot tell.
    """
    cells, rows = slope_rows(fixed, variable, by, at)
    return cells, fixed.estimable(rows)


def mean_contrasts(
    fixed: FixedEffects, by: Sequence[str], at: Mapping[str, Any]
) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the cells and, per cell, the contrast that is its mean; see `slope_contrasts`."""
    cells, rows = mean_rows(fixed, by, at)
    return cells, fixed.estimable(rows)


def slope_rows(
    fixed: FixedEffects, variable: str, by: Sequence[str], at: Mapping[str, Any]
) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the cells and, per cell, its slope as a combination of all columns of the design.

    Parameters
    ----------
    fixed : FixedEffects
        The design of the fitted model.
    variable : str
        Numeric variable of the fixed effects.
    by : sequence of str
        Variables whose combinations are the cells.
    at : mapping
        Values for numeric variables instead of their mean.

    Returns
    -------
    cells : pandas.DataFrame
        One row per cell, one column per variable in ``by``.
    rows : numpy.ndarray
        (n_cells, n_all_columns), dropped columns included: a difference of two cells may be estimable where
        the cells are not.

    Raises
    ------
    ValueError
        If a variable is not in the fixed effects, or is not of the needed type.
    """
    if variable in fixed.factors:
        raise ValueError(f"{variable!r} is a factor: it has means, not a slope")
    if variable not in fixed.means:
        raise ValueError(f"{variable!r} is not in the fixed effects; numeric there: {_listed(fixed.means)}")
    step = 1e-3 * max(fixed.spreads[variable], 1e-300)
    grid, cells, averaging = _reference_grid(fixed, by, at)
    ahead, behind = grid.copy(), grid.copy()
    ahead[variable] += step
    behind[variable] -= step
    slopes = (fixed.all_columns(ahead) - fixed.all_columns(behind)) / (2 * step)
    return cells, averaging @ slopes


def mean_rows(
    fixed: FixedEffects, by: Sequence[str], at: Mapping[str, Any]
) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the cells and, per cell, its mean as a combination of all columns; see `slope_rows`."""
    grid, cells, averaging = _reference_grid(fixed, by, at)
    return cells, averaging @ fixed.all_columns(grid)


def _reference_grid(
    fixed: FixedEffects, by: Sequence[str], at: Mapping[str, Any]
) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    """Return the grid, its cells, and the (n_cells, n_rows) weights that average the rows of each cell."""
    by = [by] if isinstance(by, str) else list(by)
    repeated = [name for name in by if by.count(name) > 1]
    if repeated:
        raise ValueError(f"{repeated[0]!r} stands twice among the variables whose combinations are asked for")
    values: dict[str, Sequence] = {**{name: [mean] for name, mean in fixed.means.items()}, **fixed.factors}
    for name in (*by, *at):
        if name not in values:
            raise ValueError(f"{name!r} is not in the fixed effects, which have {_listed(values)}")
    values |= {name: _held_at(fixed, name, chosen) for name, chosen in at.items()}
    unclear = [name for name in by if name in fixed.means and name not in at]
    if unclear:
        raise ValueError(
            f"{unclear[0]!r} is numeric: say at which values, such as at={{{unclear[0]!r}: [0, 1]}}"
        )
    others = [name for name in values if name not in by]
    rows = list(product(*(values[name] for name in (*by, *others))))
    grid = pd.DataFrame(rows, columns=[*by, *others])
    for name, levels in fixed.factors.items():
        grid[name] = pd.Categorical(grid[name], categories=list(levels))
    n_cells = int(np.prod([len(values[name]) for name in by], dtype=int))
    per_cell = len(grid) // n_cells
    averaging = np.kron(np.eye(n_cells), np.full((1, per_cell), 1 / per_cell))
    cells = grid.loc[::per_cell, list(by)].reset_index(drop=True)
    return grid, cells, averaging


def _held_at(fixed: FixedEffects, name: str, chosen: Any) -> list:
    """Check the values at which a variable is held; one value needs no list."""
    one = isinstance(chosen, str) or not isinstance(chosen, Iterable)
    values = [chosen] if one else list(chosen)
    if not values:
        raise ValueError(f"at={{{name!r}: []}} holds no value")
    if name in fixed.factors:
        unknown = [value for value in values if value not in fixed.factors[name]]
        if unknown:
            levels = ", ".join(map(repr, fixed.factors[name]))
            raise ValueError(f"{name!r} has no level {unknown[0]!r}; there are {levels}")
        return values
    try:
        numbers = [float(value) for value in values]
    except (TypeError, ValueError):
        numbers = [np.nan]
    if not np.isfinite(numbers).all():
        raise ValueError(f"{name!r} should be held at numbers; got {values}")
    return values


def _listed(names: Mapping) -> str:
    return ", ".join(map(str, names)) or "none"
