"""One question on its page: what a key or a click does. No screen, no clock, no file."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from experiments.dataset.forms import Item
from experiments.display import KeyPress
from experiments.display.pages import Button, Layout, Page, PageInput
from experiments.questionnaires.checks import Verdict
from experiments.questionnaires.texts import Texts

ENTER = ("return", "num_enter", "enter", "space")
DELETE = ("backspace", "delete")
ESCAPE = "escape"
_POINT = ("period", "comma", "num_decimal", "num_separator", "num_delete")
_COLON = ("semicolon", "colon", *_POINT)
_LONGEST_ENTRY = 7


class Reply(NamedTuple):
    """What the participant wants."""

    kind: Literal["answer", "no_answer", "refused", "question", "back", "next", "stop"]
    value: str | None = None
    """The answer, or what was typed."""
    message: str = ""
    """What is said about it."""


class Choice:
    """A page on which something is chosen: an answer, or only where to go on.

    Parameters
    ----------
    page : Page
        The page, with its buttons.
    judge : callable, optional
        Judges an answer that was chosen.
    """

    def __init__(self, page: Page, *, judge: Callable[[str], Verdict] | None = None) -> None:
        self._page = page
        self._judge = judge
        self._refused = ""
        chosen = [button.id for button in page.answers if button.chosen]
        self._focus: str | None = chosen[0] if chosen else None
        if not page.answers and page.commands:
            self._focus = page.commands[-1].id

    def page(self) -> Page:
        """Return the page as it is to be shown now."""
        mark = _focusing(self._focus)
        answers, commands = mark(self._page.answers), mark(self._page.commands)
        return dataclasses.replace(self._page, answers=answers, commands=commands, message=self._refused)

    def chosen_page(self, value: str) -> Page:
        """Return the page with an answer marked as chosen."""
        answers = tuple(
            dataclasses.replace(button, chosen=button.id == value, focused=False)
            for button in self._page.answers
        )
        return dataclasses.replace(self._page, answers=answers)

    def take(self, given: PageInput, layout: Layout) -> Reply | None:
        """React to a key or a click; None when the participant is not done with the page."""
        if not isinstance(given, KeyPress):
            button = layout.button_at(given.x, given.y)
            return self._press(button.id) if button is not None else None
        key = digit_of(given.key) or given.key
        if key == ESCAPE:
            return Reply("stop")
        if key in DELETE:
            has_back = any(button.id == "back" for button in self._page.commands)
            return Reply("back") if has_back else None
        if key in ENTER:
            return self._press(self._focus) if self._focus is not None else None
        for button in self._page.answers:
            if button.key and button.key == key:
                return self._press(button.id)
        self._move(key)
        return None

    def _press(self, id: str) -> Reply | None:
        if id == "back":
            return Reply("back")
        if id == "no_answer":
            return Reply("no_answer")
        if not any(button.id == id for button in self._page.answers):
            return Reply("next", id)
        verdict = self._judge(id) if self._judge is not None else Verdict(id)
        if verdict.value is None:
            self._refused, self._focus = verdict.message, id
            return Reply("refused", id, verdict.message)
        return Reply("answer", verdict.value)

    def _move(self, key: str) -> None:
        """Move the frame that Enter presses."""
        answers = [button.id for button in self._page.answers]
        commands = [button.id for button in self._page.commands]
        beside = self._page.kind == "row"
        keys = ("left", "right") if beside else ("up", "down")
        if key not in ("left", "right", "up", "down"):
            return
        if self._focus is None:
            self._focus = answers[0]
        elif self._focus in commands:
            self._focus = _moved(self._focus, commands, key, ("left", "right"))
            if key == "up" and answers:
                self._focus = answers[len(answers) // 2 if beside else -1]
        elif key == "down" and (beside or self._focus == answers[-1]):
            self._focus = "no_answer" if "no_answer" in commands else commands[-1]
        else:
            self._focus = _moved(self._focus, answers, key, keys)


class Entry:
    """A page on which a number or a time of day is typed.

    Parameters
    ----------
    page : Page
        The page, with its number pad and commands.
    judge : callable
        Judges what was typed.
    item : Item
        What is asked.
    given : str
        The former answer.
    """

    def __init__(self, page: Page, *, judge: Callable[[str], Verdict], item: Item, given: str = "") -> None:
        self._page = page
        self._judge = judge
        self._is_time = item.kind == "time"
        self._decimals = item.decimals
        self._typed = given.replace(":", "") if self._is_time else given
        self._message = ""
        self._questioned: str | None = None
        self._focus = "next"

    def page(self) -> Page:
        """Return the page as it is to be shown now."""
        commands = _focusing(self._focus)(self._page.commands)
        return dataclasses.replace(self._page, entry=self._shown(), commands=commands, message=self._message)

    def take(self, given: PageInput, layout: Layout) -> Reply | None:
        """React to a key or a click; None when the participant is not done with the page."""
        if not isinstance(given, KeyPress):
            button = layout.button_at(given.x, given.y)
            return self._press(button.id) if button is not None else None
        digit = digit_of(given.key)
        if digit is not None:
            return self._press(digit)
        if given.key in _POINT and self._decimals:
            return self._press("point")
        if given.key in _COLON and self._is_time and len(self._typed) == 1:
            self._typed = f"0{self._typed}"
        if given.key == ESCAPE:
            return Reply("stop")
        if given.key in DELETE:
            return self._press("delete" if self._typed else "back")
        if given.key in ENTER:
            return self._press(self._focus)
        self._focus = _moved(
            self._focus, [one.id for one in self._page.commands], given.key, ("left", "right")
        )
        return None

    def _press(self, id: str) -> Reply | None:
        if id == "no_answer":
            return Reply("no_answer")
        if id == "back":
            return Reply("back") if any(one.id == "back" for one in self._page.commands) else None
        if id == "next":
            return self._confirm()
        self._focus, self._message = "next", ""
        longest = 4 if self._is_time else _LONGEST_ENTRY
        if id == "delete":
            self._typed = self._typed[:-1]
        elif id == "point":
            self._typed += "." if "." not in self._typed and self._typed else ""
        elif len(self._typed) < longest:
            self._typed += id
        return None

    def _confirm(self) -> Reply:
        verdict = self._judge(self._typed)
        if verdict.value is not None and (not verdict.question or self._questioned == verdict.value):
            return Reply("answer", verdict.value)
        self._message = verdict.message
        self._questioned = verdict.value
        kind: Literal["question", "refused"] = "question" if verdict.question else "refused"
        return Reply(kind, self._typed or None, verdict.message)

    def _shown(self) -> str:
        """Show a time with its colon and with the places that are still empty."""
        if not self._is_time:
            return self._typed or "_"
        filled = self._typed.ljust(4, "_")
        return f"{filled[:2]}:{filled[2:]}"


def question_page(
    item: Item,
    texts: Texts,
    *,
    stem: str,
    number: int,
    total: int,
    given: str | None,
    can_go_back: bool,
) -> Page:
    """Make the page of an item.

    Parameters
    ----------
    item : Item
        What is asked.
    texts : Texts
        Labels in the participant's language.
    stem : str
        What is read above every item of the questionnaire.
    number, total : int
        Which page of how many.
    given : str or None
        The former answer.
    can_go_back : bool
        Whether there is a page before.
    """
    say = texts.buttons
    commands = [Button(id="back", label=say["back"], slot="left")] if can_go_back else []
    commands.append(Button(id="no_answer", label=say["no_answer"]))
    progress = texts.pages["progress"].format(number=number, total=total)
    if item.options:
        return Page(
            name=item.id,
            text=item.text,
            stem=stem,
            kind="row" if item.kind == "rating" and len(item.options) <= 7 else "column",
            answers=_answer_buttons(item, given),
            commands=tuple(commands),
            progress=progress,
            hint=texts.hints["digits" if answer_keys(item) else "arrows"],
        )
    commands.append(Button(id="next", label=say["next"], slot="right"))
    return Page(
        name=item.id,
        text=item.text,
        stem=stem,
        kind="entry",
        unit=item.unit,
        pad=_number_pad(item, say["delete"]),
        commands=tuple(commands),
        progress=progress,
        hint=texts.hints["typed"],
    )


def answer_keys(item: Item) -> dict[str, str]:
    """Return the number keys of the answers: the number itself, or the place in the list.

    Where ratings have more than one digit there are none: a 1 could mean 10.

    Examples
    --------
    >>> sex = Item(id="sex", kind="choice", text="", meaning="", options=(("F", "female"), ("M", "male")))
    >>> answer_keys(sex)
    {'F': '1', 'M': '2'}
    """
    values = [value for value, _ in item.options]
    if item.kind == "rating":
        return {value: value for value in values} if all(len(value) == 1 for value in values) else {}
    return {value: str(number) for number, value in enumerate(values, start=1)} if len(values) < 10 else {}


def digit_of(key: str) -> str | None:
    """Return the digit of a number key, of the row or of the keypad.

    >>> digit_of("7"), digit_of("num_7"), digit_of("up")
    ('7', '7', None)
    """
    digit = key.removeprefix("num_")
    return digit if len(digit) == 1 and digit in "0123456789" else None


def _answer_buttons(item: Item, given: str | None) -> tuple[Button, ...]:
    keys = answer_keys(item)
    return tuple(
        Button(id=value, label=label, role="answer", key=keys.get(value, ""), chosen=value == given)
        for value, label in item.options
    )


def _number_pad(item: Item, delete: str) -> tuple[Button, ...]:
    digits = [Button(id=digit, label=digit, role="pad") for digit in "1234567890"]
    last = Button(id="delete", label=delete, role="pad")
    if not item.decimals:
        blank = [Button(id="", label="", role="pad")]
        return (*digits[:9], *blank, digits[9], last)
    return (*digits[:9], Button(id="point", label=".", role="pad"), digits[9], last)


def _focusing(focus: str | None) -> Callable[[Sequence[Button]], tuple[Button, ...]]:
    def mark(buttons: Sequence[Button]) -> tuple[Button, ...]:
        return tuple(dataclasses.replace(button, focused=button.id == focus) for button in buttons)

    return mark


def _moved(focus: str, ids: Sequence[str], key: str, keys: tuple[str, str]) -> str:
    if focus not in ids or key not in keys:
        return focus
    step = -1 if key == keys[0] else 1
    return ids[min(max(ids.index(focus) + step, 0), len(ids) - 1)]
