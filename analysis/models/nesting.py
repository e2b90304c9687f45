"""Whether two mixed models can be compared: the same observations, and one inside of the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from analysis.models.mixed import MixedFit


def check_same_observations(first: MixedFit, second: MixedFit) -> None:
    """Refuse fits to different responses, or to the same ones with other weights.

    Raises
    ------
    ValueError
        If the responses (offsets taken off) or the weights of the two fits differ.
    """
    one, other = first._criterion, second._criterion
    if not np.array_equal(one.response.values, other.response.values):
        raise ValueError(
            "the two models are fitted to different observations (or with different offsets): they cannot "
            "be compared"
        )
    if not np.array_equal(one.design.root_weights, other.design.root_weights):
        raise ValueError("the two models are fitted with different weights: they cannot be compared")


def check_nested(small: MixedFit, large: MixedFit) -> None:
    """Refuse models of which the smaller one is not a special case of the larger one.

    Fixed effects are compared by the space that their columns span, grouping factors by their names.

    Raises
    ------
    ValueError
        If the smaller model has fixed effects or grouping factors that the larger one lacks.
    """
    inner, outer = small._criterion.design.fixed, large._criterion.design.fixed
    left = inner - outer @ (outer.T @ inner) / len(inner)  # columns: orthogonal, of mean square 1
    if np.abs(left).max(initial=0.0) > 1e-6 * np.abs(inner).max(initial=1e-300):
        raise ValueError(
            f"{small.formula!r} is not contained in {large.formula!r}: it has fixed effects that the larger "
            "model lacks; compare such models by their AIC or BIC, fitted with reml=False"
        )
    absent = [group for group in small.n_groups if _parts(group) not in map(_parts, large.n_groups)]
    if absent:
        raise ValueError(
            f"{small.formula!r} is not contained in {large.formula!r}, which has no random effects of "
            f"{absent[0]}; compare such models by their AIC or BIC"
        )


def _parts(group: str) -> frozenset[str]:
    """Return the columns that a grouping factor is made of, in whatever order."""
    return frozenset(group.split(":"))
