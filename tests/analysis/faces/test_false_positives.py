"""How often each test finds something in studies with nothing in them (long, and in short for every day)."""

from __future__ import annotations

import pytest
from null_studies import rejection_rates

UNSURE = 3.3
"""Standard errors that a rate may be off by chance."""


def test_in_short_no_recommended_test_finds_much_in_nothing() -> None:
    table = rejection_rates(8, seed=11)
    ours = table[~table.index.str.startswith("paper")]
    assert (ours["rejected"] <= 3 / 8).all(), ours
    assert table.loc["paper 2B own prototype, event with rest", "rejected"] > 0


def test_in_short_known_effects_are_found() -> None:
    table = rejection_rates(4, seed=12, effect=1.0)
    control = table.index.str.contains("control")
    ours = table[~table.index.str.startswith("paper") & ~control]
    assert (ours["rejected"] >= 0.5).all(), ours


@pytest.mark.slow
def test_recommended_tests_reject_a_true_null_hypothesis_at_the_nominal_level() -> None:
    table = rejection_rates(500, seed=1)
    print(table.round(3).to_string())
    ours = table[~table.index.str.startswith("paper")]
    tolerance = UNSURE * (0.05 * 0.95 / 500) ** 0.5
    assert (ours["rejected"] <= 0.05 + tolerance).all(), ours
    cautious = ours.index.str.contains("Holm|mixed model")
    assert (ours.loc[~cautious, "rejected"] >= 0.05 - tolerance).all(), ours
