"""What a simulated mouse's face can do, which expressions are made of it, and when they come and go.

The expressions follow the descriptions of Dolensek et al. (2020): pleasure with ears and nose forward,
disgust with an open mouth, pain with a shut eye and bulging cheeks, malaise with a half shut eye and parts
that hang, passive fear with flat ears and a still face; active fear has parts of disgust and pain. How far
each part moves is our choice, set so that an expression changes the correlation of HOG descriptors by about
0.07.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

ACTIONS = (
    "ear_back", "ear_flat", "brow", "nose_up", "nose_bulge", "pad_bulge", "jaw_open", "cheek_bulge",
    "squint", "whiskers_forward",
)  # fmt: skip
"""Movements of the face. The last two are no movements of the skin: closing the eye, and the whiskers."""
EXPRESSIONS = {
    "pleasure": (-0.7, 0.0, -0.2, -0.5, 0.6, 0.3, 0.35, 0.2, -0.1, 0.8),
    "disgust": (0.5, 0.2, 0.3, 0.8, 0.2, -0.5, 1.0, -0.3, 0.25, -0.4),
    "pain": (0.9, 0.3, 0.9, 0.1, 0.8, 0.7, 0.1, 1.0, 0.75, -0.9),
    "malaise": (0.1, 1.0, 0.4, -0.9, -0.4, -0.4, 0.2, -0.6, 0.5, -0.6),
    "active_fear": (0.8, -0.6, 0.2, 0.6, 0.4, 0.0, 0.55, 0.3, -0.3, 0.3),
    "passive_fear": (1.0, 0.7, -0.7, 0.2, -0.6, 0.2, -0.2, 0.4, -0.35, 0.5),
}
"""Expression -> how strongly each action takes part."""
EXPRESSION_OF_EVENT = {
    "sucrose": "pleasure",
    "quinine": "disgust",
    "tail_shock": "pain",
    "lithium": "malaise",
    "escape": "active_fear",
    "freezing": "passive_fear",
}
"""Event -> expression: the contingencies of Dolensek et al. (2020)."""
RISE_S, FALL_S = 0.35, 0.8
"""Time constants with which an expression appears and fades. Our choice."""
SHARE_WITHIN_5_S = 0.9
"""Share of the expressions that begin within 5 s of the event (Dolensek et al. 2020)."""
DURATIONS_S = ((1.2, 5.0, 0.60), (5.0, 15.0, 0.23), (15.0, 30.0, 0.17))
"""From, to, share: how long expressions last (Dolensek et al. 2020; the last limit is our choice)."""


@dataclass(frozen=True)
class Episode:
    """One expression: what it is, when it is there, and how strong."""

    expression: str
    """One of `EXPRESSIONS`."""
    start_s: float
    """When it begins, on the session's clock."""
    duration_s: float
    """Until it begins to fade."""
    strength: float
    """1 is a full expression of an average animal."""
    trial: int | None = None
    """The trial it answers to, from 1; None if it came by itself."""


def draw_latency_s(rng: np.random.Generator) -> float:
    """Draw how long after an event its expression begins (s); nine in ten within 5 s."""
    if rng.random() < SHARE_WITHIN_5_S:
        return float(min(0.15 + rng.exponential(0.8), 4.9))
    return float(rng.uniform(5.0, 9.0))


def draw_duration_s(rng: np.random.Generator) -> float:
    """Draw how long an expression lasts (s)."""
    row = rng.choice(len(DURATIONS_S), p=[share for _, _, share in DURATIONS_S])
    low_s, high_s, _ = DURATIONS_S[row]
    return float(rng.uniform(low_s, high_s))


def animal_patterns(rng: np.random.Generator, *, spread: float = 0.16) -> dict[str, np.ndarray]:
    """Draw how one animal does each expression.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    spread : float
        Standard deviation between animals, relative to the strongest action.

    Returns
    -------
    dict of numpy.ndarray
        Expression -> weight of each action, shape ``(n_actions,)``.
    """
    overall = float(np.clip(rng.normal(1.0, 0.12), 0.6, 1.4))
    return {
        name: overall * (np.asarray(pattern) + spread * rng.normal(size=len(ACTIONS)))
        for name, pattern in EXPRESSIONS.items()
    }


def strength_course(episodes: Sequence[Episode], times_s: np.ndarray) -> np.ndarray:
    """Return how strong each expression is at each time.

    Parameters
    ----------
    episodes : sequence of Episode
        The expressions.
    times_s : numpy.ndarray
        Shape ``(n_times,)``, increasing.

    Returns
    -------
    numpy.ndarray
        Shape ``(n_times, n_expressions)``, in the order of `EXPRESSIONS`.

    Raises
    ------
    ValueError
        If there is no such expression.

    Examples
    --------
    >>> course = strength_course([Episode("pain", 1.0, 3.0, 0.5)], np.array([0.0, 3.9, 30.0]))
    >>> course[:, list(EXPRESSIONS).index("pain")].round(2).tolist()
    [0.0, 0.5, 0.0]
    """
    course = np.zeros((len(times_s), len(EXPRESSIONS)))
    order = list(EXPRESSIONS)
    for episode in episodes:
        if episode.expression not in EXPRESSIONS:
            raise ValueError(f"there is no expression {episode.expression!r}: expected one of {order}")
        end_s = episode.start_s + episode.duration_s
        rows = slice(*np.searchsorted(times_s, (episode.start_s, end_s + 8 * FALL_S)))
        since_s = times_s[rows] - episode.start_s
        risen = 1 - np.exp(-np.minimum(since_s, episode.duration_s) / RISE_S)
        left = np.exp(-np.maximum(times_s[rows] - end_s, 0.0) / FALL_S)
        column = order.index(episode.expression)
        course[rows, column] = np.maximum(course[rows, column], episode.strength * risen * left)
    return course
