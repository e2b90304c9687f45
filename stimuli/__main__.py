"""The commands of the stimulus room: faces, landmarks, edit, morph, levels, average, check."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

from stimuli import morph_commands
from stimuli.editor.command import edit
from stimuli.landmark_files import LandmarkFormat
from stimuli.landmark_table import PICTURE_NAME, write_landmarks
from stimuli.manifest import check_video, read_manifest
from stimuli.pairs import read_pairs
from stimuli.sources import difference_warnings, read_sources

app = typer.Typer(
    help="Faces, landmarks and morph videos.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

Table = Annotated[Path, typer.Argument(metavar="PAIRS.tsv", help="Table of photograph pairs.")]
Json = Annotated[bool, typer.Option("--json", help="Print a summary as JSON in the last line.")]


@app.command()
def faces(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder for the photographs.")],
    identities: Annotated[int, typer.Option(min=1, max=99, help="Number of people.")] = 10,
    seed: Annotated[int, typer.Option(help="Another seed draws other people.")] = 1,
    as_json: Json = False,
) -> None:
    """Render the built-in happy and angry photographs, their landmarks and pairs.tsv."""
    from stimuli.rendered import make_face_set

    table = make_face_set(out, identities=identities, seed=seed, progress=True)
    print(f"{table}\nNext: python -m stimuli morph {_typed(table)} FOLDER")
    if as_json:
        print(json.dumps({"pairs": str(table)}))


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


@app.command()
def check(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder that the morph command made.")],
    quick: Annotated[bool, typer.Option("--quick", help="Compare files, but do not decode them.")] = False,
    as_json: Json = False,
) -> None:
    """Compare a set with its manifest: every file and every frame."""
    problems = []
    videos = read_manifest(out)
    for video in tqdm(videos, desc="videos", unit="video"):
        problems += check_video(video, decode=not quick)
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)
    print(f"{len(videos)} videos, {len(problems)} problems")
    if as_json:
        print(json.dumps({"videos": len(videos), "problems": problems}))
    if problems:
        raise SystemExit(1)


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
