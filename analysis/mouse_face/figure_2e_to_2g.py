"""Figure 2E-G: whether expressions follow the value of a stimulus: taste, thirst, conditioned aversion."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.mouse_face.colours import event_order
from analysis.mouse_face.contrasts import (
    STATE,
    Contrast,
    contrast_claims,
    contrast_sentences,
    contrast_table,
    contrast_tests,
    crossover_claim,
    draw_contrasts,
)
from analysis.mouse_face.core_clips import example_animal
from analysis.mouse_face.example_traces import example_traces, trace_table
from analysis.mouse_face.face_data import FaceData
from analysis.mouse_face.figure_2b import score_table
from analysis.mouse_face.marks import STAR_WORDS
from analysis.mouse_face.panel import Panel, claims_table, missing_panel
from analysis.mouse_face.parameters import MouseFaceParameters
from analysis.mouse_face.phrases import counted, number_words, p_words
from analysis.mouse_face.scoring import score
from analysis.mouse_face.selection import Missing, condition_trials, valence_trials

TITLES = {
    "2E": "Do expressions tell a pleasant from an unpleasant taste of the same kind?",
    "2F": "Do expressions depend on thirst?",
    "2G": "Do expressions change when a taste becomes aversive?",
}


def panel_2e(data: FaceData, parameters: MouseFaceParameters, *, rng: np.random.Generator) -> Panel:
    """Compare a low with a high concentration of salt, by pleasant and unpleasant prototype (Fig. 2E).

    Recommended: animals as the unit, both comparisons adjusted, one test for one expression giving way to the
    other. Paper: Mann-Whitney tests of all trials.
    """
    chosen = valence_trials(data, parameters)
    if isinstance(chosen, Missing):
        return missing_panel("2E", TITLES["2E"], chosen.reason)
    trials = chosen.trials.assign(**{STATE: chosen.trials["label"]})
    values = trials.groupby("label")["value"].first()
    unit = str(trials["unit"].iloc[0])
    event = data.emotions.event(parameters.valence_event)
    words = (f"{values['low']:g} {unit}", f"{values['high']:g} {unit}")
    liked, disliked = _prototypes(data, parameters)
    low, high = words
    plan = [
        (parameters.pleasant_event, "low", "high", f"{event} is more like {liked} at {low} than at {high}"),
        (
            parameters.unpleasant_event,
            "high",
            "low",
            f"{event} is more like {disliked} at {high} than at {low}",
        ),
    ]
    crossover = f"{event}: from {low} to {high} {liked} gives way to {disliked}"
    return _panel("2E", data, parameters, trials, plan, ("low", "high"), words, crossover, chosen.notes)


def panel_2f(data: FaceData, parameters: MouseFaceParameters, *, rng: np.random.Generator) -> Panel:
    """Compare thirsty with quenched animals, by the pleasant prototype (Fig. 2F).

    Recommended: animals as the unit, comparisons adjusted over liquids. Paper: Mann-Whitney tests of all
    trials.
    """
    chosen = condition_trials(data, parameters, parameters.thirst_conditions)
    if isinstance(chosen, Missing):
        return missing_panel("2F", TITLES["2F"], chosen.reason)
    trials = chosen.trials.assign(**{STATE: chosen.trials["condition"]})
    thirsty, quenched = parameters.thirst_conditions
    liked, named = _prototypes(data, parameters)[0], data.emotions.event
    states = (thirsty, quenched)
    plan = [
        (
            parameters.pleasant_event,
            *states,
            f"{named(event)} is more like {liked} when {thirsty} than when {quenched}",
            event,
        )
        for event in event_order(trials["event"].unique())
    ]
    return _panel("2F", data, parameters, trials, plan, states, states, "", chosen.notes)


def panel_2g(data: FaceData, parameters: MouseFaceParameters, *, rng: np.random.Generator) -> Panel:
    """Compare a taste before and after it was paired with malaise, by both prototypes (Fig. 2G).

    Recommended: animals as the unit, both comparisons adjusted, one test for one expression giving way to the
    other. Paper: Mann-Whitney tests of all trials.
    """
    chosen = condition_trials(data, parameters, parameters.aversion_conditions)
    if isinstance(chosen, Missing):
        return missing_panel("2G", TITLES["2G"], chosen.reason)
    trials = chosen.trials.assign(**{STATE: chosen.trials["condition"]})
    events = event_order(trials["event"].unique())
    event = parameters.pleasant_event if parameters.pleasant_event in events else events[0]
    trials = trials[trials["event"] == event]
    before, after = parameters.aversion_conditions
    name = data.emotions.event(event)
    liked, disliked = _prototypes(data, parameters)
    plan = [
        (parameters.pleasant_event, before, after, f"{name} is more like {liked} {before} than {after}"),
        (parameters.unpleasant_event, after, before, f"{name} is more like {disliked} {after} than {before}"),
    ]
    crossover = f"{name}: from {before} to {after} {liked} gives way to {disliked}"
    states = (before, after)
    return _panel("2G", data, parameters, trials, plan, states, states, crossover, chosen.notes)


def _prototypes(data: FaceData, parameters: MouseFaceParameters) -> tuple[str, str]:
    """Name the pleasant and the unpleasant prototype, by their events."""
    liked, disliked = parameters.pleasant_event, parameters.unpleasant_event
    return f"the {data.emotions.event(liked)} prototype", f"the {data.emotions.event(disliked)} prototype"


def _panel(
    name: str,
    data: FaceData,
    parameters: MouseFaceParameters,
    trials: pd.DataFrame,
    plan: Sequence[tuple[str, ...]],
    order: tuple[str, str],
    words: tuple[str, str],
    crossover: str,
    notes: tuple[str, ...],
) -> Panel:
    """Make the panel of a plan: rows of prototype, first and second state, claim, and event if it matters."""
    scores = score(data, trials.assign(label=trials["event"]), parameters)
    state = trials.set_index(["animal", "trial"])[STATE]
    scores[STATE] = state.reindex(pd.MultiIndex.from_frame(scores[["animal", "trial"]])).to_numpy()
    wanted = dict.fromkeys(row[0] for row in plan)
    absent = [label for label in wanted if label not in set(scores["prototype"])]
    if absent:
        reason = f"no animal of these trials has a prototype of {', '.join(absent)}"
        return missing_panel(name, TITLES[name], reason)
    animal = example_animal(trials.assign(label=trials["event"] + "\t" + trials[STATE]))
    contrasts = [_contrast(data, parameters, trials, scores, animal, row, order, words) for row in plan]
    tests, doubts = contrast_tests(contrasts, parameters)
    claims = contrast_claims(tests, parameters)
    sentences = contrast_sentences(tests, parameters)
    if crossover:
        claims.append(crossover_claim(contrasts, tests, crossover, parameters))
        sentences = (*sentences, *_crossover_sentence(claims[-1]))
    stem = f"figure_{name.lower()}"
    parts = [(one.title, one.traces) for one in contrasts]
    return Panel(
        name=name,
        title=TITLES[name],
        draw=lambda: draw_contrasts(contrasts, tests, parameters),
        caption=_caption(name, trials, animal, parameters),
        tables=(
            contrast_table(f"{stem}_comparisons", tests, f"Fig. {name}", parameters),
            score_table(f"{stem}_scores", scores[scores["prototype"].isin(list(wanted))], f"Fig. {name}"),
            trace_table(f"{stem}_traces", parts, animal, f"Fig. {name}"),
        ),
        claims=claims_table(claims),
        sentences=sentences,
        warnings=(*notes, *doubts),
    )


def _contrast(
    data: FaceData,
    parameters: MouseFaceParameters,
    trials: pd.DataFrame,
    scores: pd.DataFrame,
    animal: str,
    row: tuple[str, ...],
    order: tuple[str, str],
    words: tuple[str, str],
) -> Contrast:
    prototype, first, second, claim, *event = row
    part = scores[scores["prototype"] == prototype]
    shown = trials[trials["animal"] == animal]
    names = data.emotions
    if event:
        part, shown = part[part["event"] == event[0]], shown[shown["event"] == event[0]]
    given = names.event(str(part["event"].iloc[0]))
    title = f"{given}: likeness to\n{names.event_and_emotion(prototype)}"
    traces = example_traces(data, shown.assign(label=shown["event"]), prototype, STATE, parameters)
    return Contrast(claim, title, prototype, first, second, part, traces, order, words)


def _crossover_sentence(claim: dict[str, object]) -> tuple[str, ...]:
    estimate, p = claim.get("estimate"), claim.get("p")
    if not isinstance(estimate, float) or not isinstance(p, float):
        return ()
    return (f"One expression for the other, in one test: {number_words(estimate)} ({p_words(p)}).",)


def _caption(name: str, trials: pd.DataFrame, animal: str, parameters: MouseFaceParameters) -> str:
    marks = (
        "Below: change of similarity in all animals; dots means of animals, joined; diamonds: mean with "
        f"{100 * parameters.level:g} % interval; stars: t test of animals, adjusted "
        f"({parameters.adjust.capitalize()}) over the comparisons shown"
        if parameters.unit == "animals"
        else "Below: similarity in all trials, boxes in the style of Tukey; stars: Mann-Whitney tests of "
        "trials"
    )
    return (
        f"As Fig. {name}. Above: similarity to a prototype in one mouse ({animal}), in standard deviations "
        f"of the {parameters.baseline_s:g} s before the onset; mean and SEM of its trials; grey: the "
        f"stimulus. {marks}. Prototypes: as in Fig. 2A. {counted(trials)}. {STAR_WORDS}."
    )
