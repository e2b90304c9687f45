"""XDF files (Lab Streaming Layer), through pyxdf: the EMG stream on an even grid, and the markers on it."""

from __future__ import annotations

import dataclasses
import gzip
import io
import re
from pathlib import Path
from typing import Any

import numpy as np

from experiments.dataset.gaps import fill_gaps
from experiments.dataset.xdf_chunks import whole_length

LONGEST_JITTER_S = 0.1
"""Time stamps further apart than this are a gap; those nearer are samples that were only stamped unevenly."""

MUSCLE_NAMES = {
    "corrugator": re.compile(r"corr|(?<![a-z])cs(?![a-z])", re.IGNORECASE),
    "zygomaticus": re.compile(r"zyg|(?<![a-z])zm(?![a-z])", re.IGNORECASE),
}
"""How channels are called that are taken for a muscle without being told."""

MAX_RATE_ERROR = 0.01
"""A stream whose samples come this much faster or slower than it declares has the wrong rate."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Marker:
    """Something that a marker stream said."""

    sample: int
    """Number of the nearest sample of the EMG."""
    text: str
    """What it said."""
    stream: str
    """Name of its stream."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class XdfRecording:
    """The EMG stream of an XDF file and the markers on it."""

    channel_names: tuple[str, ...]
    """Names of the channels; ``channel 3`` where the stream has none."""
    channel_units: tuple[str | None, ...]
    """Their units; None where the stream does not say."""
    values: np.ndarray
    """Samples, shape (n_channels, n_samples); NaN where some are missing."""
    fs_hz: float
    """Sampling rate."""
    markers: list[Marker]
    """What all marker streams said, in order of time."""
    is_complete: bool
    """Whether the file has its end: False after a crash of the recorder."""


def read_xdf(path: Path, *, declared_hz: float | None = None) -> XdfRecording:
    """Read the EMG stream of an XDF file and place all markers on it by their time stamps.

    The EMG stream is the one of type "EMG", or whose channels are named after the muscles, or the only one
    with a regular rate. A file that has no end, as after a crash, is read as far as it goes.

    Parameters
    ----------
    path : Path
        The file.
    declared_hz : float, optional
        Sampling rate, where it is not the stream's nominal one.

    Raises
    ------
    ValueError
        If the file cannot be read, or the EMG stream cannot be told, is empty, or has another rate than it
        declares.
    """
    if not _is_xdf(path):
        raise ValueError(
            f"{path} cannot be read as XDF: it does not begin as such a file does. Copy it again"
        )
    streams = _load(path, evened=False)
    emg = _emg_stream(streams, path)
    if not _is_even(emg):
        streams = _load(path, evened=True)
        emg = _emg_stream(streams, path)
    times_s = np.asarray(emg["time_stamps"], dtype=float)
    if len(times_s) < 2:
        state = "is empty" if "footer" in emg else "is truncated before its first samples"
        raise ValueError(f"the EMG stream {_name(emg)} of {path.name} {state}")
    fs_hz = declared_hz or float(emg["info"]["nominal_srate"][0])
    _check_rate(1 / float(np.median(np.diff(times_s))), fs_hz, path)
    values = np.atleast_2d(np.asarray(emg["time_series"], dtype=float).T)
    values, positions = fill_gaps(values, times_s, fs_hz=fs_hz)
    return XdfRecording(
        channel_names=_channel_labels(emg),
        channel_units=tuple((channel.get("unit") or [None])[0] or None for channel in _descriptions(emg)),
        values=values,
        fs_hz=fs_hz,
        markers=_markers(streams, times_s, positions, fs_hz),
        is_complete=all("footer" in stream for stream in streams),
    )


def _load(path: Path, *, evened: bool) -> list[dict[str, Any]]:
    """Read the streams as far as the file is whole, with their time stamps as sent or evened out."""
    import pyxdf

    opener = gzip.open if path.suffix.lower() in (".gz", ".xdfz") else open
    try:
        with opener(path, "rb") as file:
            content = file.read()
        streams, _ = pyxdf.load_xdf(
            io.BytesIO(content[: whole_length(content)]),
            dejitter_timestamps=evened,
            jitter_break_threshold_seconds=LONGEST_JITTER_S,
            jitter_break_threshold_samples=1,
            verbose=False,
        )
    except Exception as error:  # pyxdf has no exception of its own
        raise ValueError(f"{path} cannot be read as XDF: {error}. Copy it again") from error
    return list(streams)


def _is_even(stream: dict[str, Any]) -> bool:
    """Say whether nearly all samples are stamped evenly: then stamps are true, also around a short gap."""
    fs_hz = float(stream["info"]["nominal_srate"][0])
    steps = np.diff(np.asarray(stream["time_stamps"], dtype=float)) * fs_hz
    return bool(steps.size) and float(np.mean(np.abs(steps - 1) < 0.1)) > 0.98


def _check_rate(measured_hz: float, declared_hz: float, path: Path) -> None:
    if abs(measured_hz / declared_hz - 1) > MAX_RATE_ERROR:
        raise ValueError(
            f"{path.name} is declared to have {declared_hz:g} samples a second, but the time stamps of its "
            f"samples say {measured_hz:.6g}. Find out which is right; if it is that, say sampling_rate_hz = "
            f"{measured_hz:.6g} in the channel map"
        )


def _is_xdf(path: Path) -> bool:
    """Look at the first bytes (pyxdf leaves a file open that it does not like)."""
    opener = gzip.open if path.suffix.lower() in (".gz", ".xdfz") else open
    try:
        with opener(path, "rb") as file:
            return bool(file.read(4) == b"XDF:")
    except (OSError, EOFError):
        return False


def _emg_stream(streams: list[dict[str, Any]], path: Path) -> dict[str, Any]:
    signals = [s for s in streams if not _is_marker_stream(s)]
    by_type = [s for s in signals if s["info"]["type"][0].upper() == "EMG"]
    by_name = [
        s for s in signals if any(p.search(" ".join(_channel_labels(s))) for p in MUSCLE_NAMES.values())
    ]
    for candidates in (by_type, by_name, signals):
        if len(candidates) == 1:
            return candidates[0]
    listed = ", ".join(f"{_name(s)} ({s['info']['type'][0]})" for s in streams) or "none"
    raise ValueError(
        f"{path.name}: cannot tell which stream is the EMG. Give it the type EMG in the recorder, or record "
        f"it alone. The streams are: {listed}"
    )


def _is_marker_stream(stream: dict[str, Any]) -> bool:
    return stream["info"]["channel_format"][0] == "string" or float(stream["info"]["nominal_srate"][0]) == 0


def _name(stream: dict[str, Any]) -> str:
    return str(stream["info"]["name"][0])


def _descriptions(stream: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what the stream says of each of its channels; an empty dict for each where it says nothing."""
    n_channels = int(stream["info"]["channel_count"][0])
    try:
        channels = stream["info"]["desc"][0]["channels"][0]["channel"]
    except (KeyError, IndexError, TypeError):
        channels = []
    channels = [channel or {} for channel in channels]
    return channels if len(channels) == n_channels else [{}] * n_channels


def _channel_labels(stream: dict[str, Any]) -> tuple[str, ...]:
    described = enumerate(_descriptions(stream), start=1)
    return tuple(str((channel.get("label") or [None])[0] or f"channel {n}") for n, channel in described)


def _markers(
    streams: list[dict[str, Any]], times_s: np.ndarray, positions: np.ndarray, fs_hz: float
) -> list[Marker]:
    """Find the sample nearest to each marker; markers outside the recording are left out."""
    markers = []
    for stream in filter(_is_marker_stream, streams):
        at = np.asarray(stream["time_stamps"], dtype=float)
        inside = (at >= times_s[0] - 0.5 / fs_hz) & (at <= times_s[-1] + 0.5 / fs_hz)
        nearest = np.round(np.interp(at, times_s, positions)).astype(int)
        for row, sample, is_inside in zip(stream["time_series"], nearest, inside, strict=True):
            if is_inside:
                text = str(np.ravel(np.asarray(row, dtype=object))[0])
                markers.append(Marker(sample=int(sample), text=text, stream=_name(stream)))
    return sorted(markers, key=lambda marker: marker.sample)
