"""Where points are and how they move; pure."""

from __future__ import annotations

import numpy as np


def soft_weights(
    points_px: np.ndarray, grabbed: np.ndarray, *, radius_px: float, movable: np.ndarray | None = None
) -> np.ndarray:
    """Return how much of a movement each point takes part in.

    Parameters
    ----------
    points_px
        Points, shape ``(n_points, 2)``.
    grabbed
        Which points are moved fully, boolean, shape ``(n_points,)``.
    radius_px
        Distance from a grabbed point at which 61 % of the movement are left (standard deviation of a
        Gaussian); 0 moves only the grabbed points.
    movable
        Which other points may follow, boolean; all by default.

    Returns
    -------
    numpy.ndarray
        From 0 to 1, shape ``(n_points,)``; less than 1 % counts as nothing.

    Examples
    --------
    >>> line = np.array([[0.0, 0.0], [10.0, 0.0], [100.0, 0.0]])
    >>> soft_weights(line, np.array([True, False, False]), radius_px=10).round(2).tolist()
    [1.0, 0.61, 0.0]
    """
    weights = grabbed.astype(float)
    if radius_px <= 0 or not grabbed.any():
        return weights
    apart_px = np.linalg.norm(points_px[:, None] - points_px[None, grabbed], axis=2).min(axis=1)
    soft = np.exp(-0.5 * (apart_px / radius_px) ** 2)
    soft[soft < 0.01] = 0
    if movable is not None:
        soft[~movable] = 0
    return np.maximum(weights, soft)


def nearest_point(
    points_px: np.ndarray, place_px: np.ndarray, *, within_px: float, among: np.ndarray
) -> int | None:
    """Return the number of the nearest point, or None if none is near.

    Parameters
    ----------
    points_px
        Points, shape ``(n_points, 2)``.
    place_px
        Where to look, shape ``(2,)``.
    within_px
        How far the point may be.
    among
        Which points count, boolean, shape ``(n_points,)``.

    Examples
    --------
    >>> points = np.array([[0.0, 0.0], [4.0, 0.0]])
    >>> nearest_point(points, np.array([3.0, 0.0]), within_px=2, among=np.array([True, True]))
    1
    >>> nearest_point(points, np.array([3.0, 0.0]), within_px=2, among=np.array([True, False]))
    """
    apart_px = np.where(among, np.linalg.norm(points_px - place_px, axis=1), np.inf)
    found = int(apart_px.argmin())
    return found if apart_px[found] <= within_px else None


def points_inside(points_px: np.ndarray, corner_px: np.ndarray, other_px: np.ndarray) -> np.ndarray:
    """Return which points lie in the rectangle between two corners, boolean, shape ``(n_points,)``."""
    low, high = np.minimum(corner_px, other_px), np.maximum(corner_px, other_px)
    return ((points_px >= low) & (points_px <= high)).all(axis=1)


def folded_triangles(first_px: np.ndarray, second_px: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Return which triangles turn over between two photographs, so that the morph folds there.

    Parameters
    ----------
    first_px, second_px
        The same points in both photographs, shape ``(n_points, 2)``.
    triangles
        Numbers of their corners, shape ``(n_triangles, 3)``.

    Returns
    -------
    numpy.ndarray
        Boolean, shape ``(n_triangles,)``.

    Examples
    --------
    >>> first = np.array([[0.0, 0.0], [2.0, 0.0], [1.0, 1.0]])
    >>> second = np.array([[0.0, 0.0], [2.0, 0.0], [1.0, -1.0]])
    >>> folded_triangles(first, second, np.array([[0, 1, 2]])).tolist()
    [True]
    """
    one, other = _areas(first_px, triangles), _areas(second_px, triangles)
    middle = _areas((first_px + second_px) / 2, triangles)
    return (one * other < 0) | (one * middle < 0)


def _areas(points_px: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Areas of triangles, negative where their corners go around the other way."""
    corner, one, other = (points_px[triangles[:, number]] for number in range(3))
    one, other = one - corner, other - corner
    return (one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]) / 2
