"""What is known of participants beside the task: questionnaires and the session's circumstances.

BIDS keeps such measurements in ``phenotype``, one table per instrument with a data dictionary beside it, and
one row per participant: what was asked twice has two columns, with _t1 and _t2 in their names.

The tables are derived: their source are the answers in ``sourcedata`` (`experiments.dataset.answers`), from
which `update_phenotype` makes them anew as often as one likes. What was measured in another way is added by
`add_measurement` and stays.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from experiments.dataset.answers import Administration, read_administrations, which_counts
from experiments.dataset.descriptions import Description
from experiments.dataset.durable import sync_folder, write_whole
from experiments.dataset.forms import Form
from experiments.dataset.rows import MISSING
from experiments.dataset.scoring import columns_of, describe_columns
from experiments.dataset.study import description_file, is_listed
from experiments.dataset.tables import (
    append_row,
    cell_text,
    participant_label,
    read_json,
    read_table,
    read_text,
    write_json,
    write_table,
)

LARGEST_DISAGREEMENT = timedelta(minutes=5)
"""A form and a log may differ by so much in the time of the pill."""

_WHO: Description = {"Description": "Unique label of the participant, as in participants.tsv"}
_REMARKS: Description = {
    "Description": "What is unusual about the questionnaires of this row: not finished, or asked again"
}
_NAUSEA = "self-rated nausea, from 1 (not at all) upwards"
_INSTRUMENT = "MeasurementToolMetadata"
_PANAS: dict[str, Description] = {
    "positive_affect": {"Description": "sum of the ten positive items, 10 to 50"},
    "negative_affect": {"Description": "sum of the ten negative items, 10 to 50"},
    "minutes_since_pill": {
        "Description": "time from the intake of the pill to the questionnaire, negative before it",
        "Units": "min",
    },
}

INSTRUMENTS: dict[str, dict[str, Description]] = {
    "panas": {
        _INSTRUMENT: {
            "Description": "Positive and Negative Affect Schedule (Watson, Clark & Tellegen, 1988)"
        },
        "participant_id": _WHO,
        **{
            f"{name}_{time}": {**about, "Description": f"{when}: {about['Description']}"}
            for time, when in (("t1", "Before the pill"), ("t2", "After the pill, before the task"))
            for name, about in _PANAS.items()
        },
    },
    "session": {
        _INSTRUMENT: {"Description": "Body, pill and self-reports of the day of the session"},
        "participant_id": _WHO,
        "height_cm": {"Description": "Body height", "Units": "cm"},
        "weight_kg": {"Description": "Body weight", "Units": "kg"},
        "bmi": {"Description": "Body mass index: weight by height squared", "Units": "kg/m^2"},
        "pill_time": {"Description": "Time of day when the pill was taken, hours and minutes"},
        "task_start": {"Description": "Time of day when the task began, hours and minutes"},
        "minutes_since_pill": {"Description": "Time from the pill to the task", "Units": "min"},
        "guess": {
            "Description": "Which group the participant believes to be in, asked at the end; dont_know where "
            "the participant would not guess"
        },
        "nausea_t1": {"Description": f"Before the pill: {_NAUSEA}"},
        "nausea_t2": {"Description": f"After the pill, before the task: {_NAUSEA}"},
    },
}
"""Instrument -> column -> what it means."""


def add_measurement(
    study: Path, instrument: str, participant: str, values: Mapping[str, Any], *, simulated: bool
) -> None:
    """Add one row to the table of an instrument; the first row makes the table and its data dictionary.

    Parameters
    ----------
    study : Path
        Folder of the study.
    instrument : str
        Name of the table, one of `INSTRUMENTS`.
    participant : str
        Id of a participant of the study.
    values : mapping
        Column -> value; columns that are absent become n/a.
    simulated : bool
        Whether the data dictionary says that the data are simulated.

    Raises
    ------
    ValueError
        If there is no such instrument or column, or the participant is not in the study.
    FileExistsError
        If the participant is in the table already.
    """
    if instrument not in INSTRUMENTS:
        raise ValueError(f"there is no instrument {instrument!r}; there are {', '.join(INSTRUMENTS)}")
    columns = {name: about for name, about in INSTRUMENTS[instrument].items() if name != _INSTRUMENT}
    label = participant_label(participant)
    row = {"participant_id": label, **values}
    unknown = sorted(set(row) - set(columns))
    if unknown:
        raise ValueError(f"{instrument} has no column {', '.join(unknown)}; it has {', '.join(columns)}")
    if not is_listed(study, label):
        raise ValueError(f"{label} is not in {study / 'participants.tsv'}: add the participant first")
    path = study / "phenotype" / f"{instrument}.tsv"
    path.parent.mkdir(exist_ok=True)
    if not path.exists():
        write_table(path, tuple(columns), [])
    if not path.with_suffix(".json").exists():
        write_json(path.with_suffix(".json"), INSTRUMENTS[instrument], simulated=simulated)
    if any(known["participant_id"] == label for known in read_table(path)):
        raise FileExistsError(f"{path} has {label} already: nothing was changed")
    append_row(path, row)


def update_phenotype(study: Path, *, pill_taken: Mapping[str, datetime] | None = None) -> list[str]:
    """Make the tables in ``phenotype`` anew from the answers in ``sourcedata``.

    Each table is replaced as a whole by one that is complete, so a crash leaves the old or the new one. Rows
    and columns that do not come from questionnaires stay. Tables list only participants who stand in
    ``participants.tsv``, as BIDS demands: the answers of others wait in ``sourcedata``. Where a value that a
    table has would change or go, the table is kept as it was in ``sourcedata/former_phenotype``.

    Parameters
    ----------
    study : Path
        Folder of the study.
    pill_taken : mapping, optional
        Participant -> when the pill was taken, where a log knows it; it counts more than what a form says.

    Returns
    -------
    list of str
        What the experimenter should know: values that were changed, times that contradict each other.

    Raises
    ------
    ValueError
        If answers were damaged; the tables stay as they were.
    """
    notes: list[str] = []
    new: dict[str, dict[str, dict[str, Any]]] = {}
    described: dict[str, dict[str, Description]] = {}
    for row in read_table(study / "participants.tsv"):
        label = row["participant_id"]
        found = read_administrations(study, label.removeprefix("sub-"))
        pill = (pill_taken or {}).get(label.removeprefix("sub-"))
        if not found and pill is None:
            continue
        for one in found:
            described.setdefault(one.form.table, {}).update(_descriptions(one.form))
        cells, told = participant_cells(
            found,
            pill=pill,
            task_start=_task_start(study, label),
        )
        notes += [f"{label}: {note}" for note in told]
        for table, values in cells.items():
            new.setdefault(table, {})[label] = values
    for table, rows in new.items():
        notes += _replace_table(study, table, rows, described.get(table, {}))
    return notes


def participant_cells(
    administrations: list[Administration], *, pill: datetime | None, task_start: datetime | None
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Compute what the tables say of one participant.

    Parameters
    ----------
    administrations : list of Administration
        All of the participant.
    pill : datetime or None
        When the pill was taken, where a log knows it.
    task_start : datetime or None
        When the task began.

    Returns
    -------
    tuple of dict and list of str
        Table -> column -> value, and what the experimenter should know.
    """
    cells: dict[str, dict[str, Any]] = {}
    remarks: dict[str, list[str]] = {}
    notes: list[str] = []
    stated: datetime | None = None
    chosen = which_counts(administrations)
    for label, one in chosen.items():
        suffix = "" if one.time is None else f"_{one.time}"
        values = cells.setdefault(one.form.table, {})
        for name, value in columns_of(one.form, one.answers).items():
            values[f"{name}{suffix}"] = value
        times = sum(other.label == label for other in administrations)
        remarks.setdefault(one.form.table, []).extend(_remarks(one, times))
        if one.answers.get("pill_time"):
            stated = last_time_of_day(str(one.answers["pill_time"]), before=one.last)
    taken = pill or stated
    if pill and stated and abs(pill - stated) > LARGEST_DISAGREEMENT:
        notes.append(
            f"the form says that the pill was taken at {stated:%H:%M}, the allocation log {pill:%H:%M}: "
            "the log counts; correct the one that is wrong"
        )
    for one in chosen.values():
        if one.form.table == "panas" and one.time is not None:
            cells["panas"][f"minutes_since_pill_{one.time}"] = _minutes(taken, one.started)
    if taken is not None or task_start is not None:
        session = cells.setdefault("session", {})
        session["pill_time"] = taken and f"{taken:%H:%M}"
        session["task_start"] = task_start and f"{task_start:%H:%M}"
        session["minutes_since_pill"] = _minutes(taken, task_start)
    for table, values in cells.items():
        values["remarks"] = "; ".join(remarks.get(table, [])) or None
    return cells, notes


def last_time_of_day(time: str, *, before: datetime) -> datetime:
    """Return the last moment before another at which a clock showed a time.

    >>> last_time_of_day("23:50", before=datetime(2026, 11, 22, 0, 10)).isoformat()
    '2026-11-21T23:50:00'
    """
    hour, minute = (int(part) for part in time.split(":"))
    moment = before.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return moment if moment <= before else moment - timedelta(days=1)


def _remarks(one: Administration, times: int) -> list[str]:
    said = []
    if not one.finished:
        said.append(f"{one.label} not finished ({len(one.answers)} of {len(one.form.items)} items)")
    if times > 1:
        said.append(f"{one.label} asked {times} times, number {one.number} counts")
    return said


def _minutes(earlier: datetime | None, later: datetime | None) -> int | None:
    if earlier is None or later is None:
        return None
    return round((later - earlier).total_seconds() / 60)


def _task_start(study: Path, label: str) -> datetime | None:
    """Return when the participant's first session of the task began."""
    path = study / "sourcedata" / label / "session.json"
    if not path.is_file():
        return None
    date = read_json(path).get("date")
    return datetime.fromisoformat(date) if isinstance(date, str) else None


def _descriptions(form: Form) -> dict[str, Description]:
    described = {_INSTRUMENT: {"Description": form.source or form.title}, **describe_columns(form)}
    if form.table == "panas":
        for time, when in form.times:
            about = _PANAS["minutes_since_pill"]
            described[f"minutes_since_pill_{time}"] = {
                **about,
                "Description": f"{when}: {about['Description']}",
            }
    return described


def _replace_table(
    study: Path, table: str, rows: Mapping[str, Mapping[str, Any]], described: Mapping[str, Description]
) -> list[str]:
    """Put values into a table and its data dictionary; each file is replaced as a whole, or left alone."""
    path = study / "phenotype" / f"{table}.tsv"
    before = read_table(path) if path.is_file() else []
    own = INSTRUMENTS.get(table, {"participant_id": _WHO})
    known = {**own, **described, "remarks": _REMARKS}
    known[_INSTRUMENT] = own.get(_INSTRUMENT) or described[_INSTRUMENT]
    if path.with_suffix(".json").is_file():
        known |= read_json(path.with_suffix(".json"))
    written = read_text(path).splitlines()[0].split("\t") if before else []
    names = [*written, *(name for name in known if name not in (*written, _INSTRUMENT, "simulated"))]
    names.sort(key=lambda name: name == "remarks")
    merged = {row["participant_id"]: dict(row) for row in before}
    for label, values in rows.items():
        merged.setdefault(label, {"participant_id": label}).update(
            {name: cell_text(value) for name, value in values.items()}
        )
    changed = _changes(before, merged)
    simulated = bool(read_json(description_file(study)).get("simulated", False))
    content = "\t".join(names) + "\n"
    content += "".join("\t".join(row.get(name, MISSING) for name in names) + "\n" for row in merged.values())
    if path.is_file() and path.read_text(encoding="utf-8") == content:
        return []
    if changed:
        _keep(path, study / "sourcedata" / "former_phenotype")
    explained = {**known, "simulated": True} if simulated else known
    path.parent.mkdir(exist_ok=True)
    _put(path.with_suffix(".json"), json.dumps(explained, indent=2, ensure_ascii=False) + "\n", study)
    _put(path, content, study)
    return [
        f"{path.name}: {change} (the former table is in sourcedata/former_phenotype)" for change in changed
    ]


def _changes(before: list[dict[str, str]], after: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Say which values are not what they were; a value where there was none, and counts, are no change."""
    return [
        f"{row['participant_id']} {name} was {value}, is {after[row['participant_id']][name]}"
        for row in before
        for name, value in row.items()
        if name != "remarks"
        and "_n_missing" not in name
        and value not in (MISSING, after[row["participant_id"]][name])
    ]


def _keep(path: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    number = 1
    while (target := folder / f"{path.stem}_{number}.tsv").exists():
        number += 1
    write_whole(target, path.read_text(encoding="utf-8"))


def _put(path: Path, text: str, study: Path) -> None:
    """Replace a file as a whole; what a crash leaves behind lies outside the dataset's own folders."""
    aside = study / "sourcedata" / f"phenotype_{path.name}"
    aside.parent.mkdir(exist_ok=True)
    write_whole(aside, text, replace=True)
    aside.replace(path)
    sync_folder(path.parent)
