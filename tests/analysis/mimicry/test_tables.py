"""Means, counts and tables of a mimicry study on data whose answers are known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.mimicry import tables
from analysis.mimicry.model_tables import term_name
from analysis.mimicry.parameters import describe, paper, recommended, unused_parameters
from analysis.mimicry.sample import describe_sample, sample_table
from analysis.mimicry.sentences import group_summary
from analysis.mimicry.summaries import exclusions_by_group, group_means, participant_means, worst_trials
from analysis.report.parameters_table import parameters_table
from analysis.report.table import formatted_rows


def windows() -> pd.DataFrame:
    """Two participants of one group, one of another; unequal numbers of trials."""
    rows = [
        ("1", "A", 1, 0.1),
        ("1", "A", 2, 0.3),
        ("2", "A", 1, 0.4),
        ("3", "B", 1, -0.5),
    ]
    table = pd.DataFrame(rows, columns=["participant", "group", "trial", "emg"])
    return table.assign(muscle="corrugator", emotion="AngryToHappy", window=1, face="id01")


def test_sem_is_across_participants_not_trials() -> None:
    means = group_means(participant_means(windows())).set_index("group")
    assert means.loc["A", "n"] == 2
    assert means.loc["A", "mean"] == pytest.approx(0.3)  # of 0.2 and 0.4; the mean of the trials is 0.267
    assert means.loc["A", "sem"] == pytest.approx(np.std([0.2, 0.4], ddof=1) / np.sqrt(2))
    assert np.isnan(means.loc["B", "sem"])


def test_participants_without_a_group_are_kept() -> None:
    means = group_means(participant_means(windows().assign(group=None)))
    assert means["group"].tolist() == [""]
    assert means["n"].tolist() == [3]
    assert "group" not in tables.means_table(means).columns


def test_exclusions_by_group_add_up() -> None:
    counts = pd.DataFrame(
        {
            "participant": ["1", "2", "3"],
            "group": ["A", "A", None],
            "muscle": "corrugator",
            "n_trials": [96, 96, 48],
            "n_excluded": [10, 20, 48],
        }
    )
    summed = exclusions_by_group(counts).set_index("group")
    assert summed.loc["A", ["n_participants", "n_trials", "n_excluded", "mean"]].tolist() == [2, 192, 30, 15]
    assert summed.loc["", "percent_excluded"] == 100


def test_worst_trials_are_ranked_on_the_scale_of_their_limits() -> None:
    broken = pd.DataFrame(
        {
            "participant": "1",
            "muscle": "corrugator",
            "trial": [1, 1, 2, 3],
            "rule": ["peak", "mean", "mean", "no_signal"],
            "value": [1000.0, 150.0, 10.0, np.nan],
            "lower": [50.0, 80.0, 80.0, np.nan],
            "upper": [200.0, 125.0, 125.0, np.nan],
            "unit": "%",
        }
    )
    plain = worst_trials(broken, n=5, scale="percent")
    logarithmic = worst_trials(broken, n=5, scale="log")
    assert plain["trial"].tolist() == [1, 2]  # once per trial, with the rule it broke by most
    assert plain["rule"].tolist() == ["peak", "mean"]
    assert logarithmic["trial"].tolist() == [
        2,
        1,
    ]  # a tenth is further from 100 % than tenfold is from 1 to 2
    assert worst_trials(broken, n=1, scale="log")["trial"].tolist() == [2]
    assert tables.worst_trials_table(plain).data["unit"].tolist() == ["%", "%"]


def test_the_sample_is_tested_as_in_table_1_of_the_paper() -> None:
    """42, 44 and 44 participants give chi2(2) = 0.06; 28, 30, 29 women 0.07; 14, 14, 15 men 0.05."""
    rng = np.random.default_rng(1)
    groups = np.repeat(["amisulpride", "naltrexone", "placebo"], [42, 44, 44])
    sexes = np.concatenate([np.repeat(["F", "M"], sizes) for sizes in ((28, 14), (30, 14), (29, 15))])
    people = pd.DataFrame(
        {"participant": range(130), "group": groups, "sex": sexes, "age": rng.normal(23, 4, 130)}
    )
    described = describe_sample(people, measured=[], as_paper=True).set_index("characteristic")
    assert described.loc["N", "test"] == "χ²(2) = 0.06"
    assert described.loc["Female", "test"] == "χ²(2) = 0.07"
    assert described.loc["Male", "test"] == "χ²(2) = 0.05"
    assert described.loc["Age", "test"].startswith("F(2, 127) = ")  # the paper prints F(1, 127)
    assert described.loc["Female", "placebo"] == "29"


def test_a_sample_without_groups_has_no_tests() -> None:
    people = pd.DataFrame({"participant": ["1", "2"], "group": [None, None], "age": [20.0, np.nan]})
    table = sample_table(describe_sample(people, measured=["1"]))
    assert list(table.columns) == ["characteristic", "all"]
    assert formatted_rows(table) == [["N", "2"], ["N with usable EMG", "1"], ["Age", "20.0"]]


def test_a_sample_of_one_group_has_no_tests_either() -> None:
    people = pd.DataFrame({"participant": ["1", "2"], "group": ["A", "A"], "age": [20.0, 22.0]})
    table = sample_table(describe_sample(people, measured=["1"]))
    assert list(table.columns) == ["characteristic", "A", "all"]
    assert "χ²" not in table.caption


def test_a_number_that_is_the_same_for_all_is_not_tested() -> None:
    people = pd.DataFrame({"participant": list("1234"), "group": list("AABB"), "age": 20, "sex": "F"})
    described = describe_sample(people, measured=list("1234")).set_index("characteristic")
    assert described.loc["Age", "A"] == "20.0 (0.0)"
    assert pd.isna(described.loc["Age", "test"])


def test_doubtful_tests_of_counts_are_named() -> None:
    sexes = ["F"] * 9 + ["M"] + ["F"] * 9 + ["M"]
    people = pd.DataFrame({"participant": range(20), "group": ["A"] * 10 + ["B"] * 10, "sex": sexes})
    table = sample_table(describe_sample(people, measured=range(20)))
    assert table.note == "χ² is doubtful where fewer than 5 are expected in a cell: Female."
    assert sample_table(describe_sample(people[people["sex"] == "F"], measured=range(20))).note == ""


def test_the_parameters_table_marks_what_differs_from_the_other_preset() -> None:
    table = parameters_table(describe(paper()), preset="paper").data.set_index("name")
    differing = table.index[table["differs"] == "yes"].tolist()
    assert differing == [
        name for name in table.index if getattr(paper(), name) != getattr(recommended(), name)
    ]
    assert table.loc["bandpass_hz", ["value", "unit"]].tolist() == ["20 to 400", "Hz"]
    assert table["source"].str.len().min() > 0


@pytest.mark.parametrize(
    ("kinds", "fs_hz", "unused"),
    [
        (["rectified", "rectified"], 100.0, ["bandpass_hz", "mains_hz", "notch_width_hz", "notch_harmonics"]),
        (["raw", "rectified"], 1000.0, []),
        (["raw", "raw"], 1000.0, []),
        ([], 1000.0, []),
    ],
)
def test_filters_that_rectified_signals_do_not_need_are_marked(
    kinds: list[str], fs_hz: float, unused: list[str]
) -> None:
    reasons = unused_parameters(recommended(), pd.DataFrame({"signal": kinds, "fs_hz": fs_hz}))
    assert list(reasons) == unused
    table = parameters_table(describe(recommended()), preset="recommended", unused=reasons)
    values = table.data.set_index("name")[["value", "unit", "differs"]]
    for name in unused:
        expected = ["not used: the signals were rectified by the recorder", "", ""]
        assert values.loc[name].tolist() == expected
    assert values["value"].str.startswith("not used").sum() == len(unused)
    assert values.loc["smoothing_hz"].tolist() == ["40", "Hz", ""]


def test_signals_too_slow_to_be_smoothed_use_no_filter() -> None:
    slow = pd.DataFrame({"signal": ["rectified"], "fs_hz": [80.0]})
    reasons = unused_parameters(recommended(), slow)
    assert reasons["filter_order"] == "the sampling rate is too low for it"
    assert "smoothing_hz" not in unused_parameters(recommended(), slow.assign(fs_hz=81.0))


def test_a_table_without_any_result_is_known() -> None:
    noise = pd.DataFrame(
        {
            "participant": ["1", "2"],
            "muscle": "corrugator",
            "fs_hz": 100.0,
            "signal": "rectified",
            "rms_uv": np.nan,
            "mains_percent": np.nan,
        }
    )
    assert not tables.has_results(tables.noise_table(noise), besides=["fs_hz"])
    one = noise.assign(rms_uv=[np.nan, 3.0])
    assert tables.has_results(tables.noise_table(one), besides=["fs_hz"])
    assert tables.has_results(tables.versions_table(pd.DataFrame({"component": ["a"], "version": ["1"]})))


def test_columns_of_emotions_are_called_what_they_are() -> None:
    assert tables.emotion_column(["AngryToHappy", "HappyToAngry"]).heading == "Direction"
    assert tables.emotion_column(iter(["angry", "happy"])).heading == "Emotion"
    assert tables.emotion_column(iter(["angry", "happy"])).levels == {"angry": "Angry", "happy": "Happy"}
    assert tables.emotion_column(["AngryToHappy", "neutral"]).heading == "Emotion"


def test_every_column_of_every_table_is_described() -> None:
    table = tables.means_table(group_means(participant_means(windows())))
    assert all(column.description.endswith(".") for column in table.columns.values())


def test_a_group_effect_without_a_test_is_not_called_unclear() -> None:
    tests = pd.DataFrame({"p": [0.01, np.nan]}, index=["emotion", "group"])
    assert group_summary(tests) == "No effect of the group could be tested."
    assert group_summary(tests.fillna(0.3)) == "No clear effect of the group (all p ≥ 0.300)."


def test_terms_are_written_for_people() -> None:
    assert term_name("emotion:time") == "emotion × time"
