"""How often the claims of Figures 1 and 2 are made of studies with nothing in them (long, and in short)."""

from __future__ import annotations

import pytest
from null_figures import rejection_rates

UNSURE = 3.3
"""Standard errors that a rate may be off by chance."""


def test_in_short_known_effects_are_found() -> None:
    table = rejection_rates(1, seed=3, effect=1.5)
    control = table.index.str.contains("control")
    ours = table[~table.index.str.startswith("paper") & ~control]
    assert (ours["rejected"] == 1).mean() > 0.8, ours


@pytest.mark.slow
def test_claims_are_made_of_nothing_at_the_nominal_level() -> None:
    table = rejection_rates(500, seed=1)
    print(table.round(3).to_string())
    ours = table[~table.index.str.startswith("paper")]
    tolerance = UNSURE * (0.05 * 0.95 / 500) ** 0.5
    assert (ours["rejected"] <= 0.05 + tolerance).all(), ours
    cautious = ours.index.str.contains("Holm|largest|mixed model")
    assert (ours.loc[~cautious, "rejected"] >= 0.05 - tolerance).all(), ours
