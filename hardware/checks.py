"""Try every device of a rig: what works, what does not, and what to do about it."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
import textwrap
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hardware.calibration import calibration_problem, in_words, latest_calibration
from hardware.inventory import FTDI_LATENCY_MS, SerialPort
from hardware.keyboards import REMEDY
from hardware.protocols import TriggerPort
from hardware.screens import Screen
from hardware.settings import RigSettings, TriggerSettings
from hardware.triggers import open_device

STAIRCASE = (1, 2, 4, 8, 16, 32, 64, 128, 255)
"""Codes that raise each line of the trigger cable alone, and then all: a broken wire shows at once."""

STEP_S = 0.25
"""Time between two codes of the staircase."""

PULSE_S = 0.02
"""Length of its pulses, about a screen refresh."""

LONGEST_WRITE_MS = 2.0
"""A code that takes longer to hand over would come late and delay the picture."""

LARGEST_DEVIATION = 0.01
"""Largest relative difference between the refresh rate of the screen and that of the rig file."""

LARGEST_WIDTH_DEVIATION = 0.1
"""Largest relative difference between the picture's width in the rig file and what the screen says of itself,
which is rounded and without the frame."""

Level = Literal["OK", "WARNING", "FAILED"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One line of the check."""

    level: Level
    what: str
    """What was tried."""
    message: str
    remedy: str = ""
    """What to do about it; empty where nothing is to be done."""

    def __str__(self) -> str:
        lines = textwrap.wrap(
            self.message, 110, initial_indent=f"{self.level:<8} {self.what:<12} ", subsequent_indent=22 * " "
        )
        lines += textwrap.wrap(self.remedy, 110, initial_indent=22 * " " + "-> ", subsequent_indent=25 * " ")
        return "\n".join(lines)


def ok(what: str, message: str) -> Finding:
    """Return that something works."""
    return Finding(level="OK", what=what, message=message)


def warning(what: str, message: str, remedy: str = "") -> Finding:
    """Return that something should be better."""
    return Finding(level="WARNING", what=what, message=message, remedy=remedy)


def failed(what: str, message: str, remedy: str = "") -> Finding:
    """Return that something does not work."""
    return Finding(level="FAILED", what=what, message=message, remedy=remedy)


def split_remedy(message: str) -> tuple[str, str]:
    """Split a message of the suite into what is wrong and what to do about it.

    >>> split_remedy("the port is gone: is the cable plugged in?")
    ('the port is gone', 'is the cable plugged in?')
    >>> split_remedy("the port cannot be opened (error: none). Is it plugged in?")
    ('the port cannot be opened (error: none)', 'Is it plugged in?')
    """
    for mark in re.finditer(r"[:.] ", message):
        before = message[: mark.start()]
        if before.count("(") == before.count(")") and before.count("'") % 2 == 0:
            return before, message[mark.end() :]
    return message, ""


def check_screen(rig: RigSettings, screens: Sequence[Screen], problem: str | None) -> list[Finding]:
    """Compare the screen of the rig file with those of the computer."""
    if problem is not None:
        return [failed("screen", problem, "run this on the desktop of the computer that shows the videos")]
    if rig.screen >= len(screens):
        listed = "; ".join(f"{screen.number}: {screen.name} {screen.size_px}" for screen in screens)
        return [
            failed("screen", f"there is no screen {rig.screen}", f"correct screen in [monitor]: {listed}")
        ]
    screen = screens[rig.screen]
    found = [_check_rate(rig, screen), *_check_size(rig, screen)]
    if not rig.fullscreen:
        found.append(
            warning("screen", "a window that does not fill the screen is timed worse", "fullscreen = true")
        )
    return found


def check_keyboards(names: Sequence[str], problem: str | None) -> Finding:
    """Say whether exact key presses can be read here."""
    if importlib.util.find_spec("psychtoolbox") is None:
        return failed("keyboard", "Psychtoolbox is missing, and presses cannot be timed without", REMEDY)
    if problem is not None and "DISPLAY" in problem:
        return warning("keyboard", problem, "run this on the desktop of the computer that shows the videos")
    if problem is not None:
        return failed("keyboard", problem, REMEDY)
    if not names:
        return failed("keyboard", "Psychtoolbox finds no keyboard", "is the keypad plugged in?")
    return ok("keyboard", "Psychtoolbox reads " + ", ".join(names))


def check_priority() -> list[Finding]:
    """Look whether real-time priority will be granted; without it refreshes are missed."""
    found = []
    if sys.platform.startswith("linux") and not _may_have_priority():
        found.append(
            warning(
                "priority",
                "this user may not ask for real-time priority: refreshes will be missed on a busy computer",
                "write '@psych - rtprio 50' and '@psych - memlock unlimited' into "
                "/etc/security/limits.d/99-psych.conf, then: sudo groupadd psych; sudo usermod -aG psych "
                "$USER; log in again",
            )
        )
    return found


def check_calibration(path: Path, rig: RigSettings) -> Finding:
    """Look at the rig's last calibration."""
    problem = calibration_problem(path, rig)
    if problem is not None:
        return warning("calibration", *split_remedy(problem))
    latest = latest_calibration(path)
    assert latest is not None
    return ok("calibration", in_words(latest[1]))


def check_device(
    trigger: TriggerSettings, ports: Sequence[SerialPort]
) -> tuple[TriggerPort | None, list[Finding]]:
    """Open a trigger device and ask it for its name, where it has one.

    Returns
    -------
    TriggerPort or None
        The open device; None when it could not be opened.
    list of Finding
        What was found.
    """
    name = "trigger"
    try:
        port = open_device(trigger)
    except ValueError as error:
        found = failed(name, *split_remedy(str(error)))
        if trigger.baud and ports and trigger.port not in {serial.port for serial in ports}:
            there = ", ".join(f"{serial.port} ({serial.guess or serial.description})" for serial in ports)
            found = failed(name, found.message, f"{found.remedy} Ports that are there: {there}")
        return None, [found]
    findings = [ok(name, f"{trigger.name} is open")]
    self_test = getattr(port, "self_test", None)
    try:
        problem = self_test() if self_test is not None else None
    except RuntimeError as error:
        problem = str(error)
    if problem is not None:
        findings.append(failed(name, problem, "correct kind and port in [trigger]"))
    findings += _check_adapter(trigger, ports)
    return port, findings


def send_staircase(
    ports: Sequence[TriggerPort], *, step_s: float = STEP_S, pulse_s: float = PULSE_S
) -> list[float]:
    """Send the staircase on all devices and return how long each code took (ms)."""
    write_ms = []
    for code in STAIRCASE:
        start_s = time.perf_counter()
        for port in ports:
            port.send(code)
        write_ms.append(1000 * (time.perf_counter() - start_s))
        time.sleep(pulse_s)
        for port in ports:
            port.reset()
        time.sleep(max(0.0, step_s - pulse_s))
    return write_ms


def check_staircase(ports: Sequence[TriggerPort]) -> tuple[list[float], Finding]:
    """Send the staircase; return how long each code took (ms) and what is to be said of it."""
    codes = " ".join(str(code) for code in STAIRCASE)
    try:
        write_ms = send_staircase(ports)
    except RuntimeError as error:
        return [], failed("codes", *split_remedy(str(error)))
    message = f"sent {codes}; handing a code over took at most {max(write_ms):.2f} ms"
    if max(write_ms) > LONGEST_WRITE_MS:
        return write_ms, warning(
            "codes", message, "close other programs, and take another port of the computer"
        )
    return write_ms, ok("codes", message)


def check_codes_seen(seen: Sequence[int], where: str) -> Finding:
    """Compare the codes that a recorder saw with the staircase."""
    found = [code for code in seen if code != 0]
    if tuple(found) == STAIRCASE:
        return ok("recorder", f"all codes of the staircase came to {where}, in order")
    listed = " ".join(str(code) for code in found) or "none"
    return failed("recorder", f"{where} got {listed}", _codes_remedy(found))


def _codes_remedy(found: Sequence[int]) -> str:
    if not found:
        return "is the cable in the amplifier's trigger input, and is its program recording that input?"
    bits = {code for code in STAIRCASE if code.bit_count() == 1}
    if missing := sorted(bits - set(found)):
        lines = ", ".join(f"D{code.bit_length() - 1}" for code in missing)
        return f"line {lines} of the trigger cable is broken or not connected ({missing} never came)"
    if len(found) > len(STAIRCASE):
        return (
            "codes came twice: does the device end its pulses itself (pulse), or is another program sending?"
        )
    return "is another program sending codes, or is the recorder's input set to fewer than eight lines?"


def _check_rate(rig: RigSettings, screen: Screen) -> Finding:
    message = f"{screen.name or 'screen'} {rig.screen}: {screen.refresh_hz:g} Hz"
    if abs(screen.refresh_hz / rig.refresh_hz - 1) > LARGEST_DEVIATION:
        return failed(
            "screen",
            f"{message}, and the rig file says {rig.refresh_hz:g} Hz",
            f"set the screen to {rig.refresh_hz:g} Hz, or refresh_hz = {screen.refresh_hz:g} in [monitor]",
        )
    return ok("screen", message)


def _check_size(rig: RigSettings, screen: Screen) -> list[Finding]:
    found = []
    width_px, height_px = rig.monitor_size_px
    if rig.fullscreen and screen.size_px != (width_px, height_px):
        found.append(
            warning(
                "screen",
                f"it has {screen.size_px[0]} x {screen.size_px[1]} pixels, the rig file says {width_px} x "
                f"{height_px}",
                f"size_px = {list(screen.size_px)} in [monitor], or change the resolution",
            )
        )
    width_cm = screen.width_cm
    if width_cm and abs(width_cm / rig.monitor_width_cm - 1) > LARGEST_WIDTH_DEVIATION:
        found.append(
            warning(
                "screen",
                f"it says that its picture is {width_cm:g} cm wide, the rig file says "
                f"{rig.monitor_width_cm:g} cm",
                "measure the visible picture with a ruler and correct width_cm in [monitor]; virtual screens "
                "and projectors say anything",
            )
        )
    return found


def _check_adapter(trigger: TriggerSettings, ports: Sequence[SerialPort]) -> list[Finding]:
    """Look for what is known to go wrong with the USB converter of a device."""
    adapter = next((port for port in ports if port.port == trigger.port), None)
    if adapter is None:
        return []
    found = []
    if adapter.starts_anew and trigger.wait_s < 1:
        found.append(
            warning(
                "trigger",
                f"{trigger.port} is probably {adapter.guess}",
                "write wait_s = 2 into [trigger], or its first codes are lost",
            )
        )
    if adapter.latency_ms is not None and adapter.latency_ms > FTDI_LATENCY_MS:
        name = Path(adapter.port).name
        found.append(
            warning(
                "trigger",
                f"the latency timer of {adapter.port} is {adapter.latency_ms} ms",
                f"echo 1 | sudo tee /sys/bus/usb-serial/devices/{name}/latency_timer",
            )
        )
    return found


def _may_have_priority() -> bool:
    if sys.platform == "win32":
        return True
    import resource

    return os.geteuid() == 0 or resource.getrlimit(resource.RLIMIT_RTPRIO)[0] != 0
