"""Figure 1B: what each event does to the face, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.faces.comparisons import with_adjusted
from analysis.faces.consistent_change import change_by_cell, shared_change, trial_changes
from analysis.faces.difference_map import difference_map
from analysis.faces.prototypes import make_prototypes
from analysis.faces.similarity import correlate_with
from analysis.models.small_samples import one_sample
from analysis.mouse_face.colours import event_order
from analysis.mouse_face.core_clips import CoreClips, core_clips, example_animal
from analysis.mouse_face.emotions import EmotionNames
from analysis.mouse_face.face_data import FaceData
from analysis.mouse_face.panel import Panel, claims_table, missing_panel
from analysis.mouse_face.parameters import MouseFaceParameters
from analysis.mouse_face.phrases import counted, listed, mice, number_words, p_words
from analysis.mouse_face.pictures import close_up, draw_cells, draw_picture, face_shape, frames_of, mean_frame
from analysis.mouse_face.scoring import recipe
from analysis.mouse_face.selection import Missing
from analysis.report import Column, Table
from analysis.report.drawing import FULL_WIDTH_MM, new_figure, report_style

NAME, TITLE = "1B", "What does each event do to the face, and where?"
COLUMNS = 7
"""Faces beside each other."""
NEUTRAL_FRAMES = 50
"""Frames at rest of which the mean face is drawn: the group's code makes its neutral face of as many."""


@dataclass(frozen=True, eq=False)
class ShownFaces:
    """What is drawn of the animal that is shown."""

    animal: str
    maps: dict[str, np.ndarray]
    """Event -> one value per cell."""
    frames: dict[str, np.ndarray]
    """Event (or neutral) -> its most typical frame; empty without videos."""
    neutral: np.ndarray | None
    """Mean face at rest."""


def panel_1b(data: FaceData, parameters: MouseFaceParameters, *, rng: np.random.Generator) -> Panel:
    """Show a typical frame of each event and where it differs from the face at rest (Fig. 1B).

    Recommended: the map shows the change that different trials share, and in each animal it is asked how
    alike the changes of different trials are. Paper: the difference to all frames at rest, seen by eye.
    """
    core = core_clips(data, parameters)
    if isinstance(core, Missing):
        return missing_panel(NAME, TITLE, core.reason)
    animal = example_animal(core.trials)
    maps = cell_maps(data, core, animal, parameters)
    if not maps:
        return missing_panel(NAME, TITLE, f"{animal} has no event with frames both before and during it")
    table = shared_changes(core, parameters)
    tests = tested(table, parameters, core.neutral)
    shown = ShownFaces(animal, maps, *typical_frames(data, core, animal, list(maps), parameters, rng))
    without_video = () if shown.neutral is not None else ("No video could be read: the maps have no face.",)
    return Panel(
        name=NAME,
        title=TITLE,
        draw=lambda: draw_faces(data, shown, core.neutral, data.emotions),
        caption=_caption(core, shown, parameters),
        tables=(_test_table(tests), _cell_table(data, shown)),
        claims=claims_table(_claims(tests, shown, parameters, data.emotions)),
        sentences=_sentences(tests, shown, parameters, core.neutral, data.emotions),
        warnings=(*core.notes, *without_video),
    )


def shared_changes(core: CoreClips, parameters: MouseFaceParameters) -> pd.DataFrame:
    """Return how alike the changes of different trials are: animal, label, shared; events with two trials."""
    rows = []
    for animal in core.animals:
        for label in event_order(core.trials.loc[core.trials["animal"] == animal, "label"].unique()):
            clips, values = core.of(animal, label)
            changes = trial_changes(values, clips, baseline_s=parameters.baseline_s)
            rows.append({"animal": animal, "label": label, "shared": shared_change(changes)})
    return pd.DataFrame(rows, columns=["animal", "label", "shared"]).dropna()


def cell_maps(
    data: FaceData, core: CoreClips, animal: str, parameters: MouseFaceParameters
) -> dict[str, np.ndarray]:
    """Return, for each event of one animal, how far each cell changes."""
    orientations = int(data.hog["orientations"])
    clips, values = core.of(animal)
    rest = ~clips["during"].to_numpy(bool)
    found = {}
    for label in event_order(set(clips["label"]) - {core.neutral}):
        own = (clips["label"] == label).to_numpy()
        if not (own & ~rest).any() or not rest.any():
            continue
        if parameters.unit == "animals":
            changes = trial_changes(values[own], clips[own], baseline_s=parameters.baseline_s)
            if len(changes) > 1:
                found[label] = change_by_cell(changes, orientations=orientations)
            continue
        kept = rest | own
        table = difference_map(values[kept], ~rest[kept], data.cells, orientations=orientations)
        found[label] = table["difference"].to_numpy()
    return found


def typical_frames(
    data: FaceData,
    core: CoreClips,
    animal: str,
    labels: list[str],
    parameters: MouseFaceParameters,
    rng: np.random.Generator,
) -> tuple[dict[str, np.ndarray], np.ndarray | None]:
    """Take the frame of each event that is most like its prototype, and the mean face at rest."""
    clips, values = core.of(animal)
    made = make_prototypes(values, clips, **recipe(parameters))
    rest = np.flatnonzero(~clips["during"].to_numpy(bool))
    chosen = {core.neutral: rest[_most_alike(values[rest], made.neutral)]}
    for name, target in zip(made.names, made.values, strict=True):
        if name in labels:
            rows = made.chosen[name]
            chosen[name] = rows[_most_alike(values[rows], target)]
    frames = {}
    for label, row in chosen.items():
        for picture in frames_of(data, clips.iloc[[row]]):
            frames[label] = picture
    some = rng.choice(rest, size=min(NEUTRAL_FRAMES, len(rest)), replace=False)
    return frames, mean_frame(data, clips.iloc[np.sort(some)])


def _most_alike(values: np.ndarray, target: np.ndarray) -> int:
    return int(np.nanargmax(correlate_with(values, target[None])[:, 0]))


def draw_faces(data: FaceData, shown: ShownFaces, neutral: str, names: EmotionNames) -> Figure:
    """Draw a typical frame of each event, and below it where the face changes."""
    labels = [neutral, *shown.maps]
    shape = face_shape(data, [*shown.frames.values(), shown.neutral])
    columns, bands = min(COLUMNS, len(labels)), -(-len(labels) // COLUMNS)
    face_mm = FULL_WIDTH_MM / max(columns, 4) * shape[0] / shape[1]
    greatest = max(float(np.nanmax(values)) for values in shown.maps.values()) or 1.0
    with report_style():
        figure = new_figure(width_mm=FULL_WIDTH_MM, height_mm=bands * (2 * face_mm + 9.0) + 2.0)
        close_up(figure)
        panels = figure.subplots(2 * bands, columns, squeeze=False)
        for place, label in enumerate(labels):
            above, below = panels[2 * (place // columns) : 2 * (place // columns) + 2, place % columns]
            draw_picture(above, shown.frames.get(label), shape)
            above.set_title(_heading(label, names), fontsize=7.5)
            if label == neutral:
                below.set_axis_off()
                _add_scale(below, greatest)
                continue
            draw_picture(below, shown.neutral, shape, pale=True)
            cell_px = int(data.hog["cell_px"])
            draw_cells(below, shown.maps[label], data.cells, cell_px=cell_px, greatest=greatest)
        for panel in panels.ravel()[len(labels) :] if bands == 1 else []:
            panel.set_axis_off()
    return figure


def _heading(label: str, names: EmotionNames) -> str:
    emotion = names.emotion(label)
    return names.event(label) + (f"\n({emotion})" if emotion else "\n")


def _add_scale(panel: Axes, greatest: float) -> None:
    """Put the scale of the colours where the neutral face would differ from itself."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    from analysis.mouse_face.pictures import OVERLAY

    bar = panel.inset_axes((0.05, 0.5, 0.85, 0.09))
    panel.figure.colorbar(ScalarMappable(Normalize(0, greatest), OVERLAY), cax=bar, orientation="horizontal")
    bar.set_title("change of cells", fontsize=7)
    bar.tick_params(labelsize=6.5)


def tested(table: pd.DataFrame, parameters: MouseFaceParameters, neutral: str) -> pd.DataFrame:
    """Test each event over animals; the family is the events, neutral trials stand apart."""
    rows = []
    for label in event_order(table["label"].unique()):
        values = table.loc[table["label"] == label, "shared"].to_numpy(float)
        found = one_sample(values, level=parameters.level) if len(values) > 1 else {"n": len(values)}
        rows.append({"label": label, "estimate": values.mean(), **found})
    tests = pd.DataFrame(rows).reindex(columns=["label", "estimate", "lower", "upper", "t", "df", "p", "n"])
    tests["p_adjusted"] = tests["p"]
    family = tests["p"].notna() & (tests["label"] != neutral)
    if family.any():
        tests.loc[family, "p_adjusted"] = with_adjusted(tests[family], parameters.adjust)["p_adjusted"]
    return tests


def _claims(
    tests: pd.DataFrame, shown: ShownFaces, parameters: MouseFaceParameters, names: EmotionNames
) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for row in tests.to_dict("records"):
        claim: dict[str, Any] = {
            "claim": f"{names.event(row['label'])}: the face changes in the same way each time"
        }
        if parameters.unit == "animals":
            known = np.isfinite(row["p_adjusted"])
            holds = bool(row["p_adjusted"] <= parameters.alpha_p and row["estimate"] > 0) if known else None
            claim |= {key: row[key] for key in ("estimate", "lower", "upper")}
            claim |= {"unit": "cosine", "p": row["p_adjusted"], "n": mice(int(row["n"])), "holds": holds}
            claim["test"] = "t test of animals"
        elif row["label"] in shown.maps:
            claim |= {
                "estimate": float(np.nanmax(shown.maps[row["label"]])), "unit": "largest change of a cell",
                "test": "shown, not tested", "n": "1 mouse", "holds": None,
            }  # fmt: skip
        else:
            claim |= {"test": "not asked", "holds": None}
        rows.append(claim)
    return rows


def _sentences(
    tests: pd.DataFrame, shown: ShownFaces, parameters: MouseFaceParameters, neutral: str, names: EmotionNames
) -> tuple[str, ...]:
    if parameters.unit == "trials":
        return (
            f"The maps show how far the mean face of {shown.animal} during each event lies from its face at "
            "rest; nothing is tested.",
        )
    events = tests[tests["label"] != neutral]
    if not events["p"].notna().any():
        return ("Whether the face changes in the same way each time cannot be tested with one animal.",)
    same = events[(events["p_adjusted"] <= parameters.alpha_p) & (events["estimate"] > 0)]
    told = listed(
        f"{names.event(row['label'])} ({number_words(row['estimate'], 2)}, {p_words(row['p_adjusted'])})"
        for row in same.to_dict("records")
    )
    first = (
        "The face changed in the same way each time an event came (mean cosine of the changes of two "
        f"trials): {told}."
        if len(same)
        else "In no event did the changes of different trials have anything in common."
    )
    control = tests[tests["label"] == neutral]
    if control.empty:
        return (first,)
    row = control.iloc[0].to_dict()
    value = f"{number_words(row['estimate'], 2)} ({p_words(row['p'])})"
    return first, f"Control, trials without an event: {value}."


def _caption(core: CoreClips, shown: ShownFaces, parameters: MouseFaceParameters) -> str:
    map_words = (
        "the change from the rest before to the time during an event that different trials share (root of "
        "their mean product; cells in which trials have nothing in common are clear)"
        if parameters.unit == "animals"
        else "length of the difference between the mean descriptor of the event and that of all frames at "
        "rest"
    )
    return (
        f"As Fig. 1B. Above: the frame of each event most like its prototype, in one animal ({shown.animal}, "
        f"that with most events and trials). Below, over the mean face at rest: {map_words}, in units of the "
        f"descriptor, for each cell. All animals: {counted(core.trials)}."
    )


def _test_table(tests: pd.DataFrame) -> Table:
    return Table(
        name="figure_1b_changes",
        caption="How alike the changes of the face in different trials of an event are (Fig. 1B).",
        data=tests,
        columns={
            "label": Column(description="Event.", heading="Event"),
            "estimate": Column(
                description="Mean cosine of the changes of two trials; mean of animals.",
                kind="number",
                heading="Cosine",
            ),
            "lower": Column(description="Lower limit.", kind="number", heading="Lower"),
            "upper": Column(description="Upper limit.", kind="number", heading="Upper"),
            "t": Column(description="t of a one-sample test against 0.", kind="statistic", heading="t"),
            "df": Column(description="Degrees of freedom.", kind="df", heading="df"),
            "p": Column(description="p value.", kind="p", heading="p"),
            "p_adjusted": Column(description="p adjusted over events.", kind="p", heading="p adjusted"),
            "n": Column(description="Animals.", kind="count", heading="Animals"),
        },
    )


def _cell_table(data: FaceData, shown: ShownFaces) -> Table:
    row, column = np.nonzero(data.cells)
    columns = {
        "row": Column(description="Row of the cell, from 0 at the top.", kind="count"),
        "column": Column(description="Column of the cell, from 0 at the left.", kind="count"),
    }
    columns |= {
        label: Column(description=f"Change at {label}, units of the descriptor.", kind="number")
        for label in shown.maps
    }
    return Table(
        name="figure_1b_cells",
        caption=f"How far each cell of the face of {shown.animal} changes at each event (Fig. 1B, maps).",
        data=pd.DataFrame({"row": row, "column": column, **shown.maps}),
        columns=columns,
    )
