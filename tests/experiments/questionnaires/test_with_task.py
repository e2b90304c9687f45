"""Questionnaires and the task of one participant: neither stands in the way of the other."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from analysis.datasets import read_study
from analysis.mimicry.measurements import measure_participants
from analysis.mimicry.session_day import session_events
from experiments.dataset.answers import answered_columns
from experiments.dataset.tables import read_table
from experiments.mimicry import __main__ as task
from experiments.questionnaires import __main__ as questionnaires

WHO = ("--participant", "007", "--simulate", "--seed", "3")


def run(monkeypatch: pytest.MonkeyPatch, command: object, *arguments: object) -> int:
    monkeypatch.setattr("sys.argv", ["command", *map(str, arguments)])
    try:
        command.main()  # type: ignore[attr-defined]
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def test_a_day_with_the_task(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    study = tmp_path / "study"
    assert run(monkeypatch, questionnaires, study, *WHO, "--time", "t1") == 0
    assert run(monkeypatch, questionnaires, study, *WHO, "--time", "pill") == 0
    assert run(monkeypatch, questionnaires, study, *WHO, "--time", "t2") == 0
    answered = answered_columns(study, "007")
    assert set(answered) == {"age", "sex"}
    other = "M" if answered["sex"] == "F" else "F"
    short = ("--trials", "8", "--practice", "0")
    assert run(monkeypatch, task, study, *WHO, *short, "--sex", other) == 2
    assert "a questionnaire says that the sex of participant 007 is" in capsys.readouterr().err
    assert run(monkeypatch, task, study, *WHO, *short) == 0
    (person,) = read_table(study / "participants.tsv")
    assert float(person["age"]) == float(answered["age"])
    assert person["sex"] == answered["sex"]
    (session,) = read_table(study / "phenotype" / "session.tsv")
    assert session["task_start"] != "n/a"
    assert 0 <= int(session["minutes_since_pill"]) <= 2
    (demographics,) = read_table(study / "phenotype" / "demographics.tsv")
    assert demographics["sex"] == person["sex"]
    assert run(monkeypatch, questionnaires, study, *WHO, "--time", "end") == 0
    (session,) = read_table(study / "phenotype" / "session.tsv")
    assert session["guess"] != ""
    read = read_study(study)
    measured = measure_participants(read.participants, read.phenotype)
    assert measured["bmi"].notna().all()
    assert measured["hours_since_pill"].between(0, 0.1).all()
    assert set(session_events(read.participants, read.phenotype)["event"]) >= {"Pill", "Task", "PANAS t2"}
    validate(study)


def validate(study: Path) -> None:
    program = shutil.which("bids-validator-deno") or ".venv/bin/bids-validator-deno"
    if not Path(program).is_file():
        pytest.skip("the BIDS validator is not installed")
    checked = subprocess.run([program, str(study), "--format", "json"], capture_output=True, text=True)
    issues = json.loads(checked.stdout)["issues"]["issues"]
    assert [issue for issue in issues if issue["severity"] == "error"] == []
