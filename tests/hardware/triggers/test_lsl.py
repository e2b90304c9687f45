"""LSL markers, heard by a real inlet."""

from __future__ import annotations

import time
import uuid

import pytest

from hardware.settings import RigSettings, TriggerSettings
from hardware.triggers import LslTrigger, open_trigger

pytestmark = pytest.mark.real_time


@pytest.mark.parametrize("values", ["int", "string"])
def test_every_code_arrives_with_its_time(values: str) -> None:
    import pylsl

    name = f"triggers {uuid.uuid4()}"
    settings = TriggerSettings(kind="lsl", stream_name=name, values=values)  # type: ignore[arg-type]
    port = open_trigger(RigSettings(triggers=(settings,)))
    assert isinstance(port, LslTrigger)
    assert port.pulse == "device"
    (info,) = pylsl.resolve_byprop("name", name, timeout=10)
    assert (info.type(), info.channel_count(), info.nominal_srate()) == ("Markers", 1, 0)
    inlet = pylsl.StreamInlet(info)
    inlet.open_stream(timeout=10)
    until_s = time.monotonic() + 5
    while not port.has_listener() and time.monotonic() < until_s:
        time.sleep(0.01)
    assert port.has_listener()
    sent, longest_s = [], 0.0
    for code in (1, 12, 12, 255):
        start_s = time.perf_counter()
        sent.append(pylsl.local_clock())
        port.send(code)
        port.reset()
        longest_s = max(longest_s, time.perf_counter() - start_s)
    heard = [inlet.pull_sample(timeout=5) for _ in sent]
    expected = [1, 12, 12, 255] if values == "int" else ["1", "12", "12", "255"]
    assert [sample[0] for sample, _ in heard if sample] == expected
    assert [time_s for _, time_s in heard] == pytest.approx(sent, abs=0.05)
    assert longest_s < 0.2
    inlet.close_stream()
    port.close()
    port.close()
    with pytest.raises(RuntimeError, match="was closed"):
        port.send(1)
