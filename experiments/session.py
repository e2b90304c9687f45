"""What every session needs: its folder and record, its clock, its log, its trigger line, and a safe end."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from experiments.dataset.provenance import package_versions, suite_commit, suite_version
from experiments.dataset.rows import EventRow, FlipRow, Row, RowWriter, TimingRow, TrialRow
from experiments.dataset.study import live_folder
from experiments.display import Keyboard, KeyPress, Watched
from experiments.record import keep_record, read_record, write_record
from experiments.stopping import SessionStopped, StopRequests, stopped_by_signals
from hardware.protocols import TriggerPort

__all__ = [
    "Keys",
    "SessionClock",
    "SessionLog",
    "SessionStopped",
    "StopRequests",
    "TriggerLine",
    "has_screen",
    "keep_record",
    "live_folder",
    "read_record",
    "software",
    "stopped_by_signals",
    "write_record",
]

LOCK_KEYS = ("numlock", "capslock", "scrolllock")
"""Keys that are not answers: keyboards send some of them by themselves."""

PACKAGES = ("psychopy", "psychtoolbox", "pyglet", "numpy", "pyserial", "imageio-ffmpeg")
"""Packages whose versions a session records."""


class SessionClock:
    """Seconds since a session began, from the computer's finest clock that is never set.

    Parameters
    ----------
    start_s : float
        What it shows at first (s); a resumed session goes on where its first part would be now.
    """

    def __init__(self, start_s: float = 0.0) -> None:
        self._zero_s = time.perf_counter() - start_s

    def now(self) -> float:
        """Return the time (s)."""
        return time.perf_counter() - self._zero_s


class SessionLog:
    """The four tables of a session, written while it runs.

    Parameters
    ----------
    folder : Path
        Folder of the session.
    monotonic : callable
        Clock for the column ``monotonic`` (s).
    resume : bool
        Whether to add to tables that exist, rather than to make new ones.
    durable : bool
        Whether to wait after each trial until its rows are on the disk (some milliseconds), so that not even
        a power cut loses them. A crash of the program loses no row in any case.

    Raises
    ------
    FileExistsError
        If there are tables already and `resume` is False.

    Attributes
    ----------
    last_trial : TrialRow or None
        The trial that was written last.
    """

    def __init__(
        self,
        folder: Path,
        *,
        monotonic: Callable[[], float] = time.perf_counter,
        resume: bool = False,
        durable: bool = True,
    ) -> None:
        self._monotonic = monotonic
        self._durable = durable
        self._files = ExitStack()
        self.last_trial: TrialRow | None = None
        try:
            self._events = self._open(folder / "events.tsv", EventRow, resume)
            self._trials = self._open(folder / "trials.tsv", TrialRow, resume)
            self._frames = self._open(folder / "frames.tsv", FlipRow, resume)
            self._timing = self._open(folder / "timing.tsv", TimingRow, resume)
        except BaseException:
            self._files.close()
            raise

    def event(self, trial_type: str, onset_s: float, **values: Any) -> None:
        """Write a row of ``events.tsv``; `values` are further columns of `EventRow`."""
        values.setdefault("monotonic", self._monotonic())
        self._events.write(EventRow(trial_type=trial_type, onset=onset_s, **values))

    def trial(self, row: TrialRow, flips: Iterable[FlipRow]) -> None:
        """Write a row of ``trials.tsv`` and the refreshes so far; see `durable`."""
        self._frames.write_many(flips)
        if self._durable:  # before the trial's own row: who is in trials.tsv has all events on the disk
            self._events.sync()
            self._frames.sync()
        self._trials.write(row)
        self.last_trial = row
        if self._durable:
            self._trials.sync()

    def timing(self, row: TimingRow, flips: Iterable[FlipRow]) -> None:
        """Write how the computer kept up with a trial, and the refreshes since the trial was written."""
        self._frames.write_many(flips)
        self._timing.write(row)

    def close(self) -> None:
        """Close the tables; may be called twice."""
        self._files.close()

    def _open(self, path: Path, row_type: type[Row], resume: bool) -> RowWriter[Row]:
        """Make a table; to resume, go on with it if the session came so far as to have one."""
        return self._files.enter_context(RowWriter(path, row_type, resume=resume and path.is_file()))


class TriggerLine:
    """A trigger port with its pulses: a code goes up at one flip and down at the next.

    Parameters
    ----------
    port : TriggerPort
        Where codes are sent.
    monotonic : callable
        Clock for `sent_s` (s).

    Attributes
    ----------
    sent_s : float
        When the last code had been sent.
    """

    def __init__(self, port: TriggerPort, *, monotonic: Callable[[], float] = time.perf_counter) -> None:
        self.sent_s = float("nan")
        self._port = port
        self._monotonic = monotonic
        self._code: int | None = None
        self._flips_since = 0

    def at_flip(self, code: int | None = None) -> Callable[[], None] | None:
        """Return what must be called first thing after the next flip; None when there is nothing to do."""
        self._flips_since += 1
        if code is not None:
            return partial(self._send, code)
        return self._port.reset if self._flips_since == 1 and self._code is not None else None

    def send_now(self, code: int) -> bool:
        """Send a code between flips, unless the line would not show it as a pulse of its own.

        Returns
        -------
        bool
            Whether the code was sent: not if the same code was still on the line within the last refresh.
        """
        if code == self._code and self._flips_since < 2:
            return False
        self._send(code)
        return True

    def close(self) -> None:
        """Leave the line at zero."""
        self._port.close()

    def _send(self, code: int) -> None:
        self._port.send(code)
        self.sent_s = self._monotonic()
        self._code = code
        self._flips_since = 0


class Keys:
    """A keyboard without the keys that are no answers.

    Parameters
    ----------
    keyboard : Keyboard
        The device.
    escape_key : str
        The key that asks whether to stop.
    requests : StopRequests, optional
        Requests of the system to stop, which are obeyed where keys are read: everything is written then.
    close_asked : callable, optional
        Says whether someone tried to close the window, which counts as the escape key.

    Attributes
    ----------
    escape_pressed : bool
        Whether that key was pressed since this was last set to False.
    """

    def __init__(
        self,
        keyboard: Keyboard,
        *,
        escape_key: str,
        requests: StopRequests | None = None,
        close_asked: Callable[[], bool] = lambda: False,
    ) -> None:
        self.escape_pressed = False
        self._keyboard = keyboard
        self._escape_key = escape_key
        self._requests = requests
        self._close_asked = close_asked
        self._since_s = 0.0

    def begin(self, watched: Watched) -> None:
        """Let nothing count that was pressed before the onset, except the escape key."""
        self._since_s = watched.onset_s
        self._keyboard.begin(watched)

    def presses(self) -> list[KeyPress]:
        """Return new presses of keys that may be answers, in order of time.

        Raises
        ------
        SessionStopped
            If the session was asked to stop; no press is lost.
        """
        if self._requests is not None:
            self._requests.check()
        self.escape_pressed |= self._close_asked()
        presses = self._keyboard.presses()
        if not presses:
            return presses
        self.escape_pressed |= any(press.key == self._escape_key for press in presses)
        return [
            press
            for press in presses
            if press.time_s >= self._since_s and press.key not in (*LOCK_KEYS, self._escape_key)
        ]


def software() -> dict[str, Any]:
    """Return what the session runs on: versions, system, commit; no name of a person or computer."""
    versions = {"python": platform.python_version(), "countenance": suite_version()}
    return {
        "versions": versions | package_versions(PACKAGES),
        "system": f"{platform.system()} {platform.machine()}",
        "commit": suite_commit(),
    }


def has_screen() -> bool:
    """Say whether a window can be opened here, as far as the environment tells."""
    return not sys.platform.startswith("linux") or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )
