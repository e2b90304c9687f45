"""Which session of a participant is analysed, where there were several."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

RULE = (
    "Where a participant had several sessions (runs), the first complete one is analysed; where none is "
    "complete, the one with the most trials, and of those with equally many the first."
)

KINDS = ("emg", "beh")
"""Folders of a participant that hold sessions."""

End = Literal["finished", "aborted", "crashed"]


@dataclass(frozen=True, kw_only=True)
class Run:
    """One session of a participant in the dataset."""

    number: int
    """Number of the run, from 1; files without a number belong to run 1."""
    complete: bool
    """Whether all its trials were shown; a recording of which nothing else is known counts as complete."""
    n_trials: int
    """Number of its trials."""


@dataclass(frozen=True, kw_only=True)
class ChosenRun:
    """The session that is analysed, of the several that a participant had."""

    participant: str
    """Id without "sub-"."""
    runs: tuple[Run, ...]
    """All sessions, in order."""
    number: int
    """The one that is analysed."""

    def __str__(self) -> str:
        """Say it in a sentence."""
        chosen = next(run for run in self.runs if run.number == self.number)
        why = (
            "the first complete one"
            if chosen.complete
            else f"none is complete, it has {chosen.n_trials} trials"
        )
        others = ", ".join(
            f"run {run.number} has {run.n_trials} trials" + ("" if run.complete else " and is not complete")
            for run in self.runs
            if run.number != self.number
        )
        return f"Participant {self.participant}: run {self.number} is analysed ({why}); {others}."


def choose_runs(study: Path, participants: Iterable[str]) -> dict[str, ChosenRun]:
    """Choose the session of each participant who had several; see `RULE`.

    Parameters
    ----------
    study : Path
        The study's folder.
    participants : iterable of str
        Ids without "sub-".

    Returns
    -------
    dict of str to ChosenRun
        Only those who had more than one, or whose only one is not the first.
    """
    chosen = {}
    for participant in participants:
        runs = runs_of(study, participant)
        if [run.number for run in runs] not in ([], [1]):
            chosen[participant] = ChosenRun(
                participant=participant, runs=tuple(runs), number=first_complete(runs).number
            )
    return chosen


def first_complete(runs: Iterable[Run]) -> Run:
    """Choose a run by the `RULE`.

    >>> short = Run(number=1, complete=False, n_trials=40)
    >>> whole = Run(number=2, complete=True, n_trials=96)
    >>> first_complete([short, whole]).number, first_complete([short]).number
    (2, 1)
    """
    return min(runs, key=lambda run: (not run.complete, 0 if run.complete else -run.n_trials, run.number))


def runs_of(study: Path, participant: str) -> list[Run]:
    """Find the sessions of a participant in the dataset, in order."""
    files: dict[int, list[Path]] = {}
    for kind in KINDS:
        for file in sorted((study / f"sub-{participant}" / kind).glob("*_task-*")):
            files.setdefault(run_number(file), []).append(file)
    return [
        Run(number=number, complete=_is_complete(found), n_trials=_n_trials(found))
        for number, found in sorted(files.items())
    ]


def run_number(file: Path) -> int:
    """Return the run of a file.

    >>> run_number(Path("sub-007_task-mimicry_run-02_beh.tsv"))
    2
    >>> run_number(Path("sub-007_task-mimicry_beh.tsv"))
    1
    """
    found = re.search(r"_run-(\d+)_", file.name)
    return int(found[1]) if found else 1


def _is_complete(files: Iterable[Path]) -> bool:
    """Ask the descriptions of a session how it ended; those of other programs do not say."""
    ends = [
        _description(file).get("SessionEnd")
        for file in files
        if file.name.endswith(("_emg.json", "_beh.json"))
    ]
    return all(end in (None, "finished") for end in ends)


def _n_trials(files: Iterable[Path]) -> int:
    """Count the trials: rows of the behaviour, else the videos or whatever events there are."""
    tables = {file.name.rpartition("_")[2]: file for file in files if file.suffix == ".tsv"}
    if "beh.tsv" in tables:
        return max(0, len(_lines(tables["beh.tsv"])) - 1)
    lines = _lines(tables["events.tsv"]) if "events.tsv" in tables else []
    videos = [line for line in lines if "video" in line.split("\t")[:3]]
    return len(videos) or max(0, len(lines) - 1)


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8-sig", errors="replace").splitlines()


def _description(path: Path) -> Mapping[str, object]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError):
        return {}  # whoever reads the file says what is wrong with it
    return content if isinstance(content, dict) else {}
