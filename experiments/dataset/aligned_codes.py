"""What is known of the codes that a session logged and a recording has, before and after they are aligned."""

from __future__ import annotations

import dataclasses
from typing import Literal

import numpy as np

from experiments.dataset.clock_search import Floats, Ints

How = Literal["found", "changed", "merged", "invisible", "lost", "outside", "unplaced"]
"""How a logged code was placed.

found: its recorded code fits. changed: another code came in its place, with other bits. merged: it came as
one code together with another. invisible: it can have left no pulse of its own. lost: it is missing between
codes that fit. outside: nothing was recorded then. unplaced: nobody can tell where it belongs.
"""

ExtraKind = Literal["bounce", "late", "transition", "standing", "unknown", "outside", "stray", "idle"]
"""What a recorded code is that belongs to no logged one.

bounce: a second pulse of the one before. late: it comes too late for the code that is missing there, such as
a bounce that is left of it. transition: lines that did not change together. standing: on the
line when the recording began. unknown: a code that this session does not have. outside: before the session or
after it. stray: a code of the session at a time at which none was sent. idle: the line at rest, with a line
stuck.
"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class LoggedCodes:
    """What a session says that it sent, in order."""

    codes: Ints
    """Codes, 1 to 255, shape (n_logged,)."""
    times_s: Floats
    """When each was sent, on the session's clock, shape (n_logged,)."""
    starts: Ints
    """Number of the session's start that each belongs to, rising from 0: its clock may begin anew there."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class RecordedCodes:
    """What a recording has, its parts one after the other."""

    codes: Ints
    """Codes, shape (n_recorded,)."""
    times_s: Floats
    """Seconds from the first sample, as if the parts followed each other at once, shape (n_recorded,)."""
    bounds_s: Floats
    """Where the parts begin, and the end of the last, shape (n_parts + 1,)."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fault:
    """A line of the cable that did not change in the whole recording."""

    bit: int
    """Its value: 1, 2, 4, ... 128."""
    stuck_at: int
    """0 = never rises; 1 = never falls."""

    def applied(self, codes: Ints) -> Ints:
        """Return the codes as they arrive."""
        return codes | self.bit if self.stuck_at else codes & ~np.int64(self.bit)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Stretch:
    """Logged codes that one clock places."""

    first: int
    """Number of the first logged code that fits."""
    last: int
    """Number of the last one."""
    offset_s: float
    """Recorded time at which the session's clock shows 0."""
    slope: float
    """Recorded seconds in a second of the session."""
    part: int
    """Part of the recording."""
    start: int
    """Number of the session's start that its codes belong to."""
    goes_on: bool
    """Whether the clock is that of the stretch before it, within the tolerance."""
    n_found: int
    """Number of codes that fit."""
    scatter_s: float
    """How far the codes are off, robustly (s)."""
    n_runner_up: int
    """Number of these codes that the best other placement fits."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Alignment:
    """What is known of every code."""

    how: list[How]
    """Of each logged code: how it was placed."""
    pulses: Ints
    """Of each logged code: number of its recorded one, or of the one that stands in for it; -1 where there is
    none."""
    placed_s: Floats
    """Of each logged code: seconds in the recording; NaN where it is not in it or cannot be placed."""
    stretch: Ints
    """Of each logged code: number of the stretch whose clock it goes by, -1 where there is none."""
    extras: dict[int, ExtraKind]
    """Number of each recorded code that belongs to no logged one -> what it is."""
    stretches: list[Stretch]
    """The clocks, in order."""
    score: int
    """Codes that fit minus those that are missing or left over where both lists overlap."""
    fault: Fault | None = None
    """What was wrong with the cable."""
