"""Data of the asymptotic regression: what a subject showed in each cell at each time, summed up exactly.

With normal residuals the likelihood of the single values of a cell depends on them only through their number,
their mean and their sum of squared deviations. So a hundred thousand trials cost no more than subject means.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandas.api import types

FIRST_TIME = 1.0
"""Time at which a curve has its starting value b."""


@dataclass(frozen=True, kw_only=True, eq=False)
class AsymptoticData:
    """Sufficient statistics per subject, cell and time; arrays are (n_subjects, n_cells, n_times).

    Where nothing was observed `n`, `n_values` and `ss` are 0 and `mean` is 0, which then means nothing.
    """

    mean: np.ndarray
    """Mean response, weighted by the number of trials."""
    n: np.ndarray
    """Number of trials (or rows): the residual variance of `mean` is sigma^2 / n."""
    ss: np.ndarray
    """Sum of squared deviations from `mean`."""
    n_values: np.ndarray
    """Number of values whose density counts: trials, or means if their spread was not given."""
    log_weight: np.ndarray
    """Half the sum of the logarithms of the weights of means whose spread was not given (else 0)."""
    time: np.ndarray
    """(n_times,) ascending; the first is 1."""
    subjects: tuple[str, ...]
    group: np.ndarray
    """(n_subjects,) index into `groups`."""
    groups: tuple[str, ...]
    """Levels of the drug factor; ("all",) without one."""
    cells: tuple[tuple[str, ...], ...]
    """Labels of the cells, one level per factor of `within`."""
    within: tuple[str, ...]
    unit: str
    """What one value is: "row" of the data, "trial" (number and spread given) or "mean" (only the number)."""
    warnings: tuple[str, ...] = ()

    @property
    def n_subjects(self) -> int:
        """Number of subjects."""
        return self.mean.shape[0]

    @property
    def n_cells(self) -> int:
        """Number of combinations of the within-subject factors."""
        return self.mean.shape[1]

    @property
    def observed(self) -> np.ndarray:
        """(n_subjects, n_cells, n_times) bool: True where there are data."""
        return self.n > 0

    @property
    def cell_names(self) -> tuple[str, ...]:
        """Names of the cells: their levels joined by colons."""
        return tuple(":".join(cell) for cell in self.cells)


def reduce_data(
    data: pd.DataFrame,
    *,
    response: str,
    time: str,
    subject: str,
    drug: str | None,
    within: tuple[str, ...],
    n_trials: str | None = None,
    within_sd: str | None = None,
) -> AsymptoticData:
    """Reduce a tidy table to its sufficient statistics.

    Parameters
    ----------
    data : pandas.DataFrame
        One row per trial and time, or per mean; in any order. Rows of the same subject, cell and time are
        taken as repetitions. Cells and times may be missing.
    response, time, subject : str
        Columns. The first time must be 1: there the curve has its starting value.
    drug : str or None
        Column of the between-subject factor; None if there is none.
    within : tuple of str
        Columns of the within-subject factors; their combinations are the cells. May be empty.
    n_trials : str or None
        Column with the number of trials behind each row, if rows are means.
    within_sd : str or None
        Column with the standard deviation of these trials (n - 1 in its denominator; NaN where n is 1). With
        it the model is that of the single trials; without it means are weighted by their number of trials.

    Returns
    -------
    AsymptoticData

    Raises
    ------
    ValueError
        If a column is unknown or has missing or infinite values, if there are fewer than two times or
        subjects, the first time is not 1, the response is constant, or a subject has two drugs.

    Examples
    --------
    >>> table = pd.DataFrame({"subject": ["a", "a", "a", "b", "b"], "time": [1, 2, 2, 1, 2],
    ...                       "y": [0.0, 1.0, 3.0, 0.5, 2.0]})
    >>> reduced = reduce_data(table, response="y", time="time", subject="subject", drug=None, within=())
    >>> reduced.mean[:, 0].tolist(), reduced.n[:, 0].tolist(), reduced.ss[0, 0].tolist()
    ([[0.0, 2.0], [0.5, 2.0]], [[1.0, 2.0], [1.0, 1.0]], [0.0, 2.0])
    """
    within = (within,) if isinstance(within, str) else tuple(within)
    _check_columns(data, [response, time, subject, drug, *within, n_trials, within_sd])
    if within_sd is not None and n_trials is None:
        raise ValueError(
            "within_sd needs n_trials: a standard deviation says little without its number of trials"
        )
    labels = {name: data[name] for name in (subject, drug, *within) if name is not None}
    for name, column in labels.items():
        _check_complete(column, name)
    y, t = _numbers(data, response), _numbers(data, time)
    times = _times(t, time)
    levels = {name: _levels(column) for name, column in labels.items()}
    codes = {name: _codes(labels[name], levels[name]) for name in labels}
    cells, cell = _cells(codes, levels, within, len(data))
    shape = (len(levels[subject]), len(cells), len(times))
    place = np.ravel_multi_index((codes[subject], cell, np.searchsorted(times, t)), shape)
    weight, spread = _weights(data, n_trials, within_sd)
    mean, n, ss = _moments(y, weight, spread, place, shape)
    weighted_means = n_trials is not None and within_sd is None
    n_values = _summed(weight if within_sd is not None else np.ones(len(y)), place, shape)
    log_weight = _summed(np.log(weight) / 2 * weighted_means, place, shape)
    group = _group_of_subjects(codes, levels, subject, drug)
    groups = levels[drug] if drug is not None else ("all",)
    _check_response(mean, n, response, subject)
    return AsymptoticData(
        mean=mean,
        n=n,
        ss=ss,
        n_values=n_values,
        log_weight=log_weight,
        time=times,
        subjects=levels[subject],
        group=group,
        groups=groups,
        cells=cells,
        within=within,
        unit="row" if n_trials is None else "mean" if weighted_means else "trial",
        warnings=tuple(_thin_spots(n, group, groups, cells, times)),
    )


def _check_columns(data: pd.DataFrame, names: list[str | None]) -> None:
    if not isinstance(data, pd.DataFrame):
        raise ValueError(
            f"data must be a pandas DataFrame with one row per value; it is {type(data).__name__}"
        )
    given = [name for name in names if name is not None]
    twice = sorted({name for name in given if given.count(name) > 1})
    if twice:
        raise ValueError(f"column {twice[0]!r} is named for two purposes; each column can have one")
    for name in given:
        if name not in data.columns:
            folded = {str(column).lower(): str(column) for column in data.columns}
            near = difflib.get_close_matches(name.lower(), list(folded), n=1)
            hint = f"; did you mean {folded[near[0]]!r}?" if near else ""
            raise ValueError(f"no column {name!r} in the data (columns: {', '.join(map(str, data))}){hint}")
    if data.empty:
        raise ValueError("the data have no rows")


def _check_complete(column: pd.Series, name: str) -> None:
    missing = int(column.isna().sum())
    if missing:
        raise ValueError(
            f"column {name!r} has {missing} missing values; leave these rows out: "
            f"data.dropna(subset=[{name!r}])"
        )


def _numbers(data: pd.DataFrame, name: str) -> np.ndarray:
    column = data[name]
    if not types.is_numeric_dtype(column) or types.is_bool_dtype(column):
        raise ValueError(f"column {name!r} must hold numbers; it holds {column.dtype}")
    _check_complete(column, name)
    values = column.to_numpy(dtype=float)
    if not np.isfinite(values).all():
        count = int((~np.isfinite(values)).sum())
        raise ValueError(
            f"column {name!r} has {count} infinite values (a logarithm of 0?); correct or remove them"
        )
    return values


def _times(t: np.ndarray, name: str) -> np.ndarray:
    times = np.unique(t)
    if len(times) < 2:
        raise ValueError(
            f"a curve needs several times; column {name!r} holds only {times[0]:g}. Two are the least, three "
            "or more are needed to tell asymptote and rate apart"
        )
    if times[0] != FIRST_TIME:
        raise ValueError(
            f"the first time must be {FIRST_TIME:g}, where the curve has its starting value b; "
            f"column {name!r} begins at {times[0]:g}. Count windows from 1, or shift: "
            f"data[{name!r}] - {times[0]:g} + 1"
        )
    return times


def _levels(column: pd.Series) -> tuple[str, ...]:
    """Levels that occur: a category's order, otherwise sorted."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        present = set(column.unique())
        return tuple(str(level) for level in column.cat.categories if level in present)
    mixed = len({isinstance(level, str) for level in column.unique()}) > 1
    return tuple(sorted(column.astype(str).unique())) if mixed else tuple(map(str, sorted(column.unique())))


def _codes(column: pd.Series, levels: tuple[str, ...]) -> np.ndarray:
    return pd.Index(levels).get_indexer(pd.Index(column.astype(str)))


def _cells(
    codes: dict[str, np.ndarray], levels: dict[str, tuple[str, ...]], within: tuple[str, ...], n_rows: int
) -> tuple[tuple[tuple[str, ...], ...], np.ndarray]:
    """Label combinations that occur, and the combination of each row."""
    if not within:
        return ((),), np.zeros(n_rows, dtype=int)
    combinations, cell = np.unique(
        np.column_stack([codes[name] for name in within]), axis=0, return_inverse=True
    )
    labels = tuple(
        tuple(levels[name][code] for name, code in zip(within, row, strict=True)) for row in combinations
    )
    return labels, cell.reshape(-1)


def _weights(
    data: pd.DataFrame, n_trials: str | None, within_sd: str | None
) -> tuple[np.ndarray, np.ndarray]:
    """Weight of each row and the sum of squares inside it."""
    if n_trials is None:
        return np.ones(len(data)), np.zeros(len(data))
    weight = _numbers(data, n_trials)
    if (weight < 1).any() or (weight != np.round(weight)).any():
        raise ValueError(f"column {n_trials!r} must hold numbers of trials: whole numbers from 1")
    if within_sd is None:
        return weight, np.zeros(len(data))
    sd = _numbers(data.assign(**{within_sd: data[within_sd].where(weight > 1, 0.0)}), within_sd)
    if (sd < 0).any():
        raise ValueError(f"column {within_sd!r} must hold standard deviations: they cannot be negative")
    return weight, (weight - 1) * sd**2


def _moments(
    y: np.ndarray, weight: np.ndarray, spread: np.ndarray, place: np.ndarray, shape: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, weight and sum of squares of each cell of the array."""
    n = _summed(weight, place, shape)
    mean = _summed(weight * y, place, shape) / np.where(n > 0, n, 1)
    deviation = y - mean.reshape(-1)[place]
    return mean, n, _summed(spread + weight * deviation**2, place, shape)


def _summed(values: np.ndarray, place: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return np.bincount(place, weights=values, minlength=int(np.prod(shape))).reshape(shape)


def _group_of_subjects(
    codes: dict[str, np.ndarray], levels: dict[str, tuple[str, ...]], subject: str, drug: str | None
) -> np.ndarray:
    n_subjects = len(levels[subject])
    if drug is None:
        return np.zeros(n_subjects, dtype=int)
    group = np.zeros(n_subjects, dtype=int)
    group[codes[subject]] = codes[drug]
    moved = codes[subject][group[codes[subject]] != codes[drug]]
    if len(moved):
        raise ValueError(
            f"subject {levels[subject][moved[0]]!r} has more than one {drug!r}; the factor must be between "
            "subjects (or be named in `within`)"
        )
    return group


def _check_response(mean: np.ndarray, n: np.ndarray, response: str, subject: str) -> None:
    values = mean[n > 0]
    if np.ptp(values) == 0:
        raise ValueError(f"column {response!r} is constant ({values[0]:g}): there is no curve to fit")
    if len(mean) < 2:
        raise ValueError(f"column {subject!r} names one subject; the model needs two or more")


def _thin_spots(
    n: np.ndarray,
    group: np.ndarray,
    groups: tuple[str, ...],
    cells: tuple[tuple[str, ...], ...],
    times: np.ndarray,
) -> list[str]:
    """What a careful reader should know about the data, in words."""
    notes = []
    if len(times) == 2:
        notes.append("there are two times only: asymptote and rate are told apart by their priors alone")
    for index, name in enumerate(groups):
        subjects = int((group == index).sum())
        if subjects < 3 and len(groups) > 1:
            notes.append(f"group {name} has only {subjects} subject{'s' * (subjects > 1)}")
        for number, cell in enumerate(cells):
            if not n[group == index, number].any():
                notes.append(
                    f"group {name} has no data in {':'.join(cell)}: its parameters there are the prior"
                )
    return notes
