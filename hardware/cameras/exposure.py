"""Whether a picture is exposed well, in numbers and words. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

N_BINS = 64
"""Bars of the histogram; each is 4 grey levels."""
WHITE, BLACK = 254, 1
"""From and up to which grey level a pixel has no detail left."""
MOST_WHITE, MOST_BLACK = 0.01, 0.25
"""Shares of pixels without detail that are accepted. Our choice: a spout shines, a background is dark."""
DARK = 90
"""A picture whose brightest hundredth is darker wastes more than half of the camera's levels. Our choice."""


@dataclass(frozen=True, eq=False)
class Exposure:
    """How bright a picture is."""

    counts: np.ndarray
    """Pixels per bar, shape ``(N_BINS,)``."""
    white_share: float
    """Share of the pixels that are white."""
    black_share: float
    """Share of the pixels that are black."""
    bright_level: float
    """99th percentile of the grey levels."""

    @property
    def advice(self) -> str:
        """What to change; empty if nothing."""
        if self.white_share > MOST_WHITE:
            return f"{self.white_share:.1%} of the pixels are white: expose for less, or dim the lamp"
        if self.bright_level < DARK:
            return f"too dark: 99 % of the pixels are below level {self.bright_level:.0f}; more light"
        if self.black_share > MOST_BLACK:
            return f"{self.black_share:.0%} of the pixels are black: more light, or draw the face"
        return ""


def measure_exposure(image: np.ndarray) -> Exposure:
    """Measure a picture.

    Parameters
    ----------
    image
        Grey levels, uint8, any shape with at least one pixel.

    Examples
    --------
    >>> measure_exposure(np.full((4, 4), 255, np.uint8)).advice
    '100.0% of the pixels are white: expose for less, or dim the lamp'
    >>> measure_exposure(np.arange(256, dtype=np.uint8)).advice
    ''
    """
    levels = np.bincount(np.asarray(image, np.uint8).ravel(), minlength=256)
    n_pixels = int(levels.sum())
    return Exposure(
        counts=levels.reshape(N_BINS, -1).sum(axis=1),
        white_share=float(levels[WHITE:].sum() / n_pixels),
        black_share=float(levels[: BLACK + 1].sum() / n_pixels),
        bright_level=float(np.searchsorted(np.cumsum(levels), 0.99 * n_pixels)),
    )
