"""Trigger codes: found on a status channel, matched with the session's log, turned into times.

Pure: arrays in, arrays out.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

INVISIBLE_WITHIN_S = 0.05
"""The second of two equal codes this close together may leave no pulse of its own on a line."""

MAX_LOST_EVENTS = 3
"""So many codes more than logged events are believed when a session crashed: its last lines were lost."""


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


def match_pulses(
    codes: Sequence[int], onsets_s: Sequence[float], pulses: Pulses, *, crashed: bool = False
) -> npt.NDArray[np.int64]:
    """Give each logged code its pulse.

    Parameters
    ----------
    codes : sequence of int
        The codes that the session logged, in order.
    onsets_s : sequence of float
        Their times on the session's clock.
    pulses : Pulses
        What the amplifier recorded.
    crashed : bool
        True when the session's log has no end; then the recording may have up to `MAX_LOST_EVENTS` more.

    Returns
    -------
    numpy.ndarray
        Number of each event's sample, shape (n_events,).

    Raises
    ------
    ValueError
        If the two lists differ; the message shows them side by side.

    Examples
    --------
    >>> pulses = Pulses(samples=np.array([120, 480]), codes=np.array([11, 31]))
    >>> match_pulses([11, 31], [0.1, 0.4], pulses)
    array([120, 480])
    """
    samples: list[int] = []
    taken = 0
    for number, code in enumerate(codes):
        if taken < len(pulses.codes) and pulses.codes[taken] == code:
            samples.append(int(pulses.samples[taken]))
            taken += 1
        elif (
            number
            and code == codes[number - 1]
            and abs(onsets_s[number] - onsets_s[number - 1]) <= INVISIBLE_WITHIN_S
        ):
            samples.append(samples[-1])
        else:
            raise ValueError(_both_lists(codes, onsets_s, pulses))
    if len(pulses.codes) - taken > (MAX_LOST_EVENTS if crashed else 0):
        raise ValueError(_both_lists(codes, onsets_s, pulses))
    return np.array(samples, dtype=np.int64)


def fit_clock(session_s: npt.ArrayLike, recording_s: npt.ArrayLike) -> ClockFit:
    """Fit the line between two clocks through events that are known on both.

    Parameters
    ----------
    session_s, recording_s : array_like
        The same events on the session's and on the recording's clock, shape (n_events,), at least one. With
        fewer than three, only the offset is fitted.

    Examples
    --------
    >>> fit_clock([1.0, 2.0, 3.0], [11.0, 12.0, 13.0]).offset_s
    10.0
    """
    session, recording = np.asarray(session_s, dtype=float), np.asarray(recording_s, dtype=float)
    if not session.size:
        raise ValueError("two clocks need at least one common event")
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


def _both_lists(codes: Sequence[int], onsets_s: Sequence[float], pulses: Pulses) -> str:
    """Show what was logged and what was recorded side by side, around the places where they differ."""
    lines: list[tuple[bool, str]] = []
    for logged, found in _aligned(codes, [int(code) for code in pulses.codes]):
        left = "-" if logged is None else f"{codes[logged]:>4} at {onsets_s[logged]:10.3f} s"
        right = "-" if found is None else f"{pulses.codes[found]:>4} at sample {pulses.samples[found]}"
        differs = logged is None or found is None
        lines.append((differs, f"  {'>' if differs else ' '} {left:<20} | {right}"))
    shown: list[str] = []
    last = -1
    for index, (_, text) in enumerate(lines):
        if any(differs for differs, _ in lines[max(0, index - 3) : index + 4]) and len(shown) < 60:
            if index != last + 1:
                shown.append("    ...")
            shown.append(text)
            last = index
    if last != len(lines) - 1:
        shown.append("    ...")
    return (
        f"the trigger codes do not agree: the session logged {len(codes)}, the recording has "
        f"{len(pulses.codes)}. Is it the right file, and was it recording from the beginning to the end?\n"
        f"    {'session log':<20} | status channel\n" + "\n".join(shown)
    )


def _aligned(left: Sequence[int], right: Sequence[int]) -> list[tuple[int | None, int | None]]:
    """Pair two lists so that as many equal elements as possible stand beside each other, in order."""
    common = [[0] * (len(right) + 1) for _ in range(len(left) + 1)]
    for i in reversed(range(len(left))):
        for j in reversed(range(len(right))):
            same = left[i] == right[j]
            common[i][j] = common[i + 1][j + 1] + 1 if same else max(common[i + 1][j], common[i][j + 1])
    pairs: list[tuple[int | None, int | None]] = []
    i = j = 0
    while i < len(left) or j < len(right):
        if i < len(left) and j < len(right) and left[i] == right[j]:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif j == len(right) or (i < len(left) and common[i + 1][j] >= common[i][j + 1]):
            pairs.append((i, None))
            i += 1
        else:
            pairs.append((None, j))
            j += 1
    return pairs
