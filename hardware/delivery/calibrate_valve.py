"""Calibrate a valve: drops of several opening times are weighed, and a line is fitted through them.

The procedure of behaviour laboratories: put the liquid and the tube in place that the animals get, let a few
hundred drops fall into a tared vessel, weigh, and do it again with other opening times.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

from hardware.delivery.limits import Limits, is_valve
from hardware.delivery.mouse_rig import MouseRig
from hardware.delivery.protocol import CHANNELS
from hardware.delivery.records import Delivery
from hardware.delivery.valves import (
    ValveCalibration,
    Weighing,
    fit_valve,
    now_utc,
    write_calibration,
)
from hardware.mouse_settings import read_mouse_rig

OPEN_MS = (20.0, 40.0, 60.0, 80.0)
"""Opening times of a calibration (ms). Our choice: drops of some 1 to 8 µl."""

N_DROPS = 200
"""Drops that are weighed together, as iblrig does: enough that a balance of 1 mg suffices."""

INTERVAL_MS = 200.0
"""From drop to drop (ms), as iblrig does."""

MOST_DROPS = 20
"""Drops of one order, which the device times by itself."""

Weigh = Callable[[float, int], float]
"""Asks what the drops weighed (mg), given the opening time (ms) and their number."""


@dataclass(frozen=True, kw_only=True)
class Procedure:
    """How a valve is calibrated."""

    open_ms: tuple[float, ...] = OPEN_MS
    n_drops: int = N_DROPS
    interval_ms: float = INTERVAL_MS

    def __post_init__(self) -> None:
        if len(set(self.open_ms)) < 3 or not all(1 <= ms <= 500 for ms in self.open_ms):
            raise ValueError(
                f"a calibration needs three different opening times, of 1 to 500 ms, found {self.open_ms}"
            )
        if not 10 <= self.n_drops <= 1000:
            raise ValueError(f"10 to 1000 drops are weighed together, not {self.n_drops}")
        if self.interval_ms < max(self.open_ms) + 20:
            raise ValueError(
                f"drops every {self.interval_ms:g} ms leave no pause after {max(self.open_ms):g} ms"
            )

    @property
    def on_s(self) -> float:
        """How long the valve is open in all (s)."""
        return sum(self.open_ms) * self.n_drops / 1000


def calibrate(
    rig: MouseRig,
    valve: str,
    *,
    procedure: Procedure,
    liquid: str,
    density_mg_per_ul: float,
    weigh: Weigh,
    ready: Callable[[float], object] = lambda open_ms: None,
    sleep: Callable[[float], object] = time.sleep,
    progress: bool = True,
) -> ValveCalibration:
    """Let drops fall, have them weighed, and fit the line.

    Parameters
    ----------
    rig : MouseRig
        Connected; nobody lies under its spout.
    valve : str
        Which valve.
    procedure : Procedure
        How.
    liquid, density_mg_per_ul
        What is in the valve; 1 for water.
    weigh : callable
        Asks for the weight of the drops (mg).
    ready : callable
        Asks to put the tared vessel in place; gets the opening time (ms).
    sleep : callable
        Lets time pass (s).
    progress : bool
        Whether a bar is shown.

    Returns
    -------
    ValveCalibration
        The line; `ValveCalibration.problem` says whether it may be used.

    Raises
    ------
    RuntimeError
        If the device did not deliver all drops.
    ValueError
        If the device has not enough time left on this valve.
    """
    _check_room(rig, valve, procedure)
    weighings = []
    for open_ms in procedure.open_ms:
        ready(open_ms)
        rig.arm()
        _drop(rig, valve, open_ms, procedure, sleep, progress)
        rig.disarm()
        mass_mg = weigh(open_ms, procedure.n_drops)
        weighings.append(Weighing(open_ms=open_ms, n_drops=procedure.n_drops, mass_mg=mass_mg))
    return fit_valve(valve, weighings, date=now_utc(), liquid=liquid, density_mg_per_ul=density_mg_per_ul)


def calibrate_valve(
    rig: Annotated[Path, typer.Option("--rig", help="Rig file (TOML); the calibration is saved beside it.")],
    valve: Annotated[str, typer.Option(help="valve1 to valve4.")],
    open_ms: Annotated[
        list[float] | None, typer.Option(help="Opening time (ms); give it three times or more [20 40 60 80].")
    ] = None,
    drops: Annotated[int, typer.Option(help="Drops that are weighed together.")] = N_DROPS,
    interval_ms: Annotated[float, typer.Option(help="From drop to drop (ms).")] = INTERVAL_MS,
    liquid: Annotated[
        str | None, typer.Option(help="What is in it [default: what the rig file says].")
    ] = None,
    density: Annotated[
        float, typer.Option(help="In mg per microlitre; water and dilute solutions: 1.")
    ] = 1.0,
    weights_mg: Annotated[
        list[float] | None, typer.Option(help="Weights (mg), one per opening time, instead of being asked.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a summary as the last line.")] = False,
) -> None:
    """Calibrate a valve of a mouse rig: drops are weighed at several opening times."""
    settings = read_mouse_rig(rig)
    if valve not in CHANNELS or not is_valve(valve):
        raise ValueError(f"expected --valve valve1 to valve4, found {valve!r}")
    procedure = Procedure(open_ms=tuple(open_ms or OPEN_MS), n_drops=drops, interval_ms=interval_ms)
    weigh = _asked if weights_mg is None else _given(procedure, weights_mg)
    in_it = liquid or settings.liquids.get(valve) or "water"
    print(
        f"{valve} with {in_it}: {len(procedure.open_ms)} times {drops} drops. No animal may be at the spout."
    )
    with MouseRig(settings.port, limits=Limits()) as connected:
        done = calibrate(
            connected,
            valve,
            procedure=procedure,
            liquid=in_it,
            density_mg_per_ul=density,
            weigh=weigh,
            ready=_ready if weights_mg is None else lambda open_ms: None,
        )
    problem = done.problem(now_utc())
    if problem:
        raise ValueError(f"{problem}. Nothing was saved")
    write_calibration(settings.calibration_file, done)
    low_ul, high_ul = done.range_ul
    print(
        f"{done.slope_ul_per_ms:.4f} µl per ms from {-done.offset_ul / done.slope_ul_per_ms:.1f} ms on, "
        f"r2 = {done.r2:.4f}, for {low_ul:.2f} to {high_ul:.2f} µl. Saved as {settings.calibration_file}"
    )
    if as_json:
        summary = {"file": str(settings.calibration_file), "valve": valve, "r2": done.r2}
        print(json.dumps({**summary, "range_ul": done.range_ul, "slope_ul_per_ms": done.slope_ul_per_ms}))


def _check_room(rig: MouseRig, valve: str, procedure: Procedure) -> None:
    total_ms = rig.ceilings[valve].total_ms
    left_s = (total_ms - rig.used_ms[valve]) / 1000 if total_ms else float("inf")
    if procedure.on_s > left_s:
        raise ValueError(
            f"the calibration opens {valve} for {procedure.on_s:g} s, and the device allows {left_s:g} s "
            "more until it was without power: unplug it for a moment, or give fewer drops or shorter times"
        )


def _drop(
    rig: MouseRig,
    valve: str,
    open_ms: float,
    procedure: Procedure,
    sleep: Callable[[float], object],
    progress: bool,
) -> None:
    """Let all drops of one opening time fall, in orders that the device's ceilings allow."""
    limits = rig.ceilings[valve]
    pulse_us, period_us = round(1000 * open_ms), round(1000 * procedure.interval_ms)
    at_once = min(MOST_DROPS, limits.on_us // pulse_us, (limits.length_us - pulse_us) // period_us + 1)
    left = procedure.n_drops
    with tqdm(total=left, desc=f"{valve} {open_ms:g} ms", unit="drop", disable=not progress) as bar:
        while left:
            n = min(left, max(at_once, 1))
            order = rig.deliver(valve, pulse_us, n, period_us)
            _finish(rig, order, sleep)
            sleep(max(procedure.interval_ms - open_ms, 0) / 1000)
            left -= n
            bar.update(n)


def _finish(rig: MouseRig, order: Delivery, sleep: Callable[[float], object]) -> None:
    until_s = order.expected_end_s + 2.0
    while not order.settled and rig.now() < until_s:
        sleep(0.01)
    if order.state != "done":
        raise RuntimeError(
            f"the drops did not fall ({order.state}: {order.reason or 'no answer'}): weigh nothing, see to "
            "the rig and begin again"
        )


def _ready(open_ms: float) -> None:
    typer.prompt(
        f"Put an empty, tared vessel under the spout ({open_ms:g} ms), then press Enter",
        default="",
        show_default=False,
    )


def _asked(open_ms: float, n_drops: int) -> float:
    return float(typer.prompt(f"What do the {n_drops} drops of {open_ms:g} ms weigh, in mg?", type=float))


def _given(procedure: Procedure, weights_mg: Sequence[float]) -> Weigh:
    if len(weights_mg) != len(procedure.open_ms):
        raise ValueError(
            f"expected {len(procedure.open_ms)} weights, one per opening time, found {len(weights_mg)}"
        )
    weights = dict(zip(procedure.open_ms, weights_mg, strict=True))
    return lambda open_ms, n_drops: weights[open_ms]
