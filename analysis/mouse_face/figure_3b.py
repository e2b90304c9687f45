"""Figure 3B: when expressions begin, and how long they last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.faces.dynamics import density, duration_fractions, survival
from analysis.mouse_face.colours import INK, NEUTRAL_COLOUR, event_colours
from analysis.mouse_face.emotions import EmotionNames
from analysis.mouse_face.face_data import FaceData
from analysis.mouse_face.panel import Panel, claims_table, missing_panel
from analysis.mouse_face.parameters import MouseFaceParameters
from analysis.mouse_face.phrases import listed, mice, p_words
from analysis.mouse_face.selection import Missing
from analysis.mouse_face.time_course import (
    TimeCourse,
    compare_early,
    early_shares,
    expression_times,
    time_course,
)
from analysis.mouse_face.words import bracketed, plural, said_share
from analysis.report import Column, Table
from analysis.report.drawing import SINGLE_COLUMN_MM, new_figure, report_style

NAME, TITLE = "3B", "When do expressions begin, and how long do they last?"
_LINES = ("-", (0, (5, 1.5)), (0, (1, 1)), (0, (4, 1, 1, 1)))
"""Beside the colours, for those who cannot tell them apart."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Onsets:
    """What Fig. 3B shows."""

    course: TimeCourse
    times: pd.DataFrame
    """As of `time_course.expression_times`."""
    shares: pd.DataFrame
    """As of `time_course.early_shares`."""
    early: dict[str, float]
    """Test of early expressions, events with neutral trials; NaN where it cannot be made."""
    durations: pd.DataFrame
    """As of `dynamics.duration_fractions`, of events; no rows where no expression came."""

    @property
    def of_events(self) -> pd.DataFrame:
        """Rows of ``times`` after events."""
        return self.times[self.times["label"] != self.course.neutral]

    def early_share(self, *, neutral: bool) -> float:
        """Share of trials that an expression follows early, mean of animals."""
        chosen = self.shares[(self.shares["label"] == self.course.neutral) == neutral]
        return float(chosen.groupby("animal")["early"].mean().mean()) if len(chosen) else float("nan")


def panel_3b(data: FaceData, parameters: MouseFaceParameters, *, rng: np.random.Generator) -> Panel:
    """Measure onsets and durations of expressions (Fig. 3B).

    Recommended: onsets beside those that the same rule finds after neutral trials, durations with censoring,
    intervals of animals. Paper: densities and fractions of all trials.
    """
    course = time_course(data, parameters)
    if isinstance(course, Missing):
        return missing_panel(NAME, TITLE, course.reason)
    found = onsets(course, parameters, rng)
    if not len(found.of_events) or not found.of_events["at_rest"].astype(bool).any():
        return missing_panel(NAME, TITLE, "no trial has a usable rest before, and frames after, its event")
    return Panel(
        name=NAME,
        title=TITLE,
        draw=lambda: draw_onsets(found, parameters, data.emotions),
        caption=_caption(found, parameters),
        tables=(_times_table(found), _duration_table(found, parameters)),
        claims=_claims(found, parameters),
        sentences=_sentences(found, parameters),
        warnings=_warnings(found, parameters),
    )


def onsets(course: TimeCourse, parameters: MouseFaceParameters, rng: np.random.Generator) -> Onsets:
    """Find onsets and durations, and test whether events bring expressions about."""
    times = expression_times(course, parameters)
    shares = early_shares(times, course.events, early_s=parameters.early_s)
    events = times[times["label"] != course.neutral]
    durations = pd.DataFrame(columns=["from_s", "to_s", "fraction", "lower", "upper", "as_counted"])
    if events["latency_s"].notna().any():
        known = events if parameters.unit == "animals" else events.drop(columns="animal")
        counted = known if parameters.censored else known.assign(censored=False)
        durations = duration_fractions(counted, rng=rng, edges_s=parameters.duration_edges_s)
    return Onsets(
        course=course,
        times=times,
        shares=shares,
        early=compare_early(shares, course.neutral, level=parameters.level),
        durations=durations,
    )


def draw_onsets(found: Onsets, parameters: MouseFaceParameters, names: EmotionNames) -> Figure:
    """Draw onsets (top) and durations (bottom): curves of shares, or densities as in the paper."""
    colours = event_colours(found.course.events)
    with report_style():
        figure = new_figure(width_mm=SINGLE_COLUMN_MM, height_mm=112.0)
        upper, lower = figure.subplots(2, 1)
        for number, event in enumerate(found.course.events):
            own = found.times[found.times["label"] == event]
            look = {"color": colours[event], "linestyle": _LINES[number % len(_LINES)], "linewidth": 1.4}
            _draw_onsets(upper, own, parameters, look, names.event(event))
            _draw_durations(lower, own, parameters, look)
        neutral = found.times[found.times["label"] == found.course.neutral]
        if len(neutral) and parameters.unit == "animals":
            look = {"color": NEUTRAL_COLOUR, "linestyle": "-", "linewidth": 1.0}
            _draw_onsets(upper, neutral, parameters, look, "neutral trials")
            _draw_durations(lower, neutral, parameters, look)
        _finish(upper, lower, found, parameters)
        figure.legend(loc="outside lower center", ncols=2, handlelength=2.6)
    return figure


def _draw_onsets(
    panel: Axes, own: pd.DataFrame, parameters: MouseFaceParameters, look: dict[str, Any], label: str
) -> None:
    usable = own[own["at_rest"].astype(bool)]
    grid = np.linspace(0, parameters.search_s, 301)
    if parameters.unit == "trials":
        panel.plot(grid, density(usable["latency_s"].to_numpy(float), grid), label=label, **look)
        return
    waited = usable["latency_s"].fillna(usable["watched_s"]).to_numpy(float)
    came = usable["latency_s"].notna().to_numpy()
    if len(waited):
        panel.step(grid, 1 - survival(waited, ~came, grid), where="post", label=label, **look)


def _draw_durations(
    panel: Axes, own: pd.DataFrame, parameters: MouseFaceParameters, look: dict[str, Any]
) -> None:
    known = own[own["latency_s"].notna()]
    if known.empty:
        return
    grid = np.linspace(0, parameters.search_s, 301)
    lasted = known["duration_s"].to_numpy(float)
    if parameters.unit == "trials":
        panel.plot(grid, density(lasted, grid), **look)
        return
    censored = known["censored"].to_numpy(bool) & parameters.censored
    panel.step(grid, survival(lasted, censored, grid), where="post", **look)


def _finish(upper: Axes, lower: Axes, found: Onsets, parameters: MouseFaceParameters) -> None:
    dense = parameters.unit == "trials"
    end_s = float(min(parameters.search_s, np.ceil(found.times["watched_s"].max())))
    for panel in (upper, lower):
        panel.set_xlim(0, end_s)
        panel.set_ylim(0, None if dense else 1.02)
    upper.axvline(parameters.early_s, color="#8A9299", linewidth=0.6, linestyle=(0, (4, 2)), zorder=0)
    upper.set_xlabel("Onset of the expression after the event (s)")
    upper.set_ylabel("Density (1/s)" if dense else "Trials with an expression so far")
    lower.set_xlabel("Duration of the expression (s)")
    lower.set_ylabel("Density (1/s)" if dense else "Expressions still there")
    share = said_share(found.early_share(neutral=False))
    upper.text(
        parameters.early_s, 1.02, f" {share} within {parameters.early_s:g} s",
        transform=upper.get_xaxis_transform(), fontsize=6.5, va="bottom", ha="left", color=INK,
    )  # fmt: skip
    edges = [0.0, *parameters.duration_edges_s, max(end_s, parameters.duration_edges_s[-1])]
    for edge in parameters.duration_edges_s:
        lower.axvline(edge, color="#8A9299", linewidth=0.6, linestyle=(0, (4, 2)), zorder=0)
    for low, high, fraction in zip(edges[:-1], edges[1:], found.durations["fraction"], strict=False):
        if low >= end_s:
            continue
        lower.text(
            (low + min(high, end_s)) / 2, 1.02, said_share(float(fraction)),
            transform=lower.get_xaxis_transform(), fontsize=6.5, va="bottom", ha="center", color=INK,
        )  # fmt: skip


def _caption(found: Onsets, parameters: MouseFaceParameters) -> str:
    events = found.of_events
    rule = (
        f"An expression begins where the similarity to the event's prototype is {parameters.on_z:g} standard "
        f"deviations above the {parameters.baseline_s:g} s of rest before the event, and ends where it falls "
        f"below {parameters.off_z:g} (at least {parameters.least_expression_s:g} s; levels are ours)."
    )
    n = f"N = {mice(events['animal'].nunique())}, n = {plural(len(events), 'trial')}"
    if parameters.unit == "trials":
        return (
            f"As Fig. 3B. Kernel density estimates of onsets (top) and durations (bottom); shares of all "
            f"trials. {rule} {n}."
        )
    return (
        "As Fig. 3B. Top: share of trials in which an expression has begun (mean over time watched, Kaplan "
        "and Meier); bottom: share of expressions that are still there; percentages: shares between the "
        "dashed lines. Expressions that were still on when the next event came count as lasting at least so "
        f"long. Grey: what the same rule finds after neutral trials. {rule} {n}."
    )


def _claims(found: Onsets, parameters: MouseFaceParameters) -> pd.DataFrame:
    rows = [_early_claim(found, parameters)]
    if len(found.durations):
        edges = parameters.duration_edges_s
        first, last = found.durations.iloc[0], found.durations.iloc[-1]
        rows.append(
            _duration_claim(f"most expressions last less than {edges[0]:g} s", first, 0.5, found, parameters)
        )
        rows.append(
            _duration_claim(f"some expressions last more than {edges[-1]:g} s", last, 0.0, found, parameters)
        )
    return claims_table(rows)


def _early_claim(found: Onsets, parameters: MouseFaceParameters) -> dict[str, Any]:
    claim = f"events are followed by an expression within {parameters.early_s:g} s"
    judged = found.shares[found.shares["label"] != found.course.neutral]
    n = f"{mice(judged['animal'].nunique())}, {plural(len(judged), 'trial')}"
    if parameters.unit == "trials":
        share = float(judged["early"].mean()) if len(judged) else np.nan
        return {
            "claim": claim, "estimate": share, "unit": "share of trials", "test": "none", "n": n,
            "holds": bool(share > 0.5) if np.isfinite(share) else None,
        }  # fmt: skip
    test = found.early
    holds = bool(test["p"] <= parameters.alpha_p and test["estimate"] > 0) if np.isfinite(test["p"]) else None
    about = {name: test[name] for name in ("estimate", "lower", "upper", "p")}
    return {
        "claim": claim, **about, "unit": "share, beyond neutral trials", "test": "t test of animals",
        "n": n, "holds": holds,
    }  # fmt: skip


def _duration_claim(
    claim: str, row: pd.Series, beyond: float, found: Onsets, parameters: MouseFaceParameters
) -> dict[str, Any]:
    limit = row["fraction"] if parameters.unit == "trials" else row["lower"]
    came = found.of_events["latency_s"].notna()
    return {
        "claim": claim, "estimate": row["fraction"], "lower": row["lower"], "upper": row["upper"],
        "unit": "share of expressions",
        "test": "none" if parameters.unit == "trials" else "interval from animals drawn anew",
        "n": plural(int(came.sum()), "expression"),
        "holds": bool(limit > beyond) if np.isfinite(limit) else None,
    }  # fmt: skip


def _sentences(found: Onsets, parameters: MouseFaceParameters) -> tuple[str, ...]:
    sentences = []
    share = found.early_share(neutral=False)
    if np.isfinite(share):
        text = f"An expression followed {said_share(share)} of events within {parameters.early_s:g} s"
        neutral = found.early_share(neutral=True)
        if parameters.unit == "animals" and np.isfinite(neutral):
            text += (
                f"; the same rule finds one in {said_share(neutral)} of neutral trials"
                f"{bracketed('difference: ' + p_words(found.early['p']))}"
            )
        sentences.append(text + ".")
    if len(found.durations):
        edges = parameters.duration_edges_s
        names = (
            f"less than {edges[0]:g} s",
            f"{edges[0]:g} to {edges[1]:g} s",
            "longer",
        )
        parts = [
            f"{said_share(float(row['fraction']))} lasted {name}"
            + bracketed(
                f"{100 * row['lower']:.0f} to {100 * row['upper']:.0f} %" if np.isfinite(row["lower"]) else ""
            )
            for name, row in zip(names, found.durations.to_dict("records"), strict=True)
        ]
        sentences.append(f"Of the expressions, {listed(parts)}.")
    return tuple(sentences)


def _warnings(found: Onsets, parameters: MouseFaceParameters) -> tuple[str, ...]:
    notes = list(found.course.notes)
    lost = int((~found.of_events["at_rest"].astype(bool)).sum())
    if lost:
        notes.append(f"Not judged: {plural(lost, 'trial')} without a usable rest or without frames after it.")
    keys = pd.MultiIndex.from_frame(found.of_events[["animal", "trial"]])
    short = int((found.course.limits_s.reindex(keys) < parameters.search_s).sum())
    if short:
        notes.append(
            f"In {plural(short, 'trial')} the next event came before {parameters.search_s:g} s had passed."
        )
    neutral = found.early_share(neutral=True)
    if np.isfinite(neutral) and neutral > 0.2:
        notes.append(
            f"The rule finds an “expression” within {parameters.early_s:g} s in {said_share(neutral)} of "
            "neutral trials: compare with that, not with zero."
        )
    if not found.course.has_neutral:
        notes.append("There are no neutral trials: how often the rule finds something by itself is unknown.")
    if len(found.course.animals) == 1:
        notes.append(f"There is one animal ({found.course.animals[0]}): no interval, and no test.")
    return tuple(notes)


def _times_table(found: Onsets) -> Table:
    return Table(
        name="figure_3b_onsets",
        caption="First expression after each event, and what the same rule finds after neutral trials "
        "(Fig. 3B).",
        data=found.times,
        columns={
            "animal": Column(description="Animal."),
            "trial": Column(description="Trial of the animal.", kind="count"),
            "label": Column(description="Event."),
            "prototype": Column(description="Event whose prototype the face is compared with."),
            "latency_s": Column(
                description="Time from event to expression; n/a: none came.", kind="number", unit="s"
            ),
            "duration_s": Column(description="How long it lasted, or was seen.", kind="number", unit="s"),
            "censored": Column(description="Whether it was still there when the watch ended."),
            "peak_z": Column(description="Greatest similarity.", kind="number", unit="SD of the rest"),
            "n_bouts": Column(description="Expressions within the watch.", kind="count"),
            "watched_s": Column(description="How long was looked.", kind="number", unit="s"),
            "at_rest": Column(description="Whether the rest before could be used."),
        },
    )


def _duration_table(found: Onsets, parameters: MouseFaceParameters) -> Table:
    return Table(
        name="figure_3b_durations",
        caption="How long expressions after events lasted.",
        data=found.durations.replace(np.inf, parameters.search_s),
        columns={
            "from_s": Column(description="From.", kind="number", unit="s", heading="From (s)"),
            "to_s": Column(
                description="To; the last class has no end, only that of the search.", kind="number",
                unit="s", heading="To (s)",
            ),
            "fraction": Column(description="Share of expressions.", kind="number", heading="Share"),
            "lower": Column(description="Lower limit, animals drawn anew.", kind="number", heading="Lower"),
            "upper": Column(description="Upper limit, animals drawn anew.", kind="number", heading="Upper"),
            "as_counted": Column(
                description="Share among those that were seen to end.", kind="number", heading="As counted"
            ),
        },
    )  # fmt: skip
