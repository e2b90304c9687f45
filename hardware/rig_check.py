"""The whole check of a rig, from its file to what the recorder saw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from hardware.checks import (
    STAIRCASE,
    Finding,
    check_calibration,
    check_device,
    check_keyboards,
    check_priority,
    check_screen,
    check_staircase,
    failed,
    ok,
    warning,
)
from hardware.inventory import serial_ports
from hardware.keyboards import find_keyboards
from hardware.protocols import TriggerPort
from hardware.recorder_check import check_external, check_heard, open_listeners
from hardware.screens import find_screens
from hardware.settings import RigSettings

LOOK = (
    "look at the recording: the codes {codes} must be there, each as one pulse, in this order. A missing "
    "1, 2, 4 ... 128 is a broken line of the cable; a 0 as an event of its own means that the device ends "
    'its pulses itself: then write pulse = "device" into [trigger]'
)

Ask = Callable[[str], bool]
"""Asks the experimenter a question that is answered with yes or no."""


@dataclass
class RigCheck:
    """What a check found."""

    tell: Callable[[Finding], None]
    """Called with each finding as it comes."""
    findings: list[Finding] = field(default_factory=list)
    write_ms: list[float] = field(default_factory=list)
    """How long each code of the staircase took to hand over; empty when none was sent."""

    def add(self, *findings: Finding) -> None:
        """Keep findings and tell them."""
        for finding in findings:
            self.findings.append(finding)
            self.tell(finding)

    def count(self, level: str) -> int:
        """Return the number of findings of a level."""
        return sum(finding.level == level for finding in self.findings)


def check_rig(
    path: Path | None, rig: RigSettings, *, ask: Ask | None, tell: Callable[[Finding], None]
) -> RigCheck:
    """Try every device of a rig.

    Parameters
    ----------
    path : Path or None
        The rig file; None when the defaults are tried.
    rig : RigSettings
        What it says.
    ask : callable or None
        Asks the experimenter what another program's recording shows; None asks nothing.
    tell : callable
        Called with each finding as it comes.

    Returns
    -------
    RigCheck
        All findings.
    """
    check = RigCheck(tell)
    check.add(
        _about_file(path, rig),
        *check_screen(rig, *find_screens()),
        check_keyboards(*find_keyboards()),
        *check_priority(),
    )
    if path is not None:
        check.add(check_calibration(path, rig))
    ports = _open_devices(rig, check)
    try:
        _check_recorder(rig, ports, ask, check)
    finally:
        for port in ports:
            port.close()
    return check


def _about_file(path: Path | None, rig: RigSettings) -> Finding:
    if path is None:
        return warning("rig file", "none was given: the defaults are tried", "--rig FILE")
    triggers = ", ".join(trigger.name for trigger in rig.triggers) or "no trigger device"
    return ok("rig file", f"{path}: {triggers}; recorder {rig.recorder.kind!r}")


def _open_devices(rig: RigSettings, check: RigCheck) -> list[TriggerPort]:
    """Open the trigger devices that can be opened."""
    serial = serial_ports() if rig.triggers else []
    ports = []
    if not rig.triggers:
        check.add(ok("trigger", "no trigger device: codes are only logged"))
    for trigger in rig.triggers:
        port, found = check_device(trigger, serial)
        check.add(*found)
        if port is not None:
            ports.append(port)
    return ports


def _check_recorder(rig: RigSettings, ports: list[TriggerPort], ask: Ask | None, check: RigCheck) -> None:
    """Send the staircase and look for it in the recording."""
    if finding := check_external(rig, ports):  # before the suite itself listens
        check.add(finding)
    listeners, found = open_listeners(rig) if len(ports) == len(rig.triggers) else ([], [])
    check.add(*found)
    if not ports:
        return
    check.write_ms, finding = check_staircase(ports)
    check.add(finding)
    if not check.write_ms:
        return
    check.add(*check_heard(listeners))
    if rig.recorder.kind == "external":
        check.add(_what_was_seen(ask))


def _what_was_seen(ask: Ask | None) -> Finding:
    """Ask for what another program recorded."""
    codes = " ".join(str(code) for code in STAIRCASE)
    if ask is None:
        return warning("recorder", "another program records, which cannot be asked", LOOK.format(codes=codes))
    if ask(f"Does the recording show {codes}, each once, in this order?"):
        return ok("recorder", "the recording shows the staircase, says the experimenter")
    return failed("recorder", "the recording does not show the staircase", LOOK.format(codes=codes))
