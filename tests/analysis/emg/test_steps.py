"""Epochs, outliers, windows and trials, at their edges."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.emg.epochs import _between, cut_epochs, percent_of_baseline
from analysis.emg.exclusions import compare_exclusions, count_exclusions
from analysis.emg.outliers import is_outlier, outlier_limits
from analysis.emg.trials import stimulus_trials
from analysis.emg.windows import log_proportion, window_means


def test_epochs_hold_the_samples_around_each_onset():
    epochs = cut_epochs(np.arange(10000.0), np.array([600, 5000]), fs_hz=1200, start_s=-0.5, stop_s=5)
    assert epochs.values.shape == (2, 6600)
    assert epochs.values[0, [0, 600, -1]].tolist() == [0, 600, 6599]
    assert epochs.times_s[600] == 0 and epochs.complete.tolist() == [True, False]
    assert np.isnan(epochs.values[1]).all()


def test_an_epoch_that_ends_with_the_recording_is_complete():
    samples = np.zeros(110)
    whole = cut_epochs(samples, np.array([10, 9, 11]), fs_hz=20, start_s=-0.5, stop_s=5)
    assert whole.complete.tolist() == [True, False, False]


def test_no_events_make_no_epochs():
    assert cut_epochs(
        np.zeros(100), np.array([], dtype=int), fs_hz=10, start_s=-1, stop_s=1
    ).values.shape == (0, 20)


def test_an_epoch_without_length_is_refused():
    with pytest.raises(ValueError, match="holds no sample"):
        cut_epochs(np.zeros(100), np.array([50]), fs_hz=10, start_s=0.5, stop_s=0.5)


@pytest.mark.parametrize("fs_hz", [100.0, 1000.0, 1200.0, 2048.0, 999.7])
def test_five_windows_share_the_epoch_without_overlap_at_any_rate(fs_hz):
    onset = np.array([round(fs_hz)])
    times_s = cut_epochs(np.ones(round(8 * fs_hz)), onset, fs_hz=fs_hz, start_s=-0.5, stop_s=5).times_s
    windows = np.array([_between(times_s, start, start + 1) for start in range(5)])
    assert (windows.sum(axis=0)[times_s >= 0] == 1).all() and not windows[:, times_s < 0].any()
    assert np.ptp(windows.sum(axis=1)) <= 1


def test_windows_of_one_sample_are_the_samples():
    values = np.array([[4.0, 1.0, 2.0, 3.0]])
    means = window_means(values, np.array([-1.0, 0.0, 1.0, 2.0]), window_s=1.0, n_windows=3)
    assert means.tolist() == [[1, 2, 3]]


def test_a_window_after_the_epoch_is_refused():
    with pytest.raises(ValueError, match="no sample between 2 and 3 s"):
        window_means(np.ones((1, 20)), np.arange(20) / 10, window_s=1.0, n_windows=3)


def test_percent_of_baseline_is_100_on_average_before_onset():
    values = np.random.default_rng(1).uniform(1, 3, (7, 110))
    times_s = np.arange(-10, 100) / 20
    percent = percent_of_baseline(values, times_s, baseline_s=0.5)
    assert percent[:, :10].mean(axis=1) == pytest.approx(100)
    assert np.isnan(percent_of_baseline(-values, times_s, baseline_s=0.5)).all()


def test_log_of_the_proportion_is_natural_and_zero_at_baseline():
    assert log_proportion(np.array([100.0, 100 * np.e, 50.0])) == pytest.approx([0, 1, -np.log(2)])
    assert np.isnan(log_proportion(np.array([0.0, -3.0, np.nan]))).all()


def test_the_outlier_rule_equals_a_plain_loop():
    values = np.random.default_rng(2).lognormal(size=96)
    mean = sum(values) / 96
    sd = (sum((value - mean) ** 2 for value in values) / 95) ** 0.5
    expected = [value < mean - 2 * sd or value > mean + 2 * sd for value in values]
    assert is_outlier(values, outlier_limits(values, n_sd=2)).tolist() == expected
    assert any(expected)


def test_missing_values_neither_count_nor_stand_out():
    with_missing = np.array([1.0, 2.0, np.nan, 3.0])
    assert outlier_limits(with_missing, n_sd=2) == outlier_limits(np.array([1.0, 2.0, 3.0]), n_sd=2)
    assert not is_outlier(with_missing, outlier_limits(with_missing, n_sd=0.1))[2]


@pytest.mark.parametrize("values", [[], [5.0], [np.nan, 4.0]])
def test_nothing_is_an_outlier_among_fewer_than_two(values):
    values = np.array(values)
    assert not is_outlier(values, outlier_limits(values, n_sd=2)).any()


def test_trials_are_the_videos_and_never_the_practice():
    events = pd.DataFrame(
        {
            "onset": [1.0, 2.0, 9.0, 12.0],
            "trial_type": ["practice_video", "fixation", "video", "video"],
            "trial": [1, 1, 1, 2],
            "direction": [None, None, "AngryToHappy", "HappyToAngry"],
            "face": [None, None, "id01", None],
            "sample": [1200, 2400, 10801, np.nan],
        }
    )
    trials = stimulus_trials(events, fs_hz=1200)
    assert trials["emotion"].tolist() == ["AngryToHappy", "HappyToAngry"]
    assert trials["sample"].tolist() == [10801, 14400], (
        "the sample counts, the onset only where there is none"
    )
    assert trials["face"].tolist() == ["id01", None]


def test_events_of_other_names_are_trials_where_there_is_no_video():
    events = pd.DataFrame(
        {"onset": [0.0, 1.0, 2.0, 3.0], "trial_type": ["fixation", "happy", "BAD_missing", "angry"]}
    )
    assert stimulus_trials(events, fs_hz=10)[["trial", "emotion"]].values.tolist() == [
        [1, "happy"],
        [2, "angry"],
    ]


def test_events_without_a_face_are_refused():
    with pytest.raises(ValueError, match=r"show no face.*fixation"):
        stimulus_trials(pd.DataFrame({"onset": [1.0], "trial_type": ["fixation"]}), fs_hz=10)


def test_repeated_trial_numbers_are_refused():
    events = pd.DataFrame({"onset": [1.0, 2.0], "trial_type": "video", "trial": [3, 3]})
    with pytest.raises(ValueError, match=r"more than once.*\[3\]"):
        stimulus_trials(events, fs_hz=10)


def exclusion_table(rows: list[tuple[str, str | None, int, str]]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["participant", "group", "trial", "rule"])
    return table.assign(muscle="corrugator")


def test_counts_include_participants_without_a_kept_trial_and_without_a_group():
    windows = exclusion_table([("1", None, 1, ""), ("1", None, 1, ""), ("2", "A", 1, "")]).drop(
        columns="rule"
    )
    exclusions = exclusion_table([("3", "A", 1, "no_signal"), ("3", "A", 2, "mean"), ("3", "A", 2, "peak")])
    counts = count_exclusions(windows, exclusions).set_index("participant")
    assert counts["n_trials"].to_dict() == {"1": 1, "2": 1, "3": 2}
    assert counts["percent_excluded"].to_dict() == {"1": 0, "2": 0, "3": 100}
    assert counts.loc["3", ["n_no_signal", "n_mean", "n_peak"]].tolist() == [1, 1, 1]


def test_nothing_excluded_is_counted_too():
    windows = exclusion_table([("1", "A", 1, "")]).drop(columns="rule")
    counts = count_exclusions(windows, exclusion_table([]))
    assert counts[["n_trials", "n_excluded"]].values.tolist() == [[1, 0]]


def test_three_groups_of_130_have_2_and_127_degrees_of_freedom():
    rng = np.random.default_rng(3)
    counts = pd.DataFrame(
        {
            "participant": [str(n) for n in range(130)],
            "group": ["1"] * 42 + ["2"] * 44 + ["3"] * 44,
            "muscle": "corrugator",
            "n_excluded": rng.poisson(19, 130),
        }
    )
    test = compare_exclusions(counts).set_index("muscle").loc["corrugator"]
    assert (test["num_df"], test["den_df"]) == (2, 127)
    means = counts.groupby("group")["n_excluded"].agg(["mean", "var", "size"])
    between = (means["size"] * (means["mean"] - counts["n_excluded"].mean()) ** 2).sum() / 2
    within = ((means["size"] - 1) * means["var"]).sum() / 127
    assert test["F"] == pytest.approx(between / within)


@pytest.mark.parametrize("groups", [["A", "A", "A"], [None, None, None], ["A", "B", "C"]])
def test_one_group_or_groups_of_one_are_not_tested(groups):
    counts = pd.DataFrame(
        {"participant": list("123"), "group": groups, "muscle": "m", "n_excluded": [1, 2, 3]}
    )
    assert compare_exclusions(counts)["p"].isna().all()
