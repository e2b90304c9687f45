"""From what the files say to what is shown: which step is done, which is next, what the clock says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from experiments.allocation.times import duration_words, minutes_between
from experiments.checklist.day import Step
from experiments.checklist.facts import Done, Facts
from experiments.checklist.texts import Texts

State = Literal["done", "begun", "next", "waiting", "late", "missed", "open"]
ClockKind = Literal["none", "early", "soon", "in_window", "late", "right", "wrong"]
SOON_MIN = 15.0
"""So long before the window the clock says that it is near (min)."""


@dataclass(frozen=True, kw_only=True)
class ShownStep:
    """A step as it is shown."""

    id: str
    label: str
    state: State
    word: str
    """The state, in words."""
    detail: str
    """When it was done, how far it is, when it is time."""
    command: str | None
    """What to type for it, with a space at its end where something has to follow; None: nothing to type."""
    can_tick: bool
    """Whether somebody may say that it is done, or take that back."""


@dataclass(frozen=True, kw_only=True)
class Clock:
    """How long ago the pill was, and what that means for the task."""

    minutes: float | None
    """Since the pill; None where none is known."""
    kind: ClockKind
    words: str


@dataclass(frozen=True, kw_only=True)
class Shown:
    """Everything on the screen."""

    title: str
    participant: str
    simulated: bool
    clock: Clock
    steps: tuple[ShownStep, ...]
    problems: tuple[str, ...]
    next_step: str | None
    """Id of the step that comes next; None when all are done."""


def show(
    facts: Facts,
    steps: Sequence[Step],
    texts: Texts,
    now: datetime,
    *,
    stimuli: Path | None = None,
    rig: Path | None = None,
) -> Shown:
    """Work out what is shown.

    Parameters
    ----------
    facts : Facts
        What the files say.
    steps : sequence of Step
        The day.
    texts : Texts
        The language.
    now : datetime
        With its time zone.
    stimuli, rig : Path or None
        Videos and rig file, for the command of the task.
    """
    steps = [step for step in steps if _applies(step, facts)]
    done = {step.id: found for step in steps if (found := _done(step, facts, now)) is not None}
    finished = {name for name, found in done.items() if found.finished}
    missed = {step.id for step in steps if step.id not in finished and step.before in done}
    following = next((step.id for step in steps if step.id not in finished | missed), None)
    shown = []
    for step in steps:
        state = _state(
            step, facts, done.get(step.id), now, missed=step.id in missed, next_one=step.id == following
        )
        shown.append(
            ShownStep(
                id=step.id,
                label=_label(step, texts),
                state=state,
                word=texts.states[state],
                detail=_detail(step, state, facts, done.get(step.id), texts, now),
                command=_command(step, facts, stimuli, rig)
                if state not in ("done", "waiting", "missed")
                else None,
                can_tick=step.kind == "tick" or (step.kind == "signals" and not _checked(facts)),
            )
        )
    return Shown(
        title=texts.window["title"].format(participant=facts.participant),
        participant=facts.participant,
        simulated=facts.simulated,
        clock=read_clock(facts, texts, now),
        steps=tuple(shown),
        problems=facts.problems,
        next_step=following,
    )


def read_clock(facts: Facts, texts: Texts, now: datetime) -> Clock:
    """Say how long ago the pill was, and what that means for the task."""
    words = texts.clock
    person = facts.person
    minutes = None if facts.pill is None else minutes_between(facts.pill, now)
    if person is not None and person.dropout is not None:
        return Clock(
            minutes=minutes, kind="wrong", words=words["dropout"].format(time=_hour(person.dropout, now))
        )
    if facts.pill is None or minutes is None:
        none = words["no_pill"] if facts.has_allocation else words["no_allocation"]
        return Clock(minutes=None, kind="none", words=none)
    first, last = facts.task_min
    if facts.task is not None and facts.task.started is not None:
        began = minutes_between(facts.pill, facts.task.started)
        verdict = "task_early" if began < first else "task_late" if began > last else "task_right"
        kind: ClockKind = "right" if verdict == "task_right" else "wrong"
        return Clock(minutes=minutes, kind=kind, words=words[verdict].format(duration=duration_words(began)))
    if minutes < 0:
        return Clock(minutes=minutes, kind="wrong", words=words["future"])
    times = {
        "first": _hour(facts.pill + timedelta(minutes=first), now),
        "last": _hour(facts.pill + timedelta(minutes=last), now),
    }
    if minutes < first:
        kind = "soon" if first - minutes <= SOON_MIN else "early"
        left = first - minutes
    else:
        kind = "in_window" if minutes <= last else "late"
        left = abs(last - minutes)
    return Clock(minutes=minutes, kind=kind, words=words[kind].format(duration=duration_words(left), **times))


def _applies(step: Step, facts: Facts) -> bool:
    """Leave out what a study without pills has not got."""
    if step.kind == "allocation":
        return facts.has_allocation
    if step.kind == "pill":
        return facts.has_allocation or facts.pill is not None
    return step.kind != "wait" or facts.has_allocation or facts.pill is not None


def _done(step: Step, facts: Facts, now: datetime) -> Done | None:
    if step.kind == "tick":
        return facts.ticks.get(step.id)
    if step.kind == "signals":
        return Done(at=_checked(facts)) if _checked(facts) else facts.ticks.get(step.id)
    if step.kind == "form":
        return facts.forms.get(_form_label(step))
    if step.kind == "allocation":
        return None if facts.person is None else Done(at=facts.person.assigned)
    if step.kind == "pill":
        return None if facts.pill is None else Done(at=facts.pill)
    if step.kind == "task":
        return None if facts.task is None else Done(at=facts.task.started, finished=facts.task.finished)
    reached = facts.pill is not None and minutes_between(facts.pill, now) >= _window(step, facts)[0]
    return Done() if reached or (facts.task is not None and step.window == "task") else None


def _state(
    step: Step, facts: Facts, done: Done | None, now: datetime, *, missed: bool, next_one: bool
) -> State:
    if done is not None and done.finished:
        return "done"
    if missed:
        return "missed"
    if done is not None:
        return "begun"
    if step.window and facts.pill is not None and minutes_between(facts.pill, now) > _window(step, facts)[1]:
        return "late"
    if not next_one:
        return "open"
    return "waiting" if step.kind == "wait" else "next"


def _detail(step: Step, state: State, facts: Facts, done: Done | None, texts: Texts, now: datetime) -> str:
    words = texts.details
    said = []
    if done is not None and done.at is not None and step.kind != "wait":
        name = "begun" if not done.finished and step.kind == "form" else "done_by" if done.by else "done_at"
        said.append(words[name].format(time=_hour(done.at, now), by=done.by))
    if step.kind == "allocation" and facts.person is not None:
        said.append(words["package"].format(package=facts.person.package))
    if step.kind == "task" and facts.task is not None:
        planned = facts.task.planned if facts.task.planned is not None else "?"
        said.append(words["trials"].format(done=facts.task.done, planned=planned))
    if step.window and done is not None and done.at is not None and facts.pill is not None:
        minutes = minutes_between(facts.pill, done.at)
        said.append(words["after_pill"].format(duration=duration_words(minutes)))
        first, last = _window(step, facts)
        if not first <= minutes <= last:
            said.append(words["outside"])
    if state == "missed" and step.before is not None:
        said.append(words["before"].format(step=texts.steps.get(step.before, step.before)))
    if done is None and step.window and facts.pill is not None:
        said.append(_when(step, state, facts, texts, now))
    return ", ".join(said)


def _when(step: Step, state: State, facts: Facts, texts: Texts, now: datetime) -> str:
    assert facts.pill is not None
    first, last = (facts.pill + timedelta(minutes=edge) for edge in _window(step, facts))
    if state == "late":
        return texts.details["overdue"].format(time=_hour(last, now))
    if step.kind == "wait":
        left = duration_words(max(0.0, minutes_between(now, first)))
        return texts.details["until"].format(time=_hour(first, now), duration=left)
    return texts.details["from_to"].format(first=_hour(first, now), last=_hour(last, now))


def _command(step: Step, facts: Facts, stimuli: Path | None, rig: Path | None) -> str | None:
    study, who = _quoted(str(facts.study)), f"--participant {facts.participant}"
    if step.kind == "form":
        named = f" --form {step.form}" + (f" --time {step.time}" if step.time else "")
        return f"python -m experiments.questionnaires {study} {who}" + (
            f" --time {step.asked}" if step.asked else named
        )
    if step.kind == "allocation":
        return f"python -m experiments.allocation {study} assign {who} --sex "
    if step.kind == "pill" and facts.has_allocation:
        return f"python -m experiments.allocation {study} pill {who} --package "
    if step.kind == "task":
        resumed = " --resume" if facts.task is not None else ""
        with_rig = f" --rig {_quoted(str(rig))}" if rig is not None and not resumed else ""
        videos = _quoted(str(stimuli)) if stimuli is not None else ""
        return f"python -m experiments.mimicry {study} {who}{resumed}{with_rig} --stimuli {videos}"
    return None


def _checked(facts: Facts) -> datetime | None:
    """Return when the session itself checked the signals."""
    return facts.task.signals if facts.task is not None else None


def _form_label(step: Step) -> str:
    return f"{step.form}_{step.time}" if step.time else str(step.form)


def _label(step: Step, texts: Texts) -> str:
    return step.label or texts.steps.get(step.id, step.id)


def _window(step: Step, facts: Facts) -> tuple[float, float]:
    return facts.mood_min if step.window == "mood" else facts.task_min


def _hour(moment: datetime, now: datetime) -> str:
    """Say a time of day, with the day where it is another."""
    local = moment.astimezone(now.tzinfo)
    return f"{local:%H:%M}" if local.date() == now.date() else f"{local:%Y-%m-%d %H:%M}"


def _quoted(text: str) -> str:
    return f'"{text}"' if any(character.isspace() for character in text) else text
