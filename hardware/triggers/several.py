"""Several trigger devices as one: every code goes to all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from hardware.protocols import Pulse, TriggerPort, check_code


class SeveralTriggers:
    """All trigger devices of a rig.

    Parameters
    ----------
    ports : sequence of TriggerPort
        The devices, in the order in which they get a code; the one whose time counts most comes first.

    Notes
    -----
    When one device fails, the others still get the code, and then the session stops with the name of the one
    that failed: a recording that lacks triggers without anyone knowing would be worse than a stop, after
    which the session can be resumed.
    """

    def __init__(self, ports: Sequence[TriggerPort]) -> None:
        self.ports = tuple(ports)
        by_program = any(port.pulse == "next_flip" for port in self.ports)
        self.pulse: Pulse = "next_flip" if by_program else "device"

    def send(self, code: int) -> None:
        """Send a code to all devices.

        Raises
        ------
        RuntimeError
            If a device is gone; the others have the code.
        """
        check_code(code)
        _each([partial(port.send, code) for port in self.ports])

    def reset(self) -> None:
        """End the pulse on those devices that do not end it themselves."""
        _each([port.reset for port in self.ports])

    def close(self) -> None:
        """Close all devices."""
        _each([port.close for port in self.ports])


def _each(actions: Sequence[Callable[[], None]]) -> None:
    """Do all, and then raise what went wrong."""
    problems: list[str] = []
    for action in actions:
        try:
            action()
        except (RuntimeError, OSError) as error:
            problems.append(str(error))
    if problems:
        raise RuntimeError("; ".join(problems))
