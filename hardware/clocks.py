"""Clocks of a session: the computer's own, and one that stands still until it is moved.

Both answer to the same words, so that a session on the virtual clock is the session itself, only faster.
"""

from __future__ import annotations

import threading
import time


class VirtualClock:
    """A clock that stands still until it is moved; threads may wait for it.

    Parameters
    ----------
    start_s
        What it shows at first (s).

    Examples
    --------
    >>> clock = VirtualClock(100.0)
    >>> clock.sleep(0.5)
    >>> clock.now()
    100.5
    >>> clock.wait_until(101.0, timeout_s=0.0)
    False
    """

    virtual = True
    """Nobody has to wait for it in real time."""

    def __init__(self, start_s: float = 0.0) -> None:
        self._now_s = start_s
        self._moved = threading.Condition()

    def now(self) -> float:
        """Return the time (s)."""
        return self._now_s

    def sleep(self, seconds: float) -> None:
        """Let time pass, at once."""
        with self._moved:
            self._now_s += max(seconds, 0.0)
            self._moved.notify_all()

    def wait_until(self, time_s: float, *, timeout_s: float) -> bool:
        """Wait until it shows a time, at most `timeout_s` real seconds; return whether it does."""
        with self._moved:
            return self._moved.wait_for(lambda: self._now_s >= time_s, timeout_s)


class RealClock:
    """The computer's monotonic clock."""

    virtual = False
    """It goes by itself."""

    def now(self) -> float:
        """Return the time (s)."""
        return time.perf_counter()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(max(seconds, 0.0))

    def wait_until(self, time_s: float, *, timeout_s: float) -> bool:
        """Wait until it shows a time, at most `timeout_s`; return whether it does."""
        left_s = time_s - self.now()
        time.sleep(max(min(left_s, timeout_s), 0.0))
        return left_s <= timeout_s


Clock = VirtualClock | RealClock
"""Either of them."""
