"""Group comparisons agree with R, and the paper's two slips cannot be made."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.models.classical import contingency, goodness_of_fit, one_way_anova, welch_anova


@pytest.fixture(scope="module")
def expected(shared: Path) -> dict:
    return json.loads((shared / "reference" / "classical_tests_R.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def participants(shared: Path) -> pd.DataFrame:
    return pd.read_csv(shared / "reference" / "classical_tests_data.csv")


@pytest.mark.parametrize("value", ["age", "bmi"])
def test_anova_is_that_of_r(value: str, expected: dict, participants: pd.DataFrame) -> None:
    row = one_way_anova(participants, value=value, group="g").loc[value]
    np.testing.assert_allclose(row[["F", "num_df", "den_df", "p"]].astype(float), expected[f"anova_{value}"])
    assert row["n"] == 130


def test_welch_is_that_of_r(expected: dict, participants: pd.DataFrame) -> None:
    row = welch_anova(participants, value="age", group="g").loc["age"]
    np.testing.assert_allclose(row[["F", "den_df", "p"]].astype(float), expected["welch_age"])


def test_numeric_group_codes_are_categories(expected: dict, participants: pd.DataFrame) -> None:
    coded = participants.assign(g=participants["g"].map({"amisulpride": 1, "naltrexone": 2, "placebo": 3}))
    row = one_way_anova(coded, value="age", group="g").loc["age"]
    assert row["num_df"] == 2
    assert row["F"] == pytest.approx(expected["anova_age"][0])


@pytest.mark.parametrize(("name", "counts"), [("N", [42, 44, 44]), ("F", [28, 30, 29]), ("M", [14, 14, 15])])
def test_goodness_of_fit_is_that_of_r_on_table_1(name: str, counts: list[int], expected: dict) -> None:
    row = goodness_of_fit(pd.Series(counts)).iloc[0]
    np.testing.assert_allclose(row[["chi2", "df", "p"]].astype(float), expected[f"chisq_{name}"])


def test_expected_shares_are_matched_by_name() -> None:
    counts = {"right": 10, "wrong": 50}
    by_chance = goodness_of_fit(counts, expected={"wrong": 2, "right": 1}).iloc[0]
    assert by_chance["chi2"] == pytest.approx((10 - 20) ** 2 / 20 + (50 - 40) ** 2 / 40)


def test_guesses_are_tested_on_counts() -> None:
    guesses = pd.DataFrame({"right": [7, 13, 22], "wrong": [35, 31, 22]})
    row = contingency(guesses).iloc[0]
    assert (round(row["chi2"], 2), row["df"], round(row["p"], 4)) == (11.15, 2, 0.0038)


def test_percentages_are_refused() -> None:
    with pytest.raises(ValueError, match="not percentages"):
        goodness_of_fit({"amisulpride": 16.7, "naltrexone": 29.6, "placebo": 50.0})
    with pytest.raises(ValueError, match="not percentages"):
        contingency(pd.DataFrame({"right": [0.2, 0.3], "wrong": [0.8, 0.7]}))


def test_continuity_correction_is_a_choice() -> None:
    table = pd.DataFrame({"a": [10, 20], "b": [15, 5]})
    plain, corrected = contingency(table).iloc[0], contingency(table, continuity=True).iloc[0]
    assert plain["chi2"] == pytest.approx(50 * (10 * 5 - 15 * 20) ** 2 / (25 * 25 * 30 * 20))
    assert corrected["chi2"] < plain["chi2"]


def test_missing_values_are_left_out_and_the_rest_counted() -> None:
    data = pd.DataFrame({"v": [1.0, 2.0, np.nan, 3.0, 5.0], "g": ["a", "a", "a", "b", "b"]})
    assert one_way_anova(data, value="v", group="g").loc["v", "n"] == 4


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (pd.DataFrame({"x": [1.0], "g": ["a"]}), "no column 'v'"),
        (pd.DataFrame({"v": ["1", "2"], "g": ["a", "b"]}), "numeric"),
        (pd.DataFrame({"v": [1.0, 2.0], "g": ["a", "a"]}), "two groups"),
        (pd.DataFrame({"v": [1.0, 2.0, 3.0], "g": ["a", "a", "b"]}), "one member"),
        (pd.DataFrame({"v": [1.0, 1.0, 3.0, 3.0], "g": ["a", "a", "b", "b"]}), "does not vary"),
    ],
)
def test_unusable_groups_are_explained(data: pd.DataFrame, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        one_way_anova(data, value="v", group="g")


def test_welch_needs_a_variance_in_each_group() -> None:
    data = pd.DataFrame({"v": [1.0, 1.0, 3.0, 4.0], "g": ["a", "a", "b", "b"]})
    with pytest.raises(ValueError, match="constant within a group"):
        welch_anova(data, value="v", group="g")


@pytest.mark.parametrize("counts", [{"a": 3}, {"a": -1, "b": 2}, {"a": 0, "b": 0}, {"a": np.nan, "b": 2}])
def test_unusable_counts_are_explained(counts: dict) -> None:
    with pytest.raises(ValueError, match="count"):
        goodness_of_fit(counts)


def test_unusable_tables_are_explained() -> None:
    with pytest.raises(ValueError, match="two rows and two columns"):
        contingency(pd.DataFrame({"a": [1, 2]}))
    with pytest.raises(ValueError, match="no counts"):
        contingency(pd.DataFrame({"a": [1, 0], "b": [2, 0]}))
    with pytest.raises(ValueError, match="expected shares of"):
        goodness_of_fit({"a": 1, "b": 2}, expected={"a": 1, "c": 2})
    with pytest.raises(ValueError, match="positive"):
        goodness_of_fit({"a": 1, "b": 2}, expected={"a": 1, "b": 0})
    with pytest.raises(ValueError, match="whole numbers"):
        contingency(pd.DataFrame({"a": ["x", "y"], "b": ["z", "w"]}))
