"""The inside of a mouth that is open in one photograph and closed in the other.

Mixing the two photographs would let teeth shine through the closed lips, and warping one to the other would
squash the teeth. Here the open mouth's inside is a layer behind the lips: the upper teeth stay where they
are in the head, and the lips, as they close, cover them. A narrow opening lies in the shadow of the lips.
"""

from __future__ import annotations

import cv2
import numpy as np

from stimuli.face_points import INNER_LIPS, IRISES, LEFT_EYELIDS, OUTER_LIPS, RIGHT_EYELIDS, mouth_gap
from stimuli.polygons import fill_polygon
from stimuli.warp import sample

MIN_GAP = 0.02
"""A mouth counts as open when its lips are further apart than this part of the eye distance (our choice)."""
MAX_GAP_RATIO = 0.5
"""The other mouth counts as closed when its gap is at most this part of the open one's (our choice)."""
ON_LIPS, MIN_POINTS_ON_LIPS = 0.025, 8
"""A template follows the mouth's opening if it has so many points this close to it, in eye distances."""
MIN_POINTS_ON_LIDS = 10
"""A template follows an eye if it has so many points as close to the lids (our choice)."""
NEAR_LIPS = 0.15
"""Points this close to the mouth's opening, in eye distances, give way to the face model's."""
CLOSING = 0.08
"""Part of the way, at its closed end, over which the inside gives way to the closed lips (our choice)."""
SHADOW_LIGHT = 0.3
"""Light that is left inside the mouth when it is nearly closed (our choice)."""
LIP_EDGE_PX = 1.2
"""Softness of the border between lips and inside (standard deviation)."""
ANCHOR_PX = 6.0
"""Width of the zone along the open mouth's lips in which the inside follows the lips, not the head."""


def open_mouth(first_px: np.ndarray, second_px: np.ndarray, *, eye_distance_px: float) -> int | None:
    """Tell which of two faces alone has its mouth open.

    Parameters
    ----------
    first_px, second_px
        The face model's points of both photographs, shape ``(478, 2)``.
    eye_distance_px
        Distance between the eyes.

    Returns
    -------
    int or None
        0 or 1; None if both are open, or both are closed.
    """
    gaps = mouth_gap(first_px), mouth_gap(second_px)
    if max(gaps) <= MIN_GAP * eye_distance_px or min(gaps) >= MAX_GAP_RATIO * max(gaps):
        return None
    return int(gaps[1] > gaps[0])


def complete_lips(
    points_px: tuple[np.ndarray, np.ndarray],
    faces_px: tuple[np.ndarray, np.ndarray],
    *,
    eye_distance_px: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Give a template that does not follow the opening of the mouth the face model's points of the lips.

    Without points along both lips, where they meet, a closing mouth would tear.

    Parameters
    ----------
    points_px
        The template's points in both photographs, shape ``(n_points, 2)`` each.
    faces_px
        The face model's points in both photographs, shape ``(478, 2)`` each.
    eye_distance_px
        Distance between the eyes.

    Returns
    -------
    tuple of numpy.ndarray
        The points as they came if enough of them lie on the lips' inner border; otherwise those away from the
        mouth, followed by the model's 40 points of the lips.
    """
    distances = np.array(
        [_distance_to(face[INNER_LIPS], points) for points, face in zip(points_px, faces_px, strict=True)]
    )
    if (distances.max(axis=0) < ON_LIPS * eye_distance_px).sum() >= MIN_POINTS_ON_LIPS:
        return points_px
    away = distances.min(axis=0) > NEAR_LIPS * eye_distance_px
    lips = [*INNER_LIPS, *OUTER_LIPS]
    first, second = (
        np.concatenate([points[away], face[lips]]) for points, face in zip(points_px, faces_px, strict=True)
    )
    return first, second


def complete_eyes(
    points_px: tuple[np.ndarray, np.ndarray],
    faces_px: tuple[np.ndarray, np.ndarray],
    *,
    eye_distance_px: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Give a template that does not follow the eyelids the face model's points of lids and irises.

    Parameters
    ----------
    points_px, faces_px, eye_distance_px
        As in `complete_lips`.

    Returns
    -------
    tuple of numpy.ndarray
        The points as they came if enough of them lie on the lids; otherwise followed by the model's.
    """
    for lids in (RIGHT_EYELIDS, LEFT_EYELIDS):
        distances = np.array(
            [_distance_to(face[lids], points) for points, face in zip(points_px, faces_px, strict=True)]
        )
        if (distances.max(axis=0) < ON_LIPS * eye_distance_px).sum() >= MIN_POINTS_ON_LIDS:
            return points_px
    eyes = [*RIGHT_EYELIDS, *LEFT_EYELIDS, *IRISES]
    first, second = (
        np.concatenate([points, face[eyes]]) for points, face in zip(points_px, faces_px, strict=True)
    )
    return first, second


def _distance_to(outline_px: np.ndarray, points_px: np.ndarray) -> np.ndarray:
    """Distance of points from the border of an opening, shape ``(n_points,)``."""
    outline = outline_px.astype(np.float32)
    places = points_px.astype(np.float32).tolist()
    return np.array([abs(cv2.pointPolygonTest(outline, place, measureDist=True)) for place in places])


class MouthInside:
    """The inside of the open mouth, to be seen between the lips of any level.

    Parameters
    ----------
    light
        The photograph with the open mouth in 16-bit light, shape ``(height_px, width_px, 3)``.
    points_px
        The face model's points in both photographs, shape ``(478, 2)`` each.
    which
        Which of them has the open mouth, 0 or 1.
    ramp
        Part of the way, at its closed end, over which the inside falls into the lips' shadow; 0 = none.
    """

    def __init__(
        self, light: np.ndarray, points_px: tuple[np.ndarray, np.ndarray], *, which: int, ramp: float
    ) -> None:
        self._light, self._which, self._ramp = light, which, ramp
        self._lips = [points[INNER_LIPS] for points in points_px]
        height_px, width_px = light.shape[:2]
        inside = fill_polygon(self._lips[which], width_px=width_px, height_px=height_px) > 0.5
        depth_px = cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, 5)
        self._fixed = _rise((depth_px - 1) / ANCHOR_PX)

    def show(
        self,
        images: tuple[np.ndarray, np.ndarray],
        positions: tuple[np.ndarray, np.ndarray],
        pixels: np.ndarray,
        *,
        level: float,
    ) -> None:
        """Show the inside between the lips of two warped photographs, in place.

        Parameters
        ----------
        images
            Both photographs in 16-bit light, warped to the same level; part of the frame.
        positions
            Where each of their pixels comes from in either photograph, x, y.
        pixels
            Where each of their pixels is in the frame, x, y.
        level
            0 = the first photograph's shape, 1 = the second's.
        """
        openness = level if self._which == 1 else 1 - level
        lips = (1 - level) * self._lips[0] + level * self._lips[1] - pixels[0, 0]
        box = _box_around(lips, pixels.shape[:2])
        rows, columns = box
        size = {"width_px": columns.stop - columns.start, "height_px": rows.stop - rows.start}
        opening = fill_polygon(lips - (columns.start, rows.start), **size)
        weight = min(openness / CLOSING, 1) * cv2.GaussianBlur(opening, (0, 0), LIP_EDGE_PX)[..., None]
        fixed = sample(self._fixed, pixels[box])[..., None]
        places = fixed * pixels[box] + (1 - fixed) * positions[self._which][box]
        inside = sample(self._light, places, method=cv2.INTER_CUBIC)
        lit = float(_rise(np.array(openness / self._ramp))) if self._ramp else 1.0
        shadow = SHADOW_LIGHT + (1 - SHADOW_LIGHT) * lit
        for image in images:
            image[box] = np.rint(image[box] * (1 - weight) + shadow * inside * weight).astype(np.uint16)


def _rise(way: np.ndarray) -> np.ndarray:
    """Rise smoothly from 0 at 0 to 1 at 1."""
    way = np.clip(way, 0, 1)
    return (way * way * (3 - 2 * way)).astype(np.float32)


def _box_around(points: np.ndarray, shape: tuple[int, int], *, margin_px: int = 6) -> tuple[slice, slice]:
    """Rows and columns around some points."""
    left, top = np.maximum(np.floor(points.min(axis=0)).astype(int) - margin_px, 0)
    right, bottom = np.minimum(np.ceil(points.max(axis=0)).astype(int) + margin_px + 1, shape[::-1])
    return slice(int(top), max(int(bottom), int(top) + 1)), slice(int(left), max(int(right), int(left) + 1))
