"""The keyboards that Psychtoolbox can read, asked in a process of its own: it may end without a screen."""

from __future__ import annotations

import json
import os
import subprocess
import sys

_MARK = "KEYBOARDS "

_SCRIPT = (
    "import json; from psychtoolbox import hid; "
    f"print({_MARK!r} + json.dumps([str(name) for name in hid.get_keyboard_indices()[1]]), flush=True)"
)

REMEDY = (
    "pip install --force-reinstall psychtoolbox; on Debian and Ubuntu also: sudo apt-get install libx11-6 "
    "libxi6 libgl1 libusb-1.0-0; on macOS allow the terminal to monitor input (System Settings, Privacy)"
)


def find_keyboards() -> tuple[list[str], str | None]:
    """Return the names of the keyboards, and why they could not be asked for."""
    if sys.platform.startswith("linux") and not os.environ.get("DISPLAY"):
        return [], "keyboards are read where there is a screen (DISPLAY is not set)"
    asked = subprocess.run(
        [sys.executable, "-c", _SCRIPT], capture_output=True, text=True, errors="replace", timeout=30
    )
    answers = [line for line in asked.stdout.splitlines() if line.startswith(_MARK)]
    if answers:
        return json.loads(answers[-1].removeprefix(_MARK)), None
    lines = asked.stderr.strip().splitlines() or [f"exit status {asked.returncode}"]
    return [], f"Psychtoolbox cannot read keyboards ({lines[-1]})"
