"""The surroundings of a simulated session: a drawn mouse, a twin of the device, and a clock that is moved.

The mouse hears of a stimulus when the twin's output goes up, not from the schedule: what was not delivered
has no effect. Its licks reach the twin's lick detector, its exposures the twin's frame input, and the clocks
of camera and device run a little wrong, as real ones do.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from hardware.cameras.recorder import FrameRecorder
from hardware.clocks import VirtualClock
from hardware.simulated.mouse_behaviour import lick_times
from hardware.simulated.mouse_camera import CameraFaults, SyntheticCamera
from hardware.simulated.mouse_reactions import Reactions
from hardware.simulated.mouse_rig import SimulatedRig
from hardware.simulated.mouse_study import SITES

START_S = 5000.0
"""What the clock shows when a simulated session begins (s)."""
DEVICE_PPM = 40.0
"""How much faster the clock of the device runs than the computer's (ppm). Our choice: a usual quartz."""
EXPRESSIONS = {"salt low": "pleasure", "salt high": "disgust", "sucrose after": "disgust"} | {
    f"light {site}": expression for site, expression in SITES.items()
}
"""What the drawn mouse's face makes of stimuli, beside those of the twin."""
CONDITION_STRENGTH = {
    ("sucrose", "quenched"): 0.4,
    ("water", "quenched"): 0.15,
    ("water", "thirsty"): 0.75,
    ("sucrose", "after"): 0.8,
}
"""Strength of an expression in a state of the animal, where it is not 1; as in `mouse_study`."""
LIGHT_STRENGTH = 0.4
"""Strength that is left of an expression while light is on the pathway."""
STUCK_S = 60.0
"""A drawn camera that takes no picture for so long, in real time, is stuck (s)."""


class SimulatedClock(VirtualClock):
    """A clock that is moved from exposure to exposure, and waits until each was taken.

    Parameters
    ----------
    fps : float
        Frames per second of the camera.
    speed : float or None
        How many times faster than real time it goes at most; None is as fast as it can.
    """

    def __init__(self, *, fps: float, speed: float | None = None) -> None:
        super().__init__(START_S)
        self._fps, self._speed = fps, speed
        self._began = time.monotonic()
        self._changed = threading.Condition()
        self._first_s: float | None = None
        self._n_exposed = 0
        self.failed: Callable[[], bool] = lambda: False
        """Says whether the camera is gone, and need not be waited for."""
        self.moved: Callable[[], object] = lambda: None
        """Called whenever time has gone on."""

    def exposed(self, at_s: float) -> None:
        """Take note of an exposure; the camera calls it from its thread."""
        with self._changed:
            self._first_s = at_s if self._first_s is None else self._first_s
            self._n_exposed += 1
            self._changed.notify_all()

    def sleep(self, seconds: float) -> None:
        """Let time pass, exposure by exposure."""
        until_s = self.now() + max(seconds, 0.0)
        while (due_s := self._next_due()) is not None and due_s <= until_s:
            self._move_to(due_s)
            if not self._wait_for_exposure(due_s):
                break
        self._move_to(until_s)
        if self._first_s is None:
            time.sleep(0.0005)  # the camera's thread has not begun yet

    def _next_due(self) -> float | None:
        with self._changed:
            if self._first_s is None or self.failed():
                return None
            return self._first_s + self._n_exposed / self._fps + 1e-6

    def _move_to(self, at_s: float) -> None:
        if self._speed is not None:
            ahead_s = (at_s - START_S) / self._speed - (time.monotonic() - self._began)
            time.sleep(max(ahead_s, 0.0))
        super().sleep(max(at_s - self.now(), 0.0))
        self.moved()

    def _wait_for_exposure(self, due_s: float) -> bool:
        """Wait until the exposure that was due has been taken; False if the camera is gone."""
        began = time.monotonic()
        while True:
            with self._changed:
                if self._first_s is None or self._first_s + (self._n_exposed - 1) / self._fps >= due_s - 2e-6:
                    return True
                if self._changed.wait(0.05):
                    continue
            if self.failed() or time.monotonic() - began > STUCK_S:
                return False


@dataclass(frozen=True)
class Effect:
    """What the drawn mouse makes of a trial."""

    stimulus: str
    """Name that `Reactions` knows."""
    intensity: float
    """How strong, relative to the strongest."""
    licked: bool
    """Whether there is something to lick."""


def effect_of(plan: Mapping[str, object], strongest: Mapping[str, float], site: str, group: str) -> Effect:
    """Say what the drawn mouse makes of a trial that is delivered.

    Parameters
    ----------
    plan : mapping
        A row of the table of trials.
    strongest : mapping
        Stimulus -> its greatest intensity in the session.
    site, group : str
        Where the animal has its fibre and what it expresses; empty if it has none.

    Examples
    --------
    >>> effect_of({"stimulus": "quinine", "intensity": 1.0, "channel": "valve1"}, {"quinine": 10.0}, "", "")
    Effect(stimulus='quinine', intensity=0.7, licked=True)
    """
    name, condition = str(plan["stimulus"]), str(plan.get("condition") or "")
    value, most = _number(plan.get("intensity")), strongest.get(name, float("nan"))
    relative = value / most if value == value and most > 0 else 1.0
    strength = 1.0 if relative >= 1 else 0.7 if relative >= 0.1 else 0.35
    licked = str(plan.get("channel") or "").startswith("valve")
    if name == "laser":
        return Effect(f"light {site}" if group == "ChR2" else "no light", 1.0, False)
    if name == "salt":
        return Effect("salt low" if value <= 150 else "salt high", 0.85, licked)
    if name == "sucrose" and condition == "after":
        return Effect("sucrose after", CONDITION_STRENGTH[name, condition], licked)
    strength *= CONDITION_STRENGTH.get((name, condition), 1.0)
    if plan.get("laser") and group == "ChR2":
        strength *= LIGHT_STRENGTH
    return Effect(name, strength, licked)


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float, np.number)) else float("nan")


class SimulatedSession:
    """Twin, camera and mouse of one simulated session.

    Parameters
    ----------
    trials : pandas.DataFrame
        The table of trials.
    site, group : str
        Of the animal; empty if it has no fibre.
    fps : float
        Frames per second.
    width_px, height_px : int
        Size of the frames.
    null : bool
        Whether the face follows nothing.
    strength : float
        Strength of all expressions.
    longest_s : float
        Until when the null has its expressions (s from the start).
    speed : float or None
        How many times faster than real time it goes at most.
    faults : CameraFaults, optional
        What goes wrong with the camera.
    animal_rng, rng : numpy.random.Generator
        Source of randomness: of the animal, the same in all its sessions, and of the session.
    """

    def __init__(
        self,
        trials: pd.DataFrame,
        *,
        site: str,
        group: str,
        fps: float,
        width_px: int,
        height_px: int,
        null: bool,
        strength: float,
        longest_s: float,
        speed: float | None = None,
        faults: CameraFaults | None = None,
        animal_rng: np.random.Generator,
        rng: np.random.Generator,
    ) -> None:
        self.clock = SimulatedClock(fps=fps, speed=speed)
        self._trials: dict[int, dict[str, object]] = {
            int(row["trial"]): {str(name): value for name, value in row.items()}
            for row in trials.to_dict("records")
        }
        known = trials.dropna(subset=["intensity"])
        self._strongest = {str(k): float(v) for k, v in known.groupby("stimulus")["intensity"].max().items()}
        self._site, self._group = site, group
        self._now_trial: int | None = None
        self._told: set[int] = set()
        self.reactions = Reactions(
            null=null,
            strength=strength,
            expressions=EXPRESSIONS,
            longest_s=longest_s,
            start_s=START_S,
            rng=rng,
        )
        self.twin = SimulatedRig(now=self.device_now, on_output=self._switched)
        self.camera = SyntheticCamera(
            fps=fps,
            width_px=width_px,
            height_px=height_px,
            reactions=self.reactions,
            clock=self.clock,
            faults=faults,
            on_exposure=self._exposed,
            animal_rng=animal_rng,
            rng=rng.spawn(1)[0],
        )
        self.clock.moved = self._lick
        self._licked_s = START_S
        self._touching_until_s: float | None = None

    def device_now(self) -> float:
        """Return the time on the quartz of the device (s)."""
        return self.clock.now() * (1 + DEVICE_PPM * 1e-6)

    def watch(self, recorder: FrameRecorder) -> None:
        """Let the clock know when the recording has ended before its time."""
        self.clock.failed = lambda: recorder.failure is not None

    def begin(self, trial: int) -> None:
        """Take note of the trial whose outputs will go up; what is done by hand takes effect now."""
        self._now_trial = trial
        if self._trials[trial].get("by_hand"):
            self._take_effect()

    def _switched(self, channel: str, on: bool, device_us: int) -> None:
        """Let the mouse feel an output that goes up."""
        if on and (channel.startswith("valve") or channel in ("shock", "laser")):
            self._take_effect()

    def _take_effect(self) -> None:
        trial = self._now_trial
        if trial is None or trial in self._told:
            return
        self._told.add(trial)
        effect = effect_of(self._trials[trial], self._strongest, self._site, self._group)
        self.reactions.deliver(
            effect.stimulus,
            self.clock.now(),
            intensity=effect.intensity,
            trial=trial,
            licked=effect.licked,
        )

    def _exposed(self, at_s: float) -> None:
        """The camera's exposure line goes to the device and, in this world, moves the clock on."""
        self.twin.frame()
        self.clock.exposed(at_s)

    def _lick(self) -> None:
        """Let the tongue touch the spout in the time that has passed."""
        now_s = self.clock.now()
        if self._touching_until_s is not None and now_s >= self._touching_until_s:
            self.twin.lick(False)
            self._touching_until_s = None
        due = [
            at_s
            for bout in self.reactions.licking()
            if bout.start_s < now_s and bout.start_s + bout.duration_s > self._licked_s
            for at_s in lick_times(bout).tolist()
            if self._licked_s < at_s <= now_s
        ]
        self._licked_s = now_s
        if due and self._touching_until_s is None:
            self.twin.lick(True)
            self._touching_until_s = due[-1] + 0.06
