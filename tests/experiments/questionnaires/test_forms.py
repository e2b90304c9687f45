"""Questionnaires as files: what is checked, and that the languages say the same."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from experiments.dataset.forms import form_from
from experiments.dataset.scoring import describe_columns
from experiments.questionnaires.forms import FOLDER, form_names, languages, read_form, with_groups
from experiments.questionnaires.run import SCHEDULE
from experiments.questionnaires.texts import read_texts

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

OWN = """
name = "sleep"
language = "en"
title = "Sleep"
table = "sleep"

[[items]]
id = "hours"
kind = "number"
text = "How long did you sleep?"
unit = "hours"
minimum = 0
maximum = 24
decimals = 1
"""


def entries(**changed: Any) -> dict[str, Any]:
    content: dict[str, Any] = {
        "name": "mood",
        "language": "en",
        "title": "Mood",
        "table": "mood",
        "response": {"1": "no", "2": "yes"},
        "items": [{"id": "glad", "text": "glad"}, {"id": "sad", "text": "sad"}],
        "scales": [{"id": "gladness", "items": ["glad", "sad"], "reversed": ["sad"], "range": [2, 4]}],
    }
    return {**content, **changed}


@pytest.mark.parametrize("language", languages())
def test_every_language_asks_the_same_in_its_own_words(language: str) -> None:
    assert form_names(language) == form_names("en")
    for name in form_names("en"):
        one, model = read_form(name, language), read_form(name, "en")
        assert one.language == language
        assert one.name == name
        assert (one.table, one.times, one.scales, one.derived) == (
            model.table,
            model.times,
            model.scales,
            model.derived,
        )
        assert {item.id for item in one.items} == {item.id for item in model.items}
        for item in one.items:
            same = model.item(item.id)
            assert (item.kind, item.minimum, item.maximum, item.usual, item.decimals, item.meaning) == (
                same.kind,
                same.minimum,
                same.maximum,
                same.usual,
                same.decimals,
                same.meaning,
            )
            assert [value for value, _ in item.options] == [value for value, _ in same.options]
        described = describe_columns(one)
        assert set(described) == set(describe_columns(model))
    assert set(re.findall(r"{\w+}", str(read_texts(language)))) == set(
        re.findall(r"{\w+}", str(read_texts("en")))
    )


def test_texts_fill_in_the_same_words() -> None:
    for section in ("pages", "messages"):
        for name, text in getattr(read_texts("en"), section).items():
            translated = getattr(read_texts("de"), section)[name]
            assert sorted(re.findall(r"{\w+}", translated)) == sorted(re.findall(r"{\w+}", text)), name


def test_the_schedule_names_questionnaires_that_exist_at_their_times() -> None:
    for time, names in SCHEDULE.items():
        for name in names:
            times = [own for own, _ in read_form(name, "en").times]
            assert not times or time in times


@pytest.mark.parametrize("language", languages())
def test_panas_says_whose_it_is(language: str) -> None:
    form = read_form("panas", language)
    assert "Watson" in form.source
    assert "American Psychological" in form.content["permission"]
    if language == "de":
        assert "Krohne" in form.source


def test_a_form_survives_its_record() -> None:
    form = read_form("body", "en")
    assert form_from(json.loads(json.dumps(form.content))) == form


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "sleep.toml"
    path.write_text(OWN, encoding="utf-8")
    form = read_form(str(path), "fr")
    assert form.item("hours").decimals == 1
    assert not form.times


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"instructions": "x"}, "unknown entry of the form: 'instructions'; did you mean 'instruction'?"),
        ({"items": []}, "expected at least one [[items]], found none"),
        ({"items": [{"id": "glad"}]}, "item 'glad' lacks text"),
        ({"items": [{"id": "Glad", "text": "glad"}]}, "item 'Glad': id: expected small letters"),
        ({"items": [{"id": "glad", "text": "x", "kind": "slider"}]}, "kind: expected one of rating, choice"),
        ({"items": [{"id": "glad", "text": "x", "min": 1}]}, "unknown entry of item 'glad': 'min'"),
        ({"items": [{"id": "a", "text": "a"}, {"id": "a", "text": "b"}], "scales": []}, "ids of items"),
        ({"response": {}}, "a rating needs a [response] scale"),
        ({"response": {"a": "no", "b": "yes"}}, "response: expected whole numbers = labels, found 'a'"),
        ({"order": "shuffled"}, "order: expected one of fixed, random, found 'shuffled'"),
        ({"times": {"before pill": "x"}}, "times: expected names such as t1, found 'before pill'"),
        (
            {"scales": [{"id": "s", "items": ["glad", "bad"], "range": [2, 4]}]},
            "unknown scale 's': rated item: 'bad'",
        ),
        (
            {"scales": [{"id": "s", "items": ["glad"], "reversed": ["sad"], "range": [1, 2]}]},
            "reversed items must be among its items, found 'sad'",
        ),
        ({"scales": [{"id": "s", "items": ["glad"], "range": [0, 2]}]}, "range: its items give 1 to 2"),
        (
            {"scales": [{"id": "s", "items": ["glad"], "range": [1, 2], "prorate_up_to": 1}]},
            "prorate_up_to: expected a number of items below 1",
        ),
        (
            {"derived": [{"id": "bmi", "from": "body_mass_index"}]},
            "needs the numbers height_cm and weight_kg",
        ),
        (
            {"items": [{"id": "n", "kind": "number", "text": "n", "minimum": 5, "maximum": 5}], "scales": []},
            "minimum must be below maximum",
        ),
        (
            {"items": [{"id": "c", "kind": "choice", "text": "c", "options": {"x": "X"}}], "scales": []},
            "options: expected at least 2 entries",
        ),
    ],
)
def test_what_is_wrong_with_a_form_is_said(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        form_from(entries(**changed))


def test_wrong_files_are_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text("name = \n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"broken\.toml: "):
        read_form(str(broken), "en")
    with pytest.raises(FileNotFoundError, match="there is no questionnaire"):
        read_form(str(tmp_path / "absent.toml"), "en")
    with pytest.raises(ValueError, match="no questionnaire 'mood' in 'en', only body, demographics"):
        read_form("mood", "en")
    with pytest.raises(ValueError, match=r"no questionnaires in 'fr', only in de, en.*panas\.fr\.toml"):
        read_form("panas", "fr")


def test_groups_of_the_study_can_be_guessed() -> None:
    form = with_groups(read_form("guess", "de"), ["placebo", "naltrexone"])
    assert dict(form.item("guess").options) == {
        "placebo": "Placebo (kein Wirkstoff)",
        "naltrexone": "Naltrexon",
        "dont_know": "Ich weiß es nicht",
    }
    with pytest.raises(ValueError, match="expected two different names or more"):
        with_groups(form, ["placebo"])


def test_the_example_of_the_guide_is_right() -> None:
    guide = Path(__file__).resolve().parents[3] / "docs" / "questionnaires.md"
    example = re.search(r"```toml\n(.*?)```", guide.read_text("utf-8"), re.DOTALL)
    assert example is not None
    form = form_from(tomllib.loads(example[1]))
    assert [item.kind for item in form.items] == ["rating", "rating", "number", "time", "choice"]


def test_all_files_are_utf8_and_end_with_a_line_end() -> None:
    for path in FOLDER.glob("*.toml"):
        assert path.read_bytes().decode("utf-8").endswith("\n"), path
