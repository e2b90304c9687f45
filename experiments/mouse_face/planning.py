"""The plan of a session: everything that is known before the first device is opened."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from experiments.mouse_face.animals import AnimalRow, find_animal
from experiments.mouse_face.dose_plan import dose_plan
from experiments.mouse_face.live import check_label, next_session
from experiments.mouse_face.schedule import (
    Schedule,
    expand,
    parse_values,
    read_schedule,
    sources,
    timeline_text,
    totals,
    with_liquids,
)
from experiments.mouse_face.schedule_text import warnings_text
from experiments.mouse_face.trial_table import with_valve_times
from hardware.delivery.limits import Limits, check_doses, shock_confirmation

STUDY_FILE = "study.toml"
"""File of a study with its people: ``experimenter`` (list of 'Last, First'), ``lab``, ``institution``."""


@dataclass(frozen=True, eq=False)
class SessionPlan:
    """What a session will be."""

    study: Path
    animal: AnimalRow
    session: str
    schedule: Schedule
    trials: pd.DataFrame
    """The table of trials, with the times of the valves."""
    seed: int
    limits: Limits
    simulated: bool
    people: Mapping[str, Any]
    """``experimenter``, ``lab``, ``institution``, as far as the study says."""

    @property
    def duration_s(self) -> float:
        """Length of the session (s)."""
        return float(totals(self.trials)["duration_s"])

    @property
    def confirmation(self) -> str:
        """What must be typed before shocks are armed; empty without shocks."""
        return shock_confirmation(self.trials)

    def text(self) -> str:
        """Return timeline and doses, for the experimenter."""
        before = [f"  [ ] {line}" for line in self.schedule.before]
        checklist = ["", "Before the session:", *before] if before else []
        notes = ["", warnings_text(self.schedule)] if self.schedule.warnings else []
        plan = [timeline_text(self.trials), "", dose_plan(self.trials, self.limits)]
        return "\n".join([*plan, *notes, *checklist])

    def record(self) -> dict[str, Any]:
        """Return what ``session.json`` says of the plan."""
        laser = self.schedule.laser
        numbers = sources(self.schedule)
        return {
            "animal": self.animal.animal,
            "session": self.session,
            "simulated": self.simulated,
            "subject": asdict(self.animal.subject(date.today())),
            "group": self.animal.group,
            "site": self.animal.site,
            "title": self.schedule.title,
            "schedule": self.schedule.name,
            "seed": self.seed,
            "totals": totals(self.trials),
            "laser": None if laser is None else asdict(laser),
            "sources": {str(row["setting"]): str(row["source"]) for _, row in numbers.iterrows()},
            **self.people,
        }


def make_plan(
    study: Path,
    *,
    animal: str,
    schedule: str,
    session: str | None,
    seed: int | None,
    values: Sequence[str],
    stated: Mapping[str, str | None],
    limits: Limits,
    open_ms: Callable[[str, float], float],
    simulated: bool,
    liquids: Mapping[str, str] | None = None,
) -> SessionPlan:
    """Draw the table of trials of a session and check it against every limit.

    Parameters
    ----------
    study : Path
        Folder of the study.
    animal : str
        Name of the animal.
    schedule : str
        File or bare name of the schedule.
    session : str or None
        Name of the session; None takes that of the schedule, with a number if there was one.
    seed : int or None
        Seed of the order; None makes it from animal and session, so that a dry run shows the real order.
    values : sequence of str
        Values given for this session, ``name=value``.
    stated : mapping
        What was said of the animal at the command line.
    limits : Limits
        What the rig file allows.
    open_ms : callable
        Turns a valve and a volume (µl) into how long it opens (ms).
    simulated : bool
        Whether no animal is there.
    liquids : mapping of str to str, optional
        Valve -> what it holds, as the rig file says; each stimulus comes from the valve with its liquid.

    Raises
    ------
    ValueError
        If anything does not fit; nothing was opened or written.
    """
    check_label("an animal", animal, hyphens=False)
    read = read_schedule(schedule, values=parse_values(values))
    if liquids:
        read = with_liquids(read, liquids)
    if session is None:
        session = next_session(study, animal, read.name.replace("_", "-"))
    check_label("a session", session, hyphens=True)
    if simulated and read.site:
        stated = {"site": read.site, "group": _group(animal), **{k: v for k, v in stated.items() if v}}
    row = find_animal(study, animal, stated, simulated=simulated)
    if seed is None:
        seed = zlib.crc32(f"{animal} {session}".encode())
    table = with_valve_times(expand(read, seed=seed, animal=animal), open_ms)
    try:
        check_doses(table, limits)
    except ValueError as error:
        raise ValueError(f"{error}\n\n{dose_plan(table, limits)}") from None
    people = read_people(study)
    if simulated:
        people = {"experimenter": ["Program, Simulation"], "lab": "None", "institution": "None"}
    return SessionPlan(study, row, session, read, table, seed, limits, simulated, people)


def read_people(study: Path) -> dict[str, Any]:
    """Return who does the study, from its ``study.toml``; empty without such a file.

    Raises
    ------
    ValueError
        If it cannot be read, or names are not written as 'Last, First'.
    """
    import sys

    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    path = study / STUDY_FILE
    if not path.is_file():
        return {}
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} cannot be read ({error})") from None
    names = content.get("experimenter", [])
    names = [names] if isinstance(names, str) else names
    if not all(isinstance(name, str) and "," in name for name in names):
        raise ValueError(f"{path}: experimenter is a list of names such as 'Doe, Jane', not {names!r}")
    found = {key: content[key] for key in ("lab", "institution") if isinstance(content.get(key), str)}
    return {"experimenter": list(names), **found}


def people_hint(study: Path, people: Mapping[str, Any]) -> str | None:
    """Say what the study does not say of itself, and NWB asks for; None if all is there."""
    missing = [name for name in ("experimenter", "lab", "institution") if not people.get(name)]
    if not missing:
        return None
    return (
        f"the NWB file will not say {', '.join(missing)}: write {study / STUDY_FILE} with lines such as "
        'experimenter = ["Doe, Jane"], lab = "Doe lab", institution = "University"'
    )


def _group(animal: str) -> str:
    """Group of a drawn animal with a fibre, where none is stated: by its number, in turns."""
    number = int("".join(character for character in animal if character.isdigit()) or 1)
    return ("eYFP", "ChR2")[number % 2]
