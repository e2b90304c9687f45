"""Tidy tables hold what the fit says, and nothing is left without a description."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.models import coupling
from analysis.models.mixed import MixedFit, fit_mixed
from analysis.models.tidy import DESCRIPTIONS, augment, glance, random_values, tables, tidy

REFERENCE = Path(__file__).parent / "reference"


def several() -> MixedFit:
    data = pd.read_csv(REFERENCE / "inference.csv")
    data.loc[3, "y"] = np.nan
    return fit_mixed("y ~ time + (time|subject) + (1|face) + (1|emotion:drug)", data)


@pytest.fixture(scope="module")
def fit() -> MixedFit:
    return several()


@pytest.mark.parametrize("form", ["dense", "sparse"])
def test_random_values_are_those_of_lme4(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if form == "sparse":
        monkeypatch.setattr(coupling, "_SMALL", 0)
        monkeypatch.setattr(coupling, "_CROWDED", 2.0)
    expected = json.loads((REFERENCE / "inference.json").read_text(encoding="utf-8"))["random_values"]
    data = pd.read_csv(REFERENCE / "inference.csv")
    actual = random_values(fit_mixed("y ~ time + (time|subject) + (1|face) + (1|emotion:drug)", data))
    keyed = actual.assign(level=actual["level"].astype(str)).set_index(["group", "level", "term"])
    assert len(keyed) == len(expected)
    for row in expected:
        ours = keyed.loc[(row["grpvar"], row["grp"], row["term"])]
        assert ours["estimate"] == pytest.approx(row["condval"], abs=1e-6)
        assert ours["std_error"] == pytest.approx(row["condsd"], abs=1e-6)


def test_tidy_names_parameters_as_broom_does(fit: MixedFit) -> None:
    table = tidy(fit)
    assert table["term"].tolist() == [
        "(Intercept)", "time", "sd__(Intercept)", "sd__time", "cor__(Intercept).time", "sd__(Intercept)",
        "sd__(Intercept)", "sd__Observation",
    ]  # fmt: skip
    assert table["group"].tolist() == ["", "", *["subject"] * 3, "face", "emotion:drug", "Residual"]
    assert table["effect"].tolist() == ["fixed"] * 2 + ["ran_pars"] * 6
    np.testing.assert_allclose(table["statistic"][:2], fit.fixed_effects["t"])
    assert table["estimate"].iloc[-1] == fit.sigma
    assert len(tidy(fit, ["fixed"])) == 2


def test_tidy_takes_other_intervals(fit: MixedFit) -> None:
    intervals = fit.confidence_intervals("wald", level=0.5)
    assert (tidy(fit, intervals=intervals)["conf_low"][:2] > tidy(fit)["conf_low"][:2]).all()
    with pytest.raises(ValueError, match="all parameters"):
        tidy(fit, intervals=intervals.iloc[1:])
    with pytest.raises(ValueError, match="'fixed' and 'ran_pars'"):
        tidy(fit, ["random"])


def test_augment_rows_are_those_of_the_data(fit: MixedFit) -> None:
    table = augment(fit)
    data = pd.read_csv(REFERENCE / "inference.csv")
    assert 3 not in set(table["row"]) and len(table) == len(data) - 1
    used = data.loc[table["row"]].reset_index(drop=True)
    np.testing.assert_allclose(table["response"], used["y"], atol=1e-12)
    np.testing.assert_array_equal(table["subject"], used["subject"])
    np.testing.assert_array_equal(table["emotion:drug"], used["emotion"] + ":" + used["drug"])
    np.testing.assert_allclose(table["residual"], table["response"] - table["fitted"], atol=1e-12)
    fixed = fit.fixed_effects["estimate"]
    np.testing.assert_allclose(table["fixed"], fixed["(Intercept)"] + fixed["time"] * used["time"])
    np.testing.assert_allclose(table["scaled_residual"], table["residual"] / fit.sigma)


def test_glance_has_one_row(fit: MixedFit) -> None:
    row = glance(fit).iloc[0]
    assert (row["n_observations"], row["n_dropped"], row["method"]) == (498, 1, "REML")
    assert row["n_groups"] == "subject: 24; face: 6; emotion:drug: 9"
    assert row["aic"] == pytest.approx(fit.aic)


def test_every_column_is_described(fit: MixedFit) -> None:
    for name, table in tables(fit).items():
        unknown = set(table.columns) - set(DESCRIPTIONS) - set(fit.n_groups)
        assert not unknown, (name, unknown)


def test_augment_with_weights_and_offset() -> None:
    data = pd.read_csv(REFERENCE / "inference.csv")
    weight = np.random.default_rng(1).uniform(0.5, 2, len(data))
    fit = fit_mixed("y ~ time + (1|subject)", data, weights=weight, offset=np.full(len(data), 3.0))
    table = augment(fit)
    np.testing.assert_allclose(table["response"], data["y"], atol=1e-12)
    np.testing.assert_allclose(table["scaled_residual"], table["residual"] * np.sqrt(weight) / fit.sigma)
    modes = fit.group_effects("subject")["(Intercept)"].loc[data["subject"]].to_numpy()
    np.testing.assert_allclose(table["fitted"], table["fixed"] + modes, atol=1e-9)
