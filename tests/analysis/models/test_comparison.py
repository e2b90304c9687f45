"""Comparisons of models: the table, its Monte-Carlo errors, and the words about it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.models.comparison import compare_models, judge, psis_loo, waic


@dataclass
class Regression:
    """Draws from the exact posterior of a linear regression with known residual sd of 1 and flat priors."""

    x: np.ndarray
    y: np.ndarray
    rng: np.random.Generator
    n_draws: int = 250

    def pointwise_log_likelihood(self) -> np.ndarray:
        inverse = np.linalg.inv(self.x.T @ self.x)
        mean = inverse @ self.x.T @ self.y
        coefficients = self.rng.multivariate_normal(mean, inverse, size=(4, self.n_draws))
        return stats.norm.logpdf(self.y, coefficients @ self.x.T, 1)

    def subject_log_likelihood(self) -> np.ndarray:
        """Each five observations in a row are one subject."""
        pointwise = self.pointwise_log_likelihood()
        return pointwise.reshape(*pointwise.shape[:2], -1, 5).sum(axis=3)


def regressions(slope: float, seed: int, *, n_draws: int = 250, n_units: int = 150) -> dict[str, Regression]:
    data, draws = np.random.default_rng(seed), np.random.default_rng(seed + 1000)
    x = np.column_stack([np.ones(n_units), data.normal(size=n_units)])
    y = x @ [0.3, slope] + data.normal(size=n_units)
    return {"slope": Regression(x, y, draws, n_draws), "flat": Regression(x[:, :1], y, draws, n_draws)}


def test_table_has_what_each_criterion_says_alone() -> None:
    models = {name: fit.pointwise_log_likelihood() for name, fit in regressions(0.2, 1).items()}
    table = compare_models(models)
    for name, draws in models.items():
        assert table.loc[name, "elpd_loo"] == pytest.approx(psis_loo(draws).elpd)
        assert table.loc[name, "elpd_waic"] == pytest.approx(waic(draws).elpd)
        assert table.loc[name, "p_loo"] == pytest.approx(psis_loo(draws).p)
    difference = psis_loo(models["flat"]).pointwise - psis_loo(models["slope"]).pointwise
    worse = table.loc["flat"]
    assert worse["diff_loo"] == pytest.approx(difference.sum())
    assert worse["se_diff_loo"] == pytest.approx(np.sqrt(150) * difference.std(ddof=1))
    odds = np.exp(difference.sum())
    assert worse["loo_weight"] == pytest.approx(odds / (1 + odds))
    for kind in ("akaike", "pseudo_bma", "stacking"):
        assert table[f"loo_{kind}"].sum() == pytest.approx(1)
    assert not [column for column in table if "participant" in column]


def test_fits_are_judged_by_participants() -> None:
    table = compare_models(regressions(0.6, 2))
    assert table.index[0] == "slope" and table["preferred"].tolist() == [True, False]
    assert table["diff_participant"].is_monotonic_decreasing
    assert table.loc["slope", "participant_weight"] == table.loc["slope", "participant_pseudo_bma"] > 0.95
    assert table.loc["slope", "loo_weight"] == table.loc["slope", "loo_akaike"]
    assert {"n_bad_k_participant", "n_bad_k", "n_bad_p", "elpd_waic", "waic_weight"} <= set(table.columns)
    judgement = judge(table)
    assert judgement.preferred == "slope" and judgement.clear and judgement.trustworthy
    assert "predicts new participants best" in judgement.sentences[0]
    assert "clearly worse" in judgement.sentences[1]


def test_a_small_difference_is_called_small() -> None:
    judgement = judge(compare_models(regressions(0.0, 3)))
    assert judgement.preferred == "flat"
    assert not judgement.clear and judgement.trustworthy
    assert "too small to tell" in judgement.sentences[1]


def test_monte_carlo_errors_are_the_scatter_over_other_chains() -> None:
    tables = []
    for seed in range(20):
        models = regressions(0.25, 5, n_draws=60, n_units=40)
        for offset, model in enumerate(models.values()):
            model.rng = np.random.default_rng(100 + 2 * seed + offset)
        tables.append(compare_models({name: m.pointwise_log_likelihood() for name, m in models.items()}))
    rows = pd.concat([table.loc[["flat"]] for table in tables])
    for criterion in ("loo", "waic"):
        assert rows[f"diff_{criterion}"].nunique() > 1
        claimed = np.sqrt(np.mean([t[f"mcse_diff_{criterion}"].max() ** 2 for t in tables]))
        flat_minus_slope = [
            t.loc["flat", f"elpd_{criterion}"] - t.loc["slope", f"elpd_{criterion}"] for t in tables
        ]
        assert claimed == pytest.approx(np.std(flat_minus_slope, ddof=1), rel=0.4)
        for kind in ("akaike", "pseudo_bma"):
            claimed = np.sqrt(np.mean(rows[f"{criterion}_{kind}_mcse"] ** 2))
            assert claimed == pytest.approx(rows[f"{criterion}_{kind}"].std(), rel=0.4)


def test_heavy_tails_and_unstable_weights_are_named() -> None:
    rng = np.random.default_rng(7)
    table = compare_models({name: -1 - rng.exponential(1.3, size=(4, 200, 30)) for name in ("one", "other")})
    judgement = judge(table)
    assert (table["n_bad_k"] > 15).all() and (table["n_bad_p"] == 30).all()
    assert not judgement.trustworthy
    words = " ".join(judgement.sentences)
    assert f"one: {table['n_bad_k']['one']}" in words
    assert "between halves of the draws" in words
    assert "Monte-Carlo error" in words


def test_light_tails_raise_no_caution() -> None:
    rng = np.random.default_rng(8)
    draws = {name: -level - rng.exponential(0.1, size=(4, 400, 30)) for name, level in (("a", 1), ("b", 1.5))}
    judgement = judge(compare_models(draws))
    assert judgement.trustworthy and len(judgement.sentences) == 2


def test_warnings_about_observations_do_not_spoil_the_judgement_by_participants() -> None:
    class Fit(Regression):
        def pointwise_log_likelihood(self) -> np.ndarray:
            return -self.rng.exponential(1.5, size=(4, self.n_draws, 150))

        def subject_log_likelihood(self) -> np.ndarray:
            return Regression(self.x, self.y, self.rng, self.n_draws).subject_log_likelihood()

    models = {name: Fit(fit.x, fit.y, fit.rng) for name, fit in regressions(0.6, 8).items()}
    judgement = judge(compare_models(models))
    assert judgement.trustworthy
    assert any(sentence.startswith("LOO of single observations") for sentence in judgement.sentences)


def test_the_same_seed_gives_the_same_table() -> None:
    models = {name: fit.pointwise_log_likelihood() for name, fit in regressions(0.2, 9).items()}
    pd.testing.assert_frame_equal(compare_models(models, seed=3), compare_models(models, seed=3))


def test_models_may_have_different_numbers_of_draws() -> None:
    models = {name: fit.pointwise_log_likelihood() for name, fit in regressions(0.6, 10).items()}
    models["flat"] = models["flat"][:2, :117]
    assert compare_models(models).index[0] == "slope"


def test_wrong_input_is_explained() -> None:
    draws = np.random.default_rng(1).normal(size=(4, 100, 5))
    with pytest.raises(ValueError, match="two models or more"):
        compare_models({"only": draws})
    with pytest.raises(ValueError, match=r"same data.*a: 5, b: 4"):
        compare_models({"a": draws, "b": draws[:, :, :4]})
    with pytest.raises(ValueError, match="not both at once"):
        compare_models({"a": draws, "b": regressions(0.0, 1)["flat"]})
    with pytest.raises(ValueError, match="'b' has fewer"):
        compare_models({"a": draws, "b": draws[:, :30]})
    with pytest.raises(ValueError, match=r"\(chain, draw, unit\)"):
        compare_models({"a": draws[0], "b": draws[0]})
    with pytest.raises(ValueError, match="not finite"):
        compare_models({"a": draws, "b": draws * np.nan})
