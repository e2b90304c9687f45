"""The serial line to the rig: opened by its address, written and read without waiting."""

from __future__ import annotations

import contextlib
from typing import Protocol

import serial

from hardware.delivery.protocol import BAUD


class LineLostError(RuntimeError):
    """The cable is out, or the device is off."""


class Line(Protocol):
    """What carries the bytes between host and device."""

    def read(self, within_s: float) -> bytes:
        """Return what has come; wait up to `within_s` for the first byte."""

    def write(self, data: bytes) -> None:
        """Hand bytes to the system without waiting."""

    def close(self) -> None:
        """Release the line; may be called twice."""


class SerialLine:
    """A port or address that pyserial opens: ``/dev/ttyACM0``, ``COM4``, ``socket://127.0.0.1:5000``.

    Parameters
    ----------
    address : str
        Which.
    baud : int
        Its speed.

    Raises
    ------
    ValueError
        If it cannot be opened.
    """

    def __init__(self, address: str, *, baud: int = BAUD) -> None:
        self.address = address
        try:
            self._port = serial.serial_for_url(
                address, baudrate=baud, timeout=0.02, write_timeout=0, exclusive=True
            )
        except (serial.SerialException, OSError, ValueError) as error:
            raise ValueError(
                f"the mouse rig's port {address!r} could not be opened ({error}). Is the device plugged in, "
                "is another program using it, and (on Linux) are you in the group dialout? "
                "`python -m hardware list` shows the ports of this computer"
            ) from None

    def read(self, within_s: float) -> bytes:
        """Return what has come; wait up to `within_s` for the first byte.

        Raises
        ------
        LineLostError
            If the line is gone.
        """
        try:
            if self._port.timeout != within_s:
                self._port.timeout = within_s
            first = self._port.read(1)
            return first + self._port.read(min(self._port.in_waiting, 4096)) if first else b""
        except (serial.SerialException, OSError, ValueError, TypeError, AttributeError) as error:
            raise self._lost(error) from None

    def write(self, data: bytes) -> None:
        """Hand bytes to the system without waiting.

        Raises
        ------
        LineLostError
            If the line is gone, or takes no more.
        """
        try:
            n_written = self._port.write(data)
        except (serial.SerialException, OSError, ValueError, TypeError, AttributeError) as error:
            raise self._lost(error) from None
        if n_written is not None and n_written != len(data):
            raise self._lost("it takes no more")

    def close(self) -> None:
        """Release the port; may be called twice."""
        with contextlib.suppress(serial.SerialException, OSError):
            self._port.close()

    def _lost(self, why: object) -> LineLostError:
        return LineLostError(
            f"the line to the mouse rig, {self.address!r}, is gone ({why}). The device lowers all outputs "
            "by itself within a second of silence. Is the cable plugged in, and has the device power?"
        )
