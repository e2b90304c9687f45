"""What a fit of a mixed model must not depend on, what it says, and what it refuses."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest

from analysis.models.mixed import MixedFit, fit_mixed, likelihood_ratio

FORMULA = "emg ~ emotion*drug*time + (emotion*time|subject) + (1|face)"


def study(rng: np.random.Generator, n_subjects: int = 24) -> pd.DataFrame:
    """Simulate trials like those of the mimicry study, with effects of emotion and of emotion x time."""
    subjects = np.arange(n_subjects)
    cells = pd.MultiIndex.from_product(
        [subjects, range(6), ["AngryToHappy", "HappyToAngry"], range(1, 6)],
        names=["subject", "face", "emotion", "time"],
    )
    data = cells.to_frame(index=False)
    sign = np.where(data["emotion"] == "AngryToHappy", 1.0, -1.0)
    personal = rng.multivariate_normal(np.zeros(4), np.diag([0.1, 0.05, 0.02, 0.02]) ** 2, n_subjects)
    personal = personal[data["subject"]]
    data["drug"] = np.array(["amisulpride", "naltrexone", "placebo"])[data["subject"] % 3]
    data["emg"] = (
        personal[:, 0]
        + sign * personal[:, 1]
        + data["time"] * (personal[:, 2] + sign * (0.02 + personal[:, 3]))
        + rng.normal(0, 0.05, 6)[data["face"]]
        + rng.normal(0, 0.15, len(data))
    )
    return data


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    return study(np.random.default_rng(11))


@pytest.fixture(scope="module")
def fit(data: pd.DataFrame) -> MixedFit:
    return fit_mixed(FORMULA, data)


def assert_same(first: MixedFit, second: MixedFit, rtol: float = 1e-6) -> None:
    assert first.criterion == pytest.approx(second.criterion, abs=1e-6)
    pd.testing.assert_frame_equal(first.fixed_effects, second.fixed_effects, rtol=rtol)
    pd.testing.assert_frame_equal(first.anova(), second.anova(), rtol=rtol)


def test_tables_have_the_promised_columns(fit: MixedFit) -> None:
    assert list(fit.fixed_effects.columns) == ["estimate", "se", "df", "t", "p"]
    assert fit.fixed_effects.index.name == "term"
    assert list(fit.anova().columns) == ["num_df", "den_df", "F", "p"]
    assert list(fit.anova().index) == [
        "emotion", "drug", "time", "emotion:drug", "emotion:time", "drug:time", "emotion:drug:time",
    ]  # fmt: skip
    assert list(fit.anova()["num_df"]) == [1, 2, 1, 2, 1, 2, 2]
    slopes = fit.slopes("time", by=["emotion"])
    assert list(slopes.columns) == ["emotion", "slope", "se", "df", "t", "z", "p", "lower", "upper"]
    assert list(fit.random_effects.columns) == ["group", "term", "sd", "correlations"]
    assert list(fit.random_effects["group"]) == ["subject"] * 4 + ["face", "Residual"]
    assert [len(row) for row in fit.random_effects["correlations"]] == [0, 1, 2, 3, 0, 0]
    assert fit.n_groups == {"subject": 24, "face": 6}
    assert fit.n_observations == len(fit.residuals()) == 24 * 60
    np.testing.assert_allclose(np.sqrt(np.diag(fit.vcov)), fit.fixed_effects["se"])


def test_known_effects_are_found(fit: MixedFit) -> None:
    assert fit.converged
    slopes = fit.slopes("time", by=["emotion"]).set_index("emotion")
    for emotion, truth in (("AngryToHappy", 0.02), ("HappyToAngry", -0.02)):
        assert abs(slopes.loc[emotion, "slope"] - truth) < 3 * slopes.loc[emotion, "se"]
    assert fit.anova().loc["emotion:time", "p"] < 0.01
    assert fit.sigma == pytest.approx(0.15, rel=0.1)


def test_order_of_rows_does_not_matter(fit: MixedFit, data: pd.DataFrame) -> None:
    shuffled = data.sample(frac=1, random_state=np.random.default_rng(1))
    assert_same(fit, fit_mixed(FORMULA, shuffled))


@pytest.mark.parametrize("origin", [3, -40, 1000])
def test_origin_of_time_changes_only_what_it_should(fit: MixedFit, data: pd.DataFrame, origin: float) -> None:
    moved = fit_mixed(FORMULA, data.assign(time=data["time"] - origin))
    assert moved.converged
    assert moved.criterion == pytest.approx(fit.criterion, abs=1e-6)
    with_time = [term for term in fit.anova().index if "time" in term]
    pd.testing.assert_frame_equal(moved.anova().loc[with_time], fit.anova().loc[with_time], rtol=1e-5)
    pd.testing.assert_frame_equal(
        moved.slopes("time", ["emotion"]), fit.slopes("time", ["emotion"]), rtol=1e-5
    )
    pd.testing.assert_frame_equal(moved.means(["emotion"]), fit.means(["emotion"]), rtol=1e-5)
    assert moved.anova().loc["emotion", "F"] != pytest.approx(fit.anova().loc["emotion", "F"], rel=0.01)


@pytest.mark.parametrize("factor", [1e-9, 1e9])
def test_units_do_not_matter(fit: MixedFit, data: pd.DataFrame, factor: float) -> None:
    rescaled = fit_mixed(FORMULA, data.assign(emg=factor * data["emg"], time=data["time"] / factor))
    np.testing.assert_allclose(rescaled.fixed_effects["t"], fit.fixed_effects["t"], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(rescaled.fixed_effects["df"], fit.fixed_effects["df"], rtol=1e-5)
    assert rescaled.sigma == pytest.approx(factor * fit.sigma, rel=1e-8)
    slope = rescaled.slopes("time")["slope"][0]
    assert slope == pytest.approx(factor**2 * fit.slopes("time")["slope"][0], rel=1e-6)


def test_large_constant_in_the_response_does_not_matter(fit: MixedFit, data: pd.DataFrame) -> None:
    moved = fit_mixed(FORMULA, data.assign(emg=data["emg"] + 1e6))
    np.testing.assert_allclose(moved.fixed_effects["se"], fit.fixed_effects["se"], rtol=1e-5)
    np.testing.assert_allclose(moved.fixed_effects["t"].iloc[1:], fit.fixed_effects["t"].iloc[1:], rtol=1e-4)


def test_contrast_coding_changes_neither_tests_nor_slopes(fit: MixedFit, data: pd.DataFrame) -> None:
    treatment = "emg ~ C(emotion, contr.treatment)*C(drug, contr.treatment)*time"
    recoded = fit_mixed(treatment + " + (emotion*time|subject) + (1|face)", data)
    assert recoded.refit(reml=False).criterion == pytest.approx(fit.refit(reml=False).criterion, abs=1e-6)
    np.testing.assert_allclose(recoded.anova().to_numpy(), fit.anova().to_numpy(), rtol=1e-5)
    pd.testing.assert_frame_equal(
        recoded.slopes("time", ["emotion", "drug"]), fit.slopes("time", ["emotion", "drug"]), rtol=1e-5
    )


def test_slopes_per_cell_are_the_coefficients_of_a_model_of_slopes(data: pd.DataFrame) -> None:
    crossed = fit_mixed("emg ~ emotion*time + (emotion*time|subject) + (1|face)", data)
    nested = fit_mixed("emg ~ 0 + emotion + emotion:time + (emotion*time|subject) + (1|face)", data)
    slopes = crossed.slopes("time", by=["emotion"])
    rows = ["emotion[AngryToHappy]:time", "emotion[HappyToAngry]:time"]
    coefficients = nested.fixed_effects.loc[rows]
    np.testing.assert_allclose(slopes["slope"], coefficients["estimate"], rtol=1e-8)
    np.testing.assert_allclose(slopes["se"], coefficients["se"], rtol=1e-6)
    np.testing.assert_allclose(slopes["df"], coefficients["df"], rtol=1e-5)
    np.testing.assert_allclose(slopes["p"], coefficients["p"], rtol=1e-4)


def test_model_without_intercept_tests_each_cell(data: pd.DataFrame) -> None:
    plain = fit_mixed("emg ~ 0 + emotion + (1|subject)", data)
    coded = fit_mixed("emg ~ 0 + C(emotion, contr.treatment) + (1|subject)", data)
    assert list(plain.fixed_effects.index) == ["emotion[AngryToHappy]", "emotion[HappyToAngry]"]
    np.testing.assert_allclose(coded.anova(), plain.anova(), rtol=1e-8)
    assert plain.anova()["num_df"].tolist() == [2]


def test_slope_of_a_curve_is_its_tangent(data: pd.DataFrame) -> None:
    curved = fit_mixed("emg ~ time + I(time**2) + (1|subject)", data)
    linear, square = curved.fixed_effects["estimate"].iloc[1:]
    at_two = curved.slopes("time", at={"time": [2.0]})["slope"][0]
    assert at_two == pytest.approx(linear + 4 * square, rel=1e-6)


def test_transformed_columns_are_evaluated_like_the_data(data: pd.DataFrame) -> None:
    plain = fit_mixed(
        "emg ~ emotion*time + (1|subject)", data.assign(time=data["time"] - data["time"].mean())
    )
    centred = fit_mixed("emg ~ emotion*center(time) + (1|subject)", data)
    np.testing.assert_allclose(centred.fixed_effects, plain.fixed_effects, rtol=1e-7)
    pd.testing.assert_frame_equal(centred.slopes("time", ["emotion"]), plain.slopes("time", ["emotion"]))


def test_contrasts_are_tested_like_coefficients(fit: MixedFit) -> None:
    weights = pd.DataFrame(np.eye(12)[[1, 4]], index=["emotion", "time"])
    np.testing.assert_allclose(fit.contrasts(weights), fit.fixed_effects.iloc[[1, 4]])
    with pytest.raises(ValueError, match="12 weights"):
        fit.contrasts(np.eye(3))


def test_double_bar_is_one_bracket_per_column(data: pd.DataFrame) -> None:
    short = fit_mixed("emg ~ time + (time||subject)", data)
    long = fit_mixed("emg ~ time + (1|subject) + (0 + time|subject)", data)
    assert_same(short, long, rtol=1e-9)
    assert all(row == () for row in short.random_effects["correlations"])


def test_nested_groups_are_combinations(data: pd.DataFrame) -> None:
    nested = fit_mixed("emg ~ time + (1|subject/face)", data)
    combined = data.assign(both=data["subject"].astype(str) + "_" + data["face"].astype(str))
    named = fit_mixed("emg ~ time + (1|subject) + (1|both)", combined)
    assert nested.n_groups == {"subject": 24, "subject:face": 144}
    assert_same(nested, named, rtol=1e-8)


def test_numbers_inside_of_c_are_levels(data: pd.DataFrame) -> None:
    coded = fit_mixed("emg ~ emotion*C(time) + (1|subject)", data)
    named = fit_mixed("emg ~ emotion*time + (1|subject)", data.assign(time=data["time"].map("t{}".format)))
    np.testing.assert_allclose(coded.anova(), named.anova(), rtol=1e-7)
    np.testing.assert_allclose(coded.means(["time"])["mean"], named.means(["time"])["mean"])
    assert list(coded.anova().index) == ["emotion", "C(time)", "emotion:C(time)"]


def test_group_effects_are_shrunken_means() -> None:
    rng = np.random.default_rng(5)
    groups = np.repeat(np.arange(30), 8)
    table = pd.DataFrame({"g": groups, "y": 2 + rng.normal(0, 1, 30)[groups] + rng.normal(0, 1, 240)})
    fit = fit_mixed("y ~ 1 + (1|g)", table)
    variance, residual = fit.random_effects["sd"].to_numpy() ** 2
    raw = table.groupby("g")["y"].mean() - table["y"].mean()
    shrunken = raw * variance / (variance + residual / 8)
    np.testing.assert_allclose(fit.group_effects("g")["(Intercept)"], shrunken, rtol=1e-8)
    np.testing.assert_allclose(fit.fitted() + fit.residuals(), table["y"])
    np.testing.assert_allclose(fit.fitted(), table["y"].mean() + shrunken.to_numpy()[groups])
    with pytest.raises(ValueError, match="no grouping factor 'h'"):
        fit.group_effects("h")


def test_refit_equals_a_fit_from_the_beginning(fit: MixedFit, data: pd.DataFrame) -> None:
    other = study(np.random.default_rng(12))["emg"].to_numpy()
    assert_same(fit.refit(other), fit_mixed(FORMULA, data.assign(emg=other)), rtol=1e-5)
    assert_same(fit.refit(reml=False), fit_mixed(FORMULA, data, reml=False), rtol=1e-5)
    with pytest.raises(ValueError, match="one per row"):
        fit.refit(other[:-1])


def test_likelihood_ratio_refits_by_maximum_likelihood(data: pd.DataFrame) -> None:
    large = fit_mixed("emg ~ emotion*time + (1|subject)", data)
    small = fit_mixed("emg ~ emotion + time + (1|subject)", data)
    table = likelihood_ratio(large, small)
    expected = small.refit(reml=False).criterion - large.refit(reml=False).criterion
    assert list(table.index) == [small.formula, large.formula]
    assert table["chi2"].iloc[1] == pytest.approx(expected)
    assert table["df"].iloc[1] == 1
    assert 0 < table["p"].iloc[1] < 0.01


def test_likelihood_ratio_of_random_effects_keeps_reml(data: pd.DataFrame) -> None:
    large = fit_mixed("emg ~ time + (time|subject)", data)
    small = fit_mixed("emg ~ time + (1|subject)", data)
    table = likelihood_ratio(small, large)
    assert table["chi2"].iloc[1] == pytest.approx(small.criterion - large.criterion)
    assert table["df"].iloc[1] == 2


def test_incomparable_models_are_refused(data: pd.DataFrame) -> None:
    fit = fit_mixed("emg ~ time + (1|subject)", data)
    with pytest.raises(ValueError, match="equally many parameters"):
        likelihood_ratio(fit, fit_mixed("emg ~ emotion + (1|subject)", data))
    with pytest.raises(ValueError, match="is not contained"):
        likelihood_ratio(fit, fit_mixed("emg ~ drug + (1|face)", data))
    with pytest.raises(ValueError, match="different observations"):
        likelihood_ratio(fit, fit_mixed("emg ~ emotion*time + (1|subject)", data.iloc[10:]))


def test_singular_fit_is_named(data: pd.DataFrame) -> None:
    standardised = data.assign(emg=data["emg"] - data.groupby("subject")["emg"].transform("mean"))
    fit = fit_mixed("emg ~ emotion + (1|subject) + (1|face)", standardised)
    assert fit.singular
    assert fit.converged
    assert fit.random_effects["sd"][0] == 0
    assert any("(Intercept) of subject has no variance" in warning for warning in fit.warnings)
    correlated = fit_mixed("emg ~ emotion + (emotion|subject) + (1|face)", standardised)
    assert correlated.singular
    assert correlated.converged
    assert any("of subject" in warning for warning in correlated.warnings)
    assert not any("of face" in warning for warning in correlated.warnings)


def test_missing_rows_are_left_out_and_counted(data: pd.DataFrame) -> None:
    holes = data.copy()
    holes.loc[[3, 10], "emg"] = np.nan
    holes["drug"] = holes["drug"].astype(object)
    holes.loc[20, "drug"] = None
    fit = fit_mixed("emg ~ drug*emotion + (1|subject)", holes)
    assert (fit.n_observations, fit.n_dropped) == (len(data) - 3, 3)
    assert "3 of 1440 rows left out" in fit.warnings[0]
    assert "emg: 2" in fit.warnings[0]
    assert_same(fit, fit_mixed("emg ~ drug*emotion + (1|subject)", data.drop([3, 10, 20])), rtol=1e-9)
    assert_same(fit.refit(holes["emg"].to_numpy()), fit)


def test_types_of_columns(data: pd.DataFrame) -> None:
    plain = fit_mixed("emg ~ emotion*time + (1|subject)", data)
    odd = data.rename(columns={"emg": "log emg"}).assign(
        time=data["time"].astype("Int64"),
        subject=pd.Categorical(data["subject"], categories=range(100)),
        emotion=pd.Categorical(data["emotion"], categories=["AngryToHappy", "HappyToAngry", "other"]),
    )
    fit = fit_mixed("`log emg` ~ emotion*time + (1|subject)", odd)
    assert_same(fit, plain)
    as_truth = fit_mixed(
        "emg ~ happy*time + (1|subject)", data.assign(happy=data["emotion"] == "HappyToAngry")
    )
    np.testing.assert_allclose(as_truth.anova(), plain.anova(), rtol=1e-6)


def test_empty_cell_is_named_and_its_slope_is_unknown(data: pd.DataFrame) -> None:
    holes = data[(data["drug"] != "placebo") | (data["emotion"] == "AngryToHappy")]
    fit = fit_mixed("emg ~ emotion*drug*time + (1|subject)", holes)
    assert len(fit.fixed_effects) == 10
    assert any("rank-deficient" in warning for warning in fit.warnings)
    assert any("HappyToAngry x placebo" in warning for warning in fit.warnings)
    slopes = fit.slopes("time", by=["emotion", "drug"]).set_index(["emotion", "drug"])
    assert np.isnan(slopes.loc[("HappyToAngry", "placebo"), "slope"])
    known = slopes.drop(("HappyToAngry", "placebo"))
    cell = holes[(holes["emotion"] == "HappyToAngry") & (holes["drug"] == "naltrexone")]
    assert known.notna().all(axis=None)
    assert known.loc[("HappyToAngry", "naltrexone"), "slope"] == pytest.approx(
        np.polyfit(cell["time"], cell["emg"], 1)[0], abs=1e-6
    )


def test_redundant_covariate_is_left_out(data: pd.DataFrame) -> None:
    doubled = fit_mixed("emg ~ time + later + (1|subject)", data.assign(later=2 * data["time"] + 1))
    assert list(doubled.fixed_effects.index) == ["(Intercept)", "time"]
    assert any("later" in warning for warning in doubled.warnings)
    assert np.isnan(doubled.slopes("later")["slope"][0])


def test_doubtful_models_are_warned_of(data: pd.DataFrame) -> None:
    between = fit_mixed("emg ~ drug + (drug|subject)", data)
    assert any("does not vary within any level of subject" in warning for warning in between.warnings)
    few = fit_mixed("emg ~ time + (1|face)", data[data["face"] < 3])
    assert any("face has only 3 levels" in warning for warning in few.warnings)
    outside = fit_mixed("emg ~ emotion*time + (1|subject)", data)
    assert any("time runs from 1 to 5" in warning for warning in outside.warnings)
    centred = fit_mixed("emg ~ emotion*time + (1|subject)", data.assign(time=data["time"] - 3))
    assert centred.warnings == []


@pytest.mark.parametrize(
    ("formula", "change", "message"),
    [
        ("emg ~ emotoin + (1|subject)", {}, "did you mean 'emotion'"),
        ("emg ~ emotion + (1|person)", {}, "no column 'person'"),
        ("emg ~ emotion + foo(time) + (1|subject)", {}, "foo"),
        ("emg ~ emotion + time * + (1|subject)", {}, "cannot read"),
        ("emg ~ emotion | time + (1|subject)", {}, "own brackets"),
        ("emotion ~ time + (1|subject)", {}, "not a category"),
        ("emg ~ 0 + (1|subject)", {}, "no column"),
        ("emg ~ emotion + (0|subject)", {}, "no column"),
        ("emg ~ emotion + (1|subject)", {"emg": 1.5}, "constant"),
        ("emg ~ emotion + (1|subject)", {"emg": np.nan}, "no row is complete"),
        ("emg ~ emotion + (1|subject)", {"emotion": "AngryToHappy"}, "only one level"),
        ("emg ~ time + (1|subject)", {"time": 1e150}, "another unit"),
        ("emg ~ time + offset(emotion) + (1|subject)", {}, "offset 'emotion' should be a number"),
        ("emg ~ emotion + (1|subject)", {"subject": 7}, "grouping factor 'subject' has only one level"),
        ("emg ~ emotion + (1|subject)", {"subject": range(1440)}, "too few for 1440 levels"),
        ("emg ~ emotion + (1|subject)", {"emg": [np.inf] + [0.1, 0.2, 0.3] * 479 + [0.4, 0.5]}, "infinite"),
        ("emg ~ log(time - 1) + (1|subject)", {}, "not a finite number"),
        ("emg ~ time + (1|subject)", {"time": pd.Timestamp("2024-01-01")}, "dates or times"),
        ("emg ~ time + (0 + later|subject)", {"later": 0.0}, "zero in every row"),
        ("emg ~ time + (1|subject) + (time|subject)", {}, "varies twice"),
        ("time ~ time + (1|subject)", {}, "without residual"),
    ],
)
def test_wrong_input_is_explained(
    formula: str, change: dict[str, object], message: str, data: pd.DataFrame
) -> None:
    with pytest.raises(ValueError, match=message):
        fit_mixed(formula, data.assign(**change))


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.zeros(1440), "1440 are not"),
        (np.ones(3), "1440 numbers"),
        ("emotion", "numeric column"),
        ("wieght", "no column 'wieght'"),
        (np.full(1440, np.inf), "infinite"),
    ],
)
def test_wrong_weights_are_explained(weights: object, message: str, data: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match=message):
        fit_mixed("emg ~ time + (1|subject)", data, weights=weights)  # type: ignore[arg-type]


def test_weights_are_numbers_of_trials() -> None:
    rng = np.random.default_rng(8)
    trials = pd.DataFrame({"g": rng.integers(0, 15, 900), "x": rng.integers(0, 4, 900)})
    trials["y"] = rng.normal(0, 1, 900) + rng.normal(0, 1, 15)[trials["g"]] + 0.2 * trials["x"]
    cells = trials.groupby(["g", "x"])["y"].agg(["mean", "size"]).reset_index()
    weighted = fit_mixed("mean ~ x + (x|g)", cells, weights="size")
    assert_same(weighted, fit_mixed("mean ~ x + (x|g)", cells, weights=cells["size"].to_numpy()), rtol=1e-9)
    single = fit_mixed("y ~ x + (x|g)", trials)
    np.testing.assert_allclose(
        weighted.fixed_effects["estimate"], single.fixed_effects["estimate"], rtol=2e-2
    )
    scaled = fit_mixed("mean ~ x + (x|g)", cells, weights=100.0 * cells["size"])
    np.testing.assert_allclose(scaled.fixed_effects, weighted.fixed_effects, rtol=1e-5)
    assert scaled.sigma == pytest.approx(10 * weighted.sigma, rel=1e-6)
    np.testing.assert_allclose(weighted.fitted() + weighted.residuals(), cells["mean"])


def test_offset_is_added_with_the_coefficient_one(data: pd.DataFrame) -> None:
    plain = fit_mixed("emg ~ time + (1|subject)", data.assign(emg=data["emg"] - 0.3 * data["time"]))
    fits = [
        fit_mixed("emg ~ time + offset(0.3 * time) + (1|subject)", data),
        fit_mixed("emg ~ time + (1|subject)", data, offset=0.3 * data["time"].to_numpy()),
        fit_mixed("emg ~ time + (1|subject)", data.assign(**{"a b": 0.3 * data["time"]}), offset="a b"),
    ]
    for fit in fits:
        assert_same(fit, plain, rtol=1e-8)
        np.testing.assert_allclose(fit.fitted(), plain.fitted() + 0.3 * data["time"])
        assert_same(fit.refit(reml=False), plain.refit(reml=False), rtol=1e-6)


def test_double_bar_keeps_the_levels_of_a_factor_together(data: pd.DataFrame) -> None:
    short = fit_mixed("emg ~ emotion*time + (emotion*time||subject)", data)
    apart = " + ".join(f"(0+{term}|subject)" for term in ("emotion", "time", "emotion:time"))
    long = fit_mixed(f"emg ~ emotion*time + (1|subject) + {apart}", data)
    assert_same(short, long, rtol=1e-6)
    assert any("stay correlated" in warning for warning in short.warnings)
    diagonal = fit_mixed("emg ~ emotion*time + diag(emotion*time|subject)", data)
    assert len(diagonal.random_effects) == 5
    assert all(row == () for row in diagonal.random_effects["correlations"])
    assert diagonal.criterion > short.criterion


def test_number_may_be_covariate_and_group(data: pd.DataFrame) -> None:
    fit = fit_mixed("emg ~ time + (1|time) + (1|subject)", data)
    named = fit_mixed("emg ~ time + (1|moment) + (1|subject)", data.assign(moment=data["time"]))
    assert list(fit.fixed_effects.index) == ["(Intercept)", "time"]
    assert fit.criterion == pytest.approx(named.criterion)


def test_dependent_random_effects_are_left_out(data: pd.DataFrame) -> None:
    plain = fit_mixed("emg ~ time + (time|subject)", data)
    doubled = fit_mixed("emg ~ time + (time + later|subject)", data.assign(later=2 * data["time"] + 1))
    assert_same(doubled, plain, rtol=1e-8)
    assert any("later" in warning for warning in doubled.warnings)
    np.testing.assert_allclose(doubled.predict(data.assign(later=0.0)), plain.predict(data), atol=1e-9)


def test_same_grouping_twice_is_named(data: pd.DataFrame) -> None:
    fit = fit_mixed("emg ~ time + (1|subject) + (1|person)", data.assign(person=data["subject"]))
    assert any("cannot tell some variances" in warning for warning in fit.warnings)


def test_response_without_residual_is_refused(data: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="random effects explain the response"):
        fit_mixed("emg ~ time + (1|subject)", data.assign(emg=np.sqrt(data["subject"]) + data["time"]))


def test_singular_optimum_with_rotated_valley_is_certified() -> None:
    rng = np.random.default_rng(49)
    table = study(rng, n_subjects=10)
    table["time"] += 2000
    e = np.where(table["emotion"] == "AngryToHappy", 1.0, -1.0)
    table["emg"] = 1e-6 * (
        rng.normal(0, 1, 10)[table["subject"]] * (1 + 0.3 * e) + rng.normal(0, 1, len(table))
    )
    fit = fit_mixed("emg ~ emotion*time + (emotion*time|subject) + (emotion|face)", table)
    assert fit.singular
    assert fit.converged
    centred = fit_mixed(fit.formula, table.assign(time=table["time"] - 2003))
    assert fit.criterion == pytest.approx(centred.criterion, abs=1e-6)


def test_too_small_tables_are_refused(data: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="too few"):
        fit_mixed("emg ~ time + (1|subject)", data.iloc[[0, 1, 60]].assign(subject=[1, 2, 3]))
    with pytest.raises(ValueError, match="DataFrame"):
        fit_mixed("emg ~ time + (1|subject)", {"emg": [1, 2]})  # type: ignore[arg-type]


def test_wrong_questions_to_a_fit_are_explained(fit: MixedFit) -> None:
    with pytest.raises(ValueError, match="is a factor"):
        fit.slopes("emotion")
    with pytest.raises(ValueError, match="not in the fixed effects"):
        fit.slopes("temperature")
    with pytest.raises(ValueError, match="'muscle' is not in the fixed effects"):
        fit.slopes("time", by=["muscle"])
    with pytest.raises(ValueError, match="at which values"):
        fit.means(by=["time"])
    assert list(fit.means(by=["time"], at={"time": [1, 5]})["time"]) == [1, 5]


def test_summary_says_it_all(fit: MixedFit) -> None:
    text = fit.summary()
    for part in ("fit by REML", FORMULA, "Residual", "obs: 1440, groups: subject, 24; face, 6"):
        assert part in text
    for part in ("emotion[S.AngryToHappy]:time", "Type III", "time runs from 1 to 5"):
        assert part in text
    assert f"{fit.criterion:.4f}" in text
    assert str(fit) == text
    assert len(repr(fit)) < 200


def test_fit_survives_pickling(fit: MixedFit) -> None:
    again = pickle.loads(pickle.dumps(fit))
    pd.testing.assert_frame_equal(again.anova(), fit.anova())
    pd.testing.assert_frame_equal(again.slopes("time", by="emotion"), fit.slopes("time", by=["emotion"]))


@pytest.mark.slow
def test_false_positive_rate_of_every_test_is_five_percent() -> None:
    rng = np.random.default_rng(2024)
    data = study(rng, n_subjects=30)
    fit = fit_mixed(FORMULA, data.assign(time=data["time"] - 3))
    sign = np.where(data["emotion"] == "AngryToHappy", 1.0, -1.0)
    time = data["time"].to_numpy() - 3
    rejected = []
    for _ in range(1000):
        personal = rng.normal(0, [0.1, 0.05, 0.02, 0.02], (30, 4))[data["subject"]]
        response = personal[:, 0] + sign * personal[:, 1] + time * (personal[:, 2] + sign * personal[:, 3])
        response += rng.normal(0, 0.05, 6)[data["face"]] + rng.normal(0, 0.15, len(data))
        rejected.append(fit.refit(response).anova()["p"] < 0.05)
    rates = pd.DataFrame(rejected).mean()
    assert rates.between(0.03, 0.07).all(), rates
