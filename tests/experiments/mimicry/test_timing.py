"""What is kept and said of a session's timing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from experiments.dataset.rows import RowWriter, TimingRow, TrialRow, read_rows
from experiments.dataset.tables import read_table
from experiments.mimicry.parameters import SessionParameters
from experiments.mimicry.plan import Person, plan_session
from experiments.mimicry.run import run_plan
from experiments.mimicry.simulated import TableVideo, paper_videos, simulated_devices
from experiments.mimicry.timing import timing_report, write_pulldown
from hardware.settings import RigSettings

WINDOW = {"kind": "window", "refresh_hz": 60.0, "paced_by_software": False, "real_time_priority": True}


def trial_row(trial: int, **values: Any) -> TrialRow:
    shown = {"face": "id01", "sex": "male", "direction": "AngryToHappy", "video": "v"}
    row = TrialRow(
        trial=trial, block=1, practice=False, fixation_s=2.5, onset=1.0, outcome="correct", **shown
    )
    return replace(row, **values)


def timing_row(trial: int, **values: Any) -> TimingRow:
    row = TimingRow(
        trial=trial, fixation_left_s=1.8, video_s=5.0, late_fixation=0, late_video=0, late_feedback=0
    )
    return replace(row, **values)


def said(
    folder: Path, trials: list[TrialRow], timings: list[TimingRow], **display: Any
) -> tuple[list[str], str]:
    with RowWriter(folder / "trials.tsv", TrialRow) as table:
        table.write_many(trials)
    with RowWriter(folder / "timing.tsv", TimingRow) as timing:
        timing.write_many(timings)
    sentences = timing_report(folder, {"display": {**WINDOW, **display}})
    return sentences, " ".join(sentences)


def test_a_session_that_kept_time_has_two_sentences(tmp_path: Path) -> None:
    sentences, text = said(tmp_path, [trial_row(1), trial_row(2)], [timing_row(-1), timing_row(1)])
    assert len(sentences) == 2
    assert "No refresh was missed" in text and "at least 1.8 s before" in text


def test_what_went_wrong_is_said_with_its_trials(tmp_path: Path) -> None:
    trials = [trial_row(number, n_dropped_flips=number % 2) for number in range(1, 8)]
    late = timing_row(4, fixation_left_s=-0.3, clock_step_s=-1.5)
    practice = timing_row(-2, clock_step_s=0.2)
    sentences, text = said(
        tmp_path, trials, [practice, late], paced_by_software=True, real_time_priority=False
    )
    assert len(sentences) == 6
    assert "missed in 4 videos (trial 1, 3, 5, 7)" in text
    assert "as late as -0.3 s" in text and "in 1 trial the cross had to stay longer" in text
    assert "set by -1.500 s during trial 4;" in text
    assert "set by +0.200 s during trial 2 of practice" in text
    assert "refresh was not measured" in text and "real-time priority" in text


def test_a_simulated_display_has_no_timing(tmp_path: Path) -> None:
    assert timing_report(tmp_path, {"display": {"kind": "simulated"}}) == []
    assert timing_report(tmp_path, {"display": WINDOW}) == []


def test_the_plan_of_the_frames_is_saved_once_for_each_kind_of_video(tmp_path: Path) -> None:
    films = [*paper_videos()[:3], TableVideo(video="s", identity="i", sex="male", direction="d", n_frames=50)]
    kinds = write_pulldown(tmp_path, films, 60.0)
    assert [kind["n_frames"] for kind in kinds] == [50, 125]
    assert kinds[1]["refreshes_per_frame"] == [3, 2, 3, 2, 2]
    assert kinds[1]["n_refreshes"] == 300 and kinds[1]["duration_s"] == 5.0
    rows = read_table(tmp_path / kinds[1]["file"])
    assert len(rows) == 300
    assert [row["frame"] for row in rows[:6]] == ["0", "0", "0", "1", "1", "2"]
    assert [row["late_ms"] for row in rows[:6]] == ["0.0", "n/a", "n/a", "10.0", "n/a", "3.333"]
    before = (tmp_path / kinds[1]["file"]).stat().st_mtime_ns
    assert write_pulldown(tmp_path, films, 60.0) == kinds
    assert (tmp_path / kinds[1]["file"]).stat().st_mtime_ns == before
    on_ntsc = write_pulldown(tmp_path, films[:1], 59.94)[0]
    assert sum(on_ntsc["refreshes_per_frame"]) == 300 and "59.94" in on_ntsc["file"]


@pytest.mark.parametrize("refresh_hz", [60.0, 59.94, 75.0, 120.0, 144.0])
def test_a_session_keeps_its_plan_and_the_dataset_says_it(tmp_path: Path, refresh_hz: float) -> None:
    plan = plan_session(
        tmp_path / "study",
        "007",
        videos=paper_videos(),
        stimulus_set={},
        parameters=replace(SessionParameters(), n_practice=0),
        rig=RigSettings(refresh_hz=refresh_hz),
        language="en",
        person=Person(),
        simulated=True,
        seed=1,
        n_trials=4,
    )
    run_plan(plan, simulated_devices)
    record = json.loads((plan.folder / "session.json").read_text(encoding="utf-8"))
    (kind,) = record["pulldown"]
    assert (plan.folder / kind["file"]).is_file()
    assert kind["duration_s"] == pytest.approx(5.0, abs=0.5 / refresh_hz)
    for path in ("beh/sub-007_task-mimicry_beh.json", "emg/sub-007_task-mimicry_emg.json"):
        sidecar = json.loads((tmp_path / "study" / "sub-007" / path).read_text(encoding="utf-8"))
        assert sidecar["DisplayTiming"]["RefreshRate"] == refresh_hz
        assert sidecar["DisplayTiming"]["Videos"][0]["RefreshesPerFrame"] == kind["refreshes_per_frame"]
    for row in read_rows(plan.folder / "timing.tsv", TimingRow):
        assert row.fixation_left_s is not None and row.fixation_left_s >= 1.99
        assert row.video_s == pytest.approx(5.0, abs=0.5 / refresh_hz)
        assert row.late_video == 0 and row.clock_step_s == 0.0
