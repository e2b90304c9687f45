"""A respondent who only exists here: clicks and types, corrects, leaves questions open, mistypes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import numpy as np

from experiments.dataset.forms import Form, Item
from experiments.display import KeyPress
from experiments.display.pages import Click, Layout, Page, PageInput
from experiments.questionnaires.question import answer_keys

OPEN = 0.02
"""How often a question is left open."""
CORRECTED = 0.03
"""How often the respondent goes back to the page before."""
MISTYPED = 0.1
"""How often a number is first typed so that it cannot be right."""


class SimulatedRespondent:
    """Someone who answers at random, in every way that there is.

    Parameters
    ----------
    forms : iterable of Form
        What will be asked.
    rng : numpy.random.Generator
        Source of randomness.
    now : datetime
        For times of day that can be right.
    """

    def __init__(self, forms: Iterable[Form], *, rng: np.random.Generator, now: datetime) -> None:
        self._items = {item.id: item for form in forms for item in form.items}
        self._rng = rng
        self._now = now

    def react(self, page: Page, layout: Layout, onset_s: float) -> Sequence[PageInput]:
        """Read a page and answer it by mouse or keyboard."""
        time_s = onset_s + 0.4 + float(self._rng.gamma(3.0, 0.3))
        commands = [button.id for button in page.commands]
        item = self._items.get(page.name)
        if item is None:
            return [self._click(commands[-1], layout, time_s)]
        if not page.message:
            if self._rng.random() < OPEN:
                return [self._click("no_answer", layout, time_s)]
            if "back" in commands and self._rng.random() < CORRECTED:
                return [self._click("back", layout, time_s)]
        if item.options:
            return self._choose(item, layout, time_s)
        return self._type(item, page, layout, time_s)

    def _choose(self, item: Item, layout: Layout, time_s: float) -> list[PageInput]:
        value = str(self._rng.choice([value for value, _ in item.options]))
        keys = answer_keys(item)
        if keys and self._rng.random() < 0.5:
            return [KeyPress(keys[value], time_s)]
        return [self._click(value, layout, time_s)]

    def _type(self, item: Item, page: Page, layout: Layout, time_s: float) -> list[PageInput]:
        wrong = not page.message and self._rng.random() < MISTYPED
        typed = "99" if wrong and item.kind == "time" else "1" if wrong else self._right(item)
        n_before = len(page.entry.replace("_", "").replace(":", ""))
        keys = ["backspace"] * n_before + [{".": "period"}.get(one, one) for one in typed] + ["return"]
        inputs: list[PageInput] = [KeyPress(key, time_s + 0.2 * place) for place, key in enumerate(keys)]
        if self._rng.random() < 0.5:
            clicked = {"backspace": "delete", "period": "point", "return": "next"}
            inputs = [
                self._click(clicked.get(one.key, one.key), layout, one.time_s)
                for one in inputs
                if isinstance(one, KeyPress)
            ]
        return inputs

    def _right(self, item: Item) -> str:
        """Draw an entry that needs no second thought."""
        if item.kind == "time":
            return f"{self._now:%H%M}"
        low, high = item.usual or (item.minimum, item.maximum)
        value = float(np.clip(self._rng.normal((low + high) / 2, (high - low) / 8), low, high))
        return f"{value:.{item.decimals}f}"

    def _click(self, id: str, layout: Layout, time_s: float) -> Click:
        return Click(*layout.box_of(id).centre, time_s)
