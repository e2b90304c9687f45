"""Reduction of tables to sufficient statistics, and the words on wrong tables."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest

from analysis.models.asymptotic import AsymptoticPriors, fit_asymptotic
from analysis.models.asymptotic_data import AsymptoticData, reduce_data
from analysis.models.asymptotic_simulation import (
    draw_correlations,
    mimicry_truth,
    simulate_asymptotic,
)


def table() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    return simulate_asymptotic(mimicry_truth(), group_sizes={"placebo": 3, "other": 3, "third": 3}, rng=rng)


def reduced(data: pd.DataFrame, **changes: object) -> AsymptoticData:
    names: dict = {"response": "log_emg", "time": "time", "subject": "subject", "drug": "drug"}
    return reduce_data(data, **{**names, "within": ("muscle", "emotion"), **changes})


def test_means_numbers_and_squares_of_repetitions() -> None:
    rng = np.random.default_rng(3)
    data = simulate_asymptotic(
        mimicry_truth(), group_sizes={"placebo": 2, "other": 2, "third": 2}, n_trials=7, rng=rng
    ).sample(frac=0.8, random_state=1)
    rows = reduced(data)
    grouped = data.groupby(["subject", "muscle", "emotion", "time"])["log_emg"]
    for key, values in grouped:
        subject, muscle, emotion, time = key  # type: ignore[misc]
        place = (
            rows.subjects.index(subject),
            rows.cells.index((muscle, emotion)),
            int(np.searchsorted(rows.time, time)),
        )
        assert rows.mean[place] == pytest.approx(values.mean())
        assert rows.n[place] == len(values) == rows.n_values[place]
        assert rows.ss[place] == pytest.approx(((values - values.mean()) ** 2).sum())
    assert rows.n.sum() == len(data)


def test_order_of_rows_does_not_matter() -> None:
    one, other = reduced(table()), reduced(table().sample(frac=1, random_state=3))
    assert one.subjects == other.subjects and one.cells == other.cells
    np.testing.assert_array_equal(one.mean, other.mean)
    np.testing.assert_array_equal(one.group, other.group)


def test_categories_keep_their_order_and_unused_ones_are_left_out() -> None:
    data = table()
    order = ["placebo", "unused", "third", "other"]
    data["drug"] = pd.Categorical(data["drug"], categories=order)
    rows = reduced(data)
    assert rows.groups == ("placebo", "third", "other")
    of_subject = data.drop_duplicates("subject").set_index("subject")["drug"]
    assert [rows.groups[index] for index in rows.group] == [of_subject[name] for name in rows.subjects]


def test_no_within_factors_make_one_cell_and_numbers_may_name_groups() -> None:
    data = table().query("muscle == 'CS' and emotion == 'AngryToHappy'")
    codes = data["drug"].map({"placebo": 0, "other": 10, "third": 2})
    rows = reduced(data.assign(drug=codes), within=())
    assert rows.cells == ((),) and rows.mean.shape == (9, 1, 5) and rows.groups == ("0", "2", "10")


def test_cells_that_never_occur_are_no_cells() -> None:
    data = table()
    rows = reduced(data[~((data["muscle"] == "ZM") & (data["emotion"] == "AngryToHappy"))])
    assert rows.cells == (("CS", "AngryToHappy"), ("CS", "HappyToAngry"), ("ZM", "HappyToAngry"))


def test_thin_spots_are_named() -> None:
    data = table()
    empty = (data["drug"] == "other") & (data["muscle"] == "ZM")
    few = (data["drug"] == "third") & (data["subject"] != "s007")
    words = " / ".join(reduced(data[~empty & ~few]).warnings)
    assert "group other has no data in ZM:AngryToHappy" in words and "group third has only 1 subject" in words
    assert "two times only" in " ".join(reduced(data[data["time"] < 3]).warnings)


def changed(column: str, value: object) -> pd.DataFrame:
    data = table().astype({column: object} if isinstance(value, str) else {})
    data.loc[4, column] = value
    return data


WRONG = {
    "unknown column": (lambda: table().rename(columns={"log_emg": "log_EMG"}), {}, "did you mean 'log_EMG'"),
    "not a table": (lambda: table().to_dict(), {}, "must be a pandas DataFrame"),
    "no rows": (lambda: table().iloc[:0], {}, "no rows"),
    "missing response": (lambda: changed("log_emg", np.nan), {}, "'log_emg' has 1 missing"),
    "infinite response": (lambda: changed("log_emg", -np.inf), {}, "infinite"),
    "missing drug": (lambda: changed("drug", None), {}, "'drug' has 1 missing"),
    "text response": (lambda: table().assign(log_emg="1"), {}, "must hold numbers"),
    "text time": (lambda: table().assign(time="first"), {}, "must hold numbers"),
    "one time": (lambda: table().query("time == 1"), {}, "several times"),
    "times from 0": (lambda: table().assign(time=table()["time"] - 1), {}, "Count windows from 1"),
    "seconds": (lambda: table().assign(time=table()["time"] * 0.5), {}, "begins at 0.5"),
    "two drugs": (lambda: changed("drug", "other"), {}, "more than one 'drug'"),
    "constant": (lambda: table().assign(log_emg=0.0), {}, "constant"),
    "one subject": (lambda: table().query("subject == 's001'"), {}, "two or more"),
    "two purposes": (table, {"within": ("muscle", "drug")}, "two purposes"),
    "half a trial": (lambda: table().assign(n=1.5), {"n_trials": "n"}, "whole numbers"),
    "spread without number": (lambda: table().assign(sd=1.0), {"within_sd": "sd"}, "needs n_trials"),
    "negative spread": (
        lambda: table().assign(n=2, sd=-1.0),
        {"n_trials": "n", "within_sd": "sd"},
        "negative",
    ),
    "unknown spread": (
        lambda: table().assign(n=2, sd=np.nan),
        {"n_trials": "n", "within_sd": "sd"},
        "missing",
    ),
    "unknown model": (table, {"drug_on": "start"}, "drug_on must be one of"),
    "no drug": (table, {"drug": None}, "needs the column of the groups"),
    "unknown formula": (table, {"formula": "paper"}, "formula must be"),
    "no draws": (table, {"draws": 0}, "draws are needed"),
    "no chains": (table, {"chains": 0}, "at least 1 chain"),
    "acceptance": (table, {"target_accept": 1.0}, "target_accept"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_input_is_refused_in_words(name: str) -> None:
    make, options, words = WRONG[name]
    with pytest.raises(ValueError, match=words):
        fit_asymptotic(make(), seed=1, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [{"a_sd": 0.0}, {"effect_c_sd": -1.0}, {"lkj": np.nan}, {"c_mean": np.inf}])
def test_impossible_priors_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        AsymptoticPriors(**wrong)


def test_without_numpyro_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numpyro", None)
    with pytest.raises(ImportError, match=r"countenance\[bayes\]"):
        fit_asymptotic(table(), seed=1)


def test_simulated_data_have_the_truth_that_was_asked_for() -> None:
    rng = np.random.default_rng(9)
    truth = mimicry_truth(asymptote_effect=0.5, rate_effect=0.4)
    data = simulate_asymptotic(truth, group_sizes={"p": 4000, "q": 4000, "r": 4000}, times=(1, 200), rng=rng)
    end = data[data["time"] == 200].pivot_table(index="drug", columns=["muscle", "emotion"], values="log_emg")
    np.testing.assert_allclose(end.to_numpy(), truth.a, atol=0.01)
    wide = data[data["time"] == 1].pivot_table(
        index="subject", columns=["muscle", "emotion"], values="log_emg"
    )
    spread = np.hypot(truth.sd_b, truth.sigma)
    np.testing.assert_allclose(wide.std(), spread, rtol=0.03)
    np.testing.assert_allclose(
        np.corrcoef(wide.T)[0, 1] * spread[0] * spread[1], 0.3 * 0.05 * 0.05, rtol=0.15
    )


def test_simulated_cells_must_be_those_of_the_truth() -> None:
    with pytest.raises(ValueError, match="4 cells"):
        simulate_asymptotic(
            mimicry_truth(), group_sizes={"p": 2}, cells=(("x",),), rng=np.random.default_rng(1)
        )


@pytest.mark.parametrize("shape", [1.0, 3.0])
def test_correlations_of_the_prior_have_their_known_variance(shape: float) -> None:
    rng = np.random.default_rng(4)
    drawn = np.array([draw_correlations(4, shape, rng) for _ in range(4000)])
    row, column = np.tril_indices(4, -1)
    off = drawn[:, row, column]
    np.testing.assert_allclose(off.mean(axis=0), 0, atol=0.03)
    np.testing.assert_allclose(off.var(axis=0), 1 / (4 - 1 + 2 * shape), rtol=0.08)
