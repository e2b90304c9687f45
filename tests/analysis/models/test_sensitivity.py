"""Power by simulation: the known power of a t test, and the shortcut that makes it quick is exact."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.models.mixed import MixedFit, fit_mixed
from analysis.models.sensitivity import (
    power,
    simulate_tests,
    slope_differences,
    smallest_detectable,
)

N_PER_GROUP = 20


@pytest.fixture(scope="module")
def fit() -> MixedFit:
    """Two groups of 20, eight trials each: the test between groups is nearly a t test with 38 df."""
    rng = np.random.default_rng(3)
    n = 2 * N_PER_GROUP
    data = pd.DataFrame({"subject": np.repeat(np.arange(n), 8), "time": np.tile(np.arange(8) - 3.5, n)})
    data["group"] = np.where(data["subject"] < N_PER_GROUP, "A", "B")
    data["y"] = rng.normal(0, 1, n)[data["subject"]] + rng.normal(0, 1, len(data))
    data["y"] += rng.normal(0, 0.3, n)[data["subject"]] * data["time"]
    return fit_mixed("y ~ group*time + (time|subject)", data)


@pytest.fixture(scope="module")
def contrasts(fit: MixedFit) -> pd.DataFrame:
    between = pd.DataFrame([[0, 2, 0, 0]], index=["A - B"], columns=fit.fixed_effects.index)
    return pd.concat([between, slope_differences(fit, "time", between="group")])


def test_slope_differences_are_those_of_the_slopes(fit: MixedFit, contrasts: pd.DataFrame) -> None:
    slopes = fit.slopes("time", ["group"])["slope"]
    row = fit.contrasts(contrasts).iloc[1]
    assert row["estimate"] == pytest.approx(slopes[0] - slopes[1])
    assert contrasts.index.tolist() == ["A - B", "A - B"]


def test_power_is_that_of_a_t_test(fit: MixedFit, contrasts: pd.DataFrame) -> None:
    simulated = simulate_tests(fit, contrasts, seed=1, n_simulations=250, n_processes=1, progress=False)
    se = float(fit.contrasts(contrasts)["se"].iloc[0])
    effect = 2.5 * se
    limit = stats.t.isf(0.025, 38)
    noncentral = stats.nct(38, 2.5)
    expected = noncentral.sf(limit) + noncentral.cdf(-limit)
    row = simulated.power([0.0, effect]).iloc[:2]
    assert abs(row["power"].iloc[1] - expected) < 4 * row["se"].iloc[1]
    assert abs(row["power"].iloc[0] - 0.05) < 4 * row["se"].iloc[0]


def test_the_smallest_detectable_effect_has_the_power_it_promises(
    fit: MixedFit, contrasts: pd.DataFrame
) -> None:
    simulated = simulate_tests(fit, contrasts, seed=2, n_simulations=100, n_processes=1, progress=False)
    found = simulated.smallest_detectable(power=0.8)
    assert (found["lower"] < found["effect"]).all() and (found["effect"] < found["upper"]).all()
    for column, row in enumerate(found.to_dict("records")):
        both_signs = [simulated.power(sign * row["effect"])["power"].iloc[column] for sign in (1, -1)]
        assert np.mean(both_signs) == pytest.approx(0.8, abs=0.01)


def test_an_effect_that_is_added_moves_the_estimate_and_nothing_else(
    fit: MixedFit, contrasts: pd.DataFrame
) -> None:
    """What makes one set of simulations enough for all effects."""
    y = fit.simulate(1, rng=np.random.default_rng(7))[0]
    columns = fit._criterion.design.fixed @ fit._criterion.design.triangle
    coefficients = np.array([0.3, -0.4, 0.2, 0.7])
    without = fit.refit(y).contrasts(contrasts)
    having = fit.refit(y + columns @ coefficients).contrasts(contrasts)
    moved = contrasts.to_numpy() @ coefficients
    np.testing.assert_allclose(having["estimate"], without["estimate"] + moved, atol=1e-6)
    np.testing.assert_allclose(having[["se", "df"]], without[["se", "df"]], rtol=1e-4)


def test_errors_are_those_of_estimates_around_the_truth(fit: MixedFit, contrasts: pd.DataFrame) -> None:
    simulated = simulate_tests(fit, contrasts, seed=3, n_simulations=100, n_processes=1, progress=False)
    se = fit.contrasts(contrasts)["se"].to_numpy()
    np.testing.assert_allclose(simulated.errors.mean(axis=0) / se, 0, atol=0.3)
    np.testing.assert_allclose(simulated.errors.std(axis=0), se, rtol=0.25)


def test_processes_and_seeds_do_not_change_the_studies(fit: MixedFit, contrasts: pd.DataFrame) -> None:
    one = simulate_tests(fit, contrasts, seed=5, n_simulations=25, n_processes=1, progress=False)
    two = simulate_tests(fit, contrasts, seed=5, n_simulations=25, n_processes=2, progress=False)
    other = simulate_tests(fit, contrasts, seed=6, n_simulations=25, n_processes=1, progress=False)
    np.testing.assert_array_equal(one.errors, two.errors)
    assert not np.array_equal(one.errors, other.errors)
    assert one.n_uncertain == 0 and one.n_simulations == 25


def test_wider_bounds_are_reached_more_often(fit: MixedFit, contrasts: pd.DataFrame) -> None:
    simulated = simulate_tests(fit, contrasts, seed=1, n_simulations=50, n_processes=1, progress=False)
    se = simulated.se[:, 0].mean()
    table = simulated.equivalence_power([se, 3 * se, 6 * se])
    powers = table.loc[table["contrast"] == "A - B", "power"].iloc[:3].tolist()
    assert powers == sorted(powers)
    assert powers[0] == 0 and powers[-1] > 0.95


def test_wrong_input_is_explained(fit: MixedFit, contrasts: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="20 at least"):
        simulate_tests(fit, contrasts, seed=1, n_simulations=5)
    with pytest.raises(ValueError, match="should be the fixed effects"):
        simulate_tests(fit, contrasts.iloc[:, :2], seed=1)
    simulated = simulate_tests(fit, contrasts, seed=1, n_simulations=20, n_processes=1, progress=False)
    with pytest.raises(ValueError, match="power should be between"):
        simulated.smallest_detectable(power=0.01)


def test_the_short_forms_give_the_same_tables(fit: MixedFit, contrasts: pd.DataFrame) -> None:
    simulated = simulate_tests(fit, contrasts, seed=1, n_simulations=20, progress=False)
    short = power(fit, contrasts, [0.1, 0.5], seed=1, n_simulations=20)
    pd.testing.assert_frame_equal(short, simulated.power([0.1, 0.5]))
    short = smallest_detectable(fit, contrasts, seed=1, n_simulations=20)
    pd.testing.assert_frame_equal(short, simulated.smallest_detectable())
