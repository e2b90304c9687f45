"""Which recorded code is which logged one, by which clocks, and whether that is proven.

Pure: arrays in, records out. A recording and a session's log are two lists of codes and times. Between faults
they differ by a clock: an offset and a drift. Where the recorder was restarted or lost samples, another
offset begins. `align` finds the clocks, pairs the codes, and refuses what could also be otherwise.

The rule of proof
-----------------
The score of an alignment is the number of codes that fit (same code, within `TOLERANCE_S` of the clock),
minus the logged codes that are missing and the recorded codes that are left over where both lists overlap.
It is proven when

1. the score is at least `MIN_SCORE`, or every code of both lists fits (three at least);
2. no other placement of the same codes fits nearly as many: it must fit `MIN_MARGIN` codes fewer, or a
   quarter fewer where that is less than `MIN_MARGIN`, but always `LEAST_MARGIN`;
3. nearly no code (`MAX_CONTRADICTIONS` of those that fit) is missing at one time and left over at another:
   this is how the recording of another session with the same order of trials looks;
4. each further clock, after a jump of time, fits `MIN_PART` codes and passes the second test among the
   codes that its neighbours leave to it.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Collection
from typing import Literal

import numpy as np

from experiments.dataset.clock_search import (
    Floats,
    Ints,
    equal_pairs,
    find_offsets,
    find_slope,
    nearest_equal,
)
from experiments.dataset.clock_trace import Lists, Run, refit, trace

TOLERANCE_S = 0.02
"""A code this near to where the clock expects it fits."""

LIKELY_DRIFT_PPM = 300.0
"""Drifts that are tried first: two quartz clocks differ by less than this."""

MAX_DRIFT_PPM = 5000.0
"""Clocks that drift apart faster were not set to the sampling rate that the file claims."""

INVISIBLE_WITHIN_S = 0.05
"""The second of two equal codes this close together may leave no pulse of its own on a line; one that was not
sent twice is a bounce of the first."""

TRANSITION_S = 0.005
"""Lines that do not rise together show another code for a moment, at most this long before the right one."""

MAX_EXTRAPOLATION_S = 60.0
"""A lost code is placed by the clock if it is between two codes that fit, or this near to one."""

LONGEST_PAUSE_S = 3600.0
"""A session that goes on after a longer pause, or with its clock set back, is taken as if it went on at
once."""

MIN_SCORE = 8
MIN_PART = 5
MIN_MARGIN = 8
LEAST_MARGIN = 4
MAX_CONTRADICTIONS = 0.025

How = Literal["found", "changed", "merged", "invisible", "lost", "outside", "unplaced"]
ExtraKind = Literal["bounce", "transition", "standing", "unknown", "outside", "stray", "idle"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class LoggedCodes:
    """What a session says that it sent, in order."""

    codes: Ints
    """Codes, 1 to 255, shape (n_logged,)."""
    times_s: Floats
    """When each was sent, on the session's clock, shape (n_logged,)."""
    starts: Ints
    """Number of the session's start that each belongs to, rising from 0: its clock may begin anew there."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class RecordedCodes:
    """What a recording has, its parts one after the other."""

    codes: Ints
    """Codes, shape (n_recorded,)."""
    times_s: Floats
    """Seconds from the first sample, as if the parts followed each other at once, shape (n_recorded,)."""
    bounds_s: Floats
    """Where the parts begin, and the end of the last, shape (n_parts + 1,)."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fault:
    """A line of the cable that did not change in the whole recording."""

    bit: int
    """Its value: 1, 2, 4, ... 128."""
    stuck_at: int
    """0 = never rises; 1 = never falls."""

    def applied(self, codes: Ints) -> Ints:
        """Return the codes as they arrive."""
        return codes | self.bit if self.stuck_at else codes & ~np.int64(self.bit)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Stretch:
    """Logged codes that one clock places."""

    first: int
    """Number of the first logged code that fits."""
    last: int
    """Number of the last one."""
    offset_s: float
    """Recorded time at which the session's clock shows 0."""
    slope: float
    """Recorded seconds in a second of the session."""
    part: int
    """Part of the recording."""
    start: int
    """Number of the session's start that its codes belong to."""
    goes_on: bool
    """Whether the clock is that of the stretch before it, within the tolerance."""
    n_found: int
    """Number of codes that fit."""
    n_runner_up: int
    """Number of these codes that the best other placement fits."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Alignment:
    """What is known of every code."""

    how: list[How]
    """Of each logged code: how it was placed."""
    pulses: Ints
    """Of each logged code: number of its recorded one, -1 where it has none of its own."""
    placed_s: Floats
    """Of each logged code: seconds in the recording; NaN where it is not in it or cannot be placed."""
    stretch: Ints
    """Of each logged code: number of the stretch whose clock it goes by, -1 where there is none."""
    extras: dict[int, ExtraKind]
    """Number of each recorded code that belongs to no logged one -> what it is."""
    stretches: list[Stretch]
    """The clocks, in order."""
    score: int
    """Codes that fit minus those that are missing or left over where both lists overlap."""
    fault: Fault | None = None
    """What was wrong with the cable."""


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
        If the alignment is not proven; see the rule of proof above.

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
    problems = []
    for drift_ppm in (LIKELY_DRIFT_PPM, MAX_DRIFT_PPM):
        aligned, problem = _attempt(logged, recorded, known, None, drift_ppm)
        if aligned is not None:
            return aligned
        problems.append(problem)
    repaired = [
        found
        for fault in _possible_faults(logged.codes)
        if (found := _attempt(logged, recorded, known, fault, LIKELY_DRIFT_PPM)[0]) is not None
    ]
    repaired.sort(key=lambda found: -found.score)
    if repaired and all(_same_placement(repaired[0], other) for other in repaired[1:]):
        return repaired[0]
    raise NotProvenError(problems[0])


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
    return runs[0].clock.slope if n_found > 0.7 * min(logged.codes.size, recorded.codes.size) else None


def longest_common(left: Ints, right: Ints) -> tuple[Ints, Ints]:
    """Pair two lists so that as many equal elements as possible stand beside each other, in order.

    Examples
    --------
    >>> [part.tolist() for part in longest_common(np.array([1, 2, 3, 4]), np.array([1, 3, 4]))]
    [[0, 2, 3], [0, 1, 2]]
    """
    common = np.zeros((left.size + 1, right.size + 1), dtype=np.int32)
    for i in range(left.size - 1, -1, -1):
        both = np.where(right == left[i], common[i + 1, 1:] + 1, 0)
        row = np.maximum(common[i + 1, :-1], both)
        common[i, :-1] = np.maximum.accumulate(row[::-1])[::-1]
    pairs: list[tuple[int, int]] = []
    i = j = 0
    while i < left.size and j < right.size:
        if left[i] == right[j] and common[i, j] == common[i + 1, j + 1] + 1:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif common[i + 1, j] >= common[i, j + 1]:
            i += 1
        else:
            j += 1
    found = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return found[:, 0], found[:, 1]


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
    runs = [refit(lists, run) for run in trace(lists, max_drift_ppm=max_drift_ppm)]
    if not runs:
        return None, "no code of the recording comes when the log says, whatever the offset of the clocks"
    rivals = [_runner_up(lists, runs, number, max_drift_ppm) for number in range(len(runs))]
    aligned = _classified(lists, runs, rivals, set(known) | set(logged.codes.tolist()), fault)
    problem = _objection(lists, aligned)
    return (None, problem) if problem else (aligned, "")


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


def _invisible(lists: Lists) -> np.ndarray:
    """Say which logged codes are the second of two equal ones close together."""
    repeated = np.zeros(lists.codes.size, dtype=bool)
    repeated[1:] = (np.diff(lists.codes) == 0) & (np.diff(lists.times_s) <= INVISIBLE_WITHIN_S)
    return repeated | ~lists.usable


def _runner_up(lists: Lists, runs: list[Run], number: int, max_drift_ppm: float) -> int:
    """Count how many codes of a run the best other placement fits.

    The largest run is compared with all places, the others with those between their neighbours.
    """
    run = runs[number]
    sizes = [int((other.found >= 0).sum()) for other in runs]
    alone = sizes[number] == max(sizes)
    before = None if alone or number == 0 else runs[number - 1]
    after = None if alone or number == len(runs) - 1 else runs[number + 1]
    n_codes, n_pulses = lists.codes.size, lists.pulse_codes.size
    own = np.arange(run.first, run.last + 1)
    logged = np.arange(before.last + 1 if before else 0, after.first if after else n_codes)
    pulses = np.arange(before.found[-1] + 1 if before else 0, after.found[0] if after else n_pulses)
    own_pulses = np.arange(run.found[0], run.found[-1] + 1)
    return max(
        _best_other(lists, own[lists.usable[own]], pulses, run, max_drift_ppm),
        _best_other(lists, logged[lists.usable[logged]], own_pulses, run, max_drift_ppm),
    )


def _best_other(lists: Lists, logged: Ints, pulses: Ints, run: Run, max_drift_ppm: float) -> int:
    """Count the pairs that fit best under another clock than the run's."""
    pairs = equal_pairs(lists.codes[logged], lists.pulse_codes[pulses])
    left, right = logged[pairs.logged], pulses[pairs.recorded]
    residual_s = np.abs(lists.pulse_s[right] - run.clock.expected_s(lists.times_s[left]))
    far = residual_s > 2 * lists.tolerance_s
    left, right = left[far], right[far]
    if not left.size:
        return 0
    slope = find_slope(
        lists.times_s[left],
        lists.pulse_s[right],
        max_drift_ppm=max_drift_ppm,
        tolerance_s=lists.tolerance_s,
    )
    shifts_s = lists.pulse_s[right] - slope * lists.times_s[left]
    most = 0
    for offset in find_offsets(shifts_s, tolerance_s=lists.tolerance_s, most=3, least_pairs=1):
        found = nearest_equal(
            lists.codes[logged],
            offset + slope * lists.times_s[logged],
            lists.pulse_codes[pulses],
            lists.pulse_s[pulses],
            tolerance_s=lists.tolerance_s,
        )
        has = found >= 0
        own_s = run.clock.expected_s(lists.times_s[logged[has]])
        other = np.abs(lists.pulse_s[pulses[found[has]]] - own_s) > 2 * lists.tolerance_s
        most = max(most, int(other.sum()))
    return most


def _classified(
    lists: Lists, runs: list[Run], rivals: list[int], known: Collection[int], fault: Fault | None
) -> Alignment:
    """Say of every code on both sides what it is, under the clocks that were found."""
    owner, between = _owners(lists, runs)
    has_owner = owner >= 0
    expected_s = np.full(lists.codes.size, np.nan)
    parts = np.zeros(lists.codes.size, dtype=np.int64)
    for number, run in enumerate(runs):
        expected_s[owner == number] = run.clock.expected_s(lists.times_s[owner == number])
        parts[owner == number] = run.clock.part
    inside = has_owner & (expected_s >= lists.bounds_s[parts]) & (expected_s < lists.bounds_s[parts + 1])
    pulses = np.full(lists.codes.size, -1, dtype=np.int64)
    for run in runs:
        pulses[run.first : run.last + 1] = run.found
    invisible = _invisible(lists) & (pulses < 0)
    lost = inside & (pulses < 0) & ~invisible
    near = _near_enough(lists, runs, owner)
    kinds = {"found": pulses >= 0, "unplaced": between, "outside": ~inside}
    kinds |= {"invisible": invisible, "lost": near}
    how = np.select([*kinds.values()], [*kinds], default="unplaced").astype(object)
    n_lost, placed_s = int(lost.sum()), np.where(inside & near, expected_s, np.nan)
    placed_s[pulses >= 0] = lists.pulse_s[pulses[pulses >= 0]]
    free = np.setdiff1d(np.arange(lists.pulse_codes.size), pulses[pulses >= 0])
    arrivable = set(fault.applied(np.array(sorted(known))).tolist()) if fault else set(known)
    wrong = _rename_changed(lists, how, pulses, placed_s, np.flatnonzero(lost), free, arrivable)
    free = np.setdiff1d(free, pulses[pulses >= 0])
    extras = {int(pulse): _extra_kind(lists, runs, int(pulse), pulses, arrivable) for pulse in free}
    n_stray = sum(kind == "stray" for kind in extras.values())
    n_neutral = sum(kind in ("changed", "merged") for kind in how) - wrong
    return Alignment(
        how=how.tolist(),
        pulses=pulses,
        placed_s=placed_s,
        stretch=owner,
        extras=extras,
        stretches=[_stretch(lists, runs, number, rival) for number, rival in enumerate(rivals)],
        score=int((how == "found").sum()) - (n_lost - n_neutral) - n_stray,
        fault=fault,
    )


def _stretch(lists: Lists, runs: list[Run], number: int, rival: int) -> Stretch:
    """Describe a run, with its offset on the session's own clock."""
    run, before = runs[number], runs[number - 1] if number else None
    clock = run.clock
    return Stretch(
        first=run.first,
        last=run.last,
        offset_s=clock.offset_s + clock.slope * float(lists.added_s[run.first]),
        slope=clock.slope,
        part=clock.part,
        start=int(lists.starts[run.first]),
        goes_on=before is not None
        and before.clock.part == clock.part
        and abs(before.clock.offset_s - clock.offset_s) < lists.tolerance_s,
        n_found=int((run.found >= 0).sum()),
        n_runner_up=rival,
    )


def _owners(lists: Lists, runs: list[Run]) -> tuple[Ints, np.ndarray]:
    """Say by which run's clock each logged code goes, and which lie at a jump that nobody can place."""
    owner = np.full(lists.codes.size, -1, dtype=np.int64)
    between = np.zeros(lists.codes.size, dtype=bool)
    for number, run in enumerate(runs):
        owner[run.first : run.last + 1] = number
    for right in range(len(runs) + 1):
        left = right - 1
        begin = runs[left].last + 1 if left >= 0 else 0
        end = runs[right].first if right < len(runs) else lists.codes.size
        for index in range(begin, end):
            start = lists.starts[index]
            after = left >= 0 and start == lists.starts[runs[left].last]
            before = right < len(runs) and start == lists.starts[runs[right].first]
            if after and before and runs[left].clock.part == runs[right].clock.part:
                between[index] = True
            elif after and before:
                expected_s = runs[left].clock.expected_s(lists.times_s[index : index + 1])[0]
                ended = expected_s >= lists.bounds_s[runs[left].clock.part + 1]
                owner[index] = right if ended else left
            elif after or before:
                owner[index] = left if after else right
    return owner, between


def _near_enough(lists: Lists, runs: list[Run], owner: Ints) -> np.ndarray:
    """Say which logged codes are between two that fit their clock, or near enough to one."""
    near = np.zeros(lists.codes.size, dtype=bool)
    for number, run in enumerate(runs):
        begin_s, end_s = lists.times_s[run.first], lists.times_s[run.last]
        near |= (
            (owner == number)
            & (lists.times_s >= begin_s - MAX_EXTRAPOLATION_S)
            & (lists.times_s <= end_s + MAX_EXTRAPOLATION_S)
        )
    return near


def _rename_changed(
    lists: Lists,
    how: np.ndarray,
    pulses: Ints,
    placed_s: Floats,
    lost: Ints,
    free: Ints,
    arrivable: Collection[int],
) -> int:
    """Give lost codes the recorded code that came in their place; count those that are another known code."""
    n_wrong = 0
    for index in lost:
        if np.isnan(placed_s[index]) or pulses[index] >= 0:
            continue
        away_s = np.abs(lists.pulse_s[free] - placed_s[index])
        taken = np.isin(free, pulses[pulses >= 0]) | (lists.pulse_codes[free] == 0)
        away_s[taken] = np.inf
        if not free.size or away_s.min() > lists.tolerance_s:
            continue
        pulse = int(free[away_s.argmin()])
        code = int(lists.pulse_codes[pulse])
        partner = [
            other
            for other in lost
            if other != index
            and abs(placed_s[other] - placed_s[index]) <= 2 * lists.tolerance_s
            and lists.codes[other] | lists.codes[index] == code
        ]
        how[index], pulses[index] = "merged" if partner else "changed", pulse
        placed_s[index] = lists.pulse_s[pulse]
        for other in partner[:1]:
            how[other] = "merged"
        if not partner and code in arrivable:
            n_wrong += 1
    return n_wrong


def _extra_kind(
    lists: Lists, runs: list[Run], pulse: int, pulses: Ints, arrivable: Collection[int]
) -> ExtraKind:
    """Say what a recorded code is that belongs to no logged one."""
    code, at_s = int(lists.pulse_codes[pulse]), lists.pulse_s[pulse]
    if code == 0:
        return "idle"
    found = pulses[pulses >= 0]
    after_s = at_s - lists.pulse_s[found]
    if np.any((np.abs(after_s) <= INVISIBLE_WITHIN_S) & (lists.pulse_codes[found] == code)):
        return "bounce"
    within = (after_s >= -TRANSITION_S) & (after_s <= INVISIBLE_WITHIN_S)
    if np.any(within & (lists.pulse_codes[found] | code == lists.pulse_codes[found])):
        return "transition"
    if np.any(np.abs(lists.bounds_s - at_s) < 1e-9):
        return "standing"
    if _outside_the_log(lists, runs, at_s):
        return "outside"
    return "stray" if code in arrivable else "unknown"


def _outside_the_log(lists: Lists, runs: list[Run], at_s: float) -> bool:
    """Say whether a moment of the recording is before the log's begin, after its end, or in a pause of it."""
    part = int(np.searchsorted(lists.bounds_s[1:-1], at_s, side="right"))
    for run in runs:
        begin_s, end_s = run.clock.expected_s(lists.times_s[[run.first, run.last]])
        if begin_s <= at_s <= end_s:
            return False
        own = lists.times_s[lists.starts == lists.starts[run.first]]
        first_s, last_s = run.clock.expected_s(own[[0, -1]])
        in_reach = run.clock.part == part
        if in_reach and first_s - TOLERANCE_S <= at_s <= last_s + TOLERANCE_S:
            return False
    return True


def _objection(lists: Lists, aligned: Alignment) -> str:
    """Say why an alignment is not proven; empty when it is."""
    n_found, n_usable = aligned.how.count("found"), int(lists.usable.sum())
    lost = Counter(int(code) for code, how in zip(lists.codes, aligned.how, strict=True) if how == "lost")
    strays = [pulse for pulse, kind in aligned.extras.items() if kind == "stray"]
    stray = Counter(int(lists.pulse_codes[pulse]) for pulse in strays)
    perfect = n_found >= 3 and set(aligned.how) <= {"found", "invisible"} and not stray
    contradicting = {code: min(count, stray[code]) for code, count in lost.items() if stray[code]}
    changed = sum(
        how == "changed" and int(lists.pulse_codes[pulse]) in set(lists.codes.tolist())
        for how, pulse in zip(aligned.how, aligned.pulses, strict=True)
    )
    if n_found >= n_usable / 2 and sum(contradicting.values()) + changed > MAX_CONTRADICTIONS * n_found:
        listed = ", ".join(f"{count} x {code}" for code, count in contradicting.items())
        return (
            f"{n_found} codes fit, but others are recorded at other times than they were logged "
            f"({listed or f'{changed} codes stand in for others'}): so looks another session with the same "
            "order of trials"
        )
    if aligned.score < MIN_SCORE and not perfect:
        return (
            f"under the best clocks only {n_found} of {n_usable} logged codes fit, {sum(lost.values())} are "
            f"missing where something was recorded, and {sum(stray.values())} recorded ones are left over"
        )
    if sum(contradicting.values()) + changed > MAX_CONTRADICTIONS * n_found:
        return f"{n_found} codes fit, but {sum(contradicting.values())} are recorded at other times"
    placed = {stretch.part for stretch in aligned.stretches}
    parts = np.searchsorted(lists.bounds_s[1:-1], lists.pulse_s, side="right")
    for part in range(lists.bounds_s.size - 1):
        n_codes = int(np.isin(lists.pulse_codes[parts == part], lists.codes).sum())
        if part not in placed and n_codes >= MIN_SCORE:
            return f"part {part + 1} of the recording, with {n_codes} codes, fits nowhere in the log"
    return _objection_to_stretches(lists, aligned, perfect=perfect)


def _objection_to_stretches(lists: Lists, aligned: Alignment, *, perfect: bool) -> str:
    """Say which clock could as well be another one."""
    largest = max(stretch.n_found for stretch in aligned.stretches)
    for stretch in aligned.stretches:
        if stretch.goes_on:
            continue
        margin = 1 if perfect else max(LEAST_MARGIN, min(MIN_MARGIN, stretch.n_found // 4))
        enough = stretch.n_found >= MIN_PART or perfect
        if enough and stretch.n_runner_up <= stretch.n_found - margin:
            continue
        where = f"codes {stretch.first + 1} to {stretch.last + 1} of the log"
        if stretch.n_found == largest:
            where = "the codes"
        return (
            f"{where} could be in two places of the recording: one fits {stretch.n_found} of them, another "
            f"{stretch.n_runner_up}"
        )
    return ""


def _same_placement(one: Alignment, other: Alignment) -> bool:
    both = ~np.isnan(one.placed_s) & ~np.isnan(other.placed_s)
    return bool(np.all(np.abs(one.placed_s[both] - other.placed_s[both]) <= TOLERANCE_S))


def _possible_faults(codes: Ints) -> list[Fault]:
    """List the single lines whose failure would change one of these codes."""
    faults = [Fault(bit=1 << number, stuck_at=level) for number in range(8) for level in (0, 1)]
    return [fault for fault in faults if np.any(fault.applied(codes) != codes)]
