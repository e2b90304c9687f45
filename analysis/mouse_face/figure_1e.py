"""Figure 1E: frames of all events in a plane, and whether its clouds are events or only trials."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.faces.embedding import embed
from analysis.faces.neighbours import neighbour_test, same_event_share, trial_neighbours
from analysis.models.permutation import permute_within
from analysis.models.small_samples import one_sample
from analysis.mouse_face.colours import INK, NEUTRAL_COLOUR, event_colours, event_order
from analysis.mouse_face.core_clips import (
    CoreClips,
    core_clips,
    example_animal,
    frames_at_events,
    trial_blocks,
)
from analysis.mouse_face.emotions import EmotionNames
from analysis.mouse_face.face_data import FaceData
from analysis.mouse_face.marks import draw_mean
from analysis.mouse_face.panel import Panel, claims_table, missing_panel
from analysis.mouse_face.parameters import MouseFaceParameters
from analysis.mouse_face.phrases import counted, mice, p_words
from analysis.mouse_face.selection import Missing
from analysis.report import Column, Table
from analysis.report.drawing import FULL_WIDTH_MM, new_figure, report_style

NAME, TITLE = "1E", "Do frames of different events lie apart?"
CLAIM = "frames of the same event lie together"
LEAST_FRAMES = 20
"""Fewer frames than this are not embedded."""
MARKERS = "o^sDvP*X"
"""Of the trials of an event, in their order."""
_CHANCE_SHUFFLES = 200


@dataclass(frozen=True, eq=False)
class Neighbours:
    """What lies next to the frames of each animal."""

    table: pd.DataFrame
    """One row per animal: animal, as_seen (share of a frame's nearest neighbours that are of its event, its
    own trial included), same_event (the same among frames of other trials), chance (mean of shuffles)."""
    test: dict[str, Any]
    """p, test, estimate, lower, upper (percent points above chance); without p if nothing can be tested."""


def panel_1e(data: FaceData, parameters: MouseFaceParameters, *, rng: np.random.Generator) -> Panel:
    """Embed the frames of all events of one animal (Fig. 1E), and ask in all animals what lies together.

    Recommended: whether the nearest frames of *other* trials are of the same event more often than with the
    labels of trials exchanged. Paper: clouds seen by eye, in which each frame's own trial counts.
    """
    core = core_clips(data, parameters)
    if isinstance(core, Missing):
        return missing_panel(NAME, TITLE, core.reason)
    found = frames_at_events(core, parameters)
    if found is None:
        return missing_panel(NAME, TITLE, "no trial has valid frames both before and during its event")
    core = found
    animal = example_animal(core.trials)
    clips, values = core.of(animal)
    if len(clips) < LEAST_FRAMES or clips["trial"].nunique() < 2:
        return missing_panel(
            NAME, TITLE, f"{animal} has {len(clips)} valid frames during events: too few to embed"
        )
    points = embed(
        values,
        rng=rng,
        preset=parameters.embedding_preset,
        n_components=parameters.embedding_components,
        perplexity=min(30.0, (len(clips) - 1) / 3.5),
    )
    near = neighbours(data, core, parameters, rng)
    shown = clips.assign(x=points[:, 0], y=points[:, 1])
    return Panel(
        name=NAME,
        title=TITLE,
        draw=lambda: draw_embedding(shown, near, data.emotions, parameters),
        caption=_caption(core, animal, len(clips), near, parameters),
        tables=(_neighbour_table(near), _point_table(shown, animal)),
        claims=claims_table([_claim(near, parameters)]),
        sentences=(_sentence(near, parameters),),
        warnings=(*core.notes, *_doubts(parameters)),
    )


def neighbours(
    data: FaceData, core: CoreClips, parameters: MouseFaceParameters, rng: np.random.Generator
) -> Neighbours:
    """Look at the nearest frames in each animal, by their descriptors; the embedding has no part in it."""
    rows, tables, labels, blocks = [], [], [], []
    n_near = parameters.n_neighbours
    for animal in core.animals:
        clips, values = core.of(animal)
        sizes = clips["trial"].value_counts()
        if len(sizes) < 2 or len(clips) - sizes.max() < n_near:
            continue
        near = trial_neighbours(values, clips["trial"].to_numpy(), n_neighbours=n_near)
        about = clips.drop_duplicates("trial").set_index("trial").loc[near.index].reset_index()
        own, block = about["label"].to_numpy(), trial_blocks(data, about)
        if np.isnan(same_event_share(near, own)):
            continue
        shuffled = [
            same_event_share(near, permute_within(own, block, rng=rng)) for _ in range(_CHANCE_SHUFFLES)
        ]
        row = {"animal": animal, "as_seen": _as_seen(values, clips, n_near)}
        rows.append({**row, "same_event": same_event_share(near, own), "chance": float(np.mean(shuffled))})
        tables.append(near)
        labels.append(own)
        blocks.append(block)
    table = pd.DataFrame(rows, columns=["animal", "as_seen", "same_event", "chance"])
    excess = 100 * (table["same_event"] - table["chance"]).to_numpy(float)
    if len(table) > 1:
        found = one_sample(excess, level=parameters.level)
        test = {name: found[name] for name in ("estimate", "lower", "upper", "p")}
        return Neighbours(table, {**test, "test": "t test of animals"})
    if len(table) == 1:
        n_shuffles = parameters.neighbour_permutations
        shuffled_test = neighbour_test(tables, labels, blocks, n_permutations=n_shuffles, rng=rng)
        return Neighbours(
            table, {"estimate": excess[0], "p": shuffled_test.p, "test": "shuffled trials of one animal"}
        )
    return Neighbours(table, {})


def _as_seen(values: np.ndarray, clips: pd.DataFrame, n_near: int) -> float:
    """Return the share of a frame's nearest frames that are of its event, as the eye sees it in a cloud."""
    frame = np.arange(len(clips))
    near = trial_neighbours(values, frame, n_neighbours=min(n_near, len(frame) - 1)).to_numpy()
    label = clips["label"].to_numpy()
    return float((near * (label[:, None] == label)).sum(axis=1).mean())


def draw_embedding(
    shown: pd.DataFrame, near: Neighbours, names: EmotionNames, parameters: MouseFaceParameters
) -> Figure:
    """Draw the frames of one animal, and what lies next to frames in all animals."""
    colours = event_colours(shown["label"].unique())
    with report_style():
        figure = new_figure(width_mm=FULL_WIDTH_MM, height_mm=82.0)
        left, right = figure.subplots(1, 2, width_ratios=[1.5, 1.0])
        for label, own in shown.groupby("label"):
            for place, (_, trial) in enumerate(own.groupby("trial")):
                left.plot(
                    trial["x"], trial["y"], MARKERS[place % len(MARKERS)], color=colours[str(label)],
                    markersize=2.6, mew=0, alpha=0.8, rasterized=len(shown) > 4000,
                )  # fmt: skip
        left.set_xticks([])
        left.set_yticks([])
        left.set_xlabel("t-SNE 1")
        left.set_ylabel("t-SNE 2")
        left.set_title("Frames of one animal")
        _draw_neighbours(right, near, parameters)
        figure.legend(
            handles=_legend(shown, names, colours), loc="outside lower center", ncols=6, columnspacing=1
        )
    return figure


def _legend(shown: pd.DataFrame, names: EmotionNames, colours: dict[str, str]) -> list[Line2D]:
    n_trials = int(shown.groupby("label")["trial"].nunique().max())
    look: dict[str, Any] = {"linestyle": "none", "mew": 0, "markersize": 4}
    return [
        *(Line2D([], [], marker="o", color=colours[label], label=names.event(label), **look)
          for label in event_order(colours)),
        *(Line2D([], [], **{**look, "mew": 0.6}, marker=MARKERS[place], color="white", mec=INK,
                  label=f"trial {place + 1}")
          for place in range(min(n_trials, len(MARKERS)))),
    ]  # fmt: skip


def _draw_neighbours(panel: Axes, near: Neighbours, parameters: MouseFaceParameters) -> None:
    words = {
        "as_seen": "all frames",
        "same_event": "frames of\nother trials",
        "chance": "the same,\nshuffled",
    }
    values = 100 * near.table[list(words)]
    panel.plot(np.arange(3), values.to_numpy().T, color=NEUTRAL_COLOUR, linewidth=0.5, alpha=0.7)
    panel.plot(np.arange(3), values.to_numpy().T, "o", color=NEUTRAL_COLOUR, markersize=3, mew=0)
    for place, name in enumerate(words):
        if len(values):
            draw_mean(panel, place + 0.18, values[name].to_numpy(float), level=parameters.level, colour=INK)
    panel.set_xticks(range(3), list(words.values()))
    panel.set_xlim(-0.4, 2.5)
    panel.set_ylim(0, 102)
    panel.set_ylabel(f"{parameters.n_neighbours} nearest frames that are\nof the same event (%)")
    panel.set_title("All animals")


def _claim(near: Neighbours, parameters: MouseFaceParameters) -> dict[str, Any]:
    n = mice(len(near.table))
    if parameters.unit == "trials":
        share = float(near.table["as_seen"].mean()) if len(near.table) else float("nan")
        holds = bool(share >= parameters.by_eye_share) if np.isfinite(share) else None
        return {
            "claim": CLAIM, "estimate": 100 * share, "unit": "% of the nearest frames", "n": n,
            "test": "by eye, frames of the same trial included", "holds": holds,
        }  # fmt: skip
    if not near.test:
        return {"claim": CLAIM, "n": n, "holds": None}
    holds = bool(near.test["p"] <= parameters.alpha_p and near.test["estimate"] > 0)
    return {"claim": CLAIM, "unit": "points above shuffled", "n": n, **near.test, "holds": holds}


def _sentence(near: Neighbours, parameters: MouseFaceParameters) -> str:
    if near.table.empty:
        return "No animal has two trials of an event, so that nothing could lie together."
    mean = 100 * near.table[["as_seen", "same_event", "chance"]].mean()
    seen = (
        f"Of the {parameters.n_neighbours} frames nearest to a frame, {mean['as_seen']:.0f} % were of the "
        "same event"
    )
    if parameters.unit == "trials":
        return f"{seen} (mean of {mice(len(near.table))}; frames of the same trial count)."
    tested = f"; {p_words(near.test['p'])}, {near.test['test']}" if near.test else ""
    return (
        f"{seen}, its own trial counted. Among frames of other trials it was {mean['same_event']:.0f} %, and "
        f"{mean['chance']:.0f} % with the labels of trials exchanged{tested}."
    )


def _caption(
    core: CoreClips, animal: str, n_frames: int, near: Neighbours, parameters: MouseFaceParameters
) -> str:
    away = "; the face at rest taken away" if parameters.decoding_rest != "none" else ""
    start = "the principal components" if parameters.embedding_preset == "recommended" else "random positions"
    return (
        f"As Fig. 1E. Left: t-SNE of the {n_frames} frames from the onsets of events to "
        f"{parameters.during_s:g} s after, in one animal ({animal}, that with most events and trials{away}), "
        f"from {parameters.embedding_components} principal components of the descriptors, begun at {start}; "
        "marks are trials. Right: of which event the nearest frames are, by descriptors; dots animals, "
        f"diamonds means with {100 * parameters.level:g} % intervals of animals. {counted(core.trials)}."
    )


def _doubts(parameters: MouseFaceParameters) -> tuple[str, ...]:
    if parameters.unit == "animals":
        return ()
    return (
        "A cloud of frames can be a trial: each trial is a cloud of its own even where events do nothing.",
    )


def _neighbour_table(near: Neighbours) -> Table:
    return Table(
        name="figure_1e_neighbours",
        caption="Of which event the nearest frames are, in each animal (beside Fig. 1E).",
        data=near.table,
        columns={
            "animal": Column(description="Animal.", heading="Animal"),
            "as_seen": Column(
                description="Share of a frame's nearest frames that are of the same event.",
                kind="number",
                heading="All frames",
            ),
            "same_event": Column(
                description="The same among frames of other trials.",
                kind="number",
                heading="Frames of other trials",
            ),
            "chance": Column(
                description="The latter with the labels of trials exchanged (mean).",
                kind="number",
                heading="Shuffled",
            ),
        },
    )  # fmt: skip


def _point_table(shown: pd.DataFrame, animal: str) -> Table:
    return Table(
        name="figure_1e_points",
        caption=f"Each frame of {animal} in the plane (Fig. 1E).",
        data=shown,
        columns={
            "session_id": Column(description="Session."),
            "label": Column(description="Event."),
            "trial": Column(description="Number of the trial within the animal.", kind="count"),
            "frame": Column(description="Number of the frame in the video.", kind="count"),
            "since_s": Column(description="Time from the onset.", kind="number", unit="s"),
            "x": Column(description="First coordinate of the embedding.", kind="number"),
            "y": Column(description="Second coordinate of the embedding.", kind="number"),
        },
    )
