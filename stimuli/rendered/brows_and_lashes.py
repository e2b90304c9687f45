"""Eyebrows and eyelashes as strands that follow the skin."""

import functools

import numpy as np

from stimuli.rendered.head import load_head
from stimuli.rendered.identities import Look
from stimuli.rendered.profiles import normalized
from stimuli.rendered.strands import Strands
from stimuli.rendered.surface import SkinPoints, locate

N_BROW_HAIRS = 640
"""Hairs per eyebrow."""

BROW_X_DM = (0.085, 0.20, 0.34, 0.46, 0.60)
BROW_Y_DM = (7.437, 7.460, 7.478, 7.470, 7.405)
"""Course of the eyebrow on the face at rest."""


@functools.lru_cache(maxsize=64)
def brow_hairs(thickness: float, arch: float, seed: int) -> tuple[SkinPoints, np.ndarray, np.ndarray]:
    """Draw the hairs of both brows: skin points (n * 5), height above the skin (n, 5) in dm, shade (n, 5)."""
    rng = np.random.default_rng(seed)
    n = 2 * N_BROW_HAIRS
    arched = np.array(BROW_Y_DM) + arch * 0.035 * np.array([0, 0.25, 0.7, 0.9, 0.1])
    course = np.polynomial.Polynomial.fit(BROW_X_DM, arched, 3)
    along = rng.beta(1.05, 1.2, n)
    across = np.clip(rng.normal(0, 0.45, n), -1.1, 1.1)
    x = BROW_X_DM[0] + along * (BROW_X_DM[-1] - BROW_X_DM[0])
    half_dm = thickness * (0.040 * (1 - 0.60 * along) + 0.006) * np.where(along < 0.08, 0.6, 1)
    y = course(x) + across * half_dm
    angle = np.radians(
        66 * (1 - along) ** 1.6 + 6 - 28 * along - 22 * across * (along > 0.15) + rng.normal(0, 8, n)
    )
    length = rng.uniform(0.028, 0.052, n) * (1 - 0.3 * along)
    t = np.linspace(0, 1, 5)
    bent = angle[:, None] - 0.45 * t
    step = length[:, None] * np.diff(t, prepend=0)
    xs = x[:, None] + np.cumsum(step * np.cos(bent), 1)
    ys = y[:, None] + np.cumsum(step * np.sin(bent), 1)
    xs[N_BROW_HAIRS:] *= -1
    points = locate(np.stack([xs.ravel(), ys.ravel()], 1))
    shade = np.clip(rng.normal(0.36, 0.1, n), 0.05, 0.7)[:, None] + 0.1 * t
    return points, 0.004 + 0.012 * np.sin(np.pi * t * 0.6)[None] * np.ones((n, 1)), shade


def grow_brows(look: Look, vertices: np.ndarray, normals: np.ndarray) -> Strands:
    """Place the eyebrows on drawn vertices (n, 3) with their normals."""
    points, height, shade = brow_hairs(look.brow_thickness, look.brow_arch, look.brow_seed)
    root = points.on(vertices) + points.on(normals) * height.reshape(-1, 1)
    return Strands(root.reshape(*shade.shape, 3), shade)


def grow_lashes(look: Look, base: np.ndarray, *, upper: bool, n_lashes: int = 120) -> Strands:
    """Place the upper or lower lashes on base vertices (n, 3), `n_lashes` on each eye."""
    curves = []
    for side in ("left", "right"):
        grid = base[load_head().lashes[f"{'upper' if upper else 'lower'}_{side}"]]
        grid = grid if _is_root_first(grid) else grid[::-1]
        rng = np.random.default_rng([look.brow_seed, upper])
        column = np.sort(rng.uniform(0.3, grid.shape[1] - 1.01, n_lashes))
        left = column.astype(int)
        weight = (column - left)[:, None]
        rows = [grid[r, left] * (1 - weight) + grid[r, left + 1] * weight for r in (1, -1)]
        curves.append(_bend(rows, look.lash_length * rng.uniform(0.7, 1.1, (n_lashes, 1)), upper, rng))
    points = np.concatenate(curves)
    return Strands(points, np.full(points.shape[:2], 0.15 if upper else 0.9))


def _is_root_first(grid: np.ndarray) -> bool:
    """Tell whether the strip's first row is the lid's side (further back than the tips)."""
    return bool(grid[0, :, 2].mean() < grid[-1, :, 2].mean())


def _bend(rows: list[np.ndarray], length: np.ndarray, upper: bool, rng: np.random.Generator) -> np.ndarray:
    """Return lashes (n, 5, 3) that leave the lid forwards and bend away from the eye."""
    root, tip = rows
    outwards = normalized(tip - root)
    size = np.linalg.norm(tip - root, axis=1, keepdims=True) * length * (0.5 if upper else 0.3)
    away = np.array([0.0, 1.0 if upper else -1.0, 0.25]) + rng.normal(0, 0.12, (len(root), 3))
    t = np.linspace(0, 1, 5)[None, :, None]
    return root[:, None] + size[:, None] * (outwards[:, None] * t + 0.45 * away[:, None] * t**2)
