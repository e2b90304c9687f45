"""Questionnaires: ``python -m experiments.questionnaires STUDY --participant ID --time t1``."""

from __future__ import annotations

import dataclasses
import json
import secrets
import sys
import time as clock
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from experiments.dataset.answers import Administration, read_administrations, which_counts
from experiments.dataset.forms import Form
from experiments.dataset.study import is_listed
from experiments.dataset.tables import participant_label
from experiments.display.pages import PageDisplay
from experiments.questionnaires.forms import read_form, with_groups
from experiments.questionnaires.procedure import CLOSED, ESCAPED, Stage
from experiments.questionnaires.run import SCHEDULE, OpenStage, Planned, plan_forms, run_forms
from experiments.questionnaires.tables import update_tables
from experiments.questionnaires.texts import Texts, read_texts
from experiments.session import SessionClock, SessionStopped, has_screen
from hardware.settings import RigSettings, read_rig

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)


class Order(str, Enum):
    """Order of the items."""

    fixed = "fixed"
    random = "random"


@app.command()
def questionnaires(
    study: Annotated[Path, typer.Argument(help="Folder of the study; made when it does not exist.")],
    participant: Annotated[str | None, typer.Option(help="Id of letters and digits, such as 007.")] = None,
    time: Annotated[
        str | None,
        typer.Option(
            help="Which time of the session day: t1 (before the pill), pill, t2 (before the task), end."
        ),
    ] = None,
    form: Annotated[
        list[str] | None,
        typer.Option(help="Only this questionnaire: a name such as panas, or a .toml file. May be repeated."),
    ] = None,
    language: Annotated[str, typer.Option(help="Language: en, de, or another that was added.")] = "en",
    texts: Annotated[
        Path | None, typer.Option(help="File with the labels of the buttons in a language of your own.")
    ] = None,
    groups: Annotated[
        str | None,
        typer.Option(help="Groups that can be guessed, such as drug,placebo; an allocation knows its own."),
    ] = None,
    order: Annotated[
        Order | None, typer.Option(help="Order of the items, in place of the questionnaire's own.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of a random order; drawn when left out.")] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Ask once more what was asked before; both are kept.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with what was interrupted more than half an hour ago.")
    ] = False,
    rig: Annotated[Path | None, typer.Option(help="Rig file: which screen, and its size.")] = None,
    window: Annotated[
        str | None, typer.Option(help="A window of this size, such as 1280x800, in place of the full screen.")
    ] = None,
    simulate: Annotated[
        bool, typer.Option("--simulate", help="No window: a simulated participant answers.")
    ] = False,
    pictures: Annotated[
        Path | None,
        typer.Option(help="With --simulate: a real window, and a picture of every page into this folder."),
    ] = None,
    tables: Annotated[
        bool, typer.Option("--tables", help="Ask nothing: only make the tables in phenotype anew.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a summary as JSON in the last line.")
    ] = False,
) -> None:
    """Put questionnaires to a participant: one question per page, by mouse, touch or keyboard.

    t1: demographics, height and weight, nausea, PANAS. t2: nausea, PANAS.
    pill: when it was taken. end: guess of the group.

    Every answer is on the disk at once; after an interruption the same
    command goes on with the next question.
    """
    if tables:
        _print_notes(update_tables(study))
        return
    if participant is None:
        raise ValueError("who is asked? Give --participant ID, such as --participant 007")
    if pictures is not None and not simulate:
        raise ValueError("--pictures is for simulated participants: add --simulate")
    settings = _sized(read_rig(rig), window)
    labels = read_texts(str(texts) if texts is not None else language)
    planned = plan_forms(
        study,
        participant,
        [_with_study_groups(one, study, groups) for one in _forms(time, form, language)],
        time=time,
        now=datetime.now().astimezone(),
        again=again,
        resume=resume,
        order=order.value if order is not None else None,
        seed=seed,
    )
    for one in planned:
        if one.begun is not None:
            print(f"Going on with {one.label} after {len(one.begun.answers)} of {len(one.order)} questions.")
    stage = _open_stage(labels, settings, simulate=simulate, pictures=pictures, seed=seed)
    reason = run_forms(study, participant, planned, stage, simulated=simulate)
    notes = update_tables(study)
    _report(study, participant, planned, reason, notes, as_json)


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
        print(
            f"error: {error}. What was answered before is kept. Make room on the disk, or name a place where "
            "you may write, and give the same command again.",
            file=sys.stderr,
        )
        raise SystemExit(1) from None


def _forms(time: str | None, names: Sequence[str] | None, language: str) -> list[Form]:
    if names:
        return [read_form(name, language) for name in names]
    if time not in SCHEDULE:
        known = "; ".join(f"--time {name}: {', '.join(forms)}" for name, forms in SCHEDULE.items())
        found = f"there is no time {time!r}." if time else "what is to be asked?"
        raise ValueError(f"{found} Choose {known}; or name questionnaires with --form")
    return [read_form(name, language) for name in SCHEDULE[time]]


def _with_study_groups(form: Form, study: Path, groups: str | None) -> Form:
    """Offer the study's own groups where the group is guessed."""
    if form.name != "guess":
        return form
    if groups is not None:
        return with_groups(form, [name.strip() for name in groups.split(",")])
    from experiments.allocation.files import has_allocation, open_allocation

    if has_allocation(study):
        return with_groups(form, open_allocation(study, check=False).settings.groups)
    return form


def _sized(rig: RigSettings, window: str | None) -> RigSettings:
    if window is None:
        return rig
    sides = window.lower().split("x")
    if len(sides) != 2 or not all(side.isdecimal() and int(side) >= 320 for side in sides):
        raise ValueError(f"--window: expected width x height in pixels such as 1280x800, found {window!r}")
    return dataclasses.replace(rig, monitor_size_px=(int(sides[0]), int(sides[1])), fullscreen=False)


def _open_stage(
    texts: Texts, rig: RigSettings, *, simulate: bool, pictures: Path | None, seed: int | None
) -> OpenStage:
    if (not simulate or pictures is not None) and not has_screen():
        raise ValueError(
            "there is no screen here (DISPLAY is not set): run this on a desktop, or try --simulate"
        )
    if not simulate:
        return partial(_real_stage, texts, rig)
    seed = secrets.randbelow(2**32) if seed is None else seed
    if pictures is not None:
        return partial(_pictured_stage, texts, rig, pictures, seed)
    return partial(_simulated_stage, texts, seed)


@contextmanager
def _real_stage(texts: Texts, rig: RigSettings, planned: Sequence[Planned]) -> Iterator[Stage]:
    with ExitStack() as opened:
        display = _open_window(rig)
        opened.callback(display.close)
        yield Stage(display=display, texts=texts, wall=_wall, monotonic=clock.perf_counter)


@contextmanager
def _pictured_stage(
    texts: Texts, rig: RigSettings, pictures: Path, seed: int, planned: Sequence[Planned]
) -> Iterator[Stage]:
    from experiments.display.pages_simulated import AnsweredPages
    from experiments.questionnaires.simulated import SimulatedRespondent

    rng = np.random.default_rng([seed, 6])
    respondent = SimulatedRespondent([one.form for one in planned], rng=rng, now=_wall())
    with ExitStack() as opened:
        window = _open_window(rig)
        opened.callback(window.close)
        display = AnsweredPages(window, respondent, pictures=pictures)
        yield Stage(display=display, texts=texts, wall=_wall, monotonic=clock.perf_counter)


@contextmanager
def _simulated_stage(texts: Texts, seed: int, planned: Sequence[Planned]) -> Iterator[Stage]:
    from experiments.display.pages_simulated import SimulatedPages
    from experiments.display.simulated import VirtualClock
    from experiments.questionnaires.simulated import SimulatedRespondent

    began, virtual = _wall(), VirtualClock()
    rng = np.random.default_rng([seed, 6])
    respondent = SimulatedRespondent([one.form for one in planned], rng=rng, now=began)
    yield Stage(
        display=SimulatedPages(virtual, respondent),
        texts=texts,
        wall=lambda: began + timedelta(seconds=virtual.now()),
        monotonic=virtual.now,
    )


def _open_window(rig: RigSettings) -> PageDisplay:
    from experiments.display.pages_window import WindowPages

    return WindowPages(
        size_px=rig.monitor_size_px, fullscreen=rig.fullscreen, screen=rig.screen, now=SessionClock().now
    )


def _wall() -> datetime:
    return datetime.now().astimezone()


def _report(
    study: Path,
    participant: str,
    planned: Sequence[Planned],
    reason: str | None,
    notes: Sequence[str],
    as_json: bool,
) -> None:
    """Say what was answered, what was not, and where it is."""
    found = which_counts(read_administrations(study, participant))
    asked = [found[one.label] for one in planned if one.label in found]
    for one in asked:
        print(f"{one.label}: {_summary(one)}")
    if not is_listed(study, participant_label(participant)):
        print(
            "The tables in phenotype will list the participant when a session of the task is in the dataset."
        )
    _print_notes(notes)
    if reason is not None:
        print(f"It ended early: {reason}. To go on, give the same command again.")
    if as_json:
        summary = {
            "study": str(study),
            "participant": participant,
            "finished": reason is None,
            "forms": {
                one.label: {
                    "items": len(one.form.items),
                    "answered": _n_answered(one),
                    "finished": one.finished,
                }
                for one in asked
            },
            "notes": list(notes),
        }
        print(json.dumps(summary))
    if reason not in (None, ESCAPED, CLOSED):
        raise SystemExit(1)


def _summary(one: Administration) -> str:
    n_items = len(one.form.items)
    said = f"{_n_answered(one)} of {n_items} answered"
    without = [item for item, answer in one.answers.items() if answer is None]
    if without:
        said += f"; NO ANSWER: {', '.join(without)}"
    if not one.finished:
        said += "; NOT FINISHED"
    return f"{said} ({one.folder})"


def _n_answered(one: Administration) -> int:
    return sum(answer is not None for answer in one.answers.values())


def _print_notes(notes: Sequence[str]) -> None:
    for note in notes:
        print(f"note: {note}")


if __name__ == "__main__":
    main()
