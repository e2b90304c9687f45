"""The outputs of the simulated mouse rig: what each delivers, what it has delivered, and what it refuses."""

from __future__ import annotations

import dataclasses

from hardware.delivery.ceilings import ROUND_US, Ceilings, refusal

MOST_TICKS_US = 0x7FFFFFFF
"""Longest time on that a device reports (µs): its counter of half microseconds ends there."""


class RefusalError(Exception):
    """What makes the device answer ``N``."""


@dataclasses.dataclass
class Output:
    """One output."""

    name: str
    ceilings: Ceilings
    used: int = 0
    used_ms: int = 0
    ended_us: int | None = None
    seq: int = 0
    left: int = 0
    high: bool = False
    edge_us: int = 0
    pulse_us: int = 0
    period_us: int = 0
    done: int = 0
    on_us: int = 0
    rose_us: int = 0

    @property
    def active(self) -> bool:
        """Whether it delivers, or waits for its next pulse."""
        return self.high or self.left > 0

    def wait_us(self, now_us: int) -> int:
        """Return how long until the next delivery is allowed (µs), in whole ms.

        As the device does, it counts in rounds of its timer, and only those that have passed for certain: up
        to `ROUNDING_MS` more than the ceiling says.
        """
        if self.ended_us is None:
            return 0
        rounds = max(0, now_us // ROUND_US - self.ended_us // ROUND_US - 1)
        return 1000 * max(0, self.ceilings.interval_ms - rounds * ROUND_US // 1000)

    def rise(self, now_us: int) -> None:
        """Go high."""
        self.high, self.rose_us = True, now_us
        self.left -= 1
        self.edge_us = now_us + self.pulse_us

    def fall(self, now_us: int) -> None:
        """Go low."""
        self.high = False
        self.done += 1
        self.on_us = min(self.on_us + now_us - self.rose_us, MOST_TICKS_US)
        self.edge_us = self.rose_us + self.period_us


@dataclasses.dataclass(frozen=True)
class Ordered:
    """What one output is asked to do."""

    output: Output
    delay_us: int
    pulse_us: int
    n: int
    period_us: int

    @property
    def on_ms(self) -> int:
        """Time on, rounded up (ms)."""
        return min(-(-self.n * self.pulse_us // 1000), 0xFFFFFFFF)

    def check(self, now_us: int) -> None:
        """Refuse what the output may not do now.

        Raises
        ------
        RefusalError
            With the protocol's word for the reason.
        """
        output, limits = self.output, self.output.ceilings
        if output.active:
            raise RefusalError("BUSY")
        reason = refusal(
            limits, pulse_us=self.pulse_us, n=self.n, period_us=self.period_us, delay_us=self.delay_us
        )
        if reason:
            raise RefusalError(reason)
        if output.wait_us(now_us):
            raise RefusalError("INTERVAL")
        if limits.deliveries and output.used >= limits.deliveries:
            raise RefusalError("COUNT")
        if limits.total_ms and output.used_ms + self.on_ms > limits.total_ms:
            raise RefusalError("TOTAL")

    def begin(self, seq: int, now_us: int) -> None:
        """Charge the order and let it begin; what is charged stays so, also if it is cut."""
        output = self.output
        output.used += 1
        output.used_ms = min(output.used_ms + self.on_ms, 0xFFFFFFFF)
        output.seq, output.left, output.done, output.on_us = seq, self.n, 0, 0
        output.pulse_us, output.period_us = self.pulse_us, self.period_us
        output.edge_us = now_us + self.delay_us
