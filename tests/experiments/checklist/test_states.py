"""What the checklist says at each moment of a day, worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from experiments.allocation.register import Allocated, Place
from experiments.checklist.day import read_day
from experiments.checklist.facts import Done, Facts, TaskProgress
from experiments.checklist.states import Shown, ShownStep, show
from experiments.checklist.text import as_text
from experiments.checklist.texts import read_texts

NINE = datetime(2026, 11, 23, 9, 0, tzinfo=timezone(timedelta(hours=1)))
PERSON = Allocated(
    participant="007",
    stratum="F",
    package="CDF-34D",
    packages=("CDF-34D",),
    place=Place(stratum="F", position=1, package="CDF-34D"),
    assigned=NINE - timedelta(minutes=5),
)
EMPTY = Facts(
    study=Path("study"),
    participant="007",
    has_allocation=True,
    mood_min=(150.0, 210.0),
    task_min=(210.0, 270.0),
)
DAY = read_day()
TEXTS = read_texts("en")


def after(minutes: float) -> datetime:
    return NINE + timedelta(minutes=minutes)


def shown(facts: Facts, minutes: float = 0.0, language: str = "en") -> Shown:
    return show(facts, DAY, read_texts(language), after(minutes))


def steps(facts: Facts, minutes: float = 0.0) -> dict[str, ShownStep]:
    return {step.id: step for step in shown(facts, minutes).steps}


def states(facts: Facts, minutes: float = 0.0) -> dict[str, str]:
    return {name: step.state for name, step in steps(facts, minutes).items()}


MORNING_FORMS = {name: Done(at=after(-30)) for name in ("demographics", "body", "nausea_t1", "panas_t1")}
PILL = replace(
    EMPTY,
    forms=MORNING_FORMS,
    ticks={"consent": Done(at=after(-40), by="CB")},
    person=PERSON,
    pill=NINE,
)
T2 = replace(PILL, forms={**MORNING_FORMS, "nausea_t2": Done(at=after(180)), "panas_t2": Done(at=after(181))})
READY = replace(
    T2, ticks={name: Done(at=after(200), by="CB") for name in ("consent", "electrodes", "signals")}
)


def test_a_new_participant_begins_with_the_consent() -> None:
    found = states(EMPTY)
    assert found.pop("consent") == "next"
    assert set(found.values()) == {"open"}
    assert shown(EMPTY).clock.kind == "none"
    assert shown(EMPTY).clock.words == "No pill written down yet"


def test_the_day_goes_on_step_by_step() -> None:
    assert shown(replace(EMPTY, ticks=PILL.ticks)).next_step == "demographics"
    assert shown(replace(PILL, person=None, pill=None)).next_step == "allocation"
    assert shown(replace(PILL, pill=None)).next_step == "pill"
    assert shown(PILL, 10).next_step == "wait_mood"
    assert shown(PILL, 151).next_step == "nausea_t2"
    assert shown(T2, 185).next_step == "electrodes"
    assert shown(READY, 205).next_step == "wait_task"
    assert shown(READY, 211).next_step == "task"
    running = replace(READY, task=TaskProgress(started=after(240), done=37, planned=96, finished=False))
    assert shown(running, 250).next_step == "task"
    assert states(running, 250)["task"] == "begun"
    over = replace(READY, task=TaskProgress(started=after(240), done=96, planned=96, finished=True))
    assert shown(over, 270).next_step == "guess"
    ended = replace(
        over,
        forms={**T2.forms, "guess": Done(at=after(275))},
        ticks={**READY.ticks, "debrief": Done(at=after(280), by="CB")},
    )
    assert shown(ended, 281).next_step is None
    assert set(states(ended, 281).values()) == {"done"}


def test_waiting_says_how_long_and_hides_the_command() -> None:
    wait = steps(PILL, 100)["wait_mood"]
    assert (wait.state, wait.detail, wait.command) == ("waiting", "at 11:30, in 50 min", None)
    task = steps(PILL, 100)["task"]
    assert task.detail == "12:30 to 13:30"


@pytest.mark.parametrize(
    ("minutes", "kind", "words"),
    [
        (0, "early", "Too early for the task. It may begin at 12:30, in 3 h 30 min."),
        (194, "early", "Too early for the task. It may begin at 12:30, in 16 min."),
        (195, "soon", "Soon: the task may begin at 12:30, in 15 min."),
        (209.9, "soon", "Soon: the task may begin at 12:30, in 0 min."),
        (210, "in_window", "The task may begin now, until 13:30 (1 h 00 min left)."),
        (270, "in_window", "The task may begin now, until 13:30 (0 min left)."),
        (280, "late", "TOO LATE for the task by 10 min: it was to begin by 13:30."),
        (-3, "wrong", "The pill is in the future by this computer's clock: check the clock."),
    ],
)
def test_the_clock(minutes: float, kind: str, words: str) -> None:
    clock = shown(READY, minutes).clock
    assert (clock.kind, clock.words) == (kind, words)
    assert clock.minutes == minutes


@pytest.mark.parametrize(
    ("began", "kind", "verdict"),
    [(200, "wrong", "too early"), (252, "right", "as planned"), (300, "wrong", "too late")],
)
def test_after_its_begin_the_task_is_judged_by_its_begin(began: float, kind: str, verdict: str) -> None:
    facts = replace(READY, task=TaskProgress(started=after(began), done=1, planned=96, finished=False))
    clock = shown(facts, 600).clock
    assert clock.kind == kind
    assert clock.words.endswith(f"{verdict}.")


def test_the_clock_goes_on_after_midnight_and_says_the_day() -> None:
    late = replace(READY, pill=after(14 * 60))
    clock = show(late, DAY, TEXTS, after(14 * 60 + 30)).clock
    assert clock.minutes == 30
    assert "It may begin at 2026-11-24 02:30, in 3 h 00 min" in clock.words
    clock = show(late, DAY, TEXTS, after(15 * 60 + 30)).clock
    assert clock.minutes == 90
    assert "It may begin at 02:30, in 2 h 00 min" in clock.words


def test_what_should_have_been_before_the_pill_is_missed() -> None:
    facts = replace(PILL, forms={}, ticks={})
    found = steps(facts, 20)
    assert found["panas_t1"].state == "missed"
    assert found["panas_t1"].detail == "was to be done before: Pill taken"
    assert found["consent"].state == "missed"
    assert found["consent"].can_tick
    assert found["panas_t1"].command is None
    # it is not what comes next; what can still be done is
    assert shown(facts, 20).next_step == "demographics"


def test_a_late_questionnaire_is_late_but_can_be_done() -> None:
    late = steps(PILL, 215)["nausea_t2"]
    assert (late.state, late.word, late.detail) == ("late", "TOO LATE", "was to begin by 12:30")
    assert shown(PILL, 215).next_step == "nausea_t2"
    assert late.command is not None


def test_details_say_when_and_what() -> None:
    running = replace(READY, task=TaskProgress(started=after(240), done=37, planned=96, finished=False))
    found = steps(running, 250)
    assert found["consent"].detail == "12:20, CB"
    assert found["allocation"].detail == "08:55, package CDF-34D"
    assert found["panas_t2"].detail == "12:01, 3 h 01 min after the pill"
    assert found["task"].detail == "13:00, 37 of 96 trials, 4 h 00 min after the pill"
    late = replace(READY, forms={**MORNING_FORMS, "panas_t2": Done(at=after(215))})
    assert steps(late, 250)["panas_t2"].detail == "12:35, 3 h 35 min after the pill, not in the planned time"
    begun = replace(PILL, forms={**MORNING_FORMS, "nausea_t2": Done(at=after(160), finished=False)})
    assert steps(begun, 170)["nausea_t2"].state == "begun"
    assert "not finished" in steps(begun, 170)["nausea_t2"].detail


def test_signals_are_ticked_or_checked_by_the_session() -> None:
    ticked = steps(READY, 220)["signals"]
    assert (ticked.state, ticked.can_tick) == ("done", True)
    unticked = replace(READY, ticks={name: READY.ticks[name] for name in ("consent", "electrodes")})
    assert shown(unticked, 205).next_step == "signals"
    task = TaskProgress(started=after(240), done=1, planned=96, finished=False)
    assert steps(replace(unticked, task=task), 250)["signals"].state == "missed"
    checked = steps(replace(unticked, task=replace(task, signals=after(238))), 250)["signals"]
    assert (checked.state, checked.detail, checked.can_tick) == ("done", "12:58", False)


def test_commands_can_be_typed() -> None:
    spaced = replace(READY, study=Path("my study"))
    assert steps(spaced, 220)["task"].command == (
        'python -m experiments.mimicry "my study" --participant 007 --stimuli '
    )
    assert steps(EMPTY)["panas_t1"].command == (
        "python -m experiments.questionnaires study --participant 007 --time t1"
    )
    running = replace(READY, task=TaskProgress(started=after(240), done=1, planned=96, finished=False))
    assert "--resume" in str(steps(running, 250)["task"].command)


def test_the_command_of_the_task_is_complete_with_videos_and_rig() -> None:
    def command(facts: Facts, minutes: float) -> str | None:
        found = show(facts, DAY, TEXTS, after(minutes), stimuli=Path("my videos"), rig=Path("rig.toml"))
        return {step.id: step.command for step in found.steps}["task"]

    started = "python -m experiments.mimicry study --participant 007"
    assert command(READY, 220) == f'{started} --rig rig.toml --stimuli "my videos"'
    running = replace(READY, task=TaskProgress(started=after(240), done=1, planned=96, finished=False))
    assert command(running, 250) == f'{started} --resume --stimuli "my videos"'  # the rig is in its record


def test_a_command_that_has_to_be_completed_says_so() -> None:
    assert "--stimuli ..." in as_text(shown(READY, 220), TEXTS)
    complete = show(READY, DAY, TEXTS, after(220), stimuli=Path("videos"))
    assert "--stimuli videos\n" in as_text(complete, TEXTS)


def test_a_study_without_pills_has_no_pill_steps() -> None:
    found = states(replace(EMPTY, has_allocation=False))
    assert not {"allocation", "pill", "wait_mood", "wait_task"} & set(found)
    assert {"consent", "panas_t1", "task"} <= set(found)
    assert "no allocation" in shown(replace(EMPTY, has_allocation=False)).clock.words


def test_a_dropout_is_said_on_top() -> None:
    gone = replace(PILL, person=replace(PERSON, dropout=after(60)))
    assert shown(gone, 90).clock.words == "This participant has left the study (10:00)."
    assert shown(gone, 90).clock.kind == "wrong"


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("facts", [EMPTY, PILL, T2, READY, replace(PILL, forms={})])
def test_as_text(facts: Facts, language: str) -> None:
    screen = shown(replace(facts, problems=("one thing",), simulated=True), 160, language)
    text = as_text(screen, read_texts(language))
    for step in screen.steps:
        assert step.label in text
    assert screen.clock.words in text
    assert "! one thing" in text
    assert ("SIMULATED" if language == "en" else "SIMULIERT") in text
    assert text.count("python -m") <= 1


def test_no_text_names_a_group() -> None:
    text = as_text(shown(READY, 220), TEXTS)
    assert not any(word in text.lower() for word in ("placebo", "naltrexone", "group a"))
