"""The 2 SD rule: which trials lie too far from the mean of a participant's trials."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Limits(NamedTuple):
    """What is still no outlier."""

    lower: float
    upper: float


def outlier_limits(values: np.ndarray, *, n_sd: float) -> Limits:
    """Return mean - n_sd SD and mean + n_sd SD of the values that are not NaN (SD with n - 1).

    With fewer than two values there is no SD: the limits are NaN and nothing is an outlier. With five or
    fewer, nothing can lie beyond 2 SD.

    Examples
    --------
    >>> outlier_limits(np.array([1.0, 3.0, np.nan]), n_sd=2)
    Limits(lower=-0.82842..., upper=4.82842...)
    """
    present = values[~np.isnan(values)]
    if present.size < 2:
        return Limits(np.nan, np.nan)
    mean, sd = present.mean(), present.std(ddof=1)
    return Limits(float(mean - n_sd * sd), float(mean + n_sd * sd))


def is_outlier(values: np.ndarray, limits: Limits) -> np.ndarray:
    """Say which values lie outside the limits; NaN does not.

    Examples
    --------
    >>> is_outlier(np.array([1.0, 9.0, np.nan]), Limits(0.0, 5.0)).tolist()
    [False, True, False]
    """
    return (values < limits.lower) | (values > limits.upper)
