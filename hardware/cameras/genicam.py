"""Any camera with a GenTL producer of its maker, through harvesters.

Tested with the producer that comes with the package ``genicam`` (``viky.cti``), which simulates cameras.
"""

from __future__ import annotations

import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from hardware.cameras.backend import CameraFacts, CameraGone, GrabbedFrame
from hardware.cameras.features import Value, apply_features
from hardware.cameras.settings import CameraSettings

N_BUFFERS = 64
"""Frames that the producer keeps until they are grabbed. Our choice: 0.6 s at 100 frames per second."""


class GenicamCamera:
    """A camera behind a GenTL producer.

    Parameters
    ----------
    settings
        Section ``[camera]`` of the rig file; `producer` names the ``.cti`` file.
    """

    def __init__(self, settings: CameraSettings) -> None:
        self._settings = settings
        self._harvester: Any = None
        self._acquirer: Any = None
        self._told: dict[str, str] = {}

    def open(self) -> CameraFacts:
        """Connect and set everything."""
        harvester_class = import_harvester()
        producer = Path(self._settings.producer or "")
        if not producer.is_file():
            raise ConnectionError(
                f"there is no GenTL producer {producer}: install the maker's software, and name its .cti "
                "file in [camera] of the rig file"
            )
        self._harvester = harvester_class()
        try:
            return self._connect(producer)
        except BaseException:
            self.close()
            raise

    def _connect(self, producer: Path) -> CameraFacts:
        self._harvester.add_file(str(producer))
        self._harvester.update()
        info = self._choose()
        try:
            self._acquirer = self._harvester.create({"id_": info["id_"]})
        except Exception as error:
            raise ConnectionError(
                f"the camera {info.get('serial_number')} cannot be opened ({error}): is another program "
                "using it?"
            ) from None
        self._acquirer.num_buffers = max(N_BUFFERS, self._acquirer.min_num_buffers)
        self._told = apply_features(self._settings, self._write)
        return self._facts(info)

    def start(self) -> None:
        """Grab every frame, in order."""
        self._acquirer.start()

    def grab(self, timeout_s: float) -> GrabbedFrame:
        """Wait for the next frame; harvesters leaves damaged ones out, they show as jumps of the count."""
        try:
            buffer = self._acquirer.try_fetch(timeout=max(timeout_s, 1e-3))
        except Exception as error:
            raise CameraGone(f"the camera does not answer ({error}): look at its cable") from None
        host_s = time.perf_counter()
        if buffer is None:
            raise TimeoutError("no frame came")
        try:
            part = buffer.payload.components[0]
            image = np.array(part.data, np.uint8).reshape(part.height, part.width)
            ticks = int(buffer.timestamp)
            device_s = ticks / float(buffer.timestamp_frequency) if ticks else None
            return GrabbedFrame(image, int(buffer.module.frame_id), device_s, host_s)
        finally:
            buffer.queue()

    def stop(self) -> None:
        """Expose no more frames."""
        if self._acquirer is not None and self._acquirer.is_acquiring():
            self._acquirer.stop()

    def close(self) -> None:
        """Release the camera."""
        acquirer, self._acquirer = self._acquirer, None
        harvester, self._harvester = self._harvester, None
        if acquirer is not None:
            acquirer.destroy()
        if harvester is not None:
            harvester.reset()

    def _choose(self) -> dict[str, Any]:
        found = [entry.property_dict for entry in self._harvester.device_info_list]
        names = [f"{entry.get('model')} ({entry.get('serial_number')})" for entry in found]
        serial = self._settings.serial
        chosen = [entry for entry in found if serial in (None, entry.get("serial_number"))]
        if len(chosen) != 1:
            what = "there is no such camera" if not chosen else "there are several cameras"
            raise ConnectionError(
                f"{what}; {self._settings.producer} finds: {', '.join(names) or 'none'}. Is it plugged in? "
                "Say which by serial = in [camera] of the rig file"
            )
        return chosen[0]

    def _facts(self, info: dict[str, Any]) -> CameraFacts:
        def number(*names: str) -> float | None:
            return next((float(value) for name in names if (value := self._read(name)) is not None), None)

        return CameraFacts(
            backend="genicam",
            model=f"{info.get('vendor', '')} {info.get('model', '')}".strip(),
            serial=str(info.get("serial_number", "")),
            width_px=int(self._read("Width")),
            height_px=int(self._read("Height")),
            fps=self._settings.fps,
            exposure_us=number("ExposureTime", "ExposureTimeAbs"),
            gain_db=number("Gain"),
            has_ids=True,
            has_times=True,
            settings=self._told,
        )

    def _write(self, name: str, value: Value) -> bool:
        """Set a feature, rounded to what the camera can; False where it has none of that name."""
        node = self._node(name)
        if node is None:
            return False
        if hasattr(node, "inc") and isinstance(node.value, int) and not isinstance(value, (bool, str)):
            value = node.min + round((value - node.min) / node.inc) * node.inc
        elif isinstance(node.value, float):
            value = float(value)
        if node.value != value:
            node.value = value
        return True

    def _read(self, name: str) -> Any:
        node = self._node(name)
        return None if node is None else node.value

    def _node(self, name: str) -> Any:
        """A feature that the camera has and lets be read now."""
        nodes = self._acquirer.remote_device.node_map
        try:
            node = getattr(nodes, name) if nodes.has_node(name) else None
            return None if node is None or not hasattr(node, "value") else (node.value, node)[1]
        except Exception:  # the libraries of GenApi throw their own kinds
            return None


def import_harvester() -> Any:
    """Return the class ``Harvester``.

    Raises
    ------
    ImportError
        If harvesters is not installed, with what to do.
    """
    try:
        with warnings.catch_warnings():  # its modules crash where their own warnings are errors
            warnings.simplefilter("ignore")
            from harvesters.core import Harvester
    except ImportError as error:
        raise ImportError(
            f"GenICam cameras need harvesters ({error}): pip install harvesters, or choose another backend "
            "in [camera] of the rig file"
        ) from None
    return Harvester
