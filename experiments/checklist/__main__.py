"""The checklist of a session's day: ``python -m experiments.checklist STUDY --participant ID``."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from experiments.allocation.times import now_here
from experiments.checklist.day import DAY, Step, read_day
from experiments.checklist.facts import read_facts
from experiments.checklist.states import show
from experiments.checklist.text import as_text
from experiments.checklist.texts import read_texts
from experiments.checklist.ticks import tick
from experiments.dataset.sealed_key import current_user

app = typer.Typer(
    no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False, rich_markup_mode=None
)


@app.command()
def checklist(
    study: Annotated[Path, typer.Argument(metavar="STUDY", help="Folder of the study.", show_default=False)],
    participant: Annotated[
        str, typer.Option(help="Id of letters and digits, such as 007.", show_default=False)
    ],
    language: Annotated[str, typer.Option(help="Language of the texts: en, de, or a .toml file.")] = "en",
    day: Annotated[
        Path, typer.Option(help="File with the steps of the day.", show_default="Korb et al. 2023")
    ] = DAY,
    done: Annotated[
        list[str] | None,
        typer.Option(help="Step that is done, such as consent; more than once.", show_default=False),
    ] = None,
    undo: Annotated[
        list[str] | None,
        typer.Option(help="Step that is not done after all; more than once.", show_default=False),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(help="Who ticks steps [default: the computer's account].", show_default=False),
    ] = None,
    stimuli: Annotated[
        Path | None,
        typer.Option(help="Videos of the task: its command is then complete.", show_default=False),
    ] = None,
    rig: Annotated[
        Path | None, typer.Option(help="Rig file of the task, for its command.", show_default=False)
    ] = None,
    text: Annotated[bool, typer.Option("--text", help="Print it, without a window.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON in the last line.")] = False,
) -> None:
    """Show what has been done on the day of a session, what comes next, and how long ago the pill was.

    What is done is read from the study's files, again and again while the window is open. Only what leaves no
    file behind (consent, electrodes, ...) is ticked. It shows no group.
    """
    steps, texts = read_day(day), read_texts(language)
    _check_there(stimuli, rig)
    facts = read_facts(study, participant, now_here())
    user = current_user(by)
    for names, is_done in ((done, True), (undo, False)):
        for name in names or []:
            _check_tick(name, steps)
            tick(study, participant, name, done=is_done, by=user, now=now_here())
    if not (text or as_json or done or undo) and _has_screen():
        from experiments.checklist.window import run_window

        return run_window(study, participant, steps=steps, texts=texts, by=user, stimuli=stimuli, rig=rig)
    facts = read_facts(study, participant, now_here())
    shown = show(facts, steps, texts, now_here(), stimuli=stimuli, rig=rig)
    print(as_text(shown, texts))
    if as_json:
        print(json.dumps(dataclasses.asdict(shown), ensure_ascii=False))
    return None


def main() -> None:
    """Run the command; wrong input is told in one line."""
    try:
        app(prog_name="python -m experiments.checklist")
    except (ValueError, FileNotFoundError, FileExistsError, NotADirectoryError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except RuntimeError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    except OSError as error:
        print(f"error: {error}. Make room on the disk, or name a place where you may write.", file=sys.stderr)
        raise SystemExit(1) from None


def _check_there(stimuli: Path | None, rig: Path | None) -> None:
    if stimuli is not None and not stimuli.is_dir():
        raise FileNotFoundError(f"--stimuli: there is no folder {stimuli}")
    if rig is not None and not rig.is_file():
        raise FileNotFoundError(f"--rig: there is no file {rig}")


def _check_tick(name: str, steps: tuple[Step, ...]) -> None:
    can = [step.id for step in steps if step.kind in ("tick", "signals")]
    if name not in can:
        raise ValueError(
            f"{name} is not a step that is ticked: those are {', '.join(can) or 'none'}. All others are read "
            "from the files"
        )


def _has_screen() -> bool:
    return not sys.platform.startswith("linux") or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )


if __name__ == "__main__":
    main()
