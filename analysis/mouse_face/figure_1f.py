"""Figure 1F: confusion of events, accuracy beside that of shuffled labels, and the control before events."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.mouse_face.assemble import FEAR, FEAR_BY_MOVEMENT
from analysis.mouse_face.colours import INK, NEUTRAL_COLOUR, SHARE_MAP, event_colours, event_order
from analysis.mouse_face.core_clips import core_clips
from analysis.mouse_face.decoding_1f import Answer, Decoded, answer, control_s, numbers_of
from analysis.mouse_face.emotions import EmotionNames
from analysis.mouse_face.face_data import FaceData
from analysis.mouse_face.marks import STAR_WORDS, stars
from analysis.mouse_face.panel import Panel, claims_table, missing_panel
from analysis.mouse_face.parameters import MouseFaceParameters
from analysis.mouse_face.phrases import counted, listed, mice, p_words
from analysis.mouse_face.selection import Missing
from analysis.report import Column, Table
from analysis.report.drawing import FULL_WIDTH_MM, new_figure, report_style

NAME, TITLE = "1F", "Can the event be read from the face?"
_LEFT_OUT = {
    "animals": "animals that it had not seen",
    "trials": "trials that it had not seen",
    "frames": "frames left out at random",
}


def panel_1f(data: FaceData, parameters: MouseFaceParameters, *, rng: np.random.Generator) -> Panel:
    """Decode the event from the face (Fig. 1F).

    Recommended: whole animals left out, labels of whole trials shuffled within animals. Paper: frames left
    out at random, frames shuffled, Mann-Whitney test. Both: the same with frames before events, as a control.
    """
    core = core_clips(data, parameters)
    if isinstance(core, Missing):
        return missing_panel(NAME, TITLE, core.reason)
    found = answer(data, core, parameters, rng)
    if isinstance(found, Missing):
        return missing_panel(NAME, TITLE, found.reason)
    return Panel(
        name=NAME,
        title=TITLE,
        draw=lambda: draw_decoding(found, data.emotions),
        caption=_caption(found, parameters),
        tables=(_accuracy_table(found), _confusion_table(found)),
        claims=_claims(found, parameters, data.emotions),
        sentences=_sentences(found, parameters, data.emotions),
        warnings=(*found.warnings, *_doubts(found, parameters), *_by_movement(data, found)),
    )


def draw_decoding(found: Answer, names: EmotionNames) -> Figure:
    """Draw the confusion of classes, and the accuracy of each."""
    classes = event_order(found.during.confusion.index)
    words = [names.event(label) for label in classes]
    with report_style():
        figure = new_figure(width_mm=FULL_WIDTH_MM, height_mm=22.0 + 7.5 * len(classes))
        left, right = figure.subplots(1, 2, width_ratios=[1.0, 1.15])
        _draw_confusion(left, found.during.confusion.loc[classes, classes].to_numpy(), words)
        _draw_accuracy(right, found, classes, words)
        figure.legend(
            handles=_legend(found), loc="outside lower center", ncols=4, handletextpad=0.3, columnspacing=1.2
        )
    return figure


def _draw_confusion(panel: Axes, shares: np.ndarray, words: list[str]) -> None:
    panel.imshow(shares, cmap=SHARE_MAP, vmin=0, vmax=1, interpolation="none", aspect="auto")
    for row, column in np.ndindex(*shares.shape):
        value = shares[row, column]
        if np.isfinite(value):
            colour = "white" if value > 0.55 else INK
            panel.text(
                column, row, f"{100 * value:.0f}", ha="center", va="center", fontsize=6.5, color=colour
            )
    places = range(len(words))
    panel.set_xticks(places, words, rotation=40, ha="right", rotation_mode="anchor")
    panel.set_yticks(places, words)
    panel.tick_params(length=0)
    panel.set_xlabel("Decoded as")
    panel.set_ylabel("Event")
    panel.set_title("Frames of an event (%)")
    for spine in panel.spines.values():
        spine.set_visible(False)


def _draw_accuracy(panel: Axes, found: Answer, classes: list[str], words: list[str]) -> None:
    colours, during = event_colours(classes), found.during
    panel.axvline(100 * during.chance, color=NEUTRAL_COLOUR, linewidth=0.8, linestyle=(0, (4, 2)), zorder=0)
    for place, label in enumerate(classes):
        row = numbers_of(during, label)
        values = 100 * during.accuracy[label].dropna().to_numpy(float)
        spread = np.linspace(-0.13, 0.13, len(values)) if len(values) > 1 else np.zeros(len(values))
        panel.plot(
            values, place - 0.12 + spread, "o", color=colours[label], markersize=2.6, alpha=0.75, mew=0
        )
        if np.isfinite(row["lower"]):
            limits = np.clip([100 * row["lower"], 100 * row["upper"]], 0, 100)
            panel.plot(limits, [place - 0.12] * 2, color=INK, linewidth=1.0)
        panel.plot([100 * row["accuracy"]], [place - 0.12], "D", color=INK, markersize=3.4, mew=0)
        if np.isfinite(row["shuffled"]):
            panel.plot([100 * row["shuffled"]], [place + 0.12], "|", color=INK, markersize=6, mew=1.2)
        if found.before is not None and label in found.before.by_class.index:
            control = 100 * numbers_of(found.before, label)["accuracy"]
            panel.plot([control], [place + 0.3], "s", color="white", markersize=3.4, mec=INK, mew=0.8)
        panel.text(103, place, stars(row["p"]), va="center", fontsize=7, color=INK)
    panel.set_yticks(range(len(classes)), words)
    panel.set_ylim(len(classes) - 0.4, -0.6)
    panel.set_xlim(0, 102)
    panel.set_xlabel("Frames recognised (%)")
    panel.set_title("Accuracy")


def _legend(found: Answer) -> list[Line2D]:
    bars = "SD" if found.scheme == "frames" else "95 % interval"
    marks: list[tuple[str, dict[str, Any]]] = [
        ("animal", {"marker": "o", "color": NEUTRAL_COLOUR, "markersize": 3}),
        (f"mean, {bars}", {"marker": "D", "color": INK, "markersize": 3.4}),
        ("frames shuffled" if found.scheme == "frames" else "trials shuffled",
         {"marker": "|", "color": INK, "markersize": 6}),
    ]  # fmt: skip
    if found.before is not None:
        marks.append(
            ("frames before events", {"marker": "s", "color": "white", "mec": INK, "markersize": 3.4})
        )
    return [Line2D([], [], linestyle="none", label=label, **look) for label, look in marks]


def _caption(found: Answer, parameters: MouseFaceParameters) -> str:
    rest = {
        "trial": ", from which the face at rest before the trial was taken away",
        "animal": ", from which the animal's face at rest was taken away",
        "none": "",
    }[parameters.decoding_rest]
    n_components = parameters.decoding_components
    seen = f"{n_components} principal components of the descriptors" if n_components else "descriptors"
    method = (
        f"(it learnt from {100 * parameters.decoding_train_share:g} % of the frames of each animal, "
        f"{parameters.decoding_repeats} times anew; dots: once); marks “frames shuffled”: labels shuffled "
        "frame "
        "by frame; stars: Mann-Whitney test on animals and divisions"
        if found.scheme == "frames"
        else "; marks “trials shuffled”: labels of whole trials shuffled within animals "
        f"({found.during.n_permutations} times), everything learnt anew; stars: largest of the classes in "
        "each "
        "shuffle"
    )
    method = f"random forest of {seen}{rest}, asked about {_LEFT_OUT[found.scheme]} {method}".replace(
        " ;", ";"
    )
    control = (
        f" Squares: the same with the {control_s(parameters):g} s before events, a control that should be at "
        "chance."
        if found.before is not None
        else ""
    )
    return (
        "As Fig. 1F. Left: share of the frames of each event (rows) that were decoded as each event "
        f"(columns), mean of animals. Right: share of frames recognised; {method}. Dashed: 1 / number of "
        f"classes.{control} {counted(found.core.trials)}. {STAR_WORDS}."
    )


def _rows_of(decoded: Decoded, frames: str) -> pd.DataFrame:
    table = decoded.by_class.rename_axis("event").reset_index()
    everything = {"event": "all", **decoded.overall}
    table = pd.concat([table, pd.DataFrame([everything])], ignore_index=True)
    return table.assign(frames=frames, chance=decoded.chance, n_animals=len(decoded.accuracy))


def _accuracy_table(found: Answer) -> Table:
    parts = [_rows_of(found.during, "during")]
    parts += [] if found.before is None else [_rows_of(found.before, "before")]
    bars = "SD below / above" if found.scheme == "frames" else "95 % interval"
    return Table(
        name="figure_1f_accuracy",
        caption="Share of frames whose event was recognised (Fig. 1F).",
        data=pd.concat(parts, ignore_index=True),
        columns={
            "frames": Column(
                description="Which frames were decoded.", heading="Frames",
                levels={"during": "during events", "before": "before events (control)"},
            ),
            "event": Column(description="Event; all: mean of the classes.", heading="Event"),
            "accuracy": Column(description="Mean of animals.", kind="number", heading="Accuracy"),
            "lower": Column(description=f"Lower limit ({bars}).", kind="number", heading="Lower"),
            "upper": Column(description=f"Upper limit ({bars}).", kind="number", heading="Upper"),
            "shuffled": Column(description="Mean with shuffled labels.", kind="number", heading="Shuffled"),
            "chance": Column(description="1 / number of classes.", kind="number", heading="Chance"),
            "p": Column(
                description="p value; of classes adjusted for their number (recommended), or of the "
                            "Mann-Whitney test "
                "(paper; all: the largest of the classes).", kind="p", heading="p",
            ),
            "n_animals": Column(description="Animals.", kind="count", heading="Animals"),
        },
        note="Empty p values of classes: the test of all classes together ended early, far from significance."
        if found.during.stopped_early
        else "",
    )  # fmt: skip


def _confusion_table(found: Answer) -> Table:
    classes = event_order(found.during.confusion.index)
    data = found.during.confusion.loc[classes, classes].rename_axis("event").reset_index()
    columns = {"event": Column(description="True event.", heading="Event")}
    columns |= {label: Column(description=f"Share decoded as {label}.", kind="number") for label in classes}
    return Table(
        name="figure_1f_confusion",
        caption="Share of the frames of an event (row) that were decoded as each event (column), mean of "
        "animals.",
        data=data,
        columns=columns,
    )


def _claims(found: Answer, parameters: MouseFaceParameters, names: EmotionNames) -> pd.DataFrame:
    rows = [_claim("events are decoded from the face", found.during.overall, found, parameters)]
    for label in event_order(found.during.by_class.index):
        row = numbers_of(found.during, label)
        rows.append(_claim(f"{names.event(label)} is decoded", row, found, parameters))
    if found.before is not None:
        text = "events are decoded from the face before them (control)"
        rows.append(_claim(text, found.before.overall, found, parameters))
    return claims_table(rows)


def _claim(
    text: str, row: dict[str, float], found: Answer, parameters: MouseFaceParameters
) -> dict[str, Any]:
    p = float(row["p"])
    above = row["accuracy"] > (row["shuffled"] if np.isfinite(row["shuffled"]) else found.during.chance)
    n_animals = len(found.during.accuracy)
    if found.scheme == "frames":
        test, n = (
            "Mann-Whitney against shuffled frames",
            f"{mice(n_animals)} x {parameters.decoding_repeats} divisions",
        )
    else:
        test, n = f"shuffled trials, {found.scheme} left out", mice(n_animals)
    # a class whose test ended with that of all classes was not decoded: the whole was not
    holds = bool(above and p <= parameters.alpha_p) if np.isfinite(p) else False
    lower, upper = np.clip([100 * row["lower"], 100 * row["upper"]], 0, 100)
    return {
        "claim": text, "estimate": 100 * row["accuracy"], "lower": lower, "upper": upper, "unit": "%", "p": p,
        "test": test, "n": n, "holds": holds,
    }  # fmt: skip


def _sentences(found: Answer, parameters: MouseFaceParameters, names: EmotionNames) -> tuple[str, ...]:
    whole, chance = found.during.overall, 100 * found.during.chance
    n_classes = len(found.during.by_class)
    share = f"{100 * whole['accuracy']:.0f} % of the frames of {_LEFT_OUT[found.scheme]}"
    text = f"A random forest recognised {share}"
    if found.scheme == "frames":
        first = (
            f"{text} ({n_classes} classes), and {100 * whole['shuffled']:.0f} % when frames were shuffled "
            f"(largest p of the classes {p_words(whole['p'])})."
        )
    else:
        first = (
            f"{text}, one of {n_classes} classes each (chance {chance:.1f} %; {p_words(whole['p'])}, "
            f"{found.during.n_permutations} shuffles of the labels of whole trials)."
        )
    sentences = [first]
    p = found.during.by_class["p"]
    told = [names.event(label) for label in event_order(p.index[p <= parameters.alpha_p])]
    if told and len(told) < n_classes:
        sentences.append(f"Taken one by one, it recognised {listed(told)}.")
    if found.before is not None:
        control = found.before.overall
        sentences.append(
            "From the frames before events, which cannot show them, it recognised "
            f"{100 * control['accuracy']:.0f} % ({p_words(control['p'])})."
        )
    return tuple(sentences)


def _by_movement(data: FaceData, found: Answer) -> tuple[str, ...]:
    return (f"{FEAR_BY_MOVEMENT}.",) if data.bouts and set(FEAR) & set(found.core.trials["event"]) else ()


def _doubts(found: Answer, parameters: MouseFaceParameters) -> tuple[str, ...]:
    doubts = []
    if found.scheme == "frames":
        doubts.append(
            "Frames of one trial were both learnt from and asked about, so that the forest recognises "
            "trials: this accuracy does not say that events change the face."
        )
    control = found.before
    if control is not None and found.scheme != "frames" and control.overall["p"] <= parameters.alpha_p:
        doubts.append(
            "The control failed: events are decoded from the face before them "
            f"({100 * control.overall['accuracy']:.0f} %, {p_words(control.overall['p'])}). Something other "
            "than the events, such as their order in the session, goes with them."
        )
    return tuple(doubts)
