"""Command line of the hardware room: ``python -m hardware check|list|calibrate``."""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from hardware.protocols import TriggerPort
from hardware.settings import RigSettings, read_rig
from hardware.triggers import open_trigger

STAIRCASE = (1, 2, 4, 8, 16, 32, 64, 128, 255)
"""Codes that raise each line of the trigger cable alone, and then all: a broken wire shows at once."""

STEP_S = 0.25
"""Time between two codes of the staircase."""

PULSE_S = 0.02
"""Length of its pulses, about a screen refresh."""

app = typer.Typer(
    help="Look at the devices of a laboratory and try them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

RigOption = Annotated[
    Path | None, typer.Option("--rig", help="Rig file (TOML); see hardware/rigs/example.toml.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print a summary as JSON in the last line.")]


@app.command("list")
def list_devices(as_json: JsonOption = False) -> None:
    """List the serial ports of this computer."""
    from serial.tools import list_ports

    ports = [{"port": port.device, "description": port.description} for port in list_ports.comports()]
    for port in ports:
        print(f"{port['port']}\t{port['description']}")
    if not ports:
        print("No serial port found. Is the trigger device plugged in, and its driver installed?")
    if as_json:
        print(json.dumps({"serial_ports": ports}))


@app.command()
def check(rig: RigOption = None, as_json: JsonOption = False) -> None:
    """Try the rig: read its file, open the trigger line, send a staircase of codes."""
    settings = read_rig(rig)
    print(describe(settings))
    port = open_trigger(settings)
    try:
        write_ms = send_staircase(port)
    finally:
        port.close()
    names = ", ".join(trigger.name for trigger in settings.triggers)
    codes = " ".join(str(code) for code in STAIRCASE)
    if not settings.triggers:
        print(f"No trigger line is configured: the codes {codes} went nowhere.")
    else:
        print(f"Sent {codes} on {names}; a write took at most {max(write_ms):.2f} ms.")
        print("Now look at the recording: the same codes must be there, each as one pulse, in this order.")
        print("A missing 1, 2, 4 ... 128 is a broken line of the cable. A 0 as an event of its own means")
        print('that the device ends its pulses itself: set pulse = "device" in the rig file.')
    if as_json:
        summary = {"trigger": names, "sent": list(STAIRCASE)}
        print(json.dumps({**summary, "longest_write_ms": round(max(write_ms), 3)}))


@app.command()
def calibrate() -> None:
    """Say where timing is measured."""
    print(
        "Nothing to calibrate here: each session measures the screen's refresh rate before it starts and "
        "refuses another rate than the rig file's. The time from trigger to light needs a photodiode."
    )


def describe(settings: RigSettings) -> str:
    """Return the settings, one per line."""
    values = dataclasses.asdict(settings)
    return "\n".join(f"  {name:<26} {value}" for name, value in values.items())


def send_staircase(port: TriggerPort, *, step_s: float = STEP_S, pulse_s: float = PULSE_S) -> list[float]:
    """Send the staircase and return how long each write took (ms)."""
    write_ms = []
    for code in STAIRCASE:
        start_s = time.perf_counter()
        port.send(code)
        write_ms.append(1000 * (time.perf_counter() - start_s))
        time.sleep(pulse_s)
        port.reset()
        time.sleep(max(0.0, step_s - pulse_s))
    return write_ms


def main() -> None:
    """Run the command line; wrong input ends with its message and exit code 2."""
    try:
        app()
    except (ValueError, FileNotFoundError, FileExistsError, NotADirectoryError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except OSError as error:
        print(f"error: {error}. Make room on the disk, or name a place where you may write.", file=sys.stderr)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
