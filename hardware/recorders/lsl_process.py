"""The process that records LSL streams into an XDF file, started by `hardware.recorders.lsl`.

It is a process of its own so that writing and waiting for the disk never hold up the screen, and so that it
can finish its file when the session dies. It reads its job and the word ``stop`` from standard input, and
says on standard output what happens, one JSON object per line.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hardware.recorders.lsl_streams import check_rate, find_signal_inlet, with_units, without_names
from hardware.recorders.recorded_stream import RecordedStream, Say
from hardware.recorders.xdf import XdfWriter
from hardware.settings import RigSettings, rig_from_record

if TYPE_CHECKING:
    import pylsl

TURN_S = 0.1
"""Samples are taken from LSL and written so often."""

SYNC_S = 1.0
"""So often the recording waits for the disk: a power cut loses at most this and one turn."""

OFFSET_S = 5.0
"""So often the senders' clocks are compared with ours, as LabRecorder does."""

BOUNDARY_S = 10.0
"""So often a mark is written from which a reader finds its way again."""

TRIAL_RUN_S = 3.0
"""So many seconds are looked at before the recording counts as begun."""

DRAIN_S = 2.0
"""Longest wait at the end for samples that were taken before it, but are still on their way."""


class Recording:
    """Streams, their file, and the regular duties between them.

    Parameters
    ----------
    path : Path
        XDF file to write; it must not exist.
    streams : list of RecordedStream
        The signals first.
    say : callable
        Takes what happens.
    """

    def __init__(self, path: Path, streams: list[RecordedStream], say: Say) -> None:
        self._streams = streams
        self._say = say
        self._file = XdfWriter(path)
        self._due = {"sync": 0.0, "offset": 0.0, "boundary": 0.0}
        self._waiting: list[tuple[RecordedStream, npt.NDArray[np.float64], npt.NDArray[Any]]] = []
        self._full = False
        for stream in streams:
            self._file.add_stream(stream.number, stream.description, value_format=stream.value_format)

    def take(
        self, stream: RecordedStream, times_s: npt.NDArray[np.float64], values: npt.NDArray[Any]
    ) -> None:
        """Take samples that will be written at the next turn."""
        stream.heard(times_s)
        if len(times_s):
            self._waiting.append((stream, times_s, values))

    def turn(self) -> None:
        """Write what has come, and do what is due."""
        for stream in self._streams:
            self.take(stream, *stream.pull())
        try:
            while self._waiting:
                stream, times_s, values = self._waiting[0]
                self._file.add_samples(stream.number, times_s, values)
                self._waiting.pop(0)
            self._do_what_is_due(time.monotonic())
        except OSError as error:
            self._say_full(error)
            return
        if self._full:
            self._full = False
            self._say("disk_ok")

    def finish(self) -> None:
        """Write what is still on its way and the footers, and close the file."""
        import pylsl

        end_s = pylsl.local_clock()
        while pylsl.local_clock() < end_s + DRAIN_S:
            self.turn()
            signals = self._streams[0]
            if signals.last_s + signals.offset_s >= end_s:
                break
            time.sleep(TURN_S / 2)
        self._do_what_is_due(float("inf"))
        for stream in self._streams:
            self._file.add_footer(
                stream.number,
                first_s=stream.first_s,
                last_s=stream.last_s,
                n_samples=stream.n_samples,
                rate_hz=_rate_hz(stream),
            )
        self._file.close()

    def _do_what_is_due(self, now: float) -> None:
        if now >= self._due["offset"]:
            for stream in self._streams:
                measured = stream.measure_offset(0.2)
                if measured is not None:
                    self._file.add_clock_offset(stream.number, *measured)
            self._due["offset"] = now + OFFSET_S
        if now >= self._due["boundary"]:
            self._file.add_boundary()
            self._due["boundary"] = now + BOUNDARY_S
        if now >= self._due["sync"]:
            self._file.sync()
            self._due["sync"] = now + SYNC_S

    def _say_full(self, error: OSError) -> None:
        if not self._full:
            self._full = True
            self._say("disk", message=str(error))


def open_streams(
    rig: RigSettings, say: Say, *, trial_run_s: float
) -> tuple[list[RecordedStream], list[tuple[Any, Any]]]:
    """Find and open the rig's streams, and look at their first seconds.

    Returns
    -------
    list of RecordedStream
        The signals first, then the triggers.
    list of (times_s, values)
        What has come of each meanwhile.

    Raises
    ------
    ValueError
        If one is missing or not as it should be.
    """
    stream, inlet = find_signal_inlet(rig)

    def find_again() -> pylsl.StreamInlet | None:
        with contextlib.suppress(ValueError):
            return find_signal_inlet(rig, find_s=0.5)[1]
        return None

    signals = RecordedStream(
        1,
        inlet,
        name=stream.name,
        fs_hz=stream.fs_hz,
        description=with_units(without_names(inlet.info(timeout=5.0).as_xml()), stream, rig.recorder.unit),
        find_again=find_again,
        say=say,
    )
    names = [trigger.stream_name for trigger in rig.triggers if trigger.kind == "lsl"]
    streams = [signals, *(_open_markers(number, name, say) for number, name in enumerate(names, start=2))]
    for opened in streams:
        opened.measure_offset(2.0)
    signals.pull()  # what came before is not wanted
    time.sleep(trial_run_s)
    first = [opened.pull() for opened in streams]
    if trial_run_s >= TRIAL_RUN_S:
        check_rate(first[0][0], stream)
    signals.learn_evenness(first[0][0])
    return streams, first


def _open_markers(number: int, name: str, say: Say) -> RecordedStream:
    import pylsl

    quoted = f"'{name}'" if "'" not in name else f'"{name}"'
    here = socket.gethostname()  # other sessions in this network may have given their streams the same name
    found = pylsl.resolve_bypred(
        f"name={quoted} and type='Markers' and hostname='{here}'", minimum=1, timeout=5.0
    )
    if len(found) != 1:
        raise ValueError(
            f"the session's own trigger stream {name!r} was found {len(found)} times: "
            + ("is another session running?" if found else "does a firewall block LSL on this computer?")
        )
    inlet = pylsl.StreamInlet(found[0], max_buflen=360, recover=bool(found[0].source_id()))
    inlet.open_stream(timeout=5.0)
    description = without_names(inlet.info(timeout=5.0).as_xml())
    return RecordedStream(
        number,
        inlet,
        name=name,
        fs_hz=0.0,
        description=description,
        find_again=lambda: None,  # it has a source id
        say=say,
    )


def record(rig: RigSettings, path: Path, stopped: threading.Event, say: Say, *, again: bool) -> None:
    """Record until `stopped`; `again` after a recording that broke off, when no time is to be lost.

    Raises
    ------
    ValueError
        If a stream is missing or not as it should be; then there is no file.
    """
    streams, first = open_streams(rig, say, trial_run_s=0.3 if again else TRIAL_RUN_S)
    recording = Recording(path, streams, say)
    for stream, (times_s, values) in zip(streams, first, strict=True):
        recording.take(stream, times_s, values)
    recording.turn()
    say("recording", file=path.name, streams=[stream.name for stream in streams], fs_hz=streams[0].fs_hz)
    while not stopped.wait(TURN_S):
        recording.turn()
    recording.finish()
    say("finished", file=path.name, cpu_s=round(time.process_time(), 3), **_summary(streams[0]))


def _summary(signals: RecordedStream) -> dict[str, Any]:
    return {
        "samples": signals.n_samples,
        "missing": signals.n_missing,
        "measured_hz": round(_rate_hz(signals), 4),
        "seconds": round(signals.last_s - signals.first_s, 3),
    }


def _rate_hz(stream: RecordedStream) -> float:
    """Measure the rate, with what is missing counted in."""
    length_s = stream.last_s - stream.first_s
    return (stream.n_samples + stream.n_missing - 1) / length_s if length_s > 0 else 0.0


def _stop_when_told(stopped: threading.Event) -> None:
    """Wait for the word, or for the end of the session that would say it."""
    sys.stdin.readline()
    stopped.set()


def _be_modest() -> None:
    """Give way to the session, whose real-time priority a child inherits."""
    with contextlib.suppress(AttributeError, OSError):
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    with contextlib.suppress(AttributeError, OSError):
        os.nice(5)


def main() -> None:
    """Read the job from standard input and do it."""
    _be_modest()
    stopped = threading.Event()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, frame: stopped.set())
    job = json.loads(sys.stdin.readline())
    journal = Path(job["journal"])

    def say(event: str, **what: Any) -> None:
        line = json.dumps({"event": event, **what})
        with contextlib.suppress(OSError):  # the session may be gone, or the disk full
            print(line, flush=True)
        with contextlib.suppress(OSError), journal.open("a", encoding="utf-8", newline="\n") as file:
            file.write(json.dumps({"unix_s": round(time.time(), 3), "event": event, **what}) + "\n")

    threading.Thread(target=_stop_when_told, args=(stopped,), daemon=True).start()
    try:
        record(rig_from_record(job["rig"]), Path(job["path"]), stopped, say, again=job["again"])
    except (ValueError, FileExistsError) as error:
        print(json.dumps({"event": "error", "message": str(error)}), flush=True)
        os._exit(2)
    # threads of the LSL library may wait for the network: the file is closed, so nothing is lost by leaving
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
