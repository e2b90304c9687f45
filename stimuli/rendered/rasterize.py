"""A z-buffer rasteriser in numpy, for meshes of many small triangles."""

from typing import NamedTuple

import numpy as np

SIZES_PX = (1, 2, 3, 4, 6, 9, 14, 24, 48, 128, 512, 4096)
"""Triangles are handled in groups of similar extent, one block of candidate pixels per triangle."""


class Coverage(NamedTuple):
    """What each covered pixel shows, in row-major order.

    `pixel` (k,) is row * width + column, `triangle` (k,) the triangle's number, `weight_1` and `weight_2`
    (k,) the barycentric weights of its second and third corner, `depth` (k,) the distance.
    """

    pixel: np.ndarray
    triangle: np.ndarray
    weight_1: np.ndarray
    weight_2: np.ndarray
    depth: np.ndarray

    def interpolate(self, values: np.ndarray, triangles: np.ndarray) -> np.ndarray:
        """Interpolate `values` (n_vertices, n_columns) at each covered pixel: (k, n_columns)."""
        corners = triangles[self.triangle]
        result = np.take(values, corners[:, 0], 0) * (1 - self.weight_1 - self.weight_2)[:, None]
        result += np.take(values, corners[:, 1], 0) * self.weight_1[:, None]
        result += np.take(values, corners[:, 2], 0) * self.weight_2[:, None]
        return result

    def where(self, keep: np.ndarray) -> "Coverage":
        """Return the covered pixels for which `keep` (k,) is true."""
        return Coverage(*(a[keep] for a in self))


def rasterize(points: np.ndarray, triangles: np.ndarray, *, width_px: int, height_px: int) -> Coverage:
    """Find the nearest triangle under each pixel centre.

    Parameters
    ----------
    points : (n, 3) array
        Column, row (pixel centres lie at .5) and depth (smaller is nearer).
    triangles : (m, 3) int array
        Both orientations are drawn.
    """
    found = [
        _cover(points[triangles[chosen]], chosen, n, width_px, height_px)
        for chosen, n in _size_groups(points, triangles, width_px, height_px)
    ]
    if not found:
        empty = np.zeros(0, np.float32)
        return Coverage(np.zeros(0, np.int64), np.zeros(0, np.int64), empty, empty, empty)
    columns = [np.concatenate(c) for c in zip(*found, strict=True)]
    pixel, depth = columns[0], columns[4]
    nearest = np.full(width_px * height_px, np.inf, np.float32)
    np.minimum.at(nearest, pixel, depth)
    winner = np.flatnonzero(depth == nearest[pixel])
    order = np.argsort(pixel[winner], kind="stable")
    winner = winner[order]
    first = np.ones(len(winner), bool)
    first[1:] = pixel[winner[1:]] != pixel[winner[:-1]]
    return Coverage(*(c[winner[first]] for c in columns))


def _size_groups(
    points: np.ndarray, triangles: np.ndarray, width_px: int, height_px: int
) -> list[tuple[np.ndarray, int]]:
    """Return (triangle numbers, block side in px) for the triangles that touch pixel centres."""
    corners = points[:, :2].astype(np.float32)[triangles]
    low, high = _pixel_range(corners, width_px, height_px)
    extent = np.maximum(high[:, 0] - low[:, 0], high[:, 1] - low[:, 1]) + 1
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    touched = (high[:, 0] >= low[:, 0]) & (high[:, 1] >= low[:, 1])
    drawn = touched & (np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]) > 1e-6)
    groups, smaller = [], 0
    for size in SIZES_PX:
        chosen = np.flatnonzero(drawn & (extent > smaller) & (extent <= size))
        step = max(1, 2_000_000 // size**2)
        groups += [(chosen[k : k + step], size) for k in range(0, len(chosen), step)]
        smaller = size
    return groups


def _pixel_range(corners: np.ndarray, width_px: int, height_px: int) -> tuple[np.ndarray, np.ndarray]:
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    smallest, largest = np.minimum(np.minimum(a, b), c), np.maximum(np.maximum(a, b), c)
    low = np.maximum(np.ceil(smallest - np.float32(0.5)), 0).astype(np.int32)
    last = np.array([width_px - 1, height_px - 1], np.float32)
    return low, np.minimum(np.floor(largest - np.float32(0.5)), last).astype(np.int32)


def _cover(
    corners: np.ndarray, chosen: np.ndarray, size: int, width_px: int, height_px: int
) -> tuple[np.ndarray, ...]:
    """Test a block of `size` x `size` pixels per triangle; corners is (k, 3, 3)."""
    corners = corners.astype(np.float32)
    low, high = _pixel_range(corners[:, :, :2], width_px, height_px)
    row, column = (g.ravel() for g in np.indices((size, size), np.int32))
    x, y = low[:, :1] + column, low[:, 1:] + row
    dx = x.astype(np.float32) + (np.float32(0.5) - corners[:, 0, :1])
    dy = y.astype(np.float32) + (np.float32(0.5) - corners[:, 0, 1:2])
    a = corners[:, 1, :2] - corners[:, 0, :2]
    b = corners[:, 2, :2] - corners[:, 0, :2]
    scale = (1 / (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]))[:, None]
    u = (dx * b[:, 1:] - dy * b[:, :1]) * scale
    v = (dy * a[:, :1] - dx * a[:, 1:]) * scale
    edge = np.float32(-1e-5)
    inside = (u >= edge) & (v >= edge) & (u + v <= 1 - edge) & (x <= high[:, :1]) & (y <= high[:, 1:])
    which, cell = np.nonzero(inside)
    u, v = u[which, cell], v[which, cell]
    z = corners[which, :, 2]
    depth = z[:, 0] * (1 - u - v) + z[:, 1] * u + z[:, 2] * v
    pixel = y[which, cell].astype(np.int64) * width_px + x[which, cell]
    return pixel, chosen[which], u, v, depth


class Camera(NamedTuple):
    """A pinhole camera that looks along -z at `target` from `distance_dm` in front of it.

    `scale_px` is the size in pixels of one decimetre at the target, which is pictured in the middle.
    """

    target: tuple[float, float, float]
    distance_dm: float
    scale_px: float
    width_px: int
    height_px: int

    @property
    def position(self) -> np.ndarray:
        """Where the camera stands (3,), in dm."""
        x, y, z = self.target
        return np.array([x, y, z + self.distance_dm])

    def project(self, points: np.ndarray) -> np.ndarray:
        """Project points (n, 3) in dm to column, row (px) and depth (dm from the camera): (n, 3) float32."""
        relative = points - np.array(self.target)
        depth = self.distance_dm - relative[:, 2]
        scale = self.scale_px * self.distance_dm / depth
        column = self.width_px / 2 + scale * relative[:, 0]
        row = self.height_px / 2 - scale * relative[:, 1]
        return np.stack([column, row, depth], 1).astype(np.float32)


def vertex_normals(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Return unit normals (n, 3), averaged over the triangles of a vertex, weighted by their area."""
    a, b, c = (points[triangles[:, k]] for k in range(3))
    across = np.cross(b - a, c - a)
    corners = triangles.T.ravel()
    total = np.stack([np.bincount(corners, np.tile(across[:, axis], 3), len(points)) for axis in range(3)], 1)
    return (total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)).astype(np.float32)
