"""The mouse rig as the host sees it: arms, delivers without waiting, listens, and stops.

A rig is used with ``with``: leaving it, also by an exception, stops everything. Whatever happens to the host,
the device lowers its outputs by itself when the host is silent (`hardware.delivery.ceilings.SILENCE_MS`).
"""

from __future__ import annotations

import atexit
import contextlib
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal, NamedTuple

from hardware.delivery.budget import Budget
from hardware.delivery.ceilings import LIMIT_NAMES, Ceilings, refusal
from hardware.delivery.limits import Limits
from hardware.delivery.line import Line, LineLostError, SerialLine
from hardware.delivery.protocol import (
    CHANNELS,
    MOST_TOGETHER,
    NAME,
    REASONS,
    STOP_BYTE,
    VERSION,
    Acknowledged,
    LineReader,
    Message,
    Refused,
    encode_request,
    following,
)
from hardware.delivery.records import Course, Delivery, DeviceEvent
from hardware.delivery.reports import DeviceReports

KEEP_ALIVE_S = 0.1
"""A line is sent at least this often, so that the device knows that the host lives."""

ANSWER_S = 0.3
"""How long an answer may take before the host asks what happened to its line."""

GIVE_UP_S = 1.0
"""After this long without any answer the line counts as lost."""

CONNECT_S = 6.0
"""How long a device may take to start after its port was opened."""

RigState = Literal["new", "connected", "armed", "stopped", "lost", "closed"]


class RigRefusedError(RuntimeError):
    """The device refused what was asked; nothing was delivered."""


class RoundTrip(NamedTuple):
    """One line and its answer, for the clocks and the speed of the line."""

    sent_s: float
    answered_s: float
    device_us: int


@dataclass
class _Pending:
    """A line whose answer has not come."""

    command: str
    sent_s: float
    deliveries: tuple[Delivery, ...] = ()
    asked_again: bool = False
    answer: Acknowledged | Refused | None = None
    answered: threading.Event = field(default_factory=threading.Event)


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
        the real one: `step` must then be called at least every `KEEP_ALIVE_S`.

    Attributes
    ----------
    state : str
        ``new``, ``connected`` (disarmed), ``armed``, ``stopped``, ``lost`` or ``closed``.
    facts : dict
        What the device said of itself: ``firmware``, ``board``, ...
    ceilings : dict
        Output -> `Ceilings` that hold now in the device.
    events : queue.SimpleQueue of DeviceEvent
        Everything that happened, in order.
    high : set of str
        Outputs that the device said are delivering.
    round_trips : deque of RoundTrip
        The last 100 000 lines and answers.
    """

    def __init__(
        self,
        line: str | Line,
        *,
        limits: Limits,
        now: Callable[[], float] = time.perf_counter,
        threaded: bool = True,
    ) -> None:
        self._address = line
        self._line: Line | None = None
        self._now, self._threaded = now, threaded
        self.limits, self.budget = limits, Budget(limits)
        self.state: RigState = "new"
        self.facts: dict[str, str] = {}
        self.ceilings: dict[str, Ceilings] = {}
        self.events: queue.SimpleQueue[DeviceEvent] = queue.SimpleQueue()
        self.high: set[str] = set()
        self.round_trips: deque[RoundTrip] = deque(maxlen=100_000)
        self.lost_reason = ""
        self._reports = DeviceReports(self.events.put)
        self._reader = LineReader()
        self._writing = threading.RLock()
        self._pending: dict[int, _Pending] = {}
        self._seq, self._last_write_s, self._heard_s = 0, 0.0, 0.0
        self._stop_sent_s: float | None = None
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()

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
        self._line = SerialLine(self._address) if isinstance(self._address, str) else self._address
        self._heard_s = self._now()
        atexit.register(self.close)
        if self._threaded:
            self._thread = threading.Thread(target=self._listen, name="mouse rig", daemon=True)
            self._thread.start()
        try:
            self.facts = self._greet()
            self._tighten()
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
        self._need("connected", "stopped", "armed")
        self._ask("ARM")
        self._stop_sent_s = None
        self.state = "armed"

    def disarm(self) -> None:
        """End what is being delivered, and allow nothing more until `arm`."""
        self._need("connected", "stopped", "armed")
        self.state = "connected"
        self._ask("DISARM")

    def new_session(self) -> None:
        """Let the device count its deliveries anew; someone must hold the emergency stop meanwhile."""
        self._need("connected", "stopped")
        self._ask("NEW")

    def stop(self) -> None:
        """Switch everything off now; works at any time, from any thread, and twice. Does not wait."""
        if self._line is None or self.state == "closed":
            return
        locked = self._writing.acquire(timeout=0.05)
        try:
            if self.state not in ("lost", "new"):
                self.state = "stopped"
            self._stop_sent_s = self._now()
            self._line.write(STOP_BYTE)
        except LineLostError as error:
            self._lose(str(error))
        finally:
            if locked:
                self._writing.release()

    def close(self) -> None:
        """Stop, disarm and release the line; may be called twice."""
        if self.state == "closed":
            return
        if self._line is not None:
            self.stop()
            if self.state != "lost":
                self._wait(lambda: self._stop_sent_s is None, 0.3)
            self._closing.set()
            if self._thread is not None and self._thread is not threading.current_thread():
                self._thread.join(timeout=1.0)
            self._line.close()
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
            If it is beyond the host's limits; nothing was sent.
        RigRefusedError
            If the rig is not armed.
        LineLostError
            If the line is gone.
        """
        courses = (Course(channel, pulse_us, n, period_us or 0), *also)
        self._check(courses)
        with self._writing:
            self._need("armed")
            self.budget.charge(courses, now_s=self._now(), volume_ul=volume_ul, current_ma=current_ma)
            deliveries = tuple(Delivery(course=course) for course in courses)
            deliveries[0].also = deliveries[1:]
            self._order(deliveries)
        return deliveries[0]

    def end(self, channel: str) -> None:
        """End what one output delivers, before its time; the rig stays armed. Does not wait."""
        self._need("armed")
        self._send("OFF", channel)

    def status(self) -> dict[str, str]:
        """Ask the device how it is: ``armed estop active delivery bad lost``."""
        return self._ask("STATUS").values

    # -- the life of the line ------------------------------------------------------------------------------

    def step(self, within_s: float = 0.0) -> None:
        """Listen for up to `within_s`, keep the device awake, and see to lines without an answer."""
        if self._line is None or self.state in ("lost", "closed"):
            return
        try:
            data = self._line.read(within_s)
            for message in self._reader.feed(data):
                self._take(message)
            self._keep_alive()
            self._see_to_unanswered()
        except LineLostError as error:
            self._lose(str(error))

    def _listen(self) -> None:
        while not self._closing.is_set() and self.state not in ("lost", "closed"):
            self.step(0.01)

    def _take(self, message: Message) -> None:
        now_s = self._now()
        if isinstance(message, (Acknowledged, Refused)):
            self._heard_s = now_s
            self._answered(message, now_s)
            return
        for event in self._reports.take(message, now_s):
            self._note(event)

    def _note(self, event: DeviceEvent) -> None:
        if event.kind == "on":
            self.high.add(event.channel)
        elif event.kind == "off":
            self.high.discard(event.channel)
        elif event.kind == "stop":
            self._stop_sent_s = None
            self.high.clear()
            if self.state == "armed":
                self.state = "stopped"
        elif event.kind == "boot" and self.state not in ("new",):
            self.high.clear()
            self._settle_all("the device started anew")
            self._lose("the device started anew (its power or its reset): everything is low")
        if event.kind == "estop" and event.value and self.state == "armed":
            self.state = "stopped"

    def _answered(self, message: Acknowledged | Refused, now_s: float) -> None:
        pending = self._pending.pop(message.seq, None)
        if pending is None:
            if message.seq == 0:
                self._reports.host("damaged", now_s, text=f"device: {message.in_words}")  # type: ignore[union-attr]
            return
        if isinstance(message, Acknowledged):
            device_us = self._reports.time_us(message.device_us)
            self.round_trips.append(RoundTrip(pending.sent_s, now_s, device_us))
            if pending.command == "STATUS":
                self._find_unanswered(message)
        self._settle_answer(pending, message, now_s)
        pending.answer = message
        pending.answered.set()

    def _settle_answer(self, pending: _Pending, message: Acknowledged | Refused, now_s: float) -> None:
        for delivery in pending.deliveries:
            delivery.answered_s = now_s
            if isinstance(message, Acknowledged):
                delivery.start_us = self._reports.time_us(message.device_us)
                if delivery.state == "sent":
                    delivery.state = "accepted"
            else:
                self._reports.forget(delivery)
                delivery.settle("refused", message.in_words)
        if isinstance(message, Refused) and (pending.deliveries or pending.command == "OFF"):
            self._reports.host("refused", now_s, seq=message.seq, text=message.in_words)
            if message.reason in ("DISARMED", "HELLO") and self.state == "armed":
                self.state = "stopped"

    def _find_unanswered(self, status: Acknowledged) -> None:
        """Say what became of deliveries without an answer: the device does no line older than this."""
        with self._writing:
            asked = [(seq, line) for seq, line in self._pending.items() if line.asked_again]
            for seq, _ in asked:
                del self._pending[seq]
        for _, pending in asked:
            done = status.values.get("delivery") == str(seq)
            for delivery in pending.deliveries:
                if done and delivery.state == "sent":
                    delivery.state = "accepted"
                elif not done and delivery.state == "sent":
                    self._reports.forget(delivery)
                    delivery.settle("not_delivered", "its line was damaged on the way")
            pending.answered.set()

    def _keep_alive(self) -> None:
        now_s = self._now()
        if self._stop_sent_s is not None and now_s - self._stop_sent_s > 0.05 and self._line is not None:
            self._stop_sent_s = now_s
            self._line.write(STOP_BYTE)
        if now_s - self._last_write_s >= KEEP_ALIVE_S and self.state != "new":
            self._send("PING")

    def _see_to_unanswered(self) -> None:
        now_s = self._now()
        with self._writing:
            lines = list(self._pending.items())
        late = [(seq, line) for seq, line in lines if now_s - line.sent_s > ANSWER_S]
        for seq, pending in late:
            if pending.deliveries and not pending.asked_again:
                pending.asked_again = True
                self._reports.host("unanswered", now_s, seq=seq, text="a delivery; asking what became of it")
                self._send("STATUS")
            elif not pending.deliveries:
                self._pending.pop(seq, None)
        if late and now_s - self._heard_s > GIVE_UP_S and self.state != "new":
            self.stop()
            self._lose(f"the device has not answered for {GIVE_UP_S:g} s; its outputs go low by themselves")

    # -- lines ---------------------------------------------------------------------------------------------

    def _send(self, command: str, *arguments: str | int, deliveries: tuple[Delivery, ...] = ()) -> _Pending:
        assert self._line is not None
        with self._writing:
            self._seq = following(self._seq)
            line = encode_request(self._seq, command, *arguments)
            pending = _Pending(command, self._now(), deliveries)
            self._pending[self._seq] = pending
            for delivery in deliveries:
                delivery.seq, delivery.sent_s = self._seq, pending.sent_s
                self._reports.expect(delivery)
            self._last_write_s = pending.sent_s
            try:
                self._line.write(line)
            except LineLostError as error:
                self._lose(str(error))
                raise
        return pending

    def _ask(self, command: str, *arguments: str | int, within_s: float = 0.5) -> Acknowledged:
        pending = self._send(command, *arguments)
        self._wait(pending.answered.is_set, within_s)
        if isinstance(pending.answer, Refused):
            raise RigRefusedError(f"the rig refused {command}: {pending.answer.in_words}")
        if pending.answer is None:
            why = self.lost_reason or f"no answer within {within_s:g} s"
            raise LineLostError(f"the rig did not answer {command} ({why})")
        return pending.answer

    def _order(self, deliveries: tuple[Delivery, ...]) -> None:
        courses = [delivery.course for delivery in deliveries]
        first = courses[0]
        words: list[str | int]
        if len(courses) > 1 or first.delay_us:
            words = [word for course in courses for word in _words(course)]
            self._send("TOGETHER", *words, deliveries=deliveries)
        elif first.n > 1:
            words = [first.channel, first.pulse_us, first.n, first.period_us]
            self._send("TRAIN", *words, deliveries=deliveries)
        else:
            self._send("PULSE", first.channel, first.pulse_us, deliveries=deliveries)

    def _greet(self) -> dict[str, str]:
        until_s = self._now() + CONNECT_S
        answer: Acknowledged | None = None
        while answer is None and self._now() < until_s and self.state == "new":
            with contextlib.suppress(LineLostError):
                answer = self._ask("HELLO", within_s=0.4)
            if not self._threaded and answer is None:
                break
        if answer is None:
            raise ValueError(
                f"nobody answers on {self._address!r} as mouse rig ({self.lost_reason or 'no answer'}). Is "
                "the firmware of hardware/firmware/mouse_rig on the board, and is this its port?"
            )
        if answer.fields[:1] != (NAME,) or answer.values.get("protocol") != str(VERSION):
            raise ValueError(
                f"expected {NAME!r} with protocol {VERSION}, and {' '.join(answer.fields)!r} came: "
                "put the firmware of this version (hardware/firmware/mouse_rig) on the board"
            )
        return answer.values

    def _tighten(self) -> None:
        for channel, pulse_us in self.limits.pulse_us.items():
            if pulse_us < self._ceilings_of(channel).pulse_us:
                self._ask("LIMIT", channel, "pulse_us", pulse_us)
        self.ceilings = {channel: self._ceilings_of(channel) for channel in CHANNELS}

    def _ceilings_of(self, channel: str) -> Ceilings:
        values = self._ask("LIMITS", channel).values
        return Ceilings(**{name: int(values[name]) for name in LIMIT_NAMES})

    # -- small things --------------------------------------------------------------------------------------

    def _check(self, courses: Sequence[Course]) -> None:
        names = [course.channel for course in courses]
        unknown = [name for name in names if name not in CHANNELS]
        if unknown:
            raise ValueError(f"the rig has no output {unknown[0]!r}; known are {', '.join(CHANNELS)}")
        if len(set(names)) < len(names) or len(names) > MOST_TOGETHER:
            raise ValueError(
                f"one order starts up to {MOST_TOGETHER} different outputs, not {', '.join(names)}"
            )
        for course in courses:
            reason = refusal(
                self.ceilings[course.channel],
                pulse_us=course.pulse_us,
                n=course.n,
                period_us=course.period_us,
                delay_us=course.delay_us,
            )
            if reason:
                raise ValueError(f"not delivered: {course}: {REASONS[reason]}")

    def _need(self, *states: RigState) -> None:
        if self.state in states:
            return
        if self.state == "lost":
            raise LineLostError(self.lost_reason)
        what = {"new": "connect() it first", "connected": "arm() it first", "stopped": "arm() it again first"}
        raise RigRefusedError(f"the rig is {self.state}: {what.get(self.state, 'make another one')}")

    def _wait(self, done: Callable[[], bool], within_s: float) -> None:
        """Wait until something is so, the line is lost, or the time is over."""
        until_s = time.monotonic() + within_s
        while not done() and self.state not in ("lost", "closed") and time.monotonic() < until_s:
            if self._threaded and threading.current_thread() is not self._thread:
                time.sleep(0.0005)
            else:
                self.step(0.001)

    def _lose(self, reason: str) -> None:
        if self.state in ("lost", "closed"):
            return
        self.state, self.lost_reason = "lost", reason
        self._settle_all(reason)
        self._reports.host("lost", self._now(), text=reason)

    def _settle_all(self, reason: str) -> None:
        """Say of everything that is still open that its end is not known."""
        for delivery in self._reports.open():
            delivery.settle("unknown", reason)
        with self._writing:
            lines = list(self._pending.values())
            self._pending.clear()
        for pending in lines:
            pending.answered.set()


def _words(course: Course) -> tuple[str | int, ...]:
    return course.channel, course.delay_us, course.pulse_us, course.n, course.period_us
