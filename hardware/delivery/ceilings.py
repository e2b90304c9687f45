"""The ceilings that are compiled into the mouse rig's firmware, as the host and the twin know them.

``hardware/firmware/mouse_rig/limits.h`` is what counts, since it is what the device obeys; a test compares
this table with it. A laboratory that changes the file asks its device with ``LIMITS``: `MouseRig.ceilings`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType

LEAST_US = 100
"""Shortest pulse, and shortest gap between two pulses of a train (µs)."""

LONGEST_WAIT_US = 60_000_000
"""Longest period of a train, and longest wait before its first rise (µs)."""

SILENCE_MS = 800
"""How long the host may be silent while the device is armed (ms)."""


LEAST_SILENCE_MS = 100
"""``LIMIT host silence_ms`` cannot be tightened further (ms)."""

LONGEST_INTERVAL_MS = 3_600_000
"""``LIMIT`` cannot make the interval between deliveries longer (ms): the device counts no further."""

ROUND_US = 32_768
"""The device counts pauses in rounds of its timer (µs)."""

ROUNDING_MS = 66
"""Since only whole rounds count, the device may demand a pause so much longer than its ceiling (ms)."""

LICK_DEADTIME_US = 2000
"""Edges of the lick detector that follow faster than this are its bouncing (µs)."""


@dataclass(frozen=True, kw_only=True)
class Ceilings:
    """What the device allows on one output; 0 means that there is no such ceiling."""

    pulse_us: int
    """Longest single pulse."""
    on_us: int
    """Longest time on within one delivery, all its pulses together."""
    length_us: int
    """Longest delivery, from its first rise to its last fall."""
    interval_ms: int
    """Shortest time from the end of a delivery to the start of the next."""
    deliveries: int
    """Most deliveries in a session."""
    total_ms: int
    """Longest time on in a session."""


LIMIT_NAMES = tuple(field.name for field in fields(Ceilings))
"""What ``LIMIT`` can tighten."""

_VALVE = Ceilings(
    pulse_us=1_000_000, on_us=2_500_000, length_us=10_000_000, interval_ms=0, deliveries=0, total_ms=120_000
)

COMPILED: Mapping[str, Ceilings] = MappingProxyType(
    {
        **{f"valve{number}": _VALVE for number in range(1, 5)},
        "shock": Ceilings(
            pulse_us=2_000_000,
            on_us=2_000_000,
            length_us=5_000_000,
            interval_ms=10_000,
            deliveries=60,
            total_ms=60_000,
        ),
        "laser": Ceilings(
            pulse_us=10_000_000,
            on_us=30_000_000,
            length_us=60_000_000,
            interval_ms=0,
            deliveries=0,
            total_ms=0,
        ),
        "camera": Ceilings(pulse_us=100_000, on_us=0, length_us=0, interval_ms=0, deliveries=0, total_ms=0),
        "aux": Ceilings(
            pulse_us=10_000_000,
            on_us=10_000_000,
            length_us=60_000_000,
            interval_ms=0,
            deliveries=0,
            total_ms=0,
        ),
    }
)
"""Output -> ceilings. All are our choice: the paper gives none; see the comments in ``limits.h``."""


def is_tighter(name: str, value: int, present: int) -> bool:
    """Say whether a limit would become tighter, or stay as it is.

    Parameters
    ----------
    name : str
        One of `LIMIT_NAMES`.
    value, present : int
        What it would become, and what it is; 0 = no limit.

    Returns
    -------
    bool
        Whether the device accepts it.

    Examples
    --------
    >>> is_tighter("pulse_us", 50_000, 1_000_000), is_tighter("interval_ms", 5_000, 10_000)
    (True, False)
    >>> is_tighter("deliveries", 0, 60), is_tighter("deliveries", 20, 0)
    (False, True)
    """
    if name == "interval_ms":
        return value >= present
    if value == 0:
        return present == 0
    return present == 0 or value <= present


def refusal(ceilings: Ceilings, *, pulse_us: int, n: int, period_us: int, delay_us: int = 0) -> str | None:
    """Return why a delivery is beyond the ceilings, in the protocol's word; None where it is not.

    Parameters
    ----------
    ceilings : Ceilings
        Of the output.
    pulse_us, n, period_us, delay_us : int
        Length of a pulse, number of pulses, from rise to rise (not looked at where `n` is 1), and wait before
        the first rise.

    Returns
    -------
    str or None
        ``NUMBER``, ``PULSE``, ``ON_TIME`` or ``LENGTH``.

    Examples
    --------
    >>> refusal(COMPILED["shock"], pulse_us=500_000, n=1, period_us=0)
    >>> refusal(COMPILED["shock"], pulse_us=500_000, n=5, period_us=900_000)
    'ON_TIME'
    """
    if (
        n < 1
        or (n > 1 and period_us - pulse_us < LEAST_US)
        or delay_us > 60_000_000
        or period_us > 60_000_000
    ):
        return "NUMBER"
    if not LEAST_US <= pulse_us <= ceilings.pulse_us:
        return "PULSE"
    if ceilings.on_us and n > ceilings.on_us // pulse_us:
        return "ON_TIME"
    if ceilings.length_us and n > 1 and n - 1 > (ceilings.length_us - pulse_us) // period_us:
        return "LENGTH"
    return None
