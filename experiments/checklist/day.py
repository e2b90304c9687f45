"""The steps of a session's day, read from a plain file."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast, get_args

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DAY = Path(__file__).parent / "days" / "korb2023.toml"
"""The day of Korb et al. (2023)."""

Kind = Literal["tick", "form", "allocation", "pill", "wait", "signals", "task"]
Window = Literal["mood", "task"]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of the day."""

    id: str
    kind: Kind
    label: str | None = None
    """What is read on the screen, where the texts of the language have no such step."""
    form: str | None = None
    """Name of the questionnaire."""
    time: str | None = None
    """Which time it is asked, such as t1."""
    asked: str | None = None
    """Time of the day at which it is asked together with others: --time of the questionnaires' command."""
    window: Window | None = None
    """When after the pill it belongs."""
    before: str | None = None
    """Id of the step by which it must be done."""


def read_day(path: Path = DAY) -> tuple[Step, ...]:
    """Read the steps of a day.

    Parameters
    ----------
    path : Path
        A file like ``days/korb2023.toml``.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it cannot be understood.

    Examples
    --------
    >>> [step.id for step in read_day()][:3]
    ['consent', 'demographics', 'body']
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no file of steps {path}")
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not a file of steps: {error}") from None
    entries = content.get("step")
    if not isinstance(entries, list) or not entries:
        raise ValueError(f"{path} needs steps, each under [[step]]; see {DAY}")
    steps = tuple(_step(entry, f"{path}, step {number}") for number, entry in enumerate(entries, start=1))
    names = [step.id for step in steps]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{path} has the step {name} more than once")
    for step in steps:
        if step.before is not None and step.before not in names:
            raise ValueError(f"{path}: {step.id} is to be done before {step.before}, which is not a step")
    return steps


def _step(entry: Mapping[str, Any], where: str) -> Step:
    unknown = sorted(set(entry) - set(Step.__dataclass_fields__))
    if unknown:
        known = ", ".join(Step.__dataclass_fields__)
        raise ValueError(f"{where} has {', '.join(unknown)}, which is unknown; there are {known}")
    wrong = [name for name, value in entry.items() if not isinstance(value, str) or not value]
    if wrong or "id" not in entry:
        raise ValueError(f"{where} needs an id, and texts in quotes; look at {', '.join(wrong) or 'id'}")
    kind, window = entry.get("kind"), entry.get("window")
    if kind not in get_args(Kind):
        raise ValueError(f"{where}: kind is one of {', '.join(get_args(Kind))}; found {kind!r}")
    if window not in (None, *get_args(Window)):
        raise ValueError(f"{where}: window is one of {', '.join(get_args(Window))}; found {window!r}")
    if (kind == "form") != ("form" in entry):
        raise ValueError(f'{where}: a step of kind form, and no other, says which: form = "panas"')
    if kind == "wait" and window is None:
        raise ValueError(f"{where}: a step of kind wait needs its window")
    return Step(**cast(dict[str, Any], dict(entry)))
