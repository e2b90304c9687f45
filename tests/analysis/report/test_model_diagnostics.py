"""Diagnostic figures of mixed models show what the tables say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.models.influence import leave_one_out
from analysis.models.mixed import MixedFit, fit_mixed
from analysis.report.drawing import save_png, svg_text
from analysis.report.model_diagnostics import draw_influence, draw_random_effects, draw_residuals

FORMULA = "y ~ emotion*time + (time|subject) + (1|face)"


def study(n_subjects: int = 20, n_trials: int = 12) -> pd.DataFrame:
    rng = np.random.default_rng(9)
    table = pd.DataFrame(
        {
            "subject": np.repeat(np.arange(n_subjects), n_trials * 5),
            "face": np.tile(np.repeat(np.arange(n_trials) % 4, 5), n_subjects),
            "time": np.tile(np.arange(5) - 2.0, n_subjects * n_trials),
            "emotion": np.tile(np.repeat(["angry", "happy"], 5), n_subjects * n_trials // 2),
        }
    )
    slope = rng.normal(0, 0.2, n_subjects)
    slope[3] += 3  # somebody unlike the others
    table["y"] = rng.normal(0, 0.5, n_subjects)[table["subject"]] + slope[table["subject"]] * table["time"]
    return table.assign(y=table["y"] + rng.normal(0, 0.5, len(table)))


@pytest.fixture(scope="module")
def fit() -> MixedFit:
    return fit_mixed(FORMULA, study())


@pytest.fixture(scope="module")
def influence(fit: MixedFit) -> pd.DataFrame:
    return leave_one_out(fit, study(), "subject", progress=False)


def test_residuals_of_few_and_many(fit: MixedFit, tmp_path: Path) -> None:
    few = draw_residuals(fit)
    assert [panel.get_title() for panel in few.axes] == ["Residuals", "Normal quantiles", "Spread"]
    save_png(few, tmp_path / "residuals.png", dots_per_inch=60)
    assert (tmp_path / "residuals.png").stat().st_size > 5000
    many = draw_residuals(fit_mixed(FORMULA, study(60, 24)))
    assert len(svg_text(many)) < 1_500_000  # hexagons and quantiles, not 7200 points thrice
    points = many.axes[1].lines[-1].get_ydata()
    residual = fit_mixed(FORMULA, study(60, 24)).residuals()
    assert len(points) < 500
    assert np.ptp(points) * fit.sigma == pytest.approx(np.ptp(residual), rel=0.05)


def test_random_effects_have_a_row_each(fit: MixedFit) -> None:
    figure = draw_random_effects(fit)
    assert len(figure.axes) == 6
    assert [panel.get_ylabel() for panel in figure.axes[::2]] == [
        "(Intercept)\nby subject",
        "time\nby subject",
        "(Intercept)\nby face",
    ]
    assert len(draw_random_effects(fit, ["face"]).axes) == 2
    with pytest.raises(ValueError, match="no grouping factor 'drug'"):
        draw_random_effects(fit, ["drug"])


def test_effects_without_variance_are_said_to_have_none() -> None:
    data = study()
    rng = np.random.default_rng(0)
    data["y"] = rng.normal(size=len(data))
    data["y"] -= data.groupby("face")["y"].transform("mean")
    figure = draw_random_effects(fit_mixed("y ~ time + (1|face)", data))
    assert figure.axes[1].texts[0].get_text() == "no variance"


def test_leaving_out_is_fitting_the_rest(fit: MixedFit, influence: pd.DataFrame) -> None:
    data = study()
    rest = fit_mixed(FORMULA, data[data["subject"] != 3])
    rows = influence[influence["subject"] == 3].set_index("term")
    np.testing.assert_allclose(rows["estimate"], rest.fixed_effects["estimate"], rtol=1e-6)
    time = influence[influence["term"] == "time"].set_index("subject")["change_in_se"]
    assert time.abs().idxmax() == 3
    change = rest.fixed_effects.loc["time", "estimate"] - fit.fixed_effects.loc["time", "estimate"]
    assert time[3] == pytest.approx(change / fit.fixed_effects.loc["time", "se"], rel=1e-6)


def test_influence_names_the_one_who_differs(influence: pd.DataFrame) -> None:
    figure = draw_influence(influence, ["time"])
    assert "3" in [text.get_text() for text in figure.axes[0].texts]
    assert "one subject" in figure.axes[0].get_xlabel()
    with pytest.raises(ValueError, match="no fixed effect 'drug'"):
        draw_influence(influence, ["drug"])


def test_a_level_that_the_model_needs_gives_nan() -> None:
    data = study(6)
    data["drug"] = np.where(data["subject"] == 0, "naltrexone", "placebo")
    fit = fit_mixed("y ~ drug + time + (1|subject)", data)
    table = leave_one_out(fit, data, "subject", progress=False)
    assert table[table["subject"] == 0]["estimate"].isna().all()
    assert table[table["subject"] != 0]["estimate"].notna().all()
    draw_influence(table)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"group": "participant"}, "no column 'participant'"),
        ({"group": "subject", "terms": ["drug"]}, "no fixed effect 'drug'"),
    ],
)
def test_wrong_input(options: dict, message: str, fit: MixedFit) -> None:
    with pytest.raises(ValueError, match=message):
        leave_one_out(fit, study(), **options, progress=False)


def test_other_data_are_refused(fit: MixedFit) -> None:
    with pytest.raises(ValueError, match="give the same"):
        leave_one_out(fit, study(5), "subject", progress=False)
