"""Whether the trigger devices of a rig file can be right."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping
from typing import Any, get_args

from hardware.protocols import Pulse
from hardware.rig_file_errors import RigFileError, check_name, is_number, is_whole
from hardware.trigger_kinds import TRIGGER_KINDS, USUAL_STREAM_NAME

BAUDS = (
    *(1200, 2400, 4800, 9600, 14400, 19200, 28800, 38400, 57600, 115200, 128000, 230400),
    *(250000, 256000, 460800, 500000, 921600, 1000000, 1500000, 2000000, 3000000, 4000000),
)
"""Speeds that serial devices have."""

_TRIGGER_SETTINGS = ("kind", "port", "baud", "pulse", "wait_s", "library", "stream_name", "values")


def check_triggers(entries: object) -> None:
    """Check one ``[trigger]`` or several ``[[trigger]]``."""
    triggers = [entries] if isinstance(entries, dict) else entries
    if not isinstance(triggers, list) or not all(isinstance(trigger, dict) for trigger in triggers):
        raise RigFileError("must be a section with settings below it", section="trigger")
    used: dict[tuple[str, str], int] = {}
    for number, trigger in enumerate(triggers):
        _check_trigger(trigger, number)
        place = _place(trigger)
        if place in used:
            raise RigFileError(
                f"{place[1]!r} is that of the {_ordinal(used[place])} [[trigger]] too, and a device can be "
                "opened only once: give each its own, or take one of them out",
                section="trigger",
                setting="port" if "port" in trigger else "stream_name",
                number=number,
            )
        if place is not None:
            used[place] = number


def _check_trigger(trigger: Mapping[str, Any], number: int) -> None:
    def wrong(setting: str, message: str) -> RigFileError:
        return RigFileError(message, section="trigger", setting=setting, number=number)

    for name in trigger:
        check_name(name, _TRIGGER_SETTINGS, "setting", section="trigger", setting=name, number=number)
    kind = trigger.get("kind", "none")
    known = ("none", *TRIGGER_KINDS)
    check_name(kind, known, "kind of trigger device", section="trigger", setting="kind", number=number)
    pulse = trigger.get("pulse")
    if pulse is not None and pulse not in get_args(Pulse):
        raise wrong("pulse", f"expected one of {', '.join(get_args(Pulse))}, found {pulse!r}")
    if kind == "none":
        return
    what = TRIGGER_KINDS[kind]
    for name in trigger:
        if name != "kind" and name not in what.settings:
            raise wrong(name, f"a device of kind {kind!r} has no such setting: take it out")
    if pulse is not None and pulse not in what.pulses:
        raise wrong(
            "pulse",
            f"{pulse!r} is impossible for a device of kind {kind!r}, since {what.only_pulse_because}: "
            f'write pulse = "{what.pulses[0]}" or leave it out',
        )
    if "port" in what.settings and (problem := _port_problem(kind, trigger.get("port"))):
        raise wrong("port", f"{problem}, found {trigger.get('port')!r}")
    if "baud" in trigger and (problem := _baud_problem(kind, trigger["baud"])):
        raise wrong("baud", f"{problem}, found {trigger['baud']!r}")
    if trigger.get("values", "int") not in ("int", "string"):
        raise wrong("values", f'expected "int" or "string", found {trigger["values"]!r}')
    wait_s = trigger.get("wait_s", 0)
    if not is_number(wait_s) or not 0 <= wait_s <= 30:
        raise wrong("wait_s", f"expected seconds from 0 to 30, found {wait_s!r}{_seconds_hint(wait_s)}")
    for name in ("stream_name", "library"):
        if name in trigger and (not isinstance(trigger[name], str) or not trigger[name]):
            raise wrong(name, f"expected a text in quotes, found {trigger[name]!r}")


def _port_problem(kind: str, port: object) -> str | None:
    """Say what is wrong with a port; that it is not there shows when it is opened."""
    if kind == "parallel":
        if is_whole(port):
            right = 0 < int(str(port)) <= 0xFFFF
        else:
            right = bool(re.fullmatch(r"0[xX][0-9a-fA-F]{1,4}|/dev/parport\d+", str(port)))
        if right:
            return None
        return (
            'expected the address of the parallel port, such as "0x378" (Windows: Device Manager, Ports, '
            'Resources), or on Linux its device, such as "/dev/parport0"'
        )
    if not isinstance(port, str) or not port.strip():
        return "expected the name of the port in quotes (`python -m hardware list` shows them)"
    if re.fullmatch(r"\d+", port):
        return f'expected the whole name of the port, such as "COM{port}" or "/dev/ttyUSB{port}"'
    if re.search(r"parport|^LPT|^0x", port, re.IGNORECASE):
        return 'this is a parallel port, and the kind is one on a serial port: write kind = "parallel"'
    if re.match(r"COM ?\d+:?$", port, re.IGNORECASE) and not re.fullmatch(r"COM\d+", port, re.IGNORECASE):
        return f'expected "COM{"".join(filter(str.isdigit, port))}" without blank and colon'
    return None


def _seconds_hint(value: Any) -> str:
    return f" (milliseconds? write {value / 1000:g})" if is_number(value) and 30 < value <= 30000 else ""


def _baud_problem(kind: str, baud: object) -> str | None:
    what = TRIGGER_KINDS[kind]
    if not isinstance(baud, int) or isinstance(baud, bool) or baud <= 0:
        return "expected a whole number such as 115200"
    if what.baud_is_fixed and baud != what.baud:
        return f"a device of kind {kind!r} speaks {what.baud} baud: leave baud out"
    if baud not in BAUDS:
        close = difflib.get_close_matches(str(baud), [str(known) for known in BAUDS], n=1)
        nearest = close[0] if close else min(BAUDS, key=lambda known: abs(math.log(known / baud)))
        return f"no serial device has this speed; did you mean {nearest}?"
    return None


def _place(trigger: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return what two devices cannot share."""
    kind = trigger.get("kind", "none")
    if kind == "none":
        return None
    if "port" not in TRIGGER_KINDS[kind].settings:
        return ("stream", trigger.get("stream_name", USUAL_STREAM_NAME))
    port = trigger["port"]
    return ("port", f"{port:#x}" if isinstance(port, int) else port.upper() if "://" not in port else port)


def _ordinal(number: int) -> str:
    return ("first", "second", "third")[number] if number < 3 else f"{number + 1}th"
