"""Studies like those of Dolensek et al. (2020): which sessions, which stimuli, and what they do to the face.

Stimuli and numbers of repeats are the paper's. Intensities that its text does not give are our choice, as is
how strong each expression is; with strength 0 nothing follows any event.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from hardware.simulated.mouse_behaviour import Moment
from hardware.simulated.mouse_expressions import EXPRESSIONS, Episode, draw_duration_s, draw_latency_s

LEAST_SPACING_S = 6.0
"""Trials that come faster would run into one another."""


@dataclass(frozen=True)
class Stimulus:
    """Something that happens to the animal, and what its face makes of it."""

    event: str
    """Its name."""
    expression: str | None = None
    """One of `mouse_expressions.EXPRESSIONS`; None if the face does nothing."""
    strength: float = 1.0
    """How strong the expression is in an average animal."""
    intensity: float = float("nan")
    """Of the stimulus."""
    unit: str = "n/a"
    """Of the intensity."""
    duration_s: float = 2.0
    """How long it lasts (2 s in the paper)."""
    device: str = ""
    """What the rig reports: ``valve``, ``shocker``, ``laser``, ``injection``; empty if there is nothing."""
    laser: bool = False
    """Whether the laser is on."""


@dataclass(frozen=True)
class SessionKind:
    """A session of a study."""

    name: str
    """Its name in file names."""
    description: str
    """What is done, in a sentence."""
    stimuli: tuple[Stimulus, ...]
    """What happens, each as often as there are repeats."""
    condition: str = "n/a"
    """State of the animal."""
    imaging: bool = False
    """Whether neurons are recorded."""
    site: str = ""
    """Where light is delivered: ``pIC``, ``aIC``, ``VP`` or ``aIC to BLA``; 'varies' gives each animal its
    own site, and a group, ChR2 or eYFP."""


def _sucrose(strength: float, percent: float = 20.0, expression: str = "pleasure") -> Stimulus:
    return Stimulus("sucrose", expression, strength, percent, "% w/v", device="valve")


def _quinine(strength: float, mm: float = 10.0, *, laser: bool = False) -> Stimulus:
    return Stimulus("quinine", "disgust", strength, mm, "mM", device="valve", laser=laser)


def _shock(strength: float, ma: float = 0.5) -> Stimulus:
    return Stimulus("tail_shock", "pain", strength, ma, "mA", device="shocker")


def _water(strength: float) -> Stimulus:
    return Stimulus("water", "pleasure", strength, device="valve")


EMOTIONS = SessionKind(
    "emotions",
    "Seven events, each three times: neutral, sucrose, quinine, tail shock, lithium, escape, freezing",
    (
        Stimulus("neutral"),
        _sucrose(1.0),
        _quinine(1.0),
        _shock(1.0),
        Stimulus("lithium", "malaise", device="injection"),
        Stimulus("escape", "active_fear"),
        Stimulus("freezing", "passive_fear"),
    ),
)
"""Fig. 1 to 3B."""
STUDIES: dict[str, tuple[SessionKind, ...]] = {
    "emotions": (EMOTIONS,),
    "graded": (
        SessionKind(
            "graded",
            "Tail shocks, sucrose and quinine of three intensities each",
            (
                *(_shock(s, ma) for s, ma in ((0.35, 0.1), (0.7, 0.3), (1.0, 0.5))),
                *(_sucrose(s, percent) for s, percent in ((0.35, 1.0), (0.7, 4.0), (1.0, 20.0))),
                *(_quinine(s, mm) for s, mm in ((0.35, 0.1), (0.7, 1.0), (1.0, 10.0))),
            ),
        ),
    ),
    "salt": (
        SessionKind(
            "salt",
            "Salt at a concentration that mice like and at one that they do not",
            (
                Stimulus("salt", "pleasure", 0.8, 75.0, "mM", device="valve"),
                Stimulus("salt", "disgust", 0.9, 500.0, "mM", device="valve"),
            ),
        ),
    ),
    "thirst": (
        SessionKind("thirsty", "Water and sucrose when thirsty", (_sucrose(1.0), _water(0.75)), "thirsty"),
        SessionKind("quenched", "Water and sucrose when quenched", (_sucrose(0.4), _water(0.15)), "quenched"),
    ),
    "aversion": (
        SessionKind("before", "Sucrose before conditioned taste aversion", (_sucrose(0.9),), "before"),
        SessionKind(
            "after",
            "Sucrose after conditioned taste aversion",
            (_sucrose(0.8, expression="disgust"),),
            "after",
        ),
    ),
    "optogenetics": (
        SessionKind(
            "optogenetics",
            "Light on the insular cortex or the ventral pallidum",
            (Stimulus("laser", device="laser", laser=True),),
            site="varies",
        ),
    ),
    "pathway": (
        SessionKind(
            "pathway",
            "Quinine with and without light on the pathway from the anterior insula to the amygdala",
            (_quinine(1.0), _quinine(0.4, laser=True)),
            site="aIC to BLA",
        ),
    ),
    "imaging": (
        SessionKind(
            "imaging",
            "Quinine and sucrose while neurons of the posterior insular cortex are recorded",
            (_quinine(1.0), _sucrose(1.0)),
            imaging=True,
        ),
    ),
}
"""Name of a part of the paper -> its sessions. Graded: Fig. 2D; salt: 2E; thirst: 2F; aversion: 2G;
optogenetics: 3C-G; pathway: 3H-I; imaging: Fig. 4."""
SITES = {"pIC": "disgust", "aIC": "pleasure", "VP": "pleasure"}
"""Where light is delivered -> the expression that it evokes (Fig. 3F)."""


def site_and_group(kind: SessionKind, number: int) -> tuple[str | None, str | None]:
    """Return where an animal has its fibre and what it expresses.

    Parameters
    ----------
    kind : SessionKind
        The session.
    number : int
        Number of the animal, from 1; sites take turns, then groups.

    Examples
    --------
    >>> [site_and_group(STUDIES["optogenetics"][0], number) for number in (1, 2, 4)]
    [('pIC', 'ChR2'), ('aIC', 'ChR2'), ('pIC', 'eYFP')]
    """
    if kind.site != "varies":
        return kind.site or None, "ChR2" if kind.site else None
    group, site = divmod(number - 1, len(SITES))
    return list(SITES)[site], ("ChR2", "eYFP")[group % 2]


def plan_trials(
    kind: SessionKind, *, duration_s: float, repeats: int, rng: np.random.Generator
) -> tuple[pd.DataFrame, list[Stimulus]]:
    """Lay the trials of a session out in time: in random blocks, each stimulus once per block.

    Parameters
    ----------
    kind : SessionKind
        The session.
    duration_s : float
        Length of the session (s).
    repeats : int
        How often each stimulus comes.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    tuple
        The table of trials, and the stimulus of each row.

    Raises
    ------
    ValueError
        If the session is too short for its trials.
    """
    n_trials = len(kind.stimuli) * repeats
    lead_in_s = min(60.0, 0.1 * duration_s)
    spacing_s = (duration_s - lead_in_s) / max(n_trials, 1)
    if spacing_s < LEAST_SPACING_S:
        least = n_trials * LEAST_SPACING_S / 0.9 / 60
        raise ValueError(
            f"{n_trials} trials do not fit into {duration_s / 60:.1f} min: session '{kind.name}' needs at "
            f"least {np.ceil(10 * least) / 10:.1f} min, or fewer repeats"
        )
    order = [kind.stimuli[i] for _ in range(repeats) for i in rng.permutation(len(kind.stimuli))]
    rows = []
    came: dict[tuple[str, float, bool], int] = {}
    for trial, stimulus in enumerate(order):
        onset_s = lead_in_s + spacing_s * (trial + float(rng.uniform(0, 0.3)))
        key = (
            stimulus.event,
            stimulus.intensity if stimulus.intensity == stimulus.intensity else -1.0,
            stimulus.laser,
        )
        came[key] = came.get(key, 0) + 1
        rows.append(
            {
                "start_time": onset_s,
                "stop_time": onset_s + stimulus.duration_s,
                "stimulus": stimulus.event,
                "intensity": stimulus.intensity,
                "unit": stimulus.unit,
                "repeat": came[key],
                "laser": stimulus.laser,
                "condition": kind.condition,
            }
        )
    return pd.DataFrame(rows), order


def plan_face(
    trials: pd.DataFrame,
    order: Sequence[Stimulus],
    *,
    duration_s: float,
    strength: float,
    site: str | None,
    group: str | None,
    rng: np.random.Generator,
) -> tuple[list[Episode], list[Moment]]:
    """Draw the expressions and the licking of a session.

    Parameters
    ----------
    trials, order
        From `plan_trials`.
    duration_s : float
        Length of the session (s).
    strength : float
        What the strength of every expression is multiplied with; 0 is the null: expressions and licking are
        as many, but come at random times and in random order.
    site, group : str or None
        From `site_and_group`.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    tuple of list
        Expressions and bouts of licking; a few come without any reason.
    """
    onsets_s = trials["start_time"].to_numpy(float)
    room_s = 0.75 * float(np.min(np.diff(np.append(onsets_s, duration_s))))
    episodes, licking = [], []
    for trial, (stimulus, onset_s) in enumerate(zip(order, onsets_s.tolist(), strict=True), start=1):
        expression = _evoked(stimulus, site, group)
        latency_s, lasting_s = draw_latency_s(rng), draw_duration_s(rng)
        own = stimulus.strength * float(rng.lognormal(0, 0.2)) * (strength or 1.0)
        if expression is not None:
            start_s = onset_s + min(latency_s, 0.5 * room_s)
            lasting_s = min(lasting_s, room_s)
            episodes.append(Episode(expression, start_s, lasting_s, own, trial))
        if stimulus.device == "valve":
            licking.append(
                Moment("licking", onset_s + float(rng.uniform(0.1, 0.4)), float(rng.uniform(1, 3)))
            )
    if strength == 0:
        episodes = [_anywhere(episode, duration_s, rng) for episode in episodes]
        licking = [
            Moment(bout.kind, float(rng.uniform(0, duration_s - bout.duration_s)), bout.duration_s)
            for bout in licking
        ]
    for start_s in rng.uniform(0, duration_s, rng.poisson(0.3 * duration_s / 60)).tolist():
        expression = list(EXPRESSIONS)[rng.integers(len(EXPRESSIONS))]
        episodes.append(Episode(expression, start_s, draw_duration_s(rng), float(rng.uniform(0.2, 0.6))))
    return episodes, licking


def _evoked(stimulus: Stimulus, site: str | None, group: str | None) -> str | None:
    """Expression that a stimulus evokes; light alone does it only where there is a channel for it."""
    if stimulus.event == "laser":
        return SITES.get(site or "") if group == "ChR2" else None
    return stimulus.expression


def _anywhere(episode: Episode, duration_s: float, rng: np.random.Generator) -> Episode:
    """The same amount of expression, at a random time and of a random kind."""
    return Episode(
        list(EXPRESSIONS)[rng.integers(len(EXPRESSIONS))],
        float(rng.uniform(0, max(duration_s - episode.duration_s, 0.1))),
        episode.duration_s,
        episode.strength,
    )
