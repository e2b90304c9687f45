"""What a participant sees and presses: the screen and the keyboard, real or simulated.

A task is written against the two Protocols below. ``window.py``, ``textures.py``, ``keyboard.py`` and
``dialog.py`` are the only modules of the suite that use PsychoPy; they import it inside functions, since
importing it needs a display. ``simulated.py`` holds the twins on a virtual clock.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol


class KeyPress(NamedTuple):
    """A key that went down."""

    key: str
    """Name of the key, such as ``up``."""
    time_s: float
    """Seconds on the session's clock, from the keyboard's own time stamp."""


class Flip(NamedTuple):
    """A refresh of the screen."""

    time_s: float
    """Seconds on the session's clock at which the new picture was handed over."""
    expected_s: float
    """When it should have been: at the refresh that follows the one before."""
    refresh: int
    """Number of the refresh, counted without gaps from the opening of the display."""
    missed: int
    """Number of refreshes that passed since the flip before, because this one was not ready for them."""


class Film(Protocol):
    """What a display needs to know of a video; `stimuli.manifest.StimulusVideo` knows it."""

    @property
    def path(self) -> Path:
        """The video file."""

    @property
    def n_frames(self) -> int:
        """Number of frames."""

    @property
    def fps(self) -> float:
        """Frames per second."""

    @property
    def width_px(self) -> int:
        """Width of a frame."""

    @property
    def height_px(self) -> int:
        """Height of a frame."""


class Display(Protocol):
    """A screen. What is drawn appears with the next `flip`; every flip begins with an empty background."""

    refresh_hz: float
    """Refreshes per second, measured where that is possible."""
    ready_s: float | None
    """When the prepared video was ready, on the session's clock; None while it is loading."""

    def now(self) -> float:
        """Return the time on the session's clock (s)."""

    def describe(self) -> dict[str, Any]:
        """Return what the session's record says of the display."""

    def rehearse(self, texts: Sequence[str]) -> None:
        """Get texts ready, so that showing one takes no time."""

    def text(self, text: str) -> None:
        """Draw a text in the middle."""

    def cross(self) -> None:
        """Draw the fixation cross in the middle."""

    def prepare(self, film: Film) -> None:
        """Begin to load a video in the background, in place of the one before; returns at once."""

    def film_ready(self) -> bool:
        """Say whether the prepared video can be shown; loading goes on with every flip.

        Raises
        ------
        ValueError
            If the video cannot be read, or is not what the manifest says.
        """

    def frame(self, index: int) -> None:
        """Draw a frame of the video in the middle."""

    def next_refresh(self) -> int:
        """Return the number of the next refresh that can still be reached."""

    def flip(self, on_flip: Callable[[], None] | None = None) -> Flip:
        """Show what was drawn at the next refresh, and call `on_flip` first thing after it."""

    def graphics_objects(self) -> dict[str, int]:
        """Count what is kept in the graphics card: ``textures``, ``buffers``, ``display_lists``."""

    def close_asked(self) -> bool:
        """Say whether someone tried to close the window since this was asked last; it stays open."""

    def close(self) -> None:
        """Close the window; may be called twice."""


@dataclass(frozen=True, kw_only=True)
class Watched:
    """What is on the screen while keys are collected; only a simulated participant looks at it."""

    onset_s: float
    """Seconds on the session's clock."""
    duration_s: float | None = None
    """Length of the video; None for a page of text, which waits for a key."""
    face: str | None = None
    """The person shown; None for a page of text."""
    direction: str | None = None
    """What changes into what; None for a page of text."""


class Keyboard(Protocol):
    """A keyboard, or a button box that acts as one."""

    def begin(self, watched: Watched) -> None:
        """Take note of what is on the screen from now on; of interest to a simulated participant."""

    def presses(self) -> list[KeyPress]:
        """Return the keys that went down since the last call, in order of time."""

    def close(self) -> None:
        """Stop listening; may be called twice."""
