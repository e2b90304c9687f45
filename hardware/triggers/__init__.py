"""Trigger lines: one file per family of device, and the function that opens the one of the rig."""

from __future__ import annotations

from hardware.protocols import TriggerPort
from hardware.settings import RigSettings
from hardware.triggers.none import NoTrigger
from hardware.triggers.serial_byte import SerialByteTrigger

__all__ = ["NoTrigger", "SerialByteTrigger", "open_trigger"]


def open_trigger(settings: RigSettings) -> TriggerPort:
    """Open the trigger line that the rig file names.

    Raises
    ------
    ValueError
        If the kind is unknown or the port cannot be opened; the message says what to try.
    """
    if settings.trigger_kind == "none":
        return NoTrigger()
    if settings.trigger_kind == "serial_byte" and settings.trigger_port:
        return SerialByteTrigger(
            settings.trigger_port, baud=settings.trigger_baud, pulse=settings.trigger_pulse
        )
    raise ValueError(
        f"no trigger line of kind {settings.trigger_kind!r} on port {settings.trigger_port!r}: "
        "correct [trigger] in the rig file"
    )
