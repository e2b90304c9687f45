"""Sessions and studies without people: the same procedure on twins of screen, keyboard and amplifier."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from experiments.dataset.study import file_stem, live_folder
from experiments.display.simulated import SimulatedDisplay, SimulatedKeyboard, VirtualClock
from experiments.mimicry.devices import ScreenChoices, open_recording, open_window
from experiments.mimicry.plan import SessionPlan
from experiments.mimicry.progress import REQUIRED
from experiments.mimicry.run import JOURNAL, Devices
from experiments.record import read_record
from experiments.session import SessionClock
from hardware.protocols import SignalRecorder
from hardware.simulated import effects as mimicry_effects
from hardware.simulated.amplifier import SimulatedAmplifier
from hardware.simulated.effects import MimicryEffects
from hardware.simulated.journal import Journal
from hardware.simulated.participant import SimulatedParticipant
from hardware.triggers import open_trigger

RECORDED_AFTER_S = 2.0
"""How long the amplifier went on after the last code when the session was killed (s)."""

FS_HZ = 1200
"""Sampling rate of the simulated amplifier, that of Korb et al. (2023), EMG."""


@dataclass(frozen=True, kw_only=True)
class TableVideo:
    """A video that is only a row of a table: nothing is shown in a simulated session."""

    video: str
    identity: str
    sex: str
    direction: str
    path: Path = field(default=Path())
    n_frames: int = 125
    fps: float = 25.0
    width_px: int = 600
    height_px: int = 800


def paper_videos() -> list[TableVideo]:
    """Make a table of 24 videos like the paper's: 12 pairs of photographs of 10 people, five of them male.

    Examples
    --------
    >>> videos = paper_videos()
    >>> len(videos), len({video.identity for video in videos})
    (24, 10)
    """
    pairs = [(f"id{number:02}", f"id{number:02}") for number in range(1, 11)]
    pairs += [("id03b", "id03"), ("id08b", "id08")]
    return [
        TableVideo(
            video=f"{pair}_{direction}",
            identity=identity,
            sex="female" if int(identity[2:]) <= 5 else "male",
            direction=direction,
        )
        for pair, identity in pairs
        for direction in ("AngryToHappy", "HappyToAngry")
    ]


def effects_of(plan: SessionPlan) -> MimicryEffects:
    """Return the known mimicry of a simulated session: that of the paper's size, or none."""
    return mimicry_effects.none() if plan.record.get("null") else mimicry_effects.paper()


def simulated_person(seed: int, *, effects: MimicryEffects | None, group: str | None) -> SimulatedParticipant:
    """Make the participant of a session with this seed; another stream than that of the trial list."""
    effects = effects or mimicry_effects.none()
    return SimulatedParticipant(effects=effects, rng=np.random.default_rng([seed, 1]), group=group)


@contextmanager
def simulated_devices(plan: SessionPlan, *, says_truth: bool = False) -> Iterator[Devices]:
    """Give the twins of all devices on a virtual clock.

    Parameters
    ----------
    plan : SessionPlan
        The session.
    says_truth : bool
        Whether to write the known mimicry into the study; a simulated study has written it before.

    Yields
    ------
    Devices
        The twins.
    """
    if says_truth:
        write_truth(plan)
    clock = VirtualClock(plan.start_s)
    person = simulated_person(plan.seed, effects=effects_of(plan), group=plan.person.group)
    amplifier = simulated_amplifier(plan, person, clock)
    yield Devices(
        display=SimulatedDisplay(clock, refresh_hz=plan.rig.refresh_hz),
        keyboard=SimulatedKeyboard(person, now=clock.now, continue_key=plan.rig.response_keys[0]),
        port=amplifier,
        recorder=amplifier,
        monotonic=clock.now,
        wall=clock.now,
        durable=False,
    )


@contextmanager
def simulated_keys(
    plan: SessionPlan, screen: ScreenChoices, *, check_signals: bool = True
) -> Iterator[Devices]:
    """Give a real window to a simulated participant; EMG is simulated unless the rig has devices for it.

    An LSL stream is recorded as in a real session; `hardware.simulated.lsl_amplifier` is one.
    """
    if plan.rig.recorder.kind != "lsl":
        write_truth(plan)
    clock = SessionClock(plan.start_s)
    person = simulated_person(plan.seed, effects=effects_of(plan), group=plan.person.group)
    with ExitStack() as opened:
        recorder: SignalRecorder | None = None
        remarks: dict[str, Any] = {}
        port = open_trigger(plan.rig)
        opened.callback(port.close)
        if plan.rig.triggers or plan.rig.recorder.kind == "lsl":
            recorder, remarks = open_recording(plan, check_signals=check_signals, by_itself=True)
        else:
            port = recorder = simulated_amplifier(plan, person, clock)
        display = open_window(plan, screen, clock)
        opened.callback(display.close)
        keyboard = SimulatedKeyboard(person, now=clock.now, continue_key=plan.rig.response_keys[0])
        yield Devices(display=display, keyboard=keyboard, port=port, recorder=recorder, remarks=remarks)


def simulated_amplifier(
    plan: SessionPlan, person: SimulatedParticipant, clock: VirtualClock | SessionClock
) -> SimulatedAmplifier:
    """Make the amplifier at which the simulated participant sits; in a resumed session it goes on."""
    return SimulatedAmplifier(
        plan.folder / f"{file_stem(plan.participant)}_amplifier.bdf",
        fs_hz=FS_HZ,
        now=clock.now,
        participant=person,
        rng=np.random.default_rng([plan.seed, 2]),
        journal=plan.folder / JOURNAL,
    )


def end_recording(study: Path, participant: str, *, run: int = 1) -> None:
    """Let the amplifier of a simulated session that was killed end its recording, if it has not."""
    folder = live_folder(study, participant, run)
    if not (folder / JOURNAL).exists() or any(folder.glob("*_amplifier.bdf")):
        return
    record = read_record(folder, REQUIRED)
    effects = mimicry_effects.none() if record.get("null") else mimicry_effects.paper()
    person = simulated_person(record["seed"], effects=effects, group=record["person"]["group"])
    heard = [entry["at_s"] for entry in Journal(folder / JOURNAL).entries if "at_s" in entry]
    if not heard:
        return
    amplifier = SimulatedAmplifier(
        folder / f"{file_stem(participant)}_amplifier.bdf",
        fs_hz=FS_HZ,
        now=lambda: heard[-1] + RECORDED_AFTER_S,
        participant=person,
        rng=np.random.default_rng([record["seed"], 2]),
        journal=folder / JOURNAL,
    )
    amplifier.start()
    amplifier.stop()


def write_truth(plan: SessionPlan) -> None:
    """Write down the known mimicry of the study, once; a study has only one."""
    mimicry_effects.write_truth(plan.study, effects_of(plan), plan.directions)
