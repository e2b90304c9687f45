"""Eyes, teeth and tongue: colours of the samples that show them."""

import cv2
import numpy as np

from stimuli.rendered.identities import Look
from stimuli.rendered.lighting import Lights
from stimuli.rendered.profiles import bell, normalized, smoothstep, to_linear
from stimuli.rendered.textures import sample

IRIS_RADIUS = 0.445
"""Sine of the angle between the eye's axis and the rim of the iris."""


class Gaze:
    """An eyeball (centre (3,), dm) that looks at `target` (3,)."""

    def __init__(self, eyeball: np.ndarray, target: np.ndarray) -> None:
        self.centre = (eyeball.min(0) + eyeball.max(0)) / 2
        self.axis = normalized(target - self.centre)
        self.right = normalized(np.cross([0.0, 1, 0], self.axis))
        self.up = np.cross(self.axis, self.right)
        self.pupil = self.centre + self.axis * np.ptp(eyeball[:, 0]) / 2

    def coordinates(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return unit directions (n, 3) from the centre and their sines (n,) along right and up."""
        direction = normalized(points - self.centre)
        return direction, direction @ self.right, direction @ self.up


def eye_colour(
    points: np.ndarray, view: np.ndarray, light: np.ndarray, gaze: Gaze, look: Look, lights: Lights
) -> np.ndarray:
    """Return the light (n, 3) from samples of an eyeball.

    `points` (n, 3) in dm, `view` (n, 3) unit vectors to the camera, `light` (n, 3) the irradiance.
    """
    direction, x, y = gaze.coordinates(points)
    forward = direction @ gaze.axis
    radius = np.hypot(x, y) / IRIS_RADIUS
    inside = (smoothstep(1.05, 0.95, radius) * (forward > 0))[:, None]
    colour = _white(x, y, direction) * (1 - inside) + _iris(radius, np.arctan2(y, x), look) * inside
    # the cornea's shadow side: the iris is lit more strongly opposite the key light
    across = (x * (lights.key @ gaze.right) + y * (lights.key @ gaze.up))[:, None]
    colour = colour * (light + 0.015) * (1 - 0.35 * across * inside)
    cornea = normalized(np.where(inside > 0.5, 0.8 * direction + 0.2 * gaze.axis, direction))
    mirrored = 2 * (cornea * view).sum(1, keepdims=True) * cornea - view
    window = smoothstep(0.972, 0.985, mirrored @ lights.key)
    return colour + 0.9 * window[:, None] * np.clip(light.mean(1, keepdims=True) / 0.25, 0.25, 1)


def lid_shade(pixel: np.ndarray, width_px: int) -> np.ndarray:
    """Return how much light (n,), 0..1, the lids leave on eye samples at `pixel` (row * width + column).

    The eye is darkest under the upper lid: each sample looks at how much eye is around and above it.
    """
    return 0.25 + 0.75 * smoothstep(0.12, 0.85, _openness(pixel, width_px, above=7))


def lip_shade(pixel: np.ndarray, width_px: int) -> np.ndarray:
    """Return how much light (n,), 0..1, the lips leave on samples of teeth and tongue at `pixel`.

    Between lips that hardly part it is dark, so that a closed mouth shows a line and no teeth.
    """
    return 0.03 + 0.97 * smoothstep(0.22, 0.62, _openness(pixel, width_px, above=3))


def _openness(pixel: np.ndarray, width_px: int, *, above: int) -> np.ndarray:
    """Return which part (n,) of the surroundings a little above each sample are samples as well."""
    row, column = pixel // width_px, pixel % width_px
    top, left = row.min() - 24, column.min() - 24
    opening = np.zeros((row.max() - top + 25, column.max() - left + 25), np.float32)
    opening[row - top, column - left] = 1
    around = cv2.GaussianBlur(opening, (0, 0), 7.0)
    return around[row - top - above, column - left]


def _white(x: np.ndarray, y: np.ndarray, direction: np.ndarray) -> np.ndarray:
    outwards = smoothstep(0.45, 0.95, np.abs(x))
    veins = sample("mottle", np.stack([direction[:, 0] * 0.2, y * 0.5], 1))
    redness = outwards * (0.6 + 0.25 * np.clip(veins, -1, 2))
    return to_linear((0.77, 0.745, 0.725)) * (1 - redness[:, None] * np.array([0.10, 0.30, 0.30]))


def _iris(radius: np.ndarray, angle: np.ndarray, look: Look) -> np.ndarray:
    fibres = 0.5 + 0.5 * np.sin(angle * 34 + 6 * np.sin(angle * 7)) * np.sin(angle * 13 + 1.7)
    pattern = 0.7 + 0.55 * fibres * smoothstep(0.3, 0.8, radius)
    rim = 1 - 0.75 * smoothstep(0.78, 1.02, radius)
    collar = 1 + 0.35 * bell(radius, 0.5, 0.1)
    colour = to_linear(look.iris)[None] * (pattern * rim * collar)[:, None]
    pupil = smoothstep(0.40, 0.36, radius)[:, None]
    return colour * (1 - pupil) + 0.003 * pupil


def teeth_colour(rest: np.ndarray, light: np.ndarray) -> np.ndarray:
    """Return the light (n, 3) from samples of the teeth at rest positions (n, 3) under `light` (n, 3)."""
    along = np.abs(np.arctan2(rest[:, 0], rest[:, 2] - 1.05))
    width = 0.19
    from_gap = np.abs((along / width) % 1 - 0.5) * 2
    shade = (1 - 0.28 * smoothstep(0.86, 1.0, from_gap)) * np.clip(1.05 - 0.55 * along, 0.3, 1)
    colour = to_linear((0.93, 0.90, 0.845)) * shade[:, None]
    gum = (smoothstep(6.765, 6.79, rest[:, 1] - 0.03 * from_gap**2) * (rest[:, 1] > 6.7))[:, None]
    return (colour * (1 - gum) + to_linear((0.66, 0.38, 0.37)) * gum) * (1.15 * light + 0.05)


def tongue_colour(light: np.ndarray) -> np.ndarray:
    """Return the light (n, 3) from samples of the tongue."""
    return to_linear((0.60, 0.32, 0.32)) * light
