"""Facial expressions of head-fixed mice.

python -m experiments.mouse_face STUDY --animal ID --schedule FILE [--rig FILE] [--simulate] [--dry-run]
python -m experiments.mouse_face recover FOLDER            close a session that was interrupted
python -m experiments.mouse_face simulate STUDY            a whole simulated study
python -m experiments.mouse_face schedules [NAME]          the ready schedules, and what is in one
python -m experiments.mouse_face orders SESSION...         the order of sessions, balanced across animals
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from experiments.mouse_face import choices, schedule_commands, simulate_command
from experiments.stopping import SessionStopped

_TYPER: dict[str, Any] = {
    "no_args_is_help": True,
    "pretty_exceptions_enable": False,
    "add_completion": False,
    "rich_markup_mode": None,
}
app = typer.Typer(**_TYPER)
other_commands = typer.Typer(
    help="Facial expressions of head-fixed mice, after Dolensek et al. (2020).", **_TYPER
)
other_commands.command()(simulate_command.simulate)
other_commands.command()(schedule_commands.schedules)
other_commands.command()(schedule_commands.orders)


@app.command(
    epilog="Other commands, each with --help: 'recover FOLDER' closes a session that was interrupted, "
    "'simulate STUDY' makes a whole simulated study, 'schedules' shows the ready schedules, 'orders' "
    "counterbalances sessions across animals."
)
def session(
    study: choices.Study,
    animal: choices.AnimalName,
    schedule: choices.ScheduleFile,
    rig: choices.RigFile = None,
    values: choices.Values = None,
    session: choices.SessionName = None,
    seed: choices.Seed = None,
    dry_run: choices.DryRun = False,
    picture: choices.Picture = None,
    yes_shock: choices.YesShock = None,
    simulate: choices.Simulate = False,
    null: choices.Null = False,
    strength: choices.Strength = 1.0,
    fps: choices.Fps = 30.0,
    width: choices.Width = 640,
    height: choices.Height = 480,
    speed: choices.Speed = None,
    sex: choices.Sex = None,
    born: choices.Born = None,
    strain: choices.Strain = None,
    genotype: choices.Genotype = None,
    group: choices.Group = None,
    site: choices.Site = None,
    no_preview: choices.NoPreview = False,
    allow_misaligned: choices.Misaligned = False,
    as_json: choices.AsJson = False,
) -> None:
    """Run a session with a head-fixed mouse, or simulate one.

    Timeline and doses are shown before anything is armed. Escape, the space bar or ! ends the session at
    once, with all outputs low; so do Ctrl-C and closing the terminal or the window.
    """
    from experiments.mouse_face.command import carry_out

    chosen = {**locals(), "values": tuple(values or ())}
    chosen.pop("carry_out")
    carry_out(choices.Choices(**chosen))


@other_commands.command()
def recover(
    folder: Annotated[
        Path,
        typer.Argument(
            help="Folder of the session's live files, STUDY/sourcedata/sub-ID/ses-NAME.", show_default=False
        ),
    ],
    allow_misaligned: choices.Misaligned = False,
    as_json: choices.AsJson = False,
) -> None:
    """Close a session that was interrupted: its live files become one NWB file with the video beside it."""
    from experiments.mouse_face.command import recover

    recover(folder, allow_misaligned=allow_misaligned, as_json=as_json)


def main() -> None:
    """Run the command that the first word names, or a session; wrong input is told in one line."""
    known = ("recover", "simulate", "schedules", "orders")
    chosen = other_commands if len(sys.argv) > 1 and sys.argv[1] in known else app
    try:
        chosen()
    except (ValueError, FileNotFoundError, FileExistsError, NotADirectoryError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except (SessionStopped, RuntimeError, ConnectionError, ImportError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    except OSError as error:
        while isinstance(error.__context__, OSError):  # what came first: closing the files fails as well
            error = error.__context__
        print(f"error: {error}. Make room on the disk, or name a place where you may write.", file=sys.stderr)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
