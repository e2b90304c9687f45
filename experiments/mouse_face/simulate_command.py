"""The command that simulates a whole study of mice."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm


def simulate(
    study: Annotated[Path, typer.Argument(help="A new folder, or an unfinished simulation.")],
    animals: Annotated[int, typer.Option(help="Number of animals.", min=1)] = 9,
    part: Annotated[
        list[str] | None,
        typer.Option(
            help="Part of the paper, as often as needed: emotions (Fig. 1 to 3B; the default), graded (2D), "
            "salt (2E), thirst (2F), aversion (2G), optogenetics (3C-G), pathway (3H-I), imaging (4)."
        ),
    ] = None,
    minutes: Annotated[float, typer.Option(help="Length of each session.", min=0.1)] = 20.0,
    fps: Annotated[float, typer.Option(help="Frames per second.", min=1.0)] = 30.0,
    repeats: Annotated[int, typer.Option(help="How often each stimulus comes.", min=1)] = 3,
    strength: Annotated[float, typer.Option(help="Strength of all expressions.", min=0.0)] = 1.0,
    null: Annotated[bool, typer.Option("--null", help="Nothing follows any event: strength 0.")] = False,
    neurons: Annotated[int, typer.Option(help="Neurons per animal, with part imaging.", min=1)] = 300,
    noise: Annotated[float, typer.Option(help="Noise of the camera in grey levels.", min=0.0)] = 2.0,
    width: Annotated[int, typer.Option(help="Width of the video in pixels.", min=64)] = 640,
    height: Annotated[int, typer.Option(help="Height of the video in pixels.", min=48)] = 480,
    seed: Annotated[int, typer.Option(help="Everything follows from it.", min=0)] = 1,
    processes: Annotated[int | None, typer.Option(help="Sessions made side by side.", min=1)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a summary as the last line.")] = False,
) -> None:
    """Simulate a study: videos of drawn mice and NWB files, with expressions that are known."""
    from experiments.mouse_face.simulated.study import StudySettings, simulate_study

    settings = StudySettings(
        n_animals=animals,
        parts=tuple(dict.fromkeys(part)) if part else ("emotions",),
        minutes=minutes,
        fps=fps,
        repeats=repeats,
        strength=0.0 if null else strength,
        seed=seed,
        width_px=width,
        height_px=height,
        n_neurons=neurons,
        noise_sd=noise,
    )
    n_sessions = animals * len(settings.kinds())
    made = simulate_study(study, settings, n_processes=processes)
    files = [str(path) for path in tqdm(made, total=n_sessions, unit="session", file=sys.stderr)]
    print(f"{len(files)} simulated sessions of {animals} mice in {study}")
    if as_json:
        print(
            json.dumps(
                {"simulated": True, "study": str(study), "null": settings.strength == 0, "sessions": files}
            )
        )
