"""The twins behave as the devices do."""

from __future__ import annotations

from types import SimpleNamespace

from experiments.display import KeyPress, Watched
from experiments.display.simulated import SimulatedDisplay, SimulatedKeyboard, VirtualClock


def test_flips_come_at_the_refresh_and_missed_ones_are_counted() -> None:
    clock = VirtualClock(10.0)
    display = SimulatedDisplay(clock, refresh_hz=50.0)
    first = display.flip()
    clock.advance(0.05)
    late = display.flip()
    assert (first.time_s, first.refresh, first.missed) == (10.02, 1, 0)
    assert late.refresh == 4
    assert late.missed == 2
    assert abs(late.time_s - 10.08) < 1e-9
    assert abs(late.expected_s - 10.04) < 1e-9


def test_a_flip_shows_what_was_drawn_and_the_next_one_nothing() -> None:
    display = SimulatedDisplay(VirtualClock(), refresh_hz=60.0)
    seen = []
    display.text("Please press only once")
    display.flip(lambda: seen.append(display.shown))
    display.flip(lambda: seen.append(display.shown))
    assert seen == ["Please press only once", ""]


def test_a_simulated_participant_presses_when_the_time_has_come() -> None:
    clock = VirtualClock()
    presses = [SimpleNamespace(key="up", time_s=0.5), SimpleNamespace(key="down", time_s=0.8)]
    participant = SimpleNamespace(watch=lambda **video: presses)
    keyboard = SimulatedKeyboard(participant, now=clock.now, continue_key="up")
    keyboard.begin(Watched(onset_s=10.0, duration_s=5.0, face="id01", direction="AngryToHappy"))
    clock.advance(10.6)
    assert keyboard.presses() == [KeyPress("up", 10.5)]
    assert keyboard.presses() == []
    keyboard.begin(Watched(onset_s=10.6))
    clock.advance(2.0)
    assert keyboard.presses() == [KeyPress("up", 11.6)]
