"""Descriptors of mouse faces, as numbers: with known expressions, or with none.

Each animal looks like itself, drifts slowly through the session, and moves quickly and at random. An event
adds its expression for a while. Nothing is drawn; `hardware.simulated.mouse_face` does that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

EVENTS = ("neutral", "quinine", "sucrose", "lithium_chloride", "shock", "freezing", "escape")
"""The seven classes of Dolensek et al. (2020), Fig. 1F."""


@dataclass(frozen=True, eq=False)
class SimulatedFaces:
    """Frames around the events of some animals."""

    descriptors: np.ndarray
    """``(n_frames, n_features)``, float32."""
    frames: pd.DataFrame
    """One row per frame: animal, trial, label, intensity, time_s (on the session clock), since_s (from the
    onset of the event) and during (whether the event is on)."""
    expressions: dict[str, np.ndarray]
    """The expression of each event, ``(n_features,)``; zero for neutral."""


def simulate_faces(
    *,
    rng: np.random.Generator,
    n_animals: int = 9,
    events: Sequence[str] = EVENTS,
    n_repeats: int = 3,
    effect: float = 1.0,
    intensities: Sequence[float] = (1.0,),
    n_features: int = 60,
    fs_hz: float = 10.0,
    before_s: float = 4.0,
    during_s: float = 2.0,
    interval_s: float = 90.0,
    drift_sd: float = 1.0,
    drift_s: float = 200.0,
    movement_sd: float = 0.5,
    movement_s: float = 0.5,
    animal_sd: float = 0.3,
    trial_sd: float = 0.3,
    blocked: bool = False,
) -> SimulatedFaces:
    """Simulate the faces of animals around events.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    n_animals, n_repeats, n_features : int
        Size of the study; each event comes ``n_repeats`` times at each intensity.
    events : sequence of str
        Names; ``neutral`` has no expression.
    effect : float
        Size of the expressions (standard deviation over features); 0: the face knows nothing of events.
    intensities : sequence of float
        Factors of the expression.
    fs_hz, before_s, during_s, interval_s : float
        Frames per second, what is kept before and after each onset (s), and time from onset to onset (s).
    drift_sd, drift_s : float
        Size of the slow drift of each feature, and its time constant (s).
    movement_sd, movement_s : float
        Size of quick movements, and their time constant (s).
    animal_sd, trial_sd : float
        How much the size of the expressions differs between animals (for each event) and trials.
    blocked : bool
        Give all trials of an event in a row, so that drift and event cannot be told apart; otherwise every
        event comes once before any comes again, in random order.

    Returns
    -------
    SimulatedFaces
        Frames in the order of time, one animal after the other.
    """
    expressions = {name: rng.normal(0, effect, n_features) * (name != "neutral") for name in events}
    since_s = np.arange(-round(before_s * fs_hz), round(during_s * fs_hz)) / fs_hz
    values, rows = [], []
    for animal in range(n_animals):
        looks = rng.normal(0, 2, n_features)
        size = {name: max(0.0, rng.normal(1, animal_sd)) for name in events}
        order = _order(events, intensities, n_repeats, blocked, rng)
        times_s = np.concatenate([180 + interval_s * trial + since_s for trial in range(len(order))])
        drift = _wandering(times_s, n_features, drift_sd, drift_s, rng)
        face = looks + drift + _wandering(times_s, n_features, movement_sd, movement_s, rng)
        for trial, (name, intensity) in enumerate(order):
            own = slice(trial * len(since_s), (trial + 1) * len(since_s))
            strength = intensity * size[name] * max(0.0, rng.normal(1, trial_sd))
            face[own] += (since_s >= 0)[:, None] * strength * expressions[name]
            about = {"animal": f"m{animal + 1}", "trial": trial, "label": name, "intensity": intensity}
            rows.append(pd.DataFrame({**about, "time_s": times_s[own], "since_s": since_s}))
        values.append(face.astype(np.float32))
    frames = pd.concat(rows, ignore_index=True)
    return SimulatedFaces(np.concatenate(values), frames.assign(during=frames["since_s"] >= 0), expressions)


def _order(
    events: Sequence[str],
    intensities: Sequence[float],
    n_repeats: int,
    blocked: bool,
    rng: np.random.Generator,
) -> list[tuple[str, float]]:
    """Return event and intensity of each trial of an animal."""
    kinds = [(name, intensity) for name in events for intensity in intensities]
    if blocked:
        return [kinds[kind] for kind in rng.permutation(len(kinds)) for _ in range(n_repeats)]
    return [kinds[kind] for _ in range(n_repeats) for kind in rng.permutation(len(kinds))]


def _wandering(
    times_s: np.ndarray, n_features: int, sd: float, constant_s: float, rng: np.random.Generator
) -> np.ndarray:
    """Return an Ornstein-Uhlenbeck process at increasing times, exact for any steps."""
    kept = np.exp(-np.diff(times_s, prepend=-np.inf) / constant_s)
    found = sd * np.sqrt(1 - kept**2)[:, None] * rng.normal(size=(len(times_s), n_features))
    for row in range(1, len(times_s)):
        found[row] += kept[row] * found[row - 1]
    return found
