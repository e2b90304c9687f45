"""The channel map: a small TOML file that says what a recording cannot say of itself.

Which channel is which muscle, in which unit, already rectified or not; where the triggers are and what they
stand for; and, for delimited text, how it is laid out. `analysis/mimicry/maps` holds commented examples.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from experiments.dataset.xdf import MUSCLE_NAMES

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Column = str | int
"""A channel: its name, or its number counted from one."""


@dataclass(frozen=True, kw_only=True)
class Muscle:
    """Where the signal of a muscle is."""

    source: tuple[Column, ...]
    """One channel, or two monopolar ones whose difference (first minus second) is the bipolar signal."""
    units: str | None = None
    """Unit of the channel, where the file does not say."""
    signal: Literal["raw", "rectified"] = "raw"
    """Whether the recorder has already rectified and averaged the signal."""


@dataclass(frozen=True, kw_only=True)
class TriggerLine:
    """An analogue line that carries pulses."""

    source: Column
    """The channel."""
    stands_for: tuple[str, ...]
    """Trial types of the session's own log for which there is a pulse on this line; else the line's name."""


@dataclass(frozen=True, kw_only=True)
class EventSource:
    """Where the triggers are and what they stand for."""

    kind: Literal["lines", "status", "markers"] | None = None
    """Analogue lines; a digital status channel; markers or annotations. None: whatever the file has."""
    channel: Column | None = None
    """The status channel, or the name of the marker stream; None: the only one there is."""
    mask: int = 0xFF
    """Bits of the status channel that carry the code."""
    threshold: float | None = None
    """Level above which an analogue line is high, in the unit of the line."""
    edge: Literal["rising", "falling"] = "rising"
    """Which edge of a pulse is the event."""
    debounce_s: float = 0.0
    """An edge this soon after another is a bounce of it."""
    duration_s: float | None = None
    """How long what the event shows lasts."""
    lines: Mapping[str, TriggerLine] = field(default_factory=dict)
    """Name of the event -> analogue line."""
    codes: Mapping[str, tuple[str | int, ...]] = field(default_factory=dict)
    """Name of the event -> codes or marker texts."""
    expected: Mapping[str, int] = field(default_factory=dict)
    """Name of the event -> how many there must be."""


@dataclass(frozen=True, kw_only=True)
class TextLayout:
    """How a delimited text file is laid out."""

    delimiter: str = "\t"
    """What separates the columns."""
    decimal: str = "."
    """Decimal point or comma."""
    skip_lines: int = 0
    """Lines before the head line, or before the numbers where there is none."""
    head_line: bool = False
    """Whether a line with the columns' names comes before the numbers."""
    time_column: Column | None = None
    """Column with the time of each row."""
    time_units: Literal["s", "ms", "min"] = "s"
    """Unit of that column."""


@dataclass(frozen=True, kw_only=True)
class ChannelMap:
    """A whole map."""

    sampling_rate_hz: float | None = None
    """Needed for text without a time column; checked against what the file says otherwise."""
    mains_hz: float | None = None
    """Frequency of the mains where it was recorded."""
    incomplete: bool = False
    """Whether a file that ends early, as after a crash of the recorder, may be taken as it is."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """Facts for the BIDS sidecar, for instance Manufacturer."""
    muscles: Mapping[str, Muscle] = field(default_factory=dict)
    """Name of the muscle -> where its signal is; empty: found by the channels' names."""
    events: EventSource = field(default_factory=EventSource)
    """Where the triggers are."""
    text: TextLayout = field(default_factory=TextLayout)
    """Layout of a text file."""


def read_channel_map(path: Path) -> ChannelMap:
    """Read a channel map.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no TOML, has a key that means nothing, or a value that cannot be.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no channel map {path}")
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        return parse_channel_map(content)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, ValueError) as error:
        raise ValueError(f"the channel map {path} cannot be used: {error}") from error


def parse_channel_map(content: Mapping[str, Any]) -> ChannelMap:
    """Turn the content of a TOML file into a map, refusing what is not understood.

    Examples
    --------
    >>> made = parse_channel_map({
    ...     "recording": {"sampling_rate_hz": 100},
    ...     "muscles": {"corrugator": {"source": 5, "units": "mV", "signal": "rectified"}},
    ...     "events": {"kind": "lines", "threshold": 2.5, "edge": "falling", "lines": {"angry": 6}},
    ... })
    >>> made.muscles["corrugator"].source, made.events.lines["angry"].stands_for
    ((5,), ('angry',))
    """
    _only(content, ("recording", "muscles", "events", "text", "metadata"), "")
    recording = _table(content, "recording", ("sampling_rate_hz", "mains_hz", "incomplete"))
    if not isinstance(recording.get("incomplete", False), bool):
        raise ValueError("recording.incomplete must be true or false")
    text = _table(content, "text", tuple(TextLayout.__dataclass_fields__))
    if text.get("delimiter") in _DELIMITERS:
        text["delimiter"] = _DELIMITERS[text["delimiter"]]
    return ChannelMap(
        sampling_rate_hz=_positive(recording, "sampling_rate_hz"),
        mains_hz=_positive(recording, "mains_hz"),
        incomplete=recording.get("incomplete", False),
        metadata={key: str(value) for key, value in _subtable(content, "metadata").items()},
        muscles={name: _muscle(name, about) for name, about in _subtable(content, "muscles").items()},
        events=_events(_table(content, "events", tuple(EventSource.__dataclass_fields__))),
        text=TextLayout(**text),
    )


_DELIMITERS = {"tab": "\t", "comma": ",", "semicolon": ";", "space": r"\s+"}


def find_muscles(channel_names: tuple[str, ...]) -> dict[str, Muscle]:
    """Tell by their names which channels are the two muscles.

    Raises
    ------
    ValueError
        If the names do not say so, with the names.

    Examples
    --------
    >>> sorted(find_muscles(("Zyg", "Corr", "Status")).items())[0]
    ('corrugator', Muscle(source=('Corr',), units=None, signal='raw'))
    """
    found = {
        muscle: [name for name in channel_names if pattern.search(name)]
        for muscle, pattern in MUSCLE_NAMES.items()
    }
    if any(len(names) != 1 for names in found.values()):
        raise ValueError(
            "the names of the channels do not say which is which muscle. Name them in a channel map "
            f"(--channels map.toml, see analysis/mimicry/maps). They are: {list_channels(channel_names)}"
        )
    return {muscle: Muscle(source=(names[0],)) for muscle, names in found.items()}


def list_channels(channel_names: tuple[str, ...]) -> str:
    """Number and name channels for a message.

    >>> list_channels(("EMG1", "Status"))
    '1 EMG1, 2 Status'
    """
    return ", ".join(f"{number} {name}" for number, name in enumerate(channel_names, start=1))


def resolve(column: Column, channel_names: tuple[str, ...], *, what: str) -> str:
    """Return the name of a channel that is given by name or by number from one.

    Raises
    ------
    ValueError
        If there is no such channel, with the channels that there are.
    """
    if isinstance(column, int) and 1 <= column <= len(channel_names):
        return channel_names[column - 1]
    if column in channel_names:
        return str(column)
    raise ValueError(
        f"there is no channel {column!r} for {what}: correct the channel map. The channels are: "
        f"{list_channels(channel_names)}"
    )


def _muscle(name: str, about: Any) -> Muscle:
    if not isinstance(about, Mapping):
        about = {"source": about}
    _only(about, ("source", "units", "signal"), f"muscles.{name}")
    source = about.get("source")
    columns = tuple(source) if isinstance(source, list) else (source,)
    if not 1 <= len(columns) <= 2 or not all(isinstance(column, str | int) for column in columns):
        raise ValueError(
            f"muscles.{name}.source must be a channel or two (first minus second), got {source!r}"
        )
    _one_of(about, "signal", ("raw", "rectified"), f"muscles.{name}")
    return Muscle(source=columns, units=about.get("units"), signal=about.get("signal", "raw"))


def _events(about: Mapping[str, Any]) -> EventSource:
    _one_of(about, "kind", ("lines", "status", "markers"), "events")
    _one_of(about, "edge", ("rising", "falling"), "events")
    lines = {name: _line(name, line) for name, line in _subtable(about, "lines", "events.").items()}
    codes = {
        name: tuple(code) if isinstance(code, list) else (code,)
        for name, code in _subtable(about, "codes", "events.").items()
    }
    kind = about.get("kind") or ("lines" if lines else None)
    if kind == "lines" and (not lines or about.get("threshold") is None):
        raise ValueError("events of kind lines need [events.lines] (name = channel) and a threshold")
    plain = {key: value for key, value in about.items() if key not in ("lines", "codes", "kind")}
    return EventSource(**{**plain, "kind": kind, "lines": lines, "codes": codes})


def _line(name: str, about: Any) -> TriggerLine:
    if not isinstance(about, Mapping):
        about = {"source": about}
    _only(about, ("source", "stands_for"), f"events.lines.{name}")
    if not isinstance(about.get("source"), str | int):
        raise ValueError(f"events.lines.{name} needs a channel (name or number), got {about.get('source')!r}")
    stands_for = about.get("stands_for", [name])
    return TriggerLine(source=about["source"], stands_for=tuple(str(kind) for kind in stands_for))


def _table(content: Mapping[str, Any], name: str, keys: tuple[str, ...]) -> dict[str, Any]:
    table = _subtable(content, name)
    _only(table, keys, name)
    return table


def _subtable(content: Mapping[str, Any], name: str, within: str = "") -> dict[str, Any]:
    """Return a table whose keys the experimenter chooses, empty where it is left out."""
    table = content.get(name, {})
    if not isinstance(table, Mapping):
        raise ValueError(f"[{within}{name}] must be a table of name = value, got {table!r}")
    return {str(key): value for key, value in table.items()}


def _only(table: Mapping[str, Any], keys: tuple[str, ...], where: str) -> None:
    unknown = sorted(set(table) - set(keys))
    if unknown:
        place = f"[{where}]" if where else "it"
        raise ValueError(
            f"{place} has {', '.join(unknown)}, which means nothing; known are {', '.join(keys)}"
        )


def _one_of(table: Mapping[str, Any], key: str, allowed: tuple[str, ...], where: str) -> None:
    if key in table and table[key] not in allowed:
        raise ValueError(f"{where}.{key} must be one of {', '.join(allowed)}, got {table[key]!r}")


def _positive(table: Mapping[str, Any], key: str) -> float | None:
    value = table.get(key)
    if value is not None and not (isinstance(value, int | float) and value > 0):
        raise ValueError(f"{key} must be a number above 0, got {value!r}")
    return None if value is None else float(value)
