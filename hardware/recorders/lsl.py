"""The suite's own recorder: LSL streams into an XDF file, in a process of its own."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from hardware.settings import RigSettings

BEGIN_S = 30.0
"""Longest wait until a recording has begun: streams are found, and looked at for some seconds."""

END_S = 15.0
"""Longest wait until a recording has written its end."""

MAX_PARTS = 99
"""A recorder that ends unexpectedly is started again, but not for ever."""

JOURNAL = "recorder.jsonl"
"""What happened to the recording, beside it."""


def part_path(first: Path, number: int) -> Path:
    """Name a part of a recording: after a resumption, a recording goes on in a file of its own.

    >>> part_path(Path("sub-007_task-mimicry_amplifier.xdf"), 2).name
    'sub-007_task-mimicry_amplifier_part2.xdf'
    """
    return first if number == 1 else first.with_name(f"{first.stem}_part{number}{first.suffix}")


def next_part(first: Path) -> Path:
    """Return the first part that does not exist yet, in any format.

    Raises
    ------
    FileExistsError
        If there are too many.
    """
    for number in range(1, MAX_PARTS + 1):
        path = part_path(first, number)
        if not any(path.parent.glob(f"{path.stem}.*")):
            return path
    raise FileExistsError(f"{first.parent} holds {MAX_PARTS} parts of a recording: look what keeps ending it")


class LslRecorder:
    """Records the rig's LSL streams while a session runs.

    Parameters
    ----------
    rig : RigSettings
        The rig, with ``[recorder] kind = "lsl"``.
    path : Path
        The XDF file; parts of a session that was started again get names of their own (`part_path`).
    say : callable, optional
        Takes messages for the experimenter; by default they go to standard error, with the terminal's bell.

    Attributes
    ----------
    problems : list of str
        What was said of the recording so far.
    summary : dict
        After `stop`: samples, missing samples, measured rate, processor time of the recording process.

    Notes
    -----
    A process of its own, because writing and waiting for the disk in the session's process would hold up the
    screen (Python runs one thread at a time), and because it can finish the file when the session dies. In
    the session one thread sleeps until the process has something to say. If the process ends although it
    should not, it is started again with the next part.
    """

    def __init__(self, rig: RigSettings, path: Path, *, say: Callable[[str], None] | None = None) -> None:
        self.problems: list[str] = []
        self.summary: dict[str, Any] = {}
        self.path = path
        self._rig = rig
        self._say_aloud = say or _print
        self._process: subprocess.Popen[str] | None = None
        self._listener: threading.Thread | None = None
        self._begun: queue.Queue[dict[str, Any]] = queue.Queue()
        self._stopping = False
        self._current: Path | None = None
        self._errors: IO[str] | None = None

    def start(self) -> None:
        """Begin to record; returns when samples are being written.

        Raises
        ------
        ValueError
            If a stream is missing or not as it should be; the message says what to do.
        """
        self._stopping = False
        self._launch(again=False)
        self._listener = threading.Thread(target=self._listen, daemon=True, name="recorder")
        self._listener.start()
        try:
            answer = self._begun.get(timeout=BEGIN_S)
        except queue.Empty:
            answer = {"event": "error", "message": f"the recorder did not begin within {BEGIN_S:g} s"}
        if answer["event"] != "recording":
            self._stopping = True
            self._end_process()
            self._process = None
            raise ValueError(answer["message"])

    def stop(self) -> Path | None:
        """End the recording; returns its last part when that is complete, None if nothing was started."""
        if self._process is None:
            return None
        self._stopping = True
        self._end_process()
        self._process = None
        missing = self.summary.get("missing", 0)
        if missing:
            self._say(f"{missing} of {self.summary.get('samples', 0) + missing} samples are missing in all")
        return self._current

    def _launch(self, *, again: bool) -> None:
        self._current = next_part(self.path)
        if self._errors is not None:
            self._errors.close()
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        root = Path(__file__).resolve().parents[2]
        environment = dict(os.environ)
        environment["PYTHONPATH"] = os.pathsep.join(
            filter(None, (str(root), environment.get("PYTHONPATH", "")))
        )
        alone: dict[str, Any] = {"start_new_session": True}
        if sys.platform == "win32":
            alone = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "hardware.recorders.lsl_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            encoding="utf-8",
            env=environment,
            **alone,
        )
        job = {
            "rig": dataclasses.asdict(self._rig),
            "path": str(self._current.resolve()),
            "journal": str((self.path.parent / JOURNAL).resolve()),
            "again": again,
        }
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # it has ended: the listener says so
            self._process.stdin.write(json.dumps(job) + "\n")
            self._process.stdin.flush()

    def _listen(self) -> None:
        """Wait for what the process says, and start it again when it ends although it should not."""
        while True:
            process, began = self._process, False
            assert process is not None
            assert process.stdout is not None
            for line in process.stdout:
                with contextlib.suppress(json.JSONDecodeError):
                    event = json.loads(line)
                    began |= event["event"] == "recording"
                    self._hear(event)
            if self._stopping:
                return
            if not began:
                code = process.wait()
                message = f"the recording process ended (status {code}) before it began: {self._last_error()}"
                self._begun.put({"event": "error", "message": message})
                return
            self._say("the recording process has ended unexpectedly; it is started again with the next part")
            process.wait()
            _close(process.stdin, process.stdout)
            self._launch(again=True)

    def _last_error(self) -> str:
        assert self._errors is not None
        self._errors.seek(0)
        return (self._errors.read().strip().splitlines() or ["it said nothing"])[-1]

    def _hear(self, event: dict[str, Any]) -> None:
        kind = event["event"]
        if kind in ("recording", "error"):
            self._begun.put(event)
        elif kind == "finished":
            self.summary = event
        else:
            self._say(describe(event))

    def _say(self, message: str) -> None:
        self.problems.append(message)
        self._say_aloud(message)

    def _end_process(self) -> None:
        process = self._process
        if process is None:
            return
        with contextlib.suppress(OSError, ValueError):
            assert process.stdin is not None
            process.stdin.write("stop\n")
            process.stdin.close()
        try:
            process.wait(timeout=END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            self._say("the recording process did not answer and was ended; the file has no footer")
        if self._listener is not None:
            self._listener.join(timeout=END_S)
        _close(process.stdin, process.stdout, self._errors)


def _close(*files: IO[str] | None) -> None:
    for file in files:
        with contextlib.suppress(OSError):  # what waits in a pipe to a process that has ended
            if file is not None:
                file.close()


def describe(event: dict[str, Any]) -> str:
    """Say in words what the recording process reported, and what to do.

    >>> describe({"event": "gap", "stream": "gUSBamp", "missing": 24, "length_s": 0.0208})
    "24 samples of 'gUSBamp' are missing (a gap of 0.021 s); trials that touch the gap are left out"
    """
    stream = event.get("stream", "")
    if event["event"] == "lost":
        return (
            f"no samples come from {stream!r} any more: is the amplifier on, its program running, the cable "
            "or radio link in order? The recording goes on by itself when they come back"
        )
    if event["event"] == "back":
        return f"samples of {stream!r} come again, after {event.get('away_s')} s"
    if event["event"] == "gap":
        return (
            f"{event.get('missing')} samples of {stream!r} are missing (a gap of {event.get('length_s'):.3f} "
            "s); trials that touch the gap are left out"
        )
    if event["event"] == "disk":
        return (
            f"the recording cannot be written ({event.get('message')}): make room now; up to 6 minutes are "
            "kept in memory and written as soon as there is room"
        )
    if event["event"] == "disk_ok":
        return "the recording is being written again; nothing was lost"
    return json.dumps(event)


def _print(message: str) -> None:
    print(f"\arecording: {message}", file=sys.stderr, flush=True)
