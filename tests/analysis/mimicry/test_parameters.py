"""The presets say what they do and where it comes from."""

from __future__ import annotations

import dataclasses

import pytest

from analysis.mimicry.parameters import PRESETS, MimicryParameters, describe, paper, preset, recommended


def test_the_paper_is_what_the_paper_says():
    parameters = paper()
    assert parameters.bandpass_hz == (20, 400) and parameters.mains_hz == 50 and parameters.smoothing_hz == 40
    assert (parameters.baseline_s, parameters.epoch_s, parameters.window_s) == (0.5, 5, 1)
    assert parameters.n_windows == 5
    assert parameters.outlier_sd == parameters.response_outlier_sd == 2
    assert (parameters.time_origin_window, parameters.response_scale) == (0, "z")


@pytest.mark.parametrize("name", list(PRESETS))
def test_every_parameter_has_a_meaning_and_a_source(name: str):
    table = describe(preset(name))
    assert table["name"].tolist() == [field.name for field in dataclasses.fields(MimicryParameters)]
    assert (table["meaning"].str.len() > 20).all()
    assert table["source"].str.contains("our choice|Korb et al. 2023").all()
    assert not table[f"differs_from_{name}"].any()
    numbers = table["value"].map(lambda value: isinstance(value, float))
    assert (table.loc[numbers, "unit"] != "").all()


def test_what_the_rejection_costs_is_said():
    meaning = describe(recommended()).set_index("name").loc["outlier_sd", "meaning"]
    assert "slopes of time were 5 to 6 % smaller" in meaning


def test_a_change_is_seen_against_both_presets():
    table = describe(dataclasses.replace(recommended(), mains_hz=60.0)).set_index("name")
    assert table.loc["mains_hz", ["differs_from_paper", "differs_from_recommended"]].tolist() == [True, True]
    assert table["differs_from_recommended"].sum() == 1


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"bandpass_hz": (400.0, 20.0)}, "two rising frequencies"),
        ({"baseline_s": 0.0}, "baseline_s must be above 0"),
        ({"outlier_sd": -2.0}, "outlier_sd must be above 0"),
        ({"window_s": 0.7}, "whole number of windows"),
        ({"window_s": 6.0}, "whole number of windows"),
        ({"filter_phase": "linear"}, "one of causal, zero, got 'linear'"),
        ({"outlier_combination": "neither"}, "one of either, both"),
    ],
)
def test_values_that_cannot_be_are_refused(change: dict, match: str):
    with pytest.raises(ValueError, match=match):
        dataclasses.replace(recommended(), **change)


@pytest.mark.parametrize("window_s", [0.1, 0.5, 1.0, 2.5, 5.0])
def test_windows_that_fit_are_accepted(window_s: float):
    assert dataclasses.replace(recommended(), window_s=window_s).n_windows == round(5 / window_s)


def test_an_unknown_preset_is_answered_with_those_there_are():
    with pytest.raises(ValueError, match="no preset 'papper'; choose one of recommended, paper"):
        preset("papper")
