"""Alignment: every face gets its eyes at the same two places of the frame."""

from __future__ import annotations

import cv2
import numpy as np


def eye_transform(
    eyes_px: np.ndarray, *, width_px: int, height_px: int, eye_distance: float, eye_height: float
) -> np.ndarray:
    """Return the transform that brings two eyes to their places in the frame.

    Parameters
    ----------
    eyes_px
        Centres of the eyes in the photograph, shape ``(2, 2)``, left one in the picture first; each x, y.
    width_px, height_px
        Size of the frame.
    eye_distance
        Distance between the eyes in the frame as a fraction of its width.
    eye_height
        Distance of the eyes from the upper edge as a fraction of the frame's height.

    Returns
    -------
    numpy.ndarray
        Shape ``(2, 3)``: turning and uniform scaling, then moving, for column vectors x, y.

    Raises
    ------
    ValueError
        If the eyes coincide.

    Examples
    --------
    >>> eyes = np.array([[10.0, 20.0], [40.0, 20.0]])
    >>> transform = eye_transform(eyes, width_px=600, height_px=800, eye_distance=0.25, eye_height=0.42)
    >>> transform_points(eyes, transform).round(6).tolist()
    [[224.5, 335.58], [374.5, 335.58]]
    """
    across = eyes_px[1] - eyes_px[0]
    distance_px = np.hypot(*across)
    if distance_px == 0:
        raise ValueError("both eyes are at the same place")
    scale = eye_distance * width_px / distance_px
    cosine, sine = scale * across / distance_px
    turn = np.array([[cosine, sine], [-sine, cosine]])
    middle = np.array([0.5 * (width_px - 1), eye_height * (height_px - 1)])
    return np.column_stack([turn, middle - turn @ eyes_px.mean(axis=0)])


def transform_points(points_px: np.ndarray, transform: np.ndarray) -> np.ndarray:
    """Apply a transform of shape ``(2, 3)`` to points of shape ``(..., 2)``."""
    return points_px @ transform[:, :2].T + transform[:, 2]


def transform_image(image: np.ndarray, transform: np.ndarray, *, width_px: int, height_px: int) -> np.ndarray:
    """Draw a photograph into the frame; its edge pixels continue where the frame reaches beyond it.

    A photograph that has to shrink is smoothed first, so that fine texture does not turn into false patterns.

    Parameters
    ----------
    image
        Photograph, shape ``(h, w, 3)``, uint8.
    transform
        Shape ``(2, 3)``, from `eye_transform`.
    width_px, height_px
        Size of the frame.

    Returns
    -------
    numpy.ndarray
        Frame, shape ``(height_px, width_px, 3)``, uint8.
    """
    scale = np.hypot(*transform[:, 0])
    if scale < 1:
        image = cv2.GaussianBlur(image, (0, 0), 0.5 * np.sqrt(1 / scale**2 - 1) + 1e-3)
    size = (width_px, height_px)
    return cv2.warpAffine(image, transform, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def outside_fraction(
    shape: tuple[int, ...], transform: np.ndarray, *, width_px: int, height_px: int
) -> float:
    """Return how much of the frame lies outside the photograph, from 0 to 1.

    Parameters
    ----------
    shape
        Shape of the photograph, height first.
    transform
        Shape ``(2, 3)``, from `eye_transform`.
    width_px, height_px
        Size of the frame.
    """
    photograph = np.ones(shape[:2], np.uint8)
    inside = cv2.warpAffine(photograph, transform, (width_px, height_px), flags=cv2.INTER_NEAREST)
    return float(1 - inside.mean())
