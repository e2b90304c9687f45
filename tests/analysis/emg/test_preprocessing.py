"""The whole pre-processing finds what was put into a recording, and says why it leaves a trial out."""

from __future__ import annotations

import dataclasses
import time

import numpy as np
import pandas as pd
import pytest

from analysis.datasets import EMGRecording
from analysis.emg import count_exclusions, preprocess, process, trial_curves
from analysis.mimicry.parameters import paper, recommended

FS_HZ = 1200.0
SPACING_S = 7.0
PRESETS = [paper(), recommended()]


def recording(
    levels: np.ndarray, *, fs_hz: float = FS_HZ, seed: int = 1, kind: str = "raw", tail_s: float = 6.0
) -> EMGRecording:
    """Noise of 5 uV whose size in each trial is multiplied by `levels` (n_trials, 5) in the five seconds."""
    rng = np.random.default_rng(seed)
    onsets_s = 2 + SPACING_S * np.arange(len(levels))
    n_samples = round((onsets_s[-1] + tail_s) * fs_hz)
    size = np.ones(n_samples)
    for onset_s, row in zip(onsets_s, levels, strict=True):
        for window, level in enumerate(row):
            size[round((onset_s + window) * fs_hz) : round((onset_s + window + 1) * fs_hz)] = level
    noise = rng.normal(0, 5, n_samples) * size
    signal = noise if kind == "raw" else np.abs(noise)
    events = pd.DataFrame({"onset": onsets_s, "trial_type": "video", "trial": range(1, len(levels) + 1)})
    events["direction"] = np.where(events["trial"] % 2, "AngryToHappy", "HappyToAngry")
    events["face"] = "id01"
    return EMGRecording(
        participant="007",
        group="A",
        signals_uv=signal[np.newaxis],
        channel_names=("zygomaticus",),
        fs_hz=fs_hz,
        events=events,
        signal_kind={"zygomaticus": kind},
    )


def with_signal(made: EMGRecording, signal: np.ndarray) -> EMGRecording:
    return dataclasses.replace(made, signals_uv=signal[np.newaxis])


def excluded(exclusions: pd.DataFrame) -> dict[int, set[str]]:
    return exclusions.groupby("trial")["rule"].agg(set).to_dict()


@pytest.mark.parametrize("parameters", PRESETS)
def test_known_responses_are_found_in_the_windows(parameters):
    truth = np.array([1.0, 1.2, 1.5, 2.0, 0.7])
    windows, _ = preprocess(recording(np.tile(truth, (60, 1))), parameters)
    found = windows.groupby("window")["emg"].mean().to_numpy()
    assert found == pytest.approx(np.log(truth), abs=0.04)
    first = windows.iloc[0]
    assert first[["participant", "group", "emotion", "face", "trial", "muscle", "window"]].tolist() == [
        "007", "A", "AngryToHappy", "id01", 1, "zygomaticus", 1,
    ]  # fmt: skip


@pytest.mark.parametrize("parameters", PRESETS)
def test_drift_offset_and_hum_change_nothing(parameters):
    clean = recording(np.ones((12, 5)))
    times_s = np.arange(clean.signals_uv.shape[1]) / FS_HZ
    dirt = 3000 + 400 * np.sin(0.4 * times_s) + 30 * np.sin(2 * np.pi * 50 * times_s)
    dirty = with_signal(clean, clean.signals_uv[0] + dirt)
    expected, _ = preprocess(clean, parameters)
    found, _ = preprocess(dirty, parameters)
    pd.testing.assert_frame_equal(found, expected, rtol=0, atol=1e-2)


def test_harmonics_of_the_hum_are_taken_out_by_the_recommended_preset_only():
    clean = recording(np.tile([2.0] * 5, (20, 1)))
    times_s = np.arange(clean.signals_uv.shape[1]) / FS_HZ
    dirty = with_signal(clean, clean.signals_uv[0] + 20 * np.sin(2 * np.pi * 150 * times_s))
    means = [preprocess(dirty, parameters)[0]["emg"].mean() for parameters in PRESETS]
    assert means[0] < 0.3, "hum dilutes the doubling"
    assert means[1] == pytest.approx(np.log(2), abs=0.05)


@pytest.mark.parametrize("parameters", PRESETS)
@pytest.mark.parametrize(
    ("start_s", "length_s", "factor", "rule"),
    [
        (1.0, 3.0, 4, "mean"),
        (2.0, 0.1, 30, "peak"),
        (-0.45, 0.4, 5, "baseline_mean"),
        (-0.3, 0.05, 40, "baseline_peak"),
    ],
)
def test_each_rule_finds_its_artefact(parameters, start_s, length_s, factor, rule):
    made = recording(np.ones((20, 5)))
    signal = made.signals_uv[0].copy()
    start = round((2 + SPACING_S * 9 + start_s) * FS_HZ)
    signal[start : start + round(length_s * FS_HZ)] *= factor
    _, exclusions = preprocess(with_signal(made, signal), parameters)
    assert rule in excluded(exclusions)[10]
    row = exclusions[(exclusions["trial"] == 10) & (exclusions["rule"] == rule)].iloc[0]
    assert row["value"] > row["upper"] > row["lower"]
    assert row["unit"] == ("uV" if rule.startswith("baseline") else "%")


def test_both_rejects_less_than_either_and_only_where_mean_and_peak_agree():
    made = recording(np.random.default_rng(5).lognormal(0, 0.3, (60, 1)) * np.ones((60, 5)))
    _, either = preprocess(made, paper())
    _, both = preprocess(made, dataclasses.replace(paper(), outlier_combination="both"))
    rules = excluded(either)
    expected = {
        trial
        for trial, broken in rules.items()
        if {"mean", "peak"} <= broken or {"baseline_mean", "baseline_peak"} <= broken
    }
    assert set(excluded(both)) == expected
    assert 0 < len(expected) < len(rules)


def test_the_rule_on_logarithms_also_finds_what_is_too_small():
    levels = np.ones((30, 5))
    levels[4], levels[20] = 0.5, 2.0
    _, exclusions = preprocess(recording(levels), recommended())
    rules = excluded(exclusions)
    assert "mean" in rules[5] and "mean" in rules[21]


@pytest.mark.parametrize("parameters", PRESETS)
def test_rules_equal_a_plain_loop_over_trials(parameters):
    made = recording(np.random.default_rng(6).lognormal(0, 0.4, (40, 5)))
    curves = trial_curves(made, parameters)
    percent = curves[curves["time_s"] > 0].groupby("trial")["percent"].mean()
    values = np.log(percent) if parameters.outlier_scale == "log" else percent
    far = np.abs(values - values.mean()) > 2 * values.std(ddof=1)
    _, exclusions = preprocess(made, parameters)
    by_mean = exclusions.loc[exclusions["rule"] == "mean", "trial"].tolist()
    assert by_mean == far.index[far].tolist() and by_mean


@pytest.mark.parametrize("parameters", PRESETS)
def test_trials_without_a_signal_are_set_aside_and_do_not_touch_the_limits(parameters):
    made = recording(np.ones((20, 5)))
    signal = made.signals_uv[0].copy()
    onset = lambda trial: round((2 + SPACING_S * (trial - 1)) * FS_HZ)  # noqa: E731
    signal[onset(3) + 100] = np.nan
    signal[onset(7) - 700 : onset(7) + 10] = 12.5
    signal[onset(9) + 2400 : onset(9) + 3700] = -3.0
    windows, exclusions = preprocess(with_signal(made, signal), parameters)
    rules = excluded(exclusions)
    assert {trial for trial, broken in rules.items() if "no_signal" in broken} == {3, 7, 9}
    assert rules[3] == rules[7] == rules[9] == {"no_signal"}
    assert np.isfinite(windows["emg"]).all()
    assert not {3, 7, 9} & set(windows["trial"])
    untouched = preprocess(made, parameters)[1]
    same = untouched[~untouched["trial"].isin([2, 3, 4, 7, 8, 9, 10])]
    assert set(same["trial"]) <= set(rules)


def test_incomplete_epochs_are_counted():
    made = recording(np.ones((8, 5)), tail_s=3.0)
    made.events.loc[0, "onset"] = 0.3
    windows, exclusions = preprocess(made, recommended())
    assert {trial for trial, rules in excluded(exclusions).items() if rules == {"incomplete"}} == {1, 8}
    counts = count_exclusions(windows, exclusions)
    assert counts["n_trials"].tolist() == [8]


@pytest.mark.parametrize("parameters", PRESETS)
def test_a_participant_without_a_usable_trial_is_named_and_counted(parameters):
    made = recording(np.ones((5, 5)))
    flat = with_signal(made, np.zeros(made.signals_uv.shape[1]))
    with pytest.warns(UserWarning, match=r"007, zygomaticus: none of the 5 trials was kept \(5 no signal\)"):
        windows, exclusions = preprocess(flat, parameters)
    assert windows.empty and list(windows) == [
        "participant", "group", "emotion", "face", "trial", "muscle", "window", "emg",
    ]  # fmt: skip
    assert count_exclusions(windows, exclusions)[["n_trials", "n_excluded"]].values.tolist() == [[5, 5]]


@pytest.mark.parametrize("parameters", PRESETS)
def test_one_trial_is_kept(parameters):
    windows, exclusions = preprocess(recording(np.ones((1, 5))), parameters)
    assert len(windows) == 5 and exclusions.empty
    assert count_exclusions(windows, exclusions)["percent_excluded"].tolist() == [0]


def test_a_lost_muscle_leaves_the_other_alone():
    made = recording(np.ones((10, 5)))
    two = dataclasses.replace(
        made,
        signals_uv=np.vstack([made.signals_uv, np.full_like(made.signals_uv, np.nan)]),
        channel_names=("zygomaticus", "corrugator"),
        signal_kind={"zygomaticus": "raw", "corrugator": "raw"},
    )
    with pytest.warns(UserWarning, match="corrugator: none of the 10"):
        windows, exclusions = preprocess(two, recommended())
    alone, _ = preprocess(made, recommended())
    pd.testing.assert_frame_equal(windows, alone)
    assert (exclusions["muscle"] == "corrugator").sum() == 10


@pytest.mark.parametrize("fs_hz", [60.0, 100.0, 1200.0])
def test_what_is_rectified_already_is_only_smoothed(fs_hz):
    made = recording(np.tile([1.0, 1, 1, 2, 2], (80, 1)), fs_hz=fs_hz, kind="rectified")
    windows, _ = preprocess(made, recommended())
    found = windows.groupby("window")["emg"].mean().to_numpy()
    assert found[4] - found[0] == pytest.approx(np.log(2), abs=0.08)


def test_raw_signals_at_too_low_a_rate_are_refused():
    with pytest.raises(ValueError, match="100 Hz is too low"):
        preprocess(recording(np.ones((3, 5)), fs_hz=100), paper())


def test_other_mains_than_the_notch_expects_are_pointed_out():
    made = dataclasses.replace(recording(np.ones((3, 5))), mains_hz=60.0)
    with pytest.warns(UserWarning, match=r"mains of 60 Hz.*--mains-hz 60"):
        preprocess(made, paper())


def test_curves_show_every_trial_in_tenths_of_a_second():
    made = recording(np.tile([3.0] * 5, (20, 1)))
    processed = process(made, recommended())
    curves = processed.curves
    assert len(curves) == 20 * 55
    assert curves["time_s"].iloc[[0, 4, 5, 54]].tolist() == [-0.45, -0.05, 0.05, 4.95]
    average = curves.groupby("time_s")["percent"].mean()
    assert average.loc[1.05:].to_numpy() == pytest.approx(300, rel=0.12)
    before = curves[curves["time_s"] < 0].groupby("trial")["percent"].mean()
    assert before.to_numpy() == pytest.approx(100)
    gone = set(processed.exclusions["trial"])
    assert set(curves.loc[~curves["kept"], "trial"]) == gone


def test_an_hour_of_emg_does_not_keep_anyone_waiting():
    made = recording(np.ones((96, 5)))
    two = dataclasses.replace(
        made,
        signals_uv=np.vstack([made.signals_uv, made.signals_uv[:, ::-1]]),
        channel_names=("zygomaticus", "corrugator"),
        signal_kind={"zygomaticus": "raw", "corrugator": "raw"},
    )
    started = time.process_time()
    process(two, paper())
    assert time.process_time() - started < 3, "eleven minutes of two channels take 0.3 s where it was written"
