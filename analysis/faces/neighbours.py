"""Which frames lie next to each other, and whether that has to do with events (beside Fig. 1E).

A cloud of frames is a trial before it is anything else. What an embedding shows of events is therefore asked
of frames of *other* trials only, and chance comes from giving the trials of an animal each other's events.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.models.permutation import PermutationTest, permute_within, sequential_test

_ROWS = 1024
"""Frames whose distances are looked at at a time."""


def trial_neighbours(points: np.ndarray, trials: np.ndarray, *, n_neighbours: int = 10) -> pd.DataFrame:
    """Count, for each trial of an animal, of which other trials its frames' nearest neighbours are.

    Parameters
    ----------
    points : numpy.ndarray
        Shape ``(n_frames, n_dimensions)``: an embedding, or descriptors.
    trials : numpy.ndarray
        Trial of each frame.
    n_neighbours : int
        Nearest frames of other trials that are looked at.

    Returns
    -------
    pandas.DataFrame
        Index and columns: trials, in the order of the frames; shares, each row adds up to 1, the diagonal
        is 0. It does not depend on labels, so that shuffling these costs nothing.

    Raises
    ------
    ValueError
        If there are too few frames of other trials.
    """
    codes, names = pd.factorize(np.asarray(trials))
    counts = np.bincount(codes)
    if len(names) < 2 or not 1 <= n_neighbours <= len(codes) - counts.max():
        raise ValueError(
            f"there are fewer than {n_neighbours} frames of other trials: look at fewer neighbours"
        )
    values = np.asarray(points, np.float64)
    values = values - values.mean(axis=0)
    square = (values**2).sum(axis=1)
    member = np.zeros((len(codes), len(names)))
    member[np.arange(len(codes)), codes] = 1 / n_neighbours
    shares = np.zeros((len(names), len(names)))
    for start in range(0, len(codes), _ROWS):
        rows = slice(start, start + _ROWS)
        distances = square[rows, None] + square - 2 * values[rows] @ values.T
        distances[codes[rows, None] == codes] = np.inf
        nearest = np.argpartition(distances, n_neighbours - 1, axis=1)[:, :n_neighbours]
        np.add.at(shares, codes[rows], member[nearest].sum(axis=1))
    return pd.DataFrame(shares / counts[:, None], index=names, columns=names)


def same_event_share(neighbours: pd.DataFrame, labels: np.ndarray) -> float:
    """Return the share of neighbours, among frames of other trials, that belong to the same event.

    Examples
    --------
    >>> table = pd.DataFrame([[0.0, 0.75, 0.25], [1.0, 0.0, 0.0], [0.5, 0.5, 0.0]])
    >>> same_event_share(table, np.array(["sweet", "sweet", "bitter"]))
    0.875
    """
    labels = np.asarray(labels)
    repeated = (labels[:, None] == labels).sum(axis=1) > 1
    same = (labels[:, None] == labels) * neighbours.to_numpy()
    return float(same.sum(axis=1)[repeated].mean()) if repeated.any() else float("nan")


def neighbour_test(
    neighbours: Sequence[pd.DataFrame],
    labels: Sequence[np.ndarray],
    blocks: Sequence[np.ndarray],
    *,
    n_permutations: int,
    rng: np.random.Generator,
) -> PermutationTest:
    """Test whether frames lie next to frames of the same event, by exchanging the labels of trials.

    Parameters
    ----------
    neighbours : sequence of pandas.DataFrame
        One per animal, of `trial_neighbours`.
    labels, blocks : sequence of numpy.ndarray
        One per animal: event of each trial, and the block within which the order was random (labels are
        exchanged within blocks, see `analysis.faces.folds.order_blocks`).
    n_permutations : int
        Number of shuffles.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    PermutationTest
        Of the mean over animals of `same_event_share`. Exact, one-sided.
    """
    known = [
        (table, np.asarray(names), np.asarray(block))
        for table, names, block in zip(neighbours, labels, blocks, strict=True)
        if not np.isnan(same_event_share(table, names))
    ]
    if not known:
        raise ValueError("no animal has two trials of the same event: nothing could lie together")
    observed = float(np.mean([same_event_share(table, names) for table, names, _ in known]))
    permuted = (
        float(
            np.mean(
                [
                    same_event_share(table, permute_within(names, block, rng=rng))
                    for table, names, block in known
                ]
            )
        )
        for _ in range(n_permutations)
    )
    return sequential_test(observed, permuted, n_permutations=n_permutations)
