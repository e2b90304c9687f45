"""Trigger codes on the data pins of a parallel port: a driver's DLL on Windows, ppdev on Linux."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from hardware.protocols import Pulse, check_code

WINDOWS_LIBRARIES = ("inpoutx64.dll", "inpout32.dll", "dlportio.dll")
"""Drivers that let a program write to a port, in the order in which they are tried; a 64-bit Python can load
only 64-bit ones."""

PPWDATA, PPRDATA, PPCLAIM, PPRELEASE, PPDATADIR = 0x40017086, 0x80017085, 0x708B, 0x708C, 0x40047090
"""Requests of Linux' ppdev, from ``linux/ppdev.h``."""


class Pins(Protocol):
    """The eight data pins."""

    def write(self, value: int) -> None:
        """Set the pins."""

    def read(self) -> int | None:
        """Return what is on the pins; None where that cannot be known."""

    def close(self) -> None:
        """Release the port."""


class ParallelTrigger:
    """A parallel port; its pins hold a code until `reset`.

    Parameters
    ----------
    port : str
        Address such as ``0x378``, or on Linux the device, such as ``/dev/parport0``. There is no default: a
        wrong address would write into another device.
    library : str, optional
        Path of the driver's DLL, where it is not found by itself.

    Raises
    ------
    ValueError
        If the port cannot be opened; the message says what to install or to load.
    """

    pulse: Pulse = "next_flip"

    def __init__(self, port: str, *, library: str | None = None) -> None:
        self.port = port
        self._on_line = 0
        self._pins: Pins | None
        if port.startswith("/dev/"):
            self._pins = PpdevPins(port)
        else:
            self._pins = DllPins(int(port, 0), load_library(library))
        self._write(0)

    def send(self, code: int) -> None:
        """Put a code on the pins; one that is still on them goes through zero, so that it is a new event.

        Raises
        ------
        RuntimeError
            If the port is gone.
        """
        if check_code(code) == self._on_line:
            self._write(0)
        self._write(code)
        self._on_line = code

    def reset(self) -> None:
        """Set all pins to zero."""
        self._on_line = 0
        self._write(0)

    def close(self) -> None:
        """Leave the pins at zero and release the port; may be called twice."""
        if self._pins is not None:
            with contextlib.suppress(RuntimeError):
                self.reset()
            self._pins.close()
            self._pins = None

    def self_test(self) -> str | None:
        """Write two patterns and read them back; return what is wrong, None when nothing is."""
        assert self._pins is not None
        for pattern in (0x55, 0xAA):
            self._write(pattern)
            found = self._pins.read()
            if found not in (None, pattern):
                self._write(0)
                return (
                    f"{pattern:#x} was written to {self.port} and {found:#x} read back, so there may be no "
                    "parallel port at this address"
                )
        self._write(0)
        return None

    def _write(self, value: int) -> None:
        if self._pins is None:
            raise RuntimeError(f"the parallel port {self.port} was closed")
        try:
            self._pins.write(value)
        except OSError as error:
            raise RuntimeError(
                f"the parallel port {self.port} is gone ({error}), so the recording would lack triggers: is "
                "its card plugged in?"
            ) from None


class DllPins:
    """Pins that a driver's DLL reaches by their address.

    Parameters
    ----------
    address : int
        Address of the data register.
    library : ctypes.CDLL
        The DLL, with the functions of InpOut (``Out32``, ``Inp32``) or of DLPortIO.
    """

    def __init__(self, address: int, library: ctypes.CDLL) -> None:
        self._address = address
        self._out, self._in = _functions(library)

    def write(self, value: int) -> None:
        """Set the pins."""
        self._out(self._address, value)

    def read(self) -> int:
        """Return what is on the pins."""
        return int(self._in(self._address)) & 0xFF

    def close(self) -> None:
        """Do nothing: the driver keeps no state."""


class PpdevPins:
    """Pins of Linux' ppdev.

    Parameters
    ----------
    device : str
        Such as ``/dev/parport0``.
    """

    def __init__(self, device: str) -> None:
        if not sys.platform.startswith("linux"):
            raise ValueError(
                f"the parallel port {device!r} is one of Linux: give the port's address, such as 0x378"
            )
        import fcntl

        self._ioctl = fcntl.ioctl
        try:
            self._file = os.open(device, os.O_RDWR)
        except OSError as error:
            raise ValueError(
                f"the parallel port {device!r} could not be opened ({error.strerror}). Load its driver (sudo "
                "modprobe ppdev), take out that of printers (sudo modprobe -r lp), and be in the group lp "
                "(sudo usermod -aG lp $USER, then log in again)."
            ) from None
        try:
            self._ioctl(self._file, PPCLAIM)
            self._ioctl(self._file, PPDATADIR, (0).to_bytes(4, sys.byteorder))  # 0: outwards
        except OSError as error:
            os.close(self._file)
            raise ValueError(
                f"the parallel port {device!r} could not be claimed ({error.strerror}): another program or "
                "the driver of printers has it (sudo modprobe -r lp)"
            ) from None

    def write(self, value: int) -> None:
        """Set the pins."""
        self._ioctl(self._file, PPWDATA, bytes((value,)))

    def read(self) -> int:
        """Return what is on the pins."""
        return self._ioctl(self._file, PPRDATA, b"\x00")[0]

    def close(self) -> None:
        """Release the port."""
        with contextlib.suppress(OSError):
            self._ioctl(self._file, PPRELEASE)
        os.close(self._file)


def load_library(path: str | None) -> ctypes.CDLL:
    """Load the driver's DLL.

    Raises
    ------
    ValueError
        If there is none; the message says where to get it.
    """
    if path is None and sys.platform != "win32":
        raise ValueError(
            "addresses of parallel ports are for Windows; on Linux give the device, such as "
            'port = "/dev/parport0"'
        )
    loader = getattr(ctypes, "WinDLL", ctypes.CDLL)
    problems = []
    for name in (path,) if path is not None else WINDOWS_LIBRARIES:
        try:
            return loader(str(Path(name)) if path is not None else name)
        except OSError as error:
            problems.append(f"{name}: {error}")
    raise ValueError(
        f"the driver of the parallel port could not be loaded ({'; '.join(problems)}). Install InpOut "
        "(highrez.co.uk, InpOut32 and InpOutx64): run its InstallDriver once as administrator, and write "
        'library = "C:\\\\...\\\\inpoutx64.dll" into [trigger]; a 64-bit Python needs the 64-bit file.'
    )


def _functions(library: ctypes.CDLL) -> tuple[Callable[[int, int], object], Callable[[int], int]]:
    """Return the functions that write and read a port."""
    if hasattr(library, "Out32"):
        write, read = library.Out32, library.Inp32
        write.argtypes, write.restype = (ctypes.c_short, ctypes.c_short), None
        read.argtypes, read.restype = (ctypes.c_short,), ctypes.c_short
        if hasattr(library, "IsInpOutDriverOpen") and not library.IsInpOutDriverOpen():
            raise ValueError(
                "the driver of the parallel port (InpOut) is not running: run its InstallDriver once as "
                "administrator, and start the computer again"
            )
        return write, read
    if hasattr(library, "DlPortWritePortUchar"):
        write, read = library.DlPortWritePortUchar, library.DlPortReadPortUchar
        write.argtypes, write.restype = (ctypes.c_ulong, ctypes.c_ubyte), None
        read.argtypes, read.restype = (ctypes.c_ulong,), ctypes.c_ubyte
        return write, read
    raise ValueError(
        "the library of the parallel port has neither the functions of InpOut (Out32) nor those of DLPortIO: "
        "write the path of inpoutx64.dll into [trigger] library"
    )
