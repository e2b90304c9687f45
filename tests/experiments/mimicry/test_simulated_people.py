"""What simulated participants answer is plausible, and the same in every group."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from experiments.mimicry.simulated.people import mood_answers, session_answers
from experiments.mimicry.simulated.study import DRUGS


@pytest.fixture(scope="module")
def answers() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    people = [session_answers(rng, sex="FM"[i % 2], drugs=DRUGS) for i in range(600)]
    return pd.DataFrame(people).join(pd.DataFrame([mood_answers(rng) for _ in range(600)]))


def test_means_are_near_those_of_table_1(answers: pd.DataFrame) -> None:
    assert answers["bmi"].mean() == pytest.approx(22.6, abs=0.4)
    assert answers["minutes_since_pill"].mean() / 60 == pytest.approx(4.2, abs=0.05)
    change = answers["positive_affect_t1"] - answers["positive_affect_t2"]
    assert change.mean() == pytest.approx(3.7, abs=0.6) and change.std() == pytest.approx(4.5, abs=0.6)
    assert answers["nausea_t1"].mean() == pytest.approx(1.02, abs=0.03)
    assert answers["nausea_t2"].mean() == pytest.approx(1.1, abs=0.06)
    assert (answers["guess"] == "placebo").mean() == pytest.approx(0.49, abs=0.06)


def test_numbers_agree_with_each_other_and_stay_in_range(answers: pd.DataFrame) -> None:
    computed = answers["weight_kg"] / (answers["height_cm"] / 100) ** 2
    assert (answers["bmi"] - computed).abs().max() <= 0.051
    clock = {
        name: answers[name].str.split(":").map(lambda t: 60 * int(t[0]) + int(t[1]))
        for name in ("pill_time", "task_start")
    }
    assert (clock["task_start"] - clock["pill_time"] == answers["minutes_since_pill"]).all()
    moods = answers.filter(like="_affect_")
    assert moods.min().min() >= 10 and moods.max().max() <= 50
    assert (answers["minutes_since_pill_t1"] < 0).all()


def test_the_same_seed_answers_the_same() -> None:
    first, second = (session_answers(np.random.default_rng(3), sex="F", drugs=DRUGS) for _ in range(2))
    assert first == second
    assert mood_answers(np.random.default_rng(3)) == mood_answers(np.random.default_rng(3))
