"""The time course of a video: which morph level each frame shows."""

from __future__ import annotations

from typing import Literal

import numpy as np

DIGITS = 9
"""Levels are rounded to so many digits, so that a way and its reverse have the very same ones."""


def progress(n_frames: int, *, course: Literal["linear", "smooth"], n_held: int) -> np.ndarray:
    """Return how much of the way is done in each frame.

    Parameters
    ----------
    n_frames
        Number of frames.
    course
        ``linear``: the same step from frame to frame. ``smooth``: 3 x^2 - 2 x^3 of it.
    n_held
        How many frames more than one show the beginning, and as many the end.

    Returns
    -------
    numpy.ndarray
        From 0 to 1, shape ``(n_frames,)``; backwards it is one minus itself.

    Raises
    ------
    ValueError
        If fewer than two frames are left to move.

    Examples
    --------
    >>> progress(5, course="linear", n_held=0).tolist()
    [0.0, 0.25, 0.5, 0.75, 1.0]
    >>> progress(5, course="smooth", n_held=1).tolist()
    [0.0, 0.0, 0.5, 1.0, 1.0]
    """
    n_moving = n_frames - 2 * n_held
    if n_moving < 2:
        raise ValueError(
            f"{n_frames} frames, of which {n_held} rest at either end: fewer than two are left to move"
        )
    way = np.linspace(0, 1, n_moving)
    if course == "smooth":
        way = way * way * (3 - 2 * way)
    way = np.concatenate([np.zeros(n_held), way, np.ones(n_held)])
    return (way + (1 - way[::-1])) / 2


def levels_between(start: float, end: float, done: np.ndarray) -> np.ndarray:
    """Return the level of each frame on the way from one level to another.

    The way back has the same levels in reverse, digit for digit.

    Parameters
    ----------
    start, end
        First and last level.
    done
        How much of the way is done in each frame, from `progress`.

    Examples
    --------
    >>> levels_between(0.0, 0.6, np.array([0.0, 0.5, 1.0])).tolist()
    [0.0, 0.3, 0.6]
    >>> levels_between(0.6, 0.0, np.array([0.0, 0.5, 1.0])).tolist()
    [0.6, 0.3, 0.0]
    """
    low, high = min(start, end), max(start, end)
    levels = np.round(low + (high - low) * done, DIGITS)
    return levels if start <= end else levels[::-1]
