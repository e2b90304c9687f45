"""Simulated data of the asymptotic regression, with known truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.models.asymptotic_likelihood import Formula, start_weight
from analysis.models.asymptotic_priors import AsymptoticPriors

PAPER_CELLS = (("CS", "AngryToHappy"), ("CS", "HappyToAngry"), ("ZM", "AngryToHappy"), ("ZM", "HappyToAngry"))


@dataclass(frozen=True, kw_only=True, eq=False)
class AsymptoticTruth:
    """Parameters that data are simulated from; see `analysis.models.asymptotic`."""

    a: np.ndarray
    """(n_groups, n_cells) asymptotes; one row if all groups share them."""
    c: np.ndarray
    """(n_groups, n_cells) log rates; one row if all groups share them."""
    sd_a: np.ndarray
    """(n_cells,) standard deviations of the subject effects; so `sd_b` and `sd_c`."""
    sd_b: np.ndarray
    sd_c: np.ndarray
    cor_a: np.ndarray
    """(n_cells, n_cells) correlations of the subject effects; so `cor_b` and `cor_c`."""
    cor_b: np.ndarray
    cor_c: np.ndarray
    sigma: float
    """Residual standard deviation of one value."""


def mimicry_truth(*, asymptote_effect: float = 0.0, rate_effect: float = 0.0) -> AsymptoticTruth:
    """Curves of about the size of facial mimicry, in four cells (`PAPER_CELLS`) and three groups.

    Parameters
    ----------
    asymptote_effect : float
        Share by which the second group's asymptotes are smaller; 0: no drug effect.
    rate_effect : float
        What is added to the third group's log rates.
    """
    asymptotes = np.array([-0.14, 0.08, 0.13, -0.10])
    rates = np.array([-0.6, -0.8, -0.4, -0.7])
    alike = np.full((4, 4), 0.3) + 0.7 * np.eye(4)
    return AsymptoticTruth(
        a=np.stack([asymptotes, asymptotes * (1 - asymptote_effect), asymptotes]),
        c=np.stack([rates, rates, rates + rate_effect]),
        sd_a=np.array([0.10, 0.08, 0.12, 0.08]),
        sd_b=np.array([0.05, 0.05, 0.06, 0.05]),
        sd_c=np.full(4, 0.1),
        cor_a=alike,
        cor_b=alike,
        cor_c=np.eye(4),
        sigma=0.035,
    )


def draw_truth(
    priors: AsymptoticPriors, *, n_groups_a: int, n_groups_c: int, n_cells: int, rng: np.random.Generator
) -> AsymptoticTruth:
    """Draw all parameters from the prior.

    Parameters
    ----------
    priors : AsymptoticPriors
        Prior distributions.
    n_groups_a, n_groups_c : int
        Number of groups with own asymptotes and rates; 1 if they share them.
    n_cells : int
        Number of cells.
    rng : numpy.random.Generator
        Source of randomness.
    """
    return AsymptoticTruth(
        a=rng.normal(priors.a_mean, priors.a_sd, (n_groups_a, n_cells)),
        c=rng.normal(priors.c_mean, priors.c_sd, (n_groups_c, n_cells)),
        sd_a=np.abs(rng.normal(0, priors.effect_a_sd, n_cells)),
        sd_b=np.abs(rng.normal(0, priors.effect_b_sd, n_cells)),
        sd_c=np.abs(rng.normal(0, priors.effect_c_sd, n_cells)),
        cor_a=draw_correlations(n_cells, priors.lkj, rng),
        cor_b=draw_correlations(n_cells, priors.lkj, rng),
        cor_c=draw_correlations(n_cells, priors.lkj, rng),
        sigma=float(np.abs(rng.normal(0, priors.sigma_sd))),
    )


def draw_correlations(n: int, shape: float, rng: np.random.Generator) -> np.ndarray:
    """Draw a correlation matrix from the LKJ distribution, through partial correlations.

    Source: Lewandowski, Kurowicka & Joe (2009), Journal of Multivariate Analysis 100, 1989-2001, section 2.4.

    Returns
    -------
    numpy.ndarray
        (n, n); each correlation has mean 0 and variance 1 / (n - 1 + 2 shape).
    """
    root = np.eye(n)
    for column in range(n - 1):
        concentration = shape + (n - 2 - column) / 2
        for row in range(column + 1, n):
            partial = 2 * rng.beta(concentration, concentration) - 1
            left = np.sqrt(1 - np.sum(root[row, :column] ** 2))
            root[row, column] = partial * left
    for row in range(1, n):
        root[row, row] = np.sqrt(1 - np.sum(root[row, :row] ** 2))
    return root @ root.T


def simulate_asymptotic(
    truth: AsymptoticTruth,
    *,
    group_sizes: Mapping[str, int],
    cells: Sequence[tuple[str, ...]] = PAPER_CELLS,
    within: Sequence[str] = ("muscle", "emotion"),
    times: Sequence[float] = (1, 2, 3, 4, 5),
    n_trials: int = 1,
    response: str = "log_emg",
    formula: Formula = "from_baseline",
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Simulate the responses of subjects.

    Parameters
    ----------
    truth : AsymptoticTruth
        Parameters; with one row of asymptotes or rates for all groups, or as many as there are groups.
    group_sizes : mapping
        Number of subjects of each group, in the order of the truth's rows.
    cells, within : sequence
        Labels of the cells, and names of their factors.
    times : sequence of float
        The first is 1.
    n_trials : int
        Values of each subject in each cell at each time.
    response : str
        Name of the response's column.
    formula : {"from_baseline", "printed"}
        Form of the curve.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    pandas.DataFrame
        subject, drug, the factors of `within`, time, trial (from 1), and the response.

    Examples
    --------
    >>> table = simulate_asymptotic(mimicry_truth(), group_sizes={"placebo": 2, "drug": 2, "other": 1},
    ...                             rng=np.random.default_rng(1))
    >>> len(table), list(table)
    (100, ['subject', 'drug', 'muscle', 'emotion', 'time', 'trial', 'log_emg'])
    """
    group = np.repeat(np.arange(len(group_sizes)), list(group_sizes.values()))
    n_subjects, n_cells, time = len(group), len(cells), np.asarray(times, dtype=float)
    if truth.sd_a.shape != (n_cells,) or any(
        len(rows) not in (1, len(group_sizes)) for rows in (truth.a, truth.c)
    ):
        raise ValueError(
            f"the truth has {truth.a.shape[1]} cells and {len(truth.a)} or {len(truth.c)} groups, but "
            f"{n_cells} cells and {len(group_sizes)} groups are named"
        )
    a = truth.a[group % len(truth.a)] + _effects(truth.sd_a, truth.cor_a, n_subjects, rng)
    b = _effects(truth.sd_b, truth.cor_b, n_subjects, rng)
    c = truth.c[group % len(truth.c)] + _effects(truth.sd_c, truth.cor_c, n_subjects, rng)
    expected = a[..., None] - (a - b)[..., None] * start_weight(c, time, formula=formula)
    values = expected[..., None] + rng.normal(0, truth.sigma, (*expected.shape, n_trials))
    names = np.array([f"s{number:03d}" for number in range(1, n_subjects + 1)])
    subject, cell, place, trial = (index.ravel() for index in np.indices(values.shape))
    table = {"subject": names[subject], "drug": np.array(list(group_sizes))[group[subject]]}
    for column, name in enumerate(within):
        table[name] = np.array([labels[column] for labels in cells])[cell]
    table |= {"time": time[place], "trial": trial + 1, response: values.ravel()}
    return pd.DataFrame(table)


def _effects(sd: np.ndarray, correlations: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    factor = sd[:, None] * np.linalg.cholesky(correlations)
    return rng.standard_normal((n, len(sd))) @ factor.T
