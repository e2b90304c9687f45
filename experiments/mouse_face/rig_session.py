"""The surroundings of a real session: the device and the camera that the rig file names."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from experiments.mouse_face.live import CALIBRATION, MASKS, RIG, VIDEO
from experiments.mouse_face.parts import Order, Output
from experiments.mouse_face.planning import SessionPlan
from experiments.mouse_face.rig_delivery import RigDelivery
from experiments.mouse_face.room import check_room
from experiments.mouse_face.simulated import surroundings as simulated
from experiments.mouse_face.stopping import Watch
from hardware.cameras.choose import make_camera
from hardware.cameras.codecs import loss_warning
from hardware.cameras.preview import Preview, set_up
from hardware.cameras.recorder import FrameRecorder
from hardware.cameras.settings import CameraSettings
from hardware.clocks import RealClock
from hardware.delivery.limits import Limits
from hardware.delivery.mouse_rig import MouseRig
from hardware.mouse_settings import COMPILED_FIRMWARE, read_mouse_rig

TICK_S = 0.005
"""How often keys, device and camera are looked at (s). Our choice."""
TRIGGER_US = 1000
"""Length of the pulse that triggers a frame (µs). Our choice."""
LAMP_US = 200_000
"""How long the lamp in view is on with each trial (µs): several frames. Our choice."""
MARGIN_S = 600.0
"""So much longer than planned a camera is triggered: someone may be waited for (s). Our choice."""


@dataclass(frozen=True, kw_only=True)
class OpenedRig:
    """A rig as its file says, with its valves' calibration."""

    port: str
    """Address of the device, or ``compiled-firmware``."""
    limits: Limits
    """What a session may give."""
    open_ms: Callable[[str, float], float]
    """Turns a valve and a volume (µl) into how long it opens (ms)."""
    camera: CameraSettings
    """The camera."""
    text: str
    """Content of the rig file."""
    calibration: str = ""
    """Content of the calibration."""
    simulated: bool = False
    """Whether the file says that no animal is there."""
    liquids: Mapping[str, str] = field(default_factory=dict)
    """Valve -> what is in it."""


def read(path: Path) -> OpenedRig:
    """Read a rig file, with the calibration of its valves beside it.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, or something in it cannot be right.
    """
    settings = read_mouse_rig(path)
    if settings.camera is None:
        raise ValueError(
            f"{path} has no section [camera]: a session films the face; hardware/rigs/mouse_example.toml "
            "shows one"
        )
    uncalibrated = settings.simulated and not settings.calibrations
    return OpenedRig(
        port=settings.port,
        limits=settings.limits,
        open_ms=simulated.open_ms if uncalibrated else settings.open_ms,
        camera=settings.camera,
        text=settings.text,
        calibration=simulated.VALVES if uncalibrated else settings.calibration_text,
        simulated=settings.simulated,
        liquids=settings.liquids,
    )


class RigSession:
    """Clock, delivery and camera of a session with a rig.

    Parameters
    ----------
    plan : SessionPlan
        What the session will be.
    folder : Path
        Its live folder, which need not exist yet.
    rig : OpenedRig
        The rig.
    preview : bool
        Whether the live picture is shown, where there is a screen.
    """

    tick_s = TICK_S

    def __init__(self, plan: SessionPlan, folder: Path, rig: OpenedRig, *, preview: bool) -> None:
        self.clock = RealClock()
        self._plan, self._folder, self._opened = plan, folder, rig
        self._preview = preview and has_screen()
        self._stack = ExitStack()
        self.rig = MouseRig(rig.port, limits=rig.limits)

    @property
    def cautions(self) -> tuple[str, ...]:
        """What the experimenter should know of the rig file before the session."""
        lossy = loss_warning(self._opened.camera.codec)
        return () if lossy is None else (lossy,)

    @staticmethod
    def wall() -> float:
        """Return the time of day (s since 1970)."""
        return time.time()

    @property
    def trigger(self) -> Order | None:
        """What makes the device trigger the camera; None where the camera runs by itself."""
        camera = self._opened.camera
        if camera.trigger_line is None:
            return None
        period_us = round(1e6 / camera.fps)
        n_pulses = int((self._plan.duration_s + MARGIN_S) * camera.fps)
        return Order(0, (Output("camera", min(TRIGGER_US, period_us // 2), n_pulses, period_us),))

    def open(self) -> tuple[RigDelivery, FrameRecorder]:
        """Open the camera, see whether the disk has room, and connect the device.

        Raises
        ------
        ValueError, ConnectionError, ImportError
            If something is not there; the message says what to do.
        """
        settings = self._opened.camera
        if self._preview:
            set_up(make_camera(settings), masks=self._folder / MASKS, start_from=self._earlier_masks())
        backend = make_camera(settings)
        self._stack.callback(backend.close)
        recorder = FrameRecorder(backend, self._folder, name=Path(VIDEO).stem, codec=settings.codec)
        facts = recorder.open()
        check_room(self._folder, facts=facts, codec=settings.codec, duration_s=self._plan.duration_s)
        if self._opened.port == COMPILED_FIRMWARE:
            from hardware.simulated.compiled_rig import CompiledRig

            self.rig = MouseRig(self._stack.enter_context(CompiledRig()).address, limits=self._opened.limits)
        self._stack.callback(self.rig.close)
        self.rig.connect()
        return RigDelivery(self.rig), recorder

    def _earlier_masks(self) -> Path | None:
        """Return the regions that were drawn last for this animal."""
        found = [path for path in self._folder.parent.glob(f"ses-*/{MASKS}") if path.is_file()]
        return max(found, key=lambda path: path.stat().st_mtime, default=None)

    @property
    def lamp(self) -> Output | None:
        """What goes on with every trial, where a lamp in view joins the clocks; None elsewhere."""
        return Output("aux", LAMP_US) if self._opened.camera.sync == "lamp" else None

    def facts(self, recorder: FrameRecorder) -> dict[str, Any]:
        """Return what ``session.json`` says of the surroundings."""
        camera = recorder.facts
        return {
            "device": self.rig.facts,
            "ceilings": {name: asdict(ceilings) for name, ceilings in self.rig.ceilings.items()},
            "limits": {**asdict(self._opened.limits), "pulse_us": dict(self._opened.limits.pulse_us)},
            "port": self._opened.port,
            "camera": None if camera is None else asdict(camera),
            "camera_settings": self._opened.camera.record(),
            "codec": recorder.codec,
        }

    def texts(self) -> dict[str, str]:
        """Return the files that go with the session."""
        found = {RIG: self._opened.text}
        if self._opened.calibration:
            found[CALIBRATION] = self._opened.calibration
        return found

    def begin(self, trial: int) -> None:
        """Do nothing: the animal feels by itself what is delivered."""

    def show_preview(self, stack: ExitStack, recorder: FrameRecorder, watch: Watch) -> None:
        """Show the live picture while the session runs; closing its window ends the session."""
        if not self._preview or recorder.facts is None:
            return
        preview = Preview(recorder, recorder.facts, title=f"{self._plan.animal.animal} {self._plan.session}")
        preview.open()
        stack.callback(preview.close)
        watch.closed = lambda: preview.wants_stop or (preview.is_seen and not preview.is_open)

    def finish(self) -> None:
        """Switch off what was started for the session."""
        self._stack.close()


def has_screen() -> bool:
    """Say whether a window can be opened here, as far as the environment tells."""
    return not sys.platform.startswith("linux") or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )
