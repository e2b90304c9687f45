"""Finds the clocks under which two lists of codes agree: which shifts of time bring most codes together.

Pure: arrays in, arrays out. A clock is a straight line, ``recorded = offset + slope * logged``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

MAX_PAIRS = 150_000
"""With more pairs of equal codes than these, only every second, third, ... logged code is a seed."""


class Pairs(NamedTuple):
    """Every logged code with every recorded one that is equal."""

    logged: Ints
    """Numbers of the logged codes, shape (n_pairs,)."""
    recorded: Ints
    """Numbers of the recorded ones, shape (n_pairs,)."""


def equal_pairs(logged: Ints, recorded: Ints) -> Pairs:
    """Pair all equal codes of two lists.

    Examples
    --------
    >>> [part.tolist() for part in equal_pairs(np.array([7, 8]), np.array([8, 7, 8]))]
    [[0, 1, 1], [1, 0, 2]]
    """
    found = []
    for code in np.unique(logged):
        left, right = np.flatnonzero(logged == code), np.flatnonzero(recorded == code)
        found.append((np.repeat(left, right.size), np.tile(right, left.size)))
    if not found:
        return Pairs(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))
    pairs = Pairs(np.concatenate([left for left, _ in found]), np.concatenate([right for _, right in found]))
    every = -(-pairs.logged.size // MAX_PAIRS)
    if every > 1:
        kept = pairs.logged % every == 0
        return Pairs(pairs.logged[kept], pairs.recorded[kept])
    return pairs


def find_slope(
    logged_s: Floats,
    recorded_s: Floats,
    *,
    max_drift_ppm: float,
    tolerance_s: float,
    centre: float = 1.0,
) -> float:
    """Find the slope at which most pairs have the same offset.

    Parameters
    ----------
    logged_s, recorded_s : numpy.ndarray
        Times of the pairs, shape (n_pairs,).
    max_drift_ppm : float
        How far from `centre` the slope may be, in parts per million.
    tolerance_s : float
        Offsets that differ by less are the same.
    centre : float
        Slope in the middle of the search.

    Returns
    -------
    float
        The slope, exact to what the tolerance can tell over the length of the session.

    Examples
    --------
    >>> logged_s = np.arange(0, 900, 7.0)
    >>> slope = find_slope(logged_s, 3 + logged_s * 1.001, max_drift_ppm=2000, tolerance_s=0.01)
    >>> abs(slope - 1.001) < 3e-5
    True
    """
    length_s = max(float(np.ptp(logged_s)), 1.0)
    n_steps = int(np.ceil(max_drift_ppm * 1e-6 * length_s / (2 * tolerance_s)))
    steps = np.arange(-n_steps, n_steps + 1) * (2 * tolerance_s / length_s)
    slopes = centre + np.clip(steps, -1e-6 * max_drift_ppm, 1e-6 * max_drift_ppm)
    middle = logged_s - (logged_s.min() + length_s / 2)
    counts = [_highest(recorded_s - slope * middle, tolerance_s) for slope in slopes]
    best = np.flatnonzero(np.array(counts) == max(counts))
    return float(slopes[best[len(best) // 2]])


def find_offsets(shifts_s: Floats, *, tolerance_s: float, most: int, least_pairs: int) -> list[float]:
    """Find the offsets that most pairs have in common.

    Parameters
    ----------
    shifts_s : numpy.ndarray
        Recorded minus logged time of each pair, shape (n_pairs,).
    tolerance_s : float
        A pair belongs to an offset when it is nearer than this.
    most : int
        Largest number of offsets.
    least_pairs : int
        Smallest number of pairs of an offset.

    Returns
    -------
    list of float
        Offsets (s), that with most pairs first.

    Examples
    --------
    >>> shifts_s = np.array([1.0, 1.001, 5.0, 5.001, 5.002, 9.0])
    >>> [round(offset, 3) for offset in find_offsets(shifts_s, tolerance_s=0.01, most=5, least_pairs=2)]
    [5.001, 1.0]
    """
    ordered = np.sort(shifts_s)
    last = np.searchsorted(ordered, ordered + 2 * tolerance_s, side="right")
    counts = last - np.arange(ordered.size)
    free = np.ones(ordered.size, dtype=bool)
    offsets: list[float] = []
    for first in np.argsort(-counts, kind="stable"):
        if len(offsets) == most or counts[first] < least_pairs:
            break
        if free[first]:
            offsets.append(float(np.median(ordered[first : last[first]])))
            free &= np.abs(ordered - offsets[-1]) > 2 * tolerance_s
    return offsets


def nearest_equal(
    logged: Ints, expected_s: Floats, recorded: Ints, recorded_s: Floats, *, tolerance_s: float
) -> Ints:
    """Give each logged code the nearest recorded one that is equal; none is given twice.

    Parameters
    ----------
    logged : numpy.ndarray
        Logged codes, shape (n_logged,).
    expected_s : numpy.ndarray
        When they should be in the recording, shape (n_logged,).
    recorded, recorded_s : numpy.ndarray
        Recorded codes and their times, shape (n_recorded,).
    tolerance_s : float
        Largest distance.

    Returns
    -------
    numpy.ndarray
        Numbers of the recorded codes, -1 where there is none; shape (n_logged,).

    Examples
    --------
    >>> codes, times_s = np.array([7, 8, 7]), np.array([1.0, 2.0, 3.0])
    >>> nearest_equal(codes, times_s + 0.01, np.array([7, 7]), np.array([1.0, 3.0]), tolerance_s=0.02)
    array([ 0, -1,  1])
    """
    found = np.full(logged.size, -1, dtype=np.int64)
    if not recorded.size or not logged.size:
        return found
    everything = np.concatenate([expected_s, recorded_s])
    reach = float(np.ptp(everything)) + 10 * tolerance_s + 1.0
    start = float(everything.min())
    keys = recorded * reach + (recorded_s - start)
    order = np.argsort(keys, kind="stable")
    wanted = logged * reach + (expected_s - start)
    after = np.searchsorted(keys[order], wanted)
    nearest, distance = found.copy(), np.full(logged.size, np.inf)
    for place in (after - 1, after):
        usable = (place >= 0) & (place < order.size)
        candidate = order[np.where(usable, place, 0)]
        away = np.where(usable, np.abs(keys[candidate] - wanted), np.inf)
        nearer = away < distance
        nearest[nearer], distance[nearer] = candidate[nearer], away[nearer]
    near = np.flatnonzero(distance <= tolerance_s)
    far_first = near[np.argsort(-distance[near], kind="stable")]
    owner = np.full(recorded.size, -1, dtype=np.int64)
    owner[nearest[far_first]] = far_first  # of several for the same one, the nearest comes last and stays
    taken = np.flatnonzero(owner >= 0)
    found[owner[taken]] = taken
    return found


def longest_common(left: Ints, right: Ints) -> tuple[Ints, Ints]:
    """Pair two lists so that as many equal elements as possible stand beside each other, in order.

    Examples
    --------
    >>> [part.tolist() for part in longest_common(np.array([1, 2, 3, 4]), np.array([1, 3, 4]))]
    [[0, 2, 3], [0, 1, 2]]
    """
    common = np.zeros((left.size + 1, right.size + 1), dtype=np.int32)
    for i in range(left.size - 1, -1, -1):
        both = np.where(right == left[i], common[i + 1, 1:] + 1, 0)
        row = np.maximum(common[i + 1, :-1], both)
        common[i, :-1] = np.maximum.accumulate(row[::-1])[::-1]
    pairs: list[tuple[int, int]] = []
    i = j = 0
    while i < left.size and j < right.size:
        if left[i] == right[j] and common[i, j] == common[i + 1, j + 1] + 1:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif common[i + 1, j] >= common[i, j + 1]:
            i += 1
        else:
            j += 1
    found = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return found[:, 0], found[:, 1]


def _highest(shifts_s: Floats, tolerance_s: float) -> int:
    """Count the pairs in the fullest stretch of two bins of the tolerance's width."""
    bins = np.floor((shifts_s - shifts_s.min()) / tolerance_s).astype(np.int64)
    counts = np.bincount(bins, minlength=2)
    return int((counts[1:] + counts[:-1]).max())
