"""Claims of both presets, side by side."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.mouse_face.panel import claims_table
from analysis.mouse_face.presets_compared import (
    claims_table as all_claims,
)
from analysis.mouse_face.presets_compared import (
    compare_claims,
    compared_table,
    disagreements,
    n_disagreements,
)


def claims(**holds: object) -> pd.DataFrame:
    """Return a claim for each name; a pair is whether it holds and its estimate."""
    rows = []
    for name, value in holds.items():
        held, estimate = value if isinstance(value, tuple) else (value, 0.1)
        rows.append({"claim": name, "estimate": estimate, "unit": "r", "p": 0.02, "holds": held})
    return claims_table(rows)


@pytest.mark.parametrize(
    ("recommended", "paper", "verdict"),
    [
        (True, True, "agree"),
        (False, False, "agree"),
        (True, False, "recommended only"),
        (False, True, "paper only"),
        (None, True, "undecided"),
        ((True, 0.1), (True, -0.1), "opposite"),
        ((False, 0.1), (False, -0.1), "agree"),
    ],
)
def test_every_verdict_whichever_preset_was_chosen(recommended: object, paper: object, verdict: str) -> None:
    first, second = claims(one=recommended), claims(one=paper)
    assert compare_claims("2C", first, second, preset="recommended")["verdict"].tolist() == [verdict]
    assert compare_claims("2C", second, first, preset="paper")["verdict"].tolist() == [verdict]


def test_estimates_of_other_units_are_not_compared() -> None:
    other = claims(one=(True, -0.3)).assign(unit="z")
    table = compare_claims("2C", claims(one=(True, 0.3)), other, preset="recommended")
    assert table["verdict"].item() == "agree"


def test_a_claim_that_one_preset_does_not_make_is_no_disagreement() -> None:
    table = compare_claims("2C", claims(one=True, two=True), claims(two=True), preset="recommended")
    assert table["verdict"].tolist() == ["one preset only", "agree"]
    assert table["paper"].tolist()[0] == ""
    assert disagreements(table) == ["The presets agree on all claims that both can decide in Fig. 2C."]
    assert n_disagreements(table) == 0


def test_disagreements_are_told_in_words_with_their_numbers() -> None:
    names = [f"claim {number}" for number in range(5)]
    recommended = claims(**dict.fromkeys(names, False))
    paper = claims(**dict.fromkeys(names, True)).assign(p=1e-9, test="Dunnett", n="27 trials")
    (text,) = disagreements(compare_claims("2C", recommended, paper, preset="recommended"))
    assert text.startswith("Fig. 2C: the presets disagree on 5 of 5 claims. “claim 0” holds as in the paper")
    assert "p < 0.001, Dunnett, 27 trials" in text
    assert "and does not as recommended (0.1 r, p = 0.020)" in text
    assert "The other 2 are in the table." in text
    assert text.endswith("trials of one animal are not independent.")


def test_panels_on_which_they_do_not_disagree_share_a_sentence() -> None:
    names = {"1D": (True, True), "1E": (False, True), "2D": (False, False), "3F": (None, True)}
    tables = [
        compare_claims(panel, claims(one=first), claims(one=second), preset="recommended")
        for panel, (first, second) in names.items()
    ]
    texts = disagreements(pd.concat(tables))
    assert texts[0].startswith("Fig. 1E: the presets disagree on 1 of 1 claim.")
    assert texts[1:] == [
        "The presets agree on all claims that both can decide in Fig. 1D, Fig. 2D.",
        "In Fig. 3F they cannot be compared: at least one decides no claim.",
    ]


def test_without_the_other_preset_nothing_is_compared() -> None:
    table = compare_claims("2C", claims(one=True), pd.DataFrame(columns=["claim"]), preset="recommended")
    assert table["verdict"].tolist() == ["one preset only"]
    assert disagreements(table) == []


def test_tables_have_every_claim_with_its_numbers() -> None:
    own, other = claims(one=True, two=False), claims(one=None)
    table = all_claims({"recommended": {"1F": own}, "paper": {"1F": other, "2C": claims_table([])}})
    assert table.data[["preset", "claim", "holds"]].to_numpy().tolist() == [
        ["recommended", "one", "yes"], ["recommended", "two", "no"], ["paper", "one", ""],
    ]  # fmt: skip
    page = compared_table(compare_claims("1F", own, other, preset="recommended"))
    assert page.data["paper_holds"].tolist() == ["", ""]
    assert all_claims({"paper": {}}).data.empty


def test_two_claims_of_one_name_are_refused() -> None:
    twice = pd.concat([claims(one=True), claims(one=False)])
    with pytest.raises(ValueError, match="found twice: one"):
        compare_claims("1F", twice, claims(one=True), preset="recommended")
