"""Run a planned session on its devices, and close everything whatever happens."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.dataset import bids
from experiments.dataset.rows import TrialRow, read_rows
from experiments.dataset.tables import participant_label, read_table
from experiments.display import Display, Keyboard
from experiments.display.clocks import ClockWatch
from experiments.mimicry.plan import SessionPlan, write_plan
from experiments.mimicry.procedure import mark, run_session
from experiments.mimicry.timing import write_pulldown
from experiments.mimicry.trial import Stage
from experiments.session import (
    Keys,
    SessionLog,
    SessionStopped,
    TriggerLine,
    live_folder,
    read_record,
    stopped_by_signals,
    write_record,
)
from hardware.protocols import SignalRecorder, TriggerPort

if TYPE_CHECKING:
    from collections.abc import Iterator


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
    with discarded_unless_begun(plan):
        write_plan(plan)
        with stopped_by_signals():
            reason = _run(plan, open_devices)
    close_into_dataset(plan.study, plan.participant)
    return reason


def _run(plan: SessionPlan, open_devices: OpenDevices) -> str | None:
    """Run the session on its devices; return why it ended early."""
    with ExitStack() as open_things:
        devices = open_things.enter_context(open_devices(plan))
        if plan.resumed:
            set_aside(plan.study, plan.participant)
        record = {
            **plan.record,
            "display": devices.display.describe(),
            "pulldown": write_pulldown(plan.folder, plan.videos.values(), devices.display.refresh_hz),
        }
        write_record(plan.folder, record)
        log = SessionLog(
            plan.folder, monotonic=devices.monotonic, resume=plan.resumed, durable=devices.durable
        )
        open_things.callback(log.close)
        triggers = TriggerLine(devices.port, monotonic=devices.monotonic)
        open_things.callback(triggers.close)
        if devices.recorder is not None:
            devices.recorder.start()
            open_things.callback(devices.recorder.stop)
        stage = Stage(
            display=devices.display,
            keys=Keys(devices.keyboard, escape_key=plan.rig.escape_key),
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
    write_record(
        plan.folder,
        {**record, "learned_response_keys": keys, "rig": {**record["rig"], "response_keys": keys}},
    )


def _run_to_an_end(plan: SessionPlan, stage: Stage) -> str | None:
    """Run the session; a stop is marked in the log and on the trigger line."""
    try:
        run_session(plan.trials, stage)
    except (SessionStopped, KeyboardInterrupt) as stopped:
        mark(stage, "aborted")
        stage.display.flip(stage.triggers.at_flip())
        return str(stopped) or "the session was ended with Ctrl-C"
    return None


def close_into_dataset(study: Path, participant: str) -> None:
    """Put the finished trials of a session into the dataset; without one, nothing is put there.

    Raises
    ------
    FileNotFoundError
        If there is no such session.
    FileExistsError
        If it is in the dataset already.
    """
    folder = live_folder(study, participant)
    record = read_record(folder)
    if not any(not row.practice for row in _finished_trials(folder)):
        return
    label = participant_label(participant)
    if not any(row.get("participant_id") == label for row in read_table(study / "participants.tsv")):
        bids.add_participant(study, participant, **record["person"])
    bids.close_session(study, participant)


def set_aside(study: Path, participant: str) -> None:
    """Move what an aborted session left in the dataset to its sourcedata, as the resumed one replaces it."""
    made = study / participant_label(participant)
    if not made.exists():
        return
    folder, number = live_folder(study, participant), 1
    while (target := folder / f"before_resumption_{number}").exists():
        number += 1
    shutil.move(made, target)


def _finished_trials(folder: Path) -> list[TrialRow]:
    path = folder / "trials.tsv"
    return read_rows(path, TrialRow) if path.is_file() else []


@contextmanager
def discarded_unless_begun(plan: SessionPlan) -> Iterator[None]:
    """Take back the plan of a session that could not begin, so that the participant's id stays free.

    When one that has begun fails, it is said where its data are.
    """
    try:
        yield
    finally:
        begun = plan.resumed or (plan.folder / "events.tsv").exists()
        if begun and sys.exc_info()[0] is not None:
            print(
                f"What was recorded of participant {plan.participant} is kept in {plan.folder}. Give the "
                "same command with --resume to go on, or with --close to put it into the dataset.",
                file=sys.stderr,
            )
        if not begun:
            for name in ("session.json", "session.json.unfinished", "design.tsv"):
                (plan.folder / name).unlink(missing_ok=True)
            with suppress(OSError):
                plan.folder.rmdir()
            print(f"The session of participant {plan.participant} did not begin.", file=sys.stderr)
