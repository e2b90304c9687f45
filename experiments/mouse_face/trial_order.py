"""The order of the trials of a session, and the pauses between them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np

from experiments.mouse_face.schedule_parts import Intervals, Order, Stimulus
from experiments.random_order import balanced_rows, draw_below, draw_block_order, shuffled

MOST_STATES = 200_000
"""Limit of what counting all orders may cost: some seconds."""


def draw_trials(
    stimuli: Sequence[Stimulus], order: Order, *, repeats: int, animal: str, rng: np.random.Generator
) -> list[list[Stimulus]]:
    """Draw which stimulus comes in which trial.

    Parameters
    ----------
    stimuli : sequence of Stimulus
        Every stimulus at every strength.
    order : Order
        The rule.
    repeats : int
        Number of blocks, or how often each stimulus comes.
    animal : str
        Its name; orders that are balanced across animals depend on its place among them.
    rng : numpy.random.Generator
        Source of randomness, for random orders.

    Returns
    -------
    list of list of Stimulus
        The trials of each block.

    Raises
    ------
    ValueError
        If no order keeps the rule, or the animal's place is not known.
    """
    if order.kind in ("random_blocks", "random"):
        return _draw_random(stimuli, order, repeats, rng)
    each = [stimulus for stimulus in stimuli for _ in range(stimulus.per_block)]
    if order.kind == "latin_square":
        rows = balanced_rows(len(each))
        place = animal_place(animal, order.animals)
        return [[each[i] for i in rows[(place - 1 + block) % len(rows)]] for block in range(repeats)]
    by_label = {stimulus.label: stimulus for stimulus in stimuli}
    if order.kind == "paper_blocked":
        parts = [[stimulus] * (stimulus.per_block * repeats) for stimulus in stimuli]
        return _for_animal(parts, order, animal)
    parts = [[by_label[label]] for label in order.sequence] or [[one] for _ in range(repeats) for one in each]
    trials = [part[0] for part in _for_animal(parts, order, animal)]
    length = len(trials) if order.sequence else len(each)
    return [trials[start : start + length] for start in range(0, len(trials), length)]


def draw_intervals_s(intervals: Intervals, n: int, *, rng: np.random.Generator) -> list[float]:
    """Draw the pauses between trials.

    Parameters
    ----------
    intervals : Intervals
        The rule.
    n : int
        How many.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    list of float
        Seconds, whole milliseconds each.

    Raises
    ------
    ValueError
        If a list has another number of intervals.
    """
    if intervals.kind == "fixed":
        return [round(intervals.values_s[0], 3)] * n
    if intervals.kind == "uniform":
        least_ms, most_ms = round(1000 * intervals.least_s), round(1000 * intervals.most_s)
        return [(least_ms + draw_below(most_ms - least_ms + 1, rng)) / 1000 for _ in range(n)]
    if intervals.kind == "exponential":
        return _truncated_exponential_s(intervals, n, rng)
    if intervals.shuffled:
        dealt: list[float] = []
        while len(dealt) < n:
            dealt += shuffled(intervals.values_s, rng)
        return [round(value, 3) for value in dealt[:n]]
    if len(intervals.values_s) != n:
        raise ValueError(
            f"the session has {n} intervals between its {n + 1} trials, intervals.intervals_s has "
            f"{len(intervals.values_s)}: give {n}, or set shuffled: true"
        )
    return [round(value, 3) for value in intervals.values_s]


def exponential_scale_s(*, least_s: float, most_s: float, mean_s: float) -> float:
    """Return the scale of the exponential distribution that has this mean between these limits.

    Examples
    --------
    >>> round(exponential_scale_s(least_s=0.0, most_s=1e6, mean_s=10.0), 6)
    10.0
    """
    width, aim = most_s - least_s, mean_s - least_s
    low, high = aim / 2, 1e6 * width
    for _ in range(200):
        middle = math.sqrt(low * high)
        ratio = width / middle
        mean = middle - (width / math.expm1(ratio) if ratio < 700 else 0.0)
        low, high = (middle, high) if mean < aim else (low, middle)
    return math.sqrt(low * high)


def animal_place(animal: str, animals: Sequence[str]) -> int:
    """Return the place of an animal among all, from 1.

    Parameters
    ----------
    animal : str
        Its name.
    animals : sequence of str
        All animals in their order; if there are none, the number at the end of the name counts.

    Raises
    ------
    ValueError
        If it is not among them, or its name has no number.

    Examples
    --------
    >>> animal_place("m07", []), animal_place("Anton", ["Berta", "Anton"])
    (7, 2)
    """
    if animals:
        if animal not in animals:
            raise ValueError(
                f"animal {animal!r} is not in order.animals ({', '.join(animals)}): add it at the end, its "
                "order depends on its place"
            )
        return list(animals).index(animal) + 1
    number = re.search(r"(\d+)$", animal)
    if number is None or int(number[1]) == 0:
        raise ValueError(
            f"the order depends on the animal's place among all, and {animal!r} does not end in a number "
            "from 1: list the animals in the schedule (order: animals: [...])"
        )
    return int(number[1])


def _draw_random(
    stimuli: Sequence[Stimulus], order: Order, repeats: int, rng: np.random.Generator
) -> list[list[Stimulus]]:
    """Draw random blocks, or one block of everything."""
    each = [stimulus for stimulus in stimuli for _ in range(stimulus.per_block)]
    blocks = [each] * repeats if order.kind == "random_blocks" else [each * repeats]
    if order.longest_run is None:
        return [shuffled(block, rng) for block in blocks]
    kind_of = {one.label: one.name if order.runs_of == "stimulus" else one.label for one in stimuli}
    kinds = list(dict.fromkeys(kind_of.values()))
    counts = [[sum(kind_of[one.label] == kind for one in block) for kind in kinds] for block in blocks]
    n_states = math.comb(max(counts[0]) + len(kinds), len(kinds)) * len(kinds) * order.longest_run
    if n_states * len(blocks) > MOST_STATES:
        raise ValueError(
            f"too many orders of {sum(map(sum, counts))} trials to count them for longest_run: use the order "
            "random_blocks, or leave the limit out"
        )
    drawn = draw_block_order(counts, longest_run=order.longest_run, rng=rng)
    trials = []
    for block, labels in zip(blocks, drawn, strict=True):
        hands = [iter(shuffled([one for one in block if kind_of[one.label] == kind], rng)) for kind in kinds]
        trials.append([next(hands[label]) for label in labels])
    return trials


def _for_animal(parts: list[list[Stimulus]], order: Order, animal: str) -> list[list[Stimulus]]:
    """Turn a fixed order around, or begin elsewhere, as the animal's place says."""
    if order.across_animals == "same":
        return parts
    place = animal_place(animal, order.animals)
    if order.across_animals == "reverse":
        return parts if place % 2 else parts[::-1]
    start = (place - 1) % len(parts)
    return parts[start:] + parts[:start]


def _truncated_exponential_s(intervals: Intervals, n: int, rng: np.random.Generator) -> list[float]:
    least_s, most_s = intervals.least_s, intervals.most_s
    scale_s = exponential_scale_s(least_s=least_s, most_s=most_s, mean_s=intervals.mean_s)
    all_of_it = -math.expm1(-(most_s - least_s) / scale_s)
    shares = [(draw_below(2**53, rng) + 0.5) / 2**53 for _ in range(n)]
    return [round(least_s - scale_s * math.log1p(-share * all_of_it), 3) for share in shares]
