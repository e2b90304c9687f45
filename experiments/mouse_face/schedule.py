"""Schedules: which stimuli an animal meets in a session, how often, in which order and how far apart.

A schedule is a file (YAML, see docs/mouse_schedules.md). `read_schedule` checks it, `expand` draws the table
of trials from it, `totals` says what the animal gets, `timeline_text` and `timeline_figure` show it.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import cast, get_args

import numpy as np
import pandas as pd
import yaml

from experiments.mouse_face.schedule_file import Problem, ScheduleError, Section, Stated, compose, meant
from experiments.mouse_face.schedule_parts import (
    AcrossAnimals,
    IntervalKind,
    Intervals,
    Laser,
    Order,
    OrderKind,
    RunsOf,
    Schedule,
    Stimulus,
)
from experiments.mouse_face.schedule_stimuli import read_laser, read_stimuli
from experiments.mouse_face.schedule_values import fill_in, leaves, parse_values
from experiments.mouse_face.timeline import timeline_figure, timeline_text
from experiments.mouse_face.trial_order import draw_intervals_s, draw_trials
from experiments.mouse_face.trial_table import expand, totals

__all__ = [
    "Intervals",
    "Laser",
    "Order",
    "Schedule",
    "ScheduleError",
    "Stimulus",
    "expand",
    "list_schedules",
    "missing_values",
    "parse_values",
    "read_schedule",
    "schedule_path",
    "sources",
    "timeline_figure",
    "timeline_text",
    "totals",
]

READY = Path(__file__).resolve().parent / "schedules"
"""Folder of the ready schedules."""
SHORTEST_CALM_S = 15.0
"""Expressions that outlast this are rare enough (about 17 %, paper, Fig. 3B)."""
STATED_BY_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


def read_schedule(path_or_name: Path | str, *, values: Mapping[str, str] | None = None) -> Schedule:
    """Read and check a schedule.

    Parameters
    ----------
    path_or_name : Path or str
        A file, or the bare name of a ready schedule, such as ``tastants``.
    values : mapping of str to str, optional
        Values given for this session: name of a setting, such as ``tail_shock.current_ma``, and its value as
        it would stand in the file. `parse_values` makes it from ``name=value`` texts.

    Returns
    -------
    Schedule
        Its `text` is the file's text with these values, and is what a session should keep.

    Raises
    ------
    ScheduleError
        If something cannot be right, or a value that only the user can give is missing. The message has one
        line per problem, with file and line. It is a ValueError.
    FileNotFoundError
        If there is no such file or ready schedule.

    Examples
    --------
    >>> schedule = read_schedule("tastants")
    >>> schedule.repeats, [stimulus.label for stimulus in schedule.stimuli]
    (3, ['sucrose', 'quinine', 'neutral'])
    """
    path = schedule_path(path_or_name)
    text = _read_text(path)
    text = fill_in(text, values or {}, path.name)
    problems: list[Problem] = []
    stated: list[Stated] = []
    section = Section(compose(text, path.name), "", problems, stated)
    schedule = _read_parts(section, name=path.stem, text=text, file=str(path))
    section.finish()
    if problems:
        raise ScheduleError(path.name, problems)
    object.__setattr__(schedule, "stated", tuple(stated))
    return schedule


def schedule_path(path_or_name: Path | str) -> Path:
    """Return the file of a schedule, given by its path or by the bare name of a ready one.

    Raises
    ------
    FileNotFoundError
        If there is none.
    """
    path = Path(path_or_name)
    if path.is_file():
        return path
    ready = {file.stem: file for file in sorted(READY.glob("*.yaml"))}
    if path.name == str(path_or_name) and path.name.removesuffix(".yaml") in ready:
        return ready[path.name.removesuffix(".yaml")]
    hint = meant(path.stem, list(ready))
    if path.is_dir():
        raise FileNotFoundError(f"{path} is a folder: expected a schedule (YAML); ready ones: {hint}")
    raise FileNotFoundError(f"there is no schedule {str(path_or_name)!r}; {hint}")


def missing_values(path_or_name: Path | str) -> pd.DataFrame:
    """Return what a schedule needs from the user: `setting`, `what` and `line`, a row each.

    Examples
    --------
    >>> missing_values("tail_shocks")["setting"].tolist()
    ['tail_shock.current_ma', 'tail_shock.pulse_ms']
    """
    path = schedule_path(path_or_name)
    rows = []
    for setting, node in leaves(compose(_read_text(path), path.name)):
        parts = (
            {str(key.value): value for key, value in node.value} if isinstance(node, yaml.MappingNode) else {}
        )
        if "required" in parts and "value" not in parts:
            what = str(parts["required"].value)
            rows.append((setting.removeprefix("stimuli."), what, node.start_mark.line + 1))
    return pd.DataFrame(rows, columns=["setting", "what", "line"])


def list_schedules() -> pd.DataFrame:
    """Return the ready schedules: `name`, `title`, `paper` (figures), `needs` (what the user must give)."""
    rows = []
    for path in sorted(READY.glob("*.yaml")):
        found = {name: node.value for name, node in leaves(compose(_read_text(path), path.name))}
        needs = ", ".join(missing_values(path)["setting"])
        rows.append((path.stem, found["title"], found.get("paper", ""), needs))
    return pd.DataFrame(rows, columns=["name", "title", "paper", "needs"])


def sources(schedule: Schedule) -> pd.DataFrame:
    """Return every number of a schedule and where it comes from: `setting`, `value`, `source`, `line`."""
    numbers = sorted((one for one in schedule.stated if one.number), key=lambda one: one.line)
    rows = [(one.setting, one.value, one.source, one.line) for one in numbers]
    return pd.DataFrame(rows, columns=["setting", "value", "source", "line"])


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(
            f"{path}: the text is not in UTF-8; in the editor choose 'Save as' and the encoding UTF-8"
        ) from None


def _read_parts(section: Section, *, name: str, text: str, file: str) -> Schedule:
    """Read all parts of a file; problems are noted in the section."""
    name = section.text("name", default=re.sub(r"[^A-Za-z0-9_-]", "_", name))
    if not STATED_BY_NAME.fullmatch(name):
        section.refuse(f"the name {name!r} may have letters, digits, - and _ only", name="name")
    stimuli_part, laser_part = section.section("stimuli"), section.section("laser")
    if stimuli_part is None and not section.has("stimuli"):
        section.refuse("the part 'stimuli' is missing: what the animal meets, each with its channel")
    stimuli = read_stimuli(stimuli_part) if stimuli_part else ()
    order = _read_order(section, stimuli)
    animals = section.number("paper_animals", least=1, whole=True, default=math.nan)
    laser = read_laser(laser_part) if laser_part else None
    schedule = Schedule(
        name=name,
        title=section.text("title"),
        description=section.text("description", default=""),
        paper=section.text("paper", default=""),
        paper_animals=None if math.isnan(animals) else int(animals),
        sessions=_count(section.number("sessions", least=1, whole=True, default=1)),
        condition=section.text("condition", default="n/a"),
        site=section.text("site", default=""),
        groups=tuple(section.texts("groups")),
        before=tuple(section.texts("before")),
        lead_in_s=section.number("lead_in_s"),
        lead_out_s=section.number("lead_out_s"),
        repeats=_read_repeats(section, order),
        stimuli=stimuli,
        order=order,
        intervals=_read_intervals(section),
        laser=laser,
        text=text,
        file=file,
    )
    _check_laser(section, schedule)
    _check_trials(section, schedule)
    object.__setattr__(schedule, "warnings", _warnings(schedule))
    return schedule


def _read_repeats(section: Section, order: Order) -> int:
    if order.sequence:
        if section.has("repeats"):
            section.refuse("repeats has no meaning beside order.sequence: leave it out", name="repeats")
            section.ignore("repeats")
        return 1
    return _count(section.number("repeats", least=1, most=10_000, whole=True))


def _count(value: float) -> int:
    """Return a whole number; 1 in place of one that was wrong, which has been noted."""
    return 1 if math.isnan(value) else int(value)


def _read_order(section: Section, stimuli: tuple[Stimulus, ...]) -> Order:
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


def _read_intervals(section: Section) -> Intervals:
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


def _check_laser(section: Section, schedule: Schedule) -> None:
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


def _check_trials(section: Section, schedule: Schedule) -> None:
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


def _warnings(schedule: Schedule) -> tuple[str, ...]:
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
    if fixed and len(schedule.stimuli) > 1:
        found.append(
            "all animals get the same order: order effects cannot be told from effects of the stimuli"
        )
    return tuple(found)
