"""Skin: colour and furrows per vertex of the fine mesh, fine detail and gloss per picture sample."""

from collections.abc import Mapping

import numpy as np

from stimuli.rendered.drawn_mesh import DrawnMesh
from stimuli.rendered.identities import Look
from stimuli.rendered.profiles import along, bell, normalized, smoothstep, to_linear
from stimuli.rendered.textures import sample

FRESNEL_SKIN = 0.028
"""Reflectance of skin at normal incidence (index of refraction 1.4)."""


def mean_of_sides(expression: Mapping[str, float], unit: str) -> float:
    """Return the mean amount of a face unit's left and right side."""
    return 0.5 * (expression.get(f"{unit}Left", 0) + expression.get(f"{unit}Right", 0))


def furrow_depth(rest: np.ndarray, expression: Mapping[str, float]) -> np.ndarray:
    """Return how deep (dm) the skin folds at each vertex (n,) under an expression.

    Frowning makes two vertical folds between the brows and one across the nose's root, smiling and nose
    wrinkling the folds from the nose's wings to the mouth's corners, squinting the crow's feet.
    """
    side, y = np.abs(rest[:, 0]), rest[:, 1]
    frown = mean_of_sides(expression, "browDown")
    smile = mean_of_sides(expression, "mouthSmile")
    sneer = mean_of_sides(expression, "noseSneer")
    squint = mean_of_sides(expression, "cheekSquint")
    between_brows = bell(side, 0.055, 0.016) * bell(y, 7.47, 0.075)
    across_root = bell(y, 7.31 + 0.25 * side, 0.016) * smoothstep(0.13, 0.07, side)
    down = np.clip((7.0 - y) / 0.34, 0, 1)
    to_mouth = (
        bell(side, 0.195 + 0.17 * down**0.8, 0.024) * smoothstep(0, 0.2, down) * smoothstep(1, 0.7, down)
    )
    crow = sum(bell(y - (side - 0.52) * 0.3 * k, 7.285 + 0.035 * k, 0.010) for k in (-1, 0, 1))
    crow = crow * bell(side, 0.575, 0.045)
    depth = (
        0.016 * frown * between_brows
        + 0.007 * frown * across_root
        + (0.010 * smile + 0.009 * sneer) * to_mouth
        + 0.006 * squint * crow
    )
    return depth * (rest[:, 2] > 0.5)


def skin_colour(mesh: DrawnMesh, look: Look, expression: Mapping[str, float]) -> np.ndarray:
    """Return the reflectance (n, 3), linear RGB, of the skin and lips without fine detail."""
    rest, masks = mesh.rest, mesh.masks
    side, y, front = np.abs(rest[:, 0]), rest[:, 1], rest[:, 2] > 0.3

    def patch(x0: float, y0: float, width: float, height: float) -> np.ndarray:
        return bell(side, x0, width) * bell(y, y0, height) * front

    red = (
        0.55 * patch(0.45, 6.95, 0.26, 0.24)
        + 0.45 * patch(0, 6.98, 0.15, 0.14)
        + 0.2 * patch(0, 6.25, 0.25, 0.16)
        + 0.3 * masks["ears"]
    ) * look.flush
    dark = 0.45 * patch(0.3, 7.14, 0.17, 0.07) + 0.4 * masks["eyelids"] + 0.25 * patch(0.12, 7.3, 0.06, 0.14)
    colour = to_linear(look.skin)[None] * (1 + red[:, None] * np.array([0.10, -0.16, -0.14]))
    colour *= 1 - dark[:, None] * np.array([0.14, 0.22, 0.20])
    colour *= 1 - np.clip(furrow_depth(rest, expression) * 22, 0, 0.5)[:, None] * np.array([0.8, 1, 1])
    lips = 0.8 * masks["lips"][:, None]
    colour = colour * (1 - lips) + to_linear(look.lips) * lips
    colour *= 1 - 0.8 * masks["inside_mouth"][:, None] * np.array([0.55, 0.8, 0.8])
    return colour.astype(np.float32)


def beard_region(mesh: DrawnMesh) -> np.ndarray:
    """Return where (n,), 0..1, a man's beard grows."""
    x, y, z = np.abs(mesh.rest[:, 0]), mesh.rest[:, 1], mesh.rest[:, 2]
    jaw = smoothstep(6.80, 6.62, y + 0.05 * np.sin(9 * x)) * smoothstep(5.85, 6.15, y)
    whiskers = smoothstep(0.55, 0.68, x) * smoothstep(7.0, 6.7, y)
    lip = smoothstep(0.30, 0.22, x) * smoothstep(6.72, 6.78, y) * smoothstep(6.93, 6.88, y)
    region = np.maximum(np.clip(jaw + whiskers, 0, 1), lip) * (z > -0.1)
    region[mesh.n_skin :] = 0
    return (region * (1 - mesh.masks["lips"]) * (1 - mesh.masks["inside_mouth"])).astype(np.float32)


def gloss_map(mesh: DrawnMesh) -> np.ndarray:
    """Return how oily (n,) the skin is: nose and forehead more, lips the most."""
    side, y = np.abs(mesh.rest[:, 0]), mesh.rest[:, 1]
    gloss = (
        0.55
        + 0.4 * bell(side, 0, 0.13) * bell(y, 7.05, 0.45)
        + 0.3 * bell(side, 0, 0.45) * bell(y, 7.75, 0.2)
    )
    return (gloss + 0.7 * mesh.masks["lips"]).astype(np.float32)


def detail_colour(colour: np.ndarray, texture_dm: np.ndarray, beard: np.ndarray, look: Look) -> np.ndarray:
    """Return `colour` (n, 3) with blotches, freckles and stubble at texture positions (n, 2)."""
    offset = look.texture_offset_dm
    uneven = 0.6 * sample("blotches", texture_dm, offset) + 0.5 * sample("mottle", texture_dm, offset)
    colour = colour * (1 + uneven[:, None] * np.array([0.022, 0.034, 0.038], np.float32))
    if look.freckles:
        side = np.abs(texture_dm[:, 0])
        where = bell(side, 0.25, 0.32) * bell(texture_dm[:, 1], 7.0, 0.22)
        amount = look.freckles * where * sample("freckles", texture_dm, offset)
        colour *= 1 - amount[:, None] * np.array([0.22, 0.40, 0.48], np.float32)
    if look.stubble:
        dots = 0.45 + 0.8 * sample("stubble", texture_dm, offset)
        colour *= 1 - np.clip(look.stubble * beard * dots, 0, 0.85)[:, None] * np.array(
            [0.55, 0.50, 0.45], np.float32
        )
    return colour


def roughen(normals: np.ndarray, texture_dm: np.ndarray, amount: np.ndarray) -> np.ndarray:
    """Tilt normals (n, 3) by the pore relief, `amount` (n,) strong."""
    right = normalized(np.stack([normals[:, 2], np.zeros(len(normals), np.float32), -normals[:, 0]], 1))
    up = np.cross(normals, right)
    slope_x = amount * sample("pore_slope_x", texture_dm)
    slope_y = amount * sample("pore_slope_y", texture_dm)
    return normalized(normals - slope_x[:, None] * right - slope_y[:, None] * up)


def gloss(normals: np.ndarray, view: np.ndarray, directions: np.ndarray, powers: np.ndarray) -> np.ndarray:
    """Return the light (n,) mirrored towards the camera: a broad and a narrow lobe, with Fresnel's law."""
    total = np.zeros(len(normals), np.float32)
    for direction, power in zip(directions.astype(np.float32), powers, strict=True):
        half = normalized(direction + view)
        facing = np.clip(along(normals, half), 0, 1)
        grazing = np.clip(1 - along(view, half), 0, 1)
        fresnel = FRESNEL_SKIN + (1 - FRESNEL_SKIN) * (grazing * grazing) ** 2 * grazing
        squared = facing * facing
        fourth = squared * squared
        sixteenth = fourth**4
        lobes = 5 * sixteenth * squared + 3.5 * sixteenth**3 * fourth**3
        total += power * fresnel * lobes * np.clip(along(normals, direction), 0, 1)
    return total
