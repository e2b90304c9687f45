"""What a simulated mouse's face makes of what is delivered, while a session runs.

The runner says what was delivered and when; expressions and licking follow, known and written down. In the
null as much happens on the face, at random times and of random kinds, whatever is delivered.
"""

from __future__ import annotations

import threading

import numpy as np

from hardware.simulated.mouse_behaviour import Moment
from hardware.simulated.mouse_expressions import (
    EXPRESSION_OF_EVENT,
    EXPRESSIONS,
    FALL_S,
    Episode,
    draw_duration_s,
    draw_latency_s,
)

LICKED = ("sucrose", "quinine", "water", "salt")
"""What is licked: liquids at the spout."""
OTHERS = {"shock": "pain", "water": "pleasure"}
"""Stimulus -> expression, beside `EXPRESSION_OF_EVENT`."""
NULL_PER_MIN = 2.0
"""Expressions per minute in the null. Our choice: as many as a schedule with a trial every 30 s evokes."""
LONGEST_S = 3600.0
"""For so long the null has its expressions drawn."""


class Reactions:
    """Expressions that follow deliveries, or do not.

    Parameters
    ----------
    null
        Whether nothing follows anything.
    strength
        Strength of all expressions; 1 is that of an average animal.
    expressions
        Stimulus -> expression, for stimuli other than `EXPRESSION_OF_EVENT`; a stimulus in neither has none.
    longest_s
        Until when the null goes on (s).
    start_s
        When the session begins, on the session's clock (s).
    rng
        Source of randomness.

    Examples
    --------
    >>> reactions = Reactions(rng=np.random.default_rng(1))
    >>> reactions.deliver("quinine", 12.0, trial=1)
    >>> [(episode.expression, episode.trial) for episode in reactions.episodes()]
    [('disgust', 1)]
    """

    def __init__(
        self,
        *,
        null: bool = False,
        strength: float = 1.0,
        expressions: dict[str, str] | None = None,
        longest_s: float = LONGEST_S,
        start_s: float = 0.0,
        rng: np.random.Generator,
    ) -> None:
        self._expressions = {**EXPRESSION_OF_EVENT, **OTHERS, **(expressions or {})}
        unknown = set(self._expressions.values()) - set(EXPRESSIONS)
        if unknown:
            raise ValueError(f"there is no expression {min(unknown)!r}: expected one of {list(EXPRESSIONS)}")
        self.null, self._strength, self._rng = null, strength, rng
        self._lock = threading.Lock()
        self._episodes: list[Episode] = []
        self._licking: list[Moment] = []
        if null:
            self._draw_null(start_s, longest_s)

    def deliver(
        self,
        stimulus: str,
        onset_s: float,
        *,
        intensity: float = 1.0,
        trial: int | None = None,
        licked: bool | None = None,
    ) -> None:
        """Tell that something was delivered.

        Parameters
        ----------
        stimulus
            Its name in the schedule.
        onset_s
            When it really began, on the clock of the camera's ``host_s`` (s).
        intensity
            How strong the reaction is, relative to the strongest of this stimulus.
        trial
            The trial it belongs to.
        licked
            Whether the animal licks; None: if the stimulus is one of `LICKED`.
        """
        if self.null:
            return
        with self._lock:
            expression = self._expressions.get(stimulus)
            latency_s, lasting_s = draw_latency_s(self._rng), draw_duration_s(self._rng)
            own = self._strength * intensity * float(self._rng.lognormal(0, 0.2))
            if expression is not None:
                self._episodes.append(Episode(expression, onset_s + latency_s, lasting_s, own, trial))
            if stimulus in LICKED if licked is None else licked:
                start_s = onset_s + float(self._rng.uniform(0.1, 0.4))
                self._licking.append(Moment("licking", start_s, float(self._rng.uniform(1, 3))))

    def episodes(self) -> list[Episode]:
        """Return all expressions so far: what is true, for tests."""
        with self._lock:
            return list(self._episodes)

    def episodes_at(self, time_s: float) -> list[Episode]:
        """Return the expressions that are there at a time, or fading."""
        fading_s = 8 * FALL_S
        return [
            episode
            for episode in self.episodes()
            if episode.start_s <= time_s <= episode.start_s + episode.duration_s + fading_s
        ]

    def licking(self) -> list[Moment]:
        """Return all bouts of licking so far."""
        with self._lock:
            return list(self._licking)

    def _draw_null(self, start_s: float, longest_s: float) -> None:
        names = list(EXPRESSIONS)
        for at_s in np.sort(
            self._rng.uniform(0, longest_s, self._rng.poisson(NULL_PER_MIN * longest_s / 60))
        ):
            name = names[self._rng.integers(len(names))]
            own = self._strength * float(self._rng.lognormal(0, 0.2))
            self._episodes.append(Episode(name, start_s + at_s, draw_duration_s(self._rng), own))
        for at_s in self._rng.uniform(0, longest_s, self._rng.poisson(longest_s / 60)):
            self._licking.append(Moment("licking", start_s + float(at_s), float(self._rng.uniform(1, 3))))
