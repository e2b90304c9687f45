"""Figure 2B: how alike each event of one mouse is to each prototype, frame by frame."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from analysis.faces.comparisons import with_adjusted
from analysis.models.small_samples import one_sample
from analysis.mouse_face.colours import CHANGE_MAP, INK, event_colours, event_order
from analysis.mouse_face.core_clips import example_animal
from analysis.mouse_face.emotions import EmotionNames
from analysis.mouse_face.face_data import FaceData
from analysis.mouse_face.panel import Panel, claims_table, missing_panel
from analysis.mouse_face.parameters import MouseFaceParameters
from analysis.mouse_face.phrases import counted, listed, mice, number_words, p_words
from analysis.mouse_face.scoring import score, similarity
from analysis.mouse_face.selection import Missing, core_trials
from analysis.report import Column, Table
from analysis.report.drawing import FULL_WIDTH_MM, new_figure, report_style

NAME, TITLE = "2B", "Does the face become like the prototype of its event?"
BIN_S = 0.2
"""Time of a column of the drawing."""


def panel_2b(data: FaceData, parameters: MouseFaceParameters, *, rng: np.random.Generator) -> Panel:
    """Show the similarity of each event of one animal to each prototype (Fig. 2B).

    Recommended: prototypes made without the trial that is scored; whether similarity to an event's own
    prototype rises is tested over animals. Paper: prototypes made of the same trials; one mouse, seen by eye.
    """
    core = core_trials(data, parameters)
    if isinstance(core, Missing):
        return missing_panel(NAME, TITLE, core.reason)
    scores = score(data, core.trials, parameters)
    animal = example_animal(core.trials)
    frames, found = similarity(data, core.trials[core.trials["animal"] == animal], parameters)
    tests = own_rises(scores, parameters)
    return Panel(
        name=NAME,
        title=TITLE,
        draw=lambda: draw_similarity(frames, found, parameters, data.emotions),
        caption=_caption(core.trials, animal, parameters),
        tables=(_test_table(tests), score_table("figure_2b_scores", scores, "Fig. 2B-C")),
        claims=claims_table(_claims(tests, parameters, data.emotions)),
        sentences=(_sentence(tests, parameters, data.emotions),),
        warnings=(*core.notes, *_doubts(parameters)),
    )


def own_rises(scores: pd.DataFrame, parameters: MouseFaceParameters) -> pd.DataFrame:
    """Test, for each event, whether similarity to its own prototype rises; animals are the unit.

    Returns
    -------
    pandas.DataFrame
        label, columns of `small_samples.one_sample`, p_adjusted (over events), rising (share of trials in
        which it rises) and n_trials.
    """
    rows = []
    own = scores[scores["label"] == scores["prototype"]].dropna(subset="delta_r")
    for label in event_order(own["label"].unique()):
        trials = own[own["label"] == label]
        means = trials.groupby("animal")["delta_r"].mean().to_numpy(float)
        found = one_sample(means, level=parameters.level) if len(means) > 1 else {"n": len(means)}
        share = float((trials["delta_r"] > 0).mean())
        about = {"label": label, "rising": share, "n_trials": len(trials)}
        rows.append({**about, "estimate": means.mean(), **found})
    columns = ["label", "estimate", "lower", "upper", "t", "df", "p", "p_exact", "effect_size", "n"]
    tests = pd.DataFrame(rows).reindex(columns=[*columns, "rising", "n_trials"])
    tests["p_adjusted"] = tests["p"]
    known = tests["p"].notna()
    if known.any():
        tests.loc[known, "p_adjusted"] = with_adjusted(tests[known], parameters.adjust)["p_adjusted"]
    return tests


def draw_similarity(
    frames: pd.DataFrame, found: pd.DataFrame, parameters: MouseFaceParameters, names: EmotionNames
) -> Figure:
    """Draw the change of similarity to each prototype (rows) in each trial (columns, by event)."""
    events = event_order(frames["label"].unique())
    rows = event_order(found.columns)
    trials = [(label, trial) for label in events for trial in _trials(frames, label)]
    matrix = np.concatenate([_binned(frames, found[rows], trial, parameters) for _, trial in trials], axis=1)
    width = matrix.shape[1] // len(trials)
    limit = float(np.nanquantile(np.abs(matrix), 0.99)) or 1.0
    with report_style():
        figure = new_figure(width_mm=FULL_WIDTH_MM, height_mm=24.0 + 6.0 * len(rows))
        panel = figure.subplots()
        panel.set_facecolor("#DDDDDD")
        image = panel.imshow(
            matrix, cmap=CHANGE_MAP, vmin=-limit, vmax=limit, interpolation="none", aspect="auto"
        )
        _mark_trials(panel, [label for label, _ in trials], width, parameters, names)
        panel.set_yticks(range(len(rows)), [names.event_and_emotion(label) for label in rows])
        panel.set_ylabel("Prototype")
        bar = figure.colorbar(image, ax=panel, aspect=14, pad=0.01)
        bar.set_label("Change of similarity (r)")
    return figure


def _trials(frames: pd.DataFrame, label: str) -> list[int]:
    return [int(trial) for trial in pd.unique(frames.loc[frames["label"] == label, "trial"])]


def _binned(
    frames: pd.DataFrame, found: pd.DataFrame, trial: int, parameters: MouseFaceParameters
) -> np.ndarray:
    """Return the similarity of one trial minus that of its rest, in bins; NaN where no frame is valid."""
    own = (frames["trial"] == trial).to_numpy()
    since, values = frames.loc[own, "since_s"].to_numpy(float), found[own].to_numpy(float)
    rest = (since < 0) & (since >= -parameters.baseline_s - 1e-9)
    values = values - (values[rest].mean(axis=0) if rest.any() else np.nan)
    n_before, n_after = round(parameters.before_s / BIN_S), round(parameters.during_s / BIN_S)
    place = np.floor(since / BIN_S + 1e-6).astype(int) + n_before
    binned = np.full((values.shape[1], n_before + n_after), np.nan)
    for number in np.intersect1d(place, np.arange(n_before + n_after)):
        binned[:, number] = values[place == number].mean(axis=0)
    return binned


def _mark_trials(
    panel: Axes, labels: list[str], width: int, parameters: MouseFaceParameters, names: EmotionNames
) -> None:
    """Separate trials, mark onsets, and name events on a strip above."""
    colours = event_colours(labels)
    onset = round(parameters.before_s / BIN_S)
    for place in range(len(labels)):
        start = place * width - 0.5
        first = place == 0 or labels[place] != labels[place - 1]
        panel.axvline(start, color="white", linewidth=2.0 if first else 0.8)
        panel.axvline(start + onset, color=INK, linewidth=0.5, linestyle=(0, (2, 2)))
        if first:
            n_trials = labels.count(labels[place])
            strip = Rectangle(
                (start, 1.01), n_trials * width, 0.05, transform=panel.get_xaxis_transform(),
                color=colours[labels[place]], clip_on=False, linewidth=0,
            )  # fmt: skip
            panel.add_patch(strip)
            panel.text(
                start + n_trials * width / 2, 1.08, names.event(labels[place]), ha="center", va="bottom",
                transform=panel.get_xaxis_transform(), fontsize=7,
            )  # fmt: skip
    panel.set_xticks([])
    panel.set_xlabel(
        f"Trials, each {parameters.before_s:g} s before to {parameters.during_s:g} s after its onset (dashed)"
    )
    for spine in panel.spines.values():
        spine.set_visible(False)
    panel.tick_params(left=False)


def _claims(
    tests: pd.DataFrame, parameters: MouseFaceParameters, names: EmotionNames
) -> list[dict[str, Any]]:
    rows = []
    for row in tests.to_dict("records"):
        claim: dict[str, Any] = {"claim": f"{names.event(row['label'])}: the face becomes like its prototype"}
        if parameters.unit == "animals":
            known = np.isfinite(row["p_adjusted"])
            holds = bool(row["p_adjusted"] <= parameters.alpha_p and row["estimate"] > 0) if known else None
            claim |= {key: row[key] for key in ("estimate", "lower", "upper")}
            claim |= {"unit": "r", "p": row["p_adjusted"], "n": mice(int(row["n"]))}
            claim["test"] = "t test of animals"
        else:
            holds = bool(row["rising"] >= parameters.by_eye_share)
            claim |= {
                "estimate": row["estimate"], "unit": "r", "n": f"{row['n_trials']:.0f} trials",
                "test": f"by eye: similarity rises in {100 * row['rising']:.0f} % of trials",
            }  # fmt: skip
        rows.append({**claim, "holds": holds})
    return rows


def _sentence(tests: pd.DataFrame, parameters: MouseFaceParameters, names: EmotionNames) -> str:
    if parameters.unit == "trials":
        told = listed(
            f"{names.event(row['label'])} {100 * row['rising']:.0f} %" for row in tests.to_dict("records")
        )
        return (
            "Similarity to its own prototype, which the trial is part of, rises in this share of trials: "
            f"{told}."
        )
    if tests["p"].isna().all():
        return "With one animal it cannot be tested whether similarity to the own prototype rises."
    rising = tests[(tests["p_adjusted"] <= parameters.alpha_p) & (tests["estimate"] > 0)]
    told = listed(
        f"{names.event(row['label'])} (by {number_words(row['estimate'])}, {p_words(row['p_adjusted'])})"
        for row in rising.to_dict("records")
    )
    if rising.empty:
        return "In no event did the face become more like the prototype of that event, made of other trials."
    return f"The face became more like the prototype of its event, made of other trials, at {told}."


def _caption(trials: pd.DataFrame, animal: str, parameters: MouseFaceParameters) -> str:
    own = (
        "made without the trial that is scored"
        if parameters.cross_fitted
        else "made of the same trials that are scored, as in the paper"
    )
    return (
        f"As Fig. 2B. Correlation of each frame of one animal ({animal}, that with most events and trials) "
        f"with each prototype, minus its mean over the {parameters.baseline_s:g} s before the onset; "
        f"prototypes are {own}. Grey: no valid frame. Tests: all animals, {counted(trials)}."
    )


def _doubts(parameters: MouseFaceParameters) -> tuple[str, ...]:
    if parameters.cross_fitted:
        return ()
    return (
        "Trials are scored with prototypes that they are part of: similarity rises in nearly every trial "
        "even where events do nothing.",
    )


def _test_table(tests: pd.DataFrame) -> Table:
    return Table(
        name="figure_2b_own_prototype",
        caption="Change of similarity to the event's own prototype, from the rest before to the time during "
        "it.",
        data=tests,
        columns={
            "label": Column(description="Event.", heading="Event"),
            "estimate": Column(description="Mean of animals.", kind="number", unit="r", heading="Change (r)"),
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
            "rising": Column(
                description="Share of trials in which it rises.", kind="number", heading="Share of trials"
            ),
        },
    )


def score_table(name: str, scores: pd.DataFrame, panel: str) -> Table:
    """Make the table of all trials and prototypes; for several panels."""
    about = {
        "animal": Column(description="Animal."),
        "session_id": Column(description="Session."),
        "trial": Column(description="Number of the trial within the animal.", kind="count"),
        "event": Column(description="Event."),
        "label": Column(description="What the figure calls it."),
        "value": Column(description="Strength of the stimulus, in `unit`.", kind="number"),
        "unit": Column(description="Unit of the strength.", missing=""),
        "condition": Column(description="Condition of the session.", missing=""),
        "laser": Column(description="Whether there was light."),
        "prototype": Column(description="Event of the prototype."),
        "before": Column(description="Mean correlation at rest before the onset.", kind="number", unit="r"),
        "during": Column(description="Mean correlation during the event.", kind="number", unit="r"),
        "delta_r": Column(description="during minus before.", kind="number", unit="r"),
        "z": Column(
            description="delta_r in standard deviations of the frames at rest.", kind="number", unit="SD"
        ),
    }
    columns = {key: column for key, column in about.items() if key in scores}
    caption = f"Similarity of every trial to every prototype ({panel})."
    return Table(name=name, caption=caption, data=scores, columns=columns)
