"""What simulated participants answer is plausible, and the same in every group."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.dataset.tables import read_table
from experiments.mimicry.parameters import SessionParameters
from experiments.mimicry.simulated import paper_videos
from experiments.mimicry.simulated.people import mood_answers, session_answers
from experiments.mimicry.simulated.study import DRUGS, simulate_study
from hardware.settings import RigSettings


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


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulated(tmp_path_factory.mktemp("people") / "study")


def simulated(folder: Path) -> Path:
    """Simulate three participants of four trials."""
    done = simulate_study(
        folder,
        n_participants=3,
        seed=12,
        videos=paper_videos(),
        stimulus_set={"set": "test", "n_videos": 24},
        parameters=SessionParameters(),
        rig=RigSettings(),
        language="en",
        null=False,
        n_trials=4,
    )
    assert list(done) == ["001", "002", "003"]
    return folder


def test_a_simulated_study_says_what_its_participants_answered(study: Path, tmp_path: Path) -> None:
    rows = {name: read_table(study / "phenotype" / f"{name}.tsv") for name in ("panas", "session")}
    for table in rows.values():
        assert [row["participant_id"] for row in table] == ["sub-001", "sub-002", "sub-003"]
        assert all(value != "n/a" for row in table for value in row.values())
    assert {row["guess"] for row in rows["session"]} <= set(DRUGS)
    for name in rows:
        assert json.loads((study / "phenotype" / f"{name}.json").read_text("utf-8"))["simulated"] is True
    again = simulated(tmp_path / "again") / "phenotype"
    for name in rows:
        assert (again / f"{name}.tsv").read_bytes() == (study / "phenotype" / f"{name}.tsv").read_bytes()


@pytest.mark.skipif(os.name == "nt", reason="the validator is tried where the tests of the dataset run")
def test_a_simulated_study_is_valid(study: Path) -> None:
    validator = shutil.which("bids-validator-deno", path=str(Path(sys.executable).parent))
    if validator is None:
        absent = pytest.fail if os.environ.get("CI") else pytest.skip
        absent("bids-validator-deno is not installed")
    checked = subprocess.run([validator, str(study), "--json"], capture_output=True, text=True)
    issues = json.loads(checked.stdout)["issues"]["issues"]
    assert [issue for issue in issues if issue["severity"] == "error"] == []
