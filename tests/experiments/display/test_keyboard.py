"""Without Psychtoolbox there is no session: PsychoPy's other ways of reading keys are not exact."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]

pytestmark = pytest.mark.display

WITHOUT = """
import sys
{prepare}
from experiments.display.keyboard import PtbKeyboard
try:
    PtbKeyboard(now=lambda: 0.0)
except RuntimeError as error:
    print("REFUSED", error)
"""

NO_PSYCHTOOLBOX = 'sys.modules["psychtoolbox"] = None'
ANOTHER_BACKEND = """
from psychopy.hardware import keyboard
keyboard.Keyboard.getBackend = lambda device: "event"
"""


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [(NO_PSYCHTOOLBOX, "psychtoolbox"), (ANOTHER_BACKEND, "PsychoPy uses 'event' instead")],
)
def test_a_keyboard_without_time_stamps_of_its_own_is_refused(
    screen, tmp_path: Path, prepare: str, reason: str
) -> None:
    shown = subprocess.run(
        [sys.executable, "-c", WITHOUT.format(prepare=prepare)],
        cwd=ROOT,
        env={**os.environ, "DISPLAY": screen.name, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    said = [line for line in shown.stdout.splitlines() if line.startswith("REFUSED")]
    assert said, shown.stderr
    assert reason in said[0]
    assert "pip install --force-reinstall psychtoolbox" in said[0]
