"""Frames of a drawn face for tests: textured, with an ear and whiskers that move, breathing, and camera
noise."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

HEIGHT_PX, WIDTH_PX, RATE_HZ = 180, 240, 30.0


class MovingFace:
    """A face whose movement is set frame by frame.

    ``movement`` is how strongly it moves, 0 to 1 per frame; where it is 0 only the camera's noise is left.
    """

    def __init__(self, rng: np.random.Generator, noise_levels: float = 2.0) -> None:
        self.noise = rng.normal(0, noise_levels, (16, HEIGHT_PX + 32, WIDTH_PX + 32)).astype(np.float32)
        coarse = rng.normal(0, 1, (HEIGHT_PX, WIDTH_PX)).astype(np.float32)
        texture = 90 * cv2.GaussianBlur(coarse, None, 3.0) + 30 * cv2.GaussianBlur(coarse, None, 1.2)
        self.base = np.full((HEIGHT_PX, WIDTH_PX), 40, np.float32)
        cv2.ellipse(self.base, (110, 110), (95, 62), 0, 0, 360, 150, -1)
        cv2.circle(self.base, (90, 85), 9, 30, -1)
        cv2.rectangle(self.base, (205, 20), (235, 60), 110, -1)
        self.base += texture
        self.rng = rng

    def frame(self, phase: float = 0.0, gain: float = 1.0, shift_px: tuple[int, int] = (0, 0)) -> np.ndarray:
        """One frame; the ear and the whiskers are at ``phase``, -1 to 1."""
        drawn = self.base.copy()
        cv2.ellipse(drawn, (60 + round(6 * phase), 45), (16, 24), 20 * phase, 0, 360, 175, -1, cv2.LINE_AA)
        for whisker in range(5):
            tip = (215, round(120 + 12 * whisker + 18 * phase))
            cv2.line(drawn, (165, 125 + 3 * whisker), tip, 205, 1, cv2.LINE_AA)
        if shift_px != (0, 0):
            matrix = np.array([[1, 0, shift_px[0]], [0, 1, shift_px[1]]], np.float32)
            drawn = cv2.warpAffine(drawn, matrix, (WIDTH_PX, HEIGHT_PX), borderMode=cv2.BORDER_REFLECT)
        dy, dx = self.rng.integers(0, 32, 2)
        noise = self.noise[self.rng.integers(0, 16), dy : dy + HEIGHT_PX, dx : dx + WIDTH_PX]
        return np.clip(gain * drawn + noise, 0, 255).astype(np.uint8)

    def frames(self, movement: np.ndarray, start: int = 0) -> Iterator[tuple[int, float, np.ndarray]]:
        """Frames one after the other, at 30 Hz, that move as told."""
        phase = 0.0
        for index, strength in enumerate(movement, start):
            phase = float(np.clip(phase + strength * self.rng.normal(0, 0.5), -1, 1))
            yield index, index / RATE_HZ, self.frame(phase)
