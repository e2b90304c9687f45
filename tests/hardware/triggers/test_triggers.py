"""Trigger lines: every byte that arrives is the one that was sent."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from typing import Protocol

import pytest

from hardware.protocols import SignalRecorder, TriggerPort
from hardware.settings import RigSettings, TriggerSettings
from hardware.simulated.amplifier import SimulatedAmplifier
from hardware.triggers import NoTrigger, SerialByteTrigger, open_trigger

pytestmark = pytest.mark.real_time


class Line(Protocol):
    """See conftest."""

    name: str

    def received(self, n_bytes: int) -> bytes: ...

    def answer(self, data: bytes) -> None: ...


posix = pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX")


@posix
def test_every_code_arrives_as_one_byte(line: Line) -> None:
    port = SerialByteTrigger(line.name, baud=115200, pulse="device")
    for code in range(1, 256):
        port.send(code)
        port.reset()
    assert line.received(255) == bytes(range(1, 256))
    port.close()
    assert line.received(0) == b""


@posix
def test_a_pulse_is_a_code_and_a_zero(line: Line) -> None:
    port = SerialByteTrigger(line.name, baud=115200, pulse="next_flip")
    for code in (11, 21, 21, 31):
        port.send(code)
        port.reset()
    assert line.received(8) == bytes((11, 0, 21, 0, 21, 0, 31, 0))
    port.close()
    assert line.received(1) == b"\x00"
    port.close()


@posix
def test_a_device_that_takes_no_more_is_an_error_and_never_a_wait(line: Line) -> None:
    port = SerialByteTrigger(line.name, baud=115200, pulse="device")
    longest_s, sent = 0.0, 0
    with pytest.raises(RuntimeError, match="takes no more codes"):
        for sent in range(1_000_000):  # noqa: B007
            start_s = time.perf_counter()
            port.send(1)
            longest_s = max(longest_s, time.perf_counter() - start_s)
    assert sent > 1000, "a session has some hundred codes, which the system's buffer must hold"
    assert longest_s < 0.5
    port.close()


@posix
def test_a_code_that_is_still_on_the_line_goes_through_zero(line: Line) -> None:
    port = SerialByteTrigger(line.name, baud=115200, pulse="next_flip")
    for code in (11, 11, 12):
        port.send(code)
    assert line.received(4) == bytes((11, 0, 11, 12))
    port.reset()
    port.send(12)
    assert line.received(2) == bytes((0, 12))
    port.close()


def test_codes_travel_over_a_socket() -> None:
    received = bytearray()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def listen() -> None:
            connection, _ = server.accept()
            with connection:
                while data := connection.recv(64):
                    received.extend(data)

        listener = threading.Thread(target=listen)
        listener.start()
        address = f"socket://127.0.0.1:{server.getsockname()[1]}"
        settings = RigSettings(triggers=(TriggerSettings(kind="serial_byte", port=address),))
        port = open_trigger(settings)
        for code in (1, 12, 255):
            port.send(code)
            port.reset()
        port.close()
        listener.join(timeout=5)
    assert bytes(received) == bytes((1, 0, 12, 0, 255, 0, 0))


@pytest.mark.parametrize("code", [0, 256, -1, 1.0, "5", True, None])
def test_what_is_no_code_is_refused(code: object) -> None:
    with pytest.raises(ValueError, match="1 to 255"):
        NoTrigger().send(code)  # type: ignore[arg-type]


def test_a_port_that_is_not_there_is_answered() -> None:
    settings = RigSettings(triggers=(TriggerSettings(kind="serial_byte", port="/dev/no-such-port"),))
    with pytest.raises(ValueError, match=r"no-such-port.*python -m hardware list"):
        open_trigger(settings)
    with pytest.raises(ValueError, match="correct \\[trigger\\]"):
        open_trigger(RigSettings(triggers=(TriggerSettings(kind="telepathy"),)))
    with pytest.raises(ValueError, match="correct \\[trigger\\]"):
        open_trigger(RigSettings(triggers=(TriggerSettings(kind="serial_byte"),)))


@posix
def test_a_port_that_another_program_uses_is_answered(line: Line) -> None:
    port = SerialByteTrigger(line.name, baud=115200, pulse="device")
    with pytest.raises(ValueError, match="is another program using it"):
        SerialByteTrigger(line.name, baud=115200, pulse="device")
    port.close()
    SerialByteTrigger(line.name, baud=115200, pulse="device").close()


@posix
def test_a_line_that_is_unplugged_is_told_and_can_be_closed() -> None:
    import pty
    import tty

    device, computer = pty.openpty()
    tty.setraw(computer)
    port = SerialByteTrigger(os.ttyname(computer), baud=115200, pulse="next_flip")
    os.close(device)
    os.close(computer)
    with pytest.raises(RuntimeError, match=r"the trigger line .* is gone"):
        port.send(11)
    with pytest.raises(RuntimeError, match="is gone"):
        port.reset()
    port.close()
    port.close()


def test_without_a_line_codes_are_kept() -> None:
    port = open_trigger(RigSettings())
    assert isinstance(port, NoTrigger)
    port.send(1)
    port.reset()
    port.close()
    assert port.sent == [1]


def test_the_devices_keep_to_their_protocols() -> None:
    assert isinstance(NoTrigger(), TriggerPort)
    assert issubclass(SimulatedAmplifier, SignalRecorder)
    assert all(hasattr(SimulatedAmplifier, name) for name in ("pulse", "send", "reset", "close"))
