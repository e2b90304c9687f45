"""Whether what was typed can be right, and what is said about it when not."""

from __future__ import annotations

import re
from datetime import datetime
from typing import NamedTuple

from experiments.dataset.forms import Item
from experiments.dataset.phenotype import last_time_of_day
from experiments.questionnaires.texts import Texts


class Verdict(NamedTuple):
    """What is thought of an entry."""

    value: str | None
    """The answer; None when it cannot be right."""
    message: str = ""
    """What is said about it."""
    question: bool = False
    """Whether it is accepted when it is confirmed."""


def judge_number(item: Item, typed: str, texts: Texts) -> Verdict:
    """Judge a typed number.

    Examples
    --------
    >>> from experiments.questionnaires.texts import read_texts
    >>> height = Item(id="h", kind="number", text="", meaning="", unit="cm", minimum=120, maximum=230)
    >>> judge_number(height, "172", read_texts("en"))
    Verdict(value='172', message='', question=False)
    >>> judge_number(height, "17.2", read_texts("en")).message
    'Please type a whole number.'
    >>> judge_number(height, "17", read_texts("en")).message
    'Please type a number from 120 to 230 cm.'
    """
    say = texts.messages
    if not typed:
        return Verdict(None, say["empty"])
    point = re.fullmatch(r"(\d{1,6})(?:\.(\d*))?", typed.replace(",", "."))
    if point is None:
        return Verdict(None, say["not_a_number"].format(example=_plain(item.minimum)))
    decimals = (point[2] or "").rstrip("0")
    if len(decimals) > item.decimals:
        key = "too_many_decimals" if item.decimals else "too_exact"
        return Verdict(None, say[key].format(decimals=item.decimals))
    value = float(f"{point[1]}.{decimals or 0}")
    if not item.minimum <= value <= item.maximum:
        limits = {"minimum": _plain(item.minimum), "maximum": _plain(item.maximum), "unit": item.unit}
        return Verdict(None, say["out_of_range"].format(**limits).replace(" .", "."))
    if item.usual and not item.usual[0] <= value <= item.usual[1]:
        return Verdict(
            _plain(value), say["unusual"].format(value=_plain(value), unit=item.unit), question=True
        )
    return Verdict(_plain(value))


def judge_time(item: Item, typed: str, texts: Texts, *, now: datetime) -> Verdict:
    """Judge a typed time of day: four digits.

    Examples
    --------
    >>> from experiments.questionnaires.texts import read_texts
    >>> pill = Item(id="pill_time", kind="time", text="", meaning="", usual=(0, 12))
    >>> noon = datetime(2026, 11, 22, 12, 0)
    >>> judge_time(pill, "0935", read_texts("en"), now=noon).value
    '09:35'
    >>> judge_time(pill, "2535", read_texts("en"), now=noon).value
    >>> judge_time(pill, "1215", read_texts("en"), now=noon).question
    True
    """
    if not re.fullmatch(r"([01]\d|2[0-3])[0-5]\d", typed):
        return Verdict(None, texts.messages["not_a_time"])
    value = f"{typed[:2]}:{typed[2:]}"
    if item.usual is not None:
        hours_ago = (now - last_time_of_day(value, before=now)).total_seconds() / 3600
        if hours_ago > item.usual[1]:
            said = texts.messages["long_ago"].format(value=value, hours=_plain(item.usual[1]))
            return Verdict(value, said, question=True)
    return Verdict(value)


def agrees(item: Item, value: str, known: str | None) -> bool:
    """Say whether an answer is what was noted before; ages may differ by a birthday that was not counted.

    >>> age = Item(id="age", kind="number", text="", meaning="", minimum=16, maximum=99)
    >>> agrees(age, "24", "24.6"), agrees(age, "25", "24"), agrees(age, "31", None)
    (True, False, True)
    """
    if known is None:
        return True
    if item.kind == "number":
        return int(float(known)) == int(float(value))
    return known == value


def _plain(number: float) -> str:
    """Write a number without a needless point."""
    return f"{number:g}"
