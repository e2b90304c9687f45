"""The course of the check before a session: look at rest, ask for a smile and a frown, say what was seen.

Fed with samples; knows neither a window nor a clock but the samples' own time.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import signal

from hardware.recorders.expressions import EXPECTED, ExpressionsVerdict, judge_expressions
from hardware.recorders.judgements import (
    BAND_HZ,
    Judgement,
    activity,
    in_words,
    judge_missing,
    judge_muscle,
    worst,
)
from hardware.recorders.lsl_streams import SignalStream

SHOWN_S = 10.0
"""Length of the scrolling view."""

JUDGED_S = 4.0
"""Before the test, so much of the latest signal is judged."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Phase:
    """Something that is asked of the participant for some seconds."""

    asked: str
    """``rest``, ``smile`` or ``frown``; ``rest`` once more between the two."""
    instruction: str
    length_s: float
    unused_s: float
    """Time at the beginning in which the face still changes."""
    counts: bool = True
    """Whether what is seen is judged."""


PHASES = (
    Phase(
        asked="rest", instruction="Please relax your face, lips a little apart", length_s=6.0, unused_s=1.0
    ),
    Phase(asked="smile", instruction="Please SMILE, and keep smiling", length_s=4.0, unused_s=1.5),
    Phase(asked="rest", instruction="And relax", length_s=3.0, unused_s=0.0, counts=False),
    Phase(asked="frown", instruction="Please FROWN: draw your brows together", length_s=4.0, unused_s=1.5),
    Phase(asked="rest", instruction="Thank you, relax", length_s=0.5, unused_s=0.0, counts=False),
)


class SignalCheck:
    """What is known of the signals so far.

    Parameters
    ----------
    stream : SignalStream
        What the samples are.
    mains_hz : float
        Frequency of the mains.

    Attributes
    ----------
    phase : Phase or None
        What is asked now; None before and after the test.
    verdict : ExpressionsVerdict or None
        What the test has shown, once it is over.
    """

    def __init__(self, stream: SignalStream, *, mains_hz: float) -> None:
        self.stream, self.mains_hz = stream, mains_hz
        self.phase: Phase | None = None
        self.verdict: ExpressionsVerdict | None = None
        self._times: deque[npt.NDArray[np.float64]] = deque()
        self._parts: deque[dict[str, npt.NDArray[np.float64]]] = deque()
        self._seen: dict[str, dict[str, float]] = {}
        self._rest_judgements: list[Judgement] | None = None
        self._phase_number, self._phase_end_s = -1, float("nan")
        self._phases = tuple(
            phase for phase in PHASES if EXPECTED.get(phase.asked) in (None, *stream.muscles)
        )
        self._view = {muscle: _Filter(stream.fs_hz) for muscle in stream.muscles}
        self._shown: dict[str, deque[npt.NDArray[np.float64]]] = {m: deque() for m in stream.muscles}

    @property
    def now_s(self) -> float:
        """Time of the latest sample; NaN before the first."""
        return float(self._times[-1][-1]) if self._times else float("nan")

    @property
    def remaining_s(self) -> float:
        """Seconds left of what is asked now; 0 when nothing is."""
        return max(0.0, self._phase_end_s - self.now_s) if self.phase else 0.0

    def feed(self, times_s: npt.NDArray[np.float64], values: npt.NDArray[Any]) -> None:
        """Take samples.

        Parameters
        ----------
        times_s : numpy.ndarray
            Their time stamps, shape (n_samples,).
        values : numpy.ndarray
            Shape (n_samples, n_channels), in the stream's units.
        """
        if not len(times_s):
            return
        part = {
            muscle: np.asarray(values[:, channel], dtype=float) * self.stream.to_microvolts[muscle]
            for muscle, channel in self.stream.muscles.items()
        }
        self._times.append(np.asarray(times_s, dtype=float))
        self._parts.append(part)
        for muscle, samples in part.items():
            self._shown[muscle].append(self._view[muscle].through(samples))
        self._forget()
        while self.phase is not None and self.now_s >= self._phase_end_s:
            self._end_phase()

    def begin(self) -> None:
        """Begin the test, or begin it once more."""
        self._seen, self.verdict, self._rest_judgements = {}, None, None
        self._phase_number, self._phase_end_s = -1, self.now_s
        self._next_phase()

    def view(self) -> tuple[npt.NDArray[np.float64], dict[str, npt.NDArray[np.float64]]]:
        """Return the latest seconds as they are drawn: seconds before now, and muscle -> microvolts."""
        if not self._times:
            return np.empty(0), {muscle: np.empty(0) for muscle in self._shown}
        times = np.concatenate(self._times)
        return times - times[-1], {muscle: np.concatenate(parts) for muscle, parts in self._shown.items()}

    def judgements(self) -> list[Judgement]:
        """Judge rest: the one of the test, or before it the latest seconds; empty while there are too few."""
        if self._rest_judgements is not None:
            return self._rest_judgements
        return self._judge(self.now_s - JUDGED_S)

    def activities(self, since_s: float) -> dict[str, float]:
        """Return muscle -> activity (µV) since a time; empty when less than half a second is there."""
        times, samples = self._since(since_s)
        if len(times) < 0.5 * self.stream.fs_hz:
            return {}
        return {
            muscle: activity(values, fs_hz=self.stream.fs_hz, mains_hz=self.mains_hz)
            for muscle, values in samples.items()
        }

    def result(self) -> dict[str, Any]:
        """Return what the session's record keeps of the check."""
        found = self.judgements()
        return {
            "checked": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
            "stream": self.stream.name,
            "sampling_rate_hz": self.stream.fs_hz,
            "level": worst(found),
            "judgements": [dataclasses.asdict(judgement) for judgement in found],
            "expressions": dataclasses.asdict(self.verdict) if self.verdict else None,
            "fit": self.fit,
            "message": self.message(),
        }

    @property
    def fit(self) -> bool:
        """Whether nothing speaks against the session: no signal is bad, and the test was passed."""
        return worst(self.judgements()) != "bad" and self.verdict is not None and self.verdict.right

    def message(self) -> str:
        """Say in words what was found and what to do."""
        judgements = self.judgements()
        found = in_words(judgements) if judgements else "too little signal was seen to judge it"
        return f"{self.verdict.message}\n{found}" if self.verdict else found

    def _judge(self, since_s: float) -> list[Judgement]:
        times, samples = self._since(since_s)
        if len(times) < 2 * self.stream.fs_hz:
            return []
        found = [judge_missing(self.stream.name, times, fs_hz=self.stream.fs_hz)]
        for muscle, values in samples.items():
            channel = self.stream.channels[self.stream.muscles[muscle]]
            found += judge_muscle(
                muscle,
                values,
                fs_hz=self.stream.fs_hz,
                mains_hz=self.mains_hz,
                impedance_kohm=channel.impedance_kohm,
            )
        return found

    def _next_phase(self) -> None:
        self._phase_number += 1
        if self._phase_number == len(self._phases):
            self.phase, self._phase_number = None, -1
            asked = {name: seen for name, seen in self._seen.items() if name in EXPECTED}
            self.verdict = judge_expressions(self._seen["rest"], asked)
            return
        self.phase = self._phases[self._phase_number]
        self._phase_end_s += self.phase.length_s

    def _end_phase(self) -> None:
        assert self.phase is not None
        if self.phase.counts:
            since_s = self._phase_end_s - self.phase.length_s + self.phase.unused_s
            zeros = dict.fromkeys(self.stream.muscles, 0.0)
            self._seen[self.phase.asked] = self.activities(since_s) or zeros
            if self.phase.asked == "rest":
                self._rest_judgements = self._judge(since_s)
        self._next_phase()

    def _since(self, since_s: float) -> tuple[npt.NDArray[np.float64], Mapping[str, npt.NDArray[np.float64]]]:
        if not self._times:
            return np.empty(0), {}
        times = np.concatenate(self._times)
        first = int(np.searchsorted(times, since_s))
        return times[first:], {
            muscle: np.concatenate([part[muscle] for part in self._parts])[first:]
            for muscle in self.stream.muscles
        }

    def _forget(self) -> None:
        """Keep what is shown and what is judged."""
        while len(self._times) > 1 and self._times[1][0] < self.now_s - SHOWN_S:
            self._times.popleft()
            self._parts.popleft()
            for parts in self._shown.values():
                parts.popleft()


class _Filter:
    """The band of EMG, piece by piece, for the view."""

    def __init__(self, fs_hz: float) -> None:
        edges = (BAND_HZ[0], min(BAND_HZ[1], 0.45 * fs_hz))
        self._sections = signal.butter(2, edges, "bandpass", fs=fs_hz, output="sos")
        self._state: npt.NDArray[np.float64] | None = None

    def through(self, samples: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        if self._state is None:
            self._state = signal.sosfilt_zi(self._sections) * samples[0]
        filtered, self._state = signal.sosfilt(self._sections, samples, zi=self._state)
        return np.asarray(filtered)
