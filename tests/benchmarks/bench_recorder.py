"""Does recording hold up the screen? A loop of 60 Hz beside no recorder, ours, and one in a thread.

``python tests/benchmarks/bench_recorder.py [SECONDS] [ROUNDS]`` prints a row per way: how late the loop woke
up (as the program wakes up for a refresh), and how much processor time the loop's process and the recorder
used. The ways take turns, so that other programs disturb all of them alike; the loop asks for real-time
priority, as a session does.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT), str(ROOT / "tests" / "support")]

from lsl_twin import running_amplifier  # noqa: E402

from hardware.recorders import LslRecorder  # noqa: E402
from hardware.recorders.lsl_process import record  # noqa: E402
from hardware.settings import RigSettings  # noqa: E402

REFRESH_S = 1 / 60


def lateness_ms(seconds: float) -> tuple[np.ndarray, float]:
    """Wake up 60 times a second; return how late each time, and the processor time of this process (s)."""
    begun, cpu_s, late = time.perf_counter(), time.process_time(), []
    for number in range(1, round(seconds / REFRESH_S)):
        due = begun + number * REFRESH_S
        time.sleep(max(0.0, due - time.perf_counter()))
        late.append(1000 * (time.perf_counter() - due))
        sum(range(20000))  # what a frame costs in Python
    return np.array(late), time.process_time() - cpu_s


def in_thread(rig: RigSettings, path: Path, seconds: float) -> tuple[np.ndarray, float, float]:
    """Measure with a recorder that is a thread of this process."""
    stopped, begun = threading.Event(), threading.Event()

    def say(event: str, **what: object) -> None:
        if event == "recording":
            begun.set()

    thread = threading.Thread(target=record, args=(rig, path, stopped, say), kwargs={"again": True})
    thread.start()
    begun.wait(30)
    late, cpu_s = lateness_ms(seconds)
    stopped.set()
    thread.join()
    return late, cpu_s, float("nan")


def in_process(rig: RigSettings, path: Path, seconds: float) -> tuple[np.ndarray, float, float]:
    """Measure with the suite's recorder."""
    recorder = LslRecorder(rig, path)
    recorder.start()
    late, cpu_s = lateness_ms(seconds)
    recorder.stop()
    return late, cpu_s, recorder.summary["cpu_s"] / recorder.summary["seconds"]


def main() -> None:
    seconds, rounds = float(sys.argv[1] if len(sys.argv) > 1 else 10), int((sys.argv[2:] or ["3"])[0])
    with contextlib.suppress(AttributeError, OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50))
    found: dict[str, list[tuple[np.ndarray, float, float]]] = {"none": [], "process": [], "thread": []}
    with running_amplifier() as amplifier, tempfile.TemporaryDirectory() as folder:
        rig = amplifier.rig()
        for number in range(rounds):
            path = Path(folder)
            found["none"].append((*lateness_ms(seconds), float("nan")))
            found["process"].append(in_process(rig, path / f"process_{number}.xdf", seconds))
            found["thread"].append(in_thread(rig, path / f"thread_{number}.xdf", seconds))
    print("recorder   late: median   95 %    99 %     max (ms)   cpu of this process   of the recorder")
    for name, parts in found.items():
        late = np.concatenate([part[0] for part in parts])
        quantiles = np.percentile(late, [50, 95, 99, 100])
        cpu = sum(part[1] for part in parts) / (seconds * rounds)
        own = np.mean([part[2] for part in parts])
        print(
            f"{name:<10} {quantiles[0]:>12.3f} {quantiles[1]:>6.2f} {quantiles[2]:>7.2f} {quantiles[3]:>7.2f}"
            f"        {100 * cpu:>10.1f} %     {'-' if np.isnan(own) else f'{100 * own:.1f} %':>12}"
        )


if __name__ == "__main__":
    main()
