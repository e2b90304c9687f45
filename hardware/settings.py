"""The rig file: what is wired in this laboratory, read once and checked.

See ``hardware/rigs/example.toml`` for a file with every setting explained.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from hardware.protocols import Pulse
from hardware.rig_file_checks import SECTIONS, check_content
from hardware.rig_file_errors import RigFileError, line_of, toml_hint
from hardware.trigger_kinds import TRIGGER_KINDS, USUAL_STREAM_NAME

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclasses.dataclass(frozen=True, kw_only=True)
class TriggerSettings:
    """One trigger device. What is left out gets the value that suits its kind."""

    kind: str
    """One of `hardware.trigger_kinds.TRIGGER_KINDS`."""
    port: str | None = None
    """``COM4``, ``/dev/ttyUSB0``, or a pyserial address such as ``socket://127.0.0.1:5000``; of a parallel
    port its address (``0x378``) or, on Linux, its device (``/dev/parport0``). LSL needs none."""
    baud: int | None = None
    """Speed of a serial line in baud; None takes that of the kind."""
    pulse: Pulse | None = None
    """Who sets the line back to zero: the program at the next refresh, or the ``device``; None takes what
    suits the kind."""
    wait_s: float = 0.0
    """How long a serial device needs after it was opened, before it listens (s): about 2 for an Arduino,
    which starts anew."""
    library: str | None = None
    """Path of the driver's DLL, where it is not found by itself; of a parallel port on Windows only."""
    stream_name: str = USUAL_STREAM_NAME
    """Name of the LSL marker stream; of kind ``lsl`` only."""
    values: Literal["int", "string"] = "int"
    """Whether the LSL markers are whole numbers or texts; of kind ``lsl`` only."""

    def __post_init__(self) -> None:
        if isinstance(self.port, int):
            object.__setattr__(self, "port", f"{self.port:#x}")
        known = TRIGGER_KINDS.get(self.kind)
        if known is not None:
            object.__setattr__(self, "baud", self.baud or known.baud)
            object.__setattr__(self, "pulse", self.pulse or known.pulses[0])

    @property
    def name(self) -> str:
        """What messages call the device."""
        return f"{self.kind} {(self.port or self.stream_name)!r}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class RecorderSettings:
    """Who records the signals."""

    kind: str = "external"
    """``external``: another program, whose file is imported after the session. ``lsl``: the suite itself,
    from an LSL stream. ``none``: nobody, the session is behaviour only."""
    stream_name: str | None = None
    """Name of the LSL stream with the signals; None takes any of the right type."""
    stream_type: str | None = "EMG"
    """Type of the LSL stream; None takes any with the right name."""
    stream_source_id: str | None = None
    """Source id of the LSL stream, where two devices have the same name."""
    file_format: str = "xdf"
    """``xdf``, or ``bdf``: then a BDF file is made of the XDF file when the session ends."""
    unit: str | None = None
    """Unit of the muscles' channels, such as ``microvolts``, where the LSL stream itself says none."""


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
    triggers: tuple[TriggerSettings, ...] = ()
    """Where codes are sent; to all of them at the same time. Empty: codes are only logged."""
    recorder: RecorderSettings = RecorderSettings()
    """Who records the signals."""
    codes: dict[str, int] = dataclasses.field(default_factory=dict)
    """Event -> trigger code, for codes that differ from those of the study."""
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
        If it is not TOML, names something unknown, or a value cannot be right; the message names the line.
    """
    if path is None:
        return RigSettings()
    if not path.is_file():
        raise FileNotFoundError(f"there is no rig file {path}: copy one of hardware/rigs and adapt it")
    text = ""
    try:
        text = path.read_text(encoding="utf-8-sig")
        content = tomllib.loads(text)
        check_content(content)
    except RigFileError as error:
        line = line_of(text, error)
        raise ValueError(f"{path}{f', line {line}' if line else ''}: {error}") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: {error}; save the file as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path}: {error}; {toml_hint(text, str(error))}") from None
    return _settings(content)


def rig_from_record(record: Mapping[str, Any]) -> RigSettings:
    """Give back the settings that ``session.json`` keeps (``dataclasses.asdict``, lists for tuples).

    Parameters
    ----------
    record : mapping
        The entry ``rig``; those of earlier versions, which knew one trigger line, are understood.

    Returns
    -------
    RigSettings
        The settings.

    Raises
    ------
    ValueError
        If it has entries that no rig has.

    Examples
    --------
    >>> rig_from_record({"trigger_kind": "serial_byte", "trigger_port": "COM4"}).triggers[0].port
    'COM4'
    """
    values = dict(record)
    former = {name: values.pop(f"trigger_{name}", None) for name in ("kind", "port", "baud", "pulse")}
    triggers = values.pop("triggers", [former] if former["kind"] not in (None, "none") else [])
    recorder = values.pop("recorder", {})
    try:
        return RigSettings(
            triggers=tuple(TriggerSettings(**trigger) for trigger in triggers),
            recorder=RecorderSettings(**recorder),
            **_with_tuples(values),
        )
    except TypeError as error:
        raise ValueError(
            f"the session's record has another kind of rig ({error}): say which with --rig"
        ) from None


def _settings(content: Mapping[str, Any]) -> RigSettings:
    """Turn the checked sections of a file into settings."""
    values = {
        SECTIONS[section][name]: value
        for section, entries in content.items()
        if section in SECTIONS
        for name, value in entries.items()
    }
    triggers = content.get("trigger", [])
    triggers = [triggers] if isinstance(triggers, dict) else triggers
    return RigSettings(
        triggers=tuple(
            TriggerSettings(**trigger) for trigger in triggers if trigger.get("kind", "none") != "none"
        ),
        recorder=RecorderSettings(**content.get("recorder", {})),
        codes=dict(content.get("codes", {})),
        **_with_tuples(values),
    )


def _with_tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    """Give back the tuples, which TOML and JSON write as lists."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
