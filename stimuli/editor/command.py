"""The command line of the editor; Qt is loaded only when it is used."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def edit(
    table: Annotated[Path, typer.Argument(metavar="PAIRS.tsv", help="Table of photograph pairs.")],
) -> None:
    """Put the landmarks of photographs right, in a window.

    Both photographs of a pair are shown with their points, and the morph of them. Nothing is written without
    asking; landmark files that are written over are kept as copies.
    """
    from stimuli.editor.application import run_editor

    try:
        run_editor(table)
    except RuntimeError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from None
