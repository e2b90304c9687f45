"""A session before it begins: what will be shown, checked and written down."""

from __future__ import annotations

import dataclasses
import datetime
import secrets
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from experiments.dataset.rows import EventRow, TrialRow, read_rows
from experiments.dataset.tables import participant_label, read_table, write_table
from experiments.display import Film
from experiments.mimicry.design import Trial, Video, draw_design
from experiments.mimicry.parameters import SessionParameters, trigger_codes
from experiments.mimicry.texts import Texts, read_texts
from experiments.session import live_folder, read_record, software, write_record
from hardware.settings import RigSettings, rig_from_record
from stimuli.manifest import MANIFEST_NAME, StimulusVideo, check_video, file_sha256, read_manifest

TASK = "mimicry"


class Stimulus(Video, Film, Protocol):
    """A video as a session needs it: who is on it, and where its file is."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Person:
    """What ``participants.tsv`` says of a participant, beside the id."""

    age: float | None = None
    """Years."""
    sex: str | None = None
    """F, M or O."""
    group: str | None = None
    """Blind code of the group."""

    def __post_init__(self) -> None:
        if self.sex not in (None, "F", "M", "O"):
            raise ValueError(f"the participant's sex is F, M or O, or left out; found {self.sex!r}")
        if self.age is not None and not 0 < self.age < 130:
            raise ValueError(f"the participant's age is in years; found {self.age!r}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class SessionPlan:
    """Everything that is decided before a session begins."""

    study: Path
    participant: str
    person: Person
    seed: int
    """Of the trial list, and of a simulated participant."""
    parameters: SessionParameters
    rig: RigSettings
    texts: Texts
    videos: dict[str, Stimulus]
    """Name -> video, for all videos of the set."""
    trials: list[Trial]
    """What is to be shown; for a resumed session, what is left."""
    record: dict[str, Any]
    """What stands in ``session.json``."""
    simulated: bool
    """Whether the participant is not a real one."""
    start_s: float = 0.0
    """What the session's clock shows at first; more than 0 for a resumed session."""
    resumed: bool = False
    learn_key: bool = False
    """Whether the first page asks for the response key and learns its name."""

    @property
    def folder(self) -> Path:
        """Where the session is written while it runs."""
        return live_folder(self.study, self.participant)

    @property
    def directions(self) -> list[str]:
        """The directions of the stimulus set, in alphabetical order."""
        return sorted({video.direction for video in self.videos.values()})


def plan_session(
    study: Path,
    participant: str,
    *,
    videos: Sequence[Stimulus],
    stimulus_set: dict[str, Any],
    parameters: SessionParameters,
    rig: RigSettings,
    language: str,
    person: Person,
    simulated: bool,
    seed: int | None = None,
    n_trials: int | None = None,
    remarks: dict[str, Any] | None = None,
) -> SessionPlan:
    """Plan a new session.

    Parameters
    ----------
    study : Path
        Folder of the study.
    participant : str
        Id of letters and digits.
    videos : sequence of Stimulus
        The stimulus set.
    stimulus_set : dict
        What the record says of it.
    parameters : SessionParameters
        The numbers of the task.
    rig : RigSettings
        The rig.
    language : str
        Language of the texts.
    person : Person
        Age, sex and group code, as far as they are known.
    simulated : bool
        Whether the participant is not a real one.
    seed : int, optional
        Seed of the trial list; drawn when it is not given.
    n_trials : int, optional
        Number of trials of a short session.
    remarks : dict, optional
        Further entries of the record.

    Returns
    -------
    SessionPlan
        The plan; nothing is written yet.

    Raises
    ------
    ValueError
        If something does not fit; the message says what.
    """
    seed = secrets.randbelow(2**32) if seed is None else seed
    if seed < 0:
        raise ValueError(f"a seed is a whole number from 0, found {seed}")
    texts = read_texts(language)
    trials = draw_design(
        videos,
        n_practice=parameters.n_practice,
        n_blocks=parameters.n_blocks,
        repetitions=parameters.repetitions,
        longest_run=parameters.longest_run,
        fixation_min_s=parameters.fixation_min_s,
        fixation_max_s=parameters.fixation_max_s,
        rng=np.random.default_rng(seed),
        n_trials=n_trials,
    )
    record = {
        "task": TASK,
        "participant": participant,
        "simulated": simulated,
        "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "started_unix_s": round(time.time(), 3),
        "seed": seed,
        "n_trials": sum(not trial.practice for trial in trials),
        "language": texts.code,
        "person": dataclasses.asdict(person),
        "parameters": parameters.record(),
        "trigger_codes": trigger_codes([video.direction for video in videos], changed=rig.codes),
        "stimuli": stimulus_set,
        "rig": dataclasses.asdict(rig),
        **(remarks or {}),
        **software(),
    }
    return SessionPlan(
        study=study,
        participant=participant,
        person=person,
        seed=seed,
        parameters=parameters,
        rig=rig,
        texts=texts,
        videos={video.video: video for video in videos},
        trials=trials,
        record=record,
        simulated=simulated,
    )


def plan_resumption(
    study: Path,
    participant: str,
    *,
    videos: Sequence[Stimulus],
    stimulus_set: dict[str, Any],
    rig: RigSettings | None,
    simulated: bool,
) -> SessionPlan:
    """Plan the rest of a session that was stopped or crashed; its numbers and texts are those it began with.

    So is its rig, and with it the trigger line, unless another `rig` is given.

    Raises
    ------
    FileNotFoundError
        If there is no such session.
    ValueError
        If nothing is left of it, or it was made with other stimuli.
    """
    folder = live_folder(study, participant)
    record = read_record(folder)
    if bool(record.get("simulated")) != simulated:
        kind = "simulated" if record.get("simulated") else "real"
        raise ValueError(f"participant {participant} is a {kind} one: go on with the same options as before")
    if record["stimuli"] != stimulus_set:
        raise ValueError(
            f"the session of participant {participant} began with other stimuli ({record['stimuli']}) than "
            f"those given now ({stimulus_set}): give the same set"
        )
    if simulated and any(folder.glob("*_amplifier.*")):
        raise ValueError(
            f"the simulated amplifier has ended its recording of participant {participant}, so the session "
            "cannot go on: simulate another participant"
        )
    trials = remaining_trials(folder)
    if not trials:
        raise ValueError(
            f"all trials of participant {participant} were shown: use --close to put them into the dataset"
        )
    rig = rig or rig_from_record(record["rig"])
    return SessionPlan(
        study=study,
        participant=participant,
        person=Person(**record["person"]),
        seed=record["seed"],
        parameters=SessionParameters(**_with_tuples(record["parameters"])),
        rig=rig,
        texts=read_texts(record["language"]),
        videos={video.video: video for video in videos},
        trials=trials,
        record={
            **record,
            "rig": dataclasses.asdict(rig),
            "earlier_rigs": [*record.get("earlier_rigs", []), record["rig"]],
            "resumed": [*record.get("resumed", []), trials[0].trial],
        },
        simulated=simulated,
        start_s=_resumed_clock_s(folder, record),
        resumed=True,
    )


def _with_tuples(values: dict[str, Any]) -> dict[str, Any]:
    """Give back the tuples, which JSON writes as lists."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}


def refuse_existing(study: Path, participant: str) -> None:
    """Raise FileExistsError if the participant has left any trace in the study."""
    label = participant_label(participant)
    listed = study / "participants.tsv"
    traces = [study / label, live_folder(study, participant)]
    if any(path.exists() for path in traces) or (
        listed.is_file() and any(row.get("participant_id") == label for row in read_table(listed))
    ):
        raise FileExistsError(
            f"participant {participant} exists in {study}, and nothing is ever written over: take another "
            "id, or --resume to go on with a session that was stopped"
        )


def write_plan(plan: SessionPlan) -> None:
    """Write the record and the trial list of a new session, before anything else happens."""
    if plan.resumed:
        return
    plan.folder.mkdir(parents=True, exist_ok=True)
    columns = [field.name for field in dataclasses.fields(Trial)]
    write_table(plan.folder / "design.tsv", columns, [vars(trial) for trial in plan.trials])
    write_record(plan.folder, plan.record)


def remaining_trials(folder: Path) -> list[Trial]:
    """Return the trials that a session has not finished; practice is not repeated once a real one is done."""
    done = {(row.practice, row.trial) for row in _read_trials(folder)}
    real_began = any(not practice for practice, _ in done)
    return [
        trial
        for trial in read_design(folder)
        if (trial.practice, trial.trial) not in done and not (trial.practice and real_began)
    ]


def read_design(folder: Path) -> list[Trial]:
    """Read the trial list of a session from ``design.tsv``."""
    path = folder / "design.tsv"
    if not path.is_file():
        raise FileNotFoundError(f"there is no trial list {path}: the session was never started")
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


def read_set(folder: Path) -> tuple[list[StimulusVideo], dict[str, Any]]:
    """Read a stimulus set and check its files against the manifest.

    Returns
    -------
    tuple of list of StimulusVideo and dict
        The videos, and what the session's record says of the set.

    Raises
    ------
    FileNotFoundError
        If there is no set.
    ValueError
        If a file is missing, damaged, or not what the manifest says.
    """
    videos = read_manifest(folder)
    problems = [problem for video in videos for problem in check_video(video, decode=False)]
    if problems:
        raise ValueError(
            f"the stimulus set {folder} is not as it was made, so no session was started:\n  "
            + "\n  ".join(problems)
            + "\nMake it again with: python -m stimuli morph PAIRS.tsv FOLDER"
        )
    return videos, {
        "set": folder.resolve().name,
        "n_videos": len(videos),
        "manifest_sha256": file_sha256(folder / MANIFEST_NAME),
    }


def _read_trials(folder: Path) -> list[TrialRow]:
    path = folder / "trials.tsv"
    return read_rows(path, TrialRow) if path.is_file() else []


def _resumed_clock_s(folder: Path, record: dict[str, Any]) -> float:
    """Go on with the session's clock, at least a second after the last event, if the wall clock was set."""
    path = folder / "events.tsv"
    events = read_rows(path, EventRow) if path.is_file() else []
    last_s = max((event.onset for event in events), default=0.0)
    if record.get("simulated"):
        return last_s + 60.0
    return max(time.time() - float(record["started_unix_s"]), last_s + 1.0)
