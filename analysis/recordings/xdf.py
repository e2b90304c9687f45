"""XDF files (Lab Streaming Layer), through pyxdf."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyxdf

from analysis.recordings.channel_map import MUSCLE_NAMES, ChannelMap
from analysis.recordings.edf_header import IF_THAT_IS_ALL
from analysis.recordings.opened import ArrayRecording, check_rate, fill_gaps

LONGEST_JITTER_S = 0.1
"""Time stamps further apart than this are a gap; those nearer are samples that were only stamped unevenly."""


def open_xdf(path: Path, channel_map: ChannelMap) -> ArrayRecording:
    """Read the EMG stream of an XDF file and align all marker streams with it by their time stamps.

    The EMG stream is the one of type "EMG", or whose channels are named after the muscles, or the only one
    with a regular rate. Gaps in it become NaN.

    Parameters
    ----------
    path : Path
        The file.
    channel_map : ChannelMap
        Its sampling rate is taken, where it is given, instead of the stream's nominal one.

    Raises
    ------
    ValueError
        If the file cannot be read or has no end, the EMG stream cannot be told, is empty, or has another rate
        than it declares.
    """
    if not _is_xdf(path):
        raise ValueError(
            f"{path} cannot be read as XDF: it does not begin as such a file does. Copy it again"
        )
    try:
        streams, _ = pyxdf.load_xdf(
            path,
            jitter_break_threshold_seconds=LONGEST_JITTER_S,
            jitter_break_threshold_samples=1,
            verbose=False,
        )
    except Exception as error:  # pyxdf has no exception of its own
        raise ValueError(f"{path} cannot be read as XDF: {error}. Copy it again") from error
    if not channel_map.incomplete and any("footer" not in stream for stream in streams):
        raise ValueError(f"{path} is truncated: it has no end. Copy it again. {IF_THAT_IS_ALL}")
    emg = _emg_stream(streams, path)
    times_s = np.asarray(emg["time_stamps"], dtype=float)
    if len(times_s) < 2:
        raise ValueError(f"the EMG stream {_name(emg)} of {path.name} is empty")
    fs_hz = channel_map.sampling_rate_hz or float(emg["info"]["nominal_srate"][0])
    check_rate(
        1 / float(np.median(np.diff(times_s))), fs_hz, path=path, how="the time stamps of its samples say"
    )
    values = np.atleast_2d(np.asarray(emg["time_series"], dtype=float).T)
    values, positions = fill_gaps(values, times_s, fs_hz=fs_hz)
    return ArrayRecording(
        path=path,
        channel_names=_channel_labels(emg),
        fs_hz=fs_hz,
        values=values,
        channel_units=_channel_units(emg),
        markers=_markers(streams, times_s, positions, fs_hz),
    )


def _is_xdf(path: Path) -> bool:
    """Look at the first bytes (pyxdf leaves a file open that it does not like)."""
    opener = gzip.open if path.suffix.lower() in (".gz", ".xdfz") else open
    try:
        with opener(path, "rb") as file:
            return file.read(4) == b"XDF:"
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


def _channel_units(stream: dict[str, Any]) -> tuple[str | None, ...]:
    return tuple((channel.get("unit") or [None])[0] or None for channel in _descriptions(stream))


def _markers(
    streams: list[dict[str, Any]], times_s: np.ndarray, positions: np.ndarray, fs_hz: float
) -> pd.DataFrame:
    """Find the sample nearest to each marker; markers outside the recording are left out."""
    parts = []
    for stream in filter(_is_marker_stream, streams):
        at = np.asarray(stream["time_stamps"], dtype=float)
        inside = (at >= times_s[0] - 0.5 / fs_hz) & (at <= times_s[-1] + 0.5 / fs_hz)
        nearest = np.round(np.interp(at[inside], times_s, positions)).astype(int)
        texts = [str(np.ravel(row)[0]) for row in stream["time_series"]]
        kept = [text for text, keep in zip(texts, inside, strict=True) if keep]
        parts.append(pd.DataFrame({"sample": nearest, "text": kept, "stream": _name(stream)}))
    parts = [part for part in parts if len(part)]
    if not parts:
        return pd.DataFrame({"sample": [], "text": [], "stream": []})
    return pd.concat(parts).sort_values("sample", kind="stable", ignore_index=True)
