"""Schedules: which stimuli an animal meets in a session, how often, in which order and how far apart.

A schedule is a file (YAML, see docs/mouse_schedules.md). `read_schedule` checks it, `expand` draws the table
of trials from it, `totals` says what the animal gets, `timeline_text` and `timeline_figure` show it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd
import yaml

from experiments.mouse_face.schedule_file import Problem, ScheduleError, Section, Stated, compose, meant
from experiments.mouse_face.schedule_parts import (
    Intervals,
    Laser,
    Order,
    Schedule,
    Stimulus,
)
from experiments.mouse_face.schedule_rules import (
    check_laser,
    check_trials,
    find_warnings,
    read_intervals,
    read_order,
)
from experiments.mouse_face.schedule_stimuli import read_laser, read_stimuli, with_liquids
from experiments.mouse_face.schedule_values import fill_in, leaves, parse_values
from experiments.mouse_face.timeline import timeline_figure, timeline_text
from experiments.mouse_face.trial_table import expand, totals

__all__ = [
    "Intervals",
    "Laser",
    "Order",
    "Schedule",
    "ScheduleError",
    "Stimulus",
    "expand",
    "list_schedules",
    "missing_values",
    "parse_values",
    "read_schedule",
    "schedule_path",
    "sources",
    "timeline_figure",
    "timeline_text",
    "totals",
    "with_liquids",
]

READY = Path(__file__).resolve().parent / "schedules"
"""Folder of the ready schedules."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


def read_schedule(path_or_name: Path | str, *, values: Mapping[str, str] | None = None) -> Schedule:
    """Read and check a schedule.

    Parameters
    ----------
    path_or_name : Path or str
        A file, or the bare name of a ready schedule, such as ``tastants``.
    values : mapping of str to str, optional
        Values given for this session: name of a setting, such as ``tail_shock.current_ma``, and its value as
        it would stand in the file. `parse_values` makes it from ``name=value`` texts.

    Returns
    -------
    Schedule
        Its `text` is the file's text with these values, and is what a session should keep.

    Raises
    ------
    ScheduleError
        If something cannot be right, or a value that only the user can give is missing. The message has one
        line per problem, with file and line. It is a ValueError.
    FileNotFoundError
        If there is no such file or ready schedule.

    Examples
    --------
    >>> schedule = read_schedule("tastants")
    >>> schedule.repeats, [stimulus.label for stimulus in schedule.stimuli]
    (3, ['sucrose', 'quinine', 'neutral'])
    """
    path = schedule_path(path_or_name)
    text = _read_text(path)
    text = fill_in(text, values or {}, path.name)
    problems: list[Problem] = []
    stated: list[Stated] = []
    section = Section(compose(text, path.name), "", problems, stated)
    schedule = _read_parts(section, name=path.stem, text=text, file=str(path))
    section.finish()
    if problems:
        raise ScheduleError(path.name, problems)
    return replace(schedule, stated=tuple(stated), warnings=find_warnings(schedule))


def schedule_path(path_or_name: Path | str) -> Path:
    """Return the file of a schedule, given by its path or by the bare name of a ready one.

    Raises
    ------
    FileNotFoundError
        If there is none.
    """
    path = Path(path_or_name)
    if path.is_file():
        return path
    ready = {file.stem: file for file in sorted(READY.glob("*.yaml"))}
    if path.name == str(path_or_name) and path.name.removesuffix(".yaml") in ready:
        return ready[path.name.removesuffix(".yaml")]
    hint = meant(path.stem, list(ready))
    if path.is_dir():
        raise FileNotFoundError(f"{path} is a folder: expected a schedule (YAML); ready ones: {hint}")
    raise FileNotFoundError(f"there is no schedule {str(path_or_name)!r}; {hint}")


def missing_values(path_or_name: Path | str) -> pd.DataFrame:
    """Return what a schedule needs from the user: `setting`, `what` and `line`, a row each.

    Examples
    --------
    >>> missing_values("tail_shocks")["setting"].tolist()
    ['tail_shock.current_ma', 'tail_shock.pulse_ms']
    """
    path = schedule_path(path_or_name)
    rows = []
    for setting, node in leaves(compose(_read_text(path), path.name)):
        parts = (
            {str(key.value): value for key, value in node.value} if isinstance(node, yaml.MappingNode) else {}
        )
        if "required" in parts and "value" not in parts:
            what = str(parts["required"].value)
            rows.append((setting.removeprefix("stimuli."), what, node.start_mark.line + 1))
    return pd.DataFrame(rows, columns=["setting", "what", "line"])


def list_schedules() -> pd.DataFrame:
    """Return the ready schedules: `name`, `title`, `paper` (figures), `needs` (what the user must give)."""
    rows = []
    for path in sorted(READY.glob("*.yaml")):
        found = {name: node.value for name, node in leaves(compose(_read_text(path), path.name))}
        needs = ", ".join(missing_values(path)["setting"])
        rows.append((path.stem, found["title"], found.get("paper", ""), needs))
    return pd.DataFrame(rows, columns=["name", "title", "paper", "needs"])


def sources(schedule: Schedule) -> pd.DataFrame:
    """Return every number of a schedule and where it comes from: `setting`, `value`, `source`, `line`."""
    numbers = sorted((one for one in schedule.stated if one.number), key=lambda one: one.line)
    rows = [(one.setting, one.value, one.source, one.line) for one in numbers]
    return pd.DataFrame(rows, columns=["setting", "value", "source", "line"])


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(
            f"{path}: the text is not in UTF-8; in the editor choose 'Save as' and the encoding UTF-8"
        ) from None


def _read_parts(section: Section, *, name: str, text: str, file: str) -> Schedule:
    """Read all parts of a file; problems are noted in the section."""
    name = section.text("name", default=re.sub(r"[^A-Za-z0-9_-]", "_", name))
    if not NAME.fullmatch(name):
        section.refuse(f"the name {name!r} may have letters, digits, - and _ only", name="name")
    stimuli_part, laser_part = section.section("stimuli"), section.section("laser")
    if stimuli_part is None and not section.has("stimuli"):
        section.refuse("the part 'stimuli' is missing: what the animal meets, each with its channel")
    stimuli = read_stimuli(stimuli_part) if stimuli_part else ()
    order = read_order(section, stimuli)
    animals = section.number("paper_animals", least=1, whole=True, default=math.nan)
    laser = read_laser(laser_part) if laser_part else None
    schedule = Schedule(
        name=name,
        title=section.text("title"),
        description=section.text("description", default=""),
        paper=section.text("paper", default=""),
        paper_animals=None if math.isnan(animals) else int(animals),
        sessions=_count(section.number("sessions", least=1, whole=True, default=1)),
        condition=section.text("condition", default="n/a"),
        site=section.text("site", default=""),
        groups=tuple(section.texts("groups")),
        before=tuple(section.texts("before")),
        lead_in_s=section.number("lead_in_s"),
        lead_out_s=section.number("lead_out_s"),
        repeats=_read_repeats(section, order),
        stimuli=stimuli,
        order=order,
        intervals=read_intervals(section),
        laser=laser,
        text=text,
        file=file,
    )
    check_laser(section, schedule)
    check_trials(section, schedule)
    return schedule


def _read_repeats(section: Section, order: Order) -> int:
    if order.sequence:
        if section.has("repeats"):
            section.refuse("repeats has no meaning beside order.sequence: leave it out", name="repeats")
            section.ignore("repeats")
        return 1
    return _count(section.number("repeats", least=1, most=10_000, whole=True))


def _count(value: float) -> int:
    """Return a whole number; 1 in place of one that was wrong, which has been noted."""
    return 1 if math.isnan(value) else int(value)
