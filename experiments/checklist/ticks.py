"""What somebody says is done: a table per participant to which rows are only added."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from experiments.dataset.rows import RowWriter, read_rows
from experiments.dataset.tables import participant_label

FOLDER = "sourcedata/checklist"


@dataclass(frozen=True, kw_only=True)
class TickRow:
    """One row: a step was ticked, or the tick was taken back."""

    time: str
    """The computer's time of day, with date and offset of the time zone."""
    step: str
    """Id of the step."""
    done: bool
    """False where a tick is taken back."""
    by: str
    """Who."""


def ticks_path(study: Path, participant: str) -> Path:
    """Return where the ticks of a participant are."""
    return study / FOLDER / f"{participant_label(participant)}.tsv"


def tick(study: Path, participant: str, step: str, *, done: bool, by: str, now: datetime) -> None:
    """Write down that a step is done, or is not done after all.

    Raises
    ------
    ValueError
        If `now` has no time zone.
    OSError
        If it cannot be written.
    """
    if now.tzinfo is None:
        raise ValueError(f"a time on the checklist needs its time zone; {now} has none")
    path = ticks_path(study, participant)
    path.parent.mkdir(parents=True, exist_ok=True)
    row = TickRow(time=now.isoformat(timespec="seconds"), step=step, done=done, by=by)
    with RowWriter(path, TickRow, resume=path.is_file()) as rows:
        rows.write(row)


def read_ticks(study: Path, participant: str) -> dict[str, TickRow]:
    """Return the last row of each step that is ticked."""
    path = ticks_path(study, participant)
    last = {row.step: row for row in read_rows(path, TickRow)} if path.is_file() else {}
    return {step: row for step, row in last.items() if row.done}
