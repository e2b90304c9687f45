"""Reading the rules of a schedule: order and intervals; and what is asked about before it is used."""

from __future__ import annotations

import math
from collections import Counter
from typing import cast, get_args

import numpy as np

from experiments.mouse_face.schedule_file import Section, meant
from experiments.mouse_face.schedule_parts import (
    AcrossAnimals,
    IntervalKind,
    Intervals,
    Order,
    OrderKind,
    RunsOf,
    Schedule,
    Stimulus,
)
from experiments.mouse_face.trial_order import draw_intervals_s, draw_trials

SHORTEST_CALM_S = 15.0
"""Expressions that outlast this are rare enough (about 17 %, paper, Fig. 3B)."""


def read_order(section: Section, stimuli: tuple[Stimulus, ...]) -> Order:
    """Read the part ``order``, or the bare word of a kind."""
    kinds = get_args(OrderKind)
    part = section.section("order") if section.is_section("order") else None
    if part is None:
        return Order(kind=cast(OrderKind, section.choice("order", kinds, default="random_blocks")))
    kind = part.choice("kind", kinds, default="random_blocks")
    longest_run = part.number("longest_run", least=1, whole=True, default=math.nan)
    runs_of = part.choice("runs_of", get_args(RunsOf), default="stimulus")
    sequence = tuple(part.texts("sequence"))
    across = part.choice("across_animals", get_args(AcrossAnimals), default="same")
    animals = tuple(part.texts("animals"))
    random = kind in ("random_blocks", "random")
    for name, fitting, kinds_of_it in (
        ("longest_run", random, "random_blocks or random"),
        ("runs_of", random, "random_blocks or random"),
        ("sequence", kind == "fixed", "fixed"),
        ("across_animals", kind in ("fixed", "paper_blocked"), "fixed or paper_blocked"),
        ("animals", not random, "latin_square, fixed or paper_blocked"),
    ):
        if part.has(name) and not fitting and kind:
            part.refuse(
                f"order.{name} has no meaning with the order {kind}: only with {kinds_of_it}", name=name
            )
    labels = [stimulus.label for stimulus in stimuli]
    for label in sequence:
        if label not in labels and labels:
            part.refuse(
                f"order.sequence: there is no stimulus {label!r}; {meant(label, labels)}", name="sequence"
            )
    for animal, count in Counter(animals).items():
        if count > 1:
            part.refuse(f"order.animals has {animal} {count} times", name="animals")
    part.finish()
    return Order(
        kind=cast(OrderKind, kind),
        longest_run=None if math.isnan(longest_run) else int(longest_run),
        runs_of=cast(RunsOf, runs_of),
        sequence=sequence,
        across_animals=cast(AcrossAnimals, across),
        animals=animals,
    )


def read_intervals(section: Section) -> Intervals:
    """Read the part ``intervals``."""
    part = section.section("intervals")
    if part is None:
        if not section.has("intervals"):
            section.refuse(
                "the part 'intervals' is missing: intervals: {kind: uniform, least_s: ..., most_s: ...}"
            )
        return Intervals(kind="fixed", values_s=(0.0,))
    kind = part.choice("kind", get_args(IntervalKind))
    least_s = most_s = mean_s = math.nan
    values_s: list[float] = []
    shuffled = False
    if kind in ("uniform", "exponential"):
        least_s, most_s = part.number("least_s"), part.number("most_s")
        if least_s > most_s:
            part.refuse(f"least_s ({least_s:g}) is longer than most_s ({most_s:g})", name="least_s")
    if kind == "exponential":
        mean_s, middle_s = part.number("mean_s"), (least_s + most_s) / 2
        if not math.isnan(mean_s + middle_s) and not least_s < mean_s < middle_s:
            part.refuse(
                f"mean_s: the mean of truncated exponential intervals lies between least_s ({least_s:g}) and "
                f"the middle ({middle_s:g}), not at {mean_s:g}",
                name="mean_s",
            )
    if kind == "fixed":
        values_s = [part.number("interval_s")]
    if kind == "list":
        values_s = part.numbers("intervals_s")
        shuffled = part.flags("shuffled", default=False)[0]
    if kind:
        part.finish()
    return Intervals(
        kind=cast(IntervalKind, kind),
        least_s=least_s,
        most_s=most_s,
        mean_s=mean_s,
        values_s=tuple(values_s),
        shuffled=shuffled,
    )


def check_laser(section: Section, schedule: Schedule) -> None:
    """Refuse light without its settings, settings without light, and light that outlasts its stimulus."""
    lit = [stimulus for stimulus in schedule.stimuli if stimulus.laser]
    if lit and not section.has("laser"):
        section.refuse(
            f"{lit[0].label} has laser: true, and the part 'laser' is missing: pulse_ms, frequency_hz, "
            "duration_s, power_mw, wavelength_nm"
        )
    for stimulus in lit:
        if schedule.laser and schedule.laser.duration_s > stimulus.duration_s:
            section.refuse(
                f"the light lasts {schedule.laser.duration_s:g} s, longer than duration_s of "
                f"{stimulus.label}: {stimulus.duration_s:g}",
                name="laser",
            )
    if section.has("laser") and not lit and schedule.stimuli:
        section.refuse("no stimulus has laser: true, so the part 'laser' has no meaning", name="laser")


def check_trials(section: Section, schedule: Schedule) -> None:
    """Refuse rules that no order keeps, and a list of another number of intervals."""
    if section.n_problems:
        return
    first = schedule.order.animals[0] if schedule.order.animals else "m1"
    rng = np.random.default_rng(0)
    try:
        blocks = draw_trials(
            schedule.stimuli, schedule.order, repeats=schedule.repeats, animal=first, rng=rng
        )
    except ValueError as error:
        section.refuse(str(error), name="order")
        return
    try:
        draw_intervals_s(schedule.intervals, sum(map(len, blocks)) - 1, rng=rng)
    except ValueError as error:
        section.refuse(str(error), name="intervals")


def find_warnings(schedule: Schedule) -> tuple[str, ...]:
    """Return what a careful experimenter would ask about."""
    found = []
    intervals, order = schedule.intervals, schedule.order
    shortest_s = min(intervals.values_s, default=intervals.least_s)
    if shortest_s < SHORTEST_CALM_S:
        found.append(
            f"intervals as short as {shortest_s:g} s: about 17 % of expressions last longer than "
            f"{SHORTEST_CALM_S:g} s and would run into the next trial"
        )
    if order.kind == "paper_blocked":
        found.append(
            "paper_blocked: each stimulus has its own part of the session, so whatever drifts (light, "
            "posture, satiety) can be taken for the stimulus; random_blocks avoids that"
        )
    if len({stimulus.current_ma for stimulus in schedule.stimuli if stimulus.current_ma > 0}) > 1:
        found.append(
            "the shocker is set by hand between trials: do it early in the pause and without a sound that "
            "the animal could learn, or use one strength per session"
        )
    fixed = order.kind in ("fixed", "paper_blocked") and order.across_animals == "same"
    if fixed and sum(bool(stimulus.channel or stimulus.laser) for stimulus in schedule.stimuli) > 1:
        found.append(
            "all animals get the same order: order effects cannot be told from effects of the stimuli"
        )
    return tuple(found)
