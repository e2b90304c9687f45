"""The camera that the rig file names."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hardware.cameras.backend import CameraBackend
from hardware.cameras.settings import CameraSettings
from hardware.clocks import Clock


def make_camera(
    settings: CameraSettings, *, clock: Clock | None = None, rng: np.random.Generator | None = None
) -> CameraBackend:
    """Return the camera of a rig; nothing is connected before it is opened.

    Parameters
    ----------
    settings
        Section ``[camera]`` of the rig file.
    clock
        The session's clock, for cameras that are simulated or replayed; None is the computer's own.
    rng
        Source of randomness of a drawn mouse; None takes a fixed seed.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is nothing to replay.

    Examples
    --------
    >>> type(make_camera(CameraSettings(backend="pylon", fps=30))).__name__
    'PylonCamera'
    """
    name = settings.backend
    if name == "pylon":
        from hardware.cameras.pylon import PylonCamera

        return PylonCamera(settings)
    if name == "flir":
        from hardware.cameras.flir import FlirCamera

        return FlirCamera(settings)
    if name == "genicam":
        from hardware.cameras.genicam import GenicamCamera

        return GenicamCamera(settings)
    if name == "opencv":
        from hardware.cameras.opencv import OpenCVCamera

        return OpenCVCamera(settings)
    if name == "replay":
        from hardware.cameras.replay import ReplayCamera

        return ReplayCamera(Path(settings.source or ""), fps=settings.fps, repeat=True, clock=clock)
    from hardware.simulated.mouse_camera import SyntheticCamera

    return SyntheticCamera(
        fps=settings.fps,
        width_px=settings.width_px or 640,
        height_px=settings.height_px or 480,
        clock=clock,
        rng=rng or np.random.default_rng(1),
    )
