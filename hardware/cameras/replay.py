"""A camera that plays a video or a folder of pictures: to try a rig, and for simulated sessions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from hardware.cameras.backend import CameraFacts, EndOfFrames, GrabbedFrame
from hardware.clocks import Clock, RealClock

SUFFIXES = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".pgm"}
"""Endings of pictures in a folder."""
STORED_AS_GREY = {"gray", "yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "nv12"}
"""ffmpeg's names of pixels whose first plane is grey, 8 bits."""


class ReplayCamera:
    """Gives the frames of a recording at the times of a clock.

    Parameters
    ----------
    source
        A video, or a folder of pictures that are shown in the order of their names.
    fps
        Frames per second; None takes the video's own rate. A folder has none, so it must be given.
    repeat
        Whether to begin again at the end.
    clock
        The session's clock; None is the computer's own. On a virtual clock the replay waits for whoever takes
        the frames, so that none is lost however fast the clock is moved.

    Raises
    ------
    FileNotFoundError
        If there is no such file or folder.
    ValueError
        If a folder has no rate, or no pictures.
    """

    def __init__(
        self,
        source: Path,
        *,
        fps: float | None = None,
        repeat: bool = False,
        clock: Clock | None = None,
    ) -> None:
        if not source.exists():
            raise FileNotFoundError(f"there is no video and no folder {source} to replay")
        if source.is_dir() and fps is None:
            raise ValueError(f"{source} is a folder of pictures, which have no times: give fps")
        if fps is not None and not fps > 0:
            raise ValueError(f"a replay needs more than 0 frames per second, found {fps}")
        self._source, self._fps, self._repeat = source, fps, repeat
        self._clock = clock or RealClock()
        self._frames: Iterator[np.ndarray] | None = None
        self._ahead: np.ndarray | None = None
        self._number, self._begun_s = 0, 0.0

    def open(self) -> CameraFacts:
        """Open the recording and look at its first frame."""
        rate = self._fps or _video_rate(self._source)
        self._fps = rate
        self._frames = _pictures(self._source)
        self._ahead = next(self._frames, None)
        if self._ahead is None:
            raise ValueError(f"{self._source} holds no frame to replay")
        return CameraFacts(
            backend="replay",
            model=str(self._source),
            width_px=self._ahead.shape[1],
            height_px=self._ahead.shape[0],
            fps=rate,
            has_ids=True,
            has_times=True,
            waits=self._clock.virtual,
            simulated=True,
        )

    def start(self) -> None:
        """Begin now."""
        self._begun_s = self._clock.now()

    def grab(self, timeout_s: float) -> GrabbedFrame:
        """Give the next frame at its time."""
        if self._frames is None or self._fps is None:
            raise RuntimeError("open the replay before grabbing")
        due_s = self._begun_s + self._number / self._fps
        if not self._clock.wait_until(due_s, timeout_s=timeout_s):
            raise TimeoutError("the next frame is not due yet")
        image = self._next()
        self._number += 1
        host_s = due_s if self._clock.virtual else self._clock.now()
        return GrabbedFrame(image, self._number, (self._number - 1) / self._fps, host_s)

    def stop(self) -> None:
        """Give no more frames."""

    def close(self) -> None:
        """Let go of the recording."""
        self._frames = self._ahead = None

    def _next(self) -> np.ndarray:
        image, self._ahead = self._ahead, None
        if image is None and self._frames is not None:
            image = next(self._frames, None)
            if image is None and self._repeat:
                self._frames = _pictures(self._source)
                image = next(self._frames, None)
        if image is None:
            raise EndOfFrames(f"{self._source} is at its end")
        return image


def _video_rate(path: Path) -> float:
    with _open(path) as container:
        rate = container.streams.video[0].average_rate
    if not rate:
        raise ValueError(f"{path} does not say how many frames it has per second: give fps")
    return float(rate)


def _open(path: Path) -> Any:
    import av

    try:
        container = av.open(str(path))
    except av.error.FFmpegError as error:
        raise ValueError(f"{path} is not a readable video ({error}): name another file to replay") from None
    if not container.streams.video:
        container.close()
        raise ValueError(f"{path} has no pictures: name a video to replay")
    return container


def _pictures(source: Path) -> Iterator[np.ndarray]:
    """Yield grey frames, uint8, as they are stored."""
    if not source.is_dir():
        with _open(source) as container:
            for frame in container.decode(video=0):
                yield _luma(frame) if frame.format.name in STORED_AS_GREY else frame.to_ndarray(format="gray")
        return
    import cv2

    for path in sorted(path for path in source.iterdir() if path.suffix.lower() in SUFFIXES):
        picture = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_GRAYSCALE)
        if picture is None:
            raise ValueError(f"{path} is not a readable picture: take it out of the folder")
        yield np.asarray(picture, np.uint8)


def _luma(frame: Any) -> np.ndarray:
    """The first plane: grey values as stored, without a change of range."""
    plane = frame.planes[0]
    rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
    return rows[: frame.height, : frame.width].copy()
