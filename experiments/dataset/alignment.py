"""Which recorded code is which logged one, by which clocks, and whether that is proven.

Pure: arrays in, records out. A recording and a session's log are two lists of codes and times. Between faults
they differ by a clock: an offset and a drift. Where the recorder was restarted or lost samples, another
offset begins. `align` finds the clocks, pairs the codes, and refuses what could also be otherwise
(`alignment_proof` has the rule).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

import numpy as np

from experiments.dataset.aligned_codes import Alignment, Fault, LoggedCodes, RecordedCodes
from experiments.dataset.alignment_classes import classify
from experiments.dataset.alignment_proof import MIN_PART, MIN_SCORE, objection, runner_up
from experiments.dataset.clock_search import Ints, longest_common
from experiments.dataset.clock_trace import SWITCH, Lists, Run, refit, trace

TOLERANCE_S = 0.02
"""A code this near to where the clock expects it fits."""

LIKELY_DRIFT_PPM = 300.0
"""Drifts that are tried first: two quartz clocks differ by less than this."""

MAX_DRIFT_PPM = 5000.0
"""Clocks that drift apart faster were not set to the sampling rate that the file claims."""

LONGEST_PAUSE_S = 3600.0
"""A session that goes on after a longer pause, or with its clock set back, is taken as if it went on at
once."""

MOST_OF = 0.7
"""Part of the shorter list that must fit for another sampling rate to be named."""


class NotProvenError(ValueError):
    """Codes and log do not fit, or fit in several ways; the message says what speaks against them."""


def align(logged: LoggedCodes, recorded: RecordedCodes, *, known: Collection[int] = ()) -> Alignment:
    """Find which recorded code is which logged one.

    Parameters
    ----------
    logged : LoggedCodes
        What the session says that it sent.
    recorded : RecordedCodes
        What the recording has.
    known : collection of int
        Codes that the session may have sent, beside those that it logged.

    Returns
    -------
    Alignment
        How each logged code was placed, and what the other recorded ones are.

    Raises
    ------
    NotProvenError
        If the alignment is not proven; see the rule in `alignment_proof`.

    Examples
    --------
    >>> codes = np.array([1, 11, 21, 31, 1, 12, 31, 1, 11, 21, 31])
    >>> times_s = np.array([0.0, 2.4, 4.9, 7.4, 8.4, 10.7, 15.7, 16.7, 19.6, 22.0, 24.6])
    >>> logged = LoggedCodes(codes=codes, times_s=times_s, starts=np.zeros(11, dtype=int))
    >>> kept = np.arange(11) != 5
    >>> recorded = RecordedCodes(
    ...     codes=codes[kept], times_s=3.0 + times_s[kept], bounds_s=np.array([0.0, 30.0])
    ... )
    >>> aligned = align(logged, recorded)
    >>> aligned.how[5], round(float(aligned.placed_s[5]), 3)
    ('lost', 13.7)
    """
    if not logged.codes.size or not recorded.codes.size:
        raise NotProvenError("one of the lists is empty: there is nothing to go by")
    plain, problem = _hypothesis(logged, recorded, known, None)
    if plain is not None and "changed" not in plain.how:
        return plain
    proven = [
        aligned
        for fault in _possible_faults(logged.codes, recorded.codes)
        if (aligned := _hypothesis(logged, recorded, known, fault)[0]) is not None
    ]
    proven = sorted([*proven, *([plain] if plain else [])], key=lambda aligned: -aligned.score)
    if proven and all(_same_placement(proven[0], other) for other in proven[1:]):
        return proven[0]
    raise NotProvenError(problem or "the codes fit in several ways, if a line of the cable was broken")


def apparent_slope(logged: LoggedCodes, recorded: RecordedCodes) -> float | None:
    """Say how many recorded seconds pass in a second of the session, if the clocks are far apart.

    For recordings that `align` refuses: where the codes fit in their order, and their times by another slope.

    Returns
    -------
    float or None
        The slope; None where no slope makes the lists fit.
    """
    left, right = longest_common(logged.codes, recorded.codes)
    if left.size < MIN_SCORE:
        return None
    steps = np.diff(recorded.times_s[right]) / np.maximum(np.diff(logged.times_s[left]), 1e-6)
    centre = float(np.median(steps))
    if not 0.05 < centre < 20:
        return None
    lists = dataclasses.replace(_lists(logged, recorded, None), tolerance_s=TOLERANCE_S * max(1.0, centre))
    runs = trace(lists, max_drift_ppm=MAX_DRIFT_PPM * 2, centre=centre)
    n_found = sum(int((run.found >= 0).sum()) for run in runs)
    return runs[0].clock.slope if n_found > MOST_OF * min(logged.codes.size, recorded.codes.size) else None


def _hypothesis(
    logged: LoggedCodes, recorded: RecordedCodes, known: Collection[int], fault: Fault | None
) -> tuple[Alignment | None, str]:
    """Align under a fault, with likely drifts first; return the alignment, or why it is not proven.

    A drift can look like many small jumps: where there are jumps, larger drifts may explain more.
    """
    likely, problem = _attempt(logged, recorded, known, fault, LIKELY_DRIFT_PPM)
    if likely is not None and not _has_jumps(likely):
        return likely, ""
    any_drift, _ = _attempt(logged, recorded, known, fault, MAX_DRIFT_PPM)
    proven = [aligned for aligned in (likely, any_drift) if aligned is not None]
    if not proven:
        return None, problem
    return max(proven, key=lambda aligned: aligned.score - SWITCH * len(aligned.stretches)), ""


def _attempt(
    logged: LoggedCodes,
    recorded: RecordedCodes,
    known: Collection[int],
    fault: Fault | None,
    max_drift_ppm: float,
) -> tuple[Alignment | None, str]:
    """Align the lists as they would be under a fault; return the alignment, or why it is not proven."""
    lists = _lists(logged, recorded, fault)
    if not lists.usable.any():
        return None, "no code can have arrived"
    runs = _without_scraps([refit(lists, run) for run in trace(lists, max_drift_ppm=max_drift_ppm)], lists)
    if not runs:
        return None, "no code of the recording comes when the log says, whatever the offset of the clocks"
    rivals = [runner_up(lists, runs, number, max_drift_ppm) for number in range(len(runs))]
    aligned = classify(lists, runs, rivals, set(known) | set(logged.codes.tolist()), fault)
    problem = objection(lists, aligned)
    return (None, problem) if problem else (aligned, "")


def _without_scraps(runs: list[Run], lists: Lists) -> list[Run]:
    """Leave out runs too short to be proven, where a restart of session or recorder explains them."""
    long = [run for run in runs if run.n_found >= MIN_PART] or runs
    places = {(int(lists.starts[run.first]), run.clock.part) for run in long}
    return [run for run in runs if (int(lists.starts[run.first]), run.clock.part) in places]


def _lists(logged: LoggedCodes, recorded: RecordedCodes, fault: Fault | None) -> Lists:
    """Put both lists on continuous axes; under a fault, codes are as they arrive."""
    codes = fault.applied(logged.codes) if fault else logged.codes
    usable = codes > 0
    pulse_codes = recorded.codes
    if fault and fault.stuck_at:
        usable &= codes != fault.bit
        pulse_codes = np.where(recorded.codes == fault.bit, 0, recorded.codes)  # the line at rest
    times_s = logged.times_s.astype(float).copy()
    for index in np.flatnonzero(np.diff(logged.starts)) + 1:
        if not 0 < times_s[index] - times_s[index - 1] < LONGEST_PAUSE_S:
            times_s[index:] += times_s[index - 1] + 1.0 - times_s[index]
    return Lists(
        codes=codes,
        times_s=times_s,
        added_s=times_s - logged.times_s,
        starts=logged.starts,
        usable=usable,
        pulse_codes=pulse_codes,
        pulse_s=recorded.times_s,
        bounds_s=recorded.bounds_s.astype(float),
        tolerance_s=TOLERANCE_S,
    )


def _same_placement(one: Alignment, other: Alignment) -> bool:
    both = ~np.isnan(one.placed_s) & ~np.isnan(other.placed_s)
    return bool(np.all(np.abs(one.placed_s[both] - other.placed_s[both]) <= TOLERANCE_S))


def _possible_faults(logged: Ints, recorded: Ints) -> list[Fault]:
    """List the single lines whose failure would change a logged code and no recorded one."""
    faults = [Fault(bit=1 << number, stuck_at=level) for number in range(8) for level in (0, 1)]
    return [
        fault
        for fault in faults
        if np.any(fault.applied(logged) != logged) and np.all(fault.applied(recorded) == recorded)
    ]


def _has_jumps(aligned: Alignment) -> bool:
    """Say whether time jumps where nothing is known to have been started again."""
    return any(
        before.part == after.part and before.start == after.start
        for before, after in zip(aligned.stretches, aligned.stretches[1:], strict=False)
    )
