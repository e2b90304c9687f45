"""A drawn mouse's face: pictures of a head-fixed mouse in side view, as an infrared camera sees it.

The head is painted once (`hardware.simulated.mouse_texture`) and then moved: every action of the face shifts
its part of the skin. What is drawn anew in each picture are the eyelids, the whiskers, the tongue, a grooming
paw and the noise of the camera. Pictures come many times faster than a camera would deliver them.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from hardware.simulated.mouse_expressions import ACTIONS
from hardware.simulated.mouse_texture import (
    CHEEK,
    EAR,
    EAR_ROOT,
    EYE,
    NOSE,
    PAD,
    VIEW,
    Traits,
    eyelid_distance,
    paint_animal,
    paint_globe,
    paint_paw,
    paint_rig,
)

N_SKIN = 8
"""Actions that move the skin: the first ones of `ACTIONS`."""
BLACK = 14
"""Level of a picture that the camera sees as black; what is darker is 0 in its frames, noise or not."""
_EYE_PATCH = (96, 76)
_MARGIN = 192
_WHISKERS = (
    (158, 226, 112, -2.62), (166, 234, 118, -2.86), (160, 243, 124, 3.08), (168, 250, 116, 2.86),
    (160, 256, 100, 2.62), (182, 228, 136, -2.42), (186, 240, 142, -2.74), (184, 252, 138, 2.70),
    (176, 260, 120, 2.36), (196, 246, 120, -2.2),
)  # fmt: skip
_LIP = np.array(
    [(131.0, 270.0), (144.0, 274.0), (158.0, 277.0), (176.0, 279.0), (190.0, 278.0), (206.0, 272.0)]
)


@dataclass(frozen=True)
class Pose:
    """The face at one moment."""

    actions: np.ndarray
    """Strength of each of `ACTIONS`, shape ``(n_actions,)``; 0 is the face at rest."""
    blink: float = 0.0
    """0 is no blink, 1 is an eye that is shut."""
    whisk_rad: float = 0.0
    """How far the whiskers are swept forward (rad)."""
    shift_px: tuple[float, float] = (0.0, 0.0)
    """How far the head has slipped, to the right and down (px of a view of 640 x 480)."""
    tongue: float = 0.0
    """0 is in the mouth, 1 is at the spout."""
    paw: tuple[float, float] | None = None
    """Where a grooming paw covers the face (px of a view of 640 x 480); None if it is down."""


class MouseFace:
    """One animal before the camera.

    Parameters
    ----------
    traits : Traits
        Which animal.
    width, height : int
        Size of the picture (px); 4 : 3 shows what 640 x 480 shows.

    Examples
    --------
    >>> from hardware.simulated.mouse_texture import draw_traits
    >>> face = MouseFace(draw_traits(np.random.default_rng(1)), width=320, height=240)
    >>> picture = face.draw(Pose(np.zeros(len(ACTIONS))))
    >>> picture.shape, picture.dtype.name
    ((240, 320), 'uint8')
    """

    def __init__(self, traits: Traits, *, width: int = VIEW[0], height: int = VIEW[1]) -> None:
        if width < 64 or height < 48:
            raise ValueError(f"a face needs at least 64 x 48 px, found {width} x {height}")
        self.traits, self.width, self.height = traits, width, height
        self._scale = np.array([width / VIEW[0], height / VIEW[1]])
        painted = np.clip(paint_animal(traits) + BLACK, 0, 255)
        resized = cv2.resize(painted, (width, height), interpolation=cv2.INTER_AREA)
        self._skin = np.ascontiguousarray(np.round(resized).astype(np.uint8))
        self._prepare_eye()
        self._prepare_maps()
        self._prepare_rig()
        self._paw = paint_paw(np.random.default_rng([traits.fur_seed, 1]))

    def draw(self, pose: Pose) -> np.ndarray:
        """Draw the light that the camera gets.

        Parameters
        ----------
        pose : Pose
            The face at this moment.

        Returns
        -------
        numpy.ndarray
            Shape ``(height, width)``, uint8, with `BLACK` where the camera sees black; `Camera.expose` makes
            a frame of it.
        """
        self._draw_eye(pose)
        right, down = (np.asarray(pose.shift_px) * self._scale).astype(np.float32)
        x, y = self._x - right, self._y - down
        for strength, (rows, columns, to_x, to_y) in zip(pose.actions[:N_SKIN], self._fields, strict=True):
            if strength:
                x[rows, columns] += np.float32(strength) * to_x
                y[rows, columns] += np.float32(strength) * to_y
        picture = cv2.remap(self._skin, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        self._draw_mouth(picture, pose)
        if pose.tongue > 0.02:
            self._draw_tongue(picture, pose)
        self._draw_whiskers(picture, pose)
        if pose.paw is not None:
            self._draw_paw(picture, pose.paw)
        self._draw_rig(picture)
        return picture

    def _prepare_eye(self) -> None:
        width, height = (int(size * scale) for size, scale in zip(_EYE_PATCH, self._scale, strict=True))
        left, top = (int(at * s - n / 2) for at, s, n in zip(EYE, self._scale, (width, height), strict=True))
        self._eye_box = (slice(top, top + height), slice(left, left + width))
        along, across = eyelid_distance(self.traits, *_EYE_PATCH)
        resize = [
            cv2.resize(part, (width, height)) for part in (along, across, paint_globe(along, across) + BLACK)
        ]
        self._along, self._across, self._globe = resize[0], resize[1], resize[2]
        self._lids = self._skin[self._eye_box].astype(np.float32)

    def _prepare_maps(self) -> None:
        """Where in the painting each pixel of the picture looks, and how the actions change that."""
        columns, rows = np.meshgrid(np.arange(self.width), np.arange(self.height))
        x, y = columns / self._scale[0], rows / self._scale[1]
        angle, middle = np.deg2rad(self.traits.tilt_deg), (320.0, 240.0)
        ahead, aside = x - self.traits.shift_px[0] - middle[0], y - self.traits.shift_px[1] - middle[1]
        x, y = (
            middle[0] + ahead * np.cos(angle) + aside * np.sin(angle),
            middle[1] - ahead * np.sin(angle) + aside * np.cos(angle),
        )
        before_eye = np.minimum(x - EYE[0], 0.0)
        x = x + before_eye * (1 / self.traits.muzzle_scale - 1)
        self._x = (x * self._scale[0]).astype(np.float32)
        self._y = (y * self._scale[1]).astype(np.float32)
        self._fields = []
        for across, down in skin_movements(x, y):
            box = _box(np.maximum(np.abs(across), np.abs(down)), least=0.05)
            shifts = [
                (-part * scale).astype(np.float32)[box]
                for part, scale in zip((across, down), self._scale, strict=True)
            ]
            self._fields.append((*box, *shifts))

    def _place(self, points: np.ndarray, shift_px: tuple[float, float]) -> np.ndarray:
        """Where places of the painting are in the picture, shape ``(n, 2)``."""
        points = np.array(points, float)
        points[:, 0] += np.minimum(points[:, 0] - EYE[0], 0) * (self.traits.muzzle_scale - 1)
        angle = np.deg2rad(self.traits.tilt_deg)
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        middle = np.array([320.0, 240.0])
        return ((points - middle) @ turn + middle + self.traits.shift_px + shift_px) * self._scale

    def _draw_eye(self, pose: Pose) -> None:
        squint = float(np.clip(0.5 * pose.actions[ACTIONS.index("squint")], -0.25, 0.5))
        opening = max((1 - squint) * (1 - pose.blink), 0.04)
        inside = 1 - np.hypot(self._along, self._across / opening)
        cover = np.clip(inside * 9 * min(1.0, 2.5 * opening) + 0.5, 0, 1)
        rim = np.clip(1 - np.abs(inside + 0.06) * 9, 0, 1) * (1 - cover)
        patch = self._lids * (1 - 0.35 * rim) * (1 - cover) + self._globe * cover
        self._skin[self._eye_box] = cv2.convertScaleAbs(patch)

    def _draw_whiskers(self, picture: np.ndarray, pose: Pose) -> None:
        sweep = pose.whisk_rad + 0.30 * pose.actions[ACTIONS.index("whiskers_forward")]
        x, y, length, angle = np.asarray(_WHISKERS).T[:, :, None]
        steps = np.linspace(0, 1, 6)
        bent = angle + sweep * (0.9 + 0.002 * length) - 0.38 * steps * np.sign(np.sin(angle) + 0.35)
        root_x = x - 2.0 * pose.actions[ACTIONS.index("pad_bulge")]
        paths = np.stack([root_x + length * steps * np.cos(bent), y + length * steps * np.sin(bent)], 2)
        placed = self._place(paths.reshape(-1, 2), pose.shift_px).reshape(paths.shape)
        cv2.polylines(picture, list(np.round(placed * 16).astype(np.int32)), False, 172, 1, cv2.LINE_AA, 4)

    def _draw_mouth(self, picture: np.ndarray, pose: Pose) -> None:
        """The dark inside of an open mouth, between the lips."""
        open_px = 13.0 * float(pose.actions[ACTIONS.index("jaw_open")])
        if open_px > 1.0:
            low = _LIP + np.outer([0.55, 0.85, 0.95, 0.85, 0.7, 0.35], [0.35 * open_px, open_px])
            up_px = 10.0 * pose.actions[ACTIONS.index("nose_up")] * np.array([0.7, 0.5, 0.3, 0.1, 0, 0])
            outline = np.concatenate([_LIP - np.stack([0 * up_px, up_px], 1), low[::-1]])
            points = np.round(self._place(outline, pose.shift_px) * 16).astype(np.int32)
            cv2.fillPoly(picture, [points], 34, cv2.LINE_AA, 4)

    def _draw_tongue(self, picture: np.ndarray, pose: Pose) -> None:
        ends = np.array([[152.0, 277.0], [152.0 - 46 * pose.tongue, 277.0 + 12 * pose.tongue]])
        ends = self._place(ends, pose.shift_px)
        start, tip = np.round(ends * 16).astype(int).tolist()
        thickness = max(1, round(9 * float(self._scale[0])))
        cv2.line(picture, start, tip, 150, thickness, cv2.LINE_AA, 4)

    def _draw_paw(self, picture: np.ndarray, at: tuple[float, float]) -> None:
        wide, high = self._scale
        moved = np.array([[wide, 0, (at[0] - 60) * wide], [0, high, (at[1] - 46) * high]])
        size = (self.width, self.height)
        grey, cover = (cv2.warpAffine(part, moved, size) for part in self._paw)
        box = _box(cover)
        share = cover[box]
        picture[box] = np.round(picture[box] * (1 - share) + (grey[box] + BLACK) * share).astype(np.uint8)

    def _prepare_rig(self) -> None:
        """The head plate and the spout, which stand still, in one small box each."""
        grey, cover = paint_rig(self.width, self.height)
        wide, high = self._scale
        boxes = (
            (slice(0, int(96 * high)), slice(int(312 * wide), self.width)),
            (slice(int(274 * high), int(376 * high)), slice(0, int(104 * wide))),
        )
        self._rig = [
            (
                *box,
                np.round(255 * (1 - cover[box])).astype(np.uint8),
                np.round(np.minimum(grey[box] + BLACK, 255) * cover[box]).astype(np.uint8),
            )
            for box in boxes
        ]

    def _draw_rig(self, picture: np.ndarray) -> None:
        for rows, columns, seen_through, grey in self._rig:
            part = cv2.multiply(picture[rows, columns], seen_through, scale=1 / 255)
            picture[rows, columns] = cv2.add(part, grey)


def skin_movements(x: np.ndarray, y: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return how each action moves the skin.

    Parameters
    ----------
    x, y : numpy.ndarray
        Places in the painting (px of 640 x 480), any shape.

    Returns
    -------
    list of tuple of numpy.ndarray
        Per action, movement to the right and down (px) at strength 1.
    """

    def near(at: tuple[float, float], wide: float, high: float, power: int = 1) -> np.ndarray:
        return np.asarray(np.exp(-((((x - at[0]) / wide) ** 2 + ((y - at[1]) / high) ** 2) ** power)))

    def outwards(at: tuple[float, float], share: float, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return share * (x - at[0]) * weight, share * (y - at[1]) * weight

    ear = near(EAR, 66, 66, 2)
    nose = near(NOSE, 42, 40)
    lip = np.interp(x, (124, 156, 208, 240), (266, 278, 276, 276))
    below = 1 / (1 + np.exp(-np.clip((y - lip) / 1.5, -40, 40)))
    jaw = below * near((158, 292), 62, 44) * np.clip((258 - x) / 80, 0, 1)
    none = np.zeros_like(ear)
    return [
        (-0.32 * (y - EAR_ROOT[1]) * ear, 0.32 * (x - EAR_ROOT[0]) * ear),
        (-0.27 * (x - EAR[0]) * ear, 0.14 * (EAR_ROOT[1] - y) * ear),
        (none, -0.22 * (y - EYE[1]) * near(EYE, 50, 46)),
        (3.0 * nose, -10.0 * nose),
        outwards(NOSE, 0.30, near(NOSE, 40, 34)),
        outwards(PAD, 0.30, near(PAD, 50, 40)),
        (6.0 * jaw, 16.0 * jaw),
        outwards(CHEEK, 0.26, near(CHEEK, 72, 56)),
    ]


class Camera:
    """The noise of a camera: read-out and photons, new in every picture.

    Parameters
    ----------
    width, height : int
        Size of the picture (px).
    noise_sd : float
        Standard deviation (grey levels) where the picture is as bright as fur.
    rng : numpy.random.Generator
        Source of randomness.
    """

    def __init__(self, *, width: int, height: int, noise_sd: float, rng: np.random.Generator) -> None:
        if not noise_sd >= 0:
            raise ValueError(f"noise has a standard deviation of 0 or more, found {noise_sd}")
        self._rng, self._size = rng, (height, width)
        field = rng.normal(0, noise_sd, (height + _MARGIN, width + _MARGIN))
        self._noise = np.clip(np.round(field), -127, 127).astype(np.int8)

    def expose(self, picture: np.ndarray, *, gain: float = 1.0) -> np.ndarray:
        """Return the frame that the camera makes of a picture.

        Parameters
        ----------
        picture : numpy.ndarray
            Shape ``(height, width)``, uint8, from `MouseFace.draw`.
        gain : float
            Brightness of the lamp.

        Returns
        -------
        numpy.ndarray
            Same shape, uint8: with noise, a random part of one large field, mirrored or not.
        """
        top, left, mirrored = self._rng.integers((_MARGIN, _MARGIN, 2)).tolist()
        noise = self._noise[top : top + self._size[0], left : left + self._size[1]]
        if mirrored:
            noise = np.asarray(cv2.flip(noise, 1))
        levels = np.clip(np.round((np.arange(256) - BLACK) * gain), 0, 255).astype(np.uint8)
        return np.asarray(cv2.LUT(cv2.add(picture, noise, dtype=cv2.CV_8U), levels))


def _box(weight: np.ndarray, *, least: float = 0.01) -> tuple[slice, slice]:
    """Smallest box that holds what is larger than `least`."""
    rows, columns = (np.flatnonzero((weight > least).any(axis)) for axis in (1, 0))
    if not len(rows):
        return slice(0, 0), slice(0, 0)
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
