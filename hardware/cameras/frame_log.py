"""``frames.tsv``: one row per frame that the camera sent or that is known to have gone missing on the way."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

FrameStatus = Literal["ok", "incomplete", "queue_full", "not_written"]
"""``ok``: in the video. ``incomplete``: a part of it was lost between camera and computer. ``queue_full``:
the computer did not keep up. ``not_written``: the disk was full, or writing had failed before. Only frames
that are ``ok`` are in the video."""

COLUMNS = {
    "index": "number of the frame in the video, from 0; n/a if it is not in the video",
    "device_id": "the camera's own count of its frames; where it jumps, frames were lost; n/a if it has none",
    "device_s": "time on the camera's own clock, in seconds; n/a if it has none",
    "host_s": "time on the computer's monotonic clock when the frame had arrived, in seconds",
    "queue_depth": "frames that waited to be written when this one arrived",
    "status": "ok: in the video; incomplete: damaged on the way; queue_full: the computer did not keep up; "
    "not_written: the disk was full, or writing had failed",
}
"""Column -> what it means."""
MISSING = "n/a"


@dataclass(frozen=True)
class FrameRow:
    """One line of ``frames.tsv``; `COLUMNS` says what each entry is."""

    index: int | None
    device_id: int | None
    device_s: float | None
    host_s: float
    queue_depth: int
    status: FrameStatus

    def line(self) -> str:
        r"""Return the row as text.

        Examples
        --------
        >>> FrameRow(0, 17, None, 12.5, 1, "ok").line()
        '0\t17\tn/a\t12.500000000\t1\tok\n'
        """
        entries = (self.index, self.device_id, self.device_s, self.host_s, self.queue_depth, self.status)
        return "\t".join(_text(entry) for entry in entries) + "\n"


class FrameLog:
    """The open file. Each row goes to the operating system at once and whole, or not at all.

    Parameters
    ----------
    path
        A new file, ``frames.tsv``; its data dictionary is written beside it.

    Raises
    ------
    FileExistsError
        If there is such a file.
    """

    def __init__(self, path: Path) -> None:
        if path.exists():
            raise FileExistsError(f"{path} exists, and nothing is ever written over: choose another session")
        levels = {"status": {"Description": COLUMNS["status"], "Levels": list(get_args(FrameStatus))}}
        described = {name: {"Description": text} for name, text in COLUMNS.items()} | levels
        path.with_suffix(".json").write_text(
            json.dumps(described, indent=2) + "\n", encoding="utf-8", newline="\n"
        )
        self._file = path.open("xb", buffering=0)
        self._add("\t".join(COLUMNS) + "\n")

    def add(self, row: FrameRow) -> None:
        """Write a row.

        Raises
        ------
        OSError
            If there is no room; the file then ends with the row before.
        """
        self._add(row.line())

    def close(self) -> None:
        """Bring everything to the disk; may be called twice."""
        if not self._file.closed:
            try:
                os.fsync(self._file.fileno())
            finally:
                self._file.close()

    def _add(self, line: str) -> None:
        length = self._file.seek(0, os.SEEK_END)
        rest = memoryview(line.encode())
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError:
            self._file.truncate(length)
            raise


def _text(entry: float | int | str | None) -> str:
    if entry is None:
        return MISSING
    return f"{entry:.9f}" if isinstance(entry, float) else str(entry)
