"""How well could somebody guess the next group who knew all groups so far: the price of balance.

The guesser here is the best one there can be: knows the ratio and the sizes that blocks may have, sees every
group as soon as it was allocated, and names the group that is most probable by Bayes' rule. In a blind study
nobody knows so much; but side effects tell something, and the numbers say what blocks add to that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

_Belief = dict[tuple[int, ...], float]
"""What may be left of the running block (places of each group) -> probability."""


class Predictability(NamedTuple):
    """Averages over the places of a list."""

    right: float
    """Part of the guesses that are right."""
    certain: float
    """Part of the places whose group can be deduced."""


def best_guesses(
    groups: Sequence[int], *, ratio: Sequence[int], multiples: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Follow a list with the best guesser.

    Parameters
    ----------
    groups : sequence of int
        The list, as places in `ratio`, from 0.
    ratio : sequence of int
        How often each group is in the smallest block.
    multiples : sequence of int
        Sizes that a block may have, in multiples of the smallest; equally likely.

    Returns
    -------
    tuple of two arrays, both (n_places,)
        The probability that the guess is right, before each place; and the probability, before it, of the
        group that came.

    Examples
    --------
    >>> best, came = best_guesses([0, 0, 1, 1], ratio=(1, 1), multiples=(2,))
    >>> best.round(2).tolist(), came.round(2).tolist()
    ([0.5, 0.67, 1.0, 1.0], [0.5, 0.33, 1.0, 1.0])
    """
    fresh: _Belief = {}
    for multiple in multiples:
        left = tuple(int(part) * multiple for part in ratio)
        fresh[left] = fresh.get(left, 0.0) + 1 / len(multiples)
    belief = dict(fresh)
    best, came = np.empty(len(groups)), np.empty(len(groups))
    for place, group in enumerate(groups):
        probable = np.zeros(len(ratio))
        for left, weight in belief.items():
            probable += weight * np.asarray(left) / sum(left)
        best[place], came[place] = probable.max(), probable[group]
        belief = _after(belief, group, fresh)
    return best, came


def predictability(
    n: int,
    *,
    ratio: Sequence[int],
    multiples: Sequence[int],
    n_lists: int,
    rng: np.random.Generator,
) -> Predictability:
    """Average the best guesser's success over random lists.

    Parameters
    ----------
    n : int
        Places of each list that are used.
    ratio, multiples
        As for `best_guesses`.
    n_lists : int
        How many lists are drawn.
    rng : numpy.random.Generator
        Source of randomness.

    Examples
    --------
    Blocks of two: the second of each is certain.

    >>> predictability(10, ratio=(1, 1), multiples=(1,), n_lists=3, rng=np.random.default_rng(1))
    Predictability(right=0.75, certain=0.5)
    """
    from experiments.allocation.blocks import permuted_blocks

    right, certain = [], []
    for _ in range(n_lists):
        places = permuted_blocks(n, ratio=ratio, multiples=multiples, rng=rng)
        best, _ = best_guesses([group for *_, group in places], ratio=ratio, multiples=multiples)
        right.append(best.mean())
        certain.append((best > 1 - 1e-9).mean())
    return Predictability(right=float(np.mean(right)), certain=float(np.mean(certain)))


def _after(belief: _Belief, group: int, fresh: _Belief) -> _Belief:
    """Bring a belief up to date when a group was seen."""
    after: _Belief = {}
    for left, weight in belief.items():
        weight *= left[group] / sum(left)
        if weight == 0:
            continue
        rest = tuple(count - (place == group) for place, count in enumerate(left))
        for state, share in ({rest: 1.0} if any(rest) else fresh).items():
            after[state] = after.get(state, 0.0) + weight * share
    total = sum(after.values())
    return {state: weight / total for state, weight in after.items()}
