"""Lossless video files: what is encoded is, bit for bit, what is decoded.

The container is MP4 with H.264 in RGB and a quantiser of zero, which common players open. Writing and reading
go through the ffmpeg program that the package ``imageio-ffmpeg`` brings along.
"""

from __future__ import annotations

import contextlib
import hashlib
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

import imageio_ffmpeg
import numpy as np

UNFINISHED_SUFFIX = ".unfinished"
"""Ending of a video that is still being written; a file with this ending is never a finished video."""

LOSSLESS_ARGUMENTS: Sequence[str] = (
    *("-c:v", "libx264rgb", "-qp", "0", "-preset", "ultrafast", "-g", "25", "-bf", "0", "-threads", "1"),
    *("-color_primaries", "bt709", "-color_trc", "iec61966-2-1"),
    *("-fflags", "+bitexact", "-flags:v", "+bitexact", "-map_metadata", "-1"),
)
"""Arguments of ffmpeg: lossless RGB; nothing of the computer or the day in it; one thread, so equal bytes."""

PIPE_BYTES = 1 << 20
"""Size of the pipe to and from ffmpeg on Linux, where a frame else takes twenty turns of both programs."""


def encode(frames: Iterable[np.ndarray], path: Path, *, fps: float) -> None:
    """Write frames to a lossless H.264 RGB video in an MP4 file.

    The file gets its name only when it is complete: an interrupted call leaves at most a file that ends in
    ``.unfinished``.

    Parameters
    ----------
    frames
        Frames in order, each of shape ``(height_px, width_px, 3)``, uint8, RGB; all of the same size.
    path
        File to write; an existing one is replaced.
    fps
        Frames per second.

    Raises
    ------
    ValueError
        If there is no frame, or a frame has another size, type or number of channels than expected.
    RuntimeError
        If ffmpeg fails, for example because the disk is full; its own message is included.
    """
    write_video(frames, path, arguments=LOSSLESS_ARGUMENTS, fps=fps, container="mp4")


def write_video(
    frames: Iterable[np.ndarray], path: Path, *, arguments: Sequence[str], fps: float, container: str
) -> None:
    """Write frames to a video file of any kind; see `encode`, which writes the lossless kind.

    Parameters
    ----------
    frames
        Frames in order, uint8, of shape ``(height_px, width_px, 3)``, RGB, or with alpha as a fourth channel.
    path
        File to write; an existing one is replaced.
    arguments
        Arguments of ffmpeg that name codec and colours.
    fps
        Frames per second.
    container
        ffmpeg's name of the container, such as ``mp4`` or ``matroska``.
    """
    iterator = iter(frames)
    first = next(iterator, None)
    if first is None:
        raise ValueError(f"no frames to write to {path}")
    _check_frame(first, first.shape, index=0)
    unfinished = path.with_name(path.name + UNFINISHED_SUFFIX)
    command = [*_input_arguments(first.shape, fps), *arguments, "-f", container, str(unfinished)]
    try:
        with tempfile.TemporaryFile() as messages:
            _feed(command, first, iterator, messages, path)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def read_frames(path: Path) -> Iterator[np.ndarray]:
    """Decode a video frame by frame.

    Parameters
    ----------
    path
        Video file of any format that ffmpeg reads.

    Yields
    ------
    numpy.ndarray
        One frame, shape ``(height_px, width_px, 3)``, uint8, RGB.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is not a video, or is damaged or truncated.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"video not found: {path}")
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-xerror", "-err_detect", "explode"]
    command += ["-i", str(path), "-an", "-fps_mode", "passthrough", "-pix_fmt", "rgb24"]
    command += ["-f", "image2pipe", "-c:v", "ppm", "-"]
    with tempfile.TemporaryFile() as messages:
        process = _start(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=messages)
        assert process.stdout is not None
        try:
            while (frame := _read_ppm(process.stdout)) is not None:
                yield frame
            if process.wait() != 0:
                raise ValueError(f"not a readable video, or a damaged one: {path} ({_last_line(messages)})")
        finally:
            process.stdout.close()
            with contextlib.suppress(OSError):
                process.kill()
            process.wait()


def decode(path: Path) -> np.ndarray:
    """Decode a whole video into memory.

    Parameters
    ----------
    path
        Video file of any format that ffmpeg reads.

    Returns
    -------
    numpy.ndarray
        Shape ``(n_frames, height_px, width_px, 3)``, uint8, RGB. A video of 125 frames of 600 by 800 pixels
        takes 180 MB.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is not a video, is damaged or truncated, or has no frames.
    """
    frames = list(read_frames(path))
    if not frames:
        raise ValueError(f"no frames in the video: {path}")
    return np.stack(frames)


def frame_hashes(frames: Iterable[np.ndarray]) -> tuple[list[str], str]:
    """Return the SHA-256 of each frame, and of all frames one after the other.

    The second equals ``hashlib.sha256(decode(path).tobytes()).hexdigest()``. Frames are hashed and not only
    the file, because another version of the encoder may write other bytes for the same pictures.

    Parameters
    ----------
    frames
        Frames of shape ``(height_px, width_px, 3)``, uint8, RGB.

    Returns
    -------
    tuple of list of str and str
        Hexadecimal digests.

    Examples
    --------
    >>> black = np.zeros((2, 2, 3), np.uint8)
    >>> each, together = frame_hashes([black, black])
    >>> len(each), each[0] == each[1], each[0] == together
    (2, True, False)
    """
    each: list[str] = []

    def hashed() -> Iterator[np.ndarray]:
        for frame in frames:
            each.append(frame_hash(frame))
            yield frame

    together = hash_together(hashed())
    return each, together


def hash_together(frames: Iterable[np.ndarray]) -> str:
    """Return the SHA-256 of the bytes of all frames, one after the other."""
    together = hashlib.sha256()
    for frame in frames:
        together.update(np.ascontiguousarray(frame).data)
    return together.hexdigest()


def frame_hash(frame: np.ndarray) -> str:
    """Return the SHA-256 of a frame's bytes as hexadecimal digits."""
    return hashlib.sha256(np.ascontiguousarray(frame).data).hexdigest()


def _input_arguments(shape: tuple[int, ...], fps: float) -> list[str]:
    """The program and what it must know about the frames that it is fed with."""
    height_px, width_px, n_channels = shape
    rate = Fraction(fps).limit_denominator(1001)
    if rate <= 0:
        raise ValueError(f"a video needs a positive number of frames per second, got {fps}")
    kind = "rgb24" if n_channels == 3 else "rgba"
    raw = ["-f", "rawvideo", "-pix_fmt", kind, "-s", f"{width_px}x{height_px}", "-r", str(rate), "-i", "-"]
    return [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-v", "error", *raw, "-an"]


def _start(command: Sequence[str], **streams: Any) -> subprocess.Popen[bytes]:
    """Start ffmpeg; with large pipes, unless this user has used up what the system grants of them."""
    with contextlib.suppress(PermissionError):
        return subprocess.Popen(command, pipesize=PIPE_BYTES, **streams)
    return subprocess.Popen(command, **streams)


def _feed(
    command: Sequence[str], first: np.ndarray, others: Iterator[np.ndarray], messages: IO[bytes], path: Path
) -> None:
    process = _start(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=messages)
    assert process.stdin is not None
    try:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(np.ascontiguousarray(first).data)
            for index, frame in enumerate(others, start=1):
                _check_frame(frame, first.shape, index=index)
                process.stdin.write(np.ascontiguousarray(frame).data)
            process.stdin.close()
        if process.wait() != 0:
            raise RuntimeError(f"the video {path} could not be written: {_last_line(messages)}")
    finally:
        with contextlib.suppress(OSError):
            process.stdin.close()
        with contextlib.suppress(OSError):
            process.kill()
        process.wait()


def _check_frame(frame: np.ndarray, shape: tuple[int, ...], *, index: int) -> None:
    if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] not in (3, 4) or frame.shape != shape:
        raise ValueError(
            f"frame {index} has shape {frame.shape} and type {frame.dtype}; expected uint8, "
            f"(height, width, 3) or, with alpha, 4, and the size of the first frame, {shape}"
        )


def _read_ppm(stream: Any) -> np.ndarray | None:
    """Read one binary portable pixmap (three header lines, then RGB bytes); None at the end of the stream."""
    if stream.readline() != b"P6\n":
        return None
    width_px, height_px = (int(number) for number in stream.readline().split())
    stream.readline()
    frame = np.empty((height_px, width_px, 3), np.uint8)
    n_bytes = stream.readinto(frame.reshape(-1))  # without a copy
    return frame if n_bytes == frame.size else None


def _last_line(messages: IO[bytes]) -> str:
    messages.seek(0)
    lines = messages.read().decode("utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else "ffmpeg gave no message"
