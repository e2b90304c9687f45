"""Optical flow: what landmarks cannot tell about how one face moves to become the other.

Landmarks are a few hundred points; brows, pores, freckles and folds lie between them. Their way is found by
comparing the two photographs, both warped half way, in pictures in which only local structure is left: light
and shade of a moving face change, its pores do not.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import cv2
import numpy as np

from stimuli.warp import pixel_grid, sample


class Step(NamedTuple):
    """One comparison of the two photographs."""

    structure_px: float
    """Size of the structure that is looked at (standard deviation of the surroundings)."""
    finest_scale: int
    """Finest level of the picture pyramid that is used; 0 is the photograph's own resolution."""
    smoothing_px: float
    """Smoothing of the correction (standard deviation)."""
    max_px: float
    """Largest correction."""


COARSE = Step(8, 1, 10, 10)
MEDIUM = Step(4, 0, 5, 8)
FINE = Step(3, 0, 4, 8)
"""What is looked at, coarse to fine. Our choice: smallest error of the displacement of rendered faces, whose
true displacement is known, among forty tried."""

AGREEMENT_PX = 3.0
"""Flow there and flow back must cancel; where they miss by this much, the correction is a third."""
LEAST_CONTRAST = 2.0
"""Contrast, in grey levels, below which structure counts less: noise of the camera."""
MATCH_STRUCTURE_PX, MATCH_WINDOW_PX, MATCH_SOFTNESS = 4.0, 10.0, 0.08
"""How two ways are compared: structure, window (standard deviations) and difference of the correlations at
which the better way has seven tenths of the say."""

WIDE_SMOOTHING_PX = 12.0
"""Smoothing of the flow's correction around the face, where hair and clothes lie further apart."""
WIDE_MAX_PX = 30.0
"""Largest correction around the face in one pass."""
WIDE_AGREEMENT_PX = 4.0
"""As above, around the face."""
WIDE_TEXTURE = 20.0
"""Where the picture changes by less than this over two pixels (grey levels), flow counts for half."""


def refine_face(
    field: np.ndarray, first: np.ndarray, second: np.ndarray, *, region: np.ndarray, passes: int
) -> np.ndarray:
    """Correct the displacement in the face by what still moves between the two warped photographs.

    Two ways are followed from the landmarks' displacement: one corrects finely at once, which is best where
    landmarks are exact; one begins coarsely, which finds brows that landmarks miss by ten pixels. In each
    place the one counts under which the photographs resemble each other more.

    Parameters
    ----------
    field
        Displacement on the half-way shape, shape ``(height_px, width_px, 2)``; x, y in pixels.
    first, second
        Aligned photographs, uint8, RGB.
    region
        Weight of the correction from 0 to 1, shape ``(height_px, width_px)``.
    passes
        How often to look at fine structure; 0 = no correction at all.

    Returns
    -------
    numpy.ndarray
        The corrected field, float32.

    References
    ----------
    Kroeger et al. (2016), Fast optical flow using dense inverse search, doi:10.1007/978-3-319-46493-0_29.
    """
    if passes == 0 or not region.any():
        return field.astype(np.float32)
    box = _box_of(region)
    photographs = _Photographs(first, second, region, box)
    *fine, last = [MEDIUM, *[FINE] * (passes - 1)]
    near = photographs.follow(field[box], fine)
    far = photographs.follow(field[box], [COARSE, COARSE, *fine])
    resembling = (photographs.resemblance(far) - photographs.resemblance(near)) / MATCH_SOFTNESS
    better = 1 / (1 + np.exp(-resembling.clip(-30, 30)))
    better = cv2.GaussianBlur(better.astype(np.float32), (0, 0), 6)[..., None]
    corrected = field.astype(np.float32)
    corrected[box] = photographs.follow(near + better * (far - near), [last])
    return corrected


class _Photographs:
    """Two photographs in a box of the frame, compared under a displacement field."""

    def __init__(
        self, first: np.ndarray, second: np.ndarray, region: np.ndarray, box: tuple[slice, slice]
    ) -> None:
        self._greys = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in (first, second)]
        self._region = region[box]
        self._grid = pixel_grid(region.shape[1], region.shape[0])[box]
        self._structures: dict[float, list[np.ndarray]] = {}

    def follow(self, field: np.ndarray, steps: list[Step]) -> np.ndarray:
        """Correct a field step by step."""
        for step in steps:
            there, back = _flows(*self._half_way(field, step.structure_px), finest_scale=step.finest_scale)
            weight = _agreement(there, back, AGREEMENT_PX) * self._region + np.float32(1e-4)
            correction = _weighted_smoothing((there - back) / 2, weight, step.smoothing_px)
            field = field + correction.clip(-step.max_px, step.max_px) * self._region[..., None]
        return field.astype(np.float32)

    def resemblance(self, field: np.ndarray) -> np.ndarray:
        """Local correlation of the two photographs under a field, from -1 to 1."""

        def blur(image: np.ndarray) -> np.ndarray:
            return cv2.GaussianBlur(image, (0, 0), MATCH_WINDOW_PX)

        one, other = (image.astype(np.float32) for image in self._half_way(field, MATCH_STRUCTURE_PX))
        means = blur(one), blur(other)
        together = blur(one * other) - means[0] * means[1]
        spreads = [blur(image * image) - mean * mean for image, mean in zip((one, other), means, strict=True)]
        return together / np.sqrt(np.maximum(spreads[0] * spreads[1], np.float32(1e-6)))

    def _half_way(self, field: np.ndarray, structure_px: float) -> list[np.ndarray]:
        if structure_px not in self._structures:
            self._structures[structure_px] = [_structure(grey, structure_px) for grey in self._greys]
        pictures = self._structures[structure_px]
        sides = (np.float32(-0.5), np.float32(0.5))
        return [
            sample(picture, self._grid + side * field) for picture, side in zip(pictures, sides, strict=True)
        ]


def refine_surroundings(
    field: np.ndarray, first: np.ndarray, second: np.ndarray, *, region: np.ndarray, passes: int
) -> np.ndarray:
    """Correct the displacement of hair, neck, clothes and background, which have no landmarks.

    Over longer distances than in the face; where there is nothing to see, as on a plain background, the
    field follows what moves nearby.

    Parameters
    ----------
    field, first, second, region
        As in `refine_face`.
    passes
        How often to repeat.

    Returns
    -------
    numpy.ndarray
        The corrected field, float32.
    """
    grid = pixel_grid(field.shape[1], field.shape[0])
    pictures = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in (first, second)]
    for _ in range(passes):
        greys = [
            sample(picture, grid + np.float32(side) * field)
            for picture, side in zip(pictures, (-0.5, 0.5), strict=True)
        ]
        there, back = _flows(*greys, finest_scale=2)
        texture = _texture(greys[0].astype(np.float32) + greys[1])
        weight = _agreement(there, back, WIDE_AGREEMENT_PX) * texture * region
        correction = _weighted_smoothing((there - back) / 2, weight + np.float32(1e-3), WIDE_SMOOTHING_PX)
        field = field + correction.clip(-WIDE_MAX_PX, WIDE_MAX_PX) * region[..., None]
    return field.astype(np.float32)


def _structure(grey: np.ndarray, size_px: float) -> np.ndarray:
    """Local structure of a picture without its light: each pixel relative to its surroundings, uint8."""
    values = grey.astype(np.float32)
    values -= cv2.GaussianBlur(values, (0, 0), size_px)
    contrast = np.sqrt(cv2.GaussianBlur(values * values, (0, 0), size_px) + LEAST_CONTRAST**2)
    return np.clip(128 + 50 * values / contrast, 0, 255).astype(np.uint8)


def _flows(first: np.ndarray, second: np.ndarray, *, finest_scale: int) -> tuple[np.ndarray, np.ndarray]:
    """Optical flow from one picture to the other, and back."""
    method = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    method.setFinestScale(finest_scale)
    method.setPatchStride(4)  # half of a patch; 3 takes half as long again, and is no nearer to the truth
    method.setVariationalRefinementIterations(0)  # slower, and no nearer to the true displacement
    start: Any = None
    return method.calc(first, second, start), method.calc(second, first, start)


def _box_of(region: np.ndarray, *, margin_px: int = 16) -> tuple[slice, slice]:
    """Rows and columns of a region, with a margin."""
    rows, columns = np.nonzero(region > 0)
    top, left = max(int(rows.min()) - margin_px, 0), max(int(columns.min()) - margin_px, 0)
    return slice(top, int(rows.max()) + margin_px + 1), slice(left, int(columns.max()) + margin_px + 1)


def _weighted_smoothing(flow: np.ndarray, weight: np.ndarray, smoothing_px: float) -> np.ndarray:
    """Smooth a flow so that pixels count by their weight, and those without any follow their neighbours."""
    total = cv2.GaussianBlur(weight, (0, 0), smoothing_px)
    return cv2.GaussianBlur(flow * weight[..., None], (0, 0), smoothing_px) / total[..., None]


def _agreement(there: np.ndarray, back: np.ndarray, tolerance_px: float) -> np.ndarray:
    """How well the flow there and the flow back cancel, from 0 to 1, shape ``(height_px, width_px)``."""
    return np.exp(-((np.linalg.norm(there + back, axis=2) / tolerance_px) ** 2)).astype(np.float32)


def _texture(grey: np.ndarray) -> np.ndarray:
    """How much there is to see around each pixel, from 0 to 1, shape ``(height_px, width_px)``."""
    change = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    change = cv2.GaussianBlur(change, (0, 0), 3)
    return change / (change + np.float32(WIDE_TEXTURE))
