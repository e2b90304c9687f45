"""A whole session beside what the device allows by itself, so that it refuses nothing in the middle."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise

from experiments.mouse_face.parts import Order, Output
from hardware.delivery.ceilings import ROUNDING_MS, Ceilings, refusal
from hardware.delivery.protocol import REASONS

Given = tuple[int, float, Output]
"""Trial, its onset (s), and what it delivers."""


def check_device(
    orders: Sequence[Order],
    onsets_s: Sequence[float],
    *,
    ceilings: Mapping[str, Ceilings],
    used: Mapping[str, int],
    used_ms: Mapping[str, int],
) -> None:
    """Refuse a session that the device would not deliver to its end.

    Parameters
    ----------
    orders : sequence of Order
        What each trial delivers.
    onsets_s : sequence of float
        When (s), one per order.
    ceilings : mapping
        Output -> what the device allows.
    used, used_ms : mapping
        Output -> deliveries, and time on (ms), that the device has counted since it started.

    Raises
    ------
    ValueError
        With everything that it would refuse.
    """
    of_channel: dict[str, list[Given]] = defaultdict(list)
    for order, onset_s in zip(orders, onsets_s, strict=True):
        for output in order.outputs:
            of_channel[output.channel].append((order.trial, onset_s, output))
    problems = [
        problem
        for channel, given in of_channel.items()
        for problem in _problems(channel, given, ceilings[channel], used[channel], used_ms[channel])
    ]
    if problems:
        raise ValueError(
            "the session is beyond what the device allows by itself, so nothing is armed: "
            + "; ".join(problems)
            + ". Deliveries are counted from the device's start: take its power away to begin anew, after "
            "the animal has rested. Its ceilings stand in hardware/firmware/mouse_rig/limits.h"
        )


def _problems(channel: str, given: Sequence[Given], most: Ceilings, used: int, used_ms: int) -> list[str]:
    found = []
    if most.deliveries and used + len(given) > most.deliveries:
        found.append(
            f"{len(given)} deliveries of {channel} are planned, {used} were given, allowed are "
            f"{most.deliveries}"
        )
    on_ms = sum(1000 * output.on_s for _, _, output in given)
    if most.total_ms and used_ms + on_ms > most.total_ms:
        found.append(
            f"{channel} is to be on for {on_ms:.0f} ms, was on for {used_ms} ms, allowed are "
            f"{most.total_ms} ms"
        )
    for trial, _, output in given:
        reason = refusal(most, pulse_us=output.pulse_us, n=output.n_pulses, period_us=output.period_us)
        if reason:
            found.append(f"trial {trial}, {channel}: {REASONS[reason]}")
    for (_, before_s, output), (trial, onset_s, _) in pairwise(given):
        pause_s = onset_s - before_s - _lasts_s(output)
        if most.interval_ms and pause_s < (most.interval_ms + ROUNDING_MS) / 1000:
            found.append(
                f"trial {trial}: {channel} {pause_s:.2f} s after the one before, at least "
                f"{(most.interval_ms + ROUNDING_MS) / 1000:g} s are demanded"
            )
    return found


def _lasts_s(output: Output) -> float:
    """From the first rise to the last fall (s)."""
    return ((output.n_pulses - 1) * output.period_us + output.pulse_us) / 1e6
