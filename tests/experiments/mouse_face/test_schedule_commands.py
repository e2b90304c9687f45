"""The commands that show schedules and orders of sessions."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from experiments.mouse_face.schedule import ScheduleError, list_schedules, read_schedule
from experiments.mouse_face.schedule_commands import orders, schedules
from experiments.mouse_face.session_orders import session_orders

ROOT = Path(__file__).parents[3]
app = typer.Typer()
app.command()(schedules)
app.command()(orders)


def run(*words: str) -> str:
    result = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_the_list_names_every_schedule_and_what_it_needs() -> None:
    text = run("schedules")
    assert "tastants" in text
    assert "needs tail_shock.current_ma, tail_shock.pulse_ms" in text
    assert len(json.loads(run("schedules", "--json").splitlines()[-1])) == 17


def test_a_schedule_is_shown_with_its_sources() -> None:
    text = run("schedules", "sucrose_graded")
    assert "Sucrose of graded concentration (Fig. 2D)" in text
    assert "[1, 4, 20]  4 and 20: sample data of the paper's authors" in text
    assert "given for this session" in run("schedules", "salt", "--set", "repeats=5")
    shocks = run("schedules", "tail_shocks", "--set", "pulse_ms=500")
    assert shocks.count("YOU GIVE THIS") == 1
    assert "?" in next(line for line in shocks.splitlines() if "current_ma" in line)
    with pytest.raises(ScheduleError, match="is at least"):
        run("schedules", "tail_shocks", "--set", "pulse_ms=0")


def test_a_copy_says_what_to_fill_in_and_works_when_it_is(tmp_path: Path) -> None:
    copy = tmp_path / "my_shocks.yaml"
    summary = json.loads(run("schedules", "tail_shocks", "--copy", str(copy), "--json").splitlines()[-1])
    assert summary["needs"] == ["tail_shock.current_ma", "tail_shock.pulse_ms"]
    with pytest.raises(ScheduleError, match=r"my_shocks.yaml, line \d+: "):
        read_schedule(copy)
    text = copy.read_text(encoding="utf-8")
    for line in text.splitlines():
        if "required" in line and "{" in line:
            value = "[0.1, 0.2]" if "current" in line else "500"
            text = text.replace(line, f"{line.split('{')[0]}{value}")
    copy.write_text(text, encoding="utf-8")
    schedule = read_schedule(copy)
    assert schedule.name == "my_shocks"
    assert schedule.stimuli[1].current_ma == 0.2


def test_a_copy_never_replaces_anything(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("kept", encoding="utf-8")
    with pytest.raises(FileExistsError):
        run("schedules", "salt", "--copy", str(tmp_path / "mine.yaml"))
    assert (tmp_path / "mine.yaml").read_text(encoding="utf-8") == "kept"
    with pytest.raises(ValueError, match=r"ends in \.yaml"):
        run("schedules", "salt", "--copy", str(tmp_path / "mine.txt"))
    with pytest.raises(ValueError, match="name the schedule"):
        run("schedules", "--copy", str(tmp_path / "other.yaml"))


def test_orders_of_sessions_are_balanced() -> None:
    table = session_orders(["A", "B", "C", "D"], [f"m{number}" for number in range(1, 5)])
    pairs = Counter(pair for row in table.to_numpy().tolist() for pair in pairwise(row))
    assert len(pairs) == 12
    assert set(pairs.values()) == {1}
    text = run("orders", "thirsty", "quenched", "--animal", "m01", "--animal", "m02", "--json")
    assert json.loads(text.splitlines()[-1]) == {
        "m01": ["thirsty", "quenched"],
        "m02": ["quenched", "thirsty"],
    }


@pytest.mark.parametrize(("sessions", "animals"), [(["A", "A"], ["m1"]), (["A"], ["m1", "m1"]), ([], ["m1"])])
def test_orders_of_nothing_or_of_something_twice_are_refused(sessions: list[str], animals: list[str]) -> None:
    with pytest.raises(ValueError, match=r"twice|at least one"):
        session_orders(sessions, animals)


def test_the_smallest_file_of_the_page_works(tmp_path: Path) -> None:
    page = ROOT / "docs" / "mouse_schedules.md"
    text = page.read_text(encoding="utf-8")
    example = text.split("```yaml\n")[1].split("```")[0]
    path = tmp_path / "sucrose.yaml"
    path.write_text(example, encoding="utf-8")
    assert [stimulus.label for stimulus in read_schedule(path).stimuli] == ["sucrose", "neutral"]
    for name in list_schedules()["name"]:
        assert f"`{name}`" in text or f"`_{name.split('_')[-1]}`" in text, name


def command(*words: str) -> subprocess.CompletedProcess[str]:
    call = [sys.executable, "-m", "experiments.mouse_face", *words]
    return subprocess.run(call, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", timeout=300)


def test_the_commands_are_reached_and_wrong_words_are_told_in_a_line() -> None:
    good = command("orders", "thirsty", "quenched", "--animal", "m01", "--json")
    assert good.returncode == 0
    assert json.loads(good.stdout.splitlines()[-1]) == {"m01": ["thirsty", "quenched"]}
    wrong = command("schedules", "tail_shock")
    assert wrong.returncode == 2
    assert wrong.stderr == "error: there is no schedule 'tail_shock'; did you mean 'tail_shocks'?\n"


def test_a_session_whose_liquid_is_in_no_valve_of_the_rig_is_refused(tmp_path: Path) -> None:
    rig = ROOT / "hardware" / "rigs" / "mouse_example.toml"
    options = ("--animal", "m01", "--schedule", "salt", "--rig", str(rig), "--dry-run")
    refused = command(str(tmp_path / "study"), *options)
    assert refused.returncode == 2
    assert "salt 75 mM is in no valve; salt 500 mM is in no valve" in refused.stderr
    assert not (tmp_path / "study").exists()
