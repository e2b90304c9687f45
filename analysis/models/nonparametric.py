"""Rank tests and Dunnett's comparisons, as papers report them: each as one row, or one table.

These take every value as independent of the others. Trials of the same animal are not; see
`analysis.models.small_samples` for animals.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy import stats


def mann_whitney(first: np.ndarray, second: np.ndarray) -> dict[str, float]:
    """Compare two groups of values by their ranks (two-tailed Mann-Whitney test).

    Parameters
    ----------
    first, second : numpy.ndarray
        Values; NaN is left out.

    Returns
    -------
    dict of str to float
        n_first, n_second, u, p, rank_biserial (1: each of the first is above each of the second; -1: below),
        shift (Hodges-Lehmann: the median difference of a value of the first and one of the second).

    Examples
    --------
    >>> found = mann_whitney(np.array([3.0, 4.0, 5.0]), np.array([1.0, 2.0, 2.5]))
    >>> round(found["p"], 3), found["rank_biserial"], found["shift"]
    (0.1, 1.0, 2.0)
    """
    first, second = _values(first), _values(second)
    if not len(first) or not len(second):
        raise ValueError(f"both groups need values, found {len(first)} and {len(second)}")
    found = stats.mannwhitneyu(first, second, alternative="two-sided")
    return {
        "n_first": len(first),
        "n_second": len(second),
        "u": float(found.statistic),
        "p": float(found.pvalue),
        "rank_biserial": float(2 * found.statistic / (len(first) * len(second)) - 1),
        "shift": float(np.median(np.subtract.outer(first, second))),
    }


def wilcoxon_one_sample(values: np.ndarray, *, against: float) -> dict[str, float]:
    """Compare values with a number by signed ranks (two-tailed one-sample Wilcoxon test).

    Parameters
    ----------
    values : numpy.ndarray
        Values; NaN is left out, and so is a value that equals the number.
    against : float
        The number, chance for instance.

    Returns
    -------
    dict of str to float
        n, median, w, p; p is 1 if no value differs from the number.
    """
    values = _values(values)
    if not len(values):
        raise ValueError("a Wilcoxon test needs values, found none")
    differences = values - against
    row = {"n": len(values), "median": float(np.median(values))}
    if not differences.any():
        return {**row, "w": 0.0, "p": 1.0}
    found = stats.wilcoxon(differences)
    return {**row, "w": float(found.statistic), "p": float(found.pvalue)}


def dunnett(
    groups: Mapping[str, np.ndarray], *, control: str, rng: np.random.Generator | None = None
) -> pd.DataFrame:
    """Compare the means of several groups with that of a control (Dunnett 1955, two-sided).

    Parameters
    ----------
    groups : mapping of str to numpy.ndarray
        Values of each group; NaN is left out.
    control : str
        Name of the group that all others are compared with.
    rng : numpy.random.Generator, optional
        For the integral over the multivariate t distribution, which is exact to about 1e-4; the same numbers
        are used each time by default.

    Returns
    -------
    pandas.DataFrame
        Index: the other groups; estimate (its mean minus the control's), lower, upper (95 % together), t, p.
    """
    known = {name: _values(values) for name, values in groups.items()}
    if control not in known:
        raise ValueError(f"no group {control!r} to compare with; the groups are: {', '.join(known)}")
    small = [name for name, values in known.items() if len(values) < 2]
    if small or len(known) < 2:
        raise ValueError(
            f"two groups of two values at least are needed; too small: {', '.join(small) or '-'}"
        )
    others = [name for name in known if name != control]
    if max(np.ptp(values) for values in known.values()) == 0:
        raise ValueError("nothing varies within the groups: there is no error to compare with")
    found = stats.dunnett(
        *(known[name] for name in others),
        control=known[control],
        random_state=rng or np.random.default_rng(0),
    )
    interval = found.confidence_interval(0.95)
    return pd.DataFrame(
        {
            "estimate": [known[name].mean() - known[control].mean() for name in others],
            "lower": interval.low,
            "upper": interval.high,
            "t": found.statistic,
            "p": found.pvalue,
        },
        index=pd.Index(others, name="group"),
    )


def _values(values: np.ndarray) -> np.ndarray:
    values = np.asarray(values, float).ravel()
    return values[~np.isnan(values)]
