"""Look at a mouse rig without delivering anything: who answers, how fast, and what it would allow."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from tqdm import tqdm

from hardware.delivery.ceilings import COMPILED
from hardware.delivery.limits import is_valve
from hardware.delivery.mouse_rig import MouseRig
from hardware.delivery.valves import now_utc
from hardware.mouse_settings import MouseRigSettings, read_mouse_rig

SLOW_MS = 50.0
"""A line whose slowest hundredth of answers takes longer is worth a warning. Our choice: half of the time
between two lines."""


def check_mouse(
    rig: Annotated[Path, typer.Option("--rig", help="Rig file (TOML) with a section [mouse_rig].")],
    seconds: Annotated[float, typer.Option(min=1.0, help="How long the line is timed.")] = 5.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print a summary as the last line.")] = False,
) -> None:
    """Look at a mouse rig: who answers, how fast, its ceilings and its valves. Nothing is delivered."""
    settings = read_mouse_rig(rig)
    with MouseRig(settings.port, limits=settings.limits) as connected:
        found = look(connected, seconds=seconds)
    for line in in_words(found, settings):
        print(line)
    if as_json:
        print(json.dumps(found))


def look(rig: MouseRig, *, seconds: float, progress: bool = True) -> dict[str, Any]:
    """Time the line of a connected rig, and ask how it is.

    Parameters
    ----------
    rig : MouseRig
        Connected; it stays disarmed.
    seconds : float
        How long.
    progress : bool
        Whether a bar is shown.

    Returns
    -------
    dict
        ``device``, ``status``, ``round_trip_ms`` (median, p99, longest, n), ``clock`` (ppm, residual_ms),
        ``other_ceilings`` (outputs whose ceilings differ from the firmware that is shipped) and ``used``.
    """
    rig.round_trips.clear()
    until_s = time.monotonic() + seconds
    with tqdm(total=round(seconds), unit="s", desc="timing the line", disable=not progress) as bar:
        while time.monotonic() < until_s:
            rig.status()
            time.sleep(0.005)
            bar.update(max(0, round(seconds - (until_s - time.monotonic())) - bar.n))
    trips_ms = np.array([1000 * (trip.answered_s - trip.sent_s) for trip in rig.round_trips])
    clock = rig.clock
    return {
        "device": rig.facts,
        "status": rig.status(),
        "round_trip_ms": {
            "median": round(float(np.median(trips_ms)), 3),
            "p99": round(float(np.quantile(trips_ms, 0.99)), 3),
            "longest": round(float(trips_ms.max()), 3),
            "n": len(trips_ms),
        },
        "clock": None
        if clock is None
        else {"ppm": round(clock.ppm, 1), "residual_ms": round(1000 * clock.residual_s, 3)},
        "other_ceilings": [name for name, one in rig.ceilings.items() if one != COMPILED[name]],
        "used": {name: used for name, used in rig.used.items() if used},
    }


def in_words(found: dict[str, Any], settings: MouseRigSettings) -> list[str]:
    """Return what was found, as lines for the experimenter."""
    device, trip = found["device"], found["round_trip_ms"]
    lines = [
        f"Device: firmware {device.get('firmware')}, board {device.get('board')}, on {settings.port}",
        f"Round trip of a line: median {trip['median']:.2f} ms, 99 % within {trip['p99']:.2f} ms, longest "
        f"{trip['longest']:.2f} ms, of {trip['n']}",
    ]
    if found["clock"]:
        lines.append(
            f"Its clock: {found['clock']['ppm']:+.1f} ppm beside the computer's, within "
            f"{found['clock']['residual_ms']:.2f} ms"
        )
    if trip["p99"] > SLOW_MS:
        lines.append("WARNING  The line is slow: is another program busy, or the port on a hub?")
    if found["status"].get("estop") == "1":
        lines.append("WARNING  The emergency stop is pressed, or its cable is broken: the rig will not arm")
    if found["other_ceilings"]:
        lines.append(f"Other ceilings than those shipped, on {', '.join(found['other_ceilings'])}")
    if found["used"]:
        counts = ", ".join(f"{name} {used}" for name, used in found["used"].items())
        lines.append(f"Deliveries since it got power, or since NEW: {counts}")
    return lines + valve_lines(settings)


def valve_lines(settings: MouseRigSettings) -> list[str]:
    """Say of each valve that holds something whether its calibration may be used."""
    lines = []
    for valve, liquid in settings.liquids.items():
        if not is_valve(valve):
            continue
        calibration = settings.calibrations.get(valve)
        if calibration is None:
            lines.append(f"WARNING  {valve} ({liquid}) has no calibration")
            continue
        problem = calibration.problem(now_utc())
        low_ul, high_ul = calibration.range_ul
        age = (now_utc() - calibration.date).days
        lines.append(
            f"WARNING  {problem}"
            if problem
            else f"{valve} ({liquid}): {low_ul:.2f} to {high_ul:.2f} µl, r2 {calibration.r2:.4f}, {age} d old"
        )
    return lines
