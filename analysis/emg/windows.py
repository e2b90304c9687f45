"""From a trial's course to one number per window: the log of the proportion of baseline."""

from __future__ import annotations

import numpy as np

from analysis.emg.epochs import mean_between


def window_means(values: np.ndarray, times_s: np.ndarray, *, window_s: float, n_windows: int) -> np.ndarray:
    """Average epochs over successive windows, the first of which begins at the event.

    Parameters
    ----------
    values : numpy.ndarray
        (n_trials, n_samples).
    times_s : numpy.ndarray
        (n_samples,) seconds from the event.
    window_s : float
        Length of a window.
    n_windows : int
        How many.

    Returns
    -------
    numpy.ndarray
        (n_trials, n_windows).

    Examples
    --------
    >>> window_means(np.array([[1.0, 3.0, 5.0, 9.0]]), np.arange(4) * 0.5, window_s=1.0, n_windows=2).tolist()
    [[2.0, 7.0]]
    """
    starts = np.arange(n_windows) * window_s
    columns = [mean_between(values, times_s, start_s=start, stop_s=start + window_s) for start in starts]
    return np.column_stack(columns)


def log_proportion(percent: np.ndarray) -> np.ndarray:
    """Turn percentages of baseline into the natural logarithm of the proportion, so that 0 is the baseline.

    Zero and less have no logarithm and become NaN.

    Examples
    --------
    >>> log_proportion(np.array([100.0, 200.0, 0.0])).round(3).tolist()
    [0.0, 0.693, nan]
    """
    proportion = np.asarray(percent, dtype=float) / 100
    return np.log(np.where(proportion > 0, proportion, np.nan))
