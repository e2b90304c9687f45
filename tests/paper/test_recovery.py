"""What was simulated is found again, and what was not simulated is not. Minutes long: run with --slow."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.models.mixed import fit_mixed
from hardware.simulated import effects as known
from hardware.simulated.windows import simulate_windows

ROOT = Path(__file__).resolve().parent.parent.parent
MUSCLES = ("corrugator", "zygomaticus")
DIRECTIONS = ("AngryToHappy", "HappyToAngry")


def run_suite(*arguments: str, cwd: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=cwd, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.fixture(scope="module")
def study_of_130(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recovery")
    run_suite(
        "experiments.mimicry", "study", "--simulate", "--participants", "130", "--seed", "2023", cwd=folder
    )
    run_suite("analysis.mimicry", "study", "--simulations", "50", cwd=folder)
    return folder / "study"


@pytest.mark.slow
@pytest.mark.parametrize("muscle", MUSCLES)
def test_slopes_of_130_simulated_participants_agree_with_the_truth(study_of_130: Path, muscle: str) -> None:
    truth = json.loads((study_of_130 / "sourcedata" / "simulation_truth.json").read_text("utf-8"))
    tables = study_of_130 / "derivatives" / "countenance" / "mimicry-recommended" / "tables"
    found = pd.read_csv(tables / f"slopes_{muscle}.tsv", sep="\t")
    for direction in DIRECTIONS:
        true_slope = np.mean(
            [w["slope"] for w in truth["windows"] if w["muscle"] == muscle and w["emotion"] == direction]
        )
        row = found[(found["emotion"] == direction) & (found["group"] == "all")].iloc[0]
        half_width = stats.t.ppf(0.975, row["df"]) * row["se"]
        print(f"{muscle} {direction}: true {true_slope:.4f}, found {row['slope']:.4f} +- {half_width:.4f}")
        assert abs(row["slope"] - true_slope) < half_width


@pytest.mark.slow
def test_the_report_concludes_what_the_paper_does(study_of_130: Path) -> None:
    """Mimicry in both muscles, no drug effect, and the model without the drug is preferred."""
    results = study_of_130 / "derivatives" / "countenance" / "mimicry-recommended" / "results.json"
    summary = json.loads(results.read_text("utf-8"))
    answers = {row["question"]: row["answer"] for row in summary["conclusions"]}
    for row in summary["conclusions"]:
        print(f"{row['question']} {row['answer']}: {row['evidence']}")
    for muscle in ("Zygomaticus major", "Corrugator supercilii"):
        assert answers[f"{muscle}: was there mimicry?"] == "yes"
        assert answers[f"{muscle}: does mimicry differ between groups?"].startswith(("none found", "no:"))
    assert summary["posterior"]["preferred"] == "no group"
    assert all(model["trustworthy"] for model in summary["posterior"]["models"].values())
    weights = pd.DataFrame(summary["posterior"]["comparison"]).set_index("model")
    for column in ("participant_pseudo_bma", "waic_akaike", "loo_akaike"):
        assert weights[column].sum() == pytest.approx(1.0)
    for row in summary["posterior"]["mimicry"]:
        assert row["lower"] > 0


@pytest.mark.slow
def test_without_mimicry_emotion_by_time_is_significant_in_five_percent_of_studies() -> None:
    """200 studies of 30, two muscles each; the bounds hold in 99.9 % of runs if the true rate is .05."""
    rng = np.random.default_rng(20230721)
    p_values = []
    for _ in range(200):
        windows = simulate_windows(known.none(), n_participants=30, rng=rng)
        windows["time"] = windows["window"] - 3.0
        for _, table in windows.groupby("muscle"):
            fit = fit_mixed("emg ~ emotion*group*time + (emotion*time|participant) + (1|face)", table)
            p_values.append(fit.anova().loc["emotion:time", "p"])
    rejected = int((np.array(p_values) < 0.05).sum())
    low, high = stats.binom.interval(0.999, len(p_values), 0.05)
    print(f"emotion x time: p < .05 in {rejected} of {len(p_values)} studies without an effect")
    assert low <= rejected <= high
    assert stats.kstest(p_values, "uniform").pvalue > 0.001
