"""The head's surface as seen from its middle: a radius for each direction."""

from typing import NamedTuple

import cv2
import numpy as np

from stimuli.rendered.drawn_mesh import DrawnMesh
from stimuli.rendered.profiles import normalized
from stimuli.rendered.textures import remap_flat

SKULL_DM = (0.0, 7.45, 0.30)
"""Middle of the head at rest, from which the radius is measured."""
LOWEST_DM = 6.15
"""Height of the chin at rest; what is below is not part of the map."""
MAP_SHAPE = (64, 128)
"""Cells from the top to the bottom, and around the head."""
_BORDER = 4


class Skull(NamedTuple):
    """Distance of the head's surface from `centre` (3,) by direction: a map of `radius_dm` (64, 128)."""

    centre: np.ndarray
    radius_dm: np.ndarray

    def radius(self, points: np.ndarray) -> np.ndarray:
        """Return the surface's distance (n,) from the centre in the direction of points (n, 3)."""
        rows, columns = self.radius_dm.shape
        direction = normalized(points - self.centre)
        row = np.arccos(np.clip(direction[:, 1], -1, 1)) / np.pi * rows - 0.5
        around = (np.arctan2(direction[:, 0], direction[:, 2]) / (2 * np.pi)) % 1
        padded = np.pad(self.radius_dm, ((0, 0), (1, 1)), "wrap")
        return remap_flat(
            padded,
            (around * columns + 0.5).astype(np.float32),
            np.clip(row, 0, rows - 1).astype(np.float32),
            border=cv2.BORDER_REPLICATE,
        )


def _direction_cell(vectors: np.ndarray, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    direction = normalized(vectors)
    polar = np.arccos(np.clip(direction[:, 1], -1, 1)) / np.pi
    around = (np.arctan2(direction[:, 0], direction[:, 2]) / (2 * np.pi)) % 1
    row = np.minimum((polar * shape[0]).astype(int), shape[0] - 1)
    return row, np.minimum((around * shape[1]).astype(int), shape[1] - 1)


def measure_skull(points: np.ndarray, mesh: DrawnMesh, *, with_ears: bool) -> Skull:
    """Measure the head (drawn vertices `points`, not posed), its ears included or not."""
    y = mesh.rest[: mesh.n_skin, 1]
    ears = mesh.masks["ears"][: mesh.n_skin] > 0.3
    outside = mesh.masks["inside_mouth"][: mesh.n_skin] < 0.1
    used = (y > LOWEST_DM) & (with_ears | ~ears) & outside
    centre = np.array(SKULL_DM)
    vectors = points[: mesh.n_skin][used] - centre
    row, column = _direction_cell(vectors, MAP_SHAPE)
    radius: np.ndarray = np.zeros(MAP_SHAPE, np.float32)
    np.maximum.at(radius, (row, column), np.linalg.norm(vectors, axis=1).astype(np.float32))
    for _ in range(40):
        wider = cv2.dilate(_wrap_around(radius), np.ones((3, 3)))
        radius = np.where(radius > 0, radius, wider[_BORDER:-_BORDER, _BORDER:-_BORDER])
    if with_ears:
        radius = cv2.dilate(_wrap_around(radius), np.ones((3, 3)))[_BORDER:-_BORDER, _BORDER:-_BORDER]
    smooth = cv2.GaussianBlur(_wrap_around(radius), (0, 0), 1.2)
    return Skull(centre, smooth[_BORDER:-_BORDER, _BORDER:-_BORDER])


def _wrap_around(radius: np.ndarray) -> np.ndarray:
    """Continue a map of directions beyond its borders: around the head, and level at the poles."""
    return np.pad(np.pad(radius, ((0, 0), (_BORDER, _BORDER)), "wrap"), ((_BORDER, _BORDER), (0, 0)), "edge")
