"""Measurements beside the task: one row per participant, never changed, and valid."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from experiments.dataset.phenotype import INSTRUMENTS, add_measurement
from experiments.dataset.study import add_participant, create_study
from experiments.dataset.tables import read_table


@pytest.fixture
def study(tmp_path: Path) -> Path:
    create_study(tmp_path / "study", name="Pilot", simulated=True)
    for participant in ("001", "002"):
        add_participant(tmp_path / "study", participant)
    return tmp_path / "study"


def test_rows_are_added_and_what_is_absent_is_missing(study: Path) -> None:
    add_measurement(study, "session", "002", {"bmi": 22.5, "guess": "placebo"}, simulated=True)
    add_measurement(study, "session", "001", {"bmi": None, "pill_time": "09:35"}, simulated=True)
    rows = read_table(study / "phenotype" / "session.tsv")
    assert [row["participant_id"] for row in rows] == ["sub-002", "sub-001"]
    assert (rows[0]["bmi"], rows[0]["pill_time"], rows[1]["bmi"]) == ("22.5", "n/a", "n/a")


def test_a_table_that_was_saved_with_another_encoding_is_named(study: Path) -> None:
    path = study / "participants.tsv"
    path.write_bytes(path.read_bytes().replace(b"sub-001", "sub-001\u00fc".encode("latin-1")))
    with pytest.raises(ValueError, match=r"participants\.tsv is not in UTF-8 .*: save it again"):
        read_table(path)


@pytest.mark.parametrize("instrument", list(INSTRUMENTS))
def test_every_column_is_explained_beside_the_table(study: Path, instrument: str) -> None:
    add_measurement(study, instrument, "001", {}, simulated=True)
    columns = (study / "phenotype" / f"{instrument}.tsv").read_text("utf-8").split("\n")[0].split("\t")
    said = json.loads((study / "phenotype" / f"{instrument}.json").read_text("utf-8"))
    assert said["simulated"] is True
    assert columns[0] == "participant_id"
    assert all(said[name]["Description"] for name in columns)
    assert set(said) == {*columns, "simulated", "MeasurementToolMetadata"}


def test_nothing_is_measured_twice(study: Path) -> None:
    add_measurement(study, "panas", "001", {"positive_affect_t1": 30}, simulated=True)
    before = (study / "phenotype" / "panas.tsv").read_bytes()
    with pytest.raises(FileExistsError, match=r"panas\.tsv has sub-001 already"):
        add_measurement(study, "panas", "001", {"positive_affect_t1": 31}, simulated=True)
    assert (study / "phenotype" / "panas.tsv").read_bytes() == before


@pytest.mark.parametrize(
    ("instrument", "participant", "values", "message"),
    [
        ("mood", "001", {}, "no instrument 'mood'; there are panas, session"),
        ("panas", "001", {"joy": 3}, "panas has no column joy"),
        ("panas", "003", {}, "sub-003 is not in"),
        ("panas", "0/1", {}, "letters and digits"),
    ],
)
def test_wrong_input_is_explained(
    study: Path, instrument: str, participant: str, values: dict, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        add_measurement(study, instrument, participant, values, simulated=True)
    assert not (study / "phenotype").exists()
