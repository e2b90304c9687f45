"""The twin of a window with pages: nothing is shown, and someone who only exists here answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from experiments.display.pages import Layout, Page, PageDisplay, PageInput, arrange
from experiments.display.simulated import VirtualClock

POLL_S = 0.05
"""Virtual seconds that one look at mouse and keyboard takes."""
LONGEST_PAGE_S = 3600.0
"""Virtual seconds after which a respondent who does nothing is given up."""


class Respondent(Protocol):
    """Who answers."""

    def react(self, page: Page, layout: Layout, onset_s: float) -> Sequence[PageInput]:
        """Read a page that appeared at `onset_s` and say what will be pressed or clicked, and when."""


class SimulatedPages:
    """The twin of a window with pages.

    Parameters
    ----------
    clock : VirtualClock
        The session's clock.
    respondent : Respondent
        Who answers.
    size_px : tuple of int
        Size of the screen that is not there.
    """

    def __init__(
        self, clock: VirtualClock, respondent: Respondent, *, size_px: tuple[int, int] = (1920, 1080)
    ) -> None:
        self.size_px = size_px
        self.now = clock.now
        self._clock = clock
        self._respondent = respondent
        self._planned: list[PageInput] = []
        self._name, self._shown_s = "", 0.0

    def describe(self) -> dict[str, Any]:
        """Return what the record says of the display."""
        return {"kind": "simulated", "size_px": list(self.size_px)}

    def show(self, page: Page) -> float:
        """Let the respondent read the page."""
        onset_s = self._clock.now()
        self._name, self._shown_s = page.name, onset_s
        self._planned = list(self._respondent.react(page, arrange(page, self.size_px), onset_s))
        return onset_s

    def update(self, page: Page) -> None:
        """Let the respondent read why an answer was not accepted."""
        if page.message and not self._planned:
            self.show(page)

    def inputs(self) -> list[PageInput]:
        """Let a moment pass; return what the respondent did in it.

        Raises
        ------
        RuntimeError
            If the respondent does nothing any more.
        """
        self._clock.advance(POLL_S)
        now_s = self._clock.now()
        if not self._planned and now_s - self._shown_s > LONGEST_PAGE_S:
            raise RuntimeError(f"the simulated respondent does not answer the page {self._name}")
        due = [one for one in self._planned if one.time_s <= now_s]
        self._planned = [one for one in self._planned if one.time_s > now_s]
        return due

    def picture(self, path: Path) -> None:
        """Do nothing: there is nothing to see."""

    def close(self) -> None:
        """Do nothing: there is no window."""


class AnsweredPages:
    """A real window in which a respondent answers who only exists here; for pictures of every page.

    Parameters
    ----------
    display : PageDisplay
        The window.
    respondent : Respondent
        Who answers.
    pictures : Path or None
        Folder for a picture of each page.
    """

    def __init__(self, display: PageDisplay, respondent: Respondent, *, pictures: Path | None) -> None:
        self.size_px = display.size_px
        self.now = display.now
        self.describe = display.describe
        self.picture = display.picture
        self.close = display.close
        self._display = display
        self._respondent = respondent
        self._pictures = pictures
        self._n_pictures = 0
        self._planned: list[PageInput] = []

    def show(self, page: Page) -> float:
        """Show the page, take its picture, let the respondent read it."""
        onset_s = self._display.show(page)
        if self._pictures is not None:
            self._n_pictures += 1
            self._pictures.mkdir(parents=True, exist_ok=True)
            self._display.picture(self._pictures / f"{self._n_pictures:03}_{page.name}.png")
        self._planned = list(self._respondent.react(page, arrange(page, self.size_px), onset_s))
        return onset_s

    def update(self, page: Page) -> None:
        """Show what has changed; let the respondent read why an answer was not accepted."""
        if page.message and not self._planned:
            self.show(page)
        else:
            self._display.update(page)

    def inputs(self) -> list[PageInput]:
        """Return what the respondent did; what happens at the real mouse and keyboard does not count."""
        self._display.inputs()
        now_s = self.now()
        due = [one for one in self._planned if one.time_s <= now_s]
        self._planned = [one for one in self._planned if one.time_s > now_s]
        return due
