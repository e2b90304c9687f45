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
BROW_Y_DM = (7.450, 7.467, 7.478, 7.468, 7.405)
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


def grow_lashes(look: Look, base: np.ndarray, *, n_lashes: int = 120) -> Strands:
    """Place the upper lashes on base vertices (n, 3), `n_lashes` on each eye."""
    curves = []
    for side in ("left", "right"):
        grid = base[load_head().lashes[f"upper_{side}"]]
        grid = grid if grid[0, :, 2].mean() < grid[-1, :, 2].mean() else grid[::-1]
        rng = np.random.default_rng(look.brow_seed)
        column = np.sort(rng.uniform(0.3, grid.shape[1] - 1.01, n_lashes))
        left = column.astype(int)
        weight = (column - left)[:, None]
        root, tip = (grid[row, left] * (1 - weight) + grid[row, left + 1] * weight for row in (1, -1))
        length = 0.48 * look.lash_length * rng.uniform(0.5, 1.15, (n_lashes, 1))
        away = np.array([0.0, 1.0, 0.25]) + rng.normal(0, 0.16, (n_lashes, 3))
        curves.append(_bend(root, tip, length, away))
    points = np.concatenate(curves)
    return Strands(points, np.full(points.shape[:2], 0.15))


def _bend(root: np.ndarray, tip: np.ndarray, length: np.ndarray, away: np.ndarray) -> np.ndarray:
    """Return curves (n, 5, 3) that leave the lid towards `tip` and bend in the direction `away`."""
    size = (np.linalg.norm(tip - root, axis=1, keepdims=True) * length)[:, None]
    t = np.linspace(0, 1, 5)[None, :, None]
    return root[:, None] + size * (normalized(tip - root)[:, None] * t + 0.45 * away[:, None] * t**2)
