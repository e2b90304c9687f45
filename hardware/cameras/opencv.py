"""Webcams and addresses that OpenCV can open. They neither count frames nor have a clock: for trials.

Exposure and gain have other units in every driver, so that they are left as they are; automatic exposure is
switched off where the driver can.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from hardware.cameras.backend import CameraFacts, CameraGone, GrabbedFrame
from hardware.cameras.settings import CameraSettings

MOST_FAILURES = 5
"""After so many reads without a frame the camera is gone."""


class OpenCVCamera:
    """A camera that OpenCV opens.

    Parameters
    ----------
    settings
        Section ``[camera]`` of the rig file; `source` is the number of the webcam (None is 0), or an address.
    """

    def __init__(self, settings: CameraSettings) -> None:
        self._settings, self._capture = settings, None
        self._size = (0, 0)
        self._n_failures = 0

    _capture: Any

    def open(self) -> CameraFacts:
        """Connect, and look at a first frame for its size."""
        import cv2

        settings = self._settings
        source = settings.source or "0"
        self._capture = cv2.VideoCapture(int(source) if source.isdecimal() else source)
        if not self._capture.isOpened():
            self.close()
            raise ConnectionError(
                f"OpenCV cannot open camera {source}: is it plugged in, and not used by another program? "
                "Cameras are numbered from 0"
            )
        told = {}
        for name, wanted in (
            ("FRAME_WIDTH", settings.width_px),
            ("FRAME_HEIGHT", settings.height_px),
            ("FPS", settings.fps),
            ("AUTO_EXPOSURE", 1),
            ("AUTO_WB", 0),
        ):
            if wanted is not None and self._capture.set(getattr(cv2, f"CAP_PROP_{name}"), wanted):
                told[name] = f"{wanted:g}"
        image = self._read()
        if image is None:
            self.close()
            raise ConnectionError(f"OpenCV opens camera {source}, but gets no frame: try another one")
        self._size = (image.shape[0], image.shape[1])
        asked = (settings.height_px or self._size[0], settings.width_px or self._size[1])
        if asked != self._size:
            self.close()
            raise ValueError(
                f"the camera gives frames of {image.shape[1]} x {image.shape[0]} px, not {asked[1]} x "
                f"{asked[0]}: write a width_px and height_px that it has into [camera], or leave them out"
            )
        return CameraFacts(
            backend="opencv",
            model=f"camera {source}",
            width_px=image.shape[1],
            height_px=image.shape[0],
            fps=settings.fps,
            has_ids=False,
            has_times=False,
            settings=told,
        )

    def start(self) -> None:
        """Nothing to do: it runs since it was opened."""

    def grab(self, timeout_s: float) -> GrabbedFrame:
        """Wait for the next frame; OpenCV itself decides how long."""
        image = self._read()
        host_s = time.perf_counter()
        if image is None:
            self._n_failures += 1
            if self._n_failures >= MOST_FAILURES:
                raise CameraGone("the camera gives no frames any more: look at its cable")
            time.sleep(min(timeout_s, 0.05))
            raise TimeoutError("no frame came")
        self._n_failures = 0
        return GrabbedFrame(image, None, None, host_s)

    def stop(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Release the camera."""
        capture, self._capture = self._capture, None
        if capture is not None:
            capture.release()

    def _read(self) -> np.ndarray | None:
        """The next frame in grey, of its own memory; None if there is none."""
        import cv2

        if self._capture is None:
            raise CameraGone("the camera was closed")
        came, image = self._capture.read()
        if not came or image is None:
            return None
        grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        return np.ascontiguousarray(grey, np.uint8)
