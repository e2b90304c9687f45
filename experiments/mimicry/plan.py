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

from experiments.dataset.answers import answered_columns
from experiments.dataset.rows import MISSING
from experiments.dataset.tables import participant_label, read_table, write_table
from experiments.display import Film
from experiments.mimicry.design import Trial, Video, draw_design
from experiments.mimicry.parameters import SessionParameters, trigger_codes
from experiments.mimicry.progress import DESIGN, design_sha256, was_begun
from experiments.mimicry.texts import Texts, read_texts
from experiments.session import live_folder, software, write_record
from hardware.settings import RigSettings
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
    run: int = 1
    """Which session of this participant, from 1."""
    learn_key: bool = False
    """Whether the first page asks for the response key and learns its name."""

    @property
    def folder(self) -> Path:
        """Where the session is written while it runs."""
        return live_folder(self.study, self.participant, self.run)

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
    run: int = 1,
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
    run : int
        Which session of this participant, from 1.
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
        "run": run,
        "simulated": simulated,
        "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "started_unix_s": round(time.time(), 3),
        "seed": seed,
        "n_trials": sum(not trial.practice for trial in trials),
        "design_sha256": design_sha256(trials),
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
        run=run,
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


def write_plan(plan: SessionPlan) -> None:
    """Write the trial list and the record of a new session, before anything else happens.

    Raises
    ------
    FileExistsError
        If there is a session already.
    """
    if plan.resumed:
        return
    if was_begun(plan.folder):
        raise FileExistsError(f"{plan.folder} has a session already, and nothing is ever written over")
    plan.folder.mkdir(parents=True, exist_ok=True)
    (plan.folder / DESIGN).unlink(missing_ok=True)  # of a session that was killed before it began
    columns = [field.name for field in dataclasses.fields(Trial)]
    write_table(plan.folder / DESIGN, columns, [vars(trial) for trial in plan.trials])
    write_record(plan.folder, plan.record)


def known_person(study: Path, participant: str, given: Person) -> Person:
    """Fill in what is known of a participant already: from ``participants.tsv``, else from answers.

    Raises
    ------
    ValueError
        If it says something else than what is given.
    """
    label, path = participant_label(participant), study / "participants.tsv"
    answered = answered_columns(study, participant)
    rows = read_table(path) if path.is_file() else []
    row = next((row for row in rows if row.get("participant_id") == label), {})
    listed_values = {name: value for name, value in row.items() if value != MISSING}
    said = {name: value for name, value in {**answered, **listed_values}.items() if name in vars(given)}
    known = Person(**{**said, "age": _years(said["age"], path)} if "age" in said else said)
    for name, value in vars(given).items():
        listed = getattr(known, name)
        if None not in (value, listed) and not _same(value, listed):
            source = path if name in listed_values else "a questionnaire"
            raise ValueError(
                f"{source} says that the {name} of participant {participant} is {listed}, not {value}: is it "
                "the right participant? If so, correct one of the two"
            )
    filled = {name: getattr(known, name) for name, value in vars(given).items() if value is None}
    return dataclasses.replace(given, **filled)


def _same(value: Any, listed: Any) -> bool:
    """Say whether two values mean the same; ages are compared in completed years."""
    return int(value) == int(listed) if isinstance(value, (int, float)) else bool(value == listed)


def _years(text: str, path: Path) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{path}: the age must be a number of years, found {text!r}") from None


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
