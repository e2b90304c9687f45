"""The commands of the stimulus room: faces, landmarks, edit, morph, levels, average, check."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

from stimuli import morph_commands, quality_command
from stimuli.editor.command import edit
from stimuli.landmark_files import LandmarkFormat
from stimuli.landmark_table import PICTURE_NAME, write_landmarks
from stimuli.pairs import read_pairs
from stimuli.rendered.command import faces
from stimuli.sources import difference_warnings, read_sources

app = typer.Typer(
    help="Faces, landmarks and morph videos.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

Table = Annotated[Path, typer.Argument(metavar="PAIRS.tsv", help="Table of photograph pairs.")]
Json = Annotated[bool, typer.Option("--json", help="Print a summary as JSON in the last line.")]


app.command()(faces)


@app.command()
def landmarks(
    table: Table,
    out: Annotated[Path | None, typer.Option(help="New folder; default: beside the table.")] = None,
    to: Annotated[
        LandmarkFormat,
        typer.Option(help="Format: json keeps everything; tem, pts and tps are other programs'."),
    ] = "json",
    as_json: Json = False,
) -> None:
    """Find the landmarks of all photographs, or check and convert those that the table names.

    Writes a landmark file per photograph, a picture to check them by, and a pairs.tsv that names them all.
    """
    pairs = read_pairs(table)
    folder = out or table.parent / f"{table.stem}_landmarks"
    sources = read_sources(tqdm(pairs.pairs, desc="photographs", unit="pair"))
    written = write_landmarks(pairs, sources, folder, to=to)
    both = [source for pair in sources for source in (pair.first, pair.second)]
    for pair in sources:
        for source in (pair.first, pair.second):
            for warning in source.landmarks.warnings:
                print(f"warning: {source.photograph.name}: {warning}", file=sys.stderr)
        for warning in difference_warnings(pair):
            print(f"warning: {pair.pair.pair}: {warning}", file=sys.stderr)
    print(f"landmarks of {len(both)} photographs; look at {folder / PICTURE_NAME}")
    print(f"Next: python -m stimuli morph {_typed(written)} FOLDER")
    if as_json:
        print(json.dumps({"pairs": str(written), "photographs": len(both)}))


morph_commands.register(app)


quality_command.register(app)
app.command()(edit)


def _typed(path: Path) -> str:
    """Write a path as one types it in a command line: in quotes where it has a space or the like."""
    return str(path) if re.fullmatch(r"[\w./\\:+-]+", str(path)) else f'"{path}"'


def main() -> None:
    """Run a command; wrong input ends with a message and exit status 2."""
    try:
        app()
    except (ValueError, FileNotFoundError, FileExistsError, NotADirectoryError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except OSError as error:
        print(f"error: {error}. Make room on the disk, or name a place where you may write.", file=sys.stderr)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
