"""A simulated session's video: lossless FFV1 in Matroska, every frame with its own time stamp."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from hardware.simulated.mouse_behaviour import FaceCourse
from hardware.simulated.mouse_face import Camera, MouseFace

MILLISECOND = Fraction(1, 1000)
"""Resolution of the time stamps in a Matroska file."""


def film(
    face: MouseFace, course: FaceCourse, *, noise_sd: float, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    """Draw the frames of a session, one by one.

    Parameters
    ----------
    face : MouseFace
        The animal.
    course : FaceCourse
        What its face does.
    noise_sd : float
        Noise of the camera (grey levels).
    rng : numpy.random.Generator
        Source of randomness.

    Yields
    ------
    numpy.ndarray
        Shape ``(height, width)``, uint8.
    """
    camera = Camera(width=face.width, height=face.height, noise_sd=noise_sd, rng=rng)
    for frame in range(len(course.times_s)):
        yield camera.expose(face.draw(course.pose(frame)), gain=float(course.gain[frame]))


def camera_times(
    duration_s: float, *, fps: float, rng: np.random.Generator, jitter_s: float = 2e-5, n_dropped: int = 0
) -> np.ndarray:
    """Return when a camera takes its frames (s): nearly, not exactly, evenly; some may be lost.

    Raises
    ------
    ValueError
        If the rate is not positive, or no frame is left.

    Examples
    --------
    >>> len(camera_times(2.0, fps=30, rng=np.random.default_rng(1), n_dropped=3))
    57
    """
    if not fps > 0:
        raise ValueError(f"a camera takes more than 0 frames per second, found {fps}")
    n_frames = round(duration_s * fps)
    if n_frames - n_dropped < 1:
        raise ValueError(f"{duration_s} s at {fps} frames per second, less {n_dropped} lost, is no video")
    steps_s = np.full(n_frames, 1 / fps) + np.clip(rng.normal(0, jitter_s, n_frames), -0.2 / fps, 0.2 / fps)
    times_s = np.cumsum(steps_s) - steps_s[0]
    return np.delete(times_s, rng.choice(np.arange(1, n_frames), n_dropped, replace=False))


def write_video(
    frames: Iterable[np.ndarray],
    times_s: np.ndarray,
    path: Path,
    *,
    fps: float,
    on_frame: Callable[[], object] | None = None,
) -> None:
    """Write a grey video that keeps every pixel, and is whole under its name or not there.

    Parameters
    ----------
    frames : iterable of numpy.ndarray
        Each of shape ``(height, width)``, uint8.
    times_s : numpy.ndarray
        Time of each frame (s from the first one is what the file keeps, in milliseconds).
    path : Path
        A new file, ``.mkv``.
    fps : float
        Rate that the header names.
    on_frame : callable, optional
        Called after each frame.

    Raises
    ------
    FileExistsError
        If there is such a file.
    ValueError
        If there are not as many frames as times.
    """
    import av

    if path.exists():
        raise FileExistsError(f"{path} exists, and nothing is ever written over")
    unfinished = path.with_name(f"{path.stem}.unfinished{path.suffix}")
    with av.open(str(unfinished), "w", format="matroska", options={"fflags": "+bitexact"}) as container:
        stream = None
        for frame, time_s in zip(frames, times_s, strict=True):
            if stream is None:
                stream = container.add_stream("ffv1", rate=Fraction(fps).limit_denominator(1001))
                stream.height, stream.width = frame.shape
                stream.pix_fmt, stream.thread_count = "gray", 1
                stream.options = {"level": "3", "slices": "4", "g": "1", "flags": "+bitexact"}
                stream.codec_context.time_base = MILLISECOND
            picture = av.VideoFrame.from_ndarray(frame, format="gray")
            picture.pts, picture.time_base = round(float(time_s - times_s[0]) * 1000), MILLISECOND
            container.mux(stream.encode(picture))
            if on_frame is not None:
                on_frame()
        if stream is None:
            raise ValueError("a video needs at least one frame")
        container.mux(stream.encode(None))
    unfinished.replace(path)
