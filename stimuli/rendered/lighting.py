"""Studio light on the head: a soft key light, a fill light and a dome, with cast shadows."""

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from stimuli.rendered.profiles import along, normalized, smoothstep
from stimuli.rendered.rasterize import rasterize

SHADOW_PX = 224
"""Side of the shadow maps."""
SHADOW_HALF_DM = 2.1
"""Half the extent that a shadow map covers."""


class Lights(NamedTuple):
    """Directions (k, 3) towards the lights with their RGB power (k, 3); middles of the key and fill light."""

    directions: np.ndarray
    power: np.ndarray
    key: np.ndarray
    fill: np.ndarray


def studio_lights(
    key: tuple[float, float, float], *, n_directions: int = 44, key_power: float = 4.6
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
    return Lights(directions, power, key_direction, fill_direction)


def irradiance(
    points: np.ndarray,
    normals: np.ndarray,
    occluder: np.ndarray,
    occluder_triangles: np.ndarray,
    lights: Lights,
    *,
    centre: np.ndarray,
) -> np.ndarray:
    """Return the RGB light (n, 3) that reaches each point.

    `points` and `normals` are (n, 3), `occluder` (m, 3) with its triangles casts the shadows. A point is in
    shadow when the occluder lies more than 0.2 mm nearer to the light.
    """
    result = np.full((len(points), 3), 0.010, np.float32)
    lifted = (points + np.float32(0.02) * normals - centre).astype(np.float32)
    blocking = (occluder - centre).astype(np.float32)
    facing_normals = _triangle_normals(blocking, occluder_triangles)
    for direction, power in zip(lights.directions, lights.power, strict=True):
        towards = direction.astype(np.float32)
        facing = along(normals, towards)
        turned = np.flatnonzero(facing > 0)
        triangles = occluder_triangles[along(facing_normals, towards) > 0]
        lit = facing[turned] * _visible(lifted[turned], blocking, triangles, direction)
        result[turned] += lit[:, None] * power.astype(np.float32)
    return result


def _triangle_normals(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    a, b, c = (points[triangles[:, k]] for k in range(3))
    return np.cross(b - a, c - a)


def _visible(
    points: np.ndarray, occluder: np.ndarray, triangles: np.ndarray, direction: np.ndarray
) -> np.ndarray:
    """Return how much (n,), 0..1, of a light reaches points; all positions from the centre."""
    up = np.array([0.0, 1, 0]) if abs(direction[1]) < 0.95 else np.array([1.0, 0, 0])
    right = normalized(np.cross(up, direction))
    scale = SHADOW_PX / 2 / SHADOW_HALF_DM
    axes = np.stack([right * scale, np.cross(direction, right) * scale, -direction], 1).astype(np.float32)
    shift = np.array([SHADOW_PX / 2, SHADOW_PX / 2, 0], np.float32)
    screen = np.einsum("nc,ck->nk", occluder, axes) + shift
    seen = rasterize(screen, triangles, width_px=SHADOW_PX, height_px=SHADOW_PX)
    # a border of open cells catches the points outside the map
    depth = np.full((SHADOW_PX + 2, SHADOW_PX + 2), 1e3, np.float32)
    depth[seen.pixel // SHADOW_PX + 1, seen.pixel % SHADOW_PX + 1] = seen.depth
    at = np.einsum("nc,ck->nk", points, axes) + shift
    cell = np.clip(at[:, :2] + 1, 0, SHADOW_PX + 1).astype(np.int32)
    nearest = depth.ravel()[cell[:, 1] * (SHADOW_PX + 2) + cell[:, 0]]
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
