"""Figure 4: neurons with known coding, with none, and recordings with something wrong."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import whole_face_studies
from whole_face_studies import all_valid, simulated_sessions

from analysis.calcium.kernel import CHEN2013
from analysis.mouse_face.face_data import FaceData
from analysis.mouse_face.figure_4c import panel_4c
from analysis.mouse_face.figure_4d import panel_4d
from analysis.mouse_face.figure_4f import panel_4f
from analysis.mouse_face.figure_4h import outline, panel_4h
from analysis.mouse_face.figure_4i import circle_distance, panel_4i
from analysis.mouse_face.neuron_study import NeuronStudy, neuron_study
from analysis.mouse_face.neurons import prepare_recording
from analysis.mouse_face.panel import Panel, panel_rng
from analysis.mouse_face.parameters import MouseFaceParameters, preset
from analysis.mouse_face.session_traces import session_similarity
from analysis.mouse_sessions import CalciumTraces
from analysis.report.drawing import svg_text

PANELS = {"4C": panel_4c, "4D": panel_4d, "4F": panel_4f, "4H": panel_4h, "4I": panel_4i}
SESSION = "m01_imaging"


def made(name: str, data: FaceData, which: str = "recommended") -> Panel:
    return PANELS[name](data, preset(which), rng=panel_rng(1, name))


def study(
    folder: Path, seed: int, *, strength: float = 1.0, parts: tuple[str, ...] = ("emotions", "imaging")
) -> FaceData:
    return simulated_sessions(
        folder,
        np.random.default_rng(seed),
        parts=parts,
        n_animals=2,
        minutes={"emotions": 8.0, "imaging": 10.0},
        strength=strength,
        n_neurons=90,
    )


@pytest.fixture(scope="module")
def coding() -> list[pd.DataFrame]:
    """What the neurons of `known` code, in the order of the recordings."""
    return []


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory, coding: list[pd.DataFrame]) -> FaceData:
    """Two mice with 90 neurons each."""
    with pytest.MonkeyPatch.context() as patch:
        simulate = whole_face_studies.simulate_neurons

        def remembered(*args: object, **options: object) -> object:
            found = simulate(*args, **options)  # type: ignore[arg-type]
            coding.append(found.coding)
            return found

        patch.setattr(whole_face_studies, "simulate_neurons", remembered)
        return study(tmp_path_factory.mktemp("known"), 2)


@pytest.fixture(scope="module")
def null(tmp_path_factory: pytest.TempPathFactory) -> FaceData:
    """Neurons that code nothing, beside faces that know nothing of events."""
    return study(tmp_path_factory.mktemp("null"), 3, strength=0.0)


def with_calcium(data: FaceData, change: object) -> FaceData:
    """The study with a changed recording of the first mouse."""
    changed = dataclasses.replace(data.imaging[SESSION], **change)  # type: ignore[arg-type]
    return dataclasses.replace(data, imaging={**data.imaging, SESSION: changed})


def test_neurons_get_their_true_labels(known: FaceData, coding: list[pd.DataFrame]) -> None:
    found = neuron_study(known, preset("recommended"))
    assert isinstance(found, NeuronStudy) and found.events == ("quinine", "sucrose")
    emotion = {"quinine": "disgust", "sucrose": "pleasure"}
    right = {"stimulus": [0, 0], "face": [0, 0], "none": [0, 0]}
    for session_id, truth in zip(known.imaging, coding, strict=True):
        own = found.coding[found.coding["session_id"] == session_id]
        for row in own.itertuples():
            codes = truth.iloc[row.neuron]
            stimulus = row.event in str(codes["stimulus"]).split("+")
            face = emotion[row.event] in str(codes["face"]).split("+")
            if stimulus and face:
                continue
            label = "stimulus" if stimulus else "face" if face else "none"
            right[label][0] += row.label == label
            right[label][1] += 1
    shares = {label: hits / n for label, (hits, n) in right.items()}
    assert shares["stimulus"] > 0.85 and shares["face"] > 0.5 and shares["none"] > 0.97, shares


def test_known_neurons_are_claimed(known: FaceData) -> None:
    claims = made("4F", known).claims.set_index("claim")
    assert claims["holds"].all() and (claims["p"] <= 0.05).all()
    assert claims.loc["quinine: neurons follow the stimulus", "estimate"] == pytest.approx(11, abs=5)
    shared = made("4I", known).claims
    assert bool(shared["holds"].iloc[0])  # four in ten follow both stimuli
    assert "too few to show" in " ".join(made("4I", known).warnings)


def test_no_neuron_is_claimed_where_none_codes(null: FaceData) -> None:
    claims = made("4F", null).claims
    assert not claims["holds"].any() and (claims["p"] > 0.05).all()
    found = neuron_study(null, preset("recommended"))
    assert isinstance(found, NeuronStudy)
    p = found.coding[["p_unique_stimulus", "p_unique_face"]].to_numpy()
    assert 0.01 < (p <= 0.05).mean() < 0.12
    assert made("4I", null).claims["holds"].isna().all()
    assert any("No neuron counts" in text for text in made("4D", null).sentences)


@pytest.mark.parametrize("name", list(PANELS))
@pytest.mark.parametrize("which", ["recommended", "paper"])
def test_every_panel_is_drawn_and_says_the_same_claims(known: FaceData, name: str, which: str) -> None:
    panel = made(name, known, which)
    assert panel.missing == "" and panel.caption and panel.sentences and panel.draw is not None
    assert svg_text(panel.draw()).startswith("<?xml")
    assert panel.claims["claim"].tolist() == made(name, known).claims["claim"].tolist()
    assert f"Fig. {name}" in panel.caption
    assert all(table.name.startswith(panel.stem) for table in panel.tables)


def test_the_paper_tests_nothing(known: FaceData) -> None:
    claims = made("4F", known, "paper").claims
    assert claims["p"].isna().all() and claims["holds"].all()
    assert "A threshold on r is no test" in " ".join(made("4F", known, "paper").warnings)


@pytest.mark.parametrize("name", list(PANELS))
def test_a_study_without_neurons_says_so(known: FaceData, name: str) -> None:
    panel = made(name, dataclasses.replace(known, imaging={}))
    assert "no session has neurons" in panel.missing and "imaging.tsv" in panel.missing


def test_one_mouse_is_a_mouse(known: FaceData) -> None:
    alone = dataclasses.replace(known, imaging={SESSION: known.imaging[SESSION]})
    panel = made("4F", alone)
    assert any("1 mouse" in text for text in panel.warnings) and panel.claims["lower"].isna().all()
    assert made("4I", alone).claims["claim"].notna().all()


def test_traces_with_missing_values_are_left_out_and_counted(known: FaceData) -> None:
    dff = known.imaging[SESSION].dff.copy()
    dff[3, 100] = np.nan
    dff[5] = np.nan
    dff[7] = 1.0
    dff[:, 50] = np.nan
    panel = made("4F", with_calcium(known, {"dff": dff}))
    text = " ".join(panel.warnings)
    assert f"{SESSION}: 2 of 90 neurons have missing values and were left out" in text
    assert "1 of 90 neurons do not vary" in text and "1 imaging frames have no value" in text
    assert "177 neurons" in panel.claims["n"].iloc[0]


def test_nothing_but_missing_values_is_refused(known: FaceData) -> None:
    dff = np.full_like(known.imaging[SESSION].dff, np.nan)
    with pytest.raises(ValueError, match=f"{SESSION}: none of 90 neurons has a trace"):
        made("4F", with_calcium(known, {"dff": dff}))


@pytest.mark.parametrize("what", ["rois", "times_s", "masks"])
def test_numbers_that_do_not_agree_are_refused(known: FaceData, what: str) -> None:
    changed = {what: getattr(known.imaging[SESSION], what)[:-1]}
    with pytest.raises(ValueError, match="two runs of the segmentation"):
        made("4F", with_calcium(known, changed))


def test_imaging_on_another_clock_is_refused(known: FaceData) -> None:
    later = {"times_s": known.imaging[SESSION].times_s + 1e4}
    with pytest.raises(ValueError, match="on the same clock"):
        made("4F", with_calcium(known, later))


def test_uneven_imaging_frames_are_interpolated(known: FaceData) -> None:
    calcium = known.imaging[SESSION]
    kept = np.delete(np.arange(len(calcium.times_s)), [200, 201, 202, 900])
    changed = {"times_s": calcium.times_s[kept], "dff": calcium.dff[:, kept]}
    panel = made("4F", with_calcium(known, changed))
    assert any("not evenly spaced" in text for text in panel.warnings) and panel.claims["holds"].all()


def test_gaps_in_the_video_are_left_out_of_the_imaging(known: FaceData) -> None:
    times_s = known.times_s(SESSION)
    lost = (times_s > 100) & (times_s < 130)
    quality = {**known.quality, SESSION: all_valid(times_s, lost)}
    panel = made("4F", dataclasses.replace(known, quality=quality))
    told = [text for text in panel.warnings if "of imaging were left out" in text]
    assert len(told) == 1 and told[0].startswith(f"{SESSION}: 3")  # 30 s, and what the indicator still shows


def test_an_animal_without_prototypes_is_left_out_in_words(known: FaceData) -> None:
    """One mouse has a single trial of each event, of which no prototype can be made."""
    trials = known.trials[known.trials["session_id"] != "m01_emotions"].reset_index(drop=True)
    single = (trials["session_id"] != SESSION) | (trials["repeat"] == 1)
    alone = dataclasses.replace(known, trials=trials.assign(kept=trials["kept"] & single))
    panel = made("4F", alone)
    told = [text for text in panel.warnings if text.startswith(f"{SESSION}: left out of Figure 4")]
    assert len(told) == 1 and "m01 has no trials to make prototypes of" in told[0]
    assert "90 neurons, 1 mouse" in panel.claims["n"].iloc[0]


def test_prototypes_of_the_same_session_never_meet_their_own_trials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With imaging sessions only, prototypes come from these; each frame meets those of the other repeats."""
    data = study(tmp_path, 5, parts=("imaging",))
    parameters = preset("recommended")
    crossed = session_similarity(data, SESSION, parameters)
    whole = session_similarity(data, SESSION, dataclasses.replace(parameters, cross_fitted=False))
    assert len(crossed) == len(whole) and list(crossed) == list(whole)
    onset = data.trials.query("session_id == @SESSION and event == 'quinine'")["onset_s"].iloc[0]
    own = crossed["time_s"].between(onset, onset + 2)
    assert whole.loc[own, "quinine"].mean() > crossed.loc[own, "quinine"].mean()


def test_a_regressor_begins_without_a_jump() -> None:
    """The face may be anything at the beginning; the indicator is taken to have been there always."""
    times_s = np.arange(0.0, 60.0, 0.1)
    face = pd.DataFrame({"time_s": times_s, "frame": np.arange(600), "quinine": 0.8})
    face.loc[300:400, "quinine"] = 0.9
    rois = pd.DataFrame({"roi": [0], "x_px": [1.0], "y_px": [1.0], "n_px": [1]})
    dff = np.random.default_rng(1).normal(size=(1, 600))
    stimuli = pd.DataFrame({"event": ["quinine"], "onset": [30.0], "duration": [2.0]})
    found = prepare_recording(
        CalciumTraces(dff, times_s, rois, ()), stimuli, face,
        session_id="a", animal="m1", kernel=CHEN2013, max_gap_s=1.0,
    )  # fmt: skip
    shown = found.shown["face", "quinine"]
    assert np.abs(shown[:300]).max() == 0 and shown[350:400].max() > 0.05
    assert found.faces.shape == (2, 600)


def test_neurons_without_shapes_are_circles(known: FaceData) -> None:
    calcium = {session: dataclasses.replace(own, masks=()) for session, own in known.imaging.items()}
    panel = made("4H", dataclasses.replace(known, imaging=calcium))
    assert any("circles stand for them" in text for text in panel.warnings)
    assert panel.draw is not None and svg_text(panel.draw())
    nowhere = {
        session: dataclasses.replace(own, rois=own.rois.assign(x_px=np.nan))
        for session, own in calcium.items()
    }
    assert "where its neurons lie" in made("4H", dataclasses.replace(known, imaging=nowhere)).missing


def test_outlines_and_circles() -> None:
    rows, columns = np.nonzero(np.ones((3, 4)))
    assert len(outline(rows, columns)) == 4
    one, two, distance = circle_distance(10, 6, 6)
    assert distance == pytest.approx(one - two)
    assert circle_distance(0, 5, 0)[0] == 0


def test_parameters_change_the_rule(known: FaceData) -> None:
    loose: MouseFaceParameters = dataclasses.replace(preset("paper"), least_neuron_r=0.05)
    many = panel_4f(known, loose, rng=panel_rng(1, "4F")).claims["estimate"]
    few = made("4F", known, "paper").claims["estimate"]
    assert (many > few).all()
