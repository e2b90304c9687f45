"""The mixed model of the paper where the data can carry it, and less where they cannot, with the reason."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.mimicry.model_fit import fit_plan
from analysis.mimicry.model_plan import ModelPlan, plan_emg_model, plan_response_model

PAPER = "emg ~ emotion*group*time + (emotion*time|participant) + (1|face)"


def trials(
    n_participants: int = 12, *, groups: str = "AB", n_faces: int = 4, emotions: tuple[str, ...] = ("a", "h")
) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    rows = [
        (
            f"{p:02d}",
            groups[p % len(groups)] if groups else None,
            emotion,
            f"f{f}" if n_faces else None,
            window,
        )
        for p in range(n_participants)
        for emotion in emotions
        for f in range(max(n_faces, 3))
        for window in range(1, 6)
    ]
    table = pd.DataFrame(rows, columns=["participant", "group", "emotion", "face", "window"])
    person = pd.Series(rng.normal(0, 0.1, n_participants))[table["participant"].astype(int)].to_numpy()
    rise = np.where(table["emotion"] == emotions[-1], 0.03, -0.02) * table["window"]
    return table.assign(emg=rise + person + rng.normal(0, 0.1, len(table)), trial=1, muscle="zygomaticus")


def plan(data: pd.DataFrame) -> ModelPlan:
    return plan_emg_model(data, time_origin_window=3.0, window_s=1.0, contrasts="sum")


def test_the_paper_s_model_where_nothing_is_missing() -> None:
    planned = plan(trials())
    assert planned.formula == PAPER
    assert planned.left_out == ()
    assert sorted(planned.data["time"].unique()) == [-2, -1, 0, 1, 2]


@pytest.mark.parametrize(
    ("data", "formula", "reason"),
    [
        (trials(groups=""), PAPER.replace("*group", ""), "the study has no groups"),
        (trials(groups="A"), PAPER.replace("*group", ""), "only one group (A)"),
        (trials(12, groups="AAAAAAAAAAAB"), PAPER.replace("*group", ""), "fewer than 2 participants in B"),
        (trials(n_faces=0), PAPER.replace(" + (1|face)", ""), "no face is recorded"),
        (trials(emotions=("h",)), "emg ~ group*time + (time|participant) + (1|face)", "no factor emotion"),
        (
            trials(4),
            PAPER.replace("(emotion*time|part", "diag(emotion*time|part"),
            "4 participants are too few",
        ),
        (trials(2, groups=""), "emg ~ emotion*time + (1|participant) + (1|face)", "no random slopes"),
    ],
)
def test_what_the_data_cannot_carry_is_left_out_and_said(
    data: pd.DataFrame, formula: str, reason: str
) -> None:
    planned = plan(data)
    assert planned.formula == formula
    assert reason in " ".join(planned.left_out)


def test_one_participant_is_refused() -> None:
    planned = plan(trials(1, groups=""))
    assert planned.formula == ""
    assert "at least 2 participants" in planned.refusal
    assert not fit_plan(planned, name="zygomaticus").fitted


def test_participants_without_a_group_are_named() -> None:
    data = trials()
    data.loc[data["participant"] == "03", "group"] = None
    planned = plan(data)
    assert planned.formula == PAPER
    assert "not in the model: 03" in planned.left_out[0]
    assert "03" not in set(planned.data["participant"])


def test_treatment_contrasts_change_the_coefficients_and_not_the_tests() -> None:
    results = [
        fit_plan(
            plan_emg_model(trials(), time_origin_window=3.0, window_s=1.0, contrasts=contrasts),
            name="zygomaticus",
            other_origin_s=-3.0,
        )
        for contrasts in ("sum", "treatment")
    ]
    assert results[0].anova["term"].tolist() == results[1].anova["term"].tolist()
    assert results[0].anova["F"].tolist() == pytest.approx(results[1].anova["F"].tolist(), rel=1e-3)
    assert results[0].slopes["slope"].tolist() == pytest.approx(results[1].slopes["slope"].tolist(), rel=1e-3)
    assert results[0].fixed_effects["term"].tolist() != results[1].fixed_effects["term"].tolist()


def test_the_other_origin_changes_main_effects_and_not_interactions_with_time() -> None:
    result = fit_plan(plan(trials()), name="zygomaticus", other_origin_s=-3.0)
    here, there = result.anova.set_index("term")["F"], result.anova_other_origin.set_index("term")["F"]
    assert here["emotion:time"] == pytest.approx(there["emotion:time"], rel=1e-3)
    assert here["emotion"] > 2 * there["emotion"]


def test_slopes_are_per_second_whatever_the_window() -> None:
    data = trials()
    whole = fit_plan(plan(data), name="z").slopes["slope"]
    half = plan_emg_model(data, time_origin_window=3.0, window_s=0.5, contrasts="sum")
    assert fit_plan(half, name="z").slopes["slope"].tolist() == pytest.approx((2 * whole).tolist(), rel=1e-4)


def test_a_model_that_cannot_be_fitted_says_why() -> None:
    flat = trials().assign(emg=0.0)
    result = fit_plan(plan(flat), name="zygomaticus")
    assert not result.fitted
    assert "could not be fitted" in result.refusal


def test_response_times_have_slopes_by_face_only_where_faces_have_both_directions() -> None:
    data = trials().query("window == 1").rename(columns={"emg": "response_time"})
    assert plan_response_model(data, contrasts="sum").formula == (
        "response_time ~ emotion*group + (emotion|participant) + (emotion|face)"
    )
    videos = data.assign(face=data["face"] + data["emotion"])
    assert plan_response_model(videos, contrasts="sum").formula.endswith("(1|face)")
