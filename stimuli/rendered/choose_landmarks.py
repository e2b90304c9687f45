"""Choose the vertices that serve as landmarks of the rendered faces.

Run once, by whoever changes the head model or the expressions (one minute)::

    python -m stimuli.rendered.choose_landmarks

A hidden landmark would tear a morph, so a vertex is taken only if it shows on all photographs of many people.
"""

import json

import numpy as np
from tqdm import tqdm

from stimuli.rendered.drawn_mesh import drawn_mesh
from stimuli.rendered.exact_landmarks import TEMPLATE_FILE
from stimuli.rendered.head import load_head
from stimuli.rendered.plan import Pair, draw_pairs
from stimuli.rendered.profiles import bell, normalized
from stimuli.rendered.scene import build_scene, see

N_SKIN_POINTS = 300
LOWEST_DM, HIGHEST_DM = 6.02, 8.0
"""Landmarks lie between the chin and the hairline."""
SEEDS = (1, 2, 3, 4)
"""Seeds of the sets of ten whose photographs are looked at."""
LEAST_FACING = 0.2
"""Least cosine between a landmark's normal and the direction to the camera."""
MOST_HIDDEN = 0.01
"""Largest share of photographs on which a landmark may be hidden."""


def hidden_vertices(pair: Pair, emotion: str) -> np.ndarray:
    """Tell which drawn vertices (n,) are hidden on a photograph, or turned away."""
    scene = build_scene(pair.person, pair.expressions[emotion].face_units, pair.studio)
    seen = see(scene)
    width, height = scene.camera.width_px, scene.camera.height_px
    nearest = np.full(width * height, np.inf, np.float32)
    nearest[seen.pixel] = seen.depth
    screen = scene.camera.project(scene.points)
    cell = np.clip(screen[:, :2].astype(int), 0, [width - 1, height - 1])
    behind = screen[:, 2] > nearest[cell[:, 1] * width + cell[:, 0]] + 0.03
    facing = np.einsum("nc,nc->n", scene.normals, normalized(scene.camera.position - scene.points))
    return behind | (facing < LEAST_FACING)


def choose_vertices(pairs: list[Pair]) -> np.ndarray:
    """Choose the landmarks (n,) among the vertices of the base mesh that show on (nearly) all photographs.

    They are picked one by one, each the farthest from those before; distances count three times as much
    around eyes and mouth and twice on brows and nose.
    """
    mesh = drawn_mesh()
    photographs = [(pair, emotion) for pair in pairs for emotion in pair.expressions]
    hidden = np.zeros(len(mesh.rest))
    for pair, emotion in tqdm(photographs, unit="photograph"):
        hidden += hidden_vertices(pair, emotion)
    n_base = len(np.unique(load_head().quads["skin"]))
    y = mesh.rest[:n_base, 1]
    suits = (hidden[:n_base] <= MOST_HIDDEN * len(photographs)) & (y > LOWEST_DM) & (y < HIGHEST_DM)
    suits &= (mesh.masks["ears"][:n_base] < 0.2) & (mesh.masks["inside_mouth"][:n_base] < 0.2)
    candidates = np.flatnonzero(suits)
    return candidates[_farthest_points(mesh.rest[candidates])]


def _density(rest: np.ndarray) -> np.ndarray:
    side, y = np.abs(rest[:, 0]), rest[:, 1]
    return (
        1
        + 2.0 * bell(side, 0.31, 0.2) * bell(y, 7.28, 0.1)
        + 2.0 * bell(side, 0, 0.32) * bell(y, 6.73, 0.15)
        + 1.0 * bell(side, 0.33, 0.3) * bell(y, 7.46, 0.07)
        + 1.0 * bell(side, 0, 0.2) * bell(y, 6.98, 0.12)
    )


def _farthest_points(rest: np.ndarray) -> np.ndarray:
    density, distance = _density(rest), np.full(len(rest), np.inf)
    chosen = [int(np.argmax(rest[:, 2]))]
    while len(chosen) < min(N_SKIN_POINTS, len(rest)):
        step = np.linalg.norm(rest - rest[chosen[-1]], axis=1) * density
        distance = np.minimum(distance, step)
        chosen.append(int(np.argmax(distance)))
    return np.sort(np.array(chosen))


def main() -> None:
    """Choose the landmarks and write `TEMPLATE_FILE`."""
    pairs = [pair for seed in SEEDS for pair in draw_pairs(10, seed=seed)]
    vertices = choose_vertices(pairs).tolist()
    content = {"template": f"countenance-rendered-{len(vertices) + 2}", "vertices": vertices}
    TEMPLATE_FILE.write_text(json.dumps(content) + "\n", encoding="utf-8", newline="\n")
    print(f"{len(vertices)} vertices -> {TEMPLATE_FILE}")


if __name__ == "__main__":
    main()
