"""Run facemorph in its own environment: frames at some levels, or a whole video with its own command.

Arguments: the folder with first.png and second.png, where to write, and ``video`` or levels.
"""

import sys
from pathlib import Path

import cv2
import numpy as np
from facemorph.landmarks import MediaPipeLandmarkDetector
from facemorph.morphing import build_morphed_frame, morph_images
from scipy.spatial import Delaunay

folder, out, *levels = sys.argv[1:]
photographs = [str(Path(folder) / name) for name in ("first.png", "second.png")]
if levels == ["video"]:
    morph_images(photographs, output_path=out, duration=5, fps=25, crop_border=0)
else:
    detector = MediaPipeLandmarkDetector()
    images = [cv2.imread(name) for name in photographs]
    points = [
        np.asarray(detector.detect(image, use_subset=True, add_boundary_points=True), np.float32)
        for image in images
    ]
    triangles = Delaunay((points[0] + points[1]) * 0.5).simplices
    for level in levels:
        frame = build_morphed_frame(*images, *points, triangles, float(level), False)
        cv2.imwrite(str(Path(out) / f"{level}.png"), frame)
