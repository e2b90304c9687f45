"""Whether the face changes in the same way each time an event comes, and in which cells of the picture.

Any two moments of a face differ, so the length of a difference is never zero and proves nothing. The changes
of two *different* trials, however, have nothing in common unless the event brings it about: their product is
zero on average, whatever the noise (the same idea as the cross-validated distance of Walther et al. 2016).
"""

from __future__ import annotations

import numpy as np
import pandas as pd


def trial_changes(descriptors: np.ndarray, clips: pd.DataFrame, *, baseline_s: float) -> np.ndarray:
    """Return what each trial changes in the face: mean of the frames during it minus that of the rest before.

    Parameters
    ----------
    descriptors : numpy.ndarray
        Shape ``(n_frames, n_features)``, of one event of one animal.
    clips : pandas.DataFrame
        One row per descriptor: trial, during, since_s (s from the onset).
    baseline_s : float
        Length of the rest before an onset.

    Returns
    -------
    numpy.ndarray
        Shape ``(n_trials, n_features)``; trials without frames before or during their event are left out.
    """
    values = np.asarray(descriptors)
    during = clips["during"].to_numpy(bool)
    rest = ~during & (clips["since_s"].to_numpy(float) >= -baseline_s - 1e-9)
    trial = clips["trial"].to_numpy()
    found = []
    for name in pd.unique(trial):
        own = trial == name
        if (own & during).any() and (own & rest).any():
            after, before = (values[own & part].mean(axis=0, dtype=np.float64) for part in (during, rest))
            found.append(after - before)
    return np.array(found).reshape(-1, values.shape[1])


def shared_change(changes: np.ndarray) -> float:
    """Return how alike the changes of different trials are: mean cosine of all pairs.

    Parameters
    ----------
    changes : numpy.ndarray
        As of `trial_changes`.

    Returns
    -------
    float
        1: the same each time; about 0: nothing in common. NaN with fewer than two trials that change.

    Examples
    --------
    >>> shared_change(np.array([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0]]))
    0.3333333333333333
    """
    length = np.linalg.norm(changes, axis=1, keepdims=True)
    unit = changes[length[:, 0] > 0] / length[length[:, 0] > 0]
    if len(unit) < 2:
        return float("nan")
    return float(((unit @ unit.T).sum() - len(unit)) / (len(unit) * (len(unit) - 1)))


def change_by_cell(changes: np.ndarray, *, orientations: int) -> np.ndarray:
    """Return how far each cell changes in the way that all trials share.

    Parameters
    ----------
    changes : numpy.ndarray
        As of `trial_changes`.
    orientations : int
        Numbers per cell.

    Returns
    -------
    numpy.ndarray
        One value per cell: root of the mean product of different trials, in units of the descriptor; 0 where
        trials have nothing in common, NaN with fewer than two trials.

    Examples
    --------
    >>> change_by_cell(np.array([[3.0, 0.0, 1.0, 0.0], [3.0, 0.0, -1.0, 0.0]]), orientations=2)
    array([3., 0.])
    """
    cells = np.asarray(changes, float).reshape(len(changes), -1, orientations)
    if len(cells) < 2:
        return np.full(cells.shape[1], np.nan)
    together = (cells.sum(axis=0) ** 2).sum(axis=-1) - (cells**2).sum(axis=(0, 2))
    return np.sqrt(np.maximum(together / (len(cells) * (len(cells) - 1)), 0.0))
