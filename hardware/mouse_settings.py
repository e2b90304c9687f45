"""What the rig file says of a mouse rig: sections ``[mouse_rig]`` and ``[camera]``, read once and checked.

See ``hardware/rigs/mouse_example.toml`` for a file with every setting explained.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from hardware.cameras.settings import CameraSettings, camera_settings
from hardware.delivery.ceilings import COMPILED
from hardware.delivery.limits import Limits, is_valve
from hardware.delivery.protocol import CHANNELS
from hardware.delivery.valves import ValveCalibration, Valves, now_utc, read_calibration
from hardware.rig_file_errors import RigFileError, is_number, is_whole, line_of, toml_hint

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

COMPILED_FIRMWARE = "compiled-firmware"
"""Instead of a port: the firmware itself, run in a simulated microcontroller."""

SETTINGS = ("port", "simulated", "calibration", "liquids", "limits")


@dataclass(frozen=True, kw_only=True)
class MouseRigSettings:
    """One laboratory's mouse rig."""

    port: str
    """``/dev/ttyACM0``, ``COM4``, ``socket://host:port``, or `COMPILED_FIRMWARE`."""
    limits: Limits = field(default_factory=Limits)
    """What a session may give; without the section, no shocks."""
    liquids: Mapping[str, str] = field(default_factory=dict)
    """Valve -> what is in it."""
    calibration_file: Path
    """File with the calibrations of the valves."""
    calibrations: Mapping[str, ValveCalibration] = field(default_factory=dict)
    """Valve -> its calibration, whether or not it may still be used."""
    camera: CameraSettings | None = None
    """The camera; None where the file has none."""
    simulated: bool = False
    """Whether no animal is there: a twin answers on the port."""
    text: str = ""
    """Content of the rig file."""

    @property
    def calibration_text(self) -> str:
        """Content of the calibration's file; empty without one."""
        return self.calibration_file.read_text(encoding="utf-8") if self.calibration_file.is_file() else ""

    def valves(self) -> Valves:
        """Return the calibrations as they may be used now."""
        return Valves(self.calibrations, now=now_utc(), source=str(self.calibration_file))

    def open_ms(self, valve: str, volume_ul: float) -> float:
        """Return for how long a valve opens for a volume (ms); see `Valves.open_ms`."""
        return self.valves().open_ms(valve, volume_ul)


def read_mouse_rig(path: Path) -> MouseRigSettings:
    """Read and check the parts of a rig file that are about mice.

    Parameters
    ----------
    path : Path
        A TOML file; sections of other studies in it are not looked at.

    Returns
    -------
    MouseRigSettings
        The settings.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not TOML, or a value cannot be right; the message names file and line.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"there is no rig file {path}: copy hardware/rigs/mouse_example.toml and adapt it"
        )
    text = ""
    try:
        text = path.read_text(encoding="utf-8-sig")
        content = tomllib.loads(text)
        return _settings(content, path, text)
    except RigFileError as error:
        line = line_of(text, error)
        raise ValueError(f"{path}{f', line {line}' if line else ''}: {error}") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: {error}; save the file as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path}: {error}; {toml_hint(text, str(error))}") from None


def check_mouse_sections(content: Mapping[str, Any]) -> None:
    """Check the sections about mice in what was read from a rig file, without the files that they name.

    Raises
    ------
    RigFileError
        At the first thing that cannot be right.
    """
    if "mouse_rig" in content:
        _read_rig(content["mouse_rig"])
    if "camera" in content:
        _read_camera(content["camera"], None)


def _settings(content: Mapping[str, Any], path: Path, text: str) -> MouseRigSettings:
    if "mouse_rig" not in content:
        raise RigFileError(
            "the section is missing: it says where the device is (port) and what a session may give",
            section="mouse_rig",
        )
    section = content["mouse_rig"]
    values = _read_rig(section)
    file = path.parent / section.get("calibration", f"{path.stem}_valves.yaml")
    return MouseRigSettings(
        **values,
        calibration_file=file,
        calibrations=read_calibration(file),
        camera=_read_camera(content["camera"], path.parent) if "camera" in content else None,
        text=text,
    )


def _read_rig(section: Any) -> dict[str, Any]:
    if not isinstance(section, dict):
        raise RigFileError("must be a section with settings below it", section="mouse_rig")
    _check_names(section, SETTINGS, "mouse_rig")
    port = section.get("port")
    if not isinstance(port, str) or not port:
        raise RigFileError(
            f"expected the device's port in quotes, such as '/dev/ttyACM0' or 'COM4', found {port!r}; "
            "python -m hardware list shows the ports",
            section="mouse_rig",
            setting="port",
        )
    simulated = section.get("simulated", port == COMPILED_FIRMWARE)
    if not isinstance(simulated, bool):
        raise RigFileError(
            f"expected true or false, found {simulated!r}", section="mouse_rig", setting="simulated"
        )
    if not isinstance(section.get("calibration", "a"), str):
        raise RigFileError(
            "expected the name of a file in quotes", section="mouse_rig", setting="calibration"
        )
    return {
        "port": port,
        "simulated": simulated or port == COMPILED_FIRMWARE,
        "liquids": _read_liquids(section.get("liquids", {})),
        "limits": _read_limits(section.get("limits", {})),
    }


def _read_liquids(section: Any) -> dict[str, str]:
    name = "mouse_rig.liquids"
    _check_names(section, [channel for channel in CHANNELS if is_valve(channel)], name)
    for valve, liquid in section.items():
        if not isinstance(liquid, str) or not liquid:
            raise RigFileError(
                f"expected what is in the valve, in quotes, found {liquid!r}", section=name, setting=valve
            )
    return dict(section)


def _read_limits(section: Any) -> Limits:
    name = "mouse_rig.limits"
    numbers = [one.name for one in fields(Limits) if one.name != "pulse_us"]
    _check_names(section, [*numbers, "pulse_ms"], name)
    for setting, value in section.items():
        if setting == "pulse_ms":
            continue
        right = is_whole(value) if setting == "n_shocks" else is_number(value)
        if not right or value < 0:
            what = "a whole number" if setting == "n_shocks" else "a number"
            raise RigFileError(f"expected {what} from 0 on, found {value!r}", section=name, setting=setting)
    pulse_us = _read_pulses(section.get("pulse_ms", {}), f"{name}.pulse_ms")
    return Limits(**{k: v for k, v in section.items() if k != "pulse_ms"}, pulse_us=pulse_us)


def _read_pulses(section: Any, name: str) -> dict[str, int]:
    _check_names(section, CHANNELS, name)
    for channel, value in section.items():
        longest_ms = COMPILED[channel].pulse_us / 1000
        if not is_number(value) or not 0.1 <= value <= longest_ms:
            raise RigFileError(
                f"expected the longest pulse in ms, 0.1 to {longest_ms:g} (the ceiling in the device), "
                f"found {value!r}",
                section=name,
                setting=channel,
            )
    return {channel: round(1000 * value) for channel, value in section.items()}


def _read_camera(section: Any, folder: Path | None) -> CameraSettings:
    if not isinstance(section, dict):
        raise RigFileError("must be a section with settings below it", section="camera")
    try:
        return camera_settings(section, folder=folder)
    except ValueError as error:
        text = str(error).removeprefix("[camera]").lstrip(": ")
        setting = next((name for name in section if name in text.split()), None)
        raise RigFileError(text, section="camera", setting=setting) from None


def _check_names(section: Any, known: Collection[str], name: str) -> None:
    if not isinstance(section, dict):
        raise RigFileError("must be a section with settings below it", section=name)
    for setting in section:
        if setting not in known:
            close = difflib.get_close_matches(setting, known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}"
            raise RigFileError(f"unknown setting {setting!r}; {hint}", section=name, setting=setting)
