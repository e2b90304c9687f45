"""Runs the chains of the asymptotic regression in a process of their own.

A process of its own keeps JAX's threads, precision and devices out of the calling program: it does not matter
whether that has JAX loaded, forks other processes, or guards its main module.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from analysis.models.asymptotic_data import AsymptoticData
from analysis.models.asymptotic_likelihood import CellStatistics
from analysis.workers import available_cores

ROOT = Path(__file__).resolve().parents[2]

MISSING = (
    "the Bayesian asymptotic regression needs NumPyro, which is not installed here; install it with\n"
    '    pip install "countenance[bayes]"\n'
    "or start the program through run.py, which installs it"
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Chains:
    """What the sampler returns for one data set."""

    draws: dict[str, np.ndarray]
    """(n_chains, n_draws, ...): a, c, sigma, c_subject, and sd_ and factor_ of a, b and c."""
    statistics: dict[str, np.ndarray]
    """(n_chains, n_draws): diverging, n_steps, acceptance, energy, step_size."""
    cpu_s: float
    """Processor time of the process, compilation included; shared by data sets that were run together."""
    wall_s: float
    """Elapsed time."""


def check_installed() -> None:
    """Raise ImportError, with what to do, if NumPyro or JAX is not installed."""
    if any(importlib.util.find_spec(name) is None for name in ("jax", "numpyro")):
        raise ImportError(MISSING)


def run_chains(
    datasets: Sequence[AsymptoticData],
    *,
    n_groups_a: int,
    n_groups_c: int,
    formula: str,
    priors: dict[str, float],
    chains: int,
    warmup: int,
    draws: int,
    max_draws: int,
    seed: int,
    target_accept: float,
    max_tree_depth: int,
    progress: bool,
    label: str = "posterior",
) -> list[Chains]:
    """Sample the posterior of one or more data sets of the same shape and groups.

    Parameters
    ----------
    datasets : sequence of AsymptoticData
        Several are compiled once and run side by side.
    n_groups_a, n_groups_c : int
        Number of groups that have their own asymptotes and rates; 1 if they share them.
    formula, priors
        See `analysis.models.asymptotic.fit_asymptotic`.
    chains, warmup, draws : int
        Number of chains, iterations of adaptation and draws kept, per chain.
    seed : int
        The same seed gives the same draws on the same machine.
    target_accept : float
        Mean acceptance that the step size is adapted to.
    max_tree_depth : int
        A trajectory has at most 2^max_tree_depth - 1 steps.
    progress : bool
        Show a progress bar (on stderr).
    label : str
        Words in front of the bar.

    Returns
    -------
    list of Chains
        One per data set.

    Raises
    ------
    ImportError
        If NumPyro is not installed.
    RuntimeError
        If the sampler stopped; with its last words.
    """
    check_installed()
    settings = {
        "n_groups_a": n_groups_a,
        "n_groups_c": n_groups_c,
        "formula": formula,
        "priors": priors,
        "chains": chains,
        "warmup": warmup,
        "draws": draws,
        "max_draws": max_draws if len(datasets) == 1 else draws,
        "seed": seed,
        "target_accept": target_accept,
        "max_tree_depth": max_tree_depth,
        "n_values": float(datasets[0].n_values.sum()),
    }
    lanes = min(len(datasets) * chains, max(chains, available_cores()))
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="countenance-") as name:
        folder = Path(name)
        _write_task(folder, datasets, settings)
        total = len(datasets) * chains * (warmup + draws)
        _run_worker(folder, lanes=lanes, total=total, progress=progress, label=label)
        with np.load(folder / "draws.npz") as arrays:
            result = {key: arrays[key] for key in arrays.files}
    wall_s = time.perf_counter() - begin
    cpu_s = float(result.pop("cpu_s"))
    names = ("diverging", "n_steps", "acceptance", "energy", "step_size")
    return [
        Chains(
            draws={key: value[i] for key, value in result.items() if key not in names},
            statistics={key: result[key][i] for key in names},
            cpu_s=cpu_s,
            wall_s=wall_s,
        )
        for i in range(len(datasets))
    ]


def _write_task(folder: Path, datasets: Sequence[AsymptoticData], settings: dict[str, Any]) -> None:
    statistics = [CellStatistics.of(data) for data in datasets]
    arrays: dict[str, Any] = {
        name: np.stack([getattr(one, name) for one in statistics]) for name in CellStatistics._fields[:-1]
    }
    np.savez(folder / "task.npz", time=datasets[0].time, group=datasets[0].group, **arrays)
    (folder / "settings.json").write_text(json.dumps(settings), encoding="utf-8")


def _environment(lanes: int) -> dict[str, str]:
    """One thread per chain, double precision, the processor even where there is a graphics card."""
    return {
        **os.environ,
        "XLA_FLAGS": f"--xla_force_host_platform_device_count={lanes} "
        "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
        "JAX_ENABLE_X64": "true",
        "JAX_PLATFORMS": "cpu",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "PYTHONIOENCODING": "utf-8",
        "PYTHONWARNINGS": "ignore",
    }


def _run_worker(folder: Path, *, lanes: int, total: int, progress: bool, label: str) -> None:
    """Run the worker to its end, showing its progress."""
    command = [sys.executable, "-m", "analysis.models.asymptotic_worker", str(folder)]
    with (
        (folder / "errors.txt").open("w", encoding="utf-8") as errors,
        tqdm(total=total, desc=label, unit="it", disable=not progress) as bar,
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            encoding="utf-8",
            env=_environment(lanes),
        ) as worker,
    ):
        try:
            assert worker.stdout is not None
            for line in worker.stdout:
                done = line.split()
                if len(done) == 2 and done[0].isdigit():
                    bar.total = int(done[1])
                    bar.update(int(done[0]) - bar.n)
            code = worker.wait()
        finally:
            worker.kill()
    if code != 0:
        last_words = (folder / "errors.txt").read_text(encoding="utf-8", errors="replace")[-2000:]
        raise RuntimeError(
            f"the sampler of the asymptotic regression stopped with status {code}:\n{last_words}"
        )
