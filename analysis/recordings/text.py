"""Delimited text, as most amplifiers' programs export it; gzipped or not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from analysis.recordings.channel_map import ChannelMap, TextLayout, resolve
from analysis.recordings.opened import ArrayRecording, check_rate
from experiments.dataset.gaps import fill_gaps

EXTENSIONS = (".txt", ".tsv", ".csv", ".dat", ".asc")
SECONDS_IN = {"s": 1.0, "ms": 1e-3, "min": 60.0}


def open_text(path: Path, channel_map: ChannelMap) -> ArrayRecording:
    """Read a delimited text file as its map says.

    An empty last column, which a delimiter at the end of every line makes, is left out.

    Parameters
    ----------
    path : Path
        The file; ".gz" at the end of its name means that it is compressed.
    channel_map : ChannelMap
        Its layout, and its sampling rate where it has no time column.

    Raises
    ------
    ValueError
        If it is empty, holds something that is no number, or has no sampling rate or another one than is
        declared.
    """
    layout = channel_map.text
    table = _read_table(path, layout)
    names = tuple(str(name) for name in table.columns) if layout.head_line else _numbered(table.shape[1])
    values = _numbers(table, path, layout)
    if layout.time_column is None:
        if channel_map.sampling_rate_hz is None:
            raise ValueError(
                f"{path.name} does not say how fast it was sampled: give sampling_rate_hz in [recording] of "
                "the channel map, or the time_column in [text]"
            )
        fs_hz = channel_map.sampling_rate_hz
    else:
        time = names.index(resolve(layout.time_column, names, what="the time"))
        times_s = values[time] * SECONDS_IN[layout.time_units]
        fs_hz = _rate(times_s, channel_map.sampling_rate_hz, path)
        values, _ = fill_gaps(values, times_s, fs_hz=fs_hz)
    return ArrayRecording(
        path=path,
        channel_names=names,
        fs_hz=fs_hz,
        values=values,
        channel_units=(None,) * len(names),
        markers=pd.DataFrame({"sample": [], "text": [], "stream": []}),
    )


def _numbered(n_columns: int) -> tuple[str, ...]:
    return tuple(f"column {number}" for number in range(1, n_columns + 1))


_UNREADABLE = (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError, EOFError, OSError)


def _read_table(path: Path, layout: TextLayout) -> pd.DataFrame:
    try:
        table = pd.read_csv(
            path,
            sep=layout.delimiter,
            decimal=layout.decimal,
            skiprows=layout.skip_lines,
            header=0 if layout.head_line else None,
            index_col=False,
            encoding="utf-8-sig",
            low_memory=False,
        )
    except _UNREADABLE as error:
        raise ValueError(
            f"{path} cannot be read as text with the delimiter {layout.delimiter!r} after "
            f"{layout.skip_lines} lines: {error}. Look at its first lines and correct [text] in the channel "
            "map"
        ) from error
    if len(table.columns) > 1 and table.iloc[:, -1].isna().all():
        table = table.iloc[:, :-1]
    if table.empty:
        raise ValueError(f"{path} holds no rows of numbers")
    return table


def _numbers(table: pd.DataFrame, path: Path, layout: TextLayout) -> np.ndarray:
    """Return (n_columns, n_rows) floats, or say where something else stands."""
    numbers = table.apply(pd.to_numeric, errors="coerce")
    wrong = (numbers.isna() & table.notna()).to_numpy()
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        line = layout.skip_lines + int(layout.head_line) + int(row) + 1
        raise ValueError(
            f"{path.name}, line {line}, column {column + 1}: {table.iloc[row, column]!r} is no number. If "
            "these are head lines, say so in [text] of the channel map (skip_lines, head_line); check "
            "delimiter and decimal"
        )
    return np.ascontiguousarray(numbers.to_numpy(dtype=float).T)


def _rate(times_s: np.ndarray, declared_hz: float | None, path: Path) -> float:
    if len(times_s) < 2 or np.isnan(times_s).any() or times_s[-1] <= times_s[0]:
        raise ValueError(f"the time column of {path.name} does not rise from row to row")
    measured_hz = 1 / float(np.median(np.diff(times_s)))
    if declared_hz is None:
        return float(f"{measured_hz:.4g}")
    check_rate(measured_hz, declared_hz, path=path, how="its time column says")
    return declared_hz
