"""Integrals over subject effects agree with quadrature and with brute force."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from analysis.models.asymptotic_data import AsymptoticData
from analysis.models.asymptotic_likelihood import Formula
from analysis.models.asymptotic_marginal import pointwise_log_likelihood, subject_log_likelihood

TIME = np.arange(1.0, 6.0)


def summed_up(
    mean: np.ndarray, *, n: np.ndarray | float = 1.0, ss: np.ndarray | float = 0.0, n_groups: int = 1
) -> AsymptoticData:
    """Data as the reduction would give them, from means (n_subjects, n_cells, n_times)."""
    n = np.broadcast_to(n, mean.shape).astype(float)
    n_subjects, n_cells, n_times = mean.shape
    return AsymptoticData(
        mean=mean,
        n=n,
        ss=np.broadcast_to(ss, mean.shape) * (n > 0),
        n_values=n,
        log_weight=np.zeros(mean.shape),
        time=TIME[:n_times],
        subjects=tuple(f"s{i}" for i in range(n_subjects)),
        group=np.arange(n_subjects) % n_groups,
        groups=tuple("abc"[:n_groups]),
        cells=tuple((f"c{i}",) for i in range(n_cells)),
        within=("cell",),
        unit="trial",
    )


def parameters(
    rng: np.random.Generator,
    *,
    n_cells: int,
    n_subjects: int,
    n_groups: int = 1,
    sd_c: float = 0.2,
    sigma: float = 0.05,
    n_draws: int = 40,
) -> dict[str, np.ndarray]:
    """Two chains of draws around plausible values, as the sampler returns them."""
    shape = (2, n_draws)

    def near(value: float, spread: float, *dimensions: int) -> np.ndarray:
        return value + spread * rng.normal(size=(*shape, *dimensions))

    correlation = np.full((n_cells, n_cells), 0.4) + 0.6 * np.eye(n_cells)
    factor = np.broadcast_to(np.linalg.cholesky(correlation), (*shape, n_cells, n_cells))
    c = near(-0.7, 0.1, n_groups, n_cells)
    standard_deviation = np.exp(near(0, 0.1, n_cells))
    group = np.arange(n_subjects) % n_groups
    return {
        "a": near(0.15, 0.03, n_groups, n_cells),
        "c": c,
        "sigma": sigma * np.exp(near(0, 0.05)),
        "sd_a": 0.1 * standard_deviation,
        "sd_b": 0.05 * standard_deviation,
        "sd_c": sd_c * standard_deviation,
        "factor_a": factor,
        "factor_b": factor,
        "factor_c": factor,
        "c_subject": c[:, :, group] + sd_c * rng.normal(size=(*shape, n_subjects, n_cells)),
    }


def start_share(c: np.ndarray, formula: Formula) -> np.ndarray:
    rate = np.exp(c)[..., None]
    return np.exp(-rate * TIME - 1) if formula == "printed" else np.exp(-rate * (TIME - 1))


def simulated(rng: np.random.Generator, n_subjects: int, n_cells: int, noise: float = 0.05) -> np.ndarray:
    a = 0.15 + 0.1 * rng.normal(size=(n_subjects, n_cells, 1))
    b = 0.05 * rng.normal(size=(n_subjects, n_cells, 1))
    share = start_share(-0.7 + 0.2 * rng.normal(size=(n_subjects, n_cells)), "from_baseline")
    return a - (a - b) * share + noise * rng.normal(size=(n_subjects, n_cells, len(TIME)))


def by_quadrature(data: AsymptoticData, draws: dict[str, np.ndarray], formula: Formula) -> np.ndarray:
    """One cell: normal density of the times' means given the rate, on a fine grid of rates.

    Puts draws of the subjects' rates from their exact distribution into the draws, as a sampler would.
    """
    rng = np.random.default_rng(11)
    z = np.linspace(-8, 8, 3001)
    result = np.empty((*draws["sigma"].shape, data.n_subjects))
    for chain, draw, subject in np.ndindex(result.shape):
        here = {name: values[chain, draw] for name, values in draws.items()}
        group = data.group[subject] if here["a"].shape[0] > 1 else 0
        share = start_share(here["c"][group, 0] + here["sd_c"][0] * z, formula)
        seen = data.n[subject, 0] > 0
        variance = here["sigma"] ** 2 / data.n[subject, 0, seen]
        rise, share = 1 - share[:, seen], share[:, seen]
        covariance = (
            here["sd_a"][0] ** 2 * rise[:, :, None] * rise[:, None]
            + here["sd_b"][0] ** 2 * share[:, :, None] * share[:, None]
            + np.diag(variance)
        )
        deviation = data.mean[subject, 0, seen] - here["a"][group, 0] * rise
        whitened = np.linalg.solve(np.linalg.cholesky(covariance), deviation[..., None])[..., 0]
        log_density = -0.5 * (whitened**2).sum(axis=1) - 0.5 * np.linalg.slogdet(2 * np.pi * covariance)[1]
        n = data.n[subject, 0, seen]
        within = -0.5 * data.ss[subject, 0].sum() / here["sigma"] ** 2
        within -= np.sum((n - 1) / 2 * np.log(2 * np.pi * here["sigma"] ** 2) + 0.5 * np.log(n))
        highest = log_density.max()
        weight = stats.norm.pdf(z) * (z[1] - z[0]) * np.exp(log_density - highest)
        result[chain, draw, subject] = highest + np.log(weight.sum()) + within
        drawn = rng.choice(z, p=weight / weight.sum())
        draws["c_subject"][chain, draw, subject, 0] = here["c"][group, 0] + here["sd_c"][0] * drawn
    return result


@pytest.mark.parametrize("formula", ["from_baseline", "printed"])
@pytest.mark.parametrize(("sd_c", "noise", "n"), [(0.1, 0.05, 1.0), (0.3, 0.05, 20.0), (1.0, 0.02, 50.0)])
def test_one_cell_is_that_of_quadrature(sd_c: float, noise: float, n: float, formula: Formula) -> None:
    rng = np.random.default_rng(1)
    data = summed_up(simulated(rng, 6, 1, noise), n=n, ss=0.01, n_groups=2)
    draws = parameters(rng, n_cells=1, n_subjects=6, n_groups=2, sd_c=sd_c, sigma=noise, n_draws=8)
    expected = by_quadrature(data, draws, formula)
    result = subject_log_likelihood(data, draws, formula=formula, n_points=512)
    np.testing.assert_allclose(result.log_likelihood, expected, atol=0.01)
    few = subject_log_likelihood(data, draws, formula=formula)
    error = few.log_likelihood - expected
    assert np.sqrt(np.mean(error**2)) < 2.5 * np.sqrt(np.mean(few.standard_error**2)) + 1e-3


def test_missing_times_and_cells_are_left_out() -> None:
    rng = np.random.default_rng(2)
    mean = simulated(rng, 4, 1)
    n = np.ones(mean.shape)
    n[0, 0, 2:4] = n[1, 0, :] = 0
    data = summed_up(mean, n=n)
    draws = parameters(rng, n_cells=1, n_subjects=4, n_draws=3)
    result = subject_log_likelihood(data, draws, n_points=128)
    seen = [0, 2, 3]
    np.testing.assert_allclose(
        result.log_likelihood[..., seen], by_quadrature(data, draws, "from_baseline")[..., seen], atol=0.02
    )
    np.testing.assert_allclose(result.log_likelihood[..., 1], 0, atol=0.02)
    pointwise = pointwise_log_likelihood(data, draws, rng=rng)
    assert pointwise.shape == (2, 3, 4 * 5 - 7)


def test_several_cells_are_those_of_brute_force() -> None:
    """All effects drawn from their prior, none integrated analytically."""
    rng = np.random.default_rng(3)
    data = summed_up(simulated(rng, 3, 2, noise=0.1), n_groups=3)
    draws = parameters(rng, n_cells=2, n_subjects=3, n_groups=3, sd_c=0.4, sigma=0.1, n_draws=1)
    result = subject_log_likelihood(data, draws, n_points=512)
    here = {name: values[0, 0] for name, values in draws.items()}
    factor = {name: here[f"sd_{name}"][:, None] * here[f"factor_{name}"] for name in "abc"}
    for subject in range(3):
        effects = {name: rng.normal(size=(400_000, 2)) @ factor[name].T for name in "abc"}
        a = (here["a"][subject] + effects["a"])[..., None]
        share = start_share(here["c"][subject] + effects["c"], "from_baseline")
        curve = a - (a - effects["b"][..., None]) * share
        density = np.exp(stats.norm.logpdf(data.mean[subject], curve, here["sigma"]).sum(axis=(1, 2)))
        error = density.std() / density.mean() / np.sqrt(len(density))
        assert error < 0.03
        assert result.log_likelihood[0, 0, subject] == pytest.approx(np.log(density.mean()), abs=4 * error)


def test_points_from_the_approximation_reduce_the_error() -> None:
    rng = np.random.default_rng(4)
    data = summed_up(simulated(rng, 20, 4), n=5.0)
    draws = parameters(rng, n_cells=4, n_subjects=20, n_draws=10)
    exact = subject_log_likelihood(data, draws, n_points=4096, seed=9).log_likelihood
    errors = [
        np.sqrt(np.mean((subject_log_likelihood(data, draws, n_points=n).log_likelihood - exact) ** 2))
        for n in (16, 256)
    ]
    assert errors[0] < 0.05 and errors[1] < errors[0] / 4
    assert subject_log_likelihood(data, draws, n_points=256).elpd_error < 0.1


def test_same_seed_same_integral() -> None:
    rng = np.random.default_rng(5)
    data, draws = summed_up(simulated(rng, 3, 2)), parameters(rng, n_cells=2, n_subjects=3, n_draws=2)
    first, second, other = (subject_log_likelihood(data, draws, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.log_likelihood, second.log_likelihood)
    assert np.any(first.log_likelihood != other.log_likelihood)


def test_draws_are_thinned_within_chains() -> None:
    rng = np.random.default_rng(6)
    data, draws = summed_up(simulated(rng, 3, 1)), parameters(rng, n_cells=1, n_subjects=3, n_draws=25)
    few = subject_log_likelihood(data, draws, max_draws=20)
    assert few.log_likelihood.shape == few.standard_error.shape == (2, 9, 3)
    assert pointwise_log_likelihood(data, draws, rng=rng, max_draws=10).shape == (2, 5, 15)


def test_number_of_points_is_checked() -> None:
    rng = np.random.default_rng(7)
    data, draws = summed_up(simulated(rng, 3, 1)), parameters(rng, n_cells=1, n_subjects=3, n_draws=2)
    for n_points in (8, 24, 100):
        with pytest.raises(ValueError, match=f"power of two; it is {n_points}"):
            subject_log_likelihood(data, draws, n_points=n_points)


def test_pointwise_density_averages_to_the_exact_predictive() -> None:
    """Over draws of asymptote and start given the data, the density of a value averages to a normal one."""
    rng = np.random.default_rng(8)
    data = summed_up(simulated(rng, 2, 1))
    draws = parameters(rng, n_cells=1, n_subjects=2, n_draws=1)
    repeated = {name: np.repeat(values[:1], 20_000, axis=1) for name, values in draws.items()}
    density = np.exp(pointwise_log_likelihood(data, repeated, rng=rng, max_draws=20_000)).mean(axis=(0, 1))
    here = {name: values[0, 0] for name, values in draws.items()}
    expected = []
    for subject in range(2):
        share = start_share(here["c_subject"][subject, 0], "from_baseline")
        basis = np.column_stack([1 - share, share])
        prior = np.diag([here["sd_a"][0] ** -2, here["sd_b"][0] ** -2])
        covariance = np.linalg.inv(prior + basis.T @ basis / here["sigma"] ** 2)
        centre = prior @ [here["a"][0, 0], 0] + basis.T @ data.mean[subject, 0] / here["sigma"] ** 2
        variance = np.einsum("tj,jk,tk->t", basis, covariance, basis) + here["sigma"] ** 2
        expected.append(stats.norm.pdf(data.mean[subject, 0], basis @ covariance @ centre, np.sqrt(variance)))
    np.testing.assert_allclose(density, np.concatenate(expected), rtol=0.03)
