"""A whole simulated study: mice before a camera, with expressions and neurons that are known."""

from __future__ import annotations

import functools
import json
import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pandas as pd

from experiments.dataset.durable import write_whole
from experiments.dataset.nwb import Animal, CameraVideo, Neurons, SessionFacts, write_session
from experiments.dataset.tables import write_table
from hardware.simulated import mouse_behaviour, mouse_calcium, mouse_expressions, mouse_study, mouse_video
from hardware.simulated.mouse_behaviour import FaceCourse
from hardware.simulated.mouse_expressions import EXPRESSIONS, Episode
from hardware.simulated.mouse_face import MouseFace
from hardware.simulated.mouse_study import SessionKind, Stimulus
from hardware.simulated.mouse_texture import draw_traits

RECORD = "simulation.json"
"""File of a simulated study that says what it was made of."""
TRUTH = "truth"
"""Folder of a simulated study with what no analysis may read."""
TRUTH_COLUMNS = {
    "trial": "trial that the expression answers to, from 1; n/a if it came by itself",
    "expression": "which expression",
    "start_s": "when it begins, in seconds from the start of the session",
    "duration_s": "seconds until it begins to fade",
    "strength": "1 is a full expression of an average animal",
}
"""Columns of the tables of expressions in `TRUTH`."""
FIRST_DAY = datetime(2020, 4, 3, 9, 0, tzinfo=timezone.utc)
"""When the first session of a simulated study begins: the day on which the paper appeared."""
MICROSCOPE_HZ = 10.0
"""Frames per second of the simulated microscope. Our choice."""


@dataclass(frozen=True)
class StudySettings:
    """What a simulated study is made of; the same settings give the same videos and tables."""

    n_animals: int = 9
    """Number of animals."""
    parts: tuple[str, ...] = ("emotions",)
    """Parts of the paper, from `mouse_study.STUDIES`."""
    minutes: float = 20.0
    """Length of each session."""
    fps: float = 30.0
    """Frames per second."""
    repeats: int = 3
    """How often each stimulus comes in a session."""
    strength: float = 1.0
    """Strength of all expressions; 0 is the null, in which nothing follows any event."""
    seed: int = 1
    """Everything follows from it."""
    width_px: int = 640
    """Width of the video."""
    height_px: int = 480
    """Height of the video."""
    noise_sd: float = 2.0
    """Noise of the camera (grey levels)."""
    n_neurons: int = 300
    """Neurons per animal, in sessions with imaging."""

    def kinds(self) -> list[SessionKind]:
        """Return the sessions of each animal, in their order.

        Raises
        ------
        ValueError
            If there is no such part.
        """
        unknown = [part for part in self.parts if part not in mouse_study.STUDIES]
        if unknown:
            raise ValueError(f"there is no part {unknown[0]!r}: expected {', '.join(mouse_study.STUDIES)}")
        return [kind for part in self.parts for kind in mouse_study.STUDIES[part]]


def simulate_study(study: Path, settings: StudySettings, *, n_processes: int | None = None) -> Iterator[Path]:
    """Simulate a study, or go on with one that was interrupted.

    Parameters
    ----------
    study : Path
        A new or empty folder, or one with an unfinished simulation of the same settings.
    settings : StudySettings
        What it is made of.
    n_processes : int, optional
        How many sessions are made side by side; as many as the machine has cores, if not given.

    Yields
    ------
    Path
        The file of each session, as they are done.

    Raises
    ------
    FileExistsError
        If the folder holds something else.
    ValueError
        If settings do not fit one another.
    """
    if settings.n_animals < 1 or settings.repeats < 1 or not settings.strength >= 0:
        raise ValueError("a study has at least one animal and one repeat, and a strength of 0 or more")
    kinds = settings.kinds()
    for kind in kinds:  # what does not fit is told before anything is written
        rng = np.random.default_rng(0)
        mouse_study.plan_trials(kind, duration_s=60 * settings.minutes, repeats=settings.repeats, rng=rng)
    mouse_video.camera_times(60 * settings.minutes, fps=settings.fps, rng=np.random.default_rng(0))
    _open_study(study, settings)
    jobs = [(number, index) for index in range(len(kinds)) for number in range(1, settings.n_animals + 1)]
    make = functools.partial(simulate_session, study, settings)
    n_processes = min(n_processes or os.cpu_count() or 1, len(jobs))
    if n_processes == 1:
        yield from (make(number, index) for number, index in jobs)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=n_processes, mp_context=context) as pool:
        yield from pool.map(make, *zip(*jobs, strict=True))


def simulate_session(study: Path, settings: StudySettings, number: int, index: int) -> Path:
    """Simulate one session of one animal, unless it is there already, and return its file.

    Parameters
    ----------
    study : Path
        The study.
    settings : StudySettings
        What it is made of.
    number : int
        Number of the animal, from 1.
    index : int
        Number of the session, from 0.
    """
    kind, animal = settings.kinds()[index], f"m{number:02}"
    name = f"sub-{animal}_ses-{kind.name}"
    folder = study / f"sub-{animal}"
    path = folder / f"{name}.nwb"
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng([settings.seed, number, 100 + index])
    duration_s = 60 * settings.minutes
    trials, order = mouse_study.plan_trials(kind, duration_s=duration_s, repeats=settings.repeats, rng=rng)
    site, group = mouse_study.site_and_group(kind, number)
    episodes, licking = mouse_study.plan_face(
        trials, order, duration_s=duration_s, strength=settings.strength, site=site, group=group, rng=rng
    )
    video, course = _film(folder / f"{name}_face.mkv", settings, number, episodes, licking, rng)
    found = _neurons(course, trials, settings, rng) if kind.imaging else None
    neurons, coding = found if found is not None else (None, None)
    _write_truth(study, name, episodes, coding)
    return write_session(
        path,
        animal=_animal(animal, number, settings, site, group),
        facts=_facts(kind, settings, number, index, site, group),
        trials=trials,
        events=_events(trials, order, course),
        videos=[video],
        neurons=neurons,
    )


def _open_study(study: Path, settings: StudySettings) -> None:
    """Begin a study, or recognise one with the same settings."""
    record = json.dumps({"simulated": True, **asdict(settings)}, indent=2) + "\n"
    path = study / RECORD
    if path.is_file():
        if path.read_text(encoding="utf-8") != record:
            raise FileExistsError(
                f"{study} holds a simulation with other settings (see {RECORD}): simulate into a new folder"
            )
        return
    if study.exists() and any(study.iterdir()):
        raise FileExistsError(f"{study} is not empty: simulate a study into a new folder")
    study.mkdir(parents=True, exist_ok=True)
    write_whole(path, record)


def _film(
    path: Path,
    settings: StudySettings,
    number: int,
    episodes: Sequence[Episode],
    licking: Sequence[mouse_behaviour.Moment],
    rng: np.random.Generator,
) -> tuple[CameraVideo, FaceCourse]:
    """Draw the video of a session; the same animal looks the same in all its sessions."""
    own = np.random.default_rng([settings.seed, number])
    face = MouseFace(draw_traits(own), width=settings.width_px, height=settings.height_px)
    patterns = mouse_expressions.animal_patterns(own)
    n_dropped = round(60 * settings.minutes * settings.fps / 9000)
    times_s = mouse_video.camera_times(60 * settings.minutes, fps=settings.fps, rng=rng, n_dropped=n_dropped)
    course = mouse_behaviour.face_course(times_s, episodes, patterns=patterns, licking=licking, rng=rng)
    path.unlink(missing_ok=True)  # of a run that was killed between the video and the session's file
    frames = mouse_video.film(face, course, noise_sd=settings.noise_sd, rng=rng)
    mouse_video.write_video(frames, times_s, path, fps=settings.fps)
    return CameraVideo("face", path, times_s, settings.width_px, settings.height_px), course


def _events(trials: pd.DataFrame, order: Sequence[Stimulus], course: FaceCourse) -> pd.DataFrame:
    """What the rig reports: deliveries and licks."""
    rows = [
        {"timestamp": onset_s, "duration": lasting_s, "event": stimulus.device, "value": _said(stimulus)}
        for stimulus, onset_s, lasting_s in zip(
            order, trials["start_time"], trials["stop_time"] - trials["start_time"], strict=True
        )
        if stimulus.device
    ]
    rows += [
        {"timestamp": onset_s, "duration": lasting_s, "event": "laser", "value": "light"}
        for onset_s, lasting_s, laser, stimulus in zip(
            trials["start_time"],
            trials["stop_time"] - trials["start_time"],
            trials["laser"],
            order,
            strict=True,
        )
        if laser and stimulus.device != "laser"
    ]
    for bout in course.moments:
        if bout.kind == "licking":
            for at_s in mouse_behaviour.lick_times(bout).tolist():
                rows.append(
                    {
                        "timestamp": at_s,
                        "duration": 0.5 / mouse_behaviour.LICK_HZ,
                        "event": "lick",
                        "value": "n/a",
                    }
                )
    return pd.DataFrame(rows, columns=["timestamp", "duration", "event", "value"])


def _said(stimulus: Stimulus) -> str:
    if stimulus.intensity != stimulus.intensity:
        return stimulus.event
    return f"{stimulus.event} {stimulus.intensity:g} {stimulus.unit}"


def _neurons(
    course: FaceCourse, trials: pd.DataFrame, settings: StudySettings, rng: np.random.Generator
) -> tuple[Neurons, pd.DataFrame]:
    """Simulate the neurons: they follow what the face does, and what the animal meets."""
    times_s = np.arange(0.013, course.times_s[-1], 1 / MICROSCOPE_HZ)
    times_s = times_s + rng.uniform(-1e-4, 1e-4, len(times_s))
    stimuli = {}
    for name, of in trials.groupby("stimulus"):
        starts, stops = of["start_time"].to_numpy(), of["stop_time"].to_numpy()
        on = (times_s[:, None] >= starts) & (times_s[:, None] < stops)
        stimuli[str(name)] = on.any(axis=1).astype(float)
    faces = {
        expression: np.interp(
            times_s, course.times_s, course.expressions[:, list(EXPRESSIONS).index(expression)]
        )
        for name in stimuli
        if (expression := mouse_expressions.EXPRESSION_OF_EVENT.get(name))
    }
    shares = mouse_calcium.SHARES if settings.strength else dict.fromkeys(mouse_calcium.SHARES, 0.0)
    found = mouse_calcium.simulate_neurons(
        times_s, stimuli=stimuli, faces=faces, n_neurons=settings.n_neurons, rng=rng, shares=shares
    )
    location = "Agranular insular area, posterior part"
    return Neurons(found.dff, times_s, found.masks, mouse_calcium.FIELD_PX, location), found.coding


def _write_truth(study: Path, name: str, episodes: Sequence[Episode], coding: pd.DataFrame | None) -> None:
    """Write what only the simulation knows: expressions, and what each neuron codes."""
    folder = study / TRUTH
    folder.mkdir(exist_ok=True)
    rows = [asdict(episode) for episode in sorted(episodes, key=lambda episode: episode.start_s)]
    tables = {"expressions": pd.DataFrame(rows, columns=list(TRUTH_COLUMNS))}
    if coding is not None:
        tables["neurons"] = coding
    for what, table in tables.items():
        path = folder / f"{name}_{what}.tsv"
        path.unlink(missing_ok=True)
        content = table.astype(object).where(table.notna(), None).to_dict("records")
        columns = [str(column) for column in table]
        write_table(path, columns, [{str(key): value for key, value in row.items()} for row in content])


def _animal(animal: str, number: int, settings: StudySettings, site: str | None, group: str | None) -> Animal:
    said = f"Fibre at {site}, expressing {group}. " if site else ""
    return Animal(
        animal,
        sex="FM"[number % 2],
        age=f"P{70 + 3 * number}D",
        genotype="wild type",
        description=said + "Drawn by a program",
    )


def _facts(
    kind: SessionKind, settings: StudySettings, number: int, index: int, site: str | None, group: str | None
) -> SessionFacts:
    notes = {"group": group, "site": site, "seed": settings.seed, "strength": settings.strength}
    return SessionFacts(
        session=kind.name,
        start=FIRST_DAY + timedelta(days=index, minutes=30 * (number - 1)),
        description=kind.description,
        simulated=True,
        experimenter=("Program, Simulation",),
        institution="None",
        lab="None",
        notes={name: value for name, value in notes.items() if value is not None},
    )
