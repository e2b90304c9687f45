"""Run facemorpher in its own environment: frames at some levels.

Arguments: the folder with first.png, second.png and their landmarks (.npy), where to write, levels. Its own
detector, stasm, cannot be built any more (it lacks the header files of OpenCV), so the landmarks are given;
it rounds them to whole pixels itself.
"""

import sys
import types
from pathlib import Path

import cv2
import numpy as np

sys.modules["stasm"] = types.ModuleType("stasm")
from facemorpher import blender, locator, warper  # noqa: E402

folder, out, *levels = sys.argv[1:]
images = [cv2.imread(str(Path(folder) / name)) for name in ("first.png", "second.png")]
points = [np.load(Path(folder) / name).astype(np.int32) for name in ("first.npy", "second.npy")]
points = [np.vstack([some, locator.boundary_points(some)]) for some in points]
for level in levels:
    share = 1 - float(level)
    shape = locator.weighted_average_points(points[0], points[1], share)
    warped = [
        warper.warp_image(image, some, shape, image.shape) for image, some in zip(images, points, strict=True)
    ]
    cv2.imwrite(str(Path(out) / f"{level}.png"), blender.weighted_average(*warped, share))
