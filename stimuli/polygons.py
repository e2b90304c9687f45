"""Shapes drawn as pictures: outlines, what is inside of them, and soft edges."""

from __future__ import annotations

import cv2
import numpy as np
from scipy.interpolate import CubicSpline


def smooth_outline(outline: np.ndarray, *, margin: float) -> np.ndarray:
    """Return a smooth closed curve through an outline, enlarged by a margin from its centre.

    Parameters
    ----------
    outline
        Corners in order, shape ``(n, 2)``.
    margin
        Enlargement relative to the size; 0.05 makes it 5 % larger.

    Returns
    -------
    numpy.ndarray
        Shape ``(360, 2)``.

    Examples
    --------
    >>> square = np.array([[0.0, 0.0], [10.0, 0.0], [10.0, 10.0], [0.0, 10.0]])
    >>> curve = smooth_outline(square, margin=0.0)
    >>> curve.shape, curve[0].round(6).tolist(), curve.mean(axis=0).round(6).tolist()
    ((360, 2), [0.0, 0.0], [5.0, 5.0])
    """
    centre = outline.mean(axis=0)
    return centre + (1 + margin) * _spline(outline - centre, _way_around(outline))


def smooth_outlines(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return smooth closed curves through two outlines with corresponding corners and points.

    Between them, point by point, lie smooth curves too.

    Parameters
    ----------
    first, second
        Corners in order, shape ``(n, 2)``.

    Returns
    -------
    tuple of numpy.ndarray
        Shape ``(360, 2)`` each.
    """
    along = _way_around((first + second) / 2)
    return _spline(first, along), _spline(second, along)


def _way_around(outline: np.ndarray) -> np.ndarray:
    """Length of the way from the first corner to each, and back to the first, shape ``(n + 1,)``."""
    closed = np.concatenate([outline, outline[:1]])
    return np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])


def _spline(outline: np.ndarray, along: np.ndarray) -> np.ndarray:
    closed = np.concatenate([outline, outline[:1]])
    distinct = np.concatenate([[True], np.diff(along) > 0])
    curve = CubicSpline(along[distinct], closed[distinct], bc_type="periodic")
    return curve(np.linspace(0, along[-1], 360, endpoint=False))


def fill_polygon(outline: np.ndarray, *, width_px: int, height_px: int) -> np.ndarray:
    """Return which part of each pixel is inside an outline.

    Parameters
    ----------
    outline
        Corners in order, shape ``(n, 2)``; each x, y.
    width_px, height_px
        Size of the picture.

    Returns
    -------
    numpy.ndarray
        From 0 to 1, shape ``(height_px, width_px)``, float32.
    """
    drawn = np.zeros((height_px, width_px), np.uint8)
    cv2.fillPoly(drawn, [np.round(outline * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    return drawn.astype(np.float32) / 255


def soft_polygon(outline: np.ndarray, *, width_px: int, height_px: int, edge_px: float) -> np.ndarray:
    """Draw a filled shape whose edge rises smoothly from 0 outside to 1 inside over a given width.

    Parameters
    ----------
    outline
        Corners in order, shape ``(n, 2)``; each x, y.
    width_px, height_px
        Size of the picture.
    edge_px
        Width of the edge, half of it on either side of the outline.

    Returns
    -------
    numpy.ndarray
        From 0 to 1, shape ``(height_px, width_px)``, float32.
    """
    shape = fill_polygon(outline, width_px=width_px, height_px=height_px)
    blurred = cv2.GaussianBlur(shape, (0, 0), edge_px / 3.5)
    return np.clip((blurred - 0.04) / 0.92, 0, 1)  # what is left of the blur's tails is outside or inside


def soften(region: np.ndarray, *, edge_px: float) -> np.ndarray:
    """Give a region, float32, a soft edge of about this width."""
    return cv2.GaussianBlur(region, (0, 0), edge_px / 2.5)
