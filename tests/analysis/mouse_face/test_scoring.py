"""Trials are scored with prototypes that they have no part in; the paper's preset does otherwise."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from face_studies import only_animals, simulated_study

from analysis.faces.prototypes import cross_fitted_scores, make_prototypes, paper_scores
from analysis.faces.similarity import correlate_with
from analysis.mouse_face.face_data import FaceData
from analysis.mouse_face.parameters import paper, recommended
from analysis.mouse_face.scoring import recipe, score, similarity
from analysis.mouse_face.selection import Selection, core_trials, graded_trials, valence_trials


@pytest.fixture(scope="module")
def data() -> FaceData:
    return simulated_study(np.random.default_rng(3), parts=("emotions", "salt"), n_animals=3)


def selected(selection: object) -> Selection:
    assert isinstance(selection, Selection)
    return selection


@pytest.mark.parametrize(
    ("parameters", "reference"), [(recommended(), cross_fitted_scores), (paper(), paper_scores)]
)
def test_core_trials_are_scored_as_the_functions_of_figure_2_do(data, parameters, reference) -> None:  # type: ignore[no-untyped-def]
    core = selected(core_trials(data, parameters)).trials
    found = score(data, core, parameters)
    expected = reference(*reversed(data.clips_of(core)), **recipe(parameters))
    keys = ["animal", "trial", "prototype"]
    joined = found.merge(expected, on=keys, suffixes=("", "_expected"))
    assert len(joined) == len(found) == len(expected)
    for name in ("before", "during", "delta_r", "z"):
        np.testing.assert_allclose(joined[name], joined[f"{name}_expected"], rtol=1e-5, atol=1e-6)


def test_trials_of_other_sessions_meet_prototypes_of_all_core_trials(data: FaceData) -> None:
    parameters = recommended()
    salt = selected(valence_trials(data, parameters)).trials
    one = only_animals(data, ["m02"])
    clips, descriptors = one.clips_of(selected(core_trials(one, parameters)).trials)
    made = make_prototypes(descriptors, clips, **recipe(parameters))
    frames, found = similarity(data, salt, parameters)
    own = (frames["animal"] == "m02").to_numpy()
    _, values = data.clips_of(salt[salt["animal"] == "m02"])
    np.testing.assert_allclose(found[own], correlate_with(values, made.values), atol=1e-6)
    assert list(found) == list(made.names)


def test_a_change_of_a_trial_does_not_change_the_prototypes_it_is_scored_with(data: FaceData) -> None:
    parameters = recommended()
    core = selected(core_trials(data, parameters)).trials
    before, _ = similarity(data, core, parameters)
    trial = core[(core["animal"] == "m01") & (core["label"] == "quinine")].iloc[0]
    rows = (data.clips["animal"] == "m01") & (data.clips["trial"] == trial["trial"])
    changed = np.array(data.descriptors)
    changed[rows] += np.random.default_rng(0).normal(0, 1, changed[rows].shape).astype(np.float32)
    other = dataclasses.replace(data, descriptors=changed)
    same_repeat = core[(core["animal"] == "m01") & (core.groupby(["animal", "label"]).cumcount() == 0)]
    for label in ("sucrose", "neutral"):
        one = same_repeat[same_repeat["label"] == label]
        np.testing.assert_array_equal(
            similarity(data, one, parameters)[1], similarity(other, one, parameters)[1]
        )
    assert len(before) == len(data.clips_of(core)[0])


def test_an_animal_without_prototypes_has_no_scores(data: FaceData) -> None:
    trials = data.trials.copy()
    trials.loc[(trials["animal"] == "m03") & (trials["session"] == "emotions"), "kept"] = False
    other = dataclasses.replace(data, trials=trials)
    parameters = recommended()
    salt = selected(valence_trials(other, parameters)).trials
    frames, found = similarity(other, salt, parameters)
    assert found[frames["animal"] == "m03"].isna().all(axis=None)
    assert set(score(other, salt, parameters)["animal"]) == {"m01", "m02"}


def test_a_study_without_core_trials_cannot_be_scored(data: FaceData) -> None:
    trials = data.trials.assign(kept=data.trials["session"] != "emotions")
    other = dataclasses.replace(data, trials=trials[trials["kept"]].assign(condition="thirsty"))
    with pytest.raises(ValueError, match="there are no prototypes"):
        score(other, other.trials, recommended())


def test_trials_beside_core_trials_meet_prototypes_of_as_many_repeats() -> None:
    study = simulated_study(np.random.default_rng(4), parts=("emotions", "graded"), n_animals=1)
    parameters = recommended()
    core = selected(core_trials(study, parameters)).trials
    graded = selected(graded_trials(study, parameters)).trials
    together = pd.concat([core, graded[~graded["trial"].isin(core["trial"])]])
    frames, found = similarity(study, together, parameters)
    clips, descriptors = study.clips_of(core)
    repeat = clips.drop_duplicates("trial").groupby("label").cumcount()
    repeat.index = clips.loc[repeat.index, "trial"].to_numpy()
    second = together[~together["trial"].isin(core["trial"])].groupby("label").nth(1)
    others = clips["trial"].map(repeat) != 1
    made = make_prototypes(descriptors[others], clips[others], **recipe(parameters))
    for one in (second.iloc[[place]] for place in range(len(second))):
        rows = frames["trial"] == one["trial"].iloc[0]
        _, values = study.clips_of(one)
        expected = correlate_with(values, made.values)
        np.testing.assert_allclose(found.loc[rows, list(made.names)], expected, atol=1e-6)
