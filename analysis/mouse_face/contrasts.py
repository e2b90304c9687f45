"""Two states compared, for Figure 2E-G: their trials, their tests in both presets, and their drawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.faces.comparisons import (
    compare_as_paper,
    compare_conditions,
    compare_crossover,
    mixed_beside,
    with_adjusted,
)
from analysis.mouse_face.colours import event_colours
from analysis.mouse_face.example_traces import draw_traces
from analysis.mouse_face.marks import compare, draw_animals, draw_boxes, stars, tint, title_pad
from analysis.mouse_face.parameters import MouseFaceParameters
from analysis.mouse_face.phrases import interval_words, mice, number_words, p_words
from analysis.report import Column, Table
from analysis.report.drawing import FULL_WIDTH_MM, SINGLE_COLUMN_MM, new_figure, report_style

STATE = "state"
"""Column of scores that names the state of a trial: low or high, thirsty or quenched, before or after."""
_NUMBERS = ("estimate", "lower", "upper", "t", "df", "p", "p_exact", "effect_size", "n")


@dataclass(frozen=True, eq=False)
class Contrast:
    """One comparison of two states, by the similarity to one prototype."""

    claim: str
    """What it would show if the first state has the higher similarity."""
    title: str
    """Over the drawing."""
    prototype: str
    """Event of the prototype."""
    first: str
    """State that is expected to be more like the prototype."""
    second: str
    """The other one."""
    scores: pd.DataFrame
    """One row per trial, with the column `STATE`."""
    traces: pd.DataFrame
    """As of `example_traces.example_traces`, of one animal."""
    order: tuple[str, str]
    """The states from left to right."""
    words: tuple[str, str]
    """What is written under them."""


def contrast_tests(
    contrasts: Sequence[Contrast], parameters: MouseFaceParameters
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Test all contrasts of a panel as the preset says.

    Returns
    -------
    tuple
        One row per contrast: claim, title, prototype, n_trials, `_NUMBERS`, p_used (adjusted over the
        contrasts), and what a mixed model of all trials says beside (recommended), or U (paper); and what
        could not be tested, in words.
    """
    rows, doubts = [], []
    for one in contrasts:
        row: dict[str, Any] = {
            "claim": one.claim,
            "title": one.title.replace("\n", " "),
            "prototype": one.prototype,
            "first": one.first,
            "second": one.second,
            "n_trials": len(one.scores),
            "n": one.scores["animal"].nunique(),
        }
        states = (STATE, one.first, one.second)
        try:
            if parameters.unit == "animals":
                row |= compare_conditions(one.scores, *states)
                row |= _mixed(one, states)
            else:
                found = compare_as_paper(one.scores, *states)
                row |= {"estimate": found["shift"], "p": found["p"], "u": found["u"]}
        except ValueError as error:
            doubts.append(f"{row['title']}: {error}.")
        rows.append(row)
    tests = pd.DataFrame(rows).reindex(
        columns=["claim", "title", "prototype", "first", "second", "n_trials", *_NUMBERS, "u",
                 "mixed_estimate", "mixed_p", "mixed_notes"]
    )  # fmt: skip
    tests["p_used"] = tests["p"]
    known = tests["p"].notna()
    if parameters.unit == "animals" and known.any():
        tests.loc[known, "p_used"] = with_adjusted(tests[known], parameters.adjust)["p_adjusted"]
    return tests, tuple(doubts)


def _mixed(one: Contrast, states: tuple[str, str, str]) -> dict[str, Any]:
    """Return what the mixed model of all trials says; nothing if it cannot be fitted."""
    try:
        found = mixed_beside(one.scores, *states)
    except ValueError:
        return {}
    return {"mixed_estimate": found["estimate"], "mixed_p": found["p"], "mixed_notes": found["notes"]}


def crossover_claim(
    contrasts: Sequence[Contrast], tests: pd.DataFrame, claim: str, parameters: MouseFaceParameters
) -> dict[str, Any]:
    """Claim that one expression gives way to another, of two contrasts with opposite expectations.

    Recommended: one test of the difference of differences. Paper: both single tests, as it argued.
    """
    one, two = contrasts
    if parameters.unit == "trials":
        known = tests["p_used"].notna().all()
        both = (tests["p_used"] <= parameters.alpha_p) & (tests["estimate"] > 0)
        test = "both Mann-Whitney tests, trials"
        return {"claim": claim, "test": test, "holds": bool(both.all()) if known else None}
    scores = pd.concat([one.scores, two.scores], ignore_index=True)
    prototypes = (one.prototype, two.prototype)
    try:
        found = compare_crossover(scores, STATE, one.first, one.second, prototypes=prototypes)
    except ValueError:
        return {"claim": claim, "test": "t test of animals", "holds": None}
    return {
        "claim": claim, **{key: found[key] for key in ("estimate", "lower", "upper", "p")}, "unit": "r",
        "test": "t test of animals", "n": mice(int(found["n"])),
        "holds": bool(found["p"] <= parameters.alpha_p and found["estimate"] > 0),
    }  # fmt: skip


def contrast_claims(tests: pd.DataFrame, parameters: MouseFaceParameters) -> list[dict[str, Any]]:
    """Make the claims of contrasts; one holds if the state that is expected to be higher is."""
    rows = []
    for row in tests.to_dict("records"):
        known = np.isfinite(row["p_used"])
        holds = bool(row["p_used"] <= parameters.alpha_p and row["estimate"] > 0) if known else None
        claim = {"claim": row["claim"], "p": row["p_used"], "holds": holds}
        if parameters.unit == "animals":
            claim |= {key: row[key] for key in ("estimate", "lower", "upper")}
            claim |= {"unit": "r", "test": "t test of animals", "n": mice(int(row["n"]))}
        else:
            claim |= {"estimate": row["estimate"], "unit": "r (median difference)"}
            claim |= {"test": "Mann-Whitney, trials", "n": f"{row['n_trials']} trials"}
        rows.append(claim)
    return rows


def contrast_sentences(tests: pd.DataFrame, parameters: MouseFaceParameters) -> tuple[str, ...]:
    """Say what each contrast came to."""
    said = []
    for row in tests.to_dict("records"):
        if not np.isfinite(row["p_used"]):
            said.append(f"{row['title']}: {row['first']} and {row['second']} could not be compared.")
            continue
        limits = interval_words(row["lower"], row["upper"])
        between = f"{limits}; " if limits else ""
        said.append(
            f"{row['title']}: {row['first']} minus {row['second']} {number_words(row['estimate'])} "
            f"({between}{p_words(row['p_used'])})."
        )
    return tuple(said)


def draw_contrasts(
    contrasts: Sequence[Contrast], tests: pd.DataFrame, parameters: MouseFaceParameters
) -> Figure:
    """Draw, for each contrast, example traces of one mouse above, and all animals or trials below."""
    width = SINGLE_COLUMN_MM if len(contrasts) <= 2 else min(FULL_WIDTH_MM, 43.0 * len(contrasts))
    with report_style():
        figure = new_figure(width_mm=width, height_mm=92.0)
        panels = figure.subplots(2, len(contrasts), squeeze=False)
        dark = contrasts[0].first
        for place, one in enumerate(contrasts):
            above, below = panels[:, place]
            colour = event_colours([one.prototype])[one.prototype]
            shades: dict[object, Any] = {
                state: tint(colour, 1.0 if state == dark else 0.45) for state in one.order
            }
            draw_traces(above, one.traces, shades, parameters)
            above.set_title(one.title, fontsize=8)
            p = float(tests.loc[tests["claim"] == one.claim, "p_used"].iloc[0])
            _draw_states(below, one, [shades[state] for state in one.order], p, parameters)
            handles = [
                Line2D([], [], color=shades[state], label=word)
                for state, word in zip(one.order, one.words, strict=True)
            ]
            above.legend(
                handles=handles, handlelength=1, ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.32),
                columnspacing=1, borderpad=0,
            )  # fmt: skip
        for panel in panels[:, 1:].ravel():
            panel.set_ylabel("")
    return figure


def _draw_states(
    panel: Axes, one: Contrast, colours: list[Any], p: float, parameters: MouseFaceParameters
) -> None:
    order = list(one.order)
    if parameters.unit == "animals":
        means = one.scores.pivot_table(index="animal", columns=STATE, values="delta_r").reindex(columns=order)
        panel.axhline(0, color="#8A9299", linewidth=0.5, zorder=0)
        draw_animals(panel, means, colours, level=parameters.level)
        panel.set_ylabel("Change of similarity (r)")
    else:
        parts = [one.scores.loc[one.scores[STATE] == state, "during"].to_numpy(float) for state in order]
        draw_boxes(panel, parts, colours)
        panel.set_ylabel("Similarity (r)")
    compare(panel, 0, 1, stars(p))
    panel.set_xticks([0, 1], list(one.words))
    panel.set_title(" ", pad=title_pad(1, axis_mm=25), fontsize=2)


def contrast_table(name: str, tests: pd.DataFrame, panel: str, parameters: MouseFaceParameters) -> Table:
    """Make the table of the tests of contrasts."""
    paper = parameters.unit == "trials"
    what = "median difference of trials" if paper else "mean difference within animals"
    columns = {
        "title": Column(description="What is compared.", heading="Comparison"),
        "first": Column(description="State expected to be more like the prototype.", heading="First"),
        "second": Column(description="The other state.", heading="Second"),
        "estimate": Column(
            description=f"First minus second, {what}.", kind="number", unit="r", heading="Difference"
        ),
        "lower": Column(description="Lower limit.", kind="number", unit="r", heading="Lower"),
        "upper": Column(description="Upper limit.", kind="number", unit="r", heading="Upper"),
        "effect_size": Column(description="Hedges' g, in animals.", kind="statistic", heading="g"),
        "t": Column(description="t of a one-sample test against 0.", kind="statistic", heading="t"),
        "u": Column(description="Mann-Whitney's U.", kind="statistic", heading="U"),
        "p_used": Column(description="p value, adjusted as the preset says.", kind="p", heading="p"),
        "p_exact": Column(description="p from all flips of signs.", kind="p", heading="p exact"),
        "mixed_p": Column(description="p of a mixed model of all trials.", kind="p", heading="p mixed model"),
        "mixed_notes": Column(description="What that model says of itself.", heading="Notes of the model"),
        "n": Column(description="Animals.", kind="count", heading="Animals"),
        "n_trials": Column(description="Trials.", kind="count", heading="Trials"),
    }
    unused = {"lower", "upper", "effect_size", "t", "p_exact", "mixed_p", "mixed_notes"} if paper else {"u"}
    return Table(
        name=name,
        caption=f"Comparisons of {panel}.",
        data=tests,
        columns={key: column for key, column in columns.items() if key not in unused},
    )
