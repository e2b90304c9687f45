"""Tables of what was left out of a video: a row per stretch of frames, and a row per reason."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

_SEEN = {
    "time": ("frame", 0.0),
    "duplicated": ("difference", np.inf),
    "exposure": ("gain", 1.0),
    "shift": ("shift_px", 0.0),
    "occlusion": ("tiles_off", 0.0),
}
"""What each rule looked at, and its best value; the worst of a stretch is the one furthest from it."""


def stretches(
    frames: pd.DataFrame, reasons: Sequence[str], exclude: Sequence[str], interval_s: float
) -> pd.DataFrame:
    """Return one row per stretch of flagged frames, and per gap of dropped ones.

    Parameters
    ----------
    frames
        As in `analysis.faces.frame_quality.FrameQuality`.
    reasons
        Rules, each a boolean column.
    exclude
        Those whose frames are left out.
    interval_s
        Usual time between two frames, in seconds.
    """
    number, time = frames["frame"].to_numpy(), frames["time_s"].to_numpy()
    rows = []
    for reason in reasons:
        column, best = _SEEN[reason]
        values = frames[column].to_numpy(float)
        for first, last in runs(frames[reason].to_numpy()):
            span = (number[first], number[last - 1], time[first], time[last - 1] + interval_s, last - first)
            rows.append((reason, *span, _worst(values[first:last], best, reason), reason in exclude))
    for place in np.flatnonzero(frames["missing_before"]):
        missing = int(frames["missing_before"].iloc[place])
        span = (number[place], number[place], time[place] - missing * interval_s, time[place], missing)
        rows.append(("dropped", *span, missing, False))
    columns = ["reason", "first_frame", "last_frame", "start_s", "stop_s", "n_frames", "worst", "excluded"]
    return pd.DataFrame(rows, columns=columns).sort_values("first_frame", kind="stable", ignore_index=True)


def _worst(values: np.ndarray, best: float, reason: str) -> float:
    if reason == "time":
        return np.nan
    return float(np.nanmin(values) if np.isinf(best) else values[np.nanargmax(np.abs(values - best))])


def count_reasons(
    frames: pd.DataFrame, exclusions: pd.DataFrame, reasons: Sequence[str], rules: dict[str, str]
) -> pd.DataFrame:
    """Return one row per reason, with its rule in words and how many frames and stretches it took.

    Parameters
    ----------
    frames, reasons
        As in `stretches`.
    exclusions
        What `stretches` returned.
    rules
        Words for each reason, and for ``dropped``.
    """
    n_frames = {reason: int(frames[reason].sum()) for reason in reasons}
    n_frames["dropped"] = int(frames["missing_before"].sum())
    return pd.DataFrame(
        {
            "reason": reason,
            "rule": rules[reason],
            "n_frames": count,
            "share": count / (len(frames) + (count if reason == "dropped" else 0)),
            "n_stretches": int((exclusions["reason"] == reason).sum()),
        }
        for reason, count in n_frames.items()
    )


def runs(flags: np.ndarray) -> list[tuple[int, int]]:
    """First and one past the last place of each stretch of True."""
    edges = np.flatnonzero(np.diff(np.r_[False, flags, False].astype(np.int8)))
    return [(int(first), int(last)) for first, last in edges.reshape(-1, 2)]
