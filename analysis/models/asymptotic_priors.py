"""Priors of the asymptotic regression."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class AsymptoticPriors:
    """Prior distributions, in units of the response; the defaults are those of Korb et al. (2023).

    They suit a response that is the natural logarithm of a proportion of baseline, in windows of 1 s.
    """

    a_mean: float = 0.0
    """Mean of the normal prior of each asymptote. Korb et al., "Bayesian statistics"."""
    a_sd: float = 0.2
    """Its standard deviation. Korb et al."""
    c_mean: float = -1.0
    """Mean of the normal prior of each log rate. Korb et al."""
    c_sd: float = 1.0
    """Its standard deviation. Korb et al."""
    effect_a_sd: float = 0.1
    """Scale of the half-normal prior of the standard deviation of subject effects on a. Korb et al."""
    effect_b_sd: float = 0.1
    """The same for effects on b. Korb et al."""
    effect_c_sd: float = 0.1
    """The same for effects on c. Korb et al.; tight on this scale: the data hardly move it."""
    sigma_sd: float = 0.5
    """Scale of the half-normal prior of the residual standard deviation. Korb et al."""
    lkj: float = 1.0
    """Shape of the LKJ prior of the correlations; 1 is uniform. brms' default, which the paper kept."""

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not np.isfinite(value):
                raise ValueError(f"prior {name} must be a finite number; it is {value}")
            if not name.endswith("_mean") and value <= 0:
                raise ValueError(f"prior {name} must be greater than 0; it is {value}")
