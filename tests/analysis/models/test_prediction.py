"""Predictions, simulations and shares of variance against their definitions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.models.mixed import MixedFit, fit_mixed

FORMULA = "y ~ drug*center(x) + (x|subject) + (1|subject:session) + (1|item)"


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    rng = np.random.default_rng(21)
    table = pd.DataFrame(
        [(s, v, i) for s in range(15) for v in range(2) for i in range(8)],
        columns=["subject", "session", "item"],
    )
    table["subject"] = table["subject"].map("s{:02d}".format)
    number = table["subject"].str[1:].astype(int)
    table["drug"] = np.array(["a", "b", "c"])[number % 3]
    table["x"] = rng.normal(3, 1, len(table))
    slopes = rng.normal(0, [1.0, 0.5], (15, 2))[number]
    table["y"] = slopes[:, 0] + (0.5 + slopes[:, 1]) * table["x"] + rng.normal(0, 0.7, 8)[table["item"]]
    table["y"] += rng.normal(0, 0.5, (15, 2))[number, table["session"]] + rng.normal(0, 1, len(table))
    return table


@pytest.fixture(scope="module")
def fit(data: pd.DataFrame) -> MixedFit:
    return fit_mixed(FORMULA, data)


def test_predictions_of_the_data_are_the_fitted_values(fit: MixedFit, data: pd.DataFrame) -> None:
    np.testing.assert_allclose(fit.predict(data), fit.fitted(), atol=1e-10)
    shuffled = data.sample(frac=1.0, random_state=1).drop(columns="y")
    np.testing.assert_allclose(fit.predict(shuffled), fit.fitted()[shuffled.index], atol=1e-10)


def test_one_row_is_predicted_as_among_many(fit: MixedFit, data: pd.DataFrame) -> None:
    assert fit.predict(data.iloc[[17]])[0] == pytest.approx(fit.fitted()[17])


def test_average_group_has_no_random_effect(fit: MixedFit, data: pd.DataFrame) -> None:
    new = data.iloc[:40].assign(subject="stranger", item=99)
    average = fit.predict(new, random=False)
    np.testing.assert_allclose(fit.predict(new, new_levels="zero"), average)
    np.testing.assert_allclose(
        fit.predict(new.drop(columns=["subject", "item", "session"]), random=False), average
    )
    known = fit.predict(new.assign(item=data["item"].iloc[:40]), new_levels="zero") - average
    items = fit.group_effects("item")["(Intercept)"]
    np.testing.assert_allclose(known, items.loc[data["item"].iloc[:40]])


def test_missing_values_give_no_prediction(fit: MixedFit, data: pd.DataFrame) -> None:
    holes = data.iloc[:5].copy()
    holes.loc[holes.index[1], "x"] = np.nan
    holes.loc[holes.index[3], "subject"] = None
    predicted = fit.predict(holes)
    np.testing.assert_array_equal(np.isnan(predicted), [False, True, False, True, False])
    assert np.isnan(fit.predict(holes, random=False)).tolist() == [False, True, False, False, False]


def test_offset_belongs_to_the_prediction(data: pd.DataFrame) -> None:
    fit = fit_mixed("y ~ drug + offset(2 * x) + (1|subject)", data)
    np.testing.assert_allclose(fit.predict(data), fit.fitted())
    moved = fit.predict(data.assign(x=data["x"] + 1))
    np.testing.assert_allclose(moved - fit.predict(data), 2.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"subject": "stranger"}, "subject has levels that the model does not know: 'stranger'"),
        ({"session": 7}, "subject:session has levels"),
        ({"drug": "d"}, "'drug' has levels that the model does not know: 'd'; it knows 'a', 'b', 'c'"),
        ({"x": "much"}, "should be numeric"),
        ({"x": np.inf}, "infinite"),
    ],
)
def test_unknown_levels_are_explained(
    change: dict[str, object], message: str, fit: MixedFit, data: pd.DataFrame
) -> None:
    with pytest.raises(ValueError, match=message):
        fit.predict(data.iloc[:3].assign(**change))


def test_wrong_questions_are_explained(fit: MixedFit, data: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="no column 'item'"):
        fit.predict(data.drop(columns="item"))
    with pytest.raises(ValueError, match="new_levels"):
        fit.predict(data, new_levels="ignore")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="DataFrame"):
        fit.predict([1, 2])  # type: ignore[arg-type]


def test_simulated_data_have_the_covariance_of_the_model(data: pd.DataFrame) -> None:
    small = data.iloc[:48].assign(w=np.linspace(0.5, 3, 48))
    fit = fit_mixed("y ~ x + offset(x) + (x|subject) + (1|item)", small, weights="w")
    simulated = fit.simulate(40_000, rng=np.random.default_rng(3))
    assert simulated.shape == (40_000, 48)
    np.testing.assert_allclose(simulated.mean(axis=0), fit.predict(small, random=False), atol=0.1)
    design = {"subject": np.column_stack([np.ones(48), small["x"]]), "item": np.ones((48, 1))}
    expected = np.diag(fit.sigma**2 / small["w"].to_numpy())
    for group, columns in design.items():
        rows = fit.random_effects[fit.random_effects["group"] == group]
        sd = rows["sd"].to_numpy()
        correlation = np.eye(len(sd))
        if len(sd) == 2:
            correlation[0, 1] = correlation[1, 0] = rows["correlations"].iloc[1][0]
        same = small[group].to_numpy()[:, None] == small[group].to_numpy()
        expected += same * (columns @ (correlation * np.outer(sd, sd)) @ columns.T)
    error = np.cov(simulated.T) - expected
    assert np.abs(error).max() < 0.05 * np.diag(expected).max()


def test_simulation_repeats_with_its_seed(fit: MixedFit) -> None:
    first, second = (fit.simulate(2, rng=np.random.default_rng(1)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert fit.refit(first[0]).converged


def test_shares_of_variance_add_up(fit: MixedFit, data: pd.DataFrame) -> None:
    shares = fit.r2().iloc[0]
    total = shares["var_fixed"] + shares["var_random"] + shares["var_residual"]
    assert shares["marginal"] == pytest.approx(np.var(fit.predict(data, random=False), ddof=1) / total)
    assert shares["conditional"] == pytest.approx(1 - fit.sigma**2 / total)
    icc = fit.intraclass_correlation
    assert list(icc.index) == ["subject", "subject:session", "item"]
    assert icc.sum() == pytest.approx(shares["var_random"] / (total - shares["var_fixed"]))


def test_intraclass_correlation_of_one_factor(data: pd.DataFrame) -> None:
    fit = fit_mixed("y ~ 1 + (1|subject)", data)
    variance, residual = fit.random_effects["sd"].to_numpy() ** 2
    assert fit.intraclass_correlation["subject"] == pytest.approx(variance / (variance + residual))
    assert fit.r2()["marginal"][0] == pytest.approx(0, abs=1e-12)
