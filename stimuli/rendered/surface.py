"""Points fixed to the skin: given on the face at rest seen from the front, found again on any face."""

import functools
from typing import NamedTuple

import numpy as np

from stimuli.rendered.drawn_mesh import drawn_mesh
from stimuli.rendered.rasterize import rasterize

LEFT_DM, BOTTOM_DM, WIDTH_DM, HEIGHT_DM = -1.0, 5.8, 2.0, 2.8
MAP_PX_PER_DM = 300


class SkinPoints(NamedTuple):
    """Points on the skin: corner vertices (n, 3) and their weights (n, 3)."""

    corners: np.ndarray
    weights: np.ndarray

    def on(self, values: np.ndarray) -> np.ndarray:
        """Interpolate vertex values (n_vertices, ...) at the points: (n, ...)."""
        return np.einsum("nk,nkc->nc", self.weights, values[self.corners])


@functools.cache
def _front_map() -> np.ndarray:
    """Return the number (rows, columns) of the foremost skin triangle of the face at rest, or -1."""
    mesh = drawn_mesh()
    skin = mesh.triangles[mesh.material == 0]
    shift = np.array([-LEFT_DM, -BOTTOM_DM, 0])
    points = (mesh.rest + shift) * np.array([MAP_PX_PER_DM, MAP_PX_PER_DM, -1])
    width, height = int(WIDTH_DM * MAP_PX_PER_DM), int(HEIGHT_DM * MAP_PX_PER_DM)
    seen = rasterize(points.astype(np.float32), skin, width_px=width, height_px=height)
    result = np.full(width * height, -1, np.int64)
    result[seen.pixel] = seen.triangle
    return result.reshape(height, width)


def locate(xy_dm: np.ndarray) -> SkinPoints:
    """Find the skin under positions (n, 2) of the face at rest, seen from the front.

    Raises
    ------
    ValueError
        When a position is not on the face.
    """
    mesh = drawn_mesh()
    cell = np.floor((xy_dm - [LEFT_DM, BOTTOM_DM]) * MAP_PX_PER_DM).astype(int)
    found = _front_map()[cell[:, 1], cell[:, 0]]
    if (found < 0).any():
        raise ValueError(f"{int((found < 0).sum())} of {len(found)} positions are not on the face at rest")
    corners = mesh.triangles[mesh.material == 0][found]
    flat = mesh.rest[:, :2].astype(np.float64)[corners]
    a, b, p = flat[:, 1] - flat[:, 0], flat[:, 2] - flat[:, 0], xy_dm - flat[:, 0]
    area = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    u = (p[:, 0] * b[:, 1] - p[:, 1] * b[:, 0]) / area
    v = (a[:, 0] * p[:, 1] - a[:, 1] * p[:, 0]) / area
    return SkinPoints(corners, np.stack([1 - u - v, u, v], 1))
