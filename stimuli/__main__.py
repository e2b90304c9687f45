"""The commands of the stimulus room: faces, landmarks, morph, check."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from tqdm import tqdm

from stimuli.landmark_files import LandmarkFormat
from stimuli.landmark_table import PICTURE_NAME, write_landmarks
from stimuli.manifest import StimulusVideo, check_video, read_manifest
from stimuli.pairs import read_pairs
from stimuli.parameters import MorphParameters
from stimuli.production import CONTACT_SHEET, QUALITY_TABLE, make_set
from stimuli.sources import difference_warnings, read_sources
from stimuli.workers import default_workers

app = typer.Typer(
    help="Faces, landmarks and morph videos.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
DEFAULTS = MorphParameters()

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


@app.command()
def morph(
    table: Table,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder for the videos.")],
    seconds: Annotated[float, typer.Option(help="Duration of a video.")] = DEFAULTS.duration_s,
    fps: Annotated[float, typer.Option(help="Frames per second.")] = DEFAULTS.fps,
    width: Annotated[int, typer.Option(help="Width of a frame in pixels.")] = DEFAULTS.width_px,
    height: Annotated[int, typer.Option(help="Height of a frame in pixels.")] = DEFAULTS.height_px,
    eye_distance: Annotated[float, typer.Option(help="Fraction of the width.")] = DEFAULTS.eye_distance,
    eye_height: Annotated[float, typer.Option(help="Fraction of the height.")] = DEFAULTS.eye_height,
    mask: Annotated[Literal["face", "none"], typer.Option(help="Show the face alone.")] = DEFAULTS.mask,
    mask_margin: Annotated[float, typer.Option(help="Beyond the outline.")] = DEFAULTS.mask_margin,
    mask_edge: Annotated[float, typer.Option(help="Soft edge in pixels.")] = DEFAULTS.mask_edge_px,
    background: Annotated[str, typer.Option(help="As in HTML.")] = DEFAULTS.background,
    mouth: Annotated[
        Literal["occlude", "blend"], typer.Option(help="Open mouth to closed: teeth behind lips, or fading.")
    ] = DEFAULTS.mouth,
    blending: Annotated[
        Literal["linear", "srgb"], typer.Option(help="Mix light, or stored values.")
    ] = DEFAULTS.blending,
    flow_passes: Annotated[int, typer.Option(help="Corrections by optical flow.")] = DEFAULTS.flow_passes,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0 = as many as fit.")] = 0,
    as_json: Json = False,
) -> None:
    """Make all videos, both directions of each pair; run again to go on with an interrupted set."""
    parameters = MorphParameters(
        duration_s=seconds,
        fps=fps,
        width_px=width,
        height_px=height,
        eye_distance=eye_distance,
        eye_height=eye_height,
        mask=mask,
        mask_margin=mask_margin,
        mask_edge_px=mask_edge,
        background=background,
        mouth=mouth,
        blending=blending,
        flow_passes=flow_passes,
    )
    number = workers or default_workers()
    try:
        videos = make_set(table, out, parameters=parameters, workers=number, progress=True)
    except KeyboardInterrupt:
        print("interrupted: give the same command again to go on with this set", file=sys.stderr)
        raise SystemExit(130) from None
    warned = _print_warnings(videos)
    print(
        f"{len(videos)} videos in {out}, {warned} with warnings; "
        f"look at {out / CONTACT_SHEET} and {QUALITY_TABLE}"
    )
    if as_json:
        print(json.dumps({"set": str(out), "videos": len(videos), "videos_with_warnings": warned}))


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


def _print_warnings(videos: list[StimulusVideo]) -> int:
    """Print each video's warnings once per pair; return the number of videos that have any."""
    seen: set[str] = set()
    warned = 0
    for video in videos:
        content: dict[str, Any] = json.loads(video.sidecar_path.read_text(encoding="utf-8"))
        warned += bool(content["warnings"])
        for warning in content["warnings"] if video.pair not in seen else []:
            print(f"warning: {video.pair}: {warning}", file=sys.stderr)
        seen.add(video.pair)
    return warned


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
