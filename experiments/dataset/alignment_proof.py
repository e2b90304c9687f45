"""Says whether an alignment is proven, or what speaks against it. Pure.

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
   codes that its neighbours leave to it;
5. the codes that fit scatter around their clock by at most `MAX_SCATTER_S`.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from experiments.dataset.aligned_codes import Alignment
from experiments.dataset.clock_search import Ints, equal_pairs, find_offsets, find_slope, nearest_equal
from experiments.dataset.clock_trace import Lists, Run

MIN_SCORE = 8
"""Codes that must fit beyond those that are missing or left over."""

MIN_PART = 5
"""Codes that a clock of its own must fit, after a jump of time."""

MIN_MARGIN = 8
"""So many codes fewer must fit any other placement, of a stretch of 32 codes or more."""

LEAST_MARGIN = 4
"""The same for a stretch of 16 codes or fewer."""

MAX_SCATTER_S = 0.004
"""Codes that fit must lie this near to their clock, robustly; trigger lines scatter by less than 2 ms."""

MAX_CONTRADICTIONS = 0.025
"""Part of the codes that fit; more must not be missing at one time and left over at another."""


def runner_up(lists: Lists, runs: list[Run], number: int, max_drift_ppm: float) -> int:
    """Count how many codes of a run the best other placement fits.

    The largest run is compared with all places, the others with those between their neighbours.
    """
    run = runs[number]
    sizes = [other.n_found for other in runs]
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


def objection(lists: Lists, aligned: Alignment) -> str:
    """Say why an alignment is not proven; empty when it is."""
    strays = [pulse for pulse, kind in aligned.extras.items() if kind == "stray"]
    stray = Counter(int(lists.pulse_codes[pulse]) for pulse in strays)
    perfect = aligned.how.count("found") >= 3 and set(aligned.how) <= {"found", "invisible"} and not stray
    return (
        _about_contradictions(lists, aligned, stray)
        or ("" if perfect else _about_score(lists, aligned, stray))
        or _about_parts(lists, aligned)
        or _about_rivals(aligned, perfect=perfect)
    )


def _about_contradictions(lists: Lists, aligned: Alignment, stray: Counter[int]) -> str:
    """Object to codes that are missing at one time and left over at another."""
    n_found = aligned.how.count("found")
    lost = Counter(int(code) for code, how in zip(lists.codes, aligned.how, strict=True) if how == "lost")
    both = {code: min(count, stray[code]) for code, count in lost.items() if stray[code]}
    own = set(lists.codes.tolist())
    n_changed = sum(
        how == "changed" and int(lists.pulse_codes[pulse]) in own
        for how, pulse in zip(aligned.how, aligned.pulses, strict=True)
    )
    if sum(both.values()) + n_changed <= MAX_CONTRADICTIONS * n_found:
        return ""
    if n_found < lists.usable.sum() / 2:
        return f"{_what_fits(lists, aligned, stray)}, and some of them are the same codes at other times"
    listed = ", ".join(f"{count} x {code}" for code, count in both.items())
    return (
        f"{n_found} codes fit, but others are recorded at other times than they were logged "
        f"({listed or f'{n_changed} codes stand in for others'}): so looks another session with the same "
        "order of trials"
    )


def _about_score(lists: Lists, aligned: Alignment, stray: Counter[int]) -> str:
    """Object to an alignment in which too little fits."""
    return "" if aligned.score >= MIN_SCORE else _what_fits(lists, aligned, stray)


def _what_fits(lists: Lists, aligned: Alignment, stray: Counter[int]) -> str:
    return (
        f"under the best clocks only {aligned.how.count('found')} of {int(lists.usable.sum())} logged codes "
        f"fit, {aligned.how.count('lost')} are missing where something was recorded, and "
        f"{sum(stray.values())} recorded ones are left over"
    )


def _about_parts(lists: Lists, aligned: Alignment) -> str:
    """Object to a part of the recording that has codes of the session but no place in it."""
    placed = {stretch.part for stretch in aligned.stretches}
    parts = np.searchsorted(lists.bounds_s[1:-1], lists.pulse_s, side="right")
    for part in range(lists.bounds_s.size - 1):
        n_codes = int(np.isin(lists.pulse_codes[parts == part], lists.codes).sum())
        if part not in placed and n_codes >= MIN_SCORE:
            return f"part {part + 1} of the recording, with {n_codes} codes, fits nowhere in the log"
    return ""


def _about_rivals(aligned: Alignment, *, perfect: bool) -> str:
    """Object to a clock that could as well be another one."""
    largest = max(stretch.n_found for stretch in aligned.stretches)
    for stretch in aligned.stretches:
        if stretch.goes_on:
            continue
        where = f"codes {stretch.first + 1} to {stretch.last + 1} of the log"
        where = "the codes" if stretch.n_found == largest else where
        if stretch.scatter_s > MAX_SCATTER_S:
            return (
                f"{where} come {1000 * stretch.scatter_s:.0f} ms early or late, where "
                f"{1000 * MAX_SCATTER_S:.0f} ms is the most that a trigger line does"
            )
        margin = 1 if perfect else max(LEAST_MARGIN, min(MIN_MARGIN, stretch.n_found // 4))
        enough = stretch.n_found >= MIN_PART or perfect
        if enough and stretch.n_runner_up <= stretch.n_found - margin:
            continue
        return (
            f"{where} could be in two places of the recording: one fits {stretch.n_found} of them, another "
            f"{stretch.n_runner_up}"
        )
    return ""
