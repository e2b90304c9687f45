"""Which refresh is it, and which frame of a video belongs on it: small computations without a screen."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

LATE = 0.5
"""A flip counts as dropped when it comes later than expected by more than this fraction of a refresh."""

EARLY = 0.1
"""Fraction of a refresh by which a frame of a video may be shown before its time."""


def refreshes_since(time_s: float, onset_s: float, *, refresh_hz: float) -> int:
    """Count the refreshes from an onset to a time; a refresh that was missed counts too.

    >>> refreshes_since(10.051, 10.0, refresh_hz=60.0)
    3
    """
    return round((time_s - onset_s) * refresh_hz)


def n_flips(duration_s: float, *, refresh_hz: float) -> int:
    """Express a duration as a whole number of refreshes, at least one.

    >>> n_flips(5.0, refresh_hz=59.94), n_flips(2.517, refresh_hz=60.0)
    (300, 151)
    """
    return max(1, round(duration_s * refresh_hz))


def video_frame(refresh: int, *, fps: float, refresh_hz: float, n_frames: int) -> int:
    """Choose the frame of a video for a refresh counted from its onset.

    A frame appears at the first refresh at or after its time. A tenth of a refresh is allowed for, because a
    measured refresh rate is never exactly 60: without it, the pattern of 25 frames on 60 refreshes
    (3, 2, 3, 2, 2) would depend on the last digit of the measurement.

    Parameters
    ----------
    refresh : int
        Number of the refresh, 0 at video onset.
    fps : float
        Frames per second of the video.
    refresh_hz : float
        Refreshes per second of the screen.
    n_frames : int
        Number of frames; the last one stays.

    Returns
    -------
    int
        Index of the frame, from 0.

    Examples
    --------
    >>> [video_frame(refresh, fps=25.0, refresh_hz=60.02, n_frames=125) for refresh in range(13)]
    [0, 0, 0, 1, 1, 2, 2, 2, 3, 3, 4, 4, 5]
    """
    return min(math.floor((refresh + EARLY) * fps / refresh_hz), n_frames - 1)


def is_dropped(time_s: float, expected_s: float, *, refresh_hz: float) -> bool:
    """Say whether a flip came at least one refresh late.

    >>> is_dropped(1.018, 1.0, refresh_hz=60.0), is_dropped(1.002, 1.0, refresh_hz=60.0)
    (True, False)
    """
    return (time_s - expected_s) * refresh_hz > LATE


def measured_refresh_hz(flip_times_s: Sequence[float]) -> float | None:
    """Estimate the refresh rate from the times of successive flips.

    Parameters
    ----------
    flip_times_s : sequence of float
        Times of flips in a row (s).

    Returns
    -------
    float or None
        Refreshes per second; None where the flips do not keep time, as on a virtual screen without
        refresh: fewer than 20 flips, fewer than nine tenths of the intervals within 15 % of their median, or
        a rate outside 20 to 500 Hz.

    Notes
    -----
    The median interval finds the whole number of refreshes between any two flips, and the rate is the slope
    of the straight line through all flips; so single late flips and the jitter of time stamps do little.

    Examples
    --------
    >>> measured_refresh_hz([0.01 * flip for flip in range(60)])
    100.0
    """
    times_s = np.asarray(flip_times_s, dtype=float)
    if len(times_s) < 20:
        return None
    intervals_s = np.diff(times_s)
    typical_s = float(np.median(intervals_s))
    if typical_s <= 0 or np.mean(np.abs(intervals_s / typical_s - 1) < 0.15) < 0.9:
        return None
    refreshes = np.concatenate([[0], np.cumsum(np.round(intervals_s / typical_s))])
    period_s = float(np.polyfit(refreshes, times_s, 1)[0])
    rate_hz = round(1 / period_s, 3)
    return rate_hz if 20 <= rate_hz <= 500 else None
