"""How large mimicry is in a mixed model, and how much it differs between groups.

Mimicry is a difference between two emotions: for directions of a morph between their slopes of time (the
paper's emotion × time), for static emotions between their means in the middle of the epoch. A group that
changes mimicry changes this difference.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
import pandas as pd

from analysis.mimicry.emotions import are_directions, expressions
from analysis.models.mixed import MixedFit
from analysis.models.trends import mean_contrasts, slope_contrasts

PREDICTED = {"zygomaticus": ("happy", "angry"), "corrugator": ("angry", "happy")}
"""The expressions to which mimicry predicts more and less activity of a muscle."""
ALL_GROUPS = "all"
MOST_PAIRS = 3
"""Emotions without a prediction are compared pair by pair, unless these are more."""


@dataclass(frozen=True)
class Comparison:
    """Two emotions whose difference is the mimicry of a muscle."""

    first: str
    """The emotion with more activity, where mimicry predicts one."""
    second: str
    """The emotion with less; empty where there is only one emotion: then it is compared with nothing."""
    measure: Literal["slope", "mean"]
    predicted: bool
    """Whether mimicry predicts which of the two is larger."""


def comparisons(emotions: Iterable[str], *, muscle: str, has_time: bool) -> list[Comparison]:
    """Say which emotions are compared for a muscle.

    The zygomaticus should answer more to happy than to angry faces, the corrugator the other way round; of a
    direction, the expression that it ends in counts. Without such a pair, all pairs are compared, if they are
    few.

    Examples
    --------
    >>> comparisons(["AngryToHappy", "HappyToAngry"], muscle="corrugator", has_time=True)
    [Comparison(first='HappyToAngry', second='AngryToHappy', measure='slope', predicted=True)]
    >>> [(each.first, each.second, each.measure) for each in comparisons(
    ...     ["angry", "happy", "neutral"], muscle="zygomaticus", has_time=True)]
    [('happy', 'angry', 'mean')]
    >>> comparisons(["Fear", "Calm"], muscle="zygomaticus", has_time=True)[0].predicted
    False
    """
    emotions = sorted(set(emotions))
    moving = are_directions(emotions) and has_time
    measure: Literal["slope", "mean"] = "slope" if moving else "mean"
    if len(emotions) == 1:
        return [Comparison(emotions[0], "", measure, predicted=False)]
    more, less = PREDICTED.get(muscle, ("", ""))
    found = [
        Comparison(first, second, measure, predicted=True)
        for first in emotions
        for second in emotions
        if _ends(first) == more and _ends(second) == less and more
    ]
    if found or len(emotions) > MOST_PAIRS:
        return found
    return [
        Comparison(first, second, measure, predicted=False) for first, second in combinations(emotions, 2)
    ]


def _ends(emotion: str) -> str:
    return expressions(emotion)[1].lower()


def mimicry_sizes(fit: MixedFit, pairs: Iterable[Comparison], *, middle_s: float) -> pd.DataFrame:
    """Estimate mimicry, over all groups and in each.

    Parameters
    ----------
    fit : MixedFit
        A model with the factor `emotion`, unless the data have one emotion only.
    pairs : iterable of Comparison
        What is compared.
    middle_s : float
        Where the means of static emotions are taken: the model's time in the middle of the epoch.

    Returns
    -------
    pandas.DataFrame
        One row per comparison and group, "all" first: `first second measure predicted group estimate se df t
        p`.
    """
    rows, weights = [], []
    has_group = "group" in fit._model.fixed.factors
    for pair in pairs:
        for by in [[], ["group"]] if has_group else [[]]:
            cells, contrasts = _within_groups(fit, pair, by, middle_s)
            rows += [(*_named(pair), group) for group in cells]
            weights += list(contrasts)
    columns = ["first", "second", "measure", "predicted", "group"]
    return _tested(fit, pd.DataFrame(rows, columns=columns), weights)


def group_differences(
    fit: MixedFit, pairs: Iterable[Comparison], *, middle_s: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Estimate how much mimicry differs between each pair of groups.

    Parameters
    ----------
    fit, pairs, middle_s
        As in :func:`mimicry_sizes`.

    Returns
    -------
    differences : pandas.DataFrame
        One row per comparison and pair of groups: `first second measure predicted group_1 group_2 estimate se
        df t p`, the estimate being mimicry in the first group minus that in the second. Empty without groups.
    weights : pandas.DataFrame
        The same rows as contrasts of the fixed effects, one weight each.
    """
    rows, weights = [], []
    if "group" in fit._model.fixed.factors:
        for pair in pairs:
            groups, contrasts = _within_groups(fit, pair, ["group"], middle_s)
            for i, j in combinations(range(len(groups)), 2):
                rows.append((*_named(pair), groups[i], groups[j]))
                weights.append(contrasts[i] - contrasts[j])
    columns = ["first", "second", "measure", "predicted", "group_1", "group_2"]
    table = _tested(fit, pd.DataFrame(rows, columns=columns), weights)
    names = table["first"] + " - " + table["second"] + ": " + table["group_1"] + " - " + table["group_2"]
    matrix = np.array(weights).reshape(len(weights), len(fit.fixed_effects))
    return table, pd.DataFrame(matrix, index=pd.Index(names), columns=fit.fixed_effects.index)


def _named(pair: Comparison) -> tuple[str, str, str, bool]:
    return pair.first, pair.second, pair.measure, pair.predicted


def _within_groups(
    fit: MixedFit, pair: Comparison, by: list[str], middle_s: float
) -> tuple[list[str], np.ndarray]:
    """Return the groups (or "all") and the contrast that is mimicry in each, (n_groups, n_coefficients)."""
    fixed = fit._model.fixed
    factors = [*(["emotion"] if "emotion" in fixed.factors else []), *by]
    if pair.measure == "slope":
        cells, weights = slope_contrasts(fixed, "time", factors, {})
    else:
        cells, weights = mean_contrasts(fixed, factors, {"time": [middle_s]} if "time" in fixed.means else {})
    groups = list(fixed.factors["group"]) if by else [ALL_GROUPS]
    labels = cells["group"].astype(str) if by else pd.Series(ALL_GROUPS, index=cells.index)
    emotions = (
        cells["emotion"].astype(str) if "emotion" in cells else pd.Series(pair.first, index=cells.index)
    )
    contrasts = []
    for group in groups:
        first, second = (
            weights[np.flatnonzero((labels == str(group)) & (emotions == name))].sum(axis=0)
            for name in (pair.first, pair.second)
        )
        contrasts.append(first - second)
    return [str(group) for group in groups], np.array(contrasts)


def _tested(fit: MixedFit, table: pd.DataFrame, weights: list[np.ndarray]) -> pd.DataFrame:
    if not weights:
        return table.assign(**{name: pd.Series(dtype=float) for name in ("estimate", "se", "df", "t", "p")})
    tests = fit.contrasts(np.array(weights)).reset_index(drop=True)
    return table.join(tests[["estimate", "se", "df", "t", "p"]])
