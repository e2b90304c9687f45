"""Which way hair of a style is combed."""

from collections.abc import Callable

import numpy as np

from stimuli.rendered.identities import HairStyle
from stimuli.rendered.profiles import normalized, smoothstep
from stimuli.rendered.skull import SKULL_DM

BUN_DM = (0.0, 8.50, -0.30)
"""Where pulled-back hair is wound into a bun."""
DOWN = np.array([0.0, -1.0, 0.0])

Combed = tuple[np.ndarray, np.ndarray]
"""Directions (n, 3) and how much (n,) the hair stands up."""


def comb(position: np.ndarray, root: np.ndarray, side: np.ndarray, style: HairStyle, t: float) -> Combed:
    """Return where hair of a style is combed to.

    Parameters
    ----------
    position, root : (n, 3) arrays
        Where the strands are now and where they grow, in dm.
    side : (n,) array
        1 where a strand falls to the person's left, -1 where to the right.
    style : HairStyle
    t : float
        Part of the strand's length that has grown, 0..1.
    """
    return STYLES[style.kind](position, root, side, style, t)


def _comb_parted(
    position: np.ndarray, root: np.ndarray, side: np.ndarray, style: HairStyle, t: float
) -> Combed:
    """Comb sideways and back from the parting; beside the head hair falls."""
    n = len(position)
    combed = np.stack([side, np.zeros(n), -0.10 - 0.25 * smoothstep(0.6, 1.3, position[:, 2])], 1)
    beside = smoothstep(1.15, 0.8, position[:, 2]) * smoothstep(0.35, 0.7, np.abs(position[:, 0]))
    falling = np.maximum(beside, smoothstep(7.5, 7.2, position[:, 1]))[:, None]
    inward = 0.5 * np.clip(np.abs(position[:, 0]) - 0.72, -0.2, 0.6) * side
    fall = DOWN - np.stack([inward, np.zeros(n), np.zeros(n)], 1)
    return normalized(normalized(combed) * (1 - falling) + fall * falling), np.zeros(n)


def _comb_pulled_back(
    position: np.ndarray, root: np.ndarray, side: np.ndarray, style: HairStyle, t: float
) -> Combed:
    """Comb towards the bun."""
    return normalized(np.array(BUN_DM) - position), np.zeros(len(position))


def _comb_short(
    position: np.ndarray, root: np.ndarray, side: np.ndarray, style: HairStyle, t: float
) -> Combed:
    """Comb the top as the style sweeps it, away from a parting if there is one; the sides down and back."""
    top = np.maximum(smoothstep(7.7, 8.15, root[:, 1]), smoothstep(0.55, 0.85, root[:, 2]))
    back, sweep = style.sweep
    left = side > 0
    across = np.where(left, sweep, -0.4 * sweep) if style.part_dm else np.full(len(side), sweep)
    lift = style.lift * np.where(left | (style.part_dm == 0), 1.0, 0.35)
    combed = np.stack([across * top, -1.0 * (1 - top), -back * top - 0.4 * (1 - top)], 1)
    return normalized(combed), 0.12 + lift * top * (1 - 0.6 * t)


def _comb_curls(
    position: np.ndarray, root: np.ndarray, side: np.ndarray, style: HairStyle, t: float
) -> Combed:
    """Let curls stand away from the head; those at its sides droop."""
    droop = 0.3 * smoothstep(7.7, 7.0, root[:, 1])[:, None]
    return normalized(position - np.array(SKULL_DM)) + droop * DOWN, np.ones(len(position))


STYLES: dict[str, Callable[..., Combed]] = {
    "parted": _comb_parted,
    "pulled_back": _comb_pulled_back,
    "short": _comb_short,
    "curls": _comb_curls,
}


def falling_side(root: np.ndarray, style: HairStyle, rng: np.random.Generator) -> np.ndarray:
    """Return to which side (n,), 1 or -1, a strand falls: from the parting or the neck's middle."""
    middle = style.part_dm * smoothstep(-0.2, 0.4, root[:, 2])
    return np.where(root[:, 0] + rng.normal(0, 0.015, len(root)) >= middle, 1.0, -1.0)


def length_by_place(root: np.ndarray, style: HairStyle) -> np.ndarray:
    """Return how long (n,) strands are relative to the style: short hair is shorter at the sides."""
    if style.kind in ("parted", "pulled_back") or style.covers_ears:
        return np.ones(len(root))
    return 0.30 + 0.70 * smoothstep(7.55, 8.1, root[:, 1])
