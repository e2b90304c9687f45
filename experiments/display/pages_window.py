"""Pages in a real PsychoPy window, with mouse (or touch screen) and keyboard."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from experiments.display import Watched
from experiments.display.keyboard import PtbKeyboard
from experiments.display.pages import Button, Click, Line, Page, PageInput, WindowClosed, arrange

POLL_S = 0.005
"""How long one look at mouse and keyboard takes."""
REDRAWN_S = 0.5
"""A page is drawn again so often: another window may have covered it."""

BACKGROUND = (238, 238, 236)
_INK = {"text": (25, 25, 25), "quiet": (105, 105, 105), "warning": (170, 30, 20), "entry": (25, 25, 25)}
_BUTTON, _CHOSEN = (255, 255, 255), (45, 95, 160)
_EDGE, _FOCUS = (165, 165, 165), (20, 60, 120)


class WindowPages:
    """A PsychoPy window for pages.

    Nothing on these pages is timed to the refresh of the screen, so any screen will do.

    Parameters
    ----------
    size_px : tuple of int
        Width and height of the window; a full screen takes the screen's own size.
    fullscreen : bool
        Whether to fill the screen.
    screen : int
        Which screen, from 0.
    now : callable
        The session's clock (s).

    Raises
    ------
    RuntimeError
        If no window can be opened, or the keyboard cannot be read.
    """

    def __init__(
        self, *, size_px: tuple[int, int], fullscreen: bool, screen: int, now: Callable[[], float]
    ) -> None:
        self.now = now
        self._texts: dict[tuple[Any, ...], Any] = {}
        self._clicks: list[PageInput] = []
        self._window_closed = False
        self._page: Page | None = None
        self._drawn_s = 0.0
        self._fullscreen = fullscreen
        self._window, self._visual = _open_window(size_px, fullscreen, screen)
        self.size_px = (int(self._window.size[0]), int(self._window.size[1]))
        self._handle = self._window.winHandle
        self._handle.push_handlers(on_mouse_press=self._pressed, on_close=self._closing)
        self._box = self._visual.Rect(
            self._window, units="pix", colorSpace="rgb255", lineWidth=2, autoLog=False
        )
        try:
            self._keyboard = PtbKeyboard(now=now)
            self._keyboard.begin(Watched(onset_s=now()))
            self._keyboard.presses()
        except BaseException:
            self._window.close()
            raise

    def describe(self) -> dict[str, Any]:
        """Return what the record says of the display."""
        return {"kind": "window", "size_px": list(self.size_px), "fullscreen": self._fullscreen}

    def show(self, page: Page) -> float:
        """Show a page; return when it was handed to the screen (s)."""
        self._page = page
        self._draw(page)
        self._window.flip()
        self._drawn_s = self.now()
        return self._drawn_s

    def update(self, page: Page) -> None:
        """Show the same page after something on it has changed."""
        self.show(page)

    def inputs(self) -> list[PageInput]:
        """Wait some milliseconds and return the keys and clicks since the last call, in order of time."""
        time.sleep(POLL_S)
        self._handle.switch_to()
        self._handle.dispatch_events()
        if self._window_closed:
            raise WindowClosed("the window was closed")
        clicks, self._clicks = self._clicks, []
        found: list[PageInput] = [*clicks, *self._keyboard.presses()]
        if self._page is not None and self.now() - self._drawn_s > REDRAWN_S:
            self.show(self._page)
        return sorted(found, key=lambda one: one.time_s)

    def picture(self, path: Path) -> None:
        """Save what is on the screen as a PNG file."""
        if self._page is not None:
            self._draw(self._page)
            picture = self._window._getFrame(buffer="back").convert("RGB")
            self._window.flip()
            picture.quantize(64).save(path, optimize=True)

    def close(self) -> None:
        """Close the window; may be called twice."""
        if self._page is not None or self._texts:
            self._page = None
            self._texts.clear()
        if not getattr(self._window, "_closed", False):
            self._keyboard.close()
            self._window.close()

    def _pressed(self, x: int, y: int, button: int, modifiers: int) -> None:
        """Take note of a click; the toolkit counts from the lower left corner, in its own pixels."""
        from pyglet.window import mouse

        if button == mouse.LEFT:
            wide, high = self._handle.get_size()
            place = (x / wide * self.size_px[0], (high - y) / high * self.size_px[1])
            self._clicks.append(Click(*place, self.now()))

    def _closing(self) -> bool:
        """Take note that the window should be closed; whoever asks for inputs ends in order."""
        self._window_closed = True
        return True

    def _draw(self, page: Page) -> None:
        layout = arrange(page, self.size_px)
        for button, box, letters_px in layout.buttons:
            self._draw_button(button, box, letters_px)
        for line in layout.lines:
            self._draw_line(line)

    def _draw_button(self, button: Button, box: Any, letters_px: float) -> None:
        x, y = self._position(*box.centre)
        self._box.pos, self._box.size = (x, y), (box.width, box.height)
        self._box.fillColor = _CHOSEN if button.chosen else _BUTTON
        self._box.lineColor = _FOCUS if button.focused else _EDGE
        self._box.lineWidth = 6 if button.focused else 2
        self._box.draw()
        ink = (255, 255, 255) if button.chosen else _INK["text"]
        lower = 0.0
        if button.key and button.role == "answer":
            lower = 0.13 * box.height
            quiet = (225, 225, 225) if button.chosen else _INK["quiet"]
            if box.width < 2.5 * box.height:
                self._draw_text(button.key, (x, y + 0.34 * box.height), 0.9 * box.width, letters_px, quiet)
            else:
                lower = 0.0
                left = (x - box.width / 2 + 1.2 * letters_px, y)
                self._draw_text(button.key, left, box.width, letters_px, quiet)
        self._draw_text(button.label, (x, y - lower), 0.92 * box.width, letters_px, ink)

    def _draw_line(self, line: Line) -> None:
        x, y = self._position(*line.box.centre)
        if line.style == "entry":
            self._box.pos, self._box.size = (x, y), (line.box.width, line.box.height)
            self._box.fillColor, self._box.lineColor, self._box.lineWidth = _BUTTON, _FOCUS, 3
            self._box.draw()
        self._draw_text(line.text, (x, y), line.box.width, line.height_px, _INK[line.style])

    def _draw_text(
        self,
        text: str,
        pos: tuple[float, float],
        width_px: float,
        height_px: float,
        ink: tuple[int, int, int],
    ) -> None:
        key = (text, pos, round(width_px), round(height_px, 1), ink)
        if key not in self._texts:
            self._texts[key] = self._visual.TextStim(
                self._window,
                text=text,
                units="pix",
                pos=pos,
                height=height_px,
                wrapWidth=width_px,
                color=ink,
                colorSpace="rgb255",
                autoLog=False,
            )
        self._texts[key].draw()

    def _position(self, x: float, y: float) -> tuple[float, float]:
        """Turn a place on the page into PsychoPy's: pixels from the middle, upwards."""
        return x - self.size_px[0] / 2, self.size_px[1] / 2 - y


def _open_window(size_px: tuple[int, int], fullscreen: bool, screen: int) -> tuple[Any, Any]:
    from experiments.display.window import _check_screen, _window_trouble

    with _window_trouble():
        from psychopy import logging, visual

        logging.console.setLevel(logging.ERROR)
        _check_screen(screen)
        window = visual.Window(
            size=size_px,
            fullscr=fullscreen,
            screen=screen,
            units="pix",
            color=BACKGROUND,
            colorSpace="rgb255",
            allowGUI=not fullscreen,
            checkTiming=False,
            autoLog=False,
        )
    window.mouseVisible = True
    return window, visual
