"""When each frame was taken, on the clock of the session: from pulses, from a lamp in view, or from arrivals.

Pure. The camera and the device that delivers have clocks of their own. They are joined by what both saw:

- ``pulses``: the device counted every frame, because it triggers the camera, or because the camera's exposure
  line is wired to it. Exact to the device's time stamp.
- ``lamp``: a lamp in the camera's view was switched by the device. Exact to a part of a frame.
- ``host``: nothing but the arrival of frames at the computer. Frames then lie a constant, unknown delay late.

Times are those of the beginning of the exposure (``host``: of the arrival).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from experiments.dataset.frame_table import camera_times, frame_numbers, shown_frames, usual_interval_s
from experiments.dataset.lamp import lamp_onsets

Method = Literal["pulses", "lamp", "host"]
MOST_FRAMES = 1.0
"""A residual above so many frames is refused."""
SEARCH = 200
"""So many frames around the arrival of the first one its pulse is looked for."""
JOINING_S = 0.002
"""A frame may seem to arrive so much before its pulse began (s): the clocks of device and computer are joined
as if its messages took no time."""
MOST_DELAY_S = 1.0
"""A frame arrives at most so long after its exposure. Our choice: ten times a slow camera's delay."""
BOUNCE = 0.3
"""A pulse that follows another within this share of the interval is the same one."""
LEAST_FLASHES = 3
"""With fewer flashes of a lamp than these, a wrong one could not be told."""


@dataclass(frozen=True, kw_only=True)
class FrameTimes:
    """When the frames of a video were taken, and how sure that is."""

    times_s: np.ndarray
    """Time of each frame of the video on the session's clock (s), shape ``(n_frames,)``, increasing."""
    method: Method
    """What joined the clocks."""
    residual_s: float
    """95th percentile of how far what both clocks saw lies from the line between them (s)."""
    interval_s: float
    """Usual interval between frames (s)."""
    ppm: float
    """How much slower the camera's clock runs than the session's, in millionths; NaN if it has none."""
    n_matched: int
    """Frames (or flashes of the lamp) that both clocks saw."""
    n_unmatched: int
    """Pulses (or flashes) for which the table has no frame, and frames without a pulse."""
    warnings: tuple[str, ...] = ()
    """What the experimenter should know, in words."""

    @property
    def residual_frames(self) -> float:
        """The residual as a share of the interval between frames."""
        return self.residual_s / self.interval_s if self.interval_s > 0 else float("inf")

    def __str__(self) -> str:
        drift = "" if np.isnan(self.ppm) else f", the camera's clock off by {self.ppm:+.1f} ppm"
        return (
            f"{len(self.times_s)} frames placed by {self.method}: residual {self.residual_s * 1e3:.2f} ms "
            f"({self.residual_frames:.2f} frames){drift}"
        )


def align_pulses(
    table: pd.DataFrame,
    pulses_s: np.ndarray,
    *,
    session_start_s: float,
    most_frames: float = MOST_FRAMES,
    override: bool = False,
) -> FrameTimes:
    """Place frames by the pulses that the device saw, one per exposure.

    Parameters
    ----------
    table
        From `frame_table.read_frame_table`.
    pulses_s
        Time of each pulse on the session's clock (s), increasing. Exposures before or after the recording,
        and lost pulses, may be among them or not.
    session_start_s
        What the computer's clock (of ``host_s``) showed when the session's clock showed 0 (s).
    most_frames
        Largest residual (frames).
    override
        Whether a larger one is only warned of.

    Returns
    -------
    FrameTimes
        A frame whose pulse was lost is placed by the line between the clocks.

    Raises
    ------
    ValueError
        If there is no frame or no pulse, nothing matches, or the residual is too large.

    Notes
    -----
    Frames and pulses are numbered each by themselves, lost ones included. Between the two counts lies a whole
    number, for which every value is tried: it must leave no frame that arrived before its exposure began, and
    among those it is the one that both agree on best, then the one with the shortest delays.
    """
    shown, numbers, camera_s, arrived_s = _prepare(table, session_start_s)
    pulses_s = np.asarray(pulses_s, float)
    if not len(pulses_s):
        raise ValueError(
            "the device saw no frame pulse: is the camera's exposure line wired to its frame input? Place "
            "the frames by a lamp in view, or by their arrival"
        )
    if not (np.diff(pulses_s) > 0).all():
        raise ValueError("the times of the frame pulses do not increase: were two sessions put together?")
    interval_s = usual_interval_s(pulses_s) if len(pulses_s) > 1 else float("nan")
    span = int(numbers[-1]) + 1
    if len(pulses_s) not in (1, span):  # an edge that bounces is one pulse
        pulses_s = pulses_s[np.diff(pulses_s, prepend=-np.inf) > BOUNCE * interval_s]
    pulse_numbers = _pulse_numbers(pulses_s, interval_s, span=span)
    shift, doubt = _find_shift(numbers, camera_s, arrived_s, pulse_numbers, pulses_s, interval_s)
    at = np.searchsorted(pulse_numbers, numbers + shift)
    found = (at < len(pulse_numbers)) & (
        pulse_numbers[np.minimum(at, len(pulse_numbers) - 1)] == numbers + shift
    )
    slope, level = _line(camera_s[found], pulses_s[at[found]])
    off_s = pulses_s[at[found]] - (level + slope * camera_s[found])
    times_s = np.where(found, pulses_s[np.minimum(at, len(pulses_s) - 1)], level + slope * camera_s)
    n_in_recording = int(
        ((pulse_numbers >= numbers[0] + shift) & (pulse_numbers <= numbers[-1] + shift)).sum()
    )
    result = FrameTimes(
        times_s=times_s[shown],
        method="pulses",
        residual_s=float(np.quantile(np.abs(off_s), 0.95)),
        interval_s=interval_s if np.isfinite(interval_s) else 0.0,
        ppm=float("nan") if camera_s is arrived_s else (slope - 1) * 1e6,
        n_matched=int(found.sum()),
        n_unmatched=n_in_recording - int(found.sum()) + int((~found).sum()),
        warnings=doubt + _pulse_warnings(found, n_in_recording),
    )
    return _judged(result, most_frames, override)


def align_lamp(
    table: pd.DataFrame,
    brightness: np.ndarray,
    flashes_s: np.ndarray,
    *,
    session_start_s: float,
    most_frames: float = MOST_FRAMES,
    override: bool = False,
) -> FrameTimes:
    """Place frames by a lamp in view that the device switched on at known times.

    Parameters
    ----------
    table
        From `frame_table.read_frame_table`.
    brightness
        Of the lamp in each frame of the video (`lamp.lamp_brightness`), shape ``(n_frames,)``.
    flashes_s
        When the lamp went on, on the session's clock (s).
    session_start_s, most_frames, override
        As in `align_pulses`.

    Raises
    ------
    ValueError
        If the lamp is not seen, fewer than three flashes can be told apart, or the residual is too large.
    """
    shown, _, camera_s, arrived_s = _prepare(table, session_start_s)
    if len(brightness) != int(shown.sum()):
        raise ValueError(
            f"{len(brightness)} frames were looked at, the table says that the video has {int(shown.sum())}"
        )
    seen_s = lamp_onsets(brightness, camera_s[shown])
    flashes_s = np.sort(np.asarray(flashes_s, float))
    slope, level = _line(camera_s, arrived_s)
    pairs = _match(level + slope * seen_s, flashes_s)
    if len(pairs) < LEAST_FLASHES:
        raise ValueError(
            f"{len(seen_s)} flashes of the lamp were seen, {len(flashes_s)} were sent, {len(pairs)} belong "
            f"together; at least {LEAST_FLASHES} are needed: does the region hold the lamp, and nothing else "
            "that changes?"
        )
    seen, sent = seen_s[pairs[:, 0]], flashes_s[pairs[:, 1]]
    slope, level = _line(seen, sent)
    result = FrameTimes(
        times_s=(level + slope * camera_s)[shown],
        method="lamp",
        residual_s=float(np.quantile(np.abs(sent - level - slope * seen), 0.95)),
        interval_s=usual_interval_s(camera_s) * slope,
        ppm=(slope - 1) * 1e6,
        n_matched=len(pairs),
        n_unmatched=len(seen_s) + len(flashes_s) - 2 * len(pairs),
    )
    return _judged(result, most_frames, override)


def align_host(
    table: pd.DataFrame,
    *,
    session_start_s: float,
    most_frames: float = MOST_FRAMES,
    override: bool = False,
) -> FrameTimes:
    """Place frames by when they arrived: for cameras that nothing is wired to.

    Parameters
    ----------
    table
        From `frame_table.read_frame_table`.
    session_start_s, most_frames, override
        As in `align_pulses`.

    Returns
    -------
    FrameTimes
        Where the camera has a clock, its times on the line that no arrival lies before; else the arrivals.
        The residual is how late frames came.

    Raises
    ------
    ValueError
        If there is no frame, or the residual is too large.
    """
    shown, numbers, camera_s, arrived_s = _prepare(table, session_start_s)
    slope, level = _line(camera_s, arrived_s)
    late_s = arrived_s - level - slope * camera_s
    level += float(late_s.min())
    has_clock = camera_s is not arrived_s
    interval_s = usual_interval_s(arrived_s) if len(numbers) > 1 else 0.0
    if has_clock:
        times_s, residual_s = level + slope * camera_s, float(np.quantile(late_s - late_s.min(), 0.95))
    else:
        times_s = np.maximum.accumulate(arrived_s + 1e-9 * np.arange(len(arrived_s)))
        slope_n, level_n = _line(numbers.astype(float), arrived_s)
        residual_s = float(np.quantile(np.abs(arrived_s - level_n - slope_n * numbers), 0.95))
    result = FrameTimes(
        times_s=times_s[shown],
        method="host",
        residual_s=residual_s,
        interval_s=interval_s,
        ppm=(slope - 1) * 1e6 if has_clock else float("nan"),
        n_matched=len(numbers),
        n_unmatched=0,
        warnings=(
            "frames are placed by their arrival at the computer: a constant delay of the camera, often 10 to "
            "50 ms, is in all of their times. Wire its exposure line to the device to be rid of it",
        ),
    )
    return _judged(result, most_frames, override)


def _prepare(
    table: pd.DataFrame, session_start_s: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Which rows are shown; number of each row, its time on the camera's clock, and its arrival."""
    if not len(shown_frames(table)):
        raise ValueError("the video has no frame: there is nothing to place in time")
    numbers, _ = frame_numbers(table)
    arrived_s = table["host_s"].to_numpy(float) - session_start_s
    own_s = camera_times(table)
    camera_s = arrived_s if own_s is None else own_s
    return (table["status"] == "ok").to_numpy(), numbers, camera_s, arrived_s


def _pulse_numbers(pulses_s: np.ndarray, interval_s: float, *, span: int) -> np.ndarray:
    """Number pulses, lost ones included; where there are as many as frames, none was lost."""
    if len(pulses_s) in (1, span):
        return np.arange(len(pulses_s))
    steps = np.maximum(np.round(np.diff(pulses_s) / interval_s), 1)
    return np.concatenate([[0], np.cumsum(steps)]).astype(int)


def _find_shift(
    numbers: np.ndarray,
    camera_s: np.ndarray,
    arrived_s: np.ndarray,
    pulse_numbers: np.ndarray,
    pulses_s: np.ndarray,
    interval_s: float,
) -> tuple[int, tuple[str, ...]]:
    """Number of the pulse of frame 0, and what is doubtful about it."""
    span, n_pulses = int(numbers[-1]) + 1, int(pulse_numbers[-1]) + 1
    if span == n_pulses or n_pulses == 1:
        return 0, ()
    by_number = np.full(n_pulses, np.nan)
    by_number[pulse_numbers] = pulses_s
    guess = int(np.argmin(np.abs(pulses_s - arrived_s[0])))
    around = pulse_numbers[guess] + np.arange(-SEARCH, SEARCH + 1)
    scored = []
    for shift in around[(around > -span) & (around < n_pulses)].tolist():
        at = numbers + shift
        inside = (at >= 0) & (at < n_pulses)
        seen = np.full(len(numbers), np.nan)
        seen[inside] = by_number[at[inside]]
        both = np.isfinite(seen)
        if both.sum() < max(2, 0.5 * min(len(numbers), len(pulses_s))):
            continue
        delay_s = arrived_s[both] - seen[both]
        if np.quantile(delay_s, 0.01) < -min(0.25 * interval_s, JOINING_S):
            continue
        slope, level = _line(camera_s[both], seen[both])
        off_s = float(np.quantile(np.abs(seen[both] - level - slope * camera_s[both]), 0.95))
        scored.append((off_s, float(np.median(delay_s)), int(shift)))
    if not scored:
        raise ValueError(
            f"{len(numbers)} frames and {len(pulses_s)} pulses do not belong together: no count of them lets "
            "every frame arrive after its exposure. Are they of one session, and is every exposure wired?"
        )
    least = min(off_s for off_s, _, _ in scored)
    alike = sorted(
        (delay_s, shift) for off_s, delay_s, shift in scored if off_s <= 1.5 * least + 0.01 * interval_s
    )
    doubt: tuple[str, ...] = ()
    if len(alike) > 1:
        doubt = (
            f"the device saw {len(pulses_s)} pulses, the camera took {span} frames; frames are taken to "
            f"arrive {alike[0][0] * 1e3:.1f} ms after their pulse began. If this camera needs more than a "
            f"frame ({interval_s * 1e3:.1f} ms) longer, times are a frame late",
        )
    return alike[0][1], doubt


def _line(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Slope and level of the line of least squares without outliers; slope 1 where it cannot be told."""
    if len(x) < 2 or np.ptp(x) == 0:
        return 1.0, float(np.median(y - x)) if len(x) else 0.0
    middle = float(x.mean())
    kept = np.ones(len(x), bool)
    slope, level = 1.0, 0.0
    for _ in range(5):
        slope, level = (float(part) for part in np.polyfit(x[kept] - middle, y[kept], 1))
        off = np.abs(y - level - slope * (x - middle))
        now_kept = off <= max(5 * 1.4826 * float(np.median(off)), 1e-9)
        if now_kept.sum() < 2 or np.ptp(x[now_kept]) == 0 or (now_kept == kept).all():
            break
        kept = now_kept
    return slope, level - slope * middle


def _match(seen_s: np.ndarray, sent_s: np.ndarray) -> np.ndarray:
    """Pairs ``(seen, sent)`` of flashes that are each other's nearest, without the usual delay."""
    if not len(seen_s) or not len(sent_s):
        return np.empty((0, 2), int)
    delays = (seen_s[:, None] - sent_s[None, :]).ravel()
    near = delays[np.abs(delays) < MOST_DELAY_S]
    if not len(near):
        return np.empty((0, 2), int)
    counts = [(np.abs(near - delay) < 0.02).sum() for delay in near]
    delay_s = float(np.median(near[np.abs(near - near[int(np.argmax(counts))]) < 0.02]))
    gap = np.abs(seen_s[:, None] - delay_s - sent_s[None, :])
    nearest_sent, nearest_seen = gap.argmin(1), gap.argmin(0)
    mutual = np.flatnonzero(nearest_seen[nearest_sent] == np.arange(len(seen_s)))
    close = gap[mutual, nearest_sent[mutual]] < MOST_DELAY_S / 4
    return np.stack([mutual[close], nearest_sent[mutual[close]]], 1)


def _pulse_warnings(found: np.ndarray, n_in_recording: int) -> tuple[str, ...]:
    words = []
    if not found.all():
        words.append(
            f"{int((~found).sum())} frames have no pulse: they are placed by the line between the clocks"
        )
    if n_in_recording > found.sum():
        words.append(
            f"{n_in_recording - int(found.sum())} exposures have no frame in the table: they never came"
        )
    return tuple(words)


def _judged(result: FrameTimes, most_frames: float, override: bool) -> FrameTimes:
    """Refuse a residual that is too large, or warn of it."""
    if len(result.times_s) < 2 or result.residual_frames <= most_frames:
        return result
    words = (
        f"the clocks of camera and session do not agree: placed by {result.method}, frames lie up to "
        f"{result.residual_s * 1e3:.1f} ms off, {result.residual_frames:.1f} times the interval between "
        f"them; at most {most_frames:g} is accepted"
    )
    if not override:
        raise ValueError(
            f"{words}. Look for a clock that jumped, a loose wire, or a computer that was too busy; to use "
            "the times all the same, say so (override)"
        )
    return replace(result, warnings=(*result.warnings, f"{words}; used all the same, as was asked"))
