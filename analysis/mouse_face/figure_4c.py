"""Figure 4C: how stimulus and face become what a neuron is compared with."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.calcium.surrogates import shift_test
from analysis.mouse_face.colours import INK, event_order
from analysis.mouse_face.emotions import EmotionNames
from analysis.mouse_face.face_data import FaceData
from analysis.mouse_face.neuron_colours import neuron_colours
from analysis.mouse_face.neuron_study import NeuronStudy, neuron_study
from analysis.mouse_face.neurons import Recording
from analysis.mouse_face.panel import Panel, claims_table, missing_panel
from analysis.mouse_face.parameters import MouseFaceParameters
from analysis.mouse_face.phrases import listed, mice, number_words, p_words
from analysis.mouse_face.selection import Missing
from analysis.mouse_face.words import bracketed, plural
from analysis.report import Column, Table
from analysis.report.drawing import FULL_WIDTH_MM, new_figure, report_style

NAME, TITLE = "4C", "What are neurons compared with?"
_BEFORE_S, _AFTER_S = 15.0, 45.0
"""What is shown around a stimulus."""


def panel_4c(data: FaceData, parameters: MouseFaceParameters, *, rng: np.random.Generator) -> Panel:
    """Show kernel and regressors, and how alike stimulus and face are (Fig. 4C)."""
    study = neuron_study(data, parameters)
    if isinstance(study, Missing):
        return missing_panel(NAME, TITLE, study.reason)
    table = regressor_correlations(study, parameters)
    return Panel(
        name=NAME,
        title=TITLE,
        draw=lambda: draw_regressors(study, parameters, data.emotions),
        caption=_caption(study, parameters),
        tables=(_table(table),),
        claims=_claims(table, study, parameters, data.emotions),
        sentences=_sentences(table, study, parameters, data.emotions),
        warnings=study.notes,
    )


def regressor_correlations(study: NeuronStudy, parameters: MouseFaceParameters) -> pd.DataFrame:
    """Correlate what the indicator would show of the stimulus with that of the face.

    Returns
    -------
    pandas.DataFrame
        One row per recording and event: ``session_id animal event r p`` (circular shifts; NaN in the paper's
        preset, which does not test it).
    """
    rows = []
    for recording in study.recordings:
        for event in recording.events:
            stimulus, face = (recording.shown[kind, event] for kind in ("stimulus", "face"))
            r, p = shift_test(
                face[None], stimulus, step_s=recording.step_s, min_shift_s=parameters.min_shift_s
            )
            tested = parameters.neuron_rule != "threshold"
            about = {"session_id": recording.session_id, "animal": recording.animal, "event": event}
            rows.append({**about, "r": float(r[0]), "p": float(p[0]) if tested else np.nan})
    return pd.DataFrame(rows)


def smallest_p(p: pd.Series) -> float:
    """Return the smallest p value, corrected for how many there are (Bonferroni); NaN if none was tested.

    >>> smallest_p(pd.Series([0.01, 0.4])), smallest_p(pd.Series([float("nan")]))
    (0.02, nan)
    """
    return float(np.minimum(1.0, p.min() * len(p)))


def draw_regressors(study: NeuronStudy, parameters: MouseFaceParameters, names: EmotionNames) -> Figure:
    """Draw the kernel, and stimulus and face before and after it."""
    recording = study.largest()
    with report_style():
        figure = new_figure(width_mm=FULL_WIDTH_MM, height_mm=62.0)
        events = event_order(recording.events)[:2]
        grid = figure.subplots(2, 1 + len(events), width_ratios=[0.8, *[1.4] * len(events)])
        _draw_kernel(grid[0, 0], study, parameters)
        grid[1, 0].set_visible(False)
        for column, event in enumerate(events, start=1):
            _draw_pair(grid[:, column], recording, event)
            grid[0, column].set_title(names.event(event))
        grid[0, 1].set_ylabel("Stimulus")
        grid[1, 1].set_ylabel("Face")
    return figure


def _draw_kernel(panel: Axes, study: NeuronStudy, parameters: MouseFaceParameters) -> None:
    kernel = study.kernel
    times_s = np.linspace(-0.5, 6 * kernel.decay_s, 300)
    panel.plot(times_s, kernel.at(times_s), color=INK)
    panel.set_title("GCaMP6s")
    panel.set_xlabel("Time from a spike (s)")
    panel.set_ylabel("Response")
    panel.set_yticks([0, 1])
    panel.text(
        0.98, 0.95, f"peak {1000 * kernel.peak_s:.0f} ms", transform=panel.transAxes, ha="right", va="top",
        fontsize=6.5, color=INK,
    )  # fmt: skip


def _draw_pair(panels: np.ndarray, recording: Recording, event: str) -> None:
    """Draw a trace as it was (grey, filled) and as the indicator would show it (coloured)."""
    colours = neuron_colours(recording.events)
    onsets = recording.stimuli.loc[recording.stimuli["event"] == event, "onset"].to_numpy(float)
    onset = next((value for value in onsets if value >= recording.times_s[0]), recording.times_s[0])
    since = recording.times_s - onset
    rows = (since >= -_BEFORE_S) & (since <= _AFTER_S)
    for panel, kind in zip(panels, ("stimulus", "face"), strict=True):
        plain, shown = _unit(recording.plain[kind, event][rows]), _unit(recording.shown[kind, event][rows])
        panel.fill_between(
            since[rows], 0, plain, color="#C9CED3", linewidth=0,
            step="post" if kind == "stimulus" else None,
        )  # fmt: skip
        panel.plot(since[rows], shown, color=colours[kind, event], linewidth=1.3)
        panel.set_yticks([])
        panel.set_ylim(-0.04, 1.08)
        panel.set_xlim(-_BEFORE_S, _AFTER_S)
        panel.spines["left"].set_visible(False)
    panels[0].set_xticklabels([])
    panels[1].set_xlabel("Time from onset (s)")


def _unit(values: np.ndarray) -> np.ndarray:
    span = np.ptp(values)
    return (values - values.min()) / (span if span > 0 else 1.0)


def _caption(study: NeuronStudy, parameters: MouseFaceParameters) -> str:
    kernel, recording = study.kernel, study.largest()
    return (
        f"As Fig. 4C. Response of the indicator to a spike (peak after {1000 * kernel.peak_s:.0f} ms, time "
        f"constants {1000 * kernel.rise_s:.0f} and {1000 * kernel.decay_s:.0f} ms), and stimulus and "
        "similarity of the face to the event's prototype as they were (grey) and convolved with it "
        f"(coloured), each scaled to its range here. Example: first presentation in {recording.session_id}, "
        f"the recording with most neurons. {plural(len(study.recordings), 'recording')} of "
        f"{mice(len(study.animals))}."
    )


def _claims(
    table: pd.DataFrame, study: NeuronStudy, parameters: MouseFaceParameters, names: EmotionNames
) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for event in study.events:
        own = table[table["event"] == event]
        p = smallest_p(own["p"])
        rows.append(
            {
                "claim": f"{names.event(event)}: stimulus and face go together in time",
                "estimate": float(own["r"].mean()),
                "unit": "r, mean of recordings",
                "p": p,
                "test": "none" if np.isnan(p) else "circular shifts, smallest p of recordings",
                "n": f"{plural(len(own), 'recording')}, {mice(own['animal'].nunique())}",
                "holds": None if np.isnan(p) else bool(p <= parameters.alpha_p and own["r"].mean() > 0),
            }
        )
    return claims_table(rows)


def _sentences(
    table: pd.DataFrame, study: NeuronStudy, parameters: MouseFaceParameters, names: EmotionNames
) -> tuple[str, ...]:
    parts = []
    for event in study.events:
        own = table[table["event"] == event]
        p = smallest_p(own["p"])
        parts.append(
            f"r = {number_words(float(own['r'].mean()), 2)} for {names.event(event)}"
            + bracketed("" if np.isnan(p) else p_words(p))
        )
    end = (
        "what a neuron shares with one it also shares with the other, so that each counts for what the "
        "others do not explain."
        if parameters.neuron_rule == "unique"
        else "what a neuron shares with one it also shares with the other."
    )
    return (f"Stimulus and face go together over time ({listed(parts)}): {end}",)


def _table(table: pd.DataFrame) -> Table:
    return Table(
        name="figure_4c_regressors",
        caption="Correlation of the convolved stimulus with the convolved similarity of the face (Fig. 4C).",
        data=table,
        columns={
            "session_id": Column(description="Session.", heading="Session"),
            "animal": Column(description="Animal.", heading="Animal"),
            "event": Column(description="Event.", heading="Event"),
            "r": Column(description="Pearson's r.", kind="number", heading="r"),
            "p": Column(description="Share of circular shifts that do as well.", kind="p", heading="p"),
        },
    )
