"""Runs the session's command in child processes that are killed at chosen moments (POSIX).

Reads one JSON object per line: ``arguments`` of the command and ``moment``, which is null or has a ``kind``:

- ``write``: before, half through or after (``how``) the ``count``-th write of a row, a record or a journal
- ``call``: at the ``count``-th call of a Python function
- ``time``: ``seconds`` after the start, by another process
- ``power``: at the ``count``-th write the power is cut: what was not brought to the disk may be lost, as
  ``seed`` has it
- ``full``: from the ``count``-th write on, only ``left_kib`` are left on the disk of the study
- ``limit``: no file may become larger than ``bytes``
- ``signal``: the signal ``number`` arrives at the ``count``-th call of a Python function

Answers with one JSON object per line: ``status`` (negative: the signal that ended it), ``counts`` of writes
and calls where it ended by itself, ``output`` and ``seconds``. The modules are imported once and the children
forked, so that a session takes less than a second.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from experiments.dataset import durable
from experiments.mimicry import __main__ as command
from experiments.mimicry import simulated
from hardware.simulated import amplifier  # noqa: F401
from hardware.simulated.journal import Journal

COUNTS = {"write": 0, "call": 0}
ON_DISK: dict[int, int] = {}
"""Number of a file -> how much of it is on the disk."""


def main() -> None:
    for line in sys.stdin:
        wanted = json.loads(line)
        print(json.dumps(run(wanted["arguments"], wanted.get("moment"))), flush=True)


def run(arguments: list[str], moment: dict[str, Any] | None) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        said, counted = Path(folder) / "said", Path(folder) / "counted"
        began_s = time.monotonic()
        child = os.fork()
        if child == 0:
            be_the_command(arguments, moment, said, counted)
        if moment is not None and moment["kind"] == "time":
            time.sleep(moment["seconds"])
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        return {
            "status": os.waitstatus_to_exitcode(status),
            "seconds": time.monotonic() - began_s,
            "output": said.read_text(encoding="utf-8") if said.exists() else "",
            "counts": json.loads(counted.read_text(encoding="utf-8")) if counted.exists() else None,
        }


def be_the_command(arguments: list[str], moment: dict[str, Any] | None, said: Path, counted: Path) -> None:
    """Run the command in the child and end it: never returns."""
    output = os.open(said, os.O_WRONLY | os.O_CREAT)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    sys.argv = ["experiments.mimicry", *arguments]
    plan_the_end(moment or {"kind": "none"}, Path(arguments[0]).parent)
    status = 0
    try:
        command.main()
    except SystemExit as ended:
        status = int(ended.code or 0)
    finally:
        sys.setprofile(None)
        sys.stdout.flush()
        sys.stderr.flush()
        counted.write_text(json.dumps(COUNTS), encoding="utf-8")
    os._exit(status)


def fill(disk: Path, left_kib: int) -> None:
    """Leave so much room on a disk."""
    (disk / "ballast").mkdir()
    with (disk / "ballast" / "zeros").open("wb") as file:
        file.write(bytes(shutil.disk_usage(disk).free - 1024 * left_kib))


def plan_the_end(moment: dict[str, Any], disk: Path) -> None:
    """Count writes and, where asked for, calls; end the process at the moment."""
    if moment["kind"] == "limit":
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # the write fails, as on a full disk
        resource.setrlimit(resource.RLIMIT_FSIZE, (moment["bytes"], resource.RLIM_INFINITY))
    at_write = moment.get("count") if moment["kind"] in ("write", "power") else None
    if moment["kind"] == "power":
        watch_syncs(disk)

    def reached(half: Callable[[], None], whole: Callable[[], None]) -> None:
        COUNTS["write"] += 1
        if moment["kind"] == "full" and COUNTS["write"] == moment["count"]:
            fill(disk, moment["left_kib"])
        if COUNTS["write"] != at_write:
            return whole()
        if moment["kind"] == "power":
            whole()
            lose_what_is_not_on_the_disk(disk, np.random.default_rng(moment["seed"]))
            die()
        {"before": lambda: None, "half": half, "after": whole}[moment["how"]]()
        die()

    write_all, add = durable.write_all, Journal.add

    def counted_write_all(file: Any, content: bytes) -> None:
        reached(lambda: write_all(file, content[: len(content) // 2]), lambda: write_all(file, content))

    def counted_add(journal: Journal, **entry: Any) -> None:
        line = (json.dumps(entry) + "\n").encode()
        reached(lambda: write_all(journal._file, line[: len(line) // 2]), lambda: add(journal, **entry))

    durable.write_all = counted_write_all
    Journal.add = counted_add  # type: ignore[method-assign]
    if moment["kind"] in ("call", "signal", "count_calls"):
        at_call = moment.get("count")
        end = die if moment["kind"] == "call" else lambda: os.kill(os.getpid(), moment["number"])

        def called(frame: Any, event: str, argument: Any) -> None:
            if event == "call":
                COUNTS["call"] += 1
                if COUNTS["call"] == at_call:
                    end()

        sys.setprofile(called)


def watch_syncs(folder: Path) -> None:
    """Make a session wait for the disk as a real one does, and note what has reached it."""
    sync, devices = os.fsync, simulated.Devices
    ON_DISK.update({path.stat().st_ino: path.stat().st_size for path in folder.rglob("*") if path.is_file()})

    def noted(handle: int) -> None:
        sync(handle)
        ON_DISK[os.fstat(handle).st_ino] = os.fstat(handle).st_size

    os.fsync = noted
    simulated.Devices = lambda **chosen: devices(**{**chosen, "durable": True})  # type: ignore[assignment]


def lose_what_is_not_on_the_disk(folder: Path, rng: np.random.Generator) -> None:
    """Shorten files, down to what was brought to the disk; where a file system does so, zeros are left.

    The amplifier is another device: its journal stays.
    """
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.name.startswith("amplifier_journal") or path.suffix == ".bdf":
            continue
        length, safe = path.stat().st_size, ON_DISK.get(path.stat().st_ino, 0)
        kept = int(rng.integers(safe, length + 1)) if length > safe else length
        with path.open("r+b") as file:
            file.truncate(kept)
            if rng.random() < 0.5:
                file.truncate(length)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    threading.Event().wait()


if __name__ == "__main__":
    main()
