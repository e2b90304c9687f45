"""BDF, EDF, BrainVision and EEGLAB files, through MNE-Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mne
import numpy as np
import pandas as pd

from analysis.recordings.channel_map import list_channels
from analysis.recordings.edf_header import EXTENSIONS as EDF_EXTENSIONS
from analysis.recordings.edf_header import check_file_length, read_edf_header
from analysis.recordings.opened import MICROVOLTS, microvolts_in

EXTENSIONS = (*EDF_EXTENSIONS, ".vhdr", ".set")
STATUS_NAMES = ("status", "trigger", "triggers", "sti", "sti 014", "trig", "stim", "din")


class MNERecording:
    """A file that MNE-Python has opened; channels are read when they are asked for.

    Parameters
    ----------
    path : Path
        A .bdf, .edf, .vhdr or .set file.
    incomplete : bool
        Whether a BDF or EDF file that ends early is read as far as it goes.

    Raises
    ------
    ValueError
        If the file is empty, truncated, or not what its name says.
    """

    def __init__(self, path: Path, *, incomplete: bool = False) -> None:
        self.path = path
        is_edf = path.suffix.lower() in EDF_EXTENSIONS
        if is_edf:
            check_file_length(path, incomplete=incomplete)
        try:
            self._raw: Any = mne.io.read_raw(path, preload=False, verbose="error")
        except Exception as error:  # each of MNE's readers fails in its own way
            raise ValueError(
                f"{path} cannot be read: {error}. Copy it again, with all files that belong to it"
            ) from error
        self.channel_names: tuple[str, ...] = tuple(self._raw.ch_names)
        self.fs_hz = float(self._raw.info["sfreq"])
        self.n_samples = int(self._raw.n_times)
        if self.n_samples == 0:
            raise ValueError(
                f"{path} is empty: it holds no sample. Copy it again from the amplifier's computer"
            )
        header = read_edf_header(path) if is_edf else None
        self._dimensions = dict(zip(header.labels, header.dimensions, strict=True)) if header else None
        self.markers = self._read_markers()

    def samples(self, channel: str) -> np.ndarray:
        """Return one channel, (n_samples,), in its unit."""
        values = self._raw.get_data(picks=[channel])[0]  # MNE turns every unit of voltage into volts
        units = self.units(channel)
        return values if units is None else values * (1e6 / microvolts_in(units))

    def units(self, channel: str) -> str | None:
        """Name the unit that the file declares; None where it declares none that is a voltage."""
        if self._dimensions is None:
            return "uV"
        dimension = self._dimensions.get(channel, "")
        return dimension if dimension.lower() in MICROVOLTS else None

    def status(self, channel: str | None, *, mask: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the sample numbers and the codes of the events of the status channel."""
        events = mne.find_events(
            self._raw,
            stim_channel=channel or self._find_status(),
            consecutive=True,
            shortest_event=1,
            initial_event=True,
            mask=mask,
            mask_type="and",
            uint_cast=True,
            verbose="error",
        )
        return events[:, 0] - self._raw.first_samp, events[:, 2]

    def has_status(self) -> bool:
        """Say whether a channel is one of triggers, by its type or its name."""
        return bool(self._status_names())

    def _status_names(self) -> list[str]:
        types = self._raw.get_channel_types()
        return [
            name
            for name, kind in zip(self.channel_names, types, strict=True)
            if kind == "stim" or name.lower() in STATUS_NAMES
        ]

    def _find_status(self) -> str:
        names = self._status_names()
        if len(names) == 1:
            return names[0]
        found = f"several ({', '.join(names)})" if names else "none"
        raise ValueError(
            f"{self.path.name}: expected one trigger channel, found {found}. Name it in a channel map "
            f"([events] channel = ...). The channels are: {list_channels(self.channel_names)}"
        )

    def _read_markers(self) -> pd.DataFrame:
        notes = self._raw.annotations
        samples = np.round(notes.onset * self.fs_hz).astype(int) - self._raw.first_samp
        return pd.DataFrame(
            {"sample": samples, "text": [str(note) for note in notes.description], "stream": ""}
        )
