"""The first page learns what the keypad sends, and nothing that is not a response key."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from running_session import wait_for_event

from experiments.dataset.rows import TrialRow, read_rows
from experiments.display import KeyPress, Watched
from experiments.display.clocks import ClockWatch
from experiments.display.simulated import SimulatedDisplay, VirtualClock
from experiments.mimicry.learn_key import KEYPAD_ALIASES, learn_response_key, names_of
from experiments.mimicry.parameters import SessionParameters
from experiments.mimicry.texts import read_texts
from experiments.mimicry.trial import Stage
from experiments.session import Keys, SessionLog, TriggerLine
from hardware.triggers import NoTrigger


class ScriptedKeyboard:
    """Sends one key a second."""

    def __init__(self, clock: VirtualClock, keys: Sequence[str]) -> None:
        self._clock = clock
        self._left = [KeyPress(key, clock.now() + number) for number, key in enumerate(keys, start=1)]

    def begin(self, watched: Watched) -> None:
        pass

    def presses(self) -> list[KeyPress]:
        due = [press for press in self._left if press.time_s <= self._clock.now()]
        self._left = self._left[len(due) :]
        return due

    def close(self) -> None:
        pass


def learned(tmp_path: Path, *keys: str, language: str = "en") -> tuple[tuple[str, ...], list[str]]:
    """Return what is learned from some presses, and the pages that were shown."""
    clock, pages = VirtualClock(), []
    display = SimulatedDisplay(clock, refresh_hz=60.0)
    show = display.text

    def text(text: str) -> None:
        if not pages or pages[-1] != text:
            pages.append(text)
        show(text)

    display.text = text  # type: ignore[method-assign]
    log = SessionLog(tmp_path)
    stage = Stage(
        display=display,
        keys=Keys(ScriptedKeyboard(clock, keys), escape_key="escape"),
        triggers=TriggerLine(NoTrigger()),
        log=log,
        codes={},
        films={},
        parameters=SessionParameters(),
        texts=read_texts(language),
        response_keys=("up",),
        clocks=ClockWatch(clock.now, clock.now),
    )
    names = learn_response_key(stage)
    log.close()
    return names, pages


def test_the_same_key_twice_is_learned_with_its_other_names(tmp_path: Path) -> None:
    names, pages = learned(tmp_path, "num_8", "num_8")
    assert names == ("num_8", "num_up", "up")
    assert len(pages) == 2 and '"num_8"' in pages[1]


def test_numlock_and_modifiers_are_no_answers(tmp_path: Path) -> None:
    names, pages = learned(tmp_path, "numlock", "lshift", "f8", "capslock", "rctrl", "numlock", "f8")
    assert names == ("f8",)
    assert len(pages) == 2


def test_two_different_keys_begin_anew(tmp_path: Path) -> None:
    names, pages = learned(tmp_path, "a", "b", "b", "b", language="de")
    assert names == ("b",)
    assert "„b“" in pages[2] and "andere Taste" in pages[2]


def test_a_key_without_a_name_cannot_be_used(tmp_path: Path) -> None:
    names, pages = learned(tmp_path, "n/a", "up", "up")
    assert names[0] == "up"
    assert "no name" in pages[1]


@pytest.mark.parametrize("keys", [("escape",), ("up", "escape"), ("up", "down", "escape")])
def test_escape_leaves_the_page_and_learns_nothing(tmp_path: Path, keys: tuple[str, ...]) -> None:
    assert learned(tmp_path, *keys)[0] == ()


def test_every_name_of_a_button_belongs_to_one_button() -> None:
    every = [name for names in KEYPAD_ALIASES for name in names]
    assert len(every) == len(set(every))
    assert names_of("up") == ("up", "num_8", "num_up")


@pytest.mark.display
def test_what_a_real_keypad_sends_is_learned_recorded_and_accepted(
    screen, start, stimulus_set: Path, tmp_path: Path
) -> None:
    study, folder = tmp_path / "study", tmp_path / "study" / "sourcedata" / "sub-007"
    options = ["--stimuli", stimulus_set, "--trials", 4, "--practice", 0, "--seed", 3, "--learn-key"]
    process = start(study, "--participant", "007", *options, "--allow-unmeasured-refresh")
    wait_for_event(process, folder, "session_start")
    for key in ("Num_Lock", "Shift_L", "KP_4", "Num_Lock", "KP_4"):
        time.sleep(0.3)
        screen.press(key)
    wait_for_event(process, folder, "instructions")
    time.sleep(0.5)
    screen.press("KP_4")
    for trial, key in enumerate(("KP_4", "Up"), start=1):
        wait_for_event(process, folder, "video", trial)
        time.sleep(0.3)
        screen.press(key)
    wait_for_event(process, folder, "break")
    time.sleep(0.3)
    screen.press("Escape")
    time.sleep(0.5)
    screen.press("s")
    _, messages = process.communicate(timeout=60)
    assert process.returncode == 0, messages
    record = json.loads((folder / "session.json").read_text(encoding="utf-8"))
    assert record["learned_response_keys"] == ["num_4", "left", "num_left"]
    assert record["rig"]["response_keys"] == ["num_4", "left", "num_left"]
    trials = read_rows(folder / "trials.tsv", TrialRow)
    assert [(trial.response_key, trial.outcome) for trial in trials] == [
        ("num_4", "correct"),
        ("up", "wrong_key"),
    ]
