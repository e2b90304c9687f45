"""Schedules as text: the ready ones, and where the numbers of one come from."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from experiments.mouse_face.schedule import Schedule, list_schedules, sources

WIDTH = 110


def schedules_text() -> str:
    """Return the ready schedules: a line each, and below it what the user must give."""
    table = list_schedules()
    width = max(map(len, table["name"]))
    lines = []
    for _, row in table.iterrows():
        lines.append(f"{row['name'].ljust(width)}  {row['title']} ({row['paper']})")
        if row["needs"]:
            lines.append(" " * (width + 2) + f"needs {row['needs']}")
    return "\n".join(lines)


def sources_text(schedule: Schedule, needs: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return every number of a schedule beside where it comes from; those without a source say so.

    Parameters
    ----------
    schedule : Schedule
        From `experiments.mouse_face.schedule.read_schedule`.
    needs : mapping of str to str
        Settings that hold a stand-in, and what the user has to give for each.
    """
    rows = []
    for _, row in sources(schedule).iterrows():
        setting = str(row["setting"])
        needed = needs.get(setting) or needs.get(setting.removeprefix("stimuli."))
        if needed:
            rows.append((setting, "?", f"YOU GIVE THIS: {needed}"))
        else:
            rows.append((setting, str(row["value"]), str(row["source"]) or "the file does not say"))
    return "\n".join(_columns(rows))


def warnings_text(schedule: Schedule) -> str:
    """Return what a careful experimenter would ask about, a paragraph each; empty if nothing."""
    return "\n".join(
        textwrap.fill(f"note: {warning}", WIDTH, subsequent_indent="  ") for warning in schedule.warnings
    )


def _columns(rows: Sequence[tuple[str, str, str]]) -> list[str]:
    """Set three columns side by side; the last one is wrapped."""
    first, second = (max((len(row[column]) for row in rows), default=0) for column in (0, 1))
    indent = " " * (first + second + 4)
    return [
        textwrap.fill(
            f"{setting.ljust(first)}  {value.ljust(second)}  {source}",
            max(WIDTH, len(indent) + 40),
            subsequent_indent=indent,
        )
        for setting, value, source in rows
    ]
