"""Example traces of Figure 2D-G: similarity of one mouse to a prototype around events, mean of its trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis.faces.prototypes import z_traces
from analysis.mouse_face.face_data import FaceData
from analysis.mouse_face.marks import mark_onset
from analysis.mouse_face.parameters import MouseFaceParameters
from analysis.mouse_face.scoring import similarity
from analysis.report import Column, Table

BIN_S = 0.2
"""Frames of a trial are averaged in bins of this length before trials are."""


def example_traces(
    data: FaceData,
    trials: pd.DataFrame,
    prototype: str,
    column: str,
    parameters: MouseFaceParameters,
) -> pd.DataFrame:
    """Average the similarity of one animal to a prototype, for each level of a column.

    Parameters
    ----------
    data : FaceData
        The study.
    trials : pandas.DataFrame
        Trials of one animal.
    prototype : str
        Event of the prototype.
    column : str
        Column of ``trials`` whose levels are averaged apart, such as the strength.
    parameters : MouseFaceParameters
        Length of the traces and of the rest that they are scaled by.

    Returns
    -------
    pandas.DataFrame
        One row per level and bin: level, time_s (middle, from the onset), mean and sem (of trials, in
        standard deviations of the rest before each), n (trials). Empty if the animal has no such prototype.
        Where a session has no file of descriptors, traces end with the clips.
    """
    everywhere = trials["session_id"].isin(list(data.descriptor_files)).all()
    around = (
        {"before_s": parameters.example_before_s, "after_s": parameters.example_after_s} if everywhere else {}
    )
    columns = ["level", "time_s", "mean", "sem", "n"]
    frames, found = similarity(data, trials, parameters, **around)
    if prototype not in found or found[prototype].isna().all():
        return pd.DataFrame(columns=columns)
    level = trials.set_index(["animal", "trial"])[column]
    scaled = z_traces(found[[prototype]], frames, baseline_s=parameters.baseline_s)[prototype]
    table = pd.DataFrame(
        {
            "level": level.reindex(pd.MultiIndex.from_frame(frames[["animal", "trial"]])).to_numpy(),
            "trial": frames["trial"],
            "time_s": (np.floor(frames["since_s"] / BIN_S + 1e-6) + 0.5) * BIN_S,
            "z": scaled,
        }
    )
    table = table[table["time_s"] > -parameters.example_before_s]
    by_trial = table.groupby(["level", "trial", "time_s"])["z"].mean()
    mean = by_trial.groupby(["level", "time_s"]).agg(["mean", "sem", "count"]).reset_index()
    return mean.rename(columns={"count": "n"})[columns]


def draw_traces(
    panel: Axes, traces: pd.DataFrame, colours: Mapping[object, object], parameters: MouseFaceParameters
) -> None:
    """Draw mean traces with the standard error of trials as a band."""
    mark_onset(panel, parameters.during_s)
    panel.axhline(0, color="#8A9299", linewidth=0.5, zorder=0)
    for level, colour in colours.items():
        own = traces[traces["level"] == level]
        time_s, mean = own["time_s"].to_numpy(float), own["mean"].to_numpy(float)
        sem = own["sem"].fillna(0).to_numpy(float)
        panel.fill_between(time_s, mean - sem, mean + sem, color=colour, alpha=0.3, linewidth=0)
        panel.plot(time_s, mean, color=colour, linewidth=1.1)
    panel.set_xlabel("Time from onset (s)")
    panel.set_ylabel("Similarity (z)")
    if len(traces):
        panel.set_xlim(traces["time_s"].min() - BIN_S / 2, traces["time_s"].max() + BIN_S / 2)
    else:
        panel.text(
            0.5, 0.5, "no prototype in this animal", ha="center", transform=panel.transAxes, fontsize=6.5
        )


def trace_table(name: str, parts: Sequence[tuple[str, pd.DataFrame]], animal: str, panel: str) -> Table:
    """Make the table of traces: what is shown, and the trace."""
    known = [part.assign(shown=shown) for shown, part in parts if len(part)]
    data = pd.concat(known, ignore_index=True) if known else pd.DataFrame(columns=_COLUMNS)
    return Table(
        name=name,
        caption=f"Example traces of {animal} ({panel}).",
        data=data,
        columns={
            "shown": Column(description="Which drawing it belongs to."),
            "level": Column(description="Strength, or state, of the trials."),
            "time_s": Column(description="Time from the onset, middle of the bin.", kind="number", unit="s"),
            "mean": Column(
                description="Mean similarity of trials, in SD of the rest.", kind="number", unit="SD"
            ),
            "sem": Column(description="Standard error of trials.", kind="number", unit="SD"),
            "n": Column(description="Trials.", kind="count"),
        },
    )


_COLUMNS = ["shown", "level", "time_s", "mean", "sem", "n"]
