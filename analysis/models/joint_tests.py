"""F tests of main effects and interactions within cells, as R's emmeans::joint_tests.

In every cell of ``by`` the terms of the other variables are tested on the reference grid: levels weigh the
same, and numeric variables are at their means (so that it does not matter where their zero is).

Notes
-----
F and its numerator are those of emmeans. The denominator combines the degrees of freedom of independent
contrasts as lmerTest does; emmeans takes the smallest of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, product
from typing import Any

import numpy as np
import pandas as pd
from scipy import linalg

from analysis.models.contrasts import as_names
from analysis.models.design import FixedEffects
from analysis.models.terms import variables_in
from analysis.models.trends import mean_rows


def joint_contrasts(
    fixed: FixedEffects, by: Sequence[str] | str, at: Mapping[str, Any]
) -> Iterator[tuple[dict, np.ndarray]]:
    """Yield, per term and cell, its label and the contrasts that together are its test.

    Parameters
    ----------
    fixed : FixedEffects
        The design of the fitted model.
    by : sequence of str
        Variables whose combinations are the cells.
    at : mapping
        Values for numeric variables instead of their mean.

    Yields
    ------
    label : dict
        ``term`` and the level of each variable in ``by``.
    contrasts : numpy.ndarray
        (n_contrasts, n_coefficients), possibly dependent; without rows if nothing of it can be estimated.
    """
    by = as_names(by)
    others = [name for name in (*fixed.factors, *fixed.means) if name not in by and name not in at]
    order = {name: place for place, name in enumerate(variables_in(fixed.spec.formula))}
    others.sort(key=lambda name: order.get(name, len(order)))
    if not others:
        raise ValueError("nothing is left to test: every variable of the fixed effects is in 'by' or 'at'")
    together = [set(variables_in([term])) for term in fixed.spec.formula]
    for size in range(1, len(others) + 1):
        for subset in combinations(others, size):
            if any(set(subset) <= variables for variables in together):
                yield from _term(fixed, subset, by, at)


def _term(
    fixed: FixedEffects, subset: tuple[str, ...], by: list[str], at: Mapping[str, Any]
) -> Iterator[tuple[dict, np.ndarray]]:
    """Yield the contrasts of one term in every cell."""
    factors = [name for name in subset if name in fixed.factors]
    numeric = [name for name in subset if name not in fixed.factors]
    cells, rows = _derivative(fixed, [*by, *factors], numeric, at)
    differences: np.ndarray = np.ones((1, 1))
    for name in factors:
        differences = np.kron(differences, np.diff(np.eye(len(fixed.factors[name])), axis=0))
    size = differences.shape[1]
    for start in range(0, len(cells), size):
        label = {"term": ":".join(subset), **{name: cells[name].iloc[start] for name in by}}
        yield label, _estimable_part(fixed, differences @ rows[start : start + size])


def _derivative(
    fixed: FixedEffects, cells_of: list[str], numeric: list[str], at: Mapping[str, Any]
) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the cells' rows of the design, differentiated by the numeric variables at their means."""
    total: np.ndarray | float = 0.0
    cells = pd.DataFrame()
    for signs in product((1, -1), repeat=len(numeric)):
        held: dict[str, Sequence[float]] = dict(at)
        weight = 1.0
        for name, sign in zip(numeric, signs, strict=True):
            step = 1e-3 * fixed.spreads[name]
            held[name] = [fixed.means[name] + sign * step]
            weight *= sign / (2 * step)
        cells, rows = mean_rows(fixed, cells_of, held)
        total = total + weight * rows
    return cells, np.asarray(total)


def _estimable_part(fixed: FixedEffects, rows: np.ndarray) -> np.ndarray:
    """Return the combinations of contrasts that the data can tell, by the kept coefficients."""
    scale = np.abs(rows).max(initial=0.0)
    if scale == 0:
        return np.zeros((0, len(fixed.names)))
    if fixed.null_space.shape[1]:
        blind = rows @ fixed.null_space / scale
        rows = linalg.null_space(blind.T, rcond=1e-6).T @ rows if np.abs(blind).max() > 1e-6 else rows
    return rows[:, fixed.kept]
