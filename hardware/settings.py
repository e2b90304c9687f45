"""The rig file: what is wired in this laboratory, read once and checked.

See ``hardware/rigs/example.toml`` for a file with every setting explained.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import sys
from pathlib import Path
from typing import Any

from hardware.protocols import Pulse

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TRIGGER_KINDS = ("none", "serial_byte")
PULSES = ("next_flip", "device")


@dataclasses.dataclass(frozen=True, kw_only=True)
class RigSettings:
    """One laboratory's rig. The defaults are a desktop screen without a trigger line."""

    monitor_size_px: tuple[int, int] = (1920, 1080)
    """Width and height of the stimulus screen in pixels."""
    monitor_width_cm: float = 52.0
    """Width of the visible picture."""
    viewing_distance_cm: float = 60.0
    """From the eyes to the screen; 60 cm in Korb et al. 2023, Procedure."""
    refresh_hz: float = 60.0
    """The refresh rate that the screen is set to; a session measures it and refuses another one."""
    fullscreen: bool = True
    """False only for trying things out: timing in a window is worse."""
    screen: int = 0
    """Which screen, from 0."""
    trigger_kind: str = "none"
    """``none`` (codes are only logged) or ``serial_byte`` (one raw byte per code)."""
    trigger_port: str | None = None
    """``COM4``, ``/dev/ttyUSB0``, or a pyserial address such as ``socket://127.0.0.1:5000``."""
    trigger_baud: int = 115200
    """Speed of the serial line in baud; a converter's manual says which."""
    trigger_pulse: Pulse = "next_flip"
    """Who sets the line back to zero: the program at the next refresh, or the ``device``."""
    response_keys: tuple[str, ...] = ("up", "num_8", "num_up")
    """Names under which operating systems report the arrow-up key and the keypad's arrow up."""
    escape_key: str = "escape"
    """Asks whether to end the session."""
    amplifier_channels: dict[str, str] = dataclasses.field(
        default_factory=lambda: {"corrugator": "corrugator", "zygomaticus": "zygomaticus"}
    )
    """Muscle -> name of its bipolar channel in the amplifier's file."""
    amplifier_status_channel: str = "Status"
    """Name of the channel in the amplifier's file that carries the trigger codes."""
    mains_hz: float = 50.0
    """Frequency of the mains where the rig stands: 50 or 60 Hz."""
    amplifier_metadata: dict[str, Any] = dataclasses.field(default_factory=dict)
    """Entries of BIDS for ``emg.json``, such as Manufacturer, ElectrodeMaterial, SkinPreparation."""


_SECTIONS: dict[str, dict[str, str]] = {
    "monitor": {
        "size_px": "monitor_size_px",
        "width_cm": "monitor_width_cm",
        "distance_cm": "viewing_distance_cm",
        "refresh_hz": "refresh_hz",
        "fullscreen": "fullscreen",
        "screen": "screen",
    },
    "trigger": {
        "kind": "trigger_kind",
        "port": "trigger_port",
        "baud": "trigger_baud",
        "pulse": "trigger_pulse",
    },
    "keys": {"response": "response_keys", "escape": "escape_key"},
    "amplifier": {
        "channels": "amplifier_channels",
        "status_channel": "amplifier_status_channel",
        "mains_hz": "mains_hz",
        "metadata": "amplifier_metadata",
    },
}


def read_rig(path: Path | None) -> RigSettings:
    """Read and check a rig file.

    Parameters
    ----------
    path : Path or None
        A TOML file; None gives the defaults: a screen, no trigger line.

    Returns
    -------
    RigSettings
        The settings; what the file does not name keeps its default.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not TOML, names something unknown, or a value cannot be right.
    """
    if path is None:
        return RigSettings()
    if not path.is_file():
        raise FileNotFoundError(f"there is no rig file {path}: copy hardware/rigs/example.toml and adapt it")
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        return _check(RigSettings(**_flatten(content)))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from None


def _flatten(content: dict[str, Any]) -> dict[str, Any]:
    """Turn the sections of the file into the fields of `RigSettings`."""
    values: dict[str, Any] = {}
    for section, entries in content.items():
        known = _SECTIONS[_known(section, _SECTIONS, "section")]
        if not isinstance(entries, dict):
            raise ValueError(f"[{section}] must be a section with settings below it")
        for name, value in entries.items():
            field = known[_known(name, known, f"setting in [{section}]")]
            values[field] = tuple(value) if isinstance(value, list) else value
    return values


def _known(name: str, names: dict[str, Any], what: str) -> str:
    if name in names:
        return name
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(names)}"
    raise ValueError(f"unknown {what}: {name!r}; {hint}")


def _check(rig: RigSettings) -> RigSettings:
    """Return the settings if every one can be right."""
    size = rig.monitor_size_px
    _demand(
        isinstance(size, tuple) and len(size) == 2 and all(_whole(side) and side > 0 for side in size),
        "monitor.size_px: expected two whole numbers such as [1920, 1080]",
        size,
    )
    for name in ("monitor_width_cm", "viewing_distance_cm", "refresh_hz"):
        value = getattr(rig, name)
        _demand(_number(value) and value > 0, f"{name}: expected a positive number", value)
    _demand(isinstance(rig.fullscreen, bool), "monitor.fullscreen: expected true or false", rig.fullscreen)
    _demand(_whole(rig.screen) and rig.screen >= 0, "monitor.screen: expected 0, 1, ...", rig.screen)
    _check_trigger(rig)
    keys = rig.response_keys
    _demand(
        isinstance(keys, tuple) and len(keys) > 0 and all(isinstance(key, str) and key for key in keys),
        'keys.response: expected a list of key names such as ["up", "num_8"]',
        keys,
    )
    _demand(rig.escape_key not in keys, "keys.escape: must not be a response key", rig.escape_key)
    _check_amplifier(rig)
    return rig


def _check_trigger(rig: RigSettings) -> None:
    _demand(
        rig.trigger_kind in TRIGGER_KINDS,
        f"trigger.kind: expected one of {', '.join(TRIGGER_KINDS)}",
        rig.trigger_kind,
    )
    _demand(
        rig.trigger_pulse in PULSES, f"trigger.pulse: expected one of {', '.join(PULSES)}", rig.trigger_pulse
    )
    _demand(
        _whole(rig.trigger_baud) and rig.trigger_baud > 0,
        "trigger.baud: expected a whole number",
        rig.trigger_baud,
    )
    if rig.trigger_kind != "none":
        _demand(
            isinstance(rig.trigger_port, str) and bool(rig.trigger_port),
            "trigger.port: expected the name of the port (`python -m hardware list` shows them)",
            rig.trigger_port,
        )


def _check_amplifier(rig: RigSettings) -> None:
    channels = rig.amplifier_channels
    _demand(
        isinstance(channels, dict)
        and bool(channels)
        and all(isinstance(name, str) and name for name in channels.values())
        and len(set(channels.values())) == len(channels),
        'amplifier.channels: expected muscle = "channel" with a different channel for each muscle',
        channels,
    )
    _demand(
        isinstance(rig.amplifier_status_channel, str) and bool(rig.amplifier_status_channel),
        "amplifier.status_channel: expected a channel's name",
        rig.amplifier_status_channel,
    )
    _demand(rig.mains_hz in (50, 60), "amplifier.mains_hz: expected 50 or 60", rig.mains_hz)
    _demand(
        isinstance(rig.amplifier_metadata, dict),
        'amplifier.metadata: expected entries such as Manufacturer = "..."',
        rig.amplifier_metadata,
    )


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _demand(right: bool, expected: str, found: object) -> None:
    if not right:
        raise ValueError(f"{expected}, found {found!r}")
