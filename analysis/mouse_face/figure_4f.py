"""Figure 4F-G: every neuron by its correlation with the stimulus and with the face."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.mouse_face.colours import INK
from analysis.mouse_face.emotions import EmotionNames
from analysis.mouse_face.face_data import FaceData
from analysis.mouse_face.marks import mean_interval
from analysis.mouse_face.neuron_colours import BOTH_COLOUR, MARKS, NONE_COLOUR, neuron_colours
from analysis.mouse_face.neuron_study import NeuronStudy, neuron_study, shares
from analysis.mouse_face.neurons import KINDS, global_p
from analysis.mouse_face.panel import Panel, claims_table, missing_panel
from analysis.mouse_face.parameters import MouseFaceParameters
from analysis.mouse_face.phrases import mice, p_words
from analysis.mouse_face.selection import Missing
from analysis.mouse_face.words import bracketed, plural
from analysis.report import Column, Table
from analysis.report.drawing import FULL_WIDTH_MM, SINGLE_COLUMN_MM, new_figure, report_style

MOST_IN_A_ROW = 3
"""Events side by side, so that each has room for its legend."""
NAME, TITLE = "4F", "Do neurons follow the stimulus, the face, or both?"
_KIND_WORDS = {"stimulus": "stimulus only", "face": "face only", "both": "both", "none": "neither"}


def panel_4f(data: FaceData, parameters: MouseFaceParameters, *, rng: np.random.Generator) -> Panel:
    """Label every neuron (Fig. 4F-G).

    Recommended: by what only the stimulus, or only the face, explains, against circular shifts, with control
    of false discoveries. Paper: by a threshold of the correlation.
    """
    study = neuron_study(data, parameters)
    if isinstance(study, Missing):
        return missing_panel(NAME, TITLE, study.reason)
    counts = pd.concat(
        [shares(study, event).assign(event=event) for event in study.events], ignore_index=True
    )
    return Panel(
        name=NAME,
        title=TITLE,
        draw=lambda: draw_scatter(study, parameters, data.emotions),
        caption=_caption(study, parameters),
        tables=(_count_table(counts), _neuron_table(study)),
        claims=_claims(counts, study, parameters, data.emotions),
        sentences=_sentences(counts, study, parameters, data.emotions),
        warnings=_warnings(study, parameters),
    )


def draw_scatter(study: NeuronStudy, parameters: MouseFaceParameters, names: EmotionNames) -> Figure:
    """Draw one dot per neuron and event; one panel per event."""
    events = list(study.events)
    width = SINGLE_COLUMN_MM if len(events) == 1 else FULL_WIDTH_MM
    n_columns = min(len(events), MOST_IN_A_ROW)
    n_rows = -(-len(events) // n_columns)
    with report_style():
        figure = new_figure(width_mm=width, height_mm=84.0 * n_rows)
        grid = figure.subplots(n_rows, n_columns, sharex=True, sharey=True, squeeze=False)
        panels = grid.ravel()
        for panel, event in zip(panels, events, strict=False):
            _draw_event(panel, study, event, parameters)
            panel.set_title(names.event(event))
            panel.set_xlabel("r with the stimulus")
            panel.legend(loc="upper left", bbox_to_anchor=(0.0, -0.2), ncols=2 if n_columns < 3 else 1,
                         columnspacing=1.0, handletextpad=0.2)  # fmt: skip
        for panel in panels[len(events) :]:
            panel.set_axis_off()
        for row in grid:
            row[0].set_ylabel("r with the face")
        low, high = _range(study)
        panels[0].set_xlim(low, high)
        panels[0].set_ylim(low, high)
    return figure


def _range(study: NeuronStudy) -> tuple[float, float]:
    """Give both axes the same ends, so that a step to the right is as long as one up."""
    values = study.coding[["r_stimulus", "r_face"]].to_numpy(float)
    low, high = min(-0.1, float(np.nanmin(values))), max(0.4, float(np.nanmax(values)))
    return low - 0.05, high + 0.05


def _draw_event(panel: Axes, study: NeuronStudy, event: str, parameters: MouseFaceParameters) -> None:
    own = study.coding[study.coding["event"] == event]
    base = neuron_colours(study.events)
    colours = {
        "none": NONE_COLOUR, "stimulus": base["stimulus", event], "face": base["face", event],
        "both": BOTH_COLOUR,
    }  # fmt: skip
    panel.axhline(0, color="#8A9299", linewidth=0.6, zorder=0)
    panel.axvline(0, color="#8A9299", linewidth=0.6, zorder=0)
    if parameters.neuron_rule == "threshold":
        for draw in (panel.axhline, panel.axvline):
            draw(parameters.least_neuron_r, color=INK, linewidth=0.6, linestyle=(0, (4, 2)), zorder=1)
    for kind, colour in colours.items():
        chosen = own[own["label"] == kind]
        panel.scatter(
            chosen["r_stimulus"], chosen["r_face"], s=5 if kind == "none" else 11, marker=MARKS[kind],
            color=colour, linewidths=0.25, edgecolors="white", zorder=2 + (kind != "none"),
            label=f"{_KIND_WORDS[kind]} ({len(chosen)})",
        )  # fmt: skip
    panel.set_aspect("equal", adjustable="box")


def _caption(study: NeuronStudy, parameters: MouseFaceParameters) -> str:
    rules = {
        "unique": "what only the stimulus explains beside all measures of the face, or only the face beside "
        "the stimuli and the other faces, goes beyond circular shifts in time (false-discovery rate "
        f"{parameters.neuron_q:g} in each recording)",
        "shift": "its correlation goes beyond circular shifts in time (false-discovery rate "
        f"{parameters.neuron_q:g} in each recording)",
        "threshold": f"its correlation is {parameters.least_neuron_r:g} or more (dashed), without any test",
    }
    return (
        "As Fig. 4F-G. Pearson's r of each neuron with the convolved stimulus and with the convolved "
        "similarity of the face to the event's prototype. A neuron is coloured if "
        f"{rules[parameters.neuron_rule]}, and it goes with it, not against it. Squares: stimulus; circles: "
        f"face; black diamonds: both. n = {plural(study.n_neurons, 'neuron')} in "
        f"{plural(len(study.recordings), 'recording')} of N = {mice(len(study.animals))}."
    )


def _claims(
    counts: pd.DataFrame, study: NeuronStudy, parameters: MouseFaceParameters, names: EmotionNames
) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for event in study.events:
        own = counts[counts["event"] == event]
        coding = study.coding[study.coding["event"] == event]
        for kind in KINDS:
            following = own[kind] + own["both"]
            p = global_p(coding, kind, rule=parameters.neuron_rule)
            by_animal = following.groupby(own["animal"]).sum() / own.groupby("animal")["n"].sum()
            limits = (
                mean_interval(by_animal.to_numpy(float), level=parameters.level)
                if parameters.neuron_rule != "threshold"
                else (np.nan, np.nan)
            )
            what = "the stimulus" if kind == "stimulus" else "the face"
            rows.append(
                {
                    "claim": f"{names.event(event)}: neurons follow {what}",
                    "estimate": 100 * float(following.sum() / own["n"].sum()),
                    "lower": 100 * max(limits[0], 0.0),
                    "upper": 100 * min(limits[1], 1.0) if np.isfinite(limits[1]) else np.nan,
                    "unit": "% of neurons",
                    "p": p,
                    "test": "none" if np.isnan(p) else "Simes over neurons, circular shifts",
                    "n": f"{plural(int(own['n'].sum()), 'neuron')}, {mice(own['animal'].nunique())}",
                    "holds": bool(following.sum() > 0 and (np.isnan(p) or p <= parameters.alpha_p)),
                }
            )
    return claims_table(rows)


def _sentences(
    counts: pd.DataFrame, study: NeuronStudy, parameters: MouseFaceParameters, names: EmotionNames
) -> tuple[str, ...]:
    sentences = []
    for event in study.events:
        own = counts[counts["event"] == event]
        n = int(own["n"].sum())
        stimulus, face, both = (int(own[kind].sum()) for kind in ("stimulus", "face", "both"))
        coding = study.coding[study.coding["event"] == event]
        said = [
            bracketed(f"{100 * number / n:.0f} %", "" if np.isnan(p) else f"any at all: {p_words(p)}")
            for number, p in (
                (stimulus + both, global_p(coding, "stimulus", rule=parameters.neuron_rule)),
                (face + both, global_p(coding, "face", rule=parameters.neuron_rule)),
            )
        ]
        sentences.append(
            f"{names.event(event).capitalize()}: of {plural(n, 'neuron')} {stimulus + both} followed the "
            f"stimulus{said[0]} and {face + both} the face{said[1]}, {both} of them both."
        )
    if parameters.neuron_rule != "threshold":
        sentences.append(
            f"At most {100 * parameters.neuron_q:g} % of the neurons that count are expected to do so by "
            "chance."
        )
    return tuple(sentences)


def _warnings(study: NeuronStudy, parameters: MouseFaceParameters) -> tuple[str, ...]:
    notes = list(study.notes)
    if parameters.neuron_rule == "threshold":
        notes.append(
            "A threshold on r is no test: slow traces correlate by chance, and a neuron that follows the "
            "stimulus also correlates with the face that the stimulus moves."
        )
    if len(study.animals) < 3:
        notes.append(
            f"{mice(len(study.animals))}: what is found holds for these neurons; how it differs between "
            "animals cannot be said."
        )
    return tuple(notes)


def _count_table(counts: pd.DataFrame) -> Table:
    return Table(
        name="figure_4f_counts",
        caption="Neurons by what they follow, in each recording (Fig. 4F-G).",
        data=counts,
        columns={
            "event": Column(description="Event.", heading="Event"),
            "session_id": Column(description="Session.", heading="Session"),
            "animal": Column(description="Animal.", heading="Animal"),
            "n": Column(description="Neurons.", kind="count", heading="Neurons"),
            "stimulus": Column(description="Follow the stimulus only.", kind="count", heading="Stimulus"),
            "face": Column(description="Follow the face only.", kind="count", heading="Face"),
            "both": Column(description="Follow both.", kind="count", heading="Both"),
            "none": Column(description="Follow neither.", kind="count", heading="Neither"),
        },
    )


def _neuron_table(study: NeuronStudy) -> Table:
    columns = {
        "session_id": Column(description="Session."),
        "animal": Column(description="Animal."),
        "roi": Column(description="Region of interest, as the file numbers it.", kind="count"),
        "event": Column(description="Event."),
        "label": Column(description="What the neuron follows: stimulus, face, both or none."),
    }
    for kind in KINDS:
        what = "convolved stimulus" if kind == "stimulus" else "convolved similarity of the face"
        columns |= {
            f"r_{kind}": Column(description=f"Pearson's r with the {what}.", kind="number"),
            f"p_{kind}": Column(description="Share of circular shifts that do as well.", kind="p"),
            f"q_{kind}": Column(description="The same, false-discovery rate.", kind="p"),
            f"r_unique_{kind}": Column(
                description=f"Correlation with what only the {what} holds.", kind="number"
            ),
            f"p_unique_{kind}": Column(description="Share of circular shifts that do as well.", kind="p"),
            f"q_unique_{kind}": Column(description="The same, false-discovery rate.", kind="p"),
            f"unique_variance_{kind}": Column(
                description="Share of the neuron's variance that only this explains.", kind="number"
            ),
        }
    return Table(
        name="figure_4f_neurons",
        caption="Every neuron and what it follows (Fig. 4F-G).",
        data=study.coding,
        columns=columns,
    )
