"""What a head-fixed mouse's face does all the time: whisks, blinks, licks, grooming, slow drift of posture.

None of it depends on an event, except licking, which follows what the schedule tells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hardware.simulated.mouse_expressions import ACTIONS, EXPRESSIONS, Episode, strength_course
from hardware.simulated.mouse_face import Pose

LICK_HZ = 7.0
"""Licks per second within a bout of licking."""
BLINK_S = 0.18
"""How long a blink takes. Our choice."""


@dataclass(frozen=True)
class Moment:
    """Something that the face does for a while."""

    kind: str
    """``blink``, ``grooming`` or ``licking``."""
    start_s: float
    """When it begins, on the session's clock."""
    duration_s: float
    """How long it takes."""


@dataclass(frozen=True)
class Habits:
    """How lively an animal is. The defaults are our choice; 0 switches a behaviour off."""

    blinks_per_min: float = 1.5
    """Blinks per minute."""
    groomings_per_min: float = 0.15
    """Times per minute at which a forepaw comes up."""
    licks_per_min: float = 0.5
    """Bouts of licking per minute without any reason."""
    whisking: float = 1.0
    """Extent of whisking, relative to the average animal."""
    fidget: float = 0.10
    """Standard deviation of the restless movements of each action, which last seconds."""
    drift: float = 0.20
    """Standard deviation of the slow change of each action, which lasts minutes."""
    slip_px: float = 0.6
    """Standard deviation of the slow slipping of the head (px of 640 x 480)."""
    lamp: float = 0.015
    """Standard deviation of the slow change of the light, relative to it."""


@dataclass(frozen=True)
class FaceCourse:
    """Everything that a face does in a session; one row per frame."""

    times_s: np.ndarray
    """Shape ``(n_frames,)``, on the session's clock."""
    expressions: np.ndarray
    """Strength of each of `EXPRESSIONS`, shape ``(n_frames, n_expressions)``."""
    actions: np.ndarray
    """Strength of each action, shape ``(n_frames, n_actions)``."""
    blink: np.ndarray
    """Shape ``(n_frames,)``, 0 to 1."""
    whisk_rad: np.ndarray
    """Shape ``(n_frames,)``."""
    shift_px: np.ndarray
    """Shape ``(n_frames, 2)``."""
    gain: np.ndarray
    """Shape ``(n_frames,)``."""
    tongue: np.ndarray
    """Shape ``(n_frames,)``, 0 to 1."""
    paw: np.ndarray
    """Shape ``(n_frames, 2)``; NaN while the paw is down."""
    moments: tuple[Moment, ...]
    """Blinks, groomings and bouts of licking."""

    def pose(self, frame: int) -> Pose:
        """Return the face in one frame."""
        paw = self.paw[frame]
        return Pose(
            actions=self.actions[frame],
            blink=float(self.blink[frame]),
            whisk_rad=float(self.whisk_rad[frame]),
            shift_px=(float(self.shift_px[frame, 0]), float(self.shift_px[frame, 1])),
            tongue=float(self.tongue[frame]),
            paw=None if np.isnan(paw[0]) else (float(paw[0]), float(paw[1])),
        )


def face_course(
    times_s: np.ndarray,
    episodes: Sequence[Episode],
    *,
    patterns: dict[str, np.ndarray],
    habits: Habits | None = None,
    licking: Sequence[Moment] = (),
    rng: np.random.Generator,
) -> FaceCourse:
    """Work out what the face does in each frame.

    Parameters
    ----------
    times_s : numpy.ndarray
        Times of the frames, shape ``(n_frames,)``, increasing.
    episodes : sequence of Episode
        The expressions.
    patterns : dict of numpy.ndarray
        How the animal does each expression, from `mouse_expressions.animal_patterns`.
    habits : Habits, optional
        How lively the animal is.
    licking : sequence of Moment
        Bouts of licking with a reason.
    rng : numpy.random.Generator
        Source of randomness.

    Raises
    ------
    ValueError
        If there is no frame, or times do not increase.

    Examples
    --------
    >>> from hardware.simulated.mouse_expressions import animal_patterns
    >>> rng = np.random.default_rng(1)
    >>> course = face_course(np.arange(90) / 30, [], patterns=animal_patterns(rng), rng=rng)
    >>> course.actions.shape, course.pose(0).paw is None
    ((90, 10), True)
    """
    times_s, habits = np.asarray(times_s, float), habits or Habits()
    if times_s.ndim != 1 or len(times_s) == 0 or not (np.diff(times_s) > 0).all():
        raise ValueError("a face needs the time of at least one frame, and times that increase")
    course = strength_course(episodes, times_s)
    own = own_moments(times_s, habits, rng)
    moments = tuple(sorted([*own, *licking], key=lambda moment: moment.start_s))
    n_frames, n_actions = len(times_s), len(ACTIONS)
    restless = habits.fidget * wandering(times_s, n_actions, lasting_s=2.0, rng=rng)
    slow = habits.drift * wandering(times_s, n_actions, lasting_s=240.0, rng=rng)
    waxing = 1 + 0.15 * wandering(times_s, course.shape[1], lasting_s=0.8, rng=rng)
    mixed = (course * np.maximum(waxing, 0.2)) @ np.stack([patterns[name] for name in EXPRESSIONS])
    paw, wiping = _paw(times_s, moments)
    actions = mixed + restless + slow
    actions[:, ACTIONS.index("squint")] += 1.2 * wiping
    slip = habits.slip_px * wandering(times_s, 2, lasting_s=150.0, rng=rng)
    slip += 0.12 * np.sin(2 * np.pi * 2.2 * times_s)[:, None] * np.array([0.4, 1.0])  # breathing
    return FaceCourse(
        times_s=times_s,
        expressions=course,
        actions=actions,
        blink=_blinks(times_s, moments),
        whisk_rad=habits.whisking * _whisks(times_s, rng),
        shift_px=slip,
        gain=1 + habits.lamp * wandering(times_s, 1, lasting_s=200.0, rng=rng)[:, 0],
        tongue=_licks(times_s, moments, rng) if n_frames else np.zeros(0),
        paw=paw,
        moments=moments,
    )


def wandering(
    times_s: np.ndarray, n_traces: int, *, lasting_s: float, rng: np.random.Generator
) -> np.ndarray:
    """Return random courses that forget where they were within a time (Ornstein-Uhlenbeck).

    Returns
    -------
    numpy.ndarray
        Shape ``(n_times, n_traces)``; mean 0 and standard deviation 1 over many sessions.
    """
    from scipy.signal import lfilter

    steps_s = np.diff(times_s)
    step_s = float(np.median(steps_s)) if len(steps_s) else lasting_s
    kept = float(np.exp(-step_s / lasting_s))
    pushes = np.sqrt(1 - kept**2) * rng.normal(size=(len(times_s), n_traces))
    pushes[0] = rng.normal(size=n_traces)
    return np.asarray(lfilter([1.0], [1.0, -kept], pushes, axis=0))


def own_moments(times_s: np.ndarray, habits: Habits, rng: np.random.Generator) -> list[Moment]:
    """Draw blinks, groomings and bouts of licking that have no reason, at random times."""
    start_s, end_s = float(times_s[0]), float(times_s[-1])
    found = []
    for kind, per_min, (low_s, high_s) in (
        ("blink", habits.blinks_per_min, (BLINK_S, 1.5 * BLINK_S)),
        ("grooming", habits.groomings_per_min, (1.0, 3.5)),
        ("licking", habits.licks_per_min, (0.5, 2.0)),
    ):
        for at_s in rng.uniform(start_s, end_s, rng.poisson(per_min * (end_s - start_s) / 60)):
            found.append(Moment(kind, float(at_s), float(rng.uniform(low_s, high_s))))
    return found


def _rows(times_s: np.ndarray, moment: Moment) -> slice:
    return slice(*np.searchsorted(times_s, (moment.start_s, moment.start_s + moment.duration_s)))


def _blinks(times_s: np.ndarray, moments: Sequence[Moment]) -> np.ndarray:
    blink = np.zeros(len(times_s))
    for moment in moments:
        if moment.kind == "blink":
            rows = _rows(times_s, moment)
            blink[rows] = np.sin(np.pi * (times_s[rows] - moment.start_s) / moment.duration_s) ** 2
    return blink


def _licks(times_s: np.ndarray, moments: Sequence[Moment], rng: np.random.Generator) -> np.ndarray:
    tongue = np.zeros(len(times_s))
    for moment in moments:
        if moment.kind == "licking":
            rows = _rows(times_s, moment)
            phase = 2 * np.pi * LICK_HZ * (times_s[rows] - moment.start_s) + rng.uniform(0, 0.5)
            tongue[rows] = np.clip(np.sin(phase), 0, 1)
    return tongue


def lick_times(moment: Moment) -> np.ndarray:
    """Return when the tongue touches the spout in a bout of licking (s)."""
    first_s = moment.start_s + 0.25 / LICK_HZ
    return np.arange(first_s, moment.start_s + moment.duration_s, 1 / LICK_HZ)


def _whisks(times_s: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Bouts of whisking at about 10 Hz, with stillness between them."""
    moods = wandering(times_s, 3, lasting_s=1.5, rng=rng)
    size = 0.02 + 0.16 / (1 + np.exp(-4 * (moods[:, 0] - 0.6)))
    steps_s = np.diff(times_s, prepend=times_s[0])
    phase = 2 * np.pi * np.cumsum(steps_s * (10 + 1.5 * moods[:, 1]))
    return size * np.sin(phase) + 0.05 * moods[:, 2]


def _paw(times_s: np.ndarray, moments: Sequence[Moment]) -> tuple[np.ndarray, np.ndarray]:
    """Return where the grooming paw is, and how much it presses the eye shut."""
    paw, wiping = np.full((len(times_s), 2), np.nan), np.zeros(len(times_s))
    for moment in moments:
        if moment.kind == "grooming":
            rows = _rows(times_s, moment)
            since_s = times_s[rows] - moment.start_s
            up = np.sin(np.pi * since_s / moment.duration_s) ** 0.4
            wipe = np.sin(2 * np.pi * 5.0 * since_s)
            paw[rows, 0] = 190 + 34 * wipe * up + 50 * (1 - up)
            paw[rows, 1] = 520 - 285 * up - 26 * wipe * up
            wiping[rows] = up * (0.5 - 0.5 * wipe)
    return paw, wiping
