"""Readers of other people's recordings: files in, signals with names, units and triggers out."""

from __future__ import annotations

from pathlib import Path

from analysis.recordings import mne_files, text
from analysis.recordings.channel_map import ChannelMap
from analysis.recordings.opened import OpenedRecording


def open_recording(path: Path, channel_map: ChannelMap) -> OpenedRecording:
    """Open a recording with the reader that its name asks for.

    Parameters
    ----------
    path : Path
        BDF, EDF, BrainVision (.vhdr), EEGLAB (.set), XDF, or delimited text (also gzipped).
    channel_map : ChannelMap
        What the file cannot say of itself.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If no reader knows the format, or the file is broken.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no recording {path}")
    suffixes = [suffix.lower() for suffix in path.suffixes]
    suffix = (
        suffixes[-2] if suffixes[-1:] == [".gz"] and len(suffixes) > 1 else "".join(suffixes[-1:])
    ).lower()
    if suffix in mne_files.EXTENSIONS:
        return mne_files.MNERecording(path, incomplete=channel_map.incomplete)
    if suffix in (".xdf", ".xdfz"):
        from analysis.recordings.xdf import open_xdf

        return open_xdf(path, channel_map)
    if suffix in text.EXTENSIONS:
        return text.open_text(path, channel_map)
    known = ", ".join([*mne_files.EXTENSIONS, ".xdf", *text.EXTENSIONS])
    raise ValueError(
        f"{path.name}: no reader knows {suffix or 'a file without extension'}; known are {known}"
    )
