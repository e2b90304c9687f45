"""A handful of animals: means, effect sizes, intervals and tests, each as one row of a table.

The t test is the one to report, as it can be significant with five animals; the exact test by signs or
exchanges stands beside it and asks for no normal distribution, but with n animals its p value cannot be below
2 / 2**n (0.06 for five).
"""

from __future__ import annotations

import numpy as np
from scipy import optimize, stats

from analysis.models.multiplicity import check_level
from analysis.models.permutation import sign_flip_p, two_group_p

_ALL_FLIPS_UP_TO = 16


def one_sample(values: np.ndarray, *, against: float = 0.0, level: float = 0.95) -> dict[str, float]:
    """Compare the mean of animals with a number.

    Parameters
    ----------
    values : numpy.ndarray
        One value per animal: a mean, a difference or a slope. NaN: this animal has none and is left out.
    against : float
        The number.
    level : float
        Confidence level of the intervals.

    Returns
    -------
    dict of str to float
        n, estimate (mean minus the number), lower, upper, t, df, p, p_exact (all flips of the signs; NaN
        above 16 animals), effect_size (the estimate in standard deviations of the animals, corrected for
        small samples: Hedges' g), effect_lower, effect_upper (from the noncentral t distribution).

    Raises
    ------
    ValueError
        If fewer than two animals have a value.

    Examples
    --------
    >>> found = one_sample(np.array([0.5, 0.9, 0.4, 1.2, 0.8, 0.7]))
    >>> round(found["estimate"], 3), round(found["p"], 5), found["p_exact"]
    (0.75, 0.0014, 0.03125)
    """
    check_level(level)
    values = _known(values, "a comparison within animals") - against
    n, mean, sd = len(values), float(values.mean()), float(values.std(ddof=1))
    t = _ratio(mean, sd / float(np.sqrt(n)))
    half = float(stats.t.isf((1 - level) / 2, n - 1)) * sd / float(np.sqrt(n))
    return {
        "n": n, "estimate": mean, "lower": mean - half, "upper": mean + half, "t": t, "df": float(n - 1),
        "p": _two_sided(t, n - 1), "p_exact": sign_flip_p(values) if n <= _ALL_FLIPS_UP_TO else np.nan,
        **_effect(t, n - 1, float(1 / np.sqrt(n)), level),
    }  # fmt: skip


def two_samples(first: np.ndarray, second: np.ndarray, *, level: float = 0.95) -> dict[str, float]:
    """Compare the means of two groups of animals (Welch's t test).

    Parameters
    ----------
    first, second : numpy.ndarray
        One value per animal; NaN: left out.
    level : float
        Confidence level of the intervals.

    Returns
    -------
    dict of str to float
        n, n_first, n_second, estimate (first minus second), lower, upper, t, df, p, p_exact (all exchanges of
        animals; NaN for large groups), effect_size (in pooled standard deviations: Hedges' g), effect_lower,
        effect_upper.
    """
    check_level(level)
    first, second = _known(first, "the first group"), _known(second, "the second group")
    sizes = np.array([len(first), len(second)])
    variances = np.array([first.var(ddof=1), second.var(ddof=1)])
    parts = variances / sizes
    estimate, se = float(first.mean() - second.mean()), float(np.sqrt(parts.sum()))
    df = float(parts.sum() ** 2 / (parts**2 / (sizes - 1)).sum()) if se > 0 else float(sizes.sum() - 2)
    t = _ratio(estimate, se)
    half = float(stats.t.isf((1 - level) / 2, df)) * se
    pooled = float(np.sqrt(((sizes - 1) * variances).sum() / (sizes.sum() - 2)))
    unit = float(np.sqrt((1 / sizes).sum()))
    return {
        "n": int(sizes.sum()), "n_first": int(sizes[0]), "n_second": int(sizes[1]), "estimate": estimate,
        "lower": estimate - half, "upper": estimate + half, "t": t, "df": df, "p": _two_sided(t, df),
        "p_exact": two_group_p(first, second) if sizes.sum() <= _ALL_FLIPS_UP_TO else np.nan,
        **_effect(_ratio(estimate, pooled * unit), float(sizes.sum() - 2), unit, level),
    }  # fmt: skip


def _effect(t: float, df: float, unit: float, level: float) -> dict[str, float]:
    """Return Hedges' g and its interval; ``unit`` is what turns a t value into a standardised mean."""
    correction = 1 - 3 / (4 * df - 1) if df > 1 else np.nan
    limits = [_noncentrality(t, df, tail) for tail in ((1 + level) / 2, (1 - level) / 2)]
    return {
        "effect_size": t * unit * correction,
        "effect_lower": limits[0] * unit * correction,
        "effect_upper": limits[1] * unit * correction,
    }


def _noncentrality(t: float, df: float, probability: float) -> float:
    """Return the noncentrality under which t or less has this probability."""
    if not np.isfinite(t):
        return np.nan
    reach = 10 + 2 * abs(t)

    def off(value: float) -> float:
        return float(np.nan_to_num(stats.nct.cdf(t, df, value), nan=float(value < t))) - probability

    return float(optimize.brentq(off, t - reach, t + reach, xtol=1e-6))


def _ratio(estimate: float, se: float) -> float:
    """Return a t value; without any spread it is 0 for no difference, and infinite otherwise."""
    if se > 1e-12 * max(1.0, abs(estimate)):
        return estimate / se
    return 0.0 if abs(estimate) < 1e-12 else float(np.copysign(np.inf, estimate))


def _two_sided(t: float, df: float) -> float:
    return float(2 * stats.t.sf(abs(t), df))


def _known(values: np.ndarray, what: str) -> np.ndarray:
    values = np.asarray(values, float)
    values = values[~np.isnan(values)]
    if len(values) < 2:
        raise ValueError(f"{what} needs two animals at least, found {len(values)} with a value")
    if not np.isfinite(values).all():
        raise ValueError(f"{what} has infinite values")
    return values
