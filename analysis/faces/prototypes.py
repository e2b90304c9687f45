"""Prototypes of expressions, and how much each frame is like them (Dolensek et al. 2020, Fig. 2A-C).

A prototype is made of the frames of an event that are least like the neutral face. A frame that was chosen
for this will be found to be like the prototype, whether or not there is an expression: scored on the trials
that made them, prototypes find a response in every study without one. By default each trial is therefore
scored with prototypes in which it has no part, neither with frames of its event nor with frames at rest
(`cross_fitted_scores`). `paper_scores` is what the paper did.

Prototypes are made from events, not from emotions. What an event stands for is the reader's table.

Recipe: the paper says "most characteristic video frames following each type of event", averaged. That these
are the 10 frames with the lowest correlation to the neutral face is what the group's later code does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd

from analysis.faces.folds import repeats_of
from analysis.faces.similarity import correlate_with

Recipe = Literal["least_neutral", "mean"]
N_FRAMES = 10
"""Frames of a prototype. Source: follow-up code of the group (2020 Python, 2022 MATLAB)."""
COLUMNS = ("animal", "trial", "label", "during", "since_s")
"""Columns that the table of frames needs; as `similarity.event_clip_frames` makes them, plus animal."""


@dataclass(frozen=True, eq=False)
class Prototypes:
    """One descriptor per event."""

    names: tuple[str, ...]
    values: np.ndarray
    """``(n_prototypes, n_features)``."""
    chosen: dict[str, np.ndarray]
    """Rows of the frames that each one is made of."""
    neutral: np.ndarray
    """The neutral face, ``(n_features,)``."""


def make_prototypes(
    descriptors: np.ndarray,
    frames: pd.DataFrame,
    *,
    recipe: Recipe = "least_neutral",
    n_frames: int = N_FRAMES,
    exclude_first_trial: bool = False,
    neutral_label: str = "neutral",
) -> Prototypes:
    """Make a prototype for each event (Fig. 2A).

    Parameters
    ----------
    descriptors : numpy.ndarray
        Shape ``(n_frames, n_features)``, of one animal, or of several (see `decoding.subtract_baseline`)
        on the same pixels.
    frames : pandas.DataFrame
        One row per descriptor, columns `COLUMNS`. The frames with ``during`` false make the neutral face.
    recipe : {"least_neutral", "mean"}
        The frames of the event least correlated with the neutral face, or all of them.
    n_frames : int
        How many; all if there are fewer.
    exclude_first_trial : bool
        Leave out the first trial of each event of each animal, as some of the group's code does.
    neutral_label : str
        Label of trials without an event; they get no prototype.

    Returns
    -------
    Prototypes
        In alphabetical order.

    Raises
    ------
    ValueError
        If there are no frames at rest, an event has no frames, or values are missing.
    """
    if recipe not in get_args(Recipe):
        raise ValueError(f"recipe should be one of {', '.join(get_args(Recipe))}; found {recipe!r}")
    if n_frames < 1:
        raise ValueError(f"a prototype needs a frame at least, found n_frames = {n_frames}")
    values = _checked(descriptors, frames)
    during = frames["during"].to_numpy(bool)
    if during.all():
        raise ValueError("there are no frames at rest (before events): the neutral face is made of these")
    neutral = values[~during].mean(axis=0, dtype=np.float64)
    labels = frames["label"].to_numpy()
    usable = during & ~(_first_trials(frames) if exclude_first_trial else np.zeros(len(frames), bool))
    names = tuple(sorted(set(labels) - {neutral_label}))
    if not names:
        raise ValueError(f"there are no events, only trials labelled {neutral_label!r}")
    rest = correlate_with(values, neutral[None])[:, 0]
    chosen = {}
    for name in names:
        own = np.flatnonzero(usable & (labels == name) & ~np.isnan(rest))
        if not len(own):
            raise ValueError(
                f"no frames are left of {name!r}: it needs another trial, or a place among those left out"
            )
        kept = len(own) if recipe == "mean" else min(n_frames, len(own))
        chosen[name] = np.sort(own[np.argsort(rest[own], kind="stable")[:kept]])
    means = np.array([values[rows].mean(axis=0, dtype=np.float64) for rows in chosen.values()])
    return Prototypes(names, means, chosen, neutral)


def paper_scores(descriptors: np.ndarray, frames: pd.DataFrame, **recipe: object) -> pd.DataFrame:
    """Score trials with prototypes that they are part of, as the paper did (Fig. 2B-C).

    Parameters and result as of `cross_fitted_scores`. The scores of an event with its own prototype are too
    high, by an amount that nobody knows: without any expression they are above rest in nearly all animals.
    """
    similarity = similarity_traces(descriptors, frames, cross_fitted=False, **recipe)
    return trial_scores(similarity, frames)


def cross_fitted_scores(descriptors: np.ndarray, frames: pd.DataFrame, **recipe: object) -> pd.DataFrame:
    """Score trials with prototypes that they have no part in (Fig. 2B-C, as it should be).

    Parameters
    ----------
    descriptors : numpy.ndarray
        Shape ``(n_frames, n_features)``.
    frames : pandas.DataFrame
        One row per descriptor, columns `COLUMNS`; several animals are done one by one.
    **recipe
        ``recipe``, ``n_frames``, ``exclude_first_trial``, ``neutral_label`` of `make_prototypes`.

    Returns
    -------
    pandas.DataFrame
        As `trial_scores`.

    Notes
    -----
    One repeat of every event is left out at a time, so that the prototypes that a trial is compared with are
    all made of the same number of trials: its own event's must not be the noisier one.
    """
    similarity = similarity_traces(descriptors, frames, cross_fitted=True, **recipe)
    return trial_scores(similarity, frames)


def similarity_traces(
    descriptors: np.ndarray, frames: pd.DataFrame, *, cross_fitted: bool = True, **recipe: object
) -> pd.DataFrame:
    """Correlate each frame with each prototype of its animal (Fig. 2B).

    Parameters
    ----------
    descriptors, frames, **recipe
        As in `cross_fitted_scores`.
    cross_fitted : bool
        Use prototypes that the trial of the frame has no part in.

    Returns
    -------
    pandas.DataFrame
        One column per prototype, one row per frame; the index is that of ``frames``.

    Raises
    ------
    ValueError
        If an event has one trial in an animal, so that nothing is left to make its prototype of.
    """
    values = _checked(descriptors, frames)
    parts = []
    for animal in pd.unique(frames["animal"]):
        own = np.flatnonzero(frames["animal"].to_numpy() == animal)
        table = frames.iloc[own]
        if not cross_fitted:
            made = make_prototypes(values[own], table, **recipe)  # type: ignore[arg-type]
            found = pd.DataFrame(correlate_with(values[own], made.values), table.index, list(made.names))
            parts.append(found)
            continue
        repeat = _repeat_of_frames(table)
        if repeat.max() < 1:
            raise ValueError(
                f"animal {animal} has one trial of each event: prototypes cannot be made without the trial "
                "that is scored. Give events again, or use paper_scores, whose result cannot be interpreted"
            )
        for left in range(repeat.max() + 1):
            try:
                made = make_prototypes(values[own[repeat != left]], table[repeat != left], **recipe)  # type: ignore[arg-type]
            except ValueError as error:
                raise ValueError(f"animal {animal}, repeat {left + 1} left out: {error}") from None
            missing = set(table["label"]) - set(made.names) - {recipe.get("neutral_label", "neutral")}
            if missing:
                raise ValueError(
                    f"animal {animal} has one trial of {', '.join(sorted(missing))}: its prototype cannot be "
                    "made without the trial that is scored. Leave the event out of this animal"
                )
            scored = own[repeat == left]
            rows = correlate_with(values[scored], made.values)
            parts.append(pd.DataFrame(rows, frames.index[scored], list(made.names)))
    return pd.concat(parts).loc[frames.index]


def trial_scores(similarity: pd.DataFrame, frames: pd.DataFrame, *, baseline_s: float = 2.0) -> pd.DataFrame:
    """Sum up traces of similarity, trial by trial.

    Parameters
    ----------
    similarity : pandas.DataFrame
        One column per prototype, one row per row of ``frames``.
    frames : pandas.DataFrame
        Columns `COLUMNS`.
    baseline_s : float
        Length of the rest before an onset that scores are compared with; 2 s in the paper.

    Returns
    -------
    pandas.DataFrame
        One row per trial and prototype: animal, trial, label, prototype, before (mean correlation at rest),
        during (mean while the event is on), delta_r (their difference: what the recommended tests use) and z
        (the difference in standard deviations of the frames at rest, as in the paper's traces; it is large
        where an animal happened to sit still). Further columns that do not change within a trial, such as
        intensity, are kept.

    Raises
    ------
    ValueError
        If a trial has no frames before or during its event.
    """
    about = frames[["animal", "trial", "label", "during", "since_s"]]
    kept = (about["since_s"] >= -baseline_s - 1e-9) | about["during"]
    keys = [about["animal"], about["trial"]]
    parts = {
        "before": similarity[kept & ~about["during"]].groupby(keys[:2], sort=False).mean(),
        "during": similarity[kept & about["during"]].groupby(keys[:2], sort=False).mean(),
        "sd": similarity[kept & ~about["during"]].groupby(keys[:2], sort=False).std(),
    }
    trials = frames.drop(columns=["during", "since_s"]).groupby(["animal", "trial"], sort=False)
    constant = trials.nunique(dropna=False).max() <= 1
    table = trials.first()[[name for name in constant.index if constant[name]]]
    long = [part.reindex(table.index).rename_axis(columns="prototype").stack() for part in parts.values()]
    scores = pd.concat(long, axis=1, keys=list(parts)).reset_index()
    lost = len(table) * similarity.shape[1] - int(scores[["before", "during"]].notna().all(axis=1).sum())
    if lost:
        counted = pd.crosstab(keys, about["during"][kept])
        bad = counted.index[(counted.reindex(columns=[False, True], fill_value=0) == 0).any(axis=1)]
        which = f"trial {bad[0][1]} of animal {bad[0][0]}" if len(bad) else "a trial"
        raise ValueError(f"{which} has no valid frames before or during its event: leave the trial out")
    scores["delta_r"] = scores["during"] - scores["before"]
    scores["z"] = scores["delta_r"] / scores["sd"].where(scores["sd"] > 0)
    return scores.drop(columns="sd").merge(table.reset_index(), on=["animal", "trial"])


def z_traces(similarity: pd.DataFrame, frames: pd.DataFrame, *, baseline_s: float = 2.0) -> pd.DataFrame:
    """Return traces in standard deviations of the rest before each event (Fig. 2D-G, left; 3G).

    Parameters and errors as of `trial_scores`; NaN where the rest does not vary.
    """
    rest = ~frames["during"] & (frames["since_s"] >= -baseline_s - 1e-9)
    keys = [frames["animal"], frames["trial"]]
    grouped = similarity.where(rest).groupby(keys)
    sd = grouped.transform("std")
    return (similarity - grouped.transform("mean")) / sd.where(sd > 0)


def min_max_scores(scores: pd.DataFrame) -> pd.DataFrame:
    """Scale mean similarities as Fig. 2C shows them. For the figure only: the scale makes its own maximum 1.

    Parameters
    ----------
    scores : pandas.DataFrame
        As of `trial_scores`.

    Returns
    -------
    pandas.DataFrame
        Index event, columns prototype: 1 is the highest mean similarity with the prototype, 0 the highest
        mean at rest, and whatever is below.
    """
    during = scores.pivot_table(index="label", columns="prototype", values="during")
    rest = scores.pivot_table(index="label", columns="prototype", values="before").max()
    span = during.max() - rest
    return ((during - rest) / span.where(span > 0)).clip(lower=0).fillna(0.0)


def _first_trials(frames: pd.DataFrame) -> np.ndarray:
    return _repeat_of_frames(frames) == 0


def _repeat_of_frames(frames: pd.DataFrame) -> np.ndarray:
    """Return, for each frame, how many trials of its event its animal had before."""
    trials = frames[["animal", "trial", "label"]].drop_duplicates()
    names = trials["animal"].astype(str) + "\t" + trials["label"].astype(str)
    trials = trials.assign(repeat=repeats_of(names.to_numpy()))
    return frames[["animal", "trial"]].merge(trials, on=["animal", "trial"], how="left")["repeat"].to_numpy()


def _checked(descriptors: np.ndarray, frames: pd.DataFrame) -> np.ndarray:
    """Return descriptors, if they go with the table and nothing is missing."""
    absent = [name for name in COLUMNS if name not in frames]
    if absent:
        raise ValueError(
            f"the table of frames needs the columns {', '.join(COLUMNS)}; absent: {', '.join(absent)}"
        )
    values = np.asarray(descriptors)
    if values.ndim != 2 or len(values) != len(frames):
        raise ValueError(f"expected one descriptor per row, {len(frames)} in all, found shape {values.shape}")
    if not frames.index.is_unique:
        raise ValueError("the rows of the table of frames need different names: call reset_index(drop=True)")
    bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if len(bad):
        raise ValueError(f"{len(bad)} frames have missing values, the first is row {bad[0]}: leave them out")
    return values
