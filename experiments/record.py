"""The record of a session, ``session.json``: what it was planned with; whole at any moment, checked."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from experiments.dataset.durable import write_whole

Kind: TypeAlias = type | tuple[type, ...]
T = TypeVar("T")

RECORD = "session.json"


def write_record(folder: Path, record: Mapping[str, Any]) -> None:
    """Write ``session.json`` so that it is always whole: the old one or the new one."""
    write_whole(folder / RECORD, _text(record), replace=True)


def keep_record(folder: Path, record: Mapping[str, Any]) -> Path:
    """Write a copy of the record that is never changed again: one for each part of a session.

    Returns
    -------
    Path
        ``session_part-1.json``, after a resumption ``session_part-2.json``, and so on.
    """
    path = folder / f"session_part-{len(_copies(folder)) + 1}.json"
    write_whole(path, _text(record))
    return path


def read_record(folder: Path, required: Mapping[str, Kind] | None = None) -> dict[str, Any]:
    """Read ``session.json``.

    Parameters
    ----------
    folder : Path
        Folder of the session.
    required : mapping, optional
        Entry -> its type, for what must be in it.

    Raises
    ------
    FileNotFoundError
        If there is no record.
    ValueError
        If it is not a record, or lacks something; the message says how to mend it.
    """
    path = folder / RECORD
    if not path.is_file():
        if (folder / "events.tsv").exists():
            raise FileNotFoundError(f"{path} is missing, but the session was begun.{_how_to_mend(folder)}")
        raise FileNotFoundError(f"there is no session to go on with: {path} does not exist")
    try:
        record = json.loads(path.read_text(encoding="utf-8-sig"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} cannot be read ({error}).{_how_to_mend(folder)}") from None
    if not isinstance(record, dict):
        raise ValueError(f"{path} is not the record of a session.{_how_to_mend(folder)}")
    for name, kind in (required or {}).items():
        if name not in record:
            raise ValueError(f"{path} has no entry {name!r}.{_how_to_mend(folder)}")
        if not isinstance(record[name], kind) or (isinstance(record[name], bool) and kind is not bool):
            raise ValueError(
                f"{path}: {name} cannot be {record[name]!r}, a {_called(kind)} is expected."
                f"{_how_to_mend(folder)}"
            )
    return record


def recorded(folder: Path, record: Mapping[str, Any], name: str, kind: Callable[..., T]) -> T:
    """Turn an entry of a record into the object that it was; JSON has lists for tuples.

    Raises
    ------
    ValueError
        If it is not one.
    """
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in record[name].items()}
    try:
        return kind(**values)
    except (TypeError, ValueError) as error:
        raise damaged(folder, f"{name} cannot be understood ({error})") from None


def damaged(folder: Path, problem: str) -> ValueError:
    """Return an error that says what is wrong with a record, and how to mend it."""
    return ValueError(f"{folder / RECORD}: {problem}.{_how_to_mend(folder)}")


def _how_to_mend(folder: Path) -> str:
    """Say where a good copy is."""
    copies = _copies(folder)
    tables = "The trials themselves are in trials.tsv and events.tsv beside it."
    if copies:
        return f" Was it edited or damaged? Copy {copies[-1].name} over it, and try again. {tables}"
    return f" Was it edited or damaged? Restore it from a backup, and try again. {tables}"


def _copies(folder: Path) -> list[Path]:
    return sorted(folder.glob("session_part-*.json"), key=lambda path: (len(path.name), path.name))


def _called(kind: Kind) -> str:
    words = {bool: "true or false", dict: "table", str: "text", list: "list"}
    return words.get(kind, "number") if isinstance(kind, type) else "number"


def _text(record: Mapping[str, Any]) -> str:
    return json.dumps(record, indent=2, ensure_ascii=False) + "\n"
