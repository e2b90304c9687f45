"""Light on a photodiode: onsets and delays of known signals."""

from __future__ import annotations

import numpy as np
import pytest

from hardware.photodiode import light_delays, light_onsets

FS_HZ = 2000.0
ONSETS_S = np.arange(1.0, 9.0, 0.437)


def diode(*, rise_s: float, sign: float = 1.0, noise: float = 0.01, flicker_hz: float = 0.0) -> np.ndarray:
    """Flashes of 100 ms whose light rises linearly."""
    times_s = np.arange(0, 10, 1 / FS_HZ)
    since = times_s[:, None] - ONSETS_S[None, :]
    level = np.where((since >= 0) & (since < 0.1), np.clip(since / rise_s, 0, 1), 0).max(axis=1)
    if flicker_hz:
        level *= (times_s * flicker_hz) % 1 < 0.5
    return sign * (5 + 3 * level) + np.random.default_rng(1).normal(0, noise, len(times_s))


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_onsets_are_found_between_samples(sign: float) -> None:
    found = light_onsets(np.arange(0, 10, 1 / FS_HZ), diode(rise_s=0.004, sign=sign))
    assert len(found) == len(ONSETS_S)
    assert np.abs(found - ONSETS_S - 0.002).max() < 0.0001


def test_a_screen_that_flickers_counts_once_per_flash() -> None:
    times_s = np.arange(0, 10, 1 / FS_HZ)
    found = light_onsets(times_s, diode(rise_s=0.0001, flicker_hz=240.0))
    delays = light_delays(ONSETS_S, found)
    assert delays.n_without == 0
    assert max(delays.delays_ms) < 1000 / 240


def test_a_wrong_channel_is_answered() -> None:
    times_s = np.arange(0, 10, 1 / FS_HZ)
    for signal in (np.zeros_like(times_s), np.random.default_rng(2).normal(size=len(times_s))):
        with pytest.raises(ValueError, match="no flashes can be seen"):
            light_onsets(times_s, signal)


def test_each_trigger_gets_its_own_light() -> None:
    delays = light_delays([1.0, 2.0, 3.0, 4.0, 5.0], [0.5, 0.99, 2.02, 3.02, 4.02, 5.02, 5.06])
    assert delays.delays_ms == pytest.approx([-10, 20, 20, 20, 20])
    assert light_delays([1.0, 2.0, 3.0, 4.0, 5.0], [1.02, 2.02, 3.02, 4.02]).n_without == 1
    with pytest.raises(ValueError, match="3 of 5 flashes only"):
        light_delays([1.0, 2.0, 3.0, 4.0, 5.0], [1.02, 2.02, 3.02])
