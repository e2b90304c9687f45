"""The real window on a real X server, clicked with a real mouse, while other programs write the files."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from virtual_screen import VirtualScreen

from experiments.allocation.actions import Given, assign, record_pill
from experiments.allocation.creation import create
from experiments.allocation.files import open_allocation
from experiments.allocation.settings import AllocationSettings
from experiments.allocation.times import now_here
from experiments.checklist.ticks import read_ticks
from experiments.dataset.study import create_study

pytestmark = pytest.mark.display
ROOT = Path(__file__).resolve().parent.parent.parent.parent
State = dict[str, Any]


class Checklist:
    """The checklist in a process of its own; it is asked what it shows."""

    def __init__(self, screen: VirtualScreen, home: Path, *words: object) -> None:
        variables = {**os.environ, "DISPLAY": screen.name, "HOME": str(home), "PYTHONPATH": str(ROOT)}
        variables.pop("WAYLAND_DISPLAY", None)
        program = str(Path(__file__).with_name("watched_checklist.py"))
        self.log = tempfile.TemporaryFile(mode="w+")  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, program, *map(str, words)],
            env=variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )

    def ask(self, question: str = "") -> State:
        """Ask what is shown; the name of a step is brought into view first."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            self.log.seek(0)
            raise AssertionError(f"the checklist ended: {self.log.read()}")
        state = json.loads(answer)
        assert isinstance(state, dict)
        return state

    def wait(self, until: Callable[[State], object], *, step: str = "", longest_s: float = 30) -> State:
        """Wait until what is shown is as wanted."""
        end_s = time.monotonic() + longest_s
        state: State = {}
        while time.monotonic() < end_s:
            state = self.ask(step)
            if until(state):
                return state
            time.sleep(0.05)
        raise AssertionError(f"not within {longest_s} s; the checklist shows {state}")

    def close(self) -> int:
        """Close the window and return the exit status."""
        assert self.process.stdin is not None
        self.process.stdin.write('"close"\n')
        self.process.stdin.flush()
        return self.process.wait(timeout=30)

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        self.log.close()


@pytest.fixture
def open_window(screen: VirtualScreen, tmp_path: Path) -> Iterator[Callable[..., Checklist]]:
    opened: list[Checklist] = []
    home = tmp_path / "home"
    home.mkdir()

    def open_window(*words: object) -> Checklist:
        opened.append(Checklist(screen, home, *words))
        return opened[-1]

    yield open_window
    for window in opened:
        window.kill()


@pytest.fixture
def study(tmp_path: Path) -> Path:
    create_study(tmp_path / "study", name="study", simulated=False)
    return tmp_path / "study"


def allocate(study: Path) -> None:
    settings = AllocationSettings(
        id=secrets.token_hex(8), groups=("drug", "placebo"), ratio=(1, 1), strata={}, n_in={"all": 4}
    )
    given = Given(by="keeper", now=now_here() - timedelta(days=1))
    create(study, settings, multiples=(2,), passphrase="long enough words", given=given, scrypt_n=2**10)


def test_a_day_in_the_window(
    study: Path, open_window: Callable[..., Checklist], screen: VirtualScreen
) -> None:
    """One window, to save time: clicks, files of other programs, the clock."""
    window = open_window(study, "--participant", "007", "--by", "CB")
    state = window.wait(lambda state: state["rows"]["consent"]["button"], longest_s=90)
    assert state["title"] == "Checklist, participant 007"
    assert "allocation" not in state["rows"]
    # a click ticks a step, and is in the file with name and time
    screen.click(*state["rows"]["consent"]["button"])
    state = window.wait(lambda state: state["rows"]["consent"]["detail"].endswith(", CB"))
    assert state["rows"]["consent"]["word"] == ""
    assert set(read_ticks(study, "007")) == {"consent"}
    # the next one is marked, with what to type; a click copies it
    assert state["rows"]["demographics"]["word"] == "NEXT"
    screen.click(*state["rows"]["demographics"]["copy"])
    command = f"python -m experiments.questionnaires {study} --participant 007 --time t1"
    window.wait(lambda state: state["clipboard"] == command)
    # another click takes the tick back
    screen.click(*state["rows"]["consent"]["button"])
    window.wait(lambda state: state["rows"]["consent"]["word"] == "NEXT")
    assert read_ticks(study, "007") == {}
    # the keeper makes the allocation, the experimenter assigns: the window follows
    allocate(study)
    window.wait(lambda state: "pill" in state["rows"] and "No pill" in state["words"])
    given = Given(by="CB", now=now_here())
    person, _ = assign(open_allocation(study), "007", {}, given)
    window.wait(lambda state: person.package in state["rows"]["allocation"]["detail"])
    # the clock: too early in blue, in the window in green, too late in red, and words that say so
    colours = set()
    for minutes, words in ((100, "Too early"), (240, "may begin now"), (300, "TOO LATE")):
        moment = now_here() - timedelta(minutes=minutes)
        again = Given(by="CB", now=now_here(), reason="test")
        record_pill(open_allocation(study), "007", moment, again, correct=True)
        state = window.wait(lambda state, words=words: words in state["words"])
        assert state["clock"].startswith(f"{minutes // 60} h {minutes % 60:02} min since the pill")
        colours.add(state["band"])
    assert len(colours) == 3
    # steps further down can be reached and clicked, too
    place = window.ask("debrief")["rows"]["debrief"]["button"]
    screen.click(
        *window.wait(lambda state: state["rows"]["debrief"]["button"] == place)["rows"]["debrief"]["button"]
    )
    window.wait(lambda state: state["rows"]["debrief"]["detail"].endswith(", CB"))
    # a damaged file is said, and the window goes on
    log = study / "sourcedata" / "allocation" / "log.jsonl"
    log.write_text(log.read_text(encoding="utf-8").replace('"007"', '"008"', 1), encoding="utf-8")
    window.wait(lambda state: "entry 2 (assign) was changed" in state["problems"])
    assert window.close() == 0


def test_all_words_fit_in_german(study: Path, open_window: Callable[..., Checklist]) -> None:
    allocate(study)
    window = open_window(study, "--participant", "007", "--language", "de")
    state = window.wait(lambda state: state["rows"], longest_s=90)
    assert state["title"] == "Checkliste, Person 007"
    assert [row["name"] for row in state["rows"].values() if not row["fits"]] == []
    assert state["rows"]["consent"]["word"] == "JETZT"


def test_the_clock_runs_while_nothing_else_happens(
    study: Path, open_window: Callable[..., Checklist]
) -> None:
    allocate(study)
    given = Given(by="CB", now=now_here())
    assign(open_allocation(study), "007", {}, given)
    record_pill(open_allocation(study), "007", now_here() - timedelta(minutes=5, seconds=25), given)
    window = open_window(study, "--participant", "007")
    first = window.wait(lambda state: state["clock"], longest_s=90)
    later = window.wait(lambda state: state["footer"] != first["footer"])
    assert later["clock"].startswith(("5 min", "6 min"))
