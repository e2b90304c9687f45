"""The twins of screen and keyboard: everything happens at once, on a clock that only they move."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from experiments.display import Film, Flip, KeyPress, Watched
from experiments.display.timing import RefreshGrid

READING_S = 1.0
"""Seconds after which a simulated participant turns a page."""


class VirtualClock:
    """A clock that stands still until it is moved.

    Parameters
    ----------
    start_s : float
        What it shows at first (s).

    Examples
    --------
    >>> clock = VirtualClock()
    >>> clock.advance(0.5)
    >>> clock.now()
    0.5
    """

    def __init__(self, start_s: float = 0.0) -> None:
        self._now_s = start_s

    def now(self) -> float:
        """Return the time (s)."""
        return self._now_s

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now_s += seconds


class SimulatedDisplay:
    """The twin of a screen with an exact refresh.

    Parameters
    ----------
    clock : VirtualClock
        The session's clock.
    refresh_hz : float
        Refreshes per second.

    Attributes
    ----------
    shown : str
        What the last flip showed: a text, ``+`` for the cross, ``frame 12``, or nothing.
    """

    def __init__(self, clock: VirtualClock, *, refresh_hz: float) -> None:
        self.refresh_hz = refresh_hz
        self.ready_s: float | None = None
        self.shown = ""
        self.now = clock.now
        self._clock = clock
        self._grid = RefreshGrid(refresh_hz=refresh_hz, start_s=clock.now())
        self._drawn = ""

    def describe(self) -> dict[str, Any]:
        """Return what the session's record says of the display."""
        return {"kind": "simulated", "refresh_hz": self.refresh_hz, "refresh_measured": False}

    def rehearse(self, texts: Sequence[str]) -> None:
        """Do nothing: showing a text takes no time here."""

    def text(self, text: str) -> None:
        """Draw a text."""
        self._drawn = text

    def cross(self) -> None:
        """Draw the cross."""
        self._drawn = "+"

    def prepare(self, film: Film) -> None:
        """Be ready at once: there are no files to load."""
        self.ready_s = self._clock.now()

    def film_ready(self) -> bool:
        """Say that the video is ready, always."""
        return True

    def frame(self, index: int) -> None:
        """Draw a frame."""
        self._drawn = f"frame {index}"

    def next_refresh(self) -> int:
        """Return the number of the first refresh that is not over, one at least after the last flip."""
        return self._grid.number + self._grid.steps_after(self._clock.now())

    def flip(self, on_flip: Callable[[], None] | None = None) -> Flip:
        """Move the clock to the next refresh."""
        grid = self._grid
        expected_s, steps = grid.time_s + grid.period_s, grid.steps_after(self._clock.now())
        grid.step(steps)
        self._clock.advance(grid.time_s - self._clock.now())
        self.shown, self._drawn = self._drawn, ""
        if on_flip is not None:
            on_flip()
        return Flip(grid.time_s, expected_s, grid.number, steps - 1)

    def graphics_objects(self) -> dict[str, int]:
        """Return nothing: there is no graphics card."""
        return {}

    def close_asked(self) -> bool:
        """Say no: there is no window."""
        return False

    def close(self) -> None:
        """Do nothing: there is no window."""


class PlannedPress(Protocol):
    """A press that a simulated participant is going to make."""

    @property
    def key(self) -> str:
        """Name of the key."""

    @property
    def time_s(self) -> float:
        """Seconds from video onset."""


class Participant(Protocol):
    """What a simulated keyboard needs of a simulated participant."""

    def watch(
        self, *, face: str, direction: str, onset_s: float, duration_s: float
    ) -> Sequence[PlannedPress]:
        """Watch a video and say which keys will be pressed when."""


class SimulatedKeyboard:
    """The twin of a keyboard, pressed by a simulated participant; works beside a real window too.

    Parameters
    ----------
    participant : Participant
        Who presses.
    now : callable
        The session's clock (s).
    continue_key : str
        The key that turns a page.
    """

    def __init__(self, participant: Participant, *, now: Callable[[], float], continue_key: str) -> None:
        self._participant = participant
        self._now = now
        self._continue_key = continue_key
        self._planned: list[KeyPress] = []

    def begin(self, watched: Watched) -> None:
        """Let the participant see what is on the screen now, and plan the presses."""
        if watched.face is None or watched.direction is None or watched.duration_s is None:
            self._planned = [KeyPress(self._continue_key, watched.onset_s + READING_S)]
            return
        presses = self._participant.watch(
            face=watched.face,
            direction=watched.direction,
            onset_s=watched.onset_s,
            duration_s=watched.duration_s,
        )
        self._planned = [KeyPress(press.key, watched.onset_s + press.time_s) for press in presses]

    def presses(self) -> list[KeyPress]:
        """Return the presses whose time has come."""
        if not self._planned:
            return []
        now_s = self._now()
        due = [press for press in self._planned if press.time_s <= now_s]
        self._planned = [press for press in self._planned if press.time_s > now_s]
        return due

    def close(self) -> None:
        """Do nothing: there is no device."""
