"""No trigger line: codes are checked and kept, and go nowhere."""

from __future__ import annotations

from hardware.protocols import Pulse, check_code


class NoTrigger:
    """A port for sessions without EMG.

    Examples
    --------
    >>> port = NoTrigger()
    >>> port.send(21)
    >>> port.sent
    [21]
    """

    pulse: Pulse = "device"

    def __init__(self) -> None:
        self.sent: list[int] = []

    def send(self, code: int) -> None:
        """Keep a code."""
        self.sent.append(check_code(code))

    def reset(self) -> None:
        """Do nothing: there is no line."""

    def close(self) -> None:
        """Do nothing: there is no line."""
