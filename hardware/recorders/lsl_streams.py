"""Streams of the Lab Streaming Layer: found, described, and refused with a remedy when they do not fit."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import numpy as np

from hardware.lsl_library import load_pylsl
from hardware.settings import RigSettings

if TYPE_CHECKING:
    import pylsl

FIND_S = 5.0
"""Longest wait for a stream that is to be recorded; one on this computer answers within 0.1 s."""

SETTLE_S = 1.2
"""After the first answer, so long more for a second stream of the same name: LSL asks twice a second."""

LOWEST_HZ = 800.0
"""Twice the upper edge (400 Hz) of the band in which facial EMG lies; slower streams cannot hold it."""

RATE_TOLERANCE = 0.01
"""By how much the rate that is measured may differ from the rate that a stream declares."""

MICROVOLTS = {
    "microvolts": 1.0,
    "microvolt": 1.0,
    "uv": 1.0,
    "µv": 1.0,
    "μv": 1.0,
    "millivolts": 1e3,
    "millivolt": 1e3,
    "mv": 1e3,
    "volts": 1e6,
    "volt": 1e6,
    "v": 1e6,
    "nanovolts": 1e-3,
    "nanovolt": 1e-3,
    "nv": 1e-3,
}
"""Names of units, in small letters -> how many microvolts one of them is."""

UNEVEN_S = 0.03
"""Samples that are stamped when they arrive may be late by so much, which blurs the rate of a short time."""

CHECK_STREAM = "Countenance check"
"""Name of the LSL marker stream on which the check says what is asked of the participant."""

LIST_THEM = "`python -m hardware list` shows the streams that can be seen from here."


@dataclasses.dataclass(frozen=True, kw_only=True)
class StreamChannel:
    """A channel as its stream describes it."""

    label: str
    """Its name; ``channel 3`` where the stream has none."""
    unit: str | None = None
    """Physical unit as the stream writes it."""
    impedance_kohm: float | None = None
    """Impedance of its electrodes, where the stream says it."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class SignalStream:
    """The stream with the muscles' signals, checked against the rig."""

    name: str
    source_id: str
    host: str
    fs_hz: float
    """Rate that the stream declares."""
    channels: tuple[StreamChannel, ...]
    muscles: Mapping[str, int]
    """Muscle -> number of its channel, from 0."""
    to_microvolts: Mapping[str, float]
    """Muscle -> how many microvolts one of its channel's units is."""
    status: int | None
    """Number of the channel with the trigger codes; None when there is none."""


def find_signal_inlet(rig: RigSettings, *, find_s: float = FIND_S) -> tuple[SignalStream, pylsl.StreamInlet]:
    """Find the rig's signal stream, check it, and open it.

    Parameters
    ----------
    rig : RigSettings
        The rig, whose ``[recorder]`` says which stream, and ``[amplifier]`` which channels.
    find_s : float
        Longest wait for it.

    Returns
    -------
    SignalStream
        What it is.
    pylsl.StreamInlet
        Its samples from now on.

    Raises
    ------
    ValueError
        If there is no such stream, or two; if it has no regular rate, too low a rate, other channels or
        another unit than the rig asks for. The message says what was found and what to do.
    """
    pylsl = load_pylsl()

    info = _only_match(rig, find_s)
    inlet = pylsl.StreamInlet(info, max_buflen=360, recover=bool(info.source_id()))
    try:
        full = inlet.info(timeout=find_s)
        stream = check_stream(full.as_xml(), rig)
        inlet.open_stream(timeout=find_s)
    except (TimeoutError, RuntimeError) as error:
        raise ValueError(
            f"the stream {info.name()!r} on {info.hostname()} was seen but does not answer ({error}). Does a "
            "firewall block LSL (TCP and UDP ports 16572 to 16604), or has its program just ended?"
        ) from None
    return stream, inlet


def probe_stream(rig: RigSettings, *, seconds: float = 2.0) -> SignalStream:
    """Look whether the rig's signal stream is there and sends at the rate that it declares.

    Raises
    ------
    ValueError
        If not; see `find_signal_inlet` and `check_rate`.
    """
    stream, inlet = find_signal_inlet(rig)
    time.sleep(seconds)
    _, times_s = inlet.pull_chunk(0.0, max_samples=65536, as_numpy=True)
    inlet.close_stream()
    check_rate(times_s, stream)
    return stream


def predicate(rig: RigSettings) -> str:
    """Say in XPath, as LSL wants it, which streams the rig means.

    >>> from hardware.settings import RecorderSettings
    >>> predicate(RigSettings(recorder=RecorderSettings(kind="lsl", stream_name="gUSBamp")))
    "type='EMG' and name='gUSBamp'"
    """
    recorder = rig.recorder
    asked = {
        "type": recorder.stream_type,
        "name": recorder.stream_name,
        "source_id": recorder.stream_source_id,
    }
    return " and ".join(f"{name}={_quoted(value)}" for name, value in asked.items() if value)


def check_stream(description: str, rig: RigSettings) -> SignalStream:
    """Check a stream's description against the rig.

    Parameters
    ----------
    description : str
        The stream's XML (``StreamInfo.as_xml()``).
    rig : RigSettings
        The rig.

    Returns
    -------
    SignalStream
        The stream.

    Raises
    ------
    ValueError
        If it cannot be used; the message says why and what to do.
    """
    info = ElementTree.fromstring(description)
    name = info.findtext("name", "")
    channels = described_channels(info)
    what = f"the stream {name!r} on {info.findtext('hostname', '?')}"
    fs_hz = float(info.findtext("nominal_srate", "0"))
    if info.findtext("channel_format") == "string" or fs_hz <= 0:
        raise ValueError(
            f"{what} holds events, not signals sampled at a regular rate: name the amplifier's stream in "
            f"[recorder] of the rig file. {LIST_THEM}"
        )
    if fs_hz < LOWEST_HZ:
        raise ValueError(
            f"{what} is sampled at {fs_hz:g} Hz, but facial EMG reaches to 400 Hz and needs at least "
            f"{LOWEST_HZ:g} Hz: set the amplifier to 1000 Hz or more (the paper: 1200 Hz)"
        )
    labels = [channel.label for channel in channels]
    muscles = {
        muscle: _index(labels, label, f"{muscle}'s", what) for muscle, label in rig.amplifier_channels.items()
    }
    status = labels.index(rig.amplifier_status_channel) if rig.amplifier_status_channel in labels else None
    if status is None and not any(trigger.kind == "lsl" for trigger in rig.triggers):
        raise ValueError(
            f"{what} has no channel {rig.amplifier_status_channel!r} with trigger codes, and the rig sends "
            f"none over LSL, so nothing would say when the videos were shown. Its channels are "
            f"{', '.join(labels)}: correct status_channel in [amplifier], or add a [[trigger]] of "
            'kind = "lsl" to the rig file'
        )
    return SignalStream(
        name=name,
        source_id=info.findtext("source_id", ""),
        host=info.findtext("hostname", ""),
        fs_hz=fs_hz,
        channels=channels,
        muscles=muscles,
        to_microvolts={
            muscle: _microvolts(channels[index], rig.recorder.unit, what) for muscle, index in muscles.items()
        },
        status=status,
    )


def described_channels(info: ElementTree.Element) -> tuple[StreamChannel, ...]:
    """Return what a stream says of its channels, numbered where it says nothing."""
    count = int(info.findtext("channel_count", "0"))
    found = info.findall("desc/channels/channel")
    described = found if len(found) == count else [ElementTree.Element("channel")] * count
    return tuple(
        StreamChannel(
            label=(channel.findtext("label") or f"channel {number}").strip(),
            unit=(channel.findtext("unit") or "").strip() or None,
            impedance_kohm=_impedance(channel),
        )
        for number, channel in enumerate(described, start=1)
    )


def check_rate(times_s: Sequence[float] | np.ndarray, stream: SignalStream) -> float:
    """Return the rate at which samples really come.

    Parameters
    ----------
    times_s : array_like
        Time stamps of some seconds of samples.
    stream : SignalStream
        What the stream declares.

    Raises
    ------
    ValueError
        If nothing came, or at another rate than declared by more than 1 %.
    """
    if len(times_s) < 2 or times_s[-1] <= times_s[0]:
        raise ValueError(
            f"the stream {stream.name!r} is there, but no samples come: press start in its program"
        )
    measured_hz = (len(times_s) - 1) / float(times_s[-1] - times_s[0])
    tolerance = RATE_TOLERANCE + UNEVEN_S / float(times_s[-1] - times_s[0])
    if abs(measured_hz / stream.fs_hz - 1) > tolerance:
        raise ValueError(
            f"the stream {stream.name!r} says {stream.fs_hz:g} Hz, but {measured_hz:.1f} samples come per "
            "second: set the same rate in the amplifier and in the program that sends the stream, and look "
            "whether that program reports lost data"
        )
    return measured_hz


def with_units(description: str, stream: SignalStream, unit: str | None) -> str:
    """Complete a stream's description with the rig's unit and the channels' names, before it is kept."""
    info = ElementTree.fromstring(description)
    desc = info.find("desc")
    desc = ElementTree.SubElement(info, "desc") if desc is None else desc
    described = desc.find("channels")
    if described is None or len(described.findall("channel")) != len(stream.channels):
        if described is not None:
            desc.remove(described)
        described = ElementTree.SubElement(desc, "channels")
        for known in stream.channels:
            ElementTree.SubElement(ElementTree.SubElement(described, "channel"), "label").text = known.label
    channels = described.findall("channel")
    for number in stream.muscles.values():
        if unit and stream.channels[number].unit is None:
            for empty in channels[number].findall("unit"):
                channels[number].remove(empty)
            ElementTree.SubElement(channels[number], "unit").text = unit
    return ElementTree.tostring(info, encoding="unicode")


def without_names(description: str) -> str:
    """Take the computer's name and addresses out of a stream's description, before it is kept."""
    info = ElementTree.fromstring(description)
    for name in ("hostname", "v4address", "v6address"):
        for element in info.findall(name):
            element.text = None
    return '<?xml version="1.0"?>\n' + ElementTree.tostring(info, encoding="unicode")


def _only_match(rig: RigSettings, find_s: float) -> pylsl.StreamInfo:
    pylsl = load_pylsl()

    asked = predicate(rig)
    found = pylsl.resolve_bypred(asked, minimum=1, timeout=find_s)
    if found and not rig.recorder.stream_source_id:
        also = pylsl.resolve_bypred(asked, minimum=2, timeout=SETTLE_S)
        found = list({info.uid(): info for info in (*found, *also)}.values())
    if not found:
        seen = [_line(info) for info in pylsl.resolve_streams(wait_time=1.0)]
        others = "Streams that can be seen:" + "".join(seen) if seen else "No stream at all can be seen."
        raise ValueError(
            f"there is no LSL stream with {asked}: start the amplifier's LSL program and press its start, or "
            f"correct [recorder] in the rig file; on another computer, look at both firewalls. {others}"
        )
    if len(found) > 1:
        raise ValueError(
            f"{len(found)} LSL streams have {asked}: say which, with stream_source_id (or stream_name) in "
            "[recorder] of the rig file, or end the program that is not meant. They are:"
            + "".join(_line(info) for info in found)
        )
    return found[0]


def _line(info: pylsl.StreamInfo) -> str:
    return (
        f"\n  stream_name = {info.name()!r}, stream_type = {info.type()!r}, "
        f"stream_source_id = {info.source_id()!r} ({info.channel_count()} channels, "
        f"{info.nominal_srate():g} Hz, on {info.hostname()})"
    )


def _index(labels: Sequence[str], label: str, whose: str, what: str) -> int:
    if labels.count(label) != 1:
        many = "two channels" if label in labels else "no channel"
        raise ValueError(
            f"{what} has {many} {label!r} ({whose}). Its channels are {', '.join(labels)}: correct "
            "[amplifier.channels] in the rig file, or name the channels in the amplifier's program"
        )
    return labels.index(label)


def _microvolts(channel: StreamChannel, unit_of_rig: str | None, what: str) -> float:
    unit = channel.unit or unit_of_rig
    factor = MICROVOLTS.get((unit or "").lower())
    if factor is None:
        found = f"in {unit!r}" if unit else "without a unit"
        raise ValueError(
            f"{what} sends channel {channel.label!r} {found}, but EMG is a voltage: set the unit of the "
            "channel (microvolts, millivolts or volts) in the amplifier's LSL program"
            + ("" if channel.unit else ', or write unit = "microvolts" into [recorder] of the rig file')
        )
    return factor


def _impedance(channel: ElementTree.Element) -> float | None:
    try:
        return float(channel.findtext("impedance", ""))
    except ValueError:
        return None


def _quoted(text: str) -> str:
    if "'" in text and '"' in text:
        raise ValueError(f"a stream's name cannot have both kinds of quotation marks: {text!r}")
    return f'"{text}"' if "'" in text else f"'{text}'"
