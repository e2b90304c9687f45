"""Whether the chains of an asymptotic regression can be trusted, in numbers and in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.models.diagnostics import ebfmi, ess_bulk, ess_tail, rhat

MAX_RHAT = 1.01
"""Vehtari et al. (2021); Korb et al. (2023) report the same bound."""

MIN_ESS = 400
"""Vehtari et al. (2021): 100 effective draws for each of four chains."""

MIN_EBFMI = 0.3
"""Betancourt (2016)."""


@dataclass(frozen=True, kw_only=True)
class SamplerDiagnostics:
    """How the sampler fared; rates of the single subjects are included in the extremes."""

    divergences: int
    """Trajectories that left the posterior's surface."""
    max_rhat: float
    """Largest rank-normalised split R-hat."""
    worst_rhat: str
    """The parameter it belongs to."""
    min_ess_bulk: float
    """Smallest effective sample size for the middle of a distribution."""
    min_ess_tail: float
    """Smallest effective sample size for the ends of 90 % intervals."""
    worst_ess: str
    """The parameter with the smallest of both."""
    tree_depth_hits: int
    """Trajectories that were cut off at the longest length."""
    ebfmi: tuple[float, ...]
    """Energy fraction of missing information of each chain."""
    n_chains: int
    n_draws: int
    """Draws kept per chain."""
    n_warmup: int
    """Iterations of adaptation per chain."""
    mean_steps: float
    """Mean number of leapfrog steps per draw."""
    cpu_s: float
    """Processor time of the sampler's process, compilation included, in seconds."""
    wall_s: float
    """Elapsed time, in seconds."""


def diagnose(
    posterior: dict[str, np.ndarray],
    statistics: dict[str, np.ndarray],
    *,
    dims: dict[str, tuple[str, ...]],
    coords: dict[str, tuple],
    max_tree_depth: int,
    n_warmup: int,
    cpu_s: float,
    wall_s: float,
) -> SamplerDiagnostics:
    """Judge the chains of all parameters.

    Parameters
    ----------
    posterior : dict of numpy.ndarray
        (n_chains, n_draws, ...) each.
    statistics : dict of numpy.ndarray
        (n_chains, n_draws): diverging, n_steps, energy.
    dims, coords : dict
        Names of the dimensions after chain and draw, and their labels, to name parameters by.
    max_tree_depth, n_warmup, cpu_s, wall_s
        How the sampler was run.

    Returns
    -------
    SamplerDiagnostics
    """
    worst_rhat, max_rhat = _worst(posterior, "rhat", dims, coords)
    by_bulk, bulk = _worst(posterior, "bulk", dims, coords)
    by_tail, tail = _worst(posterior, "tail", dims, coords)
    steps = statistics["n_steps"]
    return SamplerDiagnostics(
        divergences=int(statistics["diverging"].sum()),
        max_rhat=max_rhat,
        worst_rhat=worst_rhat,
        min_ess_bulk=bulk,
        min_ess_tail=tail,
        worst_ess=by_bulk if bulk <= tail else by_tail,
        tree_depth_hits=int((steps >= 2**max_tree_depth - 1).sum()),
        ebfmi=tuple(float(value) for value in ebfmi(statistics["energy"])),
        n_chains=steps.shape[0],
        n_draws=steps.shape[1],
        n_warmup=n_warmup,
        mean_steps=float(steps.mean()),
        cpu_s=cpu_s,
        wall_s=wall_s,
    )


def judge(diagnostics: SamplerDiagnostics) -> list[str]:
    """Say in words what is wrong with the chains and what to do; empty if they can be trusted.

    Examples
    --------
    >>> good = SamplerDiagnostics(
    ...     divergences=0, max_rhat=1.003, worst_rhat="c", min_ess_bulk=1500.0, min_ess_tail=1800.0,
    ...     worst_ess="sd_c", tree_depth_hits=0, ebfmi=(0.9, 1.0, 0.9, 1.1), n_chains=4, n_draws=1000,
    ...     n_warmup=500, mean_steps=20.0, cpu_s=60.0, wall_s=40.0)
    >>> judge(good)
    []
    """
    found = []
    total = diagnostics.n_chains * diagnostics.n_draws
    if diagnostics.divergences:
        found.append(
            f"{diagnostics.divergences} of {total} trajectories diverged: parts of the posterior may have "
            "been missed; use target_accept=0.95 or narrower priors"
        )
    if diagnostics.n_chains == 1:
        found.append("one chain cannot be compared with others; use four")
    if not diagnostics.max_rhat < MAX_RHAT:
        found.append(
            f"the chains do not agree (R-hat of {diagnostics.worst_rhat} is {diagnostics.max_rhat:.3f}, "
            f"not below {MAX_RHAT}); use more warmup and draws"
        )
    smallest = float(np.min([diagnostics.min_ess_bulk, diagnostics.min_ess_tail]))
    if not smallest >= MIN_ESS:
        found.append(
            f"too few effective draws ({diagnostics.worst_ess}: {smallest:.0f}, {MIN_ESS} are needed); "
            "use more draws"
        )
    if not np.min(diagnostics.ebfmi) >= MIN_EBFMI:
        found.append(
            f"E-BFMI of a chain is {np.min(diagnostics.ebfmi):.2f} (below {MIN_EBFMI}): the tails were not "
            "reached; use more warmup or narrower priors of the standard deviations"
        )
    if diagnostics.tree_depth_hits > 0.01 * total:
        found.append(
            f"{diagnostics.tree_depth_hits} of {total} trajectories reached the greatest length: the sampler "
            "is slow here; use more warmup or a greater max_tree_depth"
        )
    return found


def _worst(
    posterior: dict[str, np.ndarray],
    measure: str,
    dims: dict[str, tuple[str, ...]],
    coords: dict[str, tuple],
) -> tuple[str, float]:
    """The parameter that fares worst, and its value; NaN (draws that do not vary) is worst of all."""
    function = {"rhat": rhat, "bulk": ess_bulk, "tail": ess_tail}[measure]
    sign = 1 if measure == "rhat" else -1
    label, worst = "", -np.inf
    for name, draws in posterior.items():
        if draws.size:
            every = np.asarray(sign * function(draws))
            every = np.where(np.isnan(every), np.inf, every)
            if every.max() > worst:
                place = np.unravel_index(int(every.argmax()), every.shape)
                worst, label = float(every.max()), _label(name, place, dims[name], coords)
    return label, sign * worst


def _label(name: str, place: tuple, dims: tuple[str, ...], coords: dict[str, tuple]) -> str:
    parts = [coords[dim][index] for dim, index in zip(dims, place, strict=True)]
    words = [word for part in parts for word in _words(part)]
    return f"{name}[{', '.join(words)}]" if words else name


def _words(label: str | tuple) -> list[str]:
    """A group or subject by its name, a cell by its levels, a pair of cells one after the other."""
    if isinstance(label, str):
        return [label]
    if label and isinstance(label[0], tuple):
        return [word for part in label for word in _words(part)]
    return [":".join(label)] if label else []
