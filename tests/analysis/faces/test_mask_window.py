"""What is drawn becomes the mask; the window is the real one, without a screen."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from analysis.faces.mask_drawing import MaskDrawing
from analysis.faces.masks import Crop, FaceMask, read_mask

ROOT = Path(__file__).resolve().parent.parent.parent.parent


def test_corners_near_the_first_close_the_outline() -> None:
    drawing = MaskDrawing((100, 100))
    drawing.tool = "face"
    for corner in [(10, 10), (90, 10), (90, 90), (12, 11)]:
        drawing.click(corner, close_px=5)
    assert drawing.corners == [] and len(drawing.outlines[0][1]) == 3
    drawing.click((50, 50))
    drawing.click((60, 60))
    drawing.close()
    assert len(drawing.outlines) == 1, "two corners are no outline"


def test_all_is_taken_back_step_by_step() -> None:
    drawing = MaskDrawing((100, 100))
    drawing.drag((90, 90), (10, 20))
    assert drawing.crop == Crop(left_px=10, top_px=20, width_px=80, height_px=70)
    drawing.tool = "spout"
    for corner in [(10, 10), (30, 10), (30, 30)]:
        drawing.click(corner)
    drawing.close()
    drawing.click((5, 5))
    states = []
    for _ in range(4):
        drawing.undo()
        states.append((len(drawing.corners), len(drawing.outlines), drawing.crop is None))
    assert states == [(0, 1, False), (0, 0, False), (0, 0, True), (0, 0, True)]


def test_nothing_reaches_beyond_the_frame() -> None:
    drawing = MaskDrawing((50, 80))
    drawing.drag((-20, -20), (200, 30))
    assert drawing.crop == Crop(left_px=0, top_px=0, width_px=80, height_px=30)
    drawing.tool = "face"
    drawing.click((-3, 99))
    assert drawing.corners == [(0.0, 50.0)]
    drawing.drag((5, 5), (5, 5))
    assert drawing.crop is None


def test_a_mask_is_gone_on_with_and_one_of_other_frames_is_refused() -> None:
    outline = ((1.0, 1.0), (9.0, 1.0), (9.0, 9.0))
    mask = FaceMask(face=(outline,), masked_cells="most", frame_width_px=40, frame_height_px=30)
    assert MaskDrawing((30, 40), mask).mask() == mask
    with pytest.raises(ValueError, match="drawn on frames of 40 x 30 px"):
        MaskDrawing((60, 40), mask)


def test_a_mask_that_leaves_nothing_is_told() -> None:
    drawing = MaskDrawing((30, 30))
    drawing.tool = "spout"
    for corner in [(0, 0), (30, 0), (30, 30), (0, 30)]:
        drawing.click(corner)
    drawing.close()
    with pytest.raises(ValueError, match="leaves no pixel"):
        drawing.mask()


@pytest.mark.display
def test_the_window_writes_what_is_drawn(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    np.save(tmp_path / "frame.npy", rng.integers(0, 256, (512, 640)).astype(np.uint8))
    program = Path(__file__).with_name("draw_a_mask.py")
    words = [tmp_path / "frame.npy", tmp_path / "mask.yaml", tmp_path / "window.png"]
    done = subprocess.run(
        [sys.executable, str(program), *map(str, words)],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    status, saved = done.stdout.splitlines()
    assert status.startswith("560 x 450 px") and "cells of 32 px stay" in status
    assert saved == "True"
    mask = read_mask(tmp_path / "mask.yaml")
    crop = mask.crop
    assert crop is not None
    found = (crop.left_px, crop.top_px, crop.width_px, crop.height_px)
    np.testing.assert_allclose(found, (40, 30, 560, 450), atol=2)
    assert [len(mask.face), len(mask.face[0]), len(mask.spout[0])] == [1, 4, 4]
    np.testing.assert_allclose(mask.face[0], [(60, 60), (560, 60), (560, 460), (60, 460)], atol=2)
    assert (mask.frame_width_px, mask.frame_height_px) == (640, 512)
