"""How long the paper's mixed model takes on data of the paper's size, beside R's lmerTest and statsmodels.

Run with ``python tests/benchmarks/bench_mixed.py``. Both sides start from the same data frame, use one
thread, and end with the table of tests (Satterthwaite): fit_mixed, anova and summary; lmer, anova, summary.
A refit starts from a fitted model and a new response, as in a bootstrap or a power simulation, and ends with
the table of tests as well. CPU seconds are what compares on a busy machine.

lmer's default optimizer stops early, so its criterion is a little higher. After lme4's refit lmerTest still
takes degrees of freedom from the first response, so that only its time compares.

R is found on the path. On Debian or Ubuntu: ``apt install r-base-core r-cran-lmertest``; elsewhere install R
and run ``Rscript -e 'install.packages("lmerTest")'``. One fit takes R half a minute to a minute.

statsmodels fits one grouping factor only, without the faces and without degrees of freedom: the smaller model
is what it can do, so its time flatters it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"  # before numpy is imported, and for R

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from analysis.models.mixed import MixedFit, fit_mixed  # noqa: E402

FORMULA = "log_emg ~ emotion*drug*time + (emotion*time|subject) + (1|face)"
SLOPES = {"zygomaticus": (0.0187, -0.0226), "corrugator": (-0.0275, 0.0123)}
"""Slopes per second in angry-to-happy and happy-to-angry trials (the paper's Results)."""
R_IS_ABSENT = (
    "R with lmerTest is not installed, so there is nothing to compare with. Debian, Ubuntu: "
    "apt install r-base-core r-cran-lmertest; elsewhere: install R from https://cran.r-project.org, then "
    "Rscript -e 'install.packages(\"lmerTest\")'"
)


class Timed(NamedTuple):
    """What an action took, and the test that it ended with."""

    what: str
    cpu_s: float
    wall_s: float
    criterion: float
    f: float
    den_df: float


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
    return data.assign(log_emg=response(data, muscle, rng), again=response(data, muscle, rng))


def response(data: pd.DataFrame, muscle: str, rng: np.random.Generator) -> np.ndarray:
    """Draw a response with the paper's slopes and about its variances."""
    level = rng.normal(0, 0.11, (130, 2))[data["subject"], data["direction"]]
    slope = np.array(SLOPES[muscle])[data["direction"]]
    slope += rng.normal(0, 0.035, (130, 2))[data["subject"], data["direction"]]
    trial = np.repeat(rng.normal(0, 0.14, len(data) // 5), 5)
    face = rng.normal(0, 0.012, 12)[data["face"]]
    noise = rng.normal(0, 0.14, len(data))
    return (level + slope * data["time"] + trial + face + noise).to_numpy()


def timed(what: str, action: Callable[[], MixedFit]) -> Timed:
    """Time an action that ends with a table of tests."""
    cpu, wall = time.process_time(), time.perf_counter()
    fit = action()
    table = fit.anova()
    if what == "fit":
        fit.summary()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    row = table.loc["emotion:time"]
    return Timed(what, cpu, wall, fit.criterion, row["F"], row["den_df"])


def here(data: pd.DataFrame, repetitions: int) -> list[Timed]:
    """Time this suite: the first fit of the process, then medians."""
    rows = [timed("fit", lambda: fit_mixed(FORMULA, data))._replace(what="first fit")]
    rows.append(median([timed("fit", lambda: fit_mixed(FORMULA, data)) for _ in range(repetitions)]))
    fit, again = fit_mixed(FORMULA, data), data["again"].to_numpy()
    rows.append(median([timed("refit", lambda: fit.refit(again)) for _ in range(repetitions)]))
    return rows


def median(rows: list[Timed]) -> Timed:
    """Return the last row with the median times."""
    cpu, wall = (statistics.median(getattr(row, name) for row in rows) for name in ("cpu_s", "wall_s"))
    return rows[-1]._replace(cpu_s=cpu, wall_s=wall)


def lmertest(data: pd.DataFrame) -> tuple[list[Timed], str]:
    """Time lmerTest, if R has it, and return its versions; raises FileNotFoundError if not."""
    program = shutil.which("Rscript")
    asked = "quit(status = !requireNamespace('lmerTest', quietly = TRUE))"
    if program is None or subprocess.run([program, "-e", asked], capture_output=True).returncode:
        raise FileNotFoundError(R_IS_ABSENT)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.csv"
        data.to_csv(path, index=False)
        script = Path(__file__).with_suffix(".R")
        answer = subprocess.run([program, str(script), str(path)], capture_output=True, text=True)
    if answer.returncode:
        raise RuntimeError(f"lmerTest failed: {answer.stderr.strip()}")
    lines = [line.split() for line in answer.stdout.splitlines() if line.strip()]
    rows = [Timed(line[0], *map(float, line[1:])) for line in lines if line[0] in {"fit", "refit"}]
    return rows, " ".join(next(line[1:] for line in lines if line[0] == "versions"))


def statsmodels_seconds(data: pd.DataFrame) -> float:
    """Time what statsmodels can fit of the model, in CPU seconds."""
    from statsmodels.regression.mixed_linear_model import MixedLM

    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        formula = "log_emg ~ C(emotion, Sum)*C(drug, Sum)*time"
        slopes = "~ C(emotion, Sum)*time"
        MixedLM.from_formula(formula, data, groups="subject", re_formula=slopes).fit(reml=True)
    return time.process_time() - start


def compared(ours: list[Timed], theirs: list[Timed]) -> pd.DataFrame:
    """Put both side by side, with ratios."""
    peer = {row.what: row for row in theirs}
    rows = []
    for row in ours:
        other = peer.get(row.what.removeprefix("first "))
        record = {"": row.what, "CPU s": row.cpu_s, "wall s": row.wall_s, "REML": f"{row.criterion:.6f}"}
        record["F(emotion:time)"] = f"{row.f:.4f}, {row.den_df:.2f}"
        if other:
            record |= {"lmerTest CPU s": other.cpu_s, "lmerTest wall s": other.wall_s}
            record |= {"CPU ratio": other.cpu_s / row.cpu_s, "wall ratio": other.wall_s / row.wall_s}
            record["lmerTest REML"] = f"{other.criterion:.6f}"
            record["lmerTest F"] = f"{other.f:.4f}, {other.den_df:.2f}"
        rows.append(record)
    return pd.DataFrame(rows)


def main() -> None:
    """Print a table of times."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repetitions", type=int, default=7, help="of everything but R's fits (default 7)")
    parser.add_argument("--muscle", choices=[*SLOPES, "both"], default="zygomaticus")
    parser.add_argument("--without-r", action="store_true", help="leave lmerTest out")
    parser.add_argument("--without-statsmodels", action="store_true", help="leave statsmodels out")
    options = parser.parse_args()
    rng = np.random.default_rng(2023)
    for muscle in SLOPES if options.muscle == "both" else [options.muscle]:
        data = simulated(muscle, rng)
        print(f"{muscle}: {len(data)} rows, 130 subjects, 12 faces; {FORMULA}")
        ours, theirs, versions = here(data, options.repetitions), [], ""
        if not options.without_r:
            try:
                theirs, versions = lmertest(data)
            except FileNotFoundError as error:
                print(error)
        print(compared(ours, theirs).round(3).T.to_string(header=False))
        if versions:
            print(f"({versions}; one thread each; wall times depend on what else the machine does)")
        if not options.without_statsmodels:
            print(f"statsmodels, without faces and tests: {statsmodels_seconds(data):.1f} CPU s")


if __name__ == "__main__":
    main()
