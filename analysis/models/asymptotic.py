"""Bayesian asymptotic regression of curves, as in Korb et al. (2023), "Bayesian statistics".

The response of a subject in a cell (such as muscle and emotion) is ``a - (a - b) exp(-exp(c) (t - 1))``: it
starts at b when t = 1 and approaches the asymptote a with the rate exp(c) per unit of time. As a formula of
brms::

    a ~ 0 + drug:cell + (0 + cell | subject)     asymptotes ~ normal(0, 0.2)
    b ~ 0             + (0 + cell | subject)
    c ~ 0 + drug:cell + (0 + cell | subject)     log rates ~ normal(-1, 1)

with standard deviations of the subject effects ~ half-normal(0, 0.1), correlations of the cells within each
of a, b, c ~ LKJ(1), and a normal residual with a standard deviation ~ half-normal(0, 0.5).

Differences from the paper
--------------------------
- The paper prints the exponent as ``-exp(c) t - 1``; with it the curve would not start at b, as the text says
  it does. ``formula="printed"`` fits it as printed.
- "Variances ... half-normal(0, 0.1)" is taken as a prior of standard deviations, as it is in brms.
- The paper does not say whether subject means or trials were modelled; give either (see `fit_asymptotic`).
- The subject effects of a and b are integrated out while sampling and drawn afterwards; that is exact.
"""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pandas as pd

from analysis.models.asymptotic_data import AsymptoticData, reduce_data
from analysis.models.asymptotic_fit import AsymptoticFit, DrugOn
from analysis.models.asymptotic_judgement import diagnose
from analysis.models.asymptotic_likelihood import Formula
from analysis.models.asymptotic_priors import AsymptoticPriors
from analysis.models.asymptotic_sampler import Chains, check_installed, run_chains
from analysis.models.asymptotic_tables import DIMENSIONS, cell_pairs

__all__ = ["NESTED", "AsymptoticFit", "AsymptoticPriors", "fit_asymptotic", "sample_posteriors"]

NESTED: tuple[DrugOn, ...] = ("both", "asymptote", "rate", "none")
"""The four models of Korb et al. (2023), Table 2."""

MAX_TREE_DEPTH = 10


def fit_asymptotic(
    data: pd.DataFrame,
    *,
    drug_on: DrugOn = "both",
    response: str = "log_emg",
    time: str = "time",
    subject: str = "subject",
    drug: str | None = "drug",
    within: tuple[str, ...] = ("muscle", "emotion"),
    n_trials: str | None = None,
    within_sd: str | None = None,
    formula: Formula = "from_baseline",
    priors: AsymptoticPriors | None = None,
    chains: int = 4,
    warmup: int = 500,
    draws: int = 1000,
    max_draws: int | None = None,
    seed: int = 1,
    target_accept: float = 0.8,
    progress: bool = True,
) -> AsymptoticFit:
    """Sample the posterior of an asymptotic regression.

    Parameters
    ----------
    data : pandas.DataFrame
        One row per trial and time, or per mean of a subject in a cell at a time. Rows of the same subject,
        cell and time count as repetitions: trials cost no more than means. Cells and times may be missing.
    drug_on : {"both", "asymptote", "rate", "none"}
        Which of a and c differ between the groups.
    response, time, subject : str
        Columns. The first time must be 1, as the curve starts at b there; further times may have any
        distance. The unit of time is that of the rate exp(c), and the prior of c is for windows of 1 s.
    drug : str or None
        Column of the between-subject factor. None with ``drug_on="none"``.
    within : tuple of str
        Columns of the within-subject factors whose combinations have curves of their own.
    n_trials, within_sd : str or None
        For means of unequal numbers of trials: columns with these numbers and with the trials' standard
        deviation. With both, the model is that of the single trials; with the number alone, the mean of n
        trials has the residual variance sigma^2 / n.
    formula : {"from_baseline", "printed"}
        See `analysis.models.asymptotic_likelihood.start_weight`.
    priors : AsymptoticPriors or None
        None: the paper's, which suit the natural logarithm of a proportion of baseline.
    chains, warmup, draws : int
        Number of chains; iterations of adaptation and draws kept, per chain.
    max_draws : int or None
        Chains that do not agree yet, or hold too few effective draws, go on (twice as far each time) until
        they keep this number. None: they stop after `draws`.
    seed : int
        The same seed gives the same draws (on the same machine); another one tells how much they depend on
        chance.
    target_accept : float
        Greater values make smaller steps: against divergences.
    progress : bool
        Show a progress bar.

    Returns
    -------
    AsymptoticFit
        Look at `trustworthy` and `warnings` first.

    Raises
    ------
    ValueError
        If the data do not fit the description; see `analysis.models.asymptotic_data.reduce_data`.
    ImportError
        If NumPyro is not installed.
    """
    priors = AsymptoticPriors() if priors is None else priors
    _check_choices(drug_on, drug, formula)
    if not isinstance(priors, AsymptoticPriors):
        raise ValueError(f"priors should be AsymptoticPriors(...); got {type(priors).__name__}")
    _check_numbers(chains, warmup, draws, target_accept, seed)
    if max_draws is not None and max_draws < draws:
        raise ValueError(f"max_draws should be {draws} (draws) or more; got {max_draws}")
    reduced = reduce_data(
        data,
        response=response,
        time=time,
        subject=subject,
        drug=drug,
        within=within,
        n_trials=n_trials,
        within_sd=within_sd,
    )
    check_installed()
    return sample_posteriors(
        [reduced],
        drug_on=drug_on,
        formula=formula,
        priors=priors,
        chains=chains,
        warmup=warmup,
        draws=draws,
        max_draws=max_draws,
        seed=seed,
        target_accept=target_accept,
        progress=progress,
    )[0]


def sample_posteriors(
    datasets: list[AsymptoticData],
    *,
    drug_on: DrugOn,
    formula: Formula = "from_baseline",
    priors: AsymptoticPriors,
    chains: int,
    warmup: int,
    draws: int,
    max_draws: int | None = None,
    seed: int,
    target_accept: float = 0.8,
    progress: bool,
) -> list[AsymptoticFit]:
    """Fit several data sets of the same subjects, groups, cells and times, compiled once (for simulations).

    Parameters are those of `fit_asymptotic`; chains never go on by themselves unless ``max_draws`` says so.
    """
    n_groups = len(datasets[0].groups)
    runs = run_chains(
        datasets,
        n_groups_a=n_groups if drug_on in ("both", "asymptote") else 1,
        n_groups_c=n_groups if drug_on in ("both", "rate") else 1,
        formula=formula,
        priors=asdict(priors),
        chains=chains,
        warmup=warmup,
        draws=draws,
        max_draws=draws if max_draws is None else max_draws,
        seed=seed,
        target_accept=target_accept,
        max_tree_depth=MAX_TREE_DEPTH,
        progress=progress,
        label=f"posterior, drug on {drug_on}",
    )
    return [
        _result(data, run, drug_on=drug_on, formula=formula, priors=priors, warmup=warmup, seed=seed)
        for data, run in zip(datasets, runs, strict=True)
    ]


def _result(
    data: AsymptoticData,
    run: Chains,
    *,
    drug_on: DrugOn,
    formula: Formula,
    priors: AsymptoticPriors,
    warmup: int,
    seed: int,
) -> AsymptoticFit:
    posterior = {name: run.draws[name] for name in ("a", "c", "sd_a", "sd_b", "sd_c")}
    pairs = cell_pairs(data.n_cells)
    for name in ("a", "b", "c"):
        factor = run.draws[f"factor_{name}"]
        correlations = factor @ np.swapaxes(factor, -1, -2)
        first, second = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        posterior[f"cor_{name}"] = correlations[..., first, second]
    posterior |= {"sigma": run.draws["sigma"], "c_subject": run.draws["c_subject"]}
    coords = {
        "drug": data.groups,
        "drug_a": data.groups if posterior["a"].shape[2] > 1 else ("all",),
        "drug_c": data.groups if posterior["c"].shape[2] > 1 else ("all",),
        "cell": data.cells,
        "pair": tuple((data.cells[i], data.cells[j]) for i, j in pairs),
        "subject": data.subjects,
        "time": tuple(data.time.tolist()),
    }
    diagnostics = diagnose(
        posterior,
        run.statistics,
        dims=DIMENSIONS,
        coords=coords,
        max_tree_depth=MAX_TREE_DEPTH,
        n_warmup=warmup,
        cpu_s=run.cpu_s,
        wall_s=run.wall_s,
    )
    return AsymptoticFit(
        drug_on=drug_on,
        formula=formula,
        priors=priors,
        data=data,
        posterior=posterior,
        coords=coords,
        sample_stats=run.statistics,
        diagnostics=diagnostics,
        seed=seed,
        _factors={name: run.draws[name] for name in ("factor_a", "factor_b", "factor_c")},
    )


def _check_choices(drug_on: str, drug: str | None, formula: str) -> None:
    if drug_on not in NESTED:
        raise ValueError(f"drug_on must be one of {', '.join(NESTED)}; it is {drug_on!r}")
    if drug is None and drug_on != "none":
        raise ValueError(
            f"drug_on={drug_on!r} needs the column of the groups: give drug=..., "
            "or drug_on='none' without groups"
        )
    if formula not in ("from_baseline", "printed"):
        raise ValueError(f"formula must be 'from_baseline' or 'printed'; it is {formula!r}")


def _check_numbers(chains: int, warmup: int, draws: int, target_accept: float, seed: int) -> None:
    for name, value in {"chains": chains, "warmup": warmup, "draws": draws, "seed": seed}.items():
        if not isinstance(value, (int, np.integer)) or isinstance(value, bool):
            raise ValueError(f"{name} must be a whole number; it is {value!r}")
    if chains < 1 or warmup < 50 or draws < 4:
        raise ValueError(
            "at least 1 chain (better 4), 50 iterations of warmup and 4 draws are needed; "
            f"got {chains}, {warmup} and {draws}"
        )
    if not 0.5 <= target_accept < 1:
        raise ValueError(f"target_accept must lie between 0.5 and 1; it is {target_accept}")
