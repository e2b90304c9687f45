"""The check of the signals before a session, in a window or as text; also a process of its own.

``python -m hardware.recorders.signal_check`` reads its job (one line of JSON) from standard input and prints
the result as JSON in its last line: a session starts it this way, so that no window of it is left behind in
the process that shows the videos.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hardware.lsl_library import load_pylsl
from hardware.recorders.check_course import SignalCheck
from hardware.recorders.lsl_streams import CHECK_STREAM, check_rate, find_signal_inlet
from hardware.settings import RigSettings, rig_from_record

if TYPE_CHECKING:
    from pylsl import StreamOutlet

FIRST_S = 3.0
"""So much signal is taken before the check begins, to see at which rate it comes and to judge it."""

PIECE_S = 0.05
"""Samples are taken so often."""

BAR = 40
"""Width of the bars of the text."""


class Source:
    """The rig's signal stream, and the marker stream on which the check says what it asks.

    Parameters
    ----------
    rig : RigSettings
        The rig.

    Raises
    ------
    ValueError
        If the stream is missing or not as it should be; the message says what to do.
    """

    def __init__(self, rig: RigSettings) -> None:
        pylsl = load_pylsl()

        self.stream, self._inlet = find_signal_inlet(rig)
        self.check = SignalCheck(self.stream, mains_hz=rig.mains_hz)
        info = pylsl.StreamInfo(
            CHECK_STREAM, "Markers", 1, pylsl.IRREGULAR_RATE, "string", f"countenance-check-{os.getpid()}"
        )
        self._asks: StreamOutlet | None = pylsl.StreamOutlet(info)
        self._asked: str | None = None
        time.sleep(FIRST_S)
        self._first_rate()

    def take(self) -> None:
        """Take what has come, and announce what is asked now."""
        values, times_s = self._inlet.pull_chunk(0.0, max_samples=8192, as_numpy=True)
        self.check.feed(times_s, values)
        asked = self.check.phase.asked if self.check.phase else None
        if asked != self._asked and self._asks is not None:
            self._asks.push_sample([asked or "rest"])
            self._asked = asked

    def close(self) -> None:
        """End both streams."""
        self._inlet.close_stream()
        self._asks = None

    def _first_rate(self) -> None:
        values, times_s = self._inlet.pull_chunk(0.0, max_samples=65536, as_numpy=True)
        check_rate(times_s, self.stream)
        self.check.feed(times_s, values)


def run_signal_check(
    rig: RigSettings,
    *,
    window: bool | None = None,
    by_itself: bool = False,
    pictures: Path | None = None,
    ask: Callable[[str], str] = input,
) -> dict[str, Any]:
    """Check the signals of a rig.

    Parameters
    ----------
    rig : RigSettings
        The rig, with ``[recorder] kind = "lsl"``.
    window : bool, optional
        Whether to open a window; by default where there is a screen.
    by_itself : bool
        Whether to go through the test once without waiting for anybody, as with a simulated participant.
    pictures : Path, optional
        Folder for pictures of the window, during the smile and at the end.
    ask : callable
        Asks at the terminal, where there is no window.

    Returns
    -------
    dict
        `SignalCheck.result`, and ``accepted``: whether the session is to begin.

    Raises
    ------
    ValueError
        If the rig has no LSL stream, or it cannot be used; the message says what to do.
    """
    if rig.recorder.kind != "lsl":
        raise ValueError(
            f"signals can be looked at only when the suite records them: the rig file says [recorder] kind = "
            f'{rig.recorder.kind!r}. Take kind = "lsl", or look at them in the amplifier\'s own program'
        )
    source = Source(rig)
    try:
        if has_screen() if window is None else window:
            from hardware.recorders.monitor import show_check

            accepted = show_check(source, by_itself=by_itself, pictures=pictures)
        else:
            accepted = check_as_text(source, by_itself=by_itself, ask=ask)
    finally:
        source.close()
    return {**source.check.result(), "accepted": accepted}


def check_in_own_process(rig: RigSettings, *, by_itself: bool = False) -> dict[str, Any]:
    """Check the signals in another process, as a session does; see `run_signal_check`.

    Raises
    ------
    ValueError
        If the stream cannot be used, or the check was not finished.
    """
    root = Path(__file__).resolve().parents[2]
    paths = [str(root), *filter(None, [os.environ.get("PYTHONPATH")])]
    process = subprocess.Popen(
        [sys.executable, "-m", "hardware.recorders.signal_check"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )
    job = json.dumps({"rig": dataclasses.asdict(rig), "by_itself": by_itself})
    try:
        output, _ = process.communicate(job + "\n")
    except BaseException:
        process.kill()
        process.wait()
        raise
    answer: dict[str, Any] = {}
    with contextlib.suppress(json.JSONDecodeError, IndexError):
        answer = json.loads(output.strip().splitlines()[-1])
    if "error" in answer:
        raise ValueError(answer["error"])
    if "accepted" not in answer:
        raise ValueError(
            f"the check of the signals ended unexpectedly (status {process.returncode}): try `python -m "
            "hardware check --rig RIG --signals`, or leave it out with --skip-signal-check"
        )
    return answer


def check_as_text(source: Source, *, by_itself: bool, ask: Callable[[str], str]) -> bool:
    """Check without a window; returns whether the session is to begin."""
    print(f"Signals of {source.stream.name!r}, {source.stream.fs_hz:g} Hz. Sit still for a moment.")
    while True:
        answer = "" if by_itself else ask("Enter: begin the test (smile, frown); s: leave it out: ")
        if answer.strip().lower() == "s":
            source.take()
            print(source.check.message())
            return True
        _run_test(source)
        print(source.check.message())
        if by_itself:
            return source.check.fit
        answer = ask("Enter: go on; r: repeat the test; q: end here: ").strip().lower()
        if answer != "r":
            return answer != "q"


def has_screen() -> bool:
    """Say whether a window can be opened here, as far as the environment tells."""
    return not sys.platform.startswith("linux") or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )


def bars(activities: dict[str, float]) -> str:
    """Draw activities as bars, each doubling of 1 µV a few characters long.

    >>> bars({"corrugator": 4.0})
    'corrugator  ##########                                 4.0 µV'
    """
    import math

    lines = []
    for muscle, uv in activities.items():
        length = min(BAR, max(0, round(5 * math.log2(max(uv, 1.0)))))
        lines.append(f"{muscle:<11} {'#' * length:<{BAR}} {uv:>5.1f} µV")
    return "\n".join(lines)


def _run_test(source: Source) -> None:
    """Go through the test, with what is asked and what the muscles do."""
    check = source.check
    source.take()
    check.begin()
    said, shown_s, last = None, 0.0, (time.monotonic(), check.now_s)
    while check.phase is not None:
        time.sleep(PIECE_S)
        source.take()
        if check.now_s > last[1]:
            last = (time.monotonic(), check.now_s)
        elif time.monotonic() - last[0] > 5:
            raise ValueError("no samples come any more: is the amplifier on, and is its program running?")
        if check.phase is not None and check.phase is not said:
            said = check.phase
            print(f"\n>>> {said.instruction} ({said.length_s:g} s)")
        if check.now_s - shown_s > 1:
            shown_s = check.now_s
            print(bars(check.activities(check.now_s - 1.0)))
    source.take()


def main() -> None:
    """Read the job from standard input, do it, and print the result."""
    job = json.loads(sys.stdin.readline())
    pictures = Path(job["pictures"]) if job.get("pictures") else None
    with contextlib.suppress(AttributeError, OSError):
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    try:
        result = run_signal_check(
            rig_from_record(job["rig"]),
            window=job.get("window"),
            by_itself=job.get("by_itself", False),
            pictures=pictures,
        )
    except ValueError as error:
        result = {"error": str(error)}
    print("\n" + json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
