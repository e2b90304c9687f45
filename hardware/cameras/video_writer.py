"""Writes a video so that what was written stays readable when the program is killed."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from hardware.cameras.codecs import find_codec

MILLISECOND = Fraction(1, 1000)
"""Resolution of the time stamps in a Matroska file. The true times of the frames stand in ``frames.tsv``."""
FULL_RANGE = 2
"""ffmpeg's number for grey levels that go from 0 to 255; without it, players stretch those of H.264."""
CLUSTER_MS = 200
"""Frames of so much time go to the operating system together; a killed program loses no more than these.
Our choice: a fifth of a second, and five writes per second."""


class VideoWriter:
    """A grey video in Matroska; frames are given one by one.

    Parameters
    ----------
    path
        A new file, ``.mkv``.
    width_px, height_px
        Size of the frames.
    fps
        Rate that the header names.
    codec
        One of `hardware.cameras.codecs.CODECS`.
    simulated
        Whether the pictures are made up; the header says so.

    Raises
    ------
    FileExistsError
        If there is such a file.
    ValueError
        If there is no such codec, this installation lacks it, or a size or rate cannot be.
    """

    def __init__(
        self,
        path: Path,
        *,
        width_px: int,
        height_px: int,
        fps: float,
        codec: str = "ffv1",
        simulated: bool = False,
    ) -> None:
        if path.exists():
            raise FileExistsError(f"{path} exists, and nothing is ever written over: choose another session")
        if not 0 < fps <= 1000:
            raise ValueError(f"a camera takes more than 0 and at most 1000 frames per second, found {fps}")
        self.path, self.codec, self.n_frames = path, codec, 0
        self._size, self._last_ms, self._first_s = (height_px, width_px), -1, 0.0
        self._chosen = find_codec(codec)
        self._container = _open_container(path, simulated)
        try:
            self._stream = self._add_stream(fps)
        except BaseException:
            self._container.close()
            path.unlink(missing_ok=True)
            raise

    def write(self, image: np.ndarray, time_s: float) -> None:
        """Add a frame.

        Parameters
        ----------
        image
            Grey levels, uint8, ``(height_px, width_px)``.
        time_s
            When it was taken (s); the first frame's time becomes 0. A time that is not later than that of
            the frame before is taken as a millisecond later.

        Raises
        ------
        ValueError
            If it has another size.
        OSError
            If it cannot be written, such as when the disk is full.
        """
        if image.shape != self._size or image.dtype != np.uint8:
            raise ValueError(
                f"expected frames of {self._size[1]} x {self._size[0]} px, uint8, found "
                f"{image.shape[1]} x {image.shape[0]} px, {image.dtype.name}: was the camera set anew?"
            )
        if self.n_frames == 0:
            self._first_s = time_s
        import av

        self._last_ms = max(round((time_s - self._first_s) * 1000), self._last_ms + 1)
        frame = av.VideoFrame.from_ndarray(image, format="gray")
        frame.pts, frame.time_base = self._last_ms, MILLISECOND
        self._container.mux(self._stream.encode(frame))
        self.n_frames += 1

    def close(self) -> None:
        """Write what is left and the index; may be called twice, and after an error."""
        container, self._container = self._container, None
        if container is None:
            return
        try:
            if self.n_frames:
                container.mux(self._stream.encode(None))
        finally:
            container.close()

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _add_stream(self, fps: float) -> Any:
        import av

        codec = self._chosen
        try:
            stream: Any = self._container.add_stream(
                codec.encoder, rate=Fraction(fps).limit_denominator(1001)
            )
        except (av.error.FFmpegError, ValueError) as error:
            raise ValueError(
                f"this installation of PyAV cannot write {self.codec} ({error}): choose ffv1"
            ) from None
        stream.height, stream.width = self._size
        stream.pix_fmt, stream.thread_count = "gray", codec.threads
        stream.options = dict(codec.options)
        stream.codec_context.time_base = MILLISECOND
        stream.codec_context.color_range = FULL_RANGE
        return stream


def _open_container(path: Path, simulated: bool) -> Any:
    import av

    options = {"cluster_time_limit": str(CLUSTER_MS), "flush_packets": "1"}
    container = av.open(str(path), "w", format="matroska", options=options)
    if simulated:
        container.metadata["comment"] = "SIMULATED"
    return container
