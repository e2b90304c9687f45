"""Parts of the face that landmarks belong to, whatever their template; pure."""

from __future__ import annotations

import cv2
import numpy as np

from stimuli.face_points import CONTOUR, LEFT_EYELIDS, OUTER_LIPS, RIGHT_EYELIDS, eye_centres

GROUPS = ("outline", "brows", "eyes", "nose", "lips", "skin")
"""Names of the parts; ``outline`` has all that is around the face, ``skin`` what is left."""

RIGHT_BROW = [70, 63, 105, 66, 107, 55, 65, 52, 53, 46]
"""Points of the model around the person's right brow."""
LEFT_BROW = [300, 293, 334, 296, 336, 285, 295, 282, 283, 276]
"""Points of the model around the person's left brow."""
NOSE = [*(168, 122, 174, 198, 49, 48, 64, 98, 97, 2), *(326, 327, 294, 278, 279, 420, 399, 351)]
"""Points of the model around the nose, from its root along both wings."""

_PARTS = (
    ("lips", (OUTER_LIPS,), 0.08),
    ("eyes", (RIGHT_EYELIDS, LEFT_EYELIDS), 0.35),
    ("brows", (RIGHT_BROW, LEFT_BROW), 0.1),
    ("nose", (NOSE,), 0.05),
)
_OUTLINE = 0.06
"""Points this close to the face's contour, in eye distances, belong to it (our choice)."""


def group_points(points_px: np.ndarray, face_px: np.ndarray | None) -> np.ndarray:
    """Tell which part of the face each point belongs to.

    Parameters
    ----------
    points_px
        Points of any template, shape ``(n_points, 2)``.
    face_px
        The face model's points in the same photograph, shape ``(478, 2)``; None if it did not see the face.

    Returns
    -------
    numpy.ndarray
        Numbers into `GROUPS`, shape ``(n_points,)``; without a face, all points are ``skin``.
    """
    found = np.full(len(points_px), GROUPS.index("skin"))
    if face_px is None:
        return found
    eyes_px = eye_centres(face_px, "face478")
    unit_px = float(np.linalg.norm(eyes_px[1] - eyes_px[0]))
    contour = face_px[CONTOUR].astype(np.float32)
    depth_px = np.array([cv2.pointPolygonTest(contour, place, True) for place in _places(points_px)])
    found[depth_px < _OUTLINE * unit_px] = GROUPS.index("outline")
    for name, outlines, margin in reversed(_PARTS):
        for outline in outlines:
            found[_inside(points_px, face_px[outline], margin=margin)] = GROUPS.index(name)
    return found


def _inside(points_px: np.ndarray, around_px: np.ndarray, *, margin: float) -> np.ndarray:
    """Which points are inside the convex hull of others, enlarged by a margin."""
    centre = around_px.mean(axis=0)
    hull = cv2.convexHull((centre + (1 + margin) * (around_px - centre)).astype(np.float32))
    return np.array([cv2.pointPolygonTest(hull, place, False) >= 0 for place in _places(points_px)])


def _places(points_px: np.ndarray) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in points_px]
