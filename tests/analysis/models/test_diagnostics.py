"""Diagnostics of chains agree with arviz-stats and say what they should where the answer is known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from analysis.models import diagnostics

REFERENCE = json.loads(
    (Path(__file__).parent / "reference" / "diagnostics_arviz.json").read_text(encoding="utf-8")
)
FUNCTIONS = {
    "rhat": diagnostics.rhat,
    "ess_bulk": diagnostics.ess_bulk,
    "ess_tail": diagnostics.ess_tail,
    "ess_mean": diagnostics.ess_mean,
    "mcse_mean": diagnostics.mcse_mean,
    "mcse_sd": diagnostics.mcse_sd,
    "mcse_quantile_05": lambda draws: diagnostics.mcse_quantile(draws, probability=0.05),
    "mcse_quantile_50": lambda draws: diagnostics.mcse_quantile(draws, probability=0.5),
    "ebfmi": lambda draws: diagnostics.ebfmi(draws[:, :, 0]),
    "hdi_80": lambda draws: np.array(diagnostics.hdi(draws, probability=0.8)),
}


@pytest.mark.parametrize(
    ("case", "quantity"), [(case, quantity) for case in REFERENCE for quantity in REFERENCE[case]["arviz"]]
)
def test_agrees_with_arviz_stats(case: str, quantity: str) -> None:
    expected = REFERENCE[case]["arviz"][quantity]
    draws = np.array(REFERENCE[case]["draws"])
    np.testing.assert_allclose(FUNCTIONS[quantity](draws), np.array(expected), rtol=1e-8)


@pytest.mark.parametrize("name", ["rhat", "ess_bulk", "ess_tail", "ess_mean", "mcse_mean", "mcse_sd"])
def test_trailing_dimensions_are_treated_one_by_one(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnostics, "_COLUMNS_AT_ONCE", 5)
    draws = np.random.default_rng(1).normal(size=(3, 40, 4, 3))
    together = getattr(diagnostics, name)(draws)
    assert together.shape == (4, 3)
    for i, j in np.ndindex(4, 3):
        assert getattr(diagnostics, name)(draws[:, :, i, j]) == pytest.approx(together[i, j], rel=1e-12)


def test_independent_draws_are_worth_their_number() -> None:
    draws = np.random.default_rng(2).normal(loc=5, scale=2, size=(4, 5000))
    assert diagnostics.rhat(draws) == pytest.approx(1, abs=0.002)
    assert diagnostics.ess_bulk(draws) == pytest.approx(20_000, rel=0.1)
    assert diagnostics.ess_tail(draws) == pytest.approx(20_000, rel=0.1)
    assert diagnostics.mcse_mean(draws) == pytest.approx(2 / np.sqrt(20_000), rel=0.05)
    assert diagnostics.mcse_sd(draws) == pytest.approx(2 / np.sqrt(2 * 20_000), rel=0.05)


def test_autocorrelated_draws_are_worth_what_theory_says() -> None:
    rng, coefficient = np.random.default_rng(3), 0.8
    noise = rng.normal(size=(4, 20_000))
    draws = noise.copy()
    for i in range(1, draws.shape[1]):
        draws[:, i] = coefficient * draws[:, i - 1] + np.sqrt(1 - coefficient**2) * noise[:, i]
    expected = draws.size * (1 - coefficient) / (1 + coefficient)
    assert diagnostics.ess_mean(draws) == pytest.approx(expected, rel=0.1)


def test_scale_and_place_do_not_matter() -> None:
    draws = np.random.default_rng(4).normal(size=(4, 200))
    for function in (diagnostics.rhat, diagnostics.ess_bulk, diagnostics.ess_tail):
        assert function(draws * 1e-12 + 1e-10) == pytest.approx(function(draws), rel=1e-9)


def test_drift_within_the_only_chain_is_seen() -> None:
    draws = np.random.default_rng(5).normal(size=(1, 400)) + np.linspace(0, 3, 400)
    assert diagnostics.rhat(draws) > 1.2


@pytest.mark.parametrize("bad", [np.ones((4, 50)), np.full((4, 50), 0.1) + 1e-17, np.full((4, 50), np.nan)])
def test_nothing_is_said_of_draws_that_do_not_vary_or_are_missing(bad: np.ndarray) -> None:
    good = np.random.default_rng(6).normal(size=(4, 50))
    both = np.stack([bad, good], axis=2)
    for name in ("rhat", "ess_bulk", "ess_tail", "ess_mean", "mcse_mean", "mcse_sd"):
        value = getattr(diagnostics, name)(both)
        assert np.isnan(value[0]) and np.isfinite(value[1])
    assert np.isnan(diagnostics.mcse_quantile(both, probability=0.5)[0])


def test_chains_stuck_in_two_places_have_infinite_rhat() -> None:
    draws = np.repeat([[0.0], [1.0]], 50, axis=1)
    assert diagnostics.rhat(draws) > 1000


def test_interval_is_the_shortest() -> None:
    draws = np.random.default_rng(7).exponential(size=(4, 2000, 2))
    draws[0, 0, 1] = np.nan
    lower, upper = diagnostics.hdi(draws, probability=0.9)
    assert lower[0] < 0.01 and upper[0] == pytest.approx(-np.log(0.1), abs=0.1)
    assert np.isnan(lower[1]) and np.isnan(upper[1])


def test_wrong_input_is_explained() -> None:
    with pytest.raises(ValueError, match=r"\(chain, draw, ...\)"):
        diagnostics.rhat(np.zeros(100))
    with pytest.raises(ValueError, match="at least 4 draws"):
        diagnostics.ess_bulk(np.zeros((4, 3)))
    with pytest.raises(ValueError, match="not 95"):
        diagnostics.hdi(np.zeros((4, 10)), probability=95)
    with pytest.raises(ValueError, match="energy"):
        diagnostics.ebfmi(np.zeros(10))
