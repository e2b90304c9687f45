"""A questionnaire in a real window: a real mouse, real keys, kill -9 in the middle, SIGTERM."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from experiments.dataset.answers import AnswerRow, read_administrations
from experiments.display.pages import Button, Page, arrange
from experiments.questionnaires.forms import read_form
from experiments.questionnaires.question import question_page
from experiments.questionnaires.texts import read_texts

pytestmark = pytest.mark.display

ROOT = Path(__file__).resolve().parent.parent.parent.parent
FORM = """
name = "kinds"
language = "en"
title = "One item of each kind"
table = "kinds"

[response]
1 = "no"
2 = "a little"
3 = "rather"
4 = "yes"

[[items]]
id = "glad"
text = "glad"

[[items]]
id = "hand"
kind = "choice"
text = "Which hand?"
options = { left = "left", right = "right", both = "both" }

[[items]]
id = "height_cm"
kind = "number"
text = "How tall are you?"
unit = "cm"
minimum = 120
maximum = 230

[[items]]
id = "breakfast"
kind = "time"
text = "When did you have breakfast?"
"""

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def form(tmp_path: Path) -> Path:
    path = tmp_path / "kinds.toml"
    path.write_text(FORM, encoding="utf-8")
    return path


@pytest.fixture
def ask(screen, tmp_path: Path) -> Iterator[Start]:
    """Start the command in a process of its own, on the virtual screen."""
    running: list[subprocess.Popen[str]] = []
    (tmp_path / "home").mkdir()
    environment = {
        **os.environ,
        "DISPLAY": screen.name,
        "HOME": str(tmp_path / "home"),
        "PYTHONPATH": str(ROOT),
    }
    environment.pop("WAYLAND_DISPLAY", None)

    def start(*arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "experiments.questionnaires", *map(str, arguments)]
        output = subprocess.PIPE
        running.append(subprocess.Popen(command, env=environment, stdout=output, stderr=output, text=True))
        return running[-1]

    yield start
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate()


class Participant:
    """Acts on the screen, and waits until what was done is in the file."""

    def __init__(self, screen, study: Path, form: Path, process: subprocess.Popen[str]) -> None:
        self.screen = screen
        self.study = study
        self.form = read_form(str(form), "en")
        self.process = process

    def rows(self) -> tuple[AnswerRow, ...]:
        found = read_administrations(self.study, "007")
        return found[0].rows if found else ()

    def wait_for(self, action: str, n_before: int) -> AnswerRow:
        end_s = time.monotonic() + 60
        while time.monotonic() < end_s:
            rows = self.rows()
            if len(rows) > n_before and rows[-1].action == action:
                time.sleep(1.2)  # the next page has appeared
                return rows[-1]
            assert self.process.poll() is None, self.process.communicate()
            time.sleep(0.02)
        raise AssertionError(f"no row {action}; there are {[row.action for row in self.rows()]}")

    def click(self, id: str, item: str | None = None) -> None:
        page = Page(name="end", text="x", commands=(Button(id=id, label=id, slot="right"),))
        if item is not None:
            texts = read_texts("en")
            page = question_page(
                self.form.item(item), texts, stem="", number=2, total=4, given=None, can_go_back=True
            )
        self.screen.click(*arrange(page, (1024, 768)).box_of(id).centre)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.screen.press(key)
            time.sleep(0.1)


def test_mouse_and_keys_and_a_kill_in_the_middle(screen, ask: Start, form: Path, tmp_path: Path) -> None:
    study = tmp_path / "study"
    options = [study, "--participant", "007", "--form", form, "--json"]
    process = ask(*options)
    participant = Participant(screen, study, form, process)
    participant.wait_for("start", 0)
    participant.click("4", "glad")
    assert participant.wait_for("answer", 1).value == "4"
    participant.press("BackSpace")
    participant.wait_for("back", 2)
    participant.press("2")
    corrected = participant.wait_for("answer", 3)
    assert (corrected.item, corrected.value, corrected.source) == ("glad", "2", "keyboard")
    participant.press("Down", "Down", "Return")
    assert participant.wait_for("answer", 4).value == "right"
    quiet = screen.screenshot()
    participant.press("1", "7", "Return")
    assert participant.wait_for("refused", 5).message == "Please type a number from 120 to 230 cm."
    assert red(screen.screenshot()) > red(quiet) + 200, "the message is on the screen"
    participant.click("2", "height_cm")
    time.sleep(0.3)
    participant.click("next", "height_cm")
    answer = participant.wait_for("answer", 6)
    assert (answer.value, answer.source) == ("172", "mouse")
    assert all(0 < row.response_time < 10 for row in participant.rows() if row.response_time is not None)
    before = participant.rows()
    process.kill()
    process.wait()
    assert participant.rows() == before

    again = ask(*options)
    participant.process = again
    participant.wait_for("resume", len(before))
    participant.press("0", "9", "3", "5", "Return")
    assert participant.wait_for("answer", len(before) + 1).value == "09:35"
    participant.click("finish")
    participant.wait_for("finish", len(before) + 2)
    participant.press("Return")
    output, messages = again.communicate(timeout=60)
    assert again.returncode == 0, messages
    assert "Going on with kinds after 3 of 4 questions." in output
    assert json.loads(output.splitlines()[-1])["forms"]["kinds"]["answered"] == 4
    (one,) = read_administrations(study, "007")
    assert one.answers == {"glad": "2", "hand": "right", "height_cm": "172", "breakfast": "09:35"}
    assert one.record["display"] == {"kind": "window", "size_px": [1024, 768], "fullscreen": True}


def test_a_request_of_the_system_to_end(screen, ask: Start, form: Path, tmp_path: Path) -> None:
    study = tmp_path / "study"
    process = ask(study, "--participant", "007", "--form", form)
    participant = Participant(screen, study, form, process)
    participant.wait_for("start", 0)
    participant.press("3")
    participant.wait_for("answer", 1)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "1 of 4 answered; NOT FINISHED" in output
    assert "To go on, give the same command again." in output
    assert [row.action for row in participant.rows()] == ["start", "answer", "stop"]


def red(picture: np.ndarray) -> int:
    """Count the pixels in the colour of warnings."""
    return int(((picture[:, :, 0] > 140) & (picture[:, :, 1] < 90)).sum())
