"""Figure 1 as panels: what is there is found, nothing is claimed of nothing, gaps are told in words."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from face_studies import only_animals, simulated_study, without

from analysis.mouse_face.core_clips import core_clips, example_animal, frames_at_events, trial_blocks
from analysis.mouse_face.face_data import FaceData
from analysis.mouse_face.figure_1b import panel_1b
from analysis.mouse_face.figure_1d import panel_1d, reduced
from analysis.mouse_face.figure_1e import CLAIM, panel_1e
from analysis.mouse_face.figure_1f import panel_1f
from analysis.mouse_face.panel import CLAIM_COLUMNS, Panel, panel_rng
from analysis.mouse_face.parameters import MouseFaceParameters, paper, recommended
from analysis.report.drawing import report_style, svg_text

EVENTS = ["quinine", "sucrose", "tail shock", "lithium", "escape", "freezing"]
PANELS = {"1B": panel_1b, "1D": panel_1d, "1E": panel_1e, "1F": panel_1f}
QUICK = dataclasses.replace(
    recommended(), decoding_trees=20, decoding_test_trees=8, decoding_permutations=19, embedding_components=20
)
QUICK_PAPER = dataclasses.replace(paper(), decoding_trees=10, decoding_repeats=2, embedding_components=20)


def made(name: str, data: FaceData, parameters: MouseFaceParameters = QUICK) -> Panel:
    """Make a panel with its own random numbers."""
    return PANELS[name](data, parameters, rng=panel_rng(1, name))


def holds(panel: Panel, claim: str) -> bool | None:
    """Say whether a claim of a panel holds."""
    found = panel.claims.set_index("claim").loc[claim, "holds"]
    return None if pd.isna(found) else bool(found)


@pytest.fixture(scope="module")
def effect() -> FaceData:
    return simulated_study(np.random.default_rng(1), n_animals=6, effect=1.2, fs_hz=4.0, cells=(3, 4))


@pytest.fixture(scope="module")
def nothing() -> FaceData:
    return simulated_study(np.random.default_rng(2), n_animals=6, effect=0.0, fs_hz=4.0, cells=(3, 4))


@pytest.mark.parametrize("name", PANELS)
def test_every_panel_is_complete_in_both_presets(effect: FaceData, name: str) -> None:
    panels = [made(name, effect, parameters) for parameters in (QUICK, QUICK_PAPER)]
    for panel in panels:
        assert panel.name == name and not panel.missing
        assert panel.sentences and "As Fig. 1" in panel.caption
        assert list(panel.claims.columns) == list(CLAIM_COLUMNS)
        assert "6 mice" in panel.caption and "126 trials" in panel.caption
        assert all(table.name.startswith(panel.stem) for table in panel.tables)
        assert panel.draw is not None
        with report_style():
            figure = panel.draw()
        width_mm = figure.get_figwidth() * 25.4
        assert width_mm == pytest.approx(174.0) or width_mm == pytest.approx(85.0)
        assert figure.get_figheight() * 25.4 < 230
        sizes = [text.get_fontsize() for text in figure.findobj() if hasattr(text, "get_fontsize")]
        assert min(sizes, default=6) >= 6 or name == "1B"
        assert len(svg_text(figure)) < 3_000_000
    assert list(panels[0].claims["claim"]) == list(panels[1].claims["claim"])


@pytest.mark.parametrize("name", PANELS)
def test_a_panel_is_the_same_each_time(effect: FaceData, name: str) -> None:
    few = only_animals(effect, ["m01", "m02"])
    first, second = made(name, few), made(name, few)
    pd.testing.assert_frame_equal(first.claims, second.claims)
    assert first.sentences == second.sentences


def test_known_effects_are_found(effect: FaceData) -> None:
    changes, phases = made("1B", effect), made("1D", effect)
    for event in EVENTS:
        assert holds(changes, f"{event}: the face changes in the same way each time")
        assert holds(phases, f"{event}: frames before and during are told apart")
    assert not holds(changes, "neutral: the face changes in the same way each time")
    assert not holds(phases, "neutral: frames before and during are told apart")
    assert holds(made("1E", effect), CLAIM)
    decoded = made("1F", effect)
    assert holds(decoded, "events are decoded from the face")
    assert all(holds(decoded, f"{event} is decoded") for event in EVENTS)
    assert not holds(decoded, "events are decoded from the face before them (control)")
    assert decoded.claims.set_index("claim").loc["events are decoded from the face", "estimate"] > 80


def test_nothing_is_claimed_of_nothing(nothing: FaceData) -> None:
    for name in PANELS:
        assert not made(name, nothing).claims["holds"].fillna(False).any(), name


def test_the_map_shows_where_the_face_changes() -> None:
    data = simulated_study(np.random.default_rng(3), n_animals=2, effect=0.0)
    during = data.clips["during"].to_numpy() & (data.clips["event"] == "quinine").to_numpy()
    values = data.descriptors.copy()
    orientations = data.hog["orientations"]
    values[during, 7 * orientations : 8 * orientations] += 3
    table = made("1B", dataclasses.replace(data, descriptors=values)).tables[1].data
    assert table["quinine"].idxmax() == 7
    assert (table.loc[7, ["row", "column"]] == [1, 2]).all()  # of five columns
    assert table.loc[7, "quinine"] == pytest.approx(6, abs=1.5)


@pytest.fixture(scope="module")
def many_frames() -> FaceData:
    """Nothing follows events, and trials have as many frames as a camera takes."""
    return simulated_study(
        np.random.default_rng(4), n_animals=3, effect=0.0, fs_hz=15.0, cells=(2, 3), movement_sd=0.2
    )


def test_the_paper_preset_decodes_what_is_not_there(many_frames: FaceData) -> None:
    panel = made("1F", many_frames, QUICK_PAPER)
    table = panel.claims.set_index("claim")
    assert table.loc["events are decoded from the face", "estimate"] > 80
    assert table["holds"].all()
    accuracy = panel.tables[0].data.set_index(["frames", "event"])
    assert accuracy.loc[("during", "all"), "shuffled"] < 0.25
    assert accuracy.loc[("before", "all"), "accuracy"] > 0.8
    assert panel.warnings
    other = made("1F", many_frames).claims.set_index("claim")
    assert other.loc["events are decoded from the face", "estimate"] < 30  # of 100; chance is 14


def test_the_paper_preset_sees_clouds_where_there_are_trials(many_frames: FaceData) -> None:
    panel = made("1E", many_frames, QUICK_PAPER)
    assert holds(panel, CLAIM)
    assert panel.warnings
    assert not holds(made("1E", many_frames), CLAIM)


def test_an_order_in_rows_is_found_out_by_the_control() -> None:
    data = simulated_study(
        np.random.default_rng(5), n_animals=4, effect=0.0, blocked=True, drift_sd=3.0, cells=(3, 4)
    )
    parameters = dataclasses.replace(QUICK, decoding_scheme="trials", decoding_rest="none")
    panel = made("1F", data, parameters)
    assert holds(panel, "events are decoded from the face before them (control)")
    assert any("control failed" in text for text in panel.warnings)


def test_one_animal_is_decoded_by_trials_and_says_so(effect: FaceData) -> None:
    one = only_animals(effect, ["m01"])
    panel = made("1F", one)
    assert holds(panel, "events are decoded from the face")
    assert any("There is one animal (m01)" in text for text in panel.warnings)
    assert "N = 1 mouse" in panel.caption
    assert made("1D", one).claims["holds"].isna().all()
    assert "cannot be tested with one animal" in made("1D", one).sentences[0]
    assert "cannot be tested with one animal" in made("1B", one).sentences[0]
    near = made("1E", one)
    assert near.claims["test"].item() == "shuffled trials of one animal"
    for name in PANELS:
        panel = made(name, one)
        assert panel.draw is not None
        svg_text(panel.draw())


def test_a_class_with_one_trial_is_left_out_and_named(effect: FaceData) -> None:
    escapes = effect.trials[effect.trials["event"] == "escape"]
    lost = escapes[escapes["repeat"] > 1]
    data = without(effect, event="lithium")
    kept = ~pd.MultiIndex.from_frame(data.clips[["animal", "trial"]]).isin(
        pd.MultiIndex.from_frame(lost[["animal", "trial"]])
    )
    trials = data.trials.assign(kept=~data.trials.set_index(["animal", "trial"]).index.isin(
        pd.MultiIndex.from_frame(lost[["animal", "trial"]])))  # fmt: skip
    data = dataclasses.replace(
        data, trials=trials, clips=data.clips[kept].reset_index(drop=True), descriptors=data.descriptors[kept]
    )
    for name in PANELS:
        panel = made(name, data)
        assert any("escape" in text for text in panel.warnings), name
        assert not panel.claims["claim"].str.startswith(("escape", "lithium")).any()


def test_an_event_of_one_animal_cannot_be_learnt_from_others(effect: FaceData) -> None:
    lost = {"animal": ["m02", "m03", "m04", "m05", "m06"], "event": "freezing"}
    panel = made("1F", without(effect, **lost))
    assert any("freezing of m01; it occurs in one animal" in text for text in panel.warnings)
    assert "freezing is decoded" not in set(panel.claims["claim"])


def test_no_neutral_trials_is_said(effect: FaceData) -> None:
    data = without(effect, event="neutral")
    assert any("neutral control is absent" in text for text in made("1D", data).warnings)
    assert not made("1B", data).missing


def test_a_study_without_events_says_why() -> None:
    data = simulated_study(np.random.default_rng(6), n_animals=2)
    data = without(data, event=["quinine", "sucrose", "tail_shock", "lithium", "escape", "freezing"])
    for name in PANELS:
        panel = made(name, data)
        assert panel.missing and panel.draw is None and panel.claims.empty


def test_clips_that_are_too_short_have_no_control() -> None:
    data = simulated_study(np.random.default_rng(7), n_animals=3, before_s=2.0, effect=1.2)
    panel = made("1F", data, dataclasses.replace(QUICK, before_s=2.0))
    assert any("too short for the control" in text for text in panel.warnings)
    assert not panel.claims["claim"].str.contains("control").any()


def test_frames_at_events_take_the_rest_of_their_own_trial_away(effect: FaceData) -> None:
    core = core_clips(effect, recommended())
    found = frames_at_events(core, recommended())
    trial = effect.clips[(effect.clips["animal"] == "m02") & (effect.clips["trial"] == 4)]
    rest = trial[(trial["since_s"] >= -2.0 - 1e-9) & (trial["since_s"] < 0)].index
    during = trial[trial["during"]].index
    rows = (found.clips["animal"] == "m02") & (found.clips["trial"] == 4)
    expected = effect.descriptors[during] - effect.descriptors[rest].mean(axis=0)
    np.testing.assert_allclose(found.descriptors[rows.to_numpy()], expected, atol=1e-5)
    short = dataclasses.replace(recommended(), during_s=2.0)
    earlier = frames_at_events(core, short, earlier_s=2.0)
    assert not earlier.clips["during"].any()
    assert earlier.clips["since_s"].min() >= -2.0 - 1e-9


def test_blocks_never_join_sessions() -> None:
    data = simulated_study(np.random.default_rng(8), parts=("emotions", "graded"), n_animals=2)
    trials = data.trials
    blocks = pd.Series(trial_blocks(data, trials))
    assert trials.groupby(blocks)["session_id"].nunique().max() == 1
    assert trials.groupby(blocks).size().isin([7, 9]).all()
    assert example_animal(trials) == "m01"


def test_a_matrix_is_reduced_by_means() -> None:
    matrix = np.random.default_rng(9).random((7, 7))
    small = reduced(matrix, 3)
    assert small.shape == (3, 3)
    assert small[0, 0] == pytest.approx(matrix[:2, :2].mean())
    assert reduced(matrix, 7) is matrix
