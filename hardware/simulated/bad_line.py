"""A line that damages, repeats, swaps and loses what goes over it, to see what comes of it."""

from __future__ import annotations

import numpy as np

from hardware.delivery.line import Line
from hardware.delivery.protocol import STOP_BYTE


class BadLine:
    """A `hardware.delivery.line.Line` over another one.

    Parameters
    ----------
    line : Line
        The good one.
    rng : Generator
        Decides what happens.
    damage, repeat, swap, lose : float
        Share of the lines, in both directions, with a wrong bit; that come twice; that come after the next
        one; that never come.

    Attributes
    ----------
    n_faults : int
        How many lines were not passed on as they were.
    """

    def __init__(
        self,
        line: Line,
        *,
        rng: np.random.Generator,
        damage: float = 0.0,
        repeat: float = 0.0,
        swap: float = 0.0,
        lose: float = 0.0,
    ) -> None:
        self._line, self._rng = line, rng
        self._shares = {"damage": damage, "repeat": repeat, "swap": swap, "lose": lose}
        self._kept: dict[str, bytes] = {}
        self._rest = b""
        self.n_faults = 0

    def read(self, within_s: float) -> bytes:
        """Return what has come, with faults."""
        *lines, self._rest = (self._rest + self._line.read(within_s)).split(b"\n")
        return b"".join(self._passed("read", line + b"\n") for line in lines)

    def write(self, data: bytes) -> None:
        """Pass bytes on, with faults; the stop byte always arrives."""
        passed = data if data == STOP_BYTE else self._passed("write", data)
        if passed:
            self._line.write(passed)

    def close(self) -> None:
        """Release the line."""
        self._line.close()

    def _passed(self, way: str, line: bytes) -> bytes:
        kept = self._kept.pop(way, b"")
        fault = self._fault()
        self.n_faults += fault is not None
        if fault == "swap" and not kept:
            self._kept[way] = line
            return b""
        changed = {"damage": self._damaged, "repeat": lambda one: one + one, "lose": lambda one: b""}
        return changed.get(fault or "", lambda one: one)(line) + kept

    def _fault(self) -> str | None:
        chance = self._rng.random()
        for name, share in self._shares.items():
            if chance < share:
                return name
            chance -= share
        return None

    def _damaged(self, line: bytes) -> bytes:
        changed = bytearray(line)
        changed[int(self._rng.integers(len(line)))] ^= 1 << int(self._rng.integers(8))
        return bytes(changed)
