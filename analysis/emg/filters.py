"""The filters of the raw EMG: band-pass, notch, rectification, smoothing.

All take microvolts (..., n_samples) and return as many. NaN samples stay NaN; the stretches between them are
filtered each on its own. Both ends of a stretch are extended by a second of its own mirror image, so that no
filter starts from rest; a notch still rings for half a second there.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy import signal as dsp

Phase = Literal["causal", "zero"]
MIRRORED_S = 1.0
"""Length of the mirror image at either end; six time constants of a notch of 2 Hz."""


def bandpass(
    signals: np.ndarray, *, fs_hz: float, low_hz: float, high_hz: float, order: int, phase: Phase
) -> np.ndarray:
    """Keep what lies between two frequencies (Butterworth).

    Parameters
    ----------
    signals : numpy.ndarray
        Microvolts, (..., n_samples).
    fs_hz : float
        Sampling rate.
    low_hz, high_hz : float
        Edges, where one pass leaves half of the power.
    order : int
        Order of each edge, per pass.
    phase : {"causal", "zero"}
        One pass forward, or one forward and one backward, which delays nothing and doubles the order.

    Raises
    ------
    ValueError
        If the sampling rate is not above twice `high_hz`.

    Examples
    --------
    >>> times_s = np.arange(2400) / 1200
    >>> hundred, five = np.sin(2 * np.pi * 100 * times_s), np.sin(2 * np.pi * 5 * times_s)
    >>> kept = bandpass(hundred + five, fs_hz=1200, low_hz=20, high_hz=400, order=4, phase="zero")
    >>> bool(np.allclose(kept[240:-240], hundred[240:-240], atol=0.01))
    True
    """
    _check_rate(fs_hz, high_hz, "the band-pass filter's upper edge")
    sos = dsp.butter(order, (low_hz, high_hz), btype="bandpass", fs=fs_hz, output="sos")
    return _run(sos, signals, fs_hz=fs_hz, phase=phase)


def notch(
    signals: np.ndarray,
    *,
    fs_hz: float,
    mains_hz: float,
    width_hz: float,
    highest_hz: float,
    phase: Phase,
) -> np.ndarray:
    """Take out the hum of the mains, and its multiples up to `highest_hz`.

    Parameters
    ----------
    signals : numpy.ndarray
        Microvolts, (..., n_samples).
    fs_hz : float
        Sampling rate.
    mains_hz : float
        Frequency of the mains, 50 or 60.
    width_hz : float
        Width of each notch at half power, per pass.
    highest_hz : float
        Multiples of `mains_hz` up to here are taken out; give `mains_hz` for the fundamental alone.
    phase : {"causal", "zero"}
        As in `bandpass`.

    Raises
    ------
    ValueError
        If the sampling rate is not above twice the highest multiple.

    Examples
    --------
    >>> times_s = np.arange(6000) / 1200
    >>> hum = 30 * np.sin(2 * np.pi * 50 * times_s)
    >>> left = notch(hum, fs_hz=1200, mains_hz=50, width_hz=2, highest_hz=50, phase="zero")
    >>> bool(np.abs(left[1800:4200]).max() < 0.01)
    True
    """
    multiples = mains_hz * np.arange(1, max(1, int(highest_hz / mains_hz + 1e-9)) + 1)
    _check_rate(fs_hz, multiples[-1], "the highest notch")
    sos = np.vstack([dsp.tf2sos(*dsp.iirnotch(f, f / width_hz, fs=fs_hz)) for f in multiples])
    return _run(sos, signals, fs_hz=fs_hz, phase=phase)


def rectify(signals: np.ndarray) -> np.ndarray:
    """Turn every sample into its distance from zero (full-wave rectification).

    >>> rectify(np.array([-2.0, 1.0])).tolist()
    [2.0, 1.0]
    """
    return np.abs(signals)


def lowpass(signals: np.ndarray, *, fs_hz: float, cutoff_hz: float, order: int, phase: Phase) -> np.ndarray:
    """Smooth a rectified signal: keep what is slower than `cutoff_hz` (Butterworth).

    Parameters
    ----------
    signals : numpy.ndarray
        Microvolts, (..., n_samples).
    fs_hz : float
        Sampling rate.
    cutoff_hz : float
        Edge, where one pass leaves half of the power.
    order : int
        Order per pass.
    phase : {"causal", "zero"}
        As in `bandpass`.

    Raises
    ------
    ValueError
        If the sampling rate is not above twice `cutoff_hz`.

    Examples
    --------
    >>> smooth = lowpass(np.full(600, 3.0), fs_hz=1200, cutoff_hz=40, order=4, phase="causal")
    >>> bool(np.allclose(smooth, 3.0))
    True
    """
    _check_rate(fs_hz, cutoff_hz, "the low-pass filter's edge")
    sos = dsp.butter(order, cutoff_hz, btype="lowpass", fs=fs_hz, output="sos")
    return _run(sos, signals, fs_hz=fs_hz, phase=phase)


def _check_rate(fs_hz: float, frequency_hz: float, what: str) -> None:
    if frequency_hz >= fs_hz / 2:
        raise ValueError(
            f"a sampling rate of {fs_hz:g} Hz is too low: {what} is {frequency_hz:g} Hz and must be below "
            f"{fs_hz / 2:g} Hz. Choose a lower edge in the parameters (--bandpass-hz LOW HIGH at the command "
            "line), or mark the channel as rectified in channels.tsv if the recorder has already rectified "
            "and averaged it"
        )


def _run(sos: np.ndarray, signals: np.ndarray, *, fs_hz: float, phase: Phase) -> np.ndarray:
    """Run second-order sections over each stretch without NaN."""
    signals = np.asarray(signals, dtype=float)
    rows = signals.reshape(-1, signals.shape[-1])
    filtered = np.full_like(rows, np.nan)
    for row, out in zip(rows, filtered, strict=True):
        for start, stop in _finite_stretches(row):
            out[start:stop] = _run_stretch(sos, row[start:stop], round(MIRRORED_S * fs_hz), phase)
    return filtered.reshape(signals.shape)


def _finite_stretches(row: np.ndarray) -> np.ndarray:
    """Return where finite samples begin and end, (n_stretches, 2), ends excluded."""
    edges = np.flatnonzero(np.diff(np.isfinite(row).astype(np.int8), prepend=0, append=0))
    return edges.reshape(-1, 2)


def _run_stretch(sos: np.ndarray, stretch: np.ndarray, n_mirrored: int, phase: Phase) -> np.ndarray:
    padded = np.pad(stretch, n_mirrored, mode="reflect", reflect_type="odd")
    once = _forward(sos, padded)
    if phase == "zero":
        once = _forward(sos, once[::-1])[::-1]
    return once[n_mirrored : n_mirrored + stretch.size]


def _forward(sos: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """Filter once, starting as if the first sample had been there for ever."""
    return dsp.sosfilt(sos, samples, zi=dsp.sosfilt_zi(sos) * samples[0])[0]
