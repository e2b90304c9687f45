"""Simulated sessions, run without a display: what a session leaves behind when it ends."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from experiments.dataset.bids import add_participant, create_study
from experiments.dataset.rows import EventRow, RowWriter, TrialRow
from hardware.simulated import effects
from hardware.simulated.amplifier import SimulatedAmplifier
from hardware.simulated.participant import SimulatedParticipant

CODES = {
    "fixation": 1,
    "video_AngryToHappy": 11,
    "video_HappyToAngry": 12,
    "response": 21,
    "feedback": 31,
    "practice_fixation": 101,
    "practice_video": 111,
    "practice_response": 121,
    "practice_feedback": 131,
    "block_start": 200,
    "break": 201,
    "session_start": 210,
    "session_end": 211,
    "aborted": 212,
}
DIRECTIONS = ("AngryToHappy", "HappyToAngry")


@dataclass
class ScriptedSession:
    """A session by the contract, written by a few lines on a virtual clock."""

    study: Path
    participant: str
    n_trials: int = 8
    seed: int = 1
    amplifier: bool = True
    ends: str | None = "session_end"
    record: dict[str, object] = field(default_factory=dict)
    now_s: float = 1.0

    @property
    def live(self) -> Path:
        return self.study / "sourcedata" / f"sub-{self.participant}"

    @property
    def recording(self) -> Path:
        return self.live / f"sub-{self.participant}_task-mimicry_amplifier.bdf"

    def run(self) -> ScriptedSession:
        rng = np.random.default_rng(self.seed)
        self.person = SimulatedParticipant(effects=effects.paper(), rng=rng.spawn(1)[0], group="A")
        add_participant(self.study, self.participant, age=self.person.age, sex=self.person.sex, group="A")
        self.live.mkdir(parents=True)
        record = {"simulated": True, "trigger_codes": CODES, "date": "2026-05-04T10:00:00", **self.record}
        (self.live / "session.json").write_text(json.dumps(record), encoding="utf-8")
        self.device = SimulatedAmplifier(
            self.recording, fs_hz=1200, now=lambda: self.now_s, participant=self.person, rng=rng
        )
        if self.amplifier:
            self.device.start()
        self.now_s += 2.0
        with (
            RowWriter(self.live / "events.tsv", EventRow) as self.events,
            RowWriter(self.live / "trials.tsv", TrialRow) as self.trials,
        ):
            self._event("session_start", "session_start")
            self.now_s += 3.0
            self._event("instructions", None)
            for practice, n_trials in ((True, 2), (False, self.n_trials)):
                for number in range(1, n_trials + 1):
                    self._trial(number, practice, rng)
            if self.ends is not None:
                self._event(self.ends, self.ends)
        self.now_s += 1.5
        self.device.stop()
        return self

    def _event(self, trial_type: str, code: str | None, **values: object) -> None:
        if code is not None:
            self.device.send(CODES[code])
        value = None if code is None else CODES[code]
        self.events.write(
            EventRow(
                onset=self.now_s, trial_type=trial_type, value=value, monotonic=self.now_s + 500, **values
            )
        )

    def _trial(self, number: int, practice: bool, rng: np.random.Generator) -> None:
        direction, face = DIRECTIONS[number % 2], f"id{(number - 1) % 12 + 1:02d}"
        prefix = "practice_" if practice else ""
        shown = {"trial": number, "block": 0 if practice else 1, "face": face, "sex": "female"}
        shown |= {"direction": direction, "video": f"{face}_{direction}"}
        fixation_s = float(rng.uniform(2, 3))
        self._event(f"{prefix}fixation", f"{prefix}fixation", duration=fixation_s, **shown)
        self.now_s += fixation_s
        onset_s = self.now_s
        self._event(
            f"{prefix}video", f"{prefix}video" if practice else f"video_{direction}", duration=5.0, **shown
        )
        presses = self.person.watch(face=face, direction=direction, onset_s=onset_s, duration_s=5.0)
        for press in presses:
            self.now_s = onset_s + press.time_s
            self._event(
                f"{prefix}response",
                f"{prefix}response",
                response_key=press.key,
                response_time=press.time_s,
                **shown,
            )
        self.now_s = onset_s + 5.0
        kinds = {0: "no_press", 1: "correct" if presses and presses[0].key == "up" else "wrong_key"}
        outcome = kinds.get(len(presses), "repeated_press")
        self._event(f"{prefix}feedback", f"{prefix}feedback", duration=1.0, outcome=outcome, **shown)
        self.now_s += 1.0
        self.trials.write(
            TrialRow(
                practice=practice,
                fixation_s=fixation_s,
                onset=onset_s,
                response_key=presses[0].key if presses else None,
                response_time=presses[0].time_s if presses else None,
                response_count=len(presses),
                outcome=outcome,
                **shown,
            )
        )


@pytest.fixture
def study(tmp_path: Path) -> Path:
    folder = tmp_path / "a study"
    create_study(folder, name="Mimicry of a program", simulated=True)
    return folder


@pytest.fixture(scope="session")
def validator_errors() -> Callable[[Path], list[str]]:
    """Run the BIDS validator that knows EMG; returns its errors."""
    beside = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    program = shutil.which("bids-validator-deno", path=beside)
    if program is None:
        message = "bids-validator-deno is not installed: python -m pip install bids-validator-deno"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)

    def errors(folder: Path) -> list[str]:
        ran = subprocess.run(
            [str(program), str(folder), "--format", "json"], capture_output=True, text=True, encoding="utf-8"
        )
        issues = json.loads(ran.stdout)["issues"]["issues"]
        return [
            f"{issue['code']} {issue.get('location')}" for issue in issues if issue["severity"] == "error"
        ]

    return errors
