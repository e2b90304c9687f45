"""Command line of the hardware room: ``python -m hardware list|check|calibrate``."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from hardware.calibration import in_words
from hardware.cameras.try_camera import try_camera
from hardware.checks import STAIRCASE, Finding
from hardware.delivery.calibrate_valve import calibrate_valve
from hardware.delivery.check_mouse import check_mouse
from hardware.inventory import Stream, lsl_streams, parallel_ports, serial_ports
from hardware.keyboards import find_keyboards
from hardware.rig_check import RigCheck, check_rig
from hardware.screens import Screen, find_screens
from hardware.settings import RigSettings, read_rig

app = typer.Typer(
    help="Look at the devices of a laboratory, try them, and measure their timing.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

app.command("calibrate-valve")(calibrate_valve)
app.command("check-mouse")(check_mouse)
app.command("camera")(try_camera)

RigOption = Annotated[
    Path | None, typer.Option("--rig", help="Rig file (TOML); there is an example per kind in hardware/rigs.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print a summary as JSON in the last line.")]


@app.command("list")
def list_devices(as_json: JsonOption = False) -> None:
    """List the ports, LSL streams, screens and keyboards of this computer, and what they probably are."""
    serial, parallel = serial_ports(), parallel_ports()
    streams, lsl_problem = lsl_streams()
    screens, screen_problem = find_screens()
    names = [
        f"{port.port}  {port.guess or port.description}" + (f"  [USB {port.usb}]" if port.usb else "")
        for port in serial
    ]
    _print_section("Serial ports", names, "none: is the trigger device plugged in, and its driver installed?")
    _print_section("Parallel ports", parallel, "none that the system shows")
    no_stream = lsl_problem or "none: is the amplifier's LSL program started, on this network?"
    _print_section("LSL streams", [_stream_line(stream) for stream in streams], no_stream)
    _print_section("Screens", [_screen_line(screen) for screen in screens], screen_problem or "none")
    keyboards, keyboard_problem = find_keyboards()
    _print_section("Keyboards", keyboards, keyboard_problem or "none")
    if as_json:
        found = {"serial_ports": serial, "lsl_streams": streams, "screens": screens}
        print(
            json.dumps(
                {**found, "parallel_ports": parallel, "keyboards": keyboards}, default=dataclasses.asdict
            )
        )


@app.command()
def check(
    rig: RigOption = None,
    ask: Annotated[
        bool | None,
        typer.Option("--ask/--no-ask", help="Ask what the recording shows. By default only at a terminal."),
    ] = None,
    signals: Annotated[
        bool,
        typer.Option(
            "--signals", help="Look at the muscles' signals instead: a smile and a frown are asked."
        ),
    ] = False,
    as_text: Annotated[
        bool, typer.Option("--text", help="With --signals: no window, everything at the terminal.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Try every device of the rig, send a staircase of codes, and say what to do about what fails."""
    settings = read_rig(rig)
    if signals:
        return look_at_signals(settings, as_text=as_text, by_itself=ask is False, as_json=as_json)
    asks = sys.stdin.isatty() and not as_json if ask is None else ask
    done = check_rig(rig, settings, ask=typer.confirm if asks else None, tell=_print_finding)
    failed, warnings = done.count("FAILED"), done.count("WARNING")
    print(f"{failed} failed, {warnings} warnings." if failed or warnings else "Everything works.")
    if as_json:
        print(json.dumps(_summary(rig, done)))
    if failed:
        raise SystemExit(1)


@app.command()
def calibrate(
    rig: Annotated[Path, typer.Option("--rig", help="Rig file (TOML); the calibration is saved beside it.")],
    valve: Annotated[
        str | None,
        typer.Option(
            help="Calibrate this valve of a mouse rig instead; `calibrate-valve` has more settings."
        ),
    ] = None,
    photodiode: Annotated[
        str | None,
        typer.Option(help="Channel of the recorder with a photodiode on the square, upper left corner."),
    ] = None,
    recording: Annotated[
        Path | None,
        typer.Option(help="File that another program recorded meanwhile: adds the light to the calibration."),
    ] = None,
    flips: Annotated[int, typer.Option(min=60, help="Number of refreshes that are measured.")] = 300,
    flashes: Annotated[int, typer.Option(min=10, help="Number of flashes with a trigger.")] = 100,
    allow_unmeasured_refresh: Annotated[
        bool, typer.Option("--allow-unmeasured-refresh", help="Accept a virtual screen, without refresh.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Measure refresh rate and trigger delay in the real window, and the light with a photodiode.

    The screen goes black; a square in its upper left corner flashes, each time with the trigger code 255.
    Takes about a minute; do not touch the computer. With a photodiode: lay it on the square and connect it
    to a channel of the amplifier.
    """
    if valve is not None:
        return calibrate_valve(rig, valve, as_json=as_json)
    from experiments import calibration as measuring  # the window is a session's: the one look upwards

    settings = read_rig(rig)
    if recording is not None:
        if photodiode is None:
            raise ValueError("which channel of the recording has the photodiode? Give --photodiode CHANNEL")
        path, measured = measuring.add_light(rig, settings, recording, photodiode=photodiode)
    else:
        path, measured = measuring.calibrate(
            rig,
            settings,
            n_flips=flips,
            n_flashes=flashes,
            photodiode=photodiode,
            allow_unmeasured_refresh=allow_unmeasured_refresh,
        )
    print(f"{in_words(measured)}. Saved as {path}")
    for line in measuring.advice(measured):
        print(f"WARNING  {line}")
    if as_json:
        print(json.dumps({"file": str(path), **dataclasses.asdict(measured)}))


def look_at_signals(rig: RigSettings, *, as_text: bool, by_itself: bool, as_json: bool) -> None:
    """Show the signals, test them with a smile and a frown, and say what was found."""
    from hardware.recorders.signal_check import run_signal_check

    result = run_signal_check(rig, window=False if as_text else None, by_itself=by_itself)
    if not as_text:
        print(result["message"])
    if as_json:
        print(json.dumps(result))
    if not result["fit"]:
        raise SystemExit(1)


def _print_finding(finding: Finding) -> None:
    print(finding, flush=True)


def _summary(rig: Path | None, done: RigCheck) -> dict[str, object]:
    return {
        "rig": None if rig is None else str(rig),
        "failed": done.count("FAILED"),
        "warnings": done.count("WARNING"),
        "findings": [dataclasses.asdict(finding) for finding in done.findings],
        "sent": list(STAIRCASE) if done.write_ms else [],
        "longest_write_ms": round(max(done.write_ms), 3) if done.write_ms else None,
    }


def _print_section(title: str, lines: Sequence[str], otherwise: str) -> None:
    print(f"{title}:")
    for line in lines or [otherwise]:
        print(f"  {line}")


def _stream_line(stream: Stream) -> str:
    rate = f"{stream.fs_hz:g} Hz" if stream.fs_hz else "markers"
    return (
        f"{stream.name!r}  type {stream.type!r}, {stream.n_channels} channels, {rate}, source id "
        f"{stream.source_id!r}, on {stream.host}"
    )


def _screen_line(screen: Screen) -> str:
    width = f", {screen.width_cm:g} cm wide" if screen.width_cm else ""
    return (
        f"{screen.number}  {screen.name}: {screen.size_px[0]} x {screen.size_px[1]} pixels, "
        f"{screen.refresh_hz:g} Hz{width}"
    )


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
