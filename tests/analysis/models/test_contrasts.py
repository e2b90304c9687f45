"""Contrasts, joint tests and their adjustments are those of R's emmeans (reference/inference.R)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.models.contrasts import contrast_weights
from analysis.models.mixed import MixedFit, fit_mixed

REFERENCE = Path(__file__).parent / "reference"


@pytest.fixture(scope="module")
def expected() -> dict:
    return json.loads((REFERENCE / "inference.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def fit() -> MixedFit:
    data = pd.read_csv(REFERENCE / "inference.csv")
    return fit_mixed("y ~ emotion*drug*time + (time|subject) + (1|face)", data)


def assert_same(actual: pd.DataFrame, records: list[dict], *, p: float = 1e-4, limits: float = 1e-5) -> None:
    """Compare with emmeans: the order of contrasts and their sign may differ."""
    table = pd.DataFrame(records).set_index([name for name in ("contrast", "emotion") if name in records[0]])
    keys = actual.set_index(list(table.index.names))
    for key, row in table.iterrows():
        ours = keys.loc[key]
        assert ours["estimate"] == pytest.approx(row["estimate"], abs=1e-7)
        assert ours["se"] == pytest.approx(row["SE"], rel=1e-5)
        assert ours["df"] == pytest.approx(row["df"], rel=1e-4)
        assert ours["p"] == pytest.approx(row["p"], rel=p, abs=1e-9)
        assert ours["lower"] == pytest.approx(row["lower"], rel=limits, abs=limits)
        assert ours["upper"] == pytest.approx(row["upper"], rel=limits, abs=limits)


def test_fit_is_that_of_lme4(fit: MixedFit, expected: dict) -> None:
    assert fit.criterion == pytest.approx(expected["criterion"], abs=1e-6)


@pytest.mark.parametrize("adjust", ["none", "holm", "bonferroni", "BH", "sidak", "tukey"])
def test_pairs_of_means_are_those_of_emmeans(adjust: str, fit: MixedFit, expected: dict) -> None:
    actual = fit.mean_contrasts("drug", by="emotion", adjust=adjust)
    assert actual.attrs["adjust"] == adjust
    assert list(actual) == ["contrast", "emotion", "estimate", "se", "df", "t", "p", "lower", "upper"]
    assert_same(actual, expected["means"][adjust])


@pytest.mark.parametrize("adjust", ["none", "holm", "bonferroni", "BH", "sidak", "tukey"])
def test_pairs_of_slopes_are_those_of_emtrends(adjust: str, fit: MixedFit, expected: dict) -> None:
    assert_same(
        fit.slope_contrasts("time", of="drug", by=["emotion"], adjust=adjust), expected["slopes"][adjust]
    )


def test_mvt_is_that_of_emmeans_but_for_whole_df(fit: MixedFit, expected: dict) -> None:
    # emmeans cuts 28.4 degrees of freedom to 28, and integrates by Monte Carlo
    pairs = fit.mean_contrasts("drug", by="emotion", adjust="mvt")
    assert_same(pairs, expected["means"]["mvt"], p=2e-2, limits=5e-3)
    slopes = fit.slope_contrasts("time", of="drug", by="emotion", adjust="mvt")
    assert_same(slopes, expected["slopes"]["mvt"], p=2e-2, limits=5e-3)
    against = fit.mean_contrasts("drug", by="emotion", method="trt.vs.ctrl", reference="placebo")
    assert against.attrs["adjust"] == "mvt"
    assert_same(against, expected["control"]["mvt"], p=2e-2, limits=5e-3)


def test_other_sets_are_those_of_emmeans(fit: MixedFit, expected: dict) -> None:
    drug = {"of": "drug", "by": "emotion", "adjust": "none"}
    assert_same(fit.mean_contrasts(**drug, method="consec"), expected["consecutive"])
    assert_same(fit.mean_contrasts(**drug, method="eff"), expected["effects"])
    assert_same(fit.mean_contrasts("drug", method="poly"), expected["polynomial"])


def test_interaction_of_slopes_is_that_of_emmeans(fit: MixedFit, expected: dict) -> None:
    records = [
        row | {"contrast": f"{row['emotion_pairwise']} : {row['drug_pairwise']}"}
        for row in expected["interaction"]
    ]
    actual = fit.slope_contrasts("time", of=["emotion", "drug"], method="interaction")
    assert len(actual) == len(records) == 9
    assert_same(actual, records)


def test_pairs_of_cells_are_those_of_emmeans(fit: MixedFit, expected: dict) -> None:
    actual = fit.mean_contrasts(["emotion", "drug"], adjust="tukey")
    turned = actual.assign(
        contrast=[" - ".join(reversed(name.split(" - "))) for name in actual["contrast"]],
        estimate=-actual["estimate"],
        lower=-actual["upper"],
        upper=-actual["lower"],
    )
    assert len(actual) == 36
    assert_same(pd.concat([actual, turned]), expected["cells"])


def test_intervals_of_means_are_those_of_emmeans(fit: MixedFit, expected: dict) -> None:
    reference = pd.DataFrame(expected["means_intervals"])
    actual = fit.means(["emotion", "drug"], level=0.9)
    np.testing.assert_allclose(actual["mean"], reference["emmean"], atol=1e-7)
    np.testing.assert_allclose(actual["lower"], reference["lower.CL"], atol=1e-5)
    np.testing.assert_allclose(actual["upper"], reference["upper.CL"], atol=1e-5)


def test_joint_tests_have_the_f_of_emmeans(fit: MixedFit, expected: dict) -> None:
    actual = fit.joint_tests(by="emotion").set_index(["term", "emotion"])
    assert len(actual) == len(expected["joint"]) == 9
    for row in expected["joint"]:
        ours = actual.loc[(row["model term"], row["emotion"])]
        assert ours["num_df"] == row["df1"]
        assert ours["F"] == pytest.approx(row["F.ratio"], abs=5.1e-4)  # printed to three digits


@pytest.mark.parametrize(("term", "name"), [("drug", "joint_drug"), ("drug:time", "joint_slopes")])
def test_joint_tests_are_those_of_lmertest(term: str, name: str, fit: MixedFit, expected: dict) -> None:
    actual = fit.joint_tests(by="emotion").set_index(["term", "emotion"])
    for emotion, row in expected[name].items():
        ours = actual.loc[(term, emotion)]
        assert ours["F"] == pytest.approx(row["F value"], rel=1e-5)
        assert ours["den_df"] == pytest.approx(row["DenDF"], rel=1e-4)
        assert ours["p"] == pytest.approx(row["Pr(>F)"], rel=1e-4)


def test_joint_tests_without_cells_are_the_type3_table(fit: MixedFit) -> None:
    joint, anova = fit.joint_tests().set_index("term"), fit.anova()
    assert set(joint.index) == set(anova.index)
    ours, table = joint.loc["emotion:drug:time"], anova.loc["emotion:drug:time"]
    assert ours["num_df"] == table["num_df"] == 4
    assert ours["F"] == pytest.approx(table["F"], rel=1e-8)
    # the denominator of several degrees of freedom depends a little on how the contrasts are written
    assert ours["den_df"] == pytest.approx(table["den_df"], rel=1e-3)


def test_differences_can_be_estimable_where_means_are_not() -> None:
    rng = np.random.default_rng(5)
    data = pd.DataFrame({"subject": np.repeat(np.arange(12), 8), "a": ["u", "v"] * 48})
    data["b"] = np.where(data["subject"] % 2, "x", "y")
    data["twice"] = 2.0 * (data["b"] == "x")  # cannot be told from b
    data["y"] = rng.normal(size=96) + (data["a"] == "u")
    fit = fit_mixed("y ~ a + b + twice + (1|subject)", data)
    assert fit.means(["a"])["mean"].isna().sum() in {0, 2}
    assert np.isfinite(fit.mean_contrasts("a")["estimate"]).all()
    assert fit.mean_contrasts("b").isna().loc[0, ["estimate", "se", "p", "lower", "upper"]].all()
    joint = fit.joint_tests().set_index("term")
    assert joint.loc["b", "num_df"] == 0 and np.isnan(joint.loc["b", "p"])
    assert joint.loc["a", "num_df"] == 1


def test_empty_cell_leaves_the_others_of_its_family() -> None:
    rng = np.random.default_rng(6)
    data = pd.DataFrame({"subject": np.repeat(np.arange(15), 12), "a": ["u", "v", "w"] * 60})
    data["b"] = np.tile(np.repeat(["x", "y"], 3), 30)
    data["y"] = rng.normal(size=180)
    data = data[(data["a"] != "w") | (data["b"] != "y")]
    table = fit_mixed("y ~ a*b + (1|subject)", data).mean_contrasts("a", by="b", adjust="bonferroni")
    there = table[table["b"] == "y"].set_index("contrast")
    assert there["p"].isna().tolist() == [False, True, True]
    alone = fit_mixed("y ~ a*b + (1|subject)", data).mean_contrasts("a", by="b", adjust="none")
    assert there.loc["u - v", "p"] == pytest.approx(alone[alone["b"] == "y"].iloc[0]["p"])


@pytest.mark.parametrize("name", ["s", "sum", "a", "t", "drug group"])
def test_factors_may_have_any_name(name: str) -> None:
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"g": np.repeat(np.arange(8), 6), "any": ["u", "v", "w"] * 16})
    data["y"] = rng.normal(size=48)
    expected = fit_mixed("y ~ any + (1|g)", data).mean_contrasts("any")
    quoted = name if name.isidentifier() else f"`{name}`"
    actual = fit_mixed(f"y ~ {quoted} + (1|g)", data.rename(columns={"any": name})).mean_contrasts(name)
    pd.testing.assert_frame_equal(actual, expected)


def test_custom_weights(fit: MixedFit) -> None:
    half = {"drugs - placebo": [0.5, 0.5, -1.0]}
    actual = fit.mean_contrasts("drug", by="emotion", method=half)
    means = fit.means(["emotion", "drug"])["mean"].to_numpy().reshape(3, 3)
    np.testing.assert_allclose(actual["estimate"], means @ [0.5, 0.5, -1.0])
    assert actual["contrast"].tolist() == ["drugs - placebo"] * 3


def test_numeric_variable_at_values(fit: MixedFit) -> None:
    actual = fit.mean_contrasts("time", by="drug", at={"time": [-1, 1]}, method="consec")
    assert actual["contrast"].tolist() == ["1 - -1"] * 3
    np.testing.assert_allclose(actual["estimate"], 2 * fit.slopes("time", ["drug"])["slope"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"adjust": "fdr"}, "adjust should be one of none"),
        ({"method": "helmert"}, "method should be one of pairwise"),
        ({"method": "trt.vs.ctrl", "reference": "water"}, "no level 'water' to compare with"),
        ({"method": "consec", "adjust": "tukey"}, "use 'mvt'"),
        ({"method": {"half": [1, -1]}}, "should have 3 weights, for amisulpride, naltrexone, placebo; got 2"),
        ({"method": "interaction"}, "two or more variables"),
        ({"level": 95}, "between 0 and 1"),
    ],
)
def test_wrong_input(options: dict, message: str, fit: MixedFit) -> None:
    with pytest.raises(ValueError, match=message):
        fit.mean_contrasts("drug", **options)


def test_one_level_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="nothing to compare"):
        contrast_weights(pd.DataFrame({"drug": ["a"]}), "pairwise")


def test_nothing_left_for_joint_tests(fit: MixedFit) -> None:
    with pytest.raises(ValueError, match="nothing is left to test"):
        fit.joint_tests(by=["emotion", "drug"], at={"time": [0]})
