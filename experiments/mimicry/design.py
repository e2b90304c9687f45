"""The trial list of a session: drawn before the window opens, the same for the same seed everywhere.

Orders are drawn by counting: the orders that keep the rule are numbered from 0, one number is drawn, and that
order is written down. So each has the same probability, and nothing is shuffled until it fits.

All arithmetic is on whole numbers, and all randomness comes from `experiments.random_order.draw_below`, whose
draws are the same for the same seed everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Protocol

import numpy as np

from experiments.random_order import draw_below, shuffled

_State = tuple[tuple[int, ...], int, int]


class Video(Protocol):
    """What a design needs to know of a video; `stimuli.manifest.StimulusVideo` knows it."""

    @property
    def video(self) -> str:
        """Unique name in the set."""

    @property
    def identity(self) -> str:
        """The person shown."""

    @property
    def sex(self) -> str:
        """Sex of the person: male or female."""

    @property
    def direction(self) -> str:
        """What changes into what, such as ``AngryToHappy``."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One trial to be shown."""

    trial: int
    """Number from 1 over all blocks; practice counts from 1 by itself."""
    block: int
    """Number of the block from 1; 0 is practice."""
    face: str
    """The person shown."""
    sex: str
    """Sex of the person: male or female."""
    direction: str
    """What changes into what, such as ``AngryToHappy``."""
    video: str
    """Name of the video in the set."""
    fixation_s: float
    """Length of the fixation cross (s), a whole number of milliseconds."""

    @property
    def practice(self) -> bool:
        """Whether the trial belongs to the practice."""
        return self.block == 0


def draw_design(
    videos: Sequence[Video],
    *,
    n_practice: int,
    n_blocks: int,
    repetitions: int,
    longest_run: int,
    fixation_min_s: float,
    fixation_max_s: float,
    rng: np.random.Generator,
    n_trials: int | None = None,
) -> list[Trial]:
    """Draw the trials of a session.

    Every video is shown `repetitions` times, equally often in each block; within a block, every order with at
    most `longest_run` successive trials of one direction is equally probable.

    Parameters
    ----------
    videos : sequence of Video
        The stimulus set.
    n_practice : int
        Trials before the first block, with the directions as equally often as they go.
    n_blocks : int
        Number of blocks.
    repetitions : int
        How often each video is shown, practice not counted; a multiple of `n_blocks`.
    longest_run : int
        Longest allowed run of one direction within a block.
    fixation_min_s, fixation_max_s : float
        Shortest and longest fixation cross (s). Each block uses durations evenly spaced between them.
    rng : numpy.random.Generator
        Source of randomness.
    n_trials : int, optional
        For a short session: the number of trials, a multiple of blocks times directions; `repetitions` is
        then ignored, and videos are shown as equally often as they go.

    Returns
    -------
    list of Trial
        Practice first, then the blocks.

    Raises
    ------
    ValueError
        If the counts do not divide, or no order keeps the rule.
    """
    by_direction = _group(videos)
    counts = _counts_per_block(by_direction, n_blocks, repetitions, n_trials)
    trials = _practice(by_direction, n_practice, fixation_min_s, fixation_max_s, rng)
    hands = [
        _deal(group, count, n_blocks, rng) for group, count in zip(by_direction.values(), counts, strict=True)
    ]
    number = 0
    for block in range(1, n_blocks + 1):
        order = draw_order(counts, longest_run=longest_run, rng=rng)
        shown = _take_in_order([hand[block - 1] for hand in hands], order)
        fixations_s = draw_fixations_s(
            len(order), minimum_s=fixation_min_s, maximum_s=fixation_max_s, rng=rng
        )
        for video, fixation_s in zip(shown, fixations_s, strict=True):
            number += 1
            trials.append(_trial(video, number, block, fixation_s))
    return trials


def draw_order(counts: Sequence[int], *, longest_run: int, rng: np.random.Generator) -> list[int]:
    """Draw an order of labels with a longest-run limit, each valid order with the same probability.

    Parameters
    ----------
    counts : sequence of int
        How often each label 0, 1, ... occurs.
    longest_run : int
        Longest allowed run of one label.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    list of int
        The labels in order.

    Raises
    ------
    ValueError
        If no order keeps the rule.

    Examples
    --------
    >>> order = draw_order([24, 24], longest_run=3, rng=np.random.default_rng(1))
    >>> len(order), sum(order)
    (48, 24)
    """
    total = count_orders(counts, longest_run=longest_run)
    if total == 0:
        raise ValueError(
            f"no order of {' and '.join(map(str, counts))} trials per direction has at most {longest_run} "
            "in a row: the directions need more equal numbers, or the limit must be wider"
        )
    return nth_order(draw_below(total, rng), counts, longest_run=longest_run)


def count_orders(counts: Sequence[int], *, longest_run: int) -> int:
    """Count the orders of labels in which no run is longer than the limit.

    >>> count_orders([2, 2], longest_run=1), count_orders([3, 3], longest_run=2)
    (2, 14)
    """
    if longest_run < 1 or any(count < 0 for count in counts):
        raise ValueError(f"expected counts from 0 and a longest run from 1, found {counts} and {longest_run}")
    return _ways(tuple(counts), longest_run)[tuple(counts), -1, 0]


def nth_order(index: int, counts: Sequence[int], *, longest_run: int) -> list[int]:
    """Write down the order with this number, in alphabetical order of the valid ones.

    >>> [nth_order(index, [2, 2], longest_run=1) for index in range(2)]
    [[0, 1, 0, 1], [1, 0, 1, 0]]
    """
    ways = _ways(tuple(counts), longest_run)
    state: _State = (tuple(counts), -1, 0)
    if not 0 <= index < ways[state]:
        raise IndexError(f"there are {ways[state]} orders, numbered from 0: there is no number {index}")
    order = []
    while any(state[0]):
        for label in range(len(counts)):
            following = _after(state, label)
            if index < (n_ways := ways.get(following, 0)):
                break
            index -= n_ways
        order.append(label)
        state = following
    return order


def draw_fixations_s(n: int, *, minimum_s: float, maximum_s: float, rng: np.random.Generator) -> list[float]:
    """Return durations evenly spaced from the shortest to the longest, in random order.

    So each block has the same durations and their mean is the middle.

    Parameters
    ----------
    n : int
        Number of durations.
    minimum_s, maximum_s : float
        Shortest and longest duration in seconds.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    list of float
        Seconds, whole milliseconds each.

    Examples
    --------
    >>> sorted(draw_fixations_s(3, minimum_s=2.0, maximum_s=3.0, rng=np.random.default_rng(1)))
    [2.0, 2.5, 3.0]
    """
    shortest_ms, longest_ms = round(minimum_s * 1000), round(maximum_s * 1000)
    if n < 2:
        return [(shortest_ms + longest_ms) // 2 / 1000] * n
    steps = n - 1
    durations_ms = [
        shortest_ms + (2 * (longest_ms - shortest_ms) * step + steps) // (2 * steps) for step in range(n)
    ]
    return [duration_ms / 1000 for duration_ms in shuffled(durations_ms, rng)]


def _group(videos: Sequence[Video]) -> dict[str, list[Video]]:
    """Sort the videos by direction and name, so that the order of the manifest's rows plays no part."""
    groups: dict[str, list[Video]] = {}
    for video in sorted(videos, key=lambda video: (video.direction, video.video)):
        groups.setdefault(video.direction, []).append(video)
    if len(groups) < 2:
        raise ValueError(
            f"the task needs videos of at least two directions, found {', '.join(groups) or 'no videos'}"
        )
    return groups


def _counts_per_block(
    by_direction: dict[str, list[Video]], n_blocks: int, repetitions: int, n_trials: int | None
) -> list[int]:
    """Return how many trials of each direction a block has."""
    if n_trials is None:
        if repetitions % n_blocks:
            raise ValueError(
                f"{repetitions} repetitions of each video cannot be divided over {n_blocks} blocks: "
                "the repetitions must be a multiple of the blocks"
            )
        return [len(group) * (repetitions // n_blocks) for group in by_direction.values()]
    divisor = n_blocks * len(by_direction)
    if n_trials < divisor or n_trials % divisor:
        raise ValueError(
            f"{n_trials} trials cannot be divided over {n_blocks} blocks with {len(by_direction)} "
            f"directions: choose {divisor} or a multiple of it"
        )
    return [n_trials // divisor] * len(by_direction)


def _deal(
    group: Sequence[Video], n_per_block: int, n_blocks: int, rng: np.random.Generator
) -> list[list[Video]]:
    """Deal the videos of a direction over the blocks, as equally often as they go, in random order."""
    deck: list[Video] = []
    hands = []
    copies, rest = divmod(n_per_block, len(group))
    for _ in range(n_blocks):
        hand = list(group) * copies
        for _ in range(rest):
            deck = deck or shuffled(group, rng)
            hand.append(deck.pop())
        hands.append(shuffled(hand, rng))
    return hands


def _practice(
    by_direction: dict[str, list[Video]],
    n_practice: int,
    fixation_min_s: float,
    fixation_max_s: float,
    rng: np.random.Generator,
) -> list[Trial]:
    each, rest = divmod(n_practice, len(by_direction))
    chosen: list[Video] = []
    for index, group in enumerate(by_direction.values()):
        chosen += _deal(group, each + (index < rest), 1, rng)[0]
    fixations_s = draw_fixations_s(n_practice, minimum_s=fixation_min_s, maximum_s=fixation_max_s, rng=rng)
    return [
        _trial(video, number, 0, fixation_s)
        for number, (video, fixation_s) in enumerate(
            zip(shuffled(chosen, rng), fixations_s, strict=True), start=1
        )
    ]


def _take_in_order(hands: list[list[Video]], order: list[int]) -> list[Video]:
    iterators = [iter(hand) for hand in hands]
    return [next(iterators[label]) for label in order]


def _trial(video: Video, number: int, block: int, fixation_s: float) -> Trial:
    return Trial(
        trial=number,
        block=block,
        face=video.identity,
        sex=video.sex,
        direction=video.direction,
        video=video.video,
        fixation_s=fixation_s,
    )


def _after(state: _State, label: int) -> _State:
    """Return the state after one more trial: what is left, the last label, and the length of its run."""
    left, last, run = state
    remaining = (*left[:label], left[label] - 1, *left[label + 1 :])
    return remaining, label, run + 1 if label == last else 1


@lru_cache(maxsize=8)
def _ways(counts: tuple[int, ...], longest_run: int) -> dict[_State, int]:
    """Count for each state in how many ways the order can be finished; states against the rule are absent."""
    labels = range(len(counts))
    nothing = (0,) * len(counts)
    ways: dict[_State, int] = {}
    for left in product(*(range(count + 1) for count in counts)):
        for last, run in [(-1, 0), *product(labels, range(1, longest_run + 1))]:
            state = (left, last, run)
            ways[state] = 1 if left == nothing else sum(ways.get(_after(state, label), 0) for label in labels)
    return ways
