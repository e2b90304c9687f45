"""Orders with run limits: counted right, each equally probable, the same for the same seed."""

from __future__ import annotations

from collections import Counter
from itertools import chain, groupby, pairwise, permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from experiments.random_order import balanced_rows, count_block_orders, draw_block_order


def all_orders(blocks: list[list[int]], longest_run: int) -> set[tuple[int, ...]]:
    """Every valid order, by trying all of them."""
    each = [
        set(permutations([label for label, count in enumerate(block) for _ in range(count)]))
        for block in blocks
    ]
    orders = {sum(parts, ()) for parts in product(*each)}
    return {order for order in orders if longest(order) <= longest_run}


def longest(order: tuple[int, ...] | list[int]) -> int:
    return max((len(list(run)) for _, run in groupby(order)), default=0)


small_blocks = st.integers(1, 3).flatmap(
    lambda n_labels: st.lists(
        st.lists(st.integers(0, 2), min_size=n_labels, max_size=n_labels), min_size=1, max_size=3
    )
)


@settings(max_examples=60, deadline=None)
@given(blocks=small_blocks.filter(lambda blocks: max(map(sum, blocks)) <= 5), longest_run=st.integers(1, 3))
def test_counts_are_those_of_trying_all_orders(blocks: list[list[int]], longest_run: int) -> None:
    assert count_block_orders(blocks, longest_run=longest_run) == len(all_orders(blocks, longest_run))


@pytest.mark.parametrize(
    ("blocks", "longest_run"),
    [
        ([[1, 1, 1]] * 2, 1),
        ([[2, 2]], 2),
        ([[2, 1], [1, 2]], 2),
        ([[3, 1, 1]], 2),
        ([[1, 1, 0], [0, 1, 1]], 1),
    ],
)
def test_every_valid_order_is_equally_probable(blocks: list[list[int]], longest_run: int) -> None:
    orders = all_orders(blocks, longest_run)
    rng = np.random.default_rng(5)
    drawn = Counter(
        tuple(chain.from_iterable(draw_block_order(blocks, longest_run=longest_run, rng=rng)))
        for _ in range(150 * len(orders))
    )
    assert set(drawn) == orders
    assert stats.chisquare(list(drawn.values())).pvalue > 0.001


@settings(max_examples=60, deadline=None)
@given(
    n_labels=st.integers(2, 9),
    n_blocks=st.integers(1, 5),
    longest_run=st.integers(1, 3),
    seed=st.integers(0, 2**32),
)
def test_blocks_are_complete_and_runs_short_across_their_borders(
    n_labels: int, n_blocks: int, longest_run: int, seed: int
) -> None:
    blocks = [[1] * n_labels] * n_blocks
    drawn = draw_block_order(blocks, longest_run=longest_run, rng=np.random.default_rng(seed))
    assert [sorted(block) for block in drawn] == [list(range(n_labels))] * n_blocks
    assert longest(list(chain.from_iterable(drawn))) <= longest_run


def test_the_same_seed_gives_the_same_order_on_every_computer() -> None:
    drawn = draw_block_order([[1] * 5] * 3, longest_run=1, rng=np.random.default_rng(2020))
    assert drawn == draw_block_order([[1] * 5] * 3, longest_run=1, rng=np.random.default_rng(2020))
    assert drawn == [[4, 1, 3, 0, 2], [3, 1, 0, 2, 4], [1, 2, 3, 0, 4]]


def test_no_order_is_refused() -> None:
    with pytest.raises(ValueError, match="no order has at most 1 in succession"):
        draw_block_order([[3, 1]], longest_run=1, rng=np.random.default_rng(1))


@pytest.mark.parametrize("blocks", [[], [[]], [[1], [1, 2]], [[-1, 2]]])
def test_blocks_that_do_not_fit_are_refused(blocks: list[list[int]]) -> None:
    with pytest.raises(ValueError, match="expected"):
        count_block_orders(blocks, longest_run=1)


@pytest.mark.parametrize("n", range(1, 11))
def test_a_latin_square_is_balanced_for_carry_over(n: int) -> None:
    rows = balanced_rows(n)
    assert len(rows) == (n if n % 2 == 0 or n == 1 else 2 * n)
    for place in range(n):
        assert set(Counter(row[place] for row in rows).values()) == {len(rows) // n}
    pairs = Counter(pair for row in rows for pair in pairwise(row))
    assert len(pairs) == n * (n - 1)
    assert len(set(pairs.values())) <= 1


def test_a_latin_square_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one label"):
        balanced_rows(0)
