"""Choose the vertices that serve as landmarks of the rendered faces.

Run once, by whoever changes the head model or the expressions (some minutes)::

    python -m stimuli.rendered.choose_landmarks

A hidden landmark would tear a morph, so a vertex is taken only if it shows on all photographs of many people.
The borders of lips and lids are the exception: there those vertices are taken that stay nearest to the
opening on all photographs, so that a morph knows exactly how mouth and eyes open.
"""

import hashlib
import json

import cv2
import numpy as np
from scipy.spatial import cKDTree
from tqdm import tqdm

from stimuli.face_model import face_model
from stimuli.face_points import INNER_LIPS, LEFT_EYELIDS, RIGHT_EYELIDS
from stimuli.rendered.animation import photograph_between
from stimuli.rendered.drawn_mesh import drawn_mesh
from stimuli.rendered.exact_landmarks import TEMPLATE_FILE
from stimuli.rendered.head import deform, load_head
from stimuli.rendered.plan import Pair, draw_pairs
from stimuli.rendered.profiles import bell, normalized
from stimuli.rendered.scene import build_scene, see

N_SKIN_POINTS = 300
LOWEST_DM, HIGHEST_DM = 6.02, 8.0
"""Landmarks lie between the chin and the hairline."""
SEEDS = (1, 2)
"""Seeds of the sets of ten whose photographs are looked at."""
LEAST_FACING = 0.2
"""Least cosine between a landmark's normal and the direction to the camera."""
MOST_HIDDEN = 0.01
"""Largest share of photographs on which a landmark may be hidden."""
N_MARGIN_PAIRS = 5
"""People of the first seed on whose photographs the borders of lips and lids are looked for."""
LIP_COLUMNS_DM = (0.0, 0.05, 0.10, 0.15, 0.19, 0.23)
LID_COLUMNS_DM = (0.20, 0.24, 0.275, 0.31, 0.35, 0.385, 0.42)
"""Distances from the middle, at rest, near which a vertex of each border is taken on either side."""
LEAST_APART_DM = 0.02
"""Least distance of other landmarks from the borders."""
MOST_FROM_BORDER = 0.05
"""Largest distance of such a vertex from the opening on any photograph, in eye distances."""


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
    faces = draw_pairs(N_MARGIN_PAIRS, seed=SEEDS[0], expressions=("happy", "angry", "neutral"))
    margins = margin_vertices(faces)
    near = cKDTree(mesh.rest[margins]).query(mesh.rest[candidates])[0] < LEAST_APART_DM
    candidates = np.concatenate([margins, candidates[~near]])
    return candidates[_farthest_points(mesh.rest[candidates], len(margins))]


def margin_vertices(pairs: list[Pair]) -> np.ndarray:
    """Choose vertices (n,) along upper and lower lips and lids that stay at the border of the opening.

    Where the border is on a photograph, the face model says.
    """
    head, rest = load_head(), drawn_mesh().rest
    n_base = len(np.unique(head.quads["skin"]))
    lips, lids = np.zeros(n_base), np.zeros(n_base)
    photographs = [(pair, name) for pair in pairs for name in pair.expressions]
    for pair, name in tqdm(photographs, unit="photograph"):
        taken = photograph_between(pair, name, name, 0.0)
        seen, points = face_model().find_faces(taken.rgb)[0].points_px, taken.vertices_px[:n_base]
        eye_distance_px = float(np.linalg.norm(np.diff(taken.pupils_px, axis=0)))
        to_eyes = [_border_distance(seen[border], points) for border in (RIGHT_EYELIDS, LEFT_EYELIDS)]
        lips = np.maximum(lips, _border_distance(seen[INNER_LIPS], points) / eye_distance_px)
        lids = np.maximum(lids, np.minimum(*to_eyes) / eye_distance_px)
    rest = rest[:n_base]
    raised = -_moved_down("mouthUpperUpLeft") - _moved_down("mouthUpperUpRight")
    lowered = _moved_down("mouthLowerDownLeft") + _moved_down("mouthLowerDownRight")
    blink = _moved_down("eyeBlinkLeft") + _moved_down("eyeBlinkRight")
    chosen = []
    for worst, lower, columns, near in (
        (lips, (lowered > raised)[:n_base], LIP_COLUMNS_DM, np.abs(rest[:, 1] - 6.63) < 0.12),
        (lids, blink[:n_base] < 0.01, LID_COLUMNS_DM, np.abs(rest[:, 1] - 7.28) < 0.10),
    ):
        for column in columns:
            for part in (lower, ~lower):
                here = near & part & (rest[:, 2] > 1.25) & (np.abs(rest[:, 0] + column) < 0.028)
                found = np.flatnonzero(here & (worst < MOST_FROM_BORDER))
                chosen += found[np.argsort(worst[found])[:1]].tolist()
    mirrored = cKDTree(rest).query(rest[chosen] * [-1, 1, 1])[1]
    return np.unique(np.concatenate([chosen, mirrored]))


def _border_distance(border_px: np.ndarray, points_px: np.ndarray) -> np.ndarray:
    """Return the distance (n,) of points from a closed line."""
    line = border_px.astype(np.float32)
    return np.array([abs(cv2.pointPolygonTest(line, point, True)) for point in points_px.tolist()])


def _moved_down(unit: str) -> np.ndarray:
    """Return how far down (n,), in dm, a face unit moves each base vertex of the skin."""
    head = load_head()
    moved = deform(head, {f"unit/{unit}": 1.0}) - head.vertices
    return -(drawn_mesh().weights @ moved)[:, 1]


def _density(rest: np.ndarray) -> np.ndarray:
    side, y = np.abs(rest[:, 0]), rest[:, 1]
    return (
        1
        + 2.0 * bell(side, 0.31, 0.2) * bell(y, 7.28, 0.1)
        + 2.0 * bell(side, 0, 0.32) * bell(y, 6.73, 0.15)
        + 1.0 * bell(side, 0.33, 0.3) * bell(y, 7.46, 0.07)
        + 1.0 * bell(side, 0, 0.2) * bell(y, 6.98, 0.12)
    )


def _farthest_points(rest: np.ndarray, n_first: int) -> np.ndarray:
    """Choose points far from each other; the first `n_first` are always chosen."""
    density, distance = _density(rest), np.full(len(rest), np.inf)
    for k in range(n_first - 1):
        distance = np.minimum(distance, np.linalg.norm(rest - rest[k], axis=1) * density)
    chosen = list(range(n_first))
    while len(chosen) < min(N_SKIN_POINTS, len(rest)):
        step = np.linalg.norm(rest - rest[chosen[-1]], axis=1) * density
        distance = np.minimum(distance, step)
        chosen.append(int(np.argmax(distance)))
    return np.sort(np.array(chosen))


def main() -> None:
    """Choose the landmarks and write `TEMPLATE_FILE`."""
    pairs = [pair for seed in SEEDS for pair in draw_pairs(10, seed=seed)]
    vertices = choose_vertices(pairs).tolist()
    digest = hashlib.sha256(json.dumps(vertices).encode()).hexdigest()
    content = {"template": f"countenance-rendered-{len(vertices) + 2}-{digest[:6]}", "vertices": vertices}
    TEMPLATE_FILE.write_text(json.dumps(content) + "\n", encoding="utf-8", newline="\n")
    print(f"{len(vertices)} vertices -> {TEMPLATE_FILE}")


if __name__ == "__main__":
    main()
