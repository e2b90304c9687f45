"""Which refresh is it, and which frame of a video belongs on it: small computations without a screen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

EARLY = 0.1
"""Fraction of a refresh by which a frame of a video may be shown before its time."""


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


class Pulldown(NamedTuple):
    """Which frame of a video belongs on which refresh of a screen."""

    frames: list[int]
    """The frame of each refresh, from video onset to its end."""
    holds: list[int]
    """For each frame that is shown, the number of refreshes for which it stays."""
    pattern: list[int]
    """The shortest series of holds whose repetition gives all of them, except the last frame's."""
    late_s: list[float]
    """For each frame that is shown, the time after its own at which it appears; negative = before."""


def pulldown(*, fps: float, refresh_hz: float, n_frames: int) -> Pulldown:
    """Plan a video refresh by refresh, as `video_frame` will choose when no refresh is missed.

    Parameters
    ----------
    fps : float
        Frames per second of the video.
    refresh_hz : float
        Refreshes per second of the screen.
    n_frames : int
        Number of frames.

    Returns
    -------
    Pulldown
        The frames, how long each stays, and how late each comes.

    Examples
    --------
    >>> plan = pulldown(fps=25.0, refresh_hz=60.0, n_frames=125)
    >>> len(plan.frames), plan.pattern, round(max(plan.late_s) * 1000, 1)
    (300, [3, 2, 3, 2, 2], 13.3)
    """
    n_refreshes = n_flips(n_frames / fps, refresh_hz=refresh_hz)
    frames = [
        video_frame(refresh, fps=fps, refresh_hz=refresh_hz, n_frames=n_frames)
        for refresh in range(n_refreshes)
    ]
    first = {frame: refresh for refresh, frame in reversed(list(enumerate(frames)))}
    shown = sorted(first)
    holds = [frames.count(frame) for frame in shown]
    late_s = [first[frame] / refresh_hz - frame / fps for frame in shown]
    return Pulldown(frames, holds, _shortest_pattern(holds[:-1] or holds), late_s)


def _shortest_pattern(holds: Sequence[int]) -> list[int]:
    lengths = range(1, len(holds) + 1)
    return next(
        list(holds[:length])
        for length in lengths
        if all(hold == holds[index % length] for index, hold in enumerate(holds))
    )


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


class RefreshGrid:
    """The refreshes of a screen, numbered, and the time of each, followed from flip to flip.

    Flips are seen late rather than early, as the computer may be busy when a refresh has happened: a flip
    that is seen before its time sets the grid, one that is seen after it moves the grid only a little. A flip
    that is half a refresh late or more belongs to a later refresh.

    Parameters
    ----------
    refresh_hz : float
        Refreshes per second.
    start_s : float
        Time of refresh number 0 (s).

    Examples
    --------
    >>> grid = RefreshGrid(refresh_hz=100.0, start_s=2.0)
    >>> [grid.observe(time_s) for time_s in (2.010, 2.021, 2.050)]
    [1, 1, 3]
    >>> grid.number, round(grid.time_s, 3)
    (5, 2.05)
    """

    FOLLOWED = 0.02
    """Part of a late flip's lateness by which the grid moves."""

    def __init__(self, *, refresh_hz: float, start_s: float) -> None:
        self.number = 0
        self.time_s = start_s
        self.period_s = 1 / refresh_hz

    def observe(self, flip_s: float) -> int:
        """Take note of a flip; return by how many refreshes it came after the one before.

        1 is in time, more are missed refreshes. 0 takes one back: the flip before was seen so late that it
        was taken for the next one.
        """
        steps = max(0, round((flip_s - self.time_s) / self.period_s))
        self.step(steps)
        late_s = flip_s - self.time_s
        self.time_s += late_s if late_s < 0 else self.FOLLOWED * late_s
        return steps

    def catch_up(self, flip_s: float) -> int:
        """Go on by the refreshes that a flip came too late for, after it was waited for; return how many."""
        steps = max(0, round((flip_s - self.time_s) / self.period_s))
        self.step(steps)
        return steps

    def step(self, steps: int) -> None:
        """Go on by so many refreshes."""
        self.number += steps
        self.time_s += steps * self.period_s

    def steps_after(self, now_s: float) -> int:
        """Return how many refreshes after the last one the first is that is not over; at least 1."""
        return max(1, math.ceil((now_s - self.time_s) / self.period_s - 1e-6))
