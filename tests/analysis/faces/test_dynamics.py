"""Onsets, durations and what was not seen to end."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.faces.dynamics import (
    bouts,
    density,
    duration_fractions,
    early_fraction,
    event_traces,
    onsets_and_durations,
    population_trace,
    survival,
)

FS_HZ = 10.0


def session(
    latencies_s: list[float], durations_s: list[float], *, interval_s: float = 40.0, noise: float = 0.02
) -> tuple[np.ndarray, np.ndarray, pd.DataFrame]:
    """A trace that rises by 0.5 some time after each event, and falls again."""
    rng = np.random.default_rng(1)
    onsets = 20 + interval_s * np.arange(len(latencies_s))
    times_s = np.arange(0, onsets[-1] + interval_s, 1 / FS_HZ)
    trace = 0.3 + noise * rng.normal(size=len(times_s))
    for onset, latency, duration in zip(onsets, latencies_s, durations_s, strict=True):
        trace[(times_s >= onset + latency - 1e-9) & (times_s < onset + latency + duration - 1e-9)] += 0.5
    return trace, times_s, pd.DataFrame({"onset": onsets, "trial_type": "shock"})


def test_latencies_and_durations_are_found() -> None:
    latencies, durations = [0.0, 1.5, 7.0], [3.0, 12.0, 1.0]
    table = onsets_and_durations(*session(latencies, durations), on_z=5, off_z=4)
    np.testing.assert_allclose(table["latency_s"], latencies, atol=1e-6)
    np.testing.assert_allclose(table["duration_s"], durations, atol=1e-6)
    assert not table["censored"].any()
    assert (table["n_bouts"] == 1).all()
    assert table["label"].tolist() == ["shock"] * 3


def test_an_expression_that_is_cut_off_lasted_at_least_so_long() -> None:
    table = onsets_and_durations(*session([1.0, 1.0], [60.0, 3.0]), on_z=5, off_z=4, search_s=100)
    first = table.iloc[0]
    assert first["censored"]
    assert first["duration_s"] == pytest.approx(40 - 2 - 1, abs=0.2)
    late = onsets_and_durations(*session([1.0], [60.0]), on_z=5, off_z=4, search_s=20)
    assert late["censored"].all()
    assert late["watched_s"].iloc[0] == pytest.approx(20)


def test_no_expression_and_no_rest() -> None:
    trace, times_s, events = session([1.0, 1.0, 1.0], [3.0, 0.0, 3.0])
    trace[(times_s > 98) & (times_s < 100)] = np.nan
    table = onsets_and_durations(trace, times_s, events, on_z=5, off_z=4)
    assert table["at_rest"].tolist() == [True, True, False]
    assert np.isnan(table["latency_s"].iloc[1:]).all()
    share = early_fraction(table).iloc[0]
    assert (share["early"], share["none"]) == (0.5, 0.5)
    assert (share["n_events"], share["n_left_out"]) == (2, 1)


def test_hysteresis_keeps_a_bout_in_one_piece() -> None:
    trace = np.array([0, 2.5, 1.5, 2.5, 1.2, 0.5, 0, 0])
    times_s = np.arange(8) / 2
    assert len(bouts(trace, times_s)) == 1
    assert len(bouts(trace, times_s, on_z=2, off_z=2, least_s=0)) == 2
    assert bouts(trace, times_s)["duration_s"].iloc[0] == 2.0
    assert len(bouts(trace, times_s, least_s=2.5)) == 0
    assert bouts(np.zeros(8), times_s).empty


def test_gaps_and_ends_censor() -> None:
    trace = np.array([3, 3, 0, 3, np.nan, 3, 3, 3])
    table = bouts(trace, np.arange(8.0), least_s=0)
    assert table["began_before"].tolist() == [True, False, True]
    assert table["censored"].tolist() == [False, True, True]
    assert table["duration_s"].tolist() == [2, 0, 2]


def test_bins_never_cross_the_onset() -> None:
    times_s = np.arange(0, 40, 0.1) + 0.03
    trace = (times_s >= 20.02).astype(float)
    values, middles = event_traces(trace, times_s, np.array([20.02, 38.0]), before_s=3, after_s=4)
    np.testing.assert_allclose(middles, [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.5])
    np.testing.assert_allclose(values[0], [0, 0, 0, 1, 1, 1, 1])
    assert np.isnan(values[1, -2:]).all()
    with pytest.raises(ValueError, match="whole numbers of bins"):
        event_traces(trace, times_s, np.array([20.0]), before_s=2.5)


def test_the_interval_of_animals_is_wider_than_that_of_trials() -> None:
    rng = np.random.default_rng(1)
    animals = np.repeat(np.arange(6), 5)
    values = rng.normal(size=(6, 1))[animals] + 0.1 * rng.normal(size=(30, 4))
    by_animal, by_trial = population_trace(values, animals), population_trace(values)
    np.testing.assert_allclose(by_animal["mean"], by_trial["mean"])
    assert ((by_animal["upper"] - by_animal["lower"]) > 2 * (by_trial["upper"] - by_trial["lower"])).all()
    assert (by_animal["n"] == 6).all()


def test_survival_is_kaplan_meiers() -> None:
    # the textbook's leukaemia data (6-MP, Freireich et al. 1963)
    weeks = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
    left = [0, 0, 0, 1, 0, 1, 0, 1, 1, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1]
    found = survival(np.array(weeks, float), np.array(left, bool), np.array([6, 7, 10, 13, 16, 22, 23, 30.0]))
    np.testing.assert_allclose(found[:7], [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448], atol=5e-4)
    assert np.isnan(survival(np.array([3.0, 4.0]), np.array([False, True]), np.array([5.0]))[0])


def test_fractions_of_durations_take_censoring_into_account() -> None:
    rng = np.random.default_rng(2)
    true = rng.exponential(8.0, 1200)
    seen = rng.uniform(4, 30, 1200)
    table = pd.DataFrame(
        {
            "animal": np.arange(1200) % 12,
            "latency_s": 0.5,
            "duration_s": np.minimum(true, seen),
            "censored": true > seen,
        }
    )
    found = duration_fractions(table, rng=rng, n_replicates=200)
    expected = -np.diff(np.exp(-np.array([0, 5, 15, np.inf]) / 8))
    np.testing.assert_allclose(found["fraction"], expected, atol=0.04)
    assert found["as_counted"].iloc[2] < expected[2] - 0.05
    assert ((found["lower"] < found["fraction"]) & (found["fraction"] < found["upper"])).all()
    assert found["fraction"].sum() == pytest.approx(1)


def test_densities() -> None:
    grid = np.linspace(-5, 10, 400)
    found = density(np.array([1.0, 2.0, 2.5, np.nan]), grid)
    assert np.trapezoid(found, grid) == pytest.approx(1, abs=0.01)
    assert np.isnan(density(np.array([1.0, 1.0]), grid)).all()


def test_wrong_input_is_said() -> None:
    trace, times_s, events = session([1.0, 1.0], [3.0, 3.0])
    with pytest.raises(ValueError, match="in the order of their onsets"):
        onsets_and_durations(trace, times_s, events[::-1])
    with pytest.raises(ValueError, match="one time per value"):
        bouts(trace[1:], times_s)
    with pytest.raises(ValueError, match="times should increase"):
        bouts(trace, times_s[::-1])
    with pytest.raises(ValueError, match="off_z should not lie above"):
        bouts(trace, times_s, on_z=1, off_z=2)
    silent = onsets_and_durations(*session([1.0], [0.0]), on_z=8)
    with pytest.raises(ValueError, match="no event was followed"):
        duration_fractions(silent, rng=np.random.default_rng(1))
