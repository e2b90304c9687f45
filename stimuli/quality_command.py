"""The command that checks a set, and the check that follows every morph."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from tqdm import tqdm

from stimuli.manifest import check_video, read_manifest
from stimuli.quality_gates import GATES, Verdict, summary, told, written
from stimuli.quality_report import rows_by_pair, write_report
from stimuli.quality_verdicts import judge
from stimuli.quality_video import VideoMeasures, measure_pair
from stimuli.video import UNFINISHED_SUFFIX
from stimuli.workers import default_workers, run_jobs


class SetCheck(NamedTuple):
    """What the check of a set found."""

    videos: list[VideoMeasures]
    """What was measured, in the order of the manifest."""
    verdicts: dict[str, list[Verdict]]
    """Verdicts by video."""
    problems: list[str]
    """Problems of the folder as a whole."""
    report: Path | None
    """The report, if one was written."""

    @property
    def failed(self) -> bool:
        """Whether a gate failed, or the folder has a problem."""
        return bool(self.problems) or any(
            one.status == "failed" for each in self.verdicts.values() for one in each
        )


def check_quality(folder: Path, *, report: bool, workers: int = 1, progress: bool = False) -> SetCheck:
    """Decode and measure all videos of a set, judge them, and write the report.

    Parameters
    ----------
    folder
        Folder that ``python -m stimuli morph`` made.
    report
        Whether to write ``quality.html`` and its tables.
    workers
        Number of processes; what is measured does not depend on it.
    progress
        Whether to show a progress bar.

    Raises
    ------
    FileNotFoundError
        If the folder or its manifest does not exist.
    ValueError
        If the manifest itself cannot be read.
    """
    rows = read_manifest(folder)
    measured: dict[str, VideoMeasures] = {}
    verdicts: dict[str, list[Verdict]] = {}
    with tqdm(total=len(rows), desc="quality", unit="video", disable=not progress) as bar:
        for pair in run_jobs(measure_pair, rows_by_pair(rows), n_workers=workers):
            for video in pair:
                measured[video.name] = video
                verdicts[video.name] = judge(video, pair=pair)
            bar.update(len(pair))
    videos = [measured[row.video] for row in rows]
    verdicts = {row.video: verdicts[row.video] for row in rows}
    problems = folder_problems(folder)
    path = write_report(folder, videos, verdicts, problems=problems) if report else None
    return SetCheck(videos, verdicts, problems, path)


def folder_problems(folder: Path) -> list[str]:
    """Find files that an interrupted run left half written."""
    left = sorted(path.relative_to(folder).as_posix() for path in folder.rglob(f"*{UNFINISHED_SUFFIX}"))
    return [
        f"{name} was left half written by an interrupted run; give the morph command again to finish the set"
        for name in left
    ]


def check(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder that the morph command made.")],
    quick: Annotated[
        bool,
        typer.Option("--quick", help="Only compare files with the manifest; decode and measure nothing."),
    ] = False,
    report: Annotated[
        bool, typer.Option("--report/--no-report", help="Whether to write OUT/quality.html.")
    ] = True,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0 = as many as fit.")] = 0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a summary as JSON in the last line.")
    ] = False,
) -> None:
    """Check a set: every file, every frame in three decoders, and whether each video is a good morph.

    Writes a report, OUT/quality.html. Exit status 1 if a video fails a gate.
    """
    if quick:
        _check_files(out, as_json=as_json)
        return
    done = check_quality(out, report=report, workers=workers or default_workers(), progress=True)
    print_check(done)
    if as_json:
        print(json.dumps(json_summary(done)))
    if done.failed:
        raise SystemExit(1)


def _check_files(out: Path, *, as_json: bool) -> None:
    videos = read_manifest(out)
    problems = [problem for video in videos for problem in check_video(video, decode=False)]
    problems += folder_problems(out)
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)
    print(f"{len(videos)} videos, {len(problems)} problems")
    if as_json:
        print(json.dumps({"videos": len(videos), "problems": problems}))
    if problems:
        raise SystemExit(1)


def json_summary(done: SetCheck) -> dict[str, object]:
    """Return what ``--json`` prints about a checked set."""
    found = summary(done.verdicts)
    sentences = [
        f"{failure['video']}: {GATES[failure['gate']].title}: {failure['finding']}"
        for failure in found["failures"]
    ]
    report = str(done.report) if done.report else None
    return {**found, "problems": [*done.problems, *sentences], "report": report}


def print_check(done: SetCheck) -> None:
    """Print the table of gates, and each failure with what to do; failures go to the error stream."""
    print(gate_table(done.verdicts))
    for problem in done.problems:
        print(f"error: {problem}", file=sys.stderr)
    said: set[str] = set()
    for name, each in done.verdicts.items():
        for one in each:
            if one.status != "failed":
                continue
            gate = GATES[one.gate]
            print(f"error: {name}: {gate.title}: {told(one)}", file=sys.stderr)
            if one.gate not in said:
                print(f"       {gate.remedy}", file=sys.stderr)
                said.add(one.gate)
    n_failed = sum(any(one.status == "failed" for one in each) for each in done.verdicts.values())
    print(f"{len(done.verdicts)} videos, {n_failed} fail" + ("" if n_failed else ": all gates passed"))
    if done.report:
        print(f"Report: {done.report}")


def gate_table(verdicts: Mapping[str, Sequence[Verdict]]) -> str:
    """Return a table of gates for the console: passed, failed, unmeasured, worst value and limit."""
    width = max(len(gate.title) for gate in GATES.values())
    lines = [f"{'gate':<{width}}  passed  failed  n/a  {'worst':>27}  limit"]
    for number, (key, gate) in enumerate(GATES.items()):
        each = [one[number] for one in verdicts.values()]
        counts = [sum(one.status == status for one in each) for status in ("passed", "failed", "unmeasured")]
        worst = max(
            (one for one in each if one.value is not None),
            key=lambda one: (one.value or 0.0) / (one.limit or 1.0),
            default=None,
        )
        value = written(key, worst.value) if worst else "–"
        lines.append(
            f"{gate.title:<{width}}  {counts[0]:>6}  {counts[1]:>6}  {counts[2]:>3}  {value:>27}  "
            f"{written(key, gate.limit)}"
        )
    return "\n".join(lines)


def register(app: typer.Typer) -> None:
    """Add the command to the stimulus room's."""
    app.command()(check)
