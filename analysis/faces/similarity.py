"""How alike frames are: correlations around events, their clusters, and whether clusters are the events.

Dolensek et al. (2020), Fig. 1C-D. Colours of time beside a clustered matrix are put there afterwards ("post
hoc"); whether the two halves of a clip are really told apart is a question of frames of *different* trials,
because frames of one trial are alike for other reasons. `phase_separation` asks it that way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy.cluster import hierarchy
from scipy.spatial.distance import squareform

_ROWS = 4096
"""Frames that are correlated with prototypes at a time."""


@dataclass(frozen=True, eq=False)
class FrameClusters:
    """Hierarchical clusters of frames."""

    linkage: np.ndarray
    """As SciPy's, ``(n_frames - 1, 4)``."""
    order: np.ndarray
    """Frames in the order of the dendrogram."""
    cluster: np.ndarray
    """Cluster of each frame when the tree is cut into two: 0 or 1, 0 being the one of the first frame."""


def correlate_frames(descriptors: np.ndarray) -> np.ndarray:
    """Correlate every frame with every other (Pearson; Fig. 1C-D).

    Parameters
    ----------
    descriptors : numpy.ndarray
        Shape ``(n_frames, n_features)``.

    Returns
    -------
    numpy.ndarray
        Shape ``(n_frames, n_frames)``, float32; NaN where a frame has missing values or all its values are
        the same. It takes 4 n_frames**2 bytes: 100 MB for 5 000 frames.

    Examples
    --------
    >>> correlate_frames(np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [3.0, 2.0, 1.0]])).round(3)
    array([[ 1.,  1., -1.],
           [ 1.,  1., -1.],
           [-1., -1.,  1.]], dtype=float32)
    """
    rows = _standardised(descriptors)
    found = rows @ rows.T
    np.clip(found, -1, 1, out=found)
    np.fill_diagonal(found, np.where(np.isnan(rows[:, 0]), np.nan, 1))
    return found


def correlate_with(descriptors: np.ndarray, prototypes: np.ndarray) -> np.ndarray:
    """Correlate every frame with each prototype (Fig. 2B), without the matrix of all frames.

    Parameters
    ----------
    descriptors : numpy.ndarray
        Shape ``(n_frames, n_features)``; may be a memory map.
    prototypes : numpy.ndarray
        Shape ``(n_prototypes, n_features)``.

    Returns
    -------
    numpy.ndarray
        Shape ``(n_frames, n_prototypes)``; NaN for frames with missing values or without any variation.
    """
    targets = _standardised(np.atleast_2d(prototypes))
    if np.ndim(descriptors) != 2 or np.shape(descriptors)[1] != targets.shape[1]:
        raise ValueError(
            f"expected descriptors of shape (n_frames, {targets.shape[1]}), as the prototypes have, found "
            f"{np.shape(descriptors)}"
        )
    found = np.empty((len(descriptors), len(targets)))
    for start in range(0, len(descriptors), _ROWS):
        found[start : start + _ROWS] = _standardised(descriptors[start : start + _ROWS]) @ targets.T
    return np.clip(found, -1, 1)


def cluster_frames(
    correlation: np.ndarray, *, distance: Literal["rows", "correlation"] = "rows"
) -> FrameClusters:
    """Cluster frames by average linkage (Fig. 1D).

    Parameters
    ----------
    correlation : numpy.ndarray
        As `correlate_frames` gives it.
    distance : {"rows", "correlation"}
        ``rows``: Euclidean distance of the rows of the matrix, as the group's code does (clustermap);
        ``correlation``: 1 - r.

    Returns
    -------
    FrameClusters
        Tree, order and the two top clusters.

    Raises
    ------
    ValueError
        If a correlation is missing, or there are fewer than two frames.
    """
    correlation = np.asarray(correlation)
    if correlation.ndim != 2 or correlation.shape[0] != correlation.shape[1] or len(correlation) < 2:
        raise ValueError(f"expected correlations of two frames or more, found shape {correlation.shape}")
    bad = np.flatnonzero(np.isnan(np.diagonal(correlation)))
    if len(bad):
        raise ValueError(f"{len(bad)} frames have no correlation (number {bad[0]} first): leave them out")
    if distance == "rows":
        rows = correlation.astype(np.float64)
        square = (rows**2).sum(axis=1)
        distances = np.sqrt(np.maximum(square[:, None] + square - 2 * rows @ rows.T, 0))
    elif distance == "correlation":
        distances = np.maximum(1 - correlation.astype(np.float64), 0)
    else:
        raise ValueError(f"distance should be 'rows' or 'correlation', found {distance!r}")
    np.fill_diagonal(distances, 0)
    tree = hierarchy.linkage(squareform((distances + distances.T) / 2, checks=False), "average")
    cluster = hierarchy.fcluster(tree, 2, "maxclust")
    return FrameClusters(tree, hierarchy.leaves_list(tree), (cluster != cluster[0]).astype(int))


def event_clip_frames(
    times_s: np.ndarray, events: pd.DataFrame, *, before_s: float = 4.0, during_s: float = 2.0
) -> pd.DataFrame:
    """Find the frames around events (Fig. 1D; 4 s and 2 s are those of the group's later code).

    Parameters
    ----------
    times_s : numpy.ndarray
        Time of each frame on the session clock, increasing.
    events : pandas.DataFrame
        Columns ``onset`` (s) and ``trial_type``; further ones are not used.
    before_s, during_s : float
        What is kept before and after each onset.

    Returns
    -------
    pandas.DataFrame
        One row per frame: frame (index into ``times_s``), time_s, trial (number of the event in the table),
        label, since_s (from the onset) and during (whether at or after it).

    Raises
    ------
    ValueError
        If an event lies outside of the video, or has no frames; the message says which.
    """
    times_s = np.asarray(times_s, float)
    if times_s.ndim != 1 or len(times_s) < 2 or not (np.diff(times_s) > 0).all():
        raise ValueError("times of frames should increase from frame to frame, with none missing")
    missing = {"onset", "trial_type"} - set(events.columns)
    if missing:
        raise ValueError(f"events need a column {' and '.join(sorted(missing))}")
    rows = []
    for trial, (onset, label) in enumerate(zip(events["onset"], events["trial_type"], strict=True)):
        first, last = np.searchsorted(times_s, [onset - before_s - 1e-9, onset + during_s - 1e-9])
        if not times_s[0] <= onset <= times_s[-1] or first == last:
            raise ValueError(
                f"event {trial} ({label}) at {onset:g} s has no frames: the video is from {times_s[0]:g} to "
                f"{times_s[-1]:g} s. Check that both are on the same clock"
            )
        frame = np.arange(first, last)
        since_s = times_s[frame] - onset
        clip = {"frame": frame, "time_s": times_s[frame], "trial": trial, "label": label}
        rows.append(pd.DataFrame({**clip, "since_s": since_s, "during": since_s >= -1e-9}))
    if not rows:
        raise ValueError("there are no events")
    return pd.concat(rows, ignore_index=True)


def neutral_events(
    events: pd.DataFrame, *, start_s: float, stop_s: float, before_s: float = 4.0, during_s: float = 2.0
) -> pd.DataFrame:
    """Make the neutral control: the same sequence of clips, taken from a time without events (Fig. 1D, top).

    Parameters
    ----------
    events : pandas.DataFrame
        The events whose sequence is copied; column ``onset`` (s).
    start_s, stop_s : float
        The time without events, on the session clock.
    before_s, during_s : float
        As in `event_clip_frames`.

    Returns
    -------
    pandas.DataFrame
        onset, trial_type ``neutral`` and same_intervals: whether the intervals of the events could be kept.
        Where they do not fit they are shortened by one factor, to no less than a clip.

    Raises
    ------
    ValueError
        If not even clips without any pause fit.
    """
    onsets = np.sort(np.asarray(events["onset"], float))
    if not len(onsets):
        raise ValueError("there are no events whose sequence could be copied")
    clip_s, room_s = before_s + during_s, stop_s - start_s
    if room_s < clip_s * len(onsets):
        raise ValueError(
            f"{len(onsets)} clips of {clip_s:g} s need {clip_s * len(onsets):g} s without events, there are "
            f"{room_s:g} s: record a longer baseline, or use fewer or shorter clips"
        )
    intervals = np.diff(onsets)
    total, spare_s = intervals.sum(), room_s - clip_s
    if total > spare_s:
        pauses = np.maximum(intervals - clip_s, 0)
        free_s = spare_s - clip_s * len(intervals)
        intervals = clip_s + (pauses * min(1.0, free_s / pauses.sum()) if pauses.sum() > 0 else pauses)
    found = start_s + before_s + np.concatenate([[0.0], np.cumsum(intervals)])
    return pd.DataFrame({"onset": found, "trial_type": "neutral", "same_intervals": bool(total <= spare_s)})


def phase_separation(correlation: np.ndarray, clips: pd.DataFrame) -> float:
    """Return how much more alike frames of the same phase are than frames before and during (Fig. 1D).

    Parameters
    ----------
    correlation : numpy.ndarray
        Of the frames of one kind of event of one animal, ``(n_frames, n_frames)``.
    clips : pandas.DataFrame
        Columns ``trial`` and ``during`` of these frames.

    Returns
    -------
    float
        Mean correlation of frames of the same phase minus that of frames before with frames during, pairs of
        different trials only. About zero if nothing changes with the event, however slowly the face drifts.
        One number per animal: test it with `analysis.models.small_samples.one_sample`.

    Raises
    ------
    ValueError
        If there are fewer than two trials with frames of both phases.
    """
    trial = pd.factorize(clips["trial"])[0]
    during = clips["during"].to_numpy(bool)
    member = np.zeros((2 * (trial.max() + 1), len(clips)))
    member[2 * trial + during, np.arange(len(clips))] = 1
    counts = member.sum(axis=1)
    if counts.min() == 0 or len(counts) < 4:
        raise ValueError("two trials at least are needed, each with frames before and during the event")
    means = member @ np.asarray(correlation, float) @ member.T / np.outer(counts, counts)
    other = ~np.eye(len(counts) // 2, dtype=bool)
    before, after, between = means[::2, ::2], means[1::2, 1::2], means[::2, 1::2]
    return float((before[other].mean() + after[other].mean()) / 2 - between[other].mean())


def cluster_agreement(clusters: FrameClusters, clips: pd.DataFrame) -> float:
    """Return the share of frames whose top cluster is that of their phase (Fig. 1D's colours, as a number).

    It is 0.5 at the least. It says nothing by itself, as two clusters always come out: compare events with
    the neutral control, and see `phase_separation`.
    """
    agreement = float(np.mean(clusters.cluster == clips["during"].to_numpy(bool)))
    return max(agreement, 1 - agreement)


def _standardised(descriptors: np.ndarray) -> np.ndarray:
    """Return rows with mean 0 and length 1, float32; NaN for rows that do not vary."""
    rows = np.array(descriptors, np.float64)
    if rows.ndim != 2:
        raise ValueError(f"expected descriptors of shape (n_frames, n_features), found {rows.shape}")
    largest = np.abs(rows).max(axis=1, keepdims=True)
    rows -= rows.mean(axis=1, keepdims=True)
    length = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        rows /= np.where(length > 1e-7 * largest, length, np.nan)
    return rows.astype(np.float32)
