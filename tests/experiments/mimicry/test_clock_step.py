"""The time of day is really set, for the session alone, while keys are really pressed."""

from __future__ import annotations

import json
import shutil
import sys
import time
from pathlib import Path

import pytest
from running_session import wait_for_event
from shifted_clock import ShiftedClock
from small_sets import make_set

from experiments.dataset.rows import EventRow, TimingRow, TrialRow, read_rows

pytestmark = [
    pytest.mark.display,
    pytest.mark.skipif(
        not sys.platform.startswith("linux") or shutil.which("cc") is None,
        reason="a clock for one program is made with a C compiler on Linux",
    ),
]


def test_a_step_of_the_time_of_day_is_seen_logged_and_corrected(screen, start, tmp_path: Path) -> None:
    """Forward before the press, an hour back after it, forward in the moment of the press, not at all."""
    stimuli = make_set(tmp_path / "set", n_frames=50)
    clock = ShiftedClock(tmp_path)
    study, folder = tmp_path / "study", tmp_path / "study" / "sourcedata" / "sub-007"
    options = ["--stimuli", stimuli, "--trials", 4, "--practice", 0, "--seed", 3]
    process = start(
        study, "--participant", "007", *options, "--allow-unmeasured-refresh", variables=clock.environment
    )
    wait_for_event(process, folder, "instructions")
    time.sleep(0.5)
    screen.press("Up")
    pressed_s = []
    for trial in range(1, 5):
        wait_for_event(process, folder, "video", trial)
        time.sleep(0.3)
        if trial == 1:
            clock.set(0.25)
            time.sleep(0.2)
        pressed_s.append(screen.press("Up", hold_s=0.001 if trial == 3 else 0.03))
        if trial == 2:
            time.sleep(0.2)
            clock.set(0.25 - 3600.0)
        if trial == 3:
            clock.set(0.25)
        wait_for_event(process, folder, "feedback", trial)
        if trial == 2:
            wait_for_event(process, folder, "break")
            time.sleep(0.3)
            screen.press("space")
    wait_for_event(process, folder, "session_end")
    time.sleep(0.3)
    screen.press("Up")
    output, messages = process.communicate(timeout=60)
    assert process.returncode == 0, messages
    check_times(folder, pressed_s)
    steps_s = [row.clock_step_s for row in read_rows(folder / "timing.tsv", TimingRow)]
    assert steps_s == pytest.approx([0.25, -3600.0, 3600.0, 0.0], abs=0.002)
    assert "set by +0.250 s during trial 1" in output
    assert "set by -3600.000 s during trial 2" in output
    assert (study / "sub-007" / "beh" / "sub-007_task-mimicry_beh.tsv").is_file()


def check_times(folder: Path, pressed_s: list[float]) -> None:
    """Times of presses are right by the clock that nobody sets, and the time of day stands beside them."""
    events = read_rows(folder / "events.tsv", EventRow)
    onsets_s = [event.onset for event in events]
    assert onsets_s == sorted(onsets_s)
    zero_s = min(event.monotonic - event.onset for event in events if event.value is not None)
    responses = [event for event in events if event.trial_type == "response"]
    assert [event.onset + zero_s for event in responses] == pytest.approx(pressed_s, abs=0.02)
    videos = [event for event in events if event.trial_type == "video"]
    trials = read_rows(folder / "trials.tsv", TrialRow)
    for trial, video, press_s in zip(trials, videos, pressed_s, strict=True):
        assert trial.outcome == "correct"
        assert trial.response_time == pytest.approx(press_s - zero_s - video.onset, abs=0.02)
    offsets_s = [event.wall - event.onset for event in [*videos, *responses] if event.wall is not None]
    started_s = json.loads((folder / "session.json").read_text(encoding="utf-8"))["started_unix_s"]
    shifts_s = [offset_s - offsets_s[0] for offset_s in offsets_s[:4]]
    assert shifts_s == pytest.approx([0.0, 0.25, -3599.75, 0.25], abs=0.01)
    assert abs(offsets_s[0] - started_s) < 60
