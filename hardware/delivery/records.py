"""What a rig reports: a delivery from order to end, and everything else that happened on the device."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Literal

EventKind = Literal[
    "boot",
    "on",
    "off",
    "stop",
    "lick",
    "frame",
    "estop",
    "refused",
    "unanswered",
    "damaged",
    "events_lost",
    "lost",
]
"""``on``/``off``: a delivery's first rise and last fall. ``stop``: everything went low, and why. ``lick``,
``frame``, ``estop``: inputs. ``boot``: the device has started (anew). ``refused``: it did not do what was
asked. ``unanswered``: a line was not answered in time. ``damaged``: what came was no message.
``events_lost``: numbers of events are missing. ``lost``: the line is gone."""

DeliveryState = Literal["sent", "accepted", "on", "done", "cut", "refused", "not_delivered", "unknown"]
"""``sent``: on its way. ``accepted``: the device will do it. ``on``: its first rise has happened. ``done``:
all of it was delivered. ``cut``: ended before its time; `Delivery.n_done` and `Delivery.on_us` say what was
delivered. ``refused``, ``not_delivered``: nothing was delivered. ``unknown``: the line was lost before the
device said."""

SETTLED: tuple[DeliveryState, ...] = ("done", "cut", "refused", "not_delivered", "unknown")
"""States that do not change any more."""


@dataclass(frozen=True, kw_only=True)
class DeviceEvent:
    """One thing that happened."""

    kind: EventKind
    host_s: float
    """When the host heard of it, on the host's clock (s); `MouseRig.clock` says when it was."""
    device_us: int | None = None
    """When it happened, in µs since the device's start; None for what only the host knows."""
    channel: str = ""
    """Output, of ``on`` and ``off``."""
    seq: int | None = None
    """Number of the line that asked for it."""
    value: int | None = None
    """``lick``, ``estop``: 1 or 0. ``frame``: number of the frame. ``off``: number of pulses delivered.
    ``events_lost``: how many."""
    on_us: int | None = None
    """``off``: how long the output was on, all pulses together, as the device measured (µs)."""
    text: str = ""
    """In words, where there is more to say."""

    @property
    def device_s(self) -> float | None:
        """When it happened, in seconds since the device's start."""
        return None if self.device_us is None else self.device_us / 1e6


@dataclass(frozen=True)
class Course:
    """What one output is to do: `n` pulses of `pulse_us`, from rise to rise `period_us`, after `delay_us`."""

    channel: str
    pulse_us: int
    n: int = 1
    period_us: int = 0
    delay_us: int = 0

    @property
    def length_us(self) -> int:
        """From the order to the last fall (µs)."""
        return self.delay_us + (self.n - 1) * self.period_us + self.pulse_us

    @property
    def on_us(self) -> int:
        """Time on, all pulses together (µs)."""
        return self.n * self.pulse_us


@dataclass(eq=False, kw_only=True)
class Delivery:
    """An order to one output, filled in as the device answers; `wait` waits for its end.

    What was asked never changes; the other fields are written by the rig's thread.
    """

    course: Course
    seq: int = 0
    sent_s: float = 0.0
    """When the line was handed to the operating system, on the host's clock (s)."""
    state: DeliveryState = "sent"
    reason: str = ""
    """Why nothing, or not all, was delivered."""
    answered_s: float | None = None
    """When the device's answer came, on the host's clock (s)."""
    start_us: int | None = None
    """When the device began with the order (µs since its start), `Course.delay_us` before the first rise."""
    on_device_us: int | None = None
    """First rise (µs since the device's start)."""
    off_device_us: int | None = None
    """Last fall (µs since the device's start)."""
    n_done: int | None = None
    """Pulses that were delivered, counting one that was cut."""
    on_us: int | None = None
    """How long the output was on (µs), as the device measured."""
    also: tuple[Delivery, ...] = ()
    """Those of other outputs that the same line started."""
    _settled: threading.Event = field(default_factory=threading.Event, repr=False)

    @property
    def channel(self) -> str:
        """The output."""
        return self.course.channel

    @property
    def settled(self) -> bool:
        """Whether its end is known."""
        return self.state in SETTLED

    @property
    def expected_end_s(self) -> float:
        """When it is over if all goes well, on the host's clock (s)."""
        return self.sent_s + self.course.length_us / 1e6

    def wait(self, timeout_s: float) -> bool:
        """Wait for its end; for rigs with a thread. Returns whether it is known."""
        return self._settled.wait(timeout_s)

    def settle(self, state: DeliveryState, reason: str = "") -> None:
        """Note the end; for the rig."""
        if not self.settled:
            self.state, self.reason = state, reason
            self._settled.set()
