"""Means of the emotions and their differences, on data whose answers are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.mimicry import model_tables
from analysis.mimicry.emotion_contrasts import emotion_means, holm
from analysis.mimicry.model_fit import ModelResult, fit_plan
from analysis.mimicry.model_plan import Contrasts, plan_emg_model
from analysis.mimicry.sentences import mimicry_answers, muscle_summary, pairs_text
from analysis.models.mixed import fit_mixed

STATIC = {"angry": -0.2, "happy": 0.4, "neutral": 0.0}


def windows(
    levels: dict[str, float],
    *,
    n_participants: int = 12,
    groups: str = "AAB",
    noise: float = 0.1,
    rise: float = 0.0,
) -> pd.DataFrame:
    """Make trials with these means, and further ones by emotion and participant."""
    rng = np.random.default_rng(4)
    table = pd.DataFrame(
        [
            (f"{p:02d}", groups[p % len(groups)], emotion, trial, window)
            for p in range(n_participants)
            for emotion in levels
            for trial in range(4)
            for window in range(1, 6)
        ],
        columns=["participant", "group", "emotion", "trial", "window"],
    )
    person = rng.normal(0, 0.1, (n_participants, len(levels)))
    own = person[table["participant"].astype(int), table["emotion"].map(list(levels).index)]
    change = rise * (table["window"] - 3) * table["emotion"].map(levels)
    emg = table["emotion"].map(levels) + change + own + rng.normal(0, noise, len(table))
    return table.assign(emg=emg, face=None)


def fitted(
    levels: dict[str, float],
    *,
    name: str = "zygomaticus",
    origin: float = 3.0,
    contrasts: Contrasts = "sum",
    **settings: Any,
) -> ModelResult:
    data = windows(levels, **settings)
    plan = plan_emg_model(data, time_origin_window=origin, window_s=1.0, contrasts=contrasts)
    return fit_plan(plan, name=name, other_origin_s=3.0 if origin == 0 else -3.0)


def test_with_one_group_and_balanced_trials_a_difference_is_the_paired_t_test() -> None:
    data = windows(STATIC, groups="A")
    fit = fit_mixed("emg ~ emotion + (emotion|participant)", data)
    means, differences = emotion_means(fit, data, at={})
    cells = data.groupby(["participant", "emotion"])["emg"].mean().unstack()
    assert means["mean"].tolist() == pytest.approx(cells.mean().tolist(), abs=1e-6)
    for row in differences.to_dict(orient="records"):
        test = stats.ttest_rel(cells[row["first"]], cells[row["second"]])
        limits = test.confidence_interval()
        assert row["t"] == pytest.approx(test.statistic, rel=1e-3)
        assert row["df"] == pytest.approx(11, rel=1e-3)
        assert [row["lower"], row["upper"]] == pytest.approx([limits.low, limits.high], rel=1e-2)


def test_groups_count_equally_and_the_coding_does_not_matter() -> None:
    sums, treatment = (fitted(STATIC, contrasts=coding) for coding in ("sum", "treatment"))
    data = windows(STATIC)
    cells = data.groupby(["group", "emotion"])["emg"].mean().unstack().mean()
    for result in (sums, treatment):
        assert result.means["mean"].tolist() == pytest.approx(cells.tolist(), abs=1e-3)
        assert result.differences["difference"].iloc[0] == pytest.approx(
            cells["angry"] - cells["happy"], abs=1e-3
        )
    assert sums.differences["t"].tolist() == pytest.approx(treatment.differences["t"].tolist(), rel=1e-3)


@pytest.mark.parametrize("origin", [3.0, 0.0, 2.0])
def test_means_and_the_test_of_emotion_are_in_the_middle_wherever_time_is_zero(origin: float) -> None:
    centred, other = fitted(STATIC, rise=0.2), fitted(STATIC, rise=0.2, origin=origin)
    assert other.means["mean"].tolist() == pytest.approx(centred.means["mean"].tolist(), abs=1e-4)
    expected = centred.anova.set_index("term").loc["emotion", "F"]
    assert other.anova_middle.set_index("term").loc["emotion", "F"] == pytest.approx(expected, rel=1e-2)
    assert f"F(2, 10) = {expected:.1f}" in muscle_summary(other)[0]


def test_one_pair_has_the_p_value_of_the_main_effect() -> None:
    result = fitted({"AngryToHappy": 0.1, "HappyToAngry": 0.0})
    p = result.anova.set_index("term").loc["emotion", "p"]
    assert result.differences[["p", "p_holm"]].iloc[0].tolist() == pytest.approx([p, p], rel=1e-3)


def test_holm_against_the_definition() -> None:
    assert holm(np.array([0.01, 0.02, 0.03, 0.5])).tolist() == pytest.approx([0.04, 0.06, 0.06, 0.5])
    assert holm(np.array([0.5, 0.9])).tolist() == [1.0, 1.0]
    assert holm(np.array([])).size == 0


def test_one_emotion_has_neither_means_nor_answer() -> None:
    result = fitted({"happy": 0.1})
    assert result.means.empty and result.differences.empty
    assert mimicry_answers(result) == []
    assert len(muscle_summary(result)) == 1
    assert "time, F(" in muscle_summary(result)[0]


@pytest.mark.parametrize(
    ("name", "levels", "noise", "expected"),
    [
        ("zygomaticus", STATIC, 0.1, ["zygomaticus major to happy than to angry faces. This was found"]),
        ("corrugator", STATIC, 0.1, ["corrugator supercilii to angry than to happy faces. The opposite was"]),
        (
            "zygomaticus",
            {"AngryToHappy": 0.4, "HappyToAngry": -0.2},
            0.1,
            ["in videos from angry to happy than from happy to angry. This was found"],
        ),
        ("zygomaticus", {"Angry": 0.0, "Happy": 0.0}, 3.0, ["remain possible"]),
        ("zygomaticus", {"fear": 0.0, "happy": 0.5}, 0.1, []),
        ("frontalis", STATIC, 0.1, []),
    ],
)
def test_the_prediction_is_answered_with_numbers(
    name: str, levels: dict[str, float], noise: float, expected: list[str]
) -> None:
    answers = mimicry_answers(fitted(levels, name=name, noise=noise))
    assert len(answers) == len(expected)
    for answer, words in zip(answers, expected, strict=True):
        assert words in answer
        assert "95 % CI" in answer and "p " in answer


def test_the_difference_is_written_in_the_predicted_order() -> None:
    assert "difference = 0." in mimicry_answers(fitted(STATIC))[0]
    assert "difference = −0." in mimicry_answers(fitted(STATIC, name="corrugator"))[0]


def with_p(p: float, p_holm: float) -> ModelResult:
    row = {"first": "angry", "second": "happy", "difference": -0.2, "se": 0.1, "df": 11.0, "t": -2.0}
    differences = pd.DataFrame([{**row, "p": p, "p_holm": p_holm, "lower": -0.4, "upper": 0.0}])
    means = pd.DataFrame({"emotion": ["angry", "happy"]})
    return ModelResult(
        name="zygomaticus", formula="", left_out=(), refusal="", means=means, differences=differences
    )


def test_what_only_the_correction_takes_away_is_said_and_no_test_is_no_answer() -> None:
    assert "found before, but not after, the correction" in mimicry_answers(with_p(0.03, 0.09))[0]
    assert "found: difference = 0.2000" in mimicry_answers(with_p(0.01, 0.03))[0]
    assert "no test of it" in mimicry_answers(with_p(np.nan, np.nan))[0]


def test_other_pairs_are_listed_unless_they_are_two_directions_or_too_many() -> None:
    text = pairs_text(fitted(STATIC))
    assert text.startswith("Other pairs of emotions: angry minus neutral, difference = ")
    assert "angry minus happy" not in text
    assert pairs_text(fitted({"AngryToHappy": 0.4, "HappyToAngry": -0.2})) == ""
    assert pairs_text(fitted({"NeutralToFear": 0.4, "FearToNeutral": -0.2})) == ""
    assert pairs_text(fitted({"fear": 0.4, "sad": -0.2})).startswith("Pairs of emotions: fear minus sad")
    assert pairs_text(fitted(dict.fromkeys("abcde", 0.0), n_participants=4, groups="A")) == ""


def test_the_tables_speak_of_directions_only_where_there_are_some() -> None:
    for levels, noun in ((STATIC, "emotion"), ({"AngryToHappy": 0.4, "HappyToAngry": -0.2}, "direction")):
        result = fitted(levels)
        made = [
            model_tables.means_table(result, title="T"),
            model_tables.differences_table(result, title="T"),
            model_tables.slopes_table(result, title="T"),
        ]
        other = {"emotion": "direction", "direction": "emotion"}[noun]
        for table in made:
            assert noun in table.caption
            assert other not in table.caption
        assert made[0].columns["emotion"].heading == noun.capitalize()
