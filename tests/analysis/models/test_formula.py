"""Formulas in lme4's notation."""

from __future__ import annotations

import pytest

from analysis.models.formula import RandomTerm, parse_formula


def test_model_of_the_paper_is_taken_apart() -> None:
    parsed = parse_formula("log_emg ~ emotion*drug*time + (emotion*time|subject) + (1|face)")
    assert parsed.response == "log_emg"
    assert parsed.fixed == "emotion*drug*time"
    assert parsed.random == (
        RandomTerm("emotion*time", ("subject",), True),
        RandomTerm("1", ("face",), True),
    )


@pytest.mark.parametrize(
    ("formula", "fixed", "random"),
    [
        ("y ~ (1|g)", "1", ["(1 | g)"]),
        ("y ~ 1 + x + (x||g)", "1 + x", ["(x || g)"]),
        ("y ~ 0 + x + (0 + x|g)", "0 + x", ["(0 + x | g)"]),
        ("y ~ x - 1 + (1 | a:b)", "x - 1", ["(1 | a:b)"]),
        ("y ~ (1|a/b/c) + x", "x", ["(1 | a)", "(1 | a:b)", "(1 | a:b:c)"]),
        ("y ~ x + diag(x*f | g) + (f || g:h)", "x", ["diag(x*f | g)", "(f || g:h)"]),
        ("y ~ x + ((1 | g) + (0 + x | g))", "x", ["(1 | g)", "(0 + x | g)"]),
        ("log(y) ~ (a + b)**2 + (I(x - 3)|g)", "(a + b)**2", ["(I(x - 3) | g)"]),
        ("y ~ `a|b` + (1|`my group`)", "`a|b`", ["(1 | my group)"]),
    ],
)
def test_notation(formula: str, fixed: str, random: list[str]) -> None:
    parsed = parse_formula(formula)
    assert parsed.fixed == fixed
    assert [str(term) for term in parsed.random] == random


def test_offsets_are_not_fixed_effects() -> None:
    parsed = parse_formula("y ~ offset(2 * x) + z + (1|g) + offset(log(w))")
    assert parsed.fixed == "z"
    assert parsed.offsets == ("2 * x", "log(w)")


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("y + x", "one ~"),
        ("~ x + (1|g)", "one response"),
        ("y ~ x ~ z + (1|g)", "one ~"),
        ("y ~ x", "no random effects"),
        ("y ~ x + 1|g", "own brackets"),
        ("y ~ x - (1|g)", "subtracted"),
        ("y ~ x + (|g)", "cannot read"),
        ("y ~ x + (1|)", "cannot read"),
        ("y ~ x + (1|g|h)", "cannot read"),
        ("y ~ x + (1|g + h)", "column names"),
        ("y ~ x - offset(z) + (1|g)", "offset cannot be subtracted"),
        ("y ~ x + diag(x||g)", "single bar"),
        ("y ~ x + exp(1|g)", "own brackets"),
        ("y ~ x + (1|g", "not closed"),
        ("y ~ x) + (1|g)", "closing bracket"),
    ],
)
def test_unreadable_formula_is_explained(formula: str, message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("|", r"\|")):
        parse_formula(formula)
