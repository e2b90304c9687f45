"""Stretches without a signal: put in where time stamps jump, and bridged for files that cannot hold NaN.

Pure: arrays in, arrays out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

LONGEST_GAP_S = 3600.0
"""Time stamps that jump by more belong to another clock or another day."""


class Gap(NamedTuple):
    """A stretch without a signal."""

    start: int
    """First missing sample."""
    stop: int
    """First sample after it."""


def fill_gaps(values: np.ndarray, times_s: np.ndarray, *, fs_hz: float) -> tuple[np.ndarray, np.ndarray]:
    """Put NaN where time stamps jump, so that samples are evenly spaced again.

    Parameters
    ----------
    values : numpy.ndarray
        (n_channels, n_samples).
    times_s : numpy.ndarray
        (n_samples,) time stamps.
    fs_hz : float
        Sampling rate.

    Returns
    -------
    filled : numpy.ndarray
        (n_channels, n_filled).
    positions : numpy.ndarray
        (n_samples,) where each sample went.

    Raises
    ------
    ValueError
        If time stamps go back, or jump by more than an hour.

    Examples
    --------
    >>> fill_gaps(np.array([[1.0, 2.0, 3.0]]), np.array([0.0, 0.1, 0.4]), fs_hz=10)
    (array([[ 1.,  2., nan, nan,  3.]]), array([0, 1, 4]))
    """
    steps = np.diff(times_s)
    if steps.size and (steps.min() < 0 or steps.max() > LONGEST_GAP_S):
        at = int(np.argmin(steps) if steps.min() < 0 else np.argmax(steps))
        raise ValueError(
            f"the time stamps jump by {steps[at]:.6g} s after {times_s[at] - times_s[0]:.6g} s: the clock "
            "was set or the recording interrupted. Cut the file there and import the part with the task"
        )
    missing = np.where(steps > 1.5 / fs_hz, np.round(steps * fs_hz).astype(int) - 1, 0)
    positions = np.arange(len(times_s)) + np.concatenate([[0], np.cumsum(missing)])
    filled = np.full((values.shape[0], positions[-1] + 1), np.nan)
    filled[:, positions] = values
    return filled, positions


def missing_stretches(signals: Mapping[str, np.ndarray]) -> list[Gap]:
    """Find the stretches in which any of the signals is NaN.

    Examples
    --------
    >>> missing_stretches({"corrugator": np.array([1.0, np.nan, np.nan, 2.0])})
    [Gap(start=1, stop=3)]
    """
    if not signals:
        return []
    missing = np.any([np.isnan(signal) for signal in signals.values()], axis=0)
    edges = np.flatnonzero(np.diff(missing.astype(np.int8), prepend=0, append=0))
    return [Gap(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]


def bridge_gaps(signal: np.ndarray) -> np.ndarray:
    """Replace NaN by a straight line between its neighbours, for file formats that cannot hold NaN.

    Examples
    --------
    >>> bridge_gaps(np.array([1.0, np.nan, 3.0])).tolist()
    [1.0, 2.0, 3.0]
    """
    present = np.flatnonzero(~np.isnan(signal))
    return np.interp(np.arange(signal.size), present, signal[present])
