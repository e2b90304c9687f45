"""What the files of a study say about one participant's day. Nothing is remembered anywhere else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from experiments.allocation.files import has_allocation, open_allocation
from experiments.allocation.pill import doubts, pill_moment
from experiments.allocation.register import Allocated
from experiments.allocation.settings import AllocationSettings
from experiments.checklist.ticks import read_ticks
from experiments.dataset.answers import read_administrations, which_counts
from experiments.dataset.rows import MISSING, EventRow, TrialRow, read_rows
from experiments.dataset.study import live_folder
from experiments.dataset.tables import participant_label, read_json, read_table

_COLUMNS = {
    "guess": "guess",
    "nausea": "nausea",
    "body": "bmi",
    "demographics": "age",
    "panas": "positive_affect",
}
"""Questionnaire -> a column of phenotype that shows that it was asked, where its answers are not there."""


@dataclass(frozen=True, kw_only=True)
class Done:
    """Something that was begun, and perhaps finished."""

    at: datetime | None = None
    """When; None where no file says so."""
    finished: bool = True
    by: str | None = None
    """Who ticked it."""


@dataclass(frozen=True, kw_only=True)
class TaskProgress:
    """How far the task has come."""

    started: datetime | None
    done: int
    """Trials, without practice."""
    planned: int | None
    finished: bool
    signals: datetime | None = None
    """When the session itself checked the signals."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """All that is known of one participant's day."""

    study: Path
    participant: str
    simulated: bool = False
    has_allocation: bool = False
    mood_min: tuple[float, float] = (0.0, 0.0)
    """First and last minute after the pill for the second questionnaire."""
    task_min: tuple[float, float] = (0.0, 0.0)
    """First and last minute after the pill for the task."""
    person: Allocated | None = None
    pill: datetime | None = None
    forms: Mapping[str, Done] = field(default_factory=dict)
    """Questionnaire and time, such as panas_t1."""
    ticks: Mapping[str, Done] = field(default_factory=dict)
    task: TaskProgress | None = None
    problems: tuple[str, ...] = ()
    """What could not be read, and what speaks against the task."""


def read_facts(study: Path, participant: str, now: datetime) -> Facts:
    """Read the files of a study; what cannot be read becomes a problem, and the rest is shown.

    Parameters
    ----------
    study : Path
        Folder of the study.
    participant : str
        Id of letters and digits.
    now : datetime
        With its time zone.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    ValueError
        If the id cannot be one.
    """
    participant_label(participant)
    if not study.is_dir():
        raise FileNotFoundError(f"there is no folder {study}; give the folder of a study")
    problems: list[str] = []
    known: dict[str, Any] = {}
    readers = {
        "simulated": lambda: bool(_description(study).get("simulated", False)),
        "ticks": lambda: {
            step: Done(at=datetime.fromisoformat(row.time), by=row.by)
            for step, row in read_ticks(study, participant).items()
        },
        "forms": lambda: _forms(study, participant),
        "task": lambda: _task(study, participant),
        "pill": lambda: pill_moment(study, participant, now),
    }
    for name, read in readers.items():
        try:
            known[name] = read()
        except (OSError, ValueError, KeyError, TypeError) as error:
            problems.append(f"{error}")
    settings = _defaults()
    if has_allocation(study):
        known["has_allocation"] = True
        try:
            allocation = open_allocation(study, check=False)
            settings = allocation.settings
            problems += allocation.problems()
            known["person"] = allocation.register().participants.get(participant)
            if "task" not in known or known["task"] is None:
                problems += doubts(study, participant, now)
        except (OSError, ValueError, KeyError, TypeError) as error:
            problems.append(f"{error}")
    mood = (
        settings.pill_to_mood_min - settings.tolerance_min,
        settings.pill_to_mood_min + settings.tolerance_min,
    )
    return Facts(
        study=study,
        participant=participant,
        mood_min=mood,
        task_min=settings.window_min,
        problems=tuple(dict.fromkeys(problems)),
        **known,
    )


def _defaults() -> AllocationSettings:
    return AllocationSettings(id="", groups=("A", "B"), ratio=(1, 1), strata={}, n_in={})


def _description(study: Path) -> dict[str, Any]:
    path = study / "dataset_description.json"
    return read_json(path) if path.is_file() else {}


def _forms(study: Path, participant: str) -> dict[str, Done]:
    """Return what was asked: live answers, or, for data that came otherwise, the tables in phenotype."""
    found = {
        label: Done(at=one.last if one.finished else one.started, finished=one.finished)
        for label, one in which_counts(read_administrations(study, participant)).items()
    }
    label = participant_label(participant)
    for path in sorted((study / "phenotype").glob("*.tsv")):
        for row in read_table(path):
            if row.get("participant_id") == label:
                for form, column in _COLUMNS.items():
                    for suffix in ("", "_t1", "_t2"):
                        if row.get(column + suffix, MISSING) != MISSING:
                            found.setdefault(form + suffix, Done())
    return found


def _task(study: Path, participant: str) -> TaskProgress | None:
    """Read how far the last run has come."""
    run = 1
    while (live_folder(study, participant, run + 1) / "session.json").is_file():
        run += 1
    folder = live_folder(study, participant, run)
    if not (folder / "session.json").is_file():
        return None
    record = read_json(folder / "session.json")
    trials = read_rows(folder / "trials.tsv", TrialRow) if (folder / "trials.tsv").is_file() else []
    events = read_rows(folder / "events.tsv", EventRow) if (folder / "events.tsv").is_file() else []
    done = sum(not row.practice for row in trials)
    planned = record.get("n_trials")
    check = record.get("signal_check") or {}
    return TaskProgress(
        signals=datetime.fromisoformat(check["checked"]) if check.get("accepted") else None,
        started=datetime.fromisoformat(record["date"]) if isinstance(record.get("date"), str) else None,
        done=done,
        planned=planned,
        finished=any(event.trial_type == "session_end" for event in events)
        or (planned is not None and done >= planned > 0),
    )
