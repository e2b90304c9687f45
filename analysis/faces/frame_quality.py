"""Which frames of a video cannot be trusted, by stated rules, and a table of what is left out.

The rules work on what `analysis.faces.frame_measures` kept of each frame and on the session's own medians, so
that a threshold can be changed without decoding the video again. Nothing is left out in silence: each frame
has a flag per rule, each stretch of flagged frames a row with the rule's worst value.

Rules, in the order in which they are tried; a frame that an earlier rule took is not judged by a later one:

==========  ================================================================================================
time        it has no time, or one that is not later than that of the frame before
duplicated  no pixel differs from the frame before, or the difference is below 0.15 of the median of a second
            around it: a copy that a recorder put in place of a lost frame
exposure    its gain (brightness of the median tile against the session) is 25 % off, or 10 % off the second
            around it (a flash), or steps by 10 % for good (the frame of the step)
shift       the picture lies more than 4 px from where it lies in most of the session
occlusion   more than 3 % of the tiles are 16 grey levels, and six of their own robust standard deviations,
            off their median, and clearly more than is usual in this video: a paw, grooming, a hand
==========  ================================================================================================

A frame after an interval of more than one and a half usual ones has ``missing_before``, the number of dropped
frames; the frame itself is good and stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.faces.exclusion_tables import count_reasons, runs, stretches
from analysis.faces.frame_measures import FrameMeasures

GAP_INTERVALS = 1.5
"""Interval, in usual intervals, from which frames are missing: half-way between none and one. Our choice; the
rule found 60 of 60 single drops in 54,000 simulated frames."""
DUPLICATE_SHARE = 0.15
"""Difference from the frame before, as a share of the median around it, below which a frame is a copy. Our
choice: frames of a camera differ by its noise, on the real video at least by 0.74 of that median."""
GAIN_OFF = 0.25
"""Gain off the session's median from which a frame is left out. Our choice: descriptors of a real face keep
r = .963 (of .965) at a gain of 0.8, and fall to .788 at 1.5."""
GAIN_JUMP = 0.10
"""Gain off the second around it, or step between two half seconds, from which exposure has jumped. Our
choice."""
SHIFT_PX = 4.0
"""Shift from which a frame is left out. Our choice: 4 px cost descriptors of a real face .005 of r, 16 px
.10."""
SHIFT_RESPONSE = 0.25
"""Clarity of the phase correlation below which a frame's position counts as unknown. Our choice: on a running
animal, where most of the picture moves, most frames lie below, on a still face none."""
OCCLUDED_TILES = 0.03
"""Share of tiles that must be off for an occlusion, and six robust standard deviations more than is usual in
the video. Our choice: of 108 tiles a paw takes 5 to 20, expressions of a drawn mouse 3 at most; on a running
mouse, the whole of it in view, 2 are usual and up to 10 occur, so that there the limit sets itself higher."""
OCCLUDED_LEVELS = 16.0
"""Grey levels (of 255) by which a tile must be off. Our choice."""
OCCLUDED_DEVIATIONS = 6.0
"""Robust standard deviations of the tile itself by which it must be off; parts that move often, such as
whiskers and ears, thereby set their own limit. Our choice."""

REASONS = ("time", "duplicated", "exposure", "shift", "occlusion")
"""Rules that exclude frames, in their order."""


@dataclass(frozen=True)
class FrameQuality:
    """Verdict on every frame of a video."""

    frames: pd.DataFrame
    """One row per frame: ``frame``, ``time_s``, ``missing_before`` (dropped frames before this one), a
    boolean column per rule, ``excluded``, and what the rules saw: ``gain`` (1 = as usual), ``difference``
    (grey levels), ``shift_px``, ``tiles_off`` (share). NaN where a frame could not be judged."""
    exclusions: pd.DataFrame
    """One row per stretch of flagged frames: ``reason``, ``first_frame``, ``last_frame``, ``start_s``,
    ``stop_s``, ``n_frames``, ``worst`` (value that the rule saw), ``excluded``. Dropped frames have rows
    too."""
    counts: pd.DataFrame
    """One row per reason: ``reason``, ``rule``, ``n_frames``, ``share``, ``n_stretches``."""
    interval_s: float
    """Usual time between two frames (median), in seconds."""
    warnings: tuple[str, ...]
    """What holds for the whole video and the reader should know."""

    @property
    def valid(self) -> np.ndarray:
        """Which frames may be analysed, boolean ``(n_frames,)``."""
        return ~self.frames["excluded"].to_numpy()


def judge_frames(
    measures: FrameMeasures,
    *,
    exclude: Sequence[str] = REASONS,
    gap_intervals: float = GAP_INTERVALS,
    duplicate_share: float = DUPLICATE_SHARE,
    gain_off: float = GAIN_OFF,
    gain_jump: float = GAIN_JUMP,
    shift_px: float = SHIFT_PX,
    shift_response: float = SHIFT_RESPONSE,
    occluded_tiles: float = OCCLUDED_TILES,
    occluded_levels: float = OCCLUDED_LEVELS,
    occluded_deviations: float = OCCLUDED_DEVIATIONS,
) -> FrameQuality:
    """Flag each frame by the rules of this module.

    Parameters
    ----------
    measures
        What was measured of each frame.
    exclude
        Rules whose frames are left out; frames of the others are flagged only.
    gap_intervals, duplicate_share, gain_off, gain_jump, shift_px, shift_response
        See the constants of this module, where they come from too.
    occluded_tiles, occluded_levels, occluded_deviations
        As well.

    Raises
    ------
    ValueError
        If a reason is not known, or no two frames have times.
    """
    unknown = [reason for reason in exclude if reason not in REASONS]
    if unknown:
        raise ValueError(f"unknown reason {unknown[0]!r}; known are {', '.join(REASONS)}")
    interval_s, missing, bad_time = _judge_times(measures.times_s, gap_intervals)
    second = max(3, 2 * round(0.5 / interval_s) + 1)
    duplicated = ~bad_time & find_duplicates(measures.difference, measures.identical, duplicate_share, second)
    gain, residual = _gain_and_residual(measures.tiles)
    exposure = ~(bad_time | duplicated) & find_exposure_jumps(gain, gain_off, gain_jump, second)
    distance = _distance_px(measures, shift_response)
    moved = ~(bad_time | duplicated | exposure) & (distance > shift_px)
    spread = 1.4826 * np.median(residual, axis=0)
    off = (residual > np.maximum(occluded_levels, occluded_deviations * spread)).mean(axis=1)
    occlusion = ~(bad_time | duplicated | exposure | moved) & (
        off > max(occluded_tiles, _usual_limit(off, occluded_deviations))
    )
    flags = dict(zip(REASONS, (bad_time, duplicated, exposure, moved, occlusion), strict=True))
    frames = pd.DataFrame(
        {
            "frame": measures.frame,
            "time_s": measures.times_s,
            "missing_before": missing,
            **flags,
            "excluded": np.any([flags[reason] for reason in exclude], axis=0) if exclude else False,
            "gain": gain,
            "difference": measures.difference,
            "shift_px": distance,
            "tiles_off": off,
        }
    )
    rules = {
        "time": "no time, or not later than the frame before",
        "duplicated": f"difference from the frame before < {duplicate_share:g} of the usual",
        "exposure": f"gain {gain_off:.0%} off the session, or {gain_jump:.0%} off the second around",
        "shift": f"picture moved by > {shift_px:g} px",
        "occlusion": f"> {occluded_tiles:.0%} of the tiles {occluded_levels:g} levels and "
        f"{occluded_deviations:g} deviations off, and more than usual",
        "dropped": f"interval > {gap_intervals:g} times the usual {1000 * interval_s:.1f} ms",
    }
    exclusions = stretches(frames, REASONS, exclude, interval_s)
    return FrameQuality(
        frames=frames,
        exclusions=exclusions,
        counts=count_reasons(frames, exclusions, REASONS, rules),
        interval_s=interval_s,
        warnings=_warnings(measures, frames, interval_s, shift_response),
    )


def find_duplicates(
    difference: np.ndarray, identical: np.ndarray, share: float = DUPLICATE_SHARE, window: int = 31
) -> np.ndarray:
    """Return which frames are copies of the one before, boolean ``(n_frames,)``.

    Parameters
    ----------
    difference
        Mean absolute difference from the frame before; NaN for the first.
    identical
        Whether no pixel differs.
    share
        Share of the median difference around a frame below which it counts as a copy.
    window
        Frames around it, for that median.

    Examples
    --------
    >>> find_duplicates(np.array([np.nan, 2.0, 2.1, 0.1, 2.0]), np.zeros(5, bool)).tolist()
    [False, False, False, True, False]
    """
    usual = _around(np.asarray(difference, float), window)
    with np.errstate(invalid="ignore"):
        return np.asarray(identical, bool) | (difference < share * usual)


def find_exposure_jumps(
    gain: np.ndarray, off: float = GAIN_OFF, jump: float = GAIN_JUMP, window: int = 31
) -> np.ndarray:
    """Return which frames are lit unlike the others, boolean ``(n_frames,)``.

    Parameters
    ----------
    gain
        Brightness against the session's median, 1 = as usual, shape ``(n_frames,)``.
    off
        Deviation from the session from which a frame is flagged, however long it lasts.
    jump
        Deviation from the median of the ``window`` around, and lasting step, from which it is flagged.
    window
        Frames around it, odd.

    Examples
    --------
    >>> np.flatnonzero(find_exposure_jumps(np.r_[np.ones(40), 1.15, np.ones(40)])).tolist()
    [40]
    >>> np.flatnonzero(find_exposure_jumps(np.r_[np.ones(40), np.full(40, 1.15)])).tolist()
    [40]
    """
    level = np.log2(np.maximum(gain, 1e-3))
    flash = np.abs(level - _around(level, window)) > np.log2(1 + jump)
    far = np.abs(level) > np.log2(1 + off)
    return flash | far | _steps(level, np.log2(1 + jump), max(2, window // 2))


def _steps(level: np.ndarray, height: float, half: int) -> np.ndarray:
    """One frame for each step: where the medians of ``half`` frames before and after differ by ``height``."""
    found = np.zeros(len(level), bool)
    if len(level) < 2 * half:
        return found
    medians = pd.Series(level).rolling(half).median().to_numpy()
    step = np.zeros(len(level))
    step[half : -half + 1 or None] = np.abs(medians[2 * half - 1 :] - medians[half - 1 : -half])
    for first, last in runs(step > height):
        found[first + int(np.argmax(np.abs(np.diff(level[first - 1 : last + 1]))))] = True
    return found


def _judge_times(times_s: np.ndarray, gap_intervals: float) -> tuple[float, np.ndarray, np.ndarray]:
    """Usual interval, dropped frames before each frame, and which frames have no usable time."""
    times = np.asarray(times_s, float)
    latest = np.maximum.accumulate(np.where(np.isfinite(times), times, -np.inf))
    bad = ~np.isfinite(times)
    bad[1:] |= times[1:] <= latest[:-1]
    good = np.flatnonzero(~bad)
    if len(good) < 2:
        raise ValueError(
            "fewer than two frames have a time that rises; give the times of the frames (a table of the "
            "camera "
            "or the container's), never number / frames per second"
        )
    steps = np.diff(times[good])
    per_frame = steps / np.diff(good)
    interval_s = float(np.median(per_frame[np.diff(good) == 1])) if (np.diff(good) == 1).any() else 0.0
    interval_s = interval_s or float(np.median(per_frame))
    missing = np.zeros(len(times), int)
    gaps = steps > (np.diff(good) + gap_intervals - 1) * interval_s
    missing[good[1:][gaps]] = np.rint(steps[gaps] / interval_s).astype(int) - np.diff(good)[gaps]
    return interval_s, missing, bad


def _gain_and_residual(tiles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gain of each frame, and by how many levels each tile is off its median when the gain is taken out."""
    levels = tiles.astype(np.float32)
    gain = np.maximum(
        np.median(levels, axis=1), 0.5
    )  # a start that a step of the lamp half-way does not upset
    for _ in range(2):
        usual = np.median(levels / np.maximum(gain / np.median(gain), 0.02)[:, None], axis=0)
        lit = usual >= min(16.0, float(np.median(usual)))
        gain = np.median(levels[:, lit] / np.maximum(usual[lit], 0.5), axis=1)
    gain /= np.median(gain)
    return gain, np.abs(levels / np.maximum(gain, 0.02)[:, None] - usual)


def _usual_limit(values: np.ndarray, deviations: float) -> float:
    middle = float(np.median(values))
    return middle + deviations * 1.4826 * float(np.median(np.abs(values - middle)))


def _distance_px(measures: FrameMeasures, least_response: float) -> np.ndarray:
    """Distance of each frame's picture from its usual place, median of five frames; NaN where not clear."""
    clear = measures.shift_response >= least_response
    if clear.mean() < 0.5:
        return np.full(len(clear), np.nan)
    place = np.where(clear[:, None], measures.shift_px, np.nan).astype(float)
    place -= np.nanmedian(place, axis=0)
    smooth = pd.DataFrame(place).rolling(5, center=True, min_periods=1).median().to_numpy()
    return np.where(clear, np.hypot(smooth[:, 0], smooth[:, 1]), np.nan)


def _warnings(
    measures: FrameMeasures, frames: pd.DataFrame, interval_s: float, least_response: float
) -> tuple[str, ...]:
    found = []
    steps = np.diff(measures.times_s)
    steps = steps[np.isfinite(steps)]
    uneven = float(np.mean(np.abs(steps / interval_s - np.rint(steps / interval_s)) > 0.25))
    if uneven > 0.1:
        found.append(
            f"{uneven:.0%} of the intervals between frames are no multiple of the usual one: dropped frames "
            "cannot be counted with certainty (variable frame rate, or times taken when frames were written)"
        )
    copies = float(frames["duplicated"].mean())
    if copies > 0.05:
        found.append(
            f"{copies:.0%} of the frames repeat the one before: the camera may have been slower than the "
            f"video "
            "says, or strong compression has taken the differences out"
        )
    if (measures.shift_response >= least_response).mean() < 0.5:
        found.append(
            "the place of the picture is not clear in most frames: a moved camera cannot be detected"
        )
    if frames["shift"].mean() > 0.1:
        found.append(
            f"the picture lies elsewhere in {frames['shift'].mean():.0%} of the frames: if the camera was "
            f"moved, "
            "register the parts to each other rather than leave one out"
        )
    return tuple(found)


def trial_losses(
    quality: FrameQuality, events: pd.DataFrame, *, before_s: float, after_s: float
) -> pd.DataFrame:
    """Return how much of each event's time was lost.

    Parameters
    ----------
    quality
        Verdict on the frames.
    events
        With ``onset`` in seconds on the clock of the frames.
    before_s, after_s
        The time around the onset that is wanted.

    Returns
    -------
    pandas.DataFrame
        One row per event, its index kept: ``n_frames``, ``n_excluded``, ``n_dropped``, ``share_lost``; NaN
        where no frame was due.
    """
    times = quality.frames["time_s"].to_numpy()
    rows = []
    for onset in events["onset"].to_numpy(float):
        inside = (times >= onset - before_s) & (times < onset + after_s)
        excluded = int(quality.frames["excluded"].to_numpy()[inside].sum())
        dropped = int(quality.frames["missing_before"].to_numpy()[inside].sum())
        due = int(inside.sum()) + dropped
        share = (excluded + dropped) / due if due else np.nan
        rows.append((int(inside.sum()), excluded, dropped, share))
    return pd.DataFrame(
        rows, columns=["n_frames", "n_excluded", "n_dropped", "share_lost"], index=events.index
    )


def _around(values: np.ndarray, window: int) -> np.ndarray:
    return pd.Series(values).rolling(window, center=True, min_periods=1).median().to_numpy()
