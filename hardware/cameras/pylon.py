"""Basler's cameras, through pylon: ``pip install "countenance[basler]"``.

Tested with pylon's camera emulator (environment variable ``PYLON_CAMEMU=1``), which counts frames but has no
clock of its own.
"""

from __future__ import annotations

import time
import warnings
from typing import Any

import numpy as np

from hardware.cameras.backend import CameraFacts, CameraGone, GrabbedFrame
from hardware.cameras.features import Value, apply_features
from hardware.cameras.settings import CameraSettings

N_BUFFERS = 64
"""Frames that pylon itself keeps until they are grabbed. Our choice: 0.6 s at 100 frames per second."""


class PylonCamera:
    """A camera of Basler.

    Parameters
    ----------
    settings
        Section ``[camera]`` of the rig file.
    """

    def __init__(self, settings: CameraSettings) -> None:
        self._settings = settings
        self._camera: Any = None
        self._tick_s = 1e-9

    def open(self) -> CameraFacts:
        """Connect and set everything."""
        pylon = import_pylon()
        factory = pylon.TlFactory.GetInstance()
        info = _choose(list(factory.EnumerateDevices()), self._settings.serial)
        try:
            self._camera = pylon.InstantCamera(factory.CreateDevice(info))
            self._camera.Open()
        except pylon.GenericException as error:
            raise ConnectionError(
                f"the camera {info.GetSerialNumber()} cannot be opened ({_first_line(error)}): is another "
                "program, such as pylon Viewer, using it?"
            ) from None
        try:
            told = apply_features(self._settings, self._write)
            self._camera.MaxNumBuffer.Value = N_BUFFERS
            tick_hz = self._read("GevTimestampTickFrequency")
            self._tick_s = 1 / float(tick_hz) if tick_hz else 1e-9
            return self._facts(info, told)
        except BaseException:
            self.close()
            raise

    def start(self) -> None:
        """Grab every frame, in order."""
        pylon = import_pylon()
        self._camera.StartGrabbing(pylon.GrabStrategy_OneByOne)

    def grab(self, timeout_s: float) -> GrabbedFrame:
        """Wait for the next frame."""
        pylon = import_pylon()
        try:
            result = self._camera.RetrieveResult(max(1, round(timeout_s * 1e3)), pylon.TimeoutHandling_Return)
        except pylon.GenericException as error:
            raise CameraGone(
                f"the camera does not answer ({_first_line(error)}): look at its cable"
            ) from None
        host_s = time.perf_counter()
        if result is None or not result.IsValid():
            if self._camera.IsCameraDeviceRemoved():
                raise CameraGone("the camera was unplugged: look at its cable")
            raise TimeoutError("no frame came")
        try:
            whole = result.GrabSucceeded()
            image = np.array(result.Array, np.uint8) if whole else None
            ticks = int(result.TimeStamp)
            return GrabbedFrame(
                image,
                int(result.BlockID) if whole else None,
                ticks * self._tick_s if ticks else None,
                host_s,
                "ok" if whole else "incomplete",
            )
        finally:
            result.Release()

    def stop(self) -> None:
        """Expose no more frames."""
        if self._camera is not None and self._camera.IsGrabbing():
            self._camera.StopGrabbing()

    def close(self) -> None:
        """Release the camera."""
        camera, self._camera = self._camera, None
        if camera is not None:
            camera.Close()

    def _facts(self, info: Any, told: dict[str, str]) -> CameraFacts:
        def number(*names: str) -> float | None:
            return next((float(value) for name in names if (value := self._read(name)) is not None), None)

        is_emulated = info.GetDeviceClass() == "BaslerCamEmu"
        return CameraFacts(
            backend="pylon",
            model=info.GetModelName(),
            serial=info.GetSerialNumber(),
            width_px=int(self._camera.Width.Value),
            height_px=int(self._camera.Height.Value),
            fps=number("ResultingFrameRate", "ResultingFrameRateAbs") or self._settings.fps
            if self._settings.trigger_line is None
            else self._settings.fps,
            exposure_us=number("ExposureTime", "ExposureTimeAbs"),
            gain_db=number("Gain"),
            has_ids=True,
            has_times=not is_emulated,
            simulated=is_emulated,
            settings=told,
        )

    def _write(self, name: str, value: Value) -> bool:
        """Set a feature, rounded to what the camera can; False where it has none of that name."""
        node = self._node(name)
        if node is None:
            return False
        from pypylon import genicam

        if isinstance(node, genicam.IInteger):
            value = node.Min + round((float(value) - node.Min) / node.Inc) * node.Inc
        elif isinstance(node, genicam.IFloat):
            value = float(value)
        node.Value = value
        return True

    def _read(self, name: str) -> Any:
        node = self._node(name)
        return None if node is None else node.Value

    def _node(self, name: str) -> Any:
        """A feature that the camera has and lets be used now."""
        pylon = import_pylon()
        try:
            node = getattr(self._camera, name)
            return node if node.IsReadable() else None
        except (pylon.GenericException, AttributeError):
            return None


def import_pylon() -> Any:
    """Return pylon's module.

    Raises
    ------
    ImportError
        If it is not installed, with what to do.
    """
    try:
        with warnings.catch_warnings():  # its modules crash where their own warnings are errors
            warnings.simplefilter("ignore")
            from pypylon import pylon
    except ImportError as error:
        raise ImportError(
            f"Basler cameras need pypylon ({error}): pip install pypylon, or choose another backend in "
            "[camera] of the rig file"
        ) from None
    return pylon


def _choose(found: list[Any], serial: str | None) -> Any:
    names = [f"{info.GetModelName()} ({info.GetSerialNumber()})" for info in found]
    chosen = [info for info in found if serial in (None, info.GetSerialNumber())]
    if not chosen:
        wanted = "camera of Basler" if serial is None else f"camera with the serial number {serial}"
        there = ", ".join(names) or "none"
        raise ConnectionError(f"there is no {wanted}; found: {there}. Is it plugged in, and its power on?")
    if len(chosen) > 1:
        raise ConnectionError(
            f"there are several cameras: {', '.join(names)}. Say which by serial = in [camera] of the rig"
        )
    return chosen[0]


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
