"""How expressions unfold after events, trial by trial: the numbers of Fig. 3A-B."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.faces.dynamics import event_traces, onsets_and_durations
from analysis.models.small_samples import one_sample
from analysis.mouse_face.face_data import FaceData
from analysis.mouse_face.parameters import MouseFaceParameters
from analysis.mouse_face.scoring import similarity
from analysis.mouse_face.selection import Missing, core_trials

_KEYS = ["animal", "trial", "label", "prototype"]
_LONGEST_GAP = 5
"""A trace is cut where so many frames in a row are not valid; across fewer, neighbours are joined."""


@dataclass(frozen=True, eq=False, kw_only=True)
class TimeCourse:
    """Similarity to prototypes around events, frame by frame."""

    events: tuple[str, ...]
    """Events that are shown, each with its own prototype."""
    neutral: str
    """Label of trials without an event; they are compared with every prototype."""
    frames: pd.DataFrame
    """One row per frame, trial and prototype: ``animal trial label prototype since_s r``, in order."""
    limits_s: pd.Series
    """Index animal and trial: time from the onset to the rest before the next event, whatever that is."""
    n_trials: pd.Series
    """Index label: number of trials."""
    notes: tuple[str, ...]
    """What was left out, in words."""

    @property
    def animals(self) -> list[str]:
        """Animals, sorted."""
        return sorted(self.frames["animal"].unique())

    @property
    def has_neutral(self) -> bool:
        """Whether there are trials without an event."""
        return bool((self.frames["label"] == self.neutral).any())


@dataclass(frozen=True, eq=False)
class BinnedTraces:
    """Traces of trials in bins."""

    trials: pd.DataFrame
    """One row per trial and prototype: ``animal trial label prototype``, index 0, 1, ..."""
    values: np.ndarray
    """``(n_trials, n_bins)``; NaN: no valid frame, or the next event had come."""
    times_s: np.ndarray
    """Middle of each bin from the onset."""
    lost: int
    """Trials whose rest could not be used."""


def time_course(data: FaceData, parameters: MouseFaceParameters) -> TimeCourse | Missing:
    """Compare the frames around core events with the event's prototype, and those around neutral trials."""
    core = core_trials(data, parameters)
    if isinstance(core, Missing):
        return core
    neutral = parameters.neutral_event
    labels = [label for label in parameters.time_course_events if (core.trials["label"] == label).any()]
    events = labels or sorted(set(core.trials["label"]) - {neutral})
    trials = core.trials[core.trials["label"].isin([*events, neutral])]
    frames, found = similarity(
        data,
        trials,
        parameters,
        before_s=max(parameters.trace_before_s, parameters.baseline_s),
        after_s=max(parameters.trace_after_s, parameters.search_s),
    )
    about = frames[["animal", "trial", "label", "since_s"]]
    parts = []
    for event in events:
        rows = about["label"].isin([event, neutral])
        parts.append(about[rows].assign(prototype=event, r=found.loc[rows, event]))
    long = pd.concat(parts, ignore_index=True).dropna(subset="r")
    return TimeCourse(
        events=tuple(events),
        neutral=neutral,
        frames=long.sort_values([*_KEYS, "since_s"], kind="stable", ignore_index=True),
        limits_s=limits_to_next(data.trials, parameters.baseline_s),
        n_trials=trials["label"].value_counts(),
        notes=core.notes,
    )


def limits_to_next(trials: pd.DataFrame, baseline_s: float) -> pd.Series:
    """Return how long after each onset the rest before the session's next trial begins.

    Infinite for the last trial of a session.

    Examples
    --------
    >>> trials = pd.DataFrame({"animal": "m1", "session_id": "a", "trial": [1, 2], "onset_s": [10.0, 50.0]})
    >>> limits_to_next(trials, 2.0).tolist()
    [38.0, inf]
    """
    ordered = trials.sort_values(["session_id", "onset_s"])
    following = ordered.groupby("session_id")["onset_s"].shift(-1)
    limits = (following - baseline_s - ordered["onset_s"]).fillna(np.inf)
    return pd.Series(limits.to_numpy(), pd.MultiIndex.from_frame(ordered[["animal", "trial"]]))


def binned_traces(course: TimeCourse, parameters: MouseFaceParameters) -> BinnedTraces:
    """Cut similarities into bins, as change since the rest before the event, or in units of that rest."""
    return bin_frames(course.frames, course.limits_s, parameters)


def bin_frames(frames: pd.DataFrame, limits_s: pd.Series, parameters: MouseFaceParameters) -> BinnedTraces:
    """Cut similarities of trials into bins.

    Parameters
    ----------
    frames : pandas.DataFrame
        As `TimeCourse.frames`.
    limits_s : pandas.Series
        Index animal and trial: nothing from so long after the onset on is used.
    parameters : MouseFaceParameters
        Length of rest, traces and bins, and the scale.
    """
    rows, values, lost = [], [], 0
    times_s = np.empty(0)
    for key, part in _by_trial(frames):
        since_s, r = part["since_s"].to_numpy(), part["r"].to_numpy()
        rest = r[(since_s < -1e-9) & (since_s >= -parameters.baseline_s - 1e-9)]
        unit = rest.std(ddof=1) if parameters.trace_scale == "z" and len(rest) > 1 else 1.0
        if not len(rest) or not unit > 0:
            lost += 1
            continue
        shown = np.where(since_s < limits_s[key[:2]], (r - rest.mean()) / unit, np.nan)
        trace, times_s = event_traces(
            shown,
            since_s,
            np.zeros(1),
            before_s=parameters.trace_before_s,
            after_s=parameters.trace_after_s,
            bin_s=parameters.trace_bin_s,
        )
        rows.append(key)
        values.append(trace[0])
    trials = pd.DataFrame(rows, columns=_KEYS)
    return BinnedTraces(trials, np.array(values).reshape(len(rows), len(times_s)), times_s, lost)


def responses(traces: BinnedTraces, *, early_s: float) -> pd.DataFrame:
    """Average each trial's trace over the time after the onset; column ``response``."""
    window = (traces.times_s > 0) & (traces.times_s < early_s)
    seen = ~np.isnan(traces.values[:, window])
    sums = np.where(seen, traces.values[:, window], 0.0).sum(axis=1)
    mean = np.where(seen.any(axis=1), sums / np.maximum(seen.sum(axis=1), 1), np.nan)
    return traces.trials.assign(response=mean)


def compare_responses(table: pd.DataFrame, event: str, *, unit: str, level: float) -> dict[str, float]:
    """Test whether the face becomes like the event's prototype, over animals or over trials.

    Returns
    -------
    dict
        As of `small_samples.one_sample`; all NaN but n and estimate where there are fewer than two.
    """
    own = table[(table["label"] == event) & (table["prototype"] == event)].dropna(subset="response")
    values = own.groupby("animal")["response"].mean() if unit == "animals" else own["response"]
    return tested(values.to_numpy(float), level=level)


def compare_variability(
    table: pd.DataFrame, event: str, neutral: str, *, unit: str, level: float
) -> dict[str, float]:
    """Compare how much responses differ from trial to trial with how much the face does without an event.

    Parameters
    ----------
    table : pandas.DataFrame
        As of `responses`.
    event, neutral : str
        Labels.
    unit : {"animals", "trials"}
        Within each animal, tested over animals; or all trials as one heap, not tested.
    level : float
        Of the interval.

    Returns
    -------
    dict
        As of `small_samples.one_sample`, for the natural logarithm of the ratio of standard deviations.
    """
    own = table[table["prototype"] == event].dropna(subset="response")
    group = "animal" if unit == "animals" else "prototype"
    sds = own.groupby([group, "label"])["response"].std().unstack().reindex(columns=[event, neutral])
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.log(sds[event].to_numpy(float)) - np.log(sds[neutral].to_numpy(float))
    known = ratio[np.isfinite(ratio)]
    if unit == "animals":
        return tested(known, level=level)
    return {**tested(known[:0], level=level), "n": len(own), "estimate": known[0] if len(known) else np.nan}


def expression_times(course: TimeCourse, parameters: MouseFaceParameters) -> pd.DataFrame:
    """Find when expressions begin and how long they last (Fig. 3B); after neutral trials too.

    Returns
    -------
    pandas.DataFrame
        One row per trial and prototype: ``animal trial label prototype`` and what
        `analysis.faces.dynamics.onsets_and_durations` says.
    """
    rows = []
    for key, part in _by_trial(course.frames):
        watched = min(parameters.search_s, course.limits_s[key[:2]])
        part = part[part["since_s"].between(-parameters.baseline_s - 1e-9, watched, inclusive="left")]
        if watched <= 0 or len(part) < 3:
            continue
        since_s, r = _with_gaps(part["since_s"].to_numpy(), part["r"].to_numpy())
        found = onsets_and_durations(
            r,
            since_s,
            pd.DataFrame({"onset": [0.0], "trial_type": [key[2]]}),
            baseline_s=parameters.baseline_s,
            search_s=watched,
            on_z=parameters.on_z,
            off_z=parameters.off_z,
            least_s=parameters.least_expression_s,
        ).drop(columns=["trial", "label", "onset_s"])
        about: dict[Any, Any] = dict(zip(_KEYS, key, strict=True))
        rows.append(about | found.iloc[0].to_dict())
    return pd.DataFrame(rows)


def early_shares(times: pd.DataFrame, events: tuple[str, ...], *, early_s: float) -> pd.DataFrame:
    """Return, for each trial that can be judged, whether an expression began early.

    Trials without a usable rest, and those watched for less than ``early_s`` without an expression, cannot.

    Returns
    -------
    pandas.DataFrame
        ``animal trial label prototype early`` (0 or 1), one row per trial and prototype.
    """
    judged = times["at_rest"] & (times["latency_s"].notna() | (times["watched_s"] >= early_s))
    kept = times[judged.astype(bool) & times["prototype"].isin(events)]
    return kept[_KEYS].assign(early=(kept["latency_s"] <= early_s).astype(float))


def compare_early(shares: pd.DataFrame, neutral: str, *, level: float) -> dict[str, float]:
    """Compare events with neutral trials: the share that an expression follows early, over animals.

    Event by event with the same prototype, then averaged within animals.
    """
    means = shares.assign(kind=np.where(shares["label"] == neutral, "neutral", "event"))
    wide = means.pivot_table(index=["animal", "prototype"], columns="kind", values="early").reindex(
        columns=["event", "neutral"]
    )
    difference = (wide["event"] - wide["neutral"]).groupby("animal").mean().dropna()
    return tested(difference.to_numpy(float), level=level)


def tested(values: np.ndarray, *, level: float) -> dict[str, float]:
    """Compare a mean with zero; with fewer than two values only say what it is."""
    known = values[np.isfinite(values)]
    if len(known) >= 2:
        return one_sample(known, level=level)
    return {
        "n": len(known), "estimate": float(known.mean()) if len(known) else np.nan, "lower": np.nan,
        "upper": np.nan, "t": np.nan, "df": np.nan, "p": np.nan, "p_exact": np.nan, "effect_size": np.nan,
        "effect_lower": np.nan, "effect_upper": np.nan,
    }  # fmt: skip


def _by_trial(frames: pd.DataFrame) -> Iterator[tuple[tuple[Any, ...], pd.DataFrame]]:
    """Yield animal, trial, label and prototype, and the frames."""
    for key, part in frames.groupby(_KEYS, sort=True):
        yield tuple(key), part


def _with_gaps(since_s: np.ndarray, r: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Put a missing value into every long gap, so that no expression is followed across it."""
    step_s = np.median(np.diff(since_s))
    gaps = np.flatnonzero(np.diff(since_s) > (_LONGEST_GAP + 0.5) * step_s)
    return np.insert(since_s, gaps + 1, since_s[gaps] + step_s), np.insert(r, gaps + 1, np.nan)
