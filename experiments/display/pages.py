"""Pages with buttons that are clicked or reached by keys: what is on them, and where.

A questionnaire is written against the Protocol `PageDisplay`. The real one is in ``pages_window.py``, the
twin on a virtual clock in ``pages_simulated.py``. Where things are is decided here for both: a click on the
twin is a click at a place of the screen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

from experiments.display import KeyPress

Role = Literal["answer", "command", "pad"]


class Click(NamedTuple):
    """The left button of the mouse went down, or a finger touched the screen."""

    x: float
    """Pixels from the left edge of the page."""
    y: float
    """Pixels from its upper edge."""
    time_s: float
    """Seconds on the session's clock."""


PageInput = KeyPress | Click


class WindowClosed(Exception):  # noqa: N818 (it is a decision, not an error)
    """Someone closed the window."""


@dataclass(frozen=True, kw_only=True)
class Button:
    """Something that can be clicked."""

    id: str
    """What it stands for."""
    label: str
    """What is read on it."""
    role: Role = "command"
    """An answer, a command below the page, or a key of the number pad."""
    key: str = ""
    """The key that does the same, shown on the button; empty: none is shown."""
    chosen: bool = False
    """Whether it is the answer that was given."""
    focused: bool = False
    """Whether Enter would press it."""
    slot: Literal["left", "middle", "right"] = "middle"
    """Where a command stands, so that it is at the same place on every page."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """What is on the screen."""

    name: str
    """The item that is asked, or the page's own name."""
    text: str
    """The question or the instruction."""
    stem: str = ""
    """What is read above the question on every page of a questionnaire."""
    kind: Literal["text", "row", "column", "entry"] = "text"
    """Only text; answers beside or below one another; something is typed."""
    answers: tuple[Button, ...] = ()
    """Answers to choose from."""
    entry: str = ""
    """What was typed so far."""
    unit: str = ""
    """What stands behind it."""
    pad: tuple[Button, ...] = ()
    """Keys of a number pad, in rows of three."""
    commands: tuple[Button, ...] = ()
    """Buttons at the bottom."""
    progress: str = ""
    """Such as 7 / 20."""
    message: str = ""
    """Why an answer was not accepted."""
    hint: str = ""
    """How to answer."""

    @property
    def buttons(self) -> tuple[Button, ...]:
        """Everything that can be clicked."""
        return (*self.answers, *self.pad, *self.commands)


class Box(NamedTuple):
    """A place on the page, in pixels from its upper left corner."""

    left: float
    top: float
    width: float
    height: float

    @property
    def centre(self) -> tuple[float, float]:
        """Its middle."""
        return self.left + self.width / 2, self.top + self.height / 2

    def holds(self, x: float, y: float) -> bool:
        """Say whether a point lies in it."""
        return self.left <= x <= self.left + self.width and self.top <= y <= self.top + self.height


class Line(NamedTuple):
    """A text at a place."""

    text: str
    box: Box
    height_px: float
    """Height of its letters."""
    style: Literal["text", "quiet", "warning", "entry"]


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where everything is."""

    size_px: tuple[int, int]
    buttons: tuple[tuple[Button, Box, float], ...]
    """Button, place, height of its letters."""
    lines: tuple[Line, ...]

    def button_at(self, x: float, y: float) -> Button | None:
        """Return the button at a point."""
        return next((button for button, box, _ in self.buttons if box.holds(x, y)), None)

    def box_of(self, id: str) -> Box:
        """Return the place of a button."""
        return next(box for button, box, _ in self.buttons if button.id == id)


class PageDisplay(Protocol):
    """A screen for pages, with mouse and keyboard."""

    size_px: tuple[int, int]
    """Width and height."""

    def now(self) -> float:
        """Return the time on the session's clock (s)."""

    def describe(self) -> dict[str, Any]:
        """Return what the session's record says of the display."""

    def show(self, page: Page) -> float:
        """Show a new page; return when it appeared, on the session's clock (s)."""

    def update(self, page: Page) -> None:
        """Show the same page after something on it has changed."""

    def inputs(self) -> list[PageInput]:
        """Wait a moment and return the keys and clicks since the last call, in order of time.

        Raises
        ------
        WindowClosed
            If the window was closed.
        """

    def picture(self, path: Path) -> None:
        """Save what is on the screen as a PNG file; the twin has nothing to save."""

    def close(self) -> None:
        """Close the window; may be called twice."""


def arrange(page: Page, size_px: tuple[int, int]) -> Layout:
    """Decide where everything on a page is.

    Parameters
    ----------
    page : Page
        What is to be shown.
    size_px : tuple of int
        Width and height of the window.

    Returns
    -------
    Layout
        Places in pixels from the upper left corner.

    Examples
    --------
    >>> page = Page(name="glad", text="glad", kind="row", answers=(Button(id="1", label="no"),))
    >>> layout = arrange(page, (1000, 800))
    >>> layout.button_at(*layout.box_of("1").centre).label
    'no'
    """
    width, height = size_px
    unit = min(height / 30, width / 42)
    lines = [Line(page.progress, Box(0, 0.03 * height, width, 1.2 * unit), 0.8 * unit, "quiet")]
    buttons: list[tuple[Button, Box]] = []
    if page.kind == "text":
        place = Box(0.12 * width, 0.08 * height, 0.76 * width, 0.66 * height)
        lines.append(_line(page.text, place, 1.05 * unit, "text"))
    else:
        above = Box(0.06 * width, 0.075 * height, 0.88 * width, 0.058 * height)
        lines.append(_line(page.stem, above, 0.95 * unit, "quiet"))
        place = Box(0.06 * width, 0.135 * height, 0.88 * width, 0.14 * height)
        lines.append(_line(page.text, place, 1.6 * unit, "text"))
    if page.kind == "row":
        buttons += _row(page.answers, Box(0.04 * width, 0.38 * height, 0.92 * width, 0.24 * height), unit)
    elif page.kind == "column":
        buttons += _column(page.answers, Box(0.2 * width, 0.3 * height, 0.6 * width, 0.42 * height), unit)
    elif page.kind == "entry":
        box = Box(width / 2 - 8 * unit, 0.29 * height, 16 * unit, 2.4 * unit)
        lines.append(Line(f"{page.entry} {page.unit}".strip(), box, 1.5 * unit, "entry"))
        buttons += _pad(page.pad, Box(width / 2 - 8 * unit, 0.4 * height, 16 * unit, 0.33 * height))
    lines.append(
        _line(page.message, Box(0.06 * width, 0.74 * height, 0.88 * width, 0.09 * height), unit, "warning")
    )
    buttons += _commands(page.commands, Box(0.04 * width, 0.85 * height, 0.92 * width, 2.3 * unit), unit)
    lines.append(
        _line(page.hint, Box(0.03 * width, 0.95 * height, 0.94 * width, 1.1 * unit), 0.62 * unit, "quiet")
    )
    placed = _with_letters(buttons, unit)
    return Layout(size_px=size_px, buttons=placed, lines=tuple(line for line in lines if line.text))


def fitting_height(text: str, box: Box, largest_px: float) -> float:
    """Return the largest height of letters at which a text fits into a place, at most `largest_px`.

    Letters are taken to be 0.62 of their height wide on average and lines to be 1.35 apart; a word is never
    wider than the place.

    Examples
    --------
    >>> fitting_height("short", Box(0, 0, 500, 100), 20)
    20
    >>> fitting_height("a rather long text " * 10, Box(0, 0, 300, 100), 20) < 20
    True
    """
    size = largest_px
    while size > 6:
        per_line = max(1, int(box.width / (0.62 * size)))
        longest = max((len(word) for word in text.split()), default=0)
        n_lines = sum(_n_lines(part, per_line) for part in text.split("\n"))
        if n_lines * 1.35 * size <= box.height and longest <= per_line:
            break
        size *= 0.95
    return size


def _n_lines(text: str, per_line: int) -> int:
    """Count the lines that a text takes when it is broken between words."""
    lines, used = 1, 0
    for word in text.split():
        if used and used + 1 + len(word) > per_line:
            lines, used = lines + 1, len(word)
        else:
            used += len(word) + (1 if used else 0)
    return lines


def _line(text: str, box: Box, largest_px: float, style: Any) -> Line:
    return Line(text, box, fitting_height(text, box, largest_px), style)


def _letter_height(button: Button, box: Box, unit: float) -> float:
    inner = Box(box.left, box.top, 0.9 * box.width, (0.62 if button.key else 0.9) * box.height)
    return fitting_height(button.label, inner, (1.1 if button.role == "pad" else 0.95) * unit)


def _with_letters(
    buttons: Sequence[tuple[Button, Box]], unit: float
) -> tuple[tuple[Button, Box, float], ...]:
    """Add the height of the letters, which is the same on all answers: none stands out."""
    heights = [_letter_height(button, box, unit) for button, box in buttons]
    smallest = {
        role: min((high for (button, _), high in zip(buttons, heights, strict=True) if button.role == role))
        for role in {button.role for button, _ in buttons}
    }
    return tuple((button, box, smallest[button.role]) for button, box in buttons)


def _row(answers: Sequence[Button], place: Box, unit: float) -> list[tuple[Button, Box]]:
    gap = 0.5 * unit
    wide = min((place.width - gap * (len(answers) - 1)) / len(answers), 9 * unit)
    left = place.left + (place.width - len(answers) * wide - (len(answers) - 1) * gap) / 2
    return [
        (button, Box(left + index * (wide + gap), place.top, wide, place.height))
        for index, button in enumerate(answers)
    ]


def _column(answers: Sequence[Button], place: Box, unit: float) -> list[tuple[Button, Box]]:
    """Put answers below one another, in several columns when there are more than six."""
    n_columns = math.ceil(len(answers) / 6)
    n_rows = math.ceil(len(answers) / n_columns)
    gap = 0.45 * unit
    high = min((place.height - gap * (n_rows - 1)) / n_rows, 2.6 * unit)
    wide = (place.width - gap * (n_columns - 1)) / n_columns
    return [
        (
            button,
            Box(
                place.left + (index // n_rows) * (wide + gap),
                place.top + (index % n_rows) * (high + gap),
                wide,
                high,
            ),
        )
        for index, button in enumerate(answers)
    ]


def _pad(keys: Sequence[Button], place: Box) -> list[tuple[Button, Box]]:
    if not keys:
        return []
    n_rows = math.ceil(len(keys) / 3)
    wide, high = place.width / 3, place.height / n_rows
    return [
        (
            button,
            Box(
                place.left + (index % 3) * wide + 0.03 * wide,
                place.top + (index // 3) * high + 0.04 * high,
                0.94 * wide,
                0.92 * high,
            ),
        )
        for index, button in enumerate(keys)
        if button.label
    ]


def _commands(commands: Sequence[Button], place: Box, unit: float) -> list[tuple[Button, Box]]:
    """Put commands on the left, in the middle and on the right."""
    wide = min(12 * unit, place.width / 3 - unit)
    free = place.width - wide
    lefts = {"left": place.left, "middle": place.left + free / 2, "right": place.left + free}
    return [(button, Box(lefts[button.slot], place.top, wide, place.height)) for button in commands]
