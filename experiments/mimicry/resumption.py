"""A session that goes on: at the next trial, in the same order, with the numbers and texts it began with."""

from __future__ import annotations

import dataclasses
import datetime
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiments.dataset.rows import EventRow, read_rows
from experiments.mimicry.parameters import SessionParameters
from experiments.mimicry.plan import Person, SessionPlan, Stimulus
from experiments.mimicry.progress import REQUIRED, Progress, last_run, read_progress
from experiments.mimicry.texts import read_texts
from experiments.record import damaged, read_record, recorded
from experiments.session import live_folder
from hardware.settings import RigSettings, rig_from_record

PAUSE_S = 60.0
"""How long a simulated session stood still before it goes on."""


def plan_resumption(
    study: Path,
    participant: str,
    *,
    videos: Sequence[Stimulus],
    stimulus_set: dict[str, Any],
    rig: RigSettings | None,
    simulated: bool,
    remarks: dict[str, Any] | None = None,
) -> SessionPlan:
    """Plan the rest of a participant's last session, which was stopped or crashed.

    Its rig, and with it the trigger line, is the one it began with, unless another `rig` is given.

    Raises
    ------
    FileNotFoundError
        If there is no such session.
    ValueError
        If nothing is left of it, it was made with other stimuli, or its files are damaged.
    """
    run = last_run(study, participant) or 1
    folder = live_folder(study, participant, run)
    record = read_record(folder, REQUIRED)
    progress = read_progress(study, participant, run)
    _check_whether_it_can_go_on(progress, record, stimulus_set, simulated=simulated)
    rig = rig or _recorded_rig(folder, record)
    known = {video.video: video for video in videos}
    part = {
        "next": progress.next_trial,
        "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        **(remarks or {}),
    }
    return SessionPlan(
        study=study,
        participant=participant,
        run=run,
        person=recorded(folder, record, "person", Person),
        seed=record["seed"],
        parameters=recorded(folder, record, "parameters", SessionParameters),
        rig=rig,
        texts=read_texts(record["language"]),
        videos=known,
        trials=progress.left,
        record={
            **record,
            "rig": dataclasses.asdict(rig),
            "earlier_rigs": [*record.get("earlier_rigs", []), record["rig"]],
            "resumed": [*record.get("resumed", []), part],
        },
        simulated=simulated,
        start_s=_clock_s(folder, record),
        resumed=True,
    )


def _check_whether_it_can_go_on(
    progress: Progress, record: dict[str, Any], stimulus_set: dict[str, Any], *, simulated: bool
) -> None:
    participant = progress.participant
    if record["simulated"] != simulated:
        kind = "simulated" if record["simulated"] else "real"
        raise ValueError(f"participant {participant} is a {kind} one: go on with the same options as before")
    if record["stimuli"] != stimulus_set:
        raise ValueError(
            f"the session of participant {participant} began with other stimuli ({record['stimuli']}) than "
            f"those given now ({stimulus_set}): give the same set"
        )
    if not progress.left:
        in_dataset = progress.in_dataset
        way = "--new-run begins another session" if in_dataset else "--close puts them into the dataset"
        raise ValueError(f"all trials of participant {participant} were shown: {way}")


def _recorded_rig(folder: Path, record: dict[str, Any]) -> RigSettings:
    try:
        return rig_from_record(record["rig"])
    except ValueError as error:
        raise damaged(folder, f"rig cannot be understood ({error})") from None


def _clock_s(folder: Path, record: dict[str, Any]) -> float:
    """Go on with the session's clock, at least a second after the last event, if the time of day was set."""
    path = folder / "events.tsv"
    events = read_rows(path, EventRow) if path.is_file() else []
    last_s = max((event.onset for event in events), default=0.0)
    if record["simulated"]:
        return last_s + PAUSE_S
    return max(time.time() - float(record["started_unix_s"]), last_s + 1.0)
