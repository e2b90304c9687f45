"""XDF files (Lab Streaming Layer), as recordings to be imported."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from analysis.recordings.channel_map import ChannelMap
from analysis.recordings.edf_header import IF_THAT_IS_ALL
from analysis.recordings.opened import ArrayRecording
from experiments.dataset.xdf import read_xdf


def open_xdf(path: Path, channel_map: ChannelMap) -> ArrayRecording:
    """Read the EMG stream of an XDF file and place all markers on it by their time stamps.

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
    content = read_xdf(path, declared_hz=channel_map.sampling_rate_hz)
    if not channel_map.incomplete and not content.is_complete:
        raise ValueError(f"{path} is truncated: it has no end. Copy it again. {IF_THAT_IS_ALL}")
    markers = [(marker.sample, marker.text, marker.stream) for marker in content.markers]
    return ArrayRecording(
        path=path,
        channel_names=content.channel_names,
        fs_hz=content.fs_hz,
        values=content.values,
        channel_units=content.channel_units,
        markers=pd.DataFrame(markers, columns=["sample", "text", "stream"]),
    )
