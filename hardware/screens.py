"""The screens of this computer, asked of Qt in a process of its own.

On Linux a missing library makes Qt end the whole process without an exception; in a process of its own it can
only end itself.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

_MARK = "SCREENS "

_SCREEN_VARIABLES = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")


@dataclass(frozen=True, kw_only=True)
class Screen:
    """A screen as the system describes it."""

    number: int
    """From 0; 0 is the primary one."""
    name: str
    size_px: tuple[int, int]
    width_cm: float | None
    """Width of the picture that the screen itself tells; None where it tells none."""
    refresh_hz: float


def find_screens() -> tuple[list[Screen], str | None]:
    """Return the screens, and why there are none.

    Returns
    -------
    list of Screen
        The screens.
    str or None
        What is missing, when they could not be asked for.
    """
    if sys.platform.startswith("linux") and not any(map(os.environ.get, _SCREEN_VARIABLES)):
        return [], "there is no screen here (DISPLAY is not set)"
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    asked = subprocess.run(
        [sys.executable, "-m", "hardware.screens"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONIOENCODING": "utf-8"},
        timeout=30,
    )
    answers = [line for line in asked.stdout.splitlines() if line.startswith(_MARK)]
    if not answers:
        lines = asked.stderr.strip().splitlines() or [f"exit status {asked.returncode}"]
        reason = next((line for line in lines if "ould not" in line), lines[-1])
        return [], f"the screens could not be asked for ({reason})"
    screens = json.loads(answers[-1].removeprefix(_MARK))
    return [Screen(**{**screen, "size_px": tuple(screen["size_px"])}) for screen in screens], None


def _print_screens() -> None:
    from PyQt6.QtGui import QGuiApplication

    application = QGuiApplication(sys.argv[:1])
    primary = application.primaryScreen()
    screens = sorted(application.screens(), key=lambda screen: screen is not primary)
    found = []
    for number, screen in enumerate(screens):
        scale, width_mm = screen.devicePixelRatio(), screen.physicalSize().width()
        size = screen.size()
        found.append(
            {
                "number": number,
                "name": " ".join(filter(None, (screen.manufacturer(), screen.model(), screen.name()))),
                "size_px": [round(size.width() * scale), round(size.height() * scale)],
                "width_cm": round(width_mm / 10, 1) if width_mm > 0 else None,
                "refresh_hz": round(screen.refreshRate(), 3),
            }
        )
    print(_MARK + json.dumps(found), flush=True)


if __name__ == "__main__":
    _print_screens()
