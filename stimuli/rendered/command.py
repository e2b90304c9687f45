"""The command ``faces``: photographs or animations of built-in people."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Literal

import typer

from stimuli.rendered import DEFAULT_SEED

Out = Annotated[Path, typer.Argument(metavar="OUT", help="Folder for the photographs, or for the videos.")]
Identities = Annotated[int, typer.Option(min=1, max=99, help="Number of people.")]
Seed = Annotated[int, typer.Option(help="Another seed draws other people.")]
People = Annotated[
    Path | None,
    typer.Option(
        help="Table of people to show instead, in the form of identities.toml, which every set has."
    ),
]
Expressions = Annotated[
    str,
    typer.Option(
        help="Expressions, one column of pairs.tsv each: happy, angry, neutral, sad, surprised, ..."
    ),
]
Own = Annotated[
    list[str] | None,
    typer.Option(
        "--expression",
        help='An expression of your own from action units, as surprise="AU1:1,AU2:1,AU5:.6,AU26:B" '
        "(0 to 1, or A to E; AU12L or AU12R for one side), or a TOML file of such; may be repeated.",
    ),
]
Animate = Annotated[
    str | None,
    typer.Option(
        metavar="FIRST:SECOND",
        help="Make videos instead, in which the 3-D head itself moves between two expressions, and back.",
    ),
]
Seconds = Annotated[float, typer.Option(help="Animations: duration of the way, in seconds.")]
Apex = Annotated[float, typer.Option(help="Animations: how long the second expression is held, in seconds.")]
Offset = Annotated[
    float, typer.Option(help="Animations: duration of the way back to the first expression; 0 = none.")
]
Fps = Annotated[float, typer.Option(help="Animations: frames per second.")]
CourseShape = Annotated[
    Literal["linear", "smooth"], typer.Option("--course", help="Animations: evenly, or slowly at both ends.")
]
Workers = Annotated[int, typer.Option(min=0, help="Processes; 0 = as many as fit.")]
Json = Annotated[bool, typer.Option("--json", help="Print a summary as JSON in the last line.")]


def faces(
    out: Out,
    identities: Identities = 10,
    seed: Seed = DEFAULT_SEED,
    people: People = None,
    expressions: Expressions = "happy,angry",
    expression: Own = None,
    animate: Animate = None,
    seconds: Seconds = 5.0,
    fps: Fps = 25.0,
    course: CourseShape = "linear",
    apex: Apex = 0.0,
    offset: Offset = 0.0,
    workers: Workers = 0,
    as_json: Json = False,
) -> None:
    """Render the built-in people: photographs, landmarks and pairs.tsv, or animations."""
    from stimuli.rendered.faceset import FaceSet, make_face_set
    from stimuli.rendered.people_tables import read_people

    recipes, own = _recipes(expression or [])
    names = [name.strip() for name in expressions.split(",") if name.strip()]
    chosen = FaceSet(
        identities=identities,
        seed=seed,
        people=tuple(read_people(people)) if people is not None else None,
        expressions=tuple(names + [name for name in own if name not in names]),
        recipes=recipes,
    )
    if animate is not None:
        from stimuli.rendered.animation import Course, animate_set

        first, colon, second = animate.partition(":")
        if not colon:
            raise ValueError(f"--animate {animate}: expected two expressions, as in happy:angry")
        how = Course(onset_s=seconds, apex_s=apex, offset_s=offset, fps=fps, shape=course)
        ends = {"first": first.strip(), "second": second.strip()}
        videos = animate_set(out, chosen, **ends, course=how, progress_bar=True, n_workers=workers or None)
        print(f"{len(videos)} videos of {videos[0].duration_s:g} s in {out}")
        print(f"Next: python -m stimuli check {_typed(out)}")
        if as_json:
            print(json.dumps({"set": str(out), "videos": len(videos)}))
        return
    table = make_face_set(out, chosen, progress=True, n_workers=workers or None)
    print(f"{table}\nNext: python -m stimuli morph {_typed(table)} FOLDER")
    if as_json:
        print(json.dumps({"pairs": str(table)}))


def _recipes(own: list[str]) -> tuple[dict[str, dict[str, float]], list[str]]:
    """Add expressions from the command line to the built-in ones; also return their names."""
    from stimuli.rendered.expressions import built_in_recipes, parse_recipe, read_recipes

    recipes, names = built_in_recipes(), list[str]()
    for text in own:
        added = read_recipes(Path(text)) if text.lower().endswith(".toml") else dict([parse_recipe(text)])
        recipes |= added
        names += [name for name in added if name not in names]
    return recipes, names


def _typed(path: Path) -> str:
    """Write a path as one types it in a command line: in quotes where it has a space or the like."""
    return str(path) if re.fullmatch(r"[\w./\\:+-]+", str(path)) else f'"{path}"'
