"""Whole studies as tables, without signals: for simulation studies with hundreds of them.

The effects are those of `hardware.simulated.effects`, which the simulated amplifier records too, so that a
table and an analysed recording have the same expectation.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from hardware.simulated.effects import (
    MUSCLES,
    N_WINDOWS,
    MimicryEffects,
    draw_deviations,
    face_level,
    personal_answer,
    unit_window_means,
)
from hardware.simulated.participant import SimulatedParticipant

TRIAL_SDS = {"corrugator": 0.12, "zygomaticus": 0.16}
"""Muscle -> standard deviation of a trial's level (its baseline is only 500 ms); our choice."""

RESIDUAL_SDS = {"corrugator": 0.12, "zygomaticus": 0.16}
"""Muscle -> standard deviation of a window around its trial; our choice."""

VIDEO_S = 5.0


def simulate_windows(
    effects: MimicryEffects,
    *,
    n_participants: int,
    groups: Sequence[str] = ("A", "B", "C"),
    directions: Sequence[str] = ("AngryToHappy", "HappyToAngry"),
    n_faces: int = 12,
    n_trials_per_cell: int = 4,
    rejected: float = 0.15,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Simulate the table that the analysis of a study's EMG ends in.

    Parameters
    ----------
    effects : MimicryEffects
        The known effects.
    n_participants : int
        Number of participants, divided among the groups as equally as possible.
    groups : sequence of str
        Group codes.
    directions : sequence of str
        The videos' directions, at least one.
    n_faces : int
        Number of faces, each in every direction.
    n_trials_per_cell : int
        Trials of each face in each direction.
    rejected : float
        Proportion of a muscle's trials that are missing at random, as after the rejection of outliers.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    pandas.DataFrame
        participant, group, emotion, face, trial, muscle, window (1 to 5), emg (log proportion of baseline);
        one row per kept trial, muscle and window.

    Examples
    --------
    >>> from hardware.simulated import effects
    >>> table = simulate_windows(effects.paper(), n_participants=2, rejected=0, rng=np.random.default_rng(1))
    >>> len(table) == 2 * 96 * 2 * 5
    True
    """
    if n_participants < 1 or not groups or not directions or n_faces < 1 or n_trials_per_cell < 1:
        raise ValueError(
            "a study needs participants, groups, directions, faces and trials: at least one of each"
        )
    allocation = rng.permutation(np.resize(np.arange(len(groups)), n_participants))
    faces = [f"id{number:02d}" for number in range(1, n_faces + 1)]
    cells = np.array(
        [(face, way) for face in range(n_faces) for way in range(len(directions))] * n_trials_per_cell
    )
    unit = unit_window_means(effects)
    face_levels = {
        muscle: np.array([face_level(effects, muscle, face) for face in faces]) for muscle in MUSCLES
    }
    people, orders, values = [], [], []
    for person in range(n_participants):
        order = rng.permutation(len(cells))
        deviations = draw_deviations(effects, rng)
        for muscle in MUSCLES:
            expected = _expected(effects, deviations, muscle, directions, groups[allocation[person]], unit)
            emg = expected[cells[order, 1]] + face_levels[muscle][cells[order, 0], None]
            emg += rng.normal(0, TRIAL_SDS[muscle], (len(order), 1))
            emg += rng.normal(0, RESIDUAL_SDS[muscle], emg.shape)
            emg[rng.random(len(order)) < rejected] = np.nan
            values.append(emg)
        people.append(person)
        orders.append(order)
    return _table(np.array(values), np.array(orders), allocation, cells, faces, groups, directions)


def simulate_response_times(
    effects: MimicryEffects,
    *,
    n_participants: int,
    groups: Sequence[str] = ("A", "B", "C"),
    directions: Sequence[str] = ("AngryToHappy", "HappyToAngry"),
    n_faces: int = 12,
    n_trials_per_cell: int = 4,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Simulate the responses of a study: the simulated participant's, without a session around them.

    Parameters
    ----------
    effects : MimicryEffects
        Effects on the faces' muscles; response times do not depend on them.
    n_participants, groups, directions, n_faces, n_trials_per_cell
        As in `simulate_windows`.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    pandas.DataFrame
        participant, group, emotion, face, trial, response_key, response_time (s, NaN without a press),
        response_count; one row per trial.
    """
    allocation = rng.permutation(np.resize(np.arange(len(groups)), n_participants))
    cells = [
        (f"id{face:02d}", way) for face in range(1, n_faces + 1) for way in directions
    ] * n_trials_per_cell
    rows = []
    for number, group in enumerate(allocation, start=1):
        person = SimulatedParticipant(effects=effects, group=groups[group], rng=rng.spawn(1)[0])
        for trial, cell in enumerate(rng.permutation(len(cells)), start=1):
            face, way = cells[cell]
            presses = person.watch(face=face, direction=way, onset_s=0.0, duration_s=VIDEO_S)
            first = presses[0] if presses else None
            rows.append(
                (
                    f"{number:03d}",
                    groups[group],
                    way,
                    face,
                    trial,
                    first.key if first else None,
                    first.time_s if first else np.nan,
                    len(presses),
                )
            )
    names = ["participant", "group", "emotion", "face", "trial"]
    names += ["response_key", "response_time", "response_count"]
    return pd.DataFrame(rows, columns=names)


def _expected(
    effects: MimicryEffects,
    deviations: dict[str, npt.NDArray[np.float64]],
    muscle: str,
    directions: Sequence[str],
    group: str,
    unit: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """One person's expected values, shape (n_directions, n_windows)."""
    answers = [personal_answer(effects, deviations, muscle, way, group=group) for way in directions]
    return np.array([answer.level + answer.asymptote * unit for answer in answers])


def _table(
    values: npt.NDArray[np.float64],
    orders: npt.NDArray[np.int64],
    allocation: npt.NDArray[np.int64],
    cells: npt.NDArray[np.int64],
    faces: Sequence[str],
    groups: Sequence[str],
    directions: Sequence[str],
) -> pd.DataFrame:
    """Make the long table out of values (n_participants * n_muscles, n_trials, n_windows)."""
    n_participants, n_trials = orders.shape
    shape = (n_participants, len(MUSCLES), n_trials, N_WINDOWS)
    kept = np.flatnonzero(np.isfinite(values).ravel())
    person, muscle, trial, window = np.unravel_index(kept, shape)
    shown = cells[orders[person, trial]]
    names = np.array([f"{number:03d}" for number in range(1, n_participants + 1)], dtype=object)
    return pd.DataFrame(
        {
            "participant": names[person],
            "group": np.array(groups, dtype=object)[allocation[person]],
            "emotion": np.array(directions, dtype=object)[shown[:, 1]],
            "face": np.array(faces, dtype=object)[shown[:, 0]],
            "trial": trial + 1,
            "muscle": np.array(MUSCLES, dtype=object)[muscle],
            "window": window + 1,
            "emg": values.ravel()[kept],
        }
    )
