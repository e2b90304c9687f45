"""A whole simulated study: participants in blind groups, with mimicry that is known."""

from __future__ import annotations

import functools
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from experiments.dataset import bids
from experiments.dataset.phenotype import add_measurement
from experiments.dataset.tables import write_table
from experiments.mimicry.design import shuffled
from experiments.mimicry.parameters import SessionParameters
from experiments.mimicry.plan import Person, SessionPlan, Stimulus, plan_session
from experiments.mimicry.run import run_plan
from experiments.mimicry.simulated import simulated_devices, simulated_person
from experiments.mimicry.simulated.people import mood_answers, session_answers
from hardware.settings import RigSettings
from hardware.simulated import effects as mimicry_effects

GROUPS = ("A", "B", "C")
DRUGS = ("amisulpride", "naltrexone", "placebo")
"""Groups of Korb et al. (2023); in the simulation no drug does anything."""

KEY_NAME = "group_key.tsv"
"""The sealed key in ``sourcedata``: which code is which drug. Only unblinding reads it."""

N_PROCESSES = 2


def simulate_study(
    study: Path,
    *,
    n_participants: int,
    seed: int,
    videos: Sequence[Stimulus],
    stimulus_set: dict[str, Any],
    parameters: SessionParameters,
    rig: RigSettings,
    language: str,
    null: bool,
    n_trials: int | None = None,
) -> Iterator[str]:
    """Simulate a study with three groups of equal size, as far as the number divides.

    Parameters
    ----------
    study : Path
        A new or empty folder.
    n_participants : int
        Number of participants.
    seed : int
        Everything follows from it.
    videos, stimulus_set, parameters, rig, language, n_trials
        As for one session.
    null : bool
        Whether nothing is mimicked.

    Yields
    ------
    str
        The id of each participant, as the sessions are done.

    Raises
    ------
    FileExistsError
        If the study has participants already.
    """
    if (study / "sourcedata").exists():
        raise FileExistsError(f"{study} has participants already: simulate a study into a new folder")
    plan = functools.partial(
        plan_session,
        study,
        videos=list(videos),
        stimulus_set=stimulus_set,
        parameters=parameters,
        rig=rig,
        language=language,
        simulated=True,
        n_trials=n_trials,
        remarks={"null": null},
    )
    plan("001", person=Person(), seed=seed)  # what does not fit is told before anything is written
    bids.create_study(study, name=study.resolve().name, simulated=True)
    rng = np.random.default_rng([seed, 3])
    groups = shuffled([GROUPS[index % len(GROUPS)] for index in range(n_participants)], rng)
    write_key(study, shuffled(DRUGS, rng))
    effects = mimicry_effects.none() if null else mimicry_effects.paper()
    mimicry_effects.write_truth(study, effects, sorted({video.direction for video in videos}), GROUPS)
    people = []
    for number, group in enumerate(groups, start=1):
        own_seed = int(np.random.SeedSequence([seed, 4, number]).generate_state(1)[0])
        drawn = simulated_person(own_seed, effects=effects, group=group)
        person = Person(age=drawn.age, sex=drawn.sex, group=group)
        bids.add_participant(study, f"{number:03}", age=person.age, sex=person.sex, group=person.group)
        add_answers(study, f"{number:03}", person, np.random.default_rng([own_seed, 5]))
        people.append((f"{number:03}", person, own_seed))
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=N_PROCESSES, mp_context=context) as pool:
        yield from pool.map(functools.partial(simulate_participant, plan), *zip(*people, strict=True))


def simulate_participant(
    plan: Callable[..., SessionPlan], participant: str, person: Person, seed: int
) -> str:
    """Simulate one session of a study and return the participant's id."""
    run_plan(plan(participant, person=person, seed=seed), simulated_devices)
    return participant


def add_answers(study: Path, participant: str, person: Person, rng: np.random.Generator) -> None:
    """Add what the participant answers beside the task: mood before and after the pill, body, guess."""
    add_measurement(study, "panas", participant, mood_answers(rng), simulated=True)
    answers = session_answers(rng, sex=person.sex, drugs=DRUGS)
    add_measurement(study, "session", participant, answers, simulated=True)


def write_key(study: Path, drugs: Sequence[str]) -> None:
    """Write the sealed key: group code and drug."""
    folder = study / "sourcedata"
    folder.mkdir(exist_ok=True)
    rows = [{"group": group, "drug": drug} for group, drug in zip(GROUPS, drugs, strict=True)]
    write_table(folder / KEY_NAME, ("group", "drug"), rows)
