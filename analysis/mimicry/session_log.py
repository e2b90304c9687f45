"""The session's own log, and how it agrees with the triggers of a recording that was made elsewhere."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.recordings.channel_map import TriggerLine
from analysis.recordings.found import Triggers
from experiments.dataset.codes import Pulses
from experiments.dataset.gaps import Gap
from experiments.dataset.placement import Placement, place_events
from experiments.dataset.rows import EventRow, TrialRow, read_rows
from experiments.dataset.session_emg import missing_rows
from experiments.dataset.study import live_folder
from experiments.dataset.tables import read_json


@dataclasses.dataclass(frozen=True, kw_only=True)
class SessionLog:
    """What a session wrote while it ran."""

    events: list[EventRow]
    """Its events."""
    trials: list[TrialRow]
    """Its trials."""
    codes: tuple[int, ...] = ()
    """All codes that it could have sent."""


def read_session_log(study: Path, participant: str, run: int = 1) -> SessionLog | None:
    """Read a participant's log from the study's sourcedata; None where this suite did not run the session."""
    folder = live_folder(study, participant, run)
    if not (folder / "events.tsv").is_file():
        return None
    trials, record = folder / "trials.tsv", folder / "session.json"
    codes = read_json(record).get("trigger_codes") if record.is_file() else None
    return SessionLog(
        events=read_rows(folder / "events.tsv", EventRow),
        trials=read_rows(trials, TrialRow) if trials.is_file() else [],
        codes=tuple(int(code) for code in (codes or {}).values()),
    )


def events_from_log(
    log: SessionLog,
    triggers: Triggers,
    lines: Mapping[str, TriggerLine],
    *,
    n_samples: int,
    fs_hz: float,
) -> tuple[pd.DataFrame, Placement]:
    """Give each event of the log its place in the recording.

    Parameters
    ----------
    log : SessionLog
        What was logged.
    triggers : Triggers
        What was found in the recording: codes, or pulses on lines.
    lines : mapping
        The lines' names -> which events have a pulse on them.
    n_samples : int
        Length of the recording.
    fs_hz : float
        Sampling rate of the recording.

    Returns
    -------
    events : pandas.DataFrame
        Rows of the dataset's events.tsv; events that are not in the recording are left out.
    placement : Placement
        How the two clocks agree, and what was repaired.

    Raises
    ------
    ValueError
        If it is not proven which trigger is which event (both lists are shown), if the recording has another
        sampling rate than it says, or if the log knows no event of a line.
    """
    events, legend = log.events, ""
    codes: list[int] = [label for label in triggers.labels if isinstance(label, int)]
    samples = triggers.samples[[isinstance(label, int) for label in triggers.labels]]
    if triggers.kind == "lines":
        events, codes, legend = _number_lines(log.events, triggers, lines)
        samples = triggers.samples
    pulses = Pulses(samples=samples.astype(np.int64), codes=np.array(codes, dtype=np.int64))
    try:
        placement = place_events(
            events, log.trials, [pulses], n_samples=[n_samples], fs_hz=fs_hz, known=log.codes
        )
    except ValueError as error:
        raise ValueError(f"{error}{legend}") from None
    rows = placement.rows
    if triggers.kind == "lines":
        rows = [{**row, "value": None} for row in rows]
    gaps = [Gap(start, stop) for start, stop in placement.jumps]
    rows = sorted([*rows, *missing_rows(gaps, fs_hz)], key=lambda row: float(row["onset"]))
    return pd.DataFrame(rows).drop(columns=["monotonic", "wall"], errors="ignore"), placement


def other_sessions(
    study: Path,
    triggers: Triggers,
    lines: Mapping[str, TriggerLine],
    *,
    besides: tuple[str, int],
    n_samples: int,
    fs_hz: float,
) -> str:
    """Say which other session of the study a recording fits; empty where it fits none.

    Parameters
    ----------
    study : Path
        The study's folder.
    triggers, lines, n_samples, fs_hz
        The recording; see `events_from_log`.
    besides : (str, int)
        Participant and run that it does not fit.
    """
    for path in sorted((study / "sourcedata").glob("sub-*/**/events.tsv")):
        participant = path.relative_to(study / "sourcedata").parts[0].removeprefix("sub-")
        run = int(path.parent.name.removeprefix("run-")) if path.parent.name.startswith("run-") else 1
        if (participant, run) == besides or path != live_folder(study, participant, run) / "events.tsv":
            continue
        try:
            log = read_session_log(study, participant, run) or SessionLog(events=[], trials=[])
            _, placement = events_from_log(log, triggers, lines, n_samples=n_samples, fs_hz=fs_hz)
        except ValueError:
            continue
        n_codes = sum(fit.fit.n_events for fit in placement.fits)
        which = f"participant {participant}" + (f", run {run}" if run > 1 else "")
        return f"\n    It fits the session of {which}: {n_codes} codes. Was the wrong file taken?"
    return ""


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
