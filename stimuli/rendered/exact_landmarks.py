"""Landmarks that are known exactly: mesh vertices that show on every expression, and the pupils."""

import functools
import json
from pathlib import Path
from typing import Any

import numpy as np

TEMPLATE_FILE = Path(__file__).with_name("landmark_template.json")
"""Which vertices are landmarks; made by `stimuli.rendered.choose_landmarks`."""


@functools.cache
def _template() -> dict[str, Any]:
    return json.loads(TEMPLATE_FILE.read_text(encoding="utf-8"))


def template_name() -> str:
    """Return the name of the point set; it changes when the points do."""
    return str(_template()["template"])


def landmark_vertices() -> np.ndarray:
    """Return the numbers (n,) of the drawn skin vertices that serve as landmarks."""
    return np.array(_template()["vertices"])


def landmark_record(
    vertices_px: np.ndarray, pupils_px: np.ndarray, *, width_px: int, height_px: int
) -> dict[str, Any]:
    """Return the landmark file's content: the skin points and, last, the two pupils.

    `vertices_px` (n, 2) are the pictured drawn vertices, `pupils_px` (2, 2) the pupils, image left first.
    """
    points = np.concatenate([vertices_px[landmark_vertices()], pupils_px])
    return {
        "format": "countenance-landmarks",
        "version": 1,
        "template": template_name(),
        "image_width_px": width_px,
        "image_height_px": height_px,
        "eyes": {"left_px": _rounded(pupils_px[0]), "right_px": _rounded(pupils_px[1])},
        "points_px": [_rounded(point) for point in points],
    }


def _rounded(point: np.ndarray) -> list[float]:
    return [round(float(value), 3) for value in point]
