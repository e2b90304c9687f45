"""Nearest frames of other trials, changes that trials share, and blocks of an order."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.faces.consistent_change import change_by_cell, shared_change
from analysis.faces.folds import order_blocks
from analysis.faces.neighbours import neighbour_test, same_event_share, trial_neighbours

LABELS = np.array(["sweet", "bitter", "sweet", "bitter", "sweet", "bitter"])


def clouds(rng: np.random.Generator, apart: float) -> tuple[np.ndarray, np.ndarray]:
    """Six trials of eight frames; sweet ones lie to the right."""
    trial = np.repeat(np.arange(6), 8)
    points = rng.normal(size=(48, 3))
    points[:, 0] += apart * (LABELS[trial] == "sweet")
    return points, trial


def test_neighbours_are_those_of_a_plain_search() -> None:
    points, trial = clouds(np.random.default_rng(1), 1.0)
    found = trial_neighbours(points, trial, n_neighbours=5).to_numpy()
    expected = np.zeros((6, 6))
    for row in range(48):
        distance = np.linalg.norm(points - points[row], axis=1)
        distance[trial == trial[row]] = np.inf
        for near in np.argsort(distance)[:5]:
            expected[trial[row], trial[near]] += 1 / 5 / 8
    np.testing.assert_allclose(found, expected)
    np.testing.assert_allclose(found.sum(axis=1), 1)


def test_events_that_lie_apart_are_found_and_others_are_not() -> None:
    rng = np.random.default_rng(2)
    blocks = [np.zeros(6, int)] * 4
    for apart, low, high in ((8.0, 0.0, 0.02), (0.0, 0.05, 1.0)):
        tables = [trial_neighbours(*clouds(rng, apart)) for _ in range(4)]
        p = neighbour_test(tables, [LABELS] * 4, blocks, n_permutations=99, rng=rng).p
        assert low < p <= high
        assert (same_event_share(tables[0], LABELS) == 1) == (apart > 0)


def test_the_test_is_exact_under_the_null() -> None:
    rng = np.random.default_rng(3)
    p = [
        neighbour_test(
            [trial_neighbours(*clouds(rng, 0.0), n_neighbours=4)],
            [rng.permutation(LABELS)],
            [np.zeros(6, int)],
            n_permutations=9,
            rng=rng,
        ).p
        for _ in range(200)
    ]
    assert np.mean(np.array(p) <= 0.1 + 1e-9) < 0.1 + 3.5 * np.sqrt(0.09 / 200)


def test_too_few_frames_of_other_trials_are_refused() -> None:
    with pytest.raises(ValueError, match="fewer than 9 frames of other trials"):
        trial_neighbours(np.zeros((10, 2)), np.repeat([0, 1], 5), n_neighbours=9)
    with pytest.raises(ValueError, match="no animal has two trials"):
        table = trial_neighbours(
            np.random.default_rng(0).normal(size=(10, 2)), np.repeat([0, 1], 5), n_neighbours=2
        )
        neighbour_test(
            [table], [np.array(["a", "b"])], [np.zeros(2)], n_permutations=9, rng=np.random.default_rng(0)
        )


def test_noise_shares_nothing_and_an_expression_is_shared() -> None:
    rng = np.random.default_rng(4)
    noise = [shared_change(rng.normal(size=(3, 50))) for _ in range(300)]
    assert abs(np.mean(noise)) < 4 * np.std(noise) / np.sqrt(300)
    expression = rng.normal(size=50)
    assert shared_change(expression + 0.3 * rng.normal(size=(3, 50))) > 0.8
    assert np.isnan(shared_change(rng.normal(size=(1, 50))))


def test_the_map_has_the_size_of_the_shared_change() -> None:
    changes = np.zeros((4, 12))
    changes[:, 4:8] = [3.0, 0.0, 4.0, 0.0]
    np.testing.assert_allclose(change_by_cell(changes, orientations=4), [0, 5, 0])
    assert np.isnan(change_by_cell(changes[:1], orientations=4)).all()


def test_blocks_need_every_event_once() -> None:
    assert order_blocks(np.array(list("abccab"))).tolist() == [0, 0, 0, 1, 1, 1]
    assert order_blocks(np.array(list("abcabb"))).tolist() == [0] * 6
    assert order_blocks(np.array(list("abca"))).tolist() == [0] * 4
    assert order_blocks(np.array([])).tolist() == []
