"""The host's limits of a session: what an animal may get at most, beside the ceilings in the device.

Pure. The device's ceilings hold whatever the host does; these are narrower, they know volumes and currents,
and they are checked twice: for the whole trial table before anything is armed, and at every delivery.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hardware.delivery.ceilings import COMPILED, refusal
from hardware.delivery.protocol import CHANNELS

if TYPE_CHECKING:
    import pandas as pd


@dataclasses.dataclass(frozen=True, kw_only=True)
class Limits:
    """What one session may give one animal. Shocks are off until a laboratory writes its approved values."""

    volume_ul: float = 1000.0
    """Of all liquids together (µl). Our choice: about what a thirsty mouse drinks in a session."""
    n_shocks: int = 0
    """Deliveries on the output ``shock``; no default but none."""
    current_ma: float = 0.0
    """Greatest current set on the shocker (mA); no default but none."""
    min_interval_s: float = 30.0
    """From the end of a shock to the next (s). Our choice; the device's ceiling is shorter."""
    light_s: float = 600.0
    """Light of the laser in all (s), pulses only. Our choice."""
    pulse_us: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """Output -> longest pulse (µs), where it is to be shorter than the device's ceiling."""

    def __post_init__(self) -> None:
        for name in ("volume_ul", "n_shocks", "current_ma", "min_interval_s", "light_s"):
            value = getattr(self, name)
            if isinstance(value, bool) or not math.isfinite(value) or value < 0:
                raise ValueError(f"limits: {name} is a number from 0 on, not {value!r}")
        for channel, pulse_us in self.pulse_us.items():
            _check_pulse(channel, pulse_us)

    def longest_pulse_us(self, channel: str) -> int:
        """Return the longest pulse that is allowed on an output (µs)."""
        return min(self.pulse_us.get(channel, COMPILED[channel].pulse_us), COMPILED[channel].pulse_us)


def is_valve(channel: str) -> bool:
    """Say whether an output opens a valve.

    >>> is_valve("valve2"), is_valve("shock")
    (True, False)
    """
    return channel.startswith("valve")


def dose_problems(table: pd.DataFrame, limits: Limits) -> list[str]:
    """Compare a whole session with the limits, before anything is armed.

    Parameters
    ----------
    table : DataFrame
        The trial table: ``trial channel pulse_ms n_pulses period_ms volume_ul current_ma laser laser_pulse_ms
        laser_n_pulses laser_period_ms onset_s``; trials with channel ``""`` deliver nothing, or only light.
    limits : Limits
        What the session may give.

    Returns
    -------
    list of str
        What is beyond them, in words; empty when all is within.
    """
    problems = [*_session_problems(table, limits)]
    for row in table.to_dict("records"):
        problems += [f"trial {row['trial']}: {problem}" for problem in _trial_problems(row, limits)]
    return problems


def check_doses(table: pd.DataFrame, limits: Limits) -> None:
    """Refuse a session that is beyond the limits; see `dose_problems`.

    Raises
    ------
    ValueError
        With everything that is beyond them.
    """
    problems = dose_problems(table, limits)
    if problems:
        more = f" (and {len(problems) - 6} more)" if len(problems) > 6 else ""
        raise ValueError(
            "the session is beyond the limits of the rig file, so nothing is armed: "
            + "; ".join(problems[:6])
            + more
            + ". Change the schedule, or section [mouse_rig.limits] if the animal's protocol allows it"
        )


def shock_confirmation(table: pd.DataFrame) -> str:
    """Return the words that must be typed before shocks are armed; empty where there are none.

    >>> import pandas as pd
    >>> shock_confirmation(pd.DataFrame({"channel": ["shock", "valve1"], "current_ma": [0.3, float("nan")]}))
    '1 shock up to 0.3 mA'
    """
    shocks = table[table["channel"] == "shock"]
    if shocks.empty:
        return ""
    plural = "" if len(shocks) == 1 else "s"
    return f"{len(shocks)} shock{plural} up to {shocks['current_ma'].max():g} mA"


def _check_pulse(channel: str, pulse_us: int) -> None:
    if channel not in CHANNELS:
        raise ValueError(f"limits: the rig has no output {channel!r}; known are {', '.join(CHANNELS)}")
    if isinstance(pulse_us, bool) or not isinstance(pulse_us, int) or pulse_us < 1:
        raise ValueError(f"limits: the longest pulse of {channel} is a whole number of µs, not {pulse_us!r}")


def _session_problems(table: pd.DataFrame, limits: Limits) -> list[str]:
    problems = []
    volume_ul = float(table["volume_ul"].fillna(0).sum())
    if volume_ul > limits.volume_ul * (1 + 1e-9):
        problems.append(f"{volume_ul:g} µl in all, allowed are {limits.volume_ul:g} µl")
    shocks = table[table["channel"] == "shock"].sort_values("onset_s")
    if len(shocks) > limits.n_shocks:
        problems.append(f"{len(shocks)} shocks, allowed are {limits.n_shocks}")
    if len(shocks) > 1 and (least_s := _least_interval_s(shocks)) < limits.min_interval_s - 1e-6:
        problems.append(f"shocks {least_s:g} s apart, allowed are {limits.min_interval_s:g} s and more")
    lit = table[table["laser"].fillna(False).astype(bool)]
    light_s = float((lit["laser_pulse_ms"] * lit["laser_n_pulses"]).sum()) / 1000
    if light_s > limits.light_s * (1 + 1e-9):
        problems.append(f"{light_s:g} s of light in all, allowed are {limits.light_s:g} s")
    return problems


def _least_interval_s(shocks: pd.DataFrame) -> float:
    """Return the shortest time from the end of a shock to the next one's start (s)."""
    length_s = ((shocks["n_pulses"] - 1) * shocks["period_ms"].fillna(0) + shocks["pulse_ms"]) / 1000
    return float((shocks["onset_s"].iloc[1:].to_numpy() - (shocks["onset_s"] + length_s).iloc[:-1]).min())


def _trial_problems(row: Mapping[Any, Any], limits: Limits) -> list[str]:
    problems = []
    if row["channel"]:
        problems += _course_problems(
            str(row["channel"]), row["pulse_ms"], row["n_pulses"], row["period_ms"], limits
        )
    if row["laser"] is True or row["laser"] == 1:
        channel = str(row.get("laser_channel") or "laser")
        problems += _course_problems(
            channel, row["laser_pulse_ms"], row["laser_n_pulses"], row["laser_period_ms"], limits
        )
    if row["channel"] == "shock":
        current_ma = row["current_ma"]
        if not math.isfinite(current_ma) or current_ma <= 0:
            problems.append("a shock needs its current (current_ma)")
        elif current_ma > limits.current_ma * (1 + 1e-9):
            problems.append(f"{current_ma:g} mA, allowed are {limits.current_ma:g} mA")
    return problems


def _course_problems(
    channel: str, pulse_ms: float, n_pulses: float, period_ms: float, limits: Limits
) -> list[str]:
    if channel not in CHANNELS:
        return [f"the rig has no output {channel!r}"]
    if not (math.isfinite(pulse_ms) and math.isfinite(n_pulses)):
        missing = "the valve's calibration fills it in" if is_valve(channel) else "the schedule must say it"
        return [f"{channel}: the length of the pulse is not known; {missing}"]
    pulse_us, n = round(1000 * pulse_ms), int(n_pulses)
    period_us = round(1000 * period_ms) if math.isfinite(period_ms) else 0
    longest_us = limits.longest_pulse_us(channel)
    if pulse_us > longest_us:
        return [f"{channel}: pulses of {pulse_ms:g} ms, allowed are {longest_us / 1000:g} ms"]
    reason = refusal(COMPILED[channel], pulse_us=pulse_us, n=n, period_us=period_us)
    words = f"{n} pulses of {pulse_ms:g} ms every {period_us / 1000:g} ms"
    return [f"{channel}: {words} are beyond what the device allows ({reason})"] if reason else []
