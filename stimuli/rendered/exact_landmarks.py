"""Landmarks that are known exactly: mesh vertices that show on every expression."""

import functools
import json
from pathlib import Path
from typing import Any

import numpy as np

from stimuli.rendered.drawn_mesh import drawn_mesh
from stimuli.rendered.expressions import RECIPES, express
from stimuli.rendered.head import deform, load_head, units
from stimuli.rendered.profiles import bell
from stimuli.rendered.rasterize import Camera, rasterize, vertex_normals

TEMPLATE = "countenance-rendered-1"
"""Name of the point set; it changes when the points do."""

N_SKIN_POINTS = 300
LOWEST_DM = 6.02
HIGHEST_DM = 8.0


def _is_visible(vertices: np.ndarray) -> np.ndarray:
    """Tell which drawn vertices (n,) are not hidden in a frontal view of base `vertices`, and face it."""
    mesh = drawn_mesh()
    points = mesh.weights @ vertices
    camera = Camera((0.0, 7.1, 1.2), 14.0, 300, 800, 960)
    screen = camera.project(points)
    seen = rasterize(screen, mesh.triangles, width_px=800, height_px=960)
    nearest = np.full(800 * 960, np.inf, np.float32)
    nearest[seen.pixel] = seen.depth
    cell = np.clip(screen[:, :2].astype(int), 0, [799, 959])
    normals = vertex_normals(points, mesh.triangles)
    return (screen[:, 2] < nearest[cell[:, 1] * 800 + cell[:, 0]] + 0.02) & (normals[:, 2] > 0.22)


@functools.cache
def landmark_vertices() -> np.ndarray:
    """Choose the skin vertices (n,) that serve as landmarks.

    Among the vertices of the base mesh that show at rest and under each full expression they are picked one
    by one, each the farthest from those before; distances count three times as much around eyes and mouth
    and twice on brows and nose.
    """
    mesh, head = drawn_mesh(), load_head()
    rng = np.random.default_rng(0)
    visible = _is_visible(head.vertices)
    for emotion in RECIPES:
        visible &= _is_visible(deform(head, units(express(emotion, sex="female", rng=rng))))
    n_base = len(np.unique(head.quads["skin"]))
    x, y = mesh.rest[:n_base, 0], mesh.rest[:n_base, 1]
    ears = mesh.masks["ears"][:n_base] > 0.2
    inside = mesh.masks["inside_mouth"][:n_base] > 0.2
    candidates = np.flatnonzero(visible[:n_base] & ~ears & ~inside & (y > LOWEST_DM) & (y < HIGHEST_DM))
    side = np.abs(x)
    density = (
        1
        + 2.0 * bell(side, 0.31, 0.2) * bell(y, 7.28, 0.1)
        + 2.0 * bell(side, 0, 0.32) * bell(y, 6.73, 0.15)
        + 1.0 * bell(side, 0.33, 0.3) * bell(y, 7.46, 0.07)
        + 1.0 * bell(side, 0, 0.2) * bell(y, 6.98, 0.12)
    )
    return candidates[_farthest_points(mesh.rest[candidates], density[candidates], N_SKIN_POINTS)]


def _farthest_points(points: np.ndarray, density: np.ndarray, n_points: int) -> np.ndarray:
    distance = np.full(len(points), np.inf)
    chosen = [int(np.argmax(points[:, 2]))]
    while len(chosen) < min(n_points, len(points)):
        step = np.linalg.norm(points - points[chosen[-1]], axis=1) * density
        distance = np.minimum(distance, step)
        chosen.append(int(np.argmax(distance)))
    return np.sort(np.array(chosen))


def landmark_record(
    vertices_px: np.ndarray, pupils_px: np.ndarray, *, width_px: int, height_px: int
) -> dict[str, Any]:
    """Return the landmark file's content: the skin points and, last, the two pupils.

    `vertices_px` (n, 2) are the pictured drawn vertices, `pupils_px` (2, 2) the pupils, image left first.
    """
    points = np.concatenate([vertices_px[landmark_vertices()], pupils_px])
    return {
        "format": "countenance-landmarks",
        "version": 1,
        "template": TEMPLATE,
        "image_width_px": width_px,
        "image_height_px": height_px,
        "eyes": {"left_px": _rounded(pupils_px[0]), "right_px": _rounded(pupils_px[1])},
        "points_px": [_rounded(point) for point in points],
    }


def _rounded(point: np.ndarray) -> list[float]:
    return [round(float(value), 3) for value in point]


def read_points(path: Path) -> np.ndarray:
    """Read the points (n, 2) of a landmark file."""
    return np.array(json.loads(path.read_text(encoding="utf-8"))["points_px"], float)
