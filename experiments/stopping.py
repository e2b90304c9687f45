"""The orderly end of a session that is asked to stop: by the experimenter's Ctrl-C or by the system."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

CTRL_C = "the session was ended with Ctrl-C"
"""Reason of a session that was ended at the terminal."""

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
"""Requests to end: Ctrl-C, the system shuts down, a terminal was closed, a console was closed (Windows)."""


class SessionStopped(Exception):  # noqa: N818 (it is a decision, not an error)
    """The session ends before its last trial, because someone asked for it."""


class StopRequests:
    """Requests to end a session, obeyed where nothing is lost.

    A request that comes before `wait_for_checks` raises `SessionStopped` at once. From then on it waits for
    the next `check`, so that it never comes between a trigger code and its row. Ctrl-C a second time raises
    KeyboardInterrupt at once, for a program that hangs; other requests after the first change nothing.

    Examples
    --------
    >>> requests = StopRequests()
    >>> requests.wait_for_checks()
    >>> requests.receive(signal.SIGTERM)
    >>> requests.check()
    Traceback (most recent call last):
    experiments.stopping.SessionStopped: the system asked the session to end (SIGTERM)
    """

    def __init__(self) -> None:
        self._reason: str | None = None
        self._obeyed = False
        self._waits = False

    def receive(self, number: int, frame: FrameType | None = None) -> None:
        """Take a signal of the system."""
        if self._reason is not None:
            if number == signal.SIGINT:
                raise KeyboardInterrupt
            return
        name = signal.Signals(number).name
        is_key = number == signal.SIGINT
        self._reason = CTRL_C if is_key else f"the system asked the session to end ({name})"
        if not self._waits:
            self._obeyed = True
            raise SessionStopped(self._reason)

    def wait_for_checks(self) -> None:
        """Let requests wait for `check` from now on."""
        self._waits = True

    def check(self) -> None:
        """Raise `SessionStopped` if there was a request; once."""
        if self._reason is not None and not self._obeyed:
            self._obeyed = True
            print("Saving what was recorded ... (Ctrl-C once more breaks off)", file=sys.stderr)
            raise SessionStopped(self._reason)


@contextmanager
def stopped_by_signals() -> Iterator[StopRequests]:
    """Turn requests to end into `SessionStopped`, so that files are closed; see `StopRequests`."""
    requests = StopRequests()
    if threading.current_thread() is not threading.main_thread():
        yield requests
        return
    kinds = [kind for name in SIGNALS if (kind := getattr(signal, name, None)) is not None]
    before = {kind: signal.signal(kind, requests.receive) for kind in kinds}
    try:
        yield requests
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)
