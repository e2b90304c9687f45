"""USB2TTL8 and the BBTK module: every byte that arrives is the one that their makers ask for."""

from __future__ import annotations

import re
import sys
import threading
import time
from typing import Protocol

import pytest

from hardware.settings import RigSettings, TriggerSettings
from hardware.triggers import BbtkTrigger, Usb2Ttl8Trigger, open_trigger

pytestmark = [
    pytest.mark.real_time,
    pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX"),
]


class Line(Protocol):
    """See conftest."""

    name: str

    def received(self, n_bytes: int) -> bytes: ...

    def answer(self, data: bytes) -> None: ...


def test_usb2ttl8_gets_lines_of_text(line: Line) -> None:
    port = Usb2Ttl8Trigger(line.name, baud=128000, pulse="next_flip")
    assert line.received(20) == b"SET DATA_MODE WRITE\n"
    for code in range(1, 256):
        port.send(code)
        port.reset()
    expected = b"".join(b"WRITE %d\nWRITE 0\n" % code for code in range(1, 256))
    assert line.received(len(expected)) == expected
    port.send(7)
    port.send(7)
    port.close()
    assert line.received(32) == b"WRITE 7\nWRITE 0\nWRITE 7\nWRITE 0\n"


def test_usb2ttl8_can_end_its_pulses_itself(line: Line) -> None:
    port = Usb2Ttl8Trigger(line.name, baud=128000, pulse="device")
    line.received(20)
    for code in (11, 11, 255):
        port.send(code)
        port.reset()
    port.close()
    expected = b"WRITE 11 8000 0\nWRITE 11 8000 0\nWRITE 255 8000 0\n"
    assert line.received(len(expected)) == expected


def test_usb2ttl8_may_talk_without_anyone_listening(line: Line) -> None:
    port = Usb2Ttl8Trigger(line.name, baud=128000, pulse="next_flip")
    line.received(20)
    for _ in range(300):
        port.send(1)
        line.answer(b"0000000000000000000000000000000000000000\n")  # blocks when nobody reads
        port.reset()
    port.close()
    assert line.received(300 * 16 + 8) == b"WRITE 1\nWRITE 0\n" * 300 + b"WRITE 0\n"


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        (b'{"model_name": "USB2TTL8", "firmware": "1.2"}\n', None),
        (b'{"model_name": "MilliKey"}\n', "answered .*MilliKey.* no USB2TTL8"),
        (b"", "did not answer when asked for its name"),
    ],
)
def test_usb2ttl8_says_who_it_is(line: Line, reply: bytes, problem: str | None) -> None:
    port = Usb2Ttl8Trigger(line.name, baud=128000, pulse="device")
    line.received(20)

    def device() -> None:
        assert line.received(11) == b"GET CONFIG\n"
        line.answer(reply)

    thread = threading.Thread(target=device)
    thread.start()
    found = port.self_test()
    thread.join()
    port.close()
    if problem is None:
        assert found is None
    else:
        assert found is not None
        assert re.search(problem, found)


def test_bbtk_gets_two_hexadecimal_digits(line: Line) -> None:
    port = BbtkTrigger(line.name, baud=115200)
    assert line.received(2) == b"RR"
    assert port.pulse == "next_flip"
    for code in range(1, 256):
        port.send(code)
        port.reset()
    expected = "".join(f"{code:02X}00" for code in range(1, 256)).encode()
    assert len(expected) == 255 * 4
    assert line.received(len(expected)) == expected
    port.send(10)
    port.send(10)
    port.close()
    port.close()
    assert line.received(8) == b"0A000ARR"


@pytest.mark.parametrize(("kind", "first"), [("usb2ttl8", b"SET DATA_MODE WRITE\n"), ("bbtk", b"RR")])
def test_the_rig_opens_them(line: Line, kind: str, first: bytes) -> None:
    port = open_trigger(RigSettings(triggers=(TriggerSettings(kind=kind, port=line.name),)))
    assert line.received(len(first)) == first
    port.close()


def test_a_device_that_starts_anew_is_waited_for(line: Line) -> None:
    start_s = time.monotonic()
    open_trigger(
        RigSettings(triggers=(TriggerSettings(kind="serial_byte", port=line.name, wait_s=0.3),))
    ).close()
    assert time.monotonic() - start_s >= 0.3
