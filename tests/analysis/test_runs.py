"""Of several sessions of a participant one is analysed, by a rule that the report states."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from analysis.datasets import read_behaviour, read_recording, read_study
from analysis.mimicry.__main__ import main
from analysis.runs import RULE, choose_runs, runs_of
from experiments.dataset.bids import add_participant, create_study

ROOT = Path(__file__).resolve().parents[2]


def add_run(study: Path, participant: str, run: int, n_trials: int, end: str | None) -> None:
    """Write the behaviour of a session whose response times say which run it is."""
    folder = study / f"sub-{participant}" / "beh"
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"sub-{participant}_task-mimicry" + (f"_run-{run:02}" if run > 1 else "")
    rows = [f"{trial}\t{run}.5\tcorrect" for trial in range(1, n_trials + 1)]
    (folder / f"{stem}_beh.tsv").write_text(
        "\n".join(["trial\tresponse_time\toutcome", *rows]) + "\n", "utf-8"
    )
    description = {} if end is None else {"SessionEnd": end}
    (folder / f"{stem}_beh.json").write_text(json.dumps(description), encoding="utf-8")


@pytest.fixture
def study(tmp_path: Path) -> Path:
    path = tmp_path / "study"
    create_study(path, name="Runs", simulated=True)
    return path


@pytest.mark.parametrize(
    ("runs", "chosen"),
    [
        ([(1, 96, "finished"), (2, 96, "finished")], 1),
        ([(1, 40, "aborted"), (2, 96, "finished"), (3, 96, "finished")], 2),
        ([(1, 40, "crashed"), (2, 60, "aborted")], 2),
        ([(1, 60, "crashed"), (2, 60, "aborted")], 1),
        ([(1, 60, "crashed"), (2, 20, None)], 2),
        ([(2, 96, "finished")], 2),
        ([(2, 96, "finished"), (10, 96, "finished")], 2),
    ],
)
def test_the_first_complete_run_is_chosen(study: Path, runs: list, chosen: int) -> None:
    add_participant(study, "007")
    for run, n_trials, end in runs:
        add_run(study, "007", run, n_trials, end)
    read = read_study(study)
    assert read.run("007") == chosen
    assert read.chosen_runs["007"].number == chosen
    behaviour = read_behaviour(read)
    assert set(behaviour["response_time"]) == {chosen + 0.5}
    sentence = str(read.chosen_runs["007"])
    assert f"run {chosen} is analysed" in sentence
    assert all(f"run {run} " in sentence for run, _, _ in runs)


def test_one_session_needs_no_choice(study: Path) -> None:
    add_participant(study, "007")
    add_participant(study, "008")
    add_run(study, "007", 1, 10, "aborted")
    assert choose_runs(study, ["007", "008"]) == {}
    assert runs_of(study, "008") == []
    assert read_study(study).run("008") == 1


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "experiments.mimicry", *map(str, arguments)]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)


def test_the_report_says_which_session_was_analysed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    study = tmp_path / "study"
    options = [study, "--participant", "1", "--simulate", "--practice", 0]
    command(*options, "--trials", 12, "--seed", 1)
    beh = study / "sub-1" / "beh" / "sub-1_task-mimicry_beh.json"
    beh.write_text(beh.read_text(encoding="utf-8").replace("finished", "aborted"), encoding="utf-8")
    command(*options, "--trials", 48, "--seed", 2, "--new-run")
    read = read_study(study)
    assert read.run("1") == 2
    recording = read_recording(read, "1")
    assert sum(recording.events["trial_type"] == "video") == 48
    assert len(read_behaviour(read)) == 48
    monkeypatch.setattr(sys, "argv", ["x", str(study), "--quick", "--out", str(tmp_path / "out")])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code, capsys.readouterr()
    report = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert RULE in report
    assert "Participant 1: run 2 is analysed (the first complete one)" in report
