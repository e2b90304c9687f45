"""Run a planned session on its devices, and close everything whatever happens."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.dataset import bids
from experiments.dataset.durable import UNFINISHED
from experiments.dataset.study import files_of_run, finish_moves, is_listed
from experiments.dataset.tables import append_row, participant_label
from experiments.dataset.xdf_to_bdf import write_bdf_copies
from experiments.display import Display, Keyboard
from experiments.display.clocks import ClockWatch
from experiments.mimicry.plan import Person, SessionPlan, write_plan
from experiments.mimicry.procedure import mark, run_session
from experiments.mimicry.progress import DESIGN, finished_trials, read_progress
from experiments.mimicry.timing import write_pulldown
from experiments.mimicry.trial import Stage
from experiments.one_at_a_time import one_at_a_time
from experiments.questionnaires.tables import update_tables_of
from experiments.record import RECORD, recorded
from experiments.session import (
    Keys,
    SessionLog,
    SessionStopped,
    StopRequests,
    TriggerLine,
    keep_record,
    live_folder,
    read_record,
    stopped_by_signals,
    write_record,
)
from experiments.stopping import CTRL_C
from hardware.protocols import SignalRecorder, TriggerPort

if TYPE_CHECKING:
    from collections.abc import Iterator

JOURNAL = "amplifier_journal.jsonl"
"""What a simulated amplifier has heard, in the folder of the session."""

NEEDED_MB = 50
"""Room that a session with its dataset needs on the disk at most (MB); it takes about half of it."""

WAYS_OUT = (
    "Give the same command with --resume to go on, or with --new-run to begin another session of this "
    "participant; --close puts what there is into the dataset."
)


@dataclass(frozen=True, kw_only=True)
class Devices:
    """What a session runs on; real or simulated."""

    display: Display
    keyboard: Keyboard
    port: TriggerPort
    recorder: SignalRecorder | None = None
    """What is started and stopped with the session; None when the amplifier is operated by hand."""
    monotonic: Callable[[], float] = time.perf_counter
    """Clock for the column ``monotonic`` (s)."""
    wall: Callable[[], float] = time.time
    """The time of day for the column ``wall`` (s since 1970); it may be set while the session runs."""
    durable: bool = True
    """Whether each trial waits for the disk."""
    remarks: Mapping[str, Any] = field(default_factory=dict)
    """What the record keeps of how the devices were found, such as the check of the signals."""


OpenDevices = Callable[[SessionPlan], AbstractContextManager[Devices]]


def run_plan(plan: SessionPlan, open_devices: OpenDevices) -> str | None:
    """Run a session and put it into the dataset.

    Parameters
    ----------
    plan : SessionPlan
        What is to be shown.
    open_devices : callable
        Opens the devices, after the plan has been written.

    Returns
    -------
    str or None
        Why the session ended early; None when it was finished.
    """
    bids.create_study(plan.study, name=plan.study.resolve().name, simulated=plan.simulated)
    check_room(plan.study)
    with alone_with(plan.study, plan.participant), stopped_by_signals() as requests:
        write_plan(plan)
        with discarded_unless_begun(plan):
            reason = _run(plan, open_devices, requests)
        close_into_dataset(plan.study, plan.participant, run=plan.run)
    return reason


def alone_with(study: Path, participant: str) -> AbstractContextManager[None]:
    """Let no other program write into a participant's sessions at the same time."""
    return one_at_a_time(
        study / "sourcedata" / f".{participant_label(participant)}.lock",
        busy=f"a session of participant {participant} is running already: end it first, or close its window. "
        "If there is no window of it any more, end its program (python) in the system's task manager",
    )


def check_room(study: Path) -> None:
    """Refuse to begin where the disk could be full before the session ends.

    Raises
    ------
    ValueError
        If less than `NEEDED_MB` is free.
    """
    free_mb = shutil.disk_usage(study).free / 1e6
    if free_mb < NEEDED_MB:
        raise ValueError(
            f"only {free_mb:.0f} MB are free on the disk of {study}, a session needs {NEEDED_MB}: make room, "
            "or keep the study on another disk"
        )


def _run(plan: SessionPlan, open_devices: OpenDevices, requests: StopRequests) -> str | None:
    """Run the session on its devices; return why it ended early.

    As soon as something is written, requests to stop wait until they can do no harm.
    """
    with ExitStack() as open_things:
        devices = open_things.enter_context(open_devices(plan))
        requests.wait_for_checks()
        enrol(plan)
        if plan.resumed:
            set_aside(plan.study, plan.participant, run=plan.run)
        record = {
            **plan.record,
            **devices.remarks,
            "display": devices.display.describe(),
            "pulldown": write_pulldown(plan.folder, plan.videos.values(), devices.display.refresh_hz),
        }
        write_record(plan.folder, record)
        keep_record(plan.folder, record)
        if devices.recorder is not None:  # before the log: a recording that cannot begin leaves no session
            devices.recorder.start()
            open_things.callback(devices.recorder.stop)
        log = SessionLog(
            plan.folder, monotonic=devices.monotonic, resume=plan.resumed, durable=devices.durable
        )
        open_things.callback(log.close)
        triggers = TriggerLine(devices.port, monotonic=devices.monotonic)
        open_things.callback(triggers.close)
        stage = Stage(
            display=devices.display,
            keys=Keys(
                devices.keyboard,
                escape_key=plan.rig.escape_key,
                requests=requests,
                close_asked=devices.display.close_asked,
            ),
            triggers=triggers,
            log=log,
            codes=plan.record["trigger_codes"],
            films=plan.videos,
            parameters=plan.parameters,
            texts=plan.texts,
            response_keys=plan.rig.response_keys,
            clocks=ClockWatch(devices.display.now, devices.wall),
            keep_learned_keys=partial(keep_learned_keys, plan, record) if plan.learn_key else None,
        )
        return _run_to_an_end(plan, stage)


def keep_learned_keys(plan: SessionPlan, record: dict[str, Any], keys: tuple[str, ...]) -> None:
    """Write into the session's record which response key was learned; a resumed session has the same."""
    if "up" not in keys:
        print(
            f"The response key is {keys[0]!r} now, and the suite's texts speak of the arrow-up button: give "
            "texts of your own with --language my_texts.toml.",
            file=sys.stderr,
        )
    write_record(
        plan.folder,
        {**record, "learned_response_keys": keys, "rig": {**record["rig"], "response_keys": keys}},
    )


def _run_to_an_end(plan: SessionPlan, stage: Stage) -> str | None:
    """Run the session; a stop is marked in the log and on the trigger line.

    One that comes when the last trial is written stops nothing any more: the session is finished.
    """
    try:
        run_session(plan.trials, stage)
    except (SessionStopped, KeyboardInterrupt) as stopped:
        written, last = stage.log.last_trial, plan.trials[-1]
        finished = written is not None and (written.practice, written.trial) == (last.practice, last.trial)
        mark(stage, "session_end" if finished else "aborted")
        stage.display.flip(stage.triggers.at_flip())
        return None if finished else str(stopped) or CTRL_C
    return None


def close_into_dataset(study: Path, participant: str, *, run: int = 1) -> None:
    """Put the finished trials of a session into the dataset; without one, nothing is put there.

    Raises
    ------
    FileNotFoundError
        If there is no such session.
    FileExistsError
        If it is in the dataset already.
    ValueError
        If its files are damaged, or its trigger codes are not those of the recording.
    """
    folder = live_folder(study, participant, run)
    record = read_record(folder, {"person": dict})
    if not any(not row.practice for row in finished_trials(folder)):
        return
    label = participant_label(participant)
    if not is_listed(study, label):
        person = recorded(folder, record, "person", Person)
        append_row(study / "participants.tsv", {"participant_id": label, **vars(person)})
    rig = record.get("rig") or {}
    if (rig.get("recorder") or {}).get("file_format") == "bdf":
        write_bdf_copies(folder, rig)
    bids.close_session(study, participant, run=run)
    for note in update_tables_of(study, participant):
        print(f"note: {note}", file=sys.stderr)


def enrol(plan: SessionPlan) -> None:
    """List the participant of a session that begins; BIDS wants a folder for somebody who is listed."""
    label = participant_label(plan.participant)
    if not is_listed(plan.study, label):
        bids.add_participant(plan.study, plan.participant, **vars(plan.person))
    (plan.study / label).mkdir(exist_ok=True)


def set_aside(study: Path, participant: str, *, run: int = 1) -> None:
    """Move what an aborted session left in the dataset to its sourcedata, as the resumed one replaces it.

    So with the recording of a simulated amplifier: it knows by its journal what it has recorded, and makes
    the whole recording at the end.
    """
    label, folder = participant_label(participant), live_folder(study, participant, run)
    finish_moves(study, label)
    made = files_of_run(study, label, run)
    if (folder / JOURNAL).exists():
        made += folder.glob("*_amplifier.bdf")
    if not made:
        return
    number = 1
    while (target := folder / f"before_resumption_{number}").exists():
        number += 1
    for file in made:
        kind = target if file.parent == folder else target / file.parent.name
        kind.mkdir(parents=True, exist_ok=True)
        shutil.move(file, kind / file.name)
        with suppress(OSError):
            file.parent.rmdir()


@contextmanager
def discarded_unless_begun(plan: SessionPlan) -> Iterator[None]:
    """Take back the plan of a session that could not begin, so that the participant's id stays free.

    When one that has begun fails, it is said where its data are and how to go on.
    """
    try:
        yield
    except BaseException:
        if plan.resumed or (plan.folder / "events.tsv").exists():
            print(
                f"What was recorded of participant {plan.participant} is kept in {plan.folder}; "
                f"{where_it_stopped(plan.study, plan.participant, plan.run)} {WAYS_OUT}",
                file=sys.stderr,
            )
        else:
            _discard(plan.folder)
            print(f"The session of participant {plan.participant} did not begin.", file=sys.stderr)
        raise


def where_it_stopped(study: Path, participant: str, run: int) -> str:
    """Say how far a session came, as far as its files can be read."""
    try:
        return f"{read_progress(study, participant, run)}."
    except (ValueError, OSError) as error:
        return f"how far it came cannot be read ({error})."


def _discard(folder: Path) -> None:
    """Remove the plan of a session of which nobody saw anything; what else is in the folder stays."""
    for pattern in (RECORD, DESIGN, "session_part-*.json", "pulldown_*.tsv", f"*{UNFINISHED}"):
        for path in folder.glob(pattern):
            path.unlink()
    with suppress(OSError):
        folder.rmdir()
