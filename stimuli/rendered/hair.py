"""Hair of the head: where it grows, how its strands fall, and how they catch the light.

Hair belongs to a person, a pose and a light; both photographs of a pair share it.
"""

import numpy as np
from scipy.spatial import cKDTree

from stimuli.rendered.drawn_mesh import DrawnMesh
from stimuli.rendered.hair_styles import BUN_DM, comb, falling_side, length_by_place
from stimuli.rendered.identities import HairStyle, Person
from stimuli.rendered.lighting import Lights
from stimuli.rendered.profiles import bell, normalized, smoothstep
from stimuli.rendered.skull import Skull, measure_skull
from stimuli.rendered.strands import Strands

N_STEPS = 24
N_STRANDS = {"parted": 9000, "pulled_back": 9000, "short": 12000, "curls": 14000}
SIDES_OF_SHORT = 0.4
"""Volume of short hair at the sides of the head, relative to the top."""
LEAST_HEIGHT_DM = 0.04
"""Height of long hair above the skull at least, so that the skin does not cover it beside a parting."""
BENDING_DM = 0.12
"""Length over which a strand takes on the direction in which it is combed."""


def has_sideburns(style: HairStyle) -> bool:
    """Tell whether hair of a style also grows before the ears."""
    return style.kind in ("short", "curls") and not style.covers_ears


def scalp_distance(mesh: DrawnMesh, style: HairStyle) -> np.ndarray:
    """Return how far (n,) in dm a skin vertex lies inside the hairline (negative: outside)."""
    x, y, z = np.abs(mesh.rest[:, 0]), mesh.rest[:, 1], mesh.rest[:, 2]
    temples = style.temples_dm * bell(x, 0.42, 0.16) - 1.9 * np.clip(x - 0.46, 0, 1) ** 1.5
    front = 7.91 + style.line_dm - 0.08 * style.peak * bell(x, 0, 0.18) + temples
    sideburn = 0.60 - 0.12 * np.clip(y - 7.4, 0, 1)
    beside = np.where(y > (7.22 if has_sideburns(style) else 7.12), (sideburn - z) * 1.2, -1)
    distance = np.maximum(np.where(z > 0.1, y - front, -1), beside)
    nape = 6.75 if style.kind == "parted" or style.covers_ears else 7.0
    behind = y - (nape + 0.25 * np.clip(z + 0.3, 0, 1))
    distance = np.where(z < 0.1, np.maximum(behind, -1), distance)
    before_ear = 0.50 if has_sideburns(style) else 0.62
    ear = (x > 0.70) & (y < 7.60) & (z < before_ear) & (z > -0.30) & (y > 6.7)
    distance = np.where(ear, -1, distance).astype(np.float32)
    distance[mesh.n_skin :] = -1
    return distance


def plant(
    points: np.ndarray, normals: np.ndarray, mesh: DrawnMesh, style: HairStyle, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw the strands' roots (n, 3) and their normals (n, 3), evenly over the scalp."""
    skin = mesh.triangles[mesh.material == 0]
    inside = scalp_distance(mesh, style)[skin].min(1) > 0.0
    triangles = skin[inside]
    a, b, c = (points[triangles[:, k]] for k in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    if style.kind == "parted":
        area = area * (1 + 3 * bell(scalp_distance(mesh, style)[triangles].mean(1), 0.0, 0.10))
    chosen = rng.choice(len(triangles), N_STRANDS[style.kind], p=area / area.sum())
    u, v = rng.random((2, len(chosen)))
    flip = u + v > 1
    weights = np.stack([u, v], 1)
    weights[flip] = 1 - weights[flip]
    weights = np.concatenate([1 - weights.sum(1, keepdims=True), weights], 1)
    corners = triangles[chosen]
    root = np.einsum("nk,nkc->nc", weights, points[corners])
    return root, normalized(np.einsum("nk,nkc->nc", weights, normals[corners]))


def grow_hair(person: Person, points: np.ndarray, normals: np.ndarray, mesh: DrawnMesh) -> np.ndarray:
    """Grow strands (n, N_STEPS + 1, 3) on a head at rest (drawn vertices and normals, not posed).

    Over the skull a strand turns step by step the way it is combed and stays in its own layer of the hair;
    below it falls freely, outside the head and beside the face.
    """
    style = person.look.hair_style
    rng = np.random.default_rng(person.look.hair_seed)
    root, normal = plant(points, normals, mesh, style, rng)
    skull = measure_skull(points, mesh, with_ears=style.covers_ears)
    n = len(root)
    step = style.length_dm * rng.uniform(0.85, 1.05, n) * length_by_place(root, style) / N_STEPS
    stiffness = np.exp(-step / BENDING_DM)[:, None]
    layer = style.volume_dm * rng.uniform(0.03, 1.0, n)
    side = falling_side(root, style, rng)
    if style.kind == "short":
        layer = layer * (SIDES_OF_SHORT + (1 - SIDES_OF_SHORT) * smoothstep(7.55, 8.05, root[:, 1]))
    if style.kind == "short" and style.part_dm:
        layer = layer * np.where(side > 0, 1.0, 0.45)
    position = root.copy()
    direction = normalized(0.5 * normal + comb(root, root, side, style, 0.0)[0])
    path = [position]
    for k in range(N_STEPS):
        t = (k + 1) / N_STEPS
        combed, lift = comb(position, root, side, style, t)
        outward = normalized(position - skull.centre)
        along = combed - (combed * outward).sum(1, keepdims=True) * outward
        near = smoothstep(6.9, 7.3, position[:, 1])[:, None]
        wanted = near * (normalized(along) + lift[:, None] * outward) + (1 - near) * combed
        direction = normalized(stiffness * direction + (1 - stiffness) * wanted)
        position = position + direction * step[:, None]
        rise = np.minimum(1.0, (k + 1) * step / np.maximum(1.5 * layer, 1e-3))
        if style.kind == "parted":
            rise = rise * (0.25 + 0.75 * smoothstep(0, 0.75, np.abs(position[:, 0] - style.part_dm)))
        position = _stay_in_layer(position, skull, layer * rise, near[:, 0], side, style)
        path.append(position)
    strands, leader = _clump(np.stack(path, 1), root, side, rng, style)
    strands = _curl(strands, leader, style, rng)
    return np.concatenate([strands, _wind_bun(rng)]) if style.kind == "pulled_back" else strands


def _wind_bun(rng: np.random.Generator, n: int = 1500) -> np.ndarray:
    """Return strands (n, N_STEPS + 1, 3) wound into a bun at the back of the head."""
    axis = normalized(rng.normal(0, 1, (n, 3)) * [1, 0.6, 0.6])
    first = normalized(np.cross(axis, rng.normal(0, 1, (n, 3))))
    second = np.cross(axis, first)
    angle = np.linspace(0, np.pi, N_STEPS + 1)[None, :, None]
    radius = 0.34 * rng.uniform(0.75, 1.0, (n, 1, 1))
    arcs = np.cos(angle) * first[:, None] + np.sin(angle) * second[:, None]
    return np.array(BUN_DM) + radius * arcs * [1.1, 0.9, 1.0]


def _stay_in_layer(
    position: np.ndarray,
    skull: Skull,
    height: np.ndarray,
    near: np.ndarray,
    side: np.ndarray,
    style: HairStyle,
) -> np.ndarray:
    """Keep points (n, 3) outside the head, long hair on the skull at its height (n,) above it."""
    vector = position - skull.centre
    distance = np.linalg.norm(vector, axis=1)
    surface = skull.radius(position)
    if style.kind in ("parted", "pulled_back"):
        wanted = distance + near * (surface + np.maximum(height, LEAST_HEIGHT_DM) - distance)
        wanted = np.where(position[:, 1] > 6.5, np.maximum(wanted, surface + 0.5 * height), wanted)
    else:
        wanted = np.clip(distance, surface + 0.01, surface + 0.02 + height)
    position = skull.centre + vector * (wanted / distance)[:, None]
    if style.kind == "parted":
        frontmost = 0.90 + 0.60 * smoothstep(7.45, 7.9, position[:, 1])
        position[:, 2] = np.minimum(position[:, 2], frontmost + 0.4 * height)
        low = (position[:, 1] < 7.5) & (position[:, 2] > 0.0)
        short = np.clip(0.62 - side * position[:, 0], 0, None)
        position[:, 0] += 0.4 * low * side * short
    return position


def _clump(
    strands: np.ndarray, root: np.ndarray, side: np.ndarray, rng: np.random.Generator, style: HairStyle
) -> tuple[np.ndarray, np.ndarray]:
    """Draw each strand towards the nearest of some hundred leading strands, more so at its tip.

    Returns the strands and the number (n,) of each one's leader.
    """
    n_leaders = {"parted": 260, "pulled_back": 350, "short": 700, "curls": 500}[style.kind]
    leaders = rng.choice(len(root), n_leaders, replace=False)
    apart = root + [10.0, 0, 0] * side[:, None]
    distance, nearest = cKDTree(apart[leaders]).query(apart)
    t = np.linspace(0, 1, strands.shape[1])[None, :, None]
    pull = rng.uniform(0.25, 0.65, len(root)) * np.exp(-((distance / 0.12) ** 2))
    lead = strands[leaders][nearest]
    return strands + pull[:, None, None] * t**0.8 * (lead - strands), nearest


def _curl(strands: np.ndarray, leader: np.ndarray, style: HairStyle, rng: np.random.Generator) -> np.ndarray:
    """Wind strands into curls, or lay them in waves that neighbours share."""
    n, k, _ = strands.shape
    t = np.linspace(0, 1, k)[None]
    if style.kind == "curls":
        turns, start = style.length_dm / 0.16, rng.random((n,))
        radius = style.curl_dm * (0.3 + 0.7 * t)
    else:
        shared = rng.random(leader.max() + 1)
        turns, start = style.length_dm / 1.1, 0.35 * shared[leader] + 0.12 * rng.random(n)
        radius = max(style.curl_dm, 0.004) * t
    phase = 2 * np.pi * (turns * t * rng.uniform(0.93, 1.07, (n, 1)) + start[:, None])
    wave = np.stack([np.cos(phase), 0.4 * np.sin(phase), np.sin(phase)], 2)
    return strands + radius[:, :, None] * wave * np.minimum(t * 6, 1)[..., None]


def light_hair(
    strands: np.ndarray, centre: np.ndarray, radius: np.ndarray, lights: Lights, style: HairStyle
) -> Strands:
    """Return the strands with their brightness: lit across (Kajiya & Kay 1989), darker deep inside.

    `radius` (n, k) is the strands' height above the head divided by the style's volume.
    """
    tangent = normalized(np.gradient(strands, axis=1))
    view = np.array([0.0, 0, 1])
    outward = normalized(strands - centre)
    shade = np.zeros(strands.shape[:2])
    for direction, power in ((lights.key, 0.62), (lights.fill, 0.16), (np.array([0.0, 0.95, 0.3]), 0.30)):
        along = tangent @ direction
        across = np.sqrt(np.clip(1 - along**2, 0, 1))
        facing = smoothstep(-0.45, 0.75, outward @ direction)
        half = normalized(direction + view)
        shine = np.sqrt(np.clip(1 - (tangent @ half) ** 2, 0, 1)) ** 60
        shade += power * facing * (0.62 * across + 0.42 * shine)
    own = np.random.default_rng(0).normal(1, 0.16, (len(strands), 1))
    depth = own * (0.45 + 0.55 * smoothstep(-0.1, 0.85, radius))
    under = 0.72 + 0.28 * smoothstep(6.0, 7.4, strands[..., 1])
    return Strands(strands, np.clip(shade * depth * under, 0, 1))
