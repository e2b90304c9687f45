"""The head model: public-domain MakeHuman mesh, its shape targets and 52 face units.

Lengths are decimetres, as in the source; x points to the person's left (the right of a frontal picture),
y up, z forward.
"""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from stimuli.rendered.profiles import smoothstep
from stimuli.rendered.subdivision import subdivide

MODEL_FILE = Path(__file__).with_name("head_cc0.npz")

PART_LEVELS = {"skin": 2, "eye_right": 2, "eye_left": 2, "teeth_upper": 2, "teeth_lower": 2, "tongue": 1}
"""Part -> number of subdivisions when it is drawn."""


TEETH_SHIFT_DM = {"teeth_upper": (0.0, -0.055, 0.01), "teeth_lower": (0.0, 0.0, -0.06)}
"""The model's upper teeth sit too high to show in a smile, its lower ones too near to the chin."""


BROWS_TOGETHER = 0.5
"""Part of the model's way inwards that lowered brows go: with all of it a strong frown joins them in one."""


class Part(NamedTuple):
    """One part: drawn vertices are ``weights @ base``; triangles (n_triangles, 3) join them."""

    weights: sp.csr_matrix
    triangles: np.ndarray


class Head(NamedTuple):
    """The base mesh with everything needed to deform and draw it.

    `vertices` is (n, 3) in dm. `targets` maps a name to vertex numbers (k,) and displacements (k, 3) in dm.
    `masks` maps ``lips``, ``ears``, ``eyelids``, ``inside_mouth`` to amounts (n,) in 0..1. `lashes` maps
    ``upper_left`` and so on to grids (n_across, n_along) of vertex numbers.
    """

    vertices: np.ndarray
    quads: dict[str, np.ndarray]
    targets: dict[str, tuple[np.ndarray, np.ndarray]]
    masks: dict[str, np.ndarray]
    lashes: dict[str, np.ndarray]


@functools.cache
def load_head() -> Head:
    """Load the head model that comes with the package."""
    with np.load(MODEL_FILE) as stored:
        arrays = {name: stored[name] for name in stored.files}
    starts = arrays["target_starts"]
    targets = {
        str(name): (
            arrays["target_vertices"][a:b].astype(np.intp),
            arrays["target_shifts_1e3dm"][a:b].astype(np.float64) * 1e-3,
        )
        for name, a, b in zip(arrays["target_names"], starts[:-1], starts[1:], strict=True)
    }
    return Head(
        vertices=arrays["vertices_1e4dm"].astype(np.float64) * 1e-4,
        quads={part: arrays[f"quads_{part}"].astype(np.intp) for part in PART_LEVELS},
        targets=targets,
        masks={
            key.removeprefix("mask_"): value.astype(np.float64) / 255
            for key, value in arrays.items()
            if key.startswith("mask_")
        },
        lashes={
            key.removeprefix("lashes_"): value.astype(np.intp)
            for key, value in arrays.items()
            if key.startswith("lashes_")
        },
    )


def deform(head: Head, *amounts: Mapping[str, float]) -> np.ndarray:
    """Return the base vertices (n, 3) moved by targets, each with its amount.

    Raises
    ------
    KeyError
        When a target is not part of the model.
    """
    vertices = head.vertices.copy()
    for mapping in amounts:
        for name, amount in mapping.items():
            if name not in head.targets:
                raise KeyError(f"the head model has no target named {name!r}")
            index, shift = head.targets[name]
            vertices[index] += amount * shift
    return vertices


def eyes_middle(head: Head, vertices: np.ndarray) -> np.ndarray:
    """Return the point (3,) midway between the eyeballs of base vertices (n, 3)."""
    eyes = vertices[np.unique(np.concatenate([head.quads["eye_left"], head.quads["eye_right"]]))]
    return (eyes.min(0) + eyes.max(0)) / 2


def deform_person(head: Head, shape: Mapping[str, float], expression: Mapping[str, float]) -> np.ndarray:
    """Return the base vertices (n, 3) of a person with an expression (face-unit amounts).

    People differ in height; the head is moved so that the eyes at rest are where the model's are.
    """
    shift = eyes_middle(head, head.vertices) - eyes_middle(head, deform(head, shape))
    moved = deform(head, units(expression)) - head.vertices
    frown = {name: amount for name, amount in expression.items() if name.startswith("browDown")}
    moved[:, 0] -= (1 - BROWS_TOGETHER) * (deform(head, units(frown)) - head.vertices)[:, 0]
    vertices = deform(head, shape) + shift + _forehead_smoothing() @ moved
    for part_name, teeth_shift in TEETH_SHIFT_DM.items():
        vertices[np.unique(head.quads[part_name])] += teeth_shift
    return vertices


@functools.cache
def _forehead_smoothing() -> sp.csr_matrix:
    """Return a matrix (n, n) that smooths displacements across the middle of the forehead.

    The left and the right brow's units end at the midline, where both together would leave a ridge.
    """
    head = load_head()
    n, quads = len(head.vertices), head.quads["skin"]
    sides = np.stack([quads, np.roll(quads, -1, 1)], 2).reshape(-1, 2)
    matrix = sp.coo_matrix((np.ones(len(sides)), (sides[:, 0], sides[:, 1])), (n, n))
    matrix = (matrix + matrix.T).tocsr()
    matrix.data[:] = 1
    mean = sp.diags(1 / np.maximum(np.asarray(matrix.sum(1)).ravel(), 1)) @ matrix
    x, y, z = head.vertices.T
    share = smoothstep(0.42, 0.18, np.abs(x)) * smoothstep(7.50, 7.62, y) * (z > 0.5)
    step = sp.diags(1 - share) + sp.diags(share) @ (0.5 * sp.identity(n) + 0.5 * mean)
    for _ in range(4):  # 16 steps
        step = step @ step
    return step.tocsr()


def units(amounts: Mapping[str, float]) -> dict[str, float]:
    """Return the target names of face-unit amounts: ``browDownLeft`` -> ``unit/browDownLeft``."""
    return {f"unit/{name}": amount for name, amount in amounts.items()}


def split_quads(quads: np.ndarray) -> np.ndarray:
    """Return two triangles per quad, (2 n_quads, 3)."""
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])


@functools.cache
def part(name: str, levels: int) -> Part:
    """Return a part of the head model, subdivided `levels` times."""
    head = load_head()
    used, local = np.unique(head.quads[name], return_inverse=True)
    finer = subdivide(local.reshape(-1, 4), len(used), levels=levels)
    columns = sp.csr_matrix(
        (np.ones(len(used), np.float32), (np.arange(len(used)), used)), (len(used), len(head.vertices))
    )
    return Part((finer.weights @ columns).tocsr(), split_quads(finer.quads).astype(np.int32))
