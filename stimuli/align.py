"""Alignment: every face gets its eyes at the same two places of the frame."""

from __future__ import annotations

import cv2
import numpy as np


def eye_transform(eyes_px: np.ndarray, places_px: np.ndarray) -> np.ndarray:
    """Return the transform that brings two eyes to their places in the frame.

    Parameters
    ----------
    eyes_px
        Centres of the eyes in the photograph, shape ``(2, 2)``, left one in the picture first; each x, y.
    places_px
        Where they shall be in the frame, shape ``(2, 2)``.

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
    >>> eyes, places = np.array([[10.0, 20.0], [10.0, 50.0]]), np.array([[225.0, 336.0], [375.0, 336.0]])
    >>> transform_points(eyes, eye_transform(eyes, places)).round(6).tolist()
    [[225.0, 336.0], [375.0, 336.0]]
    """
    across, target = complex(*(eyes_px[1] - eyes_px[0])), complex(*(places_px[1] - places_px[0]))
    if across == 0:
        raise ValueError("both eyes are at the same place")
    factor = target / across
    turn = np.array([[factor.real, -factor.imag], [factor.imag, factor.real]])
    return np.column_stack([turn, places_px.mean(axis=0) - turn @ eyes_px.mean(axis=0)])


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


def outside_fraction(shape: tuple[int, ...], transform: np.ndarray, *, shown: np.ndarray) -> float:
    """Return how much of what is shown of the frame lies outside the photograph, from 0 to 1.

    Parameters
    ----------
    shape
        Shape of the photograph, height first.
    transform
        Shape ``(2, 3)``, from `eye_transform`.
    shown
        Pixels of the frame that are shown, boolean, shape ``(height_px, width_px)``.

    Examples
    --------
    >>> shifted = np.array([[1.0, 0.0, 5.0], [0.0, 1.0, 0.0]])
    >>> outside_fraction((20, 10), shifted, shown=np.ones((20, 10), bool))
    0.5
    """
    photograph = np.ones(shape[:2], np.uint8)
    inside = cv2.warpAffine(photograph, transform, shown.shape[::-1], flags=cv2.INTER_NEAREST)
    return float(1 - inside[shown].mean())
