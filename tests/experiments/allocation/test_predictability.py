"""The best guesser: known answers, and the guesses come true as often as they say."""

from __future__ import annotations

import numpy as np
import pytest

from experiments.allocation.blocks import permuted_blocks
from experiments.allocation.predictability import best_guesses, predictability


def test_blocks_of_four_are_as_worked_out_by_hand() -> None:
    # place 1: 1/2; 2: 2/3; 3: 1 after two equal (p = 1/3), else 1/2; 4: 1. Certain: 1/3 at place 3, 1 at 4.
    by_hand = (1 / 2 + 2 / 3 + (1 / 3 + 2 / 3 * 1 / 2) + 1) / 4
    found = predictability(40, ratio=(1, 1), multiples=(2,), n_lists=2000, rng=np.random.default_rng(1))
    assert found.right == pytest.approx(by_hand, abs=0.003)
    assert found.certain == pytest.approx((0 + 0 + 1 / 3 + 1) / 4, abs=0.005)


@pytest.mark.parametrize(("ratio", "multiples"), [((1, 1), (2, 3)), ((1, 1, 1), (2, 3)), ((2, 1), (1, 2, 4))])
def test_guesses_come_true_as_often_as_they_say(ratio: tuple[int, ...], multiples: tuple[int, ...]) -> None:
    rng = np.random.default_rng(2)
    said, true = [], []
    for _ in range(400):
        groups = [group for *_, group in permuted_blocks(30, ratio=ratio, multiples=multiples, rng=rng)]
        best, came = best_guesses(groups, ratio=ratio, multiples=multiples)
        assert (came > 0).all()
        assert (best >= came).all()
        said.append(best)
        true.append(np.where(np.isclose(best, came), best / best, 0.0))
    # ties: several groups are equally probable, and one of them is named
    certain = np.isclose(said, 1.0)
    assert np.asarray(true)[certain].all()
    lone = np.asarray(said) > 0.5
    assert np.asarray(true)[lone].mean() == pytest.approx(np.asarray(said)[lone].mean(), abs=0.02)


def test_random_sizes_leave_little_to_be_deduced() -> None:
    """The numbers of docs/allocation.md, with room for another generator."""
    rng = np.random.default_rng(3)
    fixed = predictability(48, ratio=(1, 1, 1), multiples=(2,), n_lists=200, rng=rng)
    mixed = predictability(48, ratio=(1, 1, 1), multiples=(2, 3), n_lists=200, rng=rng)
    assert fixed.certain == pytest.approx(0.20, abs=0.02)
    assert mixed.certain < 0.07
    assert mixed.right < fixed.right
