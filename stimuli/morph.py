"""The morph: frames between two aligned photographs, at any level from one to the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import cv2
import numpy as np

from stimuli.face_points import INNER_LIPS, LEFT_EYELIDS, RIGHT_EYELIDS, face_outline
from stimuli.flow import refine_face, refine_surroundings
from stimuli.light import light_tables, match_detail
from stimuli.mouth import MouthInside, complete_eyes, complete_lips, open_mouth
from stimuli.polygons import fill_polygon, smooth_outline, smooth_outlines, soft_polygon, soften
from stimuli.warp import SplitLevel, Warp, landmark_field, sample, unfold_field


@dataclass(frozen=True, kw_only=True)
class AlignedFace:
    """An aligned photograph; all places in pixels of the frame, each x, y."""

    image: np.ndarray
    """Frame, shape ``(height_px, width_px, 3)``, uint8, RGB."""
    points_px: np.ndarray
    """Landmarks, shape ``(n_points, 2)``."""
    face_px: np.ndarray | None
    """The face model's points, shape ``(478, 2)``, or None if it did not see the face."""
    eye_distance_px: float
    """Distance between the eyes."""


class Morph:
    """All frames between two aligned photographs.

    The frame at level 0 is the first photograph, the frame at level 1 the second (both inside the mask, if
    there is one), bit for bit. A frame depends on its level alone, so that a video backwards is the video
    from the second to the first photograph.

    Parameters
    ----------
    first, second
        Aligned photographs with the same template of landmarks.
    flow_passes
        How often optical flow corrects the landmarks' displacement.
    mouth
        ``occlude``: where one mouth is open and the other closed, only the open one is seen in the opening.
        ``blend``: both fade.
    mouth_ramp
        Part of the way, at its closed end, over which the inside of a closing mouth falls into shadow.
    blending
        ``linear``: light is mixed. ``srgb``: stored values are mixed.
    detail
        ``match``: local contrast is raised to what lies between the two photographs. ``keep``: it is not.
    mask
        ``face``: its outline. ``outline``: `mask_outline_px`, the same at all levels. ``none``: all is seen.
    mask_outline_px
        Corners of the mask, shape ``(n, 2)``; for ``outline`` only.
    mask_margin
        How far the mask reaches beyond the outline, relative to its size.
    mask_edge_px
        Width of the mask's soft edge.
    background_rgb
        Colour outside the mask.
    """

    def __init__(
        self,
        first: AlignedFace,
        second: AlignedFace,
        *,
        flow_passes: int,
        mouth: Literal["occlude", "blend"],
        mouth_ramp: float,
        blending: Literal["linear", "srgb"],
        detail: Literal["keep", "match"],
        mask: Literal["face", "outline", "none"],
        mask_outline_px: np.ndarray | None = None,
        mask_margin: float,
        mask_edge_px: float,
        background_rgb: tuple[int, int, int],
    ) -> None:
        self.first, self.second = first, second
        self._detail, self._masks = detail, mask != "none"
        self._mask_edge_px = mask_edge_px
        self._to_light, self._to_stored = light_tables(blending)
        self._inside_mouth = self._mouth_inside(mouth_ramp) if mouth == "occlude" else None
        self._outlines = _outlines(first, second)
        fixed = mask_outline_px if mask == "outline" else None
        curves = smooth_outlines(*self._outlines) if fixed is None else smooth_outlines(fixed, fixed)
        self._mask_curves = [_enlarged(curve, mask_margin) for curve in curves]
        self._blank = np.empty_like(first.image)
        self._blank[:] = background_rgb
        only_face = mask == "face" and mask_margin <= 0
        self.field = self._displacement(flow_passes, 0 if only_face else flow_passes)
        self._box = self._shown_box()
        self._warp = Warp(self.field, box=self._box)

    @cached_property
    def _light(self) -> tuple[np.ndarray, np.ndarray]:
        return self._to_light[self.first.image], self._to_light[self.second.image]

    def frame(self, level: float | SplitLevel) -> np.ndarray:
        """Return the frame at a level.

        Parameters
        ----------
        level
            0 = first photograph, 1 = second photograph; or one level for the upper face and another for the
            lower.

        Returns
        -------
        numpy.ndarray
            Shape ``(height_px, width_px, 3)``, uint8, RGB.
        """
        image = self._image(level)
        if not self._masks:
            return image.copy()
        seen = self._mask(_lower(level), self._box)
        frame = self._blank.copy()
        # blendLinear is exact where one weight is 0
        frame[self._box] = cv2.blendLinear(image, frame[self._box], seen, 1 - seen)
        return frame

    def frame_with_alpha(self, level: float | SplitLevel) -> np.ndarray:
        """Return the frame at a level without its background.

        Returns
        -------
        numpy.ndarray
            Shape ``(height_px, width_px, 4)``, uint8: RGB, not multiplied with alpha, and alpha, the mask.
        """
        frame = np.zeros((*self.first.image.shape[:2], 4), np.uint8)
        seen = np.rint(255 * self._mask(_lower(level), self._box)).astype(np.uint8)
        frame[self._box] = np.where(seen[..., None] > 0, np.dstack([self._image(level), seen]), np.uint8(0))
        return frame

    def _image(self, level: float | SplitLevel) -> np.ndarray:
        """Return what fills the box at a level, before it is masked."""
        if isinstance(level, SplitLevel) and level.upper == level.lower:
            level = level.upper
        if not all(0 <= each <= 1 for each in (_lower(level), _upper(level))):
            raise ValueError(f"a level is from 0 to 1, got {level}")
        if level in (0, 1):
            return (self.first, self.second)[int(_lower(level))].image[self._box]
        from_first, from_second, sharpness = self._warp.positions_and_sharpness(level)
        one = sample(self._light[0], from_first, method=cv2.INTER_CUBIC)
        other = sample(self._light[1], from_second, method=cv2.INTER_CUBIC)
        if self._inside_mouth is not None:
            positions, pixels = (from_first, from_second), self._warp.pixels
            self._inside_mouth.show((one, other), positions, pixels, level=_lower(level))
        mixed = self._mix(one, other, level, sharpness)
        if self._detail == "match":
            mixed = match_detail(mixed, one, other, level=(_lower(level) + _upper(level)) / 2)
        return self._to_stored[mixed]

    def _mix(
        self, one: np.ndarray, other: np.ndarray, level: float | SplitLevel, sharpness: np.ndarray
    ) -> np.ndarray:
        """Mix two warped photographs by the level; where one is stretched, the other has more of the say.

        Otherwise lashes and lines, stretched over a lid that opens, would lie on it like a veil.
        """
        if self._inside_mouth is None:
            self._ignore_mouth(sharpness, _lower(level))
        if isinstance(level, SplitLevel):
            return _mix_by(one, other, _share(level.at(self._warp.pixels[..., 1]), sharpness))
        mixed = cv2.addWeighted(one, 1 - level, other, level, 0)
        stretched = (sharpness[..., 0] < 1) | (sharpness[..., 1] < 1)
        share = _share(np.float32(level), sharpness[stretched])
        mixed[stretched] = _mix_by(one[stretched], other[stretched], share)
        return mixed

    def _ignore_mouth(self, sharpness: np.ndarray, level: float) -> None:
        """Let stretching not count in the mouth's opening, in place: there, both photographs fade."""
        if self.first.face_px is None or self.second.face_px is None:
            return
        lips = (1 - level) * self.first.face_px[INNER_LIPS] + level * self.second.face_px[INNER_LIPS]
        lips = cv2.convexHull((lips - self._warp.pixels[0, 0]).astype(np.float32))[:, 0]
        height_px, width_px = sharpness.shape[:2]
        sharpness[fill_polygon(lips, width_px=width_px, height_px=height_px) > 0] = 1

    def outline(self, level: float) -> np.ndarray:
        """Return the outline of the face at a level, shape ``(n, 2)``; each x, y in pixels."""
        return (1 - level) * self._outlines[0] + level * self._outlines[1]

    def mask(self, level: float) -> np.ndarray:
        """Return how much of the face is seen in each pixel at a level, from 0 to 1; all 1 without a mask."""
        height_px, width_px = self.first.image.shape[:2]
        return self._mask(level, (slice(0, height_px), slice(0, width_px)))

    def _mask(self, level: float, box: tuple[slice, slice]) -> np.ndarray:
        rows, columns = box
        width_px, height_px = columns.stop - columns.start, rows.stop - rows.start
        if not self._masks:
            return np.ones((height_px, width_px), np.float32)
        outline = (1 - level) * self._mask_curves[0] + level * self._mask_curves[1]
        outline = outline - (columns.start, rows.start)
        return soft_polygon(outline, width_px=width_px, height_px=height_px, edge_px=self._mask_edge_px)

    def _shown_box(self) -> tuple[slice, slice]:
        """Rows and columns of the frame that are ever seen."""
        rows, columns = np.nonzero(np.maximum(self.mask(0), self.mask(1)) > 0)
        height_px, width_px = self.first.image.shape[:2]
        top, left = (max(first - 8, 0) // 2 * 2 for first in (rows.min(), columns.min()))
        bottom, right = min(rows.max() + 9, height_px), min(columns.max() + 9, width_px)
        return slice(int(top), int(bottom)), slice(int(left), int(right))

    def _mouth_inside(self, ramp: float) -> MouthInside | None:
        """Make the layer behind the lips, where one mouth is open and the other closed."""
        if self.first.face_px is None or self.second.face_px is None:
            return None
        points = (self.first.face_px, self.second.face_px)
        which = open_mouth(*points, eye_distance_px=self.first.eye_distance_px)
        if which is None:
            return None
        return MouthInside(self._light[which], points, which=which, ramp=ramp)

    def _points(self) -> tuple[np.ndarray, np.ndarray]:
        """Landmarks of both photographs, completed at mouth and eyes where the model saw the faces."""
        points = (self.first.points_px, self.second.points_px)
        if self.first.face_px is None or self.second.face_px is None:
            return points
        faces = (self.first.face_px, self.second.face_px)
        distance_px = self.first.eye_distance_px
        points = complete_lips(points, faces, eye_distance_px=distance_px)
        return complete_eyes(points, faces, eye_distance_px=distance_px)

    def _displacement(self, face_passes: int, around_passes: int) -> np.ndarray:
        """Find the field from the first to the second photograph on the half-way shape.

        What is not seen, around the face, needs no flow.
        """
        images = (self.first.image, self.second.image)
        height_px, width_px = images[0].shape[:2]
        field = landmark_field(*self._points(), width_px=width_px, height_px=height_px)
        mouth, eyes = self.mouth_region(), self.eye_region()
        face = self._inside(self.outline(0.5), margin=0.12)
        skin, around = soften(face * (1 - mouth), edge_px=20), 1 - soften(face, edge_px=20)
        field = refine_face(field, *images, region=skin, passes=face_passes)
        field = refine_surroundings(field, *images, region=around, passes=around_passes)
        return unfold_field(field, region=(mouth + eyes) == 0)

    def face_region(self) -> np.ndarray:
        """Return where the inner face is on the half-way shape, from 0 to 1."""
        return self._inside(self.outline(0.5), margin=-0.1)

    def mouth_region(self) -> np.ndarray:
        """Return where the mouth's opening is on the half-way shape, from 0 to 1; all 0 if unknown."""
        return self._opening(INNER_LIPS)

    def mouth_ever_open(self) -> np.ndarray:
        """Return the pixels where the mouth is open at some level, boolean; none if unknown."""
        height_px, width_px = self.first.image.shape[:2]
        if self.first.face_px is None or self.second.face_px is None:
            return np.zeros((height_px, width_px), bool)
        lips = np.concatenate([self.first.face_px[INNER_LIPS], self.second.face_px[INNER_LIPS]])
        hull = cv2.convexHull(lips.astype(np.float32))[:, 0]
        return fill_polygon(hull, width_px=width_px, height_px=height_px) > 0

    def eye_region(self) -> np.ndarray:
        """Return where the eyes' openings are on the half-way shape, from 0 to 1; all 0 if unknown."""
        return np.maximum(self._opening(RIGHT_EYELIDS), self._opening(LEFT_EYELIDS))

    def _opening(self, points: Sequence[int]) -> np.ndarray:
        if self.first.face_px is None or self.second.face_px is None:
            return np.zeros(self.first.image.shape[:2], np.float32)
        middle = (self.first.face_px[points] + self.second.face_px[points]) / 2
        return self._inside(cv2.convexHull(middle.astype(np.float32))[:, 0])

    def _inside(self, outline: np.ndarray, *, margin: float | None = None) -> np.ndarray:
        height_px, width_px = self.first.image.shape[:2]
        outline = outline if margin is None else smooth_outline(outline, margin=margin)
        return fill_polygon(outline, width_px=width_px, height_px=height_px)


def inner_face(face: AlignedFace) -> np.ndarray:
    """Return which pixels of the frame belong to the inner face, boolean, shape ``(height_px, width_px)``."""
    outline = _outlines(face, face)[0]
    height_px, width_px = face.image.shape[:2]
    inner = smooth_outline(outline, margin=-0.1)
    return fill_polygon(inner, width_px=width_px, height_px=height_px) > 0.5


def _outlines(first: AlignedFace, second: AlignedFace) -> tuple[np.ndarray, np.ndarray]:
    """Outlines of both faces with corresponding corners; of all landmarks where the model saw no face."""
    if first.face_px is not None and second.face_px is not None:
        return face_outline(first.face_px), face_outline(second.face_px)
    middle = ((first.points_px + second.points_px) / 2).astype(np.float32)
    corners = cv2.convexHull(middle, returnPoints=False).ravel()
    return first.points_px[corners], second.points_px[corners]


def _enlarged(curve: np.ndarray, margin: float) -> np.ndarray:
    centre = curve.mean(axis=0)
    return centre + (1 + margin) * (curve - centre)


def _share(level: np.ndarray | np.float32, sharpness: np.ndarray) -> np.ndarray:
    """Share of the second photograph, from the level and the sharpness of both."""
    first, second = (1 - level) * sharpness[..., 0], level * sharpness[..., 1]
    return second / (first + second)


def _mix_by(one: np.ndarray, other: np.ndarray, share: np.ndarray) -> np.ndarray:
    share = share[..., None]
    return np.rint((1 - share) * one + share * other).astype(np.uint16)


def _lower(level: float | SplitLevel) -> float:
    return level.lower if isinstance(level, SplitLevel) else level


def _upper(level: float | SplitLevel) -> float:
    return level.upper if isinstance(level, SplitLevel) else level
