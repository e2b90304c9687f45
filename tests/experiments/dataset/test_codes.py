"""Trigger codes: edges, and the line between two clocks."""

from __future__ import annotations

import numpy as np
import pytest

from experiments.dataset.codes import find_pulses, fit_clock


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


def test_a_known_slope_is_kept() -> None:
    fit = fit_clock([1.0, 2.0, 3.0], [11.0, 12.1, 13.0], slope=1 + 20e-6)
    assert fit.drift_ppm == 20.0
    assert fit.residual_max_ms == pytest.approx(66.7, abs=0.1)
