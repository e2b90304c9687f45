"""How good a morph is, in numbers, and which numbers deserve a warning.

Everything is measured on the frames as they are shown, so that a fault of any step is seen.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np

from stimuli.face_model import FaceModel
from stimuli.face_points import MODEL_TEMPLATE, eye_centres

FIGURES: dict[str, str] = {
    "luminance_deviation": "Largest deviation of the skin's mean luminance from the straight line between "
    "its values in the two photographs, as a fraction of that line; without the mouth's opening",
    "sharpness_dip": "Largest loss of fine detail (standard deviation of the Laplacian) against the straight "
    "line between the two photographs, as a fraction; mixing two photographs always loses some",
    "step_variation": "Coefficient of variation of the mean change in grey level from frame to frame",
    "step_peak": "Largest change from frame to frame, relative to the median change",
    "fold_px": "Number of pixels, except in mouth and eyes, where the warp folds over",
    "level_deviation": "Largest difference between a frame's level and the level, from 0 to 1, at which the "
    "face model sees its landmarks between those of the two photographs",
    "level_monotone": "Fraction of steps between measured levels that go forward",
    "landmark_motion": "Mean distance of the landmarks between the two photographs, in eye distances",
    "eye_error": "Distance of the eyes from their places, in eye distances; larger of both photographs",
    "smile_difference": "Expression score mouthSmile (mean of left and right), second photograph minus first",
    "frown_difference": "Expression score browDown (mean of left and right), second photograph minus first",
}
"""Names of the figures and what they mean; a figure that cannot be measured is None."""

LIMITS: dict[str, tuple[float, str]] = {
    "luminance_deviation": (0.005, "the brightness of the face wavers during the morph"),
    "sharpness_dip": (0.5, "the middle of the morph is blurred: landmarks may be wrong"),
    "step_variation": (0.15, "the morph does not proceed evenly"),
    "step_peak": (1.5, "the morph jumps at some frame"),
    "fold_px": (
        0,
        "the picture folds over somewhere: a brow may come to lie over the eye, or landmarks are wrong",
    ),
    "level_deviation": (0.1, "the face does not move in step with the level"),
    "eye_error": (0.08, "the eyes are not where they should be: landmarks may be wrong"),
}
"""Largest good value of a figure, and what a larger one means (our choices)."""

MIN_MOTION = 0.01
"""Below this landmark motion the expressions are nearly the same, and levels cannot be measured."""
LANDMARK_NOISE = 0.002
"""Error of the face model's landmarks in eye distances; levels cannot be measured better than it allows."""
MIN_SMILE_DIFFERENCE = 0.4
MIN_FROWN_DIFFERENCE = 0.1
SMILING = ("happy", "happiness", "joy", "smile", "smiling")
FROWNING = ("angry", "anger")


def frame_figures(
    frames: Sequence[np.ndarray], *, face: np.ndarray, mouth: np.ndarray, every: int = 4
) -> dict[str, Any]:
    """Measure evenness and brightness of the frames of a morph.

    Parameters
    ----------
    frames
        Frames in order, each of shape ``(height_px, width_px, 3)``, uint8, RGB.
    face
        Pixels that belong to the face in every frame, boolean, shape ``(height_px, width_px)``.
    mouth
        Pixels where the mouth opens in any frame, likewise; they do not count for luminance.
    every
        Luminance and sharpness are measured in every n-th frame, and in the last.

    Returns
    -------
    dict
        The figures whose names begin with ``luminance``, ``sharpness`` and ``step``, see `FIGURES`.
    """
    rows, columns = np.nonzero(face)
    box = (slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1))
    inside, skin = face[box], (face & ~mouth)[box]
    greys = [cv2.cvtColor(frame[box], cv2.COLOR_RGB2GRAY) for frame in frames]
    steps = np.array([cv2.absdiff(one, other)[inside].mean() for one, other in itertools.pairwise(greys)])
    some = sorted({*range(0, len(frames), every), len(frames) - 1})
    levels = np.array(some) / (len(frames) - 1)
    luminance = np.array([_luminance(frames[index][box], skin) for index in some])
    sharpness = np.array([cv2.Laplacian(greys[index], cv2.CV_32F)[inside].std() for index in some])
    return {
        "luminance_deviation": float(np.abs(_relative_to_line(luminance, levels)).max()),
        "sharpness_dip": float(max(0.0, -_relative_to_line(sharpness, levels).min())),
        "step_variation": float(steps.std() / max(steps.mean(), 1e-9)),
        "step_peak": float(steps.max() / max(np.median(steps), 1e-9)),
    }


def landmark_figures(
    frames: Sequence[np.ndarray],
    points_px: tuple[np.ndarray, np.ndarray],
    *,
    model: FaceModel,
    eyes_px: np.ndarray,
    every: int = 8,
) -> dict[str, Any]:
    """Measure with the face model how the face moves through the frames.

    The level of a frame is where its landmarks lie on the straight way from those of the first frame to
    those of the last (least squares over all 478 points).

    Parameters
    ----------
    frames
        Frames in order.
    points_px
        The face model's landmarks in the first and in the last frame, as a start, shape ``(478, 2)`` each.
    model
        The face model.
    eyes_px
        Where the eyes should be, shape ``(2, 2)``.
    every
        Levels are measured in every n-th frame; the quality report looks at more of them.

    Returns
    -------
    dict
        The figures ``level_...``, ``landmark_motion`` and ``eye_error``, see `FIGURES`.
    """
    some = sorted({*range(0, len(frames), every), len(frames) - 1})
    levels = np.array(some) / (len(frames) - 1)
    places = [(1 - level) * points_px[0] + level * points_px[1] for level in levels]
    seen = [
        model.describe_face(frames[index], near).points_px for index, near in zip(some, places, strict=True)
    ]
    way = seen[-1] - seen[0]
    eye_distance_px = np.linalg.norm(eyes_px[1] - eyes_px[0])
    motion = float(np.linalg.norm(way, axis=1).mean() / eye_distance_px)
    figures: dict[str, Any] = {"landmark_motion": motion, "level_deviation": None, "level_monotone": None}
    errors = [
        np.linalg.norm(eye_centres(points, MODEL_TEMPLATE) - eyes_px, axis=1).max()
        for points in (seen[0], seen[-1])
    ]
    figures["eye_error"] = float(max(errors) / eye_distance_px)
    if motion >= MIN_MOTION:
        measured = np.array([((points - seen[0]) * way).sum() / (way * way).sum() for points in seen])
        figures["level_deviation"] = float(np.abs(measured - levels).max())
        figures["level_monotone"] = float((np.diff(measured) > 0).mean())
    return figures


def expression_figures(first: Mapping[str, float], second: Mapping[str, float]) -> dict[str, Any]:
    """Compare the expression scores of the two photographs; None where there are none.

    Examples
    --------
    >>> happy = {"mouthSmileLeft": 0.9, "mouthSmileRight": 0.7, "browDownLeft": 0.0, "browDownRight": 0.0}
    >>> angry = {"mouthSmileLeft": 0.0, "mouthSmileRight": 0.0, "browDownLeft": 0.5, "browDownRight": 0.3}
    >>> expression_figures(happy, angry)
    {'smile_difference': -0.8, 'frown_difference': 0.4}
    """
    figures: dict[str, Any] = {}
    for name, score in (("smile_difference", "mouthSmile"), ("frown_difference", "browDown")):
        sides = (f"{score}Left", f"{score}Right")
        known = all(side in scores for scores in (first, second) for side in sides)
        change = sum(second[side] - first[side] for side in sides) / 2 if known else None
        figures[name] = round(change, 4) if change is not None else None
    return figures


def quality_warnings(figures: Mapping[str, Any], expressions: tuple[str, str]) -> list[str]:
    """Say in sentences what is wrong with a morph.

    Parameters
    ----------
    figures
        Figures by name, see `FIGURES`.
    expressions
        Names of the first and the second expression; happy and angry (and their synonyms) are checked.

    Returns
    -------
    list of str
        One sentence per figure beyond its limit.
    """
    motion = figures.get("landmark_motion") or 0.0
    limits = {name: limit for name, (limit, _) in LIMITS.items()}
    limits["level_deviation"] = max(limits["level_deviation"], LANDMARK_NOISE / max(motion, MIN_MOTION))
    warnings = [
        f"{LIMITS[name][1]} ({name} {figures[name]:.3g}, limit {limit:.3g})"
        for name, limit in limits.items()
        if figures.get(name) is not None and figures[name] > limit
    ]
    if figures.get("level_monotone", 1) not in (None, 1) and motion > 2 * MIN_MOTION:
        warnings.append(
            f"the face moves backwards in between (level_monotone {figures['level_monotone']:.2f})"
        )
    if figures.get("landmark_motion") is not None and motion < MIN_MOTION:
        warnings.append(f"the face hardly moves (landmark_motion {motion:.3f}): the same expression twice?")
    expected = (
        ("smile_difference", SMILING, MIN_SMILE_DIFFERENCE, "smile"),
        ("frown_difference", FROWNING, MIN_FROWN_DIFFERENCE, "frown"),
    )
    for name, words, least, verb in expected:
        more = _stronger(figures.get(name), expressions, words)
        if more is not None and more < least:
            warnings.append(
                f"the one photograph does not {verb} more than the other ({name} {more:+.2f}, "
                f"expected {least:g} or more towards {' or '.join(words[:1])})"
            )
    return warnings


def _stronger(difference: float | None, expressions: tuple[str, str], words: Sequence[str]) -> float | None:
    """How much stronger a score is in the photograph that should show it; None if neither or both should."""
    first, second = (expression.lower() in words for expression in expressions)
    if difference is None or first == second:
        return None
    return difference if second else -difference


def _luminance(image: np.ndarray, inside: np.ndarray) -> float:
    """Mean relative luminance (IEC 61966-2-1 sRGB, ITU-R BT.709 weights) of some pixels, from 0 to 1."""
    stored = image[inside] / 255
    light = np.where(stored <= 0.04045, stored / 12.92, ((stored + 0.055) / 1.055) ** 2.4)
    return float((light @ [0.2126, 0.7152, 0.0722]).mean())


def _relative_to_line(values: np.ndarray, levels: np.ndarray) -> np.ndarray:
    line = (1 - levels) * values[0] + levels * values[-1]
    return values / np.maximum(line, 1e-9) - 1
