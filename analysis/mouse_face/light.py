"""Which expression light evokes: what frames under light are taken for, and how they change (Fig. 3E-G)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA

from analysis.faces.comparisons import with_adjusted
from analysis.faces.decoding import subtract_baseline
from analysis.faces.forest import Forest, grow_forest
from analysis.faces.optogenetics import class_fractions, fractions_against_control, fractions_as_paper
from analysis.mouse_face.core_clips import CoreClips, core_clips
from analysis.mouse_face.decoding_1f import thinned
from analysis.mouse_face.face_data import FaceData
from analysis.mouse_face.panel import panel_rng
from analysis.mouse_face.parameters import MouseFaceParameters
from analysis.mouse_face.selection import Missing, light_trials
from analysis.mouse_face.time_course import tested

_KNOWN: WeakKeyDictionary[FaceData, dict[MouseFaceParameters, LightFractions | Missing]] = WeakKeyDictionary()


@dataclass(frozen=True, eq=False, kw_only=True)
class LightFractions:
    """Shares of frames under light that were taken for each class."""

    trials: pd.DataFrame
    """Trials of light, with ``site`` and ``group``."""
    classes: tuple[str, ...]
    """Classes that the forest knows, neutral among them."""
    neutral: str
    during: pd.DataFrame
    """As of `optogenetics.class_fractions`, with ``site`` and ``group``: the frames under light."""
    before: pd.DataFrame
    """The same of frames before the light, of trials that have some."""
    notes: tuple[str, ...]
    """What was done otherwise than planned, in words."""

    @property
    def sites(self) -> list[str]:
        """Where light was given, in order of first trial."""
        return list(dict.fromkeys(self.trials["site"]))

    def suggested(self, site: str, group: str, *, without: str = "") -> str:
        """Event that most frames under light are taken for, neutral left out; animals count the same.

        Of the animals of a group (of all, where a site has none of it), but the one ``without``, unless it is
        the only one.
        """
        own = self.during[(self.during["site"] == site) & (self.during["label"] != self.neutral)]
        own = own[own["group"] == group] if (own["group"] == group).any() else own
        own = own[own["animal"] != without] if (own["animal"] != without).any() else own
        means = own.groupby(["animal", "label"])["fraction"].mean().groupby("label").mean()
        return str(means.idxmax())


def light_fractions(data: FaceData, parameters: MouseFaceParameters) -> LightFractions | Missing:
    """Classify the frames under light, once for all panels that want them.

    The random numbers are those of Figure 3F, so that all panels suggest the same.
    """
    known = _KNOWN.setdefault(data, {})
    if parameters not in known:
        known[parameters] = classify_light(data, parameters, panel_rng(parameters.seed, "3F"))
    return known[parameters]


def classify_light(
    data: FaceData, parameters: MouseFaceParameters, rng: np.random.Generator
) -> LightFractions | Missing:
    """Classify every frame under light by a forest that has learnt the core events.

    Recommended: from other animals, and after the face at rest before each trial was taken away.
    """
    chosen = light_trials(data, parameters)
    if isinstance(chosen, Missing):
        return chosen
    core = core_clips(data, parameters)
    if isinstance(core, Missing):
        return Missing(f"there are no events for a classifier to learn from: {core.reason}")
    if not core.events:
        return Missing("a classifier of events needs an event at least")
    learnt = LearntFaces(core, parameters, rng, workers=data.workers)
    during: list[pd.DataFrame] = []
    before: list[pd.DataFrame] = []
    notes = list(chosen.notes)
    for animal, frames, descriptors in _light_frames(data, chosen.trials, parameters):
        forest_of = learnt.forest_for(animal)
        if isinstance(forest_of, str):
            notes.append(forest_of)
            continue
        asked, kind = asked_frames(frames, descriptors, chosen.trials, parameters)
        if not len(kind):
            notes.append(f"{animal}: no trial has valid frames both before and under light")
            continue
        predicted = forest_of.predict(asked)
        for name, parts in (("during", during), ("before", before)):
            rows = kind["kind"] == name
            if rows.any():
                columns = kind.loc[rows, ["animal", "trial"]].to_numpy().T
                parts.append(class_fractions(predicted[rows], *columns, classes=learnt.classes))
    if not during:
        return Missing("; ".join(notes) or "no trial of light has valid frames")
    about = chosen.trials[["animal", "trial", "site", "group"]]
    tables = [
        pd.concat(parts, ignore_index=True).merge(about, on=["animal", "trial"])
        if parts
        else pd.DataFrame(columns=["animal", "trial", "label", "fraction", "site", "group"])
        for parts in (during, before)
    ]
    return LightFractions(
        trials=chosen.trials,
        classes=learnt.classes,
        neutral=parameters.neutral_event,
        during=tables[0],
        before=tables[1],
        notes=(*notes, *learnt.notes),
    )


def compare_fractions(found: LightFractions, parameters: MouseFaceParameters) -> pd.DataFrame:
    """Ask at each site which classes light brings about (Fig. 3F).

    Returns
    -------
    pandas.DataFrame
        One row per site and class: ``site label against`` (``control``, ``before`` or ``chance``), ``n``,
        ``n_control``, ``estimate lower upper p p_adjusted``; estimates are differences of shares, against
        chance the median share itself. NaN where there are too few animals.
    """
    parts = []
    for site in found.sites:
        own = found.during[found.during["site"] == site]
        if not len(own):
            continue
        part = _as_paper(own, found, parameters) if not parameters.light_control else None
        if part is None:
            part = _against_control(own, found, parameters)
        part["p_adjusted"] = part["p"]
        if parameters.light_control and part["p"].notna().all():
            part = with_adjusted(part, parameters.adjust)
        parts.append(part.assign(site=site))
    table = pd.concat(parts, ignore_index=True)
    columns = ["site", "label", "against", "n", "n_control", "estimate", "lower", "upper", "t", "df", "p"]
    return table.reindex(columns=[*columns, "p_adjusted"])


def asked_frames(
    frames: pd.DataFrame, descriptors: np.ndarray, trials: pd.DataFrame, parameters: MouseFaceParameters
) -> tuple[np.ndarray, pd.DataFrame]:
    """Take the frames under light and, as many, from before it; take the face at rest away from them.

    Parameters
    ----------
    frames, descriptors
        Of one animal, as of `FaceData.around`.
    trials : pandas.DataFrame
        With ``duration_s`` of the light.
    parameters : MouseFaceParameters
        Rest, and what is taken away.

    Returns
    -------
    tuple
        Descriptors, and ``animal trial kind`` (``during`` or ``before``) of each.
    """
    lasting_s = frames[["animal", "trial"]].merge(trials[["animal", "trial", "duration_s"]], how="left")
    since = frames["since_s"].to_numpy(float) + 1e-9
    lasting = np.maximum(lasting_s["duration_s"].fillna(0.0).to_numpy(float), 1e-6)
    during = (since >= 0) & (since < lasting)
    rest = (since < 0) & (since >= -parameters.baseline_s)
    before = since < -parameters.baseline_s
    trial = frames["trial"].to_numpy()
    whole = np.isin(trial, np.intersect1d(trial[during], trial[rest]))
    used = (during | rest | before) & whole
    values = descriptors[used]
    if parameters.decoding_rest != "none" and used.any():
        groups = trial[used] if parameters.decoding_rest == "trial" else np.zeros(used.sum())
        values = subtract_baseline(values, groups, rest[used])
    asked = (during | before)[used]
    kind = frames.loc[used, ["animal", "trial"]].assign(kind=np.where(during[used], "during", "before"))
    return values[asked], kind[asked].reset_index(drop=True)


class LearntFaces:
    """Forests that have learnt the core events; one per set of animals that it may learn from."""

    def __init__(
        self,
        core: CoreClips,
        parameters: MouseFaceParameters,
        rng: np.random.Generator,
        *,
        workers: int = 1,
    ) -> None:
        since = core.clips["since_s"].to_numpy(float) + 1e-9
        during = (since >= 0) & (since < parameters.during_s)
        rest = (since < 0) & (since >= -parameters.baseline_s)
        trial = core.clips.groupby(["animal", "trial"], sort=False).ngroup().to_numpy()
        whole = np.isin(trial, np.intersect1d(trial[during], trial[rest]))
        used = (during | rest) & whole
        values, clips = core.descriptors[used], core.clips[used]
        if parameters.decoding_rest != "none":
            groups = trial[used] if parameters.decoding_rest == "trial" else clips["animal"].to_numpy()
            values = subtract_baseline(values, groups, rest[used])
        learnt = during[used]
        learnt[learnt] = thinned(clips[learnt], parameters.decoding_frames_hz)
        self._values, self._clips = values[learnt], clips[learnt]
        self._parameters, self._rng, self._workers = parameters, rng, workers
        self._known: dict[tuple[str, ...], _Reader] = {}
        self.classes = tuple(sorted(self._clips["label"].unique()))
        self.notes: list[str] = []

    def forest_for(self, animal: str) -> _Reader | str:
        """Return what classifies the frames of an animal, or why nothing can."""
        everyone = sorted(self._clips["animal"].unique())
        learners = tuple(name for name in everyone if name != animal)
        if self._parameters.light_learners == "all":
            learners = tuple(everyone)
        own = self._clips["animal"].isin(learners).to_numpy()
        unknown = set(self.classes) - set(self._clips.loc[own, "label"])
        if unknown:
            return (
                f"{animal}: not classified, because no other animal was given "
                f"{', '.join(sorted(unknown)).replace('_', ' ')} for a classifier to learn from"
            )
        if learners not in self._known:
            labels = self._clips.loc[own, "label"].to_numpy()
            self._known[learners] = _Reader(
                self._values[own], labels, self._parameters, self._rng, self._workers
            )
        return self._known[learners]


class _Reader:
    """A forest, and the principal components that it sees."""

    def __init__(
        self,
        values: np.ndarray,
        labels: np.ndarray,
        parameters: MouseFaceParameters,
        rng: np.random.Generator,
        workers: int,
    ) -> None:
        n_components = min(parameters.decoding_components, values.shape[1], len(values) // 4)
        self._components: PCA | None = None
        if n_components:
            seed = int(rng.integers(2**31))
            self._components = PCA(n_components, svd_solver="randomized", random_state=seed).fit(values)
        self._forest: Forest = grow_forest(
            self._seen(values),
            labels,
            rng=rng,
            n_trees=parameters.decoding_trees,
            balanced=parameters.decoding_balanced,
            n_threads=workers,
        )

    def predict(self, values: np.ndarray) -> np.ndarray:
        """Return the class of each frame."""
        return self._forest.predict(self._seen(values))

    def _seen(self, values: np.ndarray) -> np.ndarray:
        if self._components is None:
            return np.ascontiguousarray(values, np.float32)
        return np.ascontiguousarray(self._components.transform(values), np.float32)


def _light_frames(
    data: FaceData, trials: pd.DataFrame, parameters: MouseFaceParameters
) -> Iterator[tuple[str, pd.DataFrame, np.ndarray]]:
    longest_s = float(trials["duration_s"].max())
    if longest_s <= parameters.during_s + 1e-9:
        for animal, own in trials.groupby("animal", sort=True):
            yield (str(animal), *data.clips_of(own))
        return
    for frames, descriptors in data.around(trials, before_s=parameters.before_s, after_s=longest_s):
        if len(frames):
            yield str(frames["animal"].iloc[0]), frames, descriptors


def _as_paper(
    own: pd.DataFrame, found: LightFractions, parameters: MouseFaceParameters
) -> pd.DataFrame | None:
    """Compare driven animals' trials with one share per class; None if there are none."""
    driven = own[own["group"] == parameters.light_groups[0]]
    if driven.empty:
        return None
    table = fractions_as_paper(driven, chance=1 / len(found.classes)).reset_index()
    return table.rename(columns={"median": "estimate"}).assign(against="chance", n_control=0)


def _against_control(
    own: pd.DataFrame, found: LightFractions, parameters: MouseFaceParameters
) -> pd.DataFrame:
    """Compare driven animals with controls or, where these are too few, with themselves before the light."""
    first, second = parameters.light_groups
    keys = ["animal", "trial", "label"]
    change = own.merge(found.before[[*keys, "fraction"]], on=keys, suffixes=("", "_before"))
    change = change.assign(fraction=change["fraction"] - change["fraction_before"])
    animals = change.groupby("group")["animal"].nunique()
    if min(animals.get(first, 0), animals.get(second, 0)) >= 2:
        groups = dict(zip(change["animal"], change["group"], strict=True))
        table = fractions_against_control(
            change[change["group"].isin([first, second])], groups, first=first, second=second, adjust="none"
        )
        return table.assign(against="control", n=animals[first], n_control=animals[second])
    driven = change[change["group"] == first] if (change["group"] == first).any() else change
    means = driven.groupby(["label", "animal"], sort=False)["fraction"].mean()
    rows = [
        {"label": label, **tested(means.loc[label].to_numpy(float), level=parameters.level)}
        for label in means.index.get_level_values("label").unique()
    ]
    return pd.DataFrame(rows).assign(against="before", n_control=0)
