"""Which events of a recording are the faces, and what is known of each."""

from __future__ import annotations

import numpy as np
import pandas as pd

STIMULUS = "video"
OTHER_EVENTS = frozenset(
    {
        "session_start",
        "instructions",
        "practice_fixation",
        "practice_video",
        "practice_response",
        "practice_feedback",
        "block_start",
        "fixation",
        "response",
        "feedback",
        "break",
        "session_end",
        "aborted",
    }
)
"""Events of a session that show no face to be analysed."""


def stimulus_trials(events: pd.DataFrame, *, fs_hz: float) -> pd.DataFrame:
    """List the trials: the rows of type "video", or, where there are none, all that are no known other event.

    Parameters
    ----------
    events : pandas.DataFrame
        `onset` (s) and `trial_type`; `sample`, `trial`, `face` and `direction` where they are known.
    fs_hz : float
        Sampling rate, for events without `sample`.

    Returns
    -------
    pandas.DataFrame
        `trial` (as in the events, or counted from 1), `emotion` (the direction of the video; else the event's
        type), `face` (None where unknown) and `sample` (of the onset), in the order of the events.

    Raises
    ------
    ValueError
        If there is no such event, or a trial number repeats.

    Examples
    --------
    >>> events = pd.DataFrame({"onset": [1.0, 9.0], "trial_type": ["angry", "happy"]})
    >>> stimulus_trials(events, fs_hz=100)[["trial", "emotion", "sample"]].values.tolist()
    [[1, 'angry', 100], [2, 'happy', 900]]
    """
    kinds = events["trial_type"].astype(str)
    is_face = kinds == STIMULUS
    if not is_face.any():
        is_face = events["trial_type"].notna() & ~kinds.isin(OTHER_EVENTS) & ~kinds.str.startswith("BAD_")
    faces = events[is_face]
    if faces.empty:
        raise ValueError(
            f"the events show no face: their trial types are {sorted(set(kinds)) or 'none at all'}"
        )
    sample = (faces["onset"] * fs_hz).round()
    trial = pd.Series(np.arange(1, len(faces) + 1), index=faces.index)
    trials = pd.DataFrame(
        {
            "trial": _known(faces, "trial", otherwise=trial).astype(int),
            "emotion": _known(faces, "direction", otherwise=faces["trial_type"]).astype(str),
            "face": faces["face"].astype(object).where(faces["face"].notna(), None)
            if "face" in faces
            else None,
            "sample": _known(faces, "sample", otherwise=sample).astype(int),
        }
    ).reset_index(drop=True)
    if trials["trial"].duplicated().any():
        repeated = trials.loc[trials["trial"].duplicated(), "trial"].tolist()
        raise ValueError(f"these trial numbers occur more than once in the events: {repeated}")
    return trials


def _known(faces: pd.DataFrame, column: str, *, otherwise: pd.Series) -> pd.Series:
    if column not in faces:
        return otherwise
    return faces[column].astype(object).where(faces[column].notna(), otherwise)
