"""Masks from the command line: a template where there is no screen, and clear words."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from analysis.faces.masks import read_mask

ROOT = Path(__file__).resolve().parent.parent.parent.parent


def masks(*words: object) -> subprocess.CompletedProcess[str]:
    screens = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    environment = {name: value for name, value in os.environ.items() if name not in screens}
    return subprocess.run(
        [sys.executable, "-m", "analysis.faces", "masks", *map(str, words)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_a_template_is_written_for_the_real_video(shared: Path, tmp_path: Path) -> None:
    video = shared / "data" / "lightningpose_headfixed_video" / "test_vid.mp4"
    out = tmp_path / "mouse.yaml"
    done = masks(video, "--out", out, "--template", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert said == {"mask": str(out), "saved": True, "picture": str(tmp_path / "mouse.png")}
    crop = read_mask(out).crop
    assert crop is not None and (crop.width_px, crop.height_px) == (396, 406)
    with Image.open(tmp_path / "mouse.png") as picture:
        assert picture.size == (396, 406)
    again = masks(video, "--out", out, "--template")
    assert again.returncode == 2 and "exists; give another name" in again.stderr


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere there always is a screen")
def test_without_a_screen_it_says_what_to_do(shared: Path, tmp_path: Path) -> None:
    video = shared / "data" / "lightningpose_headfixed_video" / "test_vid.mp4"
    done = masks(video, "--out", tmp_path / "mouse.yaml")
    assert done.returncode == 2 and "add --template" in done.stderr
    assert "Traceback" not in done.stderr
    missing = masks(tmp_path / "none.mp4")
    assert missing.returncode == 2 and "Traceback" not in missing.stderr
