"""Trigger lines: one file per family of device, and the function that opens those of the rig."""

from __future__ import annotations

from hardware.protocols import TriggerPort
from hardware.settings import RigSettings, TriggerSettings
from hardware.triggers.none import NoTrigger
from hardware.triggers.serial_byte import SerialByteTrigger
from hardware.triggers.several import SeveralTriggers

__all__ = ["NoTrigger", "SerialByteTrigger", "SeveralTriggers", "open_device", "open_trigger"]


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
    if trigger.kind == "serial_byte" and trigger.port and trigger.baud and trigger.pulse:
        return SerialByteTrigger(trigger.port, baud=trigger.baud, pulse=trigger.pulse)
    raise ValueError(
        f"no trigger line of kind {trigger.kind!r} on port {trigger.port!r}: "
        "correct [trigger] in the rig file"
    )
