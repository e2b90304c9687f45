"""Measure a rig: its refresh rate, the delay of its triggers, and with a photodiode the delay of the light.

``python -m hardware calibrate`` is the command; it stands here because it needs the window of a session.
"""

from __future__ import annotations

import dataclasses
import datetime
import statistics
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from tqdm import tqdm

from experiments.display import Flip
from experiments.display.timing import measured_refresh_hz
from experiments.session import SessionClock, TriggerLine
from hardware.calibration import (
    LARGEST_DEVIATION,
    Calibration,
    Spread,
    latest_calibration,
    spread,
    write_calibration,
)
from hardware.diode_recording import DiodeRecording, delays_in_file
from hardware.protocols import TriggerPort
from hardware.settings import RigSettings
from hardware.triggers import open_trigger

CODE = 255
"""Code of a flash: all lines at once."""

LIGHT_FLIPS = 6
"""Refreshes that a flash lasts."""

DARK_FLIPS = (18, 30)
"""Fewest and most refreshes between two flashes; they vary so that no flash is taken for another."""

DARK, LIGHT = 0, 255

HINT_S, PLACING_S = 3.0, 15.0
"""How long the screen says what comes: without and with a photodiode, which has to be put in its place."""

HINT = "Refresh and triggers are measured now, for about a minute.\nDo not touch the computer."
PLACING = "Lay the photodiode on the white square in the upper left corner.\n\n" + HINT


class PatchDisplay(Protocol):
    """A display with a square for a photodiode; `experiments.display.window.WindowDisplay` is one."""

    def now(self) -> float:
        """Return the time on its clock (s)."""

    def text(self, text: str) -> None:
        """Draw a text in the middle."""

    def patch(self, level: int) -> None:
        """Draw the square in a grey from 0 to 255."""

    def flip(self, on_flip: Callable[[], None] | None = None) -> Flip:
        """Show what was drawn."""

    def describe(self) -> dict[str, Any]:
        """Return what the record says of the display."""


@dataclass(frozen=True, kw_only=True)
class Refresh:
    """What was measured of the refresh."""

    rate_hz: float | None
    """Refreshes per second; None where flips do not keep time."""
    mean_ms: float
    """Mean interval."""
    sd_ms: float
    """Standard deviation of the intervals between two flips."""
    n_flips: int
    n_missed: int


@dataclass(frozen=True, kw_only=True)
class Flashes:
    """Flashes with their triggers."""

    delays_ms: list[float]
    """From each flip to the moment at which its code had been handed over."""
    sent_s: list[float]
    """These moments, on the display's clock."""
    n_missed: int
    n_flips: int


def show_hint(display: PatchDisplay, text: str, *, seconds: float) -> None:
    """Say on the screen what comes, with the square where the photodiode is put."""
    end_s = display.now() + seconds
    while display.now() < end_s:
        display.text(text)
        display.patch(LIGHT)
        display.flip()


def measure_refresh(display: PatchDisplay, *, n_flips: int) -> Refresh:
    """Measure the time between refreshes of an otherwise idle screen.

    Parameters
    ----------
    display : PatchDisplay
        The open window.
    n_flips : int
        Number of intervals.

    Returns
    -------
    Refresh
        Rate, mean, spread and what was missed.
    """
    flips = []
    for _ in tqdm(range(n_flips + 1), desc="refresh", unit="flip", mininterval=0.5):
        display.patch(DARK)
        flips.append(display.flip())
    times_s = [flip.time_s for flip in flips]
    intervals_ms = 1000 * np.diff(times_s)
    return Refresh(
        rate_hz=measured_refresh_hz(times_s),
        mean_ms=round(float(np.mean(intervals_ms)), 4),
        sd_ms=round(statistics.stdev(intervals_ms), 4),
        n_flips=n_flips,
        n_missed=sum(flip.missed for flip in flips[1:]),
    )


def measure_triggers(
    display: PatchDisplay, port: TriggerPort, *, n_flashes: int, rng: np.random.Generator
) -> Flashes:
    """Show flashes with a trigger each, as a session does, and measure when the triggers are sent.

    Parameters
    ----------
    display : PatchDisplay
        The open window.
    port : TriggerPort
        The trigger devices.
    n_flashes : int
        Number of flashes.
    rng : numpy.random.Generator
        Source of the varying pauses.

    Returns
    -------
    Flashes
        The delays.
    """
    line = TriggerLine(port, monotonic=display.now)
    delays_ms, sent_s, missed, n_flips = [], [], 0, 0
    for _ in tqdm(range(n_flashes), desc="triggers", unit="flash", mininterval=0.5):
        pause = int(rng.integers(DARK_FLIPS[0], DARK_FLIPS[1] + 1))
        for index in range(LIGHT_FLIPS + pause):
            display.patch(LIGHT if index < LIGHT_FLIPS else DARK)
            flip = display.flip(line.at_flip(CODE if index == 0 else None))
            if index == 0:
                sent_s.append(line.sent_s)
                delays_ms.append(1000 * (line.sent_s - flip.time_s))
            else:
                missed += flip.missed
            n_flips += 1
    return Flashes(delays_ms=delays_ms, sent_s=sent_s, n_missed=missed, n_flips=n_flips)


def calibrate(
    path: Path,
    rig: RigSettings,
    *,
    n_flips: int,
    n_flashes: int,
    photodiode: str | None,
    allow_unmeasured_refresh: bool,
    open_display: Callable[[RigSettings, Callable[[], float], bool], Any] | None = None,
) -> tuple[Path, Calibration]:
    """Measure a rig in its real window and write the calibration beside its file.

    Parameters
    ----------
    path : Path
        The rig file.
    rig : RigSettings
        What it says.
    n_flips : int
        Number of refreshes that are measured.
    n_flashes : int
        Number of flashes with a trigger.
    photodiode : str or None
        Channel of the photodiode in the rig's LSL stream; None measures no light.
    allow_unmeasured_refresh : bool
        Whether a screen without refresh is accepted.
    open_display : callable, optional
        Opens the display; the rig's window by default.

    Returns
    -------
    Path
        The calibration file.
    Calibration
        What it holds.

    Raises
    ------
    ValueError
        If something is not as the rig file says, or the light cannot be found; nothing is written then.
    """
    clock = SessionClock()
    with ExitStack() as opened:
        port = open_trigger(rig)
        opened.callback(port.close)
        recording = None
        if photodiode is not None:
            recording = opened.enter_context(DiodeRecording(rig, photodiode))
        display = (open_display or open_window)(rig, clock.now, allow_unmeasured_refresh)
        opened.callback(display.close)
        show_hint(display, PLACING if photodiode else HINT, seconds=PLACING_S if photodiode else HINT_S)
        refresh = measure_refresh(display, n_flips=n_flips)
        check_rate(refresh, rig, allow_unmeasured_refresh)
        if recording is not None:
            recording.start()
        flashes = measure_triggers(display, port, n_flashes=n_flashes, rng=np.random.default_rng(n_flashes))
        described = display.describe()
        light = None if recording is None else recording.delays(flashes.sent_s, clock.now)
    calibration = Calibration(
        date=datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        rig=path.name,
        refresh_hz=refresh.rate_hz or rig.refresh_hz,
        interval_mean_ms=refresh.mean_ms,
        interval_sd_ms=refresh.sd_ms,
        n_flips=refresh.n_flips + flashes.n_flips,
        n_missed=refresh.n_missed + flashes.n_missed,
        triggers=tuple(trigger.name for trigger in rig.triggers),
        trigger_delay=spread(flashes.delays_ms),
        light_delay=light,
        display=described,
        remarks="" if refresh.rate_hz else "the screen has no refresh: the computer's clock paced the flips",
    )
    return write_calibration(path, calibration), calibration


def add_light(path: Path, rig: RigSettings, recording: Path, *, photodiode: str) -> tuple[Path, Calibration]:
    """Add the delay of the light to a rig's last calibration, from what another program recorded meanwhile.

    Raises
    ------
    ValueError
        If the rig has no calibration, or the light cannot be found.
    """
    latest = latest_calibration(path)
    if latest is None:
        raise ValueError(
            f"{path} has no calibration to which the light could be added: run `python -m hardware calibrate "
            f'--rig "{path}"` while the amplifier records, and give its file afterwards'
        )
    light = delays_in_file(
        recording, photodiode=photodiode, status_channel=rig.amplifier_status_channel, code=CODE
    )
    now = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
    calibration = dataclasses.replace(latest[1], date=now, light_delay=light)
    return write_calibration(path, calibration), calibration


def check_rate(refresh: Refresh, rig: RigSettings, allow_unmeasured: bool) -> None:
    """Refuse a refresh rate that cannot be measured or is not that of the rig file."""
    if refresh.rate_hz is None:
        if allow_unmeasured:
            return
        raise ValueError(
            f"the refresh of the screen cannot be measured (intervals of {refresh.mean_ms:.2f} ms, sd "
            f"{refresh.sd_ms:.2f} ms): switch vertical synchronisation on in the graphics driver, close "
            "other programs, and use the full screen"
        )
    if abs(refresh.rate_hz / rig.refresh_hz - 1) > LARGEST_DEVIATION:
        raise ValueError(
            f"the screen refreshes {refresh.rate_hz:.2f} times a second, the rig file says "
            f"{rig.refresh_hz:g}: set the screen to {rig.refresh_hz:g} Hz, or write refresh_hz = "
            f"{refresh.rate_hz:.2f} in [monitor]"
        )


def open_window(rig: RigSettings, now: Callable[[], float], allow_unmeasured_refresh: bool) -> Any:
    """Open the window of the rig, black."""
    from experiments.display.window import WindowDisplay

    return WindowDisplay(
        size_px=rig.monitor_size_px,
        fullscreen=rig.fullscreen,
        screen=rig.screen,
        now=now,
        background_rgb=(0, 0, 0),
        text_rgb=(255, 255, 255),
        expected_hz=None,
        unmeasured_hz=rig.refresh_hz if allow_unmeasured_refresh else None,
    )


def advice(calibration: Calibration) -> Sequence[str]:
    """Say what should be better, and how."""
    found = []
    if calibration.n_missed:
        found.append(
            f"{calibration.n_missed} of {calibration.n_flips} refreshes were missed: close other programs, "
            "use the full screen, and allow real-time priority (python -m hardware check says how)"
        )
    delay: Spread = calibration.trigger_delay
    if delay.sd_ms > 0.5:
        found.append(
            f"the trigger's delay varies (sd {delay.sd_ms:.2f} ms): allow real-time priority and calibrate "
            "again on a computer that does nothing else"
        )
    if not calibration.display.get("real_time_priority", True):
        found.append("real-time priority was not granted: python -m hardware check says how to allow it")
    return found
