"""Figure 3F (and the method of 3E): which expression light evokes, frame by frame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.mouse_face.colours import INK, NEUTRAL_COLOUR, event_colours, event_order
from analysis.mouse_face.emotions import EmotionNames
from analysis.mouse_face.face_data import FaceData
from analysis.mouse_face.light import LightFractions, compare_fractions, light_fractions
from analysis.mouse_face.marks import STAR_WORDS, draw_mean, stars, tint
from analysis.mouse_face.panel import Panel, claims_table, missing_panel
from analysis.mouse_face.parameters import MouseFaceParameters
from analysis.mouse_face.phrases import listed, mice, p_words
from analysis.mouse_face.selection import Missing
from analysis.mouse_face.words import bracketed, plural
from analysis.report import Column, Table
from analysis.report.drawing import FULL_WIDTH_MM, SINGLE_COLUMN_MM, new_figure, report_style

NAME, TITLE = "3F", "Which expression does light evoke?"


def panel_3f(data: FaceData, parameters: MouseFaceParameters, *, rng: np.random.Generator) -> Panel:
    """Classify frames under light (Fig. 3E-F).

    Recommended: forest of other animals, animals that light drives beside those that it cannot drive, both as
    change since before the light. Paper: forest of all animals, shares of trials against one share per class.
    """
    found = light_fractions(data, parameters)
    if isinstance(found, Missing):
        return missing_panel(NAME, TITLE, found.reason)
    table = compare_fractions(found, parameters)
    return Panel(
        name=NAME,
        title=TITLE,
        draw=lambda: draw_fractions(found, table, parameters, data.emotions),
        caption=_caption(found, table, parameters),
        tables=(_test_table(table, parameters), _fraction_table(found)),
        claims=_claims(table, found, parameters, data.emotions),
        sentences=_sentences(table, found, parameters, data.emotions),
        warnings=_warnings(table, found, parameters),
    )


def draw_fractions(
    found: LightFractions, table: pd.DataFrame, parameters: MouseFaceParameters, names: EmotionNames
) -> Figure:
    """Draw, for each site, the share of frames of each class; driven animals beside the others."""
    classes = event_order(found.classes)
    width = FULL_WIDTH_MM if len(found.sites) > 1 else SINGLE_COLUMN_MM
    with report_style():
        figure = new_figure(width_mm=width, height_mm=72.0)
        panels = figure.subplots(1, len(found.sites), sharey=True, squeeze=False)[0]
        for panel, site in zip(panels, found.sites, strict=True):
            _draw_site(panel, found, table, site, classes, parameters)
            panel.set_title(f"Light at {site}", pad=11)
            panel.set_xticks(
                range(len(classes)), [names.event(label) for label in classes],
                rotation=40, ha="right", rotation_mode="anchor",
            )  # fmt: skip
        panels[0].set_ylabel("Frames under light (%)")
        handles = _legend(found, parameters)
        ncols = len(handles) if len(found.sites) > 1 else 2
        figure.legend(handles=handles, loc="outside lower center", ncols=ncols, handletextpad=0.3)
    return figure


def _draw_site(
    panel: Axes,
    found: LightFractions,
    table: pd.DataFrame,
    site: str,
    classes: list[str],
    parameters: MouseFaceParameters,
) -> None:
    colours = event_colours(classes)
    own = found.during[found.during["site"] == site]
    keys = ["animal"] if parameters.unit == "animals" else ["animal", "trial"]
    values = own.groupby(["group", "label", *keys])["fraction"].mean() * 100
    drawn = _groups(found, parameters)
    panel.axhline(100 / len(classes), color=NEUTRAL_COLOUR, linewidth=0.8, linestyle=(0, (4, 2)), zorder=0)
    for number, group in enumerate(drawn):
        if group not in values.index.get_level_values("group"):
            continue
        offset = (number - (len(drawn) - 1) / 2) * 0.42
        for place, label in enumerate(classes):
            cell = values.loc[(group, label)].to_numpy(float)
            colour = colours[label] if number == 0 else "white"
            spread = np.linspace(-0.09, 0.09, len(cell)) if len(cell) > 1 else np.zeros(1)
            panel.bar(
                place + offset, cell.mean(), width=0.38, color=tint(colour, 0.55) if number == 0 else "white",
                edgecolor="#8A9299", linewidth=0.0 if number == 0 else 0.7, zorder=1,
            )  # fmt: skip
            panel.plot(
                place + offset + spread, cell, "o", color=colour, markersize=2.4, markeredgecolor=INK,
                markeredgewidth=0.3, zorder=2,
            )  # fmt: skip
            draw_mean(panel, place + offset, cell, level=parameters.level)
    for place, label in enumerate(classes):
        row = table[(table["site"] == site) & (table["label"] == label)]
        if len(row) and _above(row.iloc[0], found, parameters):
            panel.text(
                place, 1.0, stars(float(row["p_adjusted"].iloc[0])), transform=panel.get_xaxis_transform(),
                ha="center", va="bottom", fontsize=7.5, color=INK,
            )  # fmt: skip
    panel.set_ylim(0, 104)
    panel.set_xlim(-0.6, len(classes) - 0.4)


def _above(
    row: Mapping[Any, Any] | pd.Series, found: LightFractions, parameters: MouseFaceParameters
) -> bool:
    """Whether light was shown to bring a class about."""
    beyond = 1 / len(found.classes) if row["against"] == "chance" else 0.0
    return bool(row["p_adjusted"] <= parameters.alpha_p and row["estimate"] > beyond)


def _groups(found: LightFractions, parameters: MouseFaceParameters) -> list[str]:
    """Groups that are drawn: driven first, then control, then any other."""
    known = list(dict.fromkeys(found.during["group"]))
    wanted = [name for name in parameters.light_groups if name in known]
    return wanted or known


def _legend(found: LightFractions, parameters: MouseFaceParameters) -> list[Line2D]:
    dot = "animal" if parameters.unit == "animals" else "trial"
    fills = ({"color": "#8A9299"}, {"color": "white", "markeredgecolor": "#8A9299"})
    entries = [
        Line2D([], [], marker="s", linestyle="none", markersize=5, label=name, **look)  # type: ignore[arg-type]
        for name, look in zip(_groups(found, parameters), fills, strict=False)
    ]
    return [
        *entries,
        Line2D([], [], marker="o", linestyle="none", markersize=2.6, color=NEUTRAL_COLOUR, label=dot),
        Line2D([], [], marker="D", linestyle="none", markersize=3.2, color=INK, label="mean, interval"),
    ]


def _caption(found: LightFractions, table: pd.DataFrame, parameters: MouseFaceParameters) -> str:
    counts = found.during.drop_duplicates(["animal", "trial"]).groupby(["site", "group"], sort=False)
    n = "; ".join(
        f"{site} {group}: N = {mice(part['animal'].nunique())}, n = {plural(len(part), 'trial')}"
        for (site, group), part in counts
    )
    learnt = (
        "learnt the events from other animals"
        if parameters.light_learners == "others"
        else "learnt the events from all animals"
    )
    rest = (
        ""
        if parameters.decoding_rest == "none"
        else f", after the face in the {parameters.baseline_s:g} s before each trial was taken away"
    )
    dots = "animals" if parameters.unit == "animals" else "trials"
    chance = 100 / len(found.classes)
    found_groups = _groups(found, parameters)
    others = f", empty: {found_groups[1]}" if len(found_groups) > 1 else ""
    return (
        f"As Fig. 3E-F. Share of the frames under light that a random forest took for each class; it had "
        f"{learnt}{rest}. Filled: {found_groups[0]}{others}. Dots: {dots}; bars and diamonds: their mean, "
        f"with its {100 * parameters.level:g} % interval; dashed: one share per class ({chance:.1f} %). "
        f"Stars: {_said_test(table)}. {n}. {STAR_WORDS}."
    )


def _said_test(table: pd.DataFrame) -> str:
    words = {
        "control": "driven animals compared with those that light cannot drive, as change of shares since "
        "before the light (Welch's t test), adjusted over the classes of a site",
        "before": "driven animals compared with themselves before the light (t test), adjusted over "
        "the classes of a site",
        "chance": "trials compared with one share per class (Wilcoxon's signed-rank test)",
    }
    kinds = [kind for kind in words if (table["against"] == kind).any()]
    return "; where there are no controls: ".join(words[kind] for kind in kinds)


def _claims(
    table: pd.DataFrame, found: LightFractions, parameters: MouseFaceParameters, names: EmotionNames
) -> pd.DataFrame:
    rows = [row for row in table.to_dict("records") if row["label"] != found.neutral]
    return claims_table([_claim(row, found, parameters, names) for row in rows])


def _claim(
    row: Mapping[Any, Any], found: LightFractions, parameters: MouseFaceParameters, names: EmotionNames
) -> dict[str, Any]:
    p, against = float(row["p_adjusted"]), row["against"]
    about = {
        "control": (
            "Welch's t test of animals",
            f"{_count(row['n'])} and {_count(row['n_control'])} controls",
        ),
        "before": ("t test of animals, with before", _count(row["n"])),
        "chance": ("Wilcoxon against chance", plural(int(row["n"]), "trial")),
    }[against]
    return {
        "claim": f"light at {row['site']}: faces as after {names.event(row['label'])}",
        "estimate": 100 * row["estimate"], "lower": 100 * row["lower"], "upper": 100 * row["upper"],
        "unit": "% of frames, median" if against == "chance" else "% of frames more",
        "p": p, "test": about[0], "n": about[1],
        "holds": _above(row, found, parameters) if np.isfinite(p) else None,
    }  # fmt: skip


def _count(number: float) -> str:
    return mice(int(number))


def _sentences(
    table: pd.DataFrame, found: LightFractions, parameters: MouseFaceParameters, names: EmotionNames
) -> tuple[str, ...]:
    sentences = []
    for site in found.sites:
        own = table[(table["site"] == site) & (table["label"] != found.neutral)]
        if own.empty:
            continue
        shown = own[[_above(row, found, parameters) for row in own.to_dict("records")]]
        most = names.event_and_emotion(found.suggested(site, parameters.light_groups[0]))
        if len(shown):
            evoked = [
                names.event_and_emotion(row["label"])
                + bracketed(_amount(row), p_words(float(row["p_adjusted"])))
                for row in shown.sort_values("p_adjusted").to_dict("records")
            ]
            sentences.append(f"Light at {site} evoked faces as after {listed(evoked)}.")
        elif own["p_adjusted"].notna().any():
            sentences.append(
                f"No class was shown to be brought about by light at {site}; most frames were taken for "
                f"{most} (smallest {p_words(float(own['p_adjusted'].min()))})."
            )
        else:
            sentences.append(
                f"Under light at {site} most frames were taken for {most}; there are too few animals for a "
                "test."
            )
    return tuple(sentences)


def _amount(row: Mapping[Any, Any]) -> str:
    share = f"{100 * row['estimate']:.0f} % of frames"
    return f"{share}, median" if row["against"] == "chance" else f"{share} more"


def _warnings(table: pd.DataFrame, found: LightFractions, parameters: MouseFaceParameters) -> tuple[str, ...]:
    notes = list(found.notes)
    first, second = parameters.light_groups
    for site in found.sites:
        own = found.during[found.during["site"] == site]
        n = own.groupby("group")["animal"].nunique()
        driven, controls = int(n.get(first, 0)), int(n.get(second, 0))
        if not driven:
            notes.append(f"{site}: no animal of group {first}; groups are {', '.join(map(str, n.index))}.")
        elif controls < 2 and parameters.light_control:
            there = mice(controls) if controls else "no animal"
            notes.append(
                f"{site}: {there} of group {second}. Light itself, heat and "
                "noise cannot be told from what it drives; driven animals are compared with themselves "
                "before the light."
            )
        if driven < 2 and parameters.light_control:
            notes.append(f"{site}: one driven animal says nothing about others; there is no test.")
    if not parameters.light_control:
        notes.append(
            "A forest prefers some classes for frames that are like none, so that shares differ from one per "
            "class without any light; and trials of one animal are not independent."
        )
    return tuple(notes)


def _fraction_table(found: LightFractions) -> Table:
    keys = ["animal", "trial", "label"]
    before = found.before[[*keys, "fraction"]].rename(columns={"fraction": "before"})
    return Table(
        name="figure_3f_fractions",
        caption="Share of the frames of each trial that were taken for each class (Fig. 3F).",
        data=found.during.merge(before, on=keys, how="left"),
        columns={
            "animal": Column(description="Animal."),
            "trial": Column(description="Trial of the animal.", kind="count"),
            "site": Column(description="Where the light went."),
            "group": Column(description="What the animal expresses."),
            "label": Column(description="Class."),
            "fraction": Column(description="Share of the frames under light.", kind="number"),
            "before": Column(description="Share of the frames before the light.", kind="number"),
        },
    )


def _test_table(table: pd.DataFrame, parameters: MouseFaceParameters) -> Table:
    return Table(
        name="figure_3f_tests",
        caption="Which classes light brings about (Fig. 3F).",
        data=table,
        columns={
            "site": Column(description="Where the light went.", heading="Site"),
            "label": Column(description="Class.", heading="Class"),
            "against": Column(
                description="What frames under light are compared with.", heading="Against",
                levels={"control": "controls", "before": "before the light", "chance": "one share per class"},
            ),
            "n": Column(description="Driven animals; against chance: trials.", kind="count", heading="n"),
            "n_control": Column(description="Control animals.", kind="count", heading="Controls"),
            "estimate": Column(
                description="Difference of shares; against chance: median share.", kind="number",
                heading="Estimate",
            ),
            "lower": Column(description="Lower limit of the interval.", kind="number", heading="Lower"),
            "upper": Column(description="Upper limit of the interval.", kind="number", heading="Upper"),
            "t": Column(description="t value.", kind="statistic", heading="t"),
            "df": Column(description="Degrees of freedom.", kind="df", heading="df"),
            "p": Column(description="p value.", kind="p", heading="p"),
            "p_adjusted": Column(
                description=f"p value adjusted over the classes of a site ({parameters.adjust}).", kind="p",
                heading="p adjusted",
            ),
        },
        emphasise_p_below=None,
    )  # fmt: skip
