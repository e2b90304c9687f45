"""The dialog is really typed into; when it cannot be shown, only its own process ends."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from experiments.display.dialog import ask

pytestmark = pytest.mark.display

FIELDS = {"participant": "Participant", "age": "Age"}


@pytest.fixture
def typed(screen, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Show the dialog, press keys when it is there, and return the answers."""
    monkeypatch.setenv("DISPLAY", screen.name)
    monkeypatch.setenv("HOME", str(tmp_path))

    def typed(*keys: str) -> object:
        answers: list[object] = []
        asking = threading.Thread(target=lambda: answers.append(ask(FIELDS, title="Test")))
        asking.start()
        empty = screen.screenshot()
        end_s = time.monotonic() + 60
        while (screen.screenshot() == empty).all() and asking.is_alive() and time.monotonic() < end_s:
            time.sleep(0.2)
        time.sleep(1)
        for key in keys:
            screen.press(key)
            time.sleep(0.1)
        asking.join(timeout=30)
        return answers[0]

    return typed


def test_what_is_typed_is_the_answer(typed) -> None:
    assert typed("0", "0", "7", "Tab", "2", "3", "Return") == {"participant": "007", "age": "23"}


def test_a_cancelled_dialog_has_no_answers(typed) -> None:
    assert typed("1", "Escape") is None


def test_a_dialog_that_cannot_be_shown_says_what_to_install(
    screen, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DISPLAY", screen.name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("QT_QPA_PLATFORM", "nonexistent")
    with pytest.raises(RuntimeError, match="libxcb-cursor0"):
        ask(FIELDS, title="Test")
