"""Landmarks as a sidecar tells them, in the frame, and how they agree with what is seen there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.interpolate import LinearNDInterpolator

from stimuli.align import eye_transform, transform_points
from stimuli.warp import landmark_mesh


def eye_places(sidecar: Mapping[str, Any], *, width_px: int, height_px: int) -> np.ndarray | None:
    """Return where a set's parameters put the eyes, shape ``(2, 2)``; None if the sidecar does not tell."""
    try:
        parameters = sidecar["parameters"]
        half_px = parameters["eye_distance"] * width_px / 2
        x, y = (width_px - 1) / 2, parameters["eye_height"] * (height_px - 1)
    except (KeyError, TypeError):
        return None
    return np.array([[x - half_px, y], [x + half_px, y]])


def described_points(
    sidecar: Mapping[str, Any], key: str, *, width_px: int, height_px: int
) -> list[np.ndarray]:
    """Bring the points of all photographs, as a sidecar tells them, into the frame.

    Parameters
    ----------
    sidecar
        Content of a sidecar.
    key
        ``points_px`` for landmarks, ``outline_px`` for the outline of the face.
    width_px, height_px
        Size of a frame.

    Returns
    -------
    list of numpy.ndarray
        Points in the order of the levels, shape ``(n_points, 2)`` each; empty if the sidecar does not tell
        them, or not the same number for all.
    """
    places = eye_places(sidecar, width_px=width_px, height_px=height_px)
    if places is None:
        return []
    try:
        points = [
            transform_points(np.array(one[key], float), eye_transform(np.array(one["eyes_px"]), places))
            for one in sidecar["photographs"].values()
        ]
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        return []
    return points if len(points) >= 2 and len({each.shape for each in points}) == 1 else []


def landmark_disagreement(
    given_px: tuple[np.ndarray, np.ndarray], seen_px: tuple[np.ndarray, np.ndarray], *, eye_distance_px: float
) -> float:
    """Compare how landmarks move between two photographs with how the face model sees the face move.

    Any template can be compared, because the model's displacement is interpolated at the landmarks' places.
    Where both are of one kind, the face's own asymmetry and the model's error remain.

    Parameters
    ----------
    given_px
        Landmarks in both frames, shape ``(n_points, 2)`` each.
    seen_px
        The face model's points in both frames, shape ``(478, 2)`` each.
    eye_distance_px
        Distance between the eyes.

    Returns
    -------
    float
        95th percentile of the difference over the landmarks inside the model's points, in eye distances; NaN
        if none is inside.
    """
    seen = LinearNDInterpolator(seen_px[0], seen_px[1] - seen_px[0])(given_px[0])
    difference = np.linalg.norm(given_px[1] - given_px[0] - seen, axis=1)
    inside = np.isfinite(difference)
    return float(np.percentile(difference[inside], 95) / eye_distance_px) if inside.any() else float("nan")


def folded_part(first_px: np.ndarray, second_px: np.ndarray, *, width_px: int, height_px: int) -> float:
    """Return the part of the face's area whose triangles of landmarks fold over between two photographs.

    Parameters
    ----------
    first_px, second_px
        Landmarks in both frames, shape ``(n_points, 2)`` each.
    width_px, height_px
        Size of a frame.
    """
    mesh = landmark_mesh(first_px, second_px, width_px=width_px, height_px=height_px)
    inner = (mesh.landmarks[mesh.triangles] >= 0).all(axis=1)
    ends = (mesh.points_px - mesh.displacement_px / 2, mesh.points_px + mesh.displacement_px / 2)
    middle, *areas = (_areas(points[mesh.triangles[inner]]) for points in (mesh.points_px, *ends))
    folded = np.min([np.sign(middle) * area for area in areas], axis=0)
    return float(np.abs(folded[folded < 0]).sum() / np.abs(middle).sum())


def _areas(corners: np.ndarray) -> np.ndarray:
    """Signed areas of triangles, shape ``(n, 3, 2)``."""
    one, other = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    return np.asarray((one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]) / 2)
