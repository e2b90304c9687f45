"""Trigger codes as single raw bytes on a serial line.

This is what most USB-to-TTL converters take: microcontroller converters (Arduino, Teensy), the BioSemi USB
trigger interface, Neurospec's MMBT-S, Brain Products' TriggerBox, all through a virtual serial port.
"""

from __future__ import annotations

from hardware.triggers.serial_line import SerialLine


class SerialByteTrigger(SerialLine):
    """One byte per event, with the code as its value; see `SerialLine` for what it is opened with."""

    at_rest = b"\x00"

    def encode(self, code: int) -> bytes:
        """Return the code as one byte."""
        return bytes((code,))
