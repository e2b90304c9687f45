"""What is connected to this computer: serial and parallel ports, LSL streams; and what it probably is."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hardware.lsl_library import load_pylsl

STREAM_WAIT_S = 2.0
"""How long streams of the network are waited for."""

FTDI_LATENCY_MS = 1
"""What the latency timer of an FTDI adapter should be set to; 16 when nobody has."""

TEENSY = "a Teensy: a microcontroller converter (serial_byte), or a LabHackers USB2TTL8 (usb2ttl8)"
ARDUINO = "an Arduino: a microcontroller converter (serial_byte; wait_s = 2, as it starts anew when opened)"
FTDI = (
    "an FTDI converter: as in the BioSemi USB trigger interface, the BBTK USB TTL module, Brain Products' "
    "TriggerBox"
)

USB_DEVICES: dict[tuple[int, int | None], str] = {
    (0x16C0, 0x0483): TEENSY,
    (0x16C0, None): "a Teensy or a similar board",
    (0x2341, 0x8037): "an Arduino Micro, as in Neurospec's MMBT-S (serial_byte; baud = 9600)",
    (0x2341, None): ARDUINO,
    (0x2A03, None): ARDUINO,
    (0x1A86, None): "a CH340 converter, as on copies of the Arduino: " + ARDUINO.split(": ")[1],
    (0x0403, 0x6010): FTDI,
    (0x0403, 0x6014): FTDI,
    (0x0403, None): FTDI,
    (0x10C4, None): "a CP210x converter: a microcontroller board or a serial cable",
    (0x067B, None): "a PL2303 serial cable",
    (0x239A, None): "an Adafruit microcontroller board (serial_byte)",
    (0x2E8A, None): "a Raspberry Pi Pico microcontroller board (serial_byte)",
    (0x04D8, None): "a Microchip microcontroller board (serial_byte)",
    (0x0483, None): "an STM32 microcontroller board (serial_byte)",
}
"""USB vendor and product (None: any) -> what it probably is. Makers of trigger boxes use the numbers of the
chip inside, so this is a hint and no proof."""

RESTARTING = (0x2341, 0x2A03, 0x1A86)
"""USB vendors of boards that start anew when their port is opened."""

NOT_RESTARTING = ((0x2341, 0x8036), (0x2341, 0x8037))
"""Boards of these vendors that do not: the Leonardo and the Micro, whose USB is in the processor itself."""


@dataclass(frozen=True, kw_only=True)
class SerialPort:
    """A serial port of this computer."""

    port: str
    description: str
    guess: str | None
    """What it probably is."""
    usb: str | None
    """USB vendor and product, such as ``0403:6001``."""
    starts_anew: bool
    """Whether the board behind it probably starts anew when the port is opened."""
    latency_ms: int | None
    """Latency timer of an FTDI adapter, where the system tells it (Linux)."""


@dataclass(frozen=True, kw_only=True)
class Stream:
    """An LSL stream that can be seen from here."""

    name: str
    type: str
    source_id: str
    n_channels: int
    fs_hz: float
    """0 for markers."""
    host: str


def serial_ports() -> list[SerialPort]:
    """Return the serial ports of this computer, those on USB first."""
    from serial.tools import list_ports

    found = [_described(port) for port in list_ports.comports()]
    return sorted(found, key=lambda port: (port.usb is None, port.port))


def guess_usb(vendor: int | None, product: int | None) -> str | None:
    """Guess what a USB device is.

    >>> guess_usb(0x2341, 0x43)
    'an Arduino: a microcontroller converter (serial_byte; wait_s = 2, as it starts anew when opened)'
    >>> guess_usb(0x1234, 0x5678)
    """
    if vendor is None:
        return None
    return USB_DEVICES.get((vendor, product)) or USB_DEVICES.get((vendor, None))


def parallel_ports(root: Path = Path("/")) -> list[str]:
    """Return what may be parallel ports; `root` is where the system's files are (Linux)."""
    if sys.platform.startswith("linux"):
        return sorted(f"/dev/{path.name}" for path in (root / "dev").glob("parport[0-9]*"))
    return _windows_parallel_ports() if sys.platform == "win32" else []


def lsl_streams(wait_s: float = STREAM_WAIT_S) -> tuple[list[Stream], str | None]:
    """Return the LSL streams that can be seen within a time, and why they could not be looked for."""
    try:
        pylsl = load_pylsl()
    except ValueError as error:
        return [], str(error)
    streams = [
        Stream(
            name=info.name(),
            type=info.type(),
            source_id=info.source_id(),
            n_channels=info.channel_count(),
            fs_hz=info.nominal_srate(),
            host=info.hostname(),
        )
        for info in pylsl.resolve_streams(wait_time=wait_s)
    ]
    return sorted(streams, key=lambda stream: (stream.type, stream.name)), None


def wait_until(condition: Callable[[], bool], within_s: float) -> bool:
    """Wait for something; say whether it came in time."""
    until_s = time.monotonic() + within_s
    while not (done := condition()) and time.monotonic() < until_s:
        time.sleep(0.02)
    return done


def _described(port: Any) -> SerialPort:
    guess = guess_usb(port.vid, port.pid)
    return SerialPort(
        port=port.device,
        description=" ".join(filter(None, (port.manufacturer, port.product or port.description))),
        guess=guess or ("a serial port of the computer itself" if port.vid is None else None),
        usb=None if port.vid is None else f"{port.vid:04x}:{port.pid:04x}",
        starts_anew=port.vid in RESTARTING and (port.vid, port.pid) not in NOT_RESTARTING,
        latency_ms=_latency_ms(port.device) if port.vid == 0x0403 else None,
    )


def _latency_ms(device: str, root: Path = Path("/")) -> int | None:
    """Return the latency timer of an FTDI adapter (Linux)."""
    path = root / "sys/bus/usb-serial/devices" / Path(device).name / "latency_timer"
    with contextlib.suppress(OSError, ValueError):
        return int(path.read_text())
    return None


def _windows_parallel_ports() -> list[str]:
    """Return the names of parallel ports from the registry; their addresses are in the Device Manager."""
    names: list[str] = []
    if sys.platform == "win32":
        import winreg

        with contextlib.suppress(OSError):
            path = r"HARDWARE\DEVICEMAP\PARALLEL PORTS"
            with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, path) as key:
                for index in range(winreg.QueryInfoKey(key)[1]):
                    names.append(str(winreg.EnumValue(key, index)[1]).replace("\\DosDevices\\", ""))
    return sorted(names)
