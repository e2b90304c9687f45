"""Hair strands: curves in space painted as fine lines, far ones first."""

from typing import NamedTuple

import cv2
import numpy as np

SHADES = 48
"""Steps of brightness between a strand's darkest and brightest colour."""
SLICES = 28
"""Steps of depth in which strands are painted."""


class Strands(NamedTuple):
    """Curves `points` (n, k, 3) in dm with a brightness `shade` (n, k) in 0..1."""

    points: np.ndarray
    shade: np.ndarray


def paint(
    canvas: np.ndarray,
    screen: np.ndarray,
    shade: np.ndarray,
    ramp: np.ndarray,
    *,
    keep: np.ndarray | None = None,
    thickness_px: int = 1,
) -> None:
    """Paint strands into `canvas` (rows, columns, 4) uint8: premultiplied sRGB and coverage, in place.

    Parameters
    ----------
    screen : (n, k, 3) array
        Column, row and depth of the points; they are painted in pieces of three points, far ones first.
    shade : (n, k) array
        Brightness in 0..1.
    ramp : (SHADES, 3) array
        sRGB colour (0..1) of each brightness.
    keep : (n, k) array of bool, optional
        Pieces are left out unless all their points are kept.
    """
    starts = np.arange(0, screen.shape[1] - 2, 2)
    middle = starts + 1
    pieces = np.stack([screen[:, starts + j] for j in range(3)], 2).reshape(-1, 3, 3)
    piece_shade = shade[:, middle].ravel()
    if keep is not None:
        chosen = (keep[:, starts] & keep[:, middle] & keep[:, starts + 2]).ravel()
        pieces, piece_shade = pieces[chosen], piece_shade[chosen]
    if not len(pieces):
        return
    depth = pieces[:, 1, 2]
    far, near = depth.max(), depth.min()
    depth_slice = np.minimum((far - depth) / max(far - near, 1e-6) * SLICES, SLICES - 1).astype(np.int64)
    step = np.clip(piece_shade * SHADES, 0, SHADES - 1).astype(np.int64)
    group = depth_slice * SHADES + step
    order = np.argsort(group, kind="stable")
    lines = np.round(pieces[order, :, :2] * 16 - 8).astype(np.int32)
    borders = np.flatnonzero(np.diff(group[order])) + 1
    for block, number in zip(np.split(lines, borders), group[order][np.r_[0, borders]], strict=True):
        colour = [*(ramp[number % SHADES] * 255).tolist(), 255.0]
        cv2.polylines(canvas, list(block), False, colour, thickness_px, cv2.LINE_AA, 4)


def colour_ramp(hair: tuple[float, float, float], shine: tuple[float, float, float]) -> np.ndarray:
    """Return sRGB colours (SHADES, 3) from nearly black over `hair` to `shine`."""
    t = np.linspace(0, 1, SHADES)[:, None]
    middle = np.array(hair)
    dark = 0.22 * middle
    low = dark + (middle - dark) * np.clip(t / 0.6, 0, 1)
    return np.clip(low + (np.array(shine) - middle) * np.clip((t - 0.6) / 0.4, 0, 1), 0, 1)
