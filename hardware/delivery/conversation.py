"""Lines to the device and their answers: numbered, kept awake, and never waited for by who delivers.

Nothing is ever sent twice. A line without an answer is asked about with a newer one, and as the device does
nothing that is older than what it has heard, the answer to that is final.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from hardware.delivery.line import Line, LineLostError
from hardware.delivery.protocol import (
    STOP_BYTE,
    Acknowledged,
    LineReader,
    Message,
    Refused,
    encode_request,
    following,
)
from hardware.delivery.records import Delivery

KEEP_ALIVE_S = 0.1
"""A line is sent at least this often, so that the device knows that the host lives."""

ANSWER_S = 0.3
"""How long an answer may take before the host asks what happened to its line."""

GIVE_UP_S = 1.5
"""After this long without any answer the line counts as lost."""

ASKED_S = 2.0
"""How long an answer may take for which someone waits, such as that to ARM."""

STOP_AGAIN_S = 0.05
"""A stop that the device does not confirm is sent again after this."""


class RigRefusedError(RuntimeError):
    """The device refused what was asked; nothing was delivered."""


class RoundTrip(NamedTuple):
    """One line and its answer, for the clocks and the speed of the line."""

    sent_s: float
    answered_s: float
    device_us: int


@dataclass(eq=False)
class Pending:
    """A line whose answer has not come."""

    seq: int
    command: str
    sent_s: float
    deliveries: tuple[Delivery, ...] = ()
    asked_s: float | None = None
    answer: Acknowledged | Refused | None = None
    answered: threading.Event = field(default_factory=threading.Event)


class Conversation:
    """What is said on a line that is open.

    Parameters
    ----------
    line : Line
        The line.
    now : callable
        The host's clock (s).
    threaded : bool
        Whether `listen` runs in a thread; otherwise whoever waits for an answer listens.
    on_answer : callable
        Gets a line and its answer, and when it came (s).
    on_report : callable
        Gets every message that answers nothing, and when it came (s).
    on_late : callable
        Gets a line of deliveries that was not answered in time; the host then asks what became of it.
    on_lost : callable
        Gets the reason, once.

    Attributes
    ----------
    lost : str
        Why the line is gone; empty while it is there.
    """

    def __init__(
        self,
        line: Line,
        *,
        now: Callable[[], float],
        threaded: bool,
        on_answer: Callable[[Pending, Acknowledged | Refused, float], object],
        on_report: Callable[[Message, float], object],
        on_late: Callable[[Pending], object],
        on_lost: Callable[[str], object],
    ) -> None:
        self._line, self._now, self._threaded = line, now, threaded
        self._on_answer, self._on_report = on_answer, on_report
        self._on_late, self._on_lost = on_late, on_lost
        self.lost = ""
        self.awake = False
        """Whether the device is kept awake, from the first HELLO that it answers."""
        self.writing = threading.RLock()
        """Held while a line gets its number and goes out, as the order of both must be the same."""
        self._reader = LineReader()
        self._pending: dict[int, Pending] = {}
        self._seq, self._wrote_s, self._heard_s = 0, now(), now()
        self._stop_sent_s: float | None = None
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        if threaded:
            self._thread = threading.Thread(target=self._listen, name="mouse rig", daemon=True)
            self._thread.start()

    # -- to the device -------------------------------------------------------------------------------------

    def send(
        self,
        command: str,
        *arguments: str | int,
        deliveries: tuple[Delivery, ...] = (),
        before: Callable[[], object] = lambda: None,
    ) -> Pending:
        """Send a line and return at once; `before` is called when `deliveries` have their number.

        Raises
        ------
        LineLostError
            If the line is gone.
        """
        with self.writing:
            if self.lost:
                raise LineLostError(self.lost)
            self._seq = following(self._seq)
            pending = Pending(self._seq, command, self._now(), deliveries)
            line = encode_request(self._seq, command, *arguments)
            for delivery in deliveries:
                delivery.seq, delivery.sent_s = self._seq, pending.sent_s
            before()
            self._pending[self._seq] = pending
            self._wrote_s = pending.sent_s
            self._write(line)
        return pending

    def ask(self, command: str, *arguments: str | int, within_s: float = ASKED_S) -> Acknowledged:
        """Send a line and wait for its answer.

        Raises
        ------
        RigRefusedError
            If the device refuses.
        LineLostError
            If it does not answer.
        """
        return self.result(self.send(command, *arguments), within_s)

    def result(self, pending: Pending, within_s: float = ASKED_S) -> Acknowledged:
        """Wait for the answer to a line that was sent; see `ask`."""
        self.wait(pending.answered.is_set, within_s)
        if isinstance(pending.answer, Refused):
            raise RigRefusedError(f"the mouse rig refused {pending.command}: {pending.answer.in_words}")
        if pending.answer is None:
            why = self.lost or f"no answer within {within_s:g} s"
            raise LineLostError(f"the mouse rig did not answer {pending.command} ({why})")
        return pending.answer

    def stop(self) -> None:
        """Send the byte that stops everything, until the device confirms it; waits 50 ms at most."""
        held = self.writing.acquire(timeout=0.05)
        try:
            self._stop_sent_s = self._now()
            if not self.lost:
                self._write(STOP_BYTE)
        except LineLostError:
            pass  # noted by then; the device stops by itself
        finally:
            if held:
                self.writing.release()

    def stop_confirmed(self) -> None:
        """Note that the device has said that it stopped."""
        self._stop_sent_s = None

    @property
    def stop_is_open(self) -> bool:
        """Whether a stop was sent that the device has not confirmed."""
        return self._stop_sent_s is not None

    # -- from the device -----------------------------------------------------------------------------------

    def step(self, within_s: float = 0.0) -> None:
        """Listen for up to `within_s`, keep the device awake, and see to lines without an answer."""
        if self.lost:
            return
        try:
            for message in self._reader.feed(self._line.read(within_s)):
                self._take(message, self._now())
            self._keep_awake()
            self._see_to_late()
        except LineLostError as error:
            self.lose(str(error))

    def wait(self, done: Callable[[], bool], within_s: float) -> None:
        """Wait until something is so, the line is lost, or the time is over."""
        until_s = time.monotonic() + within_s
        while not done() and not self.lost and time.monotonic() < until_s:
            if self._threaded and threading.current_thread() is not self._thread:
                time.sleep(0.0005)
            else:
                self.step(0.001)

    def lose(self, reason: str) -> None:
        """Note that the line is gone, and let everyone go who waits for it."""
        if self.lost:
            return
        self.lost = reason
        with self.writing:
            pending, self._pending = list(self._pending.values()), {}
        self._on_lost(reason)
        for line in pending:
            line.answered.set()

    def close(self) -> None:
        """Stop listening and release the line; may be called twice."""
        self._closing.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout=1.0)
        self._line.close()

    # -- inside --------------------------------------------------------------------------------------------

    def _listen(self) -> None:
        while not self._closing.is_set() and not self.lost:
            self.step(0.01)

    def _write(self, data: bytes) -> None:
        try:
            self._line.write(data)
        except LineLostError as error:
            self.lose(str(error))
            raise

    def _take(self, message: Message, now_s: float) -> None:
        if not isinstance(message, (Acknowledged, Refused)):
            self._on_report(message, now_s)
            return
        self._heard_s = now_s
        with self.writing:
            pending = self._pending.get(message.seq)
            if pending is not None and not _is_repetition(pending, message):
                del self._pending[message.seq]
        if pending is None or _is_repetition(pending, message):
            self._on_report(message, now_s)
            return
        pending.answer = message
        self._on_answer(pending, message, now_s)
        pending.answered.set()

    def unanswered(self) -> list[Pending]:
        """Take out the deliveries that were asked about, for who has the answer."""
        with self.writing:
            found = [line for line in self._pending.values() if line.asked_s is not None]
            for line in found:
                del self._pending[line.seq]
        return found

    def _keep_awake(self) -> None:
        now_s = self._now()
        if self._stop_sent_s is not None and now_s - self._stop_sent_s > STOP_AGAIN_S:
            self._stop_sent_s = now_s
            self._write(STOP_BYTE)
        if self.awake and now_s - self._wrote_s >= KEEP_ALIVE_S:
            self.send("PING")

    def _see_to_late(self) -> None:
        now_s = self._now()
        with self.writing:
            late = [line for line in self._pending.values() if now_s - line.sent_s > ANSWER_S]
            for line in late:
                if not line.deliveries and now_s - line.sent_s > ASKED_S:
                    del self._pending[line.seq]
        for line in late:
            if line.deliveries and (line.asked_s is None or now_s - line.asked_s > ANSWER_S):
                if line.asked_s is None:
                    self._on_late(line)
                line.asked_s = now_s
                self.send("STATUS")
        if late and self.awake and now_s - self._heard_s > GIVE_UP_S:
            self.stop()
            self.lose(f"the mouse rig has not answered for {GIVE_UP_S:g} s; everything goes low by itself")


def _is_repetition(pending: Pending, message: Acknowledged | Refused) -> bool:
    """Whether a refusal says only that the line came twice or late: what became of it is asked for then."""
    return isinstance(message, Refused) and message.reason == "OLD" and bool(pending.deliveries)
