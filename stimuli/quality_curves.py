"""Curves of a video, frame by frame: light, contrast, sharpness, change, and the face's way.

All functions take frames and what a face model saw in them; none reads a file.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import cv2
import numpy as np

from stimuli.face_model import DetectedFace
from stimuli.face_points import INNER_LIPS, MODEL_TEMPLATE, eye_centres
from stimuli.light import light_tables
from stimuli.polygons import fill_polygon, smooth_outline

BT709 = (0.2126, 0.7152, 0.0722)
"""Weights of red, green and blue in luminance (ITU-R BT.709)."""
SKIN_POINTS = (151, 50, 280, 5, 117, 346)
"""Points of the model on forehead, cheeks and nose, where skin is bare and moves little."""
PATCH = 0.07
"""Half the side of the patch of skin around such a point, in eye distances (our choice)."""
CHEEK_POINTS = (93, 323)
"""Points of the model at both sides of the face, below the ears."""


class Regions(NamedTuple):
    """Which pixels are measured in all frames of a video, boolean, shape ``(height_px, width_px)``."""

    face: np.ndarray
    """The inner face, where it is half way."""
    skin: np.ndarray
    """The same without the places where the mouth opens in any frame."""


@dataclass(frozen=True, kw_only=True)
class FrameLight:
    """What is measured in every single frame."""

    luminance: float
    """Mean of the skin's relative luminance (IEC 61966-2-1, BT.709), 0 to 1; of the stored values instead,
    where stored values were mixed."""
    contrast: float
    """Standard deviation of the face's relative luminance, divided by its mean."""
    sharpness: float
    """Standard deviation of the Laplacian of the face's grey levels."""


def face_regions(
    outline_px: np.ndarray, points_px: Sequence[np.ndarray], *, width_px: int, height_px: int
) -> Regions:
    """Find the pixels that belong to the inner face.

    Parameters
    ----------
    outline_px
        Outline of the face half way between both ends, shape ``(n, 2)``.
    points_px
        The face model's points in some frames, shape ``(478, 2)`` each; for the mouth.
    width_px, height_px
        Size of a frame.
    """
    size = {"width_px": width_px, "height_px": height_px}
    face = fill_polygon(smooth_outline(outline_px, margin=-0.1), **size) >= 1
    mouth = np.zeros((height_px, width_px), bool)
    for points in points_px:
        lips = cv2.convexHull(points[INNER_LIPS].astype(np.float32))[:, 0]
        mouth |= fill_polygon(lips, **size) > 0
    return Regions(face, face & ~mouth)


def shown_regions(frame: np.ndarray) -> Regions:
    """Return the pixels that are not background, for faces that the face model does not see."""
    shown = (frame != frame[0, 0]).any(axis=2)
    if not shown.any():
        shown[:] = True
    return Regions(shown, shown)


def measure_light(frame: np.ndarray, regions: Regions, *, blending: Literal["linear", "srgb"]) -> FrameLight:
    """Measure the light of one frame.

    Parameters
    ----------
    frame
        Shape ``(height_px, width_px, 3)``, uint8, RGB.
    regions
        Pixels to measure.
    blending
        What was mixed: light, or stored values.
    """
    box = bounding_box(regions.face)
    part, face, skin = frame[box], regions.face[box], regions.skin[box]
    light = luminance_image(part)
    stored = part.astype(np.float32) @ np.array(BT709, np.float32) / 255 if blending == "srgb" else light
    grey = cv2.cvtColor(part, cv2.COLOR_RGB2GRAY)
    inside = light[face]
    return FrameLight(
        luminance=float(stored[skin].mean(dtype=float)),
        contrast=float(inside.std(dtype=float) / max(inside.mean(dtype=float), 1e-9)),
        sharpness=float(cv2.Laplacian(grey, cv2.CV_32F)[face].std(dtype=float)),
    )


def measure_change(one: np.ndarray, other: np.ndarray, regions: Regions) -> float:
    """Return the mean absolute difference in grey level between two frames, in the inner face."""
    box = bounding_box(regions.face)
    greys = [cv2.cvtColor(frame[box], cv2.COLOR_RGB2GRAY) for frame in (one, other)]
    return float(cv2.absdiff(*greys)[regions.face[box]].mean())


def luminance_image(image: np.ndarray) -> np.ndarray:
    """Return the relative luminance of each pixel (IEC 61966-2-1, BT.709), 0 to 1, float32.

    Examples
    --------
    >>> luminance_image(np.array([[[255, 255, 255], [0, 255, 0]]], np.uint8)).astype(float).round(3).tolist()
    [[1.0, 0.715]]
    """
    to_light = (light_tables("linear")[0] / 65535).astype(np.float32)
    weighted = [weight * to_light[image[..., channel]] for channel, weight in enumerate(BT709)]
    return np.asarray(weighted[0] + weighted[1] + weighted[2], np.float32)


def bounding_box(region: np.ndarray) -> tuple[slice, slice]:
    """Return the rows and columns that hold a region; all if it is empty."""
    rows, columns = np.nonzero(region)
    if not len(rows):
        return slice(0, region.shape[0]), slice(0, region.shape[1])
    return slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)


def skin_colour(frame: np.ndarray, face: DetectedFace) -> np.ndarray:
    """Return the colour of the skin at six places (CIE L*a*b*, D65), shape ``(6, 3)``.

    Each is the median over a patch, so that freckles and lines do not count.
    """
    eyes = eye_centres(face.points_px, MODEL_TEMPLATE)
    half_px = max(1, round(PATCH * float(np.linalg.norm(eyes[1] - eyes[0]))))
    height_px, width_px = frame.shape[:2]
    colours = []
    for x, y in face.points_px[list(SKIN_POINTS)].round().astype(int):
        x, y = int(np.clip(x, 0, width_px - 1)), int(np.clip(y, 0, height_px - 1))
        patch = frame[max(y - half_px, 0) : y + half_px + 1, max(x - half_px, 0) : x + half_px + 1]
        lab = cv2.cvtColor(patch.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
        colours.append(np.median(lab.reshape(-1, 3), axis=0))
    return np.array(colours)


def colour_difference(one: np.ndarray, other: np.ndarray) -> float:
    """Return the median difference of the skin's colour (CIE 1976 Delta E) over places; see `skin_colour`.

    Examples
    --------
    >>> colour_difference(np.zeros((6, 3)), np.tile([3.0, 4.0, 0.0], (6, 1)))
    5.0
    """
    return float(np.median(np.linalg.norm(one - other, axis=1)))


def face_width(face: DetectedFace) -> float:
    """Return the width of the face at the cheeks in eye distances."""
    eyes = eye_centres(face.points_px, MODEL_TEMPLATE)
    right, left = face.points_px[list(CHEEK_POINTS)]
    return float(np.linalg.norm(left - right) / np.linalg.norm(eyes[1] - eyes[0]))


def positions_on_way(points_px: np.ndarray, levels: np.ndarray, *, middle: bool) -> tuple[np.ndarray, float]:
    """Measure how far along its way the face is in each frame.

    Points lie on straight ways from where they are in the frame of the lowest level to where they are in the
    frame of the highest; if the morph leads through a third photograph, over the frame nearest to it. The
    position of a frame is the best one for all points together (least squares).

    Parameters
    ----------
    points_px
        Points in some frames, shape ``(n_frames, n_points, 2)``.
    levels
        Level of each of these frames by the plan, shape ``(n_frames,)``.
    middle
        Whether there is a photograph at level 0.5.

    Returns
    -------
    tuple of numpy.ndarray and float
        Measured levels, shape ``(n_frames,)``, and the mean distance that a point moves on the whole way, in
        pixels.

    Examples
    --------
    >>> steps = np.array([0.0, 0.5, 1.0])
    >>> moved = np.array([0.0, 2.0, 10.0])[:, None, None] * np.ones((3, 4, 2))
    >>> levels, motion_px = positions_on_way(moved, steps, middle=False)
    >>> levels.round(3).tolist(), round(motion_px, 2)
    ([0.0, 0.2, 1.0], 14.14)
    """
    low, high = int(np.argmin(levels)), int(np.argmax(levels))
    corners = [low, high]
    if middle and levels[low] < 0.45 and levels[high] > 0.55:
        corners.insert(1, int(np.argmin(np.abs(levels - 0.5))))
    measured, motion_px = np.full(len(levels), np.nan), 0.0
    for start, end in itertools.pairwise(corners):
        way = points_px[end] - points_px[start]
        motion_px += float(np.linalg.norm(way, axis=1).mean())
        within = (levels >= levels[start]) & (levels <= levels[end])
        done = ((points_px[within] - points_px[start]) * way).sum(axis=(1, 2)) / max((way * way).sum(), 1e-9)
        measured[within] = levels[start] + done * (levels[end] - levels[start])
    return measured, motion_px
