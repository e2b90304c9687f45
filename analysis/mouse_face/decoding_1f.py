"""Figure 1F, the numbers: whether the event can be read from the face, and from the face before it.

What the presets do is in `analysis.faces.decoding`; both are asked the same two questions here. The second
one is the control: frames *before* events cannot show them, so a decoder that knows these has learnt
something else (its trial, its part of the session).
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from analysis.faces.decoding import DecodingResult, decode, shuffled_control
from analysis.mouse_face.cache import remembered
from analysis.mouse_face.core_clips import CoreClips, frames_at_events, trial_blocks
from analysis.mouse_face.face_data import FaceData
from analysis.mouse_face.marks import mean_interval
from analysis.mouse_face.parameters import MouseFaceParameters
from analysis.mouse_face.phrases import listed
from analysis.mouse_face.selection import Missing

CONTROL_REPEATS = 5
"""Divisions of the frames for the control of the preset paper, which nobody needs precisely."""


@dataclass(frozen=True, eq=False)
class Frames:
    """Frames to decode."""

    values: np.ndarray
    labels: np.ndarray
    animals: np.ndarray
    trials: np.ndarray
    blocks: np.ndarray


@dataclass(frozen=True, eq=False)
class Decoded:
    """What came of one question."""

    confusion: pd.DataFrame
    """Index true class, columns predicted class, shares; mean of animals."""
    accuracy: pd.DataFrame
    """Index animal, columns class."""
    by_class: pd.DataFrame
    """Index class; accuracy, lower, upper, shuffled, p, where known."""
    overall: dict[str, float]
    """accuracy (balanced), lower, upper, shuffled, p."""
    n_permutations: int
    stopped_early: bool
    chance: float


def numbers_of(decoded: Decoded, label: str) -> dict[str, float]:
    """Return the numbers of a class."""
    return {str(name): float(value) for name, value in decoded.by_class.loc[label].items()}  # type: ignore[arg-type]


@dataclass(frozen=True, eq=False)
class Answer:
    """What both questions came to."""

    scheme: str
    during: Decoded
    before: Decoded | None
    """The control; None if clips are too short for it."""
    core: CoreClips
    warnings: tuple[str, ...]


def answer(
    data: FaceData, core: CoreClips, parameters: MouseFaceParameters, rng: np.random.Generator
) -> Answer | Missing:
    """Decode events from the face during them, and from the face before them."""
    core, scheme, warnings = decodable(core, parameters.decoding_scheme)
    names = sorted(set(core.trials["label"]))
    if len(names) < 2:
        return Missing(
            "decoding needs two classes with two trials each at least; there "
            f"{'is only ' + names[0] if names else 'is none'}. {' '.join(warnings)}".strip()
        )
    during = frames_to_decode(data, core, parameters, earlier_s=0.0)
    if during is None:
        return Missing("no trial has valid frames both before and during its event")
    before, asked_s = None, control_s(parameters)
    if asked_s > 0:
        shorter = replace(parameters, during_s=asked_s)
        before = frames_to_decode(data, core, shorter, earlier_s=asked_s)
    if before is None:
        warnings = (*warnings, "Clips are too short for the control with frames before events.")
    found = _decode(data, during, parameters, scheme, rng, False)
    control = None if before is None else _decode(data, before, parameters, scheme, rng, True)
    return Answer(scheme, found, control, core, warnings)


def control_s(parameters: MouseFaceParameters) -> float:
    """Return what the control asks of the time before events: as much as during, if clips are long enough."""
    return min(parameters.during_s, parameters.before_s - parameters.baseline_s)


def _decode(
    data: FaceData,
    frames: Frames,
    parameters: MouseFaceParameters,
    scheme: str,
    rng: np.random.Generator,
    control: bool,
) -> Decoded:
    """Decode, or take what an earlier run found of the same frames."""
    own = rng.spawn(1)[0]
    made_of = {
        "frames": vars(frames),
        "parameters": {
            name: value for name, value in vars(parameters).items() if name.startswith("decoding")
        },
        "level": parameters.level,
        "scheme": scheme,
        "control": control,
        "rng": own,
    }

    def make() -> Decoded:
        if scheme == "frames":
            return _as_paper(frames, parameters, own, control)
        return _recommended(frames, parameters, scheme, own, data.workers)

    return remembered(data.cache, "decoding", made_of, Decoded, make)


def decodable(core: CoreClips, scheme: str) -> tuple[CoreClips, str, tuple[str, ...]]:
    """Leave out what cannot be decoded, and leave out trials where there is one animal only.

    Returns
    -------
    tuple
        The trials that can be decoded, the scheme, and what was done, in words.
    """
    warnings: tuple[str, ...] = core.notes
    if scheme == "animals" and len(core.animals) == 1:
        scheme = "trials"
        warnings = (
            *warnings,
            f"There is one animal ({core.animals[0]}): whole trials are left out instead of whole animals. "
            "What is found says nothing about other animals.",
        )
    if scheme == "animals":
        n_animals = core.trials.groupby("label")["animal"].nunique()
        bad = core.trials["label"].isin(n_animals.index[n_animals < 2])
        reason = "it occurs in one animal, and with this one left out there is nothing to learn it from"
    else:
        size = core.trials.groupby(["animal", "label"])["trial"].transform("size")
        bad, reason = size < 2, "there is one trial of it, and with this left out nothing to learn it from"
    if bad.any():
        pairs = core.trials.loc[bad, ["label", "animal"]].drop_duplicates().itertuples(index=False)
        which = listed(f"{label} of {animal}" for label, animal in pairs)
        warnings = (*warnings, f"Not decoded: {which}; {reason}.")
        core = _only(core, core.trials[~bad])
    if scheme != "animals":  # an animal with one class left is asked nothing
        classes = core.trials.groupby("animal")["label"].transform("nunique")
        core = _only(core, core.trials[classes > 1])
    return core, scheme, warnings


def frames_to_decode(
    data: FaceData, core: CoreClips, parameters: MouseFaceParameters, *, earlier_s: float
) -> Frames | None:
    """Take the frames of trials as `core_clips.frames_at_events` does, with their blocks."""
    found = frames_at_events(core, parameters, earlier_s=earlier_s)
    if found is None:
        return None
    kept = thinned(found.clips, parameters.decoding_frames_hz)
    clips = found.clips[kept].reset_index(drop=True)
    label, animal, number = (clips[name].to_numpy() for name in ("label", "animal", "trial"))
    return Frames(found.descriptors[kept], label, animal, number, trial_blocks(data, clips))


def thinned(clips: pd.DataFrame, frames_hz: float) -> np.ndarray:
    """Say which frames stay if each trial keeps the first of every interval of ``1 / frames_hz`` s; 0: all.

    Examples
    --------
    >>> clips = pd.DataFrame({"animal": "m1", "trial": 1, "since_s": [0.0, 0.033, 0.067, 0.1, 0.133]})
    >>> thinned(clips, 10.0).tolist()
    [True, False, False, True, False]
    """
    if not frames_hz:
        return np.ones(len(clips), bool)
    interval = np.floor(clips["since_s"].to_numpy(float) * frames_hz + 1e-6)
    return ~clips[["animal", "trial"]].assign(interval=interval).duplicated().to_numpy()


def _recommended(
    frames: Frames, parameters: MouseFaceParameters, scheme: str, rng: np.random.Generator, workers: int
) -> Decoded:
    n_components = min(parameters.decoding_components, frames.values.shape[1], len(frames.values) // 4)
    result = decode(
        frames.values, frames.labels, frames.animals, frames.trials,
        rng=rng,
        scheme=scheme,  # type: ignore[arg-type]
        n_trees=parameters.decoding_trees,
        balanced=parameters.decoding_balanced,
        n_permutations=parameters.decoding_permutations,
        n_test_trees=parameters.decoding_test_trees,
        stop_after=parameters.decoding_stop_after,
        blocks=frames.blocks,
        pca=n_components or None,
        n_threads=workers,
        progress=sys.stderr.isatty(),
    )  # fmt: skip
    return _decoded(result, parameters.level)


def _decoded(result: DecodingResult, level: float) -> Decoded:
    by_class = result.by_class.copy()
    limits = [mean_interval(result.accuracy[name].to_numpy(float), level=level) for name in by_class.index]
    by_class["lower"], by_class["upper"] = [low for low, _ in limits], [high for _, high in limits]
    by_class["p"] = by_class.get("p_adjusted", np.nan)
    by_class["shuffled"] = by_class.get("shuffled", np.nan)
    test = result.test
    lower, upper = mean_interval(result.accuracy.mean(axis=1).to_numpy(float), level=level)
    overall = {
        "accuracy": result.balanced_accuracy, "lower": lower, "upper": upper, "p": result.p,
        "shuffled": float(test.permuted.mean()) if test is not None and len(test.permuted) else np.nan,
    }  # fmt: skip
    columns = ["accuracy", "lower", "upper", "shuffled", "p"]
    return Decoded(
        result.confusion, result.accuracy, by_class[columns], overall, result.n_permutations,
        test is not None and test.stopped_early, result.chance,
    )  # fmt: skip


def _as_paper(
    frames: Frames, parameters: MouseFaceParameters, rng: np.random.Generator, control: bool
) -> Decoded:
    """Decode frames left out at random, and shuffled ones beside (limits: SD of animals and divisions)."""
    options: dict[str, Any] = {
        "scheme": "frames",
        "balanced": parameters.decoding_balanced,
        "train_share": parameters.decoding_train_share,
    }
    columns = (frames.values, frames.labels, frames.animals, frames.trials)
    n_repeats = min(CONTROL_REPEATS, parameters.decoding_repeats) if control else parameters.decoding_repeats
    n_trees = parameters.decoding_trees
    both = shuffled_control(*columns, rng=rng, n_repeats=n_repeats, n_trees=n_trees, preset=options)
    once = decode(*columns, rng=rng, n_trees=n_trees, **options)
    by_class = pd.DataFrame(
        {
            "accuracy": both["real"], "lower": both["real"] - both["real_sd"],
            "upper": both["real"] + both["real_sd"], "shuffled": both["shuffled"], "p": both["p"],
        }
    )  # fmt: skip
    overall = {
        "accuracy": float(both["real"].mean()), "lower": np.nan, "upper": np.nan,
        "shuffled": float(both["shuffled"].mean()), "p": float(both["p"].max()),
    }  # fmt: skip
    return Decoded(once.confusion, once.accuracy, by_class, overall, 0, False, once.chance)


def _only(core: CoreClips, trials: pd.DataFrame) -> CoreClips:
    keys = pd.MultiIndex.from_frame(trials[["animal", "trial"]])
    kept = pd.MultiIndex.from_frame(core.clips[["animal", "trial"]]).isin(keys)
    return CoreClips(
        trials.reset_index(drop=True), core.clips[kept].reset_index(drop=True), core.descriptors[kept],
        core.neutral, core.notes,
    )  # fmt: skip
