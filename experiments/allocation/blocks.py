"""Permuted blocks of random size, for each stratum its own list."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Slot:
    """One place of the list."""

    stratum: str
    """Name of the stratum, such as F or F/Vienna."""
    position: int
    """Place in the list of the stratum, from 1."""
    block: int
    """Number of the block, from 1."""
    block_size: int
    """Places in this block."""
    group: str
    """What the participant gets."""


def name_strata(factors: Mapping[str, Sequence[str]]) -> dict[str, dict[str, str]]:
    """Name all combinations of the factors' levels.

    Examples
    --------
    >>> name_strata({"sex": ["F", "M"], "site": ["Vienna"]})
    {'F/Vienna': {'sex': 'F', 'site': 'Vienna'}, 'M/Vienna': {'sex': 'M', 'site': 'Vienna'}}
    >>> name_strata({})
    {'all': {}}
    """
    combinations = itertools.product(*factors.values())
    named = [dict(zip(factors, levels, strict=True)) for levels in combinations]
    return {"/".join(levels.values()) or "all": levels for levels in named}


def permuted_blocks(
    n: int, *, ratio: Sequence[int], multiples: Sequence[int], rng: np.random.Generator
) -> list[tuple[int, int, int]]:
    """Draw permuted blocks until there are `n` places; the last block is cut.

    So the length of a list, which everybody can see, says nothing of the sizes of its blocks.

    Parameters
    ----------
    n : int
        Places needed.
    ratio : sequence of int
        How often each group is in the smallest block, such as (1, 1) or (2, 1).
    multiples : sequence of int
        Sizes that a block may have, in multiples of the smallest; each is as likely as the others.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    list of (block, block_size, group)
        One per place; blocks from 1, groups as places in `ratio`, from 0. All orders within a block are
        equally likely.

    Examples
    --------
    >>> places = permuted_blocks(5, ratio=(1, 1), multiples=(2,), rng=np.random.default_rng(1))
    >>> sorted(group for block, size, group in places if block == 1)
    [0, 0, 1, 1]
    >>> len(places)
    5
    """
    places: list[tuple[int, int, int]] = []
    block = 0
    while len(places) < n:
        block += 1
        multiple = int(rng.choice(np.asarray(multiples)))
        groups = rng.permutation(np.repeat(np.arange(len(ratio)), np.asarray(ratio) * multiple))
        places += [(block, len(groups), int(group)) for group in groups]
    return places[:n]


def draw_list(
    n_in: Mapping[str, int],
    *,
    groups: Sequence[str],
    ratio: Sequence[int],
    multiples: Sequence[int],
    seed: int,
) -> list[Slot]:
    """Draw the list of a study; the same arguments give the same list.

    Parameters
    ----------
    n_in : mapping
        Stratum -> places needed.
    groups : sequence of str
        Names of the groups.
    ratio, multiples
        As for `permuted_blocks`.
    seed : int
        Whoever knows it can make the list again: it belongs into the sealed key.

    Returns
    -------
    list of Slot
        All strata, in the order of `n_in`.
    """
    slots = []
    children = np.random.SeedSequence(seed).spawn(len(n_in))
    for (stratum, n), child in zip(n_in.items(), children, strict=True):
        places = permuted_blocks(n, ratio=ratio, multiples=multiples, rng=np.random.default_rng(child))
        slots += [
            Slot(stratum=stratum, position=position, block=block, block_size=size, group=groups[group])
            for position, (block, size, group) in enumerate(places, start=1)
        ]
    return slots
