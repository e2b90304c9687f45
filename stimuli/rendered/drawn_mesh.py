"""All drawn parts of the head as one fine mesh, with what is fixed about it."""

import functools
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from stimuli.rendered.head import PART_LEVELS, load_head, part
from stimuli.rendered.profiles import smoothstep

MATERIALS = {"skin": 0, "eye_right": 1, "eye_left": 2, "teeth_upper": 3, "teeth_lower": 3, "tongue": 4}

BACK_DM = -0.35
"""Skin whose triangles lie behind this depth (and face away) never shows in a frontal picture."""


class DrawnMesh(NamedTuple):
    """The fine mesh of the head at rest; drawn vertices are ``weights @ base``.

    `triangles` (m, 3) has a `material` (m,) each; `rest` (n, 3) are the positions at rest, in dm; `masks` the
    amounts (n,) of lips, ears, eyelids and inside_mouth; `texture_dm` (n, 2) the skin's texture coordinates;
    `n_skin` the number of skin vertices, which come first; `neighbours` (n_skin, n_skin) takes the mean over
    the neighbours of a skin vertex.
    """

    weights: sp.csr_matrix
    triangles: np.ndarray
    material: np.ndarray
    rest: np.ndarray
    masks: dict[str, np.ndarray]
    texture_dm: np.ndarray
    n_skin: int
    neighbours: sp.csr_matrix


@functools.cache
def drawn_mesh(*, finest: bool = True) -> DrawnMesh:
    """Return the mesh that is drawn, or (`finest` False) a coarser one that casts the shadows."""
    head = load_head()
    weights, triangles, material, start = [], [], [], 0
    for name, levels in PART_LEVELS.items():
        piece = part(name, levels if finest else max(levels - 1, 0))
        weights.append(piece.weights)
        triangles.append(piece.triangles + start)
        material.append(np.full(len(piece.triangles), MATERIALS[name], np.uint8))
        start += piece.weights.shape[0]
    all_weights = sp.vstack(weights).tocsr().astype(np.float32)
    rest = (all_weights @ head.vertices).astype(np.float32)
    n_skin = weights[0].shape[0]
    return DrawnMesh(
        weights=all_weights,
        triangles=np.concatenate(triangles),
        material=np.concatenate(material),
        rest=rest,
        masks={name: _sharpen(all_weights @ mask, n_skin) for name, mask in head.masks.items()},
        texture_dm=np.stack([np.arctan2(rest[:, 0], rest[:, 2] - 0.2), rest[:, 1]], 1).astype(np.float32),
        n_skin=n_skin,
        neighbours=_neighbour_mean(triangles[0], n_skin),
    )


def _sharpen(mask: np.ndarray, n_skin: int) -> np.ndarray:
    sharp = smoothstep(0.25, 0.7, mask).astype(np.float32)
    sharp[n_skin:] = 0
    return sharp


def _neighbour_mean(triangles: np.ndarray, n_vertices: int) -> sp.csr_matrix:
    sides = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    matrix = sp.coo_matrix((np.ones(len(sides)), (sides[:, 0], sides[:, 1])), (n_vertices, n_vertices))
    matrix = (matrix + matrix.T).tocsr()
    matrix.data[:] = 1
    scale = sp.diags(1 / np.maximum(np.asarray(matrix.sum(1)).ravel(), 1))
    return (scale @ matrix).tocsr().astype(np.float32)
