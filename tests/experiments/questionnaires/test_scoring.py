"""Scores of the PANAS worked out by hand, missing answers, reversed items."""

from __future__ import annotations

import json
from typing import Any

import pytest

from experiments.dataset.forms import Form, form_from
from experiments.dataset.scoring import body_mass_index, columns_of, describe_columns
from experiments.questionnaires.forms import read_form

POSITIVE = {
    "interested": 4, "excited": 3, "strong": 5, "enthusiastic": 2, "proud": 1,
    "alert": 4, "inspired": 3, "determined": 5, "attentive": 4, "active": 2,
}  # fmt: skip
"""Sum 33: 4 + 3 + 5 + 2 + 1 = 15 and 4 + 3 + 5 + 4 + 2 = 18."""
NEGATIVE = {
    "distressed": 1, "upset": 2, "guilty": 1, "scared": 1, "hostile": 1,
    "irritable": 3, "ashamed": 1, "nervous": 2, "jittery": 2, "afraid": 1,
}  # fmt: skip
"""Sum 15: 1 + 2 + 1 + 1 + 1 = 6 and 3 + 1 + 2 + 2 + 1 = 9."""


def answers(**changed: str | None) -> dict[str, str | None]:
    return {**{name: str(value) for name, value in (POSITIVE | NEGATIVE).items()}, **changed}


def changed_form(form: Form, **entries: Any) -> Form:
    return form_from({**json.loads(json.dumps(form.content)), **entries})


@pytest.mark.parametrize("language", ["en", "de"])
def test_panas_worked_by_hand(language: str) -> None:
    columns = columns_of(read_form("panas", language), answers())
    assert (columns["positive_affect"], columns["negative_affect"]) == (33, 15)
    assert (columns["positive_affect_n_missing"], columns["negative_affect_n_missing"]) == (0, 0)
    assert columns["strong"] == 5


@pytest.mark.parametrize(("rating", "total"), [("1", 10), ("3", 30), ("5", 50)])
def test_panas_reaches_from_10_to_50(rating: str, total: int) -> None:
    columns = columns_of(read_form("panas", "en"), dict.fromkeys(answers(), rating))
    assert (columns["positive_affect"], columns["negative_affect"]) == (total, total)


def test_panas_has_the_ten_items_of_each_scale_in_the_published_order() -> None:
    form = read_form("panas", "en")
    numbers = {item.id: number for number, item in enumerate(form.items, start=1)}
    places = {scale.id: sorted(numbers[name] for name in scale.items) for scale in form.scales}
    assert places == {
        "positive_affect": [1, 3, 5, 9, 10, 12, 14, 16, 17, 19],
        "negative_affect": [2, 4, 6, 7, 8, 11, 13, 15, 18, 20],
    }


def test_a_missing_answer_makes_the_score_missing_and_is_counted() -> None:
    columns = columns_of(read_form("panas", "en"), answers(proud=None))
    assert columns["positive_affect"] is None
    assert columns["positive_affect_n_missing"] == 1
    assert columns["negative_affect"] == 15
    assert columns["proud"] is None
    assert not any("prorated" in name for name in columns)


def test_items_that_were_not_reached_are_missing() -> None:
    reached = {name: value for name, value in answers().items() if name in ("interested", "distressed")}
    columns = columns_of(read_form("panas", "en"), reached)
    assert columns["positive_affect_n_missing"] == 9
    assert columns["negative_affect"] is None


def test_prorating_is_an_option_with_a_column_of_its_own() -> None:
    form = read_form("panas", "en")
    scales = [{**scale, "prorate_up_to": 2} for scale in form.content["scales"]]
    allowed = changed_form(form, scales=scales)
    columns = columns_of(allowed, answers(proud=None, active=None))
    assert columns["positive_affect"] is None
    assert columns["positive_affect_prorated"] == 37.5  # (33 - 1 - 2) / 8 * 10
    assert columns["negative_affect_prorated"] == columns["negative_affect"] == 15
    too_many = columns_of(allowed, answers(proud=None, active=None, alert=None))
    assert too_many["positive_affect_prorated"] is None
    assert describe_columns(allowed)["positive_affect_prorated_t1"]["Description"].startswith(
        "Before the pill: ESTIMATE"
    )


def test_reversed_items_and_means() -> None:
    form = form_from(
        {
            "name": "calm",
            "language": "en",
            "title": "Calm",
            "table": "calm",
            "response": {"0": "no", "1": "a bit", "2": "yes"},
            "items": [{"id": "calm", "text": "calm"}, {"id": "tense", "text": "tense"}],
            "scales": [
                {
                    "id": "calmness",
                    "items": ["calm", "tense"],
                    "reversed": ["tense"],
                    "combine": "mean",
                    "range": [0, 2],
                }
            ],
        }
    )
    assert columns_of(form, {"calm": "2", "tense": "1"})["calmness"] == 1.5
    assert columns_of(form, {"calm": "0", "tense": "2"})["calmness"] == 0
    assert columns_of(form, {"calm": "2", "tense": "0"})["calmness"] == 2


def test_an_answer_that_the_form_does_not_allow_is_an_error() -> None:
    with pytest.raises(ValueError, match="proud cannot be answered '6': there are 1, 2, 3, 4, 5"):
        columns_of(read_form("panas", "en"), answers(proud="6"))


def test_body_mass_index() -> None:
    columns = columns_of(read_form("body", "en"), {"height_cm": "172", "weight_kg": "68.5"})
    assert columns == {"height_cm": 172, "weight_kg": 68.5, "bmi": 23.2}  # 68.5 / 1.72 ** 2 = 23.15
    assert body_mass_index(height_cm=172, weight_kg=None) is None
