"""The table of a camera's frames, ``frames.tsv``: read it, and find the frames that are not in it.

Frames that the camera took and the computer never got leave no row. They show as jumps of the camera's own
count, or, where it does not count, as intervals of its clock that are a multiple of the usual one. Times are
never made from the number of a frame and the rate.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

FRAME_COLUMNS = ("index", "device_id", "device_s", "host_s", "queue_depth", "status")
"""Columns of ``frames.tsv``; what a camera does not say is n/a."""
FRAME_STATUSES = {
    "ok": "in the video",
    "incomplete": "damaged between camera and computer",
    "queue_full": "came when the computer did not keep up",
    "not_written": "could not be written",
}
"""What may become of a frame that came; only the first are in the video."""
SOURCES = {"device_id": "ids", "device_s": "device times", "host_s": "host times"}
"""Columns that tell whether frames were lost, the best first, and what messages call them."""
MOSTLY = 0.5
"""A camera whose frames have ids or times in more than this share counts as one that has them."""
LOOK_AHEAD = 64
"""Where only the computer's clock is known: a late frame is told from a lost one by how fast the next ones
follow, within so many frames."""


def read_frame_table(path: Path) -> pd.DataFrame:
    """Read ``frames.tsv``, also of a session that was killed.

    Parameters
    ----------
    path
        The table. Half a line and zeros at its end, which a power cut leaves, are left out.

    Returns
    -------
    pandas.DataFrame
        `FRAME_COLUMNS`, one row per frame that came, in the order of their coming; NaN is n/a.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it has other columns, something that is no number, or frames whose numbers do not go up by one.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"there is no table of frames {path}: was the session recorded with a camera?"
        )
    whole = path.read_bytes().partition(b"\0")[0].rpartition(b"\n")[0].decode("utf-8").splitlines()
    if not whole or tuple(whole[0].split("\t")) != FRAME_COLUMNS:
        found = whole[0].split("\t") if whole else []
        raise ValueError(f"{path} needs the columns {', '.join(FRAME_COLUMNS)}; found {', '.join(found)}")
    rows = [line.split("\t") for line in whole[1:]]
    short = next((n for n, row in enumerate(rows, start=2) if len(row) != len(FRAME_COLUMNS)), None)
    if short is not None:
        raise ValueError(f"line {short} of {path} has not {len(FRAME_COLUMNS)} entries: it was damaged")
    table = pd.DataFrame(rows, columns=list(FRAME_COLUMNS))
    try:
        for name in FRAME_COLUMNS[:-1]:
            table[name] = pd.to_numeric(table[name].replace("n/a", np.nan)).astype(float)
    except ValueError as error:
        raise ValueError(f"{path}: {error}; only n/a and numbers are expected") from None
    shown = table.loc[table["status"] == "ok", "index"].to_numpy()
    if not np.array_equal(shown, np.arange(len(shown))):
        raise ValueError(f"the numbers of the frames in {path} do not go up by one: it was damaged")
    return table


def shown_frames(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the frames that are in the video; row i is its frame i."""
    return table[table["status"] == "ok"].reset_index(drop=True)


def frame_numbers(table: pd.DataFrame) -> tuple[np.ndarray, str]:
    """Number all frames that the camera took, lost ones included.

    Parameters
    ----------
    table
        From `read_frame_table`.

    Returns
    -------
    tuple
        Number of each row, whole numbers from 0, shape ``(n_rows,)``; and what they come from: ``ids``,
        ``device times`` or ``host times``.

    Raises
    ------
    ValueError
        If ids or times do not increase.

    Examples
    --------
    >>> device_s = np.array([0.0, 0.01, 0.04, 0.05])
    >>> table = pd.DataFrame({"device_id": np.nan, "device_s": device_s, "host_s": device_s + 7})
    >>> frame_numbers(table)
    (array([0, 1, 4, 5]), 'device times')
    """
    for name in SOURCES:
        values = _filled(table[name].to_numpy(float))
        if np.isfinite(values).all() and (name == "host_s" or len(values) < 2 or np.ptp(values) > 0):
            break
    words = SOURCES[name]
    if len(values) < 2:
        return np.arange(len(values)), words
    steps = np.diff(values)
    if name != "host_s" and not (steps > 0).all():
        where = int(np.argmin(steps > 0))
        raise ValueError(
            f"the camera's {words} do not increase after row {where} of the table of frames: the camera was "
            "started anew in the session; split the recording there"
        )
    if name == "host_s":
        values = _undelayed(values)
        steps = np.diff(values)
    interval = 1.0 if name == "device_id" else usual_interval_s(values)
    return np.concatenate([[0], np.cumsum(np.maximum(np.round(steps / interval), 1))]).astype(int), words


def find_dropped(table: pd.DataFrame) -> pd.DataFrame:
    """Find where frames never came.

    Parameters
    ----------
    table
        From `read_frame_table`.

    Returns
    -------
    pandas.DataFrame
        A row per gap: ``after_row`` (row of the table before it), ``n_frames`` lost there, ``host_s`` of that
        row, and ``found_by``: ``ids``, ``device times`` or ``host times``.

    Raises
    ------
    ValueError
        As `frame_numbers`.

    Examples
    --------
    >>> table = pd.DataFrame({"device_id": [4, 5, 9], "device_s": np.nan, "host_s": [1.0, 1.1, 1.5]})
    >>> find_dropped(table)
       after_row  n_frames  host_s found_by
    0          1         3     1.1      ids
    """
    numbers, found_by = frame_numbers(table)
    lost = np.diff(numbers) - 1
    rows = np.flatnonzero(lost > 0)
    host_s = table["host_s"].to_numpy(float)[rows]
    return pd.DataFrame({"after_row": rows, "n_frames": lost[rows], "host_s": host_s, "found_by": found_by})


def count_losses(table: pd.DataFrame) -> dict[str, int]:
    """Count the frames that the camera took and the video lacks, by reason.

    Examples
    --------
    >>> table = pd.DataFrame({"device_id": [1, 2, 4], "device_s": np.nan, "host_s": [0.1, 0.2, 0.4],
    ...                       "status": ["ok", "queue_full", "ok"]})
    >>> count_losses(table)
    {'incomplete': 0, 'queue_full': 1, 'not_written': 0, 'never_came': 1}
    """
    counts = {status: int((table["status"] == status).sum()) for status in FRAME_STATUSES if status != "ok"}
    return {**counts, "never_came": int(find_dropped(table)["n_frames"].sum())}


def camera_times(table: pd.DataFrame) -> np.ndarray | None:
    """Return the camera's own time of each row (s); None if it has no clock.

    Frames without a time, which came damaged, get one between their neighbours'.
    """
    times_s = _filled(table["device_s"].to_numpy(float))
    has_clock = np.isfinite(times_s).all() and (len(times_s) < 2 or np.ptp(times_s) > 0)
    return times_s if has_clock else None


def usual_interval_s(times_s: Sequence[float] | np.ndarray) -> float:
    """Return the usual interval between times (s): lost frames do not count, and small jitter evens out.

    >>> round(usual_interval_s([0.0, 0.1, 0.2, 0.5, 0.6]), 6)
    0.1
    """
    steps = np.diff(np.asarray(times_s, float))
    middle = float(np.median(steps))
    near = steps[np.abs(steps - middle) < 0.5 * middle]
    return float(near.mean()) if len(near) else middle


def _filled(values: np.ndarray) -> np.ndarray:
    """Ids or times, with those between the neighbours' for damaged frames that have none."""
    known = np.isfinite(values)
    if known.all() or known.sum() < 2 or known.mean() < MOSTLY:
        return values
    rows = np.arange(len(values))
    step = usual_interval_s(values[known])
    filled = np.interp(rows, rows[known], values[known])
    first, last = rows[known][[0, -1]]
    filled[:first] = values[first] - step * (first - rows[:first])
    filled[last + 1 :] = values[last] + step * (rows[last + 1 :] - last)
    return filled


def _undelayed(host_s: np.ndarray) -> np.ndarray:
    """Times at which frames would have come without delays: a late frame is followed by others too soon."""
    interval_s = usual_interval_s(host_s)
    least = host_s.copy()
    for ahead in range(1, min(LOOK_AHEAD, len(host_s) - 1) + 1):
        least[:-ahead] = np.minimum(least[:-ahead], host_s[ahead:] - ahead * interval_s)
    return least
