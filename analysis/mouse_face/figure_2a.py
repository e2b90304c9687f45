"""Figure 2A: the prototypes, as mean pictures of the frames that they are made of and as descriptors."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.faces.prototypes import Prototypes, make_prototypes
from analysis.faces.similarity import correlate_with
from analysis.mouse_face.colours import event_order
from analysis.mouse_face.core_clips import core_clips, example_animal
from analysis.mouse_face.emotions import EmotionNames
from analysis.mouse_face.face_data import FaceData
from analysis.mouse_face.panel import Panel, missing_panel
from analysis.mouse_face.parameters import MouseFaceParameters
from analysis.mouse_face.phrases import listed, number_words
from analysis.mouse_face.pictures import close_up, draw_glyphs, draw_picture, face_shape, mean_frame
from analysis.mouse_face.scoring import recipe
from analysis.mouse_face.selection import Missing
from analysis.report import Column, Table
from analysis.report.drawing import FULL_WIDTH_MM, new_figure, report_style

NAME, TITLE = "2A", "What are the prototypes of events made of?"
COLUMNS = 6
"""Prototypes beside each other."""


def panel_2a(data: FaceData, parameters: MouseFaceParameters, *, rng: np.random.Generator) -> Panel:
    """Show the prototypes of one animal (Fig. 2A); a prototype is defined by its event."""
    core = core_clips(data, parameters)
    if isinstance(core, Missing):
        return missing_panel(NAME, TITLE, core.reason)
    animal = example_animal(core.trials)
    clips, values = core.of(animal)
    made = make_prototypes(values, clips, **recipe(parameters))
    pictures = {name: mean_frame(data, clips.iloc[rows]) for name, rows in made.chosen.items()}
    likeness = pd.DataFrame(correlate_with(made.values, made.values), made.names, made.names)
    no_video = () if any(one is not None for one in pictures.values()) else ("No video could be read.",)
    return Panel(
        name=NAME,
        title=TITLE,
        draw=lambda: draw_prototypes(data, made, pictures, data.emotions),
        caption=_caption(animal, parameters),
        tables=(_frame_table(made, clips, animal), _likeness_table(likeness, animal)),
        sentences=_sentences(made, likeness, parameters, data.emotions),
        warnings=(*core.notes, *no_video),
    )


def draw_prototypes(
    data: FaceData, made: Prototypes, pictures: dict[str, np.ndarray | None], names: EmotionNames
) -> Figure:
    """Draw the mean of the frames that each prototype is made of, and below it the prototype."""
    labels = event_order(made.names)
    shape = face_shape(data, pictures.values())
    columns, bands = min(COLUMNS, len(labels)), -(-len(labels) // COLUMNS)
    face_mm = FULL_WIDTH_MM / max(columns, 4) * shape[0] / shape[1]
    cell_px, orientations = int(data.hog["cell_px"]), int(data.hog["orientations"])
    with report_style():
        figure = new_figure(width_mm=FULL_WIDTH_MM, height_mm=bands * (2 * face_mm + 9.0) + 2.0)
        close_up(figure)
        panels = figure.subplots(2 * bands, columns, squeeze=False)
        for panel in panels.ravel():
            panel.set_axis_off()
        for place, label in enumerate(labels):
            above, below = panels[2 * (place // columns) : 2 * (place // columns) + 2, place % columns]
            for panel in (above, below):
                panel.set_axis_on()
                draw_picture(panel, pictures[label], shape)
            emotion = names.emotion(label)
            above.set_title(names.event(label) + (f"\n({emotion})" if emotion else "\n"), fontsize=7.5)
            descriptor = made.values[made.names.index(label)]
            draw_glyphs(below, descriptor, data.cells, cell_px=cell_px, orientations=orientations)
    return figure


def _caption(animal: str, parameters: MouseFaceParameters) -> str:
    which = (
        f"the {parameters.n_prototype_frames} frames during the event that are least correlated with the "
        "mean descriptor at rest"
        if parameters.prototype_recipe == "least_neutral"
        else "all frames during the event"
    )
    used = (
        " For scores (Fig. 2B on) prototypes are made again without the trial that is scored."
        if parameters.cross_fitted
        else " The trials of these frames are scored with them (Fig. 2B on), as in the paper."
    )
    return (
        f"As Fig. 2A. Prototypes of one animal ({animal}, that with most events and trials): {which}. Above: "
        "mean of these frames. Below: the prototype, which is the mean of their descriptors; strokes lie "
        f"along the edges, longer where there are more of them.{used}"
    )


def _sentences(
    made: Prototypes, likeness: pd.DataFrame, parameters: MouseFaceParameters, names: EmotionNames
) -> tuple[str, ...]:
    events = listed(names.event_and_emotion(label) for label in event_order(made.names))
    first = (
        f"Prototypes are defined by events, and the emotion is a name that an event is taken for: {events}."
    )
    if len(made.names) < 2:
        return (first,)
    pairs = {pair: float(likeness.loc[pair]) for pair in combinations(event_order(made.names), 2)}  # type: ignore[arg-type]
    one, two = max(pairs, key=lambda pair: pairs[pair])
    alike = f"{names.event(one)} and {names.event(two)} (r = {number_words(pairs[one, two])})"
    return f"In the animal shown, the prototypes most alike are those of {alike}.", first


def _frame_table(made: Prototypes, clips: pd.DataFrame, animal: str) -> Table:
    parts = [clips.iloc[rows].assign(prototype=name) for name, rows in made.chosen.items()]
    return Table(
        name="figure_2a_frames",
        caption=f"The frames that the prototypes of {animal} are made of (Fig. 2A).",
        data=pd.concat(parts, ignore_index=True),
        columns={
            "prototype": Column(description="Event of the prototype.", heading="Prototype"),
            "session_id": Column(description="Session.", heading="Session"),
            "trial": Column(
                description="Number of the trial within the animal.", kind="count", heading="Trial"
            ),
            "frame": Column(description="Number of the frame in the video.", kind="count", heading="Frame"),
            "since_s": Column(
                description="Time from the onset.", kind="number", unit="s", heading="Time from onset (s)"
            ),
        },
    )


def _likeness_table(likeness: pd.DataFrame, animal: str) -> Table:
    columns = {"prototype": Column(description="Event of the prototype.", heading="Prototype")}
    columns |= {
        str(name): Column(description=f"Correlation with the prototype of {name}.", kind="number", unit="r")
        for name in likeness
    }
    return Table(
        name="figure_2a_likeness",
        caption=f"How alike the prototypes of {animal} are (correlation; Fig. 2A).",
        data=likeness.rename_axis("prototype").reset_index(),
        columns=columns,
    )
