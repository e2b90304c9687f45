"""Two one-sided tests: as R's t tests at the bounds; the four conclusions; the boundary."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.models.equivalence import VERDICTS, equivalence_tests

SLEEP = pd.DataFrame({"estimate": [1.58], "se": [0.3889587239], "df": [9.0]})


def test_the_two_tests_are_those_of_r_at_the_bounds() -> None:
    """R: t.test(d, mu = -0.5, "greater"), t.test(d, mu = 3, "less"), conf.level = 0.9; d of `sleep`."""
    row = equivalence_tests(SLEEP, lower=-0.5, upper=3.0).iloc[0]
    expected = {
        "t_lower": 5.3476111275,
        "p_lower": 0.0002319027,
        "t_upper": -3.6507729813,
        "p_upper": 0.0026555703,
        "p_difference": 0.0028328902,
        "lower": 0.8669947330,
        "upper": 2.2930052670,
    }
    for name, value in expected.items():
        assert row[name] == pytest.approx(value, abs=1e-7), name
    assert row["p_equivalence"] == row["p_upper"]


@pytest.mark.parametrize(
    ("estimate", "se", "verdict"),
    [(0.0, 0.1, "equivalent"), (0.5, 0.1, "both"), (1.2, 0.3, "different"), (0.3, 1.0, "inconclusive")],
)
def test_there_are_four_conclusions(estimate: float, se: float, verdict: str) -> None:
    table = pd.DataFrame({"slope": [estimate, -estimate], "se": se, "df": np.inf})
    result = equivalence_tests(table, lower=-1, upper=1, estimate="slope")
    assert result["verdict"].tolist() == [verdict, verdict]
    assert verdict in VERDICTS


def test_the_interval_lies_between_the_bounds_exactly_if_equivalence_is_found() -> None:
    rng = np.random.default_rng(1)
    tests = pd.DataFrame(
        {"estimate": rng.normal(0, 1, 500), "se": rng.uniform(0.1, 1, 500), "df": rng.uniform(2, 90, 500)}
    )
    table = equivalence_tests(tests, lower=-1.0, upper=0.8)
    inside = (table["lower"] > -1.0) & (table["upper"] < 0.8)
    assert (inside == (table["p_equivalence"] < 0.05)).all()
    assert 0 < inside.sum() < 500


def test_bounds_may_differ_by_row_and_the_index_stays() -> None:
    tests = pd.DataFrame({"estimate": [0.1, 0.1], "se": [0.06, 0.04], "df": 50.0}, index=["a", "b"])
    table = equivalence_tests(tests, lower=[-0.1, -1], upper=[0.11, 1])
    assert table["verdict"].to_dict() == {"a": "inconclusive", "b": "both"}


def test_what_has_no_estimate_has_no_verdict() -> None:
    tests = pd.DataFrame({"estimate": [np.nan, 0.0], "se": [np.nan, 0.1], "df": [np.nan, 10.0]})
    assert equivalence_tests(tests, lower=-1, upper=1)["verdict"].tolist() == ["", "equivalent"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lower": 0.1}, "zero should lie between"),
        ({"upper": -1.0}, "zero should lie between"),
        ({"alpha": 0.7}, "alpha"),
        ({"estimate": "slope"}, "lack the column slope"),
    ],
)
def test_wrong_input_is_explained(changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        equivalence_tests(SLEEP, **{"lower": -1.0, "upper": 1.0, **changes})
