"""Whether what a rig file says can be right; the answer says what was probably meant."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, get_args

from hardware.protocols import Pulse
from hardware.trigger_kinds import TRIGGER_KINDS

RECORDER_KINDS = ("external", "lsl", "none")
"""Who records the signals: another program, the suite itself from an LSL stream, or nobody."""

FILE_FORMATS = ("xdf", "bdf")
"""How the suite writes what it records itself."""

LSL_ONLY = ("stream_name", "stream_type", "stream_source_id", "file_format")
"""Settings of a recorder that only an LSL stream has."""

BAUDS = (
    *(1200, 2400, 4800, 9600, 14400, 19200, 28800, 38400, 57600, 115200, 128000, 230400),
    *(250000, 256000, 460800, 500000, 921600, 1000000, 1500000, 2000000, 3000000, 4000000),
)
"""Speeds that serial devices have."""

DISTANCES_CM = (20.0, 300.0)
WIDTHS_CM = (8.0, 500.0)
REFRESHES_HZ = (20.0, 500.0)
PIXELS_MM = (0.03, 5.0)
"""Width of a pixel, from the finest telephone to a projector."""

SECTIONS: dict[str, dict[str, str]] = {
    "monitor": {
        "size_px": "monitor_size_px",
        "width_cm": "monitor_width_cm",
        "distance_cm": "viewing_distance_cm",
        "refresh_hz": "refresh_hz",
        "fullscreen": "fullscreen",
        "screen": "screen",
    },
    "keys": {"response": "response_keys", "escape": "escape_key"},
    "amplifier": {
        "channels": "amplifier_channels",
        "status_channel": "amplifier_status_channel",
        "mains_hz": "mains_hz",
        "metadata": "amplifier_metadata",
    },
}
"""Section -> setting in the file -> field of `hardware.settings.RigSettings`."""

_ALL_SECTIONS = (*SECTIONS, "trigger", "recorder", "codes")
_TRIGGER_SETTINGS = ("kind", "port", "baud", "pulse", "wait_s", "library", "stream_name", "values")


class RigFileError(ValueError):
    """Something in a rig file cannot be right."""

    def __init__(self, message: str, *, section: str, setting: str | None = None, number: int = 0) -> None:
        self.section, self.setting, self.number = section, setting, number
        """Where it stands; `number` counts the sections of the same name from 0."""
        where = f"[{section}]" + (f" {setting}" if setting else "")
        super().__init__(f"{where}: {message}")


def check_content(content: Mapping[str, Any]) -> None:
    """Check what was read from a rig file.

    Raises
    ------
    RigFileError
        At the first thing that cannot be right.
    """
    for section, entries in content.items():
        check_name(section, _ALL_SECTIONS, "section", section=section)
        if section == "trigger":
            check_triggers(entries)
            continue
        if not isinstance(entries, dict):
            raise RigFileError("must be a section with settings below it", section=section)
        if section == "recorder":
            check_recorder(entries)
        elif section == "codes":
            check_codes(entries)
        else:
            check_section(section, entries)
    _check_pixels(content.get("monitor", {}))


def check_name(
    name: str, known: Collection[str], what: str, *, section: str, setting: str | None = None, number: int = 0
) -> None:
    """Refuse an unknown name, with the one that was probably meant."""
    if name in known:
        return
    close = difflib.get_close_matches(str(name).lower(), known, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}"
    raise RigFileError(f"unknown {what} {name!r}; {hint}", section=section, setting=setting, number=number)


def check_section(section: str, entries: Mapping[str, Any]) -> None:
    """Check the settings of a section whose settings do not depend on each other."""
    for name, value in entries.items():
        check_name(name, SECTIONS[section], "setting", section=section, setting=name)
        problem = _CHECKS[section, name](value)
        if problem:
            raise RigFileError(f"{problem}, found {value!r}", section=section, setting=name)
    if section == "keys":
        _check_keys(entries)


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


def check_recorder(entries: Mapping[str, Any]) -> None:
    """Check who records the signals."""
    for name, value in entries.items():
        check_name(name, ("kind", *LSL_ONLY), "setting", section="recorder", setting=name)
        if not isinstance(value, str) or not value:
            raise RigFileError(
                f"expected a text in quotes, found {value!r}", section="recorder", setting=name
            )
    kind = entries.get("kind", "external")
    check_name(kind, RECORDER_KINDS, "kind", section="recorder", setting="kind")
    check_name(
        entries.get("file_format", "xdf"), FILE_FORMATS, "format", section="recorder", setting="file_format"
    )
    if kind != "lsl" and (others := [name for name in entries if name in LSL_ONLY]):
        raise RigFileError(
            f'this belongs to kind = "lsl", found kind = {kind!r}: change one of the two',
            section="recorder",
            setting=others[0],
        )


def check_codes(entries: Mapping[str, Any]) -> None:
    """Check the trigger codes that differ from those of the study."""
    names: dict[int, str] = {}
    for event, code in entries.items():
        if not _whole(code) or not 1 <= code <= 255:
            raise RigFileError(
                f"a trigger code is a whole number from 1 to 255 (0 is the line at rest), found {code!r}",
                section="codes",
                setting=event,
            )
        if code in names:
            raise RigFileError(
                f"the code {code} is that of {names[code]} too, and a recording could not tell them apart: "
                "give each event its own code",
                section="codes",
                setting=event,
            )
        names[code] = event


def line_of(text: str, error: RigFileError) -> int | None:
    r"""Return the line of a rig file in which something stands, from 1; None when it is not found.

    Examples
    --------
    >>> error = RigFileError("too far", section="monitor", setting="distance_cm")
    >>> line_of("[monitor]\nscreen = 0\ndistance_cm = 600\n", error)
    3
    """
    section: str | None = None
    count, header, top = -1, None, error.section.split(".")[0]
    for index, line in enumerate(text.splitlines(), start=1):
        if found := re.match(r"\s*\[+\s*([\w.\-\"' ]+?)\s*\]+", line):
            section = found[1].replace('"', "").replace(" ", "")
            count += section == error.section
            if section == error.section and count == error.number:
                header = index
            if error.setting and section == f"{top}.{error.setting}":
                return index
        elif section == error.section and count == error.number and error.setting:
            if re.match(rf"\s*[\"']?{re.escape(error.setting)}[\"']?\s*[=.]", line):
                return index
        elif section is None and re.match(rf"\s*{re.escape(error.section)}\s*[=.]", line):
            return index
    return header


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
    if not _number(wait_s) or not 0 <= wait_s <= 30:
        raise wrong("wait_s", f"expected seconds from 0 to 30, found {wait_s!r}{_seconds_hint(wait_s)}")
    for name in ("stream_name", "library"):
        if name in trigger and (not isinstance(trigger[name], str) or not trigger[name]):
            raise wrong(name, f"expected a text in quotes, found {trigger[name]!r}")


def _port_problem(kind: str, port: object) -> str | None:
    """Say what is wrong with a port; that it is not there shows when it is opened."""
    if kind == "parallel":
        if _whole(port):
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
    return f" (milliseconds? write {value / 1000:g})" if _number(value) and 30 < value <= 30000 else ""


def _baud_problem(kind: str, baud: object) -> str | None:
    what = TRIGGER_KINDS[kind]
    if not isinstance(baud, int) or isinstance(baud, bool) or baud <= 0:
        return "expected a whole number such as 115200"
    if what.baud_is_fixed and baud != what.baud:
        return f"a device of kind {kind!r} speaks {what.baud} baud: leave baud out"
    if baud not in BAUDS:
        nearest = min(BAUDS, key=lambda known: abs(math.log(known / baud)))
        return f"no serial device has this speed; did you mean {nearest}?"
    return None


def _place(trigger: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return what two devices cannot share."""
    kind = trigger.get("kind", "none")
    if kind == "none":
        return None
    if "port" not in TRIGGER_KINDS[kind].settings:
        return ("stream", trigger.get("stream_name", "the usual name"))
    port = trigger["port"]
    return ("port", f"{port:#x}" if isinstance(port, int) else port.upper() if "://" not in port else port)


def _check_keys(entries: Mapping[str, Any]) -> None:
    response = entries.get("response", ["up", "num_8", "num_up"])
    escape = entries.get("escape", "escape")
    if escape in response:
        raise RigFileError(
            f"the escape key must not be a response key, and {escape!r} is both: take another one",
            section="keys",
            setting="escape" if "escape" in entries else "response",
        )


def _check_pixels(monitor: Mapping[str, Any]) -> None:
    """Compare the picture's width in centimetres with that in pixels."""
    width_px = monitor.get("size_px", [1920, 1080])[0]
    width_cm = monitor.get("width_cm", 52.0)
    pixel_mm = 10 * width_cm / width_px
    if not PIXELS_MM[0] <= pixel_mm <= PIXELS_MM[1]:
        raise RigFileError(
            f"a picture of {width_px} pixels that is {width_cm:g} cm wide has pixels of {pixel_mm:.3g} mm: "
            "measure the width of the visible picture in cm, and correct width_cm or size_px",
            section="monitor",
            setting="width_cm" if "width_cm" in monitor else "size_px",
        )


def _length(value: Any, limits_cm: tuple[float, float]) -> str | None:
    """Say what is wrong with a length in centimetres; one in metres or millimetres shows by its size."""
    low_cm, high_cm = limits_cm
    if not _number(value) or value <= 0:
        return "expected a positive number in cm"
    if low_cm <= value <= high_cm:
        return None
    for unit, centimetres in (("metres", 100 * value), ("millimetres", value / 10)):
        if low_cm <= centimetres <= high_cm:
            return f"expected cm, and this looks like {unit}: write {centimetres:g}"
    return f"expected {low_cm:g} to {high_cm:g} cm"


def _refresh(value: Any) -> str | None:
    low_hz, high_hz = REFRESHES_HZ
    if not _number(value) or value <= 0:
        return "expected a positive number in Hz"
    if low_hz <= value <= high_hz:
        return None
    for unit, rate_hz in (("the refresh's length in ms", 1000 / value), ("its length in s", 1 / value)):
        if low_hz <= rate_hz <= high_hz:
            return f"expected the rate in Hz, and this looks like {unit}: write {_usual_hz(rate_hz):g}"
    return f"expected {low_hz:g} to {high_hz:g} Hz"


def _usual_hz(rate_hz: float) -> float:
    """Return a whole rate when it is as near as a rounded period can tell."""
    return round(rate_hz) if abs(rate_hz / round(rate_hz) - 1) < 0.01 else round(rate_hz, 2)


def _demanded(right: Callable[[Any], bool], expected: str) -> Callable[[Any], str | None]:
    return lambda value: None if right(value) else f"expected {expected}"


def _is_size(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(_whole(side) and side >= 100 for side in value)


def _are_names(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(name, str) and name for name in value)


def _are_channels(value: object) -> bool:
    return (
        isinstance(value, dict)
        and bool(value)
        and all(isinstance(name, str) and name for name in value.values())
        and len(set(value.values())) == len(value)
    )


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _ordinal(number: int) -> str:
    return ("first", "second", "third")[number] if number < 3 else f"{number + 1}th"


_CHECKS: dict[tuple[str, str], Callable[[Any], str | None]] = {
    ("monitor", "size_px"): _demanded(_is_size, "two whole numbers such as [1920, 1080]"),
    ("monitor", "width_cm"): lambda value: _length(value, WIDTHS_CM),
    ("monitor", "distance_cm"): lambda value: _length(value, DISTANCES_CM),
    ("monitor", "refresh_hz"): _refresh,
    ("monitor", "fullscreen"): _demanded(lambda value: isinstance(value, bool), "true or false"),
    ("monitor", "screen"): _demanded(lambda value: _whole(value) and value >= 0, "0, 1, ..."),
    ("keys", "response"): _demanded(_are_names, 'a list of key names such as ["up", "num_8"]'),
    ("keys", "escape"): _demanded(_is_text, "the name of one key in quotes"),
    ("amplifier", "channels"): _demanded(
        _are_channels, 'muscle = "channel" with a different channel for each muscle'
    ),
    ("amplifier", "status_channel"): _demanded(_is_text, "a channel's name"),
    ("amplifier", "mains_hz"): _demanded(lambda value: _number(value) and value in (50, 60), "50 or 60"),
    ("amplifier", "metadata"): _demanded(
        lambda value: isinstance(value, dict), 'entries such as Manufacturer = "..."'
    ),
}
