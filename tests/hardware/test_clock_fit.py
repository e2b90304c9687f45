"""The line between a device's clock and the computer's."""

from __future__ import annotations

import numpy as np
import pytest

from hardware.clock_fit import fit_clocks


@pytest.mark.parametrize("ppm", [-5000.0, -35.0, 0.0, 35.0, 5000.0])
def test_drift_is_found_within_a_millionth_under_late_arrivals(ppm: float) -> None:
    rng = np.random.default_rng(1)
    device_s = np.sort(rng.uniform(1000, 4600, 3600))
    host_s = 7.0 + (1 + ppm * 1e-6) * device_s + rng.exponential(0.003, 3600)
    host_s[rng.choice(3600, 100)] += 0.5  # the computer was busy
    fit = fit_clocks(device_s, host_s)
    assert fit.ppm == pytest.approx(ppm, abs=0.05)
    truth = 7.0 + (1 + ppm * 1e-6) * device_s
    assert np.abs(fit.to_host(device_s) - truth).max() < 1e-4
    np.testing.assert_allclose(fit.to_device(fit.to_host(device_s)), device_s, atol=1e-9)


def test_no_point_lies_under_the_line() -> None:
    rng = np.random.default_rng(2)
    for n in (2, 3, 10, 500):
        device_s = np.sort(rng.uniform(0, 100, n))
        host_s = device_s + rng.normal(0, 1, n)
        fit = fit_clocks(device_s, host_s)
        assert (host_s - fit.to_host(device_s) >= -1e-9).all()


def test_two_clocks_that_stamp_the_same_pulses_are_joined_through_the_middle() -> None:
    rng = np.random.default_rng(3)
    device_s = np.arange(0, 1200, 0.1)
    host_s = 3 + device_s * (1 - 20e-6) + rng.normal(0, 1e-4, device_s.size)
    host_s[::100] += 0.2
    fit = fit_clocks(device_s, host_s, one_sided=False)
    assert fit.ppm == pytest.approx(-20, abs=0.05)
    assert fit.offset == pytest.approx(3, abs=1e-5)
    assert fit.residual_s < 3e-4 < fit.worst_s


def test_a_jump_of_a_clock_shows_in_the_residual() -> None:
    device_s = np.arange(0, 600, 1.0)
    host_s = device_s + 2.0 * (device_s > 300)
    assert fit_clocks(device_s, host_s).residual_s > 0.4
    assert fit_clocks(device_s, host_s, one_sided=False).residual_s > 0.4


def test_few_pairs() -> None:
    alone = fit_clocks(np.array([5.0]), np.array([105.0]))
    assert (alone.slope, alone.offset, alone.residual_s) == (1.0, 100.0, 0.0)
    same = fit_clocks(np.array([5.0, 5.0]), np.array([105.2, 105.0]))
    assert (same.slope, same.offset) == (1.0, pytest.approx(100.0))
    assert fit_clocks(np.array([5.0, 5.0]), np.array([105.2, 105.0]), one_sided=False).slope == 1.0


def test_what_is_no_pair_of_clocks_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        fit_clocks(np.array([]), np.array([]))
    with pytest.raises(ValueError, match="found 2 times of the device and 1"):
        fit_clocks(np.zeros(2), np.zeros(1))
    with pytest.raises(ValueError, match="not a number"):
        fit_clocks(np.array([0, np.nan]), np.zeros(2))
    with pytest.raises(ValueError, match=r"went back after 2\.000 s"):
        fit_clocks(np.array([1.0, 2.0, 0.5]), np.arange(3.0))
