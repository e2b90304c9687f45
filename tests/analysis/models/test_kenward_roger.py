"""Kenward and Roger's tests against their definition with dense matrices, and what they refuse."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.models import kenward_roger
from analysis.models.mixed import MixedFit, fit_mixed


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    rng = np.random.default_rng(9)
    n = 90
    table = pd.DataFrame({"g": rng.integers(0, 9, n), "h": rng.integers(0, 6, n), "x": rng.normal(0, 1, n)})
    table["f"] = rng.choice(["a", "b", "c"], n)
    table["w"] = rng.uniform(0.5, 2, n)
    effects = rng.normal(0, 1, (9, 2))[table["g"]]
    table["y"] = rng.normal(0, 1, n) + effects[:, 0] + effects[:, 1] * table["x"]
    return table.assign(y=table["y"] + rng.normal(0, 1, 6)[table["h"]])


def by_definition(fit: MixedFit, data: pd.DataFrame, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the adjusted covariance and the t degrees of freedom, with n x n matrices."""
    x = fit._model.fixed.matrix
    parts = [np.diag(1 / weights)]
    values = [fit.sigma**2]
    z = np.column_stack([np.ones(len(data)), data["x"]])
    same = (data["g"].to_numpy()[:, None] == data["g"].to_numpy()).astype(float)
    sd = fit.random_effects["sd"].to_numpy()
    correlation = fit.random_effects["correlations"].iloc[1][0]
    parts += [same * np.outer(z[:, 0], z[:, 0]), same * np.outer(z[:, 1], z[:, 1])]
    parts += [same * (np.outer(z[:, 0], z[:, 1]) + np.outer(z[:, 1], z[:, 0]))]
    values += [sd[0] ** 2, sd[1] ** 2, correlation * sd[0] * sd[1]]
    parts += [(data["h"].to_numpy()[:, None] == data["h"].to_numpy()).astype(float)]
    values += [sd[2] ** 2]
    inverse = np.linalg.inv(sum(value * part for value, part in zip(values, parts, strict=True)))
    phi = np.linalg.inv(x.T @ inverse @ x)
    p = [-x.T @ inverse @ part @ inverse @ x for part in parts]
    r = range(len(parts))
    q = [[x.T @ inverse @ parts[i] @ inverse @ parts[j] @ inverse @ x for j in r] for i in r]
    information = np.array(
        [
            [
                np.trace(inverse @ parts[i] @ inverse @ parts[j])
                - 2 * np.trace(phi @ q[i][j])
                + np.trace(phi @ p[i] @ phi @ p[j])
                for j in r
            ]
            for i in r
        ]
    )
    w = 2 * np.linalg.inv(information)
    correction = sum(w[i, j] * (q[i][j] - p[i] @ phi @ p[j]) for i in r for j in r)
    degrees = []
    for k in range(len(phi)):
        slopes = np.array([(phi @ p[i] @ phi)[k, k] for i in r])
        degrees.append(2 * phi[k, k] ** 2 / (slopes @ w @ slopes))
    return phi + 2 * phi @ correction @ phi, np.array(degrees)


@pytest.mark.parametrize("weighted", [False, True])
def test_adjusted_covariance_and_df_follow_their_definition(weighted: bool, data: pd.DataFrame) -> None:
    weights = data["w"].to_numpy() if weighted else np.ones(len(data))
    fit = fit_mixed("y ~ f + x + (x|g) + (1|h)", data, weights=weights)
    assert not fit.singular
    covariance, degrees = by_definition(fit, data, weights)
    table = fit.coefficients(ddf="kenward-roger")
    np.testing.assert_allclose(table["se"], np.sqrt(np.diag(covariance)), rtol=1e-6)
    np.testing.assert_allclose(table["df"], degrees, rtol=1e-6)
    assert (table["se"] > fit.fixed_effects["se"]).all()


def test_f_test_of_one_contrast_is_the_squared_t_test(data: pd.DataFrame) -> None:
    fit = fit_mixed("y ~ f + x + (x|g) + (1|h)", data)
    t, f = fit.coefficients(ddf="kenward-roger").loc["x"], fit.anova(ddf="kenward-roger").loc["x"]
    assert f["F"] == pytest.approx(t["t"] ** 2)
    assert f["den_df"] == pytest.approx(t["df"])
    assert f["p"] == pytest.approx(t["p"])


def test_slopes_means_and_contrasts_take_the_method(data: pd.DataFrame) -> None:
    fit = fit_mixed("y ~ f*x + (x|g) + (1|h)", data)
    for table in (
        fit.slopes("x", ["f"], ddf="kenward-roger"),
        fit.means(["f"], ddf="kenward-roger"),
        fit.contrasts(np.eye(6), ddf="kenward-roger"),
        fit.mean_contrasts("f", ddf="kenward-roger"),
    ):
        assert table.notna().all(axis=None)
    plain, adjusted = fit.means(["f"]), fit.means(["f"], ddf="kenward-roger")
    np.testing.assert_allclose(plain["mean"], adjusted["mean"])
    assert (adjusted["se"] > plain["se"]).all()


def test_balanced_design_gives_the_classical_analysis() -> None:
    rng = np.random.default_rng(5)
    table = pd.DataFrame([(s, f) for s in range(12) for f in "abc"], columns=["s", "f"])
    table["y"] = rng.normal(0, 1, 12)[table["s"]] + rng.normal(0, 1, 36)
    result = fit_mixed("y ~ f + (1|s)", table).anova(ddf="kenward-roger").loc["f"]
    wide = table.pivot(index="s", columns="f", values="y").to_numpy()
    residual = wide - wide.mean(axis=1, keepdims=True) - wide.mean(axis=0) + wide.mean()
    f = 12 * np.var(wide.mean(axis=0), ddof=1) / (np.sum(residual**2) / 22)
    assert result["den_df"] == pytest.approx(22, rel=1e-6)
    assert result["F"] == pytest.approx(f, rel=1e-6)


def test_what_cannot_be_tested_is_explained(data: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    fit = fit_mixed("y ~ f + (1|g)", data)
    with pytest.raises(ValueError, match="refit"):
        fit.refit(reml=False).anova(ddf="kenward-roger")
    with pytest.raises(ValueError, match="'satterthwaite' or 'kenward-roger'"):
        fit.anova(ddf="Kenward")  # type: ignore[arg-type]
    monkeypatch.setattr(kenward_roger, "_MOST_EFFECTS", 5)
    with pytest.raises(ValueError, match="too much memory for 9 random effects"):
        fit.anova(ddf="kenward-roger")
