r"""Bayes factors: how much better one hypothesis predicted the data than another.

``bf10`` above 1 speaks for a difference, below 1 for its absence; ``bf01`` is its inverse. Every function
says what it takes for granted, because a Bayes factor depends on what the alternative expects:

- `jzs_one_sample`, `jzs_two_sample`: t tests, with a Cauchy prior on the standardised difference.
- `bayes_factor_of_estimate`: any estimate with a standard error, with a prior in its own unit.
- `bic_bayes_factor`: two nested mixed models, without a prior of one's own.
- `savage_dickey`: a parameter of a Bayesian model, from the draws of its posterior.

References
----------
Rouder, Speckman, Sun, Morey & Iverson (2009), Bayesian t tests for accepting and rejecting the null
hypothesis, Psychonomic Bulletin & Review 16(2), 225-237. Wagenmakers (2007), Psychonomic Bulletin & Review
14(5), 779-804: the BIC. Wagenmakers, Lodewyckx, Kuriyal & Grasman (2010), Cognitive Psychology 60(3),
158-189: the Savage-Dickey ratio. Dienes (2014), Frontiers in Psychology 5, 781: estimates with a standard
error.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Literal

import numpy as np
import pandas as pd
from scipy import integrate, optimize, stats

from analysis.models.diagnostics import mcse_mean
from analysis.models.mixed import MixedFit
from analysis.models.nesting import check_nested, check_same_observations

MEDIUM_SCALE = float(np.sqrt(2) / 2)
"""Scale of the Cauchy prior on a standardised difference: the usual one (BayesFactor's "medium")."""


def jzs_two_sample(t: float, n_first: int, n_second: int, *, scale: float = MEDIUM_SCALE) -> float:
    """Return BF10 of a t test between two groups.

    Parameters
    ----------
    t : float
        Student's t (equal variances).
    n_first, n_second : int
        Participants per group.
    scale : float
        Scale of the Cauchy prior on the difference in standard deviations: half of the prior lies within it.

    Raises
    ------
    ValueError
        If t is not finite, a group is empty, there are fewer than 3 participants, or the scale is not
        positive.

    Notes
    -----
    Rouder et al. (2009), equation 1, with an effective number ``n_first n_second / (n_first + n_second)``.

    Examples
    --------
    >>> round(jzs_two_sample(0.7, 42, 44), 3)
    0.279
    """
    if min(n_first, n_second) < 1 or n_first + n_second < 3:
        raise ValueError(f"a t test needs 3 participants in two groups; got {n_first} and {n_second}")
    return _jzs(t, n_first * n_second / (n_first + n_second), n_first + n_second - 2, scale)


def jzs_one_sample(t: float, n: int, *, scale: float = MEDIUM_SCALE) -> float:
    """Return BF10 of a t test of one mean, or of paired differences, against zero; see `jzs_two_sample`.

    >>> round(jzs_one_sample(2.0, 30), 3)
    1.11
    """
    if n < 2:
        raise ValueError(f"a t test needs 2 participants at least; got {n}")
    return _jzs(t, float(n), n - 1, scale)


def _jzs(t: float, n_effective: float, df: int, scale: float) -> float:
    """Integrate over g, the variance of the prior, on the scale of its logarithm."""
    if not np.isfinite(t) or not scale > 0:
        raise ValueError(f"t should be finite and the scale positive; got t = {t}, scale = {scale}")

    def log_integrand(log_g: float) -> float:
        g = np.exp(log_g)
        spread = 1 + n_effective * g * scale**2
        likelihood = -0.5 * np.log(spread) - (df + 1) / 2 * np.log1p(t**2 / (spread * df))
        prior = -0.5 * np.log(2 * np.pi) - 1.5 * log_g - 0.5 / g
        return float(likelihood + prior + log_g)

    log_null = -(df + 1) / 2 * np.log1p(t**2 / df)
    with np.errstate(over="ignore"):
        return float(np.exp(_log_integral(log_integrand) - log_null))


def bayes_factor_of_estimate(
    estimate: float,
    se: float,
    df: float = np.inf,
    *,
    scale: float,
    prior: Literal["cauchy", "normal"] = "cauchy",
) -> float:
    """Return BF10 of an estimate: a true effect around zero, of a size that is expected, against none.

    Parameters
    ----------
    estimate, se : float
        For instance a difference between slopes of a mixed model, and its standard error.
    df : float
        Degrees of freedom of its t test; infinity takes the likelihood for normal.
    scale : float
        Size of the effect that is expected if there is one, in the unit of the estimate: the scale of the
        Cauchy prior (half of it lies within ``scale``) or the standard deviation of the normal prior.
    prior : {"cauchy", "normal"}
        Shape of the prior.

    Raises
    ------
    ValueError
        If the standard error, the degrees of freedom or the scale is not positive, or the prior unknown.

    Examples
    --------
    >>> round(bayes_factor_of_estimate(0.002, 0.004, 84, scale=0.02), 3)
    0.173
    """
    if not (se > 0 and scale > 0 and df > 0 and np.isfinite([estimate, se, scale]).all()):
        raise ValueError(f"expected positive numbers; got se {se}, df {df}, scale {scale}")
    shapes = {"cauchy": stats.cauchy, "normal": stats.norm}
    if prior not in shapes:
        raise ValueError(f"prior should be 'cauchy' or 'normal'; got {prior!r}")
    shape = shapes[prior]
    likelihood = stats.t(df) if np.isfinite(df) else stats.norm()

    def joint(effect: float) -> float:
        return float(likelihood.pdf((estimate - effect) / se) * shape.pdf(effect, scale=scale))

    widths = np.array([1.0, 4.0, 16.0, 64.0])
    breaks = np.unique([0.0, *(estimate + se * widths), *(estimate - se * widths)])
    breaks = np.unique([*breaks, *(scale * widths), *(-scale * widths)])
    pieces = [-np.inf, *breaks, np.inf]
    total = sum(integrate.quad(joint, a, b)[0] for a, b in pairwise(pieces))
    return _exp(float(np.log(total) - likelihood.logpdf(estimate / se)))


def bic_bayes_factor(first: MixedFit, second: MixedFit, *, n: int) -> pd.DataFrame:
    """Approximate the Bayes factor of two nested mixed models by their BIC.

    Parameters
    ----------
    first, second : MixedFit
        Fitted to the same observations, in any order; they are compared by maximum likelihood.
    n : int
        Number of independent units that the effect is estimated from. For a difference between groups of
        participants this is the number of participants. The number of observations, which a mixed model has
        in its own `bic`, makes the larger model look much too bad.

    Returns
    -------
    pandas.DataFrame
        One row: `formula_0` (the smaller model), `formula_1`, `n`, `n_parameters_0`, `n_parameters_1`,
        `bic_0`, `bic_1`, `bf10`, `bf01`.

    Raises
    ------
    ValueError
        If n is below 2, observations or weights differ, or neither model contains the other.

    Notes
    -----
    Wagenmakers (2007), equation 10: a unit-information prior is implied, which is wide; small effects are
    judged as absent sooner than by a prior that expects them.
    """
    if n < 2:
        raise ValueError(f"n should be the number of participants, 2 at least; got {n}")
    check_same_observations(first, second)
    fits = [fit.refit(reml=False) if fit.reml else fit for fit in (first, second)]
    small, large = sorted(fits, key=lambda fit: fit.n_parameters)
    if small.n_parameters == large.n_parameters:
        raise ValueError("the two models have equally many parameters: neither is contained in the other")
    check_nested(small, large)
    bic = [fit.criterion + np.log(n) * fit.n_parameters for fit in (small, large)]
    log_bf10 = (bic[0] - bic[1]) / 2
    row = {
        "formula_0": small.formula,
        "formula_1": large.formula,
        "n": n,
        "n_parameters_0": small.n_parameters,
        "n_parameters_1": large.n_parameters,
        "bic_0": bic[0],
        "bic_1": bic[1],
        "bf10": _exp(log_bf10),
        "bf01": _exp(-log_bf10),
    }
    return pd.DataFrame([row])


def savage_dickey(
    draws: np.ndarray, *, prior_density: float | Callable[[float], float], null: float = 0.0
) -> pd.DataFrame:
    """Return the Bayes factor of a parameter against one value, from draws of its posterior.

    Parameters
    ----------
    draws : numpy.ndarray
        (n_chains, n_draws) or (n_draws,) of a parameter, or of a difference between parameters.
    prior_density : float or callable
        Density of its prior at `null`, or the density as a function. The difference of two parameters with
        independent normal (0, s) priors has the prior normal (0, s sqrt 2).
    null : float
        The value that the smaller model fixes the parameter at.

    Returns
    -------
    pandas.DataFrame
        One row: `null`, `prior_density`, `posterior_density`, `bf10`, `bf01`, `mcse_log` (Monte-Carlo
        standard error of log BF), `n_near` (draws within one kernel width of the null)
        and `trustworthy`: false where fewer than 50 draws lie there; then `bf10` is only a lower bound of
        sorts, and the honest statement is that the null lies outside of the posterior.

    Raises
    ------
    ValueError
        If there are fewer than 100 draws, they do not vary or are not finite, or the prior has no density at
        the null.

    Notes
    -----
    Kernel density estimate (Gaussian, Silverman's width) whose kernel centres are drawn towards the mean so
    that the estimate keeps the variance of the draws: exact for a normal posterior but for the draws' own
    error.

    Examples
    --------
    >>> draws = np.random.default_rng(1).normal(0.01, 0.05, (4, 1000))
    >>> row = savage_dickey(draws, prior_density=stats.norm(0, 0.2).pdf).iloc[0]
    >>> bool(3.7 < row["bf01"] < 4.1)
    True
    """
    chains = np.atleast_2d(np.asarray(draws, dtype=float))
    if chains.size < 100 or not np.isfinite(chains).all() or np.ptp(chains) == 0:
        raise ValueError("expected 100 finite draws at least that differ from each other")
    prior = float(prior_density(null) if callable(prior_density) else prior_density)
    if not prior > 0:
        raise ValueError(f"the prior has no density at {null:g}: the ratio does not exist")
    sd = chains.std()
    width = 1.06 * chains.size ** (-1 / 5)
    shrink = 1 / np.sqrt(1 + width**2)
    centres = chains.mean() + shrink * (chains - chains.mean())
    kernel = stats.norm.pdf(null, centres, width * shrink * sd)
    density = float(kernel.mean())
    n_near = int((np.abs(chains - null) < width * sd).sum())
    with np.errstate(divide="ignore"):
        bf10 = prior / density if density > 0 else np.inf
    row = {
        "null": null,
        "prior_density": prior,
        "posterior_density": density,
        "bf10": bf10,
        "bf01": density / prior,
        "mcse_log": float(mcse_mean(kernel)) / density if density > 0 else np.inf,
        "n_near": n_near,
        "trustworthy": n_near >= 50,
    }
    return pd.DataFrame([row])


def evidence_words(bf10: float, *, presence: str = "a difference", absence: str = "no difference") -> str:
    """Put a Bayes factor into the words of Jeffreys (as in Lee & Wagenmakers, 2013).

    Examples
    --------
    >>> evidence_words(0.2)
    'moderate evidence for no difference (BF01 = 5)'
    >>> evidence_words(1.4, presence="an effect of the drug", absence="none")
    'hardly any evidence for an effect of the drug (BF10 = 1.4)'
    """
    if not bf10 >= 0:
        raise ValueError(f"a Bayes factor is zero or positive; got {bf10}")
    favoured, label = (presence, "BF10") if bf10 >= 1 else (absence, "BF01")
    size = bf10 if bf10 >= 1 else (1 / bf10 if bf10 > 0 else np.inf)
    names = ((100, "extreme"), (30, "very strong"), (10, "strong"), (3, "moderate"), (0, "hardly any"))
    strength = next(name for limit, name in names if size > limit)
    text = f"{size:.2g}" if size < 100 else f"{size:.0f}" if size < 10_000 else f"{size:.1e}"
    return f"{strength} evidence for {favoured} ({label} = {text})"


def _exp(value: float) -> float:
    """Exponential function that says infinity where a number is too large for the computer."""
    with np.errstate(over="ignore"):
        return float(np.exp(value))


def _log_integral(log_integrand: Callable[[float], float]) -> float:
    """Integrate a function with one peak over the whole line, given its logarithm."""
    grid = np.linspace(-20, 60, 401)
    rough = grid[np.argmax([log_integrand(u) for u in grid])]
    peak = optimize.minimize_scalar(
        lambda u: -log_integrand(u), bounds=(rough - 1, rough + 1), method="bounded"
    )
    top = log_integrand(peak.x)
    edges = peak.x + np.array([-60.0, -20, -6, -2, 0, 2, 6, 20, 60, 200])
    edges[0] = max(edges[0], -300)
    total = sum(
        integrate.quad(lambda u: np.exp(log_integrand(u) - top), a, b, epsabs=1e-13, epsrel=1e-11)[0]
        for a, b in pairwise(edges)
    )
    return float(top + np.log(total))
