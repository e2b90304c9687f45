"""Hypotheses of the type III table: one set of contrasts of the fixed effects per term.

A term is compared at equal weights of the levels of all other factors, and at zero of the numeric variables.
Where cells are empty, a term is made orthogonal to the terms that contain it, as SAS defines it. The basis
of the contrasts (each level against the first) is that of R's lmerTest: the F value does not depend on it,
but its denominator degrees of freedom do in unbalanced data.

Notes
-----
lmerTest takes ``a`` in ``y ~ a + a:b`` as not contained in ``a:b`` and tests it at the first level of ``b``;
here, as in every other model, it is averaged over the levels of ``b``.

References
----------
SAS/STAT User's Guide, The four types of estimable functions. Kuznetsova, Brockhoff & Christensen (2017),
lmerTest: tests in linear mixed effects models, Journal of Statistical Software 82(13), section 3.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np
import pandas as pd
from formulaic import ModelSpec, SimpleFormula
from formulaic.parser.types import Term

from analysis.models.rank import independent_columns
from analysis.models.terms import evaluate, factors_in, is_coded, read_formula, written

_ZERO = 1e-9
"""Share of the largest weight below which a weight is rounding."""


def type3_hypotheses(
    text: str, frame: pd.DataFrame, spec: ModelSpec, matrix: np.ndarray, kept: list[int]
) -> dict[str, np.ndarray]:
    """Express the hypothesis of every term by the coefficients of a design.

    Parameters
    ----------
    text : str
        The fixed effects.
    frame : pandas.DataFrame
        Typed columns, one row per observation.
    spec : ModelSpec
        The columns of the design.
    matrix : numpy.ndarray
        (n_observations, n_all_columns) the design, with its dependent columns.
    kept : list of int
        Columns that have a coefficient.

    Returns
    -------
    dict
        (n_contrasts, n_coefficients) per term, in the order of the formula, the intercept left out.
    """
    formula = read_formula(text)
    terms = [_read_term(term, frame, formula) for term in formula]
    tested = [term for term in terms if term.names]
    coded = any(is_coded(factor) for term in formula for factor in term.factors)
    if len(tested) > 1 and len(kept) == matrix.shape[1] and not coded and all(_is_marginal(terms)):
        return _by_level(terms, spec)
    return _by_orthogonality(terms, frame, factors_in(formula, frame), matrix[:, kept])


@dataclass(frozen=True)
class _ReadTerm:
    """A term of the fixed effects; the intercept has no names."""

    label: str
    names: tuple[str, ...]
    texts: tuple[str, ...]
    """Its variables as they stand in a formula."""
    n_levels: tuple[int, ...]
    """Number of levels per variable; 0 for a number."""

    @property
    def numbers(self) -> frozenset[str]:
        """Its numeric variables."""
        return frozenset(name for name, n in zip(self.names, self.n_levels, strict=True) if not n)

    def within(self, other: _ReadTerm) -> bool:
        """Tell whether another term contains this one: more factors, and the same numeric variables."""
        return set(self.names) < set(other.names) and self.numbers == other.numbers


def _read_term(term: Term, frame: pd.DataFrame, formula: SimpleFormula) -> _ReadTerm:
    """Take a term apart."""
    names = tuple(str(factor.expr) for factor in term.factors)
    if names == ("1",):
        return _ReadTerm("1", (), (), ())
    sizes = []
    for factor, name in zip(term.factors, names, strict=True):
        if is_coded(factor):
            sizes.append(-1)
        else:
            is_factor = name in frame and isinstance(frame[name].dtype, pd.CategoricalDtype)
            sizes.append(len(frame[name].cat.categories) if is_factor else 0)
    return _ReadTerm(":".join(names), names, tuple(map(written, term.factors)), tuple(sizes))


def _is_marginal(terms: list[_ReadTerm]) -> list[bool]:
    """Tell of each term whether it is there also without any one of its factors."""
    present = {frozenset(term.names) for term in terms}
    return [
        all(
            frozenset(term.names) - {name} in present
            for name, n in zip(term.names, term.n_levels, strict=True)
            if n
        )
        for term in terms
    ]


def _by_level(terms: list[_ReadTerm], spec: ModelSpec) -> dict[str, np.ndarray]:
    """Compare each level with the first, where every coefficient is a sum-to-zero effect."""
    n_columns, hypotheses = len(spec.column_names), {}
    for term, (_, columns) in zip(terms, spec.term_slices.items(), strict=True):
        if not term.names:
            continue
        parts = [_against_first(n) for n in term.n_levels if n]
        contrasts = reduce(lambda product, part: np.kron(part, product), parts, np.eye(1))
        repeats = (columns.stop - columns.start) // len(contrasts)
        rows = np.zeros((repeats * len(contrasts), n_columns))
        rows[:, columns] = _arranged(contrasts, term, repeats)
        hypotheses[term.label] = rows
    return hypotheses


def _arranged(contrasts: np.ndarray, term: _ReadTerm, repeats: int) -> np.ndarray:
    """Repeat contrasts for the columns of a numeric variable that has several (a polynomial)."""
    if repeats == 1:
        return contrasts
    first_is_number = not term.n_levels[0]
    return np.kron(contrasts, np.eye(repeats)) if first_is_number else np.kron(np.eye(repeats), contrasts)


def _against_first(n_levels: int) -> np.ndarray:
    """Express the differences from the first level by sum-to-zero coefficients, (n_levels - 1,) squared."""
    effects = np.vstack([np.eye(n_levels - 1), -np.ones(n_levels - 1)])
    return effects[1:] - effects[0]


def _by_orthogonality(
    terms: list[_ReadTerm], frame: pd.DataFrame, factors: list[str], used: np.ndarray
) -> dict[str, np.ndarray]:
    """Make each term orthogonal to those that contain it, in the space of all indicators."""
    indicators, owners, reduced = _indicators(terms, frame, factors)
    basis = reduced[independent_columns(indicators[:, reduced])]
    scale = np.linalg.norm(indicators[:, basis], axis=0)
    targets = np.column_stack([indicators, used])
    solved = np.linalg.lstsq(indicators[:, basis] / scale, targets, rcond=None)[0] / scale[:, None]
    estimable, to_used = _clean(solved[:, : len(owners)].T), _clean(solved[:, len(owners) :])
    term_of = owners[basis]
    if sum(bool(term.names) for term in terms) == 1:
        products = indicators[:, basis].T @ indicators[:, basis]
        estimable[basis] = _sequential(products)
    else:
        for number in sorted(range(len(terms)), key=lambda place: -len(terms[place].names)):
            above = [place for place, other in enumerate(terms) if terms[number].within(other)]
            own, over = term_of == number, np.isin(term_of, above)
            if own.any() and over.any():
                explained = np.linalg.lstsq(estimable[:, over], estimable[:, own], rcond=1e-10)[0]
                estimable[:, own] = _clean(estimable[:, own] - estimable[:, over] @ explained)
    hypotheses = {}
    for number, term in enumerate(terms):
        rows = estimable[basis][:, term_of == number].T
        rows = rows[np.abs(rows).sum(axis=1) > 1e-8]
        if term.names and len(rows):
            hypotheses[term.label] = rows @ to_used
    return hypotheses


def _indicators(
    terms: list[_ReadTerm], frame: pd.DataFrame, factors: list[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return all indicator columns, the term of each, and those that treatment contrasts would use."""
    present = {frozenset(term.names) for term in terms}
    columns: dict[str, np.ndarray] = {}
    matrices, owners, reduced = [], [], []
    for number, term in enumerate(terms):
        product, chosen = np.ones((len(frame), 1)), np.ones(1, dtype=bool)
        for name, text, n_levels in zip(term.names, term.texts, term.n_levels, strict=True):
            if name not in columns:
                columns[name] = evaluate(f"0 + {text}", frame, factors, recode="contr.treatment")[1]
            own = columns[name]
            use = np.ones(own.shape[1], dtype=bool)
            use[0] = not (n_levels and frozenset(term.names) - {name} in present)
            product = (own[:, :, None] * product[:, None, :]).reshape(len(frame), -1)
            chosen = np.kron(use, chosen).astype(bool)
        matrices.append(product)
        owners += [number] * product.shape[1]
        reduced.append(chosen)
    return np.column_stack(matrices), np.array(owners), np.flatnonzero(np.concatenate(reduced))


def _sequential(products: np.ndarray) -> np.ndarray:
    """Return the unit lower-triangular factor of the products of a design's columns."""
    lower = np.linalg.cholesky(products)
    return lower / np.diag(lower)


def _clean(values: np.ndarray) -> np.ndarray:
    """Put rounding to zero."""
    return np.where(np.abs(values) < _ZERO * np.abs(values).max(initial=0.0), 0.0, values)
