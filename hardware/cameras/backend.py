"""What the suite asks of a camera, and the frames that it gives.

A backend grabs; it neither queues nor writes nor shows. `hardware.cameras.recorder.FrameRecorder` does that
for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

import numpy as np

GrabStatus = Literal["ok", "incomplete"]
"""``ok``: a whole frame. ``incomplete``: the camera or the line lost a part of it."""


@dataclass(frozen=True, kw_only=True)
class CameraFacts:
    """What is known of a camera once it is open; goes into the session's record."""

    backend: str
    """Name of the backend, such as ``pylon``."""
    model: str
    """What the maker calls it; of a replay, the file."""
    serial: str = ""
    """Serial number; empty if there is none."""
    width_px: int
    """Width of the frames."""
    height_px: int
    """Height of the frames."""
    fps: float
    """Frames per second that the camera was asked for, or says that it gives."""
    exposure_us: float | None = None
    """Exposure time (microseconds); None if the camera does not say."""
    gain_db: float | None = None
    """Gain (dB); None if the camera does not say."""
    has_ids: bool
    """Whether frames carry the camera's own count."""
    has_times: bool
    """Whether frames carry the time of the camera's own clock, as far as is known before the first one."""
    waits: bool = False
    """Whether it waits for whoever takes the frames, as a replay may; a real camera never does."""
    simulated: bool = False
    """Whether the pictures are made up."""
    settings: dict[str, str] = field(default_factory=dict)
    """Everything else that was set, by the camera's own names."""


@dataclass(frozen=True, eq=False)
class GrabbedFrame:
    """One frame as it came. The picture belongs to whoever gets it: no backend writes into it again."""

    image: np.ndarray | None
    """Grey levels, uint8, ``(height_px, width_px)``; None where an incomplete frame has no picture."""
    device_id: int | None
    """The camera's own count; it goes on where frames are lost. None if the camera has none."""
    device_s: float | None
    """The camera's own clock (s); None if the camera has none."""
    host_s: float
    """The computer's clock when the frame had arrived (s)."""
    status: GrabStatus = "ok"
    """Whether it is whole."""


class CameraGone(ConnectionError):  # noqa: N818 (reads as what happened)
    """The camera does not answer any more: a cable, the power, or its driver."""


class EndOfFrames(Exception):  # noqa: N818 (not an error: a replay is at its end)
    """There are no more frames: a replay is at its end."""


@runtime_checkable
class CameraBackend(Protocol):
    """A camera. All methods but `open` are called from one thread."""

    def open(self) -> CameraFacts:
        """Connect, set exposure, gain, rate and region as asked, and say what came of it.

        Raises
        ------
        ImportError
            If the maker's library is not installed; the message says how to get it.
        ConnectionError
            If there is no such camera, or another program has it.
        ValueError
            If the camera cannot do what was asked.
        """

    def start(self) -> None:
        """Begin to expose frames."""

    def grab(self, timeout_s: float) -> GrabbedFrame:
        """Wait for the next frame.

        Raises
        ------
        TimeoutError
            If none came in this time.
        CameraGone
            If none will come any more.
        EndOfFrames
            If a replay is at its end.
        """

    def stop(self) -> None:
        """Expose no more frames; may be called twice."""

    def close(self) -> None:
        """Release the camera; may be called twice, and when it is gone."""
