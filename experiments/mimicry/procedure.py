"""The course of a session: instructions, practice, blocks with breaks, end."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import groupby

from experiments.display import Watched
from experiments.mimicry.design import Trial
from experiments.mimicry.learn_key import learn_response_key
from experiments.mimicry.trial import Stage, run_trial
from experiments.session import SessionStopped

CONTINUE_KEYS = ("space", "return")
"""Keys that turn a page, beside the response key."""

ESCAPED = "the session was ended with the escape key"
"""Reason of a session that the experimenter ended."""

END_PAGE_S = 5.0
"""Longest time that the last page is shown; our choice."""


def run_session(trials: Sequence[Trial], stage: Stage) -> None:
    """Run the trials with the pages around them.

    Parameters
    ----------
    trials : sequence of Trial
        What is to be shown, in order; for a resumed session, what is left.
    stage : Stage
        Screen, keys, trigger line, log.

    Raises
    ------
    SessionStopped
        If the escape key was pressed and the question answered with yes; everything is written.
    """
    stage.display.rehearse(all_texts(trials, stage))
    mark(stage, "session_start")
    if stage.keep_learned_keys is not None and (learned := learn_response_key(stage)):
        stage.keep_learned_keys(learned)
        stage = replace(stage, response_keys=learned)
    if trials:
        stage.display.prepare(stage.films[trials[0].video])
        show_page(stage, "instructions", turn_to(trials[0]), event="instructions")
    previous: int | None = None
    upcoming = [*trials[1:], None]
    for block, pairs in groupby(zip(trials, upcoming, strict=True), key=lambda pair: pair[0].block):
        if block > 0:
            before_block(block, stage, previous=previous)
        for trial, following in pairs:
            run_trial(trial, stage, following=following)
            if stage.keys.escape_pressed and following is not None:
                ask_whether_to_stop(stage)
        previous = block
    mark(stage, "session_end")
    with suppress(SessionStopped, KeyboardInterrupt):  # everything was shown: nothing is left to be stopped
        show_page(stage, "end", longest_s=END_PAGE_S, keys=(*stage.response_keys, *CONTINUE_KEYS))


def all_texts(trials: Sequence[Trial], stage: Stage) -> list[str]:
    """Return everything that will be read, so that it can be laid out before anything is timed."""
    pages = [("break",), ("end",), ("stop_question",), ("practice_done", "to_trials")]
    pages += [("instructions", turn_to(trials[0]))] if trials else []
    return [*stage.texts.feedback.values(), *(page_text(stage, *names) for names in pages)]


def page_text(stage: Stage, *pages: str) -> str:
    """Return the texts of a page, one below the other."""
    return "\n\n".join(stage.texts.pages[page] for page in pages)


def turn_to(trial: Trial) -> str:
    """Name the text that says what follows."""
    return "to_practice" if trial.practice else "to_trials"


def before_block(block: int, stage: Stage, *, previous: int | None) -> None:
    """Show the page between practice and the first block, or the break, and mark the block's start."""
    if previous == 0:
        show_page(stage, "practice_done", "to_trials")
    elif previous is not None:
        show_page(stage, "break", event="break", block=previous)
    mark(stage, "block_start", block=block)


def show_page(
    stage: Stage,
    *pages: str,
    event: str | None = None,
    block: int | None = None,
    longest_s: float = float("inf"),
    keys: Sequence[str] = (),
) -> str | None:
    """Show a page until one of its keys is pressed.

    Parameters
    ----------
    stage : Stage
        Screen, keys, trigger line, log.
    *pages : str
        Names of the texts on it, one below the other.
    event : str, optional
        Type of the event that is written at its onset, with its trigger code where it has one.
    block : int, optional
        Block that the event belongs to.
    longest_s : float
        Seconds after which the page ends by itself.
    keys : sequence of str
        Keys that end it; by default the response key, space and return.

    Returns
    -------
    str or None
        The key, None when the time was over.
    """
    display = stage.display
    turning = keys or (*stage.response_keys, *CONTINUE_KEYS)
    text = page_text(stage, *pages)
    if event is not None:
        mark(stage, event, text=text, block=block)
    stage.keys.begin(Watched(onset_s=display.now()))
    end_s = display.now() + longest_s
    while display.now() < end_s:
        display.text(text)
        display.flip(stage.triggers.at_flip())
        stage.clocks.check()
        pressed = [press.key for press in stage.keys.presses() if press.key in turning]
        if pressed:
            return pressed[0]
        if stage.keys.escape_pressed and not keys:
            ask_whether_to_stop(stage)
            stage.keys.begin(Watched(onset_s=display.now()))
    return None


def ask_whether_to_stop(stage: Stage) -> None:
    """Ask whether to stop; raise SessionStopped if so."""
    answers = stage.texts.keys
    answer = show_page(stage, "stop_question", keys=(answers["stop"], answers["go_on"]))
    stage.keys.escape_pressed = False  # also when it was pressed again at the question
    if answer == answers["stop"]:
        raise SessionStopped(ESCAPED)


def mark(stage: Stage, event: str, *, text: str | None = None, block: int | None = None) -> None:
    """Write an event at the next flip, with its trigger code where it has one."""
    code = stage.codes.get(event)
    if text is not None:
        stage.display.text(text)
    flip = stage.display.flip(stage.triggers.at_flip(code))
    values = {} if code is None else {"value": code, "monotonic": stage.triggers.sent_s}
    stage.clocks.check()
    stage.log.event(event, flip.time_s, block=block, wall=stage.clocks.settable_at(flip.time_s), **values)
