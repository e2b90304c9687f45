"""The numbers of a set of morph videos, each with its source."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from PIL import ImageColor

METHOD_VERSION = 2
"""Counts up when the same photographs and parameters give other frames; a set is made with one."""


ELLIPSE_AXES, ELLIPSE_DROP = (1.9, 2.75), 0.4
"""Width and height of the elliptic mask, and how far its centre lies below the eyes, in eye distances. Our
choice: it holds brows, chin and cheeks of nearly all faces and little of hair and background."""

WORDS: dict[str, tuple[str, ...]] = {
    "course": ("linear", "smooth"),
    "mask": ("face", "ellipse", "none"),
    "mouth": ("occlude", "blend"),
    "blending": ("linear", "srgb"),
    "detail": ("keep", "match"),
    "colour": ("colour", "grey"),
    "matching": ("none", "luminance", "contrast"),
}
"""Allowed values of the parameters that are words."""


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
    course: Literal["linear", "smooth"] = "linear"
    """How the level goes with time. ``linear``: by the same amount in every frame, as morphing programs do
    (Korb et al. 2023 made their videos with one). ``smooth``: slowly at both ends, 3 x^2 - 2 x^3."""
    hold_s: float = 0.0
    """How long the video rests at its first and at its last level, each; part of the duration. Korb et al.
    (2023) do not say that theirs rested."""
    mask: Literal["face", "ellipse", "none"] = "face"
    """What is shown on a uniform background: the ``face`` in its outline, or an ``ellipse`` that is the same
    for all faces, so that outlines tell nothing; ``none`` shows the whole frame. Our choice: hair, clothes
    and background differ between photographs and would dissolve into each other, which draws the eye."""
    mask_margin: float = -0.03
    """How far the mask reaches beyond the outline of the face, or beyond the ellipse, relative to its size.
    Our choice: a little inside, because the outline lies on hair, ears and background where the head is
    turned."""
    mask_edge_px: float = 10.0
    """Width of the mask's soft edge. Our choice."""
    background: str = "#808080"
    """Colour around a masked face and behind transparent photographs. Our choice."""
    mouth: Literal["occlude", "blend"] = "occlude"
    """When one mouth is open and the other closed: whether its opening shows the open mouth alone, covered
    by the closing lips, or fades between both. Our choice: fading lets teeth shine through the lips."""
    mouth_ramp: float = 0.8
    """Part of the way, at its closed end, over which the inside of a closing mouth falls into the shadow of
    the lips; 0 = it stays bright until the lips meet. Our choice: nearest to rendered mouths that close."""
    flow_passes: int = 3
    """How often optical flow looks at fine structure to correct the displacement of the landmarks; 0 = no
    correction. Our choice: after three, rendered faces come no closer to their true displacement."""
    blending: Literal["linear", "srgb"] = "linear"
    """Whether light is mixed, or stored values. Our choice: mixing light keeps the brightness on a straight
    line; common morphing programs mix stored values."""
    detail: Literal["keep", "match"] = "keep"
    """What mixing two photographs takes from fine detail. ``keep``: nothing is done. ``match``: local
    contrast is raised, up to 1.6 times, to what lies between the two photographs. Our choice: raising
    also raises noise, and rendered faces come no closer to their true in-betweens."""
    colour: Literal["colour", "grey"] = "colour"
    """Whether photographs keep their colours, or only their luminance (IEC 61966-2-1). Our choice."""
    matching: Literal["none", "luminance", "contrast"] = "none"
    """Whether identities are made alike: in the mean lightness of the face (CIE L*), or also in its standard
    deviation. One transform per identity, so expressions keep their differences. Our choice, none: it makes
    dark skin lighter and light skin darker, so that faces no longer look like the people they show."""

    def __post_init__(self) -> None:
        for name in ("duration_s", "fps", "width_px", "height_px", "mask_edge_px"):
            if not 0 < getattr(self, name) < 1e5:
                raise ValueError(f"{name} is {getattr(self, name)}; expected a positive number below 100 000")
        self._check_ranges()
        self._check_words()
        self._check_frames()

    def _check_ranges(self) -> None:
        for name, low, high in (
            ("eye_distance", 0.05, 0.6),
            ("eye_height", 0.1, 0.9),
            ("mask_margin", -0.3, 0.5),
            ("mouth_ramp", 0.0, 1.0),
            ("hold_s", 0.0, self.duration_s),
        ):
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} is {getattr(self, name)}; expected a number from {low} to {high}")
        if not 0 <= self.flow_passes <= 20:
            raise ValueError(f"flow_passes is {self.flow_passes}; expected 0 to 20")

    def _check_frames(self) -> None:
        if self.width_px % 2 or self.height_px % 2 or min(self.width_px, self.height_px) < 64:
            raise ValueError(
                f"a frame of {self.width_px} x {self.height_px} px: both must be even and at least 64"
            )
        if self.n_frames < 2:
            raise ValueError(f"{self.duration_s} s at {self.fps} frames per second has no two frames")
        if self.n_frames - 2 * self.n_held < 2:
            raise ValueError(
                f"{self.hold_s} s of rest at either end leave no time to move within {self.duration_s} s; "
                "make hold_s shorter"
            )

    def _check_words(self) -> None:
        for name, allowed in WORDS.items():
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} is {getattr(self, name)!r}; expected {' or '.join(allowed)}")
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
    def n_held(self) -> int:
        """Number of frames more than one that show the first level, and as many the last.

        Examples
        --------
        >>> MorphParameters(hold_s=0.5).n_held
        12
        """
        return round(self.hold_s * self.fps)

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
    def ellipse_px(self) -> np.ndarray:
        """Corners of the elliptic mask, shape ``(72, 2)``: its centre and size follow from the eyes."""
        distance_px = self.eye_distance * self.width_px
        centre = self.eyes_px.mean(axis=0) + np.array([0, ELLIPSE_DROP * distance_px])
        angle = np.linspace(0, 2 * np.pi, 72, endpoint=False)
        across, down = ELLIPSE_AXES[0] * distance_px, ELLIPSE_AXES[1] * distance_px
        return centre + np.stack([np.sin(angle) * across / 2, -np.cos(angle) * down / 2], axis=1)

    @property
    def background_rgb(self) -> tuple[int, int, int]:
        """Red, green and blue of the background, 0 to 255."""
        red, green, blue = ImageColor.getrgb(self.background)[:3]
        return red, green, blue

    def as_dict(self) -> dict[str, Any]:
        """All values by name, with the version of the method, as they are written into sidecars."""
        return {"method_version": METHOD_VERSION, **dataclasses.asdict(self)}
