"""One trial of the facial-mimicry task: fixation cross, video, feedback."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from experiments.dataset.rows import FlipRow, TimingRow, TrialRow
from experiments.display import Display, Film, Flip, KeyPress, Watched
from experiments.display.clocks import ClockWatch
from experiments.display.timing import n_flips, video_frame
from experiments.mimicry.design import Trial
from experiments.mimicry.feedback import Response, judge
from experiments.mimicry.parameters import SessionParameters
from experiments.mimicry.texts import Texts
from experiments.mimicry.timing import kept_in_memory, n_late
from experiments.session import Keys, SessionLog, TriggerLine


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Everything that a trial needs around it."""

    display: Display
    keys: Keys
    triggers: TriggerLine
    log: SessionLog
    codes: Mapping[str, int]
    """Event -> trigger code."""
    films: Mapping[str, Film]
    """Name of a video -> where it is and what it is."""
    parameters: SessionParameters
    texts: Texts
    response_keys: Sequence[str]
    """Names of the right key."""
    clocks: ClockWatch
    """The session's clock and the time of day."""
    keep_learned_keys: Callable[[tuple[str, ...]], None] | None = None
    """Where a response key goes that is learned on the first page; None leaves that page out."""


@dataclass(kw_only=True)
class Shown:
    """What happened while something was shown."""

    onset_s: float = float("nan")
    """Its first flip, on the session's clock."""
    onset_refresh: int = 0
    """Number of the refresh of its first flip."""
    flips: list[Flip] = field(default_factory=list)
    frames: list[int] = field(default_factory=list)
    """The frame of the video at each flip."""
    presses: list[KeyPress] = field(default_factory=list)


def run_trial(trial: Trial, stage: Stage, *, following: Trial | None) -> TrialRow:
    """Run a trial and write it down.

    Parameters
    ----------
    trial : Trial
        The trial; its video has been prepared.
    stage : Stage
        Screen, keys, trigger line, log.
    following : Trial or None
        The next trial, whose video is loaded from the feedback on; the trial is written then as well, as
        its feedback changes nothing in it.

    Returns
    -------
    TrialRow
        The trial as it was written.
    """
    stepped_before_s = stage.clocks.stepped_s
    fixation = show_fixation(trial, stage)
    ready_s = stage.display.ready_s
    shown = show_video(trial, stage)
    response = judge(shown.presses, onset_s=shown.onset_s, response_keys=stage.response_keys)
    kept: dict[str, Any] = {}

    def while_feedback_is_shown(first: Flip) -> None:
        row = trial_row(trial, shown, response, ended=first)
        stage.log.trial(row, [*flip_rows(trial, "fixation", fixation), *flip_rows(trial, "video", shown)])
        kept.update(kept_in_memory(stage.display))
        if following is not None:
            stage.display.prepare(stage.films[following.video])

    feedback = show_feedback(trial, response, stage, once_shown=while_feedback_is_shown)
    step_s = stage.clocks.stepped_s - stepped_before_s
    timing = timing_row(trial, fixation, shown, feedback, ready_s=ready_s, step_s=step_s, kept=kept)
    stage.log.timing(timing, flip_rows(trial, "feedback", feedback))
    return trial_row(trial, shown, response, ended=feedback.flips[0])


def show_fixation(trial: Trial, stage: Stage) -> Shown:
    """Show the cross for the trial's duration in whole refreshes, or longer until the video is loaded."""
    return show(
        trial,
        stage,
        kind="fixation",
        duration_s=trial.fixation_s,
        draw=lambda refresh: stage.display.cross(),
        is_ready=stage.display.film_ready,
    )


def show_video(trial: Trial, stage: Stage) -> Shown:
    """Show the video and collect key presses.

    The frame is chosen for the time of the next refresh: a refresh that was missed skips frames, and the
    video still ends on time. A press counts when it is known before the feedback is drawn, so the last
    refresh of the video (1/60 s) is too late.
    """
    display, film = stage.display, stage.films[trial.video]
    shown = Shown()

    def draw(refresh: int) -> None:
        frame = video_frame(refresh, fps=film.fps, refresh_hz=display.refresh_hz, n_frames=film.n_frames)
        shown.frames.append(frame)
        display.frame(frame)

    with no_garbage_collection():
        return show(trial, stage, kind="video", duration_s=film.n_frames / film.fps, draw=draw, shown=shown)


def show_feedback(
    trial: Trial, response: Response, stage: Stage, *, once_shown: Callable[[Flip], None]
) -> Shown:
    """Show the feedback, a blank screen for a correct trial; `once_shown` follows its onset."""
    text = stage.texts.feedback.get(response.outcome)
    return show(
        trial,
        stage,
        kind="feedback",
        duration_s=stage.parameters.feedback_s,
        draw=lambda refresh: stage.display.text(text) if text else None,
        outcome=response.outcome,
        once_shown=once_shown,
    )


def show(
    trial: Trial,
    stage: Stage,
    *,
    kind: str,
    duration_s: float,
    draw: Callable[[int], None],
    is_ready: Callable[[], bool] = lambda: True,
    outcome: str | None = None,
    shown: Shown | None = None,
    once_shown: Callable[[Flip], None] = lambda flip: None,
) -> Shown:
    """Show something for a whole number of refreshes; its onset is an event with a trigger.

    Parameters
    ----------
    trial : Trial
        The trial that it belongs to.
    stage : Stage
        Screen, keys, trigger line, log.
    kind : str
        ``fixation``, ``video`` or ``feedback``.
    duration_s : float
        Seconds to show it.
    draw : callable
        Draws it for a refresh, counted from its onset; refreshes that were missed are counted, not drawn.
    is_ready : callable
        It is shown for longer until this is true.
    outcome : str, optional
        The trial's outcome, once it is known.
    shown : Shown, optional
        Where to keep what happens.
    once_shown : callable
        Called with its first flip, for what may take longer than a refresh: nothing moves meanwhile.

    Returns
    -------
    Shown
        Onset, flips and presses.
    """
    display = stage.display
    shown = Shown() if shown is None else shown
    refresh, last = 0, n_flips(duration_s, refresh_hz=display.refresh_hz)
    while refresh < last or not is_ready():
        draw(refresh)
        is_first = not shown.flips
        code = stage.codes[code_name(trial, kind)] if is_first else None
        flip = display.flip(stage.triggers.at_flip(code))
        stage.clocks.check()
        if is_first:
            shown.onset_s, shown.onset_refresh = flip.time_s, flip.refresh
            begin(trial, stage, kind, flip.time_s, duration_s, code, outcome)
            once_shown(flip)
        shown.flips.append(flip)
        for press in stage.keys.presses():
            if kind == "video":
                shown.presses.append(press)
                write_response(trial, stage, press, shown.onset_s)
        refresh = display.next_refresh() - shown.onset_refresh
    return shown


def begin(
    trial: Trial,
    stage: Stage,
    kind: str,
    onset_s: float,
    duration_s: float,
    code: int | None,
    outcome: str | None,
) -> None:
    """Do what follows the first flip of something: new key presses count, and the event is written."""
    if kind == "video":
        stage.keys.begin(
            Watched(onset_s=onset_s, duration_s=duration_s, face=trial.face, direction=trial.direction)
        )
    stage.log.event(
        event_name(trial, kind),
        onset_s,
        duration=duration_s,
        value=code,
        outcome=outcome,
        monotonic=stage.triggers.sent_s,
        wall=stage.clocks.settable_at(onset_s),
        **about(trial),
    )


def write_response(trial: Trial, stage: Stage, press: KeyPress, onset_s: float) -> None:
    """Send the code of a key press and write the event."""
    code = stage.codes[code_name(trial, "response")]
    sent = stage.triggers.send_now(code)
    stage.log.event(
        event_name(trial, "response"),
        press.time_s,
        value=code if sent else None,
        response_key=press.key,
        response_time=press.time_s - onset_s,
        wall=stage.clocks.settable_at(press.time_s),
        **about(trial),
    )


def flip_rows(trial: Trial, kind: str, shown: Shown) -> list[FlipRow]:
    """Return the rows of the flips of a part of a trial; only a video has frames."""
    return [
        FlipRow(
            trial=signed_number(trial),
            shown=kind,
            flip=index,
            time=flip.time_s,
            frame=shown.frames[index] if shown.frames else None,
            predicted=flip.expected_s,
            dropped=flip.missed > 0,
        )
        for index, flip in enumerate(shown.flips)
    ]


def signed_number(trial: Trial) -> int:
    """Number a trial so that practice trials, which are negative, cannot be taken for real ones."""
    return -trial.trial if trial.practice else trial.trial


def trial_row(trial: Trial, shown: Shown, response: Response, *, ended: Flip) -> TrialRow:
    """Return the row of a trial, whose video was `ended` by the first flip of the feedback."""
    return TrialRow(
        practice=trial.practice,
        fixation_s=trial.fixation_s,
        onset=shown.onset_s,
        response_key=response.key,
        response_time=response.time_s,
        response_count=response.count,
        outcome=response.outcome,
        n_dropped_flips=n_late([*shown.flips, ended]),
        **about(trial),
    )


def timing_row(
    trial: Trial,
    fixation: Shown,
    shown: Shown,
    feedback: Shown,
    *,
    ready_s: float | None,
    step_s: float,
    kept: Mapping[str, Any],
) -> TimingRow:
    """Return the row on how the computer kept up with a trial.

    Parameters
    ----------
    trial : Trial
        The trial.
    fixation, shown, feedback : Shown
        What happened during the cross, the video and the feedback.
    ready_s : float or None
        When the video was ready, on the session's clock.
    step_s : float
        By how much the time of day was set during the trial.
    kept : mapping
        Columns of `TimingRow` on memory.
    """
    return TimingRow(
        trial=signed_number(trial),
        fixation_left_s=None if ready_s is None else fixation.onset_s + trial.fixation_s - ready_s,
        video_s=feedback.onset_s - shown.onset_s,
        late_fixation=n_late(fixation.flips),
        late_video=n_late([*shown.flips, feedback.flips[0]]),
        late_feedback=n_late(feedback.flips),
        clock_step_s=step_s,
        **kept,
    )


def about(trial: Trial) -> dict:
    """Return the columns that say which trial it is."""
    return {
        "trial": trial.trial,
        "block": trial.block,
        "face": trial.face,
        "sex": trial.sex,
        "direction": trial.direction,
        "video": trial.video,
    }


def event_name(trial: Trial, kind: str) -> str:
    """Name an event: practice has names of its own."""
    return f"practice_{kind}" if trial.practice else kind


def code_name(trial: Trial, kind: str) -> str:
    """Name the trigger code of an event: real videos have one code per direction."""
    return f"video_{trial.direction}" if kind == "video" and not trial.practice else event_name(trial, kind)


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    """Keep Python from tidying its memory while timing counts; it does so afterwards."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
