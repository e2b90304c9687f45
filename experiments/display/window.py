"""The real screen: a PsychoPy window whose flips are timed, with videos that are loaded in the background."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from experiments.display import Film, Flip
from experiments.display.loading import FilmLoader
from experiments.display.textures import FrameTextures
from experiments.display.timing import RefreshGrid, measured_refresh_hz

MEASURED_FLIPS = 120
"""Flips over which the refresh rate is measured, after as many again to warm up on a slow start."""

LARGEST_DEVIATION = 0.01
"""Largest relative difference between the measured refresh rate and the one in the rig file."""

UPLOAD_S = 0.005
"""Time after each flip that may be spent on copying frames to the graphics card."""


class WindowDisplay:
    """A PsychoPy window.

    Parameters
    ----------
    size_px : tuple of int
        Width and height of the window; a full screen takes the screen's own size.
    fullscreen : bool
        Whether to fill the screen; timing in a window is worse.
    screen : int
        Which screen, from 0.
    now : callable
        The session's clock (s).
    background_rgb, text_rgb : tuple of int
        Colours, 0 to 255.
    expected_hz : float or None
        Refresh rate that the screen is set to; None accepts any.
    unmeasured_hz : float or None
        If the refresh cannot be measured, because the screen has none (a virtual screen), flips are paced by
        the computer's clock at this rate. None refuses such a screen.

    Raises
    ------
    ValueError
        If the refresh cannot be measured, or is not the expected one.
    RuntimeError
        If no window can be opened.
    """

    def __init__(
        self,
        *,
        size_px: tuple[int, int],
        fullscreen: bool,
        screen: int,
        now: Callable[[], float],
        background_rgb: tuple[int, int, int],
        text_rgb: tuple[int, int, int],
        expected_hz: float | None,
        unmeasured_hz: float | None,
    ) -> None:
        self.now = now
        self.refresh_hz = float("nan")
        self.ready_s: float | None = None
        self._paced = False
        self._closed = False
        self._close_asked = False
        self._fullscreen = fullscreen
        self._grid = RefreshGrid(refresh_hz=60.0, start_s=now())
        self._text_rgb = text_rgb
        self._texts: dict[str, Any] = {}
        self._patch: Any = None
        self._loader: FilmLoader | None = None
        self._film: Film | None = None
        self._problem: ValueError | None = None
        self._on_flip: Callable[[], None] | None = None
        self._flipped_s: float | None = None
        self._window, self._visual, self._core, self._rushed = _open_window(
            size_px, fullscreen, screen, background_rgb
        )
        self._window.winHandle.set_handler("on_close", self._note_close)
        self._textures = FrameTextures(tuple(self._window.frameBufferSize))
        try:
            self._cross = self._make_cross()
            self._flip_window()
            self._find_refresh(expected_hz, unmeasured_hz)
        except BaseException:
            self.close()
            raise

    def describe(self) -> dict[str, Any]:
        """Return what the session's record says of the display."""
        return {
            "kind": "window",
            "size_px": [int(side) for side in self._window.frameBufferSize],
            "fullscreen": self._fullscreen,
            "refresh_hz": self.refresh_hz,
            "refresh_measured": not self._paced,
            "paced_by_software": self._paced,
            "real_time_priority": self._rushed,
            "graphics": _graphics_name(),
        }

    def rehearse(self, texts: Sequence[str]) -> None:
        """Get texts ready: each is laid out and drawn once, and not shown."""
        for text in texts:
            self.text(text)
        self._forget_drawing()

    def text(self, text: str) -> None:
        """Draw a text in the middle."""
        if text not in self._texts:
            height_px = self._window.size[1] / 30
            self._texts[text] = self._visual.TextStim(
                self._window,
                text=text,
                units="pix",
                height=height_px,
                wrapWidth=0.85 * self._window.size[0],
                color=self._text_rgb,
                colorSpace="rgb255",
                autoLog=False,
            )
        self._texts[text].draw()

    def cross(self) -> None:
        """Draw the fixation cross in the middle."""
        self._cross.draw()

    def patch(self, level: int) -> None:
        """Draw a square of a grey (0 to 255) into the upper left corner, where a photodiode is put."""
        if self._patch is None:
            width_px, height_px = self._window.size
            side_px = height_px / 8
            self._patch = self._visual.Rect(
                self._window,
                units="pix",
                pos=((side_px - width_px) / 2, (height_px - side_px) / 2),
                size=side_px,
                lineWidth=0,
                colorSpace="rgb255",
                autoLog=False,
            )
        self._patch.fillColor = (level, level, level)
        self._patch.draw()

    def prepare(self, film: Film) -> None:
        """Begin to load a video in place of the one before."""
        self._stop_loading()
        if self._textures.reserve(film.n_frames, film.height_px, film.width_px):
            self._textures.draw(0)  # the first time takes longer, and shall not be in a trial
            self._forget_drawing()
        self._film, self._loader = film, FilmLoader(film)

    def film_ready(self) -> bool:
        """Say whether all frames of the prepared video are on the graphics card."""
        if self._problem is not None:
            raise self._problem
        return self._film is not None and self._loader is None

    def frame(self, index: int) -> None:
        """Draw a frame of the video in the middle."""
        self._textures.draw(index)

    def next_refresh(self) -> int:
        """Return the number of the next refresh that can still be reached."""
        return self._grid.number + self._grid.steps_after(self.now())

    def flip(self, on_flip: Callable[[], None] | None = None) -> Flip:
        """Show what was drawn, call `on_flip` first thing after it, then go on loading."""
        self._on_flip = on_flip
        grid = self._grid
        expected_s, steps = grid.time_s + grid.period_s, 0
        if self._paced:
            steps = self._wait_for_refresh()
        time_s = self._flip_window()
        steps = steps + grid.catch_up(time_s) if self._paced else grid.observe(time_s)
        self._go_on_loading()
        return Flip(time_s, expected_s, grid.number, max(0, steps - 1))

    def pixels(self) -> Any:
        """Return what was drawn and appears with the next flip, shape ``(height_px, width_px, 3)``, uint8.

        Slow: for tests of what reaches the graphics card.
        """
        return np.asarray(self._window._getFrame(buffer="back").convert("RGB"))

    def close_asked(self) -> bool:
        """Say whether someone tried to close the window since this was asked last; it stays open."""
        asked, self._close_asked = self._close_asked, False
        return asked

    def close(self) -> None:
        """Close the window; may be called twice."""
        self._stop_loading()
        if not self._closed:
            self._closed = True
            self._textures.close()
            self._window.close()
            self._core.rush(False)

    def graphics_objects(self) -> dict[str, int]:
        """Count textures, buffers and display lists in the graphics card."""
        return self._textures.count_objects()

    def _forget_drawing(self) -> None:
        """Have everything drawn that was asked for, then begin again with an empty background."""
        from pyglet import gl

        gl.glFinish()
        self._window.clearBuffer()

    def _flip_window(self) -> float:
        """Flip; return when, by the session's clock: PsychoPy's own is the time of day on Linux."""
        self._flipped_s = None
        self._window.callOnFlip(self._just_flipped)
        self._window.flip()
        assert self._flipped_s is not None
        return self._flipped_s

    def _just_flipped(self) -> None:
        """Call what this flip has to call; what one asked for that was interrupted before is not called."""
        if self._flipped_s is not None:
            return
        self._flipped_s = self.now()
        on_flip, self._on_flip = self._on_flip, None
        if on_flip is not None:
            on_flip()

    def _note_close(self) -> bool:
        """Take note that the window was to be closed; True keeps the toolkit from doing more."""
        self._close_asked = True
        return True

    def _find_refresh(self, expected_hz: float | None, unmeasured_hz: float | None) -> None:
        measured_hz = self._measure() or self._measure()
        if measured_hz is None and unmeasured_hz is None:
            raise ValueError(
                "the refresh of this screen cannot be measured, so nothing could be timed: the flips of the "
                "window do not keep time. Switch vertical synchronisation on in the graphics driver, close "
                "other programs, and use the full screen. A virtual screen has no refresh: for trying things "
                "out there, --allow-unmeasured-refresh lets the computer's clock pace the flips."
            )
        if measured_hz is not None and expected_hz and abs(measured_hz / expected_hz - 1) > LARGEST_DEVIATION:
            raise ValueError(
                f"the screen refreshes {measured_hz:.2f} times a second, the rig file says {expected_hz:g}: "
                f"set the screen to {expected_hz:g} Hz, or write refresh_hz = {measured_hz:.2f} in [monitor]"
            )
        self._paced = measured_hz is None
        self.refresh_hz = measured_hz or unmeasured_hz or float("nan")
        self._grid = RefreshGrid(refresh_hz=self.refresh_hz, start_s=self._flip_window())

    def _measure(self) -> float | None:
        times_s = []
        for _ in range(MEASURED_FLIPS):
            times_s.append(self._flip_window())
        return measured_refresh_hz(times_s)

    def _wait_for_refresh(self) -> int:
        """Wait as a screen would make us wait; return by how many refreshes it is after the one before."""
        from pyglet import gl

        gl.glFinish()
        steps = self._grid.steps_after(self.now())
        self._grid.step(steps)
        while (left_s := self._grid.time_s - self.now()) > 0:
            if left_s > 0.002:
                time.sleep(left_s - 0.0015)
        return steps

    def _go_on_loading(self) -> None:
        """Copy the frames that are decoded to the graphics card, for as long as a flip leaves time.

        What is wrong with the video is kept until it is asked for: what is on the screen does not need it.
        """
        if self._loader is None or self._film is None or self._problem is not None:
            return
        try:
            self._take_frames(self._loader, self._film)
        except ValueError as error:
            self._problem = error

    def _take_frames(self, loader: FilmLoader, film: Film) -> None:
        end_s = self.now() + UPLOAD_S
        while loader.n_taken < film.n_frames and self.now() < end_s:
            frame = loader.take()
            if frame is None:
                return
            self._textures.upload(loader.n_taken - 1, frame)
        if loader.finished():
            self._loader, self.ready_s = None, self.now()

    def _stop_loading(self) -> None:
        if self._loader is not None:
            self._loader.stop()
        self._loader, self._film, self._problem, self.ready_s = None, None, None, None

    def _make_cross(self) -> Any:
        arm_px = self._window.size[1] / 45
        return self._visual.ShapeStim(
            self._window,
            units="pix",
            vertices="cross",
            size=2 * arm_px,
            fillColor=self._text_rgb,
            lineWidth=0,
            colorSpace="rgb255",
            autoLog=False,
        )


def _open_window(
    size_px: tuple[int, int], fullscreen: bool, screen: int, background_rgb: tuple[int, int, int]
) -> tuple[Any, Any, Any, bool]:
    """Open the window; return it, psychopy.visual and .core, and whether priority was granted."""
    from psychopy import core, logging

    logging.console.setLevel(logging.ERROR)
    rushed = bool(core.rush(True))  # before the window: its own threads inherit the priority
    with _window_trouble():
        from psychopy import visual

        _check_screen(screen)
        window = visual.Window(
            size=size_px,
            fullscr=fullscreen,
            screen=screen,
            units="pix",
            color=background_rgb,
            colorSpace="rgb255",
            allowGUI=False,
            checkTiming=False,
            waitBlanking=True,
            autoLog=False,
        )
    window.mouseVisible = False
    return window, visual, core, rushed


@contextmanager
def _window_trouble() -> Iterator[None]:
    """Say what may be wrong when no window can be opened: the toolkits raise exceptions of their own."""
    try:
        yield
    except ValueError:
        raise
    except Exception as error:
        raise RuntimeError(
            f"no window can be opened ({error}). Is a screen connected (on Linux: does DISPLAY name it), and "
            "is its graphics driver installed? On Debian and Ubuntu windows also need: sudo apt-get install "
            "libx11-6 libgl1 libglu1-mesa libfreetype6 libfontconfig1"
        ) from error


def _check_screen(screen: int) -> None:
    """Refuse a screen that is not there; PsychoPy would take the first one."""
    import pyglet

    n_screens = len(pyglet.canvas.get_display().get_screens())
    if screen >= n_screens:
        raise ValueError(
            f"there is no screen {screen}: {n_screens} found, numbered from 0. Correct screen in [monitor]"
        )


def _graphics_name() -> str:
    from pyglet.gl import gl_info

    return f"{gl_info.get_vendor()} {gl_info.get_renderer()}"
