"""How alike every frame of a session is to each prototype of its animal, from beginning to end (Fig. 4)."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd

from analysis.faces.folds import repeats_of
from analysis.faces.prototypes import Prototypes, make_prototypes
from analysis.faces.similarity import correlate_with
from analysis.mouse_face.face_data import FaceData
from analysis.mouse_face.parameters import MouseFaceParameters
from analysis.mouse_face.scoring import recipe
from analysis.mouse_face.selection import Missing, core_trials

_KNOWN: WeakKeyDictionary[FaceData, dict[tuple[object, ...], pd.DataFrame]] = WeakKeyDictionary()
"""Traces that were made before: several panels of Figure 4 want the same, and reading takes a while."""


def session_similarity(data: FaceData, session_id: str, parameters: MouseFaceParameters) -> pd.DataFrame:
    """Correlate every valid frame of a session with each prototype of its animal.

    Prototypes are made of the animal's core trials. Where these are of another session, every frame is
    compared with the same prototypes. Where they are of this session, the frames from the rest before a
    trial to the rest before the next are compared with prototypes in which the trial's repeat has no part
    (``parameters.cross_fitted``), as a frame would otherwise be compared with itself.

    Parameters
    ----------
    data : FaceData
        The study.
    session_id : str
        The session.
    parameters : MouseFaceParameters
        Recipe of prototypes.

    Returns
    -------
    pandas.DataFrame
        ``time_s``, ``frame``, and one column per prototype (event), one row per valid frame.

    Raises
    ------
    ValueError
        If the animal has no core trials, or one trial of an event only that would be compared with itself.
    """
    key = (session_id, *recipe(parameters).values(), parameters.cross_fitted, parameters.baseline_s)
    known = _KNOWN.setdefault(data, {})
    if key not in known:
        known[key] = _similarity(data, session_id, parameters)
    return known[key]


def _similarity(data: FaceData, session_id: str, parameters: MouseFaceParameters) -> pd.DataFrame:
    made, starts_s, fold_of_start = _prototypes(data, session_id, parameters)
    stacked = np.concatenate([prototypes.values for prototypes in made])
    names, tables = made[0].names, []
    for times_s, frame, valid, descriptors in data.session_chunks(session_id):
        values = correlate_with(descriptors[valid], stacked).reshape(-1, len(made), len(names))
        fold = fold_of_start[np.searchsorted(starts_s, times_s[valid], side="right")]
        table = pd.DataFrame(values[np.arange(len(values)), fold], columns=list(names))
        table.insert(0, "frame", frame[valid])
        table.insert(0, "time_s", times_s[valid])
        tables.append(table)
    return pd.concat(tables, ignore_index=True).dropna(ignore_index=True)


def _prototypes(
    data: FaceData, session_id: str, parameters: MouseFaceParameters
) -> tuple[list[Prototypes], np.ndarray, np.ndarray]:
    """Make prototypes, and say from which time on which of them are used.

    Returns the prototypes, the times at which others are taken, and which are taken before the first of these
    times and after each.
    """
    animal = str(data.sessions.set_index("session_id").loc[session_id, "animal"])
    core = core_trials(data, parameters)
    if isinstance(core, Missing):
        raise ValueError(core.reason)
    trials = core.trials[core.trials["animal"] == animal].sort_values("trial")
    if trials.empty:
        raise ValueError(f"animal {animal} has no trials to make prototypes of")
    clips, descriptors = data.clips_of(trials)
    here = trials[trials["session_id"] == session_id]
    if here.empty or not parameters.cross_fitted:
        whole = make_prototypes(descriptors, clips, **recipe(parameters))
        return [whole], np.empty(0), np.zeros(1, int)
    repeat = dict(zip(trials["trial"], repeats_of(trials["label"].to_numpy()), strict=True))
    made = _without_each_repeat(clips, descriptors, repeat, animal, parameters)
    here = here.sort_values("onset_s")
    starts_s = here["onset_s"].to_numpy(float) - parameters.baseline_s
    folds = here["trial"].map(repeat).to_numpy(int)
    return made, starts_s, np.concatenate([folds[:1], folds])


def _without_each_repeat(
    clips: pd.DataFrame,
    descriptors: np.ndarray,
    repeat: dict[int, int],
    animal: str,
    parameters: MouseFaceParameters,
) -> list[Prototypes]:
    """Make the prototypes without the first trial of each event, without the second, and so on."""
    of_frame = clips["trial"].map(repeat).to_numpy()
    events = set(clips["label"]) - {parameters.neutral_event}
    made = []
    for left in range(int(of_frame.max()) + 1):
        kept = of_frame != left
        missing = events - set(clips["label"][kept])
        if missing:
            raise ValueError(
                f"animal {animal} has one trial of {', '.join(sorted(missing))}: its prototype cannot be "
                "made without the trial that is compared with it"
            )
        made.append(make_prototypes(descriptors[kept], clips[kept], **recipe(parameters)))
    return made
