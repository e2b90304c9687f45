"""One LSL stream on its way into a file: taken, counted, found again when it is lost."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pylsl

LOST_S = 1.0
"""A stream that sends nothing for so long is said to be lost."""

GAP_S = 0.1
"""Time stamps further apart than this are a gap, in a stream whose stamps are uneven."""

Say = Callable[..., None]


class RecordedStream:
    """One stream on its way into the file.

    Parameters
    ----------
    number : int
        Its number in the file.
    inlet : pylsl.StreamInlet
        Where its samples come from.
    name : str
        What messages call it.
    fs_hz : float
        Rate that it declares; 0 for events.
    description : str
        What its sender says of it, in XML.
    find_again : callable
        Opens it once more; None while it is not there.
    say : callable
        Takes what happens.
    """

    def __init__(
        self,
        number: int,
        inlet: pylsl.StreamInlet,
        *,
        name: str,
        fs_hz: float,
        description: str,
        find_again: Callable[[], pylsl.StreamInlet | None],
        say: Say,
    ) -> None:
        self.number, self.inlet, self.name, self.fs_hz = number, inlet, name, fs_hz
        self.description = description
        self._find_again = find_again
        self.n_samples, self.n_missing = 0, 0
        self.first_s = self.last_s = float("nan")
        self.offset_s = 0.0
        self.even = True
        """Whether time stamps follow each other evenly: then two samples' distance is a gap."""
        self._say = say
        self._heard = time.monotonic()
        self._lost = False

    @property
    def value_format(self) -> str:
        """Type of its values as LSL names it."""
        return ElementTree.fromstring(self.description).findtext("channel_format", "")

    def pull(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[Any]]:
        """Take what has come; a stream that is lost is looked for again."""
        parts_t, parts_v = [], []
        try:
            while True:
                values, times_s = self.inlet.pull_chunk(0.0, max_samples=4096, as_numpy=True)
                if not len(times_s):
                    break
                parts_t.append(np.asarray(times_s))
                parts_v.append(np.asarray(values))
        except RuntimeError:  # lost: LSL itself looks only for streams that have a source id
            self.inlet = self._find_again() or self.inlet
        if not parts_t:
            return np.empty(0), np.empty((0, self.inlet.channel_count))
        return np.concatenate(parts_t), np.concatenate(parts_v)

    def heard(self, times_s: npt.NDArray[np.float64]) -> None:
        """Count samples, and say when some are missing, or the stream is lost or back."""
        now = time.monotonic()
        if not len(times_s):
            if self.fs_hz and not self._lost and now - self._heard > LOST_S:
                self._lost = True
                self._say("lost", stream=self.name, at_s=self.last_s)
            return
        before = times_s[0] if np.isnan(self.last_s) else self.last_s
        if self._lost:
            self._say("back", stream=self.name, away_s=round(now - self._heard, 2))
        if self.fs_hz:
            self._count_missing(np.diff(times_s, prepend=before))
        self._heard, self._lost = now, False
        self.first_s = times_s[0] if not self.n_samples else self.first_s
        self.last_s = float(times_s[-1])
        self.n_samples += len(times_s)

    def measure_offset(self, timeout_s: float) -> tuple[float, float] | None:
        """Compare the sender's clock with ours: when, and what must be added to its times."""
        import pylsl

        try:
            self.offset_s = self.inlet.time_correction(timeout=timeout_s)
        except (TimeoutError, RuntimeError):
            return None
        return pylsl.local_clock(), self.offset_s

    def learn_evenness(self, times_s: npt.NDArray[np.float64]) -> None:
        """Learn from some seconds of samples how evenly they are stamped."""
        steps = np.diff(times_s) * self.fs_hz
        self.even = bool(len(steps)) and float(np.mean(np.abs(steps - 1) < 0.1)) > 0.99

    def _count_missing(self, steps_s: npt.NDArray[np.float64]) -> None:
        limit_s = 1.5 / self.fs_hz if self.even else GAP_S
        for step_s in steps_s[steps_s > limit_s]:
            missing = round(float(step_s) * self.fs_hz) - 1
            self.n_missing += missing
            self._say("gap", stream=self.name, missing=missing, length_s=round(float(step_s), 4))
