"""A simulated session put together, and what only the simulation knows written beside the study."""

from __future__ import annotations

import time
import zlib
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from experiments.dataset.tables import write_table
from experiments.mouse_face.live import CALIBRATION, VIDEO
from experiments.mouse_face.planning import SessionPlan
from experiments.mouse_face.rig_delivery import RigDelivery
from experiments.mouse_face.simulated.session import START_S, SimulatedSession
from experiments.mouse_face.simulated.study import TRUTH, TRUTH_COLUMNS
from experiments.mouse_face.stopping import Watch
from hardware.cameras.recorder import FrameRecorder
from hardware.delivery.limits import Limits
from hardware.delivery.mouse_rig import MouseRig
from hardware.simulated.mouse_camera import CameraFaults

LIMITS = Limits(n_shocks=60, current_ma=1.0, min_interval_s=10.0)
"""Limits of a simulated session without a rig file: nobody is shocked."""
VALVES = "simulated: true\nopen_ms: 10 + 8 per microlitre\n"
"""Calibration of the simulated valves."""


@dataclass(frozen=True, kw_only=True)
class SimulationSettings:
    """How a session is simulated."""

    null: bool = False
    """Whether the face follows nothing that is delivered."""
    strength: float = 1.0
    """Strength of all expressions."""
    fps: float = 30.0
    """Frames per second."""
    width_px: int = 640
    """Width of the video."""
    height_px: int = 480
    """Height of the video."""
    speed: float | None = None
    """How many times faster than real time; None is as fast as the computer can."""
    faults: CameraFaults | None = None
    """What goes wrong with the camera."""


def open_ms(channel: str, volume_ul: float) -> float:
    """Return how long a simulated valve opens for a volume (ms).

    >>> open_ms("valve1", 4.0)
    42.0
    """
    return 10.0 + 8.0 * volume_ul


class Simulation:
    """Clock, delivery and camera of a simulated session.

    Parameters
    ----------
    plan : SessionPlan
        What the session will be.
    folder : Path
        Its live folder, which need not exist yet.
    settings : SimulationSettings
        How it is simulated.
    """

    def __init__(self, plan: SessionPlan, folder: Path, settings: SimulationSettings) -> None:
        own = zlib.crc32(plan.animal.animal.encode())
        self.session = SimulatedSession(
            plan.trials,
            site=plan.animal.site or "",
            group=plan.animal.group or "",
            fps=settings.fps,
            width_px=settings.width_px,
            height_px=settings.height_px,
            null=settings.null,
            strength=settings.strength,
            longest_s=plan.duration_s,
            faults=settings.faults,
            speed=settings.speed,
            animal_rng=np.random.default_rng(own),
            rng=np.random.default_rng([plan.seed, own]),
        )
        self.clock = self.session.clock
        self._began_wall = time.time()
        self.rig = MouseRig(self.session.twin.line(), limits=plan.limits, now=self.clock.now, threaded=False)
        self._folder = folder
        self._plan, self._settings = plan, settings
        self.tick_s = min(1 / settings.fps, 0.05)
        self.trigger = self.lamp = None

    def wall(self) -> float:
        """Return the time of day as it would be if the session took its time (s since 1970)."""
        return self._began_wall + self.clock.now() - START_S

    def open(self) -> tuple[RigDelivery, FrameRecorder]:
        """Connect the twin and open the camera."""
        recorder = FrameRecorder(self.session.camera, self._folder, name=Path(VIDEO).stem, now=self.clock.now)
        recorder.open()
        self.session.watch(recorder)
        self.rig.connect()
        return RigDelivery(self.rig, own_thread=False), recorder

    def facts(self, recorder: FrameRecorder) -> dict[str, Any]:
        """Return what ``session.json`` says of the surroundings."""
        camera = recorder.facts
        settings = {name: value for name, value in asdict(self._settings).items() if value is not None}
        return {
            "device": self.rig.facts,
            "camera": None if camera is None else asdict(camera),
            "codec": recorder.codec,
            "simulation": settings,
        }

    def texts(self) -> dict[str, str]:
        """Return the files that go with the session."""
        return {CALIBRATION: VALVES}

    def begin(self, trial: int) -> None:
        """Tell the mouse which trial it is in."""
        self.session.begin(trial)

    def show_preview(self, stack: ExitStack, recorder: FrameRecorder, watch: Watch) -> None:
        """Show nothing: a simulated session is over too fast."""

    def finish(self) -> None:
        """Write which expressions the drawn mouse made, beside the study and outside of its data."""
        folder = self._plan.study / TRUTH
        folder.mkdir(exist_ok=True)
        path = folder / f"sub-{self._plan.animal.animal}_ses-{self._plan.session}_expressions.tsv"
        path.unlink(missing_ok=True)
        rows = [asdict(episode) for episode in self.session.reactions.episodes()]
        for row in rows:
            row["start_s"] -= START_S
        write_table(path, list(TRUTH_COLUMNS), sorted(rows, key=lambda row: row["start_s"]))
