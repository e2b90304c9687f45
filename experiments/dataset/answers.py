"""The answers to questionnaires as they were given: one folder per administration, rows that are only added.

``sourcedata/sub-007/questionnaires/panas_t1`` holds ``record.json`` (the questionnaire as it was shown, its
order, language, time, software) and ``answers.tsv`` (one line per answer, correction, refusal). They are the
source from which the tables in ``phenotype`` are made. A questionnaire that is asked again has its own
folder, ``panas_t1_again_2``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from experiments.dataset.durable import write_whole
from experiments.dataset.forms import Form, form_from
from experiments.dataset.rows import read_rows
from experiments.dataset.study import live_folder
from experiments.dataset.tables import read_json

RECORD_NAME = "record.json"
ANSWERS_NAME = "answers.tsv"

ACTIONS = ("start", "answer", "no_answer", "refused", "question", "back", "stop", "resume", "finish")
"""What a row may be: refused is an answer that cannot be right, question one that has to be confirmed."""


@dataclass(frozen=True, kw_only=True)
class AnswerRow:
    """One line of ``answers.tsv``."""

    onset: float
    """Seconds since the administration began."""
    time: str
    """The computer's time of day, with date and time zone."""
    action: str
    """One of `ACTIONS`."""
    position: int | None = None
    """Number of the page among the items, from 1."""
    item: str | None = None
    """The item."""
    value: str | None = None
    """What was answered."""
    response_time: float | None = None
    """Seconds from the appearance of the page to the answer."""
    source: str | None = None
    """mouse or keyboard."""
    message: str | None = None
    """What the page said about an answer that was refused or questioned."""
    monotonic: float
    """The computer's monotonic clock (s), which nobody sets."""


@dataclass(frozen=True)
class Administration:
    """A questionnaire that was put to a participant, finished or not."""

    folder: Path
    record: dict[str, Any]
    rows: tuple[AnswerRow, ...]

    @cached_property
    def form(self) -> Form:
        """The questionnaire as it was shown."""
        return form_from(self.record["form"])

    @property
    def name(self) -> str:
        """Name of the questionnaire."""
        return str(self.record["form"]["name"])

    @property
    def time(self) -> str | None:
        """Which time it was, such as t1; None for a questionnaire that is asked once."""
        return self.record["time"]

    @property
    def number(self) -> int:
        """1, or more when it was asked again."""
        return int(self.record["administration"])

    @property
    def started(self) -> datetime:
        """When it began, with the offset of the time zone."""
        return datetime.fromisoformat(self.record["started"])

    @property
    def answers(self) -> dict[str, str | None]:
        """Item -> the last answer, None where the participant gave none; what was not reached is absent."""
        return {
            row.item: row.value if row.action == "answer" else None
            for row in self.rows
            if row.item is not None and row.action in ("answer", "no_answer")
        }

    @property
    def finished(self) -> bool:
        """Whether the participant came to its end."""
        return any(row.action == "finish" for row in self.rows)

    @property
    def last(self) -> datetime:
        """When something was last written."""
        return datetime.fromisoformat(self.rows[-1].time) if self.rows else self.started

    @property
    def label(self) -> str:
        """Name of the questionnaire and time, such as panas_t1."""
        return label_of(self.name, self.time)


def label_of(form: str, time: str | None) -> str:
    """Name a questionnaire and its time.

    >>> label_of("panas", "t1"), label_of("body", None)
    ('panas_t1', 'body')
    """
    return form if time is None else f"{form}_{time}"


def answers_folder(study: Path, participant: str) -> Path:
    """Return the folder in which a participant's answers are."""
    return live_folder(study, participant) / "questionnaires"


def begin_administration(study: Path, participant: str, record: Mapping[str, Any]) -> Administration:
    """Write the record of a new administration, before anything is shown.

    Parameters
    ----------
    study : Path
        Folder of the study.
    participant : str
        Id of letters and digits.
    record : mapping
        ``form`` (its entries), ``time`` and what else is known; ``administration`` is added: the number of
        the first folder that is free.

    Returns
    -------
    Administration
        The administration, without answers.
    """
    parent = answers_folder(study, participant)
    label = label_of(record["form"]["name"], record["time"])
    number = 1
    while (parent / _folder_name(label, number) / RECORD_NAME).exists():
        number += 1
    folder = parent / _folder_name(label, number)
    folder.mkdir(parents=True, exist_ok=True)
    whole = {**record, "administration": number}
    write_whole(folder / RECORD_NAME, json.dumps(whole, indent=2, ensure_ascii=False) + "\n")
    return Administration(folder, whole, ())


def read_administrations(study: Path, participant: str) -> list[Administration]:
    """Read all questionnaires that were put to a participant.

    Returns
    -------
    list of Administration
        In the order in which they were begun.

    Raises
    ------
    ValueError
        If a file was damaged; the message names it.
    """
    found = [
        read_administration(path.parent)
        for path in answers_folder(study, participant).glob(f"*/{RECORD_NAME}")
    ]
    return sorted(found, key=lambda one: (one.started, one.label, one.number))


def read_administration(folder: Path) -> Administration:
    """Read one administration."""
    path = folder / ANSWERS_NAME
    record = read_json(folder / RECORD_NAME)
    if not {"form", "time", "administration", "started", "order"} <= set(record):
        raise ValueError(f"{folder / RECORD_NAME} is not the record of a questionnaire: take the copy of it")
    return Administration(folder, record, tuple(read_rows(path, AnswerRow) if path.is_file() else ()))


def which_counts(administrations: list[Administration]) -> dict[str, Administration]:
    """Choose for each questionnaire and time the administration that counts: the last finished one.

    Where none was finished, it is the last one.

    Returns
    -------
    dict
        Label, such as panas_t1 -> administration.
    """
    chosen: dict[str, Administration] = {}
    for one in sorted(administrations, key=lambda one: one.number):
        before = chosen.get(one.label)
        if before is None or one.finished or not before.finished:
            chosen[one.label] = one
    return chosen


def answered_columns(study: Path, participant: str) -> dict[str, str]:
    """Return what a participant has answered of what ``participants.tsv`` also says, such as age and sex.

    Returns
    -------
    dict
        Column of ``participants.tsv`` -> answer; empty where nothing was asked or answered.
    """
    known: dict[str, str] = {}
    for one in which_counts(read_administrations(study, participant)).values():
        for item in one.form.items:
            answer = one.answers.get(item.id)
            if item.participants_column is not None and answer is not None:
                known[item.participants_column] = answer
    return known


def _folder_name(label: str, number: int) -> str:
    return label if number == 1 else f"{label}_again_{number}"
