"""Two clocks of one computer: one that nobody sets, and the time of day, which may jump within a trial."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

SMALLEST_STEP_S = 0.001
"""A jump below this is not told from the adjustment of a clock's rate, and does less harm than a keyboard."""

LARGEST_SLEW = 0.001
"""Relative speed at which a time of day may gain or lose; time services adjust it by 0.0005 at most."""

QUICK_S = 0.0002
"""A reading of both clocks that took longer was interrupted, and is made again."""


class Reading(NamedTuple):
    """Both clocks at one moment."""

    steady_s: float
    """The clock that is never set."""
    offset_s: float
    """What has to be added to it for the other clock."""


class ClockWatch:
    """Watches a clock that may be set with one that is never set.

    Parameters
    ----------
    steady : callable
        A clock that is never set (s), such as the session's.
    settable : callable
        A clock that may be set (s), such as the time of day.
    resolution_s : float
        How finely `settable` ticks.

    Attributes
    ----------
    stepped_s : float
        Sum of the jumps so far.

    Examples
    --------
    >>> now = iter([0.0, 0.0, 1.0, 1.0]).__next__
    >>> day = iter([500.0, 501.25]).__next__
    >>> watch = ClockWatch(now, day, resolution_s=1e-6)
    >>> watch.check(), watch.stepped_s
    (0.25, 0.25)
    """

    def __init__(
        self, steady: Callable[[], float], settable: Callable[[], float], *, resolution_s: float | None = None
    ) -> None:
        self._steady = steady
        self._settable = settable
        if resolution_s is None:
            resolution_s = time.get_clock_info("time").resolution
        self._smallest_s = max(SMALLEST_STEP_S, 2 * resolution_s)
        self.stepped_s = 0.0
        self.before = self.last = self._read()

    def check(self) -> float:
        """Read both clocks; return by how much one was set since the last check (s), 0 when it was not."""
        self.before, self.last = self.last, self._read()
        elapsed_s = self.last.steady_s - self.before.steady_s
        step_s = self.last.offset_s - self.before.offset_s
        if abs(step_s) < self._smallest_s + LARGEST_SLEW * elapsed_s:
            return 0.0
        self.stepped_s += step_s
        return step_s

    def settable_at(self, steady_s: float) -> float:
        """Return what the settable clock showed, by the last check, when the steady one showed `steady_s`."""
        return steady_s + self.last.offset_s

    def steady_at(self, settable_s: float) -> float:
        """Return what the steady clock showed at a time since the check before the last one.

        Parameters
        ----------
        settable_s : float
            A time by the settable clock, between the check before the last one and the last one.

        Notes
        -----
        When the clock was set between the two checks, the time may be from before or from after that. Only
        one of the two falls between the checks, unless the step is smaller than the time between them; then
        the time after the step is returned, wrong by the step at most.
        """
        after_s, before_s = settable_s - self.last.offset_s, settable_s - self.before.offset_s
        begin_s, end_s = self.before.steady_s - self._smallest_s, self.last.steady_s + self._smallest_s
        if not begin_s <= after_s <= end_s and begin_s <= before_s <= end_s:
            return before_s
        return after_s

    def _read(self) -> Reading:
        """Read both clocks at one moment, again when something came between."""
        best = Reading(0.0, 0.0)
        shortest_s = float("inf")
        for _ in range(5):
            begin_s = self._steady()
            settable_s = self._settable()
            took_s = self._steady() - begin_s
            if took_s < shortest_s:
                shortest_s, middle_s = took_s, begin_s + took_s / 2
                best = Reading(middle_s, settable_s - middle_s)
            if shortest_s < QUICK_S:
                break
        return best
