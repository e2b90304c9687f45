"""The report of a study of mouse faces, from a record made by hand on a simulated study with video."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from browsing import look
from face_studies import simulated_study
from filmed_mice import filmed_study, made_panels, made_results

from analysis.mouse_face.compose import compose_report, write_report
from analysis.mouse_face.compose_exclusions import reasons_frame
from analysis.mouse_face.compose_summary import answers_frame, doubts, presets_words
from analysis.mouse_face.emotions import EmotionNames
from analysis.mouse_face.face_data import FaceData
from analysis.mouse_face.methods_text import methods_paragraphs
from analysis.mouse_face.panel import Panel, missing_panel
from analysis.mouse_face.results import Results


@pytest.fixture(scope="module")
def filmed(tmp_path_factory: pytest.TempPathFactory) -> FaceData:
    return filmed_study(tmp_path_factory.mktemp("filmed") / "study")


@pytest.fixture(scope="module")
def results(filmed: FaceData, tmp_path_factory: pytest.TempPathFactory) -> Results:
    return made_results(filmed, study=tmp_path_factory.mktemp("mice"))


@pytest.fixture(scope="module")
def drawn() -> FaceData:
    """A study without videos, so without quality and pages."""
    return simulated_study(np.random.default_rng(1), n_animals=2, fs_hz=2.0)


def test_all_files_are_written_and_say_that_they_are_simulated(results: Results, tmp_path: Path) -> None:
    files = {path.relative_to(tmp_path).as_posix() for path in write_report(results, tmp_path, workers=2)}
    assert {"report.html", "faces/m01.html", "figures/figure_1f.svg", "tables/claims.tsv"} <= files
    assert all((tmp_path / name).is_file() for name in files)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "No animal was measured" in page
    assert '<a href="faces/m01.html">Animal m01</a>' in page
    for name in files:
        if name.endswith(".json"):
            assert json.loads((tmp_path / name).read_text(encoding="utf-8"))["simulated"] is True
    assert "simulated-badge" in (tmp_path / "figures/figure_1f.svg").read_text(encoding="utf-8")


def test_the_summary_answers_each_panel_and_says_where_presets_differ(results: Results) -> None:
    answers = answers_frame(results).set_index("panel")
    assert answers.index.tolist() == ["1F", "2B"]
    assert answers.loc["1F", "presets"] == "differs in 1 of 2 claims"
    assert answers.loc["2B", "presets"] == ""
    assert presets_words(results).startswith(
        "The two presets disagree on 1 of 2 claims (panel 1F); 1 of them"
    )
    page = compose_report(results).html()
    assert "2D · Do expressions scale with strength? Not shown: no event was given at two strengths" in page
    assert "“quinine can be told apart” holds as in the paper" in page
    assert "More warnings stand beside Fig. 1F." in page
    assert "<b>Warning.</b> Only one order of events was used." in page


def test_the_paper_preset_is_compared_the_other_way_round(filmed: FaceData, tmp_path: Path) -> None:
    turned = made_results(filmed, study=tmp_path, chosen="paper")
    page = compose_report(turned).html()
    assert "as in the paper" in page.split("</header>")[0]
    assert "“quinine can be told apart” holds as recommended" in page


def test_a_preset_alone_says_so(filmed: FaceData, tmp_path: Path) -> None:
    page = compose_report(made_results(filmed, study=tmp_path, other_claims={})).html()
    assert "Only the preset recommended was run" in page
    assert presets_words(made_results(filmed, study=tmp_path, other_claims={})) == ""


def test_a_study_in_which_nothing_could_be_made_has_a_report(drawn: FaceData, tmp_path: Path) -> None:
    panels = tuple(missing_panel(panel.name, panel.title, "no trial is left") for panel in made_panels())
    record = made_results(drawn, study=tmp_path, panels=panels, other_claims={})
    assert "None of the panels could be made" in compose_report(record).html()
    assert (tmp_path / "report.html") in write_report(record, tmp_path)


def test_lost_trials_are_listed_with_their_reason(filmed: FaceData, tmp_path: Path) -> None:
    trials = filmed.trials.copy()
    trials.loc[3, ["kept", "reason"]] = [False, "60 % of its frames are lost"]
    record = made_results(dataclasses.replace(filmed, trials=trials), study=tmp_path)
    report = compose_report(record)
    lost = report.tables["exclusions_trials"].data
    assert lost["reason"].tolist() == ["60 % of its frames are lost"]
    page = report.html()
    assert f"Of {len(trials)} trials, 1 was not analysed: {trials.loc[3, 'label']} (1)." in page
    assert f"1 of {len(trials)} trials was not analysed." in page


def test_frames_are_counted_by_reason_and_treatment(results: Results) -> None:
    reasons = reasons_frame(results).set_index("reason")
    assert set(reasons.index) == {"time", "duplicated", "exposure", "shift", "occlusion", "dropped"}
    assert reasons.loc["dropped", "treatment"] == "counted"
    assert reasons.loc["shift", "treatment"] == "left out"
    counted = sum(int(quality.counts["n_frames"].sum()) for quality in results.data.quality.values())
    assert reasons["n_frames"].sum() == counted
    paper = made_results(results.data, study=results.study, chosen="paper")
    assert reasons_frame(paper).set_index("reason").loc["shift", "treatment"] == "counted"


def test_methods_speak_of_what_was_made_only(results: Results) -> None:
    text = " ".join(methods_paragraphs(results))
    assert "random forest of 500 trees" in text
    assert "leaving out one whole animal at a time" in text
    assert "cross-fitting" in text
    for absent in ("t-SNE", "slope", "light", "neuron"):
        assert absent not in text
    paper = made_results(results.data, study=results.study, chosen="paper")
    text = " ".join(methods_paragraphs(paper))
    assert "learning from 15 % of the frames" in text
    assert "prototypes that they were part of, as in the paper" in text


@pytest.mark.parametrize("chosen", ["recommended", "paper"])
def test_methods_can_be_told_for_every_panel(drawn: FaceData, tmp_path: Path, chosen: str) -> None:
    names = (
        "1B",
        "1D",
        "1E",
        "1F",
        "2A",
        "2B",
        "2C",
        "2D",
        "2E",
        "2F",
        "2G",
        "3A",
        "3B",
        "3F",
        "3G",
        "3I",
        "4C",
    )
    panels = tuple(Panel(name=name, title="?") for name in names)
    record = made_results(drawn, study=tmp_path, chosen=chosen, panels=panels)
    texts = methods_paragraphs(record)
    assert len(texts) == 11
    assert all(text.endswith(".") and "  " not in text and "{" not in text for text in texts)


def test_many_warnings_of_sessions_are_told_as_one(drawn: FaceData, tmp_path: Path) -> None:
    sessions = pd.concat([drawn.sessions] * 3, ignore_index=True)
    sessions["session_id"] = [f"s{number}" for number in range(len(sessions))]
    texts = (*(f"s{number}: the camera moved" for number in range(5)), "There is one animal")
    record = made_results(dataclasses.replace(drawn, sessions=sessions), study=tmp_path, warnings=texts)
    told = doubts(record)
    assert told[:2] == [
        "There is one animal",
        "5 sessions have warnings; “Quality of each session” lists them.",
    ]
    few = made_results(drawn, study=tmp_path, warnings=texts[3:])
    assert "s4: the camera moved" in doubts(few)


def test_names_of_emotions_are_the_users(filmed: FaceData, tmp_path: Path) -> None:
    names = EmotionNames({"quinine": "Ekel"}, "the table emotions.tsv")
    report = compose_report(made_results(filmed, study=tmp_path, emotions=names))
    table = report.tables["events"].data.set_index("event")
    assert table.loc["quinine", "emotion"] == "Ekel"
    assert table.loc["sucrose", "emotion"] == ""
    assert "taken from the table emotions.tsv" in report.html()


def test_every_parameter_has_its_source(results: Results) -> None:
    table = compose_report(results).tables["parameters"].data
    assert len(table) == len(dataclasses.fields(results.own_parameters))
    assert (table["source"] != "").all()
    assert (table["meaning"] != "").all()
    assert table.set_index("name").loc["cross_fitted", "differs"] == "yes"


@pytest.mark.parametrize("width", [1280, 420])
def test_the_report_stands_alone_in_a_browser(results: Results, tmp_path: Path, width: int) -> None:
    page = compose_report(results, pages=["m01"]).html()
    questions = """
    for (const fold of document.querySelectorAll("details")) fold.open = true;
    seen.widths = [...document.querySelectorAll("figure svg")].map(svg => svg.getBoundingClientRect().width);
    seen.badges = document.querySelectorAll("figure [id$=simulated-badge]").length;
    seen.contents = [...document.querySelectorAll("nav a")]
      .every(link => document.querySelector(link.getAttribute("href")));
    seen.pages = [...document.querySelectorAll(".links a")].map(link => link.getAttribute("href"));
    """
    seen, console = look(page, tmp_path, width=width, questions=questions)
    assert (seen["fetched"], seen["problems"], seen["wider"], console) == ([], [], 0, "")
    assert len(seen["widths"]) == seen["badges"] == 2
    assert min(seen["widths"]) > 250
    assert seen["contents"]
    assert seen["pages"] == ["faces/m01.html"]
