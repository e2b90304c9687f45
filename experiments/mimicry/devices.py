"""The real devices of a session: window, keyboard, trigger line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from experiments.display import Display
from experiments.mimicry.plan import SessionPlan
from experiments.mimicry.run import Devices
from experiments.session import SessionClock
from hardware.triggers import open_trigger


@dataclass(frozen=True, kw_only=True)
class ScreenChoices:
    """How strictly the screen is taken."""

    expected_hz: float | None
    """Refresh rate that the rig file says; None where there is no rig file: then any steady rate will do."""
    allow_unmeasured_refresh: bool = False
    """Whether a screen without refresh is accepted, paced by the computer's clock."""


@contextmanager
def real_devices(plan: SessionPlan, screen: ScreenChoices) -> Iterator[Devices]:
    """Open the trigger line, the window and the keyboard, in this order, and close them at the end."""
    from experiments.display.keyboard import PtbKeyboard

    clock = SessionClock(plan.start_s)
    with ExitStack() as opened:
        port = open_trigger(plan.rig)
        opened.callback(port.close)
        display = open_window(plan, screen, clock)
        opened.callback(display.close)
        keyboard = PtbKeyboard(now=clock.now)
        opened.callback(keyboard.close)
        yield Devices(display=display, keyboard=keyboard, port=port)


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
