"""The facial-mimicry session: ``python -m experiments.mimicry STUDY --participant ID --stimuli SET``."""

from __future__ import annotations

import dataclasses
import functools
import json
import secrets
import sys
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer
from tqdm import tqdm

from experiments.dataset.rows import TrialRow, read_rows
from experiments.mimicry.devices import ScreenChoices, real_devices
from experiments.mimicry.parameters import SessionParameters
from experiments.mimicry.plan import (
    Person,
    Stimulus,
    plan_resumption,
    plan_session,
    read_set,
    refuse_existing,
)
from experiments.mimicry.procedure import ESCAPED
from experiments.mimicry.run import OpenDevices, close_into_dataset, run_plan
from experiments.mimicry.texts import read_texts
from experiments.session import SessionStopped, has_screen, live_folder
from hardware.settings import read_rig

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)


@app.command()
def session(
    study: Annotated[Path, typer.Argument(help="Folder of the study; made when it does not exist.")],
    participant: Annotated[
        str | None, typer.Option(help="Id of letters and digits, such as 007. Asked for when it is left out.")
    ] = None,
    stimuli: Annotated[
        Path | None, typer.Option(help="Stimulus set, made by: python -m stimuli morph PAIRS.tsv FOLDER")
    ] = None,
    rig: Annotated[
        Path | None, typer.Option(help="Rig file: screen, trigger line, keys. --resume keeps it.")
    ] = None,
    age: Annotated[float | None, typer.Option(help="Age of the participant in years.")] = None,
    sex: Annotated[str | None, typer.Option(help="Sex of the participant: F, M or O.")] = None,
    group: Annotated[str | None, typer.Option(help="Blind code of the group, such as A.")] = None,
    language: Annotated[str, typer.Option(help="Language of the texts: en, de, or a .toml file.")] = "en",
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a session that was stopped or crashed.")
    ] = False,
    close: Annotated[
        bool, typer.Option("--close", help="Only put a crashed session's finished trials into the dataset.")
    ] = False,
    trials: Annotated[
        int | None, typer.Option(help="Short session: number of trials, practice not counted.")
    ] = None,
    practice: Annotated[
        int, typer.Option(help="Number of practice trials.")
    ] = SessionParameters().n_practice,
    seed: Annotated[int | None, typer.Option(help="Seed of the trial list; drawn when left out.")] = None,
    learn_key: Annotated[
        bool,
        typer.Option(
            "--learn-key",
            help="Ask for the response key on the first page, and accept what the keypad sends.",
        ),
    ] = False,
    allow_unmeasured_refresh: Annotated[
        bool,
        typer.Option(
            "--allow-unmeasured-refresh",
            help="Accept a screen whose refresh cannot be measured, such as a virtual one: flips are then "
            "paced by the computer's clock at the rig file's rate. Not for real participants.",
        ),
    ] = False,
    simulate: Annotated[
        bool, typer.Option("--simulate", help="No window: everything is simulated, at full speed.")
    ] = False,
    participants: Annotated[
        int | None, typer.Option(help="With --simulate: a whole study of so many participants.")
    ] = None,
    simulate_keys: Annotated[
        bool, typer.Option("--simulate-keys", help="A real window, and a simulated participant.")
    ] = False,
    null: Annotated[
        bool, typer.Option("--null", help="Simulated participants do not mimic (the known null).")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a summary as JSON in the last line.")
    ] = False,
) -> None:
    """Run the facial-mimicry session of Korb et al. (2023), or simulate it.

    Instructions, 4 practice trials, 2 blocks of 48 trials with a break; in each trial a cross, a video in
    which a face changes, and feedback. Escape asks whether to stop (during a trial: when it is over).
    """
    simulated = simulate or simulate_keys
    _check_options(simulate, simulate_keys, participants, participant, null, resume, close)
    if close:
        close_into_dataset(study, str(participant))
        return _report(study, str(participant), None, as_json)
    texts = read_texts(language)
    if participant is None and participants is None:
        participant, person = _ask(texts.dialog, Person(age=age, sex=sex, group=group), simulate=simulate)
    else:
        person = Person(age=age, sex=sex, group=group)
    settings = read_rig(rig)
    parameters = dataclasses.replace(SessionParameters(), n_practice=practice)
    if participant is not None and not resume:
        refuse_existing(study, participant)
    videos, stimulus_set = _stimuli(stimuli, simulate=simulate)
    common: dict[str, Any] = {"videos": videos, "stimulus_set": stimulus_set}
    wanted: dict[str, Any] = {"parameters": parameters, "language": language, "n_trials": trials}
    if participants is not None:
        seed = secrets.randbelow(2**32) if seed is None else seed
        return _simulate_study(
            study, participants, as_json, seed=seed, null=null, rig=settings, **common, **wanted
        )
    assert participant is not None
    if resume:
        changed_rig = settings if rig is not None else None
        plan = plan_resumption(study, participant, simulated=simulated, rig=changed_rig, **common)
    else:
        seed = secrets.randbelow(2**32) if seed is None else seed
        remarks: dict[str, Any] = {}
        if simulated:
            person = _simulated_person(person, seed)
            remarks = {"null": null, "simulated_keys": simulate_keys}
        plan = plan_session(
            study,
            participant,
            person=person,
            simulated=simulated,
            seed=seed,
            remarks=remarks,
            rig=settings,
            **common,
            **wanted,
        )
    plan = dataclasses.replace(plan, learn_key=learn_key)
    screen = ScreenChoices(
        expected_hz=settings.refresh_hz if rig is not None else None,
        allow_unmeasured_refresh=allow_unmeasured_refresh,
    )
    reason = run_plan(plan, _devices(screen, simulate=simulate, simulate_keys=simulate_keys))
    _report(study, participant, reason, as_json)
    if reason not in (None, ESCAPED):
        raise SystemExit(1)


def main() -> None:
    """Run the command; wrong input is told in one line."""
    try:
        app()
    except (ValueError, FileNotFoundError, FileExistsError, NotADirectoryError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except (SessionStopped, RuntimeError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    except OSError as error:
        print(f"error: {error}. Make room on the disk, or name a place where you may write.", file=sys.stderr)
        raise SystemExit(1) from None


def _check_options(
    simulate: bool,
    simulate_keys: bool,
    participants: int | None,
    participant: str | None,
    null: bool,
    resume: bool,
    close: bool,
) -> None:
    if simulate and simulate_keys:
        raise ValueError("choose --simulate (no window) or --simulate-keys (a real window)")
    if participants is not None and (not simulate or participant or resume or close):
        raise ValueError("--participants N simulates a whole study: use it with --simulate and without an id")
    if participants is not None and participants < 1:
        raise ValueError(f"a study needs at least one participant, found {participants}")
    if null and not (simulate or simulate_keys):
        raise ValueError("--null is for simulated participants: use it with --simulate")
    if (resume or close) and participant is None:
        raise ValueError("say which session: --participant ID")


def _stimuli(folder: Path | None, *, simulate: bool) -> tuple[list[Stimulus], dict[str, Any]]:
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


def _devices(screen: ScreenChoices, *, simulate: bool, simulate_keys: bool) -> OpenDevices:
    """Choose the devices; the twins are imported only when they are asked for."""
    if simulate:
        from experiments.mimicry.simulated import simulated_devices

        return functools.partial(simulated_devices, says_truth=True)
    if not has_screen():
        raise ValueError(
            "there is no screen here (DISPLAY is not set): run the session on a desktop, or try --simulate"
        )
    if simulate_keys:
        from experiments.mimicry.simulated import simulated_keys

        return functools.partial(simulated_keys, screen=screen)
    return functools.partial(real_devices, screen=screen)


def _simulate_study(study: Path, n_participants: int, as_json: bool, *, seed: int, **choices: Any) -> None:
    from experiments.mimicry.simulated.study import KEY_NAME, simulate_study

    done = simulate_study(study, n_participants=n_participants, seed=seed, **choices)
    for _ in tqdm(done, total=n_participants, desc="simulating", unit="participant"):
        pass
    key = study / "sourcedata" / KEY_NAME
    print(f"A simulated study of {n_participants} participants is in {study}; seed {seed}; sealed key: {key}")
    if as_json:
        print(
            json.dumps({"study": str(study), "simulated": True, "participants": n_participants, "seed": seed})
        )


def _ask(labels: dict[str, str], person: Person, *, simulate: bool) -> tuple[str, Person]:
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


def _report(study: Path, participant: str, reason: str | None, as_json: bool) -> None:
    """Say what was done and what can be done next."""
    folder = live_folder(study, participant)
    rows = [row for row in read_rows(folder / "trials.tsv", TrialRow) if not row.practice]
    outcomes = Counter(row.outcome for row in rows)
    dropped = sum(row.n_dropped_flips > 0 for row in rows)
    print(
        f"Participant {participant}: {len(rows)} trials; "
        + (", ".join(f"{name} {count}" for name, count in sorted(outcomes.items())) or "none finished")
        + (f"; screen refreshes were missed in {dropped} videos (see trials.tsv)" if dropped else "")
    )
    print(f"The session is in {folder}" + (f", the dataset in {study}" if rows else ""))
    if reason is not None:
        print(f"It ended early: {reason}. To go on with it, give the same command with --resume.")
    if as_json:
        summary = {
            "study": str(study),
            "participant": participant,
            "finished": reason is None,
            "trials": len(rows),
            "outcomes": dict(outcomes),
            "videos_with_missed_refreshes": dropped,
        }
        print(json.dumps(summary))


if __name__ == "__main__":
    main()
