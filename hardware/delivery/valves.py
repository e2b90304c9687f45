"""How much a valve gives: measured by weighing drops, fitted by a line, and refused when it is old or bad.

Pure but for `read_calibration` and `write_calibration`. The procedure itself is in
`hardware.delivery.calibrate_valve`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from hardware.delivery.limits import is_valve
from hardware.delivery.protocol import CHANNELS

LONGEST_AGE_DAYS = 30
"""An older calibration is refused: valves clog and springs tire. Our choice."""

LEAST_R2 = 0.98
"""A worse fit is refused: a valve that leaks, sticks or has air in its tube is not a line. Our choice."""

LEAST_TIMES = 3
"""Different opening times that a line needs to show that it is one."""

TOLERANCE = 1e-6


@dataclass(frozen=True, kw_only=True)
class Weighing:
    """Drops of one opening time, weighed together."""

    open_ms: float
    """For how long the valve opened for each drop."""
    n_drops: int
    """Number of drops."""
    mass_mg: float
    """What all of them weighed."""


@dataclass(frozen=True, kw_only=True)
class ValveCalibration:
    """The line of one valve: ``volume_ul = offset_ul + slope_ul_per_ms * open_ms``.

    Examples
    --------
    >>> drops = [Weighing(open_ms=ms, n_drops=200, mass_mg=200 * (0.1 * ms - 1)) for ms in (20, 40, 80)]
    >>> measured = datetime(2026, 11, 1, 12, tzinfo=timezone.utc)
    >>> one = fit_valve("valve1", drops, date=measured, liquid="water")
    >>> round(one.slope_ul_per_ms, 3), round(one.offset_ul, 3), round(one.r2, 3)
    (0.1, -1.0, 1.0)
    >>> round(one.open_ms(4.0), 3)
    50.0
    """

    valve: str
    date: datetime
    liquid: str
    density_mg_per_ul: float
    weighings: tuple[Weighing, ...]
    offset_ul: float
    slope_ul_per_ms: float
    r2: float

    @property
    def range_ul(self) -> tuple[float, float]:
        """Smallest and largest volume that was measured, on the line (µl)."""
        times = [one.open_ms for one in self.weighings]
        return self.volume_ul(min(times)), self.volume_ul(max(times))

    def volume_ul(self, open_ms: float) -> float:
        """Return the volume of one opening (µl)."""
        return self.offset_ul + self.slope_ul_per_ms * open_ms

    def problem(self, now: datetime) -> str | None:
        """Say why the calibration must not be used; None where it may."""
        age = now - self.date
        again = f"calibrate it again: python -m hardware calibrate --valve {self.valve} --rig RIG.toml"
        if age > timedelta(days=LONGEST_AGE_DAYS):
            return f"{self.valve} was calibrated {age.days} days ago, allowed are {LONGEST_AGE_DAYS}; {again}"
        if age < -timedelta(days=1):
            return (
                f"{self.valve} was calibrated at {self.date:%Y-%m-%d}, which is in the future: is the "
                f"computer's clock right? If it is, {again}"
            )
        if not self.r2 >= LEAST_R2:
            return (
                f"the calibration of {self.valve} is no line (r2 = {self.r2:.3f}, needed is {LEAST_R2}): "
                f"look for air, leaks and dirt, and {again}"
            )
        if not self.slope_ul_per_ms > 0:
            return f"{self.valve} gave less when it was open for longer: look for air and dirt, and {again}"
        return None

    def open_ms(self, volume_ul: float) -> float:
        """Return for how long the valve opens for a volume (ms).

        Raises
        ------
        ValueError
            If the volume is outside of what was measured.
        """
        low_ul, high_ul = self.range_ul
        if not low_ul - TOLERANCE <= volume_ul <= high_ul + TOLERANCE:
            raise ValueError(
                f"{self.valve}: {volume_ul:g} µl is outside of what was measured, {low_ul:.2f} to "
                f"{high_ul:.2f} µl; calibrate with opening times around it, or give another volume"
            )
        return (volume_ul - self.offset_ul) / self.slope_ul_per_ms


def fit_valve(
    valve: str,
    weighings: Sequence[Weighing],
    *,
    date: datetime,
    liquid: str,
    density_mg_per_ul: float = 1.0,
) -> ValveCalibration:
    """Fit the line of a valve through the volumes of single drops.

    Parameters
    ----------
    valve : str
        Which.
    weighings : sequence of Weighing
        At least three different opening times.
    date : datetime
        When it was measured, with its time zone.
    liquid : str
        What was in it.
    density_mg_per_ul : float
        1 for water and dilute solutions; sucrose 20 % w/v has 1.08.

    Returns
    -------
    ValveCalibration
        The line by least squares; whether it may be used says `ValveCalibration.problem`.

    Raises
    ------
    ValueError
        If there are too few opening times, or a number cannot be.
    """
    if valve not in CHANNELS or not is_valve(valve):
        raise ValueError(f"expected a valve (valve1 to valve4), found {valve!r}")
    if date.tzinfo is None:
        raise ValueError(f"the calibration of {valve} needs its date with a time zone, found {date}")
    for one in weighings:
        numbers = (one.open_ms, one.n_drops, one.mass_mg)
        if not all(math.isfinite(number) and number > 0 for number in numbers):
            raise ValueError(f"{valve}: times, drops and weights are positive numbers, found {one}")
    if not (math.isfinite(density_mg_per_ul) and 0.5 < density_mg_per_ul < 2):
        raise ValueError(
            f"{valve}: the density is in mg/µl (water: 1), between 0.5 and 2, not {density_mg_per_ul}"
        )
    times_ms = np.array([one.open_ms for one in weighings])
    if len(set(times_ms)) < LEAST_TIMES:
        raise ValueError(
            f"{valve}: a line needs {LEAST_TIMES} different opening times, found {len(set(times_ms))}"
        )
    volumes_ul = np.array([one.mass_mg / one.n_drops for one in weighings]) / density_mg_per_ul
    slope, offset = np.polyfit(times_ms, volumes_ul, 1)
    left_over = volumes_ul - (offset + slope * times_ms)
    spread = float(((volumes_ul - volumes_ul.mean()) ** 2).sum())
    r2 = 1 - float((left_over**2).sum()) / spread if spread > 0 else 0.0
    return ValveCalibration(
        valve=valve,
        date=date,
        liquid=liquid,
        density_mg_per_ul=density_mg_per_ul,
        weighings=tuple(weighings),
        offset_ul=float(offset),
        slope_ul_per_ms=float(slope),
        r2=r2,
    )


class Valves:
    """The calibrations of a rig, which refuse what must not be used.

    Parameters
    ----------
    calibrations : mapping
        Valve -> `ValveCalibration`.
    now : datetime
        The moment at which they are used.
    source : str
        Where they come from, for messages.
    """

    def __init__(
        self, calibrations: Mapping[str, ValveCalibration], *, now: datetime, source: str = "the calibration"
    ) -> None:
        self.calibrations, self.now, self.source = dict(calibrations), now, source

    def open_ms(self, valve: str, volume_ul: float) -> float:
        """Return for how long a valve opens for a volume (ms).

        Raises
        ------
        ValueError
            If the valve has no calibration, it is too old or too bad, or the volume is outside of it.
        """
        if valve not in self.calibrations:
            raise ValueError(
                f"{valve} has no calibration in {self.source}: python -m hardware calibrate --valve {valve} "
                "--rig RIG.toml"
            )
        calibration = self.calibrations[valve]
        problem = calibration.problem(self.now)
        if problem:
            raise ValueError(problem)
        return calibration.open_ms(volume_ul)


def read_calibration(path: Path) -> dict[str, ValveCalibration]:
    """Read the calibrations of a rig; the lines are fitted anew, so that nobody has edited them.

    Returns
    -------
    dict
        Valve -> `ValveCalibration`; empty without such a file.

    Raises
    ------
    ValueError
        If the file is damaged, or its lines do not follow from its weighings.
    """
    if not path.is_file():
        return {}
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        entries = content["valves"]
        return {str(valve): _read_valve(str(valve), entry) for valve, entry in entries.items()}
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path}: not a calibration as `python -m hardware calibrate --valve` writes it ({error}); "
            "calibrate again, into a new file"
        ) from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def write_calibration(path: Path, calibration: ValveCalibration) -> None:
    """Add or replace a valve's calibration in the file of a rig; what was before is kept in it.

    Parameters
    ----------
    path : Path
        The file; written whole or not at all.
    calibration : ValveCalibration
        The new one.
    """
    content: dict[str, Any] = {"valves": {}}
    if path.is_file():
        read_calibration(path)  # a damaged file is refused, not overwritten
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    former = content["valves"].pop(calibration.valve, None)
    entry = _entry(calibration)
    if former is not None:
        entry["before"] = [{k: v for k, v in former.items() if k != "before"}, *former.get("before", [])]
    content["valves"][calibration.valve] = entry
    head = (
        "# Calibration of the valves; written by `python -m hardware calibrate --valve`, not to be edited.\n"
    )
    text = head + yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    unfinished = path.with_name(path.name + ".part")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)


def now_utc() -> datetime:
    """Return the time of day, with its zone."""
    return datetime.now(timezone.utc)


def _entry(calibration: ValveCalibration) -> dict[str, Any]:
    return {
        "date": calibration.date.isoformat(timespec="seconds"),
        "liquid": calibration.liquid,
        "density_mg_per_ul": calibration.density_mg_per_ul,
        "offset_ul": calibration.offset_ul,
        "slope_ul_per_ms": calibration.slope_ul_per_ms,
        "r2": calibration.r2,
        "weighings": [asdict(one) for one in calibration.weighings],
    }


def _read_valve(valve: str, entry: Mapping[str, Any]) -> ValveCalibration:
    date = entry["date"]
    fitted = fit_valve(
        valve,
        [Weighing(**one) for one in entry["weighings"]],
        date=date if isinstance(date, datetime) else datetime.fromisoformat(date),
        liquid=str(entry["liquid"]),
        density_mg_per_ul=float(entry["density_mg_per_ul"]),
    )
    for name in ("offset_ul", "slope_ul_per_ms", "r2"):
        if abs(getattr(fitted, name) - float(entry[name])) > TOLERANCE:
            raise ValueError(
                f"{valve}: {name} = {entry[name]} does not follow from the weighings "
                f"({getattr(fitted, name):.6g}): someone edited the file; calibrate again"
            )
    return fitted
