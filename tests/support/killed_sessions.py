"""Sessions in processes that are killed at chosen moments, and what must hold afterwards."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from experiments.dataset.rows import EventRow, TrialRow, read_rows
from experiments.dataset.tables import read_table
from experiments.mimicry.parameters import trigger_codes
from experiments.mimicry.progress import last_run, read_design, read_progress, was_begun

ROOT = Path(__file__).resolve().parents[2]
CODES = trigger_codes(["AngryToHappy", "HappyToAngry"])


class Driver:
    """Sessions in processes that can be killed at a chosen moment."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("session_driver.py"))],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "DISPLAY": "", "WAYLAND_DISPLAY": ""},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: object, moment: dict[str, Any] | None = None) -> dict[str, Any]:
        assert self._process.stdin is not None and self._process.stdout is not None
        wanted = {"arguments": [str(argument) for argument in arguments], "moment": moment}
        self._process.stdin.write(json.dumps(wanted) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()


@contextmanager
def running_driver() -> Iterator[Driver]:
    """Start a driver and end it."""
    driver = Driver()
    try:
        yield driver
    finally:
        driver.close()


def rows_of(folder: Path, name: str, kind: type) -> list:
    path = folder / f"{name}.tsv"
    return read_rows(path, kind) if path.exists() else []


def began(folder: Path) -> set[tuple[bool, int]]:
    """Name the trials whose cross was shown: whether practice, and the number."""
    events = rows_of(folder, "events", EventRow)
    return {
        (event.trial_type.startswith("practice"), event.trial)
        for event in events
        if event.trial_type.endswith("fixation")
    }


def check_killed(study: Path, participant: str) -> str:
    """At most the running trial is missing; say how far the session was."""
    folder = study / "sourcedata" / f"sub-{participant}"
    if not was_begun(folder):
        return "before it began"
    finished = {(row.practice, row.trial) for row in rows_of(folder, "trials", TrialRow)}
    shown = began(folder)
    assert finished <= shown
    assert len(shown - finished) <= 1, shown - finished
    progress = read_progress(study, participant, 1)
    if progress.left:
        last = max(((not practice, trial) for practice, trial in finished), default=None)
        order = [(not trial.practice, trial.trial) for trial in read_design(folder)]
        following = order[0] if last is None else order[order.index(last) + 1]
        assert (not progress.left[0].practice, progress.left[0].trial) == following
        return "in a trial" if shown - finished else "between trials"
    return "after the last trial" if not progress.in_dataset else "after it was closed"


def files(study: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in study.rglob("*") if path.is_file() and path.suffix != ".lock"}


def check_offer(driver: Driver, study: Path, participant: str, *options: object) -> None:
    """The next start says where it stopped and both ways out, and changes nothing."""
    progress, before = read_progress(study, participant, 1), files(study)
    refused = driver.run(study, "--participant", participant, *options)
    assert refused["status"] == 2, refused["output"]
    if progress.left:
        assert f"next is {progress.next_trial}" in refused["output"]
        assert "--resume" in refused["output"]
    elif not progress.in_dataset:
        assert "--close" in refused["output"]
    assert "--new-run" in refused["output"]
    assert "Traceback" not in refused["output"]
    assert files(study) == before


def go_on(driver: Driver, study: Path, participant: str, *options: object) -> None:
    """Do what the message of the next start says."""
    if last_run(study, participant) == 0:
        done = driver.run(study, "--participant", participant, *options)
    else:
        progress = read_progress(study, participant, 1)
        if not progress.left and progress.in_dataset:
            return
        option = "--resume" if progress.left else "--close"
        done = driver.run(study, "--participant", participant, *options, option)
    assert done["status"] == 0, done["output"]


def check_finished(study: Path, participant: str) -> None:
    """The whole session is there once, in the planned order, with the right codes."""
    folder = study / "sourcedata" / f"sub-{participant}"
    design = [(trial.practice, trial.trial, trial.video) for trial in read_design(folder)]
    trials = rows_of(folder, "trials", TrialRow)
    assert [(row.practice, row.trial, row.video) for row in trials] == design
    for event in rows_of(folder, "events", EventRow):
        name = f"video_{event.direction}" if event.trial_type == "video" else event.trial_type
        assert event.value == CODES.get(name)
    onsets = [event.onset for event in rows_of(folder, "events", EventRow)]
    assert onsets == sorted(onsets)
    table = read_table(study / f"sub-{participant}" / "emg" / f"sub-{participant}_task-mimicry_events.tsv")
    videos = [row for row in table if row["trial_type"] == "video"]
    wanted = [trial for practice, trial, _ in design if not practice]
    assert [int(row["trial"]) for row in videos] == wanted
    assert [row["value"] for row in videos] == [str(CODES[f"video_{row['direction']}"]) for row in videos]


def errors_of(study: Path) -> list[dict[str, Any]]:
    """Ask the BIDS validator."""
    validator = shutil.which("bids-validator-deno", path=str(Path(sys.executable).parent)) or shutil.which(
        "bids-validator-deno"
    )
    if validator is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("bids-validator-deno is not installed")
    checked = subprocess.run([str(validator), str(study), "--json"], capture_output=True, text=True)
    issues = json.loads(checked.stdout)["issues"]["issues"]
    return [issue for issue in issues if issue["severity"] == "error"]


def analyse(study: Path, out: Path) -> None:
    """Run the analysis, which must take every participant."""
    done = subprocess.run(
        [sys.executable, "-m", "analysis.mimicry", str(study), "--quick", "--out", str(out)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
