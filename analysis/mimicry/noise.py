"""How strong the raw signal is, and how much of it is hum from the mains."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

SEGMENT_S = 2.0
"""Length of the stretches whose spectra are compared; their median is not moved by single artefacts."""
LINE_HZ = 1.0
"""Half-width of the mains' line in these spectra."""
NEIGHBOURHOOD_HZ = 5.0
"""Power up to this far from the line says how much of the line is EMG."""


class SignalLevel(NamedTuple):
    """Size of a raw EMG signal in its pass band."""

    rms_uv: float
    """Root mean square without the mains, microvolts."""
    mains_percent: float
    """Part of the power that is hum, at the mains frequency and its multiples."""


def signal_level(
    signal_uv: np.ndarray, *, fs_hz: float, band_hz: tuple[float, float], mains_hz: float
) -> SignalLevel:
    """Measure a raw signal and the mains in it.

    Parameters
    ----------
    signal_uv : numpy.ndarray
        Microvolts, (n_samples,); stretches with NaN are left out.
    fs_hz : float
        Sampling rate.
    band_hz : tuple of float
        Pass band that is looked at.
    mains_hz : float
        Frequency of the mains.

    Returns
    -------
    SignalLevel
        NaN where there is not one whole stretch of `SEGMENT_S`, or no signal.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> hum = 2 * np.sin(2 * np.pi * 50 * np.arange(120_000) / 1200)
    >>> level = signal_level(rng.normal(0, 2, 120_000) + hum, fs_hz=1200, band_hz=(20, 400), mains_hz=50)
    >>> round(level.rms_uv, 1), round(level.mains_percent)  # 4 x 380/600 Hz of noise, 2 of hum
    (1.6, 44)
    """
    length = round(SEGMENT_S * fs_hz)
    segments = signal_uv[: len(signal_uv) // length * length].reshape(-1, length)
    segments = segments[~np.isnan(segments).any(axis=1)]
    if len(segments) == 0:
        return SignalLevel(np.nan, np.nan)
    power = _median_spectrum(segments)
    frequency_hz = np.fft.rfftfreq(length, 1 / fs_hz)
    in_band = (frequency_hz >= band_hz[0]) & (frequency_hz <= band_hz[1])
    multiple_hz = np.maximum(np.round(frequency_hz / mains_hz), 1) * mains_hz
    from_line_hz = np.abs(frequency_hz - multiple_hz)
    line = in_band & (from_line_hz <= LINE_HZ)
    beside = in_band & (from_line_hz > LINE_HZ) & (from_line_hz <= NEIGHBOURHOOD_HZ)
    under_line = line.sum() * power[beside].mean() if beside.any() else 0.0
    # The median of a random signal's power is ln 2 times its mean; that of a steady hum is its mean.
    random = (power[in_band & ~line].sum() + under_line) / np.log(2)
    hum = max(power[line].sum() - under_line, 0.0)
    total = random + hum
    return SignalLevel(float(np.sqrt(random)), float(100 * hum / total) if total > 0 else np.nan)


def _median_spectrum(segments: np.ndarray) -> np.ndarray:
    """Give the median power per frequency, scaled so that its sum is the variance."""
    length = segments.shape[1]
    taper = np.hanning(length)
    centred = segments - segments.mean(axis=1, keepdims=True)
    spectra = np.abs(np.fft.rfft(centred * taper)) ** 2
    return np.median(spectra, axis=0) * 2 / (length * (taper**2).sum())
