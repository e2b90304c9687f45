"""Figure 3: time course of expressions and light, with known effects, with none, and with little to go on."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from whole_face_studies import all_valid, simulated_sessions

from analysis.mouse_face.face_data import FaceData
from analysis.mouse_face.figure_3a import panel_3a
from analysis.mouse_face.figure_3b import panel_3b
from analysis.mouse_face.figure_3f import panel_3f
from analysis.mouse_face.figure_3g import panel_3g
from analysis.mouse_face.figure_3i import compare_light, panel_3i, pathway_scores
from analysis.mouse_face.panel import Panel, panel_rng
from analysis.mouse_face.parameters import MouseFaceParameters, preset
from analysis.mouse_face.time_course import (
    BinnedTraces,
    binned_traces,
    compare_variability,
    expression_times,
    time_course,
)
from analysis.report.drawing import svg_text

PANELS = {"3A": panel_3a, "3B": panel_3b, "3F": panel_3f, "3G": panel_3g, "3I": panel_3i}
MINUTES = {"emotions": 9.0, "optogenetics": 2.5, "pathway": 4.0}


def chosen(name: str) -> MouseFaceParameters:
    """A preset with small forests and short searches."""
    return dataclasses.replace(
        preset(name), decoding_trees=20, decoding_components=0, search_s=15.0, trace_after_s=12.0
    )


def made(name: str, data: FaceData, which: str = "recommended") -> Panel:
    return PANELS[name](data, chosen(which), rng=panel_rng(1, name))


def study(folder: Path, seed: int, *, strength: float, **more: object) -> FaceData:
    rng = np.random.default_rng(seed)
    options = {"n_animals": 8, "fs_hz": 4.0, "effect": 3.0, "minutes": MINUTES, **more}
    return simulated_sessions(folder, rng, parts=tuple(MINUTES), strength=strength, **options)


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> FaceData:
    """Eight mice with strong expressions; light drives four of them."""
    return study(tmp_path_factory.mktemp("known"), 1, strength=1.5)


@pytest.fixture(scope="module")
def null(tmp_path_factory: pytest.TempPathFactory) -> FaceData:
    """Faces that know nothing of events and light."""
    return study(tmp_path_factory.mktemp("null"), 4, strength=0.0)


def holds(panel: Panel, text: str) -> bool:
    own = panel.claims[panel.claims["claim"].str.contains(text, regex=False)]
    assert len(own) == 1, panel.claims["claim"].tolist()
    return bool(own["holds"].iloc[0])


def test_known_responses_are_found_and_vary(known: FaceData) -> None:
    panel = made("3A", known)
    assert holds(panel, "sucrose: the face becomes like its prototype")
    assert (panel.claims["estimate"] > 0).all()
    for event in ("tail shock", "quinine", "sucrose"):
        assert holds(panel, f"{event}: responses differ more from trial to trial")
    assert panel.claims["test"].eq("t test of animals").all()
    assert {table.name for table in panel.tables} == {"figure_3a_traces", "figure_3a_tests"}


def test_known_onsets_come_early_and_most_expressions_are_short(known: FaceData) -> None:
    panel = made("3B", known)
    assert holds(panel, "followed by an expression within 5 s")
    truth = made("3B", known, "paper").claims.set_index("claim")["estimate"]
    assert truth.iloc[0] > 0.8  # 90 % in the simulation, as in the paper
    assert 0.4 < truth.iloc[1] < 0.8 and truth.iloc[2] < 0.3


def test_light_evokes_the_known_expression(known: FaceData) -> None:
    panel = made("3F", known)
    assert holds(panel, "light at pIC: faces as after quinine")
    others = panel.claims[~panel.claims["claim"].str.contains("quinine")]
    assert not others["holds"].fillna(False).any()
    traces = made("3G", known).claims.iloc[0]
    assert traces["estimate"] > 0.1 and "quinine" in traces["test"]


def test_light_on_the_pathway_weakens_disgust(known: FaceData) -> None:
    panel = made("3I", known)
    assert panel.claims["estimate"].iloc[0] < 0
    assert holds(panel, "light changes the sucrose prototype") and panel.claims["estimate"].iloc[1] > 0


@pytest.mark.parametrize("name", list(PANELS))
def test_nothing_is_claimed_where_there_is_nothing(null: FaceData, name: str) -> None:
    claims = made(name, null).claims
    tested = claims[claims["p"].notna()]
    assert len(tested) and not tested["holds"].fillna(False).any()


def test_prototypes_are_like_the_trials_that_made_them(null: FaceData) -> None:
    """Without any expression, trials are more like prototypes that they are part of, as in the paper."""
    dipped = dataclasses.replace(chosen("recommended"), cross_fitted=False)
    seen = panel_3a(null, dipped, rng=panel_rng(1, "3A")).claims
    rises = seen["claim"].str.contains("becomes like")
    assert (seen["estimate"] > made("3A", null).claims["estimate"])[rises].all()


@pytest.mark.parametrize("name", list(PANELS))
@pytest.mark.parametrize("which", ["recommended", "paper"])
def test_every_panel_is_drawn_and_says_the_same_claims(known: FaceData, name: str, which: str) -> None:
    panel = made(name, known, which)
    assert panel.missing == "" and panel.caption and panel.sentences and panel.draw is not None
    assert svg_text(panel.draw()).startswith("<?xml")
    assert panel.claims["claim"].tolist() == made(name, known).claims["claim"].tolist()
    assert f"Fig. {name}" in panel.caption or "Fig. 3E-F" in panel.caption
    assert all(table.name.startswith(panel.stem) for table in panel.tables)


def only(data: FaceData, **kept: object) -> FaceData:
    """The study of some sessions or animals."""
    rows = np.ones(len(data.trials), bool)
    for column, values in kept.items():
        rows &= data.trials[column].isin(np.atleast_1d(values)).to_numpy()  # type: ignore[arg-type]
    trials = data.trials[rows].reset_index(drop=True)
    clips = pd.MultiIndex.from_frame(data.clips[["animal", "trial"]]).isin(
        pd.MultiIndex.from_frame(trials[["animal", "trial"]])
    )
    sessions = data.sessions[data.sessions["session_id"].isin(trials["session_id"])]
    return dataclasses.replace(
        data,
        trials=trials,
        sessions=sessions.reset_index(drop=True),
        clips=data.clips[clips].reset_index(drop=True),
        descriptors=data.descriptors[clips],
    )


@pytest.mark.parametrize(
    ("name", "kept", "reason"),
    [
        ("3A", {"event": "neutral"}, "no animal has two trials or more of any event"),
        ("3B", {"event": "neutral"}, "no animal has two trials or more of any event"),
        ("3F", {"session": "emotions"}, "no trials of light alone"),
        ("3F", {"session": "optogenetics"}, "classifier"),
        ("3G", {"session": "emotions"}, "no trials of light alone"),
        ("3I", {"session": "emotions"}, "with and without light"),
        ("3I", {"session": "pathway"}, "no prototypes"),
    ],
)
def test_missing_data_are_said_in_words(
    known: FaceData, name: str, kept: dict[str, object], reason: str
) -> None:
    panel = made(name, only(known, **kept))
    assert reason in panel.missing and panel.draw is None and panel.claims.empty


@pytest.mark.parametrize("name", list(PANELS))
def test_one_animal_says_nothing_about_others(known: FaceData, name: str) -> None:
    panel = made(name, only(known, animal="m01"))
    if panel.missing:  # nobody else to learn the classes from
        assert name in ("3F", "3G") and "no other animal" in panel.missing
        return
    assert not panel.claims["holds"].fillna(False).any() and panel.claims["p"].isna().all()
    assert any("one animal" in text or "1 mouse" in text for text in panel.warnings)
    assert svg_text(panel.draw()) if panel.draw else False


def test_light_without_controls_is_compared_with_itself(known: FaceData) -> None:
    under_light = known.trials[known.trials["session"] == "optogenetics"]
    driven = under_light.loc[under_light["group"] == "ChR2", "animal"].unique()
    panel = made("3F", only(known, animal=list(driven)))
    assert "t test of animals, with before" in panel.claims["test"].tolist()
    assert any("no animal of group eYFP" in text for text in panel.warnings)


def test_gaps_and_short_watches_are_told(known: FaceData) -> None:
    """Frames that are not valid make gaps; a trial without any rest is left out and counted."""
    first = known.trials[known.trials["event"] == "quinine"].iloc[0]
    times_s = known.times_s(first["session_id"])
    lost = (times_s > first["onset_s"] - 6) & (times_s < first["onset_s"])
    quality = {**known.quality, first["session_id"]: all_valid(times_s, lost)}
    panel = made("3A", dataclasses.replace(known, quality=quality))
    assert any("without a usable rest" in text for text in panel.warnings)


def test_variability_needs_neutral_trials() -> None:
    rows = [
        ("a", 1, "x", "x", 0.5),
        ("a", 2, "x", "x", 0.1),
        ("b", 1, "x", "x", 0.2),
        ("b", 2, "x", "x", 0.9),
    ]
    table = pd.DataFrame(rows, columns=["animal", "trial", "label", "prototype", "response"])
    found = compare_variability(table, "x", "neutral", unit="animals", level=0.95)
    assert found["n"] == 0 and np.isnan(found["p"])


def test_the_next_event_ends_a_trace(known: FaceData) -> None:
    parameters = chosen("recommended")
    course = time_course(known, parameters)
    assert not isinstance(course, str)
    traces: BinnedTraces = binned_traces(course, parameters)  # type: ignore[arg-type]
    for row, values in zip(traces.trials.itertuples(), traces.values, strict=True):
        limit = course.limits_s[(row.animal, row.trial)]  # type: ignore[union-attr]
        assert np.isnan(values[traces.times_s - 0.5 >= limit]).all()
    watched = expression_times(course, parameters)["watched_s"]  # type: ignore[arg-type]
    assert (watched <= parameters.search_s + 1e-6).all()


def test_a_face_without_response_is_not_scaled() -> None:
    """As in the paper, no light is 0 and 1; where there is no difference, nothing can be scaled by it."""
    rng = np.random.default_rng(1)
    rows = [
        {"animal": f"m{animal}", "trial": trial, "laser": bool(trial % 2), "prototype": name,
         "before": 0.5, "during": 0.5 + (0.01 if name == "sucrose" else 0.0) + 1e-4 * rng.normal(),
         "delta_r": 1e-4 * rng.normal()}
        for animal in range(4) for trial in range(6) for name in ("quinine", "sucrose")
    ]  # fmt: skip
    found = pathway_scores(pd.DataFrame(rows), "quinine", chosen("paper"))
    assert found.axis == "Similarity (r)" and any("not scaled" in note for note in found.notes)  # type: ignore[union-attr]
    tests = compare_light(found.scores, ("quinine", "sucrose"), chosen("recommended"))  # type: ignore[union-attr]
    assert tests["what"].tolist() == ["quinine", "sucrose", "both"]
