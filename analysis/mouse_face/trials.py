"""The trials of a study, numbered within each animal, and which of them lost too many frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from analysis.faces.frame_quality import FrameQuality, trial_losses
from analysis.mouse_face.parameters import MouseFaceParameters
from analysis.mouse_sessions import MouseSession


def study_trials(
    sessions: Mapping[str, MouseSession], added: Sequence[Mapping[str, pd.DataFrame]] = ()
) -> pd.DataFrame:
    """Join the events of all sessions.

    Parameters
    ----------
    sessions : mapping
        Name of a session -> session; by animal, in the order in which they were recorded.
    added : sequence of mapping
        Name of a session -> further trials (``onset``, ``duration``, ``trial_type``), such as bouts of escape
        and freezing that were found in its video.

    Returns
    -------
    pandas.DataFrame
        Columns of `analysis.mouse_face.face_data.TRIAL_COLUMNS` but those of the verdict; ``trial`` counts
        from 1 within the animal, in the order of time.
    """
    parts = []
    for name, session in sessions.items():
        more = [_as_events(one[name]) for one in added if name in one and len(one[name])]
        events = pd.concat([session.events, *more], ignore_index=True) if more else session.events
        events = events.sort_values("onset", kind="stable")
        parts.append(
            pd.DataFrame(
                {
                    "session_id": name,
                    "animal": session.animal,
                    "session": session.session,
                    "event": events["trial_type"].astype(str),
                    "value": events["value"].astype(float),
                    "unit": _empty_if_missing(events["unit"]),
                    "repeat": events["repeat"].astype(int),
                    "condition": _empty_if_missing(events["condition"]),
                    "laser": events["laser"].astype(bool),
                    "group": session.group or "",
                    "site": str(session.metadata.get("site") or ""),
                    "onset_s": events["onset"].astype(float),
                    "duration_s": events["duration"].astype(float),
                }
            )
        )
    trials = pd.concat(parts, ignore_index=True)
    trials["trial"] = trials.groupby("animal", sort=False).cumcount() + 1
    return trials.assign(label=event_labels(trials))


def event_labels(trials: pd.DataFrame) -> pd.Series:
    """Return the event of each trial, with its value where the study gives the event at several values.

    >>> trials = pd.DataFrame({"event": ["salt", "salt", "quinine"], "value": [75.0, 500.0, 10.0]})
    >>> event_labels(trials).tolist()
    ['salt@75', 'salt@500', 'quinine']
    """
    several = trials.groupby("event")["value"].transform("nunique") > 1
    valued = trials["event"] + "@" + trials["value"].map("{:g}".format)
    return trials["event"].where(~several | trials["value"].isna(), valued)


def judge_trials(
    trials: pd.DataFrame, quality: Mapping[str, FrameQuality], parameters: MouseFaceParameters
) -> pd.DataFrame:
    """Say which trials are analysed, and why the others are not.

    A trial is left out if its rest before the onset or the time after it has lost more than
    ``parameters.most_lost_share`` of its frames (left out by a rule, dropped by the camera, or before the
    beginning or after the end of the video).

    Returns
    -------
    pandas.DataFrame
        ``trials`` with ``n_frames``, ``n_excluded``, ``n_dropped``, ``share_lost`` (of the whole clip),
        ``kept`` and ``reason``.
    """
    parts = []
    for name, own in trials.groupby("session_id", sort=False):
        judged = quality[str(name)]
        onsets = own.rename(columns={"onset_s": "onset"})
        whole = _losses(judged, onsets, parameters.before_s, parameters.during_s)
        rest = _losses(judged, onsets, parameters.baseline_s, 0.0)["share_lost"]
        event = _losses(judged, onsets, 0.0, parameters.during_s)["share_lost"]
        table = own.join(whole)
        table["reason"] = [
            _reason(before, after, parameters) for before, after in zip(rest, event, strict=True)
        ]
        parts.append(table)
    judged_trials = pd.concat(parts)
    judged_trials["kept"] = judged_trials["reason"] == ""
    if not judged_trials["kept"].any():
        first = judged_trials["reason"].iloc[0]
        raise ValueError(
            f"none of the {len(trials)} trials has enough valid frames; the first: {first}. See what is "
            "wrong with the videos, or change the rules (quality_rules, most_lost_share)"
        )
    return judged_trials.loc[trials.index]


def _losses(quality: FrameQuality, events: pd.DataFrame, before_s: float, after_s: float) -> pd.DataFrame:
    """As `trial_losses`; frames that would lie outside of the video are lost, too."""
    losses = trial_losses(quality, events, before_s=before_s, after_s=after_s)
    due = (before_s + after_s) / quality.interval_s
    valid = losses["n_frames"] - losses["n_excluded"]
    return losses.assign(share_lost=np.clip(1 - valid / due, 0, 1).round(4))


def _reason(before: float, after: float, parameters: MouseFaceParameters) -> str:
    lost = [
        f"{share:.0%} of the frames {when} it"
        for share, when in ((before, "before"), (after, "after"))
        if share > parameters.most_lost_share
    ]
    return f"lost {' and '.join(lost)}" if lost else ""


def _as_events(bouts: pd.DataFrame) -> pd.DataFrame:
    return bouts[["onset", "duration", "trial_type"]].assign(
        value=np.nan,
        unit="n/a",
        repeat=bouts.groupby("trial_type").cumcount() + 1,
        laser=False,
        condition="n/a",
    )


def _empty_if_missing(values: pd.Series) -> pd.Series:
    return values.fillna("").astype(str).replace({"n/a": "", "nan": ""})
