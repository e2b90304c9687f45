"""Growing and reading classification trees, compiled: the inner loops of `analysis.faces.forest`.

A tree depends on the order of the values of a feature only, never on the values themselves. So each value is
replaced once by its rank (0 to 65 535), and every tree of every fold and of every permutation of the labels
sorts small whole numbers instead of numbers with a decimal point. The rules are scikit-learn's: samples drawn
with replacement, features drawn at each node, Gini impurity, thresholds halfway between two neighbouring
values, values nearer than 1e-7 taken as equal, leaves that are pure.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from analysis.faces.compiled import compiled

Whole = Any
"""A whole number, Python's or numpy's: the compiler finds out which."""
_SMALL = 20
"""Up to this number of samples an insertion sort is quicker than a sort by digits."""
_EQUAL = 1e-7
"""Values of a feature that lie nearer to one another are not told apart (as in scikit-learn)."""


@compiled()
def next_random(state: np.ndarray) -> np.uint64:
    """Return 64 random bits and move the state on (splitmix64)."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@compiled()
def random_below(state: np.ndarray, limit: int) -> Whole:
    """Return a random whole number from 0 to ``limit - 1``, with ``limit`` below 2**32."""
    return np.int64(((next_random(state) >> np.uint64(32)) * np.uint64(limit)) >> np.uint64(32))


@compiled()
def insert_keys(keys: np.ndarray, size: int) -> None:
    """Sort by insertion; equal ranks stay as they are."""
    for i in range(1, size):
        key = keys[i]
        rank = key >> np.uint32(16)
        j = i - 1
        while j >= 0 and keys[j] >> np.uint32(16) > rank:
            keys[j + 1] = keys[j]
            j -= 1
        keys[j + 1] = key


@compiled()
def place_keys(
    keys: np.ndarray, other: np.ndarray, counts: np.ndarray, size: int, low: int, shift: int
) -> int:
    """Put keys into up to 256 groups by their rank above the lowest one; return the size of the largest."""
    counts[:] = 0
    for i in range(size):
        counts[((np.int64(keys[i] >> np.uint32(16)) - low) >> shift & 255) + 1] += 1
    largest = 0
    for i in range(1, 257):
        largest = max(largest, counts[i])
        counts[i] += counts[i - 1]
    for i in range(size):
        place = (np.int64(keys[i] >> np.uint32(16)) - low) >> shift & 255
        other[counts[place]] = keys[i]
        counts[place] += 1
    return largest


@compiled()
def sort_keys(
    keys: np.ndarray, other: np.ndarray, counts: np.ndarray, size: int, low: Whole, high: Whole
) -> None:
    """Sort the first keys by their rank (upper 16 bits), which lies between two ranks, in place."""
    if size > _SMALL:
        shift = 0
        while (high - low) >> shift > 255:
            shift += 1
        largest = place_keys(keys, other, counts, size, low, shift)
        if shift > 0 and largest > _SMALL:  # by the lower digit, then by the upper one
            place_keys(other, keys, counts, size, low, 0)
            place_keys(keys, other, counts, size, low, 8)
        keys[:size] = other[:size]
        if shift == 0 or largest > _SMALL:
            return
    insert_keys(keys, size)


@compiled()
def scan_sorted(
    keys: np.ndarray,
    size: int,
    values: np.ndarray,
    weights: np.ndarray,
    totals: np.ndarray,
    left: np.ndarray,
    best: float,
) -> tuple[float, Whole, Whole]:
    """Return the best split of sorted keys that is better than ``best``: its worth, and the two codes."""
    n_classes = len(totals)
    sum_left, sum_right, square_left, square_right = 0.0, 0.0, 0.0, 0.0
    for k in range(n_classes):
        left[k] = 0.0
        sum_right += totals[k]
        square_right += totals[k] * totals[k]
    below, above = np.int64(-1), np.int64(-1)
    for i in range(size - 1):
        key = keys[i]
        own = np.int64((key >> np.uint32(8)) & np.uint32(255))
        weight = weights[own] * np.int64(key & np.uint32(255))
        right = totals[own] - left[own]
        square_left += weight * (2.0 * left[own] + weight)
        square_right -= weight * (2.0 * right - weight)
        left[own] += weight
        sum_left += weight
        sum_right -= weight
        code, following = np.int64(key >> np.uint32(16)), np.int64(keys[i + 1] >> np.uint32(16))
        if code != following and sum_right > 0.0:
            both = square_left * sum_right + square_right * sum_left
            if both > best * (sum_left * sum_right) and values[following] > values[code] + np.float32(_EQUAL):
                best, below, above = both / (sum_left * sum_right), code, following
    return best, below, above


@compiled()
def scan_counted(
    table: np.ndarray,
    n_codes: int,
    values: np.ndarray,
    totals: np.ndarray,
    left: np.ndarray,
    best: float,
) -> tuple[float, Whole, Whole]:
    """As `scan_sorted`, from the weight of each class at each code, shape ``(n_codes, n_classes)``."""
    n_classes = len(totals)
    whole = 0.0
    for k in range(n_classes):
        left[k] = 0.0
        whole += totals[k]
    sum_left = 0.0
    below: Whole = -1
    above: Whole = -1
    last: Whole = -1
    for code in range(n_codes):
        here = 0.0
        for k in range(n_classes):
            here += table[code, k]
        if here == 0.0:
            continue
        if last >= 0 and whole - sum_left > 0.0:
            square_left, square_right = 0.0, 0.0
            for k in range(n_classes):
                square_left += left[k] * left[k]
                square_right += (totals[k] - left[k]) * (totals[k] - left[k])
            worth = square_left / sum_left + square_right / (whole - sum_left)
            if worth > best and values[code] > values[last] + np.float32(_EQUAL):
                best, below, above = worth, last, code
        for k in range(n_classes):
            left[k] += table[code, k]
        sum_left += here
        last = code
    return best, below, above


@compiled()
def find_split(
    codes: np.ndarray,
    values: np.ndarray,
    starts: np.ndarray,
    about: np.ndarray,
    samples: np.ndarray,
    weights: np.ndarray,
    totals: np.ndarray,
    features: np.ndarray,
    n_drawn: int,
    state: np.ndarray,
    keys: np.ndarray,
    other: np.ndarray,
    digits: np.ndarray,
    table: np.ndarray,
    left: np.ndarray,
) -> tuple[Whole, Whole, Whole]:
    """Return the feature of the best split of a node and the codes below and above it; feature -1: none."""
    size, n_features = len(samples), len(features)
    best, best_feature, best_below, best_above = -1.0, -1, np.int64(0), np.int64(0)
    visited, found = 0, False
    while visited < n_features and (visited < n_drawn or not found):
        place = visited + random_below(state, n_features - visited)
        feature = features[place]
        features[place], features[visited] = features[visited], feature
        visited += 1
        column = codes[feature]
        own = values[starts[feature] : starts[feature + 1]]
        low, high = np.int64(65535), np.int64(0)
        for i in range(size):
            sample = samples[i]
            code = np.int64(column[sample])
            keys[i] = np.uint32(code << 16) | about[sample]
            low, high = min(low, code), max(high, code)
        if own[high] <= own[low] + np.float32(_EQUAL):
            continue
        found = True
        if len(own) * 2 <= size and len(own) <= table.shape[0]:
            table[: len(own)] = 0.0
            for i in range(size):
                k = np.int64((keys[i] >> np.uint32(8)) & np.uint32(255))
                table[np.int64(keys[i] >> np.uint32(16)), k] += weights[k] * np.int64(
                    keys[i] & np.uint32(255)
                )
            worth, below, above = scan_counted(table, len(own), own, totals, left, best)
        else:
            sort_keys(keys, other, digits, size, low, high)
            worth, below, above = scan_sorted(keys, size, own, weights, totals, left, best)
        if below >= 0:
            best, best_feature, best_below, best_above = worth, feature, below, above
    return best_feature, best_below, best_above


@compiled()
def draw_counts(rows: np.ndarray, counts: np.ndarray, bootstrap: bool, state: np.ndarray) -> np.ndarray:
    """Draw as many rows as there are, with replacement; return those drawn, their numbers in ``counts``."""
    for row in rows:
        counts[row] = 0 if bootstrap else 1
    if bootstrap:
        for _ in range(len(rows)):
            counts[rows[random_below(state, len(rows))]] += 1
    drawn = np.empty(len(rows), np.int32)
    size = 0
    for row in rows:
        if counts[row] > 0:
            drawn[size] = row
            size += 1
    return drawn[:size]


@compiled()
def grow_tree(
    codes: np.ndarray,
    values: np.ndarray,
    starts: np.ndarray,
    classes: np.ndarray,
    rows: np.ndarray,
    weights: np.ndarray,
    n_drawn: int,
    bootstrap: bool,
    seed: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Grow one tree on some rows.

    Parameters
    ----------
    codes : numpy.ndarray
        Rank of each value within its feature, shape ``(n_features, n_rows)``, uint16.
    values, starts : numpy.ndarray
        The different values of each feature in order, one feature after the other, float32, and where each
        feature begins, shape ``(n_features + 1,)``.
    classes : numpy.ndarray
        Class of each row, shape ``(n_rows,)``, uint8.
    rows : numpy.ndarray
        Rows that the tree may learn from, int32.
    weights : numpy.ndarray
        Weight of each class.
    n_drawn : int
        Features that are drawn at each node.
    bootstrap : bool
        Draw the rows with replacement.
    seed : int
        Seed of the tree.

    Returns
    -------
    tuple of numpy.ndarray
        Per node: feature (-1: leaf), threshold, the greatest code that goes left, and the right child (the
        left one is the next node), and the share of each class, shape ``(n_nodes, n_classes)``.
    """
    n_features, n_rows = codes.shape
    n_classes = len(weights)
    state = np.array([seed], np.uint64)
    counts = np.zeros(n_rows, np.int32)
    samples = draw_counts(rows, counts, bootstrap, state)
    n_samples = len(samples)
    about = (classes.astype(np.uint32) << np.uint32(8)) | counts.astype(np.uint32)
    features = np.arange(n_features).astype(np.int32)
    keys, other = np.empty(n_samples, np.uint32), np.empty(n_samples, np.uint32)
    digits, kept = np.empty(257, np.int64), np.empty(n_samples, np.int32)
    table, left = np.empty((1024, n_classes)), np.empty(n_classes)
    totals = np.empty(n_classes)
    most = 2 * n_samples - 1
    node_feature, node_code = np.full(most, -1, np.int32), np.zeros(most, np.int32)
    node_right, node_threshold = np.zeros(most, np.int32), np.zeros(most)
    node_shares = np.zeros((most, n_classes))
    stack = np.empty((n_samples + 1, 3), np.int64)
    stack[0, 0], stack[0, 1], stack[0, 2] = 0, n_samples, -1
    depth, node = 1, 0
    while depth > 0:
        depth -= 1
        start, end, parent = stack[depth]
        if parent >= 0:
            node_right[parent] = node
        totals[:] = 0.0
        for i in range(start, end):
            totals[classes[samples[i]]] += weights[classes[samples[i]]] * counts[samples[i]]
        present = 0
        for k in range(n_classes):
            node_shares[node, k] = totals[k] / totals.sum()
            present += totals[k] > 0.0
        feature = -1
        if present > 1:
            feature, below, above = find_split(
                codes, values, starts, about, samples[start:end], weights, totals, features, n_drawn,
                state, keys, other, digits, table, left,
            )  # fmt: skip
        if feature >= 0:
            own = values[starts[feature] : starts[feature + 1]]
            threshold = np.float64(own[below]) / 2.0 + np.float64(own[above]) / 2.0
            if threshold == own[above]:
                threshold = np.float64(own[below])
            code = below
            while np.float64(own[code + 1]) <= threshold:
                code += 1
            node_feature[node], node_code[node], node_threshold[node] = feature, code, threshold
            middle, n_kept = start, 0
            for i in range(start, end):
                sample = samples[i]
                if codes[feature, sample] <= code:
                    samples[middle] = sample
                    middle += 1
                else:
                    kept[n_kept] = sample
                    n_kept += 1
            samples[middle:end] = kept[:n_kept]
            stack[depth, 0], stack[depth, 1], stack[depth, 2] = middle, end, node
            stack[depth + 1, 0], stack[depth + 1, 1], stack[depth + 1, 2] = start, middle, -1
            depth += 2
        node += 1
    return (
        node_feature[:node].copy(),
        node_threshold[:node].copy(),
        node_code[:node].copy(),
        node_right[:node].copy(),
        node_shares[:node].copy(),
    )


@compiled()
def grown_votes(
    codes: np.ndarray,
    values: np.ndarray,
    starts: np.ndarray,
    classes: np.ndarray,
    rows: np.ndarray,
    weights: np.ndarray,
    n_drawn: int,
    bootstrap: bool,
    seeds: np.ndarray,
    read: np.ndarray,
) -> np.ndarray:
    """Grow trees, and return the sum of their shares for the rows ``read``; the trees are not kept."""
    votes = np.zeros((len(read), len(weights)))
    for seed in seeds:
        feature, _, code, right, shares = grow_tree(
            codes, values, starts, classes, rows, weights, n_drawn, bootstrap, seed
        )
        for i in range(len(read)):
            node = 0
            while feature[node] >= 0:
                node = node + 1 if codes[feature[node], read[i]] <= code[node] else right[node]
            for k in range(len(weights)):
                votes[i, k] += shares[node, k]
    return votes


@compiled()
def read_row(
    row: np.ndarray,
    roots: np.ndarray,
    feature: np.ndarray,
    threshold: np.ndarray,
    left: np.ndarray,
    right: np.ndarray,
    shares: np.ndarray,
    into: np.ndarray,
) -> None:
    """Write the mean of the trees' shares for one row, added up in the order of the trees."""
    into[:] = 0.0
    for root in roots:
        node = root
        while feature[node] >= 0:
            node = left[node] if row[feature[node]] <= threshold[node] else right[node]
        leaf = left[node]
        for k in range(len(into)):
            into[k] += shares[leaf, k]
    for k in range(len(into)):
        into[k] /= len(roots)


@compiled()
def read_rows(
    rows: np.ndarray,
    roots: np.ndarray,
    feature: np.ndarray,
    threshold: np.ndarray,
    left: np.ndarray,
    right: np.ndarray,
    shares: np.ndarray,
) -> np.ndarray:
    """As `read_row`, for many rows."""
    found = np.empty((len(rows), shares.shape[1]))
    for i in range(len(rows)):
        read_row(rows[i], roots, feature, threshold, left, right, shares, found[i])
    return found
