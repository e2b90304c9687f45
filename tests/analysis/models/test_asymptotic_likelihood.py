"""The likelihood with integrated effects against brute force: dense normal densities of all values."""

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

from analysis.models.asymptotic_data import AsymptoticData, reduce_data
from analysis.models.asymptotic_likelihood import (
    CellStatistics,
    collapsed_log_likelihood,
    draw_subject_effects,
    marginal_log_likelihood,
    pointwise_log_density,
    start_weight,
)
from analysis.models.asymptotic_priors import AsymptoticPriors
from analysis.models.asymptotic_simulation import AsymptoticTruth, draw_truth, simulate_asymptotic

CELLS = (("x",), ("y",), ("z",))


def some_truth(rng: np.random.Generator, n_groups: int = 2) -> AsymptoticTruth:
    priors = AsymptoticPriors(effect_c_sd=0.4, sigma_sd=0.2)
    return draw_truth(priors, n_groups_a=n_groups, n_groups_c=n_groups, n_cells=len(CELLS), rng=rng)


def some_trials(rng: np.random.Generator, truth: AsymptoticTruth) -> pd.DataFrame:
    """Unequal numbers of trials, missing times and cells."""
    data = simulate_asymptotic(
        truth,
        group_sizes={"p": 2, "q": 3},
        cells=CELLS,
        within=("cell",),
        times=(1, 2, 3.5, 6),
        n_trials=3,
        rng=rng,
    )
    data = data[rng.random(len(data)) < 0.6]
    data = data[~((data["subject"] == "s002") & (data["cell"] == "y"))]
    return pd.concat([data, pd.DataFrame([{**data.iloc[0], "time": 1.0}])])


def reduced(data: pd.DataFrame, **options: str) -> AsymptoticData:
    names = {"response": "log_emg", "time": "time", "subject": "subject", "drug": "drug"}
    return reduce_data(data, **names, within=("cell",), **options)


def factors(truth: AsymptoticTruth) -> dict[str, np.ndarray]:
    return {
        f"factor_{name}": np.diag(getattr(truth, f"sd_{name}"))
        @ np.linalg.cholesky(getattr(truth, f"cor_{name}"))
        for name in "abc"
    }


def dense_design(
    data: pd.DataFrame, rows: AsymptoticData, c: np.ndarray, formula: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Of every single value: rise, weight of the start, subject and cell."""
    subject = np.array([rows.subjects.index(name) for name in data["subject"]])
    cell = np.array([rows.cells.index((name,)) for name in data["cell"]])
    rate = np.exp(c[subject, cell])
    t = data["time"].to_numpy()
    start = np.exp(-rate * (t - 1)) if formula == "from_baseline" else np.exp(-rate * t - 1)
    return 1 - start, start, subject, cell


def covariance(
    rise: np.ndarray, start: np.ndarray, subject: np.ndarray, cell: np.ndarray, truth: AsymptoticTruth
) -> np.ndarray:
    """Of all values given the rates, from the definition of the model."""
    own = subject[:, None] == subject
    of_a = (np.outer(truth.sd_a, truth.sd_a) * truth.cor_a)[np.ix_(cell, cell)]
    of_b = (np.outer(truth.sd_b, truth.sd_b) * truth.cor_b)[np.ix_(cell, cell)]
    total = own * (np.outer(rise, rise) * of_a + np.outer(start, start) * of_b)
    return total + truth.sigma**2 * np.eye(len(rise))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("formula", ["from_baseline", "printed"])
def test_marginal_likelihood_is_the_dense_normal_density(seed: int, formula: str) -> None:
    rng = np.random.default_rng(seed)
    truth = some_truth(rng)
    data = some_trials(rng, truth)
    rows = reduced(data)
    c = rng.normal(-1, 1, (5, 3))
    found = marginal_log_likelihood(
        CellStatistics.of(rows),
        a=truth.a[rows.group],
        c=c,
        factor_a=factors(truth)["factor_a"],
        factor_b=factors(truth)["factor_b"],
        sigma=np.array(truth.sigma),
        formula=formula,  # type: ignore[arg-type]
    )
    rise, start, subject, cell = dense_design(data, rows, c, formula)
    mean = truth.a[rows.group[subject], cell] * rise
    whole = covariance(rise, start, subject, cell, truth)
    for index in range(5):
        mine = subject == index
        density = stats.multivariate_normal(mean[mine], whole[np.ix_(mine, mine)])
        assert found[index] == pytest.approx(density.logpdf(data["log_emg"].to_numpy()[mine]), rel=1e-9)


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_collapsed_likelihood_is_the_dense_normal_density_of_all_data(seed: int, shared: bool) -> None:
    rng = np.random.default_rng(100 + seed)
    truth = some_truth(rng)
    data = some_trials(rng, truth)
    rows = reduced(data)
    c = rng.normal(-1, 1, (5, 3))
    members = np.ones((5, 1)) if shared else np.eye(2)[rows.group]
    found = collapsed_log_likelihood(
        CellStatistics.of(rows),
        members=members,
        a_mean=0.07,
        a_sd=0.2,
        c=c,
        factor_a=factors(truth)["factor_a"],
        factor_b=factors(truth)["factor_b"],
        sigma=np.array(truth.sigma),
    )
    rise, start, subject, cell = dense_design(data, rows, c, "from_baseline")
    n_groups = members.shape[1]
    loading = np.zeros((len(data), n_groups, 3))
    loading[np.arange(len(data)), :, cell] = members[subject] * rise[:, None]
    loading = loading.reshape(len(data), -1)
    conditional = covariance(rise, start, subject, cell, truth)
    y = data["log_emg"].to_numpy()
    whole = conditional + 0.2**2 * loading @ loading.T
    density = stats.multivariate_normal(0.07 * loading.sum(axis=1), whole).logpdf(y)
    assert found.log_likelihood == pytest.approx(density, rel=1e-9)
    precision = loading.T @ np.linalg.solve(conditional, loading) + np.eye(3 * n_groups) / 0.2**2
    right = loading.T @ np.linalg.solve(conditional, y - 0.07 * loading.sum(axis=1))
    np.testing.assert_allclose(found.mean.ravel(), 0.07 + np.linalg.solve(precision, right), rtol=1e-7)
    blocks = found.root @ np.swapaxes(found.root, -1, -2)
    for group in range(n_groups):
        chosen = slice(3 * group, 3 * group + 3)
        np.testing.assert_allclose(blocks[group], precision[chosen, chosen], rtol=1e-8, atol=1e-8)


def test_drawn_effects_have_the_conditional_mean_and_covariance() -> None:
    rng = np.random.default_rng(5)
    truth = some_truth(rng)
    data = some_trials(rng, truth)
    rows = reduced(data)
    c = rng.normal(-1, 1, (5, 3))
    many = 40_000
    effect_a, effect_b = draw_subject_effects(
        CellStatistics.of(rows),
        a=np.broadcast_to(truth.a[rows.group], (many, 5, 3)),
        c=np.broadcast_to(c, (many, 5, 3)),
        factor_a=np.broadcast_to(factors(truth)["factor_a"], (many, 3, 3)),
        factor_b=np.broadcast_to(factors(truth)["factor_b"], (many, 3, 3)),
        sigma=np.full(many, truth.sigma),
        rng=rng,
    )
    rise, start, subject, cell = dense_design(data, rows, c, "from_baseline")
    mine = subject == 3
    design = np.zeros((mine.sum(), 6))
    design[np.arange(mine.sum()), cell[mine]] = rise[mine]
    design[np.arange(mine.sum()), 3 + cell[mine]] = start[mine]
    prior = np.zeros((6, 6))
    prior[:3, :3] = np.outer(truth.sd_a, truth.sd_a) * truth.cor_a
    prior[3:, 3:] = np.outer(truth.sd_b, truth.sd_b) * truth.cor_b
    precision = np.linalg.inv(prior) + design.T @ design / truth.sigma**2
    residual = data["log_emg"].to_numpy()[mine] - truth.a[rows.group[3], cell[mine]] * rise[mine]
    mean = np.linalg.solve(precision, design.T @ residual / truth.sigma**2)
    drawn = np.concatenate([effect_a[:, 3], effect_b[:, 3]], axis=1)
    expected = np.linalg.inv(precision)
    sd = np.sqrt(np.diag(expected))
    np.testing.assert_allclose((drawn.mean(axis=0) - mean) / sd, 0, atol=0.025)
    np.testing.assert_allclose(np.cov(drawn.T) / np.outer(sd, sd), expected / np.outer(sd, sd), atol=0.03)


def test_trials_and_their_means_with_number_and_spread_have_the_same_likelihood() -> None:
    rng = np.random.default_rng(8)
    truth = some_truth(rng)
    data = some_trials(rng, truth)
    keys = ["subject", "drug", "cell", "time"]
    means = data.groupby(keys)["log_emg"].agg(["mean", "count", "std"]).reset_index()
    means = means.rename(columns={"mean": "log_emg"})
    assert means["std"].isna().any(), "single trials have no standard deviation; they must be allowed"
    arguments = {"c": rng.normal(-1, 1, (5, 3)), "sigma": np.array(0.1)}
    arguments |= {name: value for name, value in factors(truth).items() if name != "factor_c"}

    def likelihood(rows: AsymptoticData) -> np.ndarray:
        return marginal_log_likelihood(CellStatistics.of(rows), a=truth.a[rows.group], **arguments)

    of_trials = likelihood(reduced(data))
    of_means = likelihood(reduced(means, n_trials="count", within_sd="std"))
    np.testing.assert_allclose(of_means, of_trials, rtol=1e-10)
    by_hand = likelihood(reduced(means.sample(frac=1, random_state=1), n_trials="count", within_sd="std"))
    np.testing.assert_allclose(by_hand, of_trials, rtol=1e-10)


def test_means_without_spread_are_normal_with_the_variance_of_a_mean() -> None:
    rng = np.random.default_rng(2)
    data = pd.DataFrame(
        {
            "subject": ["u", "u", "v", "v"],
            "cell": "x",
            "time": [1, 2, 1, 2],
            "log_emg": rng.normal(size=4),
            "n": [1, 4, 9, 2],
            "drug": "p",
        }
    )
    rows = reduced(data, n_trials="n")
    expected = rng.normal(size=(2, 1, 2))
    found = pointwise_log_density(CellStatistics.of(rows), expected=expected, sigma=np.array(0.7))
    sd = 0.7 / np.sqrt(data["n"].to_numpy())
    by_hand = stats.norm.logpdf(data["log_emg"], expected.ravel(), sd)
    np.testing.assert_allclose(found.ravel(), by_hand)


def test_missing_cells_and_times_count_nothing() -> None:
    rng = np.random.default_rng(11)
    truth = some_truth(rng)
    rows = reduced(some_trials(rng, truth))
    assert not rows.observed.all()
    density = pointwise_log_density(
        CellStatistics.of(rows), expected=rng.normal(size=rows.mean.shape), sigma=np.array(0.3)
    )
    assert np.all(density[~rows.observed] == 0) and np.all(density[rows.observed] != 0)


def test_curve_starts_at_b_only_without_the_printed_formula() -> None:
    c, times = np.array([-1.0, 0.0, 2.0]), np.array([1.0, 2.0, 1e9])
    assert np.all(start_weight(c, times)[:, 0] == 1)
    assert np.all(start_weight(c, times)[:, 2] == 0)
    np.testing.assert_allclose(start_weight(c, times, formula="printed")[:, 0], np.exp(-np.exp(c) - 1))


EVALUATE = """
import json, sys
import jax, numpy as np
from analysis.models.asymptotic_worker import Model
from analysis.models.asymptotic_likelihood import CellStatistics
task = json.load(sys.stdin)
arrays = {name: np.array(values) for name, values in task["statistics"].items()}
model = Model(len(task["group"]), 3, np.array(task["group"]), task["settings"])

def correlations(angle):
    factor = model.factor(angle)
    return (factor @ factor.T)[np.tril_indices(3, -1)]

result = []
for point in task["points"]:
    point = {name: np.array(values) for name, values in point.items()}
    values = model.constrained(point)
    slope = jax.jacobian(correlations)
    jacobian = {name: np.asarray(slope(point["angle_" + name])).tolist() for name in "abc"}
    result.append({"potential": float(model.potential(CellStatistics(**arrays))(point)), "jacobian": jacobian,
        "values": {name: np.asarray(value).tolist() for name, value in values.items()}})
print(json.dumps(result))
"""


def test_density_that_is_sampled_is_prior_times_likelihood() -> None:
    """On the sampler's own scale, up to a constant; the sampler's process is asked for its potential."""
    rng = np.random.default_rng(21)
    priors = AsymptoticPriors(lkj=2.0, c_mean=-0.5, effect_b_sd=0.2)
    truth = some_truth(rng)
    rows = reduced(some_trials(rng, truth))
    points = [
        {name: rng.normal(-1, 0.5, 3).tolist() for name in ("log_sd_a", "log_sd_b", "log_sd_c")}
        | {name: rng.normal(0, 0.5, 3).tolist() for name in ("angle_a", "angle_b", "angle_c")}
        | {
            "c": rng.normal(-1, 1, (2, 3)).tolist(),
            "z": rng.normal(size=(5, 3)).tolist(),
            "log_sigma": rng.normal(),
        }
        for _ in range(3)
    ]
    settings = {"n_groups_a": 2, "n_groups_c": 2, "formula": "from_baseline", "priors": vars(priors)}
    statistics = {name: values.tolist() for name, values in CellStatistics.of(rows)._asdict().items()}
    task = {"points": points, "settings": settings, "statistics": statistics, "group": rows.group.tolist()}
    root = Path(__file__).resolve().parents[3]
    run = subprocess.run(
        [sys.executable, "-c", EVALUATE],
        input=json.dumps(task),
        text=True,
        capture_output=True,
        cwd=root,
        env={**os.environ, "JAX_ENABLE_X64": "true", "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(root)},
        check=False,
    )
    assert run.returncode == 0, run.stderr
    answers = json.loads(run.stdout)
    by_hand = [
        by_definition(rows, point, answer, priors) for point, answer in zip(points, answers, strict=True)
    ]
    found = [-answer["potential"] for answer in answers]
    np.testing.assert_allclose(np.diff(found), np.diff(by_hand), rtol=1e-8)


def by_definition(rows: AsymptoticData, point: dict, answer: dict, priors: AsymptoticPriors) -> float:
    """Log of prior times likelihood times Jacobian, with scipy's densities."""
    values = {name: np.array(value) for name, value in answer["values"].items()}
    total = stats.norm.logpdf(values["c"], priors.c_mean, priors.c_sd).sum()
    total += stats.norm.logpdf(point["z"]).sum()
    total += stats.halfnorm.logpdf(values["sigma"], scale=priors.sigma_sd) + point["log_sigma"]
    for name in "abc":
        scale = getattr(priors, f"effect_{name}_sd")
        total += stats.halfnorm.logpdf(values[f"sd_{name}"], scale=scale).sum() + sum(point[f"log_sd_{name}"])
        factor = values[f"factor_{name}"]
        total += (priors.lkj - 1) * np.linalg.slogdet(factor @ factor.T)[1]
        total += np.linalg.slogdet(np.array(answer["jacobian"][name]))[1]
    np.testing.assert_allclose(
        values["c_subject"],
        values["c"][rows.group] + np.array(point["z"]) @ (values["sd_c"][:, None] * values["factor_c"]).T,
    )
    collapsed = collapsed_log_likelihood(
        CellStatistics.of(rows),
        members=np.eye(2)[rows.group],
        a_mean=priors.a_mean,
        a_sd=priors.a_sd,
        c=values["c_subject"],
        factor_a=values["sd_a"][:, None] * values["factor_a"],
        factor_b=values["sd_b"][:, None] * values["factor_b"],
        sigma=values["sigma"],
    )
    return float(total + collapsed.log_likelihood)
