"""Reading what a session has left, however it ended."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from experiments.dataset.durable import whole_lines
from experiments.dataset.frame_table import FRAME_COLUMNS, read_frame_table
from experiments.dataset.rows import Row, read_rows
from experiments.dataset.tables import read_json
from experiments.mouse_face.live import (
    DELIVERED,
    FRAMES,
    LOG,
    PLANNED,
    RECORD,
    DeliveredRow,
    LogRow,
    read_planned,
)

REQUIRED = ("animal", "session", "simulated", "zero_monotonic_s", "start_wall_s", "subject")
"""What the record of a session must say."""


@dataclass(frozen=True, eq=False)
class LiveSession:
    """What a session has left."""

    folder: Path
    record: dict[str, Any]
    """``session.json``."""
    planned: pd.DataFrame
    """The table of trials as planned."""
    delivered: list[DeliveredRow]
    """What the device said."""
    log: list[LogRow]
    """What the program did."""
    frames: pd.DataFrame
    """One row per frame that came; only those with an ``index`` are in the video."""

    @property
    def zero_s(self) -> float:
        """The host's clock at the session's start (s)."""
        return float(self.record["zero_monotonic_s"])

    @property
    def study(self) -> Path:
        """The study that the folder is in."""
        return self.folder.resolve().parents[2]

    @property
    def ended(self) -> str:
        """How it ended: ``completed``, ``stopped``, ``failed`` or, where nothing is said, ``killed``."""
        return next((row.text for row in reversed(self.log) if row.what == "end"), "killed")

    @property
    def reason(self) -> str:
        """Why it ended, in words."""
        said = [row.text for row in self.log if row.what == "stop"]
        if said:
            return said[0]
        return "the program was killed or the power failed: nothing is written of an end"


def read_live(folder: Path) -> LiveSession:
    """Read the live files of a session; lines that were not whole when it ended are left out.

    Parameters
    ----------
    folder : Path
        ``STUDY/sourcedata/sub-m01/ses-tastants``.

    Returns
    -------
    LiveSession

    Raises
    ------
    FileNotFoundError
        If it is not the folder of a session, or the session ended before it was written what it is.
    ValueError
        If a file is damaged otherwise than at its end.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}")
    record_path = folder / RECORD
    if not record_path.is_file():
        raise FileNotFoundError(
            f"{folder} has no {RECORD}: expected the folder of a session, such as "
            "STUDY/sourcedata/sub-m01/ses-tastants. If it is one, the session ended before anything was "
            "armed, and there is nothing to recover"
        )
    record = read_json(record_path)
    missing = [name for name in REQUIRED if name not in record]
    if missing:
        raise ValueError(f"{record_path} does not say {', '.join(missing)}: was it edited?")
    return LiveSession(
        folder=folder,
        record=record,
        planned=read_planned(folder / PLANNED),
        delivered=_rows(folder / DELIVERED, DeliveredRow),
        log=_rows(folder / LOG, LogRow),
        frames=_frames(folder / FRAMES),
    )


def _rows(path: Path, kind: type[Row]) -> list[Row]:
    return read_rows(path, kind) if path.is_file() else []


def _frames(path: Path) -> pd.DataFrame:
    if not path.is_file() or not whole_lines(path.read_bytes()):
        return pd.DataFrame({name: [] for name in FRAME_COLUMNS})
    return read_frame_table(path)
