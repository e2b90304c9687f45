"""What is known of each kind of trigger device: its settings, and which of them it cannot have."""

from __future__ import annotations

from dataclasses import dataclass

from hardware.protocols import Pulse


@dataclass(frozen=True, kw_only=True)
class TriggerKind:
    """One kind of trigger device."""

    settings: tuple[str, ...]
    """What a rig file may say of it, beside ``kind``."""
    pulses: tuple[Pulse, ...] = ("next_flip", "device")
    """Who can end its pulses; the first is what it does when the rig file says nothing."""
    only_pulse_because: str = ""
    """Why the other is impossible."""
    baud: int | None = None
    """Speed of its serial line when the rig file says nothing; None where there is no serial line."""
    baud_is_fixed: bool = False
    """Whether it speaks at this speed only."""


USUAL_STREAM_NAME = "Countenance triggers"
"""Name of the LSL marker stream when the rig file says none."""

TRIGGER_KINDS: dict[str, TriggerKind] = {
    "serial_byte": TriggerKind(settings=("port", "baud", "pulse", "wait_s"), baud=115200),
    "usb2ttl8": TriggerKind(settings=("port", "baud", "pulse", "wait_s"), baud=128000),
    "bbtk": TriggerKind(
        settings=("port", "baud", "pulse", "wait_s"),
        pulses=("next_flip",),
        only_pulse_because="it holds a code until it is told the next",
        baud=115200,
        baud_is_fixed=True,
    ),
    "parallel": TriggerKind(
        settings=("port", "library", "pulse"),
        pulses=("next_flip",),
        only_pulse_because="its pins hold a code until the next is written",
    ),
    "lsl": TriggerKind(
        settings=("stream_name", "values", "pulse"),
        pulses=("device",),
        only_pulse_because="a marker has a time and no length",
    ),
}
"""Kind -> what is known of it. ``none`` is no kind: a rig file may say it, and then there is no device."""
