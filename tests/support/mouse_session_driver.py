"""Sessions in real time with a device at an address and a drawn mouse, for tests that interrupt them."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pynwb.event  # noqa: F401 (imported once, for all sessions)

from experiments.mouse_face import command, rig_session
from experiments.mouse_face.choices import Choices
from experiments.mouse_face.live import session_folder
from experiments.mouse_face.planning import make_plan
from experiments.mouse_face.stopping import Watch
from hardware.cameras.backend import CameraFacts, CameraGone, GrabbedFrame
from hardware.cameras.settings import CameraSettings
from hardware.delivery.limits import Limits

FPS, SIZE_PX = 20.0, (96, 72)


class SmallCamera:
    """A camera that needs next to no processor: noise, drawn once."""

    def __init__(
        self,
        *,
        gone_after_s: float = 1e9,
        silent_after_s: float = 1e9,
        size_px: Sequence[int] = SIZE_PX,
    ) -> None:
        self._gone_after_s, self._silent_after_s = gone_after_s, silent_after_s
        self._size_px = size_px
        self._image = np.random.default_rng(1).integers(0, 255, size_px[::-1], dtype=np.uint8)
        self._number, self._began_s = 0, 0.0

    def open(self) -> CameraFacts:
        return CameraFacts(
            backend="test", model="small",
            width_px=self._size_px[0], height_px=self._size_px[1], fps=FPS, has_ids=True,
            has_times=True,
        )  # fmt: skip

    def start(self) -> None:
        self._began_s = time.perf_counter()

    def grab(self, timeout_s: float) -> GrabbedFrame:
        since_s = self._number / FPS
        if since_s >= self._gone_after_s:
            raise CameraGone("the camera was unplugged: look at its cable")
        if since_s >= self._silent_after_s:
            time.sleep(timeout_s)
            raise TimeoutError
        time.sleep(max(self._began_s + since_s - time.perf_counter(), 0.0))
        self._number += 1
        return GrabbedFrame(np.roll(self._image, self._number), self._number, since_s, time.perf_counter())

    def stop(self) -> None:
        pass

    def close(self) -> None:
        pass


def run_session(study: str, schedule: str, address: str, options: dict[str, Any]) -> None:
    """Run one session of animal m01; output goes into files beside the study, which is read from a pipe."""
    out = Path(study).parent / f"{Path(study).name}.out"
    with out.open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.stdout, sys.stderr = os.fdopen(1, "w", buffering=1), os.fdopen(2, "w", buffering=1)
    if "stdin" in options:
        os.dup2(os.open(options["stdin"], os.O_RDONLY), 0)
        sys.stdin = os.fdopen(0)
    raise SystemExit(_run(Path(study), Path(schedule), address, options))


def _run(study: Path, schedule: Path, address: str, options: dict[str, Any]) -> int:
    plan = make_plan(
        study,
        animal="m01",
        schedule=str(schedule),
        session=None,
        seed=1,
        values=(),
        stated={"sex": "F", "born": "P90D"},
        limits=Limits(n_shocks=20, current_ma=0.5, min_interval_s=0.1),
        open_ms=lambda channel, volume_ul: 100.0,
        simulated=False,
    )
    camera = CameraSettings(backend="synthetic", fps=FPS, width_px=SIZE_PX[0], height_px=SIZE_PX[1])
    opened = rig_session.OpenedRig(
        port=address,
        limits=plan.limits,
        open_ms=lambda channel, volume_ul: 100.0,
        camera=camera,
        text="# rig\n",
    )
    rig_session.make_camera = lambda settings: SmallCamera(**options.get("faults", {}))  # type: ignore
    if "most_bytes" in options:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (options["most_bytes"], resource.RLIM_INFINITY))
    if not options.get("asks"):
        Watch.answered = lambda self: True  # type: ignore[method-assign]
    if options.get("broken"):
        rig_session.RigSession.begin = _raise  # type: ignore[method-assign]
    folder = session_folder(study, "m01", plan.session)
    surroundings = rig_session.RigSession(plan, folder, opened, preview=False)
    choices = Choices(study=study, animal="m01", schedule=str(schedule))
    ended, closed = command._hold(plan, surroundings, choices)
    print(json.dumps({"ended": ended, "path": str(closed.path), "reason": closed.reason}), flush=True)
    return 0 if ended == "completed" else 1


def _raise(self: object, trial: int) -> None:
    if trial == 4:
        raise ZeroDivisionError("a fault of the program")
