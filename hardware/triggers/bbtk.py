"""Trigger codes for the Black Box ToolKit's USB TTL module, which takes two hexadecimal digits.

Source: the maker's guide to the module: 115200 baud; ``RR`` resets it and clears all lines, ``0A`` sets them
to 10, ``00`` clears them; capital letters, nothing at the end of a line.
"""

from __future__ import annotations

import contextlib

from hardware.protocols import Pulse
from hardware.triggers.serial_line import SerialLine


class BbtkTrigger(SerialLine):
    """Two characters per event; see `SerialLine` for what it is opened with.

    The module holds a code until it is told the next, so the program ends the pulses.
    """

    at_rest = b"00"

    def __init__(self, port: str, *, baud: int, pulse: Pulse = "next_flip", wait_s: float = 0.0) -> None:
        super().__init__(port, baud=baud, pulse=pulse, wait_s=wait_s)
        self.write(b"RR")

    def encode(self, code: int) -> bytes:
        """Return the code as two hexadecimal digits."""
        return b"%02X" % code

    def close(self) -> None:
        """Reset the module and release the port."""
        if self._line.is_open:
            with contextlib.suppress(RuntimeError):
                self.write(b"RR")
            self._line.close()
