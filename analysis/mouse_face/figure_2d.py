"""Figure 2D: whether expressions grow with the strength of the stimulus."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.faces.comparisons import compare_as_paper, graded_response, with_adjusted
from analysis.mouse_face.colours import event_colours, event_order
from analysis.mouse_face.core_clips import example_animal
from analysis.mouse_face.emotions import EmotionNames
from analysis.mouse_face.example_traces import draw_traces, example_traces, trace_table
from analysis.mouse_face.face_data import FaceData
from analysis.mouse_face.figure_2b import score_table
from analysis.mouse_face.marks import STAR_WORDS, compare, draw_animals, draw_boxes, stars, tints, title_pad
from analysis.mouse_face.panel import Panel, claims_table, missing_panel
from analysis.mouse_face.parameters import MouseFaceParameters
from analysis.mouse_face.phrases import counted, interval_words, listed, mice, number_words, p_words
from analysis.mouse_face.scoring import score
from analysis.mouse_face.selection import Missing, graded_trials
from analysis.report import Column, Table
from analysis.report.drawing import FULL_WIDTH_MM, new_figure, report_style

NAME, TITLE = "2D", "Do expressions grow with the strength of the stimulus?"
SHOWN_FIRST = ("tail_shock", "shock")
"""Event of the example traces, as in the paper; the first one otherwise."""


def panel_2d(data: FaceData, parameters: MouseFaceParameters, *, rng: np.random.Generator) -> Panel:
    """Relate similarity to an event's own prototype to the strength of the event (Fig. 2D).

    Recommended: a slope in each animal, tested over animals. Paper: all trials of two strengths compared by
    Mann-Whitney tests.
    """
    chosen = graded_trials(data, parameters)
    if isinstance(chosen, Missing):
        return missing_panel(NAME, TITLE, chosen.reason)
    scores = score(data, chosen.trials, parameters)
    own = scores[scores["prototype"] == scores["label"]]
    events = event_order(own["label"].unique())
    if not events:
        return missing_panel(NAME, TITLE, "the events given at several strengths have no prototype")
    absent = sorted(set(chosen.trials["label"]) - set(events))
    tests, doubts = slopes(own, events, parameters)
    pairs = pair_tests(own, events) if parameters.unit == "trials" else pd.DataFrame()
    example = next((label for label in SHOWN_FIRST if label in events), events[0])
    shown = chosen.trials[chosen.trials["label"] == example]
    animal = example_animal(shown.assign(label=shown["value"]))
    traces = example_traces(data, shown[shown["animal"] == animal], example, "value", parameters)
    notes = (f"Without a prototype, left out: {listed(absent)}.",) if absent else ()
    return Panel(
        name=NAME,
        title=TITLE,
        draw=lambda: draw_strengths(own, tests, pairs, (example, traces), parameters, data.emotions),
        caption=_caption(chosen.trials, example, animal, parameters, data.emotions),
        tables=(
            _slope_table(tests, parameters) if parameters.unit == "animals" else _pair_table(pairs),
            score_table("figure_2d_scores", own, "Fig. 2D"),
            trace_table("figure_2d_traces", [(example, traces)], animal, "Fig. 2D"),
        ),
        claims=claims_table(_claims(tests, pairs, own, parameters, data.emotions)),
        sentences=(_sentence(tests, pairs, parameters, data.emotions),),
        warnings=(*chosen.notes, *notes, *doubts),
    )


def slopes(
    own: pd.DataFrame, events: list[str], parameters: MouseFaceParameters
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Test the slope along strengths over animals, for each event; adjusted over events."""
    rows, doubts = [], []
    for label in events:
        part = own[own["label"] == label]
        try:
            found = graded_response(part, "value", scale=parameters.graded_scale)
        except ValueError as error:
            doubts.append(f"{label.replace('_', ' ')}: {error}.")
            found = {"n": part["animal"].nunique()}
        rows.append({"label": label, "n_trials": len(part), **found})
    columns = [
        "label",
        "estimate",
        "lower",
        "upper",
        "t",
        "df",
        "p",
        "p_exact",
        "effect_size",
        "n",
        "n_trials",
    ]
    tests = pd.DataFrame(rows).reindex(columns=columns)
    tests["p_adjusted"] = tests["p"]
    known = tests["p"].notna()
    if known.any():
        tests.loc[known, "p_adjusted"] = with_adjusted(tests[known], parameters.adjust)["p_adjusted"]
    return tests, tuple(doubts) if parameters.unit == "animals" else ()


def pair_tests(own: pd.DataFrame, events: list[str]) -> pd.DataFrame:
    """Compare all trials of two strengths by Mann-Whitney tests, as the paper did."""
    rows = []
    for label in events:
        part = own[own["label"] == label]
        for low, high in combinations(np.sort(part["value"].unique()), 2):
            found = compare_as_paper(part, "value", high, low)
            rows.append({"label": label, "low": low, "high": high, **found})
    return pd.DataFrame(rows)


def draw_strengths(
    own: pd.DataFrame,
    tests: pd.DataFrame,
    pairs: pd.DataFrame,
    example: tuple[str, pd.DataFrame],
    parameters: MouseFaceParameters,
    names: EmotionNames,
) -> Figure:
    """Draw example traces, and similarity against strength for each event."""
    events, colours = list(tests["label"]), event_colours(tests["label"])
    with report_style():
        figure = new_figure(width_mm=FULL_WIDTH_MM, height_mm=66.0)
        panels = figure.subplots(1, 1 + len(events), width_ratios=[1.5, *[1.0] * len(events)], squeeze=False)[
            0
        ]
        label, traces = example
        levels = np.sort(own.loc[own["label"] == label, "value"].unique())
        shades = dict(zip(levels, tints(colours[label], len(levels)), strict=True))
        draw_traces(panels[0], traces, shades, parameters)
        panels[0].set_title(f"{names.event(label)}, one mouse", fontsize=8)
        unit = own.loc[own["label"] == label, "unit"].iloc[0]
        handles = [Line2D([], [], color=shades[level], label=f"{level:g} {unit}") for level in levels]
        panels[0].legend(
            handles=handles, handlelength=1.2, ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.26),
            columnspacing=1, borderpad=0,
        )  # fmt: skip
        for panel, name in zip(panels[1:], events, strict=True):
            test = tests[tests["label"] == name].iloc[0].to_dict()
            _draw_event(panel, own[own["label"] == name], test, pairs, colours[name], parameters)
            n_rows = (
                1 if parameters.unit == "animals" else own.loc[own["label"] == name, "value"].nunique() - 1
            )
            panel.set_title(names.event(name), fontsize=8, pad=title_pad(n_rows, axis_mm=40))
        value = (
            "Change of similarity (r)" if parameters.unit == "animals" else "Similarity to own prototype (r)"
        )
        panels[1].set_ylabel(value)
    return figure


def _draw_event(
    panel: Axes,
    part: pd.DataFrame,
    test: dict[Any, Any],
    pairs: pd.DataFrame,
    colour: str,
    parameters: MouseFaceParameters,
) -> None:
    levels = [float(level) for level in np.sort(part["value"].unique())]
    shades = tints(colour, len(levels))
    if parameters.unit == "animals":
        means = part.pivot_table(index="animal", columns="value", values="delta_r")
        panel.axhline(0, color="#8A9299", linewidth=0.5, zorder=0)
        draw_animals(panel, means[levels], shades, level=parameters.level)
        compare(panel, 0, len(levels) - 1, stars(float(test["p_adjusted"])))
    else:
        values = [part.loc[part["value"] == level, "during"].to_numpy(float) for level in levels]
        draw_boxes(panel, values, shades)
        own = pairs[pairs["label"] == test["label"]]
        for pair in own.to_dict("records"):
            low, high = levels.index(pair["low"]), levels.index(pair["high"])
            compare(panel, low, high, stars(pair["p"]), row=high - low - 1)
    panel.set_xticks(range(len(levels)), [f"{level:g}" for level in levels])
    panel.set_xlabel(str(part["unit"].iloc[0]) or "strength")


def _claims(
    tests: pd.DataFrame,
    pairs: pd.DataFrame,
    own: pd.DataFrame,
    parameters: MouseFaceParameters,
    names: EmotionNames,
) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for row in tests.to_dict("records"):
        claim: dict[str, Any] = {
            "claim": f"{names.event(row['label'])}: the expression grows with the strength"
        }
        if parameters.unit == "animals":
            known = np.isfinite(row["p_adjusted"])
            holds = bool(row["p_adjusted"] <= parameters.alpha_p and row["estimate"] > 0) if known else None
            claim |= {key: row[key] for key in ("estimate", "lower", "upper")}
            claim |= {"unit": f"r per {_step(parameters)}", "p": row["p_adjusted"], "n": mice(int(row["n"]))}
            claim |= {"test": "t test of animals' slopes", "holds": holds}
        else:
            pair = extremes(pairs[pairs["label"] == row["label"]])
            claim |= {
                "estimate": float(pair["shift"]), "unit": "r, highest minus lowest (median difference)",
                "p": float(pair["p"]), "test": "Mann-Whitney, trials", "n": f"{row['n_trials']} trials",
                "holds": bool(pair["p"] <= parameters.alpha_p and pair["shift"] > 0),
            }  # fmt: skip
        rows.append(claim)
    return rows


def extremes(pairs: pd.DataFrame) -> dict[Any, Any]:
    """Return the comparison of the highest with the lowest strength of an event."""
    lowest, highest = pairs["low"] == pairs["low"].min(), pairs["high"] == pairs["high"].max()
    return pairs[lowest & highest].iloc[0].to_dict()


def _step(parameters: MouseFaceParameters) -> str:
    return {"rank": "step", "log": "e-fold", "linear": "unit"}[parameters.graded_scale]


def _sentence(
    tests: pd.DataFrame, pairs: pd.DataFrame, parameters: MouseFaceParameters, names: EmotionNames
) -> str:
    if parameters.unit == "trials":
        told = listed(
            f"{names.event(str(label))} {p_words(float(extremes(part)['p']))}"
            for label, part in pairs.groupby("label", sort=False)
        )
        return f"Highest against lowest strength, all trials (Mann-Whitney): {told}."
    if tests["p"].isna().all():
        return "Slopes along the strength cannot be tested with one animal."
    growing = tests[(tests["p_adjusted"] <= parameters.alpha_p) & (tests["estimate"] > 0)]
    told = listed(
        f"{names.event(row['label'])} (by {number_words(row['estimate'])} per {_step(parameters)}, "
        f"{interval_words(row['lower'], row['upper'])}; {p_words(row['p_adjusted'])})"
        for row in growing.to_dict("records")
    )
    if growing.empty:
        return "Similarity to the own prototype did not grow with the strength of any event."
    return f"Similarity to the own prototype grew with the strength of {told}."


def _caption(
    trials: pd.DataFrame, example: str, animal: str, parameters: MouseFaceParameters, names: EmotionNames
) -> str:
    marks = (
        f"Dots: means of animals, joined; diamonds: mean with {100 * parameters.level:g} % interval. Stars: "
        f"t test of the animals' slopes, adjusted ({parameters.adjust.capitalize()}) over events"
        if parameters.unit == "animals"
        else "Boxes in the style of Tukey: all trials. Stars: Mann-Whitney tests of trials"
    )
    return (
        f"As Fig. 2D. Left: similarity to the {names.prototype(example)} of one mouse ({animal}), in "
        f"standard deviations of the {parameters.baseline_s:g} s before the onset; mean and SEM of its "
        f"trials; grey: the event. Right: similarity to the event's own prototype at each strength. {marks}. "
        f"{counted(trials)}. {STAR_WORDS}."
    )


def _slope_table(tests: pd.DataFrame, parameters: MouseFaceParameters) -> Table:
    return Table(
        name="figure_2d_slopes",
        caption="Growth of similarity to the own prototype with the strength of the event (Fig. 2D).",
        data=tests,
        columns={
            "label": Column(description="Event.", heading="Event"),
            "estimate": Column(
                description=f"Slope of the change of similarity, r per {_step(parameters)}; mean of animals.",
                kind="number",
                unit="r",
                heading="Slope",
            ),
            "lower": Column(description="Lower limit.", kind="number", unit="r", heading="Lower"),
            "upper": Column(description="Upper limit.", kind="number", unit="r", heading="Upper"),
            "effect_size": Column(description="Hedges' g, in animals.", kind="statistic", heading="g"),
            "t": Column(description="t of a one-sample test against 0.", kind="statistic", heading="t"),
            "df": Column(description="Degrees of freedom.", kind="df", heading="df"),
            "p": Column(description="p value.", kind="p", heading="p"),
            "p_adjusted": Column(description="p adjusted over events.", kind="p", heading="p adjusted"),
            "p_exact": Column(description="p from all flips of signs.", kind="p", heading="p exact"),
            "n": Column(description="Animals.", kind="count", heading="Animals"),
            "n_trials": Column(description="Trials.", kind="count", heading="Trials"),
        },
    )


def _pair_table(pairs: pd.DataFrame) -> Table:
    return Table(
        name="figure_2d_pairs",
        caption="Strengths compared by Mann-Whitney tests of all trials (Fig. 2D, as in the paper).",
        data=pairs,
        columns={
            "label": Column(description="Event.", heading="Event"),
            "low": Column(description="Lower strength.", kind="number", heading="Lower strength"),
            "high": Column(description="Higher strength.", kind="number", heading="Higher strength"),
            "n_first": Column(description="Trials of the higher.", kind="count", heading="n higher"),
            "n_second": Column(description="Trials of the lower.", kind="count", heading="n lower"),
            "u": Column(description="Mann-Whitney's U.", kind="statistic", heading="U"),
            "shift": Column(
                description="Median difference, higher minus lower.",
                kind="number",
                unit="r",
                heading="Difference",
            ),
            "p": Column(description="p value.", kind="p", heading="p"),
        },
    )
