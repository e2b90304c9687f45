"""Frames as points of a plane (t-SNE; Dolensek et al. 2020, Fig. 1E), and what the clouds are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from analysis.faces.forest import check_finite
from analysis.models.processes import check_generator

Preset = Literal["recommended", "paper"]

PRESETS: dict[str, dict] = {
    "paper": {"init": "random", "learning_rate": 200.0, "perplexity": 30.0, "early_exaggeration": 12.0},
    "recommended": {"init": "pca", "learning_rate": "auto", "perplexity": 30.0, "early_exaggeration": 12.0},
}
"""``paper``: scikit-learn's defaults of 2020, which the group's code used (they have changed since).
``recommended``: start from the principal components, so that distances between clouds mean a little, and two
seeds give the same picture (Kobak & Berens 2019)."""


@dataclass(frozen=True)
class NeighbourPurity:
    """What the nearest neighbours of frames are, as shares."""

    same_trial: float
    """Neighbours that belong to the same trial: the clouds are trials."""
    same_class: float
    """Neighbours of the same class, among all frames of *other* trials."""
    chance: float
    """What ``same_class`` would be for neighbours at random."""


def embed(
    descriptors: np.ndarray,
    *,
    rng: np.random.Generator,
    method: Literal["tsne"] = "tsne",
    preset: Preset = "recommended",
    n_components: int = 100,
    perplexity: float | None = None,
) -> np.ndarray:
    """Embed frames of one animal in a plane (Fig. 1E): principal components, then t-SNE.

    Parameters
    ----------
    descriptors : numpy.ndarray
        Shape ``(n_frames, n_features)``. Up to about 5 000 frames; time grows faster than their number.
    rng : numpy.random.Generator
        Source of randomness.
    method : {"tsne"}
        The only one.
    preset : {"recommended", "paper"}
        See `PRESETS`.
    n_components : int
        Principal components that are kept, 100 in the group's code.
    perplexity : float, optional
        Number of neighbours that count, about; that of the preset by default.

    Returns
    -------
    numpy.ndarray
        Shape ``(n_frames, 2)``.

    Raises
    ------
    ValueError
        If values are missing, nothing varies, or there are too few frames for the perplexity.
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    check_generator(rng)
    if method != "tsne" or preset not in get_args(Preset):
        raise ValueError(
            f"method should be 'tsne' and preset one of {', '.join(PRESETS)}; got {method}, {preset}"
        )
    rows = np.asarray(descriptors, np.float32)
    if rows.ndim != 2:
        raise ValueError(f"expected descriptors of shape (n_frames, n_features), found {rows.shape}")
    check_finite(rows)
    options = {**PRESETS[preset], **({} if perplexity is None else {"perplexity": perplexity})}
    if len(rows) <= 3 * options["perplexity"]:
        raise ValueError(
            f"t-SNE with perplexity {options['perplexity']:g} needs more than {3 * options['perplexity']:g} "
            f"frames, found {len(rows)}: take more frames or a smaller perplexity"
        )
    if not np.ptp(rows, axis=0).any():
        raise ValueError("all frames are the same: there is nothing to embed")
    kept = min(n_components, *rows.shape)
    seeds = rng.integers(0, 2**31, size=2)
    reduced = PCA(kept, random_state=int(seeds[0])).fit_transform(rows)
    with threadpool_limits(1, user_api="openmp"):  # threads that wait for one another spin on a busy machine
        return TSNE(2, random_state=int(seeds[1]), **options).fit_transform(reduced)


def neighbour_purity(
    points: np.ndarray, labels: np.ndarray, trials: np.ndarray, *, n_neighbours: int = 10
) -> NeighbourPurity:
    """Tell whether clouds of an embedding are events, or only trials.

    Parameters
    ----------
    points : numpy.ndarray
        Shape ``(n_frames, 2)``; descriptors will do as well.
    labels, trials : numpy.ndarray
        Class and trial of each frame.
    n_neighbours : int
        Nearest neighbours that are looked at.

    Returns
    -------
    NeighbourPurity
        Shares.
    """
    from scipy.spatial.distance import cdist

    labels, trials = np.asarray(labels), np.asarray(trials)
    same_trial = trials[:, None] == trials
    if not 1 <= n_neighbours <= (~same_trial).sum(axis=1).min():
        raise ValueError(
            f"there are fewer than {n_neighbours} frames of other trials: look at fewer neighbours"
        )
    distances = cdist(points, points)
    np.fill_diagonal(distances, np.inf)
    nearest = np.argpartition(distances, n_neighbours - 1)[:, :n_neighbours]
    alike = np.take_along_axis(same_trial, nearest, axis=1).mean()
    distances[same_trial] = np.inf
    elsewhere = np.argpartition(distances, n_neighbours - 1)[:, :n_neighbours]
    same_class = labels[:, None] == labels
    chance = (same_class & ~same_trial).sum(axis=1) / (~same_trial).sum(axis=1)
    return NeighbourPurity(
        float(alike), float(np.take_along_axis(same_class, elsewhere, axis=1).mean()), float(chance.mean())
    )
