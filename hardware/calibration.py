"""What was measured of a rig: kept beside its file, dated, and looked at before a session."""

from __future__ import annotations

import dataclasses
import datetime
import json
from pathlib import Path
from typing import Any

from hardware.settings import RigSettings

OLD_DAYS = 180
"""Age at which a calibration should be repeated. Our choice: drivers and systems are updated meanwhile."""

LARGEST_SD_MS = 0.5
"""Spread of the trigger's delay above which a computer is not quiet enough (standard deviation, ms)."""

LARGEST_DEVIATION = 0.01
"""Largest relative difference between the rates of the rig file and of the calibration."""

HOW = 'python -m hardware calibrate --rig "{}"'


@dataclasses.dataclass(frozen=True, kw_only=True)
class Spread:
    """Delays that were measured many times (ms)."""

    n: int
    median_ms: float
    sd_ms: float
    lowest_ms: float
    highest_ms: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class Calibration:
    """What was measured of a rig."""

    date: str
    """When (ISO 8601)."""
    rig: str
    """Name of the rig file."""
    refresh_hz: float
    """Measured refreshes per second."""
    interval_mean_ms: float
    """Mean time between two refreshes."""
    interval_sd_ms: float
    """Standard deviation of the times between two flips."""
    n_flips: int
    """Number of flips that were measured."""
    n_missed: int
    """Number of refreshes that were missed meanwhile."""
    triggers: tuple[str, ...]
    """Names of the trigger devices."""
    trigger_delay: Spread
    """From the flip to the moment at which the code had been handed to all devices."""
    display: dict[str, Any]
    """What the display says of itself."""
    light_delay: Spread | None = None
    """From the trigger in the recording to the light on the photodiode, where one was recorded."""
    remarks: str = ""


def spread(delays_ms: list[float]) -> Spread:
    """Summarise delays.

    >>> spread([0.5, 0.25, 0.75])
    Spread(n=3, median_ms=0.5, sd_ms=0.25, lowest_ms=0.25, highest_ms=0.75)
    """
    import statistics

    return Spread(
        n=len(delays_ms),
        median_ms=round(statistics.median(delays_ms), 4),
        sd_ms=round(statistics.stdev(delays_ms), 4) if len(delays_ms) > 1 else 0.0,
        lowest_ms=round(min(delays_ms), 4),
        highest_ms=round(max(delays_ms), 4),
    )


def write_calibration(rig: Path, calibration: Calibration) -> Path:
    """Write a calibration beside its rig file; none is ever written over."""
    time = calibration.date.replace(":", "").split("+")[0].split(".")[0]
    path = rig.with_name(f"{rig.stem}.calibration_{time}.json")
    with path.open("x", encoding="utf-8", newline="\n") as file:
        file.write(json.dumps(dataclasses.asdict(calibration), indent=2, ensure_ascii=False) + "\n")
    return path


def latest_calibration(rig: Path) -> tuple[Path, Calibration] | None:
    """Return the last calibration of a rig file, None when there is none.

    Raises
    ------
    ValueError
        If it cannot be read.
    """
    paths = sorted(rig.parent.glob(f"{rig.stem}.calibration_*.json"))
    if not paths:
        return None
    path = paths[-1]
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        values["triggers"] = tuple(values["triggers"])
        for name in ("trigger_delay", "light_delay"):
            values[name] = Spread(**values[name]) if values[name] else None
        return path, Calibration(**values)
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise ValueError(
            f"the calibration {path} cannot be read ({error}): move it away and calibrate again"
        ) from None


def calibration_record(rig: Path | None) -> dict[str, Any] | None:
    """Return what a session's record keeps of the rig's last calibration; None when none can be read."""
    try:
        latest = latest_calibration(rig) if rig is not None else None
    except ValueError:  # `calibration_problem` tells it
        return None
    return None if latest is None else {"file": latest[0].name, **dataclasses.asdict(latest[1])}


def in_words(calibration: Calibration) -> str:
    """Say what was measured in one sentence."""
    delay = calibration.trigger_delay
    light = calibration.light_delay
    return (
        f"measured {calibration.date[:10]}: {calibration.refresh_hz:.2f} Hz, {calibration.n_missed} of "
        f"{calibration.n_flips} refreshes missed; trigger {delay.median_ms:.2f} ms after the flip "
        f"(sd {delay.sd_ms:.2f}, at most {delay.highest_ms:.2f})"
        + (f"; light {light.median_ms:.1f} ms after the trigger (sd {light.sd_ms:.2f})" if light else "")
    )


def calibration_problem(
    rig: Path, settings: RigSettings, *, now: datetime.datetime | None = None
) -> str | None:
    """Say why a rig should be calibrated (again); None when its last calibration holds."""
    how = HOW.format(rig)
    try:
        latest = latest_calibration(rig)
    except ValueError as error:
        return str(error)
    if latest is None:
        return f"this rig was never calibrated: {how}"
    calibration = latest[1]
    now = now or datetime.datetime.now().astimezone()
    days = (now - datetime.datetime.fromisoformat(calibration.date).astimezone()).days
    if days > OLD_DAYS:
        return f"the last calibration is {days} days old: {how}"
    if abs(calibration.refresh_hz / settings.refresh_hz - 1) > LARGEST_DEVIATION:
        return (
            f"the rig file says {settings.refresh_hz:g} Hz, and it was calibrated at "
            f"{calibration.refresh_hz:.2f} Hz: {how}"
        )
    names = tuple(trigger.name for trigger in settings.triggers)
    if calibration.triggers != names:
        was, is_now = (", ".join(one) or "none" for one in (calibration.triggers, names))
        return f"it was calibrated with other trigger devices ({was}) than those of now ({is_now}): {how}"
    if calibration.trigger_delay.sd_ms > LARGEST_SD_MS:
        return (
            f"the trigger's delay was not steady (sd {calibration.trigger_delay.sd_ms:.2f} ms): close other "
            f"programs, allow real-time priority, and calibrate again: {how}"
        )
    return None
