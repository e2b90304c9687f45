"""Figure 1C-D: frames around events, how alike they are, and whether they fall into two clusters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from scipy.cluster import hierarchy

from analysis.faces.comparisons import with_adjusted
from analysis.faces.similarity import (
    FrameClusters,
    cluster_agreement,
    cluster_frames,
    correlate_frames,
    phase_separation,
)
from analysis.models.small_samples import one_sample
from analysis.mouse_face.colours import INK, REST_COLOUR, SIMILARITY_MAP, event_colours, event_order
from analysis.mouse_face.core_clips import CoreClips, core_clips, example_animal
from analysis.mouse_face.emotions import EmotionNames
from analysis.mouse_face.face_data import FaceData
from analysis.mouse_face.panel import Panel, claims_table, missing_panel
from analysis.mouse_face.parameters import MouseFaceParameters
from analysis.mouse_face.phrases import counted, listed, mice, number_words, p_words
from analysis.mouse_face.selection import Missing
from analysis.report import Column, Table
from analysis.report.drawing import FULL_WIDTH_MM, new_figure, report_style

NAME, TITLE = "1D", "Do frames before and during an event form two clusters?"
MOST_PX = 200
"""Side of a drawn matrix; more is not seen at the size of print. The clusters are of all frames."""


@dataclass(frozen=True, eq=False)
class EventClusters:
    """The frames around one event in the animal that is shown."""

    clips: pd.DataFrame
    correlation: np.ndarray
    clusters: FrameClusters


def panel_1d(data: FaceData, parameters: MouseFaceParameters, *, rng: np.random.Generator) -> Panel:
    """Correlate all frames around an event and cluster them (Fig. 1C-D).

    Recommended: in each animal, how much more alike frames of the same phase are than frames before and
    during, pairs of different trials only; tested over animals. Paper: one animal, judged by eye.
    """
    core = core_clips(data, parameters)
    if isinstance(core, Missing):
        return missing_panel(NAME, TITLE, core.reason)
    table = separations(core)
    if table.empty:
        return missing_panel(NAME, TITLE, "no event has two trials with frames both before and during it")
    animal = example_animal(core.trials)
    labels = [
        label for label in event_order(core.trials["label"].unique()) if len(core.of(animal, label)[0]) > 1
    ]
    shown = {label: clustered(core, animal, label) for label in labels}
    tests = tested(table, parameters, core.neutral)
    return Panel(
        name=NAME,
        title=TITLE,
        draw=lambda: draw_clusters(shown, data.emotions),
        caption=_caption(core, animal, shown, parameters),
        tables=(_separation_table(tests, shown), _animal_table(table)),
        claims=claims_table(_claims(tests, shown, parameters, data.emotions)),
        sentences=_sentences(tests, shown, animal, parameters, core.neutral, data.emotions),
        warnings=(*core.notes, *_doubts(core)),
    )


def separations(core: CoreClips) -> pd.DataFrame:
    """Return `phase_separation` of each event in each animal: animal, label, separation; NaN: one trial."""
    rows = []
    for animal in core.animals:
        for label in event_order(core.trials.loc[core.trials["animal"] == animal, "label"].unique()):
            clips, values = core.of(animal, label)
            try:
                found = phase_separation(correlate_frames(values), clips)
            except ValueError:
                found = float("nan")
            rows.append({"animal": animal, "label": label, "separation": found})
    table = pd.DataFrame(rows, columns=["animal", "label", "separation"])
    return table[table.groupby("label")["separation"].transform(lambda part: part.notna().any()).astype(bool)]


def clustered(core: CoreClips, animal: str, label: str) -> EventClusters:
    """Correlate and cluster the frames around one event of one animal."""
    clips, values = core.of(animal, label)
    correlation = correlate_frames(values)
    return EventClusters(clips, correlation, cluster_frames(correlation))


def draw_clusters(shown: dict[str, EventClusters], names: EmotionNames) -> Figure:
    """Draw the matrix of each event in the order of its clusters, with the tree and the time of frames."""
    columns = min(4, len(shown))
    rows = -(-len(shown) // columns)
    colours = event_colours(shown)
    every = np.concatenate([np.ravel(event.correlation) for event in shown.values()])
    limits = float(np.quantile(every, 0.02)), float(np.quantile(every, 0.98))
    with report_style():
        figure = new_figure(width_mm=FULL_WIDTH_MM, height_mm=14.0 + 38.0 * rows)
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for panel, (label, event) in zip(panels, shown.items(), strict=False):
            image = _draw_event(panel, event, colours[label], limits)
            panel.set_title(names.event(label), fontsize=8)
        for panel in panels[len(shown) :]:
            panel.set_axis_off()
        label = "Similarity of frames (r)"
        if len(shown) < len(panels):
            bar = panels[-1].inset_axes((0.0, 0.6, 1.0, 0.07))
            figure.colorbar(image, cax=bar, orientation="horizontal", label=label)
        else:
            figure.colorbar(image, ax=list(panels), shrink=0.5, aspect=18, label=label)
        patches = [
            Patch(color=REST_COLOUR, label="before the event"),
            *(Patch(color=colours[label], label=names.event(label)) for label in shown),
        ]
        figure.legend(handles=patches, loc="outside lower center", ncols=8, handlelength=1, columnspacing=1)
    return figure


def _draw_event(
    matrix: Axes, event: EventClusters, colour: str, limits: tuple[float, float]
) -> ScalarMappable:
    """Draw one matrix, its tree to the left and the time of each frame to the right."""
    order = event.clusters.order
    image = matrix.imshow(
        reduced(event.correlation[np.ix_(order, order)], MOST_PX),
        cmap=SIMILARITY_MAP, vmin=limits[0], vmax=limits[1], interpolation="none", aspect="auto",
    )  # fmt: skip
    tree, strip = matrix.inset_axes((-0.3, 0, 0.28, 1)), matrix.inset_axes((1.02, 0, 0.07, 1))
    _draw_tree(tree, event.clusters)
    during = event.clips["during"].to_numpy(bool)[order]
    strip.imshow(
        np.where(during[:, None, None], to_rgb(colour), to_rgb(REST_COLOUR)),
        interpolation="none",
        aspect="auto",
    )
    for panel in (tree, matrix, strip):
        panel.set_xticks([])
        panel.set_yticks([])
        for spine in panel.spines.values():
            spine.set_visible(False)
    return image


def _draw_tree(panel: Axes, clusters: FrameClusters) -> None:
    """Draw the tree to the left of its matrix; branches that are too short to be seen are left out."""
    drawn = hierarchy.dendrogram(clusters.linkage, no_plot=True)
    across, along = np.array(drawn["dcoord"]), np.array(drawn["icoord"])
    seen = across.max(axis=1) > 0.02 * across.max()
    lines = np.stack([across[seen], along[seen]], axis=2)
    panel.add_collection(LineCollection(list(lines), colors=INK, linewidths=0.4))
    panel.set_xlim(across.max() * 1.02, 0)
    panel.set_ylim(10 * len(clusters.order), 0)


def reduced(matrix: np.ndarray, most: int) -> np.ndarray:
    """Average blocks of a square matrix so that its side is no more than ``most``.

    >>> reduced(np.arange(16.0).reshape(4, 4), 2)
    array([[ 2.5,  4.5],
           [10.5, 12.5]])
    """
    if len(matrix) <= most:
        return matrix
    edges = np.linspace(0, len(matrix), most + 1).astype(int)[:-1]
    sums = np.add.reduceat(np.add.reduceat(matrix, edges, axis=0), edges, axis=1)
    sizes = np.diff(np.append(edges, len(matrix)))
    return sums / np.outer(sizes, sizes)


def tested(table: pd.DataFrame, parameters: MouseFaceParameters, neutral: str) -> pd.DataFrame:
    """Test each event over animals; the family of adjusted p values is the events, neutral is apart."""
    rows = []
    for label in event_order(table["label"].unique()):
        values = table.loc[table["label"] == label, "separation"].dropna().to_numpy(float)
        found = one_sample(values, level=parameters.level) if len(values) > 1 else {"n": len(values)}
        rows.append({"label": label, "estimate": values.mean(), **found})
    tests = pd.DataFrame(rows).reindex(columns=["label", "estimate", "lower", "upper", "t", "df", "p", "n"])
    tests["p_adjusted"] = tests["p"]
    family = tests["p"].notna() & (tests["label"] != neutral)
    if family.any():
        adjusted = with_adjusted(tests[family], parameters.adjust)
        tests.loc[family, "p_adjusted"] = adjusted["p_adjusted"]
    return tests


def _claims(
    tests: pd.DataFrame, shown: dict[str, EventClusters], parameters: MouseFaceParameters, names: EmotionNames
) -> list[dict[str, Any]]:
    rows = []
    for row in tests.to_dict("records"):
        claim: dict[str, Any] = {
            "claim": f"{names.event(row['label'])}: frames before and during are told apart"
        }
        if parameters.unit == "animals":
            known = np.isfinite(row["p_adjusted"])
            holds = bool(row["p_adjusted"] <= parameters.alpha_p and row["estimate"] > 0) if known else None
            claim |= {key: row[key] for key in ("estimate", "lower", "upper")}
            claim |= {
                "unit": "r",
                "p": row["p_adjusted"],
                "test": "t test of animals",
                "n": mice(int(row["n"])),
            }
        else:
            share = agreement(shown, row["label"])
            holds = bool(share >= parameters.by_eye_share) if np.isfinite(share) else None
            claim |= {
                "estimate": 100 * share, "unit": "% of frames in the cluster of their phase",
                "test": "by eye, one animal", "n": "1 mouse",
            }  # fmt: skip
        rows.append({**claim, "holds": holds})
    return rows


def agreement(shown: dict[str, EventClusters], label: str) -> float:
    """Return the share of frames whose top cluster is that of their phase, in the animal that is shown."""
    return cluster_agreement(shown[label].clusters, shown[label].clips) if label in shown else float("nan")


def _sentences(
    tests: pd.DataFrame,
    shown: dict[str, EventClusters],
    animal: str,
    parameters: MouseFaceParameters,
    neutral: str,
    names: EmotionNames,
) -> tuple[str, ...]:
    if parameters.unit == "trials":
        shares = [f"{names.event(label)} {100 * agreement(shown, label):.0f} %" for label in shown]
        return (
            f"In {animal}, the animal that is shown, the two top clusters are the phases in {listed(shares)} "
            "of the frames (50 % at the least).",
        )
    events = tests[tests["label"] != neutral]
    apart = events[(events["p_adjusted"] <= parameters.alpha_p) & (events["estimate"] > 0)]
    told = listed(
        f"{names.event(row['label'])} ({number_words(row['estimate'])}, {p_words(row['p_adjusted'])})"
        for row in apart.to_dict("records")
    )
    if len(apart):
        first = f"Frames of different trials are more alike within a phase than between phases, by r: {told}."
    elif events["p"].notna().any():
        first = "In no event were frames of different trials more alike within a phase than between phases."
    else:
        first = "Whether phases differ across trials cannot be tested with one animal."
    sentences = [first]
    control = tests[tests["label"] == neutral]
    if len(control):
        row = control.iloc[0].to_dict()
        sentences.append(
            f"Control, trials without an event: {number_words(row['estimate'])} ({p_words(row['p'])})."
        )
    return tuple(sentences)


def _caption(
    core: CoreClips, animal: str, shown: dict[str, EventClusters], parameters: MouseFaceParameters
) -> str:
    n_frames = sum(len(event.clips) for event in shown.values())
    return (
        f"As Fig. 1C-D. Correlation (Pearson) of all frames from {parameters.before_s:g} s before to "
        f"{parameters.during_s:g} s after each onset in one animal ({animal}; {n_frames} frames), in the "
        "order of hierarchical clusters (left: tree; average linkage, Euclidean distance of rows). Strips: "
        "time of each frame, put there afterwards, grey before and coloured during the event. The animal is "
        f"that with most events and trials. All animals: {counted(core.trials)}."
    )


def _doubts(core: CoreClips) -> tuple[str, ...]:
    if (core.trials["label"] == core.neutral).any():
        return ()
    return (
        f"There are no trials without an event (labelled {core.neutral!r}): the neutral control is absent.",
    )


def _separation_table(tests: pd.DataFrame, shown: dict[str, EventClusters]) -> Table:
    return Table(
        name="figure_1d_separation",
        caption="How much more alike frames of the same phase (before, or during) are than frames of "
                "different phases; "
        "pairs of different trials only, one value per animal (Fig. 1D).",
        data=tests.assign(agreement=[agreement(shown, label) for label in tests["label"]]),
        columns={
            "label": Column(description="Event.", heading="Event"),
            "estimate": Column(description="Mean of animals.", kind="number", unit="r", heading="Separation"),
            "lower": Column(description="Lower limit.", kind="number", unit="r", heading="Lower"),
            "upper": Column(description="Upper limit.", kind="number", unit="r", heading="Upper"),
            "t": Column(description="t of a one-sample test against 0.", kind="statistic", heading="t"),
            "df": Column(description="Degrees of freedom.", kind="df", heading="df"),
            "p": Column(description="p value.", kind="p", heading="p"),
            "p_adjusted": Column(description="p value adjusted over events.", kind="p", heading="p adjusted"),
            "n": Column(description="Animals.", kind="count", heading="Animals"),
            "agreement": Column(
                description="Share of the frames of the animal shown whose top cluster is that of their "
                            "phase; 0.5 at "
                "the least. It says nothing by itself.", kind="number", heading="Agreement of clusters",
            ),
        },
    )  # fmt: skip


def _animal_table(table: pd.DataFrame) -> Table:
    return Table(
        name="figure_1d_animals",
        caption="Separation of the phases in each animal (Fig. 1D).",
        data=table,
        columns={
            "animal": Column(description="Animal.", heading="Animal"),
            "label": Column(description="Event.", heading="Event"),
            "separation": Column(
                description="Mean correlation of frames of the same phase minus that of frames before with "
                            "frames "
                "during; pairs of different trials.", kind="number", unit="r", heading="Separation",
            ),
        },
    )  # fmt: skip
