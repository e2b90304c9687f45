"""Photograph every screen of a session: ``python tests/pictures/session_screens.py docs/pictures``.

A session runs on a virtual screen (Xvfb), first its dialog, then all its pages, trials and questions, with
keys that are really pressed. One picture per language comes out, ``session_screens_en.png`` and so on.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

ROOT = Path(__file__).resolve().parent.parent.parent
COLUMNS, CELL_PX, TITLE_PX = 4, (400, 300), 24


class Photographer:
    """Presses keys in a running session and keeps what is on the screen.

    Parameters
    ----------
    screen : VirtualScreen
        The screen.
    process : subprocess.Popen
        The session.
    folder : Path
        Where the session is written.
    """

    def __init__(self, screen: object, process: subprocess.Popen[str], folder: Path) -> None:
        self.pictures: dict[str, Image.Image] = {}
        self._screen = screen
        self._process = process
        self._folder = folder

    def wait(self, trial_type: str, number: int = 1, *, then_s: float = 0.6) -> None:
        """Wait for an event, and a little longer."""
        from running_session import wait_for_event

        wait_for_event(self._process, self._folder, trial_type, number)
        time.sleep(then_s)

    def press(self, *keys: str, then_s: float = 0.6) -> None:
        """Press keys one after the other, and wait a little."""
        for key in keys:
            self._screen.press(key)  # type: ignore[attr-defined]
            time.sleep(0.1)
        time.sleep(then_s)

    def keep(self, title: str, *, cropped: bool = False) -> None:
        """Keep what is on the screen; of a dialog, the part that is not black."""
        picture = Image.fromarray(self._screen.screenshot())  # type: ignore[attr-defined]
        if cropped:
            picture = ImageOps.pad(picture.crop(picture.getbbox()), CELL_PX, color="black")
        self.pictures[title] = picture

    def wait_for_window(self) -> None:
        """Wait until something is on the empty screen."""
        empty = self._screen.screenshot()  # type: ignore[attr-defined]
        while np.array_equal(self._screen.screenshot(), empty):  # type: ignore[attr-defined]
            if self._process.poll() is not None:
                raise RuntimeError(f"the session ended: {self._process.communicate()[1]}")
            time.sleep(0.2)
        time.sleep(2)


def photograph(at: Photographer, stop_keys: dict[str, str]) -> None:
    """Go through a session of one practice trial and four trials."""
    at.wait_for_window()
    at.press("0", "0", "7", "Tab", "2", "3")
    at.keep("dialog", cropped=True)
    at.press("Return")
    at.wait("session_start")
    at.keep("--learn-key: the response key")
    at.press("KP_Up")
    at.keep("... once more")
    at.press("Down")
    at.keep("... another key")
    at.press("KP_Up")
    at.press("KP_Up")
    at.wait("instructions")
    at.keep("instructions")
    at.press("KP_Up")
    at.wait("practice_fixation")
    at.keep("fixation, 2 to 3 s")
    at.wait("practice_video", then_s=1.0)
    at.press("KP_Up")
    at.keep("video, 5 s")
    at.wait("practice_feedback", then_s=0.4)
    at.keep("feedback: correct")
    time.sleep(1.5)
    at.keep("after the practice")
    at.press("KP_Up")
    at.wait("feedback", 1, then_s=0.4)
    at.keep("feedback: no press")
    at.wait("video", 2)
    at.press("Down")
    at.wait("feedback", 2, then_s=0.4)
    at.keep("feedback: wrong key")
    at.wait("break")
    at.keep("break")
    at.press("KP_Up")
    at.wait("video", 3)
    at.press("KP_Up", "KP_Up", "Escape")
    at.wait("feedback", 3, then_s=0.4)
    at.keep("feedback: repeated press")
    time.sleep(1.5)
    at.keep("after Escape")
    at.press(stop_keys["go_on"])
    at.wait("session_end")
    at.keep("end")
    at.press("KP_Up")


def sheet(pictures: dict[str, Image.Image]) -> Image.Image:
    """Put pictures side by side, each with its title."""
    width_px, height_px = CELL_PX
    n_rows = -(-len(pictures) // COLUMNS)
    cell_px = height_px + TITLE_PX
    together = Image.new("RGB", (COLUMNS * (width_px + 8) + 8, n_rows * (cell_px + 8) + 8), "white")
    draw, font = ImageDraw.Draw(together), ImageFont.load_default(14)
    for index, (title, picture) in enumerate(pictures.items()):
        row, column = divmod(index, COLUMNS)
        left, top = 8 + column * (width_px + 8), 8 + row * (cell_px + 8)
        draw.text((left, top + 2), title, fill="black", font=font)
        together.paste(picture.resize(CELL_PX, Image.Resampling.LANCZOS), (left, top + TITLE_PX))
    return together


def take(language: str, stimuli: Path) -> dict[str, Image.Image]:
    """Run a session in a language and return its screens by title."""
    from virtual_screen import started_screen

    from experiments.mimicry.texts import read_texts

    with tempfile.TemporaryDirectory() as home, started_screen() as screen:
        study = Path(home) / "study"
        options = ["--stimuli", stimuli, "--language", language, "--trials", 4, "--practice", 1, "--seed", 5]
        options += ["--learn-key", "--allow-unmeasured-refresh"]
        surroundings = {**os.environ, "DISPLAY": screen.name, "HOME": home, "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(
            [str(part) for part in (sys.executable, "-m", "experiments.mimicry", study, *options)],
            env=surroundings,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            at = Photographer(screen, process, study / "sourcedata" / "sub-007")
            photograph(at, read_texts(language).keys)
            process.communicate(timeout=60)
        finally:
            process.kill()
    return at.pictures


def main() -> None:
    """Take the pictures of all languages."""
    sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]
    from rendered_set import make_rendered_set

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path, help="folder for the pictures")
    parser.add_argument("--stimuli", type=Path, help="a stimulus set instead of built-in faces")
    parser.add_argument("--language", action="append", help="en, de; may be repeated (default: both)")
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        stimuli = chosen.stimuli or make_rendered_set(Path(folder), size_px=(450, 600), identities=2)
        for language in chosen.language or ("en", "de"):
            together = sheet(take(language, stimuli))
            path = chosen.out / f"session_screens_{language}.png"
            together.quantize(128).save(path, optimize=True)
            print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
