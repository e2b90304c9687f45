"""Response times: what counts, what is an outlier, and z-scores as R makes them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.behaviour.response_times import (
    count_response_exclusions,
    scale_within,
    select_response_times,
)


def behaviour(times: dict[str, list[float]]) -> pd.DataFrame:
    parts = [
        pd.DataFrame(
            {"participant": who, "group": "A", "trial": range(1, len(values) + 1), "response_time": values}
        )
        for who, values in times.items()
    ]
    table = pd.concat(parts, ignore_index=True)
    return table.assign(
        direction="HappyToAngry", outcome="correct", block=1, face="id01", video="id01_HappyToAngry"
    )


def test_z_scores_are_those_of_scale_within():
    """R: scale(c(2.1, 2.5, 3.2)) gives -0.8980265 -0.1796053 1.0776318."""
    z = scale_within(pd.Series([2.1, 10.0, 2.5, 20.0, 3.2]), within=pd.Series(["a", "b", "a", "b", "a"]))
    assert z.to_numpy() == pytest.approx([-0.8980265, -0.7071068, -0.1796053, 0.7071068, 1.0776318], abs=1e-7)


def test_outliers_are_judged_within_each_participant():
    usual = list(np.linspace(2, 3, 20))
    times = select_response_times(
        behaviour({"quick": [*usual, 4.5], "slow": [value + 2 for value in usual]}),
        n_sd=2,
        outcomes=["correct"],
    )
    assert times.exclusions[["participant", "trial", "rule"]].values.tolist() == [["quick", 21, "outlier"]]
    row = times.exclusions.iloc[0]
    assert row["lower"] < 2 and row["value"] == 4.5 > row["upper"]


def test_z_is_made_before_outliers_go():
    values = [*np.linspace(2, 3, 20), 4.5]
    times = select_response_times(behaviour({"1": values}), n_sd=2, outcomes=["correct"])
    expected = (values[0] - np.mean(values)) / np.std(values, ddof=1)
    assert times.kept["response_z"].iloc[0] == pytest.approx(expected)


def test_other_outcomes_and_practice_do_not_count():
    table = behaviour({"1": [2.0, 2.1, 2.2, 2.3, np.nan]})
    table["outcome"] = ["correct", "repeated_press", "wrong_key", "correct", "no_press"]
    table.loc[3, "block"] = 0
    times = select_response_times(table, n_sd=2, outcomes=["correct", "repeated_press"])
    assert times.kept["trial"].tolist() == [1, 2]
    assert times.exclusions["rule"].tolist() == ["wrong_key", "no_press"]
    counts = count_response_exclusions(times)
    assert counts[["n_trials", "n_outcome", "n_excluded", "percent_excluded"]].values.tolist() == [
        [4, 2, 0, 0.0]
    ]


def test_one_trial_or_equal_trials_have_no_outliers():
    times = select_response_times(behaviour({"1": [2.0], "2": [3.0, 3.0, 3.0]}), n_sd=2, outcomes=["correct"])
    assert len(times.kept) == 4 and times.exclusions.empty
    assert times.kept["response_z"].isna().all()


def test_nobody_pressed():
    table = behaviour({"1": [np.nan, np.nan]}).assign(outcome="no_press")
    times = select_response_times(table, n_sd=2, outcomes=["correct"])
    assert times.kept.empty and len(times.exclusions) == 2
    counts = count_response_exclusions(times)
    assert counts["n_outcome"].tolist() == [2] and counts["percent_excluded"].isna().all()


def test_missing_columns_are_named():
    with pytest.raises(ValueError, match="lack group, outcome"):
        select_response_times(
            behaviour({"1": [2.0]}).drop(columns=["group", "outcome"]), n_sd=2, outcomes=["correct"]
        )
