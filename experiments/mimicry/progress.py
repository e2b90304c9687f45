"""How far a participant's sessions are, read from what is on the disk."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiments.dataset.rows import TrialRow, read_rows
from experiments.dataset.study import is_in_dataset, live_folder, run_of
from experiments.dataset.tables import participant_label, read_table
from experiments.mimicry.design import Trial
from experiments.record import RECORD, read_record

DESIGN = "design.tsv"
"""Name of the trial list in the folder of a session."""

REQUIRED: dict[str, type | tuple[type, ...]] = {
    "participant": str,
    "simulated": bool,
    "started_unix_s": (int, float),
    "seed": int,
    "language": str,
    "person": dict,
    "parameters": dict,
    "trigger_codes": dict,
    "stimuli": dict,
    "rig": dict,
}
"""What the record of a session must have for the session to go on."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a session is."""

    study: Path
    """Folder of the study."""
    participant: str
    """Id of the participant."""
    run: int
    """Which session of this participant, from 1."""
    n_trials: int
    """Number of trials of the whole session, practice not counted."""
    n_practice: int
    """Number of practice trials."""
    n_finished: int
    """Number of trials on the disk, practice not counted."""
    left: list[Trial]
    """What is still to be shown, in order."""
    in_dataset: bool
    """Whether the dataset has this session."""

    @property
    def next_trial(self) -> str:
        """Say which trial comes next."""
        if not self.left:
            return "no trial is left"
        trial = self.left[0]
        if trial.practice:
            return f"practice trial {trial.trial} of {self.n_practice}"
        return f"trial {trial.trial} of {self.n_trials}"

    def __str__(self) -> str:
        """Say it in a sentence or two."""
        which = (
            f"run {self.run} of participant {self.participant}"
            if self.run > 1
            else (f"the session of participant {self.participant}")
        )
        if self.left:
            return (
                f"{which} is not finished: {self.n_finished} of {self.n_trials} trials are on the disk, next "
                f"is {self.next_trial}"
            )
        if not self.in_dataset:
            return f"{which} has shown all {self.n_trials} trials, but they are not in the dataset yet"
        return f"{which} is finished: all {self.n_trials} trials are in the dataset"


def read_progress(study: Path, participant: str, run: int) -> Progress:
    """Read how far a session is.

    Raises
    ------
    FileNotFoundError
        If there is no such session, or its record or trial list is missing.
    ValueError
        If its files are damaged; the message says which and how to mend them.
    """
    folder = live_folder(study, participant, run)
    design = checked_design(folder, read_record(folder, REQUIRED))
    finished = finished_trials(folder, design)
    return Progress(
        study=study,
        participant=participant,
        run=run,
        n_trials=sum(not trial.practice for trial in design),
        n_practice=sum(trial.practice for trial in design),
        n_finished=sum(not row.practice for row in finished),
        left=remaining_trials(design, finished),
        in_dataset=is_in_dataset(study, participant_label(participant), run),
    )


def last_run(study: Path, participant: str) -> int:
    """Return the number of a participant's last session, 0 if there was none.

    A session counts when it was begun, or when the dataset has a recording of it that came from elsewhere.
    """
    first = live_folder(study, participant)
    numbers = [
        int(folder.name.removeprefix("run-"))
        for folder in first.glob("run-*")
        if folder.name.removeprefix("run-").isdigit() and was_begun(folder)
    ]
    if was_begun(first):
        numbers.append(1)
    label = participant_label(participant)
    folders = [study / label / kind for kind in ("emg", "beh")]
    numbers += [run_of(file.name) for folder in folders for file in folder.glob("*_task-*")]
    return max(numbers, default=0)


def was_begun(folder: Path) -> bool:
    """Say whether a session was begun in a folder: a trial list alone was never shown to anyone."""
    return any((folder / name).exists() for name in (RECORD, "events.tsv", "trials.tsv"))


def remaining_trials(design: Sequence[Trial], finished: Sequence[TrialRow]) -> list[Trial]:
    """Return the trials that a session has not finished; practice is not repeated once a real one is done."""
    done = {(row.practice, row.trial) for row in finished}
    real_began = any(not practice for practice, _ in done)
    return [
        trial
        for trial in design
        if (trial.practice, trial.trial) not in done and not (trial.practice and real_began)
    ]


def finished_trials(folder: Path, design: Sequence[Trial] | None = None) -> list[TrialRow]:
    """Read the trials that a session has finished.

    Raises
    ------
    ValueError
        If there is one that the trial list `design` has not got, or has as another one.
    """
    path = folder / "trials.tsv"
    rows = read_rows(path, TrialRow) if path.is_file() else []
    planned = {(trial.practice, trial.trial): trial.video for trial in design or ()}
    for row in rows:
        if design is not None and planned.get((row.practice, row.trial)) != row.video:
            kind = "practice trial" if row.practice else "trial"
            raise ValueError(
                f"{path}: {kind} {row.trial} with the video {row.video} is not in {folder / DESIGN}: one of "
                "the two files was changed; restore it from a backup"
            )
    return rows


def checked_design(folder: Path, record: dict[str, Any]) -> list[Trial]:
    """Read the trial list of a session, which must be the one that it began with.

    Raises
    ------
    ValueError
        If it was changed since.
    """
    design = read_design(folder)
    if record.get("design_sha256", design_sha256(design)) != design_sha256(design):
        raise ValueError(
            f"{folder / DESIGN} is not the trial list that this session began with: somebody has changed it. "
            "Restore it from a backup; with another order the session would not be the same"
        )
    return design


def read_design(folder: Path) -> list[Trial]:
    """Read the trial list of a session from ``design.tsv``.

    Raises
    ------
    FileNotFoundError
        If there is none.
    ValueError
        If it cannot be understood.
    """
    path = folder / DESIGN
    if not path.is_file():
        raise FileNotFoundError(f"there is no trial list {path}: restore it from a backup")
    try:
        return [
            Trial(
                trial=int(row["trial"]),
                block=int(row["block"]),
                face=row["face"],
                sex=row["sex"],
                direction=row["direction"],
                video=row["video"],
                fixation_s=float(row["fixation_s"]),
            )
            for row in read_table(path)
        ]
    except KeyError as error:
        raise ValueError(f"{path} has a row without {error}: restore it from a backup") from None
    except ValueError as error:
        raise ValueError(f"{path} is damaged ({error}): restore it from a backup") from None


def design_sha256(design: Sequence[Trial]) -> str:
    """Return a fingerprint of a trial list, by which a changed one is noticed."""
    lines = ["\t".join(str(value) for value in dataclasses.astuple(trial)) for trial in design]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
