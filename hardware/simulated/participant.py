"""The twin of a participant: sees videos, presses keys, moves the face a little."""

from __future__ import annotations

import dataclasses

import numpy as np

from hardware.simulated.effects import (
    MimicryEffects,
    MuscleAnswer,
    draw_deviations,
    face_normal,
    personal_answer,
)


@dataclasses.dataclass(frozen=True)
class KeyPress:
    """A press of a key."""

    key: str
    """Name of the key."""
    time_s: float
    """Seconds from video onset."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class WatchedVideo:
    """A video that the participant has seen."""

    onset_s: float
    """Onset on the session's clock (s)."""
    duration_s: float
    """Length (s)."""
    face: str
    """Identity shown."""
    direction: str
    """What changes into what, such as AngryToHappy."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ResponseHabits:
    """How people press; our choice, near the behaviour of the paper's participants."""

    mean_s: float = 2.6
    """Mean response time over people: a little after the middle of the morph."""
    between_people_sd_s: float = 0.25
    """Standard deviation of people's means."""
    within_person_sd_s: tuple[float, float] = (0.3, 0.5)
    """A person's own standard deviation is drawn between these."""
    face_sd_s: float = 0.05
    """Standard deviation of faces' means."""
    no_press: float = 0.015
    """Proportion of videos without a press."""
    wrong_key: float = 0.010
    """Proportion of videos with another key."""
    double_press: float = 0.015
    """Proportion of videos with two presses."""


class SimulatedParticipant:
    """A person who watches videos and answers with the keyboard and with facial muscles.

    Parameters
    ----------
    effects : MimicryEffects
        The known mimicry.
    rng : numpy.random.Generator
        Source of randomness; the same state gives the same person and the same presses.
    group : str or None
        Group code, which selects the drug's factor in `effects`.
    response_key, wrong_key : str
        Names of the keys that are pressed.
    habits : ResponseHabits
        How the person presses.

    Attributes
    ----------
    videos : list of WatchedVideo
        What was watched so far; the simulated amplifier reads it.
    age : int
        Years, drawn like the paper's sample (18 to 35, mean 23.2, SD 3.55).
    sex : str
        ``F`` (two in three, as in the paper) or ``M``.

    Examples
    --------
    >>> from hardware.simulated import effects
    >>> person = SimulatedParticipant(effects=effects.paper(), rng=np.random.default_rng(1))
    >>> presses = person.watch(face="id01", direction="AngryToHappy", onset_s=10.0, duration_s=5.0)
    >>> [press.key for press in presses]
    ['up']
    """

    def __init__(
        self,
        *,
        effects: MimicryEffects,
        rng: np.random.Generator,
        group: str | None = None,
        response_key: str = "up",
        wrong_key: str = "down",
        habits: ResponseHabits | None = None,
    ) -> None:
        self.effects = effects
        self.group = group
        self.habits = habits or ResponseHabits()
        self.videos: list[WatchedVideo] = []
        self._keys = (response_key, wrong_key)
        self._rng, muscles, person = rng.spawn(3)
        self.sex = "F" if person.random() < 87 / 130 else "M"
        self.age = int(np.clip(round(person.normal(23.2, 3.55)), 18, 35))
        self._mean_s = float(person.normal(self.habits.mean_s, self.habits.between_people_sd_s))
        self._sd_s = float(person.uniform(*self.habits.within_person_sd_s))
        self._deviations = draw_deviations(effects, muscles)

    def watch(self, *, face: str, direction: str, onset_s: float, duration_s: float) -> tuple[KeyPress, ...]:
        """Watch a video and say which keys will be pressed when.

        Parameters
        ----------
        face, direction : str
            What is shown.
        onset_s : float
            Video onset on the session's clock, the one that the simulated amplifier has too.
        duration_s : float
            Length of the video; presses come before its end.

        Returns
        -------
        tuple of KeyPress
            In order of time; empty when no key is pressed.
        """
        video = WatchedVideo(onset_s=onset_s, duration_s=duration_s, face=face, direction=direction)
        self.videos.append(video)
        habits = self.habits
        slowness = habits.face_sd_s * face_normal(self.effects.seed, "response", face)
        typical = (
            self._mean_s + slowness + self._sd_s * np.clip(self._rng.standard_t(8), -4, 4) * np.sqrt(6 / 8)
        )
        time_s = float(np.clip(typical, 0.08 * duration_s, 0.98 * duration_s))
        right, wrong = self._keys
        chance = self._rng.random()
        second_s = min(time_s + float(self._rng.uniform(0.12, 0.4)), 0.995 * duration_s)
        if chance < habits.no_press:
            return ()
        if chance < habits.no_press + habits.wrong_key:
            return (KeyPress(wrong, time_s),)
        if chance < habits.no_press + habits.wrong_key + habits.double_press:
            return (KeyPress(right, time_s), KeyPress(right, second_s))
        return (KeyPress(right, time_s),)

    def answer(self, muscle: str, direction: str) -> MuscleAnswer:
        """Say how a muscle of this person answers to a direction of change."""
        return personal_answer(self.effects, self._deviations, muscle, direction, group=self.group)
