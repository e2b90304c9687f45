"""How many neurons share a property, and how many would by chance (Dolensek et al. 2020, Fig. 4I-J).

The paper reads segregation from a Venn diagram. Whether an overlap is small or large depends on how many
neurons have each property, so it is compared here with what independent properties would give, within each
animal: animals differ in how many neurons pass, and pooling them would feign an overlap.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations, product

import numpy as np
import pandas as pd
from scipy import stats


def venn_counts(properties: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Count the neurons of every region of a Venn diagram.

    Parameters
    ----------
    properties : mapping of str to numpy.ndarray
        Name -> which neurons have it, boolean, shape ``(n_neurons,)``.

    Returns
    -------
    pandas.DataFrame
        One row per region: a boolean column per property, and ``neurons``.

    Examples
    --------
    >>> found = venn_counts({"quinine": np.array([1, 1, 0], bool), "sucrose": np.array([0, 1, 0], bool)})
    >>> found["neurons"].tolist()
    [1, 0, 1, 1]
    """
    names, columns = list(properties), _columns(properties)
    rows = [
        (*region, int((columns == np.array(region)).all(axis=1).sum()))
        for region in product((False, True), repeat=len(names))
    ]
    return pd.DataFrame(rows, columns=[*names, "neurons"])


def compare_overlap(properties: Mapping[str, np.ndarray], animals: np.ndarray) -> pd.DataFrame:
    """Compare the overlap of every two properties with that of independent ones.

    Parameters
    ----------
    properties : mapping of str to numpy.ndarray
        Name -> which neurons have it, boolean, shape ``(n_neurons,)``.
    animals : numpy.ndarray
        Animal of each neuron, shape ``(n_neurons,)``.

    Returns
    -------
    pandas.DataFrame
        One row per pair: ``first second n_first n_second overlap expected ratio p``. ``expected`` and the
        two-sided ``p`` are exact: within each animal the number of neurons in both follows a hypergeometric
        distribution, and these are summed over animals. Neurons of one field of view are not independent of
        each other, so `p` is about these neurons; a claim about animals needs several of them.

    Raises
    ------
    ValueError
        If the lengths differ, or there are fewer than two properties.
    """
    if len(properties) < 2:
        raise ValueError("an overlap needs two properties at least")
    columns, animals = _columns(properties), np.asarray(animals)
    if len(animals) != len(columns):
        raise ValueError(f"{len(columns)} neurons, but {len(animals)} names of animals")
    rows = []
    for (one, first), (other, second) in combinations(zip(properties, columns.T, strict=True), 2):
        chances = np.ones(1)
        for animal in np.unique(animals):
            of = animals == animal
            total, n_one, n_other = int(of.sum()), int(first[of].sum()), int(second[of].sum())
            chances = np.convolve(
                chances, stats.hypergeom.pmf(np.arange(min(n_one, n_other) + 1), total, n_one, n_other)
            )
        overlap, expected = int((first & second).sum()), float(np.arange(len(chances)) @ chances)
        p = float(min(1.0, chances[chances <= chances[overlap] * (1 + 1e-9)].sum()))
        ratio = overlap / expected if expected else np.nan
        rows.append((one, other, int(first.sum()), int(second.sum()), overlap, expected, ratio, p))
    names = ["first", "second", "n_first", "n_second", "overlap", "expected", "ratio", "p"]
    return pd.DataFrame(rows, columns=names)


def _columns(properties: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return the properties as columns, shape ``(n_neurons, n_properties)``."""
    sizes = {name: np.shape(value) for name, value in properties.items()}
    if len(set(sizes.values())) > 1:
        raise ValueError(f"every property needs one value per neuron, found shapes {sizes}")
    return np.column_stack([np.asarray(value, bool) for value in properties.values()])
