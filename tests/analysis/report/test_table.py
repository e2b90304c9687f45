"""Tables: what stands on the page, and what stands in the files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.report import Column, Table
from analysis.report.table import emphasised_rows, format_number, format_value, formatted_rows, write_table


def example(**changes: object) -> Table:
    data = pd.DataFrame({"who": ["007", "Ünal"], "rt": [2.123456789, np.nan], "p": [0.01, 0.2], "hidden": 1})
    settings: dict[str, object] = {
        "name": "example",
        "caption": "Response times.",
        "data": data,
        "columns": {
            "who": Column(description="Participant."),
            "rt": Column(description="Response time.", kind="number", unit="s"),
            "p": Column(description="p value.", kind="p"),
        },
        "emphasise_p_below": 0.05,
    }
    return Table(**(settings | changes))  # type: ignore[arg-type]


def test_the_file_keeps_full_precision_and_the_page_four_digits(tmp_path: Path) -> None:
    table = example()
    values, _ = write_table(table, tmp_path)
    assert values.read_text(encoding="utf-8") == "who\trt\tp\n007\t2.123456789\t0.01\nÜnal\tn/a\t0.2\n"
    assert formatted_rows(table) == [["007", "2.123", "0.010"], ["Ünal", "n/a", "0.200"]]


def test_the_data_dictionary_has_description_and_unit_of_every_written_column(tmp_path: Path) -> None:
    _, words = write_table(example(), tmp_path, extra={"simulated": True})
    dictionary = json.loads(words.read_text(encoding="utf-8"))
    assert dictionary["rt"] == {"Description": "Response time.", "Units": "s"}
    assert dictionary["simulated"] is True
    assert set(dictionary) == {"Caption", "who", "rt", "p", "simulated"}


def test_codes_stay_in_the_file_and_are_put_into_words_on_the_page(tmp_path: Path) -> None:
    column = Column(description="Face.", levels={"happy": "Happy face"}, missing="no face")
    data = pd.DataFrame({"face": ["happy", "", None, "sad"]})
    table = example(data=data, columns={"face": column}, emphasise_p_below=None)
    values, words = write_table(table, tmp_path)
    assert values.read_text(encoding="utf-8").split() == ["face", "happy", "n/a", "n/a", "sad"]
    assert json.loads(words.read_text(encoding="utf-8"))["face"]["Levels"] == {"happy": "Happy face"}
    assert formatted_rows(table) == [["Happy face"], ["no face"], ["no face"], ["sad"]]


def test_small_p_values_are_bold() -> None:
    assert emphasised_rows(example()) == [True, False]
    assert emphasised_rows(example(emphasise_p_below=None)) == [False, False]


def test_a_described_column_that_the_data_lack_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"describes the columns \['age'\]"):
        example(columns={"age": Column(description="Age.")})


@pytest.mark.parametrize(
    ("value", "kind", "shown"),
    [
        (0.0004, "p", "< 0.001"),
        (0.9999, "p", "1.000"),
        (126.643, "df", "126.6"),
        (-1.005, "statistic", "−1.00"),
        (float("nan"), "count", "n/a"),
        (None, "p", "n/a"),
        (12.6, "count", "13"),
        (float("inf"), "number", "∞"),
    ],
)
def test_values_as_they_are_printed(value: float, kind: str, shown: str) -> None:
    assert format_value(value, kind) == shown  # type: ignore[arg-type]


def test_numbers_round_trip_to_four_digits() -> None:
    for value in np.random.default_rng(1).normal(size=200) * 10.0 ** np.random.default_rng(2).integers(
        -5, 8, 200
    ):
        assert float(format_number(value).replace("−", "-")) == pytest.approx(value, rel=5.1e-4)
