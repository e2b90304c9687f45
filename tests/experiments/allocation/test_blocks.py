"""The list: balanced at every place, every order as likely as any other, the same for the same seed."""

from __future__ import annotations

from collections import Counter
from math import factorial

import numpy as np
import pytest

from experiments.allocation.blocks import draw_list, name_strata, permuted_blocks


def chi_square(counts: Counter[tuple[int, ...]], n_orders: int) -> float:
    expected = sum(counts.values()) / n_orders
    return sum((counts.get(order, 0) - expected) ** 2 / expected for order in counts) + expected * (
        n_orders - len(counts)
    )


@pytest.mark.parametrize(
    ("ratio", "multiples"),
    [((1, 1), (2,)), ((1, 1), (2, 3)), ((1, 1, 1), (2, 3)), ((2, 1), (1, 2, 3)), ((1, 1, 1, 1), (1, 2))],
)
def test_groups_are_balanced_at_every_place(ratio: tuple[int, ...], multiples: tuple[int, ...]) -> None:
    rng = np.random.default_rng(1)
    worst = 0.0
    for _ in range(200):
        groups = np.array(
            [group for *_, group in permuted_blocks(60, ratio=ratio, multiples=multiples, rng=rng)]
        )
        so_far = np.cumsum(groups[:, None] == np.arange(len(ratio)), axis=0) / np.array(ratio)
        worst = max(worst, float((so_far.max(axis=1) - so_far.min(axis=1)).max()))
    # two groups 1:1 in blocks of at most b: never more than b / 2 apart
    assert worst <= max(multiples)
    assert worst == max(multiples)  # and the bound is reached


def test_all_orders_of_a_block_are_equally_likely() -> None:
    for ratio, multiples in (((1, 1), (2,)), ((1, 1, 1), (1,)), ((2, 1), (2,))):
        size = sum(ratio) * multiples[0]
        n_orders = factorial(size)
        for part in ratio:
            n_orders //= factorial(part * multiples[0])
        rng = np.random.default_rng(2)
        drawn: Counter[tuple[int, ...]] = Counter()
        for _ in range(300 * n_orders):
            places = permuted_blocks(size, ratio=ratio, multiples=multiples, rng=rng)
            drawn[tuple(group for *_, group in places)] += 1
        assert len(drawn) == n_orders
        df = n_orders - 1
        assert chi_square(drawn, n_orders) < df + 4 * np.sqrt(2 * df)


def test_block_sizes_are_equally_likely_and_whole() -> None:
    rng = np.random.default_rng(3)
    places = permuted_blocks(30_000, ratio=(1, 1), multiples=(1, 2, 3), rng=rng)
    sizes = dict(Counter(block for block, *_ in places))
    last = max(sizes)
    stated = {block: size for block, size, _ in places}
    assert all(sizes[block] == stated[block] for block in sizes if block != last)
    counts = Counter(stated.values())
    assert set(counts) == {2, 4, 6}
    assert max(counts.values()) / min(counts.values()) < 1.1


def test_the_length_of_a_list_tells_nothing_of_its_blocks() -> None:
    rng = np.random.default_rng(4)
    for n in (1, 5, 7, 12):
        assert {len(permuted_blocks(n, ratio=(1, 1, 1), multiples=(2, 3), rng=rng)) for _ in range(50)} == {n}


def test_the_seed_decides_the_list_and_each_stratum_has_its_own() -> None:
    def drawn(seed: int, **n_in: int) -> list[str]:
        slots = draw_list(n_in, groups=("a", "b"), ratio=(1, 1), multiples=(2, 3), seed=seed)
        return [f"{slot.stratum}{slot.position}{slot.group}" for slot in slots]

    assert drawn(7, F=30, M=30) == drawn(7, F=30, M=30)
    assert drawn(7, F=30, M=30) != drawn(8, F=30, M=30)
    both = drawn(7, F=30, M=30)
    assert [slot[-1] for slot in both[:30]] != [slot[-1] for slot in both[30:]]


def test_the_first_and_the_last_place_are_no_better_known_than_others() -> None:
    """The order of the groups' names must not matter either."""
    rng = np.random.default_rng(5)
    lists = np.array(
        [
            [group for *_, group in permuted_blocks(11, ratio=(1, 1, 1), multiples=(2, 3), rng=rng)]
            for _ in range(6000)
        ]
    )
    for place in range(11):
        share = np.bincount(lists[:, place], minlength=3) / 6000
        assert np.abs(share - 1 / 3).max() < 4 * np.sqrt(2 / 9 / 6000)


def test_strata_are_all_combinations() -> None:
    assert list(name_strata({"sex": ("F", "M"), "site": ("V", "B")})) == ["F/V", "F/B", "M/V", "M/B"]
