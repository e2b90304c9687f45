"""A virtual screen with keys that really go down, and small stimulus sets."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from running_session import wait_for_event
from small_sets import make_set
from virtual_screen import SCREEN_PX, VirtualScreen, missing_program, started_screen

ROOT = Path(__file__).resolve().parent.parent.parent

__all__ = ["ROOT", "SCREEN_PX", "VirtualScreen", "make_set", "wait_for_event"]


@pytest.fixture(scope="session")
def screen() -> Iterator[VirtualScreen]:
    if not sys.platform.startswith("linux"):
        pytest.skip("the virtual screen is an X server: Linux only")
    if (reason := missing_program()) is not None:
        _missing(reason)
    with started_screen(first_in_line=True) as opened:
        yield opened


def _missing(reason: str) -> None:
    if os.environ.get("CI") and sys.platform.startswith("linux"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def start(screen: VirtualScreen, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a session in a process of its own, on the virtual screen."""
    running: list[subprocess.Popen[str]] = []
    home = tmp_path / "home"
    home.mkdir()
    environment = {**os.environ, "DISPLAY": screen.name, "HOME": str(home), "PYTHONPATH": str(ROOT)}
    environment.pop("WAYLAND_DISPLAY", None)

    def start(
        *arguments: object, display: str = screen.name, variables: Mapping[str, str] | None = None
    ) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "experiments.mimicry", *map(str, arguments)]
        output, chosen = subprocess.PIPE, {**environment, "DISPLAY": display, **(variables or {})}
        running.append(
            subprocess.Popen(
                command, env=chosen, stdin=subprocess.DEVNULL, stdout=output, stderr=output, text=True
            )
        )
        return running[-1]

    yield start
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def stimulus_set(tmp_path: Path) -> Path:
    return make_set(tmp_path / "set")
