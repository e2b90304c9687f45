"""Figure 4I-J: whether the same neurons follow several stimuli, and several faces."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from scipy import optimize, stats

from analysis.mouse_face.colours import INK
from analysis.mouse_face.emotions import EmotionNames
from analysis.mouse_face.face_data import FaceData
from analysis.mouse_face.neuron_colours import neuron_colours
from analysis.mouse_face.neuron_study import NeuronStudy, neuron_study
from analysis.mouse_face.neurons import KINDS, overlaps, properties
from analysis.mouse_face.panel import Panel, claims_table, missing_panel
from analysis.mouse_face.parameters import MouseFaceParameters
from analysis.mouse_face.phrases import mice, number_words, p_words
from analysis.mouse_face.selection import Missing
from analysis.mouse_face.words import bracketed, plural, said_interval
from analysis.report import Column, Table
from analysis.report.drawing import FULL_WIDTH_MM, new_figure, report_style

NAME, TITLE = "4I", "Do the same neurons follow several stimuli, or several faces?"
_WORDS = {"stimulus": "stimuli", "face": "faces"}


def panel_4i(data: FaceData, parameters: MouseFaceParameters, *, rng: np.random.Generator) -> Panel:
    """Compare overlaps with those of independent neurons (Fig. 4I-J).

    Recommended: exact test within recordings. Paper: what the diagram shows.
    """
    study = neuron_study(data, parameters)
    if isinstance(study, Missing):
        return missing_panel(NAME, TITLE, study.reason)
    if len(study.events) < 2:
        return missing_panel(NAME, TITLE, f"neurons were recorded with one event only ({study.events[0]})")
    table = pd.concat([overlap_table(study, kind, parameters) for kind in KINDS], ignore_index=True)
    if table.empty:
        return missing_panel(NAME, TITLE, "no recording has two events with a prototype each")
    return Panel(
        name=NAME,
        title=TITLE,
        draw=lambda: draw_diagrams(table, study, data.emotions),
        caption=_caption(study, parameters),
        tables=(_table(table),),
        claims=_claims(table, study, parameters, data.emotions),
        sentences=_sentences(table, parameters, data.emotions),
        warnings=_warnings(table, parameters),
    )


def overlap_table(study: NeuronStudy, kind: str, parameters: MouseFaceParameters) -> pd.DataFrame:
    """Compare the overlap of every two events with that of independent neurons.

    Returns
    -------
    pandas.DataFrame
        ``kind`` and the columns of `analysis.calcium.overlap.compare_overlap`, with ``n`` (neurons),
        ``lower`` and ``upper`` of the ratio (exact limits of a Poisson count, which are cautious), and
        ``only_one``, the share of the neurons in either that are in one only.
    """
    table = overlaps(study.coding, kind)
    having, _ = properties(study.coding, kind)
    counted = table["overlap"].to_numpy(float)
    tail = (1 - parameters.level) / 2
    expected = table["expected"].to_numpy(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        lower = np.where(counted > 0, stats.chi2.ppf(tail, 2 * counted) / 2, 0.0) / expected
        upper = stats.chi2.ppf(1 - tail, 2 * (counted + 1)) / 2 / expected
    either = table["n_first"] + table["n_second"] - table["overlap"]
    only_one = 1 - table["overlap"] / either.where(either > 0)
    return table.assign(
        kind=kind, n=len(next(iter(having.values()), [])), lower=lower, upper=upper, only_one=only_one
    )


def draw_diagrams(table: pd.DataFrame, study: NeuronStudy, names: EmotionNames) -> Figure:
    """Draw two circles for stimuli and two for faces; areas are numbers of neurons."""
    with report_style():
        figure = new_figure(width_mm=FULL_WIDTH_MM, height_mm=64.0)
        panels = figure.subplots(1, 2)
        rows = [table[table["kind"] == kind].iloc[0] for kind in KINDS]
        sizes = [circle_distance(row["n_first"], row["n_second"], row["overlap"]) for row in rows]
        reach = max(max(one + two + distance for one, two, distance in sizes), 1e-6)
        top = max(max(one, two) for one, two, _ in sizes) or 1.0
        for panel, kind, row in zip(panels, KINDS, rows, strict=True):
            _draw_diagram(panel, row, kind, study, names)
            panel.set_title(f"Neurons that follow {_WORDS[kind]}")
            panel.set_xlim(-0.62 * reach, 0.62 * reach)
            panel.set_ylim(-1.55 * top, 1.5 * top)
    return figure


def circle_distance(first: float, second: float, overlap: float) -> tuple[float, float, float]:
    """Find radii of two circles and the distance of their centres for which areas are numbers of neurons.

    Examples
    --------
    >>> bool(circle_distance(4, 4, 0)[2] > circle_distance(4, 4, 1)[2] > circle_distance(4, 4, 4)[2])
    True
    """
    one, two = np.sqrt(first / np.pi), np.sqrt(second / np.pi)
    near, far = abs(one - two), one + two
    if overlap <= 0 or min(first, second) <= 0:
        return one, two, 1.25 * far
    if overlap >= min(first, second):
        return one, two, near

    def shared(distance: float) -> float:
        angles = [
            2 * np.arccos(np.clip((distance**2 + a**2 - b**2) / (2 * distance * a), -1, 1))
            for a, b in ((one, two), (two, one))
        ]
        return float(
            sum(r**2 * (angle - np.sin(angle)) / 2 for r, angle in zip((one, two), angles, strict=True))
        )

    found = optimize.brentq(lambda distance: shared(distance) - overlap, near + 1e-9, far - 1e-9)
    return one, two, float(found)


def _draw_diagram(panel: Axes, row: pd.Series, kind: str, study: NeuronStudy, names: EmotionNames) -> None:
    colours = neuron_colours(study.events)
    one, two, distance = circle_distance(row["n_first"], row["n_second"], row["overlap"])
    left, right = -distance / 2, distance / 2
    for place, radius, event in ((left, one, row["first"]), (right, two, row["second"])):
        panel.add_patch(Circle((place, 0), radius, color=colours[kind, str(event)], alpha=0.45, linewidth=0))
        panel.add_patch(
            Circle((place, 0), radius, fill=False, edgecolor=colours[kind, str(event)], linewidth=1.2)
        )
    shared = int(row["overlap"])
    panel.set_aspect("equal")
    panel.axis("off")
    if one == two == 0:
        panel.text(0, 0, "none", ha="center", va="center", fontsize=8, color=INK)
        return
    texts = (
        (left - one * 0.45, f"{int(row['n_first']) - shared}"),
        (right + two * 0.45, f"{int(row['n_second']) - shared}"),
    )
    for place, text in texts:
        panel.text(place, 0, text, ha="center", va="center", fontsize=8)
    middle = ((left + one) + (right - two)) / 2
    panel.text(middle, 0, f"{shared}", ha="center", va="center", fontsize=8, fontweight="bold")
    top = max(one, two) or 1.0
    apart = max(abs(left) + 0.25 * top, 0.5 * top)  # names stay apart where circles do not
    for place, event in ((-apart, row["first"]), (apart, row["second"])):
        panel.text(
            place, 1.12 * top, names.event(str(event)), ha="center", va="bottom", fontsize=7.5, color=INK
        )
    expected = f"both: {shared}, expected by chance {number_words(float(row['expected']), 1)}"
    panel.text(0, -1.2 * top, expected, ha="center", va="top", fontsize=7, color=INK)


def _caption(study: NeuronStudy, parameters: MouseFaceParameters) -> str:
    test = (
        "" if parameters.neuron_rule == "threshold"
        else " Expected: the overlap of as many neurons drawn independently within each recording."
    )  # fmt: skip
    return (
        "As Fig. 4I-J. Neurons that follow one event, the other or both, by the stimulus (left) and by the "
        f"face (right); areas are numbers of neurons.{test} n = {plural(study.n_neurons, 'neuron')} in "
        f"{plural(len(study.recordings), 'recording')} of N = {mice(len(study.animals))}."
    )  # fmt: skip


def _claims(
    table: pd.DataFrame, study: NeuronStudy, parameters: MouseFaceParameters, names: EmotionNames
) -> pd.DataFrame:
    return claims_table([_claim(row, study, parameters, names) for row in _records(table)])


def _claim(
    row: dict[str, Any], study: NeuronStudy, parameters: MouseFaceParameters, names: EmotionNames
) -> dict[str, Any]:
    pair = f"{names.event(row['first'])} and {names.event(row['second'])}"
    shared = row["kind"] == "stimulus"
    claim = f"{pair}: " + (
        "neurons that follow one stimulus also follow the other"
        if shared
        else "neurons that follow one face do not follow the other"
    )
    n = f"{plural(row['n_first'], 'neuron')} and {row['n_second']}, {row['overlap']} in both"
    if parameters.neuron_rule == "threshold":
        alone = float(row["only_one"])
        apart = alone >= parameters.by_eye_share
        return {
            "claim": claim, "estimate": 100 * (1 - alone), "unit": "% of neurons in both", "test": "none",
            "n": n, "holds": bool(apart != shared) if np.isfinite(alone) else None,
        }  # fmt: skip
    p, ratio = float(row["p"]), float(row["ratio"])
    possible = np.isfinite(ratio) and row["n_first"] > 0 and row["n_second"] > 0
    way = ratio > 1 if shared else ratio < 1
    return {
        "claim": claim, "estimate": ratio, "lower": row["lower"], "upper": row["upper"],
        "unit": "times the overlap expected by chance", "p": p if possible else np.nan,
        "test": "exact (hypergeometric) within recordings", "n": n,
        "holds": bool(p <= parameters.alpha_p and way) if possible else None,
    }  # fmt: skip


def _sentences(table: pd.DataFrame, parameters: MouseFaceParameters, names: EmotionNames) -> tuple[str, ...]:
    sentences = []
    for row in _records(table):
        pair = f"{names.event(row['first'])} and {names.event(row['second'])}"
        start = (
            f"By the {row['kind']}, {plural(row['overlap'], 'neuron')} followed both {pair} "
            f"({row['n_first']} and {row['n_second']} followed one of them)"
        )
        if parameters.neuron_rule == "threshold":
            sentences.append(f"{start}.")
            continue
        verdict = (
            "more than" if row["ratio"] > 1 else "fewer than"
        ) if row["p"] <= parameters.alpha_p else "which does not differ from"  # fmt: skip
        sentences.append(
            f"{start}, {verdict} the {number_words(float(row['expected']), 1)} expected of independent "
            "neurons"
            + bracketed(
                f"ratio {number_words(float(row['ratio']), 2)}",
                said_interval(row["lower"], row["upper"], level=parameters.level, digits=2),
                p_words(float(row["p"])),
            )
            + "."
        )
    return tuple(sentences)


def _warnings(table: pd.DataFrame, parameters: MouseFaceParameters) -> tuple[str, ...]:
    notes = []
    few = table[(table["expected"] < 3) & (parameters.neuron_rule != "threshold")]
    for row in _records(few):
        notes.append(
            f"By the {row['kind']}, only {number_words(float(row['expected']), 1)} neurons in both are "
            "expected by chance: too few to show that neurons are segregated."
        )
    if parameters.neuron_rule == "threshold":
        notes.append("How large an overlap is depends on the threshold; nothing was tested.")
    return tuple(notes)


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def _table(table: pd.DataFrame) -> Table:
    return Table(
        name="figure_4i_overlaps",
        caption="Neurons that follow two events, and as many as chance would have it (Fig. 4I-J).",
        data=table,
        columns={
            "kind": Column(description="What they follow.", heading="By"),
            "first": Column(description="One event.", heading="First"),
            "second": Column(description="Another.", heading="Second"),
            "n": Column(description="Neurons in all.", kind="count", heading="Neurons"),
            "n_first": Column(description="Neurons that follow the first.", kind="count", heading="n first"),
            "n_second": Column(
                description="Neurons that follow the second.", kind="count", heading="n second"
            ),
            "overlap": Column(description="Neurons that follow both.", kind="count", heading="Both"),
            "expected": Column(
                description="Expected of independent neurons, within recordings.", kind="number",
                heading="Expected",
            ),
            "ratio": Column(description="Overlap / expected.", kind="number", heading="Ratio"),
            "lower": Column(description="Lower limit of the ratio.", kind="number", heading="Lower"),
            "upper": Column(description="Upper limit of the ratio.", kind="number", heading="Upper"),
            "p": Column(description="Exact p value, two-sided.", kind="p", heading="p"),
            "only_one": Column(
                description="Share of the neurons in either that are in one only.", kind="number",
                heading="In one only",
            ),
        },
    )  # fmt: skip
