"""The rows and columns that a model uses, checked before anything is computed from them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandas.api import types

_LARGEST = 1e100
"""Largest number, and inverse of the smallest, that can safely be squared and summed."""


@dataclass(frozen=True)
class ModelTable:
    """Complete rows of the columns of a model."""

    frame: pd.DataFrame
    """Variables: numbers as float, everything else as categories of which each occurs."""
    groups: pd.DataFrame
    """Columns that name groups, as categories. A number may be a variable as well."""
    rows: dict[str, np.ndarray]
    """Further numbers, one per complete row."""
    kept: np.ndarray
    """(n_rows of the data,) bool: rows without a missing value."""
    warnings: tuple[str, ...]

    @property
    def levels(self) -> dict[str, tuple]:
        """Levels of the variables that are factors."""
        factors = (name for name in self.frame if isinstance(self.frame[name].dtype, pd.CategoricalDtype))
        return {str(name): tuple(self.frame[name].cat.categories) for name in factors}


def model_table(
    data: pd.DataFrame,
    *,
    variables: Iterable[str],
    groups: Iterable[str],
    factors: Iterable[str] = (),
    rows: Mapping[str, str | np.ndarray] | None = None,
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
    rows : mapping, optional
        Further numbers per row, each a column of the data or an array.

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
    further = pd.DataFrame(
        {label: _per_row(data, label, values) for label, values in (rows or {}).items()}, index=frame.index
    )
    missing = pd.concat([frame, further], axis=1).isna()
    kept = ~missing.any(axis=1).to_numpy()
    if not kept.any():
        raise ValueError(f"no row is complete: {_missing_counts(missing) or 'the table is empty'}")
    frame = frame.loc[kept].reset_index(drop=True)
    columns = {}
    for name in dict.fromkeys(variables):
        is_factor = name in factors or not _is_number(frame[name])
        columns[name] = _category(frame[name], "factor") if is_factor else _number(frame[name])
    named = {name: _category(frame[name], "grouping factor") for name in dict.fromkeys(groups)}
    warnings = []
    if not kept.all():
        counts = _missing_counts(missing)
        warnings.append(f"{(~kept).sum()} of {len(kept)} rows left out because of missing values ({counts})")
    numbers = {str(label): _number(further[label])[kept].to_numpy() for label in further}
    return ModelTable(pd.DataFrame(columns), pd.DataFrame(named), numbers, kept, tuple(warnings))


def _per_row(data: pd.DataFrame, label: str, values: str | np.ndarray) -> np.ndarray:
    """Return a column, or check that an array has one number per row."""
    if isinstance(values, str):
        _check_columns(data, [values])
        column = data[values]
        if not _is_number(column):
            raise ValueError(f"the {label} {values!r} should be a numeric column")
        return column.to_numpy(dtype=float, na_value=np.nan)
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(f"{label} should be a column's name or one number per row; got {values!r}") from None
    if array.shape != (len(data),):
        raise ValueError(f"{label} should be {len(data)} numbers, one per row; got shape {array.shape}")
    return array


def as_fitted(
    data: pd.DataFrame, names: Iterable[str], levels: Mapping[str, Sequence], groups: Iterable[str]
) -> tuple[pd.DataFrame, np.ndarray]:
    """Type new rows as those that a model was fitted to.

    Parameters
    ----------
    data : pandas.DataFrame
        One row per prediction.
    names : iterable of str
        Variables that are needed.
    levels : mapping
        Levels of those that are factors.
    groups : iterable of str
        Columns that name groups, which must not be missing either.

    Returns
    -------
    frame : pandas.DataFrame
        Typed complete rows.
    complete : numpy.ndarray
        (n_rows of the data,) bool: rows without a missing value.

    Raises
    ------
    ValueError
        If a column is unknown, a factor has a level that the model does not know, or a number is infinite.
    """
    names, groups = tuple(names), tuple(groups)
    _check_columns(data, (*names, *groups))
    complete = ~data.loc[:, list(dict.fromkeys((*names, *groups)))].isna().any(axis=1).to_numpy()
    rows = data.loc[complete].reset_index(drop=True)
    columns = {}
    for name in names:
        if name not in levels:
            if not _is_number(rows[name]):
                raise ValueError(f"column {name!r} should be numeric, as in the data of the model")
            columns[name] = _number(rows[name])
            continue
        unknown = sorted(set(rows[name]) - set(levels[name]), key=str)
        if unknown:
            raise ValueError(
                f"{name!r} has levels that the model does not know: {_listed(unknown)}; "
                f"it knows {_listed(levels[name])}"
            )
        columns[name] = pd.Series(pd.Categorical(rows[name], categories=list(levels[name])))
    return pd.DataFrame(columns, index=rows.index), complete


def group_codes(data: pd.DataFrame, groups: Sequence[str], levels: pd.Index, *, refuse: bool) -> np.ndarray:
    """Return the position of each row's level of a grouping factor, -1 for one that is new.

    Raises
    ------
    ValueError
        If a level is new and that is refused.
    """
    if len(groups) == 1:
        named = pd.Index(data[groups[0]])
    else:
        named = pd.Index([":".join(map(str, cell)) for cell in data[list(groups)].itertuples(index=False)])
    codes = levels.get_indexer(named).astype(np.intp)
    new = sorted(set(named[codes < 0]), key=str)
    if refuse and new:
        raise ValueError(
            f"{':'.join(groups)} has levels that the model does not know: {_listed(new)}; "
            "predict them as average ones with new_levels='zero', or without random effects"
        )
    return codes


def _listed(levels: Sequence) -> str:
    """Name the first few levels."""
    return ", ".join(map(repr, levels[:5])) + (", ..." if len(levels) > 5 else "")


def _check_columns(data: pd.DataFrame, names: Iterable[str]) -> None:
    """Refuse names that are not columns, with the nearest one that is."""
    if not isinstance(data, pd.DataFrame):
        raise ValueError(f"the data should be a pandas DataFrame; got {type(data).__name__}")
    available = [str(column) for column in data.columns]
    for name in names:
        if name not in data.columns:
            near = difflib.get_close_matches(name, available, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else "."
            raise ValueError(f"no column {name!r} in the data{hint} The columns are: {', '.join(available)}")
        if available.count(name) > 1:
            raise ValueError(f"the data have several columns named {name!r}")


def _missing_counts(missing: pd.DataFrame) -> str:
    """Say how many values are missing in which column."""
    return ", ".join(f"{name}: {count}" for name, count in missing.sum().items() if count)


def _number(column: pd.Series) -> pd.Series:
    """Return the column as float."""
    if types.is_complex_dtype(column):
        raise ValueError(f"column {column.name!r} has complex numbers: a model needs real ones")
    values = column.astype(float)
    if np.isinf(values).any():
        raise ValueError(
            f"column {column.name!r} has {np.isinf(values).sum()} infinite values "
            "(the logarithm of zero?): correct or leave out these rows"
        )
    largest = float(values.abs().max())
    if largest > _LARGEST or 0 < largest < 1 / _LARGEST:
        raise ValueError(
            f"column {column.name!r} has values of the size {largest:.0e}, whose squares a computer cannot "
            "hold: choose another unit"
        )
    return values


def _category(column: pd.Series, what: str) -> pd.Series:
    """Return the column as category without empty levels."""
    is_time = types.is_datetime64_any_dtype(column) or types.is_timedelta64_dtype(column)
    if is_time and what == "factor":
        raise ValueError(f"column {column.name!r} holds dates or times: turn it into a number first")
    try:
        levels = column.astype("category").cat.remove_unused_categories()
    except TypeError:
        raise ValueError(
            f"the {what} {column.name!r} should hold names or numbers; got {column.iloc[0]!r}"
        ) from None
    if len(levels.cat.categories) < 2:
        raise ValueError(
            f"the {what} {column.name!r} has only one level in the complete rows, "
            f"{str(levels.cat.categories[0])!r}: it needs at least two, or leave it out of the formula"
        )
    return levels


def _is_number(column: pd.Series) -> bool:
    """Tell numbers (also in an object column) from everything that is a factor."""
    if types.is_object_dtype(column):
        return types.infer_dtype(column) in {"floating", "integer", "mixed-integer-float", "decimal"}
    return types.is_numeric_dtype(column) and not types.is_bool_dtype(column)
