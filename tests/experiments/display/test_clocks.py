"""A time of day that is set while it is used does not move the times of key presses."""

from __future__ import annotations

import numpy as np
import pytest

from experiments.display.clocks import ClockWatch


class TwoClocks:
    """A steady clock, and one that is set, drifts and ticks."""

    def __init__(self, *, drift: float = 0.0, tick_s: float = 0.0) -> None:
        self.now_s = 100.0
        self.shift_s = 1e9
        self.drift = drift
        self.tick_s = tick_s

    def steady(self) -> float:
        self.now_s += 2e-7
        return self.now_s

    def settable(self) -> float:
        exact_s = self.now_s * (1 + self.drift) + self.shift_s
        return exact_s - exact_s % self.tick_s if self.tick_s else exact_s


def watched(clocks: TwoClocks, resolution_s: float = 1e-6) -> ClockWatch:
    return ClockWatch(clocks.steady, clocks.settable, resolution_s=resolution_s)


@pytest.mark.parametrize("step_s", [0.005, -0.005, 0.25, 3600.0, -3600.0])
def test_a_step_is_seen_once_and_summed(step_s: float) -> None:
    clocks = TwoClocks()
    watch = watched(clocks)
    clocks.now_s += 1 / 60
    assert watch.check() == 0.0
    clocks.now_s, clocks.shift_s = clocks.now_s + 1 / 60, clocks.shift_s + step_s
    assert watch.check() == pytest.approx(step_s, abs=1e-6)
    clocks.now_s += 1 / 60
    assert watch.check() == 0.0
    assert watch.stepped_s == pytest.approx(step_s, abs=1e-6)


@pytest.mark.parametrize("step_s", [0.25, -0.25, 3600.0])
@pytest.mark.parametrize("after_step", [False, True])
def test_a_press_keeps_its_time_whether_it_was_before_or_after_a_step(
    step_s: float, after_step: bool
) -> None:
    clocks = TwoClocks()
    watch = watched(clocks)
    watch.check()
    clocks.now_s += 0.004
    if after_step:
        clocks.shift_s += step_s
    clocks.now_s += 0.004
    pressed_s, stamp_s = clocks.now_s, clocks.settable()
    clocks.now_s += 0.004
    if not after_step:
        clocks.shift_s += step_s
    clocks.now_s += 0.004
    watch.check()
    assert watch.steady_at(stamp_s) == pytest.approx(pressed_s, abs=1e-5)


def test_a_step_smaller_than_the_time_between_two_looks_is_the_largest_error() -> None:
    clocks = TwoClocks()
    watch = watched(clocks)
    clocks.now_s += 0.010
    pressed_s, stamp_s = clocks.now_s, clocks.settable()
    clocks.shift_s -= 0.004
    clocks.now_s += 0.006
    assert watch.check() == pytest.approx(-0.004, abs=1e-6)
    assert abs(watch.steady_at(stamp_s) - pressed_s) <= 0.0041


def test_a_clock_that_is_adjusted_by_its_rate_was_not_set() -> None:
    rng = np.random.default_rng(1)
    clocks = TwoClocks(drift=0.0005)
    watch = watched(clocks)
    for _ in range(2000):
        clocks.now_s += float(rng.choice([1 / 60, 0.5, 5.0], p=[0.98, 0.015, 0.005]))
        assert watch.check() == 0.0
    assert watch.steady_at(clocks.settable()) == pytest.approx(clocks.now_s, abs=1e-5)
    assert watch.settable_at(clocks.now_s) == pytest.approx(clocks.settable(), abs=1e-5)


def test_a_clock_that_ticks_coarsely_was_not_set() -> None:
    clocks = TwoClocks(tick_s=0.015625)
    watch = watched(clocks, resolution_s=0.015625)
    for _ in range(500):
        clocks.now_s += 1 / 60
        assert watch.check() == 0.0
    clocks.shift_s += 0.5
    assert watch.check() == pytest.approx(0.5, abs=0.016)


def test_a_reading_that_was_interrupted_is_made_again() -> None:
    clocks = TwoClocks()
    watch = watched(clocks)
    interruptions = iter([0.030, 0.0, 0.0])
    settable = clocks.settable

    def interrupted() -> float:
        value = settable()
        clocks.now_s += next(interruptions)
        return value

    watch._settable = interrupted
    assert watch.check() == 0.0
