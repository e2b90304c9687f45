"""What a video file promises and what it holds: its frames' timestamps, without decoding a picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np

SEEKABLE = {"mov", "mp4", "matroska", "webm"}
"""Containers whose timestamps are those of the shown frames, so that a jump can be checked."""


@dataclass(frozen=True)
class Scan:
    """The frames that a container holds, in the order in which they are shown."""

    pts: np.ndarray
    """Timestamp of each frame in units of ``time_base_s``; empty if the file has none."""
    n_frames: int
    """Number of frames."""
    time_base_s: float
    """Unit of ``pts``."""
    key_pts: np.ndarray
    """Timestamps of the frames from which decoding can start."""
    jumps: bool
    """Whether jumps to those are to be trusted."""
    width_px: int
    """Width of the frames."""
    height_px: int
    """Height of the frames."""
    codec: str
    """Name of the codec."""
    pixel_format: str
    """ffmpeg's name of the pixels."""
    colour_range: str
    """Which grey values stand for black and white: limited (16 to 235), full (0 to 255) or not stated."""
    header_fps: float | None
    """Frames per second as the header has it."""
    warnings: tuple[str, ...]
    """What is wrong with the file, in words."""

    @property
    def times_s(self) -> np.ndarray | None:
        """Timestamps in seconds on the container's clock; None if it has none."""
        return self.pts * self.time_base_s if len(self.pts) == self.n_frames else None


def open_video(path: Path) -> Any:
    """Open a container with PyAV.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not a video, or the recording ended before its index was written.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"video not found: {path}")
    try:
        container = av.open(str(path))
    except (av.error.FFmpegError, OSError) as error:
        if _lacks_index(Path(path)):
            raise ValueError(
                f"{path} has no index (moov atom): the recording was cut off before it was closed. Repair a "
                "copy with a tool such as untrunc, or use the camera's own file; record as MKV or AVI, which "
                "survive this"
            ) from None
        raise ValueError(f"not a readable video: {path} ({error})") from None
    if not container.streams.video:
        container.close()
        raise ValueError(f"{path} has no pictures, only {', '.join(s.type for s in container.streams)}")
    return container


def _lacks_index(path: Path) -> bool:
    """Whether this is an MP4 or MOV without the table of its frames, which is written when it is closed."""
    size, position = path.stat().st_size, 0
    kinds: list[bytes] = []
    with path.open("rb") as stream:
        while position + 8 <= size and len(kinds) < 100:
            stream.seek(position)
            length = int.from_bytes(stream.read(4), "big")
            kinds.append(stream.read(4))
            if length == 1:
                length = int.from_bytes(stream.read(8), "big")
            position += length if length >= 8 else size
    return kinds[:1] == [b"ftyp"] and b"moov" not in kinds


def scan_video(path: Path) -> Scan:
    """Read the timestamps of all frames of a video; a second for an hour of video.

    Raises
    ------
    FileNotFoundError, ValueError
        As `open_video`, or if there is no frame.
    """
    with open_video(path) as container:
        stream = container.streams.video[0]
        packets, end = _read_packets(container, stream)
        if not packets:
            raise ValueError(f"{path} holds no frame; the recording was probably stopped before it began")
        pts = [packet[0] for packet in packets]
        stamped = all(stamp is not None for stamp in pts) and len(set(pts)) == len(pts)
        time_base_s = float(stream.time_base) if stream.time_base else 1.0
        shown = np.sort(np.array(pts, np.int64)) if stamped else np.empty(0, np.int64)
        keys = sorted(packet[0] or 0 for packet in packets if packet[1]) if stamped else []
        context = stream.codec_context
        return Scan(
            pts=shown,
            n_frames=len(packets),
            time_base_s=time_base_s,
            key_pts=np.asarray(keys, np.int64),
            jumps=stamped and bool(SEEKABLE & set(container.format.name.split(","))),
            width_px=context.width,
            height_px=context.height,
            codec=context.name,
            pixel_format=str(context.pix_fmt),
            colour_range={1: "limited", 2: "full"}.get(int(context.color_range or 0), "not stated"),
            header_fps=float(stream.average_rate) if stream.average_rate else None,
            warnings=_warnings(container, stream, len(packets), shown * time_base_s, end),
        )


def _read_packets(container: Any, stream: Any) -> tuple[list[tuple[int | None, bool]], str | None]:
    """Timestamp, and whether decoding can start there, of each packet that is shown; what ended it."""
    packets: list[tuple[int | None, bool]] = []
    try:
        for packet in container.demux(stream):
            if packet.size and not packet.is_discard:
                packets.append((packet.pts, packet.is_keyframe))
    except av.error.FFmpegError as error:
        return packets, str(error)
    return packets, None


def _warnings(
    container: Any, stream: Any, n_frames: int, times_s: np.ndarray, end: str | None
) -> tuple[str, ...]:
    found = []
    discarded_by_edit = stream.frames and container.format.name.startswith("mov") and times_s.size
    if stream.frames > n_frames and not (discarded_by_edit and _reaches_end(stream, times_s)):
        found.append(
            f"the video was cut off: its header promises {stream.frames} frames, the file holds {n_frames}"
        )
    elif not stream.frames and times_s.size > 1 and container.duration and len(container.streams) == 1:
        interval_s = (times_s[-1] - times_s[0]) / (times_s.size - 1)
        if container.duration / 1e6 > times_s[-1] + max(3 * interval_s, 0.1):
            found.append(
                f"the video was cut off: its header promises {container.duration / 1e6:.1f} s, "
                f"the file ends at {times_s[-1]:.1f} s"
            )
    if end is not None:
        found.append(f"the file is damaged after frame {n_frames - 1}: {end}")
    return tuple(found)


def _reaches_end(stream: Any, times_s: np.ndarray) -> bool:
    """Whether the last frame stands at the end, so that fewer frames are an edit and not a loss."""
    if stream.duration is None or times_s.size < 2:
        return False
    interval_s = (times_s[-1] - times_s[0]) / (times_s.size - 1)
    return bool(float(stream.duration * stream.time_base) <= times_s[-1] + 2 * interval_s)
