"""Escape and freezing from movement: long rapid movement, and long stillness of body and face, after shocks.

Dolensek et al. (2020) took freezing and escape as events beside the stimuli (Fig. 1) and describe them in
their supplement. The definitions used here are those of follow-up work, which credits them to that paper:
escape is rapid movement in a fearful context for more than 2 s, freezing immobility in a fearful context for
more than 5 s without orofacial movement. A fearful context begins with the first shock; the shocks and the
time before them are left out, and a bout needs a baseline without another bout.

Differences from that work: it set the thresholds of movement by eye for each recording; here they come from
the movement before the first shock, by a rule that is the same for all (see `movement_range`). It counted in
frames; here all is in seconds. It dropped a bout whose baseline holds another bout; so do we, and say so in
a table.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

ESCAPE_S = 2.0
"""Rapid movement must last longer. Dolensek et al. (2020), as cited by follow-up code of the neighbouring
lab."""
FREEZING_S = 5.0
"""Immobility must last longer. As ESCAPE_S."""
CLEAN_S = 2.0
"""Time before a bout that must be free of bouts, shocks and bad frames: the baseline of the paper's
z-scores."""
SMOOTH_S = 0.5
"""Width of the running mean over movement. Our choice: half of a bout's shortest half-length, so that single
frames neither make nor break a bout."""
REST_QUANTILE, LIVELY_QUANTILE = 0.01, 0.95
"""Quantiles of the baseline's movement that are 0 and 1 of its range. Our choice."""
RAPID_SHARE = 1.0
"""Rapid: beyond this share of the baseline's range, that is faster than in 95 % of it. Our choice."""
STILL_SHARE = 0.1
"""Immobile: below this share of the baseline's range. Our choice."""
LEAST_BASELINE_S = 30.0
"""Time before the first shock that must be usable. Our choice."""

_REASONS = {
    "before_first_shock": "not yet in a fearful context",
    "shock": "overlaps a shock or the time before or after it that is left out",
    "no_clean_baseline": "another bout, a shock or bad frames in the time before it",
    "cut_off": "begins with the recording or runs into bad frames or the end, so that its length is not "
    "known",
}


@dataclass(frozen=True)
class MovementRange:
    """Range of an animal's movement before the first shock."""

    rest: float
    """Movement of its stillest moments (1st percentile), in the units of the trace."""
    lively: float
    """Movement that it exceeds in 5 % of the time."""

    def share(self, movement: np.ndarray) -> np.ndarray:
        """Return movement as a share of the range: 0 as in its stillest moments, 1 as in its liveliest."""
        return (np.asarray(movement, float) - self.rest) / (self.lively - self.rest)


@dataclass(frozen=True)
class FearBouts:
    """Bouts of escape and freezing of one session."""

    bouts: pd.DataFrame
    """One row per bout: ``onset`` and ``duration`` in seconds, ``trial_type`` (``escape`` or ``freezing``),
    and ``strength``, the mean movement in it as a share of the baseline's range. Ready to be joined to the
    events."""
    refused: pd.DataFrame
    """The same for stretches that are long enough but do not count, with ``reason`` and ``meaning``."""
    thresholds: pd.DataFrame
    """One row per rule: ``trial_type``, ``trace``, ``rest``, ``lively``, ``share``, ``threshold`` (units of
    the trace) and ``rule`` in words."""
    baseline_bouts_per_min: dict[str, float]
    """How often the same rules find a bout in the baseline, where there is nothing to fear: what of the rate
    afterwards is no more than the animal's habit."""
    bouts_per_min: dict[str, float]
    """How often they find one in the fearful context, refused ones included, for comparison."""


def find_fear_bouts(
    movement: np.ndarray,
    orofacial: np.ndarray,
    times_s: np.ndarray,
    shocks: pd.DataFrame,
    *,
    valid: np.ndarray | None = None,
    escape_s: float = ESCAPE_S,
    freezing_s: float = FREEZING_S,
    clean_s: float = CLEAN_S,
    after_shock_s: float = 0.0,
    smooth_s: float = SMOOTH_S,
    rapid_share: float = RAPID_SHARE,
    still_share: float = STILL_SHARE,
) -> FearBouts:
    """Find the bouts of escape and of freezing in a session.

    Parameters
    ----------
    movement
        Movement of the body, such as motion energy of the body or speed of the wheel, ``(n_frames,)``.
    orofacial
        Movement of the face, such as motion energy of the face, same shape; the same trace where only the
        face is filmed.
    times_s
        Time of each frame, in seconds on the session's clock, rising.
    shocks
        Events with ``onset`` and ``duration`` in seconds.
    valid
        Frames that may be used, boolean; None: all. NaN in a trace makes a frame unusable too.
    escape_s, freezing_s
        Bouts last longer than this.
    clean_s
        Time before a bout that must be clean, and before a shock that is left out.
    after_shock_s
        Time after a shock's end that is left out as well.
    smooth_s
        Width of the running mean, which also bridges frames that may not be used: a time of which less than
        half is usable is not judged, and a bout ends there.
    rapid_share, still_share
        Thresholds as shares of the baseline's range.

    Raises
    ------
    ValueError
        If lengths differ, there is no shock, the baseline before the first is too short, or it has no
        movement to measure by.
    """
    traces = _checked(movement, orofacial, times_s)
    good = np.isfinite(traces).all(axis=0) & (True if valid is None else _flags(valid, traces.shape[1]))
    onsets, ends = _shock_times(shocks)
    body, face = (_smooth(trace, times_s, good, smooth_s) for trace in traces)
    usable = np.isfinite(body) & np.isfinite(face)
    baseline = usable & (times_s < onsets[0] - clean_s)
    names = ("movement", "orofacial")
    ranges = {
        name: movement_range(trace, times_s, baseline)
        for name, trace in zip(names, (body, face), strict=True)
    }
    body_share, face_share = ranges["movement"].share(body), ranges["orofacial"].share(face)
    with np.errstate(invalid="ignore"):
        states = {
            "escape": (usable & (body_share > rapid_share), escape_s),
            "freezing": (usable & (body_share < still_share) & (face_share < still_share), freezing_s),
        }
    found = pd.concat(
        [_long_runs(state, times_s, least, kind, body_share) for kind, (state, least) in states.items()]
    ).sort_values("onset", kind="stable", ignore_index=True)
    left_out = [(onset - clean_s, end + after_shock_s) for onset, end in zip(onsets, ends, strict=True)]
    found["reason"] = np.array(_judge(found, onsets[0], left_out, times_s, usable, clean_s), str)
    kept = found["reason"].to_numpy() == ""
    refused = found[~kept].assign(meaning=found["reason"].map(_REASONS)).reset_index(drop=True)
    return FearBouts(
        bouts=found[kept].drop(columns="reason").reset_index(drop=True),
        refused=refused,
        thresholds=_thresholds(ranges, rapid_share, still_share, escape_s, freezing_s),
        baseline_bouts_per_min=_rates(found, times_s, baseline, 0.0, onsets[0] - clean_s),
        bouts_per_min=_rates(found, times_s, usable & (times_s >= onsets[0]), onsets[0], np.inf),
    )


def movement_range(movement: np.ndarray, times_s: np.ndarray, baseline: np.ndarray) -> MovementRange:
    """Return the range of movement in a baseline, by which thresholds are set.

    Parameters
    ----------
    movement
        Smoothed movement, ``(n_frames,)``.
    times_s
        Time of each frame in seconds.
    baseline
        Which frames are baseline, boolean.

    Raises
    ------
    ValueError
        If the baseline is shorter than 30 s, or movement hardly varies in it.

    Examples
    --------
    >>> movement_range(np.linspace(0, 1, 1001), np.linspace(0, 60, 1001), np.ones(1001, bool))
    MovementRange(rest=0.01, lively=0.95)
    """
    length_s = float(np.median(np.diff(times_s))) * int(baseline.sum())
    if length_s < LEAST_BASELINE_S:
        raise ValueError(
            f"only {length_s:.0f} s of usable video before the first shock; thresholds of movement need "
            f"{LEAST_BASELINE_S:g} s of it. Record a lead-in, or see which frames were excluded"
        )
    rest, lively = np.quantile(np.asarray(movement, float)[baseline], [REST_QUANTILE, LIVELY_QUANTILE])
    if not lively > 1.05 * rest:
        raise ValueError(
            f"movement before the first shock hardly varies ({rest:.3g} to {lively:.3g}): the camera's "
            f"noise, or "
            "an animal that never moved. Give a region that moves, or a longer baseline"
        )
    return MovementRange(round(float(rest), 12), round(float(lively), 12))


def _judge(
    found: pd.DataFrame,
    first_shock_s: float,
    left_out: list[tuple[float, float]],
    times_s: np.ndarray,
    usable: np.ndarray,
    clean_s: float,
) -> list[str]:
    """Why each stretch does not count; empty where it does."""
    step = float(np.median(np.diff(times_s)))
    bad = times_s[~usable]
    verdicts = []
    onsets = found["onset"].to_numpy(float)
    ends = onsets + found["duration"].to_numpy(float)
    for start, stop in zip(onsets, ends, strict=True):
        in_baseline = bool(((onsets < start) & (ends > start - clean_s)).any())
        in_baseline |= any(begin < start and end > start - clean_s for begin, end in left_out)
        in_baseline |= bool(((bad >= start - clean_s) & (bad < start)).any())
        runs_out = stop + step > times_s[-1] or bool(((bad >= stop - step / 2) & (bad < stop + step)).any())
        if start < first_shock_s:
            verdicts.append("before_first_shock")
        elif any(begin < stop and end > start for begin, end in left_out):
            verdicts.append("shock")
        elif start - clean_s < times_s[0] or runs_out:
            verdicts.append("cut_off")
        else:
            verdicts.append("no_clean_baseline" if in_baseline else "")
    return verdicts


def _long_runs(
    state: np.ndarray, times_s: np.ndarray, least_s: float, kind: str, strength: np.ndarray
) -> pd.DataFrame:
    step = float(np.median(np.diff(times_s)))
    apart = np.diff(times_s) > least_s / 4
    edges = np.flatnonzero(np.diff(np.r_[False, state, False].astype(np.int8))).reshape(-1, 2)
    rows = []
    for first, stop in edges:
        cuts = np.r_[first, first + 1 + np.flatnonzero(apart[first : stop - 1]), stop]
        for begin, end in pairwise(cuts):
            length = times_s[end - 1] - times_s[begin] + step
            if length > least_s:
                rows.append((times_s[begin], length, kind, float(np.mean(strength[begin:end]))))
    table = pd.DataFrame.from_records(rows, columns=["onset", "duration", "trial_type", "strength"])
    return table.astype({"onset": float, "duration": float, "strength": float, "trial_type": str})


def _smooth(trace: np.ndarray, times_s: np.ndarray, usable: np.ndarray, smooth_s: float) -> np.ndarray:
    """Running mean over the usable frames; NaN where fewer than half of the window's frames are usable."""
    width = max(1, 2 * round(0.5 * smooth_s / float(np.median(np.diff(times_s)))) + 1)
    trace_or_nan = pd.Series(np.where(usable, trace, np.nan))
    return trace_or_nan.rolling(width, center=True, min_periods=max(1, width // 2)).mean().to_numpy()


def _thresholds(
    ranges: dict[str, MovementRange], rapid: float, still: float, escape_s: float, freezing_s: float
) -> pd.DataFrame:
    rules = [
        ("escape", "movement", rapid, f"above, for more than {escape_s:g} s"),
        ("freezing", "movement", still, f"below, for more than {freezing_s:g} s"),
        ("freezing", "orofacial", still, f"below, for more than {freezing_s:g} s"),
    ]
    rows = []
    for kind, trace, share, rule in rules:
        one = ranges[trace]
        threshold = one.rest + share * (one.lively - one.rest)
        rows.append((kind, trace, one.rest, one.lively, share, threshold, rule))
    return pd.DataFrame(rows, columns=["trial_type", "trace", "rest", "lively", "share", "threshold", "rule"])


def _rates(
    found: pd.DataFrame, times_s: np.ndarray, within: np.ndarray, start_s: float, stop_s: float
) -> dict[str, float]:
    minutes = float(np.median(np.diff(times_s))) * int(within.sum()) / 60
    inside = found[(found["onset"] >= start_s) & (found["onset"] < stop_s)]
    return {kind: (inside["trial_type"] == kind).sum() / minutes for kind in ("escape", "freezing")}


def _checked(movement: np.ndarray, orofacial: np.ndarray, times_s: np.ndarray) -> np.ndarray:
    lengths = {"movement": len(movement), "orofacial": len(orofacial), "times_s": len(times_s)}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"one value per frame is needed in each; got {lengths}")
    if len(times_s) < 2 or not (np.diff(times_s) > 0).all():
        raise ValueError(
            "times_s must rise from frame to frame; leave out frames without a usable time first"
        )
    return np.array([movement, orofacial], float)


def _flags(valid: np.ndarray, count: int) -> np.ndarray:
    if np.shape(valid) != (count,):
        raise ValueError(f"{np.size(valid)} verdicts for {count} frames; judge and measure the same video")
    return np.asarray(valid, bool)


def _shock_times(shocks: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    missing = {"onset", "duration"} - set(shocks.columns)
    if missing or not len(shocks):
        what = f"lack {', '.join(sorted(missing))}" if missing else "are none"
        raise ValueError(f"escape and freezing are those after the first shock, but shocks {what}")
    ordered = shocks.sort_values("onset")
    onsets = ordered["onset"].to_numpy(float)
    durations = ordered["duration"].to_numpy(float)
    if not (np.isfinite(onsets).all() and np.isfinite(durations).all()):
        raise ValueError("each shock needs an onset and a duration in seconds")
    return onsets, onsets + durations
