"""Simulated EMG made while it is being sent: what a muscle answers is decided only when it happens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from hardware.simulated.effects import MUSCLES
from hardware.simulated.emg import RecordingConditions, Response, answer_gain, simulate_rest

PAGE_S = 60.0
"""Rest is drawn in pages of this length, which fade into each other."""

FADE_S = 1.0
"""Length of that fading."""

FORGOTTEN_S = 5.0
"""An answer has faded so long after its end."""

EXPRESSIONS: Mapping[str, Mapping[str, float]] = {
    "smile": {"zygomaticus": 2.2, "corrugator": -0.1},
    "frown": {"corrugator": 2.0, "zygomaticus": 0.15},
    "rest": {},
}
"""What a person does when asked -> muscle -> log gain; our choice, near a clear smile (nine times rest)."""


class LiveEmg:
    """A face whose EMG is asked for piece by piece.

    Parameters
    ----------
    fs_hz : float
        Sampling rate.
    conditions : RecordingConditions
        What a laboratory and a face do to a recording.
    rng : numpy.random.Generator
        Source of randomness.

    Examples
    --------
    >>> face = LiveEmg(fs_hz=1200, conditions=RecordingConditions(), rng=np.random.default_rng(1))
    >>> face.next(240)["zygomaticus"].shape
    (240,)
    """

    def __init__(self, *, fs_hz: float, conditions: RecordingConditions, rng: np.random.Generator) -> None:
        self.fs_hz = fs_hz
        self._conditions, self._rng = conditions, rng
        self._answers: dict[str, list[Response]] = {muscle: [] for muscle in MUSCLES}
        self._asked: dict[str, Response] = {}
        self._position = 0
        self._page, self._read = self._draw(), 0

    @property
    def time_s(self) -> float:
        """Seconds of EMG given so far."""
        return self._position / self.fs_hz

    def answer(self, muscle: str, response: Response) -> None:
        """Let a muscle answer; the onset may lie in what was given already, but its effect does not."""
        self._answers[muscle].append(response)

    def express(self, expression: str, at_s: float) -> None:
        """Let the person smile, frown or rest from a moment on, until something else is asked."""
        for muscle, asked in self._asked.items():
            self._answers[muscle].remove(asked)
            until_s = max(0.01, at_s - asked.onset_s)
            self._answers[muscle].append(_lasting(asked, until_s))
        self._asked = {
            muscle: Response(
                onset_s=at_s, duration_s=1e6, level=0.0, asymptote=gain, log_rate=2.0, latency_s=0.4
            )
            for muscle, gain in EXPRESSIONS[expression].items()
        }
        for muscle, asked in self._asked.items():
            self._answers[muscle].append(asked)

    def next(self, n_samples: int) -> dict[str, npt.NDArray[np.float32]]:
        """Give the next samples: muscle -> microvolts, shape (n_samples,)."""
        rest = self._rest(n_samples)
        start_s = self.time_s
        given = {}
        for muscle, (activity, around) in rest.items():
            here = [_shifted(response, start_s) for response in self._current(muscle, start_s)]
            gain = answer_gain(n_samples, self.fs_hz, here)
            given[muscle] = (activity * np.exp(gain) + around).astype(np.float32)
        self._position += n_samples
        return given

    def _current(self, muscle: str, now_s: float) -> Sequence[Response]:
        kept = [a for a in self._answers[muscle] if a.onset_s + a.duration_s + FORGOTTEN_S > now_s]
        self._answers[muscle] = kept
        return kept

    def _draw(self) -> dict[str, npt.NDArray[np.float32]]:
        """Draw a page, shape (2, n_samples) for each muscle: activity and what lies around it."""
        rest = simulate_rest(
            PAGE_S, fs_hz=self.fs_hz, muscles=MUSCLES, conditions=self._conditions, rng=self._rng
        )
        return {muscle: np.stack(parts) for muscle, parts in rest.items()}

    def _rest(self, n_samples: int) -> dict[str, npt.NDArray[np.float32]]:
        length = len(self._page[MUSCLES[0]][0])
        if self._read + n_samples > length - round(FADE_S * self.fs_hz):
            self._turn_page()
        part = slice(self._read, self._read + n_samples)
        self._read += n_samples
        return {muscle: page[:, part] for muscle, page in self._page.items()}

    def _turn_page(self) -> None:
        """Let what is left of the page fade into the next; the power of both together stays the same."""
        following = self._draw()
        for muscle, page in self._page.items():
            left = page[:, self._read :]
            share = np.linspace(0, np.pi / 2, left.shape[1])
            following[muscle][:, : left.shape[1]] *= np.sin(share)
            following[muscle][:, : left.shape[1]] += left * np.cos(share)
        self._page, self._read = following, 0


def _lasting(response: Response, duration_s: float) -> Response:
    return Response(**{**vars(response), "duration_s": duration_s})


def _shifted(response: Response, start_s: float) -> Response:
    return Response(**{**vars(response), "onset_s": response.onset_s - start_s})
