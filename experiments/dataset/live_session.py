"""Turns the files that a session wrote while it ran into BIDS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.dataset import descriptions
from experiments.dataset.amplifier_files import amplifier_files
from experiments.dataset.emg_files import EVENT_COLUMNS, write_events
from experiments.dataset.placement import event_row, of_finished_trials
from experiments.dataset.presentation import about_the_screen
from experiments.dataset.rows import EventRow, TrialRow, read_rows
from experiments.dataset.session_emg import REPAIRS, write_repairs, write_session_emg
from experiments.dataset.study import (
    TASK,
    file_stem,
    files_of_run,
    finish_moves,
    is_in_dataset,
    is_listed,
    live_folder,
    unfinished,
)
from experiments.dataset.tables import append_row, participant_label, read_json, write_json, write_table


def close_session(study: Path, participant: str, *, run: int = 1) -> list[str]:
    """Turn the files that a session wrote while it ran into BIDS; also those of a session that crashed.

    Reads ``STUDY/sourcedata/sub-ID``: ``session.json`` (``simulated``, ``trigger_codes``, ``date``,
    ``display``, ``versions``, ``system``, and ``rig`` with the fields of the rig settings), ``events.tsv``,
    ``trials.tsv`` and, where there are some, the amplifier's files: ``*_amplifier.xdf`` (or bdf, edf) and,
    where it was started again, ``*_amplifier_part2.xdf`` and so on. With them, events get their times from
    the trigger codes; what was repaired is in ``repairs.json`` beside the log. A trial in which the session
    was stopped stays in sourcedata only. A session that was closed without EMG gets it when it is closed
    again with the amplifier's files.

    Parameters
    ----------
    study : Path
        Folder of the study.
    participant : str
        Id of the participant.
    run : int
        Which session of this participant, from 1; that of a second one lies in ``run-2`` of the folder.

    Returns
    -------
    list of str
        Sentences for the experimenter: how well the clocks of session and amplifier agree, and what was
        repaired; nothing where no EMG was recorded.

    Raises
    ------
    FileNotFoundError
        If there is no such session.
    FileExistsError
        If it was closed already.
    ValueError
        If there is nothing in it, or it is not proven which code in the amplifier's file is which logged one;
        the message then shows both lists.
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
    if finish_moves(study, label) and is_in_dataset(study, label, run):
        _list(study, label)
        return about_clocks(live)  # a program that was killed had got so far
    state = {"SessionEnd": _how_it_ended(events)}
    about = _about_the_task(session)
    files, placement = amplifier_files(live), None
    kinds = ["beh"]
    if files:  # they may have been put there after the session was closed without them
        kinds = ["emg"] if files_of_run(study, label, run, ("beh",)) else ["emg", "beh"]
    with unfinished(study, label, kinds, run) as folder:
        if files:
            placement = write_session_emg(
                folder / "emg", stem, files, events, trials, session, {**about, **state}
            )
            write_repairs(live, placement, simulated=simulated)
        if "beh" in kinds:
            _write_behaviour(folder / "beh", stem, shown, simulated=simulated, about={**about, **state})
        if not files:
            write_events(
                folder / "beh",
                stem,
                [
                    event_row(events[index], trials, events[index].onset, None)
                    for index in of_finished_trials(events, trials)
                ],
                columns=[name for name in EVENT_COLUMNS if name != "timing"],
                simulated=simulated,
                about=about,
                onset="Onset of the event on the session's clock (no EMG was recorded)",
            )
    _list(study, label)
    return placement.sentences() if placement else []


def _list(study: Path, label: str) -> None:
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


def _about_the_task(session: Mapping[str, Any]) -> dict[str, Any]:
    """Say what the participant did, on which screen and with which software."""
    return {
        "TaskName": TASK,
        "TaskDescription": descriptions.TASK_DESCRIPTION,
        "Instructions": descriptions.INSTRUCTIONS,
        **about_the_screen(session),
    }


def _how_it_ended(events: Sequence[EventRow]) -> str:
    """Say how a session ended: finished, aborted, or crashed when its log has no end."""
    ends = {"session_start": "crashed", "session_end": "finished", "aborted": "aborted"}
    return next((ends[event.trial_type] for event in reversed(events) if event.trial_type in ends), "crashed")


def about_clocks(live: Path) -> list[str]:
    """Read what `close_session` said of the clocks and of repairs; nothing where no EMG was recorded."""
    path = live / REPAIRS
    return [str(sentence) for sentence in read_json(path).get("said", [])] if path.is_file() else []
