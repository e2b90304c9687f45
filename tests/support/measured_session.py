"""A real session in a real window, with a robot that presses keys and devices that measure what came out."""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from trigger_line import TriggerListener
from virtual_screen import VirtualScreen, framebuffer_pixels, real_time

ROOT = Path(__file__).resolve().parent.parent.parent
REFRESH_HZ = 60.0
PARTICIPANT = "007"

CODES = {
    "fixation": 1,
    "video_first": 11,
    "video_second": 12,
    "response": 21,
    "feedback": 31,
    "practice_video": 111,
    "practice_feedback": 131,
    "break": 201,
    "session_start": 210,
    "session_end": 211,
}

OUTCOMES = ("correct", "no_press", "wrong_key", "repeated_press")


@dataclass(frozen=True)
class Press:
    """A key that the robot pressed."""

    trial: int
    """Number of the real trial, from 1."""
    key: str
    """Its X name."""
    time_s: float
    """When, by `time.perf_counter`."""


@dataclass
class Measured:
    """A session, and what was seen and heard of it."""

    folder: Path
    """Where the session was written while it ran."""
    line: TriggerListener
    presses: list[Press] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    """The outcome that the robot meant in each trial."""
    feedback: dict[int, np.ndarray] = field(default_factory=dict)
    """Trial -> the screen half a second after its feedback, shape ``(height_px, width_px, 3)``, BGR."""
    changes: list[tuple[float, int]] = field(default_factory=list)
    """What the photodiode saw: time of each change, and checksum of the picture."""
    blind: list[tuple[float, float]] = field(default_factory=list)
    """When the photodiode was kept from looking: begin and end."""
    output: str = ""
    """What the session printed."""
    messages: str = ""
    """Its messages."""
    exit_status: int | None = None


def planned_presses(outcome: str, duration_s: float, rng: np.random.Generator) -> list[tuple[float, str]]:
    """Draw the presses that lead to an outcome: seconds from video onset and name of the key."""
    first_s = float(rng.uniform(0.15, 0.7)) * duration_s
    up = ("Up", "KP_Up")[int(rng.integers(2))]
    if outcome == "no_press":
        return []
    if outcome == "wrong_key":
        return [(first_s, ("Down", "Left", "space")[int(rng.integers(3))])]
    if outcome == "repeated_press":
        return [(first_s, up), (first_s + 0.15 * duration_s, up)]
    return [(first_s, up)]


def run_measured(
    screen: VirtualScreen,
    study: Path,
    stimuli: Path,
    *,
    n_trials: int,
    n_practice: int,
    duration_s: float,
    rectangle: tuple[int, int, int, int],
    rng: np.random.Generator,
    arguments: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    after_trial: Callable[[int], None] = lambda trial: None,
) -> Measured:
    """Run a session from its first to its last page and measure it.

    Parameters
    ----------
    screen : VirtualScreen
        Where it is shown.
    study, stimuli : Path
        Folder of the study, and stimulus set.
    n_trials, n_practice : int
        Length of the session.
    duration_s : float
        Length of a video.
    rectangle : tuple of int
        Left, top, width and height of the part of the screen that the photodiode watches.
    rng : numpy.random.Generator
        Source of the robot's answers and times.
    arguments : sequence of str
        Further options of the session.
    environment : mapping, optional
        Further environment variables of the session.
    after_trial : callable
        Called with the number of each trial whose feedback was seen.

    Returns
    -------
    Measured
        Everything that was seen and heard.
    """
    heard: queue.Queue[tuple[int, float]] = queue.Queue()
    line = TriggerListener(lambda code, time_s: heard.put((code, time_s)))
    measured = Measured(study / "sourcedata" / f"sub-{PARTICIPANT}", line)
    measured.answers = [OUTCOMES[index % 4] for index in rng.permutation(n_trials)]
    with tempfile.TemporaryDirectory() as home, photodiode(screen, rectangle, measured):
        rig = Path(home) / "rig.toml"
        rig.write_text(rig_text(line.port, screen.size_px), encoding="utf-8")
        options = ["--participant", PARTICIPANT, "--stimuli", stimuli, "--rig", rig, "--trials", n_trials]
        options += ["--practice", n_practice, "--seed", int(rng.integers(2**31)), "--json", *arguments]
        command = [sys.executable, "-m", "experiments.mimicry", study, *options, "--allow-unmeasured-refresh"]
        surroundings = {**os.environ, "DISPLAY": screen.name, "HOME": home, "PYTHONPATH": str(ROOT)}
        surroundings.pop("WAYLAND_DISPLAY", None)
        with subprocess.Popen(
            [str(part) for part in command],
            env={**surroundings, **(environment or {})},
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                robot = Robot(screen, measured, duration_s=duration_s, n_practice=n_practice, rng=rng)
                robot.live(heard, process, after_trial)
                measured.output, measured.messages = process.communicate(timeout=60)
            finally:
                process.kill()
        measured.exit_status = process.returncode
    line.close()
    return measured


class Robot:
    """A participant that hears the trigger codes and presses real keys.

    Parameters
    ----------
    screen : VirtualScreen
        Where it presses and looks.
    measured : Measured
        Where it notes what it did; it follows its `answers`.
    duration_s : float
        Length of a video.
    n_practice : int
        Number of practice trials, each answered right.
    rng : numpy.random.Generator
        Source of times.
    """

    def __init__(
        self,
        screen: VirtualScreen,
        measured: Measured,
        *,
        duration_s: float,
        n_practice: int,
        rng: np.random.Generator,
    ) -> None:
        assert screen.framebuffer is not None
        self._screen = screen
        self._pixels = framebuffer_pixels(screen.framebuffer)
        self._measured = measured
        self._duration_s = duration_s
        self._practice_left = n_practice
        self._rng = rng
        self._trial = 0

    def live(
        self,
        heard: queue.Queue[tuple[int, float]],
        process: subprocess.Popen[str],
        after_trial: Callable[[int], None],
    ) -> None:
        """Answer what is heard until the session has ended."""
        while process.poll() is None:
            try:
                code, time_s = heard.get(timeout=0.5)
            except queue.Empty:
                continue
            self._answer(code, time_s)
            if code == CODES["feedback"]:
                after_trial(self._trial)
            if code == CODES["session_end"]:
                return

    def _answer(self, code: int, time_s: float) -> None:
        if code in (CODES["video_first"], CODES["video_second"]):
            self._trial += 1
            outcome = self._measured.answers[self._trial - 1]
            self._press_all(time_s, planned_presses(outcome, self._duration_s, self._rng), self._trial)
        elif code == CODES["practice_video"]:
            self._press_all(time_s, planned_presses("correct", self._duration_s, self._rng), 0)
        elif code == CODES["feedback"]:
            wait_until(time_s + 0.5)
            self._measured.feedback[self._trial] = np.array(self._pixels[:, :, :3])
        elif code == CODES["practice_feedback"]:
            self._practice_left -= 1
            if self._practice_left == 0:
                self._press_all(time_s, [(2.0, "Up")], 0)
        elif code in (CODES["session_start"], CODES["break"], CODES["session_end"]):
            self._press_all(time_s, [(1.0, "Up")], 0)

    def _press_all(self, onset_s: float, presses: Sequence[tuple[float, str]], trial: int) -> None:
        for after_s, key in presses:
            wait_until(onset_s + after_s)
            self._measured.presses.append(Press(trial, key, self._screen.press(key)))


def wait_until(time_s: float) -> None:
    """Sleep until a time of `time.perf_counter`."""
    time.sleep(max(0.0, time_s - time.perf_counter()))


@contextlib.contextmanager
def photodiode(
    screen: VirtualScreen, rectangle: tuple[int, int, int, int], measured: Measured
) -> Iterator[None]:
    """Watch a part of the screen, and give to `measured` what was seen."""
    program = Path(__file__).resolve().parent / "photodiode.py"
    with tempfile.TemporaryFile("w+", encoding="utf-8") as seen:
        command = [sys.executable, program, screen.framebuffer, *rectangle]
        process = subprocess.Popen([str(part) for part in command], stdout=seen)
        try:
            yield
        finally:
            process.terminate()
            process.wait(timeout=10)
            seen.seek(0)
            lines = [line.split() for line in seen if line.endswith("\n")]
            measured.changes = [(float(line[0]), int(line[1])) for line in lines if line[0] != "blind"]
            measured.blind = [(float(line[1]), float(line[2])) for line in lines if line[0] == "blind"]


def rig_text(port: str, size_px: tuple[int, int]) -> str:
    """Return a rig file for the virtual screen and a trigger line."""
    return (
        f"[monitor]\nsize_px = {list(size_px)}\nfullscreen = true\nrefresh_hz = {REFRESH_HZ}\n"
        f'[trigger]\nkind = "serial_byte"\nport = "{port}"\npulse = "next_flip"\n'
    )


def first_in_line() -> bool:
    """Ask for real-time priority: robot and amplifier stand for things that have computers of their own."""
    return real_time(0)
