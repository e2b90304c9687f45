"""Which neurons belong to which session: from the NWB file itself, or from a table beside the study.

Imaging that lies outside the NWB files is named in ``STUDY/imaging.tsv``, one line per session:

========== ============================================================================================
session    file name of the session, such as ``sub-m01_ses-imaging.nwb``
source     folder of suite2p (``suite2p/plane0``) or result file of CaImAn (``.hdf5``)
times      text file with the time of each imaging frame on the session's clock: one per line, or a table
           with a column ``time_s``
rate_hz    instead of ``times``: frames per second, where the microscope keeps its rate
start_s    with ``rate_hz``: time of the first frame on the session's clock
========== ============================================================================================

Paths are relative to the table. ``times``, or ``rate_hz`` and ``start_s``, may be empty or absent, not both.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.calcium.kernel import check_times
from analysis.calcium.readers import Imaging, read_caiman, read_suite2p
from analysis.faces.video_frames import read_times
from analysis.mouse_sessions import CalciumTraces, MouseSession

FILE_NAME = "imaging.tsv"
"""Looked for in the folder of a study."""
COLUMNS = ("session", "source")
CAIMAN_SUFFIXES = (".hdf5", ".h5")


def find_imaging(study: Path, sessions: Iterable[MouseSession]) -> dict[str, CalciumTraces]:
    """Gather the neurons of all sessions.

    Parameters
    ----------
    study : Path
        Folder of the study, with or without an ``imaging.tsv``.
    sessions : iterable of MouseSession
        Its sessions.

    Returns
    -------
    dict of str to CalciumTraces
        Stem of a session's file -> its neurons; sessions without neurons are absent.

    Raises
    ------
    FileNotFoundError
        If a file that the table names is not there.
    ValueError
        If the table names no session of the study, or one twice, or one whose NWB file has neurons of its
        own; if numbers of regions, traces, frames and times do not agree; or if a file asks for more than
        data to be read.
    """
    known = list(sessions)
    found = {session.path.stem: session.calcium for session in known if session.calcium is not None}
    path = study / FILE_NAME
    if not path.is_file():
        return found
    of_name = {name: session.path.stem for session in known for name in _names(session.path, study)}
    for number, line in enumerate(read_imaging_table(path).to_dict("records"), start=2):
        row = {str(name): str(value) for name, value in line.items()}
        where = f"{path}, line {number}"
        stem = of_name.get(row["session"])
        if stem is None:
            listed = ", ".join(session.path.name for session in known)
            raise ValueError(f"{where}: there is no session {row['session']!r}; the study has {listed}")
        if stem in found:
            raise ValueError(
                f"{where}: session {row['session']!r} has neurons already, in its NWB file or on an earlier "
                "line; keep one of them"
            )
        found[stem] = _read(row, path.parent, where)
    return found


def read_imaging_table(path: Path) -> pd.DataFrame:
    """Read the table that says which imaging belongs to which session, all as text; empty where nothing is.

    Raises
    ------
    ValueError
        If a column is missing.
    """
    table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False, encoding="utf-8-sig")
    table.columns = table.columns.str.strip()
    absent = [name for name in COLUMNS if name not in table]
    if absent:
        raise ValueError(
            f"{path}: the first line should name the columns session and source, and times or rate_hz and "
            f"start_s, separated by tabs; absent: {', '.join(absent)}; found {', '.join(table.columns)}"
        )
    for name in ("times", "rate_hz", "start_s"):
        if name not in table:
            table[name] = ""
    return table.apply(lambda column: column.str.strip().replace("n/a", ""))


def as_calcium(imaging: Imaging, times_s: np.ndarray, *, where: str) -> CalciumTraces:
    """Join what a program wrote with the times of the microscope's frames.

    Parameters
    ----------
    imaging : Imaging
        As `analysis.calcium.readers` gives it.
    times_s : numpy.ndarray
        Time of each frame on the session's clock.
    where : str
        What the message names.

    Raises
    ------
    ValueError
        If there are more or fewer times than frames, or times do not increase.

    Examples
    --------
    >>> about = pd.DataFrame({"roi": [0], "x_px": [1.0], "y_px": [1.0], "n_px": [1]})
    >>> found = Imaging(np.zeros((1, 3)), None, about, ((np.array([1]), np.array([1])),), "suite2p")
    >>> as_calcium(found, np.array([0.0, 0.1]), where="imaging.tsv, line 2")
    Traceback (most recent call last):
    ...
    ValueError: imaging.tsv, line 2: the traces of suite2p have 3 frames, but there are 2 times; are both ...
    """
    n_neurons, n_frames = imaging.traces.shape
    if n_frames != len(times_s):
        raise ValueError(
            f"{where}: the traces of {imaging.source} have {n_frames} frames, but there are {len(times_s)} "
            "times; are both of the same recording, and were frames left out in one of them?"
        )
    if len(imaging.masks) not in (0, n_neurons) or len(imaging.neurons) != n_neurons:
        raise ValueError(
            f"{where}: {n_neurons} traces, but {len(imaging.masks)} shapes of neurons and "
            f"{len(imaging.neurons)} rows about them: files of two runs of the segmentation?"
        )
    try:
        check_times(times_s)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
    return CalciumTraces(imaging.traces, np.asarray(times_s, float), imaging.neurons, imaging.masks)


def _names(path: Path, study: Path) -> set[str]:
    """Ways to name a session's file."""
    inside = path.relative_to(study).as_posix() if path.is_relative_to(study) else path.name
    return {path.name, path.stem, inside}


def _read(row: dict[str, str], folder: Path, where: str) -> CalciumTraces:
    source = folder / row["source"]
    if not row["source"] or not source.exists():
        raise FileNotFoundError(f"{where}: there is no folder or file {source}")
    if source.is_dir():
        imaging = read_suite2p(source)
    elif source.suffix.lower() in CAIMAN_SUFFIXES:
        imaging = read_caiman(source)
    else:
        raise ValueError(
            f"{where}: expected a folder of suite2p or a file of CaImAn (.hdf5), found {source.name}"
        )
    return as_calcium(imaging, _times(row, folder, imaging.traces.shape[1], where), where=where)


def _times(row: dict[str, str], folder: Path, n_frames: int, where: str) -> np.ndarray:
    if row["times"]:
        return read_times(folder / row["times"])
    try:
        rate_hz, start_s = float(row["rate_hz"]), float(row["start_s"])
    except ValueError:
        raise ValueError(
            f"{where}: when were the imaging frames taken? Name a file with the time of each frame under "
            "'times', or numbers under 'rate_hz' (frames per second) and 'start_s' (time of the first one)"
        ) from None
    if not 0 < rate_hz < np.inf or not np.isfinite(start_s):
        raise ValueError(f"{where}: rate_hz should be above 0, found {row['rate_hz']}")
    return start_s + np.arange(n_frames) / rate_hz
