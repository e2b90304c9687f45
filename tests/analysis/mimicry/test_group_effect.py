"""Mimicry in a mixed model, its differences between groups, and what the data exclude."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from analysis.mimicry.conclusions import group_answer, mimicry_answer, times_answer
from analysis.mimicry.group_effect import GroupEffect, judge_group
from analysis.mimicry.group_tables import equivalence_table, group_differences_table, mimicry_table
from analysis.mimicry.mimicry_contrasts import comparisons
from analysis.mimicry.model_fit import ModelResult, fit_plan
from analysis.mimicry.model_plan import plan_emg_model
from analysis.mimicry.parameters import recommended
from hardware.simulated import effects
from hardware.simulated.windows import simulate_windows

DIRECTIONS = ("AngryToHappy", "HappyToAngry")


def model_of(windows: pd.DataFrame, muscle: str = "zygomaticus") -> ModelResult:
    plan = plan_emg_model(
        windows[windows["muscle"] == muscle], time_origin_window=3.0, window_s=1.0, contrasts="sum"
    )
    return fit_plan(plan, name=muscle, other_origin_s=-3.0)


def simulated(n_participants: int = 24, **settings) -> pd.DataFrame:
    truth = effects.paper(group_factors=settings.pop("group_factors", None))
    return simulate_windows(
        truth, n_participants=n_participants, n_faces=6, rng=np.random.default_rng(5), **settings
    )


@pytest.fixture(scope="module")
def model() -> ModelResult:
    return model_of(simulated())


@pytest.fixture(scope="module")
def effect(model: ModelResult) -> GroupEffect:
    parameters = dataclasses.replace(recommended(), sensitivity_simulations=20)
    return judge_group(model, parameters=parameters, simulate=True, progress=False)


def test_mimicry_is_the_difference_between_the_slopes_of_the_directions(
    model: ModelResult, effect: GroupEffect
) -> None:
    slopes = model.slopes.set_index(["group", "emotion"])["slope"]
    for row in effect.mimicry.to_dict("records"):
        expected = slopes[row["group"], "AngryToHappy"] - slopes[row["group"], "HappyToAngry"]
        assert row["estimate"] == pytest.approx(expected)
        assert row["lower"] < row["estimate"] < row["upper"]
    overall = effect.mimicry.iloc[0]
    assert overall["group"] == "all"
    assert overall["t"] ** 2 == pytest.approx(model.anova.set_index("term").loc["emotion:time", "F"])


def test_groups_differ_by_the_difference_of_their_mimicry(effect: GroupEffect) -> None:
    size = effect.mimicry.set_index("group")["estimate"]
    assert effect.differences[["group_1", "group_2"]].values.tolist() == [["A", "B"], ["A", "C"], ["B", "C"]]
    for row in effect.differences.to_dict("records"):
        assert row["estimate"] == pytest.approx(size[row["group_1"]] - size[row["group_2"]])
        assert row["excluded"] == pytest.approx(max(abs(row["lower_90"]), abs(row["upper_90"])))
        assert (row["p_equivalence"] < 0.05) == (row["excluded"] < row["bound"])
        assert row["detectable"] > row["se"]
    assert effect.decisive == "emotion:group:time"


def test_the_corrugator_is_predicted_the_other_way_round() -> None:
    found = judge_group(
        model_of(simulated(), "corrugator"), parameters=recommended(), simulate=False, progress=False
    )
    row = found.mimicry.iloc[0]
    assert (row["first"], row["second"]) == ("HappyToAngry", "AngryToHappy")
    assert row["estimate"] > 0
    assert "detectable" not in found.differences


def test_a_group_without_mimicry_is_found_and_said() -> None:
    windows = simulated(n_participants=60, groups=("A", "B"), group_factors={"B": 0.0})
    found = judge_group(
        model_of(windows, "corrugator"), parameters=recommended(), simulate=False, progress=False
    )
    answer = group_answer(found, alpha=0.05, power=0.8)
    assert answer is not None and answer.answer == "yes"
    assert found.differences["estimate"].iloc[0] > 0
    assert found.differences["bf01"].iloc[0] < 1 / 3


def test_wide_bounds_are_reached_and_narrow_ones_are_not(model: ModelResult) -> None:
    def verdicts(bound: float) -> set[str]:
        parameters = dataclasses.replace(recommended(), equivalence_log_per_s=bound)
        return set(
            judge_group(model, parameters=parameters, simulate=False, progress=False).differences["verdict"]
        )

    assert verdicts(1.0) == {"equivalent"}
    assert verdicts(0.001) == {"inconclusive"}


def test_without_groups_there_is_mimicry_alone() -> None:
    found = judge_group(
        model_of(simulated(groups=("A",))), parameters=recommended(), simulate=True, progress=False
    )
    assert not found.has_groups
    assert found.mimicry["group"].tolist() == ["all"]
    assert group_answer(found, alpha=0.05, power=0.8) is None
    assert [answer.answer for answer in mimicry_answer(found)] == ["yes"]


def test_one_direction_alone_is_compared_with_nothing() -> None:
    windows = simulated()
    found = judge_group(
        model_of(windows[windows["emotion"] == "AngryToHappy"]),
        parameters=recommended(),
        simulate=False,
        progress=False,
    )
    assert found.mimicry["second"].unique().tolist() == [""]
    assert found.decisive == "group:time"
    assert mimicry_answer(found) == []


def test_static_emotions_are_compared_by_their_means() -> None:
    windows = simulated().replace({"emotion": {"AngryToHappy": "happy", "HappyToAngry": "angry"}})
    fitted = model_of(windows)
    found = judge_group(fitted, parameters=recommended(), simulate=False, progress=False)
    means = fitted.means.set_index("emotion")["mean"]
    assert found.mimicry["measure"].unique().tolist() == ["mean"]
    assert found.mimicry["estimate"].iloc[0] == pytest.approx(means["happy"] - means["angry"])
    assert (found.differences["bound"] == recommended().equivalence_log).all()
    assert found.decisive == "emotion:group"


def test_too_many_emotions_without_a_prediction_are_left_alone() -> None:
    assert comparisons(["a", "b", "c", "d"], muscle="frontalis", has_time=True) == []
    assert len(comparisons(["a", "b", "c"], muscle="frontalis", has_time=True)) == 3


def test_answers_say_how_sure_they_are(effect: GroupEffect) -> None:
    answer = group_answer(effect, alpha=0.05, power=0.8)
    assert answer is not None and answer.answer.startswith("none found")
    for words in ("emotion × group × time, F(2,", "equivalence within ±0.0200 log units/s", "90 % intervals"):
        assert words in answer.evidence
    assert "with a power of 80 %" in answer.evidence
    row = effect.mimicry.iloc[[0]].assign(p=0.2)
    unsure = dataclasses.replace(effect, mimicry=row)
    assert mimicry_answer(unsure)[0].answer == "not shown: inconclusive"
    opposite = dataclasses.replace(effect, mimicry=row.assign(p=0.001, estimate=-0.02))
    assert mimicry_answer(opposite)[0].answer == "no: the opposite was found"


def test_no_difference_in_response_times_is_said_with_its_tests(model: ModelResult) -> None:
    tests = pd.DataFrame(
        {"term": ["emotion", "group"], "num_df": 1, "den_df": 9.0, "F": 1.0, "p": [0.01, 0.3]}
    )
    answer = times_answer(dataclasses.replace(model, anova=tests))
    assert answer is not None
    assert answer.answer == "no difference found" and answer.evidence.startswith("group, F(1, 9)")
    assert times_answer(dataclasses.replace(model, anova=tests.iloc[:1])) is None


def test_tables_of_the_report_hold_every_pair(effect: GroupEffect) -> None:
    assert len(mimicry_table([effect]).data) == 4
    assert group_differences_table([effect]).data["groups"].tolist() == ["A - B", "A - C", "B - C"]
    table = equivalence_table([effect], alpha=0.05, power=0.8)
    assert table.columns["detectable"].unit == "log units/s"
    assert "±0.02000 log units/s" in table.caption
