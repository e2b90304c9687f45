"""The session's own log, and how it agrees with the triggers of a recording that was made elsewhere."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.recordings.channel_map import TriggerLine
from analysis.recordings.found import Triggers
from experiments.dataset.codes import INVISIBLE_WITHIN_S, ClockFit, Pulses, fit_clock
from experiments.dataset.live_session import place_events
from experiments.dataset.rows import EventRow, TrialRow, read_rows

MAX_JITTER_MS = 100.0
"""A trigger further than this from where the log puts it belongs to another event."""

MIN_TRIGGERS = 3
"""Fewer triggers than these do not tell which part of a session was recorded."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class SessionLog:
    """What a session wrote while it ran."""

    events: list[EventRow]
    """Its events."""
    trials: list[TrialRow]
    """Its trials."""

    @property
    def crashed(self) -> bool:
        """Whether the log has no end."""
        return not any(event.trial_type in ("session_end", "aborted") for event in self.events)


def read_session_log(study: Path, participant: str) -> SessionLog | None:
    """Read a participant's log from the study's sourcedata; None where this suite did not run the session."""
    folder = study / "sourcedata" / f"sub-{participant}"
    if not (folder / "events.tsv").is_file():
        return None
    trials = folder / "trials.tsv"
    return SessionLog(
        events=read_rows(folder / "events.tsv", EventRow),
        trials=read_rows(trials, TrialRow) if trials.is_file() else [],
    )


def events_from_log(
    log: SessionLog,
    triggers: Triggers,
    lines: Mapping[str, TriggerLine],
    *,
    fs_hz: float,
    incomplete: bool = False,
) -> tuple[pd.DataFrame, list[ClockFit]]:
    """Give each event of the log its place in the recording.

    Parameters
    ----------
    log : SessionLog
        What was logged.
    triggers : Triggers
        What was found in the recording: as many codes as the log has, or pulses on lines.
    lines : mapping
        The lines' names -> which events have a pulse on them.
    fs_hz : float
        Sampling rate of the recording.
    incomplete : bool
        Whether the recording may have a part of the session only, because it was begun late or ended
        early; the events of the rest are left out then.

    Returns
    -------
    events : pandas.DataFrame
        Rows of the dataset's events.tsv.
    fits : list of ClockFit
        How the two clocks agree.

    Raises
    ------
    ValueError
        If the two lists differ (both are shown), if the intervals between the triggers are not those of
        the log,
        or if the log knows no event of a line.
    """
    events, legend = log.events, ""
    codes: list[int] = [label for label in triggers.labels if isinstance(label, int)]
    samples = triggers.samples[[isinstance(label, int) for label in triggers.labels]]
    if triggers.kind == "lines":
        events, codes, legend = _number_lines(log.events, triggers, lines)
        samples = triggers.samples
    samples, codes = _without_standing_code(samples, codes, events)
    pulses = Pulses(samples=samples.astype(np.int64), codes=np.array(codes, dtype=np.int64))
    part = _recorded_part(events, pulses, fs_hz)
    try:
        recorded = part if incomplete and part is not None else events
        rows, fits = place_events(recorded, log.trials, pulses, fs_hz=fs_hz, crashed=log.crashed)
    except ValueError as error:
        raise ValueError(f"{error}{legend}{_INCOMPLETE if part is not None else ''}") from None
    for fit in fits:
        if fit.residual_max_ms > MAX_JITTER_MS:
            raise ValueError(
                f"the triggers do not come when the log says: one is {fit.residual_max_ms:.0f} ms off, "
                f"where at most {MAX_JITTER_MS:.0f} ms can be jitter. Is this the recording of this session?"
            )
    if triggers.kind == "lines":
        rows = [{**row, "value": None} for row in rows]
    return pd.DataFrame(rows).drop(columns="monotonic", errors="ignore"), fits


_INCOMPLETE = (
    "\n    What was recorded is one whole part of the session. If the recorder was started late or stopped "
    "early, say incomplete = true in [recording] of the channel map: the other trials then have no EMG"
)


def _recorded_part(events: list[EventRow], pulses: Pulses, fs_hz: float) -> list[EventRow] | None:
    """Return the events from the first trigger to the last, where the recording lacks others of the log.

    None where the triggers are all that were logged, are too few, or fit in no place of the log, by their
    codes and times, or in several.
    """
    visible: list[int] = []
    for index, event in enumerate(events):
        before = events[visible[-1]] if visible else None
        repeated = (
            before is not None
            and event.value == before.value
            and event.onset - before.onset <= INVISIBLE_WITHIN_S
        )
        if event.value is not None and not repeated:
            visible.append(index)
    n_found = len(pulses.codes)
    if not MIN_TRIGGERS <= n_found < len(visible):
        return None
    seconds = pulses.samples / fs_hz
    candidates: list[tuple[float, int]] = []
    for first in range(len(visible) - n_found + 1):
        logged = [events[index] for index in visible[first : first + n_found]]
        if [event.value for event in logged] == pulses.codes.tolist():
            fit = fit_clock([event.onset for event in logged], seconds)
            candidates.append((fit.residual_max_ms, first))
    in_time = [first for residual_ms, first in candidates if residual_ms <= MAX_JITTER_MS]
    if len(in_time) != 1:
        return None
    (first,) = in_time
    return events[visible[first] : visible[first + n_found - 1] + 1]


def _number_lines(
    events: list[EventRow], triggers: Triggers, lines: Mapping[str, TriggerLine]
) -> tuple[list[EventRow], list[int], str]:
    """Let the number of its line stand for the code of each event, in the log and in the recording."""
    numbers = {name: number for number, name in enumerate(lines, start=1)}
    coded = [dataclasses.replace(event, value=_line_of(event, lines, numbers)) for event in events]
    unknown = [name for name, number in numbers.items() if all(event.value != number for event in coded)]
    if unknown:
        kinds = sorted({event.trial_type for event in events})
        raise ValueError(
            f"the session's log has no event for the trigger line {', '.join(unknown)}: say stands_for = "
            f"[...] in [events.lines] of the channel map; the log has {', '.join(kinds)}"
        )
    legend = "\n    (" + ", ".join(f"{number} = line {name!r}" for name, number in numbers.items()) + ")"
    return coded, [numbers[str(label)] for label in triggers.labels], legend


def _line_of(event: EventRow, lines: Mapping[str, TriggerLine], numbers: Mapping[str, int]) -> int | None:
    names = {event.trial_type, f"{event.trial_type}_{event.direction}"}
    if event.trial_type == "video" and event.direction is not None:
        names.add(event.direction)
    return next((numbers[name] for name, line in lines.items() if names & set(line.stands_for)), None)


def _without_standing_code(
    samples: np.ndarray, codes: list[int], events: list[EventRow]
) -> tuple[np.ndarray, list[int]]:
    """Drop a code that stood on the line before the recording began, unless the log begins with it."""
    first = next((event.value for event in events if event.value is not None), None)
    if len(samples) and samples[0] == 0 and codes[0] != first:
        return samples[1:], codes[1:]
    return samples, codes
