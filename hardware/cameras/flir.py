"""Cameras of Teledyne FLIR, through Spinnaker. Its Python package is not on PyPI: it comes with the SDK.

Written after the maker's interface; not yet run with a camera. The GenICam backend drives the same cameras
with the producer that the SDK brings.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from hardware.cameras.backend import CameraFacts, CameraGone, GrabbedFrame
from hardware.cameras.features import Value, apply_features
from hardware.cameras.settings import CameraSettings

N_BUFFERS = 64
"""Frames that Spinnaker keeps until they are grabbed. Our choice: 0.6 s at 100 frames per second."""
TIMED_OUT = -1011
"""Spinnaker's number of an error: nothing came in time."""


class FlirCamera:
    """A camera of Teledyne FLIR.

    Parameters
    ----------
    settings
        Section ``[camera]`` of the rig file.
    """

    def __init__(self, settings: CameraSettings) -> None:
        self._settings = settings
        self._system: Any = None
        self._cameras: Any = None
        self._camera: Any = None

    def open(self) -> CameraFacts:
        """Connect and set everything."""
        spin = import_spin()
        self._system = spin.System.GetInstance()
        self._cameras = self._system.GetCameras()
        try:
            self._camera = self._choose()
            self._camera.Init()
            told = apply_features(self._settings, self._write)
            self._keep_every_frame()
            return self._facts(told)
        except spin.SpinnakerException as error:
            self.close()
            raise ConnectionError(
                f"the camera cannot be opened ({error}): is another program, such as SpinView, using it?"
            ) from None
        except BaseException:
            self.close()
            raise

    def start(self) -> None:
        """Grab every frame, in order."""
        self._camera.BeginAcquisition()

    def grab(self, timeout_s: float) -> GrabbedFrame:
        """Wait for the next frame."""
        spin = import_spin()
        try:
            image = self._camera.GetNextImage(max(1, round(timeout_s * 1e3)))
        except spin.SpinnakerException as error:
            if getattr(error, "errorcode", None) == TIMED_OUT:
                raise TimeoutError("no frame came") from None
            raise CameraGone(f"the camera does not answer ({error}): look at its cable") from None
        host_s = time.perf_counter()
        try:
            whole = not image.IsIncomplete()
            pixels = np.array(image.GetNDArray(), np.uint8) if whole else None
            return GrabbedFrame(
                pixels,
                int(image.GetFrameID()),
                int(image.GetTimeStamp()) * 1e-9,
                host_s,
                "ok" if whole else "incomplete",
            )
        finally:
            image.Release()

    def stop(self) -> None:
        """Expose no more frames."""
        if self._camera is not None and self._camera.IsStreaming():
            self._camera.EndAcquisition()

    def close(self) -> None:
        """Release the camera, the list and the system, in the order that Spinnaker wants."""
        camera, self._camera = self._camera, None
        if camera is not None and camera.IsInitialized():
            camera.DeInit()
        del camera
        if self._cameras is not None:
            self._cameras.Clear()
            self._cameras = None
        if self._system is not None:
            self._system.ReleaseInstance()
            self._system = None

    def _choose(self) -> Any:
        serial, n_found = self._settings.serial, self._cameras.GetSize()
        if serial is None and n_found == 1:
            return self._cameras.GetByIndex(0)
        camera = None if serial is None else self._cameras.GetBySerial(serial)
        if camera is None or not camera.IsValid():
            raise ConnectionError(
                f"Spinnaker finds {n_found} cameras, and not the one with serial = {serial!r}: is it plugged "
                "in? Say which in [camera] of the rig file"
            )
        return camera

    def _keep_every_frame(self) -> None:
        stream = self._camera.GetTLStreamNodeMap()
        for name, value in (
            ("StreamBufferHandlingMode", "OldestFirst"),
            ("StreamBufferCountMode", "Manual"),
            ("StreamBufferCountManual", N_BUFFERS),
        ):
            _write_node(stream.GetNode(name), value)

    def _facts(self, told: dict[str, str]) -> CameraFacts:
        spin = import_spin()
        nodes, device = self._camera.GetNodeMap(), self._camera.GetTLDeviceNodeMap()

        def text(name: str) -> str:
            return str(spin.CStringPtr(device.GetNode(name)).GetValue())

        return CameraFacts(
            backend="flir",
            model=text("DeviceModelName"),
            serial=text("DeviceSerialNumber"),
            width_px=int(spin.CIntegerPtr(nodes.GetNode("Width")).GetValue()),
            height_px=int(spin.CIntegerPtr(nodes.GetNode("Height")).GetValue()),
            fps=self._settings.fps,
            exposure_us=float(spin.CFloatPtr(nodes.GetNode("ExposureTime")).GetValue()),
            gain_db=float(spin.CFloatPtr(nodes.GetNode("Gain")).GetValue()),
            has_ids=True,
            has_times=True,
            settings=told,
        )

    def _write(self, name: str, value: Value) -> bool:
        return _write_node(self._camera.GetNodeMap().GetNode(name), value)


def _write_node(node: Any, value: Value) -> bool:
    """Set a feature, rounded to what the camera can; False where there is none, or it is locked."""
    spin = import_spin()
    if node is None or not spin.IsWritable(node):
        return False
    kind = node.GetPrincipalInterfaceType()
    if kind == spin.intfIEnumeration:
        choice = spin.CEnumerationPtr(node)
        choice.SetIntValue(choice.GetEntryByName(str(value)).GetValue())
    elif kind == spin.intfIInteger:
        whole = spin.CIntegerPtr(node)
        low, step = whole.GetMin(), whole.GetInc()
        whole.SetValue(low + round((float(value) - low) / step) * step)
    elif kind == spin.intfIBoolean:
        spin.CBooleanPtr(node).SetValue(bool(value))
    else:
        spin.CFloatPtr(node).SetValue(float(value))
    return True


def import_spin() -> Any:
    """Return Spinnaker's module.

    Raises
    ------
    ImportError
        If it is not installed, with what to do.
    """
    try:
        import PySpin
    except ImportError as error:
        raise ImportError(
            f"FLIR cameras need PySpin ({error}): install the Spinnaker SDK of Teledyne and the Python "
            'package that comes with it, or use backend = "genicam" with its producer'
        ) from None
    return PySpin
