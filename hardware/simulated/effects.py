"""The truth that simulated data contains: how facial muscles answer to a face that changes.

Everything is in natural-log units of muscle activity relative to the baseline before the video: 0 = as
before, 0.1 = 10.5 % more. An analysis of simulated data must find what `truth` says, and nothing for `none`.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

MUSCLES = ("corrugator", "zygomaticus")
N_WINDOWS = 5
WINDOW_S = 1.0

_GRID_PER_WINDOW = 1000


@dataclasses.dataclass(frozen=True, kw_only=True)
class MimicryEffects:
    """Known mimicry. The defaults have the size of Korb et al. 2023; see `paper` and `none`."""

    slopes: Mapping[str, Mapping[str, float]]
    """Muscle -> expression in which the video ends -> least-squares slope over the five 1 s windows, in log
    units per window. An expression that is not named has no effect."""
    log_rate: float = -0.5
    """Log of the rate (per second) at which the answer approaches its asymptote, the paper's c; our choice
    within its prior, normal(-1, 1): 93 % of the asymptote is reached after 5 s."""
    latency_s: float = 0.5
    """Seconds from video onset to the first change; our choice: the paper's b = 0 lies mid-window 1."""
    group_factors: Mapping[str, float] = dataclasses.field(default_factory=dict)
    """Group code -> factor on all asymptotes; 1 for groups that are not named: no drug does anything."""
    participant_sds: Mapping[str, tuple[float, ...]] = dataclasses.field(
        default_factory=lambda: {
            "corrugator": (0.10, 0.10, 0.0335, 0.0245),
            "zygomaticus": (0.13, 0.10, 0.0455, 0.0262),
        }
    )
    """Muscle -> standard deviations between participants of the level at window 3 (videos that end happy,
    others) and of the slope per window (the same two); the slopes' are chosen to give the standard errors of
    the paper."""
    participant_correlations: tuple[tuple[float, ...], ...] = (
        (1.00, 0.35, 0.45, -0.15),
        (0.35, 1.00, -0.15, 0.40),
        (0.45, -0.15, 1.00, 0.10),
        (-0.15, 0.40, 0.10, 1.00),
    )
    """Correlations of those four between participants; our choice."""
    face_sds: Mapping[str, float] = dataclasses.field(
        default_factory=lambda: {"corrugator": 0.010, "zygomaticus": 0.012}
    )
    """Muscle -> standard deviation of the level between the faces shown; our choice."""
    seed: int = 2023
    """Fixes the faces' own effects, so that a face is the same for every participant."""


def paper(*, group_factors: Mapping[str, float] | None = None) -> MimicryEffects:
    """Effects of the size found by Korb et al. 2023 (Results, Facial EMG), the same in every group.

    Parameters
    ----------
    group_factors : mapping, optional
        Group code -> factor on the effects, for a drug that does something.

    Examples
    --------
    >>> paper().slopes["zygomaticus"]["Happy"]
    0.0187
    """
    slopes = {
        "corrugator": {"Happy": -0.0275, "Angry": 0.0123},
        "zygomaticus": {"Happy": 0.0187, "Angry": -0.0226},
    }
    return MimicryEffects(slopes=slopes, group_factors=dict(group_factors or {}))


def none() -> MimicryEffects:
    """The known null: people, faces and trials differ as they do, but on average nothing is mimicked."""
    return MimicryEffects(slopes={})


def unit_curve(times_s: npt.ArrayLike, *, log_rate: float, latency_s: float) -> npt.NDArray[np.float64]:
    """Approach from 0 to 1: ``1 - exp(-exp(log_rate) * (t - latency))``, and 0 before the latency.

    Parameters
    ----------
    times_s : array_like
        Seconds from video onset.
    log_rate : float
        Log of the rate per second.
    latency_s : float
        Seconds from video onset to the first change.

    Examples
    --------
    >>> unit_curve([0.0, 0.5, 1.5], log_rate=0.0, latency_s=0.5).round(3)
    array([0.   , 0.   , 0.632])
    """
    elapsed_s = np.maximum(0.0, np.asarray(times_s, dtype=float) - latency_s)
    return 1.0 - np.exp(-np.exp(log_rate) * elapsed_s)


def window_means(log_curve: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Average activity in the five windows, as its log: what an analysis computes from a log curve.

    Parameters
    ----------
    log_curve : numpy.ndarray
        Values at `grid_s`.

    Returns
    -------
    numpy.ndarray
        Five log values.
    """
    return np.log(np.exp(log_curve).reshape(N_WINDOWS, -1).mean(axis=1))


def grid_s() -> npt.NDArray[np.float64]:
    """Seconds from video onset at the centres of a fine grid over all windows."""
    n_points = N_WINDOWS * _GRID_PER_WINDOW
    return (np.arange(n_points) + 0.5) * WINDOW_S / _GRID_PER_WINDOW


def slope_per_window(values: npt.ArrayLike) -> float:
    """Least-squares slope of values in successive windows.

    >>> slope_per_window([0.0, 0.1, 0.2, 0.3, 0.4])
    0.1
    """
    centred = np.asarray(values, dtype=float)
    steps = np.arange(len(centred)) - (len(centred) - 1) / 2
    return round(float(steps @ centred / (steps @ steps)), 12)


def unit_window_means(effects: MimicryEffects) -> npt.NDArray[np.float64]:
    """Means of the unit curve in the five windows."""
    return _unit_window_means(effects.log_rate, effects.latency_s)


@functools.cache
def _unit_window_means(log_rate: float, latency_s: float) -> npt.NDArray[np.float64]:
    curve = unit_curve(grid_s(), log_rate=log_rate, latency_s=latency_s)
    means = curve.reshape(N_WINDOWS, -1).mean(axis=1)
    means.setflags(write=False)
    return means


def asymptote(effects: MimicryEffects, muscle: str, direction: str, group: str | None = None) -> float:
    """Log activity that is approached while a video lasts, the paper's a.

    Examples
    --------
    >>> asymptote(paper(), "zygomaticus", "AngryToHappy") > 0.08
    True
    >>> asymptote(none(), "zygomaticus", "AngryToHappy")
    0.0
    """
    slope = effects.slopes.get(muscle, {}).get(last_expression(direction), 0.0)
    factor = effects.group_factors.get(group, 1.0) if group is not None else 1.0
    return factor * slope / slope_per_window(unit_window_means(effects))


def last_expression(direction: str) -> str:
    """Name the expression in which a video ends.

    >>> last_expression("AngryToHappy")
    'Happy'
    """
    first, separator, last = direction.rpartition("To")
    if not (first and separator and last):
        raise ValueError(f"a direction is named like AngryToHappy, not {direction!r}")
    return last


@dataclasses.dataclass(frozen=True)
class MuscleAnswer:
    """One person's answer of one muscle to one kind of video."""

    level: float
    """Log activity that is there from video onset, whatever the face does."""
    asymptote: float
    """Log activity that is approached while the face changes."""


def draw_deviations(effects: MimicryEffects, rng: np.random.Generator) -> dict[str, npt.NDArray[np.float64]]:
    """Draw one person: how far each muscle departs from the average person's.

    Returns
    -------
    dict
        Muscle -> level at window 3 (videos that end happy, others) and slope per window (the same two).
    """
    mix = np.linalg.cholesky(np.array(effects.participant_correlations))
    return {
        muscle: np.array(effects.participant_sds[muscle]) * (mix @ rng.standard_normal(4))
        for muscle in MUSCLES
    }


def personal_answer(
    effects: MimicryEffects,
    deviations: Mapping[str, npt.NDArray[np.float64]],
    muscle: str,
    direction: str,
    *,
    group: str | None = None,
) -> MuscleAnswer:
    """Say how a muscle of the person with these deviations answers to a direction of change.

    Examples
    --------
    >>> average = {"zygomaticus": np.zeros(4)}
    >>> personal_answer(none(), average, "zygomaticus", "AngryToHappy")
    MuscleAnswer(level=0.0, asymptote=0.0)
    """
    unit = unit_window_means(effects)
    column = 0 if last_expression(direction) == "Happy" else 1
    level, slope = float(deviations[muscle][column]), float(deviations[muscle][2 + column])
    own = slope / slope_per_window(unit)
    return MuscleAnswer(
        level=level - own * float(unit[N_WINDOWS // 2]),
        asymptote=own + asymptote(effects, muscle, direction, group),
    )


def face_level(effects: MimicryEffects, muscle: str, face: str) -> float:
    """Log activity that a certain face evokes, the same for every participant and both directions."""
    return effects.face_sds[muscle] * face_normal(effects.seed, muscle, face)


def face_normal(seed: int, *names: str) -> float:
    """Draw a standard normal number that depends on the names alone, on every platform.

    >>> face_normal(1, "id01") == face_normal(1, "id01")
    True
    """
    digest = hashlib.sha256("\t".join([str(seed), *names]).encode()).digest()
    return float(np.random.default_rng(int.from_bytes(digest[:8], "little")).standard_normal())


def truth(effects: MimicryEffects, directions: Sequence[str], groups: Sequence[str] = ()) -> dict[str, Any]:
    """Say what an analysis of data simulated with these effects should find.

    Parameters
    ----------
    effects : MimicryEffects
        The known effects.
    directions : sequence of str
        Directions of the videos, such as AngryToHappy.
    groups : sequence of str
        Group codes; none = one group called ``all``.

    Returns
    -------
    dict
        ``windows`` holds one record per muscle, direction and group: asymptote, five expected log proportions
        of baseline (``log_proportions``) and their ``slope`` per window; beside it the parameters.

    Notes
    -----
    The expected values hold up to a constant that is common to all windows of a muscle: the log of a baseline
    that is estimated from 500 ms of noise is a little below the log of its mean. Slopes do not depend on it.

    They hold for all trials. Rejecting trials by their own mean and peak, as the paper does, selects on the
    outcome: the trials with the strongest answers go more often, and slopes shrink by 5 to 6 %.
    """
    curve = unit_curve(grid_s(), log_rate=effects.log_rate, latency_s=effects.latency_s)
    windows = []
    for muscle in MUSCLES:
        for direction in directions:
            for group in groups or (None,):
                reached = asymptote(effects, muscle, direction, group)
                means = window_means(reached * curve)
                windows.append(
                    {
                        "muscle": muscle,
                        "emotion": direction,
                        "group": group or "all",
                        "asymptote": reached,
                        "log_proportions": [round(float(value), 9) for value in means],
                        "slope": slope_per_window(means),
                    }
                )
    return {"simulated": True, "windows": windows, "effects": dataclasses.asdict(effects)}


def write_truth(
    study: Path, effects: MimicryEffects, directions: Sequence[str], groups: Sequence[str] = ()
) -> Path:
    """Write `truth` to ``STUDY/sourcedata/simulation_truth.json``.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    FileExistsError
        If the study already has another truth: participants of two truths must not be mixed.
    """
    path = study / "sourcedata" / "simulation_truth.json"
    text = json.dumps(truth(effects, directions, groups), indent=2) + "\n"
    if path.exists():
        if path.read_text(encoding="utf-8") != text:
            raise FileExistsError(f"{path} holds other effects: simulate these into a new study folder")
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8", newline="\n") as file:
        file.write(text)
    return path
