"""The mouse rig as the host sees it: arms, delivers without waiting, listens, and stops.

A rig is used with ``with``: leaving it, also by an exception, stops everything. Whatever happens to the host,
the device lowers its outputs by itself when the host is silent (`hardware.delivery.ceilings.SILENCE_MS`).
"""

from __future__ import annotations

import atexit
import contextlib
import queue
import time
from collections import deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Literal

import numpy as np

from hardware.clock_fit import ClockFit, fit_clocks
from hardware.delivery.budget import Budget
from hardware.delivery.ceilings import LIMIT_NAMES, Ceilings, refusal
from hardware.delivery.conversation import Conversation, Pending, RigRefusedError, RoundTrip
from hardware.delivery.limits import Limits
from hardware.delivery.line import Line, LineLostError, SerialLine
from hardware.delivery.protocol import (
    CHANNELS,
    MOST_TOGETHER,
    NAME,
    REASONS,
    VERSION,
    Acknowledged,
    Damaged,
    Message,
    Refused,
)
from hardware.delivery.records import Course, Delivery, DeviceEvent
from hardware.delivery.reports import DeviceReports

__all__ = ["Course", "Delivery", "DeviceEvent", "Limits", "LineLostError", "MouseRig", "RigRefusedError"]

CONNECT_S = 6.0
"""How long a device may take to start after its port was opened."""

STARTED_ANEW = "the mouse rig started anew (its power, or its reset): everything is low, and it is disarmed"

RigState = Literal["new", "connected", "armed", "stopped", "lost", "closed"]


class MouseRig:
    """A `hardware.protocols.StimulusDelivery` that speaks the line protocol.

    Parameters
    ----------
    line : str or Line
        Address of the device (``/dev/ttyACM0``, ``COM4``, ``socket://host:port``), or an open line such as
        `hardware.simulated.mouse_rig.SimulatedRig.line`.
    limits : Limits
        What the session may give; checked at every delivery, and the device is told to hold the pulses' too.
    now : callable
        The host's clock (s).
    threaded : bool
        Whether a thread of the rig's own listens and keeps the device awake. False is for clocks that are not
        the real one: `step` must then be called at least every `KEEP_ALIVE_S` of that clock.

    Attributes
    ----------
    state : str
        ``new``, ``connected`` (disarmed), ``armed``, ``stopped``, ``lost`` or ``closed``.
    facts : dict
        What the device said of itself: ``firmware``, ``board``, ...
    ceilings : dict
        Output -> `Ceilings` that hold in the device for this session.
    used, used_ms : dict
        Output -> deliveries, and time on (ms), that the device had counted when the rig was connected; see
        `new_session`.
    events : queue.SimpleQueue of DeviceEvent
        Everything that happened, in order.
    high : set of str
        Outputs that the device said are delivering.
    round_trips : deque of RoundTrip
        The last 100 000 lines and answers; device times without the jumps of its counter.
    lost_reason : str
        Why the line is gone; empty while it is there.
    """

    def __init__(
        self,
        line: str | Line,
        *,
        limits: Limits,
        now: Callable[[], float] = time.perf_counter,
        threaded: bool = True,
    ) -> None:
        self._address, self._threaded = line, threaded
        self.now = now
        self.limits, self.budget = limits, Budget(limits)
        self.state: RigState = "new"
        self.facts: dict[str, str] = {}
        self.ceilings: dict[str, Ceilings] = {}
        self.used: dict[str, int] = {}
        self.used_ms: dict[str, int] = {}
        self.events: queue.SimpleQueue[DeviceEvent] = queue.SimpleQueue()
        self.high: set[str] = set()
        self.round_trips: deque[RoundTrip] = deque(maxlen=100_000)
        self.lost_reason = ""
        self._reports = DeviceReports(self.events.put)
        self._talk: Conversation | None = None

    # -- from opening to closing ---------------------------------------------------------------------------

    def connect(self) -> dict[str, str]:
        """Open the line, make sure who answers, and tell the device the session's limits.

        Returns
        -------
        dict
            What the device says of itself.

        Raises
        ------
        ValueError
            If the line cannot be opened, nobody answers, or it is not a mouse rig of this protocol.
        """
        if self.state != "new":
            raise ValueError(
                f"connect() opens a new rig once, and this one is {self.state}: make another one"
            )
        line = SerialLine(self._address) if isinstance(self._address, str) else self._address
        self._talk = Conversation(
            line,
            now=self.now,
            threaded=self._threaded,
            on_answer=self._answered,
            on_report=self._reported,
            on_late=self._late,
            on_lost=self._lost,
        )
        atexit.register(self.close)
        try:
            self.facts = self._greet(self._talk)
            self._talk.awake = True
            self._tighten(self._talk)
            self.state = "connected"
        except BaseException:
            self.close()
            raise
        return self.facts

    def arm(self) -> None:
        """Allow deliveries; also after a stop, which is why it is never done by itself.

        Raises
        ------
        RigRefusedError
            If the device refuses, such as while the emergency stop is pressed.
        """
        talk = self._need("connected", "stopped", "armed")
        with talk.writing:  # a stop of another thread comes before it or after it
            self._need("connected", "stopped", "armed")
            self.state = "armed"
            line = talk.send("ARM")
        try:
            talk.result(line)
        except (RigRefusedError, LineLostError):
            self.state = "lost" if talk.lost else "stopped"
            raise

    def disarm(self) -> None:
        """End what is being delivered, and allow nothing more until `arm`."""
        talk = self._need("connected", "stopped", "armed")
        self.state = "connected"
        talk.ask("DISARM")

    def new_session(self) -> None:
        """Let the device count its deliveries anew; someone must hold the emergency stop meanwhile.

        Its counters outlive the program and the opening of its port, so that a host that crashes does not get
        another session's worth of shocks. They start anew with this, or when the board was without power.
        """
        talk = self._need("connected", "stopped")
        talk.ask("NEW")
        self.used, self.used_ms = dict.fromkeys(CHANNELS, 0), dict.fromkeys(CHANNELS, 0)

    def stop(self) -> None:
        """Switch everything off now; works at any time, from any thread, and twice. Does not wait."""
        if self._talk is None or self.state == "closed":
            return
        if self.state != "lost":
            self.state = "stopped"
        self._talk.stop()
        if self.state == "armed":  # by another thread, a moment before
            self.state = "stopped"

    def close(self) -> None:
        """Stop and release the line; may be called twice."""
        if self.state == "closed":
            return
        if self._talk is not None:
            self.stop()
            self._talk.wait(lambda: self._talk is None or not self._talk.stop_is_open, 0.3)
            self._talk.close()
        self._settle_all("the rig was closed")
        self.state = "closed"
        atexit.unregister(self.close)

    def __enter__(self) -> MouseRig:
        if self.state == "new":
            self.connect()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- delivering ----------------------------------------------------------------------------------------

    def deliver(
        self,
        channel: str,
        pulse_us: int,
        n: int = 1,
        period_us: int | None = None,
        *,
        also: Sequence[Course] = (),
        volume_ul: float = 0.0,
        current_ma: float | None = None,
    ) -> Delivery:
        """Order pulses on an output, and others that start at the same moment. Returns at once.

        Parameters
        ----------
        channel : str
            Output; see `hardware.delivery.protocol.CHANNELS`.
        pulse_us : int
            Length of a pulse (µs).
        n : int
            Number of pulses.
        period_us : int or None
            From rise to rise (µs); needed where `n` is more than 1.
        also : sequence of Course
            Other outputs that start with it, at the same tick of the device's clock.
        volume_ul : float
            Liquid that this gives, by the valve's calibration (µl); counts towards the session's limit.
        current_ma : float or None
            What the shocker is set to (mA); must be said for ``shock``.

        Returns
        -------
        Delivery
            What is known of it; filled in as the device answers.

        Raises
        ------
        ValueError
            If it is beyond the host's limits or the device's ceilings; nothing was sent.
        RigRefusedError
            If the rig is not armed.
        LineLostError
            If the line is gone.
        """
        courses = (Course(channel, pulse_us, n, period_us or 0), *also)
        self._check(courses)
        talk = self._need("armed")
        with talk.writing:
            self._need("armed")
            self.budget.charge(courses, now_s=self.now(), volume_ul=volume_ul, current_ma=current_ma)
            deliveries = tuple(Delivery(course=course) for course in courses)
            deliveries[0].also = deliveries[1:]
            command, words = _line_of(courses)
            talk.send(command, *words, deliveries=deliveries, before=lambda: self._reports.expect(deliveries))
        return deliveries[0]

    def end(self, channel: str) -> None:
        """End what one output delivers, before its time; the rig stays armed. Does not wait."""
        self._need("armed").send("OFF", channel)

    def status(self) -> dict[str, str]:
        """Ask the device how it is: ``armed estop active delivery bad lost``."""
        return self._need("connected", "stopped", "armed").ask("STATUS").values

    def step(self, within_s: float = 0.0) -> None:
        """Listen for up to `within_s` and keep the device awake; for rigs without a thread."""
        if self._talk is not None and self.state != "closed":
            self._talk.step(within_s)

    @property
    def clock(self) -> ClockFit | None:
        """The device's clock as a line to the host's, from the round trips; None before there are enough.

        A round trip knows when its middle was within half its length, and the shorter half of them is used.
        """
        trips = list(self.round_trips)
        if len(trips) < 10:
            return None
        lengths = sorted(trip.answered_s - trip.sent_s for trip in trips)
        short = [trip for trip in trips if trip.answered_s - trip.sent_s <= lengths[len(trips) // 2]]
        middles = [(trip.sent_s + trip.answered_s) / 2 for trip in short]
        devices = [trip.device_us / 1e6 for trip in short]
        return fit_clocks(np.array(devices), np.array(middles), one_sided=False)

    # -- what the device says ------------------------------------------------------------------------------

    def _answered(self, line: Pending, message: Acknowledged | Refused, now_s: float) -> None:
        if isinstance(message, Acknowledged):
            device_us = self._reports.time_us(message.device_us)
            self.round_trips.append(RoundTrip(line.sent_s, now_s, device_us))
            if line.command == "STATUS" and self._talk is not None:
                for late in self._talk.unanswered():
                    self._reports.found(late.deliveries, message.values.get("delivery"), late.seq)
            self._reports.accepted(line.deliveries, device_us, now_s)
            return
        self._reports.refused(line.deliveries, message, now_s)
        if message.reason == "HELLO" and self.state != "new" and self._talk is not None:
            self._talk.lose(STARTED_ANEW)
        elif line.deliveries and message.reason == "DISARMED" and self.state == "armed":
            self.state = "stopped"

    def _reported(self, message: Message, now_s: float) -> None:
        if isinstance(message, Damaged) and self.state == "new":
            return  # what was on the line before the host came
        for event in self._reports.take(message, now_s):
            self._note(event)

    def _note(self, event: DeviceEvent) -> None:
        if event.kind == "on":
            self.high.add(event.channel)
        elif event.kind == "off":
            self.high.discard(event.channel)
        elif event.kind == "stop":
            self.high.clear()
            if self._talk is not None:
                self._talk.stop_confirmed()
            if self.state == "armed":
                self.state = "stopped"
        elif event.kind == "boot" and self.state != "new" and self._talk is not None:
            self.high.clear()
            self._talk.lose(STARTED_ANEW)

    def _late(self, line: Pending) -> None:
        text = f"{line.command} was not answered in time; asking what became of it"
        self._reports.host("unanswered", self.now(), seq=line.seq, text=text)

    def _lost(self, reason: str) -> None:
        if self.state == "closed":
            return
        self.state, self.lost_reason = "lost", reason
        self._settle_all(reason)
        self._reports.host("lost", self.now(), text=reason)

    # -- small things --------------------------------------------------------------------------------------

    def _greet(self, talk: Conversation) -> dict[str, str]:
        until_s = time.monotonic() + CONNECT_S
        answer: Acknowledged | None = None
        while answer is None and not talk.lost and time.monotonic() < until_s:
            with contextlib.suppress(LineLostError):
                answer = talk.ask("HELLO", within_s=1.0)
        if answer is None:
            raise ValueError(
                f"nobody answers on {self._address!r} as mouse rig ({talk.lost or 'no answer'}). Is the "
                "firmware of hardware/firmware/mouse_rig on the board, and is this its port?"
            )
        if answer.fields[:1] != (NAME,) or answer.values.get("protocol") != str(VERSION):
            raise ValueError(
                f"expected {NAME!r} with protocol {VERSION}, and {' '.join(answer.fields)!r} came: "
                "put the firmware of this version (hardware/firmware/mouse_rig) on the board"
            )
        return answer.values

    def _tighten(self, talk: Conversation) -> None:
        for channel in CHANNELS:
            values = talk.ask("LIMITS", channel).values
            ceilings = Ceilings(**{name: int(values[name]) for name in LIMIT_NAMES})
            self.used[channel], self.used_ms[channel] = int(values["used"]), int(values["used_ms"])
            wanted_us = self.limits.pulse_us.get(channel, ceilings.pulse_us)
            if wanted_us < ceilings.pulse_us:
                talk.ask("LIMIT", channel, "pulse_us", wanted_us)
                ceilings = Ceilings(**{**vars(ceilings), "pulse_us": wanted_us})
            self.ceilings[channel] = ceilings

    def _check(self, courses: Sequence[Course]) -> None:
        names = [course.channel for course in courses]
        unknown = [name for name in names if name not in CHANNELS]
        if unknown:
            raise ValueError(f"the rig has no output {unknown[0]!r}; known are {', '.join(CHANNELS)}")
        if len(set(names)) < len(names) or len(names) > MOST_TOGETHER:
            raise ValueError(f"an order starts up to {MOST_TOGETHER} outputs, each once, not {names}")
        for course in courses:
            if course.channel not in self.ceilings:
                continue  # not connected yet, which is said next
            reason = refusal(
                self.ceilings[course.channel],
                pulse_us=course.pulse_us,
                n=course.n,
                period_us=course.period_us,
                delay_us=course.delay_us,
            )
            if reason:
                raise ValueError(f"not delivered: {course}: {REASONS[reason]}")

    def _need(self, *states: RigState) -> Conversation:
        if self._talk is not None and self.state in states:
            return self._talk
        if self.state == "lost":
            raise LineLostError(self.lost_reason)
        what = {"new": "connect() it first", "connected": "arm() it first", "stopped": "arm() it again first"}
        raise RigRefusedError(f"the rig is {self.state}: {what.get(self.state, 'make another one')}")

    def _settle_all(self, reason: str) -> None:
        """Say of everything that is still open that its end is not known."""
        for delivery in self._reports.open():
            delivery.settle("unknown", reason)


def _line_of(courses: Sequence[Course]) -> tuple[str, list[str | int]]:
    """Return the command that starts courses, and its words."""
    first = courses[0]
    if len(courses) > 1 or first.delay_us:
        words: list[str | int] = []
        for course in courses:
            words += [course.channel, course.delay_us, course.pulse_us, course.n, course.period_us]
        return "TOGETHER", words
    if first.n > 1:
        return "TRAIN", [first.channel, first.pulse_us, first.n, first.period_us]
    return "PULSE", [first.channel, first.pulse_us]
