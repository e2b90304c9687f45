"""A session from arming to its last frame: trials at their times, every row at once, and a safe end.

Whatever ends it, the outputs are put low first; then it is written why, then the camera and the files are
closed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

import pandas as pd

from experiments.mouse_face.deliveries import said
from experiments.mouse_face.live import LiveFiles
from experiments.mouse_face.parts import (
    CameraRecording,
    Delivery,
    Experimenter,
    News,
    Order,
    Output,
    SessionClock,
    SessionFailed,
)
from experiments.stopping import SessionStopped

TICK_S = 0.01
"""How often keys, device and camera are looked at (s). Our choice."""
FIRST_FRAMES_S = 5.0
"""A camera that has written no frame after so long is not running (s). Our choice."""
LEAD_S = 0.05
"""The camera begins so long after the session's clock: no frame is earlier than its start (s). Our choice."""
SOON_S = 1e-5
"""What is nearer than this is now: a clock cannot be moved by less than its own rounding (s)."""
LATE_S = 0.05
"""A trial that begins later than planned by more than this is noted. Our choice."""


@dataclass
class Parts:
    """What a session is made of."""

    clock: SessionClock
    delivery: Delivery
    camera: CameraRecording
    live: LiveFiles
    experimenter: Experimenter
    tick_s: float = TICK_S
    trigger: Order | None = None
    """What makes the device trigger the camera; None where the camera runs by itself."""
    lamp: Output | None = None
    """What goes on with every trial, so that the camera sees when; None without a lamp in view."""
    on_tick: Callable[[float], object] = lambda time_s: None
    """Told the time in the session, for a progress bar."""
    on_trial: Callable[[int, str], object] = lambda trial, text: None
    """Told which trial begins and what it delivers, before it does."""
    notes: list[str] = field(default_factory=list)
    """What the experimenter should know at the end."""


def orders(trials: pd.DataFrame) -> list[Order]:
    """Turn the table of trials into what the device shall do.

    Examples
    --------
    >>> table = pd.DataFrame({"trial": [1], "channel": ["valve1"], "pulse_ms": [42.0], "n_pulses": [1],
    ...     "period_ms": [float("nan")], "laser": [False]})
    >>> orders(table)
    [Order(trial=1, outputs=(Output(channel='valve1', pulse_us=42000, n_pulses=1, period_us=0),),
     volume_ul=0.0, current_ma=None)]
    """
    found = []
    for row in trials.to_dict("records"):
        outputs = []
        if row.get("channel"):
            outputs.append(_output(str(row["channel"]), row["pulse_ms"], row["n_pulses"], row["period_ms"]))
        if row.get("laser"):
            laser = _output(
                str(row.get("laser_channel") or "laser"),
                row["laser_pulse_ms"],
                row["laser_n_pulses"],
                row["laser_period_ms"],
            )
            if laser.channel not in [output.channel for output in outputs]:
                outputs.append(laser)
        volume_ul, current_ma = row.get("volume_ul"), row.get("current_ma")
        found.append(
            Order(
                int(row["trial"]),
                tuple(outputs),
                volume_ul=0.0 if volume_ul is None or pd.isna(volume_ul) else float(volume_ul),
                current_ma=None if current_ma is None or pd.isna(current_ma) else float(current_ma),
            )
        )
    return found


def _output(channel: str, pulse_ms: float, n_pulses: float, period_ms: float) -> Output:
    if pd.isna(pulse_ms) or pd.isna(n_pulses):
        raise ValueError(f"{channel}: the length or the number of pulses is not known; calibrate the valve")
    period_us = 0 if pd.isna(period_ms) else round(1000 * period_ms)
    return Output(channel, round(1000 * pulse_ms), int(n_pulses), period_us)


def run(trials: pd.DataFrame, parts: Parts, *, duration_s: float) -> str:
    """Run a session.

    Parameters
    ----------
    trials : pandas.DataFrame
        The table of trials.
    parts : Parts
        Its surroundings; the tables of `parts.live` are open, nothing is armed.
    duration_s : float
        Length of the session (s), from its start.

    Returns
    -------
    str
        How it ended: ``completed``, ``stopped`` (someone asked for it) or ``failed``. Why stands in
        `parts.notes` and in the log.

    Raises
    ------
    BaseException
        What is no end of a session but a fault of the program goes on up, when all outputs are low.
    """
    ended, reason = "failed", "the program was ended by an error"
    unforeseen: BaseException | None = None
    try:
        _start(parts)
        _run_trials(trials, parts, duration_s)
        ended, reason = "completed", "all trials are over"
    except SessionStopped as error:
        ended, reason = "stopped", str(error)
    except (SessionFailed, OSError) as error:
        reason = str(error)
    except BaseException as error:
        reason = f"{type(error).__name__}: {error}"
        unforeseen = error
    _end(parts, ended, reason)
    if unforeseen is not None:
        raise unforeseen
    return ended


def _start(parts: Parts) -> None:
    """Start the camera, wait for its first frames, and arm: nothing is delivered that is not filmed."""
    live = parts.live
    parts.clock.sleep(LEAD_S)
    parts.camera.start()
    live.log("camera", "recording")
    if parts.trigger is None:
        _wait_for_frames(parts)
    live.log("arm", "the device is asked to allow deliveries")
    try:
        parts.delivery.arm()
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise SessionFailed(f"the device could not be armed: {error}") from error
    live.log("armed")
    if parts.trigger is not None:
        parts.delivery.order(parts.trigger)
        _wait_for_frames(parts)


def _wait_for_frames(parts: Parts) -> None:
    deadline_s = parts.clock.now() + FIRST_FRAMES_S
    while parts.camera.n_written == 0:
        _tick(parts, TICK_S)
        if parts.clock.now() > deadline_s:
            raise SessionFailed(
                f"the camera gave no frame in {FIRST_FRAMES_S:g} s: look at its cable and, if the device "
                "triggers it, at that"
            )


def _run_trials(trials: pd.DataFrame, parts: Parts, duration_s: float) -> None:
    """Run the trials at their times; where the experimenter is waited for, all later ones come later."""
    delay_s = 0.0
    for (_, plan), order in zip(trials.iterrows(), orders(trials), strict=True):
        if parts.lamp is not None:
            order = replace(order, outputs=(*order.outputs, parts.lamp))
        preparation, by_hand = (str(plan.get(name) or "") for name in ("preparation", "by_hand"))
        if preparation:
            parts.experimenter.ask(preparation)
        _wait_until(float(plan["onset_s"]) + delay_s, parts)
        if preparation:
            _wait_for_answer(preparation, order.trial, parts)
        if by_hand:
            parts.experimenter.ask(by_hand)
            _wait_for_answer(by_hand, order.trial, parts)
        if preparation or by_hand:
            delay_s = max(delay_s, parts.live.time_s() - float(plan["onset_s"]))
        _begin(plan, order, parts, planned_s=float(plan["onset_s"]) + delay_s)
    _wait_until(duration_s + delay_s, parts)


def _wait_for_answer(text: str, trial: int, parts: Parts) -> None:
    while not parts.experimenter.answered():
        _tick(parts, parts.tick_s)
    parts.live.log("by_hand", text, trial=trial)


def _begin(plan: pd.Series, order: Order, parts: Parts, *, planned_s: float) -> None:
    """Begin a trial: what is going to be sent is written first."""
    live, what = parts.live, said(plan)
    late_s = live.time_s() - planned_s
    text = f"{what}, {late_s:.3f} s late" if late_s > LATE_S else what
    live.log("trial", text, trial=order.trial)
    parts.on_trial(order.trial, what)
    if order.outputs:
        now_s = parts.clock.now()
        news = [
            News(
                "ordered",
                now_s,
                channel=output.channel,
                trial=order.trial,
                n_pulses=output.n_pulses,
                on_s=output.on_s,
            )
            for output in order.outputs
        ]
        live.delivered(item.row(live.zero_s) for item in news)
        parts.delivery.order(order)


def _wait_until(time_s: float, parts: Parts) -> None:
    """Wait for a moment of the session, looking after everything meanwhile."""
    synced = False
    while (left_s := time_s - parts.live.time_s()) > SOON_S:
        _tick(parts, min(left_s, parts.tick_s))
        if not synced and left_s > 1.0 and not parts.clock.virtual:
            parts.live.sync_soon()
            synced = True


def _tick(parts: Parts, seconds: float) -> None:
    """Let a moment pass, and see whether all is well."""
    parts.clock.sleep(seconds)
    _take_news(parts)
    parts.experimenter.check()
    problem = parts.delivery.problem()
    if problem is not None:
        raise SessionFailed(problem)
    if parts.camera.failure is not None:
        raise SessionFailed(f"recording failed: {parts.camera.failure}")
    with suppress(Exception):  # a progress bar ends no session
        parts.on_tick(parts.live.time_s())


def _take_news(parts: Parts) -> Sequence[News]:
    """Write what the device said; a refusal is told."""
    news = parts.delivery.news()
    parts.live.delivered(item.row(parts.live.zero_s) for item in news)
    for item in news:
        if item.kind in ("refused", "stop", "boot", "estop", "lost"):
            text = f"{item.channel}: {item.value}" if item.channel else item.value or item.kind
            parts.live.log(f"device_{item.kind}", text, trial=item.trial)
            if item.kind == "refused":
                parts.notes.append(f"trial {item.trial}: {text}")
    return news


def _end(parts: Parts, ended: str, reason: str) -> None:
    """Put everything low first, then write why, then end the recording."""
    outputs = parts.delivery.stop()
    live = parts.live
    with suppress(OSError):
        live.give_room()
        live.log("stop", reason)
        live.log("outputs_low", outputs)
    if ended != "completed":
        parts.notes.append(reason)
    with suppress(OSError):
        _take_news(parts)
    recording = None
    try:
        recording = parts.camera.finish()
    except Exception as error:  # a driver's own: what was written is there, and closing the session goes on
        parts.notes.append(f"the recording could not be ended: {error}")
    parts.notes.extend(getattr(recording, "warnings", ()))
    with suppress(OSError):
        _take_news(parts)  # exposures until the camera stopped
    parts.delivery.close()
    with suppress(OSError):
        live.log("end", ended)
