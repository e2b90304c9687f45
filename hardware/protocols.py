"""What the suite asks of a device: one to four methods each.

A study is written against these; which device answers is said in the rig file (`hardware.settings`). Every
family has a simulated twin in `hardware.simulated`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

Pulse = Literal["next_flip", "device"]
"""Who ends a trigger pulse: ``next_flip`` = the program, by `TriggerPort.reset` one screen refresh later;
``device`` = the converter itself."""


@runtime_checkable
class TriggerPort(Protocol):
    """A line to the recording computer on which event codes are sent."""

    pulse: Pulse

    def send(self, code: int) -> None:
        """Put a code (1 to 255) on the line, and return at once."""

    def reset(self) -> None:
        """End the pulse; does nothing where the device does that itself."""

    def close(self) -> None:
        """Leave the line at zero and release it; may be called twice."""


@runtime_checkable
class SignalRecorder(Protocol):
    """Something that records signals from `start` to `stop`, such as an EMG amplifier."""

    def start(self) -> None:
        """Begin to record."""

    def stop(self) -> Path | None:
        """End the recording and return its file; None when the device keeps the file itself."""


@runtime_checkable
class Camera(Protocol):
    """A camera that writes every frame with the time at which it was taken."""

    def start(self) -> None:
        """Begin to grab frames."""

    def stop(self) -> Path | None:
        """End and return the video; None when nothing was written."""


@runtime_checkable
class StimulusDelivery(Protocol):
    """A controller that delivers stimuli (drops, air, sound, current) within limits of its own."""

    def arm(self) -> None:
        """Allow deliveries; everything is off and stays off before."""

    def deliver(self, channel: str, pulse_us: int, n: int = 1, period_us: int | None = None) -> Any:
        """Order `n` pulses of `pulse_us` on an output, `period_us` apart; returns their record at once."""

    def stop(self) -> None:
        """Switch everything off now; must work at any time, and twice."""

    def close(self) -> None:
        """Stop, disarm and release the line."""


def check_code(code: int) -> int:
    """Return a trigger code if it can be sent in one byte and differs from rest.

    >>> check_code(21)
    21
    >>> check_code(0)
    Traceback (most recent call last):
    ValueError: trigger codes are whole numbers from 1 to 255 (0 is the line at rest), not 0
    """
    if isinstance(code, bool) or not isinstance(code, int) or not 1 <= code <= 255:
        raise ValueError(
            f"trigger codes are whole numbers from 1 to 255 (0 is the line at rest), not {code!r}"
        )
    return code
