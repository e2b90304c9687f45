"""The real devices of a session: window, keyboard, trigger line, recorder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from experiments.dataset.study import file_stem
from experiments.display import Display
from experiments.mimicry.plan import SessionPlan
from experiments.mimicry.run import Devices
from experiments.session import SessionClock
from hardware.protocols import SignalRecorder
from hardware.recorders import open_recorder
from hardware.recorders.lsl_streams import probe_stream
from hardware.triggers import open_trigger


@dataclass(frozen=True, kw_only=True)
class ScreenChoices:
    """How strictly the screen is taken."""

    expected_hz: float | None
    """Refresh rate that the rig file says; None where there is no rig file: then any steady rate will do."""
    allow_unmeasured_refresh: bool = False
    """Whether a screen without refresh is accepted, paced by the computer's clock."""


@contextmanager
def real_devices(
    plan: SessionPlan, screen: ScreenChoices, *, check_signals: bool = True
) -> Iterator[Devices]:
    """Open the trigger line, the recorder, the window and the keyboard, in this order; close them at the end.

    Where the suite records itself, the signals are looked at before the window opens, if `check_signals`.
    """
    from experiments.display.keyboard import PtbKeyboard

    clock = SessionClock(plan.start_s)
    with ExitStack() as opened:
        port = open_trigger(plan.rig)
        opened.callback(port.close)
        recorder, remarks = open_recording(plan, check_signals=check_signals)
        display = open_window(plan, screen, clock)
        opened.callback(display.close)
        keyboard = PtbKeyboard(now=clock.now)
        opened.callback(keyboard.close)
        yield Devices(display=display, keyboard=keyboard, port=port, recorder=recorder, remarks=remarks)


def open_recording(
    plan: SessionPlan, *, check_signals: bool, by_itself: bool = False
) -> tuple[SignalRecorder, dict[str, Any]]:
    """Open the recorder of the rig, and look at its signals first.

    Parameters
    ----------
    plan : SessionPlan
        The session.
    check_signals : bool
        Whether to ask for a smile and a frown; otherwise only the stream itself is looked at.
    by_itself : bool
        Whether the check goes on without waiting for anybody, as with a simulated participant.

    Returns
    -------
    recorder : SignalRecorder
        Not started yet.
    remarks : dict
        What the session's record keeps: ``signal_check``, where there was one.

    Raises
    ------
    ValueError
        If the stream cannot be recorded, or the check ended with a no.
    """
    rig = plan.rig
    recorder = open_recorder(rig, plan.folder / f"{file_stem(plan.participant)}_amplifier.xdf")
    if rig.recorder.kind != "lsl":
        return recorder, {}
    if not rig.triggers:
        raise ValueError(
            "the rig file has a [recorder] but no [trigger], so nothing in the recording would say when the "
            'videos were shown: describe the trigger line, or add [[trigger]] with kind = "lsl"'
        )
    if not check_signals:
        probe_stream(rig)
        return recorder, {"signal_check": {"skipped": True}}
    from hardware.recorders.signal_check import check_in_own_process

    result = check_in_own_process(rig, by_itself=by_itself)
    if not result["accepted"]:
        raise ValueError(
            f"the session does not begin, because the check of the signals did not end with a yes. "
            f"{result['message']}\n--skip-signal-check leaves the check out"
        )
    return recorder, {"signal_check": result}


def open_window(plan: SessionPlan, screen: ScreenChoices, clock: SessionClock) -> Display:
    """Open the window of the rig."""
    from experiments.display.window import WindowDisplay

    rig = plan.rig
    return WindowDisplay(
        size_px=rig.monitor_size_px,
        fullscreen=rig.fullscreen,
        screen=rig.screen,
        now=clock.now,
        background_rgb=plan.parameters.background_rgb,
        text_rgb=plan.parameters.text_rgb,
        expected_hz=screen.expected_hz,
        unmeasured_hz=rig.refresh_hz if screen.allow_unmeasured_refresh else None,
    )
