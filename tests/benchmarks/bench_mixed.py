"""How long the paper's mixed model takes on data of the paper's size, beside statsmodels.

Run with ``python tests/benchmarks/bench_mixed.py``. statsmodels fits one grouping factor only, without the
faces and without degrees of freedom: the smaller model is what it can do, so its time flatters it.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from statsmodels.regression.mixed_linear_model import MixedLM

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from analysis.models.mixed import fit_mixed

FORMULA = "log_emg ~ emotion*drug*time + (emotion*time|subject) + (1|face)"
SLOPES = {"zygomaticus": (0.0187, -0.0226), "corrugator": (-0.0275, 0.0123)}
"""Slopes per second in angry-to-happy and happy-to-angry trials (the paper's Results)."""


def simulated(muscle: str, rng: np.random.Generator) -> pd.DataFrame:
    """Simulate 130 participants with 96 trials of five windows, of which 80 % are kept: about 50 000 rows."""
    subjects, faces, windows = np.arange(130), np.arange(12), np.arange(1, 6)
    trials = pd.MultiIndex.from_product([subjects, faces, [0, 1], range(4)]).to_frame(index=False)
    trials.columns = ["subject", "face", "direction", "repetition"]
    trials = trials[rng.random(len(trials)) < 0.804]
    data = trials.loc[trials.index.repeat(5)].reset_index(drop=True)
    data["time"] = np.tile(windows, len(trials)) - 3.0
    data["emotion"] = np.array(["AngryToHappy", "HappyToAngry"])[data["direction"]]
    data["drug"] = np.array(["amisulpride", "naltrexone", "placebo"])[data["subject"] % 3]
    level = rng.normal(0, 0.11, (130, 2))[data["subject"], data["direction"]]
    slope = np.array(SLOPES[muscle])[data["direction"]]
    slope += rng.normal(0, 0.035, (130, 2))[data["subject"], data["direction"]]
    trial = np.repeat(rng.normal(0, 0.14, len(trials)), 5)
    face = rng.normal(0, 0.012, 12)[data["face"]]
    data["log_emg"] = level + slope * data["time"] + trial + face + rng.normal(0, 0.14, len(data))
    return data


def seconds(action: Callable[[], object], repetitions: int) -> float:
    """Return the median time of an action."""
    times = []
    for _ in range(repetitions):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def peer(data: pd.DataFrame) -> None:
    """Fit what statsmodels can fit of the model."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        formula = "log_emg ~ C(emotion, Sum)*C(drug, Sum)*time"
        slopes = "~ C(emotion, Sum)*time"
        MixedLM.from_formula(formula, data, groups="subject", re_formula=slopes).fit(reml=True)


def main() -> None:
    """Print a table of times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--without-peer", action="store_true", help="leave statsmodels out")
    options = parser.parse_args()
    rng = np.random.default_rng(2023)
    rows = []
    for muscle in SLOPES:
        data = simulated(muscle, rng)
        fit = fit_mixed(FORMULA, data)
        responses = [fit.fitted() + rng.normal(0, fit.sigma, len(data)) for _ in range(options.repetitions)]
        remaining = iter(responses)
        row = {
            "muscle": muscle,
            "rows": len(data),
            "REML": fit.criterion,
            "fit and tests, s": seconds(
                lambda data=data: fit_mixed(FORMULA, data).anova(), options.repetitions
            ),
            "refit and tests, s": seconds(
                lambda fit=fit, remaining=remaining: fit.refit(next(remaining)).anova(), options.repetitions
            ),
        }
        if not options.without_peer:
            row["statsmodels without faces, s"] = seconds(lambda data=data: peer(data), 1)
        rows.append(row)
    print(pd.DataFrame(rows).round(3).to_string(index=False))


if __name__ == "__main__":
    main()
