"""A pair of photographs that are not the built-in faces', so that tests need not render."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from stimuli.landmark_files import LandmarkFormat
from stimuli.landmark_table import write_landmarks
from stimuli.pairs import read_pairs
from stimuli.photographs import write_png
from stimuli.sources import read_sources

ROOT = Path(__file__).resolve().parent.parent.parent.parent
SCREEN_PX = (1500, 920)
HEADER = "pair\tidentity\tsex\tneutral\thappy"


def smaller_and_turned(image: np.ndarray) -> np.ndarray:
    turn = cv2.getRotationMatrix2D((225, 110), 4, 0.97)
    return cv2.warpAffine(image, turn, (540, 520), borderMode=cv2.BORDER_REPLICATE)


@pytest.fixture
def table(astronaut: np.ndarray, tmp_path: Path) -> Path:
    """Two pairs without landmark files; the second person is the first, mirrored."""
    folder = tmp_path / "photos"
    folder.mkdir()
    rows = [HEADER]
    for name, image in (("ann", astronaut), ("bea", np.ascontiguousarray(astronaut[:, ::-1]))):
        write_png(folder / f"{name}_1.png", image)
        write_png(folder / f"{name}_2.png", smaller_and_turned(image))
        rows.append(f"{name}\t{name}\tfemale\t{name}_1.png\t{name}_2.png")
    (folder / "pairs.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder / "pairs.tsv"


@pytest.fixture
def with_files(table: Path, tmp_path: Path) -> Callable[[LandmarkFormat], Path]:
    """The same with landmark files of a format."""

    def make(to: LandmarkFormat = "json") -> Path:
        pairs = read_pairs(table)
        return write_landmarks(pairs, read_sources(pairs.pairs), tmp_path / f"as_{to}", to=to)

    return make


class Screen:
    """An X server of its own, whose mouse and keys are really pressed."""

    def __init__(self, name: str) -> None:
        from Xlib import display

        self.name = name
        self._server = display.Display(name)

    def move(self, place: Sequence[float]) -> None:
        """Move the mouse to a place, in pixels of the screen."""
        from Xlib import X
        from Xlib.ext import xtest

        xtest.fake_input(self._server, X.MotionNotify, x=round(place[0]), y=round(place[1]))
        self._server.sync()
        time.sleep(0.02)

    def button(self, down: bool, number: int = 1) -> None:
        """Press or release a button of the mouse; 4 and 5 are the wheel."""
        from Xlib import X
        from Xlib.ext import xtest

        xtest.fake_input(self._server, X.ButtonPress if down else X.ButtonRelease, number)
        self._server.sync()
        time.sleep(0.02)

    def click(self, place: Sequence[float], number: int = 1) -> None:
        """Click somewhere."""
        self.move(place)
        self.button(True, number)
        self.button(False, number)

    def drag(
        self, start: Sequence[float], by: Sequence[float], number: int = 1, *, drop: bool = True
    ) -> None:
        """Drag in ten steps."""
        self.move(start)
        self.button(True, number)
        for step in range(1, 11):
            self.move([start[0] + by[0] * step / 10, start[1] + by[1] * step / 10])
        if drop:
            self.button(False, number)

    def key(self, name: str, *modifiers: str) -> None:
        """Press and release a key, such as Up, plus, s, while others are held."""
        self._focus()
        with contextlib.ExitStack() as held:
            for modifier in modifiers:
                held.enter_context(self.held(modifier))
            with self.held(name):
                time.sleep(0.02)

    @contextlib.contextmanager
    def held(self, name: str) -> Iterator[None]:
        """Hold a key down."""
        from Xlib import XK, X
        from Xlib.ext import xtest

        code = self._server.keysym_to_keycode(XK.string_to_keysym(name))
        xtest.fake_input(self._server, X.KeyPress, code)
        self._server.sync()
        yield
        xtest.fake_input(self._server, X.KeyRelease, code)
        self._server.sync()

    def _focus(self) -> None:
        """Give the keys to the uppermost window, as a window manager does."""
        from Xlib import X

        windows = self._server.screen().root.query_tree().children
        shown = [window for window in windows if window.get_attributes().map_state == X.IsViewable]
        if shown:
            shown[-1].set_input_focus(X.RevertToParent, X.CurrentTime)
            self._server.sync()

    def screenshot(self) -> np.ndarray:
        """What is on the screen, shape ``(height_px, width_px, 3)``, uint8."""
        from Xlib import X

        root = self._server.screen().root
        width_px, height_px = SCREEN_PX
        image = root.get_image(0, 0, width_px, height_px, X.ZPixmap, 0xFFFFFFFF)
        return np.frombuffer(image.data, np.uint8).reshape(height_px, width_px, 4)[:, :, 2::-1].copy()

    def close(self) -> None:
        self._server.close()


class Editor:
    """The editor in a process of its own; it is asked what it shows."""

    def __init__(self, screen: Screen, table: Path, home: Path, **environment: str) -> None:
        self.screen = screen
        variables = {**os.environ, "DISPLAY": screen.name, "HOME": str(home), "PYTHONPATH": str(ROOT)}
        variables.pop("WAYLAND_DISPLAY", None)
        command = [sys.executable, str(Path(__file__).with_name("watched_editor.py")), str(table)]
        self._log = tempfile.TemporaryFile(mode="w+")  # noqa: SIM115
        self.process = subprocess.Popen(
            command,
            env={**variables, **environment},
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        self.wait(lambda state: any(full for _, full in state["frames"]), longest_s=90)

    def ask(self, *question: int) -> Any:
        """Ask for the place of a point, (photograph, point), or for everything."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        state = json.loads(answer) if answer else "closed"
        if state == "closed":
            raise AssertionError(f"the editor ended: {self.said()}")
        return state

    def wait(self, until: Callable[[dict[str, Any]], object], *, longest_s: float = 20) -> dict[str, Any]:
        """Wait until what the editor tells of itself is as wanted, and return it."""
        end_s = time.monotonic() + longest_s
        while time.monotonic() < end_s:
            state = self.ask()
            if until(state):
                return state
            time.sleep(0.05)
        state = {name: value for name, value in state.items() if name not in ("points", "opened", "frames")}
        raise AssertionError(f"not within {longest_s} s; the editor shows {state}")

    def answer(self, button: str) -> str:
        """Wait for a question, press a button of it, and return its text."""
        box = self.wait(lambda state: state["dialog"])["dialog"]
        self.screen.click(box["buttons"][button])
        with contextlib.suppress(AssertionError, BrokenPipeError):  # an answer may end the editor
            self.wait(lambda state: state["dialog"] is None or state["dialog"]["text"] != box["text"])
        return box["text"]

    def ended(self) -> int:
        """Wait for the end and return the exit status."""
        return self.process.wait(timeout=30)

    def said(self) -> str:
        """What went to the standard error."""
        self._log.seek(0)
        return self._log.read()

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        self._log.close()


@pytest.fixture(scope="session")
def screen() -> Iterator[Screen]:
    def missing(reason: str) -> None:
        if os.environ.get("CI") and sys.platform.startswith("linux"):
            pytest.fail(reason)
        pytest.skip(reason)

    program = shutil.which("Xvfb")
    if program is None or not sys.platform.startswith("linux"):
        missing("Xvfb is not installed (apt-get install xvfb)")
    reading, writing = os.pipe()
    size = f"{SCREEN_PX[0]}x{SCREEN_PX[1]}x24"
    command = [str(program), "-displayfd", str(writing), "-screen", "0", size, "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        number = pipe.readline().strip()
    if not number:
        server.wait()
        missing("Xvfb did not start")
    opened = Screen(f":{number}")
    yield opened
    opened.close()
    server.terminate()
    server.wait(timeout=10)


@pytest.fixture
def start(screen: Screen, tmp_path: Path) -> Iterator[Callable[..., Editor]]:
    """Start the editor with a table."""
    running: list[Editor] = []
    home = tmp_path / "home"
    home.mkdir()

    def start(table: Path, **environment: str) -> Editor:
        running.append(Editor(screen, table, home, **environment))
        return running[-1]

    yield start
    for editor in running:
        editor.kill()
