"""Light and its stored values: sRGB, grey-scale, and the fine detail that mixing takes away."""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np

DETAIL_PX = 3.0
"""Size of the surroundings in which contrast is compared (standard deviation; our choice)."""
MAX_GAIN = 1.6
"""Largest factor by which local contrast is raised (our choice)."""


def light_tables(blending: Literal["linear", "srgb"]) -> tuple[np.ndarray, np.ndarray]:
    """Return tables from stored values (0 to 255) to light in 16 bits, and back (IEC 61966-2-1).

    With ``srgb`` stored values take the place of light.
    """
    stored, light = np.arange(256) / 255, np.arange(65536) / 65535
    if blending == "srgb":
        return (np.arange(256) * 257).astype(np.uint16), np.rint(light * 255).astype(np.uint8)
    to_light = np.where(stored <= 0.04045, stored / 12.92, ((stored + 0.055) / 1.055) ** 2.4)
    to_stored = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.rint(to_light * 65535).astype(np.uint16), np.rint(to_stored * 255).astype(np.uint8)


def to_grey(image: np.ndarray) -> np.ndarray:
    """Return a picture of the same luminance without colour.

    Parameters
    ----------
    image
        Shape ``(height_px, width_px, 3)``, uint8, RGB (sRGB).

    Returns
    -------
    numpy.ndarray
        Three equal channels, uint8.

    Examples
    --------
    >>> to_grey(np.array([[[255, 0, 0], [90, 90, 90]]], np.uint8)).tolist()
    [[[127, 127, 127], [90, 90, 90]]]
    """
    to_light, to_stored = light_tables("linear")
    luminance = to_light[image].astype(float) @ [0.2126, 0.7152, 0.0722]
    return np.repeat(to_stored[np.rint(luminance).astype(np.uint16)][..., None], 3, axis=2)


def match_detail(mixed: np.ndarray, one: np.ndarray, other: np.ndarray, *, level: float) -> np.ndarray:
    """Raise local contrast to what lies between the two pictures that were mixed.

    Parameters
    ----------
    mixed
        The mixture, shape ``(height_px, width_px, 3)``, uint16.
    one, other
        The two pictures, already in the mixture's shape.
    level
        0 = all of `one`, 1 = all of `other`.

    Returns
    -------
    numpy.ndarray
        Shape and type of `mixed`.
    """
    wanted = (1 - level) * _local_contrast(one) + level * _local_contrast(other)
    gain = np.clip(wanted / np.maximum(_local_contrast(mixed), 1), 1, MAX_GAIN)[..., None]
    values = mixed.astype(np.float32)
    smooth = cv2.GaussianBlur(values, (0, 0), DETAIL_PX)
    return np.clip(np.rint(smooth + gain * (values - smooth)), 0, 65535).astype(np.uint16)


def _local_contrast(image: np.ndarray) -> np.ndarray:
    """Standard deviation of the brightness around each pixel, shape ``(height_px, width_px)``."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    detail = grey - cv2.GaussianBlur(grey, (0, 0), DETAIL_PX)
    return np.sqrt(cv2.GaussianBlur(detail * detail, (0, 0), DETAIL_PX))
