"""A virtual screen with keys that really go down, and small stimulus sets."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from experiments.dataset.rows import EventRow, read_rows
from stimuli.manifest import StimulusVideo, file_sha256, write_json, write_manifest
from stimuli.video import encode, frame_hashes

ROOT = Path(__file__).resolve().parent.parent.parent
SCREEN_PX = (1024, 768)
FPS = 25.0


class VirtualScreen:
    """An X server of its own: nothing of the tester's desktop is touched."""

    def __init__(self, name: str) -> None:
        from Xlib import display

        self.name = name
        self._server = display.Display(name)

    def press(self, key: str) -> None:
        """Press and release a key, such as Up, Down, KP_Up, Escape, y."""
        from Xlib import XK, X
        from Xlib.ext import xtest

        code = self._server.keysym_to_keycode(XK.string_to_keysym(key))
        xtest.fake_input(self._server, X.KeyPress, code)
        self._server.sync()
        time.sleep(0.03)
        xtest.fake_input(self._server, X.KeyRelease, code)
        self._server.sync()

    def screenshot(self) -> np.ndarray:
        """What is on the screen, shape ``(height_px, width_px, 3)``, uint8."""
        from Xlib import X

        width_px, height_px = SCREEN_PX
        image = self._server.screen().root.get_image(0, 0, width_px, height_px, X.ZPixmap, 0xFFFFFFFF)
        return np.frombuffer(image.data, np.uint8).reshape(height_px, width_px, 4)[:, :, 2::-1].copy()

    def close(self) -> None:
        self._server.close()


def _missing(reason: str) -> None:
    if os.environ.get("CI") and sys.platform.startswith("linux"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def screen() -> Iterator[VirtualScreen]:
    if not sys.platform.startswith("linux"):
        pytest.skip("the virtual screen is an X server: Linux only")
    program = shutil.which("Xvfb")
    if program is None:
        _missing("Xvfb is not installed (apt-get install xvfb)")
    reading, writing = os.pipe()
    size = f"{SCREEN_PX[0]}x{SCREEN_PX[1]}x24"
    command = [str(program), "-displayfd", str(writing), "-screen", "0", size, "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        number = pipe.readline().strip()
    if not number:
        server.wait()
        _missing("Xvfb did not start")
    opened = VirtualScreen(f":{number}")
    yield opened
    opened.close()
    server.terminate()
    server.wait(timeout=10)


@pytest.fixture
def start(screen: VirtualScreen, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a session in a process of its own, on the virtual screen."""
    running: list[subprocess.Popen[str]] = []
    home = tmp_path / "home"
    home.mkdir()
    environment = {**os.environ, "DISPLAY": screen.name, "HOME": str(home), "PYTHONPATH": str(ROOT)}
    environment.pop("WAYLAND_DISPLAY", None)

    def start(*arguments: object, display: str = screen.name) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "experiments.mimicry", *map(str, arguments)]
        output, chosen = subprocess.PIPE, {**environment, "DISPLAY": display}
        running.append(subprocess.Popen(command, env=chosen, stdout=output, stderr=output, text=True))
        return running[-1]

    yield start
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate()


def make_set(
    folder: Path,
    *,
    n_pairs: int = 2,
    n_frames: int = 25,
    directions: tuple[str, str] = ("AngryToHappy", "HappyToAngry"),
) -> Path:
    """Make a stimulus set of small videos whose frames can be told apart."""
    folder.mkdir()
    videos = []
    for pair in range(1, n_pairs + 1):
        for index, direction in enumerate(directions):
            name = f"id{pair:02}_{direction}"
            frames = np.full((n_frames, 120, 100, 3), 40 * pair, np.uint8)
            frames[:, 10:110, 10:90, index] = np.linspace(0, 255, n_frames).astype(np.uint8)[:, None, None]
            encode(frames, folder / f"{name}.mp4", fps=FPS)
            together = frame_hashes(frames)[1]
            levels = np.linspace(0, 1, n_frames).tolist()
            write_json(folder / f"{name}.json", {"levels": levels, "frames_sha256": together})
            videos.append(
                StimulusVideo(
                    folder=folder,
                    video=name,
                    pair=f"id{pair:02}",
                    identity=f"id{pair:02}",
                    sex="female",
                    direction=direction,
                    file=f"{name}.mp4",
                    n_frames=n_frames,
                    fps=FPS,
                    width_px=100,
                    height_px=120,
                    sidecar=f"{name}.json",
                    file_sha256=file_sha256(folder / f"{name}.mp4"),
                    frames_sha256=together,
                )
            )
    write_manifest(folder, videos, description={"parameters": {}})
    return folder


@pytest.fixture
def stimulus_set(tmp_path: Path) -> Path:
    return make_set(tmp_path / "set")


def wait_for_event(
    process: subprocess.Popen[str], folder: Path, trial_type: str, number: int = 1, *, longest_s: float = 60
) -> EventRow:
    """Wait until a running session has written its n-th event of a type."""
    end_s = time.monotonic() + longest_s
    while time.monotonic() < end_s:
        if (folder / "events.tsv").is_file():
            found = [
                row for row in read_rows(folder / "events.tsv", EventRow) if row.trial_type == trial_type
            ]
            if len(found) >= number:
                return found[number - 1]
        if process.poll() is not None:
            raise AssertionError(f"the session ended before {trial_type} {number}: {process.communicate()}")
        time.sleep(0.01)
    raise AssertionError(f"no {trial_type} {number} within {longest_s} s")
