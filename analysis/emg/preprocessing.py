"""The paper's pre-processing of the EMG of one participant, step by step.

Notes
-----
Differences from the paper, where it is silent or can be read in two ways:

- Filters are Butterworth filters on the continuous recording; phase and order are parameters.
- The baseline's outliers are looked for in microvolts, since every baseline is 100 % of itself on average.
- The four rules (mean and peak, of the epoch and of the baseline) look at all trials at once, each once.
- A trial without a signal (missing or constant samples) or not wholly recorded is set aside before the rules.
- The logarithm is taken of the window's mean, not of each sample.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
import pandas as pd

from analysis.emg.epochs import Epochs, cut_epochs, is_flat, mean_between, percent_of_baseline
from analysis.emg.filters import bandpass, lowpass, notch, rectify
from analysis.emg.outliers import Limits, is_outlier, outlier_limits
from analysis.emg.trials import stimulus_trials
from analysis.emg.windows import log_proportion, window_means

CURVE_BIN_S = 0.1
WINDOW_COLUMNS = ["participant", "group", "emotion", "face", "trial", "muscle", "window", "emg"]
EXCLUSION_COLUMNS = [
    "participant",
    "group",
    "emotion",
    "trial",
    "muscle",
    "rule",
    "value",
    "lower",
    "upper",
    "unit",
]
RULES = ("incomplete", "no_signal", "mean", "peak", "baseline_mean", "baseline_peak")
"""Why a trial may be excluded; the last four are the paper's."""


class Recording(Protocol):
    """What is needed of a recording (analysis.datasets.EMGRecording has it)."""

    @property
    def participant(self) -> str: ...  # noqa: D102
    @property
    def group(self) -> str | None: ...  # noqa: D102
    @property
    def signals_uv(self) -> np.ndarray: ...  # noqa: D102
    @property
    def channel_names(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def fs_hz(self) -> float: ...  # noqa: D102
    @property
    def events(self) -> pd.DataFrame: ...  # noqa: D102
    @property
    def signal_kind(self) -> Mapping[str, Literal["raw", "rectified"]]: ...  # noqa: D102
    @property
    def mains_hz(self) -> float | None: ...  # noqa: D102


class EMGParameters(Protocol):
    """What is needed of the parameters (analysis.mimicry.parameters says what each means)."""

    @property
    def bandpass_hz(self) -> tuple[float, float]: ...  # noqa: D102
    @property
    def mains_hz(self) -> float: ...  # noqa: D102
    @property
    def notch_width_hz(self) -> float: ...  # noqa: D102
    @property
    def notch_harmonics(self) -> bool: ...  # noqa: D102
    @property
    def smoothing_hz(self) -> float: ...  # noqa: D102
    @property
    def filter_order(self) -> int: ...  # noqa: D102
    @property
    def filter_phase(self) -> Literal["causal", "zero"]: ...  # noqa: D102
    @property
    def baseline_s(self) -> float: ...  # noqa: D102
    @property
    def epoch_s(self) -> float: ...  # noqa: D102
    @property
    def window_s(self) -> float: ...  # noqa: D102
    @property
    def n_windows(self) -> int: ...  # noqa: D102
    @property
    def outlier_sd(self) -> float: ...  # noqa: D102
    @property
    def outlier_combination(self) -> Literal["either", "both"]: ...  # noqa: D102
    @property
    def outlier_scale(self) -> Literal["log", "percent"]: ...  # noqa: D102


class ProcessedEMG(NamedTuple):
    """Everything that one pass over a recording gives."""

    windows: pd.DataFrame
    """One row per kept trial, muscle and window: `participant group emotion face trial muscle window emg`."""
    exclusions: pd.DataFrame
    """One row per excluded trial, muscle and rule that it broke, with the value and its limits."""
    curves: pd.DataFrame
    """One row per trial, muscle and tenth of a second: `... kept time_s percent`."""


@dataclass(frozen=True, kw_only=True)
class _MuscleTrials:
    """All trials of one muscle."""

    percent: np.ndarray
    times_s: np.ndarray
    windows: np.ndarray
    broken: dict[str, np.ndarray]
    values: dict[str, np.ndarray]
    limits: dict[str, Limits]

    @property
    def kept(self) -> np.ndarray:
        return ~np.any(list(self.broken.values()), axis=0)


def preprocess(recording: Recording, parameters: EMGParameters) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Turn a recording into one number per trial, muscle and window, and say what was excluded.

    Parameters
    ----------
    recording : EMGRecording
        What `analysis.datasets.read_recording` returned.
    parameters : MimicryParameters
        A preset of `analysis.mimicry.parameters`, changed or not.

    Returns
    -------
    windows : pandas.DataFrame
        `participant group emotion face trial muscle window emg`: a row per kept trial, muscle and
        window (1, 2, ...); `emg` is the natural logarithm of the proportion of the baseline, 0 = baseline.
    exclusions : pandas.DataFrame
        `participant group emotion trial muscle rule value lower upper unit`: a row per excluded trial,
        muscle and rule it broke (one of `RULES`); value and limits in percent of baseline or microvolts,
        NaN where the rule has none.

    Raises
    ------
    ValueError
        If the sampling rate is too low for the filters, or the events show no face.
    """
    processed = process(recording, parameters)
    return processed.windows, processed.exclusions


def trial_curves(recording: Recording, parameters: EMGParameters) -> pd.DataFrame:
    """Return the course of every trial, kept or not, for a look at the data.

    Returns
    -------
    pandas.DataFrame
        `participant group emotion trial muscle kept time_s percent`: mean percentage of baseline in each
        tenth of a second, `time_s` the middle of it in seconds from onset; NaN for trials without a signal.
    """
    return process(recording, parameters).curves


def process(recording: Recording, parameters: EMGParameters) -> ProcessedEMG:
    """Do what `preprocess` and `trial_curves` do in one pass."""
    _check_mains(recording, parameters)
    trials = stimulus_trials(recording.events, fs_hz=recording.fs_hz)
    windows, exclusions, curves = [], [], []
    for muscle, signal in zip(recording.channel_names, recording.signals_uv, strict=True):
        rectified = recording.signal_kind[muscle] == "rectified"
        smooth = envelope(signal, fs_hz=recording.fs_hz, rectified=rectified, parameters=parameters)
        done = _muscle_trials(signal, smooth, trials["sample"].to_numpy(), recording.fs_hz, parameters)
        _say_if_nothing_is_left(done, recording.participant, muscle)
        about = trials.assign(participant=recording.participant, group=recording.group, muscle=muscle)
        windows.append(_windows_table(about, done))
        exclusions.append(_exclusions_table(about, done))
        curves.append(_curves_table(about, done))
    return ProcessedEMG(_below_each_other(windows), _below_each_other(exclusions), _below_each_other(curves))


def envelope(
    signal_uv: np.ndarray, *, fs_hz: float, rectified: bool, parameters: EMGParameters
) -> np.ndarray:
    """Filter, rectify and smooth one channel.

    A channel that the recorder has already rectified is only smoothed, and left as it is where its
    sampling rate is too low even for that.

    Parameters
    ----------
    signal_uv : numpy.ndarray
        Microvolts, (n_samples,).
    fs_hz : float
        Sampling rate.
    rectified : bool
        Whether the recorder has already rectified it.
    parameters : MimicryParameters
        Edges, order and phase of the filters.

    Returns
    -------
    numpy.ndarray
        Microvolts, (n_samples,).
    """
    order, phase = parameters.filter_order, parameters.filter_phase
    if rectified and parameters.smoothing_hz >= fs_hz / 2:
        return signal_uv
    if not rectified:
        low_hz, high_hz = parameters.bandpass_hz
        highest_hz = high_hz if parameters.notch_harmonics else parameters.mains_hz
        signal_uv = bandpass(signal_uv, fs_hz=fs_hz, low_hz=low_hz, high_hz=high_hz, order=order, phase=phase)
        signal_uv = notch(
            signal_uv,
            fs_hz=fs_hz,
            mains_hz=parameters.mains_hz,
            width_hz=parameters.notch_width_hz,
            highest_hz=highest_hz,
            phase=phase,
        )
        signal_uv = rectify(signal_uv)
    return lowpass(signal_uv, fs_hz=fs_hz, cutoff_hz=parameters.smoothing_hz, order=order, phase=phase)


def _muscle_trials(
    raw_uv: np.ndarray, smooth_uv: np.ndarray, onsets: np.ndarray, fs_hz: float, parameters: EMGParameters
) -> _MuscleTrials:
    """Cut, relate to the baseline, average over the windows, and apply the rules."""
    base_s, stop_s = parameters.baseline_s, parameters.epoch_s
    epochs = cut_epochs(smooth_uv, onsets, fs_hz=fs_hz, start_s=-base_s, stop_s=stop_s)
    unfiltered = cut_epochs(raw_uv, onsets, fs_hz=fs_hz, start_s=-base_s, stop_s=stop_s)
    percent = percent_of_baseline(epochs.values, epochs.times_s, baseline_s=base_s)
    windows = log_proportion(
        window_means(percent, epochs.times_s, window_s=parameters.window_s, n_windows=parameters.n_windows)
    )
    no_signal = _without_signal(unfiltered, parameters) | np.isnan(windows).any(axis=1)
    percent[no_signal] = np.nan
    microvolts = np.where(no_signal[:, np.newaxis], np.nan, epochs.values)
    values = _judged_values(percent, microvolts, epochs.times_s, parameters)
    limits = {rule: _limits(value, parameters) for rule, value in values.items()}
    outlying = {rule: is_outlier(value, limits[rule]) for rule, value in values.items()}
    if parameters.outlier_combination == "both":
        outlying = _only_both(outlying)
    broken = {"incomplete": ~epochs.complete, "no_signal": no_signal & epochs.complete, **outlying}
    return _MuscleTrials(
        percent=percent, times_s=epochs.times_s, windows=windows, broken=broken, values=values, limits=limits
    )


def _without_signal(unfiltered: Epochs, parameters: EMGParameters) -> np.ndarray:
    """Find the trials with a missing sample, or with a constant baseline or window."""
    starts = [-parameters.baseline_s, *(np.arange(parameters.n_windows) * parameters.window_s)]
    stops = [0.0, *(np.arange(1, parameters.n_windows + 1) * parameters.window_s)]
    flat = is_flat(unfiltered.values, unfiltered.times_s, stretches_s=list(zip(starts, stops, strict=True)))
    return flat | np.isnan(unfiltered.values).any(axis=1)


def _judged_values(
    percent: np.ndarray, microvolts: np.ndarray, times_s: np.ndarray, parameters: EMGParameters
) -> dict[str, np.ndarray]:
    """Return the value of each trial that each of the four rules looks at."""
    after = times_s >= -1e-9
    base_s = parameters.baseline_s
    return {
        "mean": mean_between(percent, times_s, start_s=0.0, stop_s=parameters.epoch_s),
        "peak": percent[:, after].max(axis=1),
        "baseline_mean": mean_between(microvolts, times_s, start_s=-base_s, stop_s=0.0),
        "baseline_peak": microvolts[:, ~after].max(axis=1),
    }


def _limits(values: np.ndarray, parameters: EMGParameters) -> Limits:
    """Find the limits on the chosen scale and return them in the unit of the values."""
    if parameters.outlier_scale == "percent":
        return outlier_limits(values, n_sd=parameters.outlier_sd)
    lower, upper = np.exp(outlier_limits(np.log(values), n_sd=parameters.outlier_sd))
    return Limits(float(lower), float(upper))


def _only_both(outlying: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Leave only trials whose mean and peak are both outliers."""
    epoch = outlying["mean"] & outlying["peak"]
    baseline = outlying["baseline_mean"] & outlying["baseline_peak"]
    return {"mean": epoch, "peak": epoch, "baseline_mean": baseline, "baseline_peak": baseline}


def _windows_table(about: pd.DataFrame, done: _MuscleTrials) -> pd.DataFrame:
    kept, n_windows = np.flatnonzero(done.kept), done.windows.shape[1]
    table = about.iloc[np.repeat(kept, n_windows)].reset_index(drop=True)
    table["window"] = np.tile(np.arange(1, n_windows + 1), len(kept))
    table["emg"] = done.windows[kept].ravel()
    return table[WINDOW_COLUMNS]


def _exclusions_table(about: pd.DataFrame, done: _MuscleTrials) -> pd.DataFrame:
    parts = []
    for rule, broken in done.broken.items():
        limits = done.limits.get(rule, Limits(np.nan, np.nan))
        columns: dict[str, Any] = {
            "rule": rule,
            "value": done.values[rule][broken] if rule in done.values else np.nan,
            "lower": limits.lower,
            "upper": limits.upper,
            "unit": "" if rule not in done.values else "uV" if rule.startswith("baseline") else "%",
        }
        parts.append(about[broken].assign(**columns))
    return _below_each_other(parts).sort_values("trial", kind="stable")[EXCLUSION_COLUMNS]


def _curves_table(about: pd.DataFrame, done: _MuscleTrials) -> pd.DataFrame:
    """Average into bins of a tenth of a second; onset is the border between two bins."""
    bins = np.floor(done.times_s / CURVE_BIN_S + 1e-6).astype(int)
    labels, first = np.unique(bins, return_index=True)
    means = np.add.reduceat(done.percent, first, axis=1) / np.diff([*first, len(bins)])
    table = about.assign(kept=done.kept).iloc[np.repeat(np.arange(len(about)), len(labels))]
    table = table.reset_index(drop=True)
    table["time_s"] = np.tile((labels + 0.5) * CURVE_BIN_S, len(about)).round(6)
    table["percent"] = means.ravel()
    return table[["participant", "group", "emotion", "trial", "muscle", "kept", "time_s", "percent"]]


def _below_each_other(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Concatenate, without the empty tables (whose columns have no types worth keeping)."""
    return pd.concat([table for table in tables if len(table)] or tables[:1], ignore_index=True)


def _say_if_nothing_is_left(done: _MuscleTrials, participant: str, muscle: str) -> None:
    if done.kept.any():
        return
    counts = {rule: int(broken.sum()) for rule, broken in done.broken.items() if broken.any()}
    why = ", ".join(f"{n} {rule.replace('_', ' ')}" for rule, n in counts.items())
    warnings.warn(
        f"participant {participant}, {muscle}: none of the {len(done.kept)} trials was kept ({why}); they "
        "are counted as excluded and the participant is missing from the analysis of this muscle",
        UserWarning,
        stacklevel=3,
    )


def _check_mains(recording: Recording, parameters: EMGParameters) -> None:
    if recording.mains_hz is not None and recording.mains_hz != parameters.mains_hz:
        warnings.warn(
            f"participant {recording.participant}: the recording was made with mains of "
            f"{recording.mains_hz:g} Hz, but the notch filter is set to {parameters.mains_hz:g} Hz: set "
            f"mains_hz in the parameters (--mains-hz {recording.mains_hz:g} at the command line)",
            UserWarning,
            stacklevel=3,
        )
