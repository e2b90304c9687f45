"""The filters do to sines what their formulas say, and keep the baseline clean where they promise to."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.emg.filters import bandpass, lowpass, notch, rectify

FS_HZ = 1200.0
TIMES_S = np.arange(round(6 * FS_HZ)) / FS_HZ
MIDDLE = slice(round(2 * FS_HZ), round(4 * FS_HZ))
BAND = {"fs_hz": FS_HZ, "low_hz": 20.0, "high_hz": 400.0, "order": 4}


def sine(frequency_hz: float, amplitude: float = 1.0) -> np.ndarray:
    return amplitude * np.sin(2 * np.pi * frequency_hz * TIMES_S)


def gain(filtered: np.ndarray) -> float:
    return float(filtered[MIDDLE].std() * np.sqrt(2))


@pytest.mark.parametrize(("phase", "power"), [("causal", 1), ("zero", 2)])
@pytest.mark.parametrize("edge_hz", [20.0, 400.0])
def test_band_pass_leaves_half_the_power_at_its_edges_per_pass(phase, power, edge_hz):
    assert gain(bandpass(sine(edge_hz), phase=phase, **BAND)) == pytest.approx(0.5 ** (power / 2), rel=1e-3)


@pytest.mark.parametrize("phase", ["causal", "zero"])
def test_band_pass_keeps_the_middle_and_removes_drift_and_offset(phase):
    slow = 500 + sine(0.3, 200)
    kept = bandpass(sine(100) + slow, phase=phase, **BAND)
    assert gain(kept) == pytest.approx(1, rel=2e-3)
    assert np.abs(bandpass(slow, phase=phase, **BAND)[MIDDLE]).max() < 1e-3


def test_zero_phase_delays_nothing():
    kept = bandpass(sine(100), phase="zero", **BAND)
    assert np.abs(kept - sine(100))[MIDDLE].max() < 1e-3


@pytest.mark.parametrize(
    ("multiple", "highest_hz", "kept"), [(1, 50, 0), (2, 50, 1), (2, 400, 0), (8, 400, 0)]
)
def test_notch_takes_out_the_hum_and_its_multiples_as_far_as_asked(multiple, highest_hz, kept):
    hum = sine(50 * multiple, 20)
    left = notch(hum, fs_hz=FS_HZ, mains_hz=50, width_hz=2, highest_hz=highest_hz, phase="causal")
    assert left[MIDDLE].std() == pytest.approx(kept * hum.std(), abs=1e-2)


def test_notch_leaves_half_the_power_at_half_its_width():
    left = notch(sine(51), fs_hz=FS_HZ, mains_hz=50, width_hz=2, highest_hz=50, phase="causal")
    assert gain(left) == pytest.approx(np.sqrt(0.5), rel=2e-2)


@pytest.mark.parametrize("phase", ["causal", "zero"])
def test_smoothing_a_rectified_sine_gives_its_mean(phase):
    smooth = lowpass(rectify(sine(150, 10)), fs_hz=FS_HZ, cutoff_hz=40, order=4, phase=phase)
    assert smooth[MIDDLE] == pytest.approx(10 * (1 + np.sqrt(2)) / 4, rel=1e-3), (
        "of its eight samples a cycle"
    )


def test_smoothing_leaves_half_the_power_at_its_edge():
    assert gain(lowpass(sine(40), fs_hz=FS_HZ, cutoff_hz=40, order=4, phase="causal")) == pytest.approx(
        np.sqrt(0.5), rel=1e-3
    )


@pytest.mark.parametrize(("phase", "leaks"), [("causal", False), ("zero", True)])
def test_only_zero_phase_lets_the_future_into_the_past(phase, leaks):
    burst = np.where(TIMES_S >= 3, sine(100, 50), 0)
    before = TIMES_S < 3
    filtered = lowpass(
        rectify(bandpass(burst, phase=phase, **BAND)), fs_hz=FS_HZ, cutoff_hz=40, order=4, phase=phase
    )
    largest = np.abs(filtered[before]).max()
    assert largest > 10 if leaks else largest == 0


@pytest.mark.parametrize("phase", ["causal", "zero"])
def test_stretches_between_missing_samples_are_filtered_each_on_its_own(phase):
    whole = sine(100, 5) + 1000
    whole[3000:3100] = np.nan
    filtered = bandpass(whole, phase=phase, **BAND)
    assert np.isnan(filtered[3000:3100]).all() and not np.isnan(np.delete(filtered, range(3000, 3100))).any()
    assert np.array_equal(filtered[:3000], bandpass(whole[:3000], phase=phase, **BAND))
    assert np.abs(np.delete(filtered, range(3000, 3100))).max() < 12, "the offset of 1000 uV must not ring"


def test_edges_of_a_recording_do_not_ring():
    filtered = bandpass(np.full(2400, 3e5) + sine(100)[:2400], phase="causal", **BAND)
    assert np.abs(filtered).max() < 2


@pytest.mark.parametrize("n_samples", [1, 2, 30])
def test_very_short_signals_are_filtered_without_complaint(n_samples):
    assert np.isfinite(bandpass(np.ones(n_samples), phase="zero", **BAND)).all()


def test_several_channels_at_once_equal_each_on_its_own():
    both = np.vstack([sine(100), sine(30)])
    together = bandpass(both, phase="zero", **BAND)
    assert np.array_equal(together[1], bandpass(both[1], phase="zero", **BAND))


def test_nothing_but_missing_samples_stays_missing():
    assert np.isnan(lowpass(np.full(100, np.nan), fs_hz=1200, cutoff_hz=40, order=4, phase="zero")).all()


def test_too_low_a_sampling_rate_is_refused_with_a_way_out():
    with pytest.raises(ValueError, match=r"512 Hz is too low.*400 Hz.*below 256 Hz.*rectified"):
        bandpass(sine(100), fs_hz=512, low_hz=20, high_hz=400, order=4, phase="zero")
    with pytest.raises(ValueError, match="too low"):
        lowpass(sine(1), fs_hz=80, cutoff_hz=40, order=4, phase="zero")
    with pytest.raises(ValueError, match="highest notch"):
        notch(sine(1), fs_hz=100, mains_hz=50, width_hz=2, highest_hz=50, phase="zero")
