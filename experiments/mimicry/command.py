"""What the session's command does, one step after the other."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import json
import secrets
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import typer
from tqdm import tqdm

from experiments.allocation import minutes_since_pill, pill_warning
from experiments.dataset.live_session import about_clocks
from experiments.dataset.study import is_in_dataset
from experiments.dataset.tables import participant_label
from experiments.mimicry.devices import ScreenChoices, real_devices
from experiments.mimicry.offer import choose_way, way_to_ask
from experiments.mimicry.options import Choices
from experiments.mimicry.parameters import SessionParameters
from experiments.mimicry.plan import Person, SessionPlan, Stimulus, known_person, plan_session, read_set
from experiments.mimicry.procedure import ESCAPED
from experiments.mimicry.progress import finished_trials, last_run
from experiments.mimicry.resumption import plan_resumption
from experiments.mimicry.run import (
    JOURNAL,
    WAYS_OUT,
    OpenDevices,
    alone_with,
    close_into_dataset,
    run_plan,
    where_it_stopped,
)
from experiments.mimicry.texts import read_texts
from experiments.mimicry.timing import timing_report
from experiments.record import read_record
from experiments.session import SessionStopped, has_screen, live_folder
from hardware.calibration import calibration_problem, calibration_record
from hardware.settings import read_rig


def carry_out(choices: Choices) -> None:
    """Do what the command line says: close a session, simulate a study, or run one session.

    Raises
    ------
    SystemExit
        With status 1, if the session ended early and not by the escape key.
    """
    if choices.close:
        return close_sessions(choices.study, str(choices.participant), as_json=choices.as_json)
    if choices.participants is not None:
        return simulate_study(choices, choices.participants)
    texts = read_texts(choices.language)
    given = Person(age=choices.age, sex=choices.sex, group=choices.group)
    participant, person = choices.participant, given
    if participant is None and choices.as_json:
        raise ValueError("which participant? With --json nothing is asked: give --participant ID")
    if participant is None:
        participant, person = ask_who(texts.dialog, given, simulate=choices.simulate)
    way = choose_way(
        choices.study,
        participant,
        resume=choices.resume,
        new_run=choices.new_run,
        ask=way_to_ask(texts.dialog["title"], simulate=choices.simulate, silent=choices.as_json),
        texts=texts.offer,
    )
    if way == "close":
        return close_sessions(choices.study, participant, as_json=choices.as_json)
    resumed = way == "resume"
    run_one(
        choices, plan_the_rest(choices, participant) if resumed else plan_anew(choices, participant, person)
    )


def plan_anew(choices: Choices, participant: str, person: Person) -> SessionPlan:
    """Plan a new session."""
    rig = read_rig(choices.rig)
    videos, stimulus_set = stimuli_of(choices.stimuli, simulate=choices.simulate)
    seed = secrets.randbelow(2**32) if choices.seed is None else choices.seed
    person = known_person(choices.study, participant, person)
    remarks = {"rig_given": choices.rig is not None, **since_the_pill(choices.study, participant)}
    if choices.rig is not None:
        remarks["calibration"] = calibration_record(choices.rig)
        if not choices.simulate and (problem := calibration_problem(choices.rig, rig)):
            print(f"Timing: {problem}", file=sys.stderr)
    if choices.simulated:
        person = _simulated_person(person, seed)
        remarks |= {"null": choices.null, "simulated_keys": choices.simulate_keys}
    return plan_session(
        choices.study,
        participant,
        run=last_run(choices.study, participant) + 1,
        person=person,
        simulated=choices.simulated,
        seed=seed,
        remarks=remarks,
        rig=rig,
        videos=videos,
        stimulus_set=stimulus_set,
        parameters=dataclasses.replace(SessionParameters(), n_practice=choices.practice),
        language=choices.language,
        n_trials=choices.trials,
    )


def plan_the_rest(choices: Choices, participant: str) -> SessionPlan:
    """Plan the rest of a session that was stopped or crashed."""
    changed_rig = None if choices.rig is None else read_rig(choices.rig)
    videos, stimulus_set = stimuli_of(choices.stimuli, simulate=choices.simulate)
    return plan_resumption(
        choices.study,
        participant,
        videos=videos,
        stimulus_set=stimulus_set,
        rig=changed_rig,
        simulated=choices.simulated,
        remarks=since_the_pill(choices.study, participant),
    )


def since_the_pill(study: Path, participant: str) -> dict[str, Any]:
    """Say how long ago the pill was, for the session's record, and warn when the time is not the study's.

    A session is never refused for it: whether it is worth running is for the experimenter to say.
    """
    now = datetime.datetime.now().astimezone()
    try:
        minutes, warning = minutes_since_pill(study, participant, now), pill_warning(study, participant, now)
    except (ValueError, OSError) as error:
        minutes, warning = None, f"when the pill was taken cannot be read ({error})"
    if warning is not None:
        print(f"Pill: {warning}", file=sys.stderr)
    if minutes is None and warning is None:
        return {}
    return {"minutes_since_pill": None if minutes is None else round(minutes, 1), "pill_warning": warning}


def run_one(choices: Choices, plan: SessionPlan) -> None:
    """Run a planned session and say how it went."""
    plan = dataclasses.replace(plan, learn_key=choices.learn_key)
    screen = ScreenChoices(
        expected_hz=plan.rig.refresh_hz if choices.rig or plan.record.get("rig_given") else None,
        allow_unmeasured_refresh=choices.allow_unmeasured_refresh,
    )
    reason = run_plan(plan, devices_for(choices, screen))
    report(plan.study, plan.participant, plan.run, reason, as_json=choices.as_json)
    if reason not in (None, ESCAPED):
        raise SystemExit(1)


def close_sessions(study: Path, participant: str, *, as_json: bool) -> None:
    """Put the finished trials of a participant's sessions into the dataset, of those that are not there."""
    last = last_run(study, participant) or 1
    waiting = [run for run in range(1, last + 1) if waits_for_dataset(study, participant, run)]
    for run in waiting or [last]:
        if not waiting or waits_for_dataset(study, participant, run):
            close_session(study, participant, run)
        report(study, participant, run, None, as_json=as_json)


def close_session(study: Path, participant: str, run: int) -> None:
    """Put the finished trials of one session into the dataset."""
    folder = live_folder(study, participant, run)
    read_record(folder)
    with alone_with(study, participant):
        if (folder / JOURNAL).exists():
            from experiments.mimicry.simulated import end_recording

            end_recording(study, participant, run=run)
        close_into_dataset(study, participant, run=run)


def waits_for_dataset(study: Path, participant: str, run: int) -> bool:
    """Say whether a session has finished trials that the dataset has not got."""
    finished = finished_trials(live_folder(study, participant, run))
    there = is_in_dataset(study, participant_label(participant), run)
    return any(not row.practice for row in finished) and not there


def stimuli_of(folder: Path | None, *, simulate: bool) -> tuple[list[Stimulus], dict[str, Any]]:
    """Read the stimulus set; a simulated session can do with the names of the paper's 24 videos."""
    if folder is not None:
        videos, stimulus_set = read_set(folder)
        return list(videos), stimulus_set
    if not simulate:
        raise ValueError(
            "which videos? Give --stimuli FOLDER. A set of the built-in faces is made with: "
            "python -m stimuli faces FACES, then python -m stimuli morph FACES/pairs.tsv FOLDER"
        )
    from experiments.mimicry.simulated import paper_videos

    return list(paper_videos()), {"set": "24 videos like the paper's, names only", "n_videos": 24}


def _simulated_person(given: Person, seed: int) -> Person:
    """Give a simulated participant the age and sex that were not said."""
    from experiments.mimicry.simulated import simulated_person

    if seed < 0:
        raise ValueError(f"a seed is a whole number from 0, found {seed}")
    drawn = simulated_person(seed, effects=None, group=given.group)
    return dataclasses.replace(given, age=given.age or drawn.age, sex=given.sex or drawn.sex)


def devices_for(choices: Choices, screen: ScreenChoices) -> OpenDevices:
    """Choose the devices; the twins are imported only when they are asked for."""
    if choices.simulate:
        from experiments.mimicry.simulated import simulated_devices

        return functools.partial(simulated_devices, says_truth=True)
    if not has_screen():
        raise ValueError(
            "there is no screen here (DISPLAY is not set): run the session on a desktop, or try --simulate"
        )
    if choices.simulate_keys:
        from experiments.mimicry.simulated import simulated_keys

        return functools.partial(simulated_keys, screen=screen, check_signals=not choices.skip_signal_check)
    return functools.partial(real_devices, screen=screen, check_signals=not choices.skip_signal_check)


def simulate_study(choices: Choices, n_participants: int) -> None:
    """Simulate a whole study."""
    from experiments.mimicry.simulated import study as simulation

    study = choices.study
    videos, stimulus_set = stimuli_of(choices.stimuli, simulate=True)
    seed = secrets.randbelow(2**32) if choices.seed is None else choices.seed
    done = simulation.simulate_study(
        study,
        n_participants=n_participants,
        seed=seed,
        null=choices.null,
        rig=read_rig(choices.rig),
        videos=videos,
        stimulus_set=stimulus_set,
        parameters=dataclasses.replace(SessionParameters(), n_practice=choices.practice),
        language=choices.language,
        n_trials=choices.trials,
    )
    for _ in tqdm(done, total=n_participants, desc="simulating", unit="participant"):
        pass
    key = study / "sourcedata" / simulation.KEY_NAME
    print(f"A simulated study of {n_participants} participants is in {study}; seed {seed}; sealed key: {key}")
    if choices.as_json:
        summary = {"study": str(study), "simulated": True, "participants": n_participants, "seed": seed}
        print(json.dumps(summary))


def ask_who(labels: dict[str, str], person: Person, *, simulate: bool) -> tuple[str, Person]:
    """Ask for the participant in a dialog, or at the terminal where there is no screen."""
    given = {name: value for name, value in vars(person).items() if value is not None}
    fields = {name: labels[name] for name in ("participant", "age", "sex", "group") if name not in given}
    answers: dict[str, str] | None
    if has_screen() and not simulate:
        from experiments.display.dialog import ask

        answers = ask(fields, title=labels["title"])
    elif sys.stdin.isatty():
        answers = {
            name: typer.prompt(label, default="", show_default=False) for name, label in fields.items()
        }
    else:
        raise ValueError("which participant? Give --participant ID")
    if answers is None:
        raise SessionStopped("the dialog was cancelled; nothing was written")
    texts = {name: text.strip() for name, text in answers.items() if text.strip()}
    if "participant" not in texts:
        raise ValueError("a session needs the participant's id, such as 007")
    try:
        age = float(texts["age"].replace(",", ".")) if "age" in texts else None
    except ValueError:
        raise ValueError(f"the age must be a number of years, found {texts['age']!r}") from None
    asked = {"age": age, "sex": texts["sex"].upper() if "sex" in texts else None, "group": texts.get("group")}
    return texts["participant"], Person(**{**asked, **given})


def report(study: Path, participant: str, run: int, reason: str | None, *, as_json: bool) -> None:
    """Say what was done and what can be done next."""
    folder = live_folder(study, participant, run)
    rows = [row for row in finished_trials(folder) if not row.practice]
    outcomes = Counter(row.outcome for row in rows)
    print(
        f"Participant {participant}: {len(rows)} trials; "
        + (", ".join(f"{name} {count}" for name, count in sorted(outcomes.items())) or "none finished")
    )
    for sentence in [*timing_report(folder, read_record(folder)), *about_clocks(folder)]:
        print(sentence)
    print(f"The session is in {folder}" + (f", the dataset in {study}" if rows else ""))
    if reason is not None:
        print(f"It ended early: {reason}; {where_it_stopped(study, participant, run)} {WAYS_OUT}")
    if as_json:
        summary = {
            "study": str(study),
            "participant": participant,
            "run": run,
            "finished": reason is None,
            "trials": len(rows),
            "outcomes": dict(outcomes),
            "videos_with_missed_refreshes": sum(row.n_dropped_flips > 0 for row in rows),
            "alignment": about_clocks(folder),
        }
        print(json.dumps(summary))
