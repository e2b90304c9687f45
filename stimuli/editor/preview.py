"""The morph of a pair as its points are now, quickly or as it will be; pure."""

from __future__ import annotations

import numpy as np

from stimuli.align import transform_image, transform_points
from stimuli.editor.open_pair import FULL, OpenPair
from stimuli.morph import AlignedFace, Morph
from stimuli.pair_videos import make_morph
from stimuli.parameters import MorphParameters

QUICK = MorphParameters(width_px=FULL.width_px // 2, height_px=FULL.height_px // 2, flow_passes=0)
"""At half the size and without optical flow: the landmarks alone."""


SHARPNESS = 0.6
"""Pixels of a reduced photograph are at least this small in the quick preview, in pixels of its frame."""


class Snapshot:
    """All that a morph needs of a pair at one moment, so that it can be made beside the window.

    Parameters
    ----------
    pair
        The pair; its points are copied.
    parameters
        `FULL` or `QUICK`.
    """

    def __init__(self, pair: OpenPair, parameters: MorphParameters) -> None:
        self._parameters = parameters
        transforms = [pair.transform(which, parameters) for which in (0, 1)]
        self._images, self._reducing = [], []
        for which in (0, 1):
            factor = max(1, int(SHARPNESS / np.hypot(*transforms[which][:, 0]))) if parameters is QUICK else 1
            self._images.append(pair.reduced_image(which, factor) if factor > 1 else pair.images[which])
            self._reducing.append(factor)
        self._transforms = transforms
        self._points = pair.document.points
        self._faces = [pair.face_px(which) for which in (0, 1)]

    def make(self) -> Morph:
        """Make the morph.

        Raises
        ------
        ValueError
            If the points are such that there is none, as when all lie on a line.
        """
        try:
            first, second = self._aligned(0), self._aligned(1)
            return make_morph(first, second, self._parameters)
        except (ValueError, RuntimeError, np.linalg.LinAlgError) as error:
            raise ValueError(f"no morph can be made of these points ({type(error).__name__})") from error

    def _aligned(self, which: int) -> AlignedFace:
        parameters, transform = self._parameters, self._transforms[which]
        face_px = self._faces[which]
        return AlignedFace(
            image=transform_image(
                self._images[which],
                _of_reduced(transform, self._reducing[which]),
                width_px=parameters.width_px,
                height_px=parameters.height_px,
            ),
            points_px=transform_points(self._points[which], transform),
            face_px=transform_points(face_px, transform) if face_px is not None else None,
            eye_distance_px=parameters.eye_distance * parameters.width_px,
        )


def _of_reduced(transform: np.ndarray, factor: int) -> np.ndarray:
    """Return the transform of a reduced photograph: its pixels are larger, their centres moved."""
    turn = transform[:, :2]
    return np.column_stack([turn * factor, transform[:, 2] + turn.sum(axis=1) * (factor - 1) / 2])
