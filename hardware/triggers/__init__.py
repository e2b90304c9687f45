"""Trigger lines: one file per family of device, and the function that opens those of the rig."""

from __future__ import annotations

from collections.abc import Callable

from hardware.protocols import TriggerPort
from hardware.settings import RigSettings, TriggerSettings
from hardware.triggers.bbtk import BbtkTrigger
from hardware.triggers.lsl import LslTrigger
from hardware.triggers.none import NoTrigger
from hardware.triggers.parallel import ParallelTrigger
from hardware.triggers.serial_byte import SerialByteTrigger
from hardware.triggers.serial_line import SerialLine
from hardware.triggers.several import SeveralTriggers
from hardware.triggers.usb2ttl8 import Usb2Ttl8Trigger

__all__ = [
    "BbtkTrigger",
    "LslTrigger",
    "NoTrigger",
    "ParallelTrigger",
    "SerialByteTrigger",
    "SeveralTriggers",
    "Usb2Ttl8Trigger",
    "open_device",
    "open_trigger",
]

SERIAL_DEVICES: dict[str, Callable[..., SerialLine]] = {
    "serial_byte": SerialByteTrigger,
    "usb2ttl8": Usb2Ttl8Trigger,
    "bbtk": BbtkTrigger,
}
"""Kind -> what opens the devices on a serial line."""


def open_trigger(settings: RigSettings) -> TriggerPort:
    """Open the trigger devices that the rig file names; several of them become one port.

    Raises
    ------
    ValueError
        If a kind is unknown or a port cannot be opened; the message says what to try.
    """
    if not settings.triggers:
        return NoTrigger()
    ports: list[TriggerPort] = []
    try:
        for trigger in settings.triggers:
            ports.append(open_device(trigger))
    except BaseException:
        SeveralTriggers(ports).close()
        raise
    return ports[0] if len(ports) == 1 else SeveralTriggers(ports)


def open_device(trigger: TriggerSettings) -> TriggerPort:
    """Open one trigger device.

    Raises
    ------
    ValueError
        If its kind is unknown or it cannot be opened; the message says what to try.
    """
    if trigger.kind == "lsl":
        return LslTrigger(stream_name=trigger.stream_name, values=trigger.values)
    if trigger.kind == "parallel" and trigger.port:
        return ParallelTrigger(trigger.port, library=trigger.library)
    device = SERIAL_DEVICES.get(trigger.kind)
    if device is not None and trigger.port and trigger.baud and trigger.pulse:
        return device(trigger.port, baud=trigger.baud, pulse=trigger.pulse, wait_s=trigger.wait_s)
    raise ValueError(
        f"no trigger line of kind {trigger.kind!r} on port {trigger.port!r}: "
        "correct [trigger] in the rig file"
    )
