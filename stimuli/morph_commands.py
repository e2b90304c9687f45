"""The commands that morph: ``morph``, ``levels`` and ``average``, with all their options."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import typer

from stimuli.copies import Copies
from stimuli.manifest import StimulusVideo
from stimuli.pairs import read_expressions
from stimuli.parameters import MorphParameters
from stimuli.pictures import make_averages, make_levels
from stimuli.production import CONTACT_SHEET, QUALITY_TABLE, make_set
from stimuli.quality_command import check_quality, json_summary, print_check
from stimuli.workers import default_workers

DEFAULTS = MorphParameters()

Table = Annotated[Path, typer.Argument(metavar="PAIRS.tsv", help="Table of photograph pairs.")]
Json = Annotated[bool, typer.Option("--json", help="Print a summary as JSON in the last line.")]
Workers = Annotated[
    int, typer.Option(min=0, help="Processes; 0 = as many as fit. Frames do not depend on it.")
]

First = Annotated[
    str | None,
    typer.Option("--from", help="First expression, where the table has several; default: its first column."),
]
Last = Annotated[str | None, typer.Option("--to", help="Last expression; default: the second column.")]
Via = Annotated[
    str | None,
    typer.Option(
        help="Expression half way, such as neutral: happy to neutral to angry, so that the middle is a real "
        "photograph and no mixture. Every face needs all three."
    ),
]
Width = Annotated[int, typer.Option(help="Width of a frame in pixels; even, for the small copy.")]
Height = Annotated[int, typer.Option(help="Height of a frame in pixels; even.")]
EyeDistance = Annotated[
    float,
    typer.Option(
        help="Distance of the eyes as a fraction of the width: the size of every face. The same for "
        "all, so that size tells nothing."
    ),
]
EyeHeight = Annotated[
    float, typer.Option(help="Place of the eyes from the top, as a fraction of the height: fixate there.")
]
Mask = Annotated[
    Literal["face", "contour", "ellipse", "none"],
    typer.Option(
        help="face (or contour): the face in its outline, because hair and clothes would dissolve into each "
        "other; ellipse: the same for all faces, so that outlines tell nothing; none: the whole photograph."
    ),
]
MaskMargin = Annotated[float, typer.Option(help="How far the mask reaches beyond the outline, of its size.")]
MaskEdge = Annotated[
    float, typer.Option(help="Width of the mask's soft edge in pixels: a hard one attracts the eye.")
]
Background = Annotated[
    str,
    typer.Option(
        help="Colour around the face, as in HTML. alpha: none; written as PNG (and, with videos, FFV1 in "
        ".mkv) because H.264 video carries no alpha; the .mp4 shows grey."
    ),
]
Mouth = Annotated[
    Literal["occlude", "blend"],
    typer.Option(
        help="When one mouth is open and the other closed. occlude: closing lips cover the teeth, because "
        "blend, fading, lets them shine through the lips."
    ),
]
MouthRamp = Annotated[
    float,
    typer.Option(
        help="Part of the way, at the closed end, over which the inside of the mouth darkens, because "
        "closing lips shade it; 0 = not at all."
    ),
]
Blending = Annotated[
    Literal["linear", "srgb"],
    typer.Option(
        help="linear: light is mixed, so brightness keeps to a straight line; srgb: stored values are mixed, "
        "as common morphing programs do, and the middle is darker."
    ),
]
Detail = Annotated[
    Literal["keep", "match"],
    typer.Option(
        help="match: raise local contrast where mixing blurred it, because a blurred middle is a cue; also "
        "raises noise. keep: nothing is sharpened."
    ),
]
Colour = Annotated[
    Literal["colour", "grey"], typer.Option(help="grey: the luminance alone, because colours of skin differ.")
]
Matching = Annotated[
    Literal["none", "luminance", "contrast"],
    typer.Option(
        help="Make identities alike in mean lightness, or also in contrast, because brightness differs "
        "between faces. It makes dark skin lighter and light skin darker: faces then misrepresent the "
        "people they show. Off by default; vary or model brightness instead, if you can."
    ),
]
FlowPasses = Annotated[
    int,
    typer.Option(
        help="How often optical flow corrects the landmarks, because brows and folds lie between "
        "them; 0 = landmarks alone."
    ),
]


def morph(
    table: Table,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder for the videos.")],
    plan: Annotated[
        Path | None,
        typer.Option(
            help="Table of videos to make (tab separated): identity or pair, direction such as "
            "NeutralToHappy; optional: start and end in per cent (60, or 100/0 for upper/lower face), "
            "seconds, video."
        ),
    ] = None,
    first: First = None,
    last: Last = None,
    via: Via = None,
    seconds: Annotated[float, typer.Option(help="Duration of a video.")] = DEFAULTS.duration_s,
    fps: Annotated[
        float, typer.Option(help="Frames per second; best a divisor of the monitor's rate.")
    ] = DEFAULTS.fps,
    course: Annotated[
        Literal["linear", "smooth"],
        typer.Option(
            help="linear: even steps, as in the paper. smooth: slow at both ends, as faces begin and end to "
            "move; fastest in the middle."
        ),
    ] = DEFAULTS.course,
    hold: Annotated[
        float,
        typer.Option(
            help="Seconds of rest at either end, part of the duration: to see each expression still."
        ),
    ] = DEFAULTS.hold_s,
    width: Width = DEFAULTS.width_px,
    height: Height = DEFAULTS.height_px,
    eye_distance: EyeDistance = DEFAULTS.eye_distance,
    eye_height: EyeHeight = DEFAULTS.eye_height,
    mask: Mask = DEFAULTS.mask,
    mask_margin: MaskMargin = DEFAULTS.mask_margin,
    mask_edge: MaskEdge = DEFAULTS.mask_edge_px,
    background: Background = DEFAULTS.background,
    mouth: Mouth = DEFAULTS.mouth,
    mouth_ramp: MouthRamp = DEFAULTS.mouth_ramp,
    blending: Blending = DEFAULTS.blending,
    detail: Detail = DEFAULTS.detail,
    colour: Colour = DEFAULTS.colour,
    match: Matching = DEFAULTS.matching,
    flow_passes: FlowPasses = DEFAULTS.flow_passes,
    small: Annotated[
        bool, typer.Option("--small", help="Also a small lossy copy (yuv420p) to look at and send around.")
    ] = False,
    png: Annotated[bool, typer.Option("--png", help="Also every frame as PNG.")] = False,
    report: Annotated[
        bool,
        typer.Option(
            "--report/--no-report",
            help="Whether to check the finished set and write OUT/quality.html; exit status 1 if a "
            "video fails a gate.",
        ),
    ] = True,
    workers: Workers = 0,
    as_json: Json = False,
) -> None:
    """Make all videos, both directions of each pair; run again to go on with an interrupted set."""
    parameters = MorphParameters(
        duration_s=seconds,
        fps=fps,
        course=course,
        hold_s=hold,
        width_px=width,
        height_px=height,
        eye_distance=eye_distance,
        eye_height=eye_height,
        mask="face" if mask == "contour" else mask,
        mask_margin=mask_margin,
        mask_edge_px=mask_edge,
        background=_colour(background),
        mouth=mouth,
        mouth_ramp=mouth_ramp,
        blending=blending,
        detail=detail,
        colour=colour,
        matching=match,
        flow_passes=flow_passes,
    )
    try:
        videos = make_set(
            table,
            out,
            parameters=parameters,
            plan=plan,
            expressions=_expressions(table, first, last, plan=plan),
            middle=via,
            copies=Copies(small=small, png=png, alpha=background == "alpha"),
            workers=workers or default_workers(),
            progress=True,
        )
        checked = (
            check_quality(out, report=True, workers=workers or default_workers(), progress=True)
            if report
            else None
        )
    except KeyboardInterrupt:
        print("interrupted: give the same command again to go on with this set", file=sys.stderr)
        raise SystemExit(130) from None
    warned = _print_warnings(videos)
    print(
        f"{len(videos)} videos in {out}, {warned} with warnings; "
        f"look at {out / CONTACT_SHEET} and {QUALITY_TABLE}"
    )
    if checked is not None:
        print_check(checked)
    if as_json:
        summary: dict[str, Any] = {"set": str(out), "videos": len(videos), "videos_with_warnings": warned}
        print(json.dumps(summary | (json_summary(checked) if checked is not None else {})))
    if checked is not None and checked.failed:
        raise SystemExit(1)


def levels(
    table: Table,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="New folder for the pictures.")],
    levels: Annotated[
        str, typer.Option(help="Per cents of the way, separated by commas; 0 and 100 are the photographs.")
    ] = "0,25,50,75,100",
    steps: Annotated[
        int | None,
        typer.Option(min=2, help="Instead: a continuum of so many even steps, both photographs included."),
    ] = None,
    first: First = None,
    last: Last = None,
    via: Via = None,
    width: Width = DEFAULTS.width_px,
    height: Height = DEFAULTS.height_px,
    eye_distance: EyeDistance = DEFAULTS.eye_distance,
    eye_height: EyeHeight = DEFAULTS.eye_height,
    mask: Mask = DEFAULTS.mask,
    mask_margin: MaskMargin = DEFAULTS.mask_margin,
    mask_edge: MaskEdge = DEFAULTS.mask_edge_px,
    background: Background = DEFAULTS.background,
    mouth: Mouth = DEFAULTS.mouth,
    mouth_ramp: MouthRamp = DEFAULTS.mouth_ramp,
    blending: Blending = DEFAULTS.blending,
    detail: Detail = DEFAULTS.detail,
    colour: Colour = DEFAULTS.colour,
    match: Matching = DEFAULTS.matching,
    flow_passes: FlowPasses = DEFAULTS.flow_passes,
    workers: Workers = 0,
    as_json: Json = False,
) -> None:
    """Write single morph levels, or a continuum, of every pair as PNG."""
    percents = np.linspace(0, 100, steps).round(6).tolist() if steps is not None else _percents(levels)
    parameters = MorphParameters(
        width_px=width,
        height_px=height,
        eye_distance=eye_distance,
        eye_height=eye_height,
        mask="face" if mask == "contour" else mask,
        mask_margin=mask_margin,
        mask_edge_px=mask_edge,
        background=_colour(background),
        mouth=mouth,
        mouth_ramp=mouth_ramp,
        blending=blending,
        detail=detail,
        colour=colour,
        matching=match,
        flow_passes=flow_passes,
    )
    written = make_levels(
        table,
        out,
        percents=percents,
        parameters=parameters,
        expressions=_expressions(table, first, last),
        middle=via,
        alpha=background == "alpha",
        workers=workers or default_workers(),
        progress=True,
    )
    n_pictures = len(written.read_text(encoding="utf-8").splitlines()) - 1
    print(f"{n_pictures} pictures in {out}, listed in {written.name}")
    if as_json:
        print(json.dumps({"levels": str(written), "pictures": n_pictures}))


def average(
    table: Table,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="New folder for the averages.")],
    by_sex: Annotated[bool, typer.Option("--by-sex", help="One average of women and one of men.")] = False,
    identities: Annotated[
        str, typer.Option(help="Whom to average, separated by commas; default: everybody.")
    ] = "",
    width: Width = DEFAULTS.width_px,
    height: Height = DEFAULTS.height_px,
    eye_distance: EyeDistance = DEFAULTS.eye_distance,
    eye_height: EyeHeight = DEFAULTS.eye_height,
    colour: Colour = DEFAULTS.colour,
    as_json: Json = False,
) -> None:
    """Average the faces of a table, expression by expression: landmarks, then light on the mean shape.

    Writes a picture and its landmarks per expression, and a pairs.tsv: averages can be morphed like
    photographs.
    """
    parameters = MorphParameters(
        width_px=width,
        height_px=height,
        eye_distance=eye_distance,
        eye_height=eye_height,
        colour=colour,
        mask="none",
    )
    whom = [name.strip() for name in identities.split(",") if name.strip()]
    written = make_averages(table, out, parameters=parameters, by_sex=by_sex, identities=whom, progress=True)
    print(f"averages in {out}\nNext: python -m stimuli morph {written} FOLDER")
    if as_json:
        print(json.dumps({"pairs": str(written)}))


def register(app: typer.Typer) -> None:
    """Add the commands to the stimulus room's."""
    for command in (morph, levels, average):
        app.command()(command)


def _expressions(
    table: Path, first: str | None, last: str | None, *, plan: Path | None = None
) -> tuple[str, str] | None:
    """Find which two expressions are meant; say so where the table has more and none is named."""
    if first is None and last is None:
        known = read_expressions(table)
        if len(known) > 2 and plan is None:
            print(
                f"note: of {', '.join(known)}, {known[0]} and {known[1]} are morphed; "
                "--from, --to and --via choose others",
                file=sys.stderr,
            )
        return None
    if first is None or last is None:
        raise ValueError("give both --from and --to, or neither")
    return first, last


def _colour(background: str) -> str:
    """Colour that stands behind frames where alpha is wanted too."""
    return DEFAULTS.background if background == "alpha" else background


def _percents(text: str) -> list[float]:
    try:
        return [float(part.replace("%", "")) for part in text.split(",")]
    except ValueError:
        raise ValueError(
            f"levels is {text!r}; expected per cents separated by commas, as in 0,50,100"
        ) from None


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
