"""A session in real time with a device at an address and a drawn mouse, for tests that interrupt it.

python mouse_session_driver.py STUDY SCHEDULE ADDRESS [JSON of options]
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from experiments.mouse_face import command, rig_session
from experiments.mouse_face.choices import Choices
from experiments.mouse_face.live import session_folder
from experiments.mouse_face.planning import make_plan
from experiments.mouse_face.stopping import Watch
from hardware.cameras.settings import CameraSettings
from hardware.delivery.limits import Limits
from hardware.simulated.mouse_camera import CameraFaults, SyntheticCamera

FPS, SIZE_PX = 20.0, (96, 72)


def plan_of(study: Path, schedule: Path, session: str | None = None) -> Any:
    """Plan a session of animal m01."""
    return make_plan(
        study,
        animal="m01",
        schedule=str(schedule),
        session=session,
        seed=1,
        values=(),
        stated={"sex": "F", "born": "P90D"},
        limits=Limits(n_shocks=20, current_ma=0.5, min_interval_s=0.1),
        open_ms=lambda channel, volume_ul: 100.0,
        simulated=False,
    )


def main() -> None:
    """Run one session and print how it ended."""
    study, schedule, address = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    options = json.loads(sys.argv[4]) if len(sys.argv) > 4 else {}
    plan = plan_of(study, schedule, options.get("session"))
    camera = CameraSettings(backend="synthetic", fps=FPS, width_px=SIZE_PX[0], height_px=SIZE_PX[1])
    opened = rig_session.OpenedRig(
        port=address, limits=plan.limits, open_ms=lambda channel, volume_ul: 100.0, camera=camera, text="# rig\n"
    )
    faults = CameraFaults(**options.get("faults", {}))
    rig_session.make_camera = lambda settings: SyntheticCamera(  # type: ignore[assignment]
        fps=FPS, width_px=SIZE_PX[0], height_px=SIZE_PX[1], faults=faults, rng=np.random.default_rng(1)
    )
    folder = session_folder(study, "m01", plan.session)
    surroundings = rig_session.RigSession(plan, folder, opened, preview=False)
    choices = Choices(study=study, animal="m01", schedule=str(schedule))
    print(json.dumps({"folder": str(folder), "began": time.time()}), flush=True)
    if not options.get("asks"):
        Watch.answered = lambda self: True  # type: ignore[method-assign]
    ended, closed = command._hold(plan, surroundings, choices)
    print(json.dumps({"ended": ended, "path": str(closed.path), "reason": closed.reason}), flush=True)


if __name__ == "__main__":
    main()
