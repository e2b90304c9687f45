"""Double-blind allocation: ``python -m experiments.allocation STUDY COMMAND``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from experiments.allocation import experimenter_commands as experimenter
from experiments.allocation import keeper_commands as keeper

app = typer.Typer(
    no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False, rich_markup_mode=None
)


@app.callback()
def study_folder(
    context: typer.Context,
    study: Annotated[Path, typer.Argument(metavar="STUDY", help="Folder of the study.", show_default=False)],
) -> None:
    """Allocate participants to groups so that neither they nor the experimenter know.

    The list is drawn once and sealed; the experimenter sees codes of packages. Everything goes into a log
    that shows when it was changed. Help on a command: python -m experiments.allocation STUDY COMMAND --help
    """
    context.obj = study


app.command("create")(keeper.create_command)
app.command("assign")(experimenter.assign_command)
app.command("pill")(experimenter.pill_command)
app.command("dropout")(experimenter.dropout_command)
app.command("replace")(experimenter.replace_command)
app.command("note")(experimenter.note_command)
app.command("status")(experimenter.status_command)
app.command("verify")(keeper.verify_command)
app.command("release")(keeper.release_command)
app.command("reveal")(keeper.reveal_command)
app.command("unseal")(keeper.unseal_command)
app.command("accept-damage")(keeper.accept_damage_command)


def main() -> None:
    """Run the command; wrong input is told in one line."""
    try:
        app(prog_name="python -m experiments.allocation")
    except (ValueError, FileNotFoundError, FileExistsError, NotADirectoryError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except OSError as error:
        print(f"error: {error}. Make room on the disk, or name a place where you may write.", file=sys.stderr)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
