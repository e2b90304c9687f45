"""Figure 3A: how alike the face is to each event's prototype, trial by trial and on average."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Colormap
from matplotlib.figure import Figure

from analysis.faces.comparisons import with_adjusted
from analysis.faces.dynamics import population_trace
from analysis.mouse_face.colours import CHANGE_MAP, INK, NEUTRAL_COLOUR, event_colours
from analysis.mouse_face.emotions import EmotionNames
from analysis.mouse_face.face_data import FaceData
from analysis.mouse_face.marks import mark_onset
from analysis.mouse_face.panel import Panel, claims_table, missing_panel
from analysis.mouse_face.parameters import MouseFaceParameters
from analysis.mouse_face.phrases import listed, mice, p_words
from analysis.mouse_face.selection import Missing
from analysis.mouse_face.time_course import (
    BinnedTraces,
    TimeCourse,
    binned_traces,
    compare_responses,
    compare_variability,
    responses,
    time_course,
)
from analysis.mouse_face.words import bracketed, plural, said_interval
from analysis.report import Column, Table
from analysis.report.drawing import FULL_WIDTH_MM, new_figure, report_style
from analysis.report.table import format_number

NAME, TITLE = "3A", "How do expressions unfold, from trial to trial?"
_UNITS = {"change": "correlation", "z": "SD of the rest"}
_AXIS = {"change": "Change of similarity (r)", "z": "Similarity (z)"}
_ROBUST = 98.0
"""Percentile of the changes at which the colours end."""


def panel_3a(data: FaceData, parameters: MouseFaceParameters, *, rng: np.random.Generator) -> Panel:
    """Show single trials and their mean around events (Fig. 3A).

    Recommended: change of the correlation with prototypes that a trial has no part in, interval and tests of
    animals, variability beside that of neutral trials. Paper: z scores, interval of trials, no test.
    """
    course = time_course(data, parameters)
    if isinstance(course, Missing):
        return missing_panel(NAME, TITLE, course.reason)
    traces = binned_traces(course, parameters)
    if not len(traces.trials):
        return missing_panel(NAME, TITLE, "no trial has valid frames both before and after its onset")
    table = tests_of_responses(course, traces, parameters)
    return Panel(
        name=NAME,
        title=TITLE,
        draw=lambda: draw_traces(course, traces, parameters, data.emotions),
        caption=_caption(course, parameters, data.emotions),
        tables=(_trace_table(traces, parameters), _test_table(table, parameters)),
        claims=_claims(table, course, parameters, data.emotions),
        sentences=_sentences(table, course, parameters, data.emotions),
        warnings=_warnings(course, traces),
    )


def tests_of_responses(
    course: TimeCourse, traces: BinnedTraces, parameters: MouseFaceParameters
) -> pd.DataFrame:
    """Test size and variability of responses, event by event; p values adjusted over events."""
    table = responses(traces, early_s=parameters.early_s)
    how: dict[str, Any] = {"unit": parameters.unit, "level": parameters.level}
    parts = []
    for what in ("response", "variability"):
        rows = []
        for event in course.events:
            found = (
                compare_responses(table, event, **how)
                if what == "response"
                else compare_variability(table, event, course.neutral, **how)
            )
            rows.append({"event": event, "what": what, **found})
        tested = pd.DataFrame(rows)
        known = tested["p"].notna()
        tested["p_adjusted"] = np.nan
        if known.any():
            tested.loc[known, "p_adjusted"] = with_adjusted(tested[known], parameters.adjust)["p_adjusted"]
        parts.append(tested)
    return pd.concat(parts, ignore_index=True)


def draw_traces(
    course: TimeCourse, traces: BinnedTraces, parameters: MouseFaceParameters, names: EmotionNames
) -> Figure:
    """Draw each trial as a line of a heat map, and the population beneath."""
    colours = event_colours(course.events)
    limit = _colour_limit(course, traces)
    most = max(int((traces.trials["label"] == event).sum()) for event in course.events)
    upper_mm = float(np.clip(2.0 * most, 26.0, 62.0))
    with report_style():
        figure = new_figure(width_mm=FULL_WIDTH_MM, height_mm=upper_mm + 46.0)
        grid = figure.subplots(
            2, len(course.events), sharex=True, sharey="row", squeeze=False, height_ratios=[upper_mm, 30.0]
        )
        for column, event in enumerate(course.events):
            image = _draw_trials(grid[0, column], traces, event, limit)
            _draw_population(grid[1, column], traces, event, course, parameters, colours[event])
            grid[1, column].set_xlabel("Time from onset (s)")
            grid[0, column].text(
                0.5, 1.015, names.prototype(event), transform=grid[0, column].transAxes, ha="center",
                va="bottom", fontsize=6.5, color=INK,
            )  # fmt: skip
            grid[0, column].set_title(names.event(event), pad=12)
        grid[0, 0].set_ylabel("Trials, by mouse")
        grid[1, 0].set_ylabel({"change": "Change (r)", "z": "Similarity (z)"}[parameters.trace_scale])
        bar = figure.colorbar(image, ax=grid[0, :].tolist(), pad=0.01, fraction=0.02, aspect=18)
        bar.set_label(_AXIS[parameters.trace_scale])
        bar.outline.set_visible(False)
    return figure


def _draw_trials(panel: Axes, traces: BinnedTraces, event: str, limit: float) -> Any:
    own = _rows(traces, event, event)
    step_s = traces.times_s[1] - traces.times_s[0]
    edges = (traces.times_s[0] - step_s / 2, traces.times_s[-1] + step_s / 2)
    image = panel.imshow(
        traces.values[own], cmap=_change_map(), vmin=-limit, vmax=limit, interpolation="none", aspect="auto",
        extent=(*edges, len(own) - 0.5, -0.5),
    )  # fmt: skip
    animals = traces.trials.loc[own, "animal"].to_numpy()
    places = {animal: np.flatnonzero(animals == animal) for animal in dict.fromkeys(animals)}
    for rows in list(places.values())[1:]:
        panel.axhline(rows[0] - 0.5, color="white", linewidth=1.2)
    panel.axvline(0, color=INK, linewidth=0.7)
    panel.set_yticks([rows.mean() for rows in places.values()], list(places))
    panel.tick_params(axis="y", length=0, labelsize=6.5)
    for spine in panel.spines.values():
        spine.set_visible(False)
    return image


def _draw_population(
    panel: Axes,
    traces: BinnedTraces,
    event: str,
    course: TimeCourse,
    parameters: MouseFaceParameters,
    colour: str,
) -> None:
    mark_onset(panel, parameters.during_s)
    panel.axhline(0, color="#8A9299", linewidth=0.6, zorder=0)
    if course.has_neutral and parameters.unit == "animals":
        _draw_curve(panel, traces, event, course.neutral, parameters, NEUTRAL_COLOUR)
    _draw_curve(panel, traces, event, event, parameters, colour)
    panel.set_xlim(-parameters.trace_before_s, _end_s(course, traces))


def _end_s(course: TimeCourse, traces: BinnedTraces) -> float:
    """Time up to which any trial that is shown has values."""
    step_s = traces.times_s[1] - traces.times_s[0]
    shown = np.concatenate([_rows(traces, event, event) for event in course.events])
    seen = np.flatnonzero(~np.isnan(traces.values[shown]).all(axis=0))
    return float(traces.times_s[seen[-1]] + step_s / 2) if len(seen) else float(traces.times_s[-1])


def _draw_curve(
    panel: Axes, traces: BinnedTraces, event: str, label: str, parameters: MouseFaceParameters, colour: str
) -> None:
    own = _rows(traces, event, label)
    if not len(own):
        return
    animals = traces.trials.loc[own, "animal"].to_numpy() if parameters.unit == "animals" else None
    curve = population_trace(traces.values[own], animals, level=parameters.level)
    # where the next event came for some, the mean would be that of others: it ends there
    curve = curve.where(curve["n"] >= 0.8 * curve["n"].max())
    panel.fill_between(
        traces.times_s, curve["lower"], curve["upper"], color=colour, alpha=0.25, linewidth=0, zorder=1
    )
    panel.plot(traces.times_s, curve["mean"], color=colour, linewidth=1.4, zorder=2)


def _rows(traces: BinnedTraces, event: str, label: str) -> np.ndarray:
    """Rows of the trials of a label, as compared with an event's prototype."""
    about = traces.trials
    return np.flatnonzero(((about["prototype"] == event) & (about["label"] == label)).to_numpy())


def _colour_limit(course: TimeCourse, traces: BinnedTraces) -> float:
    shown = np.concatenate([traces.values[_rows(traces, event, event)].ravel() for event in course.events])
    known = np.abs(shown[np.isfinite(shown)])
    return float(np.percentile(known, _ROBUST)) if len(known) and known.max() > 0 else 1.0


def _change_map() -> Colormap:
    chosen = CHANGE_MAP if isinstance(CHANGE_MAP, Colormap) else colormaps[CHANGE_MAP]
    return chosen.with_extremes(bad="#DDE1E5")


def _caption(course: TimeCourse, parameters: MouseFaceParameters, names: EmotionNames) -> str:
    scale = (
        "change of the correlation with the event's prototype since the rest before it"
        if parameters.trace_scale == "change"
        else "correlation with the event's prototype, in standard deviations of the rest before it"
    )
    band = f"{100 * parameters.level:g} % interval of " + (
        "the means of animals" if parameters.unit == "animals" else "trials, taken as independent"
    )
    grey = (
        " Grey: neutral trials, compared with the same prototype."
        if course.has_neutral and parameters.unit == "animals"
        else ""
    )
    own = " Prototypes are made without the trial that is compared." if parameters.cross_fitted else ""
    n_trials = ", ".join(
        f"{names.event(event)} {plural(int(course.n_trials.get(event, 0)), 'trial')}"
        for event in course.events
    )
    return (
        f"As Fig. 3A. Top: each line is a trial; colour: {scale} ({parameters.baseline_s:g} s), in bins of "
        f"{parameters.trace_bin_s:g} s; grey: no valid frames, or the next event was near. Bottom: mean and "
        f"{band}; shaded: the first {parameters.during_s:g} s.{grey}{own} N = {mice(len(course.animals))}; "
        f"{n_trials}."
    )


def _claims(
    table: pd.DataFrame, course: TimeCourse, parameters: MouseFaceParameters, names: EmotionNames
) -> pd.DataFrame:
    return claims_table([_claim(row, course, parameters, names) for row in table.to_dict("records")])


def _claim(
    row: Mapping[Any, Any], course: TimeCourse, parameters: MouseFaceParameters, names: EmotionNames
) -> dict[str, Any]:
    event, p = names.event(row["event"]), float(row["p_adjusted"])
    n_trials = int(course.n_trials.get(row["event"], 0))
    about: dict[str, Any] = {name: row[name] for name in ("estimate", "lower", "upper")}
    n = f"{mice(int(row['n']))}, " if parameters.unit == "animals" else f"{mice(len(course.animals))}, "
    n += plural(n_trials, "trial")
    if row["what"] == "response":
        claim = f"{event}: the face becomes like its prototype within {parameters.early_s:g} s"
        unit = _UNITS[parameters.trace_scale]
        test = "t test of animals" if parameters.unit == "animals" else "t test of trials"
    else:
        claim = f"{event}: responses differ more from trial to trial than the face does by itself"
        unit = "log of the ratio of SDs"
        test = "t test of animals" if parameters.unit == "animals" else "none, seen in the traces"
    holds: bool | None = bool(p <= parameters.alpha_p and row["estimate"] > 0) if np.isfinite(p) else None
    if row["what"] == "variability" and parameters.unit == "trials" and np.isfinite(row["estimate"]):
        holds = bool(row["estimate"] > 0)
    return {"claim": claim, **about, "unit": unit, "p": p, "test": test, "n": n, "holds": holds}


def _sentences(
    table: pd.DataFrame, course: TimeCourse, parameters: MouseFaceParameters, names: EmotionNames
) -> tuple[str, ...]:
    sentences = []
    digits = "r" if parameters.trace_scale == "change" else "SD"
    rises: list[str] = []
    same: list[str] = []
    for row in table[table["what"] == "response"].to_dict("records"):
        text = names.event(row["event"]) + bracketed(
            f"{format_number(row['estimate'])} {digits}",
            said_interval(row["lower"], row["upper"], level=parameters.level),
            p_words(row["p_adjusted"]) if np.isfinite(row["p_adjusted"]) else "",
        )
        holds = row["p_adjusted"] <= parameters.alpha_p and row["estimate"] > 0
        (rises if holds else same).append(text)
    if rises:
        sentences.append(
            f"Within {parameters.early_s:g} s the face became more like the prototype of {listed(rises)}."
        )
    if same:
        sentences.append(f"No such change was shown for {listed(same)}.")
    varied = table[(table["what"] == "variability") & table["estimate"].notna()]
    if len(varied):
        ratios = [
            f"{np.exp(row['estimate']):.1f} times for {names.event(row['event'])}"
            + bracketed(p_words(row["p_adjusted"]) if np.isfinite(row["p_adjusted"]) else "")
            for row in varied.to_dict("records")
        ]
        sentences.append(
            f"Responses to the same event differed {listed(ratios)} as much from trial to trial as the face "
            "did in neutral trials."
        )
    return tuple(sentences)


def _warnings(course: TimeCourse, traces: BinnedTraces) -> tuple[str, ...]:
    found = list(course.notes)
    if len(course.animals) == 1:
        found.append(
            f"There is one animal ({course.animals[0]}): nothing is said about other animals, and means of "
            "animals have neither interval nor test."
        )
    if traces.lost:
        found.append(f"Not shown: {plural(traces.lost, 'trace')} without a usable rest before the event.")
    if not course.has_neutral:
        found.append("There are no neutral trials, so that nobody knows how much faces vary by themselves.")
    return tuple(found)


def _trace_table(traces: BinnedTraces, parameters: MouseFaceParameters) -> Table:
    bins = {f"t{time_s:g}": traces.values[:, number] for number, time_s in enumerate(traces.times_s)}
    columns = {
        "animal": Column(description="Animal."),
        "trial": Column(description="Trial of the animal.", kind="count"),
        "label": Column(description="Event."),
        "prototype": Column(description="Event whose prototype the face is compared with."),
    }
    columns |= {
        name: Column(
            description=f"Mean of the bin whose middle is {name[1:]} s from the onset.",
            kind="number",
            unit=_UNITS[parameters.trace_scale],
        )
        for name in bins
    }
    return Table(
        name="figure_3a_traces",
        caption=f"Traces of single trials (Fig. 3A): {_AXIS[parameters.trace_scale].lower()}.",
        data=traces.trials.assign(**bins),
        columns=columns,
    )


def _test_table(table: pd.DataFrame, parameters: MouseFaceParameters) -> Table:
    who = "animals" if parameters.unit == "animals" else "trials"
    return Table(
        name="figure_3a_tests",
        caption=f"Size of responses in the first {parameters.early_s:g} s, and how much they differ from "
        "trial to trial.",
        data=table,
        columns={
            "event": Column(description="Event.", heading="Event"),
            "what": Column(
                description="What was tested.", heading="What",
                levels={"response": "mean change", "variability": "log of SD of trials / of neutral trials"},
            ),
            "n": Column(description=f"Number of {who}.", kind="count", heading="n"),
            "estimate": Column(description="Mean.", kind="number", heading="Estimate"),
            "lower": Column(description="Lower limit of the interval.", kind="number", heading="Lower"),
            "upper": Column(description="Upper limit of the interval.", kind="number", heading="Upper"),
            "t": Column(description="t value.", kind="statistic", heading="t"),
            "df": Column(description="Degrees of freedom.", kind="df", heading="df"),
            "p": Column(description="p value.", kind="p", heading="p"),
            "p_adjusted": Column(
                description=f"p value adjusted over events ({parameters.adjust}).", kind="p",
                heading="p adjusted",
            ),
            "effect_size": Column(description="Hedges' g.", kind="number", heading="g"),
        },
        emphasise_p_below=None,
    )  # fmt: skip
