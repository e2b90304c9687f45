"""Several devices at once: all get every code, and one that fails stops the session with its name."""

from __future__ import annotations

import os
import sys

import pytest

from hardware.settings import RigSettings, TriggerSettings
from hardware.triggers import NoTrigger, SeveralTriggers, open_trigger

posix = pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX")


def pseudo_terminal() -> tuple[int, int, str]:
    import pty
    import tty

    device, computer = pty.openpty()
    tty.setraw(computer)
    return device, computer, os.ttyname(computer)


@posix
def test_every_device_gets_every_code_in_its_own_words() -> None:
    lines = [pseudo_terminal() for _ in range(3)]
    kinds = (("serial_byte", "next_flip"), ("bbtk", None), ("serial_byte", "device"))
    port = open_trigger(
        RigSettings(
            triggers=tuple(
                TriggerSettings(kind=kind, port=name, pulse=pulse)  # type: ignore[arg-type]
                for (kind, pulse), (_, _, name) in zip(kinds, lines, strict=True)
            )
        )
    )
    assert isinstance(port, SeveralTriggers)
    assert port.pulse == "next_flip"
    for code in (1, 255):
        port.send(code)
        port.reset()
    port.close()
    received = [os.read(device, 100) for device, _, _ in lines]
    assert received == [b"\x01\x00\xff\x00\x00", b"RR0100FF00RR", b"\x01\xff"]
    for device, computer, _ in lines:
        os.close(device)
        os.close(computer)


@posix
def test_the_others_still_get_the_code_when_one_is_unplugged() -> None:
    device, computer, name = pseudo_terminal()
    other_device, other_computer, other = pseudo_terminal()
    port = open_trigger(
        RigSettings(triggers=tuple(TriggerSettings(kind="serial_byte", port=path) for path in (name, other)))
    )
    os.close(device)
    os.close(computer)
    with pytest.raises(RuntimeError, match=f"the trigger line '{name}' is gone") as caught:
        port.send(11)
    assert other not in str(caught.value)
    assert os.read(other_device, 10) == b"\x0b"
    port.close()
    os.close(other_device)
    os.close(other_computer)


@posix
def test_when_one_cannot_be_opened_the_others_are_released() -> None:
    device, computer, name = pseudo_terminal()
    rig = RigSettings(
        triggers=tuple(TriggerSettings(kind="bbtk", port=path) for path in (name, "/dev/no-such-port"))
    )
    with pytest.raises(ValueError, match="no-such-port"):
        open_trigger(rig)
    assert os.read(device, 10) == b"RRRR"  # opened, and reset again at its end
    os.close(device)
    os.close(computer)


def test_codes_are_checked_before_anyone_gets_one() -> None:
    ports = (NoTrigger(), NoTrigger())
    with pytest.raises(ValueError, match="1 to 255"):
        SeveralTriggers(ports).send(256)
    assert [port.sent for port in ports] == [[], []]
    assert SeveralTriggers(ports).pulse == "device"
