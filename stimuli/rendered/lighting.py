"""Studio light on the head: a soft key light, a fill light and a dome, with cast shadows."""

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from stimuli.rendered.profiles import normalized, smoothstep
from stimuli.rendered.rasterize import rasterize

SHADOW_PX = 224
"""Side of the shadow maps."""
SHADOW_HALF_DM = 2.1
"""Half the extent that a shadow map covers."""


class Lights(NamedTuple):
    """Directions (k, 3) towards the lights, their RGB power (k, 3) and which belong to the key light (k,)."""

    directions: np.ndarray
    power: np.ndarray
    is_key: np.ndarray
    key: np.ndarray
    fill: np.ndarray


def studio_lights(
    key: tuple[float, float, float], *, n_directions: int = 48, key_power: float = 4.6
) -> Lights:
    """Return the lights of a portrait studio whose key light stands in the direction `key`.

    The directions are a Fibonacci sphere without the part behind the head; the fill light mirrors the key.
    The total power is 1.
    """
    index = np.arange(n_directions) + 0.5
    polar, azimuth = np.arccos(1 - 2 * index / n_directions), np.pi * (1 + 5**0.5) * index
    directions = np.stack(
        [np.cos(azimuth) * np.sin(polar), np.cos(polar), np.sin(azimuth) * np.sin(polar)], 1
    )
    directions = directions[directions[:, 2] > -0.3]
    key_direction = normalized(np.array(key, float))
    fill_direction = normalized(np.array([-1.4 * key[0], 0.15, 0.75]))
    dome = 0.30 + 0.26 * np.clip(directions[:, 1], -0.4, 1)
    towards_key = np.exp(-(1 - directions @ key_direction) / 0.09)
    towards_fill = np.exp(-(1 - directions @ fill_direction) / 0.20)
    power = (
        dome[:, None] * [0.97, 1.0, 1.05]
        + key_power * towards_key[:, None] * [1.03, 1.0, 0.96]
        + 1.2 * towards_fill[:, None]
    )
    power /= power.mean(1).sum()
    return Lights(directions, power, directions @ key_direction > 0.82, key_direction, fill_direction)


def irradiance(
    points: np.ndarray,
    normals: np.ndarray,
    occluder: np.ndarray,
    occluder_triangles: np.ndarray,
    lights: Lights,
    *,
    centre: np.ndarray,
) -> np.ndarray:
    """Return the light that reaches each point: RGB and the key light's part of it, (n, 4).

    `points` and `normals` are (n, 3), `occluder` (m, 3) with its triangles casts the shadows. A point is in
    shadow when the occluder lies more than 0.2 mm nearer to the light.
    """
    result = np.full((len(points), 4), 0.010, np.float32)
    result[:, 3] = 0
    lifted = points + 0.02 * normals
    for direction, power, is_key in zip(lights.directions, lights.power, lights.is_key, strict=True):
        facing = np.clip(normals @ direction, 0, 1)
        lit = facing * _visible(lifted, occluder, occluder_triangles, direction, centre)
        result[:, :3] += lit[:, None] * power.astype(np.float32)
        if is_key:
            result[:, 3] += lit * power.mean()
    return result


def _visible(
    points: np.ndarray, occluder: np.ndarray, triangles: np.ndarray, direction: np.ndarray, centre: np.ndarray
) -> np.ndarray:
    up = np.array([0.0, 1, 0]) if abs(direction[1]) < 0.95 else np.array([1.0, 0, 0])
    right = normalized(np.cross(up, direction))
    axes = np.stack([right, np.cross(direction, right), -direction], 1)
    scale = np.array([SHADOW_PX / 2 / SHADOW_HALF_DM] * 2 + [1.0])
    shift = np.array([SHADOW_PX / 2] * 2 + [0.0])
    seen = rasterize(
        (occluder - centre) @ axes * scale + shift, triangles, width_px=SHADOW_PX, height_px=SHADOW_PX
    )
    depth = np.full(SHADOW_PX * SHADOW_PX, 1e3, np.float32)
    depth[seen.pixel] = seen.depth
    at = ((points - centre) @ axes * scale + shift).astype(np.float32)
    column = np.floor(at[:, 0]).astype(np.int32)
    row = np.floor(at[:, 1]).astype(np.int32)
    outside = (column < 0) | (row < 0) | (column >= SHADOW_PX) | (row >= SHADOW_PX)
    cell = np.where(outside, 0, row * SHADOW_PX + column)
    nearest = np.where(outside, np.float32(1e3), depth[cell])
    return smoothstep(-0.035, 0.0, nearest - at[:, 2]).astype(np.float32)


def scatter_in_skin(light: np.ndarray, neighbours: sp.csr_matrix) -> np.ndarray:
    """Blur RGB light (n, 3) over the mesh as skin does: red the most, blue the least.

    `neighbours` (n, n) takes the mean over a vertex's neighbours. Each step averages a vertex half with its
    neighbours'; 29 steps in red spread over about 4 mm on the finest mesh.
    """

    def smooth(values: np.ndarray, n_steps: int) -> np.ndarray:
        for _ in range(n_steps):
            values = np.float32(0.5) * values + np.float32(0.5) * (neighbours @ values)
        return values

    near = smooth(light, 3)
    middle = smooth(near[:, :2], 6)
    far = smooth(middle[:, :1], 20)
    return np.stack(
        [0.6 * far[:, 0] + 0.4 * middle[:, 0], 0.6 * middle[:, 1] + 0.4 * near[:, 1], near[:, 2]], 1
    )
