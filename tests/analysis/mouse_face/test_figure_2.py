"""Figure 2 as panels: what is there is found, nothing is claimed of nothing, gaps are told in words."""

from __future__ import annotations

import dataclasses
from functools import cache

import numpy as np
import pandas as pd
import pytest
from face_studies import only_animals, simulated_study, without

from analysis.mouse_face.emotions import EmotionNames
from analysis.mouse_face.example_traces import example_traces
from analysis.mouse_face.face_data import FaceData
from analysis.mouse_face.figure_2a import panel_2a
from analysis.mouse_face.figure_2b import panel_2b
from analysis.mouse_face.figure_2c import comparisons, panel_2c
from analysis.mouse_face.figure_2d import panel_2d
from analysis.mouse_face.figure_2e_to_2g import panel_2e, panel_2f, panel_2g
from analysis.mouse_face.panel import CLAIM_COLUMNS, Panel, panel_rng
from analysis.mouse_face.parameters import MouseFaceParameters, paper, recommended
from analysis.mouse_face.scoring import score
from analysis.mouse_face.selection import core_trials
from analysis.report.drawing import report_style, svg_text

PANELS = {
    "2A": panel_2a, "2B": panel_2b, "2C": panel_2c, "2D": panel_2d, "2E": panel_2e, "2F": panel_2f,
    "2G": panel_2g,
}  # fmt: skip
PARTS = {"2D": "graded", "2E": "salt", "2F": "thirst", "2G": "aversion"}
EVENTS = ["quinine", "sucrose", "tail shock", "lithium", "escape", "freezing"]


@cache
def study(name: str, effect: float) -> FaceData:
    """Simulate the sessions that a panel needs."""
    parts = ("emotions", PARTS[name]) if name in PARTS else ("emotions",)
    rng = np.random.default_rng([11, *name.encode()])
    return simulated_study(rng, parts=parts, n_animals=7, effect=effect, fs_hz=4.0, cells=(4, 4))


def made(name: str, data: FaceData, parameters: MouseFaceParameters | None = None) -> Panel:
    """Make a panel with its own random numbers."""
    return PANELS[name](data, parameters or recommended(), rng=panel_rng(1, name))


@pytest.mark.parametrize("name", PANELS)
def test_every_panel_is_complete_in_both_presets(name: str) -> None:
    data = study(name, 1.2)
    panels = [made(name, data, parameters) for parameters in (recommended(), paper())]
    for panel in panels:
        assert panel.name == name and not panel.missing
        assert panel.sentences and f"Fig. {name}" in panel.caption
        assert list(panel.claims.columns) == list(CLAIM_COLUMNS)
        assert all(table.name.startswith(panel.stem) for table in panel.tables)
        assert panel.draw is not None
        with report_style():
            figure = panel.draw()
        width_mm = figure.get_figwidth() * 25.4
        assert width_mm == pytest.approx(174.0) or width_mm == pytest.approx(85.0)
        assert len(svg_text(figure)) < 3_000_000
        small = [
            text.get_text()
            for text in figure.findobj()
            if hasattr(text, "get_fontsize") and text.get_text().strip() and text.get_fontsize() < 6
        ]
        assert not small
    assert list(panels[0].claims["claim"]) == list(panels[1].claims["claim"])


@pytest.mark.parametrize("name", [name for name in PANELS if name != "2A"])
def test_known_effects_are_found(name: str) -> None:
    claims = made(name, study(name, 1.5)).claims.set_index("claim")
    assert claims["holds"].all(), claims
    assert (claims["n"] == "7 mice").all()
    known = claims.dropna(subset="lower")
    assert len(known) and (known["lower"] < known["estimate"]).all()
    assert (known["estimate"] < known["upper"]).all()


@pytest.mark.parametrize("name", [name for name in PANELS if name != "2A"])
def test_nothing_is_claimed_of_nothing(name: str) -> None:
    assert not made(name, study(name, 0.0)).claims["holds"].fillna(False).any()


def test_the_paper_preset_finds_expressions_where_there_are_none() -> None:
    few = {"n_prototype_frames": 3}
    seen = made("2B", study("2B", 0.0), dataclasses.replace(paper(), **few))
    honest = made("2B", study("2B", 0.0), dataclasses.replace(recommended(), **few))
    assert (seen.claims["estimate"] > 0).all()
    assert seen.warnings and not honest.warnings
    assert (honest.claims["estimate"] < seen.claims["estimate"]).all()


def test_prototypes_are_those_of_the_strongest_frames() -> None:
    data = study("2A", 1.5)
    panel = made("2A", data)
    frames = panel.tables[0].data
    assert (frames["since_s"] >= -1e-9).all()
    assert (frames.groupby("prototype").size() == recommended().n_prototype_frames).all()
    likeness = panel.tables[1].data.set_index("prototype")
    assert np.allclose(np.diag(likeness), 1, atol=1e-5)


def test_emotion_names_change_labels_and_no_number() -> None:
    data = study("2C", 1.2)
    renamed = dataclasses.replace(
        data, emotions=EmotionNames({"quinine": "dislike"}, "the table emotions.tsv")
    )
    first, second = made("2C", data), made("2C", renamed)
    pd.testing.assert_frame_equal(first.claims, second.claims)
    assert "quinine (dislike)" in made("2A", renamed).sentences[-1]
    assert "disgust" not in svg_text(made("2B", renamed).draw())


def test_families_are_own_prototypes_and_those_of_others() -> None:
    data = study("2C", 1.2)
    trials = core_trials(data, recommended()).trials
    tests, _ = comparisons(score(data, trials, recommended()), recommended())
    assert tests["own"].sum() == 6 and len(tests) == 36
    own = tests[tests["own"].astype(bool)]
    assert own["p_used"].min() == pytest.approx(min(1.0, 6 * own["p"].min()))


def test_a_state_is_compared_in_the_expected_direction() -> None:
    data = study("2F", 1.5)
    swapped = dataclasses.replace(recommended(), thirst_conditions=("quenched", "thirsty"))
    usual, turned = made("2F", data).claims, made("2F", data, swapped).claims
    np.testing.assert_allclose(usual["estimate"], -turned["estimate"])
    assert not turned["holds"].any()


def test_one_animal_has_drawings_and_no_tests() -> None:
    for name in PANELS:
        panel = made(name, only_animals(study(name, 1.2), ["m01"]))
        assert not panel.missing and panel.draw is not None
        svg_text(panel.draw())
        assert not panel.claims["holds"].fillna(False).any()
        assert panel.sentences or panel.warnings


def test_a_class_with_one_trial_is_left_out_and_named() -> None:
    data = study("2B", 1.2)
    lost = data.trials[(data.trials["event"] == "escape") & (data.trials["repeat"] > 1)]
    keys = pd.MultiIndex.from_frame(lost[["animal", "trial"]])
    kept = ~pd.MultiIndex.from_frame(data.clips[["animal", "trial"]]).isin(keys)
    trials = data.trials.assign(kept=~pd.MultiIndex.from_frame(data.trials[["animal", "trial"]]).isin(keys))
    data = dataclasses.replace(
        data, trials=trials, clips=data.clips[kept].reset_index(drop=True), descriptors=data.descriptors[kept]
    )
    for name in ("2A", "2B", "2C"):
        panel = made(name, data)
        assert any("escape" in text for text in panel.warnings), name
        assert not panel.claims["claim"].str.startswith("escape").any()


def test_what_a_study_lacks_is_said() -> None:
    data = study("2B", 1.2)
    for name in PARTS:
        panel = made(name, data)
        assert panel.missing and panel.draw is None and panel.claims.empty
    no_neutral = made("2C", without(data, event="neutral"))
    assert any("have nothing to be compared with" in text for text in no_neutral.warnings)
    assert no_neutral.claims.empty
    svg_text(no_neutral.draw())


def test_a_prototype_that_no_animal_has_is_named() -> None:
    data = study("2E", 1.2)
    panel = made("2E", without(data, event="quinine"))
    assert "no animal of these trials has a prototype of quinine" in panel.missing


def test_animals_without_both_states_are_left_out_and_named() -> None:
    data = study("2G", 1.2)
    lost = without(data, session_id="m03_after")
    panel = made("2G", lost)
    assert any("m03" in text for text in panel.warnings)
    assert (panel.claims["n"] == "6 mice").all()


def test_missing_frames_leave_a_gap_and_no_error() -> None:
    data = study("2B", 1.2)
    rng = np.random.default_rng(3)
    kept = rng.random(len(data.clips)) < 0.7
    data = dataclasses.replace(
        data, clips=data.clips[kept].reset_index(drop=True), descriptors=data.descriptors[kept]
    )
    for name in ("2A", "2B", "2C"):
        panel = made(name, data)
        assert not panel.missing
        svg_text(panel.draw())


def test_example_traces_are_means_of_trials_in_units_of_the_rest() -> None:
    data = study("2D", 1.5)
    trials = data.trials[(data.trials["animal"] == "m02") & (data.trials["session"] == "graded")]
    trials = trials[trials["event"] == "sucrose"].assign(label="sucrose")
    traces = example_traces(data, trials, "sucrose", "value", recommended())
    assert sorted(traces["level"].unique()) == [1.0, 4.0, 20.0]
    assert (traces["n"] == 3).all()
    rest = traces[traces["time_s"] < 0].groupby("level")["mean"].mean()
    np.testing.assert_allclose(rest, 0, atol=1e-6)
    during = traces[traces["time_s"] > 0].groupby("level")["mean"].mean()
    assert during[20.0] > 2
    assert example_traces(data, trials, "air puff", "value", recommended()).empty
