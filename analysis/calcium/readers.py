"""Recordings of neurons as the usual programs write them: suite2p's folders and CaImAn's files.

Sessions in NWB are read by `analysis.mouse_sessions`. Some of suite2p's files are pickles, which can run any
program when they are opened; `analysis.careful_pickle` reads them, which refuses everything but data.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd

from analysis.careful_pickle import read_array

NEUROPIL = 0.7
"""Share of the neuropil's fluorescence that is subtracted: suite2p's own default."""
BASELINE_PERCENTILE = 20.0
"""Percentile of a neuron's fluorescence that counts as rest. Our choice."""


@dataclass(frozen=True)
class Imaging:
    """The neurons of one recording."""

    traces: np.ndarray
    """Relative change of fluorescence (dF/F), shape ``(n_neurons, n_frames)``, float."""
    rate_hz: float | None
    """Frames per second as the program was told; None if the file does not say. Times of the frames should
    come from the microscope."""
    neurons: pd.DataFrame
    """One row per neuron: ``roi`` (number in the file), ``x_px``, ``y_px`` (centre) and ``n_px``."""
    masks: tuple[tuple[np.ndarray, np.ndarray], ...]
    """Pixels of each neuron: their rows and their columns."""
    source: str
    """Which program wrote it."""


def read_suite2p(folder: Path, *, neuropil: float = NEUROPIL, only_cells: bool = True) -> Imaging:
    """Read a folder of suite2p, such as ``suite2p/plane0``; of its older and of its newer versions.

    Parameters
    ----------
    folder : Path
        The folder with ``F.npy``, ``Fneu.npy``, ``stat.npy``, ``iscell.npy`` and, for the rate, ``ops.npy``
        (older versions) or ``settings.npy`` or ``db.npy`` (newer ones).
    neuropil : float
        Share of the neuropil that is subtracted.
    only_cells : bool
        Whether to leave out what was not taken for a cell.

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    ValueError
        If numbers of neurons or frames do not agree, or a file holds what a recording of neurons does not.
    """
    raw, around = (np.load(_needed(folder / name), allow_pickle=False) for name in ("F.npy", "Fneu.npy"))
    stat = list(read_array(_needed(folder / "stat.npy"), program="suite2p"))
    is_cell = np.load(_needed(folder / "iscell.npy"), allow_pickle=False)
    counts = {"F.npy": len(raw), "Fneu.npy": len(around), "stat.npy": len(stat), "iscell.npy": len(is_cell)}
    if len(set(counts.values())) > 1 or raw.shape != around.shape:
        raise ValueError(
            f"{folder}: numbers of ROIs or frames do not agree: {counts}, F {raw.shape}, "
            f"Fneu {around.shape}; are these files of one run of suite2p?"
        )
    wanted = np.flatnonzero(is_cell[:, 0] > 0.5) if only_cells else np.arange(len(raw))
    if not len(wanted):
        raise ValueError(f"{folder}: none of {len(raw)} ROIs is marked as a cell")
    masks = tuple(
        (np.asarray(stat[roi]["ypix"], int), np.asarray(stat[roi]["xpix"], int)) for roi in wanted.tolist()
    )
    traces = relative_change(raw[wanted] - neuropil * around[wanted])
    return Imaging(traces, _suite2p_rate(folder), _about(wanted, masks), masks, "suite2p")


def read_caiman(path: Path, *, only_accepted: bool = True) -> Imaging:
    """Read a result file of CaImAn (HDF5).

    Parameters
    ----------
    path : Path
        The file, which CaImAn writes with ``cnm.save("results.hdf5")``.
    only_accepted : bool
        Whether to leave out components that were rejected, where the file has a list of accepted ones.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no file of CaImAn, or numbers do not agree.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    try:
        with h5py.File(path, "r") as content:
            return _from_caiman(content, path, only_accepted)
    except OSError as error:
        raise ValueError(f"{path} is not an HDF5 file, or a damaged one ({error})") from None


def relative_change(fluorescence: np.ndarray, *, percentile: float = BASELINE_PERCENTILE) -> np.ndarray:
    """Return the change of fluorescence relative to its resting value, (F - F0) / F0.

    Parameters
    ----------
    fluorescence : numpy.ndarray
        Shape ``(n_neurons, n_frames)``.
    percentile : float
        Percentile over the recording that is taken for F0.

    Returns
    -------
    numpy.ndarray
        Same shape. A neuron whose resting value is not positive, which subtracted neuropil can bring about,
        is only shifted and scaled by its standard deviation; correlations do not depend on either.

    Examples
    --------
    >>> relative_change(np.array([[10.0, 10.0, 10.0, 15.0]])).tolist()
    [[0.0, 0.0, 0.0, 0.5]]
    """
    fluorescence = np.asarray(fluorescence, float)
    rest = np.percentile(fluorescence, percentile, axis=1, keepdims=True)
    spread = fluorescence.std(axis=1, keepdims=True)
    size = np.where(rest > 0, rest, np.where(spread > 0, spread, 1.0))
    return (fluorescence - rest) / size


def _from_caiman(content: Any, path: Path, only_accepted: bool) -> Imaging:
    estimates = content.get("estimates")
    if estimates is None or not {"A", "C"} <= set(estimates):
        raise ValueError(f"{path} has no group 'estimates' with A and C: is it a result file of CaImAn?")
    detrended = _array(estimates, "F_dff")
    denoised = _array(estimates, "C")
    assert denoised is not None
    shapes = estimates["A"]
    n_pixels, n_components = (int(number) for number in np.asarray(shapes["shape"]))
    dims = _array(estimates, "dims")
    if dims is None:
        dims = _array(content, "dims")
    if denoised.shape[0] != n_components or (detrended is not None and detrended.shape != denoised.shape):
        raise ValueError(
            f"{path}: {n_components} shapes, but traces of {denoised.shape[0]} neurons: files of two runs?"
        )
    if dims is None or int(np.prod(dims)) != n_pixels:
        raise ValueError(f"{path}: the size of the picture, {dims}, is not that of the shapes, {n_pixels} px")
    accepted = _array(estimates, "idx_components") if only_accepted else None
    wanted = np.arange(n_components) if accepted is None else np.asarray(accepted, int).ravel()
    starts, pixels = np.asarray(shapes["indptr"]), np.asarray(shapes["indices"])
    height_px = int(np.ravel(dims)[0])  # pixels are counted down the columns
    masks = tuple(
        (of % height_px, of // height_px)
        for of in (pixels[starts[roi] : starts[roi + 1]].astype(int) for roi in wanted.tolist())
    )
    traces = (detrended if detrended is not None else relative_change(denoised))[wanted]
    rate = _array(content["params"]["data"], "fr") if "params/data" in content else None
    rate_hz = float(np.ravel(rate)[0]) if rate is not None else None
    return Imaging(np.asarray(traces, float), rate_hz, _about(wanted, masks), masks, "CaImAn")


def _array(group: Any, name: str) -> np.ndarray | None:
    """Read an array; None where it is absent or, as CaImAn writes it, the text NoneType."""
    if name not in group or not isinstance(group[name], h5py.Dataset):
        return None
    value = np.asarray(group[name])
    return value if value.dtype.kind in "biuf" else None


def _about(wanted: np.ndarray, masks: tuple[tuple[np.ndarray, np.ndarray], ...]) -> pd.DataFrame:
    middle = [(columns.mean(), rows.mean()) if len(rows) else (np.nan, np.nan) for rows, columns in masks]
    return pd.DataFrame(
        {
            "roi": wanted,
            "x_px": [x for x, _ in middle],
            "y_px": [y for _, y in middle],
            "n_px": [len(rows) for rows, _ in masks],
        }
    )


def _suite2p_rate(folder: Path) -> float | None:
    """Find the frame rate in whichever file this version of suite2p wrote."""
    for name in ("ops.npy", "settings.npy", "db.npy"):
        if (folder / name).is_file():
            content = read_array(folder / name, program="suite2p")
            settings = content.item() if isinstance(content, np.ndarray) and content.ndim == 0 else content
            if isinstance(settings, dict) and settings.get("fs"):
                return float(settings["fs"])
    return None


def _needed(path: Path) -> Path:
    if not path.is_file():
        raise FileNotFoundError(
            f"{path.parent} has no {path.name}: expected a folder of suite2p, such as suite2p/plane0"
        )
    return path
