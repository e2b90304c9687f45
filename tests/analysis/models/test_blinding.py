"""Guesses and indices of blinding: a known example, printed formulae, and belief told from knowledge."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.models.blinding import (
    bang_index,
    guess_counts,
    guesses_against_chance,
    guesses_by_group,
    james_index,
)


def counts(rows: list[list[int]], names: str = "abc", *, unsure: bool = False) -> pd.DataFrame:
    index = list(names[: len(rows)])
    return pd.DataFrame(rows, index=index, columns=[*index, *(["dont_know"] if unsure else [])])


CRISP = counts([[82, 25, 170], [27, 29, 83]], unsure=True)
"""The counts of the example of Bang et al. (2004): lovastatin and placebo."""


def test_bang_of_the_crisp_trial() -> None:
    table = bang_index(CRISP)
    assert table["bang"].round(2).tolist() == [0.21, 0.01]
    assert table["lower"].round(2).tolist() == [0.14, -0.09]
    assert table["upper"].round(2).tolist() == [0.27, 0.12]
    assert table["bang"].iloc[0] == pytest.approx(82 / 277 - 25 / 277)


def test_james_of_the_crisp_trial() -> None:
    row = james_index(CRISP).iloc[0]
    assert (round(row["james"], 2), round(row["lower"], 2), round(row["upper"], 2)) == (0.75, 0.71, 0.79)


def james_as_printed(table: pd.DataFrame) -> tuple[float, float]:
    """James et al. (1996), their index and its variance, with one weight for all wrong guesses."""
    p = table.to_numpy().T / table.to_numpy().sum()
    k = p.shape[1]
    unsure, rows, guessing = p[k].sum(), p[:k].sum(axis=1), p[:k].sum(axis=0)
    weights = 1 - np.eye(k)
    observed = (weights * p[:k]).sum() / (1 - unsure)
    expected = (weights * np.outer(rows, guessing)).sum() / (1 - unsure) ** 2
    kappa = observed / expected - 1
    inner = (1 - unsure) * weights - (1 + kappa) * (
        (weights.T @ rows)[None, :] + (weights @ guessing)[:, None]
    )
    denominator = 4 * (weights * np.outer(rows, guessing)).sum() ** 2
    variance = (p[:k] * (1 - unsure) ** 2 * inner**2).sum() / denominator + unsure * (1 - unsure)
    variance -= (1 - unsure) * (1 + kappa) * (unsure + (1 - unsure) * (1 + kappa) / 4)
    return (1 + unsure + (1 - unsure) * kappa) / 2, float(np.sqrt(variance / table.to_numpy().sum()))


@pytest.mark.parametrize(
    "table",
    [CRISP, counts([[7, 11, 24, 3], [13, 13, 18, 1], [11, 11, 22, 6]], unsure=True)],
    ids=["two groups", "three groups"],
)
def test_the_error_of_james_index_is_that_of_the_printed_formula(table: pd.DataFrame) -> None:
    row = james_index(table).iloc[0]
    np.testing.assert_allclose([row["james"], row["se"]], james_as_printed(table), rtol=1e-12)


def test_the_indices_have_the_values_that_their_definitions_give() -> None:
    assert james_index(counts([[10, 0], [0, 10]])).loc[0, "james"] == 0
    assert james_index(counts([[0, 10], [10, 0]])).loc[0, "james"] == 1
    assert james_index(counts([[5, 5], [5, 5]])).loc[0, "james"] == 0.5
    assert james_index(counts([[0, 0, 9], [0, 0, 9]], unsure=True)).loc[0, "james"] == 1
    assert bang_index(counts([[9, 0, 0], [3, 3, 3], [5, 5, 0]]))["bang"].tolist() == [1.0, 0.0, -0.5]


def test_an_interval_of_bang_covers_in_a_simulation() -> None:
    rng = np.random.default_rng(4)
    inside = 0
    for _ in range(400):
        table = counts([rng.multinomial(60, [0.5, 0.2, 0.3]), *([[20, 20, 20]] * 2)])
        row = bang_index(table).loc["a"]
        inside += row["lower"] < 0.25 < row["upper"]
    assert 0.92 < inside / 400 < 0.98


def test_belief_in_the_placebo_is_not_knowledge() -> None:
    """All groups answer alike; the placebo group is right more often than chance, and is blind."""
    table = counts([[10, 10, 40], [10, 10, 40], [10, 10, 40]])
    against = guesses_against_chance(table)
    assert against.loc["c", "p_chance"] < 0.001 and against.loc["a", "p_chance"] < 0.01
    assert against["p_others"].tolist() == [1.0, 1.0, 1.0]
    assert guesses_by_group(table).loc[0, "p"] == 1.0
    assert bang_index(table)["bang"].tolist() == [-0.25, -0.25, 0.5]


def test_the_paper_s_groups_against_chance() -> None:
    """R, binom.test: 7 of 42, 13 of 44 and 22 of 44 right guesses, chance one third."""
    table = counts([[7, 11, 24], [13, 13, 18], [11, 11, 22]])
    against = guesses_against_chance(table)
    assert against["n_correct"].tolist() == [7, 13, 22]
    np.testing.assert_allclose(
        against["p_chance"], [0.021539737716, 0.635725682787, 0.0243868079839], rtol=1e-9
    )


def test_counting_keeps_answers_that_nobody_gave_and_leaves_the_missing_out() -> None:
    groups = pd.Series(["a", "a", "b", "b", None])
    table = guess_counts(groups, pd.Series(["a", "a", "a", None, "b"]))
    assert table.to_dict() == {"a": {"a": 2, "b": 1}, "b": {"a": 0, "b": 0}}
    assert np.isnan(guesses_by_group(table).loc[0, "p"])
    assert guesses_against_chance(table)["n"].tolist() == [2, 1]


def test_a_group_without_guesses_has_no_result() -> None:
    table = counts([[3, 1, 0], [0, 0, 5]], unsure=True)
    row = guesses_against_chance(table).loc["b"]
    assert row["n"] == 0 and np.isnan(row["p_chance"]) and np.isnan(row["p_others"])
    assert bang_index(table).loc["b", "bang"] == 0


def test_wrong_input_is_explained() -> None:
    with pytest.raises(ValueError, match="whole numbers, not percentages"):
        guesses_against_chance(pd.DataFrame({"a": [16.7, 83.3], "b": [50.0, 50.0]}, index=["a", "b"]))
    with pytest.raises(ValueError, match="named like the groups"):
        bang_index(pd.DataFrame({"right": [7, 13], "wrong": [35, 31]}, index=["a", "b"]))
    with pytest.raises(ValueError, match="two groups"):
        james_index(counts([[3]]))
    with pytest.raises(ValueError, match="found sugar"):
        guess_counts(pd.Series(["a", "b"]), pd.Series(["a", "sugar"]))
