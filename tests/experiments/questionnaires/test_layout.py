"""Nothing on a page overlaps, everything is on the screen, on large and small ones and in every language."""

from __future__ import annotations

import itertools

import pytest

from experiments.display.pages import Box, Button, Page, arrange
from experiments.questionnaires.forms import form_names, languages, read_form
from experiments.questionnaires.question import question_page
from experiments.questionnaires.texts import read_texts

SIZES = ((1920, 1080), (1024, 768), (2560, 1600), (800, 600), (1080, 1920))


def pages(language: str) -> list[Page]:
    texts = read_texts(language)
    made = []
    for name in form_names(language):
        form = read_form(name, language)
        for item in form.items:
            page = question_page(
                item, texts, stem=form.stem, number=20, total=20, given=None, can_go_back=True
            )
            made.append(page)
        if form.instruction:
            made.append(
                Page(name="instruction", text=form.instruction, commands=(Button(id="n", label="n"),))
            )
    return made


def overlap(one: Box, other: Box) -> bool:
    return (
        one.left < other.left + other.width
        and other.left < one.left + one.width
        and one.top < other.top + other.height
        and other.top < one.top + one.height
    )


@pytest.mark.parametrize("size_px", SIZES)
@pytest.mark.parametrize("language", languages())
def test_everything_has_its_place(language: str, size_px: tuple[int, int]) -> None:
    for page in pages(language):
        layout = arrange(page, size_px)
        boxes = [box for _, box, _ in layout.buttons] + [line.box for line in layout.lines]
        for box in boxes:
            assert box.left >= 0 and box.top >= 0, page.name
            assert box.left + box.width <= size_px[0] and box.top + box.height <= size_px[1], page.name
        for one, other in itertools.combinations(boxes, 2):
            assert not overlap(one, other), (page.name, one, other)
        for _, box, letters_px in layout.buttons:
            assert box.height >= 0.028 * size_px[1], "a button is large enough for a finger"
            assert letters_px >= 0.008 * size_px[1]


def test_many_answers_stand_in_columns() -> None:
    answers = tuple(Button(id=str(n), label=f"answer {n}", role="answer") for n in range(11))
    layout = arrange(Page(name="x", text="x", kind="column", answers=answers), (1280, 800))
    boxes = [box for _, box, _ in layout.buttons]
    assert len({round(box.left) for box in boxes}) == 2
    assert not any(overlap(one, other) for one, other in itertools.combinations(boxes, 2))


def test_commands_stay_where_they_are() -> None:
    item, texts = read_form("panas", "en").items[0], read_texts("en")
    first, later = (
        question_page(item, texts, stem="", number=2, total=9, given=None, can_go_back=back)
        for back in (False, True)
    )
    assert arrange(first, (1280, 800)).box_of("no_answer") == arrange(later, (1280, 800)).box_of("no_answer")


def test_no_answer_stands_out_by_its_letters() -> None:
    for page in pages("de"):
        layout = arrange(page, (1024, 768))
        assert len({letters for button, _, letters in layout.buttons if button.role == "answer"}) <= 1
