"""Figure 3I: whether light on a pathway changes the expression that an event evokes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.faces.comparisons import (
    compare_as_paper,
    compare_conditions,
    compare_crossover,
    mixed_beside,
    with_adjusted,
)
from analysis.faces.optogenetics import normalise_to_dark
from analysis.mouse_face.colours import event_colours
from analysis.mouse_face.emotions import EmotionNames
from analysis.mouse_face.face_data import FaceData
from analysis.mouse_face.marks import STAR_WORDS, compare, draw_animals, draw_boxes, stars, tint
from analysis.mouse_face.panel import Panel, claims_table, missing_panel
from analysis.mouse_face.parameters import MouseFaceParameters
from analysis.mouse_face.phrases import counted, mice, number_words, p_words
from analysis.mouse_face.scoring import score
from analysis.mouse_face.selection import Missing, pathway_trials
from analysis.mouse_face.words import bracketed, plural, said_interval
from analysis.report import Column, Table
from analysis.report.drawing import SINGLE_COLUMN_MM, new_figure, report_style

NAME, TITLE = "3I", "Does light on a pathway change the expression that an event evokes?"
LIGHT = "laser"
_LEVELS = ("no light", "light on")


@dataclass(frozen=True, eq=False, kw_only=True)
class PathwayScores:
    """What Fig. 3I shows."""

    event: str
    """The event that was given with and without light."""
    prototypes: tuple[str, ...]
    """The event's own, and that of the pleasant event where there is one."""
    scores: pd.DataFrame
    """As of `scoring.score`, of these prototypes, with ``shown``: what is drawn."""
    tests: pd.DataFrame
    """One row per prototype, and one for both together; see `compare_light`."""
    axis: str
    """What ``shown`` is."""
    notes: tuple[str, ...]


def panel_3i(data: FaceData, parameters: MouseFaceParameters, *, rng: np.random.Generator) -> Panel:
    """Compare an event with and without light (Fig. 3H-I).

    Recommended: change of the correlation, light with no light within animals. Paper: similarities scaled so
    that without light one prototype is 0 and the other 1, Mann-Whitney on trials.
    """
    chosen = pathway_trials(data, parameters)
    if isinstance(chosen, Missing):
        return missing_panel(NAME, TITLE, chosen.reason)
    event = chosen.trials["event"].value_counts().index[0]
    trials = chosen.trials[chosen.trials["event"] == event].reset_index(drop=True)
    trials, notes = driven_trials(trials, parameters)
    try:
        scores = score(data, trials, parameters)
    except ValueError as error:
        return missing_panel(NAME, TITLE, str(error))
    found = pathway_scores(scores, str(event), parameters, (*chosen.notes, *notes))
    if isinstance(found, Missing):
        return missing_panel(NAME, TITLE, found.reason)
    return Panel(
        name=NAME,
        title=TITLE,
        draw=lambda: draw_pathway(found, parameters, data.emotions),
        caption=_caption(found, trials, parameters, data.emotions),
        tables=(_test_table(found, parameters), _score_table(found)),
        claims=_claims(found, parameters, data.emotions),
        sentences=_sentences(found, parameters, data.emotions),
        warnings=_warnings(found),
    )


def driven_trials(
    trials: pd.DataFrame, parameters: MouseFaceParameters
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Leave out animals that light cannot drive, and say so; animals without a group stay."""
    control = trials["group"] == parameters.light_groups[1]
    if not control.any() or control.all():
        return trials, ()
    names = ", ".join(sorted(trials.loc[control, "animal"].unique()))
    note = f"Left out, as light drives nothing in them ({parameters.light_groups[1]}): {names}."
    return trials[~control].reset_index(drop=True), (note,)


def pathway_scores(
    scores: pd.DataFrame, event: str, parameters: MouseFaceParameters, notes: tuple[str, ...] = ()
) -> PathwayScores | Missing:
    """Choose the two prototypes, scale scores as the preset says, and test them."""
    wanted = dict.fromkeys((event, parameters.pleasant_event))
    prototypes = tuple(name for name in wanted if (scores["prototype"] == name).any())
    if event not in prototypes:
        return Missing(
            f"these animals have no {event.replace('_', ' ')} prototype: give the event without light in a "
            "session of its own too"
        )
    scores = scores[scores["prototype"].isin(prototypes)].reset_index(drop=True)
    axis, shown = "Change of similarity (r)", scores["delta_r"]
    if parameters.unit == "trials":
        axis, shown = "Similarity (r)", scores["during"]
        try:
            scaled = normalise_to_dark(scores, zero=prototypes[-1], one=event, light=LIGHT)
            axis, shown = "Similarity, scaled", scaled["normalised"]
        except ValueError as error:
            notes = (*notes, f"Similarities are not scaled: {error}.")
    scores = scores.assign(shown=shown)
    tests = compare_light(scores, prototypes, parameters)
    return PathwayScores(
        event=event, prototypes=prototypes, scores=scores, tests=tests, axis=axis, notes=notes
    )


def compare_light(
    scores: pd.DataFrame, prototypes: tuple[str, ...], parameters: MouseFaceParameters
) -> pd.DataFrame:
    """Compare light with no light, for each prototype and for the first at the expense of the second.

    Returns
    -------
    pandas.DataFrame
        ``what`` (a prototype, or ``both``), ``n estimate lower upper t df p p_exact p_adjusted effect_size``
        and ``p_mixed`` of the mixed model beside; NaN where fewer than two animals have both.
    """
    rows = []
    for name in prototypes:
        own = scores[scores["prototype"] == name]
        rows.append({"what": name, **_tested(own, parameters), "p_mixed": _mixed(own, parameters)})
    table = pd.DataFrame(rows)
    table["p_adjusted"] = table["p"]
    if parameters.unit == "animals" and table["p"].notna().all():
        table = with_adjusted(table, parameters.adjust)
    if len(prototypes) == 2 and parameters.unit == "animals":
        try:
            both = compare_crossover(scores, LIGHT, True, False, prototypes=(prototypes[0], prototypes[1]))
            table = pd.concat([table, pd.DataFrame([{"what": "both", **both}])], ignore_index=True)
        except ValueError:
            pass  # one animal only: said in the warnings
    wanted = ("n", "estimate", "lower", "upper", "t", "df", "p", "p_exact", "p_adjusted", "effect_size")
    return table.reindex(columns=["what", *wanted, "p_mixed"])


def _tested(own: pd.DataFrame, parameters: MouseFaceParameters) -> dict[str, float]:
    try:
        if parameters.unit == "animals":
            return compare_conditions(own, LIGHT, True, False)
        found = compare_as_paper(own, LIGHT, True, False, value="shown")
        return {"n": found["n_first"] + found["n_second"], "estimate": found["shift"], "p": found["p"]}
    except ValueError:  # too few animals: the difference alone
        means = own.groupby(LIGHT)["delta_r" if parameters.unit == "animals" else "shown"].mean()
        difference = float(means.get(True, np.nan) - means.get(False, np.nan))
        return {"n": own["animal"].nunique(), "estimate": difference, "p": np.nan}


def _mixed(own: pd.DataFrame, parameters: MouseFaceParameters) -> float:
    if parameters.unit == "trials":
        return float("nan")
    try:
        return float(str(mixed_beside(own, LIGHT, True, False)["p"]))
    except (ValueError, np.linalg.LinAlgError):
        return float("nan")


def draw_pathway(found: PathwayScores, parameters: MouseFaceParameters, names: EmotionNames) -> Figure:
    """Draw both conditions for each prototype: animals joined, or boxes of trials as the paper."""
    colours = event_colours(found.prototypes)
    with report_style():
        figure = new_figure(width_mm=SINGLE_COLUMN_MM, height_mm=66.0)
        panels = figure.subplots(1, len(found.prototypes), sharey=True, squeeze=False)[0]
        for panel, name in zip(panels, found.prototypes, strict=True):
            own = found.scores[found.scores["prototype"] == name]
            shades = [tint(colours[name], 0.45), colours[name]]
            _draw_prototype(panel, own, shades, parameters)
            panel.set_xticks([0, 1], list(_LEVELS))
            panel.set_xlabel(names.prototype(name), fontsize=6.5)
            p = found.tests.loc[found.tests["what"] == name, "p_adjusted"]
            compare(panel, 0, 1, stars(float(p.iloc[0])))
        panels[0].set_ylabel(found.axis)
    return figure


def _draw_prototype(
    panel: Axes, own: pd.DataFrame, colours: list[Any], parameters: MouseFaceParameters
) -> None:
    if parameters.unit == "animals":
        means = own.pivot_table(index="animal", columns=LIGHT, values="shown")
        means = means.reindex(columns=[False, True])
        panel.axhline(0, color="#8A9299", linewidth=0.6, zorder=0)
        draw_animals(panel, means, colours, level=parameters.level)
        return
    values = [own.loc[own[LIGHT] == light, "shown"].to_numpy(float) for light in (False, True)]
    for level in (0, 1):
        panel.axhline(level, color="#8A9299", linewidth=0.5, linestyle=(0, (4, 2)), zorder=0)
    draw_boxes(panel, values, colours)


def _caption(
    found: PathwayScores, trials: pd.DataFrame, parameters: MouseFaceParameters, names: EmotionNames
) -> str:
    site = ", ".join(sorted(set(trials["site"]) - {""}))
    where = f" on {site}" if site else ""
    head = f"As Fig. 3I. {names.event(found.event).capitalize()} with and without light{where}. "
    if parameters.unit == "animals":
        marks = (
            f"Dots: means of animals, joined; diamonds: their mean with its {100 * parameters.level:g} % "
            "interval. Stars: t test within animals, adjusted over the prototypes."
        )
    else:
        marks = "Boxes: trials (Tukey). Stars: Mann-Whitney test of trials."
        if found.axis == "Similarity, scaled":
            zero, one = names.event(found.prototypes[-1]), names.event(found.event)
            marks += (
                f" Similarities are scaled so that without light the mean of {zero} is 0 and that of {one} 1."
            )
    return f"{head}{marks} {counted(trials)}. {STAR_WORDS}."


def _row(found: PathwayScores, what: str) -> dict[str, Any] | None:
    own = found.tests[found.tests["what"] == what]
    return {str(name): value for name, value in own.iloc[0].items()} if len(own) else None


def _claims(found: PathwayScores, parameters: MouseFaceParameters, names: EmotionNames) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    event = names.event(found.event)
    n_animals = found.scores["animal"].nunique()
    n_trials = len(found.scores[["animal", "trial"]].drop_duplicates())
    test = "t test within animals" if parameters.unit == "animals" else "Mann-Whitney test of trials"
    unit = "r" if found.axis != "Similarity, scaled" else "scaled similarity"
    for name in found.prototypes:
        row = _row(found, name) or {}
        less = name == found.event
        claim = f"{event}: light {'weakens' if less else 'changes'} the {names.prototype(name)}"
        p = float(row["p_adjusted"])
        holds: bool | None = None
        if np.isfinite(p):
            holds = bool(p <= parameters.alpha_p and (row["estimate"] < 0 or not less))
        about = {key: row[key] for key in ("estimate", "lower", "upper")}
        rows.append(
            {
                "claim": claim, **about, "unit": unit, "p": p, "test": test,
                "n": f"{mice(n_animals)}, {plural(n_trials, 'trial')}", "holds": holds,
            }
        )  # fmt: skip
    return claims_table(rows)


def _sentences(found: PathwayScores, parameters: MouseFaceParameters, names: EmotionNames) -> tuple[str, ...]:
    sentences = []
    unit = "" if found.axis == "Similarity, scaled" else " r"
    for name in found.prototypes:
        row = _row(found, name) or {}
        p = float(row["p_adjusted"])
        way = "lowered" if row["estimate"] < 0 else "raised"
        verb = (
            f"{way} the similarity" if p <= parameters.alpha_p else "was not shown to change the similarity"
        )
        sentences.append(
            f"During {names.event(found.event)}, light {verb} to the {names.prototype(name)}"
            + bracketed(
                f"{number_words(row['estimate'])}{unit}",
                said_interval(row["lower"], row["upper"], level=parameters.level),
                p_words(p),
            )
            + "."
        )
    both = _row(found, "both")
    if both is not None:
        sentences.append(
            "Taken together (the first prototype at the expense of the second): "
            f"{number_words(both['estimate'])} r"
            + bracketed(
                said_interval(both["lower"], both["upper"], level=parameters.level), p_words(both["p"])
            )
            + "."
        )
    return tuple(sentences)


def _warnings(found: PathwayScores) -> tuple[str, ...]:
    notes = list(found.notes)
    both = found.scores.groupby("animal")[LIGHT].nunique() == 2
    if both.sum() < 2:
        notes.append(
            f"{mice(int(both.sum()))} had the event with and without light: nothing is said about other "
            "animals."
        )
    elif both.sum() < 6:
        notes.append(
            f"{mice(int(both.sum()))}: a test of signs could not be below p = {2 / 2 ** int(both.sum()):.2f}."
        )
    if len(found.prototypes) == 1:
        notes.append("There is no prototype of a pleasant event to compare with.")
    return tuple(notes)


def _test_table(found: PathwayScores, parameters: MouseFaceParameters) -> Table:
    return Table(
        name="figure_3i_tests",
        caption="Light compared with no light (Fig. 3I).",
        data=found.tests,
        columns={
            "what": Column(
                description="Prototype; both: the first at the expense of the second.", heading="Prototype"
            ),
            "n": Column(description="Animals, or trials.", kind="count", heading="n"),
            "estimate": Column(
                description="Light minus no light (paper: median difference).", kind="number",
                heading="Estimate",
            ),
            "lower": Column(description="Lower limit of the interval.", kind="number", heading="Lower"),
            "upper": Column(description="Upper limit of the interval.", kind="number", heading="Upper"),
            "t": Column(description="t value.", kind="statistic", heading="t"),
            "df": Column(description="Degrees of freedom.", kind="df", heading="df"),
            "p": Column(description="p value.", kind="p", heading="p"),
            "p_adjusted": Column(description="Adjusted over prototypes.", kind="p", heading="p adjusted"),
            "p_exact": Column(description="All flips of signs.", kind="p", heading="p exact"),
            "p_mixed": Column(description="Mixed model of trials beside.", kind="p", heading="p mixed"),
            "effect_size": Column(description="Hedges' g.", kind="number", heading="g"),
        },
    )  # fmt: skip


def _score_table(found: PathwayScores) -> Table:
    return Table(
        name="figure_3i_scores",
        caption="Similarity of each trial to the prototypes, with and without light (Fig. 3I).",
        data=found.scores,
        columns={
            "animal": Column(description="Animal."),
            "trial": Column(description="Trial of the animal.", kind="count"),
            "laser": Column(description="Whether the light was on."),
            "prototype": Column(description="Event of the prototype."),
            "before": Column(description="Mean correlation at rest.", kind="number"),
            "during": Column(description="Mean correlation during the event.", kind="number"),
            "delta_r": Column(description="Their difference.", kind="number"),
            "shown": Column(description=f"What is drawn: {found.axis.lower()}.", kind="number"),
        },
    )
