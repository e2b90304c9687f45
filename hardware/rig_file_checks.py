"""Whether what a rig file says can be right; the answer says what was probably meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from typing import Any

from hardware.rig_file_errors import RigFileError, check_name, is_number, is_whole
from hardware.rig_file_triggers import check_triggers

RECORDER_KINDS = ("external", "lsl", "none")
"""Who records the signals: another program, the suite itself from an LSL stream, or nobody."""

FILE_FORMATS = ("xdf", "bdf")
"""How the suite writes what it records itself."""

LSL_ONLY = ("stream_name", "stream_type", "stream_source_id", "file_format", "unit")
"""Settings of a recorder that only an LSL stream has."""

DISTANCES_CM = (20.0, 300.0)
WIDTHS_CM = (8.0, 500.0)
REFRESHES_HZ = (20.0, 500.0)
PIXELS_MM = (0.03, 5.0)
"""Width of a pixel, from the finest telephone to a projector."""

KEY_NAMES = (
    *("up", "down", "left", "right", "space", "return", "enter", "escape", "tab", "backspace", "delete"),
    *("insert", "home", "end", "pageup", "pagedown", "pause", "printscreen", "help", "clear", "menu"),
    *("lshift", "rshift", "lctrl", "rctrl", "lalt", "ralt", "lwindows", "rwindows", "lcommand", "rcommand"),
    *("loption", "roption", "function", "numlock", "capslock", "scrolllock", "comma", "period", "slash"),
    *("backslash", "minus", "equal", "semicolon", "apostrophe", "quoteleft", "grave", "less", "greater"),
    *("plus", "bracketleft", "bracketright"),
)
"""Names of keys with more than one letter, as the keyboard's reader gives them on the three systems."""

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

MOUSE_SECTIONS = ("mouse_rig", "camera")
"""Sections of a mouse rig, which `hardware.mouse_settings` reads."""

_ALL_SECTIONS = (*SECTIONS, "trigger", "recorder", "codes", *MOUSE_SECTIONS)


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
        if section in MOUSE_SECTIONS:
            from hardware.mouse_settings import check_mouse_sections  # only rigs for mice need what it loads

            check_mouse_sections({section: entries})
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


def check_section(section: str, entries: Mapping[str, Any]) -> None:
    """Check the settings of a section whose settings do not depend on each other."""
    for name, value in entries.items():
        check_name(name, SECTIONS[section], "setting", section=section, setting=name)
        problem = _CHECKS[section, name](value)
        if problem:
            raise RigFileError(f"{problem}, found {value!r}", section=section, setting=name)
    if section == "keys":
        _check_keys(entries)


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
        if not is_whole(code) or not 1 <= code <= 255:
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


def _is_key(name: str) -> bool:
    """Whether a keyboard may call a key so: one character, a function key, the keypad, a number, a name."""
    return len(name) == 1 or name.isdigit() or bool(re.fullmatch(r"f\d+|num_\w+", name)) or name in KEY_NAMES


def _check_keys(entries: Mapping[str, Any]) -> None:
    response = entries.get("response", ["up", "num_8", "num_up"])
    escape = entries.get("escape", "escape")
    for setting, names in (("response", response), ("escape", [escape])):
        unknown = [name for name in names if not _is_key(name)]
        if unknown:
            close = difflib.get_close_matches(unknown[0].lower(), KEY_NAMES, n=1)
            meant = f"did you mean {close[0]!r}?" if close else "names are such as up, num_8, space, f5 or a."
            raise RigFileError(
                f"no key is called {unknown[0]!r}, so no press would ever count; {meant} "
                "A session with --learn-key says what a key is called",
                section="keys",
                setting=setting,
            )
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
    if not is_number(value) or value <= 0:
        return "expected a positive number in cm"
    if low_cm <= value <= high_cm:
        return None
    for unit, centimetres in (("metres", 100 * value), ("millimetres", value / 10)):
        if low_cm <= centimetres <= high_cm:
            return f"expected cm, and this looks like {unit}: write {centimetres:g}"
    return f"expected {low_cm:g} to {high_cm:g} cm"


def _refresh(value: Any) -> str | None:
    low_hz, high_hz = REFRESHES_HZ
    if not is_number(value) or value <= 0:
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
    sides = value if isinstance(value, list) and len(value) == 2 else [0]
    return all(is_whole(side) and side >= 100 for side in sides)


def _are_names(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(name, str) and name for name in value)


def _are_channels(value: object) -> bool:
    return (
        isinstance(value, dict)
        and bool(value)
        and all(isinstance(name, str) and name for name in value.values())
        and len(set(value.values())) == len(value)
    )


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


_CHECKS: dict[tuple[str, str], Callable[[Any], str | None]] = {
    ("monitor", "size_px"): _demanded(_is_size, "two whole numbers such as [1920, 1080]"),
    ("monitor", "width_cm"): lambda value: _length(value, WIDTHS_CM),
    ("monitor", "distance_cm"): lambda value: _length(value, DISTANCES_CM),
    ("monitor", "refresh_hz"): _refresh,
    ("monitor", "fullscreen"): _demanded(lambda value: isinstance(value, bool), "true or false"),
    ("monitor", "screen"): _demanded(lambda value: is_whole(value) and value >= 0, "0, 1, ..."),
    ("keys", "response"): _demanded(_are_names, 'a list of key names such as ["up", "num_8"]'),
    ("keys", "escape"): _demanded(_is_text, "the name of one key in quotes"),
    ("amplifier", "channels"): _demanded(
        _are_channels, 'muscle = "channel" with a different channel for each muscle'
    ),
    ("amplifier", "status_channel"): _demanded(_is_text, "a channel's name"),
    ("amplifier", "mains_hz"): _demanded(lambda value: is_number(value) and value in (50, 60), "50 or 60"),
    ("amplifier", "metadata"): _demanded(
        lambda value: isinstance(value, dict), 'entries such as Manufacturer = "..."'
    ),
}
