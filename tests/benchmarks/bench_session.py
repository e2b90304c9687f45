"""How exact is a session? ``python tests/benchmarks/bench_session.py`` measures one from the outside.

A virtual screen (Xvfb) is started, whose pixels a photodiode watches; a pseudo-terminal takes the trigger
codes and their times, as an amplifier would; a robot presses real keys, right, wrong, twice or not at all.
The session is the real one, in a real window, with videos of the built-in faces. 96 trials take 15 minutes.
Linux only, with Xvfb (``apt-get install xvfb``); as root, or with the right to real-time priority, timing is
that of the session rather than of what else the computer does.

What must be exact is marked ``ok`` or ``FAILED``; the exit status is 1 when anything failed. What depends on
the computer is only reported.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import platform
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np
from tqdm import tqdm

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

from measured_session import first_in_line, run_measured  # noqa: E402
from rendered_set import make_rendered_set  # noqa: E402
from session_checks import Evidence, Line, exact_lines, frame_checksums, measured_lines, video_rectangle  # noqa: E402
from virtual_screen import SCREEN_PX, missing_program, started_screen  # noqa: E402

from stimuli.manifest import read_manifest  # noqa: E402

WIDTH_PX, HEIGHT_PX = 300, 400


def measure(stimuli: Path, study: Path, *, n_trials: int, n_practice: int, seed: int) -> list[Line]:
    """Run a session and return the table."""
    videos = read_manifest(stimuli)
    pictures = frame_checksums(stimuli)
    first = videos[0]
    size_px = max(SCREEN_PX[0], first.width_px), max(SCREEN_PX[1], first.height_px)  # larger ones are scaled
    priority = first_in_line()
    with (
        started_screen(first_in_line=True, size_px=size_px) as screen,
        tqdm(total=n_trials, desc="session", unit="trial") as bar,
    ):
        measured = run_measured(
            screen,
            study,
            stimuli,
            n_trials=n_trials,
            n_practice=n_practice,
            duration_s=first.n_frames / first.fps,
            rectangle=video_rectangle(first.width_px, first.height_px, size_px),
            rng=np.random.default_rng(seed),
            after_trial=lambda trial: bar.update(trial - bar.n),
        )
    if measured.exit_status != 0:
        raise RuntimeError(f"the session ended with status {measured.exit_status}:\n{measured.messages}")
    evidence = Evidence(measured, pictures)
    complete = Line("trials", f"{len(evidence.trials)} of {n_trials}", len(evidence.trials) == n_trials)
    return [
        complete,
        *exact_lines(evidence),
        *measured_lines(evidence),
        Line("real-time priority of screen, robot and amplifier", str(priority)),
    ]


def print_table(lines: list[Line]) -> None:
    """Print the table, what must be exact first."""
    widest = max(len(line.name) for line in lines)
    for line in lines:
        mark = {True: "ok", False: "FAILED", None: ""}[line.passed]
        print(f"{line.name:<{widest}}  {mark:<6}  {line.found}")


def main() -> None:
    """Measure, print, and say by the exit status whether all that must be exact was."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=96, help="number of trials (default 96)")
    parser.add_argument("--practice", type=int, default=4, help="number of practice trials (default 4)")
    parser.add_argument("--stimuli", type=Path, help="a stimulus set instead of the built-in faces")
    parser.add_argument("--study", type=Path, help="new folder in which the session is kept")
    parser.add_argument("--seed", type=int, default=1, help="of the robot and the trial list (default 1)")
    parser.add_argument("--json", action="store_true", help="print the table as JSON in the last line")
    chosen = parser.parse_args()
    if (reason := missing_program()) is not None:
        parser.error(reason)
    if chosen.study is not None and chosen.study.exists():
        parser.error(f"{chosen.study} exists: name a new folder")
    with contextlib.ExitStack() as kept:
        folder = Path(kept.enter_context(tempfile.TemporaryDirectory()))
        stimuli = chosen.stimuli or make_rendered_set(folder, size_px=(WIDTH_PX, HEIGHT_PX))
        study = chosen.study or folder / "study"
        try:
            lines = measure(
                stimuli, study, n_trials=chosen.trials, n_practice=chosen.practice, seed=chosen.seed
            )
        except RuntimeError as error:
            raise SystemExit(f"nothing was measured: {error}") from None
    print(f"{platform.system()} {platform.machine()}, Python {platform.python_version()}")
    print_table(lines)
    if chosen.json:
        print(json.dumps([asdict(line) for line in lines]))
    raise SystemExit(1 if any(line.passed is False for line in lines) else 0)


if __name__ == "__main__":
    main()
