"""The frames of a recorded video that are whole, and a copy of the video with nothing else.

A video whose program was killed ends in the middle of a frame and has no index. What is whole in it is copied
without packing it anew, so that every pixel stays.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from experiments.dataset.durable import UNFINISHED, sync_file, sync_folder

LAST_FRAMES = 8
"""So many frames at the end of a video are unpacked to see whether they are whole; the ones before them were
written earlier, each in one piece."""


END_MS = 1000.0
"""A video that says it is longer than its frames by more than this has lost its end (ms)."""


@dataclass(frozen=True)
class VideoContent:
    """What a video file holds."""

    times_ms: np.ndarray
    """Time stamp of each frame that is whole (ms from the first), shape ``(n_frames,)``."""
    width_px: int
    """Width."""
    height_px: int
    """Height."""
    has_end: bool
    """Whether the file was closed as it should be: it knows how long it is."""
    n_damaged: int
    """Frames at the end that are not whole."""


def video_content(path: Path) -> VideoContent | None:
    """Return what a video holds, without unpacking more than its last frames.

    Returns
    -------
    VideoContent or None
        None where the file has no frame, or is missing.
    """
    import av

    if not path.is_file() or path.stat().st_size == 0:
        return None
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                return None
            stream = container.streams.video[0]
            duration_ms = None if container.duration is None else container.duration / 1000
            width, height = stream.codec_context.width, stream.codec_context.height
            times, last = _times_and_last(container, stream)
    except (av.error.FFmpegError, OSError, ValueError):
        return None
    n_damaged = _n_damaged(path, last)
    times = times[: len(times) - n_damaged]
    if not times:
        return None
    lasts_ms = times[-1] - times[0]
    has_end = duration_ms is not None and duration_ms - lasts_ms < END_MS
    return VideoContent(np.array(times) - times[0], width, height, has_end, n_damaged)


def place_video(recorded: Path, beside: Path, *, n_frames: int, content: VideoContent) -> None:
    """Put the video of a session beside its NWB file.

    Where all of its frames are wanted and it was closed as it should be, both names mean one file on the
    disk, or, where the disk cannot do that, the video is copied. Else what is wanted is copied frame by
    frame.

    Parameters
    ----------
    recorded : Path
        The video in the folder of the live files, which stays as it is.
    beside : Path
        Where it shall be; a file of that name is replaced when the new one is whole.
    n_frames : int
        How many frames shall be in it: its first ones.
    content : VideoContent
        From `video_content`.
    """
    unfinished = beside.with_name(f"{beside.stem}{UNFINISHED}{beside.suffix}")
    unfinished.unlink(missing_ok=True)
    try:
        if n_frames == len(content.times_ms) and content.has_end and not content.n_damaged:
            try:
                os.link(recorded, unfinished)
            except OSError:
                shutil.copyfile(recorded, unfinished)
                sync_file(unfinished)
        else:
            _copy_frames(recorded, unfinished, n_frames)
            sync_file(unfinished)
        unfinished.replace(beside)
        unfinished.unlink(missing_ok=True)  # a name of the same file stays where it was
    except BaseException:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise
    sync_folder(beside.parent)


def lamp_levels(path: Path, region: tuple[int, int, int, int], n_frames: int) -> np.ndarray:
    """Return how bright a lamp in view is in each of the first frames of a video.

    See `experiments.dataset.lamp.lamp_brightness`. What comes after them is not read: it may be damaged.
    """
    import av

    from experiments.dataset.lamp import lamp_brightness

    with av.open(str(path)) as container:
        shown = islice(container.decode(video=0), n_frames)
        frames = (frame.to_ndarray(format="gray") for frame in shown)
        return lamp_brightness(frames, region)


def _times_and_last(container: Any, stream: Any) -> tuple[list[float], list[float]]:
    """Return the time stamps of all frames (ms), and how far the last ones stand from the end."""
    import av

    times: list[float] = []
    try:
        for packet in container.demux(stream):
            if packet.pts is None or packet.size == 0 or packet.is_corrupt:
                continue
            times.append(_at_ms(packet))
    except av.error.FFmpegError:
        pass
    return times, times[-LAST_FRAMES:]


def _at_ms(packet: Any) -> float:
    return float(packet.pts * packet.time_base * 1000)


def _n_damaged(path: Path, last_ms: list[float]) -> int:
    """Unpack the last frames and count from the first one that is not whole."""
    import av

    whole: set[float] = set()
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_count = 1
        for packet in container.demux(stream):
            if packet.pts is None or packet.size == 0 or packet.is_corrupt:
                continue
            at_ms = _at_ms(packet)
            if last_ms and at_ms < last_ms[0] and packet.is_keyframe and stream.codec_context.name == "ffv1":
                continue
            try:
                if any(not frame.is_corrupt for frame in packet.decode()):
                    whole.add(at_ms)
            except av.error.FFmpegError:
                break
    return sum(1 for at_ms in last_ms if at_ms not in whole)


def _copy_frames(recorded: Path, path: Path, n_frames: int) -> None:
    import av

    with av.open(str(recorded)) as source, av.open(str(path), "w", format="matroska") as copy:
        for name, value in source.metadata.items():
            copy.metadata[name] = value
        stream = source.streams.video[0]
        target = copy.add_stream_from_template(stream)
        n_copied = 0
        for packet in source.demux(stream):
            if packet.pts is None or packet.size == 0 or packet.is_corrupt:
                continue
            if n_copied == n_frames:
                break
            packet.stream = target
            copy.mux(packet)
            n_copied += 1
