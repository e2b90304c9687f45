"""Figure 4H: where the neurons lie that follow stimuli and faces."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy.spatial import ConvexHull, QhullError

from analysis.mouse_face.colours import INK
from analysis.mouse_face.emotions import EmotionNames
from analysis.mouse_face.face_data import FaceData
from analysis.mouse_face.neuron_colours import NONE_COLOUR, neuron_colours
from analysis.mouse_face.neuron_study import NeuronStudy, neuron_study
from analysis.mouse_face.neurons import KINDS, Recording
from analysis.mouse_face.panel import Panel, missing_panel
from analysis.mouse_face.parameters import MouseFaceParameters
from analysis.mouse_face.selection import Missing
from analysis.mouse_face.words import plural
from analysis.report import Column, Table
from analysis.report.drawing import SINGLE_COLUMN_MM, new_figure, report_style

NAME, TITLE = "4H", "Where do the neurons lie?"
MIXED = "mixed"
_NONE = "none"
_GROUND = "#3B4046"
_ROUND = 6.0
"""Radius in pixels of a neuron whose shape is not known."""


def panel_4h(data: FaceData, parameters: MouseFaceParameters, *, rng: np.random.Generator) -> Panel:
    """Map the neurons of one recording (Fig. 4H)."""
    study = neuron_study(data, parameters)
    if isinstance(study, Missing):
        return missing_panel(NAME, TITLE, study.reason)
    placed = [recording for recording in study.recordings if has_places(recording)]
    if not placed:
        return missing_panel(NAME, TITLE, "no recording says where its neurons lie")
    recording = max(placed, key=lambda candidate: len(candidate.traces))
    table = neuron_kinds(study, recording)
    return Panel(
        name=NAME,
        title=TITLE,
        draw=lambda: draw_map(table, recording, data.emotions),
        caption=_caption(table, recording),
        tables=(_table(table),),
        sentences=(_sentence(table),),
        warnings=()
        if recording.masks
        else (f"{recording.session_id}: shapes of neurons are not known; circles stand for them.",),
    )


def has_places(recording: Recording) -> bool:
    """Whether a recording says where its neurons lie."""
    shaped = any(len(rows) for rows, _ in recording.masks)
    return shaped or bool(recording.neurons[["x_px", "y_px"]].notna().all(axis=None))


def neuron_kinds(study: NeuronStudy, recording: Recording) -> pd.DataFrame:
    """Name what each neuron of a recording follows: one thing, several (mixed), or none.

    Returns
    -------
    pandas.DataFrame
        ``roi x_px y_px follows kind``; ``follows`` names everything, ``kind`` is what it is coloured by, as
        ``stimulus quinine``.
    """
    own = study.coding[study.coding["session_id"] == recording.session_id]
    table = recording.neurons[["roi", "x_px", "y_px"]].copy()
    names: list[list[str]] = [[] for _ in range(len(table))]
    for event in dict.fromkeys(own["event"]):
        part = own[own["event"] == event]
        for kind in KINDS:
            for neuron in part.loc[part[f"follows_{kind}"], "neuron"]:
                names[int(neuron)].append(f"{kind} {event}")
    table["follows"] = [", ".join(found) for found in names]
    table["kind"] = [found[0] if len(found) == 1 else MIXED if found else _NONE for found in names]
    return table


def outline(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return the corners around the pixels of a neuron, ``(n_corners, 2)`` as x and y.

    Examples
    --------
    >>> outline(np.array([0]), np.array([4])).tolist()
    [[3.5, -0.5], [4.5, -0.5], [4.5, 0.5], [3.5, 0.5]]
    """
    corners = np.concatenate(
        [np.column_stack([columns + right, rows + down]) for right in (-0.5, 0.5) for down in (-0.5, 0.5)]
    )
    try:
        return corners[ConvexHull(corners).vertices]
    except QhullError:
        return corners


def draw_map(table: pd.DataFrame, recording: Recording, names: EmotionNames) -> Figure:
    """Draw the outline of each neuron, coloured by what it follows."""
    colours = {
        f"{kind} {event}": colour for (kind, event), colour in neuron_colours(recording.events).items()
    }
    fills = {**colours, MIXED: "white", _NONE: "#6B7178"}
    with report_style():
        figure = new_figure(width_mm=SINGLE_COLUMN_MM, height_mm=104.0)
        panel = figure.subplots()
        panel.set_facecolor(_GROUND)
        shapes = neuron_outlines(recording)
        order = np.argsort((table["kind"] != _NONE).to_numpy(), kind="stable")
        panel.add_collection(
            PolyCollection(
                [shapes[number] for number in order],
                facecolors=[fills[table["kind"].iloc[number]] for number in order],
                edgecolors=[
                    NONE_COLOUR if table["kind"].iloc[number] == _NONE else "white" for number in order
                ],
                linewidths=[0.2 if table["kind"].iloc[number] == _NONE else 0.4 for number in order],
            )
        )
        _finish(panel, shapes)
        counts = table["kind"].value_counts()
        wanted = [name for name in fills if counts.get(name, 0)]
        figure.legend(
            handles=[_entry(name, fills[name], int(counts[name]), names) for name in wanted],
            loc="outside lower center", ncols=2, handletextpad=0.2, columnspacing=1.2,
        )  # fmt: skip
    return figure


def neuron_outlines(recording: Recording) -> list[np.ndarray]:
    """Return the outline of each neuron; circles where shapes are not known."""
    if recording.masks and all(len(rows) for rows, _ in recording.masks):
        return [outline(np.asarray(rows), np.asarray(columns)) for rows, columns in recording.masks]
    angle = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    circle = _ROUND * np.column_stack([np.cos(angle), np.sin(angle)])
    return [place + circle for place in recording.neurons[["x_px", "y_px"]].to_numpy(float)]


def _entry(name: str, fill: str, number: int, names: EmotionNames) -> Line2D:
    kind, _, event = name.partition(" ")
    label = {MIXED: "several", _NONE: "none"}.get(name, f"{names.event(event)}, {kind}")
    return Line2D(
        [], [], marker="o", linestyle="none", markersize=4.5, color=fill, markeredgecolor=INK,
        markeredgewidth=0.4, label=f"{label} ({number})",
    )  # fmt: skip


def _finish(panel: Axes, shapes: list[np.ndarray]) -> None:
    corners = np.concatenate(shapes)
    low, high = corners.min(axis=0), corners.max(axis=0)
    margin = 0.03 * float(max(high - low))
    panel.set_xlim(low[0] - margin, high[0] + margin)
    panel.set_ylim(high[1] + margin, low[1] - margin)
    panel.set_aspect("equal")
    panel.set_xticks([])
    panel.set_yticks([])
    for spine in panel.spines.values():
        spine.set_visible(False)
    length = _round_length(0.25 * float(high[0] - low[0]))
    right, bottom = float(high[0]), float(high[1]) + 0.3 * margin
    panel.plot([right - length, right], [bottom, bottom], color="white", linewidth=1.6)
    panel.text(
        right - length, bottom, f"{length:g} px ", color="white", fontsize=6.5, ha="right", va="center"
    )


def _round_length(length: float) -> float:
    """Choose 1, 2 or 5 times a power of ten, not longer than given.

    >>> _round_length(130.0), _round_length(47.0)
    (100.0, 20.0)
    """
    power = 10.0 ** np.floor(np.log10(max(length, 1e-9)))
    return float(max(step * power for step in (1, 2, 5) if step * power <= length * (1 + 1e-9)))


def _caption(table: pd.DataFrame, recording: Recording) -> str:
    return (
        f"As Fig. 4H. Neurons of {recording.session_id}, the recording with most of them "
        f"({len(table)}), coloured by what they follow (see Fig. 4F); grey: nothing, white: several things. "
        "The bar is in pixels, as the files do not say how large a pixel is."
    )


def _sentence(table: pd.DataFrame) -> str:
    follows = int((table["kind"] != _NONE).sum())
    mixed = int((table["kind"] == MIXED).sum())
    return (
        f"Of {plural(len(table), 'neuron')} in this field {follows} followed a stimulus or the face, {mixed} "
        "of them more than one thing."
    )


def _table(table: pd.DataFrame) -> Table:
    return Table(
        name="figure_4h_neurons",
        caption="Neurons of the field that is shown, and what they follow (Fig. 4H).",
        data=table,
        columns={
            "roi": Column(description="Region of interest.", kind="count"),
            "x_px": Column(description="Centre.", kind="number", unit="px"),
            "y_px": Column(description="Centre.", kind="number", unit="px"),
            "follows": Column(description="All that it follows."),
            "kind": Column(description="What it is coloured by."),
        },
    )
