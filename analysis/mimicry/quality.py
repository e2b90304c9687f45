"""Reduces a participant's trials to what one looks at before believing a study."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.datasets import EMGRecording
from analysis.emg.preprocessing import ProcessedEMG
from analysis.mimicry.noise import SignalLevel, signal_level
from analysis.mimicry.parameters import MimicryParameters
from analysis.mimicry.summaries import worst_trials

WORST_PER_MUSCLE = 3
"""Worst trials that are listed per participant and muscle; the first of them is drawn."""


@dataclass(frozen=True, kw_only=True)
class ParticipantQuality:
    """Small tables for the quality part of the report."""

    curves: pd.DataFrame
    """`participant muscle emotion time_s percent`: mean of the kept trials (all, where none was kept)."""
    worst: pd.DataFrame
    """The most deviant excluded trials, with their `excess`."""
    worst_curves: pd.DataFrame
    """`participant muscle trial time_s percent` of the first of them."""
    noise: pd.DataFrame
    """`participant muscle fs_hz signal rms_uv mains_percent`."""


def look_at(
    recording: EMGRecording, processed: ProcessedEMG, parameters: MimicryParameters
) -> ParticipantQuality:
    """Reduce one participant's trials to what is drawn and listed."""
    keys = ["participant", "muscle", "emotion", "time_s"]
    curves = processed.curves
    kept = curves[curves["kept"]]
    shown = kept if len(kept) else curves
    worst = worst_trials(processed.exclusions, n=WORST_PER_MUSCLE, scale=parameters.outlier_scale)
    first = worst.drop_duplicates(["participant", "muscle"])[["participant", "muscle", "trial"]]
    return ParticipantQuality(
        curves=shown.groupby(keys)["percent"].mean().reset_index(),
        worst=worst,
        worst_curves=curves.merge(first, on=["participant", "muscle", "trial"]),
        noise=noise_figures(recording, parameters),
    )


def noise_figures(recording: EMGRecording, parameters: MimicryParameters) -> pd.DataFrame:
    """Measure the raw signal of each muscle and the mains in it.

    Returns
    -------
    pandas.DataFrame
        One row per muscle: `participant`, `muscle`, `fs_hz`, `signal` ("raw" or "rectified"), `rms_uv` and
        `mains_percent`. A rectified channel has no spectrum worth the name: there both are NaN.
    """
    rows = []
    for name, signal in zip(recording.channel_names, recording.signals_uv, strict=True):
        kind = recording.signal_kind[name]
        level = SignalLevel(np.nan, np.nan)
        if kind == "raw":
            level = signal_level(
                signal,
                fs_hz=recording.fs_hz,
                band_hz=parameters.bandpass_hz,
                mains_hz=parameters.mains_hz,
            )
        rows.append((recording.participant, name, recording.fs_hz, kind, *level))
    columns = ["participant", "muscle", "fs_hz", "signal", "rms_uv", "mains_percent"]
    return pd.DataFrame(rows, columns=columns)
