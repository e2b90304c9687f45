"""The skin and fur of one drawn mouse: a head-fixed animal in side view, facing left, under infrared light.

Everything is drawn once per animal, hair by hair, in the pixels of a view of 640 x 480, and scaled.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

VIEW = (640, 480)
"""Width and height (px) in which all places of this module are given."""
NOSE, EYE, EAR, PAD, MOUTH = (122.0, 240.0), (262.0, 170.0), (440.0, 160.0), (176.0, 236.0), (150.0, 270.0)
"""Places of the parts of the face (px)."""
EAR_ROOT, CHEEK, JAW_JOINT = (432.0, 212.0), (268.0, 246.0), (258.0, 284.0)

_HEAD = (
    (114, 240), (120, 227), (140, 210), (178, 183), (228, 150), (285, 120), (350, 101), (430, 93),
    (540, 98), (680, 112), (680, 520), (440, 520), (375, 440), (318, 384), (262, 345), (214, 320),
    (180, 308), (156, 297), (146, 285), (143, 275), (130, 268), (119, 259), (113, 250),
)  # fmt: skip
_EAR = ((414, 196), (396, 170), (392, 142), (406, 118), (434, 106), (464, 112), (482, 136), (480, 166),
        (466, 190), (446, 204), (428, 206))  # fmt: skip
_CONCHA = ((420, 188), (408, 166), (410, 142), (428, 124), (448, 124), (462, 142), (462, 166), (450, 186),
           (434, 194))  # fmt: skip
_MOUTH_LINE = ((124, 266), (138, 272), (156, 277), (176, 280), (196, 278), (208, 271))
_FINE = 2  # drawn this many times larger, then averaged
_N_HAIRS = 26_000


@dataclass(frozen=True)
class Traits:
    """What makes one animal look unlike another."""

    fur_seed: int
    """Which hairs it has."""
    brightness: float
    """Brightness of the fur, relative to the average animal."""
    ear_scale: float
    """Size of the ear, relative to the average animal."""
    eye_scale: float
    """Size of the eye, relative to the average animal."""
    shift_px: tuple[float, float]
    """Where the head stands in the picture, relative to the average animal (px of 640 x 480)."""
    tilt_deg: float
    """How the head is tilted, clockwise."""
    muzzle_scale: float
    """Length of the muzzle, relative to the average animal."""


def draw_traits(rng: np.random.Generator) -> Traits:
    """Draw an animal.

    Examples
    --------
    >>> draw_traits(np.random.default_rng(1)) == draw_traits(np.random.default_rng(1))
    True
    """
    return Traits(
        fur_seed=int(rng.integers(2**31)),
        brightness=float(rng.normal(1.0, 0.08)),
        ear_scale=float(rng.normal(1.0, 0.05)),
        eye_scale=float(rng.normal(1.0, 0.05)),
        shift_px=(float(rng.normal(0, 5)), float(rng.normal(0, 4))),
        tilt_deg=float(rng.normal(0, 1.2)),
        muzzle_scale=float(rng.normal(1.0, 0.03)),
    )


def paint_animal(traits: Traits) -> np.ndarray:
    """Paint the head and body with the eye closed, in front of a black room.

    Parameters
    ----------
    traits : Traits
        Which animal.

    Returns
    -------
    numpy.ndarray
        Shape ``(480, 640)``, float32, grey levels; below 0 where the camera sees black.
    """
    rng = np.random.default_rng(traits.fur_seed)
    head, ear, concha = (
        _fine_mask(outline) for outline in (_HEAD, _scaled_ear(_EAR, traits), _scaled_ear(_CONCHA, traits))
    )
    light = _shaded(head) * _albedo() * traits.brightness
    picture = light * (1 + _fur(rng))
    _paint_ear(picture, ear, concha, rng, traits.brightness)
    _paint_muzzle(picture, rng)
    _paint_mouth(picture)
    edge = cv2.GaussianBlur(np.maximum(head, ear), (0, 0), 1.2 * _FINE)
    picture = picture * edge - 14 * (1 - edge)
    _paint_outer_hairs(picture, rng)
    small = cv2.resize(picture, VIEW, interpolation=cv2.INTER_AREA)
    return cv2.GaussianBlur(small, (0, 0), 0.7).astype(np.float32)


def eyelid_distance(traits: Traits, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """Return coordinates of a patch around the eye in half axes: 1 on the rim of the open eye.

    Returns
    -------
    tuple of numpy.ndarray
        Along and across the eye, each of shape ``(height, width)``; the patch is centred on the eye.
    """
    x, y = np.meshgrid(np.arange(width) - (width - 1) / 2, np.arange(height) - (height - 1) / 2)
    angle = np.deg2rad(-14.0)
    along = (x * np.cos(angle) + y * np.sin(angle)) / (28.5 * traits.eye_scale)
    across = (-x * np.sin(angle) + y * np.cos(angle)) / (21.5 * traits.eye_scale)
    return along.astype(np.float32), across.astype(np.float32)


def paint_globe(along: np.ndarray, across: np.ndarray) -> np.ndarray:
    """Paint the eye as it is under the lids: almost black in infrared light, with the lamp's reflection."""
    radius = np.hypot(along, across)
    globe = 14 + 26 * np.clip(radius - 0.45, 0, 1)
    lamp = np.exp(-(((along + 0.28) / 0.13) ** 2 + ((across + 0.34) / 0.17) ** 2))
    second = np.exp(-(((along - 0.3) / 0.09) ** 2 + ((across + 0.1) / 0.1) ** 2))
    return (globe + 232 * lamp + 60 * second).astype(np.float32)


def paint_rig(width: int = VIEW[0], height: int = VIEW[1]) -> tuple[np.ndarray, np.ndarray]:
    """Paint what stands still: the head plate in its holder, and the spout.

    Returns
    -------
    tuple of numpy.ndarray
        Grey levels, and how much they cover (0 to 1); each of shape ``(height, width)``, float32.
    """
    grey = np.zeros((VIEW[1], VIEW[0]), np.float32)
    cover = np.zeros_like(grey)
    rows = np.arange(VIEW[1], dtype=np.float32)[:, None]
    steel = 150 + 70 * np.cos((rows - 30) / 17) + np.linspace(-25, 35, VIEW[0], dtype=np.float32)[None]
    plate = _polygon(((318, 62), (640, 46), (640, 82), (330, 92)))
    holder = _polygon(((520, 0), (600, 0), (600, 52), (520, 56)))
    for part, brightness in ((holder, 0.55), (plate, 0.95)):
        grey = grey * (1 - part) + brightness * steel * part
        cover = np.maximum(cover, part)
    cv2.circle(grey, (500, 70), 9, 96, -1, cv2.LINE_AA)
    cv2.line(grey, (494, 66), (506, 74), 48, 2, cv2.LINE_AA)
    spout = _polygon(((-4, 352), (90, 281), (97, 289), (-4, 368)))
    across = _across_spout(rows)
    grey = grey * (1 - spout) + (205 * np.exp(-(((across + 1.5) / 3.2) ** 2)) + 50) * spout
    cover = np.maximum(cover, spout)
    size = (width, height)
    return tuple(cv2.resize(part, size, interpolation=cv2.INTER_AREA) for part in (grey, cover))


def paint_paw(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Paint a forepaw with its furry arm, as it comes up in grooming.

    Returns
    -------
    tuple of numpy.ndarray
        Grey levels, and how much they cover (0 to 1), shape ``(360, 200)``, float32; the paw's middle is at
        row 46, column 60.
    """
    grey, cover = np.zeros((720, 400), np.uint8), np.zeros((720, 400), np.uint8)
    arm = np.array(
        [(92, 96), (150, 74), (214, 190), (300, 460), (400, 720), (236, 720), (176, 460), (120, 220)]
    )
    cv2.fillPoly(cover, [arm], 255, cv2.LINE_AA)
    across = np.arange(400)[None] - (150 + 0.24 * np.arange(720)[:, None])
    grey[:] = np.clip(128 - 0.010 * (across + 25) ** 2, 30, 140).astype(np.uint8)
    x, y = rng.uniform(80, 400, 2600), rng.uniform(150, 720, 2600)
    lying = 1.25 + rng.normal(0, 0.2, 2600)
    shade = np.clip(128 - 0.010 * (x - 150 - 0.24 * y + 25) ** 2 + rng.normal(0, 26, 2600), 15, 220)
    _strokes(grey, x / _FINE, y / _FINE, lying, rng.uniform(6, 14, 2600), shade, rng.normal(0, 0.2, 2600), 2)
    for picture, level in ((cover, 255), (grey, 172)):
        cv2.ellipse(picture, (122, 100), (62, 44), 35, 0, 360, level, -1, cv2.LINE_AA)
    for number, angle in enumerate((-158, -176, 166, 146)):
        toe = (int(112 + 92 * np.cos(np.deg2rad(angle))), int(94 + 74 * np.sin(np.deg2rad(angle))))
        cv2.line(cover, (112, 96), toe, 255, 22, cv2.LINE_AA)
        cv2.line(grey, (112, 96), toe, 188 - 10 * number, 20, cv2.LINE_AA)
        cv2.line(grey, (100, 100 + 6 * number), (toe[0] + 6, toe[1] + 11), 105, 3, cv2.LINE_AA)
    soft = (cv2.GaussianBlur(grey, (0, 0), 1.6), cv2.GaussianBlur(cover, (0, 0), 2.0))
    small = [cv2.resize(part, (200, 360), interpolation=cv2.INTER_AREA) for part in soft]
    return small[0].astype(np.float32), small[1].astype(np.float32) / 255


def _across_spout(rows: np.ndarray) -> np.ndarray:
    """Distance of every pixel from the middle line of the spout."""
    x = np.arange(VIEW[0], dtype=np.float32)[None]
    return (rows - 360 + (x + 4) * 0.755) * 0.798


def _smooth(outline: tuple[tuple[float, float], ...], rounds: int = 4) -> np.ndarray:
    """Round the corners of a closed outline by cutting them (Chaikin)."""
    points = np.asarray(outline, float)
    for _ in range(rounds):
        following = np.roll(points, -1, axis=0)
        points = np.stack([0.75 * points + 0.25 * following, 0.25 * points + 0.75 * following], 1).reshape(
            -1, 2
        )
    return points


def _fine_mask(outline: tuple[tuple[float, float], ...] | np.ndarray) -> np.ndarray:
    mask = np.zeros((VIEW[1] * _FINE, VIEW[0] * _FINE), np.uint8)
    points = _smooth(tuple(map(tuple, outline))) * _FINE
    cv2.fillPoly(mask, [np.round(points * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    return mask.astype(np.float32) / 255


def _polygon(outline: tuple[tuple[float, float], ...]) -> np.ndarray:
    mask = np.zeros((VIEW[1], VIEW[0]), np.uint8)
    cv2.fillPoly(mask, [np.round(np.asarray(outline, float) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    return cv2.GaussianBlur(mask, (0, 0), 0.8).astype(np.float32) / 255


def _scaled_ear(outline: tuple[tuple[float, float], ...], traits: Traits) -> np.ndarray:
    root = np.asarray(EAR_ROOT)
    return root + 1.14 * traits.ear_scale * (np.asarray(outline, float) - (EAR_ROOT[0], EAR_ROOT[1] - 8))


def _grid() -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[0 : VIEW[1] * _FINE, 0 : VIEW[0] * _FINE].astype(np.float32)
    return x / _FINE, y / _FINE


def _shaded(mask: np.ndarray) -> np.ndarray:
    """Light on a rounded body, from above and in front."""
    inside = cv2.distanceTransform((mask > 0.5).astype(np.uint8), cv2.DIST_L2, 5) / _FINE
    height = 70 * np.sqrt(1 - np.exp(-inside / 45))
    height = cv2.GaussianBlur(height.astype(np.float32), (0, 0), 5 * _FINE)
    slope_y, slope_x = np.gradient(height * _FINE)
    facing = (0.62 + 0.42 * slope_x + 0.5 * slope_y) / np.sqrt(1 + slope_x**2 + slope_y**2)
    x, y = _grid()
    lamp = np.exp(-(((x - 210) / 330) ** 2 + ((y - 190) / 210) ** 2))
    return (np.clip(facing, 0.12, 1.2) * (0.28 + 0.95 * lamp)).astype(np.float32)


def _albedo() -> np.ndarray:
    """Grey level of the fur: paler at the muzzle, the chin, the throat, and around the eye."""
    x, y = _grid()

    def spot(at: tuple[float, float], wide: float, high: float) -> np.ndarray:
        return np.exp(-(((x - at[0]) / wide) ** 2 + ((y - at[1]) / high) ** 2))

    pale = 70 * spot((135, 246), 62, 34) + 36 * spot((200, 306), 95, 26) + 30 * spot((330, 400), 80, 90)
    ring = np.exp(-(((np.hypot((x - EYE[0]) / 1.3, y - EYE[1]) - 26) / 5) ** 2))
    dark = 18 * spot((215, 195), 60, 26) + 22 * spot((380, 130), 80, 40)
    return 1.3 * (128 + pale + 26 * ring - dark).astype(np.float32)


def _hair_angle(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Direction in which the fur lies: away from the nose, and down the neck."""
    away = np.arctan2((y - 225) * 0.75, x - 70)
    down = np.clip((x - 300) / 300, 0, 1) * np.clip((y - 140) / 180, 0, 1)
    around = 0.5 * np.exp(-(((x - EYE[0] - 30) / 60) ** 2)) * np.tanh((y - EYE[1]) / 40)
    return away + 0.75 * down - around


def _strokes(
    picture: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    angle: np.ndarray,
    length: np.ndarray,
    grey: np.ndarray,
    bend: np.ndarray,
    thickness: int,
) -> None:
    """Draw hairs: bent strokes from a root, all in the pixels of the view."""
    half = np.stack([x + 0.5 * length * np.cos(angle), y + 0.5 * length * np.sin(angle)], 1)
    tip = half + (0.5 * length)[:, None] * np.stack([np.cos(angle + bend), np.sin(angle + bend)], 1)
    paths = np.round(np.stack([np.stack([x, y], 1), half, tip], 1) * _FINE * 16).astype(np.int32)
    for path, level in zip(paths, grey.tolist(), strict=True):
        cv2.polylines(picture, [path], False, level, thickness, cv2.LINE_AA, 4)


def _fur(rng: np.random.Generator) -> np.ndarray:
    """Relative brightness of the fur, hair by hair, around 0."""
    layer = np.full((VIEW[1] * _FINE, VIEW[0] * _FINE), 128, np.uint8)
    x, y = rng.uniform(100, 650, _N_HAIRS), rng.uniform(85, 485, _N_HAIRS)
    near = np.exp(-np.hypot(x - NOSE[0], y - NOSE[1]) / 90)
    angle = _hair_angle(x, y) + rng.normal(0, 0.16, _N_HAIRS)
    length = rng.uniform(9, 22, _N_HAIRS) * (1 - 0.65 * near)
    grey = np.clip(rng.normal(128, 40, _N_HAIRS), 10, 245)
    _strokes(layer, x, y, angle, length, grey, rng.normal(0.1, 0.2, _N_HAIRS), 2)
    clumps = cv2.GaussianBlur(rng.normal(size=(120, 160)).astype(np.float32), (0, 0), 2.0)
    clumps = cv2.resize(clumps, (layer.shape[1], layer.shape[0]), interpolation=cv2.INTER_CUBIC)
    return ((layer.astype(np.float32) - 128) / 128 * 0.62 + 0.35 * clumps).astype(np.float32)


def _paint_ear(
    picture: np.ndarray, ear: np.ndarray, concha: np.ndarray, rng: np.random.Generator, brightness: float
) -> None:
    """Paint the ear: bright thin rim, shadow inside, fine hairs along it."""
    soft = cv2.GaussianBlur(ear, (0, 0), 1.0 * _FINE)
    inner = cv2.GaussianBlur(concha, (0, 0), 5.0 * _FINE)
    x, y = _grid()
    skin = 118 + 0.5 * (EAR[0] - x) - 0.35 * (y - EAR[1])
    veins = cv2.resize(
        cv2.GaussianBlur(rng.normal(size=(160, 214)).astype(np.float32), (0, 0), 1.4),
        (picture.shape[1], picture.shape[0]), interpolation=cv2.INTER_CUBIC,
    )  # fmt: skip
    rim = np.clip(ear - cv2.erode(ear, np.ones((9 * _FINE, 9 * _FINE), np.uint8)), 0, 1)
    level = brightness * (skin + 45 * cv2.GaussianBlur(rim, (0, 0), 1.5 * _FINE) - 78 * inner + 26 * veins)
    shadow = cv2.GaussianBlur(np.roll(ear, (5 * _FINE, 7 * _FINE), (0, 1)), (0, 0), 6 * _FINE)
    picture *= 1 - 0.45 * shadow * (1 - soft)
    picture += soft * (level - picture)


def _paint_muzzle(picture: np.ndarray, rng: np.random.Generator) -> None:
    """Paint the nose pad, the nostril, and the rows of follicles of the whisker pad."""
    x, y = _grid()
    pad = np.exp(-((((x - 121) / 11) ** 2 + ((y - 243) / 12) ** 2) ** 2))
    picture += pad * (168 - picture) * 0.8
    nostril = np.exp(
        -((((x - 121) * 0.9 + (y - 246) * 0.5) / 5.5) ** 2 + ((y - 246 - 0.4 * (x - 121)) / 2.6) ** 2)
    )
    picture *= 1 - 0.82 * nostril
    crease = np.exp(-(((x - 134 - 0.12 * (y - 240) ** 2 / 10) / 2.2) ** 2)) * np.exp(-(((y - 244) / 14) ** 2))
    picture *= 1 - 0.35 * crease
    for row, column in np.ndindex(5, 6):
        at = (152 + 10.5 * column + 2 * row, 220 + 9.5 * row + 0.9 * column - 0.25 * column**2)
        at = (at[0] + float(rng.normal(0, 0.8)), at[1] + float(rng.normal(0, 0.8)))
        picture *= 1 - 0.4 * np.exp(-(((x - at[0]) / 1.9) ** 2 + ((y - at[1]) / 1.6) ** 2))


def _paint_mouth(picture: np.ndarray) -> None:
    """Paint the dark line between the lips, and the paler lip below."""
    line = np.zeros(picture.shape, np.uint8)
    points = np.round(np.asarray(_MOUTH_LINE, float) * _FINE * 16).astype(np.int32)
    cv2.polylines(line, [points], False, 255, 3 * _FINE, cv2.LINE_AA, 4)
    dark = cv2.GaussianBlur(line, (0, 0), 1.1 * _FINE).astype(np.float32) / 255
    lip = np.roll(dark, (4 * _FINE, 0), (0, 1))
    picture += 34 * lip
    picture *= 1 - 0.88 * dark


def _paint_outer_hairs(picture: np.ndarray, rng: np.random.Generator) -> None:
    """Hairs that stand out from the outline, lit from above."""
    outline = _smooth(_HEAD)
    outline = outline[(outline[:, 0] < 600) & (outline[:, 1] < 470)]
    chosen = outline[rng.integers(len(outline), size=900)]
    layer = np.zeros(picture.shape, np.uint8)
    away = np.arctan2(chosen[:, 1] - 235, chosen[:, 0] - 330)
    along = _hair_angle(chosen[:, 0], chosen[:, 1])
    angle = along + 0.35 * np.sin(away - along) + rng.normal(0, 0.15, len(chosen))
    length = rng.uniform(4, 13, len(chosen)) * np.clip((chosen[:, 0] - 100) / 80, 0.25, 1)
    grey = np.clip(rng.normal(105, 28, len(chosen)), 30, 190)
    _strokes(layer, chosen[:, 0], chosen[:, 1], angle, length, grey, rng.normal(0, 0.2, len(chosen)), 1)
    np.maximum(picture, layer.astype(np.float32) - 14 * (layer == 0), out=picture)
