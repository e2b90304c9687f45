"""Figure 2C: whether prototypes are specific to their events, in all mice."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.faces.comparisons import specificity, specificity_as_paper, with_adjusted
from analysis.faces.prototypes import min_max_scores
from analysis.mouse_face.colours import CHANGE_MAP, INK, SHARE_MAP, event_order
from analysis.mouse_face.emotions import EmotionNames
from analysis.mouse_face.face_data import FaceData
from analysis.mouse_face.marks import STAR_WORDS, stars
from analysis.mouse_face.panel import Panel, claims_table, missing_panel
from analysis.mouse_face.parameters import MouseFaceParameters
from analysis.mouse_face.phrases import counted, listed, mice, number_words, p_words
from analysis.mouse_face.scoring import score
from analysis.mouse_face.selection import Missing, core_trials
from analysis.report import Column, Table
from analysis.report.drawing import FULL_WIDTH_MM, SINGLE_COLUMN_MM, new_figure, report_style

NAME, TITLE = "2C", "Is each prototype specific to its event?"
_PAIR = ["prototype", "event"]


def panel_2c(data: FaceData, parameters: MouseFaceParameters, *, rng: np.random.Generator) -> Panel:
    """Compare each event with neutral trials, for each prototype (Fig. 2C).

    Recommended: prototypes made without the trial that is scored, animals as the unit, two families of
    comparisons: events with their own prototype, and with those of others. Paper: prototypes made of the same
    trials, analysis of variance and Dunnett's comparisons of trials.
    """
    core = core_trials(data, parameters)
    if isinstance(core, Missing):
        return missing_panel(NAME, TITLE, core.reason)
    scores = score(data, core.trials, parameters)
    tests, doubts = comparisons(scores, parameters)
    scaled = min_max_scores(scores)
    return Panel(
        name=NAME,
        title=TITLE,
        draw=lambda: draw_specificity(scaled, tests, parameters, data.emotions),
        caption=_caption(core.trials, parameters),
        tables=(_test_table(tests, parameters), _scaled_table(scaled)),
        claims=claims_table(_claims(tests, parameters, data.emotions)),
        sentences=_sentences(tests, parameters, data.emotions),
        warnings=(*core.notes, *doubts),
    )


def comparisons(
    scores: pd.DataFrame, parameters: MouseFaceParameters
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Compare events with neutral trials, as far as there are enough of both.

    Returns
    -------
    tuple
        One row per prototype and event: prototype, event, own, estimate (r), lower, upper, p_used (adjusted
        as the preset says), p, n, n_trials; and what could not be compared, in words.
    """
    neutral = parameters.neutral_event
    columns = [*_PAIR, "own", "estimate", "lower", "upper", "p", "p_used", "n", "n_trials"]
    if neutral not in set(scores["label"]):
        return pd.DataFrame(columns=columns), (
            f"There are no trials without an event (labelled {neutral!r}): events have nothing to be "
            "compared with.",
        )
    known, left_out = _comparable(scores.dropna(subset=["before", "during"]), parameters)
    doubts = left_out
    if known.empty or set(known["label"]) <= {neutral}:
        return pd.DataFrame(columns=columns), doubts
    if parameters.unit == "animals":
        tests = specificity(known, neutral_label=neutral, adjust="none").drop(columns="p_adjusted")
        families = [with_adjusted(part, parameters.adjust) for _, part in tests.groupby("own")]
        tests = pd.concat(families).sort_index().rename(columns={"p_adjusted": "p_used"})
    else:
        tests = specificity_as_paper(known, neutral_label=neutral)
        tests = tests.assign(p_used=tests["p"])
    sizes = known.groupby(["prototype", "label"]).agg(n=("animal", "nunique"), n_trials=("trial", "size"))
    sizes = sizes.rename_axis(_PAIR).reset_index()
    tests = tests.drop(columns="n", errors="ignore").merge(sizes, on=_PAIR)
    return tests, doubts


def _comparable(
    scores: pd.DataFrame, parameters: MouseFaceParameters
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Keep events that two animals (paper: two trials) have beside neutral trials, for each prototype."""
    neutral = parameters.neutral_event
    if parameters.unit == "trials":
        size = scores.groupby(["prototype", "label"])["trial"].transform("size")
        return scores[size > 1], ()
    with_neutral = scores[scores["label"] == neutral].groupby("prototype")["animal"].unique()
    pairs = scores[["prototype", "animal"]].itertuples(index=False)
    beside = np.array([animal in with_neutral.get(prototype, ()) for prototype, animal in pairs], bool)
    known = scores[beside]
    n_animals = known.groupby(["prototype", "label"])["animal"].transform("nunique")
    lost = sorted(set(scores["label"]) - set(known.loc[n_animals > 1, "label"]) - {neutral})
    known = known[n_animals > 1]
    known = known[known.groupby("prototype")["label"].transform(lambda own: (own == neutral).any())]
    words = f"Not compared with neutral trials, because fewer than two animals have both: {listed(lost)}."
    return known, (words,) if lost else ()


def draw_specificity(
    scaled: pd.DataFrame, tests: pd.DataFrame, parameters: MouseFaceParameters, names: EmotionNames
) -> Figure:
    """Draw the min-max scores (as the paper) and, where recommended, the differences that were tested."""
    events, prototypes = event_order(scaled.index), event_order(scaled.columns)
    both = parameters.unit == "animals" and len(tests) > 0
    p = _square(tests, "p_used", events, prototypes)
    with report_style():
        figure = new_figure(
            width_mm=FULL_WIDTH_MM if both else SINGLE_COLUMN_MM, height_mm=30.0 + 6.0 * len(events)
        )
        panels = figure.subplots(1, 2 if both else 1, squeeze=False)[0]
        values = scaled.loc[events, prototypes].to_numpy(float)
        image = panels[0].imshow(values, cmap=SHARE_MAP, vmin=0, vmax=1, interpolation="none", aspect="auto")
        _label(panels[0], events, prototypes, names)
        _write(panels[0], values, p if not both else np.full(p.shape, np.nan), dark=0.55, digits=2)
        panels[0].set_title("Min-max normalised")
        figure.colorbar(image, ax=panels[0], shrink=0.8, aspect=16, pad=0.02)
        if both:
            shown = [label for label in events if label != parameters.neutral_event]
            change = _square(tests, "estimate", shown, prototypes)
            limit = float(np.nanmax(np.abs(change)))
            image = panels[1].imshow(
                change, cmap=CHANGE_MAP, vmin=-limit, vmax=limit, interpolation="none", aspect="auto"
            )
            _label(panels[1], shown, prototypes, names)
            _write(panels[1], change, _square(tests, "p_used", shown, prototypes), dark=0.7 * limit, digits=3)
            panels[1].set_title("Change, event minus neutral (r)")
            figure.colorbar(image, ax=panels[1], shrink=0.8, aspect=16, pad=0.02)
    return figure


def _square(tests: pd.DataFrame, column: str, events: list[str], prototypes: list[str]) -> np.ndarray:
    if tests.empty:
        return np.full((len(events), len(prototypes)), np.nan)
    table = tests.pivot_table(index="event", columns="prototype", values=column)
    return table.reindex(index=events, columns=prototypes).to_numpy(float)


def _label(panel: Axes, events: list[str], prototypes: list[str], names: EmotionNames) -> None:
    words = [names.event_and_emotion(label).replace(" (", "\n(") for label in prototypes]
    panel.set_xticks(range(len(prototypes)), words, rotation=40, ha="right", rotation_mode="anchor")
    panel.set_yticks(range(len(events)), [names.event(label) for label in events])
    panel.set_xlabel("Prototype")
    panel.set_ylabel("Event")
    panel.tick_params(length=0)
    for spine in panel.spines.values():
        spine.set_visible(False)


def _write(panel: Axes, values: np.ndarray, p: np.ndarray, *, dark: float, digits: int) -> None:
    """Write values into cells, with the stars of those that differ from neutral."""
    for row, column in np.ndindex(*values.shape):
        value = float(values[row, column])
        if not np.isfinite(value):
            continue
        mark = stars(float(p[row, column])).replace("n.s.", "")
        text = number_words(value, digits) + (f"\n{mark}" if mark else "")
        colour = "white" if abs(value) > dark else INK
        panel.text(column, row, text, ha="center", va="center", fontsize=6, color=colour, linespacing=0.8)


def _claims(
    tests: pd.DataFrame, parameters: MouseFaceParameters, names: EmotionNames
) -> list[dict[str, Any]]:
    """Claim, for each event, that it is like its own prototype, and like no other."""
    rows: list[dict[str, Any]] = []
    alike = tests[(tests["p_used"] <= parameters.alpha_p) & (tests["estimate"] > 0)]
    test = "t test of animals" if parameters.unit == "animals" else "ANOVA and Dunnett"
    for row in _ordered(tests[tests["own"].astype(bool)]).to_dict("records"):
        event, holds = names.event(row["event"]), row["p_used"] <= parameters.alpha_p and row["estimate"] > 0
        n = mice(int(row["n"])) if parameters.unit == "animals" else f"{row['n_trials']} trials"
        others = int(((alike["event"] == row["event"]) & ~alike["own"].astype(bool)).sum())
        about = {"test": test, "n": n}
        numbers = {key: row[key] for key in ("estimate", "lower", "upper")}
        rows.append(
            {
                "claim": f"{event} is more like its own prototype than neutral trials are",
                **numbers,
                "unit": "r",
                "p": row["p_used"],
                "holds": bool(holds),
                **about,
            }
        )
        rows.append(
            {"claim": f"{event} is like its own prototype and no other", "estimate": others,
             "unit": "other prototypes that it is like", "holds": bool(holds and not others), **about}
        )  # fmt: skip
    return rows


def _ordered(tests: pd.DataFrame) -> pd.DataFrame:
    """Sort comparisons: each event's own prototype first."""
    order = event_order(tests["event"].unique()) if len(tests) else []
    rank = tests["event"].map({label: place for place, label in enumerate(order)})
    return tests.assign(_rank=rank).sort_values(["own", "_rank"], ascending=[False, True], kind="stable")


def _sentences(tests: pd.DataFrame, parameters: MouseFaceParameters, names: EmotionNames) -> tuple[str, ...]:
    if tests.empty:
        return ("Events could not be compared with neutral trials.",)
    found = _ordered(tests[(tests["p_used"] <= parameters.alpha_p) & (tests["estimate"] > 0)])
    own, others = found[found["own"].astype(bool)], found[~found["own"].astype(bool)]
    n_own = int(tests["own"].sum())
    told = listed(
        f"{names.event(row['event'])} ({number_words(row['estimate'])}, {p_words(row['p_used'])})"
        for row in own.to_dict("records")
    )
    first = (
        f"{len(own)} of {n_own} events were more like their own prototype than neutral trials were: {told}."
        if len(own)
        else f"None of {n_own} events was more like its own prototype than neutral trials were."
    )
    if others.empty:
        return first, "No event was more like the prototype of another event than neutral trials were."
    also = listed(
        f"{names.event(row['event'])} like {names.event(row['prototype'])}"
        for row in others.to_dict("records")
    )
    return first, f"Not specific: {also}."


def _caption(trials: pd.DataFrame, parameters: MouseFaceParameters) -> str:
    start = (
        "As Fig. 2C. Mean similarity of each event (rows) to each prototype (columns), scaled so that 1 is "
        "the highest and 0 the highest at rest, or lower; the scale makes its own maximum 1, so nothing is "
        "tested on it"
    )
    made = (
        "Prototypes are made without the trial that is scored."
        if parameters.cross_fitted
        else "Prototypes are made of the trials that they score."
    )
    if parameters.unit == "animals":
        return (
            f"{start} (left). Right: change of similarity from rest, event minus neutral trials, mean of "
            f"animals; stars: t test of animals, adjusted ({parameters.adjust.capitalize()}) over events "
            f"with their own prototype, and over all others. {made} {counted(trials)}. {STAR_WORDS}."
        )
    return (
        f"{start}. {made} Stars: Dunnett's comparisons with neutral trials after an analysis of variance of "
        f"trials, as in the paper. {counted(trials)}. {STAR_WORDS}."
    )


def _test_table(tests: pd.DataFrame, parameters: MouseFaceParameters) -> Table:
    what = "change of similarity from rest" if parameters.unit == "animals" else "similarity during events"
    columns = {
        "event": Column(description="Event.", heading="Event"),
        "prototype": Column(description="Event of the prototype.", heading="Prototype"),
        "own": Column(
            description="Whether it is the event's own.", heading="Own", levels={"True": "yes", "False": ""}
        ),
        "estimate": Column(description=f"Event minus neutral, {what}.", kind="number", unit="r", heading="r"),
        "lower": Column(description="Lower limit.", kind="number", unit="r", heading="Lower"),
        "upper": Column(description="Upper limit.", kind="number", unit="r", heading="Upper"),
        "effect_size": Column(description="Hedges' g, in animals.", kind="statistic", heading="g"),
        "F": Column(
            description="F of the analysis of variance of a prototype.", kind="statistic", heading="F"
        ),
        "anova_p": Column(description="Its p value.", kind="p", heading="p (ANOVA)"),
        "t": Column(description="t statistic.", kind="statistic", heading="t"),
        "p_used": Column(description="p value, adjusted over the comparisons.", kind="p", heading="p"),
        "n": Column(description="Animals.", kind="count", heading="Animals"),
        "n_trials": Column(description="Trials of the event.", kind="count", heading="Trials"),
    }
    data = _ordered(tests)
    return Table(
        name="figure_2c_comparisons",
        caption="Each event compared with neutral trials, for each prototype (Fig. 2C).",
        data=data,
        columns={name: column for name, column in columns.items() if name in data},
    )


def _scaled_table(scaled: pd.DataFrame) -> Table:
    data = scaled.loc[event_order(scaled.index)].rename_axis("event").reset_index()
    columns = {"event": Column(description="Event.", heading="Event")}
    columns |= {
        str(name): Column(description=f"Scaled similarity to the prototype of {name}.", kind="number")
        for name in event_order(scaled.columns)
    }
    return Table(
        name="figure_2c_min_max",
        caption="Similarity of events to prototypes, min-max normalised as in Fig. 2C.",
        data=data,
        columns=columns,
    )
