"""A lamp in the camera's view: how bright it is in each frame, and when it went on. Pure."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

LEAST_STEP = 20.0
"""A lamp that is seen changes its region by so many grey levels at least. Our choice."""


def lamp_brightness(frames: Iterable[np.ndarray], region: tuple[int, int, int, int]) -> np.ndarray:
    """Return the mean grey level of a region in each frame.

    Parameters
    ----------
    frames
        Each ``(height_px, width_px)``.
    region
        ``(left_px, top_px, width_px, height_px)`` of the lamp.

    Raises
    ------
    ValueError
        If the region does not lie in the frames.
    """
    left, top, width, height = region
    levels = []
    for frame in frames:
        if left < 0 or top < 0 or left + width > frame.shape[1] or top + height > frame.shape[0]:
            raise ValueError(
                f"the lamp's region of {width} x {height} px at ({left}, {top}) reaches beyond the frame of "
                f"{frame.shape[1]} x {frame.shape[0]} px"
            )
        levels.append(float(frame[top : top + height, left : left + width].mean()))
    return np.array(levels)


def lamp_onsets(brightness: np.ndarray, times_s: np.ndarray) -> np.ndarray:
    """Return when a lamp went on.

    Parameters
    ----------
    brightness
        Grey level of the lamp's region, shape ``(n_frames,)``.
    times_s
        Beginning of each frame's exposure (s), shape ``(n_frames,)``.

    Returns
    -------
    numpy.ndarray
        Times on the clock of `times_s`: between the last frame in which the lamp was off and the first in
        which it was on; a frame that is lit for a part of its exposure only shows by how much.

    Raises
    ------
    ValueError
        If the region does not change by `LEAST_STEP` levels.

    Examples
    --------
    >>> times_s = np.arange(8) / 10
    >>> lamp_onsets(np.array([10, 10, 60, 110, 110, 10, 10, 110.0]), times_s).round(3).tolist()
    [0.25, 0.65]
    """
    brightness, times_s = np.asarray(brightness, float), np.asarray(times_s, float)
    off, on = (
        (float(level) for level in np.quantile(brightness, [0.0, 1.0])) if len(brightness) else (0.0, 0.0)
    )
    if on - off < LEAST_STEP:
        raise ValueError(
            f"no lamp is seen: its region changes by {on - off:.1f} grey levels, at least {LEAST_STEP:g} are "
            "expected. Is the region the lamp's, and is the lamp switched?"
        )
    lit = _lit_share(brightness, off, on)
    is_on = lit > 0.5
    onsets = []
    for frame in np.flatnonzero(is_on[1:] & ~is_on[:-1]) + 1:
        part = float(lit[frame]) if lit[frame] < 0.95 else float(lit[frame - 1])
        at = frame if lit[frame] < 0.95 else frame - 1
        interval_s = times_s[frame] - times_s[frame - 1]
        if 0.05 < part < 0.95:
            onsets.append(times_s[at] + (1 - part) * interval_s)
        else:
            onsets.append(times_s[frame] - 0.5 * interval_s)
    return np.array(onsets)


def _lit_share(brightness: np.ndarray, off: float, on: float) -> np.ndarray:
    """0 where the lamp is off, 1 where it is on; the levels are the medians of both states."""
    bright = brightness > (off + on) / 2
    low, high = float(np.median(brightness[~bright])), float(np.median(brightness[bright]))
    return np.asarray(np.clip((brightness - low) / (high - low), 0, 1))
