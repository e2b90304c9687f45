"""The amplifier's own files of a session: found in the live folder, read, and joined to one recording."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiments.dataset.bdf import BdfChannel, quantise, read_bdf
from experiments.dataset.codes import Pulses, find_pulses
from experiments.dataset.gaps import Gap, bridge_gaps, missing_stretches
from experiments.dataset.xdf import XdfRecording, read_xdf

READABLE = (".xdf", ".bdf", ".edf")
"""Formats that are read when a session closes, the better one first where a part is there in several."""

LONGEST_FILL_S = 60.0
"""Longest stretch that is filled in for a pause between two parts; a longer pause is shortened to this."""

UNKNOWN_PAUSE_S = 1.0
"""What is filled in where nobody can tell how long the pause was."""

CODE_IN_MARKER = re.compile(r"(?:\w+/)?[A-Za-z]?\s*(\d+)(?:\.0+)?")
"""A code as programs write it into markers: "11", "S 11", "Stimulus/S 11", "11.0"."""

_UNITS_UV = {
    **dict.fromkeys(("v", "volt", "volts"), 1e6),
    **dict.fromkeys(("mv", "millivolt", "millivolts"), 1e3),
    **dict.fromkeys(("uv", "µv", "μv", "microvolt", "microvolts"), 1.0),
    **dict.fromkeys(("nv", "nanovolt", "nanovolts"), 1e-3),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class AmplifierPart:
    """One file of the amplifier."""

    path: Path
    """The file."""
    channels: list[BdfChannel]
    """The muscles as integers of the file; empty for a format of floating-point numbers."""
    signals_uv: Mapping[str, np.ndarray]
    """The muscles in microvolts, NaN where samples are missing; empty for a format of integers."""
    pulses: Pulses
    """Its trigger codes."""
    fs_hz: float
    """Sampling rate."""
    n_samples: int
    """Length."""
    problem: str | None = None
    """What is wrong with the file although it could be read."""

    @property
    def gaps(self) -> list[Gap]:
        """Stretches without a signal."""
        return missing_stretches(self.signals_uv)

    def physical_uv(self, name: str) -> np.ndarray:
        """Return a muscle in microvolts."""
        if name in self.signals_uv:
            return self.signals_uv[name]
        return next(channel for channel in self.channels if channel.name == name).physical()


def amplifier_files(live: Path) -> list[Path]:
    """Find the amplifier's files in a live folder, one per part, in order.

    Raises
    ------
    ValueError
        If a part is there only in formats that must be imported.
    """
    parts: dict[int, list[Path]] = {}
    for path in sorted(live.glob("*_amplifier*.*")):
        match = re.search(r"_amplifier(?:_part(\d+))?$", path.stem)
        if match and path.is_file():
            parts.setdefault(int(match[1] or 1), []).append(path)
    chosen = []
    for number in sorted(parts):
        known = [path for path in parts[number] if path.suffix.lower() in READABLE]
        if not known:
            raise ValueError(
                f"{parts[number][0]} is none of the formats that are read when a session closes "
                f"({', '.join(READABLE)}): move it out of {live}, close the session again, and then add the "
                "recording with `python -m analysis.mimicry import`"
            )
        chosen.append(min(known, key=lambda path: READABLE.index(path.suffix.lower())))
    return chosen


def read_part(path: Path, rig: Mapping[str, Any]) -> AmplifierPart:
    """Read one file of the amplifier.

    Parameters
    ----------
    path : Path
        A BDF, EDF or XDF file.
    rig : mapping
        Of the session's record: ``amplifier_channels`` (muscle -> channel) and ``amplifier_status_channel``.

    Raises
    ------
    ValueError
        If the file cannot be read or lacks a channel; the message names those that there are.
    """
    names = rig.get("amplifier_channels") or {"corrugator": "corrugator", "zygomaticus": "zygomaticus"}
    status = str(rig.get("amplifier_status_channel", "Status"))
    if path.suffix.lower() == ".xdf":
        return _xdf_part(path, names, status)
    content = read_bdf(path)
    try:
        channels = [
            dataclasses.replace(content.channel(name), name=muscle, unit=content.channel(name).unit or "uV")
            for muscle, name in names.items()
        ]
        pulses = find_pulses(content.channel(status).digital)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    return AmplifierPart(
        path=path,
        channels=channels,
        signals_uv={},
        pulses=pulses,
        fs_hz=content.fs_hz,
        n_samples=len(channels[0].digital),
        problem=content.problem,
    )


def join_channels(
    parts: Sequence[AmplifierPart], pauses_s: Sequence[float | None]
) -> tuple[list[BdfChannel], list[Gap], list[int]]:
    """Join the parts of a recording to one, with what is missing between them filled in.

    Parameters
    ----------
    parts : sequence of AmplifierPart
        The parts, in order.
    pauses_s : sequence of float or None
        How long each pause between two parts was.

    Returns
    -------
    channels : list of BdfChannel
        The muscles.
    gaps : list of Gap
        Stretches of samples that hold nothing that was recorded: a straight line.
    shifts : list of int
        By how many samples each part begins later than if the parts followed each other at once.

    Raises
    ------
    ValueError
        If the parts differ in their sampling rates or muscles.
    """
    first = parts[0]
    rates = {part.fs_hz for part in parts}
    if len(rates) > 1:
        raise ValueError(f"the parts of the recording have different sampling rates: {sorted(rates)} Hz")
    fills = [_fill_samples(pause_s, first.fs_hz) for pause_s in pauses_s]
    shifts = np.concatenate([[0], np.cumsum(fills)]).astype(int).tolist()
    begins = np.concatenate([[0], np.cumsum([part.n_samples for part in parts])]).astype(int).tolist()
    gaps = [Gap(begins[n + 1] + shifts[n], begins[n + 1] + shifts[n] + fill) for n, fill in enumerate(fills)]
    for number, part in enumerate(parts):
        start = begins[number] + shifts[number]
        gaps += [Gap(gap.start + start, gap.stop + start) for gap in part.gaps]
    return _joined(parts, fills), sorted(gaps), shifts


def _joined(parts: Sequence[AmplifierPart], fills: Sequence[int]) -> list[BdfChannel]:
    """Join integers where all parts mean the same by them, else microvolts."""
    names = [channel.name for channel in parts[0].channels] or list(parts[0].signals_uv)
    joined: list[BdfChannel] = []
    for name in names:
        own = [channel for part in parts for channel in part.channels if channel.name == name]
        same = {(c.physical_range, c.digital_range, c.unit) for c in own}
        if len(own) == len(parts) and len(same) == 1:
            samples = _with_fills([channel.digital.astype(float) for channel in own], fills)
            joined.append(dataclasses.replace(own[0], digital=np.rint(samples).astype(np.int32)))
            continue
        signal = _with_fills([part.physical_uv(name) for part in parts], fills)
        joined += quantise(name, bridge_gaps(signal), precise=True)
    return joined


def _with_fills(signals: Sequence[np.ndarray], fills: Sequence[int]) -> np.ndarray:
    """Put straight lines between signals."""
    pieces = [signals[0]]
    for signal, fill in zip(signals[1:], fills, strict=True):
        pieces += [np.full(fill, np.nan), signal]
    joined = np.concatenate(pieces)
    return bridge_gaps(joined) if fills else joined


def _fill_samples(pause_s: float | None, fs_hz: float) -> int:
    pause_s = UNKNOWN_PAUSE_S if pause_s is None else pause_s
    return max(1, round(min(pause_s, LONGEST_FILL_S) * fs_hz))


def _xdf_part(path: Path, names: Mapping[str, str], status: str) -> AmplifierPart:
    content = read_xdf(path)
    signals = {muscle: _xdf_channel(content, name, path) for muscle, name in names.items()}
    pulses = Pulses(samples=np.zeros(0, dtype=np.int64), codes=np.zeros(0, dtype=np.int64))
    if status in content.channel_names:
        codes = np.nan_to_num(content.values[content.channel_names.index(status)])
        pulses = find_pulses(np.rint(codes).astype(np.int64))
    if not len(pulses.codes):  # no cable to the amplifier: the codes came as markers
        coded = [(marker.sample, code) for marker in content.markers if (code := code_in(marker.text))]
        pulses = Pulses(
            samples=np.array([sample for sample, _ in coded], dtype=np.int64),
            codes=np.array([code for _, code in coded], dtype=np.int64),
        )
    return AmplifierPart(
        path=path,
        channels=[],
        signals_uv=signals,
        pulses=pulses,
        fs_hz=content.fs_hz,
        n_samples=content.values.shape[1],
        problem=None if content.is_complete else "the file has no end: the recorder was not stopped in order",
    )


def _xdf_channel(content: XdfRecording, name: str, path: Path) -> np.ndarray:
    if name not in content.channel_names:
        raise ValueError(
            f"{path}: there is no channel {name!r}; the EMG stream has {', '.join(content.channel_names)}. "
            "Correct the rig file."
        )
    place = content.channel_names.index(name)
    unit = content.channel_units[place] or "uV"
    if unit.lower() not in _UNITS_UV:
        raise ValueError(f"{path}: the unit {unit!r} of {name} is none of voltage; use V, mV or uV")
    return content.values[place] * _UNITS_UV[unit.lower()]


def code_in(text: str) -> int | None:
    """Read the code in a marker's text; None where there is none.

    >>> code_in("Stimulus/S 11"), code_in("12.0"), code_in("boundary")
    (11, 12, None)
    """
    match = CODE_IN_MARKER.fullmatch(text.strip())
    return int(match.group(1)) if match else None
