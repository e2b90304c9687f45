"""Trigger codes as single raw bytes on a serial line.

This is what most USB-to-TTL converters take: microcontroller converters, the BioSemi USB trigger interface
and similar boxes at 115200 baud. ASCII protocols (a box that wants ``WRITE 5``) are other devices.
"""

from __future__ import annotations

import contextlib

import serial

from hardware.protocols import Pulse, check_code


class SerialByteTrigger:
    """One byte per event; the program or the device ends the pulse.

    Parameters
    ----------
    port : str
        ``COM4``, ``/dev/ttyUSB0``, or any address that pyserial opens (``socket://127.0.0.1:5000``).
    baud : int
        Speed of the line.
    pulse : {"next_flip", "device"}
        ``next_flip``: `reset` writes a zero byte, and the caller asks for it one screen refresh after the
        code. ``device``: the converter ends the pulse itself, so no zero is ever written (some record it as
        one more event).

    Raises
    ------
    ValueError
        If the port cannot be opened.

    Notes
    -----
    Writing never waits: a full buffer would delay the picture on the screen. Python hands the byte to the
    operating system, and USB converters deliver it at their next millisecond; set the latency timer of FTDI
    adapters to 1 ms.
    """

    def __init__(self, port: str, *, baud: int, pulse: Pulse) -> None:
        self.pulse: Pulse = pulse
        self._port = port
        try:
            self._line = serial.serial_for_url(port, baudrate=baud, timeout=0, write_timeout=0)
        except (serial.SerialException, OSError, ValueError) as error:
            raise ValueError(
                f"the trigger port {port!r} could not be opened ({error}). Is the device plugged in, is "
                "another program using it, and (on Linux) are you in the group dialout? "
                "`python -m hardware list` shows the ports of this computer."
            ) from None

    def send(self, code: int) -> None:
        """Write the code as one byte.

        Raises
        ------
        RuntimeError
            If the line is gone, because the device was unplugged or switched off.
        """
        self._write(check_code(code))

    def reset(self) -> None:
        """Write a zero byte, unless the device ends its pulses itself."""
        if self.pulse == "next_flip":
            self._write(0)

    def close(self) -> None:
        """Leave the line at zero, if it is still there, and release the port."""
        if self._line.is_open:
            with contextlib.suppress(RuntimeError):
                self.reset()
            self._line.close()

    def _write(self, value: int) -> None:
        try:
            self._line.write(bytes((value,)))
        except OSError as error:  # SerialException is one
            raise RuntimeError(
                f"the trigger line {self._port!r} is gone ({error}), so the recording would lack triggers: "
                "is the cable plugged in, and is the device on?"
            ) from None
