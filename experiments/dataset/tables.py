"""TSV and JSON files of a dataset: never overwritten, the same on every platform."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from experiments.dataset.durable import add_bytes, named, whole_lines, write_whole
from experiments.dataset.rows import MISSING


def participant_label(participant: str) -> str:
    """Return the BIDS label of a participant, such as sub-007.

    Raises
    ------
    ValueError
        If the id has other characters than letters and digits, as BIDS does not allow them.

    Examples
    --------
    >>> participant_label("007")
    'sub-007'
    """
    if not re.fullmatch(r"[0-9A-Za-z]+", participant):
        raise ValueError(
            f"a participant's id has letters and digits only, such as 007; found {participant!r}"
        )
    return f"sub-{participant}"


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a tab-separated table with these columns; what is absent, None or NaN becomes n/a.

    The file is whole or not there, whatever happens meanwhile.

    Raises
    ------
    FileExistsError
        If the file exists.
    """
    lines = ["\t".join(columns), *("\t".join(cell_text(row.get(name)) for name in columns) for row in rows)]
    write_whole(path, "\n".join(lines) + "\n")


def append_row(path: Path, values: Mapping[str, Any]) -> None:
    """Add a row to a table, in the order of its own columns, and wait until it is on the disk.

    Half a row that a power cut has left at the end of the table is cut off first.

    Raises
    ------
    ValueError
        If the table lacks a column.
    OSError
        If the row cannot be written; the table is as before then.
    """
    _cut_half_row(path)
    content = read_text(path, encoding="utf-8")
    columns = content.split("\n", 1)[0].rstrip("\r").split("\t")
    unknown = [name for name, value in values.items() if value is not None and name not in columns]
    if unknown:
        raise ValueError(f"{path} has no column {', '.join(unknown)}; add it by hand with n/a in its rows")
    line = "\t".join(cell_text(values.get(name)) for name in columns) + "\n"
    with path.open("ab", buffering=0) as file:
        try:
            add_bytes(file, (line if content.endswith("\n") else "\n" + line).encode())
            os.fsync(file.fileno())
        except OSError as error:
            raise named(error, path) from None


def _cut_half_row(path: Path) -> None:
    """Cut off a last line without end that has fewer cells than the table has columns.

    One with as many cells is kept: a program of the laboratory may have left out the end of the line.
    """
    content = path.read_bytes()
    whole = whole_lines(content)
    rest = content[len(whole) :]
    if rest and (b"\0" in rest or (whole and rest.count(b"\t") < content.split(b"\n", 1)[0].count(b"\t"))):
        with path.open("r+b") as file:
            file.truncate(len(whole))


def read_table(path: Path) -> list[dict[str, str]]:
    """Read a tab-separated table as text, one dict per row.

    Raises
    ------
    ValueError
        If the file is not UTF-8.
    """
    lines = read_text(path).splitlines()
    columns = lines[0].split("\t") if lines else []
    return [dict(zip(columns, line.split("\t"), strict=False)) for line in lines[1:] if line.strip()]


def read_text(path: Path, *, encoding: Literal["utf-8", "utf-8-sig"] = "utf-8-sig") -> str:
    """Read a text file that people may have saved with other programs.

    Raises
    ------
    ValueError
        If it is not UTF-8; the message has the file and what to do.
    """
    try:
        return path.read_text(encoding=encoding)
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not in UTF-8 (byte {error.start + 1} cannot be read): "
            "save it again with the encoding UTF-8"
        ) from None


def write_json(path: Path, content: Mapping[str, Any], *, simulated: bool) -> None:
    """Write a JSON file, whole or not at all; of simulated data it says so.

    Raises
    ------
    FileExistsError
        If the file exists.
    """
    marked = {**content, "simulated": True} if simulated else dict(content)
    write_whole(path, json.dumps(marked, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises
    ------
    ValueError
        If the file is not one.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} cannot be read as JSON: {error}") from None
    if not isinstance(content, dict):
        raise ValueError(f"{path} must hold a JSON object, not a {type(content).__name__}")
    return content


def cell_text(value: object) -> str:
    """Write a value as a table has it: n/a for what is absent, numbers to nine digits after the point."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return MISSING
    if isinstance(value, float):
        return repr(round(float(value), 9))
    return " ".join(str(value).split()) or MISSING
