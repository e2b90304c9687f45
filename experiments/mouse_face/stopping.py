"""Who may end a session at any moment: a key at the terminal, a signal of the system, a closed window.

Keys are read by a thread of their own, which lets the device stop at once, whatever the program is busy with.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any

from experiments.stopping import SessionStopped, StopRequests

STOP_KEYS = {"\x1b": "Escape", " ": "the space bar", "!": "the key !"}
"""Keys that end the session at once."""
ANSWER_KEYS = ("\r", "\n")
STOP_WORD = "stop"
"""Line that ends the session where the terminal gives whole lines only."""
LOOK_S = 0.05
"""How long the thread waits for a key before it looks whether it shall end (s)."""


class Watch:
    """An `experiments.mouse_face.parts.Experimenter` at a terminal.

    Parameters
    ----------
    requests : StopRequests
        Signals of the system.
    say : callable
        Shows a text to the experimenter.
    answers_itself : bool
        Whether what is asked counts as done at once, as in a simulation.

    Attributes
    ----------
    stop_now : callable
        Called at once, from any thread, when the session shall end; puts the outputs low.
    closed : callable
        Says whether a window that belongs to the session was closed.
    """

    def __init__(
        self, requests: StopRequests, *, say: Callable[[str], object], answers_itself: bool = False
    ) -> None:
        self.stop_now: Callable[[], object] = lambda: None
        self.closed: Callable[[], bool] = lambda: False
        self._requests, self._say, self._answers_itself = requests, say, answers_itself
        self._reason: str | None = None
        self._asked, self._answered = False, threading.Event()

    def stop(self, reason: str) -> None:
        """End the session: outputs low at once, then everything else in its order. From any thread."""
        self._reason = self._reason or reason
        with suppress(Exception):
            self.stop_now()

    def check(self) -> None:
        """Raise `SessionStopped` if the session shall end."""
        self._requests.check()
        if self._reason is None and self.closed():
            self.stop("the window was closed")
        if self._reason is not None:
            raise SessionStopped(self._reason)

    def ask(self, text: str) -> None:
        """Ask for something that is done by hand."""
        self._asked = True
        self._answered.clear()
        self._say(f"PLEASE: {text}" + ("" if self._answers_itself else ", then press Enter"))

    def answered(self) -> bool:
        """Say whether it was done."""
        return self._answers_itself or self._answered.is_set()

    def take(self, key: str) -> None:
        """Take a key, or a whole line where the terminal gives no keys."""
        if key in STOP_KEYS:
            self.stop(f"the experimenter pressed {STOP_KEYS[key]}")
        elif key.strip().lower() == STOP_WORD:
            self.stop("the experimenter wrote 'stop'")
        elif self._asked and (key in ANSWER_KEYS or not key.strip()):
            self._asked = False
            self._answered.set()


@contextmanager
def keys_watched(watch: Watch) -> Iterator[None]:
    """Read keys in a thread while the session runs, and leave the terminal as it was."""
    done = threading.Event()
    with _single_keys(sys.stdin) as read:
        if read is None:
            yield
            return

        def listen() -> None:
            while not done.is_set():
                key = read()
                if key is None:
                    return
                if key:
                    watch.take(key)

        thread = threading.Thread(target=listen, name="keys", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join(timeout=1.0)


@contextmanager
def _single_keys(stream: IO[str] | None) -> Iterator[Callable[[], str | None] | None]:
    """Yield what reads one key, or '' if none came in `LOOK_S`, or None at the end of the input."""
    try:
        number = -1 if stream is None else stream.fileno()
    except (OSError, ValueError):  # a stream that is no file
        number = -1
    if number < 0:
        yield None
    elif sys.platform == "win32":
        yield _read_console if os.isatty(number) else None
    else:
        with _without_lines(number):
            yield lambda: _read_posix(number)


@contextmanager
def _without_lines(number: int) -> Iterator[None]:
    """Let a terminal give keys instead of lines."""
    if sys.platform == "win32" or not os.isatty(number):
        yield
        return
    import termios
    import tty

    before = termios.tcgetattr(number)
    try:
        tty.setcbreak(number)
        yield
    finally:
        with suppress(termios.error):
            termios.tcsetattr(number, termios.TCSADRAIN, before)


def _read_posix(number: int) -> str | None:
    import select

    try:
        ready, _, _ = select.select([number], [], [], LOOK_S)
        if not ready:
            return ""
        content = os.read(number, 64)
    except (OSError, ValueError):  # the terminal is gone: SIGHUP says so too
        return None
    if not content:
        return None
    text = content.decode("utf-8", errors="replace")
    if text.startswith("\x1b") and len(text) > 1:  # an arrow key or another one that sends a sequence
        return "" if text[1] in "[O" else "\x1b"
    if len(text) > 1 and STOP_WORD not in text.lower():
        return next((key for key in text if key in STOP_KEYS), text[0])
    return text


def _read_console() -> str | None:
    import time

    console: Any = __import__("msvcrt")
    time.sleep(LOOK_S)
    if not console.kbhit():
        return ""
    key = console.getwch()
    if key in ("\x00", "\xe0"):  # a function key sends two
        console.getwch()
        return ""
    return str(key)
