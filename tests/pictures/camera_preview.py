"""Draw the window of the live picture: ``python tests/pictures/camera_preview.py docs/pictures``.

The camera is the drawn mouse; crop, face and spout are drawn onto it. ``camera_preview.png`` comes out.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

if __name__ == "__main__":
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402
from PyQt6.QtWidgets import QApplication  # noqa: E402

from hardware.cameras.preview_window import PreviewWindow  # noqa: E402
from hardware.cameras.regions import Tool  # noqa: E402
from hardware.cameras.shared_picture import SharedPicture, Status, create_picture  # noqa: E402
from hardware.clocks import VirtualClock  # noqa: E402
from hardware.simulated.mouse_camera import SyntheticCamera  # noqa: E402

WIDTH_PX = 760
"""Width of the pictures in the docs."""
OUTLINES: tuple[tuple[Tool, list[tuple[float, float]]], ...] = (
    ("face", [(105, 250), (250, 150), (380, 100), (490, 95), (520, 230), (430, 330), (330, 400), (150, 300)]),
    ("spout", [(0, 290), (104, 276), (118, 300), (0, 375)]),
)


def main(folder: Path) -> None:
    """Draw it."""
    clock = VirtualClock()
    camera = SyntheticCamera(fps=30, clock=clock, rng=np.random.default_rng(1))
    camera.open()
    camera.start()
    clock.sleep(1.0)
    image = camera.grab(0.0).image
    if image is None:
        raise SystemExit("the drawn camera gave no picture")
    application = QApplication([])
    path = create_picture(640, 480)
    shared = SharedPicture(path)
    shared.write(image, Status(n_frames=2718, n_lost=0, queue_depth=1, recording=1))
    window = PreviewWindow(shared, masks=Path("masks.yaml"), title="m01 tastants", simulated=True)
    window.regions.drag((70, 60), (580, 420))
    for tool, corners in OUTLINES:
        window.choose(tool)
        for corner in corners:
            window.regions.click(corner)
    window.regions.close()
    window.choose("face")
    window.show()
    window.turn()
    application.processEvents()
    with tempfile.TemporaryDirectory() as scratch:
        window.grab().save(str(Path(scratch) / "window.png"))
        picture = Image.open(Path(scratch) / "window.png").convert("RGB")
        height = round(picture.height * WIDTH_PX / picture.width)
        small = picture.resize((WIDTH_PX, height), Image.Resampling.LANCZOS)
        small.quantize(128).save(folder / "camera_preview.png", optimize=True)
    shared.close()
    path.unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
