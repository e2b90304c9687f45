"""What an animal gets in a session, beside what it may get: shown before anything is armed."""

from __future__ import annotations

import math

import pandas as pd

from experiments.mouse_face.schedule_parts import describe_stimulus
from experiments.mouse_face.timeline import length_text, session_name, trial_label
from experiments.mouse_face.trial_table import totals
from hardware.delivery.limits import Limits, dose_problems

Line = tuple[str, str, str]
"""What, how much of it is planned, how much is allowed."""


def dose_plan(table: pd.DataFrame, limits: Limits) -> str:
    """Return the doses of a session beside their limits, as a text.

    Parameters
    ----------
    table : pandas.DataFrame
        From `experiments.mouse_face.trial_table.expand`; after `with_valve_times` it also says for how long
        each valve opens.
    limits : Limits
        What the rig file allows.

    Returns
    -------
    str
        A line per liquid, shocks, currents, pauses, light and what is done by hand; what is beyond a limit
        stands at the end, each in its line that begins with ``NOT ALLOWED``.
    """
    found = totals(table)
    lines: list[Line] = [("", "planned", "allowed")]
    lines.append(("liquid in all", f"{found['volume_ul']:g} µl", f"{limits.volume_ul:g} µl"))
    lines += _liquids(table)
    lines.append(("shocks", str(found["n_shocks"]), str(limits.n_shocks)))
    if found["n_shocks"]:
        lines += _shocks(table, limits)
    if found["n_light_trials"]:
        lines.append(
            ("light", f"{found['laser_s']:g} s in {found['n_light_trials']} trials", f"{limits.light_s:g} s")
        )
    for action, part in table[table["by_hand"] != ""].groupby("by_hand", sort=False):
        planned = f"{len(part)} time" + ("s" if len(part) > 1 else "")
        lines.append((f"by hand: {action} ({trial_label(part.iloc[0])})", planned, ""))
    lines.append(("length", length_text(found["duration_s"]), ""))
    widths = [max(len(line[column]) for line in lines) for column in range(3)]
    plan = [
        f"  {what.ljust(widths[0])}  {planned.rjust(widths[1])}  {allowed.rjust(widths[2])}".rstrip()
        for what, planned, allowed in lines
    ]
    beyond = [f"  NOT ALLOWED: {problem}" for problem in _problems(table, limits)]
    return "\n".join([f"Dose plan of {session_name(table)}", *plan, *beyond])


def _liquids(table: pd.DataFrame) -> list[Line]:
    """Return a line per valve."""
    lines = []
    for channel, given in table[table["volume_ul"] > 0].groupby("channel"):
        volumes = " or ".join(f"{ul:g}" for ul in sorted(given["volume_ul"].unique()))
        opened = given["pulse_ms"].dropna()
        times = (
            f", open {' or '.join(f'{ms:.1f}' for ms in sorted(opened.unique()))} ms" if len(opened) else ""
        )
        liquid = describe_stimulus(*given.iloc[0][["stimulus", "intensity", "unit"]])
        lines.append(
            (
                f"  {channel}: {liquid}, {len(given)} x {volumes} µl{times}",
                f"{given['volume_ul'].sum():g} µl",
                "",
            )
        )
    return lines


def _shocks(table: pd.DataFrame, limits: Limits) -> list[Line]:
    """Return lines on currents, lengths and pauses of shocks."""
    shocks = table[table["channel"] == "shock"]
    lines = [
        (f"  {ma:g} mA, {part['n_pulses'].iloc[0]} x {part['pulse_ms'].iloc[0]:g} ms", str(len(part)), "")
        for ma, part in shocks.groupby("current_ma")
    ]
    lines.append(("  greatest current", f"{shocks['current_ma'].max():g} mA", f"{limits.current_ma:g} mA"))
    longest_us = limits.longest_pulse_us("shock")
    lines.append(("  longest pulse", f"{shocks['pulse_ms'].max():g} ms", f"{longest_us / 1000:g} ms"))
    if len(shocks) > 1:
        ends_s = (
            shocks["onset_s"]
            + ((shocks["n_pulses"] - 1) * shocks["period_ms"].fillna(0) + shocks["pulse_ms"]) / 1000
        )
        least_s = (shocks["onset_s"].iloc[1:].to_numpy() - ends_s.iloc[:-1].to_numpy()).min()
        lines.append(("  shortest pause", f"{least_s:.1f} s", f"from {limits.min_interval_s:g} s"))
    return lines


def _problems(table: pd.DataFrame, limits: Limits) -> list[str]:
    """Return what is beyond the limits; times of valves that are not known yet are not judged."""
    filled = table.copy()
    unknown = (filled["volume_ul"] > 0) & filled["pulse_ms"].map(math.isnan)
    filled.loc[unknown, "pulse_ms"] = 1.0
    return dose_problems(filled, limits)
