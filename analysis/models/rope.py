"""Whether a posterior lies in a region of practical equivalence: effects too small to matter.

References
----------
Kruschke (2018), Rejecting or accepting parameter values in Bayesian estimation, Advances in Methods and
Practices in Psychological Science 1(2), 270-280: the decision by the highest-density interval.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.models.diagnostics import hdi, mcse_mean


def region_of_equivalence(
    draws: np.ndarray, *, lower: float, upper: float, level: float = 0.95
) -> pd.DataFrame:
    """Say how much of a posterior lies between bounds, and what follows from it.

    Parameters
    ----------
    draws : numpy.ndarray
        (n_chains, n_draws) or (n_draws,) of a parameter, or of a difference between parameters.
    lower, upper : float
        The region, in the unit of the parameter; to be chosen before the data are seen.
    level : float
        Part of the posterior in the highest-density interval.

    Returns
    -------
    pandas.DataFrame
        One row: `mean sd hdi_lower hdi_upper lower_bound upper_bound`, `in_region` (part of the posterior)
        with its Monte-Carlo error `mcse`, `prob_direction` (part on the side of zero where most of it is) and
        `verdict`: "equivalent" if the interval lies inside the region, "different" if outside,
        "inconclusive" otherwise.

    Raises
    ------
    ValueError
        If the bounds do not rise, or there are fewer than 100 draws or draws that are not finite.

    Examples
    --------
    >>> draws = np.random.default_rng(1).normal(0.01, 0.02, 4000)
    >>> row = region_of_equivalence(draws, lower=-0.1, upper=0.1).iloc[0]
    >>> row["verdict"], float(row["in_region"])
    ('equivalent', 1.0)
    """
    chains = np.atleast_2d(np.asarray(draws, dtype=float))
    if not lower < upper:
        raise ValueError(f"the bounds should rise; got {lower} and {upper}")
    if chains.size < 100 or not np.isfinite(chains).all():
        raise ValueError("expected 100 finite draws at least")
    interval = hdi(chains, probability=level)
    low, high = float(interval.lower), float(interval.upper)
    inside = (chains > lower) & (chains < upper)
    above = float((chains > 0).mean())
    verdict = "inconclusive"
    if lower < low and high < upper:
        verdict = "equivalent"
    elif high < lower or low > upper:
        verdict = "different"
    row = {
        "mean": chains.mean(),
        "sd": chains.std(ddof=1),
        "hdi_lower": low,
        "hdi_upper": high,
        "lower_bound": lower,
        "upper_bound": upper,
        "in_region": inside.mean(),
        "mcse": float(mcse_mean(inside.astype(float))) if inside.any() and not inside.all() else 0.0,
        "prob_direction": max(above, 1 - above),
        "verdict": verdict,
    }
    return pd.DataFrame([row])
