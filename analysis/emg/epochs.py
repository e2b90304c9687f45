"""Epochs around events: cut out, and expressed as a percentage of their baseline."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Epochs(NamedTuple):
    """Stretches of one channel around events."""

    values: np.ndarray
    """(n_trials, n_samples); the row of an incomplete epoch is NaN."""
    times_s: np.ndarray
    """(n_samples,) seconds from the event, negative = before."""
    complete: np.ndarray
    """(n_trials,) whether the recording holds the whole epoch."""


def cut_epochs(
    samples: np.ndarray, onsets: np.ndarray, *, fs_hz: float, start_s: float, stop_s: float
) -> Epochs:
    """Cut the stretch around each event out of a channel.

    Parameters
    ----------
    samples : numpy.ndarray
        One channel, (n_samples,).
    onsets : numpy.ndarray
        Sample number of each event, (n_trials,) whole numbers.
    fs_hz : float
        Sampling rate.
    start_s, stop_s : float
        Limits in seconds from the event, negative = before; the sample at `stop_s` is not included.

    Raises
    ------
    ValueError
        If `stop_s` is not after `start_s`.

    Examples
    --------
    >>> epochs = cut_epochs(np.arange(10.0), np.array([4, 9]), fs_hz=10, start_s=-0.1, stop_s=0.2)
    >>> epochs.values[0].tolist(), epochs.times_s.tolist(), epochs.complete.tolist()
    ([3.0, 4.0, 5.0], [-0.1, 0.0, 0.1], [True, False])
    """
    offsets = np.arange(round(start_s * fs_hz), round(stop_s * fs_hz))
    if offsets.size == 0:
        raise ValueError(f"an epoch from {start_s} to {stop_s} s holds no sample at {fs_hz:g} Hz")
    positions = np.asarray(onsets, dtype=int)[:, np.newaxis] + offsets
    complete = (positions[:, 0] >= 0) & (positions[:, -1] < len(samples))
    values = np.full(positions.shape, np.nan)
    values[complete] = samples[positions[complete]]
    return Epochs(values, offsets / fs_hz, complete)


def mean_between(values: np.ndarray, times_s: np.ndarray, *, start_s: float, stop_s: float) -> np.ndarray:
    """Average each epoch over a stretch of time.

    Parameters
    ----------
    values : numpy.ndarray
        (n_trials, n_samples).
    times_s : numpy.ndarray
        (n_samples,) evenly spaced seconds from the event.
    start_s, stop_s : float
        Limits; the sample at `start_s` is included, that at `stop_s` is not.

    Returns
    -------
    numpy.ndarray
        (n_trials,); NaN where the epoch has a NaN in that stretch.

    Raises
    ------
    ValueError
        If the epochs have no sample in that stretch.

    Examples
    --------
    >>> times_s = np.array([-0.2, -0.1, 0.0])
    >>> mean_between(np.array([[1.0, 3.0, 8.0]]), times_s, start_s=-0.2, stop_s=0).tolist()
    [2.0]
    """
    return values[:, _between(times_s, start_s, stop_s)].mean(axis=1)


def percent_of_baseline(values: np.ndarray, times_s: np.ndarray, *, baseline_s: float) -> np.ndarray:
    """Express epochs as a percentage of the mean of the baseline that ends at the event.

    Parameters
    ----------
    values : numpy.ndarray
        Rectified and smoothed microvolts, (n_trials, n_samples).
    times_s : numpy.ndarray
        (n_samples,) seconds from the event.
    baseline_s : float
        Length of the baseline.

    Returns
    -------
    numpy.ndarray
        (n_trials, n_samples); a trial without a baseline above zero is NaN.

    Examples
    --------
    >>> percent_of_baseline(np.array([[2.0, 3.0], [0.0, 3.0]]), np.array([-0.1, 0.0]), baseline_s=0.1)
    array([[100., 150.],
           [ nan,  nan]])
    """
    baseline = mean_between(values, times_s, start_s=-baseline_s, stop_s=0.0)
    baseline = np.where(baseline > 0, baseline, np.nan)
    return 100 * values / baseline[:, np.newaxis]


def is_flat(values: np.ndarray, times_s: np.ndarray, *, stretches_s: list[tuple[float, float]]) -> np.ndarray:
    """Find epochs that do not change at all in one of some stretches of time, as when an electrode is off.

    Parameters
    ----------
    values : numpy.ndarray
        Unfiltered samples, (n_trials, n_samples).
    times_s : numpy.ndarray
        (n_samples,) seconds from the event.
    stretches_s : list of tuple
        Start and stop (not included) of each stretch.

    Returns
    -------
    numpy.ndarray
        (n_trials,) booleans. A stretch of one sample is not called flat; NaN are no flat stretch either.

    Examples
    --------
    >>> is_flat(np.array([[5.0, 5.0], [5.0, 4.0]]), np.array([0.0, 0.1]), stretches_s=[(0.0, 0.2)]).tolist()
    [True, False]
    """
    flat = np.zeros(len(values), dtype=bool)
    for start_s, stop_s in stretches_s:
        inside = _between(times_s, start_s, stop_s)
        if inside.sum() > 1:
            flat |= np.ptp(values[:, inside], axis=1) == 0
    return flat


def _between(times_s: np.ndarray, start_s: float, stop_s: float) -> np.ndarray:
    """Choose the samples from `start_s` to before `stop_s`, without falling for rounding errors."""
    half = (times_s[1] - times_s[0]) / 2 if len(times_s) > 1 else 0.0
    inside = (times_s >= start_s - half) & (times_s < stop_s - half)
    if not inside.any():
        raise ValueError(
            f"there is no sample between {start_s:g} and {stop_s:g} s; the epoch has "
            f"{times_s[0]:g} to {times_s[-1]:g} s"
        )
    return inside
