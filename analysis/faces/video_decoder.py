"""Grey frames of a video file, in order, exactly those that the timestamps promise.

Frames are decoded one after the other and told apart by their timestamps. A jump is only made to a frame from
which decoding can start, two of these before the wanted one, in containers whose timestamps can be checked.
A frame that cannot be decoded, and those that are built on it, are left out; nothing is shown in their stead.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np

from analysis.faces.video_scan import Scan, open_video

GreyFrame = tuple[int, np.ndarray]
"""Index of a frame, and its grey pixels, shape ``(height_px, width_px)``, uint8 or uint16."""


def decode_grey(path: Path, scan: Scan, *, start: int, threads: int) -> Iterator[GreyFrame]:
    """Decode the frames from ``start`` to the end; frames that are damaged are left out.

    Parameters
    ----------
    path
        Video file.
    scan
        What `scan_video` said of it.
    start
        Index of the first frame.
    threads
        Threads of the decoder; the frames are the same with any number.
    """
    done = start
    try:
        for index, frame in _decode(path, scan, start, threads):
            yield index, frame
            done = index + 1
        return
    except _DamageError:
        pass
    # once more from there with one thread, whose order of frames and errors is always the same
    yield from _decode(path, scan, done, 0)


class _DamageError(Exception):
    """A frame could not be decoded while several threads were at work."""


def _decode(path: Path, scan: Scan, start: int, threads: int) -> Iterator[GreyFrame]:
    """Grey frames from ``start`` on; with one thread or more damage raises, with 0 it is skipped."""
    index_of = {int(stamp): index for index, stamp in enumerate(scan.pts)}
    with open_video(path) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = max(threads, 1)
        stream.thread_type = "AUTO" if threads > 1 else "NONE"
        stream.codec_context.options = {"err_detect": "explode"}
        _jump(container, stream, scan, start)
        count = 0
        for frame in _intact_frames(container, stream, skip_damage=threads == 0):
            if index_of:
                index = index_of.get(frame.pts, -1)
            else:
                index, count = count, count + 1
            same_size = (frame.height, frame.width) == (scan.height_px, scan.width_px)
            if start <= index < scan.n_frames and same_size:
                yield index, grey_pixels(frame)


def _jump(container: Any, stream: Any, scan: Scan, start: int) -> None:
    """Go to the second frame before ``start`` from which decoding can begin, where that is safe."""
    if start == 0 or not scan.jumps:
        return
    before = scan.key_pts[scan.key_pts <= scan.pts[start]]
    if len(before) > 2:
        container.seek(int(before[-3]), stream=stream, backward=True, any_frame=False)


def _intact_frames(container: Any, stream: Any, *, skip_damage: bool) -> Iterator[Any]:
    """Decoded frames; after damage, only again from the next frame that needs no other."""
    damaged = False
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
            frames = packet.decode()
        except StopIteration:
            return
        except av.error.EOFError:
            return
        except av.error.FFmpegError as error:
            if not skip_damage:
                raise _DamageError from error
            damaged = True
            if isinstance(error, av.error.InvalidDataError):
                continue
            return
        for frame in frames:
            damaged = (damaged and not frame.key_frame) or frame.is_corrupt
            if not damaged:
                yield frame
            elif not skip_damage:
                raise _DamageError


def grey_path(pixel_format: str) -> str:
    """How the grey of such pixels is made, in words for the record."""
    if _has_luma_plane(pixel_format):
        return "luma plane as stored"
    if _is_packed_luma(pixel_format):
        return "luma as stored"
    return "0.299 R + 0.587 G + 0.114 B, rounded, of 8 bit"


def grey_pixels(frame: Any) -> np.ndarray:
    """Grey pixels of a decoded frame: the luma as it is stored, or the weighted mean of the colours.

    Luma is not stretched from limited to full range: only that keeps what the camera wrote.
    """
    name = frame.format.name
    if _is_packed_luma(name):
        frame = frame.reformat(format="yuv422p" if "422" in name else "gray16le")
        name = frame.format.name
    if not _has_luma_plane(name):
        return luma(frame.to_ndarray(format="rgb24"))
    kind = np.dtype("<u2") if frame.format.components[0].bits > 8 else np.dtype(np.uint8)
    plane = frame.planes[0]
    pixels = np.frombuffer(plane, kind).reshape(-1, plane.line_size // kind.itemsize)
    return pixels[: frame.height, : frame.width]


def luma(rgb: np.ndarray) -> np.ndarray:
    """Weighted mean of red, green and blue (ITU-R BT.601), exact where the three are equal.

    Parameters
    ----------
    rgb
        Shape ``(height_px, width_px, 3)``, uint8.

    Examples
    --------
    >>> luma(np.array([[[7, 7, 7], [255, 0, 0]]], np.uint8))
    array([[ 7, 76]], dtype=uint8)
    """
    red, green, blue = np.moveaxis(rgb.astype(np.uint32), -1, 0)
    return ((299 * red + 587 * green + 114 * blue + 500) // 1000).astype(np.uint8)


def _has_luma_plane(name: str) -> bool:
    planar = name.startswith(("yuv4", "yuvj4", "yuva4", "nv1", "nv2", "p01"))
    grey = name == "gray" or (name.startswith("gray") and name.endswith("le") and "f" not in name)
    return (planar and not name.endswith("be") and not name.startswith("p01")) or grey


def _is_packed_luma(name: str) -> bool:
    return name in ("yuyv422", "uyvy422", "yvyu422", "gray10be", "gray12be", "gray14be", "gray16be")
