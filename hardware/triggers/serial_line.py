"""What trigger devices on a serial line have in common: opening, writing without waiting, clear errors."""

from __future__ import annotations

import contextlib
import os
import select
import time
from abc import ABC, abstractmethod

import serial

from hardware.protocols import Pulse, check_code


class SerialLine(ABC):
    """A trigger device on a serial line; its protocol is said by `encode` and `at_rest`.

    Parameters
    ----------
    port : str
        ``COM4``, ``/dev/ttyUSB0``, or any address that pyserial opens (``socket://127.0.0.1:5000``).
    baud : int
        Speed of the line.
    pulse : {"next_flip", "device"}
        ``next_flip``: `reset` writes zero, and the caller asks for it one screen refresh after the code.
        ``device``: the device ends the pulse itself, so no zero is ever written (some record it as one more
        event).
    wait_s : float
        How long the device needs after it was opened, before it listens (s).

    Raises
    ------
    ValueError
        If the port cannot be opened.

    Notes
    -----
    Writing never waits, as a full buffer would delay the picture on the screen: a device that takes no more
    is an error. Python hands the bytes to the operating system, and USB converters deliver them at their next
    millisecond; set the latency timer of FTDI adapters to 1 ms.
    """

    at_rest: bytes
    """What sets the line back to zero."""

    def __init__(self, port: str, *, baud: int, pulse: Pulse, wait_s: float = 0.0) -> None:
        self.pulse: Pulse = pulse
        self.port = port
        self._on_line = 0
        try:
            self._line = serial.serial_for_url(
                port, baudrate=baud, timeout=0, write_timeout=0, exclusive=True
            )
        except (serial.SerialException, OSError, ValueError) as error:
            raise ValueError(
                f"the trigger port {port!r} could not be opened ({_reason(error)}). Is the device "
                "plugged in, is another program using it, and (on Linux) are you in the group dialout? "
                "`python -m hardware list` shows the ports of this computer."
            ) from None
        time.sleep(wait_s)

    @abstractmethod
    def encode(self, code: int) -> bytes:
        """Return what is written for a code."""

    def send(self, code: int) -> None:
        """Write a code; one that is still on the line goes through zero, so that it is a new event.

        Raises
        ------
        RuntimeError
            If the line is gone, because the device was unplugged or switched off, or if it takes no more.
        """
        message = self.encode(check_code(code))
        if self.pulse == "next_flip" and code == self._on_line:
            message = self.at_rest + message
        self.write(message)
        self._on_line = code

    def reset(self) -> None:
        """Set the line back to zero, unless the device ends its pulses itself."""
        self._on_line = 0
        if self.pulse == "next_flip":
            self.write(self.at_rest)

    def close(self) -> None:
        """Leave the line at zero, if it is still there, and release the port."""
        if self._line.is_open:
            with contextlib.suppress(RuntimeError):
                self.reset()
            self._line.close()

    def write(self, message: bytes) -> None:
        """Hand bytes to the operating system without waiting."""
        try:
            # pyserial would try again and again where the system takes no more
            n_written = self._line.write(message) if self._takes_more() else 0
        except (OSError, ValueError) as error:  # SerialException is an OSError
            raise RuntimeError(
                f"the trigger line {self.port!r} is gone ({error}), so the recording would lack triggers: "
                "is the cable plugged in, and is the device on?"
            ) from None
        if n_written != len(message):
            raise RuntimeError(
                f"the trigger device on {self.port!r} takes no more codes, so the recording would lack "
                "triggers: unplug it, plug it in again, and see whether the rig file has its kind and baud"
            )

    def read(self, within_s: float) -> bytes:
        """Return what the device says within a time (s); not for moments at which timing counts."""
        answer, until_s = b"", time.monotonic() + within_s
        while (new := self._line.read(4096)) or time.monotonic() < until_s:
            answer += new
            if new.endswith(b"\n"):
                break
            time.sleep(0.005)
        return answer

    def _takes_more(self) -> bool:
        try:
            number = self._line.fileno()
        except (AttributeError, OSError):  # Windows, whose writes never wait, and addresses such as loop://
            return True
        return bool(select.select([], [number], [], 0)[1])


def _reason(error: Exception) -> str:
    """Say in the system's words why a port could not be opened; pyserial says the port's name once more."""
    number = getattr(error, "errno", None)
    return os.strerror(number) if number else str(error)
