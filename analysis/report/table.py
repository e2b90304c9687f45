"""Tables of a report: formatted for reading, and written whole as TSV beside a JSON data dictionary."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pandas as pd

Kind = Literal["text", "count", "number", "percent", "df", "statistic", "p"]
"""How the values of a column are shown; the TSV always keeps them in full."""

MISSING = "n/a"
"""How a missing value is written, on the page and in the TSV (as in BIDS)."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """What a column of a table means."""

    description: str
    """One sentence for the data dictionary."""
    kind: Kind = "text"
    """How its values are shown on the page."""
    unit: str = ""
    """Unit of the values, empty where there is none."""
    heading: str = ""
    """Heading on the page; the column's name where empty."""
    levels: Mapping[str, str] = field(default_factory=dict)
    """Code in the data -> what it means: the files keep the code, the page shows the meaning."""
    missing: str = MISSING
    """How a missing value, or an empty text, stands on the page; in the file it is always "n/a"."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table of a report.

    ``columns`` says which columns of ``data`` are kept, in which order and what they mean.
    """

    name: str
    """Stem of the files ``tables/<name>.tsv`` and ``tables/<name>.json``."""
    caption: str
    data: pd.DataFrame
    columns: Mapping[str, Column]
    note: str = ""
    """Printed under the table and kept in the data dictionary."""
    emphasise_p_below: float | None = None
    """Rows whose column of kind ``p`` lies below this value are shown in bold."""

    def __post_init__(self) -> None:
        absent = [name for name in self.columns if name not in self.data.columns]
        if absent:
            raise ValueError(
                f"the table {self.name!r} describes the columns {absent}, which its data do not have: "
                f"they have {list(self.data.columns)}"
            )


def format_p(p: float) -> str:
    """Give a p value as it is printed.

    >>> format_p(0.00004), format_p(0.0312), format_p(0.5), format_p(float("nan"))
    ('< 0.001', '0.031', '0.500', 'n/a')
    """
    if math.isnan(p):
        return MISSING
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def format_number(value: float) -> str:
    """Give a number with four significant digits, without an exponent where it can be read without one.

    >>> format_number(0.018712), format_number(-3.14159), format_number(1234.56), format_number(0)
    ('0.01871', '−3.142', '1235', '0')
    >>> format_number(2.5e-9)
    '2.500e−09'
    """
    if math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0:
        return "0"
    magnitude = math.floor(math.log10(abs(value)))
    if magnitude < -5 or magnitude > 8:
        return f"{value:.3e}".replace("-", "−")
    return f"{value:.{max(0, 3 - magnitude)}f}".replace("-", "−")


def _fixed(digits: int) -> Callable[[float], str]:
    return lambda value: MISSING if math.isnan(value) else f"{value:.{digits}f}".replace("-", "−")


_FORMATS: dict[str, Callable[[float], str]] = {
    "count": lambda value: MISSING if math.isnan(value) else f"{round(value):d}".replace("-", "−"),
    "number": format_number,
    "percent": _fixed(1),
    "df": lambda value: MISSING if math.isnan(value) else f"{value:.1f}".removesuffix(".0"),
    "statistic": _fixed(2),
    "p": format_p,
}


def format_value(value: Any, kind: Kind) -> str:
    """Give one value as it is shown on the page.

    >>> format_value(12.0, "count"), format_value(126.64, "df"), format_value(None, "number")
    ('12', '126.6', 'n/a')
    """
    if value is None or value is pd.NA:
        return MISSING
    if kind == "text" or isinstance(value, str):
        missing = isinstance(value, float) and math.isnan(value)
        return MISSING if missing else str(value)
    return _FORMATS[kind](float(value))


def formatted_rows(table: Table) -> list[list[str]]:
    """Give the table's rows as they are shown on the page, one list of text per row."""
    columns = list(table.columns.items())
    return [
        [_shown(row[name], column) for name, column in columns]
        for row in table.data.to_dict(orient="records")
    ]


def _shown(value: Any, column: Column) -> str:
    text = format_value(value, column.kind)
    return column.missing if text in (MISSING, "") else column.levels.get(text, text)


def emphasised_rows(table: Table) -> list[bool]:
    """Say for each row whether it is shown in bold."""
    p_columns = [name for name, column in table.columns.items() if column.kind == "p"]
    if table.emphasise_p_below is None or not p_columns:
        return [False] * len(table.data)
    return (table.data[p_columns[0]].astype(float) < table.emphasise_p_below).tolist()


def data_dictionary(table: Table) -> dict[str, Any]:
    """Give the JSON data dictionary of a table: for each column its description, unit and levels."""
    dictionary: dict[str, Any] = {"Caption": table.caption}
    if table.note:
        dictionary["Note"] = table.note
    for name, column in table.columns.items():
        entry: dict[str, Any] = {"Description": column.description}
        if column.unit:
            entry["Units"] = column.unit
        if column.levels:
            entry["Levels"] = dict(column.levels)
        dictionary[name] = entry
    return dictionary


def write_table(table: Table, folder: Path, *, extra: Mapping[str, Any] | None = None) -> Sequence[Path]:
    """Write ``<name>.tsv`` and ``<name>.json`` into a folder.

    Parameters
    ----------
    table : Table
        What is written: codes as they are, numbers with their full precision.
    folder : Path
        An existing folder.
    extra : mapping, optional
        Further entries of the data dictionary, for example ``{"simulated": True}``.

    Returns
    -------
    sequence of Path
        The two files.
    """
    values, words = folder / f"{table.name}.tsv", folder / f"{table.name}.json"
    table.data[list(table.columns)].replace("", None).to_csv(
        values, sep="\t", index=False, na_rep=MISSING, lineterminator="\n", encoding="utf-8"
    )
    dictionary = {**data_dictionary(table), **(extra or {})}
    words.write_text(
        json.dumps(dictionary, indent=2, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n"
    )
    return values, words
