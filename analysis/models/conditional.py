r"""How certain the predicted random effects are.

Given the data and the parameters, the random effects of a level have the covariance
:math:`\sigma^2\Lambda(\Lambda'Z'Z\Lambda + I)^{-1}\Lambda'`, as lme4's ``ranef(condVar=TRUE)``; the
uncertainty of the fixed effects is not in it.
"""

from __future__ import annotations

import numpy as np

from analysis.models.coupling import Coupling, DenseCoupling, SparseCoupling
from analysis.models.criterion import Criterion


def conditional_covariances(
    criterion: Criterion, theta: np.ndarray, *, sigma: float
) -> dict[str, np.ndarray]:
    """Return the covariance of every level's random effects, in the units of the formula's columns.

    Parameters
    ----------
    criterion : Criterion
        The fitted model.
    theta : numpy.ndarray
        Its covariance parameters.
    sigma : float
        Residual standard deviation, in the unit of the response.

    Returns
    -------
    dict
        (n_levels, n_effects, n_effects) per grouping factor.
    """
    matrices = criterion.covariance_factors(theta)
    cholesky = criterion._factorise(matrices)
    blocks = [cholesky.inverse.transpose(0, 2, 1) @ cholesky.inverse]
    if len(cholesky.dense):
        solved = np.linalg.solve(cholesky.dense, np.eye(len(cholesky.dense)))
        inverse = solved.T @ solved
        spread = criterion._apply(matrices, criterion._apply(matrices, inverse).T)
        middle = _sandwiches(cholesky.cross, spread)
        blocks[0] = blocks[0] + cholesky.inverse.transpose(0, 2, 1) @ middle @ cholesky.inverse
        start = 0
        for factor in criterion.design.factors[1:]:
            size = factor.n_levels * factor.n_effects
            own = inverse[start : start + size, start : start + size]
            shape = (factor.n_levels, factor.n_effects, factor.n_levels, factor.n_effects)
            levels = np.arange(factor.n_levels)
            blocks.append(own.reshape(shape)[levels, :, levels, :])
            start += size
    covariances = {}
    for factor, matrix, block in zip(criterion.design.factors, matrices, blocks, strict=True):
        root = sigma * factor.whitening @ matrix
        covariances[factor.effects.group] = root @ block @ root.T
    return covariances


def _sandwiches(cross: Coupling, weights: np.ndarray) -> np.ndarray:
    """Return cross' weights cross for every level, (n_levels, q, q)."""
    if isinstance(cross, DenseCoupling):
        effects = [np.ascontiguousarray(column) for column in np.moveaxis(cross.values, 2, 0)]
        return np.array([[(a * (weights @ b)).sum(axis=0) for b in effects] for a in effects]).transpose(
            2, 0, 1
        )
    assert isinstance(cross, SparseCoupling)
    sparse = cross._matrices()
    rows = [[np.asarray((a * (weights @ b)).sum(axis=0)).ravel() for b in sparse] for a in sparse]
    return np.array(rows).transpose(2, 0, 1)
