"""Streams that cannot be recorded are refused before the session, with what to do."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Sequence
from xml.etree import ElementTree

import numpy as np
import pylsl
import pytest

from hardware.recorders.lsl_streams import (
    check_rate,
    check_stream,
    described_channels,
    find_signal_inlet,
    predicate,
    probe_stream,
    with_units,
    without_names,
)
from hardware.settings import RecorderSettings, RigSettings, TriggerSettings

pytestmark = pytest.mark.real_time

LABELS = ("corrugator", "zygomaticus", "Status")


def described(
    name: str = "amp",
    *,
    labels: Sequence[str | None] = LABELS,
    units: Sequence[str | None] = ("microvolts", "microvolts", None),
    fs_hz: float = 1200.0,
    values: str = "float32",
    source_id: str = "one",
) -> pylsl.StreamInfo:
    info = pylsl.StreamInfo(name, "EMG", len(labels), fs_hz, values, source_id)
    channels = info.desc().append_child("channels")
    for label, unit in zip(labels, units, strict=True):
        channel = channels.append_child("channel")
        if label:
            channel.append_child_value("label", label)
        if unit:
            channel.append_child_value("unit", unit)
    return info


RIG = RigSettings(recorder=RecorderSettings(kind="lsl", stream_name="amp"))
MARKED = dataclasses.replace(RIG, triggers=(TriggerSettings(kind="lsl"),))


def test_a_stream_as_it_should_be() -> None:
    stream = check_stream(described().as_xml(), RIG)
    assert (dict(stream.muscles), stream.status, stream.fs_hz) == (
        {"corrugator": 0, "zygomaticus": 1},
        2,
        1200.0,
    )
    assert dict(stream.to_microvolts) == {"corrugator": 1.0, "zygomaticus": 1.0}


def test_units_of_voltage_are_converted() -> None:
    info = described(units=("V", "mV", None))
    assert dict(check_stream(info.as_xml(), RIG).to_microvolts) == {"corrugator": 1e6, "zygomaticus": 1e3}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fs_hz": 0.0}, r"holds events, not signals"),
        ({"values": "string"}, r"holds events, not signals"),
        ({"fs_hz": 500.0}, r"500 Hz, but facial EMG reaches to 400 Hz .* set the amplifier to 1000 Hz"),
        (
            {"labels": ("zygo", "zygomaticus", "Status")},
            r"no channel 'corrugator' .*zygo, zygomaticus.*correct",
        ),
        ({"labels": ("corrugator", "corrugator", "Status")}, r"two channels 'corrugator'"),
        ({"labels": (None, None, None)}, r"channel 1, channel 2, channel 3"),
        ({"units": ("g", "microvolts", None)}, r"'corrugator' in 'g', but EMG is a voltage: set the unit"),
        ({"units": ("microvolts", None, None)}, r"'zygomaticus' without a unit.*write unit = \"microvolts\""),
        (
            {"labels": ("corrugator", "zygomaticus", "x")},
            r"no channel 'Status' with trigger codes.*\[\[trigger",
        ),
    ],
)
def test_what_cannot_be_recorded_is_refused(changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_stream(described(**changes).as_xml(), RIG)


def test_numbers_of_channels_serve_where_there_are_no_names() -> None:
    rig = dataclasses.replace(
        MARKED, amplifier_channels={"corrugator": "channel 2", "zygomaticus": "channel 1"}
    )
    info = described(labels=(None, None, None))
    assert dict(check_stream(info.as_xml(), rig).muscles) == {"corrugator": 1, "zygomaticus": 0}


def test_the_rig_says_the_unit_of_a_stream_that_says_none() -> None:
    recorder = RecorderSettings(kind="lsl", stream_name="amp", unit="mV")
    bare = "<info><name>amp</name><channel_count>3</channel_count><channel_format>float32</channel_format>"
    bare += "<nominal_srate>1000</nominal_srate><desc /></info>"
    for description, names in (
        (described(units=("microvolts", None, None)).as_xml(), LABELS),
        (bare, ("channel 1", "channel 2", "channel 3")),
    ):
        rig = RigSettings(
            recorder=recorder,
            amplifier_channels={"corrugator": names[0], "zygomaticus": names[1]},
            amplifier_status_channel=names[2],
        )
        stream = check_stream(description, rig)
        assert stream.to_microvolts["zygomaticus"] == 1000.0
        kept = described_channels(ElementTree.fromstring(with_units(description, stream, "mV")))
        assert [channel.label for channel in kept] == list(names)
        assert kept[1].unit == "mV"
        assert kept[0].unit == ("microvolts" if names == LABELS else "mV")


def test_no_status_channel_is_needed_when_triggers_go_over_lsl() -> None:
    info = described(labels=("corrugator", "zygomaticus", "x"))
    assert check_stream(info.as_xml(), MARKED).status is None


def test_the_rate_that_comes_must_be_the_rate_that_is_declared() -> None:
    stream = check_stream(described().as_xml(), RIG)
    assert check_rate(np.arange(3600) / 1200, stream) == pytest.approx(1200)
    with pytest.raises(ValueError, match=r"says 1200 Hz, but 1000\.0 samples come per second: set the same"):
        check_rate(np.arange(3000) / 1000, stream)
    with pytest.raises(ValueError, match="press start"):
        check_rate([], stream)


def test_no_name_of_a_computer_is_kept() -> None:
    text = without_names(
        "<info><name>amp</name><hostname>lab-3</hostname><v4address>10.0.0.1</v4address></info>"
    )
    assert "lab-3" not in text
    assert "10.0" not in text
    assert "<name>amp</name>" in text


def test_names_with_quotation_marks_can_be_asked_for() -> None:
    recorder = RecorderSettings(kind="lsl", stream_name="Tim's amp", stream_source_id="7")
    asked = predicate(RigSettings(recorder=recorder))
    assert asked == "type='EMG' and name=\"Tim's amp\" and source_id='7'"
    with pytest.raises(ValueError, match="quotation marks"):
        predicate(RigSettings(recorder=RecorderSettings(kind="lsl", stream_name="a'b\"c")))


def test_two_streams_of_one_name_are_refused_and_told_apart_by_their_ids() -> None:
    name = f"amp {uuid.uuid4().hex[:8]}"
    outlets = [pylsl.StreamOutlet(described(name, source_id=f"{name} {number}")) for number in (1, 2)]
    rig = RigSettings(recorder=RecorderSettings(kind="lsl", stream_name=name))
    with pytest.raises(ValueError, match=r"2 LSL streams have .*stream_source_id") as refused:
        find_signal_inlet(rig)
    assert f"stream_source_id = '{name} 2'" in str(refused.value)
    settings = RecorderSettings(kind="lsl", stream_name=name, stream_source_id=f"{name} 2")
    stream, inlet = find_signal_inlet(dataclasses.replace(rig, recorder=settings))
    assert stream.source_id == f"{name} 2"
    inlet.close_stream()
    del outlets


def test_a_silent_stream_is_not_a_stream() -> None:
    name = f"amp {uuid.uuid4().hex[:8]}"
    outlet = pylsl.StreamOutlet(described(name, source_id=name))
    rig = RigSettings(recorder=RecorderSettings(kind="lsl", stream_name=name))
    with pytest.raises(ValueError, match="no samples come: press start"):
        probe_stream(rig, seconds=0.2)
    del outlet


def test_what_is_there_is_listed_when_the_right_one_is_not() -> None:
    name = f"amp {uuid.uuid4().hex[:8]}"
    outlet = pylsl.StreamOutlet(described(name, source_id=name))
    rig = RigSettings(recorder=RecorderSettings(kind="lsl", stream_name=name + "x"))
    with pytest.raises(ValueError, match="start the amplifier's LSL program") as refused:
        find_signal_inlet(rig, find_s=0.3)
    assert f"stream_name = '{name}'" in str(refused.value)
    del outlet
