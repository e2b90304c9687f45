"""Permutation tests: exact p values from data that are shuffled as the design allows.

A permutation test is exact whatever its statistic, if the statistic of shuffled data is computed in the same
way as that of the data. Each p value here counts the data among the shuffles, so that it is never zero and
never too small.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, islice

import numpy as np

from analysis.models.processes import check_generator

_ALL_UP_TO = 100_000
"""Number of shuffles up to which all of them are looked at instead of a random choice."""
_TIE = 1e-9


@dataclass(frozen=True)
class PermutationTest:
    """Result of a test whose shuffles come one after the other."""

    observed: float
    p: float
    """One-sided: the share of data and shuffles that are at least as large as the data."""
    n_permutations: int
    """Shuffles that were looked at."""
    n_as_large: int
    """How many of them were at least as large."""
    stopped_early: bool
    permuted: np.ndarray
    """The statistic of each shuffle."""


def sequential_test(
    observed: float, permuted: Iterable[float], *, n_permutations: int, stop_after: int | None = None
) -> PermutationTest:
    """Test a statistic against shuffles, and stop when it is clear that it is nothing special.

    Parameters
    ----------
    observed : float
        The statistic of the data; large values speak against chance.
    permuted : iterable of float
        The statistic of shuffled data, one after the other, as many as are asked for; it may be a generator,
        which is not asked for more than needed.
    n_permutations : int
        Largest number of shuffles.
    stop_after : int, optional
        Stop at this many shuffles that are at least as large as the data. The p value is then this number
        divided by the shuffles so far, and is as exact as without stopping (Besag & Clifford 1991): under the
        null hypothesis, p <= alpha happens with probability alpha at most, for any alpha.

    Returns
    -------
    PermutationTest
        The p value and how it came about.

    Raises
    ------
    ValueError
        If a statistic is missing, or there are not enough shuffles.

    References
    ----------
    Besag & Clifford (1991), Sequential Monte Carlo p-values, Biometrika 78(2), 301-304. Phipson & Smyth
    (2010), Permutation p-values should never be zero.

    Examples
    --------
    >>> sequential_test(3.0, [1.0, 4.0, 2.0, 0.0], n_permutations=4).p
    0.4
    >>> sequential_test(3.0, [4.0, 4.0, 2.0, 0.0], n_permutations=4, stop_after=2).p
    1.0
    """
    if n_permutations < 1 or (stop_after is not None and stop_after < 1):
        raise ValueError(
            f"n_permutations and stop_after should be 1 or more, found {n_permutations} and {stop_after}"
        )
    if not np.isfinite(observed):
        raise ValueError(f"the statistic of the data is {observed}: there is nothing to test")
    found: list[float] = []
    as_large = 0
    for value in islice(permuted, n_permutations):
        found.append(float(value))
        as_large += found[-1] >= observed - _TIE * max(1.0, abs(observed))
        if as_large == stop_after:
            break
    early = as_large == stop_after
    if len(found) < n_permutations and not early:
        raise ValueError(f"{n_permutations} shuffles were asked for, {len(found)} came")
    p = as_large / len(found) if early else (1 + as_large) / (1 + len(found))
    return PermutationTest(
        float(observed), float(p), len(found), int(as_large), bool(early and len(found) < n_permutations),
        np.array(found),
    )  # fmt: skip


def permute_within(
    labels: np.ndarray, groups: np.ndarray | None = None, *, rng: np.random.Generator
) -> np.ndarray:
    """Shuffle labels within groups.

    Parameters
    ----------
    labels : numpy.ndarray
        One label per unit that may be exchanged (a trial, never a frame).
    groups : numpy.ndarray, optional
        Units are exchanged with units of the same group only.
    rng : numpy.random.Generator
        Source of randomness.

    Examples
    --------
    >>> permute_within(np.array(["a", "b", "c", "d"]), np.array([1, 1, 2, 3]), rng=np.random.default_rng(3))
    array(['b', 'a', 'c', 'd'], dtype='<U1')
    """
    check_generator(rng)
    shuffled = np.array(labels)
    groups = np.zeros(len(shuffled), int) if groups is None else np.unique(groups, return_inverse=True)[1]
    for group in range(groups.max() + 1):
        members = np.flatnonzero(groups == group)
        shuffled[members] = shuffled[rng.permutation(members)]
    return shuffled


def sign_flip_p(values: np.ndarray, *, rng: np.random.Generator | None = None, n_flips: int = 9999) -> float:
    """Test whether differences lie about zero, by turning the sign of each (two-sided).

    Parameters
    ----------
    values : numpy.ndarray
        One difference per animal, shape ``(n_animals,)``.
    rng : numpy.random.Generator, optional
        Needed for more than 16 animals, where not all flips can be looked at.
    n_flips : int
        Number of random flips then.

    Returns
    -------
    float
        Exact p value; with n animals it cannot be smaller than 2 / 2**n.

    Examples
    --------
    >>> sign_flip_p(np.array([0.5, 0.9, 0.4, 1.2, 0.8, 0.7]))
    0.03125
    """
    values = _finite(values)
    observed = abs(values.sum())
    if 2 ** len(values) <= _ALL_UP_TO:
        signs = 1 - 2 * (np.arange(2 ** len(values))[:, None] >> np.arange(len(values)) & 1)
        return float(np.mean(_as_far(np.abs(signs @ values), observed)))
    if rng is None:
        raise ValueError(f"{len(values)} differences have too many flips to look at all: give rng")
    signs = rng.choice([-1, 1], size=(n_flips, len(values)))
    return float((1 + _as_far(np.abs(signs @ values), observed).sum()) / (1 + n_flips))


def two_group_p(
    first: np.ndarray, second: np.ndarray, *, rng: np.random.Generator | None = None, n_shuffles: int = 9999
) -> float:
    """Test whether two groups of animals differ, by exchanging animals between them (two-sided).

    Parameters
    ----------
    first, second : numpy.ndarray
        One value per animal. The groups should vary by about as much.
    rng : numpy.random.Generator, optional
        Needed where there are more than 100 000 ways to divide the animals.
    n_shuffles : int
        Number of random divisions then.

    Examples
    --------
    >>> two_group_p(np.array([1.0, 2.0, 3.0, 2.5]), np.array([4.0, 5.0, 6.0, 5.5]))
    0.02857142857142857
    """
    first, second = _finite(first), _finite(second)
    values, size = np.concatenate([first, second]), len(first)
    centred = values - values.mean()
    observed = abs(centred[:size].sum())
    if math.comb(len(values), size) <= _ALL_UP_TO:
        chosen = np.array(list(combinations(range(len(values)), size)))
        return float(np.mean(_as_far(np.abs(centred[chosen].sum(axis=1)), observed)))
    if rng is None:
        raise ValueError(f"{len(values)} animals can be divided in too many ways to look at all: give rng")
    sums = np.array([centred[rng.permutation(len(values))[:size]].sum() for _ in range(n_shuffles)])
    return float((1 + _as_far(np.abs(sums), observed).sum()) / (1 + n_shuffles))


def largest_of_family(observed: np.ndarray, permuted: np.ndarray) -> np.ndarray:
    """Adjust the p values of a family by the largest statistic of each shuffle (Westfall & Young).

    Parameters
    ----------
    observed : numpy.ndarray
        Shape ``(n_tests,)``; the statistics should be on one scale.
    permuted : numpy.ndarray
        Shape ``(n_permutations, n_tests)``.

    Returns
    -------
    numpy.ndarray
        Adjusted p values: the chance of any false finding in the family is at most alpha.
    """
    greatest = np.nanmax(permuted, axis=1)
    as_far = _as_far(greatest[:, None], np.asarray(observed)[None, :])
    return (1 + as_far.sum(axis=0)) / (1 + len(permuted))


def _as_far(values: np.ndarray, observed: np.ndarray | float) -> np.ndarray:
    return values >= observed - _TIE * np.maximum(1.0, np.abs(observed))


def _finite(values: np.ndarray | Sequence[float]) -> np.ndarray:
    values = np.asarray(values, float)
    if values.ndim != 1 or len(values) < 2 or not np.isfinite(values).all():
        raise ValueError(f"two values at least are needed, none of them missing; found {values.tolist()}")
    return values
