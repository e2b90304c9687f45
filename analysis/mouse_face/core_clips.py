"""The clips that Figures 1 and 2A-C are made of, which animal is shown, and the blocks of the order."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from analysis.faces.decoding import subtract_baseline
from analysis.faces.folds import order_blocks
from analysis.mouse_face.face_data import FaceData
from analysis.mouse_face.parameters import MouseFaceParameters
from analysis.mouse_face.selection import Missing, core_trials


@dataclass(frozen=True, eq=False)
class CoreClips:
    """Frames around core events of all animals."""

    trials: pd.DataFrame
    """One row per trial."""
    clips: pd.DataFrame
    """One row per frame, index 0, 1, ..."""
    descriptors: np.ndarray
    """Of each frame, ``(n_frames, n_features)``."""
    neutral: str
    """Label of trials without an event."""
    notes: tuple[str, ...] = ()
    """What was left out, in words."""

    @property
    def animals(self) -> list[str]:
        """Animals, sorted."""
        return sorted(self.trials["animal"].unique())

    @property
    def events(self) -> list[str]:
        """Events, neutral trials left out, sorted."""
        return sorted(set(self.trials["label"]) - {self.neutral})

    def of(self, animal: str, label: str | None = None) -> tuple[pd.DataFrame, np.ndarray]:
        """Return the frames of an animal, or of one of its events, and their descriptors."""
        rows = self.clips["animal"] == animal
        if label is not None:
            rows &= self.clips["label"] == label
        kept = np.flatnonzero(rows.to_numpy())
        return self.clips.iloc[kept].reset_index(drop=True), self.descriptors[kept]


def core_clips(data: FaceData, parameters: MouseFaceParameters) -> CoreClips | Missing:
    """Take the clips of the core trials, or say why there are none."""
    chosen = core_trials(data, parameters)
    if isinstance(chosen, Missing):
        return chosen
    clips, descriptors = data.clips_of(chosen.trials)
    return CoreClips(chosen.trials, clips, descriptors, parameters.neutral_event, chosen.notes)


def without_single_trials(core: CoreClips) -> CoreClips:
    """Leave out an animal's events that came once: nothing can be compared across their trials.

    The notes of the result say which.
    """
    counts = core.trials.groupby(["animal", "label"])["trial"].size()
    single = counts.index[counts < 2]
    if not len(single):
        return core
    kept_trials = ~pd.MultiIndex.from_frame(core.trials[["animal", "label"]]).isin(single)
    kept = ~pd.MultiIndex.from_frame(core.clips[["animal", "label"]]).isin(single)
    which = "; ".join(f"{label} of {animal}" for animal, label in single[:6])
    more = f" and {len(single) - 6} more" if len(single) > 6 else ""
    return CoreClips(
        core.trials[kept_trials].reset_index(drop=True),
        core.clips[kept].reset_index(drop=True),
        core.descriptors[kept],
        core.neutral,
        (*core.notes, f"Left out, because one trial cannot be compared with another: {which}{more}."),
    )


def frames_at_events(
    core: CoreClips, parameters: MouseFaceParameters, *, earlier_s: float = 0.0
) -> CoreClips | None:
    """Take the frames during events, and from each what the face looks like at rest (``decoding_rest``).

    Parameters
    ----------
    core : CoreClips
        The clips.
    parameters : MouseFaceParameters
        Length of events and of the rest before them, and whose rest is taken away.
    earlier_s : float
        0: frames during events; as long as an event: the same before events, rest included (a control).

    Returns
    -------
    CoreClips or None
        The frames that were asked for, of trials that have frames at rest too; None if no trial has.
    """
    since = core.clips["since_s"].to_numpy(float) + earlier_s + 1e-9
    asked = (since >= 0) & (since < parameters.during_s)
    rest = (since < 0) & (since >= -parameters.baseline_s)
    trial = core.clips.groupby(["animal", "trial"], sort=False).ngroup().to_numpy()
    whole = np.isin(trial, np.intersect1d(trial[asked], trial[rest]))
    asked, rest = asked & whole, rest & whole
    if not asked.any():
        return None
    kept = asked | rest
    values = core.descriptors[kept]
    if parameters.decoding_rest != "none":
        by_trial = parameters.decoding_rest == "trial"
        groups = trial if by_trial else core.clips["animal"].to_numpy()
        values = subtract_baseline(values, groups[kept], rest[kept])
    clips = core.clips[asked].reset_index(drop=True)
    return replace(core, clips=clips, descriptors=values[asked[kept]])


def example_animal(trials: pd.DataFrame) -> str:
    """Choose the animal that is shown: the one with most events, then most trials, then the first by name.

    No result enters the choice.

    >>> example_animal(pd.DataFrame({"animal": ["b", "b", "a", "c", "c"], "label": list("xyxxy")}))
    'b'
    """
    counted = trials.groupby("animal")["label"].agg(["nunique", "size"])
    return str(counted.sort_values(["nunique", "size"], ascending=False, kind="stable").index[0])


def trial_blocks(data: FaceData, trials: pd.DataFrame) -> np.ndarray:
    """Give the block of each trial within which the order of events was random, as a name.

    Parameters
    ----------
    data : FaceData
        The study; the order is that of all its trials, kept or not.
    trials : pandas.DataFrame
        Columns animal, trial.

    Returns
    -------
    numpy.ndarray
        ``session:block``, one per row of ``trials``; trials of different sessions are never in one block.
    """
    parts = []
    for session_id, own in data.trials.sort_values("onset_s").groupby("session_id", sort=False):
        rows = own[["event", "value", "laser"]].itertuples(index=False)
        kinds = np.array([f"{event}\t{value}\t{laser}" for event, value, laser in rows])
        block = [f"{session_id}:{number}" for number in order_blocks(kinds)]
        parts.append(own[["animal", "trial"]].assign(block=block))
    return (
        trials[["animal", "trial"]]
        .merge(pd.concat(parts), on=["animal", "trial"], how="left")["block"]
        .to_numpy()
    )
