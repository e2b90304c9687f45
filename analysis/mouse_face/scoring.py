"""How alike the frames of trials are to each prototype; no trial is compared with itself.

Prototypes are made of an animal's core trials (`selection.core_trials`): by default each time without the
trial that is compared, otherwise, as in the paper, of all of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analysis.faces.prototypes import make_prototypes, trial_scores
from analysis.faces.similarity import correlate_with
from analysis.mouse_face.face_data import FaceData
from analysis.mouse_face.parameters import MouseFaceParameters
from analysis.mouse_face.selection import Missing, core_trials

_KEYS = ["animal", "trial"]


def similarity(
    data: FaceData,
    trials: pd.DataFrame,
    parameters: MouseFaceParameters,
    *,
    before_s: float | None = None,
    after_s: float | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Correlate each frame around trials with each prototype of its animal.

    Prototypes are made of the clips of the animal's core trials. A trial that is one of them is compared with
    prototypes in which its repeat of every event has no part (``parameters.cross_fitted``). Other trials are
    compared with those of all core trials, but where core trials of the animal are scored beside them, with
    those of one repeat less, too: prototypes of more trials are clearer, which must not look like an effect.

    Parameters
    ----------
    data : FaceData
        The study.
    trials : pandas.DataFrame
        Rows of ``data.trials``, as a `selection.Selection` has them.
    parameters : MouseFaceParameters
        Recipe of prototypes.
    before_s, after_s : float, optional
        Time around onsets; that of the clips, if not given.

    Returns
    -------
    tuple
        ``frames`` (as ``data.clips``, index 0, 1, ...) and a table with one column per prototype (event), one
        row per row of ``frames``; NaN where the animal has no such prototype.

    Raises
    ------
    ValueError
        If the study has no core trials, or none of an animal's events could make a prototype.
    """
    core = core_trials(data, parameters)
    if isinstance(core, Missing):
        raise ValueError(f"there are no prototypes: {core.reason}")
    parts = []
    for animal, frames, descriptors in _frames_of_animals(data, trials, parameters, before_s, after_s):
        own = core.trials[core.trials["animal"] == animal]
        if own[own["event"] != parameters.neutral_event].empty:
            parts.append((frames, pd.DataFrame(index=frames.index)))
            continue
        clips, values = data.clips_of(own)
        found = _of_animal(clips, values, frames, descriptors, parameters)
        parts.append((frames, found))
    frames = pd.concat([one for one, _ in parts], ignore_index=True)
    table = pd.concat([two for _, two in parts], ignore_index=True)
    return frames, table.reindex(columns=sorted(table.columns))


def score(data: FaceData, trials: pd.DataFrame, parameters: MouseFaceParameters) -> pd.DataFrame:
    """Score trials with each prototype.

    Returns
    -------
    pandas.DataFrame
        As `analysis.faces.prototypes.trial_scores`: one row per trial and prototype with before, during,
        delta_r and z, and the columns of the trial; prototypes that an animal does not have are absent.
    """
    frames, found = similarity(data, trials, parameters)
    parts = []
    for _, rows in frames.groupby("animal", sort=False).indices.items():
        own = found.iloc[rows].dropna(axis=1, how="all")
        if own.shape[1]:
            parts.append(trial_scores(own, frames.iloc[rows], baseline_s=parameters.baseline_s))
    if not parts:
        raise ValueError("no animal of these trials has a prototype to be compared with")
    scores = pd.concat(parts, ignore_index=True)
    given = trials.drop(columns=["label"]).columns.difference(scores.columns)
    return scores.merge(trials[[*_KEYS, *given]], on=_KEYS, how="left")


def recipe(parameters: MouseFaceParameters) -> dict[str, Any]:
    """Return the arguments of `analysis.faces.prototypes.make_prototypes`."""
    return {
        "recipe": parameters.prototype_recipe,
        "n_frames": parameters.n_prototype_frames,
        "exclude_first_trial": parameters.exclude_first_trial,
        "neutral_label": parameters.neutral_event,
    }


def _frames_of_animals(
    data: FaceData,
    trials: pd.DataFrame,
    parameters: MouseFaceParameters,
    before_s: float | None,
    after_s: float | None,
) -> Any:
    """Yield animal, frames and descriptors, from the clips where they are long enough, else from files."""
    if before_s is None and after_s is None:
        for animal, own in trials.groupby("animal", sort=True):
            yield (animal, *data.clips_of(own))
        return
    before = parameters.before_s if before_s is None else before_s
    after = parameters.during_s if after_s is None else after_s
    for frames, descriptors in data.around(trials, before_s=before, after_s=after):
        if len(frames):
            yield frames["animal"].iloc[0], frames, descriptors


def _of_animal(
    clips: pd.DataFrame,
    values: np.ndarray,
    frames: pd.DataFrame,
    descriptors: np.ndarray,
    parameters: MouseFaceParameters,
) -> pd.DataFrame:
    """Correlate the frames of one animal with its prototypes, each trial with those it has no part in."""
    how = recipe(parameters)
    made = make_prototypes(values, clips, **how)
    found = pd.DataFrame(correlate_with(descriptors, made.values), frames.index, list(made.names))
    if not parameters.cross_fitted:
        return found
    repeat = _repeats(clips)
    of_frame = _left_out(frames, repeat)
    of_clip = repeat.reindex(pd.MultiIndex.from_frame(clips[_KEYS])).to_numpy()
    for left in np.unique(of_frame[~np.isnan(of_frame)]):
        others = of_clip != left
        without = make_prototypes(values[others], clips[others], **how)
        rows = np.flatnonzero(of_frame == left)
        found.iloc[rows] = np.nan
        found.loc[found.index[rows], list(without.names)] = correlate_with(descriptors[rows], without.values)
    return found


def _left_out(frames: pd.DataFrame, repeat: pd.Series) -> np.ndarray:
    """Return, for each frame, the repeat its prototypes leave out; NaN for none, where no trial is core.

    Trials that are not core take the repeats in turn.
    """
    trials = frames[[*_KEYS, "label"]].drop_duplicates(_KEYS).set_index(_KEYS)
    own = repeat.reindex(trials.index)
    if own.notna().any():
        turn = trials[own.isna()].groupby("label").cumcount() % (repeat.max() + 1)
        own = own.fillna(turn.astype(float))
    return own.reindex(pd.MultiIndex.from_frame(frames[_KEYS])).to_numpy()


def _repeats(clips: pd.DataFrame) -> pd.Series:
    """Return, for each core trial, which repeat of its event it is (as in `similarity_traces`)."""
    trials = clips[[*_KEYS, "label"]].drop_duplicates()
    return trials.set_index(_KEYS).groupby(["animal", "label"]).cumcount().astype(float)
