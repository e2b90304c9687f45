"""The rows and columns that a model uses, checked before anything is computed from them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandas.api import types


@dataclass(frozen=True)
class ModelTable:
    """Complete rows of the columns of a model."""

    frame: pd.DataFrame
    """Numbers as float, everything else as categories of which each occurs."""
    kept: np.ndarray
    """(n_rows of the data,) bool: rows without a missing value."""
    warnings: tuple[str, ...]


def model_table(
    data: pd.DataFrame, *, variables: Iterable[str], groups: Iterable[str], factors: Iterable[str] = ()
) -> ModelTable:
    """Select, type and clean the columns of a model.

    Parameters
    ----------
    data : pandas.DataFrame
        One row per observation.
    variables : iterable of str
        Columns of the response, the fixed effects and the random slopes. Text, categories and truth values
        become categories, numbers stay numbers.
    factors : iterable of str
        Those of the variables whose numbers are names of levels.
    groups : iterable of str
        Columns that name groups; they become categories whatever their type.

    Returns
    -------
    ModelTable
        Rows with a missing value (NaN, None) in any of the columns are left out, and the warnings say how
        many.

    Raises
    ------
    ValueError
        If a column is unknown, has an infinite value, a type that is neither number nor category, only one
        level, or if no complete row is left.

    Examples
    --------
    >>> data = pd.DataFrame({"y": [1.0, 2.0, None], "drug": ["a", "b", "b"], "subject": [1, 2, 3]})
    >>> table = model_table(data, variables=["y", "drug"], groups=["subject"])
    >>> len(table.frame), table.warnings
    (2, ('1 of 3 rows left out because of missing values (y: 1)',))
    """
    variables, groups, factors = tuple(variables), tuple(groups), tuple(factors)
    _check_columns(data, (*variables, *groups))
    frame = data.loc[:, list(dict.fromkeys((*variables, *groups)))].reset_index(drop=True)
    missing = frame.isna()
    kept = ~missing.any(axis=1).to_numpy()
    if not kept.any():
        raise ValueError(f"no row is complete: {_missing_counts(missing) or 'the table is empty'}")
    frame = frame.loc[kept].reset_index(drop=True)
    columns: dict[str, pd.Series] = {}
    for name in map(str, frame):
        if name in groups:
            columns[name] = _category(frame[name], "grouping factor")
        elif name in factors or not _is_number(frame[name]):
            columns[name] = _category(frame[name], "factor")
        else:
            columns[name] = _number(frame[name])
    warnings = []
    if not kept.all():
        counts = _missing_counts(missing)
        warnings.append(f"{(~kept).sum()} of {len(kept)} rows left out because of missing values ({counts})")
    return ModelTable(pd.DataFrame(columns), kept, tuple(warnings))


def _check_columns(data: pd.DataFrame, names: Iterable[str]) -> None:
    """Refuse names that are not columns, with the nearest one that is."""
    if not isinstance(data, pd.DataFrame):
        raise ValueError(f"the data should be a pandas DataFrame; got {type(data).__name__}")
    available = [str(column) for column in data.columns]
    for name in names:
        if name not in data.columns:
            near = difflib.get_close_matches(name, available, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"no column {name!r} in the data{hint} The columns are: {', '.join(available)}")
        if available.count(name) > 1:
            raise ValueError(f"the data have several columns named {name!r}")


def _missing_counts(missing: pd.DataFrame) -> str:
    """Say how many values are missing in which column."""
    return ", ".join(f"{name}: {count}" for name, count in missing.sum().items() if count)


def _number(column: pd.Series) -> pd.Series:
    """Return the column as float."""
    values = column.astype(float)
    if not np.isfinite(values).all():
        raise ValueError(
            f"column {column.name!r} has {(~np.isfinite(values)).sum()} infinite values "
            "(the logarithm of zero?): correct or leave out these rows"
        )
    return values


def _category(column: pd.Series, what: str) -> pd.Series:
    """Return the column as category without empty levels."""
    is_time = types.is_datetime64_any_dtype(column) or types.is_timedelta64_dtype(column)
    if is_time and what == "factor":
        raise ValueError(f"column {column.name!r} holds dates or times: turn it into a number first")
    levels = column.astype("category").cat.remove_unused_categories()
    if len(levels.cat.categories) < 2:
        raise ValueError(
            f"the {what} {column.name!r} has only one level in the complete rows, "
            f"{levels.cat.categories[0]!r}: it needs at least two, or leave it out of the formula"
        )
    return levels


def _is_number(column: pd.Series) -> bool:
    """Tell numbers (also in an object column) from everything that is a factor."""
    if types.is_object_dtype(column):
        return types.infer_dtype(column) in {"floating", "integer", "mixed-integer-float", "decimal"}
    return types.is_numeric_dtype(column) and not types.is_bool_dtype(column)
