"""Follows a session through a recording: which clock holds from which code on.

Pure. The best path through the candidate clocks is found by dynamic programming: a code that fits counts one,
a code that is missing minus one, a new clock minus `SWITCH`, and time never goes back.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from experiments.dataset.clock_search import (
    Floats,
    Ints,
    equal_pairs,
    find_offsets,
    find_slope,
    nearest_equal,
)

SWITCH = 8.0
"""A new clock must explain this much more; at a known boundary (a new file, a new start) `SWITCH_KNOWN`."""
SWITCH_KNOWN = 2.0
MOST_CLOCKS = 40
"""With more clocks than these, no further ones are tried."""
LEAST_CODES = 4
"""Fewer codes than these do not suggest a clock."""
LONG_S = 5.0
"""A clock has a slope of its own when its codes span this long and are `MANY` or more: between codes that
fit, even a coarse slope places a lost one well."""
MANY = 5
OUTLIER = 6.0
"""A code that is off by more than so many times the scatter of its run does not fit; by `LEAST_LIMIT_S` it
may be off anyway."""
LEAST_LIMIT_S = 0.004
FINEST_S = 0.0003
"""Scatter of a faultless trigger line that is sampled at 1000 Hz."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Lists:
    """Two lists of codes on two axes of time."""

    codes: Ints
    """Logged codes as they arrive, shape (n_logged,)."""
    times_s: Floats
    """Their times, rising, shape (n_logged,)."""
    added_s: Floats
    """What was added to the session's clock to make them rise, shape (n_logged,)."""
    starts: Ints
    """Number of the session's start that each belongs to, shape (n_logged,)."""
    usable: np.ndarray
    """Which logged codes can have left a recorded one, shape (n_logged,)."""
    pulse_codes: Ints
    """Recorded codes; 0 where they are to be left out; shape (n_recorded,)."""
    pulse_s: Floats
    """Their times, shape (n_recorded,)."""
    bounds_s: Floats
    """Where the parts of the recording begin, and where the last one ends."""
    tolerance_s: float
    """A code this near to where a clock expects it fits."""


@dataclasses.dataclass(frozen=True)
class Clock:
    """A straight line from logged to recorded time that holds in one part of the recording."""

    offset_s: float
    """Recorded time at logged time 0."""
    slope: float
    """Recorded seconds in a logged one."""
    part: int
    """Number of the part."""

    def expected_s(self, times_s: Floats) -> Floats:
        """Convert logged into recorded times."""
        return self.offset_s + self.slope * times_s


@dataclasses.dataclass(frozen=True)
class Run:
    """Logged codes that one clock places."""

    first: int
    """Number of the first one that fits."""
    last: int
    """Number of the last one that fits."""
    clock: Clock
    """The clock."""
    found: Ints
    """Numbers of the recorded codes of the logged ones from `first` to `last`, -1 where there is none."""
    scatter_s: float = 0.0
    """How far the codes are off, robustly: 1.48 times the median of their distances."""

    @property
    def n_found(self) -> int:
        """Number of codes that fit."""
        return int((self.found >= 0).sum())


def trace(lists: Lists, *, max_drift_ppm: float, centre: float = 1.0) -> list[Run]:
    """Find the clocks and what they place, in order of time.

    Parameters
    ----------
    lists : Lists
        What was logged and what was recorded.
    max_drift_ppm : float
        Largest drift between the two, around `centre`.
    centre : float
        Slope in the middle of the search.

    Returns
    -------
    list of Run
        Empty where nothing fits.
    """
    value, runs = _follow(lists, _suggest(lists, None, max_drift_ppm, centre))
    slopes = _other_slopes(lists, runs) if len(runs) != 1 or runs[0].n_found < lists.usable.sum() else []
    for slope in slopes:
        better, again = _follow(lists, _suggest(lists, None, 0.0, slope))
        if better > value:
            value, runs = better, again
    return runs


def _other_slopes(lists: Lists, runs: list[Run]) -> list[float]:
    """Return the slopes of the longest run and its halves: a step of the clocks can look like a slope."""
    if not runs:
        return []
    longest = max(runs, key=lambda run: run.n_found)
    middle = longest.found.size // 2
    pieces = [longest]
    for begin, end in ((0, middle), (middle, longest.found.size)):
        fits = np.flatnonzero(longest.found[begin:end] >= 0) + begin
        if fits.size >= MANY:
            first, last = int(fits[0]), int(fits[-1])
            piece = longest.found[first : last + 1]
            pieces.append(Run(longest.first + first, longest.first + last, longest.clock, piece))
    return [refit(lists, piece).clock.slope for piece in pieces]


def _follow(lists: Lists, clocks: list[Clock]) -> tuple[float, list[Run]]:
    """Follow the session through suggested clocks, and further ones for what they leave over."""
    best, path = -np.inf, np.zeros(0, dtype=np.int64)
    if not clocks:
        return best, []
    slope = clocks[0].slope
    while True:
        found = np.array([_fitting(lists, clock) for clock in clocks])
        value, path = _best_path(lists, clocks, found)
        fits = np.where(path >= 0, np.take_along_axis(found, np.maximum(path, 0)[None], axis=0)[0], -1)
        if value <= best or len(clocks) > MOST_CLOCKS:
            break
        best = value
        new = [clock for clock in _suggest(lists, fits, 0.0, slope) if not _known(clock, clocks, lists)]
        if not new:
            break
        used = sorted(set(path.tolist()) - {-1})
        clocks = [clocks[number] for number in used] + new
    return best, _runs(lists, clocks, found, path)


def refit(lists: Lists, run: Run) -> Run:
    """Fit a run's clock to all codes that fit, then let codes fit it again, more narrowly.

    Codes that come later than most by more than `OUTLIER` times their usual scatter are left out: a bounce of
    a code that was lost would else be taken for it. A short run keeps the slope that it has.
    """
    chosen = np.arange(run.first, run.last + 1)
    clock, found = run.clock, run.found
    for _ in range(3):
        has = found >= 0
        clock, scatter_s = _robust(lists.times_s[chosen[has]], lists.pulse_s[found[has]], clock)
        found = _fitting(lists, clock)[chosen]
    limit_s = lists.tolerance_s
    if (found >= 0).sum() >= MANY:
        limit_s = min(limit_s, max(OUTLIER * scatter_s, LEAST_LIMIT_S))
    off_s = np.abs(lists.pulse_s[found] - clock.expected_s(lists.times_s[chosen]))
    found = np.where((found >= 0) & (off_s <= limit_s), found, -1)
    kept = chosen[found >= 0]
    if not kept.size:
        return run
    return Run(
        int(kept[0]),
        int(kept[-1]),
        clock,
        found[kept[0] - run.first : kept[-1] - run.first + 1],
        scatter_s,
    )


def _robust(logged_s: Floats, pulse_s: Floats, before: Clock) -> tuple[Clock, float]:
    """Fit a line that a few late codes do not move; return it and the scatter around it (s)."""
    has_slope = logged_s.size >= MANY and np.ptp(logged_s) >= LONG_S
    slope = before.slope
    offset_s = float(np.median(pulse_s - slope * logged_s))
    scatter_s = 0.0
    for _ in range(12):
        residual_s = pulse_s - offset_s - slope * logged_s
        scatter_s = 1.4826 * float(np.median(np.abs(residual_s - np.median(residual_s))))
        weight = 1 / (1 + (residual_s / (2 * max(scatter_s, FINEST_S))) ** 2) ** 2
        middle_s, mean_s = np.average(logged_s, weights=weight), np.average(pulse_s, weights=weight)
        if has_slope:
            centred = logged_s - middle_s
            slope = float((weight * centred) @ (pulse_s - mean_s) / ((weight * centred) @ centred))
        offset_s = float(mean_s - slope * middle_s)
    return dataclasses.replace(before, slope=slope, offset_s=offset_s), scatter_s


def _suggest(lists: Lists, fits: Ints | None, max_drift_ppm: float, centre: float) -> list[Clock]:
    """Suggest clocks for all codes, or for those that do not fit yet; the likeliest first."""
    logged = np.flatnonzero(lists.usable if fits is None else lists.usable & (fits < 0))
    pulses = np.arange(lists.pulse_codes.size)
    if fits is not None:
        pulses = np.setdiff1d(pulses, fits[fits >= 0])
    pairs = equal_pairs(lists.codes[logged], lists.pulse_codes[pulses])
    if not pairs.logged.size:
        return []
    logged_s, pulse_s = lists.times_s[logged[pairs.logged]], lists.pulse_s[pulses[pairs.recorded]]
    slope, tolerance_s = centre, lists.tolerance_s
    if fits is None:
        slope = find_slope(
            logged_s, pulse_s, max_drift_ppm=max_drift_ppm, tolerance_s=tolerance_s, centre=centre
        )
    shifts_s = pulse_s - slope * logged_s
    least = min(LEAST_CODES, int(lists.usable.sum()))
    offsets = find_offsets(shifts_s, tolerance_s=tolerance_s, most=8, least_pairs=least)
    parts = np.searchsorted(lists.bounds_s[1:-1], pulse_s, side="right")
    clocks = []
    for offset in offsets:
        near = np.abs(shifts_s - offset) <= 1.5 * tolerance_s
        for part, count in zip(*np.unique(parts[near], return_counts=True), strict=True):
            if count >= least:
                clocks.append(Clock(offset, slope, int(part)))
    return _sharpened(lists, clocks, keep_slope=fits is not None)


def _sharpened(lists: Lists, clocks: list[Clock], *, keep_slope: bool) -> list[Clock]:
    """Fit each clock to the codes that fit it; all take the slope of the first, which has most codes."""
    sharp: list[Clock] = []
    for clock in clocks:
        if sharp and not keep_slope:
            clock = dataclasses.replace(clock, slope=sharp[0].slope)
        for _ in range(3):
            found = _fitting(lists, clock)
            has = found >= 0
            if has.any():
                fitted = _fitted(lists.times_s[has], lists.pulse_s[found[has]], clock)
                own = not sharp and not keep_slope
                residual = np.median(lists.pulse_s[found[has]] - clock.slope * lists.times_s[has])
                clock = fitted if own else dataclasses.replace(clock, offset_s=float(residual))
        sharp.append(clock)
    return sharp


def _fitted(logged_s: Floats, pulse_s: Floats, before: Clock) -> Clock:
    """Fit a line; where there is too little for a slope, only its offset."""
    slope = before.slope
    if logged_s.size >= MANY and np.ptp(logged_s) >= LONG_S:
        centred = logged_s - logged_s.mean()
        slope = float(centred @ (pulse_s - pulse_s.mean()) / (centred @ centred))
    return dataclasses.replace(before, slope=slope, offset_s=float(pulse_s.mean() - slope * logged_s.mean()))


def _fitting(lists: Lists, clock: Clock) -> Ints:
    """Find the recorded code of each logged one, in the clock's part of the recording; -1 where none fits."""
    begin, end = lists.bounds_s[clock.part], lists.bounds_s[clock.part + 1]
    inside = np.flatnonzero((lists.pulse_s >= begin) & (lists.pulse_s < end))
    usable = np.flatnonzero(lists.usable)
    found = np.full(lists.codes.size, -1, dtype=np.int64)
    nearest = nearest_equal(
        lists.codes[usable],
        clock.expected_s(lists.times_s[usable]),
        lists.pulse_codes[inside],
        lists.pulse_s[inside],
        tolerance_s=lists.tolerance_s,
    )
    found[usable[nearest >= 0]] = inside[nearest[nearest >= 0]]
    return found


def _known(clock: Clock, clocks: list[Clock], lists: Lists) -> bool:
    return any(
        clock.part == other.part and abs(clock.offset_s - other.offset_s) < lists.tolerance_s
        for other in clocks
    )


def _best_path(lists: Lists, clocks: list[Clock], found: np.ndarray) -> tuple[float, Ints]:
    """Choose the clock of each logged code; return the path's value and the clocks' numbers.

    Beside each clock stands a pause after it, in which nothing fits; it leads to another clock whose first
    code comes later in the recording than the last one that fitted. A pause has the number -1 on the path.
    """
    n_codes, n_clocks = lists.codes.size, len(clocks)
    expected = np.array([clock.expected_s(lists.times_s) for clock in clocks])
    parts = np.array([clock.part for clock in clocks])
    begin, end = lists.bounds_s[parts][:, None], lists.bounds_s[parts + 1][:, None]
    missed = np.where((expected >= begin) & (expected < end) & lists.usable, -1.0, 0.0)
    fits = found >= 0
    fit_s = np.where(fits, lists.pulse_s[found], -np.inf)
    new_file = parts[:, None] != parts[None, :]
    same = np.eye(n_clocks, dtype=bool)
    active, paused = np.where(fits[:, 0], 1.0, missed[:, 0]), np.full(n_clocks, -np.inf)
    last_s, paused_s = fit_s[:, 0].copy(), np.full(n_clocks, -np.inf)
    came = np.zeros((2, n_codes, n_clocks), dtype=np.int64)  # 0..n-1 from a clock, n..2n-1 from a pause
    for index in range(1, n_codes):
        cost = np.where(new_file | (lists.starts[index] != lists.starts[index - 1]), SWITCH_KNOWN, SWITCH)
        ways = np.vstack([active[:, None] - cost, paused[:, None] - cost])
        before_s = np.concatenate([last_s, paused_s])
        allowed = before_s[:, None] < fit_s[None, :, index]
        if lists.starts[index] == lists.starts[index - 1]:  # a recorder may lose time, but never gains any
            lossy = expected[None, :, index] < expected[:, None, index] + lists.tolerance_s
            allowed &= np.vstack([lossy, lossy])
        ways = np.where(allowed & fits[None, :, index] & ~np.vstack([same, same]), ways, -np.inf)
        ways[np.arange(n_clocks), np.arange(n_clocks)] = active
        best = ways.argmax(axis=0)
        stays = active >= paused
        came[0, index], came[1, index] = best, np.arange(n_clocks) + np.where(stays, 0, n_clocks)
        paused_s = np.where(stays, last_s, paused_s)
        paused = np.maximum(active, paused) + missed[:, index]
        active = ways.max(axis=0) + np.where(fits[:, index], 1.0, missed[:, index])
        last_s = np.where(fits[:, index], fit_s[:, index], before_s[best])
    path = np.full(n_codes, -1, dtype=np.int64)
    state = int(active.argmax())
    for index in range(n_codes - 1, -1, -1):
        path[index] = state if state < n_clocks else -1
        state = int(came[0 if state < n_clocks else 1, index, state % n_clocks])
    return float(active.max()), path


def _runs(lists: Lists, clocks: list[Clock], found: np.ndarray, path: Ints) -> list[Run]:
    """Cut the path where its clock changes, or where the session was started anew."""
    cuts = np.flatnonzero((np.diff(path) != 0) | (np.diff(lists.starts) != 0)) + 1
    runs = []
    for numbers in np.split(np.arange(path.size), cuts):
        if path[numbers[0]] < 0:
            continue
        own = found[path[numbers[0]], numbers]
        fits = np.flatnonzero(own >= 0)
        if fits.size:
            first, last = int(fits[0]), int(fits[-1])
            clock = clocks[path[numbers[0]]]
            runs.append(
                Run(int(numbers[first]), int(numbers[last]), clock, own[first : last + 1].astype(np.int64))
            )
    return runs
