"""The morph: frames between two aligned photographs, at any level from one to the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import cv2
import numpy as np
from scipy.interpolate import CubicSpline

from stimuli.face_points import INNER_LIPS, LEFT_EYELIDS, RIGHT_EYELIDS, face_outline, mouth_gap
from stimuli.warp import Warp, landmark_field, refine_face, refine_surroundings, sample, unfold_field

MOUTH_OPEN = 0.02
"""A mouth counts as open when its lips are further apart than this part of the eye distance."""
MOUTH_FADE = 0.15
"""Part of the levels, at the closed mouth, over which the open mouth's inside fades out."""
MOUTH_EDGE_PX = 1.2
"""Softness of the border between lips and the inside of the mouth."""


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
    blending
        ``linear``: light is mixed. ``srgb``: stored values are mixed.
    mask_margin
        How far the mask reaches beyond the outline of the face, relative to its size; None = no mask.
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
        blending: Literal["linear", "srgb"],
        mask_margin: float | None,
        mask_edge_px: float,
        background_rgb: tuple[int, int, int],
    ) -> None:
        self.first, self.second = first, second
        self._mask_margin, self._mask_edge_px = mask_margin, mask_edge_px
        self._background = np.array(background_rgb, np.uint8)
        self._to_light, self._to_stored = _light_tables(blending)
        self._open_mouth = open_mouth(first, second) if mouth == "occlude" else None
        self._outlines = _outlines(first, second)
        height_px, width_px = first.image.shape[:2]
        field = landmark_field(first.points_px, second.points_px, width_px=width_px, height_px=height_px)
        face = self._inside(self.outline(0.5), margin=0.12)
        around, skin = 1 - soften(face), soften(face * (1 - self.mouth_region()))
        images = (first.image, second.image)
        field = refine_face(field, *images, region=skin, passes=flow_passes)
        field = refine_surroundings(field, *images, region=around, passes=flow_passes)
        self.field = unfold_field(field, region=(self.mouth_region() + self.eye_region()) == 0)
        self._box = self._shown_box()
        self._warp = Warp(self.field, box=self._box)

    @cached_property
    def _light(self) -> tuple[np.ndarray, np.ndarray]:
        return self._to_light[self.first.image], self._to_light[self.second.image]

    def frame(self, level: float) -> np.ndarray:
        """Return the frame at a level.

        Parameters
        ----------
        level
            0 = first photograph, 1 = second photograph.

        Returns
        -------
        numpy.ndarray
            Shape ``(height_px, width_px, 3)``, uint8, RGB.
        """
        if not 0 <= level <= 1:
            raise ValueError(f"a level is from 0 to 1, got {level}")
        if level in (0, 1):
            return self._masked((self.first, self.second)[int(level)].image[self._box], level)
        from_first, from_second = self._warp.source_positions(level)
        one = sample(self._light[0], from_first, method=cv2.INTER_CUBIC)
        other = sample(self._light[1], from_second, method=cv2.INTER_CUBIC)
        if self._open_mouth is not None:
            self._show_open_mouth(one, other, level)
        mixed = cv2.addWeighted(one, 1 - level, other, level, 0)
        return self._masked(self._to_stored[mixed], level)

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
        if self._mask_margin is None:
            return np.ones((height_px, width_px), np.float32)
        outline = smooth_outline(self.outline(level), margin=self._mask_margin) - (columns.start, rows.start)
        return soft_polygon(outline, width_px=width_px, height_px=height_px, edge_px=self._mask_edge_px)

    def _shown_box(self) -> tuple[slice, slice]:
        """Rows and columns of the frame that are ever seen."""
        rows, columns = np.nonzero(np.maximum(self.mask(0), self.mask(1)) > 0)
        height_px, width_px = self.first.image.shape[:2]
        top, left = max(rows.min() - 8, 0), max(columns.min() - 8, 0)
        bottom, right = min(rows.max() + 9, height_px), min(columns.max() + 9, width_px)
        return slice(int(top), int(bottom)), slice(int(left), int(right))

    def _masked(self, image: np.ndarray, level: float) -> np.ndarray:
        """Lay the seen part of a frame, which fills the box, on the background."""
        if self._mask_margin is None:
            return image.copy()
        seen = self._mask(level, self._box)[..., None]
        shown = np.rint(seen * image + (1 - seen) * self._background).astype(np.uint8)
        frame = np.empty_like(self.first.image)
        frame[:] = self._background
        frame[self._box] = shown
        return frame

    def _show_open_mouth(self, one: np.ndarray, other: np.ndarray, level: float) -> None:
        """Replace the closed mouth's opening by the open mouth's, in place."""
        assert self.first.face_px is not None and self.second.face_px is not None
        closed_level = 1 - level if self._open_mouth == "second" else level
        strength = np.clip((1 - closed_level) / MOUTH_FADE, 0, 1)
        lips = ((1 - level) * self.first.face_px + level * self.second.face_px)[INNER_LIPS]
        lips = lips - (self._box[1].start, self._box[0].start)
        height_px, width_px = one.shape[:2]
        left, top = np.maximum(np.floor(lips.min(axis=0)).astype(int) - 6, 0)
        right, bottom = np.minimum(np.ceil(lips.max(axis=0)).astype(int) + 7, (width_px, height_px))
        opening = fill_polygon(lips - (left, top), width_px=right - left, height_px=bottom - top)
        weight = strength * cv2.GaussianBlur(opening, (0, 0), MOUTH_EDGE_PX)[..., None]
        shown, hidden = (one, other) if self._open_mouth == "first" else (other, one)
        box = (slice(top, bottom), slice(left, right))
        hidden[box] = np.rint(hidden[box] * (1 - weight) + shown[box] * weight).astype(np.uint16)

    def face_region(self) -> np.ndarray:
        """Return where the inner face is on the half-way shape, from 0 to 1."""
        return self._inside(self.outline(0.5), margin=-0.1)

    def mouth_region(self) -> np.ndarray:
        """Return where the mouth's opening is on the half-way shape, from 0 to 1; all 0 if unknown."""
        return self._opening(INNER_LIPS)

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


def soften(region: np.ndarray) -> np.ndarray:
    """Give a region a soft edge about 20 px wide."""
    return cv2.GaussianBlur(region, (0, 0), 8)


def open_mouth(first: AlignedFace, second: AlignedFace) -> Literal["first", "second"] | None:
    """Tell which of two photographs alone has its mouth open; None if both, neither, or unknown."""
    if first.face_px is None or second.face_px is None:
        return None
    gaps = mouth_gap(first.face_px), mouth_gap(second.face_px)
    if max(gaps) <= MOUTH_OPEN * first.eye_distance_px or min(gaps) >= 0.5 * max(gaps):
        return None
    return "first" if gaps[0] > gaps[1] else "second"


def _outlines(first: AlignedFace, second: AlignedFace) -> tuple[np.ndarray, np.ndarray]:
    """Outlines of both faces with corresponding corners; of all landmarks where the model saw no face."""
    if first.face_px is not None and second.face_px is not None:
        return face_outline(first.face_px), face_outline(second.face_px)
    middle = ((first.points_px + second.points_px) / 2).astype(np.float32)
    corners = cv2.convexHull(middle, returnPoints=False).ravel()
    return first.points_px[corners], second.points_px[corners]


def smooth_outline(outline: np.ndarray, *, margin: float) -> np.ndarray:
    """Return a smooth closed curve through an outline, enlarged by a margin from its centre.

    Parameters
    ----------
    outline
        Corners in order, shape ``(n, 2)``.
    margin
        Enlargement relative to the size; 0.05 makes it 5 % larger.

    Returns
    -------
    numpy.ndarray
        Shape ``(360, 2)``.
    """
    centre = outline.mean(axis=0)
    closed = np.concatenate([outline, outline[:1]]) - centre
    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    distinct = np.concatenate([[True], np.diff(along) > 0])
    curve = CubicSpline(along[distinct], closed[distinct], bc_type="periodic")
    return centre + (1 + margin) * curve(np.linspace(0, along[-1], 360, endpoint=False))


def soft_polygon(outline: np.ndarray, *, width_px: int, height_px: int, edge_px: float) -> np.ndarray:
    """Draw a filled shape whose edge rises smoothly from 0 outside to 1 inside over a given width.

    Parameters
    ----------
    outline
        Corners in order, shape ``(n, 2)``; each x, y.
    width_px, height_px
        Size of the picture.
    edge_px
        Width of the edge, half of it on either side of the outline.

    Returns
    -------
    numpy.ndarray
        Shape ``(height_px, width_px)``, float32.
    """
    shape = fill_polygon(outline, width_px=width_px, height_px=height_px)
    blurred = cv2.GaussianBlur(shape, (0, 0), edge_px / 3.5)
    return np.clip(
        (blurred - 0.04) / 0.92, 0, 1
    )  # what is left of the blur's tails counts as outside or inside


def fill_polygon(outline: np.ndarray, *, width_px: int, height_px: int) -> np.ndarray:
    """Return which part of each pixel is inside an outline: float32, shape ``(height_px, width_px)``."""
    drawn = np.zeros((height_px, width_px), np.uint8)
    cv2.fillPoly(drawn, [np.round(outline * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    return drawn.astype(np.float32) / 255


def _light_tables(blending: Literal["linear", "srgb"]) -> tuple[np.ndarray, np.ndarray]:
    """Tables from stored values (0 to 255) to light in 16 bits, and back (IEC 61966-2-1)."""
    stored, light = np.arange(256) / 255, np.arange(65536) / 65535
    if blending == "srgb":
        return (np.arange(256) * 257).astype(np.uint16), np.rint(light * 255).astype(np.uint8)
    to_light = np.where(stored <= 0.04045, stored / 12.92, ((stored + 0.055) / 1.055) ** 2.4)
    to_stored = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.rint(to_light * 65535).astype(np.uint16), np.rint(to_stored * 255).astype(np.uint8)
