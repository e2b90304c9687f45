"""Names of emotions: a table that the user can change."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.mouse_face.emotions import EmotionNames, emotions_frame, find_emotions, unknown_events


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_the_papers_names_are_built_in() -> None:
    names = EmotionNames()
    assert names.prototype("quinine") == "quinine prototype (disgust)"
    assert names.prototype("tail_shock@0.5", unit="mA") == "tail shock 0.5 mA prototype (pain)"
    assert names.event_and_emotion("neutral") == "neutral"
    assert names.emotion("lithium") == "malaise"


def test_a_study_has_its_own_table_and_the_command_line_counts_before_it(tmp_path: Path) -> None:
    write(tmp_path / "emotions.tsv", "event\temotion\nair_puff\tstartle\nquinine\tn/a\n")
    own = find_emotions(tmp_path)
    assert own.event_and_emotion("air_puff") == "air puff (startle)"
    assert own.event_and_emotion("quinine") == "quinine"
    assert own.emotion("sucrose") == ""
    assert own.source == "the table emotions.tsv"
    given = write(tmp_path / "others.tsv", "\ufeffnote\temotion\tevent\r\n-\tjoy\tsucrose\r\n")
    assert find_emotions(tmp_path, given).emotion("sucrose") == "joy"
    assert find_emotions(tmp_path / "elsewhere").emotion("sucrose") == "pleasure"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("event,emotion\nquinine,disgust\n", "absent: event, emotion"),
        ("event\temotion\nquinine disgust\n", "line 2: expected 2 fields"),
        (
            "event\temotion\nquinine\tdisgust\nquinine\tfear\n",
            "line 3: the event 'quinine' is named a second",
        ),
        ("event\temotion\n\tdisgust\n", "line 2: no event"),
        ("event\temotion\n", "names no event"),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        find_emotions(tmp_path, write(tmp_path / "names.tsv", text))


def test_a_table_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no table of emotions"):
        find_emotions(tmp_path, tmp_path / "names.tsv")


def test_slips_of_the_pen_are_noticed() -> None:
    names = EmotionNames({"quinin": "disgust", "sucrose": "pleasure"}, "the table emotions.tsv")
    assert unknown_events(names, ["quinine", "sucrose@20"]) == ["quinin"]
    assert unknown_events(EmotionNames(), ["water"]) == []
    table = emotions_frame(names, ["quinine", "sucrose", "quinine"])
    assert table.to_dict("list") == {"event": ["quinine", "sucrose"], "emotion": ["", "pleasure"]}
