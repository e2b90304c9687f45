"""Design matrices of a mixed model: fixed effects, random effects, and the hypotheses of the type III table.

Formulas and contrasts are formulaic's. Factors are coded by sum-to-zero contrasts unless the formula says
otherwise, for instance ``C(drug, contr.treatment)``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from formulaic import ModelSpec, SimpleFormula

from analysis.models.formula import MixedFormula, RandomTerm
from analysis.models.rank import independent_columns, null_space
from analysis.models.table import ModelTable, model_table
from analysis.models.terms import (
    coded_as_factors,
    evaluate,
    factors_in,
    finite,
    read_formula,
    readable_name,
    variables_in,
    written,
)
from analysis.models.type3 import type3_hypotheses


@dataclass(frozen=True)
class FixedEffects:
    """The fixed-effects design; columns that other columns already explain are left out."""

    matrix: np.ndarray
    """(n_observations, n_coefficients)"""
    names: tuple[str, ...]
    """(n_coefficients,)"""
    dropped: tuple[str, ...]
    """Names of the columns that were left out."""
    hypotheses: dict[str, np.ndarray]
    """Type III contrasts per term, (n_contrasts, n_coefficients)."""
    factors: dict[str, tuple]
    """Levels of the categorical columns."""
    means: dict[str, float]
    """Means of the numeric variables over the observations."""
    spreads: dict[str, float]
    """Ranges of the numeric variables."""
    spec: ModelSpec
    null_space: np.ndarray
    """(n_all_columns, n_dropped): combinations of the columns that are zero in the data."""
    kept: np.ndarray
    """(n_coefficients,) positions among all columns."""

    def all_columns(self, grid: pd.DataFrame) -> np.ndarray:
        """Return the design at new values, dropped columns included, (n_rows, n_all_columns)."""
        return finite(self.spec.get_model_matrix(grid, context={}), len(grid), str(self.spec.formula))

    def estimable(self, full: np.ndarray) -> np.ndarray:
        """Reduce contrasts over all columns to the kept ones; NaN rows where they cannot be estimated."""
        reduced = full[:, self.kept].copy()
        off = np.abs(full @ self.null_space).max(axis=1, initial=0.0)
        reduced[off > 1e-6 * np.abs(full).max(axis=1, initial=1.0)] = np.nan
        return reduced


@dataclass(frozen=True)
class RandomEffects:
    """All random effects of one grouping factor."""

    group: str
    levels: pd.Index
    codes: np.ndarray
    """(n_observations,) position of the level."""
    columns: np.ndarray
    """(n_observations, n_effects)"""
    names: tuple[str, ...]
    """(n_effects,)"""
    blocks: tuple[tuple[int, ...], ...]
    """Columns that are correlated with each other stand in the same block."""
    specs: tuple[ModelSpec, ...] = ()
    """How the columns are computed, one after the other."""
    groups: tuple[str, ...] = ()
    """The columns whose combination names a level."""
    kept: tuple[int, ...] = ()
    """Positions of the columns among all that the specs compute."""
    dropped: tuple[str, ...] = ()
    """Names of those left out because others already explain them."""


def typed_table(
    parsed: MixedFormula, data: pd.DataFrame, rows: Mapping[str, str | np.ndarray] | None = None
) -> ModelTable:
    """Select, type and clean the columns that a formula needs; see `model_table`."""
    texts = [parsed.response, parsed.fixed, *(term.effects for term in parsed.random)]
    texts += [f"0 + {_as_number(text)}" for text in parsed.offsets]
    formulas = [read_formula(text) for text in texts]
    return model_table(
        data,
        variables=[name for formula in formulas for name in variables_in(formula)],
        factors=coded_as_factors(formulas),
        groups=[name for term in parsed.random for name in term.groups],
        rows=rows,
    )


def response_values(parsed: MixedFormula, table: ModelTable) -> np.ndarray:
    """Evaluate the left side of the formula, (n_observations,)."""
    if factors_in(read_formula(parsed.response), table.frame):
        raise ValueError(f"the response {parsed.response!r} should be a number, not a category")
    _, matrix = evaluate(f"0 + {parsed.response}", table.frame, ())
    if matrix.shape[1] != 1:
        raise ValueError(f"the response {parsed.response!r} should be one number per row")
    return matrix[:, 0]


def offset_values(parsed: MixedFormula, frame: pd.DataFrame) -> np.ndarray:
    """Evaluate the sum of the offsets in a frame of typed columns, (n_rows,)."""
    total = np.zeros(len(frame))
    for text in parsed.offsets:
        formula = read_formula(f"0 + {_as_number(text)}")
        if factors_in(formula, frame):
            raise ValueError(f"the offset {text!r} should be a number, not a category")
        total += evaluate(f"0 + {_as_number(text)}", frame, ())[1][:, 0]
    return total


def _as_number(text: str) -> str:
    """Protect a computation from being read as a formula."""
    return text if text.isidentifier() or text.startswith("`") else f"I({text})"


def fixed_effects(text: str, table: ModelTable) -> tuple[FixedEffects, list[str]]:
    """Build the fixed-effects design, and say in words what had to be left out of it."""
    formula = read_formula(text)
    factors = factors_in(formula, table.frame)
    spec, full = evaluate(text, table.frame, factors)
    if not full.shape[1]:
        raise ValueError(f"the fixed effects {text!r} have no column: write at least 1 for an intercept")
    names = [readable_name(name, factors) for name in spec.column_names]
    kept = independent_columns(full)
    dropped = [position for position in range(full.shape[1]) if position not in set(kept)]
    numeric = [name for name in variables_in(formula) if name not in factors]
    design = FixedEffects(
        matrix=full[:, kept],
        names=tuple(names[position] for position in kept),
        dropped=tuple(names[position] for position in dropped),
        hypotheses=type3_hypotheses(text, table.frame, spec, full, kept),
        factors={name: tuple(table.frame[name].cat.categories) for name in factors},
        means={name: float(table.frame[name].mean()) for name in numeric},
        spreads={name: float(np.ptp(table.frame[name])) for name in numeric},
        spec=spec,
        null_space=null_space(full, kept, dropped),
        kept=np.asarray(kept),
    )
    said = _said_of_dropped(design, table.frame) + _said_of_origin(formula, table.frame, factors)
    return design, said + _said_of_codes(numeric, table)


def random_effects(terms: Sequence[RandomTerm], table: ModelTable) -> tuple[list[RandomEffects], list[str]]:
    """Build the random effects, one entry per grouping factor, and say what is doubtful about them."""
    by_group: dict[tuple[str, ...], list[RandomTerm]] = {}
    for term in terms:
        by_group.setdefault(term.groups, []).append(term)
    effects = [_one_group(groups, members, table) for groups, members in by_group.items()]
    said = [warning for effect in effects for warning in _doubts(effect, len(table.frame))]
    return effects, [*_said_of_levels(terms, table.frame), *said]


def _said_of_origin(formula: SimpleFormula, frame: pd.DataFrame, factors: list[str]) -> list[str]:
    """Warn when lower-order terms are tested at a value of a covariate that does not occur."""
    said = {}
    for term in formula:
        names = [str(factor.expr) for factor in term.factors]
        for name in names:
            if len(names) < 2 or name not in frame or name in factors:
                continue
            low, high = frame[name].min(), frame[name].max()
            if low > 0 or high < 0:
                said[name] = (
                    f"{name} runs from {low:g} to {high:g}: effects that it moderates are tested at "
                    f"{name} = 0, outside of the data; centre it to test them in the middle"
                )
    return list(said.values())


def _said_of_codes(names: Sequence[str], table: ModelTable) -> list[str]:
    """Warn of what may be the code of a group: a few whole numbers, each level of a group having one."""
    said = []
    for name in names:
        values = table.frame[name]
        codes = np.unique(values)
        if not 3 <= len(codes) <= 6 or (codes != np.round(codes)).any():
            continue
        for group in table.groups:
            by_level = values.groupby(table.groups[group], observed=True)
            if by_level.ngroups > 2 * len(codes) and (by_level.nunique() == 1).all():
                said.append(
                    f"{name} has {len(codes)} whole numbers, one per {group}, and is used as a number, with "
                    f"one slope and one degree of freedom: if they name groups, write C({name})"
                )
                break
    return said


def _said_of_dropped(design: FixedEffects, frame: pd.DataFrame) -> list[str]:
    """Say which fixed effects cannot be estimated, and which combinations of levels are empty."""
    if not design.dropped:
        return []
    names = ", ".join(design.dropped)
    said = [
        f"rank-deficient design: {len(design.dropped)} fixed effects cannot be told from the others and are "
        f"left out ({names}); type III tests of terms that they belong to compare what can be estimated"
    ]
    if any(name in design.means for name in design.dropped):
        said[0] += "; a covariate far from zero looks so too: centre it"
    if len(design.factors) > 1:
        counts = frame.groupby(list(design.factors), observed=False).size()
        empty = [" x ".join(map(str, cell)) for cell in counts.index[counts == 0]]
        if empty:
            shown = "; ".join(empty[:5]) + ("; ..." if len(empty) > 5 else "")
            said.append(f"{len(empty)} empty cells of {' x '.join(design.factors)}: {shown}")
    return said


def _one_group(groups: tuple[str, ...], terms: list[RandomTerm], table: ModelTable) -> RandomEffects:
    """Put all random-effect columns of one grouping factor side by side."""
    matrices: list[np.ndarray] = []
    names: list[str] = []
    blocks: list[list[int]] = []
    specs: list[ModelSpec] = []
    for text, together in (part for term in terms for part in _parts(term)):
        factors = factors_in(read_formula(text), table.frame)
        spec, matrix = evaluate(text, table.frame, factors)
        positions = range(len(names), len(names) + len(spec.column_names))
        if not positions:
            raise ValueError(f"the random effects ({text}|{':'.join(groups)}) have no column")
        matrices.append(matrix)
        specs.append(spec)
        names += [readable_name(name, factors) for name in spec.column_names]
        blocks += [list(positions)] if together else [[position] for position in positions]
    repeated = {name for name in names if names.count(name) > 1}
    if repeated:
        raise ValueError(
            f"{', '.join(sorted(repeated))} varies twice by {':'.join(groups)}: write (0 + x|{groups[0]}) "
            "to leave the intercept out of a second bracket"
        )
    columns = np.column_stack(matrices)
    independent = [[block[place] for place in independent_columns(columns[:, block])] for block in blocks]
    kept = [position for block in independent for position in block]
    if not kept:
        raise ValueError(
            f"every random effect of {':'.join(groups)} is zero in every row: {', '.join(names)}"
        )
    places = {position: place for place, position in enumerate(kept)}
    codes, levels = _levels(groups, table.groups)
    return RandomEffects(
        group=":".join(groups),
        levels=levels,
        codes=codes,
        columns=columns[:, kept],
        names=tuple(names[position] for position in kept),
        blocks=tuple(tuple(places[position] for position in block) for block in independent if block),
        specs=tuple(specs),
        groups=groups,
        kept=tuple(kept),
        dropped=tuple(name for position, name in enumerate(names) if position not in places),
    )


def _parts(term: RandomTerm) -> list[tuple[str, bool]]:
    """Return the formulas whose columns vary together; False where every column varies on its own."""
    if not term.by_term:
        return [(term.effects, term.correlated)]
    parts = [":".join(map(written, part.factors)) for part in read_formula(term.effects)]
    if not parts:
        return [(term.effects, True)]
    return [(part if part == "1" else f"0 + {part}", True) for part in parts]


def _levels(groups: tuple[str, ...], frame: pd.DataFrame) -> tuple[np.ndarray, pd.Index]:
    """Number the levels of a grouping factor that occur."""
    if len(groups) == 1:
        column = frame[groups[0]].cat
        return column.codes.to_numpy().astype(np.intp), column.categories
    combined = frame.groupby(list(groups), observed=True)
    levels = combined.size().index
    return combined.ngroup().to_numpy().astype(np.intp), levels.map(lambda cell: ":".join(map(str, cell)))


def _said_of_levels(terms: Sequence[RandomTerm], frame: pd.DataFrame) -> list[str]:
    """Say where ``||`` leaves correlations, because a reader may not expect it."""
    said = []
    for term in terms:
        factors = factors_in(read_formula(term.effects), frame) if term.by_term else []
        if factors:
            said.append(
                f"in {term} the levels of {factors[0]} stay correlated with each other, as in lme4; "
                f"diag({term.effects} | {term.group_label}) makes every effect vary on its own"
            )
    return said


def _doubts(effect: RandomEffects, n_observations: int) -> list[str]:
    """Refuse random effects that the data cannot carry, and warn of those that they hardly can."""
    n_levels, n_effects = len(effect.levels), len(effect.names)
    if n_levels * max(len(block) for block in effect.blocks) >= n_observations:
        raise ValueError(
            f"{n_observations} observations are too few for {n_levels} levels of {effect.group} with "
            f"{n_effects} random effects each: there should be more observations than random effects"
        )
    said = []
    if effect.dropped:
        said.append(
            f"random effects of {effect.group} that are linearly dependent on others are left out "
            f"({', '.join(effect.dropped)}); a covariate far from zero looks so too: centre it"
        )
    if n_levels < 5:
        said.append(f"{effect.group} has only {n_levels} levels: its variance is hardly estimated")
    if any(n_levels <= len(block) for block in effect.blocks):
        said.append(
            f"{n_levels} levels of {effect.group} cannot determine the covariance of {n_effects} effects"
        )
    counts = np.bincount(effect.codes, minlength=n_levels)
    if np.sum(counts == 1) > 0.9 * n_observations:
        said.append(
            f"{np.sum(counts == 1)} of {n_observations} observations are the only one of their level of "
            f"{effect.group}: its variance is hardly told from the residual"
        )
    for name, column in zip(effect.names, effect.columns.T, strict=True):
        centred = column - (np.bincount(effect.codes, column, n_levels) / counts)[effect.codes]
        constant_within = np.abs(centred).max() <= 1e-10 * np.abs(column).max()
        if constant_within and np.ptp(column) > 0:
            said.append(
                f"{name} does not vary within any level of {effect.group}: its slope is not a within effect"
            )
    return said
