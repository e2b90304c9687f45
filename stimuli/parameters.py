"""The numbers of a set of morph videos, each with its source."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from PIL import ImageColor

METHOD_VERSION = 1
"""Counts up when the same photographs and parameters give other frames; a set is made with one."""


@dataclass(frozen=True, kw_only=True)
class MorphParameters:
    """How videos are made from pairs of photographs.

    Raises
    ------
    ValueError
        If a value is impossible; the message says which and why.
    """

    duration_s: float = 5.0
    """Duration of a video. Korb et al. (2023), Stimuli and task: 5 s."""
    fps: float = 25.0
    """Frames per second. Korb et al. (2023), Stimuli and task: 25."""
    width_px: int = 600
    """Width of a frame. Our choice: the paper does not say."""
    height_px: int = 800
    """Height of a frame. Our choice: the paper does not say."""
    eye_distance: float = 0.25
    """Distance between the eyes as a fraction of the width. Our choice: the whole head is in the frame."""
    eye_height: float = 0.42
    """Distance of the eyes from the upper edge as a fraction of the height. Our choice."""
    mask: Literal["face", "none"] = "face"
    """Whether only the face is shown, on a uniform background. Our choice: hair, clothes and background
    differ between photographs and would dissolve into each other, which draws the eye."""
    mask_margin: float = -0.03
    """How far the mask reaches beyond the outline of the face, relative to its size. Our choice: a little
    inside, because the outline lies on hair, ears and background where the head is turned."""
    mask_edge_px: float = 10.0
    """Width of the mask's soft edge. Our choice."""
    background: str = "#808080"
    """Colour around a masked face and behind transparent photographs. Our choice."""
    mouth: Literal["occlude", "blend"] = "occlude"
    """When one mouth is open and the other closed: whether its opening shows the open mouth alone, covered
    by the closing lips, or fades between both. Our choice: fading lets teeth shine through the lips."""
    flow_passes: int = 3
    """How often optical flow corrects the displacement of the landmarks; 0 = not at all. Our choice."""
    blending: Literal["linear", "srgb"] = "linear"
    """Whether light is mixed, or stored values. Our choice: mixing light keeps the brightness on a straight
    line; common morphing programs mix stored values."""

    def __post_init__(self) -> None:
        for name in ("duration_s", "fps", "width_px", "height_px", "mask_edge_px"):
            if not 0 < getattr(self, name) < 1e5:
                raise ValueError(f"{name} is {getattr(self, name)}; expected a positive number below 100 000")
        for name, low, high in (
            ("eye_distance", 0.05, 0.6),
            ("eye_height", 0.1, 0.9),
            ("mask_margin", -0.3, 0.5),
        ):
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} is {getattr(self, name)}; expected a number from {low} to {high}")
        if self.width_px % 2 or self.height_px % 2 or min(self.width_px, self.height_px) < 64:
            raise ValueError(
                f"a frame of {self.width_px} x {self.height_px} px: both must be even and at least 64"
            )
        if self.n_frames < 2:
            raise ValueError(f"{self.duration_s} s at {self.fps} frames per second has no two frames")
        if not 0 <= self.flow_passes <= 20:
            raise ValueError(f"flow_passes is {self.flow_passes}; expected 0 to 20")
        for name, allowed in (("mask", "face none"), ("mouth", "occlude blend"), ("blending", "linear srgb")):
            if getattr(self, name) not in allowed.split():
                raise ValueError(
                    f"{name} is {getattr(self, name)!r}; expected {allowed.replace(' ', ' or ')}"
                )
        try:
            ImageColor.getrgb(self.background)
        except ValueError as error:
            raise ValueError(
                f"background is {self.background!r} ({error}); expected a colour as in HTML, such as #808080"
            ) from None

    @property
    def n_frames(self) -> int:
        """Number of frames of a video.

        Examples
        --------
        >>> MorphParameters().n_frames
        125
        """
        return round(self.duration_s * self.fps)

    @property
    def eyes_px(self) -> np.ndarray:
        """Where the eyes are in every frame, shape ``(2, 2)``, left one in the picture first; each x, y.

        Examples
        --------
        >>> MorphParameters().eyes_px.round(6).tolist()
        [[224.5, 335.58], [374.5, 335.58]]
        """
        half_px = self.eye_distance * self.width_px / 2
        x, y = (self.width_px - 1) / 2, self.eye_height * (self.height_px - 1)
        return np.array([[x - half_px, y], [x + half_px, y]])

    @property
    def background_rgb(self) -> tuple[int, int, int]:
        """Red, green and blue of the background, 0 to 255."""
        red, green, blue = ImageColor.getrgb(self.background)[:3]
        return red, green, blue

    def as_dict(self) -> dict[str, Any]:
        """All values by name, with the version of the method, as they are written into sidecars."""
        return {"method_version": METHOD_VERSION, **dataclasses.asdict(self)}
