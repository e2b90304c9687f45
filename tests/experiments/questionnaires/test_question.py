"""One question on its page: keys and clicks, typing, refusals, corrections."""

from __future__ import annotations

from datetime import datetime

import pytest

from experiments.dataset.forms import Item
from experiments.display import KeyPress
from experiments.display.pages import Click, arrange
from experiments.questionnaires.checks import Verdict, judge_number, judge_time
from experiments.questionnaires.forms import read_form
from experiments.questionnaires.question import Choice, Entry, Reply, question_page
from experiments.questionnaires.texts import read_texts

TEXTS = read_texts("en")
SIZE = (1280, 800)
NOON = datetime(2026, 11, 22, 12, 0)


def choice(item: Item, given: str | None = None, *, first: bool = False) -> Choice:
    page = question_page(item, TEXTS, stem="", number=2, total=9, given=given, can_go_back=not first)
    return Choice(page)


def entry(item: Item, given: str = "") -> Entry:
    page = question_page(item, TEXTS, stem="", number=2, total=9, given=given, can_go_back=True)
    if item.kind == "time":
        return Entry(
            page, judge=lambda typed: judge_time(item, typed, TEXTS, now=NOON), item=item, given=given
        )
    return Entry(page, judge=lambda typed: judge_number(item, typed, TEXTS), item=item, given=given)


def press(control: Choice | Entry, *keys: str) -> Reply | None:
    reply = None
    for key in keys:
        reply = control.take(KeyPress(key, 1.0), arrange(control.page(), SIZE))
    return reply


def click(control: Choice | Entry, *ids: str) -> Reply | None:
    reply = None
    for id in ids:
        layout = arrange(control.page(), SIZE)
        reply = control.take(Click(*layout.box_of(id).centre, 1.0), layout)
    return reply


RATING = read_form("panas", "en").item("proud")
SEX = read_form("demographics", "en").item("sex")
HEIGHT = read_form("body", "en").item("height_cm")
WEIGHT = read_form("body", "en").item("weight_kg")
PILL = read_form("pill", "en").item("pill_time")


@pytest.mark.parametrize("key", ["4", "num_4"])
def test_a_number_key_is_the_number(key: str) -> None:
    assert press(choice(RATING), key) == Reply("answer", "4")


@pytest.mark.parametrize("key", ["0", "6", "9", "a", "f1", "num_enter"])
def test_other_keys_are_no_answers(key: str) -> None:
    assert press(choice(RATING), key) is None


def test_number_keys_count_answers_that_are_no_numbers() -> None:
    assert press(choice(SEX), "2") == Reply("answer", "M")


def test_clicks_hit_what_they_are_on_and_nothing_else() -> None:
    assert click(choice(RATING), "3") == Reply("answer", "3")
    assert click(choice(RATING), "no_answer") == Reply("no_answer")
    assert click(choice(RATING), "back") == Reply("back")
    control = choice(RATING)
    assert control.take(Click(2.0, 2.0, 1.0), arrange(control.page(), SIZE)) is None


def test_arrow_keys_move_a_frame_that_enter_presses() -> None:
    assert press(choice(RATING), "right", "return") == Reply("answer", "1")
    assert press(choice(RATING), "right", "right", "right", "left", "return") == Reply("answer", "2")
    assert press(choice(RATING), *["right"] * 9, "space") == Reply("answer", "5")
    assert press(choice(RATING), "right", "down", "return") == Reply("no_answer")
    assert press(choice(RATING), "right", "down", "left", "return") == Reply("back")
    assert press(choice(RATING), "right", "down", "up", "return") == Reply("answer", "3")
    assert press(choice(SEX), "down", "down", "down", "return") == Reply("answer", "O")
    assert press(choice(SEX), "down", "down", "down", "down", "return") == Reply("no_answer")
    assert press(choice(SEX), "down", "up", "return") == Reply("answer", "F")


def test_enter_without_a_frame_answers_nothing() -> None:
    assert press(choice(RATING), "return") is None
    assert not any(button.focused for button in choice(RATING).page().buttons)


def test_a_former_answer_is_shown_and_can_be_kept() -> None:
    control = choice(RATING, "2")
    assert [button.id for button in control.page().answers if button.chosen] == ["2"]
    assert press(control, "return") == Reply("answer", "2")


def test_backspace_goes_back_where_there_is_a_page_before() -> None:
    assert press(choice(RATING), "backspace") == Reply("back")
    assert press(choice(RATING, first=True), "backspace") is None
    assert press(choice(RATING), "escape") == Reply("stop")


def test_a_number_is_typed_or_clicked() -> None:
    assert press(entry(HEIGHT), "1", "num_7", "2", "return") == Reply("answer", "172")
    assert click(entry(WEIGHT), "6", "8", "point", "5", "next") == Reply("answer", "68.5")
    assert press(entry(WEIGHT), "6", "8", "comma", "5", "return") == Reply("answer", "68.5")
    assert press(entry(HEIGHT), "1", "8", "backspace", "7", "5", "return") == Reply("answer", "175")
    assert press(entry(HEIGHT), "left", "return") == Reply("no_answer")
    assert press(entry(HEIGHT), "backspace") == Reply("back")


def test_what_is_typed_is_seen() -> None:
    control = entry(HEIGHT)
    assert control.page().entry == "_"
    press(control, "1", "7", *"123456789")
    assert control.page().entry == "1712345"
    control = entry(PILL)
    press(control, "9", "semicolon")
    assert control.page().entry == "09:__"
    press(control, "3", "5", "7")
    assert control.page().entry == "09:35"
    assert press(control, "return") == Reply("answer", "09:35")
    assert entry(PILL, "09:35").page().entry == "09:35"


def test_a_number_that_cannot_be_right_is_refused_with_a_message_until_it_is_corrected() -> None:
    control = entry(HEIGHT)
    assert press(control, "1", "7", "return") == Reply(
        "refused", "17", "Please type a number from 120 to 230 cm."
    )
    assert control.page().message == "Please type a number from 120 to 230 cm."
    press(control, "2")
    assert control.page().message == ""
    assert press(control, "return") == Reply("answer", "172")


def test_an_unusual_number_has_to_be_confirmed() -> None:
    control = entry(HEIGHT)
    reply = press(control, "2", "2", "5", "return")
    assert reply is not None
    assert (reply.kind, reply.value) == ("question", "225")
    assert "225 cm is unusual" in control.page().message
    assert press(control, "return") == Reply("answer", "225")
    control = entry(HEIGHT)
    press(control, "2", "2", "5", "return", "backspace", "6")
    reply = press(control, "return")
    assert reply is not None
    assert reply.kind == "question", "another number is another question"


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("", "Please type a number, or choose"),
        ("17.5", "Please type a whole number."),
        ("119", "from 120 to 230 cm"),
        ("231", "from 120 to 230 cm"),
        ("1e3", "Please type a number such as 120"),
        ("-172", "Please type a number such as 120"),
    ],
)
def test_numbers_that_are_none(typed: str, message: str) -> None:
    verdict = judge_number(HEIGHT, typed, TEXTS)
    assert verdict.value is None
    assert message in verdict.message


def test_limits_belong_to_what_is_accepted() -> None:
    assert judge_number(HEIGHT, "120", TEXTS).value == "120"
    assert judge_number(HEIGHT, "230", TEXTS).value == "230"
    assert judge_number(WEIGHT, "70.00", TEXTS) == Verdict("70")
    assert (
        judge_number(WEIGHT, "70.25", TEXTS).message == "Please type no more digits after the point than 1."
    )


@pytest.mark.parametrize("typed", ["", "935", "2400", "1260", "09350"])
def test_times_that_are_none(typed: str) -> None:
    assert judge_time(PILL, typed, TEXTS, now=NOON).value is None


def test_a_pill_of_yesterday_has_to_be_confirmed() -> None:
    assert judge_time(PILL, "0800", TEXTS, now=NOON) == Verdict("08:00")
    verdict = judge_time(PILL, "1300", TEXTS, now=NOON)
    assert verdict.question
    assert "13:00 was more than 12 hours ago" in verdict.message
