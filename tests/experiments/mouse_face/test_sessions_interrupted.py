"""Sessions in real time that something ends: outputs low at once, a readable log, a recoverable file."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mouse_session_driver import run_session

from analysis.mouse_sessions import read_session
from experiments.dataset.rows import read_rows
from experiments.mouse_face.closing import close_session
from experiments.mouse_face.live import DELIVERED, LOG, RECORD, DeliveredRow, LogRow
from hardware.simulated.mouse_rig import SimulatedRig

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="the twin stands on a pseudo-terminal"),
    pytest.mark.real_time,
]

ROOT = Path(__file__).parents[3]
SCHEDULE = """\
name: short
title: A short session for tests
order: {kind: fixed, sequence: [quinine, neutral, tail_shock, quinine, neutral, quinine]}
lead_in_s: 0.6
intervals: {kind: fixed, interval_s: 0.3}
lead_out_s: 0.4
stimuli:
  quinine: {channel: valve1, intensity: 10, unit: mM, volume_ul: 4, duration_s: 0.4}
  neutral: {channel: none, duration_s: 0.2}
  tail_shock: {channel: shock, current_ma: 0.3, pulse_ms: 1500, duration_s: 1.6}
"""
WITHIN_S, STAYS_S = 1.0, 0.2


@dataclass
class Running:
    """A session in another process, with its twin in this one."""

    process: Any
    twin: SimulatedRig
    study: Path

    @property
    def folder(self) -> Path:
        return self.study / "sourcedata" / "sub-m01" / "ses-short"

    @property
    def said(self) -> str:
        out = self.study.parent / f"{self.study.name}.out"
        return out.read_text(encoding="utf-8", errors="replace") if out.is_file() else ""

    def wait_for(self, true: Callable[[], bool], seconds: float = 120.0) -> None:
        until = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < until, f"it never came to that: {self.said}"
            if not self.process.is_alive():
                skip_if_starved(self.said)
                raise AssertionError(self.said)
            time.sleep(0.002)

    def rose(self, channel: str) -> bool:
        return any(edge.channel == channel and edge.on for edge in self.twin.edges)

    def end(self) -> None:
        self.process.join(timeout=180)
        assert not self.process.is_alive(), self.said


@pytest.fixture
def schedule(tmp_path: Path) -> Path:
    path = tmp_path / "short.yaml"
    path.write_text(SCHEDULE, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def context() -> Any:
    """Processes that have imported everything already."""
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload(["mouse_session_driver"])
    with pytest.MonkeyPatch.context() as patch:  # the server of Python 3.11 knows no other path
        patch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), str(ROOT / "tests" / "support")]))
        patch.setenv("OMP_NUM_THREADS", "1")
        ready = made.Process(target=int)
        ready.start()
        ready.join()
    return made


@contextmanager
def session(context: Any, study: Path, schedule: Path, **options: Any) -> Iterator[Running]:
    """Begin a session."""
    with SimulatedRig.on_pty() as twin:
        process = context.Process(
            target=run_session, args=(str(study), str(schedule), twin.address, options), daemon=True
        )
        process.start()
        try:
            yield Running(process, twin, study)
        finally:
            if process.is_alive():
                process.kill()
            process.join()
            process.close()


def skip_if_starved(said: str) -> None:
    """A computer that gives neither host nor twin a tenth of a second in a whole one cannot run this test."""
    if re.search("silent for too long|has not answered|did not answer", said):
        pytest.skip(
            "the computer is too busy for sessions in real time: the device's watchdog ended this one"
        )


def low_within_a_second(running: Running) -> None:
    """The outputs are low now or within a second from now, and stay so."""
    until = time.monotonic() + WITHIN_S
    while running.twin.high and time.monotonic() < until:
        time.sleep(0.002)
    assert running.twin.high == ()
    n_edges = len(running.twin.edges)
    time.sleep(STAYS_S)
    assert len(running.twin.edges) == n_edges


def check_log(running: Running) -> list[LogRow]:
    """The log is readable, and every delivery of the device stands in it as ordered."""
    log = read_rows(running.folder / LOG, LogRow)
    rows = read_rows(running.folder / DELIVERED, DeliveredRow)
    for channel in ("valve1", "shock"):
        n_rises = sum(edge.on for edge in running.twin.edges if edge.channel == channel)
        assert sum(row.kind == "ordered" and row.channel == channel for row in rows) >= n_rises
    return log


def check_file(running: Running, path: Path) -> Any:
    """The NWB file can be read, and holds what the device gave up to where the host heard of it."""
    found = read_session(path)
    rows = read_rows(running.folder / DELIVERED, DeliveredRow)
    heard = sum(row.kind == "on" and row.channel in ("valve1", "shock") for row in rows)
    assert int(found.delivered["event"].isin(["valve1", "shock"]).sum()) == heard
    (video,) = found.videos
    import av

    with av.open(str(video.path)) as container:
        assert sum(1 for _ in container.decode(video=0)) == len(video.times_s)
    assert (np.diff(video.times_s) > 0).all()
    return found


def test_a_session_in_real_time_runs_to_its_end(context: Any, tmp_path: Path, schedule: Path) -> None:
    with session(context, tmp_path / "study", schedule) as running:
        running.end()
        if running.process.exitcode:
            skip_if_starved(running.said)
        assert running.process.exitcode == 0, running.said
        result = json.loads(running.said.splitlines()[-1])
        assert result["ended"] == "completed"
        log = check_log(running)
        assert [row.what for row in log][-1] == "end"
        assert sum(row.what == "trial" for row in log) == 6
        found = check_file(running, Path(result["path"]))
    rises_us = [edge.device_us for edge in running.twin.edges if edge.on]
    assert len(rises_us) == 4
    given = found.delivered[found.delivered["event"].isin(["valve1", "shock"])]
    assert np.allclose(np.diff(given["onset"]), np.diff(rises_us) / 1e6, atol=1e-3)
    assert np.allclose(given["device_time"], np.array(rises_us) / 1e6, atol=1e-5)
    assert np.allclose(given["duration"], [0.1, 1.5, 0.1, 0.1], atol=1e-3)
    late_s = found.events["onset"] - found.events["planned_start_time"]
    assert (late_s.between(-0.002, 0.5)).all(), late_s.tolist()


WORDS = {
    "SIGTERM": "SIGTERM",
    "SIGINT": "Ctrl-C",
    "SIGHUP": "SIGHUP",
    "stop": "'stop'",
    "cable": "line|answered",
    "estop": "emergency stop",
    "reset": "anew",
    "camera": "unplugged",
    "silent camera": "no frame came",
    "full disk": "the video cannot be written",
    "fault": "ZeroDivisionError: a fault of the program",
}
"""What ends a session -> what the log says of it (a pattern)."""
FAULTS: dict[str, dict[str, Any]] = {
    "camera": {"faults": {"gone_after_s": 1.3}},
    "silent camera": {"faults": {"silent_after_s": 0.8}},
    "full disk": {"most_bytes": 2_000_000, "faults": {"size_px": [320, 240]}},
    "fault": {"broken": True},
}


@pytest.mark.parametrize("how", WORDS)
def test_whatever_ends_a_session_the_outputs_go_low_and_the_file_is_there(
    context: Any, tmp_path: Path, schedule: Path, how: str
) -> None:
    options = dict(FAULTS.get(how, {}))
    if how == "stop":
        os.mkfifo(tmp_path / "keys")
        options["stdin"] = str(tmp_path / "keys")
    during_shock = how not in FAULTS
    with session(context, tmp_path / "study", schedule, **options) as running:
        keys = (tmp_path / "keys").open("w", encoding="utf-8") if how == "stop" else None
        running.wait_for(lambda: running.rose("shock" if during_shock else "valve1"))
        if how.startswith("SIG"):
            os.kill(running.process.pid, getattr(signal, how))
        elif how == "stop" and keys is not None:
            keys.write("stop\n")
            keys.close()
        elif how == "cable":
            running.twin.unplug()
        elif how == "estop":
            running.twin.press_estop()
        elif how == "reset":
            running.twin.reset()
        if during_shock:
            low_within_a_second(running)
        running.end()
        low_within_a_second(running)
        assert running.process.exitcode == 1, running.said
        log = check_log(running)
        assert next(row.text for row in reversed(log) if row.what == "end") in ("stopped", "failed")
        reasons = " ".join(row.text for row in log if row.what in ("stop", "device_stop"))
        assert re.search(WORDS[how], reasons), reasons
        if how == "fault":
            assert "Traceback" in running.said
            close_session(running.folder)
        (path,) = (running.study / "sub-m01").glob("*.nwb")
        found = check_file(running, path)
        if during_shock:  # the shock of 1.5 s was cut, and is no trial for the analysis
            outcomes = found.metadata["outcomes"]
            assert sum(outcomes.get(name, 0) for name in ("cut", "started", "unconfirmed")) == 1
            assert "tail_shock" not in set(found.events["trial_type"])
            assert "tail_shock" in json.dumps(found.metadata["trials_left_out"])


def test_a_killed_host_leaves_outputs_low_and_a_session_that_can_be_recovered(
    context: Any, tmp_path: Path, schedule: Path
) -> None:
    kill_sessions(context, tmp_path, schedule, n=3, seed=1)


@pytest.mark.slow
def test_fifty_killed_hosts(
    context: Any, tmp_path: Path, schedule: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = kill_sessions(context, tmp_path, schedule, n=50, seed=2020)
    with capsys.disabled():
        print("\n" + "\n".join(said))


def kill_sessions(context: Any, tmp_path: Path, schedule: Path, *, n: int, seed: int) -> list[str]:
    """Kill sessions at random moments, and check what is left of each."""
    rng = np.random.default_rng(seed)
    said = []
    for number in range(n):
        study = tmp_path / f"study{number}"
        with session(context, study, schedule) as running:
            after_s = float(rng.uniform(0.0, 6.5))
            time.sleep(after_s)
            finished = not running.process.is_alive()
            high = running.twin.high
            killed = time.monotonic()
            running.process.kill()
            low_within_a_second(running)
            took_s = time.monotonic() - killed - STAYS_S
            running.process.join()
            if not (running.folder / RECORD).exists():
                assert running.twin.edges == [], "something was delivered before the record was written"
                said.append(f"{after_s:4.1f} s: before anything was armed")
                continue
            check_log(running)
            state = "finished" if finished else "while it was closed"
            if not written(study):
                closed = close_session(running.folder, allow_misaligned=True)
                state = f"recovered, {closed.n_frames} frames, {closed.outcomes}"
            (path,) = written(study)
            if list(path.parent.glob("*.mkv")) and read_rows_of_trials(running):
                check_file(running, path)
            said.append(f"{after_s:4.1f} s: {state}; high {high}, low after {took_s:.2f} s")
    return said


def written(study: Path) -> list[Path]:
    """NWB files that are whole; one that was being written has another name."""
    return [path for path in study.glob("sub-m01/*.nwb") if ".unfinished" not in path.name]


def read_rows_of_trials(running: Running) -> list[LogRow]:
    """Rows of trials that ended well enough to be trials of the file."""
    rows = read_rows(running.folder / DELIVERED, DeliveredRow)
    log = [row for row in read_rows(running.folder / LOG, LogRow) if row.what == "trial"]
    given = {row.trial for row in rows if row.kind == "off"}
    return [row for row in log if row.trial in given or row.text.startswith("neutral")]
