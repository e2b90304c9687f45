"""The recording computer's end of a trigger line: a pseudo-terminal that is read all the time."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

END = b"\xff"


class TriggerListener:
    """Keeps every byte that arrives, with its time.

    Parameters
    ----------
    heard : callable, optional
        Called with each code and its time, in the listener's own thread.

    Attributes
    ----------
    port : str
        The name under which a session opens the line.
    received : bytearray
        All bytes, the zeros between codes too.
    times_s : list of float
        When each arrived, by `time.perf_counter`.
    """

    def __init__(self, heard: Callable[[int, float], None] | None = None) -> None:
        import tty

        self._reading, self._writing = os.openpty()
        tty.setraw(self._reading)
        tty.setraw(self._writing)
        self.port = os.ttyname(self._writing)
        self.received = bytearray()
        self.times_s: list[float] = []
        self._heard = heard
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def codes(self) -> list[tuple[int, float]]:
        """Return the codes and their times, without the zeros between."""
        return [
            (byte, time_s) for byte, time_s in zip(self.received, self.times_s, strict=False) if byte != 0
        ]

    def close(self) -> None:
        """Stop to listen."""
        os.write(self._writing, END)
        self._reader.join(timeout=5)
        os.close(self._reading)
        os.close(self._writing)

    def _read(self) -> None:
        while True:
            try:
                received = os.read(self._reading, 1024)
            except OSError:
                return
            now_s = time.perf_counter()
            if not received or received == END:
                return
            self.times_s += [now_s] * len(received)
            self.received += received
            for byte in received:
                if byte and self._heard is not None:
                    self._heard(byte, now_s)
