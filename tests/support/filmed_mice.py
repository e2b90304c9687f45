"""A small simulated study with videos, as the record from which the report is written."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from analysis.mouse_face.emotions import EmotionNames
from analysis.mouse_face.face_data import FaceData
from analysis.mouse_face.panel import Panel, claims_table, missing_panel
from analysis.mouse_face.parameters import preset
from analysis.mouse_face.pipeline import describe, gather, read_study
from analysis.mouse_face.results import PRESETS, Results
from analysis.report.drawing import SINGLE_COLUMN_MM, new_figure
from analysis.report.provenance import versions
from experiments.mouse_face.simulated.study import StudySettings, simulate_study


def filmed_study(folder: Path, *, n_animals: int = 1, seed: int = 1) -> FaceData:
    """Simulate a few minutes of video and read them as the analysis does."""
    settings = StudySettings(
        n_animals=n_animals, minutes=1.6, repeats=2, fps=6, width_px=160, height_px=120, seed=seed
    )
    for _ in simulate_study(folder, settings, n_processes=1):
        pass
    parameters = preset("recommended")
    sessions, notes = read_study(folder)
    return gather(describe(folder, sessions, parameters, notes=notes), parameters)


def made_panels() -> tuple[Panel, ...]:
    """Return one panel with everything, one without a drawing, and one that there is nothing for."""
    claims = [
        {"claim": "events can be told apart", "estimate": 0.34, "lower": 0.2, "upper": 0.5, "unit": "share",
         "p": 0.01, "test": "permuted trials", "n": "9 animals", "holds": True},
        {"claim": "quinine can be told apart", "estimate": 0.14, "unit": "share", "p": 0.41,
         "test": "permuted trials", "n": "9 animals", "holds": False},
    ]  # fmt: skip
    return (
        Panel(
            name="1F",
            title="Can events be told apart from faces alone?",
            draw=_draw,
            caption="As Fig. 1F of Dolensek et al. (2020); N = 9 mice.",
            claims=claims_table(claims),
            sentences=("Events are named rightly in 34 % of frames (p = 0.010).", "Chance is 14 %."),
            warnings=("Only one order of events was used.",),
        ),
        Panel(name="2B", title="Is the face like its prototype?", sentences=("It is not clear.",)),
        missing_panel("2D", "Do expressions scale with strength?", "no event was given at two strengths"),
    )


def made_results(data: FaceData, *, study: Path, chosen: str = "recommended", **changes: object) -> Results:
    """Return a record with `made_panels`, whose claims the other preset sees otherwise."""
    other = [
        {"claim": "events can be told apart", "estimate": 0.99, "unit": "share", "p": 1e-6,
         "test": "Mann-Whitney", "n": "20 draws", "holds": True},
        {"claim": "quinine can be told apart", "estimate": 0.98, "unit": "share", "p": 1e-6,
         "test": "Mann-Whitney", "n": "20 draws", "holds": True},
    ]  # fmt: skip
    content: dict = {
        "study": study,
        "preset": chosen,
        "parameters": {name: preset(name) for name in PRESETS},
        "data": data,
        "panels": made_panels(),
        "other_claims": {"1F": claims_table(other)},
        "emotions": EmotionNames(),
        "seed": 2020,
        "versions": versions(),
    }
    return Results(**{**content, **changes})


def _draw() -> Figure:
    figure = new_figure(width_mm=SINGLE_COLUMN_MM, height_mm=60)
    figure.subplots().bar([0, 1], [0.34, 0.14])
    return figure
