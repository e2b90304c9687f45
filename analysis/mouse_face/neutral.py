"""Trials without an event, for studies that have none: taken from times in which nothing happens."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import pandas as pd

from analysis.mouse_face.parameters import MouseFaceParameters
from analysis.mouse_face.videos import face_video
from analysis.mouse_sessions import MouseSession


def neutral_bouts(
    sessions: Mapping[str, MouseSession], parameters: MouseFaceParameters
) -> tuple[dict[str, pd.DataFrame], tuple[str, ...]]:
    """Choose neutral trials for each session without laser and condition, if the study has none at all.

    Parameters
    ----------
    sessions : mapping
        Name of a session -> session.
    parameters : MouseFaceParameters
        How many, and how far from events.

    Returns
    -------
    trials : dict of str to pandas.DataFrame
        Name of a session -> ``onset``, ``duration``, ``trial_type``; empty where the study has its own.
    notes : tuple of str
        What was done, and which sessions have no room.
    """
    events = pd.concat([session.events for session in sessions.values()])["trial_type"]
    if parameters.n_neutral == 0 or (events == parameters.neutral_event).any():
        return {}, ()
    found, notes = {}, []
    for name, session in sessions.items():
        if session.events["laser"].any() or not set(session.events["condition"]) <= {"n/a", "nan", ""}:
            continue
        times_s = face_video(session).times_s
        onsets_s = quiet_onsets(
            session.events["onset"].to_numpy(float),
            start_s=float(times_s[0]),
            stop_s=float(times_s[-1]),
            n=parameters.n_neutral,
            before_s=parameters.before_s,
            during_s=parameters.during_s,
            apart_s=parameters.neutral_apart_s,
        )
        if len(onsets_s) < parameters.n_neutral:
            notes.append(f"{name}: room for {len(onsets_s)} of {parameters.n_neutral} neutral trials only")
        found[name] = pd.DataFrame(
            {"onset": onsets_s, "duration": parameters.during_s, "trial_type": parameters.neutral_event}
        )
    taken = sum(map(len, found.values()))
    notes.insert(
        0,
        f"the study has no trials called {parameters.neutral_event!r}: {taken} were taken from times at "
        f"least {parameters.neutral_apart_s:g} s after an event",
    )
    return found, tuple(notes)


def quiet_onsets(
    onsets_s: np.ndarray,
    *,
    start_s: float,
    stop_s: float,
    n: int,
    before_s: float,
    during_s: float,
    apart_s: float,
) -> np.ndarray:
    """Choose times around which nothing happens, spread over a session.

    Parameters
    ----------
    onsets_s : numpy.ndarray
        Onsets of events.
    start_s, stop_s : float
        Beginning and end of the session.
    n : int
        How many times are wanted; there may be room for fewer.
    before_s, during_s : float
        What is looked at before and after each time; these do not overlap.
    apart_s : float
        Time from an event's onset that is not used.

    Returns
    -------
    numpy.ndarray
        Rising times.

    Examples
    --------
    >>> where = dict(start_s=0.0, stop_s=100.0, before_s=4.0, during_s=2.0, apart_s=20.0)
    >>> quiet_onsets(np.array([30.0, 40.0]), n=3, **where).round(1).tolist()
    [4.0, 64.0, 94.0]
    """
    edges = np.concatenate([[start_s - apart_s], np.sort(onsets_s), [stop_s]])
    slots = [
        np.arange(first + apart_s + before_s, last - during_s + 1e-9, before_s + during_s)
        for first, last in pairwise(edges)
    ]
    times = np.concatenate(slots)
    chosen = np.unique(np.rint(np.linspace(0, len(times) - 1, min(n, len(times)))).astype(int))
    return times[chosen]
