"""Says what each logged and each recorded code is, once the clocks are known. Pure."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from experiments.dataset.aligned_codes import Alignment, ExtraKind, Fault, Stretch
from experiments.dataset.clock_search import Floats, Ints
from experiments.dataset.clock_trace import Lists, Run

INVISIBLE_WITHIN_S = 0.05
"""The second of two equal codes this close together may leave no pulse of its own on a line; one that was not
sent twice is a bounce of the first."""

TRANSITION_S = 0.005
"""Lines that do not rise together show another code for a moment, at most this long before the right one."""


def classify(
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
    near = _bracketed(lists, runs)
    kinds = {"found": pulses >= 0, "unplaced": between | ~has_owner, "outside": ~inside}
    kinds |= {"invisible": invisible, "lost": near}
    how = np.select([*kinds.values()], [*kinds], default="unplaced").astype(object)
    n_lost, placed_s = int(lost.sum()), np.where(inside & near, expected_s, np.nan)
    placed_s[pulses >= 0] = lists.pulse_s[pulses[pulses >= 0]]
    free = np.setdiff1d(np.arange(lists.pulse_codes.size), pulses[pulses >= 0])
    arrivable = set(fault.applied(np.array(sorted(known))).tolist()) if fault else set(known)
    late, n_wrong = _name_stand_ins(lists, how, pulses, placed_s, np.flatnonzero(lost), free, arrivable)
    extras: dict[int, ExtraKind] = {
        int(pulse): "late" if pulse in late else _extra_kind(lists, runs, int(pulse), pulses, arrivable)
        for pulse in np.setdiff1d(free, pulses[pulses >= 0])
    }
    n_stray = sum(kind == "stray" for kind in extras.values())
    n_neutral = sum(kind in ("changed", "merged") for kind in how) - n_wrong + len(late)
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


def _invisible(lists: Lists) -> np.ndarray:
    """Say which logged codes are the second of two equal ones close together."""
    repeated = np.zeros(lists.codes.size, dtype=bool)
    repeated[1:] = (np.diff(lists.codes) == 0) & (np.diff(lists.times_s) <= INVISIBLE_WITHIN_S)
    return repeated | ~lists.usable


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
        and lists.starts[before.first] == lists.starts[run.first]
        and before.clock.part == clock.part
        and abs(before.clock.offset_s - clock.offset_s) < lists.tolerance_s,
        n_found=run.n_found,
        scatter_s=run.scatter_s,
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


def _bracketed(lists: Lists, runs: list[Run]) -> np.ndarray:
    """Say which logged codes are between two that fit the same clock: no time can be missing there."""
    between = np.zeros(lists.codes.size, dtype=bool)
    for run in runs:
        between[run.first : run.last + 1] = True
    return between


def _name_stand_ins(
    lists: Lists,
    how: np.ndarray,
    pulses: Ints,
    placed_s: Floats,
    lost: Ints,
    free: Ints,
    arrivable: Collection[int],
) -> tuple[set[int], int]:
    """Name the recorded codes that came in the place of lost ones; their events stay placed by the clock.

    Returns
    -------
    late : set of int
        Recorded codes that are the lost ones themselves, too late.
    n_wrong : int
        Number of lost codes for which another known code came.
    """
    late: set[int] = set()
    n_wrong = 0
    for index in lost:
        rest = free[~np.isin(free, pulses) & (lists.pulse_codes[free] > 0)]
        if np.isnan(placed_s[index]) or pulses[index] >= 0 or not rest.size:
            continue
        away_s = np.abs(lists.pulse_s[rest] - placed_s[index])
        pulse = int(rest[away_s.argmin()])
        code = int(lists.pulse_codes[pulse])
        if away_s.min() > lists.tolerance_s or pulse in late:
            continue
        if code == lists.codes[index]:
            late.add(pulse)
            continue
        near = lost[(np.abs(placed_s[lost] - placed_s[index]) <= 2 * lists.tolerance_s) & (lost != index)]
        partner = near[(lists.codes[near] | lists.codes[index]) == code][:1]
        how[index], pulses[index] = "merged" if partner.size else "changed", pulse
        how[partner] = "merged"
        n_wrong += not partner.size and code in arrivable
    return late, n_wrong


def _extra_kind(
    lists: Lists, runs: list[Run], pulse: int, pulses: Ints, arrivable: Collection[int]
) -> ExtraKind:
    """Say what a recorded code is that belongs to no logged one."""
    code, at_s = int(lists.pulse_codes[pulse]), lists.pulse_s[pulse]
    if code == 0:
        return "idle"
    found = pulses[pulses >= 0]  # also those that stand in for another code
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
        if in_reach and first_s - lists.tolerance_s <= at_s <= last_s + lists.tolerance_s:
            return False
    return True
