"""The files of a running session: each row is handed to the system as it comes, and a crash loses none.

In ``STUDY/sourcedata/sub-m01/ses-tastants`` lie ``session.json`` (what the session was begun with),
``schedule.yaml`` and ``trials.tsv`` (what was planned), ``log.tsv`` (what the program did and why it ended),
``delivered.tsv`` (what the device said it did and sensed), ``video.mkv`` with ``frames.tsv``, and copies of
the rig file, the calibration of the valves and the masks.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import pandas as pd

from experiments.dataset.durable import write_all, write_whole
from experiments.dataset.rows import RowWriter
from experiments.dataset.tables import write_table

RECORD, LOG, DELIVERED, PLANNED = "session.json", "log.tsv", "delivered.tsv", "trials.tsv"
SCHEDULE, RIG, CALIBRATION, MASKS = "schedule.yaml", "rig.toml", "calibration.yaml", "masks.yaml"
VIDEO, FRAMES, LOCK = "video.mkv", "frames.tsv", "running.lock"
RESERVE, RESERVE_BYTES = "reserve", 1 << 20
"""File that only keeps room on the disk, given back when the disk is full: the log can say so then."""
CLOCK_STEP_S = 0.5
"""A computer's time of day that differs by more from one row of the log to the next was set by someone."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class LogRow:
    """One line of ``log.tsv``: what the program did."""

    time: float
    """Seconds from the session's start."""
    what: str
    """In one word: ``camera`` (it records), ``arm`` and ``armed``, ``trial`` (one begins), ``by_hand``,
    ``device_...`` (it refused, stopped, started anew), ``clock_step``, ``stop`` (and why), ``outputs_low``,
    ``end`` (and how)."""
    trial: int | None = None
    """The trial that it is about, from 1."""
    text: str = ""
    """In words."""
    monotonic: float
    """The host's clock that nobody sets (s), in which the device and the camera are timed."""
    wall: float
    """The computer's time of day: seconds since 1970 (UTC). It may be set; nothing is timed by it."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class DeliveredRow:
    """One line of ``delivered.tsv``: what the device said."""

    time: float
    """When the line came, in seconds from the session's start."""
    kind: str
    """``ordered`` (the host is about to send it), ``accepted`` or ``refused`` by the device; ``on`` (first
    rise) and ``off`` (last fall) of an output; ``lick``, ``frame``, ``estop``, ``stop``, ``boot`` as the
    device reports them; ``clock``: both clocks at one moment."""
    channel: str | None = None
    """The output or input."""
    value: str | None = None
    """What else was said, such as ``1`` for a tongue at the spout, or why something was refused."""
    trial: int | None = None
    """The trial that ordered it, from 1."""
    n_pulses: int | None = None
    """Pulses that were ordered, or, of ``off``, that were delivered."""
    on_s: float | None = None
    """Time on, all pulses together, that was ordered, or, of ``off``, that was delivered (s)."""
    device_s: float | None = None
    """The device's own clock (s), without its overflows."""
    monotonic: float
    """The host's clock when the line came (s)."""


def session_folder(study: Path, animal: str, session: str) -> Path:
    """Return where the live files of a session lie.

    >>> session_folder(Path("study"), "m01", "tastants").as_posix()
    'study/sourcedata/sub-m01/ses-tastants'
    """
    return study / "sourcedata" / f"sub-{animal}" / f"ses-{session}"


def session_file(study: Path, animal: str, session: str) -> Path:
    """Return where the NWB file of a session lies.

    >>> session_file(Path("study"), "m01", "tastants").as_posix()
    'study/sub-m01/sub-m01_ses-tastants.nwb'
    """
    return study / f"sub-{animal}" / f"sub-{animal}_ses-{session}.nwb"


def next_session(study: Path, animal: str, wanted: str) -> str:
    """Return a name that no session of the animal has yet: ``tastants``, then ``tastants-2``."""
    name, number = wanted, 1
    while session_folder(study, animal, name).exists() or session_file(study, animal, name).exists():
        number += 1
        name = f"{wanted}-{number}"
    return name


def check_label(what: str, label: str, *, hyphens: bool) -> str:
    """Return the name of an animal or a session, if it can be part of a file's name.

    Raises
    ------
    ValueError
        If it has other characters than letters and digits, and hyphens where they may be.
    """
    if not re.fullmatch(r"[0-9A-Za-z]+(-[0-9A-Za-z]+)*" if hyphens else r"[0-9A-Za-z]+", label):
        allowed = "letters, digits and single hyphens" if hyphens else "letters and digits"
        raise ValueError(f"the name of {what} has {allowed} only, such as m01; found {label!r}")
    return label


class LiveFiles:
    """The open files of a running session.

    Parameters
    ----------
    folder : Path
        A new folder.
    now : callable
        The host's clock (s), in which camera and device are timed.
    wall : callable
        The computer's time of day (s since 1970).

    Raises
    ------
    FileExistsError
        If the folder exists: a session is never written over.

    Attributes
    ----------
    zero_s : float
        The host's clock at the start of the session.
    """

    def __init__(
        self,
        folder: Path,
        *,
        now: Callable[[], float] = time.perf_counter,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.folder, self.now, self._wall = folder, now, wall
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            raise FileExistsError(
                f"{folder} exists: a session is never written over. Take another --session, or close this "
                f"one with `python -m experiments.mouse_face recover {folder}`"
            ) from None
        self._start_clock()
        self._files = ExitStack()
        self._log: RowWriter[LogRow] | None = None
        self._delivered: RowWriter[DeliveredRow] | None = None
        self._syncing: threading.Thread | None = None

    def begin(self, record: Mapping[str, Any], trials: pd.DataFrame, texts: Mapping[str, str]) -> None:
        """Start the session's clock, write what the session begins with, and open its tables.

        Parameters
        ----------
        record : mapping
            Content of ``session.json``.
        trials : pandas.DataFrame
            The table of trials as planned.
        texts : mapping
            Name -> content of the files that go with it: schedule, rig, calibration, masks.
        """
        self._start_clock()
        for name, text in texts.items():
            write_whole(self.folder / name, text)
        write_planned(self.folder / PLANNED, trials)
        with (self.folder / RESERVE).open("xb", buffering=0) as file:
            write_all(file, bytes(RESERVE_BYTES))
        self._log = self._files.enter_context(RowWriter(self.folder / LOG, LogRow))
        self._delivered = self._files.enter_context(RowWriter(self.folder / DELIVERED, DeliveredRow))
        started = {"zero_monotonic_s": self.zero_s, "start_wall_s": self.started_wall}
        write_whole(self.folder / RECORD, json.dumps({**record, **started}, indent=2, allow_nan=False) + "\n")

    def _start_clock(self) -> None:
        self.zero_s, self.started_wall = self.now(), self._wall()
        self._offset_s = self.started_wall - self.zero_s

    def time_s(self) -> float:
        """Return the seconds since the session's start."""
        return self.now() - self.zero_s

    def log(self, what: str, text: str = "", *, trial: int | None = None) -> None:
        """Write a row of the log; if the disk is full, into the room that was kept for it.

        A time of day that was set in the meantime is noted first: nothing is timed by it.
        """
        if self._log is None:
            return
        now, wall = self.now(), self._wall()
        step_s = wall - now - self._offset_s
        rows = []
        if abs(step_s) > CLOCK_STEP_S:
            self._offset_s = wall - now
            said = f"the computer's time of day was set by {step_s:+.1f} s; the session's clock goes on"
            rows.append(
                LogRow(time=now - self.zero_s, what="clock_step", text=said, monotonic=now, wall=wall)
            )
        rows.append(
            LogRow(time=now - self.zero_s, what=what, trial=trial, text=text, monotonic=now, wall=wall)
        )
        try:
            self._log.write_many(rows)
        except OSError:
            if not self.give_room():
                raise
            self._log.write_many(rows)

    def delivered(self, rows: Iterable[DeliveredRow]) -> None:
        """Write what the device said; if the disk is full, the reserve is given back first.

        Raises
        ------
        OSError
            If there was no room for it; if the reserve helped, the rows are written, and it is raised.
        """
        rows = list(rows)
        if self._delivered is None or not rows:
            return
        try:
            self._delivered.write_many(rows)
        except OSError:
            if self.give_room():
                self._delivered.write_many(rows)
            raise

    def sync_soon(self) -> None:
        """Bring all rows to the disk, for a power cut, without waiting for a disk that is busy with video."""
        if self._syncing is None or not self._syncing.is_alive():
            self._syncing = threading.Thread(target=self._sync, name="sync", daemon=True)
            self._syncing.start()

    def _sync(self) -> None:
        for writer in (self._log, self._delivered):
            with suppress(OSError, ValueError):  # a file that was closed meanwhile is on the disk
                if writer is not None:
                    writer.sync()

    def give_room(self) -> bool:
        """Delete the reserve, and say whether there was one."""
        try:
            (self.folder / RESERVE).unlink()
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Close the files; may be called twice."""
        with suppress(OSError):
            (self.folder / RESERVE).unlink(missing_ok=True)
        if self._syncing is not None:
            self._syncing.join(timeout=5.0)
        self._files.close()

    def __enter__(self) -> LiveFiles:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def write_planned(path: Path, trials: pd.DataFrame) -> None:
    """Write the table of trials as it was planned."""
    rows = [
        {str(name): None if _absent(value) else value for name, value in row.items()}
        for row in trials.to_dict("records")
    ]
    write_table(path, [str(name) for name in trials], rows)


def read_planned(path: Path) -> pd.DataFrame:
    """Read the table of trials as it was planned.

    Raises
    ------
    FileNotFoundError
        If there is none: the session stopped before anything was planned.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: the session stopped before its trials were written")
    texts = ["stimulus", "unit", "channel", "condition", "laser_channel"]
    table = pd.read_csv(path, sep="\t", na_values=["n/a"], keep_default_na=False)
    for name in texts:
        if name in table:
            table[name] = table[name].astype(object).where(table[name].notna(), "").astype(str)
    if "laser" in table:
        table["laser"] = table["laser"].astype(str).str.lower().isin(["true", "1"])
    return table


def _absent(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))
