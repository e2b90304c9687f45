"""Trigger codes: edges, the match with the log, the two clocks."""

from __future__ import annotations

import numpy as np
import pytest

from experiments.dataset.codes import Pulses, find_pulses, fit_clock, match_pulses


def pulses_of(*codes: int) -> Pulses:
    return Pulses(samples=np.arange(1, len(codes) + 1) * 1000, codes=np.array(codes))


def test_pulses_are_found_at_their_first_sample() -> None:
    status = np.zeros(100, dtype=np.int32)
    status[10:20], status[20:25], status[50], status[99] = 11, 21, 255, 1
    found = find_pulses(status)
    assert found.samples.tolist() == [10, 20, 50, 99]
    assert found.codes.tolist() == [11, 21, 255, 1]


def test_state_bits_of_the_amplifier_are_no_codes() -> None:
    status = np.zeros(100, dtype=np.int32)
    status[10:20] = 11
    biosemi = (status | 0x180000) - (1 << 24)
    assert find_pulses(biosemi.astype(np.int32)).codes.tolist() == [11]


def test_a_line_that_is_high_from_the_beginning_is_no_pulse() -> None:
    assert find_pulses(np.array([255, 255, 255, 0, 5, 5])).codes.tolist() == [5]
    assert find_pulses(np.zeros(10, dtype=np.int32)).codes.size == 0
    assert find_pulses(np.zeros(0, dtype=np.int32)).codes.size == 0


def test_each_event_gets_its_pulse() -> None:
    assert match_pulses([1, 11, 21], [0, 2, 4], pulses_of(1, 11, 21)).tolist() == [1000, 2000, 3000]
    assert match_pulses([], [], pulses_of()).size == 0


@pytest.mark.parametrize(
    ("logged", "recorded"),
    [
        ([1, 11, 21, 31], [1, 11, 31]),
        ([1, 11, 31], [1, 11, 21, 31]),
        ([1, 11], [1, 12]),
        ([1, 11], []),
        ([], [1]),
        ([1, 11, 21], [11, 1, 21]),
    ],
)
def test_other_codes_are_refused_with_both_lists(logged: list[int], recorded: list[int]) -> None:
    onsets = [float(number) for number in range(len(logged))]
    with pytest.raises(ValueError, match="do not agree") as caught:
        match_pulses(logged, onsets, pulses_of(*recorded))
    message = str(caught.value)
    assert f"logged {len(logged)}, the recording has {len(recorded)}" in message
    assert "session log" in message
    assert "status channel" in message
    assert ">" in message


def test_the_message_shows_where_the_lists_part() -> None:
    logged = [1, 11, 21, 31] * 30
    recorded = logged[:57] + logged[58:]
    with pytest.raises(ValueError) as caught:
        match_pulses(logged, [float(n) for n in range(120)], pulses_of(*recorded))
    marked = [line for line in str(caught.value).splitlines() if line.strip().startswith(">")]
    assert len(marked) == 1
    assert "11 at     57.000 s" in marked[0]
    assert len(str(caught.value).splitlines()) < 20


def test_the_second_of_two_equal_codes_may_be_invisible() -> None:
    assert match_pulses([21, 21, 31], [1.0, 1.016, 3], pulses_of(21, 31)).tolist() == [1000, 1000, 2000]
    with pytest.raises(ValueError, match="do not agree"):
        match_pulses([21, 21, 31], [1.0, 1.2, 3], pulses_of(21, 31))


def test_a_crashed_log_may_lack_its_last_codes_only() -> None:
    onsets = [0.0, 1.0]
    assert match_pulses([1, 11], onsets, pulses_of(1, 11, 31), crashed=True).tolist() == [1000, 2000]
    with pytest.raises(ValueError):
        match_pulses([1, 11], onsets, pulses_of(1, 11, 31))
    with pytest.raises(ValueError):
        match_pulses([1, 11], onsets, pulses_of(1, 11, 1, 11, 31, 1), crashed=True)
    with pytest.raises(ValueError):
        match_pulses([1, 11], onsets, pulses_of(1), crashed=True)


def test_clocks_are_fitted() -> None:
    session_s = np.linspace(10, 900, 400)
    jitter_s = np.random.default_rng(1).uniform(-0.0004, 0.0004, 400)
    fit = fit_clock(session_s, 3.25 + session_s * (1 + 40e-6) + jitter_s)
    assert fit.drift_ppm == pytest.approx(40, abs=0.2)
    assert fit.offset_s == pytest.approx(3.25, abs=1e-4)
    assert fit.residual_max_ms == pytest.approx(0.4, abs=0.05)
    assert fit.residual_rms_ms == pytest.approx(0.4 / np.sqrt(3), abs=0.03)
    assert fit.to_recording_s(100.0) == pytest.approx(103.25 + 0.004, abs=1e-4)
    assert fit_clock([5.0], [7.0]).offset_s == 2.0
    with pytest.raises(ValueError, match="at least one"):
        fit_clock([], [])
