"""What is known of participants beside the task: questionnaires and the session's circumstances.

BIDS keeps such measurements in ``phenotype``, one table per instrument with a data dictionary beside it, and
one row per participant: what was asked twice has two columns, with _t1 and _t2 in their names. No row is ever
changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from experiments.dataset.descriptions import Description
from experiments.dataset.study import is_listed
from experiments.dataset.tables import append_row, participant_label, read_table, write_json, write_table

_WHO: Description = {"Description": "Unique label of the participant, as in participants.tsv"}
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
