"""Adds a recording that was made elsewhere to a study."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from experiments.dataset.bdf import FINE_SUFFIX, quantise
from experiments.dataset.emg_files import EVENT_COLUMNS, SignalKind, write_emg_folder
from experiments.dataset.study import description_file, file_stem, is_listed, live_folder, unfinished
from experiments.dataset.tables import append_row, participant_label, read_json

if TYPE_CHECKING:
    import pandas as pd


def add_recording(
    study: Path,
    participant: str,
    *,
    signals_uv: npt.ArrayLike,
    channel_names: Sequence[str],
    fs_hz: float,
    events: pd.DataFrame,
    signal_kind: Mapping[str, SignalKind],
    source: Path,
    metadata: Mapping[str, Any] | None = None,
    precise: bool = False,
    run: int = 1,
) -> None:
    """Add a recording that was made elsewhere to a study.

    Parameters
    ----------
    study : Path
        Folder of the study.
    participant : str
        Id; added to ``participants.tsv`` if it is not there.
    signals_uv : array_like
        Microvolts, shape (n_channels, n_samples); all finite.
    channel_names : sequence of str
        Their names: muscles, and any others.
    fs_hz : float
        Sampling rate; need not be whole.
    events : pandas.DataFrame
        Columns onset (s from the first sample), duration, trial_type, value, sample, and any others.
    signal_kind : mapping
        EMG channel -> ``raw`` or ``rectified``; channels that are not named are no EMG.
    source : Path
        The file that was imported; a copy goes into ``sourcedata``.
    metadata : mapping, optional
        Entries for ``emg.json``.
    precise : bool
        Keep what 24 bits cannot hold in channels of their own; for sources that are text or floating point.
    run : int
        Which session of this participant, from 1.

    Raises
    ------
    FileExistsError
        If the participant has a recording already.
    ValueError
        If names, shapes or samples cannot be stored; the message says which.
    """
    label = participant_label(participant)
    stem = file_stem(participant, run)
    signals = np.atleast_2d(np.asarray(signals_uv, dtype=float))
    _check_recording(signals, channel_names, signal_kind, events)
    channels = [
        part
        for name, samples in zip(channel_names, signals, strict=True)
        for part in quantise(name, samples, precise=precise and name in signal_kind)
    ]
    if not source.is_file():
        raise FileNotFoundError(f"there is no recording {source}")
    simulated = bool(read_json(description_file(study)).get("simulated", False))
    columns = [*EVENT_COLUMNS[:5], *(name for name in events.columns if name not in EVENT_COLUMNS[:5])]
    plain = events.astype(object).where(events.notna(), None)
    with unfinished(study, label, ("emg",), run) as folder:
        write_emg_folder(
            folder / "emg",
            stem,
            channels,
            fs_hz=fs_hz,
            signal_kinds=signal_kind,
            events=[dict(zip(events.columns, row, strict=True)) for row in plain.to_numpy()],
            event_columns=columns,
            metadata={"SourceFile": source.name, **(metadata or {})},
            simulated=simulated,
        )
        _copy_new(source, live_folder(study, participant, run))
    if not is_listed(study, label):
        append_row(study / "participants.tsv", {"participant_id": label})


def _copy_new(source: Path, folder: Path) -> None:
    """Copy a file into a folder unless it lies there already."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / source.name
    if target.exists():
        if target.read_bytes() == source.read_bytes():
            return
        raise FileExistsError(f"{target} exists and is another file than {source}: rename one of them")
    shutil.copy2(source, target)


def _check_recording(
    signals: npt.NDArray[np.float64],
    channel_names: Sequence[str],
    signal_kind: Mapping[str, SignalKind],
    events: pd.DataFrame,
) -> None:
    """Refuse what does not fit together."""
    if signals.ndim != 2 or signals.shape[0] != len(channel_names) or signals.shape[1] == 0:
        raise ValueError(
            f"expected samples for {len(channel_names)} channels ({', '.join(channel_names)}), found an "
            f"array of shape {signals.shape}"
        )
    names = [*channel_names, *(name + FINE_SUFFIX for name in channel_names)]
    if len(set(names)) != len(names):
        raise ValueError(f"two channels have the same name: {', '.join(channel_names)}")
    unknown = sorted(set(signal_kind) - set(channel_names))
    if unknown or not signal_kind or not set(signal_kind.values()) <= {"raw", "rectified"}:
        raise ValueError(
            f"signal_kind must say raw or rectified for one channel or more of {', '.join(channel_names)}; "
            f"found {dict(signal_kind)}"
        )
    missing = [name for name in EVENT_COLUMNS[:5] if name not in events.columns]
    if missing:
        raise ValueError(f"the events lack the columns {', '.join(missing)}")
    outside = events[(events["sample"] < 0) | (events["sample"] >= signals.shape[1])]
    if len(outside):
        raise ValueError(
            f"{len(outside)} of {len(events)} events lie outside the {signals.shape[1]} samples, the first "
            f"at sample {outside['sample'].iloc[0]}: is the sampling rate of the event file right?"
        )
