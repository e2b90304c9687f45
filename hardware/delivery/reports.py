"""What the device reports, put together: events in order, and the deliveries that they belong to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from hardware.delivery.protocol import (
    STOP_CAUSES,
    Boot,
    Damaged,
    Event,
    Message,
    Refused,
    is_newer,
    unwrapped,
    whole_number,
)
from hardware.delivery.records import Delivery, DeviceEvent, EventKind

CUT_US = 1000
"""A delivery whose time on is shorter than what was asked by more than this was cut."""

_INPUTS: dict[str, EventKind] = {"LICK": "lick", "FRAME": "frame", "ESTOP": "estop", "LOST": "events_lost"}


class DeviceReports:
    """Turns messages into `DeviceEvent`, and fills in the deliveries.

    Parameters
    ----------
    put : callable
        Gets each event; must not wait.
    """

    def __init__(self, put: Callable[[DeviceEvent], object]) -> None:
        self._put = put
        self._open: dict[tuple[int, str], Delivery] = {}
        self._lock = threading.Lock()
        self._last_us = 0
        self._next_count: int | None = None

    def expect(self, deliveries: Sequence[Delivery]) -> None:
        """Wait for reports about deliveries."""
        with self._lock:
            for delivery in deliveries:
                self._open[delivery.seq, delivery.channel] = delivery

    def forget(self, delivery: Delivery) -> None:
        """Expect no more reports about a delivery."""
        with self._lock:
            self._open.pop((delivery.seq, delivery.channel), None)

    def open(self) -> list[Delivery]:
        """Return the deliveries whose end is not known."""
        with self._lock:
            return list(self._open.values())

    def time_us(self, device_us: int) -> int:
        """Return a device time without the jumps of its counter (µs since the device's start)."""
        self._last_us = unwrapped(device_us, self._last_us)
        return self._last_us

    def accepted(self, deliveries: Sequence[Delivery], device_us: int, now_s: float) -> None:
        """Note that the device will do, or does, what was asked."""
        for delivery in deliveries:
            delivery.answered_s, delivery.start_us = now_s, device_us
            if delivery.state == "sent":
                delivery.state = "accepted"

    def refused(self, deliveries: Sequence[Delivery], message: Refused, now_s: float) -> None:
        """Note that the device does nothing of what was asked."""
        for delivery in deliveries:
            delivery.answered_s = now_s
            self.forget(delivery)
            delivery.settle("refused", message.in_words)
        if deliveries:
            self.host("refused", now_s, seq=message.seq, text=message.in_words)

    def found(self, deliveries: Sequence[Delivery], last: str | None, seq: int) -> None:
        """Note what became of deliveries without an answer, from the last one that the device accepted.

        Where that is a later one, nobody can say: only a report of the output's rise or fall could.
        """
        accepted = whole_number(last or "")
        for delivery in deliveries:
            if delivery.state != "sent":
                continue
            if accepted == seq:
                delivery.state = "accepted"
            elif accepted and is_newer(accepted, seq):
                self.forget(delivery)
                delivery.settle("unknown", "its answer was lost, and the device has accepted others since")
            else:
                self.forget(delivery)
                delivery.settle("not_delivered", "its line was damaged on the way, and nothing was done")

    def host(self, kind: EventKind, now_s: float, *, text: str, seq: int | None = None) -> DeviceEvent:
        """Report what only the host knows."""
        event = DeviceEvent(kind=kind, host_s=now_s, seq=seq, text=text)
        self._put(event)
        return event

    def take(self, message: Message, now_s: float) -> list[DeviceEvent]:
        """Report a message of the device; returns what was reported."""
        if isinstance(message, Damaged):
            return [self.host("damaged", now_s, text=f"{message.why}: {message.text[:80]!r}")]
        if isinstance(message, Boot):
            self._last_us, self._next_count = message.device_us, None
            event = DeviceEvent(
                kind="boot", host_s=now_s, device_us=message.device_us, text=" ".join(message.fields)
            )
            self._put(event)
            return [event]
        if isinstance(message, Refused) and message.seq == 0:
            return [self.host("damaged", now_s, text=f"on the way to the device: {message.in_words}")]
        if not isinstance(message, Event):
            return []
        missing = self._missing(message.count)
        events = [self._missed(missing, now_s)] if missing else []
        event = self._event(message, now_s)
        self._put(event)
        return [*events, event]

    def _missing(self, count: int) -> int:
        """Return how many events before this one never came."""
        expected, self._next_count = self._next_count, (count + 1) % 65536
        return 0 if expected is None else (count - expected) % 65536

    def _missed(self, n: int, now_s: float) -> DeviceEvent:
        event = DeviceEvent(
            kind="events_lost", host_s=now_s, value=n, text=f"{n} events of the device are missing"
        )
        self._put(event)
        return event

    def _event(self, message: Event, now_s: float) -> DeviceEvent:
        device_us = self.time_us(message.device_us)
        words = message.fields
        if message.kind in ("ON", "OFF") and (found := self._output_event(message, device_us, now_s)):
            return found
        if message.kind == "STOP" and words:
            return DeviceEvent(
                kind="stop", host_s=now_s, device_us=device_us, text=STOP_CAUSES.get(words[0], words[0])
            )
        value = whole_number(words[0]) if words else None
        if message.kind in _INPUTS and value is not None:
            return DeviceEvent(kind=_INPUTS[message.kind], host_s=now_s, device_us=device_us, value=value)
        text = f"event not understood: {message.kind} {' '.join(words)}"
        return DeviceEvent(kind="damaged", host_s=now_s, device_us=device_us, text=text)

    def _output_event(self, message: Event, device_us: int, now_s: float) -> DeviceEvent | None:
        channel, *words = message.fields
        numbers = [whole_number(word) for word in words]
        if None in numbers or len(numbers) != {"ON": 1, "OFF": 3}[message.kind]:
            return None
        seq = numbers[0]
        if seq is None:
            return None
        with self._lock:
            delivery = self._open.get((seq, channel))
        if message.kind == "ON":
            if delivery is not None and not delivery.settled:
                delivery.on_device_us, delivery.state = device_us, "on"
            return DeviceEvent(kind="on", host_s=now_s, device_us=device_us, channel=channel, seq=seq)
        if delivery is not None:
            self._ended(delivery, device_us, numbers[1] or 0, numbers[2] or 0)
        return DeviceEvent(
            kind="off",
            host_s=now_s,
            device_us=device_us,
            channel=channel,
            seq=seq,
            value=numbers[1],
            on_us=numbers[2],
        )

    def _ended(self, delivery: Delivery, device_us: int, n_done: int, on_us: int) -> None:
        delivery.off_device_us, delivery.n_done, delivery.on_us = device_us, n_done, on_us
        asked_us = min(delivery.course.on_us, 0xFFFFFFFF)
        cut = n_done < delivery.course.n or on_us < asked_us - CUT_US
        delivery.settle("cut" if cut else "done", "ended before its time" if cut else "")
        self.forget(delivery)
