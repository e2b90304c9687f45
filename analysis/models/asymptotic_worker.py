"""The sampler of the asymptotic regression, run as a process of its own by `asymptotic_sampler`.

``python -m analysis.models.asymptotic_worker FOLDER`` reads ``task.npz`` from the folder, prints how many
iterations are done after each block, and writes ``draws.npz``. JAX starts here with the threads and the
precision that this model wants, whatever the calling program does with JAX.

The joint density of rates, their standardised subject effects, standard deviations and correlations of all
subject effects and the residual standard deviation is sampled with NumPyro's No-U-Turn sampler. The groups'
asymptotes are integrated out of it and drawn from their normal distribution given the rest. The mass matrix
is dense for rates and standard deviations, diagonal for the many subject effects.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from jax.scipy.linalg import solve_triangular
from numpyro.distributions.transforms import CorrCholeskyTransform
from numpyro.infer.hmc import hmc

from analysis.models.asymptotic_judgement import MAX_RHAT, MIN_ESS
from analysis.models.asymptotic_likelihood import CellStatistics, Collapsed, collapsed_log_likelihood
from analysis.models.diagnostics import ess_bulk, ess_tail, rhat

BLOCK = 50
"""Iterations between two reports of progress."""

EFFECTS = ("a", "b", "c")

DENSE = ("c", "log_sd_a", "log_sd_b", "log_sd_c", "log_sigma")
"""Parameters whose posterior correlations the sampler learns."""

OTHER = ("angle_a", "angle_b", "angle_c", "z")
"""Parameters of which it learns the variances only."""

WARMUP_TREE_DEPTH = 8
"""Keeps trajectories short while step size and masses are not known yet."""


class Task(NamedTuple):
    """What is to be sampled."""

    datasets: CellStatistics
    """Arrays with a leading dimension of data sets; `time` without."""
    group: np.ndarray
    """(n_subjects,)"""
    settings: dict[str, Any]


def read_task(folder: Path) -> Task:
    """Read the data and settings that the calling process wrote."""
    with np.load(folder / "task.npz") as arrays:
        datasets = CellStatistics(*(arrays[name] for name in CellStatistics._fields))
        group = arrays["group"]
    return Task(datasets, group, json.loads((folder / "settings.json").read_text(encoding="utf-8")))


class Model:
    """Prior and likelihood on an unconstrained scale.

    Parameters
    ----------
    n_subjects, n_cells : int
        Size of the data.
    group : numpy.ndarray
        (n_subjects,) group of each subject.
    settings : dict
        ``n_groups_a``, ``n_groups_c`` (1 where groups share the parameter), ``formula`` and ``priors``.
    """

    def __init__(self, n_subjects: int, n_cells: int, group: np.ndarray, settings: dict[str, Any]) -> None:
        self.shape = (n_subjects, n_cells)
        self.formula = settings["formula"]
        self.priors = settings["priors"]
        self.members = {
            name: jnp.asarray(_members(group, settings[f"n_groups_{name}"])) for name in ("a", "c")
        }
        self.correlation = CorrCholeskyTransform()

    def initial(self, key: Any, statistics: CellStatistics) -> dict[str, Any]:
        """Draw a starting point from the prior, somewhat narrowed, with about the residual of the data."""
        _, n_cells = self.shape
        keys = iter(jax.random.split(key, 9))
        prior = self.priors
        noise = jax.random.normal(next(keys), (self.members["c"].shape[1], n_cells))
        point = {"c": prior["c_mean"] + 0.5 * prior["c_sd"] * noise}
        for name in EFFECTS:
            noise = 0.5 * jax.random.normal(next(keys), (n_cells,))
            point[f"log_sd_{name}"] = jnp.log(0.7 * prior[f"effect_{name}_sd"]) + noise
            point[f"angle_{name}"] = jnp.zeros(n_cells * (n_cells - 1) // 2)
        point["log_sigma"] = jnp.log(_rough_sigma(statistics)) + 0.3 * jax.random.normal(next(keys))
        point["z"] = 0.5 * jax.random.normal(next(keys), self.shape)
        return point

    def expected_variances(self, n_values: float) -> dict[tuple[str, ...], Any]:
        """Rough posterior variances, from which the adaptation of the masses starts."""
        n_subjects, n_cells = self.shape
        n_rates = self.members["c"].shape[1] * n_cells
        n_angles = n_cells * (n_cells - 1) // 2
        spreads = [0.5 / n_subjects] * (2 * n_cells) + [0.5] * n_cells
        dense = [0.05] * n_rates + spreads + [0.5 / n_values]
        angles = [1 / n_subjects] * (2 * n_angles) + [0.25] * n_angles
        other = jnp.concatenate([jnp.array(angles), jnp.ones(n_subjects * n_cells)])
        return {DENSE: jnp.diag(jnp.array(dense)), OTHER: other}

    def factor(self, angle: Any) -> Any:
        """Cholesky factor of a correlation matrix."""
        return self.correlation(angle) if self.shape[1] > 1 else jnp.ones((1, 1))

    def constrained(self, point: dict[str, Any]) -> dict[str, Any]:
        """Parameters in their own units, and the rates of the subjects."""
        result = {"c": point["c"], "sigma": jnp.exp(point["log_sigma"])}
        for name in EFFECTS:
            result[f"sd_{name}"] = jnp.exp(point[f"log_sd_{name}"])
            result[f"factor_{name}"] = self.factor(point[f"angle_{name}"])
        turned = (result["sd_c"][:, None] * result["factor_c"]).T
        result["c_subject"] = self.members["c"] @ point["c"] + point["z"] @ turned
        return result

    def log_prior(self, point: dict[str, Any], values: dict[str, Any]) -> Any:
        """Log density of the prior on the unconstrained scale."""
        prior = self.priors
        total = -0.5 * jnp.sum(point["z"] ** 2)
        total -= 0.5 * jnp.sum(((values["c"] - prior["c_mean"]) / prior["c_sd"]) ** 2)
        total += -0.5 * (values["sigma"] / prior["sigma_sd"]) ** 2 + point["log_sigma"]
        for name in EFFECTS:
            sd, factor = values[f"sd_{name}"], values[f"factor_{name}"]
            total += jnp.sum(-0.5 * (sd / prior[f"effect_{name}_sd"]) ** 2 + point[f"log_sd_{name}"])
            if self.shape[1] > 1:
                angle = point[f"angle_{name}"]
                total += dist.LKJCholesky(self.shape[1], prior["lkj"], validate_args=False).log_prob(factor)
                total += self.correlation.log_abs_det_jacobian(angle, factor)
        return total

    def collapsed(self, statistics: CellStatistics, values: dict[str, Any]) -> Collapsed:
        """Likelihood without the groups' asymptotes, and their distribution given the rest."""
        return collapsed_log_likelihood(
            statistics,
            members=self.members["a"],
            a_mean=self.priors["a_mean"],
            a_sd=self.priors["a_sd"],
            c=values["c_subject"],
            factor_a=values["sd_a"][:, None] * values["factor_a"],
            factor_b=values["sd_b"][:, None] * values["factor_b"],
            sigma=values["sigma"],
            formula=self.formula,
            xp=jnp,
            solve_lower=lambda matrix, right: solve_triangular(matrix, right, lower=True),
        )

    def potential(self, statistics: CellStatistics) -> Callable[[dict[str, Any]], Any]:
        """Negative log posterior density (up to a constant) as a function of the unconstrained point."""

        def negative_log_density(point: dict[str, Any]) -> Any:
            values = self.constrained(point)
            log_likelihood = self.collapsed(statistics, values).log_likelihood
            return -log_likelihood - self.log_prior(point, values)

        return negative_log_density

    def completed(self, point: dict[str, Any], statistics: CellStatistics, key: Any) -> dict[str, Any]:
        """All parameters at a point, with asymptotes drawn given the others."""
        values = self.constrained(point)
        given = self.collapsed(statistics, values)
        noise = jax.random.normal(key, given.mean.shape)
        turned = jnp.swapaxes(given.root, -1, -2)
        values["a"] = given.mean + solve_triangular(turned, noise[..., None], lower=False)[..., 0]
        return values


def _members(group: np.ndarray, n_groups: int) -> np.ndarray:
    """(n_subjects, n_groups) membership; a column of ones if all share one group."""
    return np.eye(n_groups)[group] if n_groups > 1 else np.ones((len(group), 1))


def _rough_sigma(statistics: CellStatistics) -> Any:
    """Standard deviation of the values of a subject in a cell, all times together."""
    count = jnp.maximum(jnp.sum(statistics.n, -1, keepdims=True), 1)
    centre = jnp.sum(statistics.n * statistics.mean, -1, keepdims=True) / count
    squares = statistics.n * (statistics.mean - centre) ** 2 + statistics.ss
    return jnp.sqrt(jnp.sum(squares) / jnp.sum(statistics.n_values))


def _compiled(
    model: Model, settings: dict[str, Any]
) -> tuple[Callable[[Any, CellStatistics], Any], Callable[[Any, CellStatistics], Any]]:
    """Functions that start chains and move them on by a block, one chain per device."""
    init_kernel, sample_kernel = hmc(potential_fn_gen=model.potential, algo="NUTS")

    def start(key: Any, statistics: CellStatistics) -> Any:
        point_key, chain_key = jax.random.split(key)
        return init_kernel(
            model.initial(point_key, statistics),
            num_warmup=settings["warmup"],
            step_size=0.1,
            dense_mass=[DENSE],
            inverse_mass_matrix=model.expected_variances(settings["n_values"]),
            target_accept_prob=settings["target_accept"],
            max_tree_depth=(WARMUP_TREE_DEPTH, settings["max_tree_depth"]),
            model_args=(statistics,),
            rng_key=chain_key,
        )

    def advance(state: Any, statistics: CellStatistics) -> Any:
        def once(state: Any, _: None) -> Any:
            state = sample_kernel(state, model_args=(statistics,))
            key = jax.random.fold_in(state.rng_key, 1)
            return state, {
                **model.completed(state.z, statistics, key),
                "diverging": state.diverging,
                "n_steps": state.num_steps,
                "acceptance": state.accept_prob,
                "energy": state.energy,
                "step_size": state.adapt_state.step_size,
            }

        return jax.lax.scan(once, state, None, length=BLOCK)

    axes = CellStatistics(0, 0, 0, 0, 0, None)
    return jax.pmap(start, in_axes=(0, axes)), jax.pmap(advance, in_axes=(0, axes))


def sample(task: Task, report: Callable[[int, int], None]) -> dict[str, np.ndarray]:
    """Run all chains of all data sets, as many at once as there are devices.

    Parameters
    ----------
    task : Task
        Data sets of one shape, and settings.
    report : callable
        Is told (iterations done, iterations in total) after each block; the total grows where chains go on.

    Returns
    -------
    dict
        Arrays (n_datasets, n_chains, n_draws, ...); "step_size" (n_datasets, n_chains).
    """
    settings = task.settings
    n_datasets, n_subjects, n_cells, _ = task.datasets.mean.shape
    started, advanced = _compiled(Model(n_subjects, n_cells, task.group, settings), settings)
    lanes = jax.local_device_count()
    n_chains = settings["chains"]
    jobs = [(dataset, chain) for dataset in range(n_datasets) for chain in range(n_chains)]
    root = jax.random.PRNGKey(settings["seed"])
    collected = []
    for first in range(0, len(jobs), lanes):
        batch = jobs[first : first + lanes]
        filled = batch + [batch[-1]] * (lanes - len(batch))
        keys = jnp.stack([jax.random.fold_in(jax.random.fold_in(root, d), chain) for d, chain in filled])
        chosen = [dataset for dataset, _ in filled]
        statistics = task.datasets._replace(
            **{name: getattr(task.datasets, name)[chosen] for name in CellStatistics._fields[:-1]}
        )
        state = started(keys, statistics)
        blocks: list[dict[str, np.ndarray]] = []
        skipped, draws, done = settings["warmup"] % BLOCK, settings["draws"], 0
        while True:
            total = settings["warmup"] + draws
            while done < total:
                state, block = advanced(state, statistics)
                jax.block_until_ready(state)
                if done + BLOCK > settings["warmup"]:
                    blocks.append(jax.tree.map(np.asarray, block))
                done += BLOCK
                report(first * total + min(done, total) * len(batch), len(jobs) * total)
            joined = _joined(blocks, slice(skipped, skipped + draws), len(batch))
            if draws >= settings["max_draws"] or enough_draws(joined):
                break
            draws = min(2 * draws, settings["max_draws"])
        collected.append(joined)
    return {
        name: np.concatenate([part[name] for part in collected]).reshape(
            n_datasets, n_chains, *collected[0][name].shape[1:]
        )
        for name in collected[0]
    }


def enough_draws(draws: dict[str, np.ndarray]) -> bool:
    """Whether the chains of one data set agree and hold enough effective draws.

    Parameters
    ----------
    draws : dict of numpy.ndarray
        (n_chains, n_draws, ...) of each parameter, as `sample` collects them.
    """
    judged = [draws[name] for name in ("a", "c", "sd_a", "sd_b", "sd_c", "sigma", "c_subject")]
    for name in EFFECTS:
        factor = draws[f"factor_{name}"]
        first, second = np.tril_indices(factor.shape[-1], -1)
        judged.append((factor @ np.swapaxes(factor, -1, -2))[..., first, second])
    judged = [values for values in judged if values.size]
    return all(
        np.nanmax(rhat(values)) < MAX_RHAT
        and min(np.nanmin(ess_bulk(values)), np.nanmin(ess_tail(values))) >= MIN_ESS
        for values in judged
    )


def _joined(blocks: list[dict[str, np.ndarray]], kept: slice, n_jobs: int) -> dict[str, np.ndarray]:
    """Blocks one after the other, without warm-up and without the lanes that only filled up."""
    return {name: np.concatenate([b[name] for b in blocks], axis=1)[:n_jobs, kept] for name in blocks[0]}


def main(folder: Path) -> None:
    """Sample what the folder's task asks for."""

    def report(done: int, total: int) -> None:
        print(done, total, flush=True)

    draws = sample(read_task(folder), report)
    arrays: dict[str, Any] = {"cpu_s": time.process_time(), **draws}
    np.savez(folder / "draws.npz", **arrays)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
