"""What neurons are compared with: the stimuli, and the similarity of the face to a prototype."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.calcium.kernel import check_times


def stimulus_trace(events: pd.DataFrame, times_s: np.ndarray) -> np.ndarray:
    """Return when a stimulus was on, as the share of each imaging frame.

    Parameters
    ----------
    events : pandas.DataFrame
        Columns ``onset`` and ``duration`` (s), one row per stimulus.
    times_s : numpy.ndarray
        Beginning of each imaging frame, shape ``(n_frames,)``, on the same clock.

    Returns
    -------
    numpy.ndarray
        Shape ``(n_frames,)``, 0 to 1.

    Raises
    ------
    ValueError
        If a stimulus has no time or a negative duration, or none lies within the imaging.

    Examples
    --------
    >>> events = pd.DataFrame({"onset": [1.0], "duration": [1.5]})
    >>> stimulus_trace(events, np.arange(0.0, 4.0)).tolist()
    [0.0, 1.0, 0.5, 0.0]
    """
    edges_s = _edges(check_times(times_s))
    onset_s, duration_s = (events[name].to_numpy(float) for name in ("onset", "duration"))
    if not (np.isfinite(onset_s).all() and (duration_s >= 0).all()):
        raise ValueError("every stimulus needs an onset and a duration of 0 or more seconds")
    outside = (onset_s + duration_s <= edges_s[0]) | (onset_s >= edges_s[-1])
    if len(onset_s) == 0 or outside.all():
        raise ValueError(
            f"none of {len(onset_s)} stimuli lies within the imaging, {edges_s[0]:.1f} to "
            f"{edges_s[-1]:.1f} s: are both on the same clock?"
        )
    share = np.zeros(len(times_s))
    for start_s, length_s in zip(onset_s, duration_s, strict=True):
        share += np.diff(np.clip(edges_s, start_s, start_s + length_s))
    return np.minimum(share / np.diff(edges_s), 1.0)


def at_frames(trace: np.ndarray, trace_s: np.ndarray, times_s: np.ndarray, *, max_gap_s: float) -> np.ndarray:
    """Bring a trace of the face to the times of the imaging frames, through both lists of time stamps.

    Each imaging frame gets the mean of the video frames that fall into it; where none does, the value
    between the two neighbours.

    Parameters
    ----------
    trace, trace_s : numpy.ndarray
        The trace and its times, shape ``(n_video_frames,)``; missing values are left out.
    times_s : numpy.ndarray
        Beginning of each imaging frame, shape ``(n_frames,)``, on the same clock.
    max_gap_s : float
        Where the trace has a longer gap than this, the result is missing (NaN).

    Returns
    -------
    numpy.ndarray
        Shape ``(n_frames,)``.

    Examples
    --------
    >>> at_frames(np.arange(6.0), np.arange(6) / 2, np.arange(0.0, 4.0), max_gap_s=1.0).tolist()
    [0.5, 2.5, 4.5, nan]
    """
    times_s, trace_s, trace = check_times(times_s), check_times(trace_s), np.asarray(trace, float)
    if trace.shape != trace_s.shape:
        raise ValueError(f"the trace has shape {trace.shape}, its times {trace_s.shape}")
    known = np.isfinite(trace)
    if known.sum() < 2:
        return np.full(len(times_s), np.nan)
    trace, trace_s = trace[known], trace_s[known]
    edges_s = _edges(times_s)
    frame = np.searchsorted(edges_s, trace_s, side="right") - 1
    inside = (frame >= 0) & (frame < len(times_s))
    count = np.bincount(frame[inside], minlength=len(times_s))
    total = np.bincount(frame[inside], weights=trace[inside], minlength=len(times_s))
    middle_s = (edges_s[:-1] + edges_s[1:]) / 2
    between = np.interp(middle_s, trace_s, trace, left=np.nan, right=np.nan)
    after = np.clip(np.searchsorted(trace_s, middle_s), 1, len(trace_s) - 1)
    between[trace_s[after] - trace_s[after - 1] > max_gap_s] = np.nan
    return np.where(count > 0, total / np.maximum(count, 1), between)


def _edges(times_s: np.ndarray) -> np.ndarray:
    """Return where frames begin and the last one ends: it is taken to be as long as they usually are."""
    return np.append(times_s, times_s[-1] + np.median(np.diff(times_s)))
