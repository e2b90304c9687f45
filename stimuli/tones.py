"""Making identities alike in lightness: one transform per person, the same for all their expressions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import cv2
import numpy as np

from stimuli.morph import AlignedFace, inner_face

MAX_CONTRAST_GAIN = 2.0
"""Contrast is raised or lowered at most by this factor (our choice)."""


class Tone(NamedTuple):
    """How the lightness (CIE L*, 0 to 100) of a photograph is changed: L* becomes gain L* + shift."""

    gain: float
    shift: float

    def apply(self, image: np.ndarray) -> np.ndarray:
        """Return a picture, uint8, RGB, with its lightness changed and its hues kept.

        Examples
        --------
        >>> grey = np.full((1, 1, 3), 119, np.uint8)
        >>> Tone(1.0, 0.0).apply(grey).tolist(), Tone(1.0, 10.0).apply(grey).tolist()
        ([[[119, 119, 119]]], [[[144, 144, 144]]])
        """
        if self == (1.0, 0.0):
            return image
        lab = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
        lab[..., 0] = np.clip(self.gain * lab[..., 0] + self.shift, 0, 100)
        rgb = cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)
        return np.clip(np.rint(rgb * 255), 0, 255).astype(np.uint8)


def face_lightness(face: AlignedFace) -> tuple[float, float]:
    """Return mean and standard deviation of a face's lightness (CIE L*), without hair and background."""
    lab = cv2.cvtColor(face.image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    values = lab[..., 0][inner_face(face)]
    return float(values.mean()), float(values.std())


def match_identities(
    lightness: Mapping[str, Sequence[tuple[float, float]]],
    matching: Literal["none", "luminance", "contrast"],
) -> dict[str, Tone]:
    """Find the transform of each identity that makes all alike.

    Parameters
    ----------
    lightness
        For each identity, mean and standard deviation of each of its photographs, from `face_lightness`.
    matching
        ``luminance``: every identity gets the mean lightness of all. ``contrast``: also the mean standard
        deviation. ``none``: nothing is changed.

    Returns
    -------
    dict
        A transform for each identity.

    Examples
    --------
    >>> tones = match_identities({"a": [(60.0, 10.0)], "b": [(40.0, 5.0)]}, "luminance")
    >>> tones["a"], tones["b"]
    (Tone(gain=1.0, shift=-10.0), Tone(gain=1.0, shift=10.0))
    """
    means = {name: np.mean(values, axis=0) for name, values in lightness.items()}
    target = np.mean(list(means.values()), axis=0)
    tones = {}
    for name, (mean, deviation) in means.items():
        gain = 1.0
        if matching == "contrast":
            gain = float(np.clip(target[1] / max(deviation, 1e-6), 1 / MAX_CONTRAST_GAIN, MAX_CONTRAST_GAIN))
        shift = float(target[0] - gain * mean)
        tones[name] = Tone(1.0, 0.0) if matching == "none" else Tone(round(gain, 6), round(shift, 6))
    return tones
