"""Makes the picture of the guide to mice: ``python tests/pictures/simulated_mouse.py [FILE]``."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from hardware.simulated.mouse_expressions import EXPRESSIONS  # noqa: E402
from hardware.simulated.mouse_face import Camera, MouseFace, Pose  # noqa: E402
from hardware.simulated.mouse_texture import draw_traits  # noqa: E402

SHOWN = ("neutral", "pleasure", "disgust", "pain")


def draw_expressions() -> np.ndarray:
    """Draw four expressions of one mouse side by side, half as large as in the video."""
    face = MouseFace(draw_traits(np.random.default_rng(3)))
    camera = Camera(width=640, height=480, noise_sd=2.0, rng=np.random.default_rng(1))
    tiles = []
    for name in SHOWN:
        pattern = np.array(EXPRESSIONS.get(name, (0.0,) * 10))
        frame = camera.expose(face.draw(Pose(pattern)))[40:440, :560]
        tile = cv2.resize(frame, None, fx=0.65, fy=0.65, interpolation=cv2.INTER_AREA)
        cv2.putText(tile, name, (8, 22), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 255, 1, cv2.LINE_AA)
        cv2.putText(tile, "SIMULATED", (8, 252), cv2.FONT_HERSHEY_SIMPLEX, 0.4, 160, 1, cv2.LINE_AA)
        tiles.append(tile)
    return np.vstack([np.hstack(tiles[:2]), np.hstack(tiles[2:])])


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "pictures" / "simulated_mouse.png"
    cv2.imwrite(str(target), draw_expressions(), [cv2.IMWRITE_PNG_COMPRESSION, 9])
