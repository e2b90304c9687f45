"""Facial electromyography: filters, epochs, outliers, windows. Arrays and tables in, new ones out."""

from analysis.emg.exclusions import compare_exclusions, count_exclusions
from analysis.emg.preprocessing import (
    EMGParameters,
    ProcessedEMG,
    Recording,
    preprocess,
    process,
    trial_curves,
)

__all__ = [
    "EMGParameters",
    "ProcessedEMG",
    "Recording",
    "compare_exclusions",
    "count_exclusions",
    "preprocess",
    "process",
    "trial_curves",
]
