"""The paper's EMG processing in twenty lines: a second opinion on what the simulation contains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import signal

BASELINE_S, VIDEO_S = 0.5, 5.0


@dataclass(frozen=True)
class Trials:
    """Log proportions of baseline and what the rejection looks at."""

    windows: np.ndarray
    kept: np.ndarray


def trials_of(samples: np.ndarray, onsets_s: np.ndarray, fs_hz: float) -> Trials:
    """Band-pass 20-400 Hz, notch 50 Hz, rectify, low-pass 40 Hz, epoch, divide, reject, log, average."""
    smooth = signal.sosfiltfilt(signal.butter(4, [20, 400], "bandpass", fs=fs_hz, output="sos"), samples)
    smooth = signal.filtfilt(*signal.iirnotch(50, 30, fs_hz), smooth)
    smooth = signal.sosfiltfilt(signal.butter(4, 40, "lowpass", fs=fs_hz, output="sos"), np.abs(smooth))
    n_baseline = round(BASELINE_S * fs_hz)
    starts = np.round(onsets_s * fs_hz).astype(int) - n_baseline
    epochs = smooth[starts[:, None] + np.arange(n_baseline + round(VIDEO_S * fs_hz))]
    baseline = epochs[:, :n_baseline]
    trial = epochs[:, n_baseline:] / baseline.mean(axis=1, keepdims=True)
    measures = (trial.mean(axis=1), trial.max(axis=1), baseline.mean(axis=1), baseline.max(axis=1))
    kept = np.all([np.abs(m - m.mean()) <= 2 * m.std(ddof=1) for m in measures], axis=0)
    return Trials(np.log(trial.reshape(len(trial), 5, -1).mean(axis=2)), kept)
