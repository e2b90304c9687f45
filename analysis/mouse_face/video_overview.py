"""Whole sessions at a glance, for an animal's page: similarity to each prototype, and when events came."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analysis.mouse_face.colours import event_order
from analysis.mouse_face.results import Results
from analysis.mouse_face.session_traces import session_similarity

MOST_SESSIONS = 3
"""Sessions of an animal that are shown whole, of those with core trials."""
MOST_STEPS = 600
"""Points of a curve."""


def session_overviews(results: Results, trials: pd.DataFrame, shown: list[dict[str, Any]]) -> list[dict]:
    """Follow the face of an animal through its sessions.

    Parameters
    ----------
    results : Results
        All that was found.
    trials : pandas.DataFrame
        Trials of the animal's page, with ``core``.
    shown : list of dict
        Those that can be played, with ``session_id`` and ``number``.

    Returns
    -------
    list of dict
        For each session with core trials its name, the times of the steps (minutes), for each prototype the
        mean similarity in each step minus the session's median, and its trials: minute, label, and which of
        ``shown`` it is (-1: none).
    """
    names = trials.loc[trials["core"], "session_id"].drop_duplicates().head(MOST_SESSIONS)
    known = [str(name) for name in names if name in results.data.descriptor_files]
    return [_overview(results, name, shown) for name in known]


def _overview(results: Results, session_id: str, shown: list[dict[str, Any]]) -> dict[str, Any]:
    found = session_similarity(results.data, session_id, results.own_parameters)
    minutes = found["time_s"].to_numpy() / 60
    edges = np.linspace(minutes[0], minutes[-1] + 1e-9, min(MOST_STEPS, max(2, len(found) // 8)) + 1)
    step = np.digitize(minutes, edges) - 1
    values = found.drop(columns=["time_s", "frame"])
    binned = (values - values.median()).groupby(step).mean().reindex(range(len(edges) - 1))
    trials = results.data.trials
    own = trials[(trials["session_id"] == session_id) & trials["kept"].astype(bool)]
    place = {(one["session_id"], one["number"]): index for index, one in enumerate(shown)}
    about = results.data.sessions.set_index("session_id").loc[session_id]
    return {
        "session": str(about["session"]),
        "start": round(float(edges[0]), 4),
        "stop": round(float(edges[-1]), 4),
        "curves": {name: _rounded(binned[name]) for name in event_order(binned.columns)},
        "events": [
            {
                "minute": round(float(trial["onset_s"]) / 60, 4),
                "label": str(trial["event"]),
                "shown": place.get((session_id, trial["trial"]), -1),
            }
            for trial in own.to_dict("records")
        ],
    }


def _rounded(values: pd.Series) -> list[float | None]:
    return [round(float(value), 4) if np.isfinite(value) else None for value in values]
