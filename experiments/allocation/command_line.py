"""What all commands of the allocation share: who gives them, and how they answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from experiments.allocation.actions import Given
from experiments.allocation.files import Allocation
from experiments.allocation.keeper import Key
from experiments.allocation.times import now_here
from experiments.dataset.chained_log import LogEntry
from experiments.dataset.sealed_key import ask_passphrase, current_user

Participant = Annotated[str, typer.Option(help="Id of letters and digits, such as 007.", show_default=False)]
By = Annotated[
    str | None,
    typer.Option(
        help="Who gives the command, such as initials [default: the computer's account].", show_default=False
    ),
]
Reason = Annotated[str | None, typer.Option(help="Why; it goes into the log.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print a summary as JSON in the last line.")]
KeyFile = Annotated[
    Path | None,
    typer.Option("--key", help="The sealed key, where it is not in the study's folder.", show_default=False),
]
PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        help="Text file with the passphrase; otherwise it is asked for, and not shown.", show_default=False
    ),
]


def study_of(context: typer.Context) -> Path:
    """Return the study that was named before the command."""
    study = context.obj
    assert isinstance(study, Path)
    return study


def given(by: str | None, reason: str | None = None) -> Given:
    """Put together who gives a command, when and why."""
    return Given(by=current_user(by), now=now_here(), reason=reason)


def key_of(allocation: Allocation, path: Path | None, passphrase_file: Path | None) -> Key:
    """Find the sealed key and ask for its passphrase."""
    path = path or allocation.default_key
    if not path.is_file():
        raise FileNotFoundError(f"there is no sealed key {path}: say where it is with --key")
    return Key(path=path, passphrase=ask_passphrase(passphrase_file))


def answer(lines: list[str], entry: LogEntry | None, *, as_json: bool, **summary: Any) -> None:
    """Print what was done, and the receipt of the log."""
    for line in lines:
        print(line)
    if entry is not None:
        print(f"Log: entry {entry.number}, receipt {entry.receipt}")
        summary["receipt"] = entry.receipt
    if as_json:
        print(json.dumps(summary, ensure_ascii=False))
