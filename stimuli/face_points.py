"""What the points of the templates mean: eyes, mouth, and the outline of the face."""

from __future__ import annotations

import numpy as np

MODEL_TEMPLATE = "face478"
"""Name of the face model's own template of 478 points."""

CONTOUR = [
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288),
    *(397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150, 136),
    *(172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
]
"""Points of the model around the face, clockwise in the picture from the top of the forehead."""

INNER_LIPS = [
    *(78, 191, 80, 81, 82, 13, 312, 311, 310, 415),
    *(308, 324, 318, 402, 317, 14, 87, 178, 88, 95),
]
"""Points of the model around the opening of the mouth, from the corner at the picture's left."""

OUTER_LIPS = [
    *(61, 185, 40, 39, 37, 0, 267, 269, 270, 409),
    *(291, 375, 321, 405, 314, 17, 84, 181, 91, 146),
]
"""Points of the model around the lips, from the corner at the picture's left."""

UPPER_LIP, LOWER_LIP = 13, 14
"""Points of the model in the middle of the lips, where they meet."""

RIGHT_EYELIDS = [33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7]
"""Points of the model around the opening of the person's right eye (at the picture's left)."""

LEFT_EYELIDS = [263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249]
"""Points of the model around the opening of the person's left eye (at the picture's right)."""

IRISES = [469, 470, 471, 472, 474, 475, 476, 477]
"""Points of the model around both irises."""

EYE_POINTS: dict[str, tuple[list[int], list[int]]] = {
    MODEL_TEMPLATE: ([468], [473]),
    "frl189": ([0], [1]),
    "fpp106": ([0], [1]),
    "fpp83": ([63], [81]),
    "dlib70": ([0], [1]),
    "dlib7": ([0], [1]),
    "ibug68": ([36, 37, 38, 39, 40, 41], [42, 43, 44, 45, 46, 47]),
}
"""Templates whose pupils are known: points whose mean is the eye at the picture's left, and right."""

FOREHEAD_RISE = 0.2
"""How far the outline rises above the model's points on the forehead, relative to them (our choice)."""


def eye_centres(points_px: np.ndarray, template: str) -> np.ndarray:
    """Return the centres of the eyes.

    Parameters
    ----------
    points_px
        Points of a template, shape ``(n_points, 2)``.
    template
        Name of the template, one of `EYE_POINTS`.

    Returns
    -------
    numpy.ndarray
        Shape ``(2, 2)``: the eye at the picture's left, then the other; each x, y.
    """
    return np.stack([points_px[points].mean(axis=0) for points in EYE_POINTS[template]])


def face_outline(points_px: np.ndarray) -> np.ndarray:
    """Return the oval outline of a face: points along cheeks and chin, and an arch over the forehead.

    The model's own points end in a straight line across the forehead.

    Parameters
    ----------
    points_px
        The model's 478 points, shape ``(478, 2)``.

    Returns
    -------
    numpy.ndarray
        Shape ``(36, 2)``, from one temple over the forehead and the chin back to it.
    """
    contour = points_px[CONTOUR]
    top, right_temple, left_temple = contour[0], contour[29], contour[7]
    middle = (right_temple + left_temple) / 2
    angle = np.linspace(np.pi, 0, 15)[:, None]
    arch = np.cos(angle) * (left_temple - middle) + np.sin(angle) * (top - middle) * (1 + FOREHEAD_RISE)
    return np.concatenate([middle + arch, contour[8:29]])


def mouth_gap(points_px: np.ndarray) -> float:
    """Return the distance between the middles of the lips, in the unit of the points."""
    return float(np.linalg.norm(points_px[UPPER_LIP] - points_px[LOWER_LIP]))
