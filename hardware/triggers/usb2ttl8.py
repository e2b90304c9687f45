r"""Trigger codes for LabHackers' USB2TTL8, which takes lines of text.

Source: the maker's examples for Python and PsychoPy: ``SET DATA_MODE WRITE\n`` once, then ``WRITE 21\n``, or
``WRITE 21 8000 0\n`` for 21 during 8000 microseconds and 0 after it. ``GET CONFIG\n`` is answered with a line
of JSON.
"""

from __future__ import annotations

from hardware.protocols import Pulse
from hardware.triggers.serial_line import SerialLine

PULSE_US = 8000
"""Length of the pulses that the device ends itself (microseconds): 9 samples at 1200 Hz. Our choice."""

GREETING_S = 0.1
"""How long its answer to the first line is waited for."""


class Usb2Ttl8Trigger(SerialLine):
    """One line of text per event; see `SerialLine` for what it is opened with."""

    at_rest = b"WRITE 0\n"

    def __init__(self, port: str, *, baud: int, pulse: Pulse, wait_s: float = 0.0) -> None:
        super().__init__(port, baud=baud, pulse=pulse, wait_s=wait_s)
        self.write(b"SET DATA_MODE WRITE\n")
        self.read(GREETING_S)

    def encode(self, code: int) -> bytes:
        """Return the line that sets the outputs to a code."""
        return b"WRITE %d\n" % code if self.pulse == "next_flip" else b"WRITE %d %d 0\n" % (code, PULSE_US)

    def reset(self) -> None:
        """End the pulse, and throw away what the device has answered, so that it never waits for a reader."""
        super().reset()
        self._line.read(4096)

    def self_test(self) -> str | None:
        """Ask the device for its name; return what is wrong, None when it is what it should be."""
        self.write(b"GET CONFIG\n")
        answer = self.read(within_s=0.5).decode("ascii", "replace").strip()
        if "USB2TTL8" in answer:
            return None
        said = f"answered {answer[:60]!r}" if answer else "did not answer"
        return f"what is on {self.port!r} {said} when asked for its name, so it is no USB2TTL8"
