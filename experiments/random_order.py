"""Orders drawn at random: the same for the same seed everywhere, and each with the same probability.

The orders that keep the rules are counted, one of them is drawn, and it is written down. Nothing is shuffled
until it fits.

All randomness comes from `draw_below`, which uses nothing but the raw 64-bit words of the bit generator.
NumPy promises that these stay the same for the same seed on every platform and in every version, which it
does not promise of ``rng.shuffle`` or ``rng.integers``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

Item = TypeVar("Item")
Block = tuple[int, ...]
"""How often each label comes in a block."""
_State = tuple[tuple[Block, ...], Block | None, int]
"""What is left of the labels but the last one, sorted; of the last one; and the length of its run."""


def draw_below(bound: int, rng: np.random.Generator) -> int:
    """Draw a whole number from 0 to `bound` - 1 of any size, each with the same probability.

    Examples
    --------
    >>> draw_below(10**30, np.random.default_rng(1))
    648810989761068077889734929340
    """
    if bound < 1:
        raise ValueError(f"cannot draw a whole number below {bound}")
    n_bits = (bound - 1).bit_length()
    while True:
        number = 0
        for _ in range(-(-n_bits // 64)):
            number = number << 64 | int(rng.bit_generator.random_raw())
        number >>= -n_bits % 64
        if number < bound:
            return number


def shuffled(items: Sequence[Item], rng: np.random.Generator) -> list[Item]:
    """Return the items in random order, each order with the same probability (Fisher and Yates)."""
    result = list(items)
    for last in range(len(result) - 1, 0, -1):
        other = draw_below(last + 1, rng)
        result[last], result[other] = result[other], result[last]
    return result


def count_block_orders(blocks: Sequence[Sequence[int]], *, longest_run: int) -> int:
    """Count the orders of labels, block after block, in which no label comes too often in succession.

    Parameters
    ----------
    blocks : sequence of sequence of int
        For each block, how often each label 0, 1, ... comes in it. Runs are followed from block to block.
    longest_run : int
        Longest allowed run of one label.

    Examples
    --------
    >>> count_block_orders([[3, 3]], longest_run=2), count_block_orders([[1, 1], [1, 1]], longest_run=1)
    (14, 2)
    """
    start, layers = _count_layers(blocks, longest_run)
    return layers[0].get(start, 0)


def draw_block_order(
    blocks: Sequence[Sequence[int]], *, longest_run: int, rng: np.random.Generator
) -> list[list[int]]:
    """Draw an order of labels, block after block, each valid order with the same probability.

    Parameters
    ----------
    blocks : sequence of sequence of int
        For each block, how often each label 0, 1, ... comes in it. Runs are followed from block to block.
    longest_run : int
        Longest allowed run of one label.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    list of list of int
        The labels of each block in their order.

    Raises
    ------
    ValueError
        If no order keeps the rule.

    Examples
    --------
    >>> draw_block_order([[1, 1, 1], [1, 1, 1]], longest_run=1, rng=np.random.default_rng(4))
    [[2, 0, 1], [0, 1, 2]]
    """
    start, layers = _count_layers(blocks, longest_run)
    if not layers[0].get(start):
        raise ValueError(
            f"no order has at most {longest_run} in succession: allow longer runs, or add something that "
            "comes between"
        )
    number = draw_below(layers[0][start], rng)
    left = [[block[label] for block in blocks] for label in range(len(blocks[0]))]
    last, run, position = -1, 0, 0
    order: list[list[int]] = []
    for block, counts in enumerate(blocks):
        order.append([])
        for _ in range(sum(counts)):
            position += 1
            for label in range(len(left)):
                if not left[label][block] or (label == last and run == longest_run):
                    continue
                left[label][block] -= 1
                after = _state(left, label, run + 1 if label == last else 1, block)
                n_ways = layers[position].get(after, 0)
                if number < n_ways:
                    break
                number -= n_ways
                left[label][block] += 1
            run = run + 1 if label == last else 1
            last = label
            order[-1].append(label)
    return order


def _count_layers(
    blocks: Sequence[Sequence[int]], longest_run: int
) -> tuple[_State, list[dict[_State, int]]]:
    """Return the first state, and for each number of trials the ways to go on from each state.

    Labels of which the same is left are alike, which keeps the number of states small.
    """
    n_labels = len(blocks[0]) if blocks else 0
    if not n_labels or any(len(block) != n_labels for block in blocks) or longest_run < 1:
        raise ValueError(f"expected blocks of the same labels and a longest run from 1, found {blocks}")
    if any(count < 0 for block in blocks for count in block):
        raise ValueError(f"expected counts from 0, found {blocks}")
    start: _State = (tuple(sorted(tuple(block[i] for block in blocks) for i in range(n_labels))), None, 0)
    block_of = [number for number, block in enumerate(blocks) for _ in range(sum(block))]
    reached: list[set[_State]] = [{start}]
    for block in block_of:
        reached.append({after for state in reached[-1] for after, _ in _steps(state, block, longest_run)})
    layers: list[dict[_State, int]] = [dict.fromkeys(reached[-1], 1)]
    for block, states in zip(reversed(block_of), reversed(reached[:-1]), strict=True):
        later = layers[0]
        counted = {
            state: sum(n * later[after] for after, n in _steps(state, block, longest_run)) for state in states
        }
        layers.insert(0, counted)
    return start, layers


def _steps(state: _State, block: int, longest_run: int) -> list[tuple[_State, int]]:
    """Return the states after one more trial in this block, and how many labels lead to each."""
    others, last, run = state
    steps: list[tuple[_State, int]] = []
    if last is not None and last[block] and run < longest_run:
        steps.append(((others, _less(last, block), run + 1), 1))
    for left in sorted(set(others)):
        if left[block]:
            remaining = list(others)
            remaining.remove(left)
            if last is not None:
                remaining.append(last)
            steps.append(((tuple(sorted(remaining)), _less(left, block), 1), others.count(left)))
    return steps


def _less(left: Block, block: int) -> Block:
    return (*left[:block], left[block] - 1, *left[block + 1 :])


def _state(left: Sequence[Sequence[int]], last: int, run: int, block: int) -> _State:
    others = tuple(sorted(tuple(counts) for label, counts in enumerate(left) if label != last))
    return others, tuple(left[last]), run


def balanced_rows(n: int) -> list[list[int]]:
    """Return a Latin square balanced for carry-over (Williams 1949).

    Over its rows each label comes equally often at each place, and equally often right after each other
    label. For an even number of labels it has as many rows as labels, for an odd number twice as many.

    Parameters
    ----------
    n : int
        Number of labels 0, 1, ...

    Returns
    -------
    list of list of int
        The rows.

    References
    ----------
    Williams, E. J. (1949). Experimental designs balanced for the estimation of residual effects of
    treatments. Australian Journal of Scientific Research A, 2, 149-168.

    Examples
    --------
    >>> balanced_rows(4)
    [[0, 1, 3, 2], [1, 2, 0, 3], [2, 3, 1, 0], [3, 0, 2, 1]]
    """
    if n < 1:
        raise ValueError(f"a Latin square has at least one label, not {n}")
    zigzag = [(step + 1) // 2 if step % 2 else -(step // 2) for step in range(n)]
    rows = [[(place + row) % n for place in zigzag] for row in range(n)]
    return rows if n % 2 == 0 or n == 1 else rows + [row[::-1] for row in rows]
