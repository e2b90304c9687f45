"""Trigger codes found on a status channel, and the line between two clocks.

Pure: arrays in, arrays out.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclasses.dataclass(frozen=True)
class Pulses:
    """Pulses on a status channel."""

    samples: npt.NDArray[np.int64]
    """Number of the first sample of each pulse, from 0; shape (n_pulses,)."""
    codes: npt.NDArray[np.int64]
    """Code of each pulse, 1 to 255; shape (n_pulses,)."""


@dataclasses.dataclass(frozen=True)
class ClockFit:
    """A straight line from the session's clock to the recording's."""

    offset_s: float
    """Time in the recording at which the session's clock shows 0."""
    drift_ppm: float
    """How much faster the recording's clock runs, in parts per million."""
    residual_rms_ms: float
    """Root mean square of what is left: the jitter of the triggers."""
    residual_max_ms: float
    """Largest of what is left."""
    n_events: int
    """Number of events with a code."""

    def to_recording_s(self, session_s: float) -> float:
        """Convert a time of the session into seconds from the first sample of the recording."""
        return self.offset_s + session_s * (1 + self.drift_ppm * 1e-6)


@dataclasses.dataclass(frozen=True, kw_only=True)
class PartFit:
    """The line between the two clocks for a stretch of the recording, as it goes into ``emg.json``."""

    part: int
    """Part of the recording, from 1."""
    first_s: float
    """Session's time of its first code (s)."""
    last_s: float
    """Session's time of its last code (s)."""
    fit: ClockFit
    """The line."""

    def as_record(self) -> dict[str, Any]:
        """Return it as one flat record."""
        return {**vars(self.fit), "part": self.part, "first_s": self.first_s, "last_s": self.last_s}


def find_pulses(status: npt.NDArray[np.integer]) -> Pulses:
    """Find the pulses on a status channel: where its lowest 8 bits change to something that is not 0.

    Parameters
    ----------
    status : numpy.ndarray
        Integers as they are in the file, shape (n_samples,). Bits above the 8th, in which some amplifiers
        tell their own state, are ignored. A value that is there from the first sample is not a pulse.

    Returns
    -------
    Pulses
        In order of time.

    Examples
    --------
    >>> find_pulses(np.array([0, 0, 11, 11, 0, 21, 31, 31, 0])).codes
    array([11, 21, 31])
    """
    code = np.bitwise_and(status, 0xFF)
    begins = np.flatnonzero((code[1:] != code[:-1]) & (code[1:] != 0)) + 1
    return Pulses(samples=begins.astype(np.int64), codes=code[begins].astype(np.int64))


def fit_clock(
    session_s: npt.ArrayLike, recording_s: npt.ArrayLike, *, slope: float | None = None
) -> ClockFit:
    """Fit the line between two clocks through events that are known on both.

    Parameters
    ----------
    session_s, recording_s : array_like
        The same events on the session's and on the recording's clock, shape (n_events,), at least one. With
        fewer than three, only the offset is fitted.
    slope : float, optional
        Slope of the line, where it is known better than these events can tell; only the offset is fitted.

    Examples
    --------
    >>> fit_clock([1.0, 2.0, 3.0], [11.0, 12.0, 13.0]).offset_s
    10.0
    """
    session, recording = np.asarray(session_s, dtype=float), np.asarray(recording_s, dtype=float)
    if not session.size:
        raise ValueError("two clocks need at least one common event")
    if slope is None:
        slope = 1.0
        if session.size >= 3 and np.ptp(session) > 0:
            centred = session - session.mean()
            slope = float(centred @ (recording - recording.mean()) / (centred @ centred))
    offset = float(recording.mean() - slope * session.mean())
    residuals_ms = 1000 * (recording - offset - slope * session)
    return ClockFit(
        offset_s=round(offset, 9),
        drift_ppm=round((slope - 1) * 1e6, 3),
        residual_rms_ms=round(float(np.sqrt(np.mean(residuals_ms**2))), 4),
        residual_max_ms=round(float(np.max(np.abs(residuals_ms))), 4),
        n_events=int(session.size),
    )
