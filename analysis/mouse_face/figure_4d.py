"""Figure 4D-E: example neurons, with what they follow laid over their traces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.mouse_face.colours import INK
from analysis.mouse_face.emotions import EmotionNames
from analysis.mouse_face.face_data import FaceData
from analysis.mouse_face.neuron_colours import neuron_colours
from analysis.mouse_face.neuron_study import NeuronStudy, neuron_study
from analysis.mouse_face.neurons import KINDS, Recording
from analysis.mouse_face.panel import Panel, missing_panel
from analysis.mouse_face.parameters import MouseFaceParameters
from analysis.mouse_face.phrases import number_words
from analysis.mouse_face.selection import Missing
from analysis.mouse_face.words import plural
from analysis.report import Column, Table
from analysis.report.drawing import FULL_WIDTH_MM, new_figure, report_style

NAME, TITLE = "4D", "What do neurons look like that follow the stimulus, or the face?"
N_EXAMPLES = 2
"""Neurons of each kind and event."""
_MARGIN_S = 20.0
_MOST_POINTS = 700
"""More values are averaged, which nobody sees at this size."""


@dataclass(frozen=True)
class Example:
    """A neuron that is shown."""

    recording: Recording
    neuron: int
    kind: str
    event: str
    r: float
    labelled: bool
    """Whether it counts as following this; otherwise it is the most alike of those that do not."""


def panel_4d(data: FaceData, parameters: MouseFaceParameters, *, rng: np.random.Generator) -> Panel:
    """Show the neurons that follow stimulus and face best (Fig. 4D-E); chosen for that."""
    study = neuron_study(data, parameters)
    if isinstance(study, Missing):
        return missing_panel(NAME, TITLE, study.reason)
    examples = choose_examples(study, parameters)
    return Panel(
        name=NAME,
        title=TITLE,
        draw=lambda: draw_examples(examples, study, data.emotions),
        caption=_caption(study),
        tables=(_table(examples),),
        sentences=_sentences(examples, study),
        warnings=_warnings(examples),
    )


def choose_examples(study: NeuronStudy, parameters: MouseFaceParameters) -> list[Example]:
    """Choose the neurons with the highest correlation among those that follow the one thing only.

    Of one recording per event, that with most such neurons. Where there are too few, those follow that are
    most alike without counting.
    """
    unique = "_unique" if parameters.neuron_rule == "unique" else ""
    recordings = {recording.session_id: recording for recording in study.recordings}
    examples = []
    for event in study.events[:2]:
        own = study.coding[study.coding["event"] == event]
        only = own["label"].isin(KINDS).groupby(own["session_id"]).sum()
        own = own[own["session_id"] == only.idxmax()]
        for kind in KINDS:
            ranked = own.assign(labelled=own["label"] == kind, score=own[f"r{unique}_{kind}"])
            ranked = ranked.sort_values(["labelled", "score"], ascending=False, kind="stable")
            examples += [
                Example(
                    recording=recordings[str(row["session_id"])],
                    neuron=int(row["neuron"]),
                    kind=kind,
                    event=event,
                    r=float(row[f"r_{kind}"]),
                    labelled=bool(row["labelled"]),
                )
                for row in ranked.head(N_EXAMPLES).to_dict("records")
            ]
    return examples


def draw_examples(examples: list[Example], study: NeuronStudy, names: EmotionNames) -> Figure:
    """Draw traces (black) and what they are compared with (coloured); one column per event."""
    events = list(study.events[:2])
    with report_style():
        n_rows = max(sum(example.event == event for example in examples) for event in events)
        figure = new_figure(width_mm=FULL_WIDTH_MM, height_mm=14.0 + 17.0 * n_rows)
        grid = figure.subplots(n_rows, len(events), squeeze=False)
        for column, event in enumerate(events):
            own = [example for example in examples if example.event == event]
            for row in range(n_rows):
                if row < len(own):
                    _draw_example(grid[row, column], own[row], names)
                else:
                    grid[row, column].set_visible(False)
                if row < len(own) - 1:
                    grid[row, column].set_xticklabels([])
            grid[0, column].set_title(names.event(event), pad=10)
            grid[min(len(own), n_rows) - 1, column].set_xlabel("Time in the session (s)")
    return figure


def _draw_example(panel: Axes, example: Example, names: EmotionNames) -> None:
    recording = example.recording
    onsets = recording.stimuli[recording.stimuli["event"] == example.event]
    first_s = float(onsets["onset"].min()) - _MARGIN_S
    last_s = float((onsets["onset"] + onsets["duration"]).max()) + 2 * _MARGIN_S
    rows = (recording.times_s >= first_s) & (recording.times_s <= last_s)
    if not rows.any():
        rows = np.ones(len(recording.times_s), bool)
    trace, predicted = normalised_pair(
        recording.traces[example.neuron], recording.shown[example.kind, example.event]
    )
    times_s, trace, predicted = _thinned(recording.times_s[rows], trace[rows], predicted[rows])
    for onset, duration in onsets[["onset", "duration"]].to_numpy(float):
        panel.axvspan(onset, onset + max(duration, 0.004 * np.ptp(times_s)), color="#DDE1E5", linewidth=0)
    panel.plot(times_s, trace, color=INK, linewidth=0.55)
    colour = neuron_colours(recording.events)[example.kind, example.event]
    panel.plot(times_s, predicted, color=colour, linewidth=1.2)
    emotion = names.emotion(example.event)
    what = "stimulus" if example.kind == "stimulus" else f"face ({emotion})" if emotion else "face"
    mark = "" if example.labelled else ", does not count"
    panel.text(
        0.0, 1.0, f"{what}, r = {number_words(example.r, 2)}{mark}", transform=panel.transAxes, ha="left",
        va="bottom", fontsize=6.5, color=colour,
    )  # fmt: skip
    panel.set_yticks([])
    panel.spines["left"].set_visible(False)
    panel.set_xlim(times_s[0], times_s[-1])
    panel.set_ylim(min(-0.1, float(np.percentile(trace, 0.2))), max(1.1, float(np.percentile(trace, 99.9))))


def normalised_pair(trace: np.ndarray, regressor: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scale a trace to its range (1st to 99th percentile), and fit the regressor to it by least squares.

    Examples
    --------
    >>> trace, predicted = normalised_pair(np.arange(101.0), np.arange(101.0) * 3)
    >>> trace[[1, 99]].round(6).tolist(), bool(np.allclose(trace, predicted))
    ([0.0, 1.0], True)
    """
    low, high = np.percentile(trace, [1, 99])
    scaled = (trace - low) / (high - low if high > low else 1.0)
    centred = regressor - regressor.mean()
    slope = float(centred @ scaled) / max(float(centred @ centred), 1e-300)
    return scaled, scaled.mean() + slope * centred


def _thinned(*arrays: np.ndarray) -> list[np.ndarray]:
    """Average neighbouring values where there are more than can be seen."""
    size = max(1, len(arrays[0]) // _MOST_POINTS)
    length = len(arrays[0]) // size * size
    return [array[:length].reshape(-1, size).mean(axis=1) for array in arrays]


def _caption(study: NeuronStudy) -> str:
    return (
        "As Fig. 4D-E. Fluorescence (black, scaled to its range) and the convolved stimulus or similarity of "
        "the face (coloured, fitted by least squares) of neurons of each kind; shaded: stimuli. The neurons "
        f"were chosen out of {study.n_neurons} because they follow it best: r (Pearson, whole recording) "
        "is the highest there is, not what to expect."
    )


def _sentences(examples: list[Example], study: NeuronStudy) -> tuple[str, ...]:
    shown = [example for example in examples if example.labelled]
    if not shown:
        return ("No neuron counts as following a stimulus or the face; the most alike are shown.",)
    best = max(shown, key=lambda example: example.r)
    return (
        f"The examples are the best of {plural(study.n_neurons, 'neuron')}; their correlations reach "
        f"{number_words(best.r, 2)}.",
    )


def _warnings(examples: list[Example]) -> tuple[str, ...]:
    absent = dict.fromkeys(
        f"{example.kind} ({example.event.replace('_', ' ')})" for example in examples if not example.labelled
    )
    if not absent:
        return ()
    return (f"Fewer than {N_EXAMPLES} neurons count as following only: {', '.join(absent)}.",)


def _table(examples: list[Example]) -> Table:
    rows = [
        {
            "event": example.event,
            "kind": example.kind,
            "session_id": example.recording.session_id,
            "roi": int(example.recording.neurons["roi"].iloc[example.neuron]),
            "r": example.r,
            "counts": example.labelled,
        }
        for example in examples
    ]
    return Table(
        name="figure_4d_examples",
        caption="Neurons that are shown (Fig. 4D-E).",
        data=pd.DataFrame(rows),
        columns={
            "event": Column(description="Event.", heading="Event"),
            "kind": Column(description="What the neuron is compared with.", heading="With"),
            "session_id": Column(description="Session.", heading="Session"),
            "roi": Column(description="Region of interest.", kind="count", heading="ROI"),
            "r": Column(description="Pearson's r over the whole recording.", kind="number", heading="r"),
            "counts": Column(description="Whether it counts as following it.", heading="Counts"),
        },
    )
