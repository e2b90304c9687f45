"""The mouse rig as a session uses it: orders go out with their trial, and what comes back finds its trial."""

from __future__ import annotations

import queue
import time
from collections.abc import Sequence
from contextlib import suppress

from experiments.mouse_face.parts import News, Order
from hardware.delivery.line import LineLostError
from hardware.delivery.mouse_rig import MouseRig, RigRefusedError
from hardware.delivery.records import Course, Delivery, DeviceEvent

CLOCK_EVERY_S = 1.0
"""How often both clocks are noted (s). Our choice: a line through 1000 points, of which none is far away."""
CONFIRM_S = 0.5
"""How long a stop waits for the device to say that everything is low (s), which it does without the host."""


class RigDelivery:
    """A `parts.Delivery` of a mouse rig that is connected.

    Parameters
    ----------
    rig : MouseRig
        The rig.
    own_thread : bool
        Whether the rig listens by itself; where time is virtual, `news` lets it listen.
    """

    def __init__(self, rig: MouseRig, *, own_thread: bool = True) -> None:
        self.rig = rig
        self._own_thread = own_thread
        self._trial_of: dict[int, int] = {}
        self._open: list[tuple[int, Delivery]] = []
        self._early: list[News] = []
        self._noted_s = -float("inf")
        self._stopping = False
        self._low_said: str | None = None
        while not rig.events.empty():  # what it said before the session, such as that it has started
            rig.events.get_nowait()

    def arm(self) -> None:
        """Allow deliveries."""
        try:
            self.rig.arm()
        except (LineLostError, RigRefusedError) as error:
            raise ConnectionError(str(error)) from error

    def order(self, order: Order) -> None:
        """Send what a trial delivers; what the host's limits do not allow is news, and nothing is sent."""
        first, *others = order.outputs
        try:
            delivery = self.rig.deliver(
                first.channel,
                first.pulse_us,
                first.n_pulses,
                first.period_us,
                also=[Course(o.channel, o.pulse_us, o.n_pulses, o.period_us) for o in others],
                volume_ul=order.volume_ul,
                current_ma=order.current_ma,
            )
        except (ValueError, RigRefusedError, LineLostError) as error:
            now_s = self.rig.now()
            self._early.append(
                News("refused", now_s, channel=first.channel, trial=order.trial, value=str(error))
            )
            return
        self._listen()
        self._trial_of[delivery.seq] = order.trial
        self._open += [(order.trial, one) for one in (delivery, *delivery.also)]

    def news(self) -> Sequence[News]:
        """Return what the device has said since the last call."""
        self._listen()
        found, self._early = self._early, []
        found += self._answers()
        while True:
            try:
                event = self.rig.events.get_nowait()
            except queue.Empty:
                break
            found.append(self._heard(event))
        return found + self._clocks()

    def problem(self) -> str | None:
        """Say what is wrong; None while all is well."""
        if self._stopping or self.rig.state == "armed" or self.rig.state in ("new", "connected"):
            return None
        if self.rig.state == "lost":
            return self.rig.lost_reason
        return (
            f"the device has stopped everything ({self._low_said or self.rig.state}): see to the animal, "
            "then start another session"
        )

    def stop(self) -> str:
        """Put all outputs low now, and say whether the device confirmed it."""
        self._stopping = True
        lost = self.rig.state == "lost"
        with suppress(Exception):
            self.rig.stop()
        if lost or self.rig.state == "lost":
            return (
                "the line is gone, nobody can say; the device puts everything low by itself within a second "
                "of silence"
            )
        until_s = time.monotonic() + CONFIRM_S
        while self._low_said is None and time.monotonic() < until_s:
            heard = list(self.news())
            self._early = heard + self._early
            if self._low_said is None:
                time.sleep(0.002)
        if self._low_said is None:
            return "the device was told to stop and has not answered; it stops by itself within a second"
        return f"everything is low, as the device says: {self._low_said}"

    def close(self) -> None:
        """Release the line, all outputs low."""
        self._stopping = True
        with suppress(Exception):
            self.rig.close()

    def _listen(self) -> None:
        """Where time is virtual, no thread listens: hear what is there, and at once what it was answered."""
        if not self._own_thread:
            self.rig.step()
            self.rig.step()

    def _answers(self) -> list[News]:
        """Say of each order what became of it, once that is known."""
        found, still = [], []
        for trial, one in self._open:
            if one.state == "sent":
                still.append((trial, one))
                continue
            refused = one.state in ("refused", "not_delivered", "unknown")
            kind = ("unanswered" if one.state == "unknown" else "refused") if refused else "accepted"
            at_s = one.answered_s if one.answered_s is not None else self.rig.now()
            start_s = None if one.start_us is None else one.start_us / 1e6
            found.append(
                News(
                    kind,
                    at_s,
                    channel=one.channel,
                    trial=trial,
                    value=one.reason or None,
                    device_s=start_s,
                    n_pulses=one.course.n,
                    on_s=one.course.on_us / 1e6,
                )
            )
        self._open = still
        return found

    def _heard(self, event: DeviceEvent) -> News:
        if event.kind == "stop":
            self._low_said = event.text or "stopped"
        is_off = event.kind == "off"
        value = event.text or (None if event.value is None or is_off else str(event.value))
        return News(
            event.kind if event.kind != "refused" else "not_done",
            event.host_s,
            channel=event.channel or None,
            value=value,
            trial=self._trial_of.get(event.seq) if event.seq is not None else None,
            n_pulses=event.value if is_off else None,
            on_s=None if event.on_us is None else event.on_us / 1e6,
            device_s=event.device_s,
        )

    def _clocks(self) -> list[News]:
        """Note both clocks: in the middle between a line and its answer, of the quickest of the last ones."""
        now_s = self.rig.now()
        trips = self.rig.round_trips
        if not trips or now_s - self._noted_s < CLOCK_EVERY_S or trips[-1].answered_s <= self._noted_s:
            return []
        recent = [trips[-i] for i in range(1, min(len(trips), 20) + 1)]
        recent = [trip for trip in recent if trip.answered_s > self._noted_s] or recent[:1]
        best = min(recent, key=lambda trip: trip.answered_s - trip.sent_s)
        self._noted_s = now_s
        middle_s = (best.sent_s + best.answered_s) / 2
        return [
            News(
                "clock",
                middle_s,
                value=f"{1000 * (best.answered_s - best.sent_s):.3f} ms",
                device_s=best.device_us / 1e6,
            )
        ]
