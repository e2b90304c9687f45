"""Turns the files that a session wrote while it ran into BIDS."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiments.dataset import descriptions
from experiments.dataset.bdf import BdfChannel, BdfFile, read_bdf
from experiments.dataset.codes import ClockFit, Pulses, find_pulses, fit_clock, match_pulses
from experiments.dataset.emg_files import write_emg_folder, write_events
from experiments.dataset.rows import EventRow, TrialRow, read_rows
from experiments.dataset.study import TASK, file_stem, is_listed, live_folder, unfinished
from experiments.dataset.tables import append_row, participant_label, read_json, write_json, write_table

LOGGED_EVENTS = frozenset(
    prefix + event for prefix in ("", "practice_") for event in ("fixation", "video", "response", "feedback")
)
"""Events of a session that go into ``events.tsv`` of the dataset."""

MAX_DRIFT_PPM = 5000.0
"""Two clocks that drift apart faster than this were not set to the sampling rate that the file claims."""


def close_session(study: Path, participant: str, *, run: int = 1) -> None:
    """Turn the files that a session wrote while it ran into BIDS; also those of a session that crashed.

    Reads ``STUDY/sourcedata/sub-ID``: ``session.json`` (``simulated``, ``trigger_codes``, ``date``,
    ``display``, ``versions``, ``system``, and ``rig`` with the fields of the rig settings), ``events.tsv``,
    ``trials.tsv`` and, where there is one, ``*_amplifier.bdf``. With an amplifier's file, events get their
    times from the trigger codes in it. A trial in which the session was stopped stays in sourcedata only.

    Parameters
    ----------
    study : Path
        Folder of the study.
    participant : str
        Id of the participant.
    run : int
        Which session of this participant, from 1; that of a second one lies in ``run-2`` of the folder.

    Raises
    ------
    FileNotFoundError
        If there is no such session.
    FileExistsError
        If it was closed already.
    ValueError
        If there is nothing in it, or the trigger codes in the amplifier's file are not those that were
        logged; the message then shows both lists.
    """
    label = participant_label(participant)
    live, stem = live_folder(study, participant, run), file_stem(participant, run)
    if not (live / "session.json").is_file():
        raise FileNotFoundError(f"there is no session of participant {participant} in {live}")
    session = read_json(live / "session.json")
    simulated = bool(session.get("simulated", False))
    events = read_rows(live / "events.tsv", EventRow)
    trials = read_rows(live / "trials.tsv", TrialRow) if (live / "trials.tsv").is_file() else []
    shown = [trial for trial in trials if not trial.practice]
    if not shown:
        raise ValueError(f"{live}: no trial was finished, so there is nothing to put into the dataset")
    state = {"SessionEnd": _how_it_ended(events)}
    about = _about_the_task(session)
    recording = _amplifier_file(live)
    with unfinished(study, label, ("emg", "beh") if recording else ("beh",), run) as folder:
        if recording:
            _write_emg(folder / "emg", stem, recording, events, trials, session, state)
        _write_behaviour(folder / "beh", stem, shown, simulated=simulated, about={**about, **state})
        if not recording:
            write_events(
                folder / "beh",
                stem,
                [
                    _event_row(events[index], trials, events[index].onset, None)
                    for index in _of_finished_trials(events, trials)
                ],
                simulated=simulated,
                about=about,
                onset="Onset of the event on the session's clock (no EMG was recorded)",
            )
    if not is_listed(study, label):
        append_row(study / "participants.tsv", {"participant_id": label})


def _write_behaviour(
    folder: Path, stem: str, trials: Sequence[TrialRow], *, simulated: bool, about: Mapping[str, Any]
) -> None:
    """Write the beh folder: one row per trial."""
    folder.mkdir()
    columns = tuple(descriptions.BEHAVIOUR)
    write_table(folder / f"{stem}_beh.tsv", columns, [vars(trial) for trial in trials])
    write_json(folder / f"{stem}_beh.json", {**about, **descriptions.BEHAVIOUR}, simulated=simulated)


def _write_emg(
    folder: Path,
    stem: str,
    recording: Path,
    events: list[EventRow],
    trials: list[TrialRow],
    session: Mapping[str, Any],
    state: Mapping[str, Any],
) -> None:
    """Write the emg folder of a session from the amplifier's own file."""
    rig = session.get("rig") or {}
    content = read_bdf(recording)
    try:
        status = content.channel(rig.get("amplifier_status_channel", "Status"))
        channels = _muscle_channels(content, rig.get("amplifier_channels"))
        rows, fits = place_events(
            events,
            trials,
            find_pulses(status.digital),
            fs_hz=content.fs_hz,
            crashed=state["SessionEnd"] == "crashed",
        )
    except ValueError as error:
        raise ValueError(f"{recording}: {error}") from None
    simulated = bool(session.get("simulated", False))
    metadata = {
        **_about_the_task(session),
        "PowerLineFrequency": rig.get("mains_hz", "n/a"),
        **({"Manufacturer": "none", "ManufacturersModelName": "simulated amplifier"} if simulated else {}),
        **(rig.get("amplifier_metadata") or {}),
        **state,
        "SourceFile": recording.name,
        "ClockFits": [vars(fit) for fit in fits],
        **({"SourceFileProblem": content.problem} if content.problem else {}),
    }
    write_emg_folder(
        folder,
        stem,
        channels,
        fs_hz=content.fs_hz,
        signal_kinds={channel.name: "raw" for channel in channels},
        events=rows,
        metadata=metadata,
        simulated=simulated,
        startdate=_date(session),
    )


def _about_the_task(session: Mapping[str, Any]) -> dict[str, Any]:
    """Say what the participant did, and with which software."""
    known = {}
    if (session.get("display") or {}).get("kind") == "window":
        presentation = {
            "OperatingSystem": session.get("system"),
            "SoftwareName": "PsychoPy",
            "SoftwareVersion": (session.get("versions") or {}).get("psychopy"),
        }
        known = {name: value for name, value in presentation.items() if value}
    return {
        "TaskName": TASK,
        "TaskDescription": descriptions.TASK_DESCRIPTION,
        "Instructions": descriptions.INSTRUCTIONS,
        **({"StimulusPresentation": known} if known else {}),
    }


def _muscle_channels(content: BdfFile, names: Mapping[str, str] | None) -> list[BdfChannel]:
    """Take the muscles' channels as they are in the file, named by their muscles: nothing is rounded."""
    names = names or {"corrugator": "corrugator", "zygomaticus": "zygomaticus"}
    found = {muscle: content.channel(name) for muscle, name in names.items()}
    return [
        dataclasses.replace(channel, name=muscle, unit=channel.unit or "uV")
        for muscle, channel in found.items()
    ]


def place_events(
    events: Sequence[EventRow], trials: Sequence[TrialRow], pulses: Pulses, *, fs_hz: float, crashed: bool
) -> tuple[list[dict[str, Any]], list[ClockFit]]:
    """Give the logged events their places in a recording and what the participant did in their trials.

    Parameters
    ----------
    events : sequence of EventRow
        The session's log.
    trials : sequence of TrialRow
        Its trials.
    pulses : Pulses
        The trigger codes in the recording.
    fs_hz : float
        Sampling rate of the recording.
    crashed : bool
        Whether the log has no end; then the recording may have a few codes more.

    Returns
    -------
    rows : list of dict
        Rows of the dataset's ``events.tsv``, in order of time.
    fits : list of ClockFit
        The line from the session's clock to the recording's, for each part of a session that was resumed.

    Raises
    ------
    ValueError
        If the codes are not those of the log, with both lists; or if the recording's sampling rate cannot be
        what it says.
    """
    samples, fits = _event_samples(events, pulses, fs_hz, crashed=crashed)
    rows = [
        _event_row(events[index], trials, sample / fs_hz, sample)
        for index in _of_finished_trials(events, trials)
        if (sample := samples[index]) is not None
    ]
    return sorted(rows, key=lambda row: row["onset"]), fits


def _of_finished_trials(events: Sequence[EventRow], trials: Sequence[TrialRow]) -> list[int]:
    """Number the events that go into the dataset: those of finished trials, each as it was shown last.

    A trial in which the session was stopped or crashed has no row in `trials`: its video may have been cut
    off, and a resumed session shows it once more. Without any row, nothing is known, and all are taken.
    """
    done = {(trial.practice, trial.trial) for trial in trials}
    began: dict[tuple[bool, int | None], int] = {}
    for index, event in enumerate(events):
        if event.trial_type.endswith("fixation"):
            began[_shown_in(event)] = index
    return [
        index
        for index, event in enumerate(events)
        if event.trial_type in LOGGED_EVENTS
        and (_shown_in(event) in done or not done)
        and index >= began.get(_shown_in(event), 0)
    ]


def _shown_in(event: EventRow) -> tuple[bool, int | None]:
    """Say which trial an event belongs to: whether it is practice, and its number."""
    return event.trial_type.startswith("practice_"), event.trial


def _event_samples(
    events: Sequence[EventRow], pulses: Pulses, fs_hz: float, *, crashed: bool
) -> tuple[list[int | None], list[ClockFit]]:
    """Find each event's sample: from its trigger code, or for an event without one from the clocks' fit."""
    coded = [index for index, event in enumerate(events) if event.value is not None]
    found = match_pulses(
        [int(events[index].value or 0) for index in coded],
        [events[index].onset for index in coded],
        pulses,
        crashed=crashed,
    )
    samples: list[int | None] = [None] * len(events)
    for index, sample in zip(coded, found, strict=True):
        samples[index] = int(sample)
    fits = []
    for part in _parts(events):
        placed = [index for index in part if samples[index] is not None]
        shown = [index for index in placed if not events[index].trial_type.endswith("response")]
        known = shown or placed  # a press is logged when the key went down, its code is sent a little later
        if not known:
            continue
        recording_s = np.array([samples[index] for index in known], dtype=float) / fs_hz
        fit = fit_clock([events[index].onset for index in known], recording_s)
        if abs(fit.drift_ppm) > MAX_DRIFT_PPM:
            true_hz = fs_hz * (1 + fit.drift_ppm * 1e-6)
            raise ValueError(
                f"the file says {fs_hz:g} Hz, but by the triggers' times it was sampled at about "
                f"{true_hz:.1f} Hz: correct the sampling rate in the amplifier's program and convert the "
                "recording again"
            )
        fits.append(fit)
        for index in part:
            if samples[index] is None:
                samples[index] = max(0, round(fit.to_recording_s(events[index].onset) * fs_hz))
    return samples, fits


def _parts(events: Sequence[EventRow]) -> list[list[int]]:
    """Split the events where a session was started again, because its clock was started again too."""
    parts: list[list[int]] = [[]]
    for index, event in enumerate(events):
        if event.trial_type == "session_start" and parts[-1]:
            parts.append([])
        parts[-1].append(index)
    return parts


def _event_row(
    event: EventRow, trials: Sequence[TrialRow], onset_s: float, sample: int | None
) -> dict[str, Any]:
    """Make a row of the dataset's events; a video's row has what the participant did in its trial."""
    row = {**vars(event), "onset": onset_s, "sample": sample, "response_count": None}
    if event.trial_type in ("video", "practice_video"):
        practice = event.trial_type == "practice_video"
        for trial in trials:
            if trial.trial == event.trial and trial.practice == practice:
                names = ("response_key", "response_time", "response_count", "outcome")
                row |= {name: getattr(trial, name) for name in names}
    return row


def _how_it_ended(events: Sequence[EventRow]) -> str:
    """Say how a session ended: finished, aborted, or crashed when its log has no end."""
    ends = {"session_start": "crashed", "session_end": "finished", "aborted": "aborted"}
    return next((ends[event.trial_type] for event in reversed(events) if event.trial_type in ends), "crashed")


def _amplifier_file(live: Path) -> Path | None:
    """Find the amplifier's file; other formats than BDF are imported instead."""
    files = sorted(live.glob("*_amplifier.*"))
    found = [path for path in files if path.suffix.lower() == ".bdf"]
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise ValueError(f"{live} has {len(found)} amplifier files ({names}): keep one")
    if files and not found:
        raise ValueError(
            f"{files[0]} is not BDF: move it out of {live}, close the session again, and then add the "
            "recording with `python -m analysis.mimicry import`"
        )
    return found[0] if found else None


def _date(session: Mapping[str, Any]) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(str(session.get("date", ""))[:10])
    except ValueError:
        return None
