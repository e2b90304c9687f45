"""What a fit says of its random effects: standard deviations, correlations, and each level's own effects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.models.criterion import Criterion
from analysis.models.crossproducts import Factor
from analysis.models.optimum import SINGULAR, Optimum
from analysis.models.satterthwaite import FixedEffectTests


@dataclass(frozen=True)
class VarianceComponents:
    """Random effects in the units of the response."""

    table: pd.DataFrame
    """group, term, sd, correlations; the last row is the residual."""
    sigma: float
    theta: np.ndarray
    """Covariance parameters as lme4 defines them."""
    effects: dict[str, pd.DataFrame]
    """Per grouping factor: one row per level, one column per term."""
    covariances: tuple[np.ndarray, ...]
    """Per grouping factor in the order of the design: covariance of its effects, (n_effects, n_effects)."""
    fitted: np.ndarray
    """(n_observations,), without offset."""
    boundary: str
    """In words, which variances are zero or correlations are one; empty if none."""


def variance_components(
    criterion: Criterion, optimum: Optimum, tests: FixedEffectTests, groups: tuple[str, ...]
) -> VarianceComponents:
    """Translate an optimum back to the columns and units that the formula speaks of.

    Parameters
    ----------
    criterion, optimum, tests
        The fitted model.
    groups : tuple of str
        Grouping factors in the order of the formula.
    """
    solution = criterion.solve(optimum.theta)
    scale = criterion.response.scale
    sigma = scale * criterion.sigma(solution)
    size = scale * abs(solution.triangle[-1, -1])
    rows, thetas, effects, covariances, predicted = {}, {}, {}, [], []
    for factor, root, weights in zip(
        criterion.design.factors, solution.covariance_factors, solution.weights, strict=True
    ):
        name = factor.effects.group
        given = _positive_diagonal(factor.whitening @ root)
        covariances.append(sigma**2 * given @ given.T)
        rows[name] = _rows(factor, sigma * given)
        thetas[name] = given[factor.entries]
        whitened = size * weights[..., -1] @ root.T
        predicted.append(whitened.ravel())
        effects[name] = pd.DataFrame(
            whitened @ factor.whitening.T, index=factor.effects.levels, columns=factor.effects.names
        ).rename_axis(name)
    fixed = criterion.design.fixed @ (criterion.design.triangle @ tests.estimates)
    residual = {"group": "Residual", "term": "", "sd": sigma, "correlations": ()}
    table = pd.DataFrame([row for group in groups for row in rows[group]] + [residual])
    return VarianceComponents(
        table=table,
        sigma=sigma,
        theta=np.concatenate([thetas[group] for group in groups]),
        effects={group: effects[group] for group in groups},
        covariances=tuple(covariances),
        fitted=(fixed + criterion.design.random @ np.concatenate(predicted)) / criterion.design.root_weights,
        boundary=_boundary(table, criterion, optimum) if optimum.singular else "",
    )


def _rows(factor: Factor, root: np.ndarray) -> list[dict]:
    """Return one record per random effect; correlations are with the effects above it in the same block."""
    covariance = root @ root.T
    sd = np.sqrt(np.diag(covariance))
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = covariance / np.outer(sd, sd)
    records = []
    for block in factor.effects.blocks:
        for place, position in enumerate(block):
            earlier = tuple(float(correlation[position, other]) for other in block[:place])
            records.append(
                {
                    "group": factor.effects.group,
                    "term": factor.effects.names[position],
                    "sd": float(sd[position]),
                    "correlations": earlier,
                }
            )
    return records


def _positive_diagonal(root: np.ndarray) -> np.ndarray:
    """Choose the signs of the columns so that no diagonal entry is negative."""
    return root * np.where(np.diag(root) < 0, -1.0, 1.0)


def _boundary(table: pd.DataFrame, criterion: Criterion, optimum: Optimum) -> str:
    """Name the variances that are zero and the correlations that are one."""
    said = []
    largest = table["sd"].max()
    for row in table.iloc[:-1].to_dict("records"):
        name = f"{row['term']} of {row['group']}"
        if row["sd"] < 1e-12 * largest:
            said.append(f"{name} has no variance")
        elif any(abs(value) > 0.9999 for value in row["correlations"]):
            said.append(f"{name} is perfectly correlated with another random effect")
    for factor, matrix in zip(
        criterion.design.factors, criterion.covariance_factors(optimum.theta), strict=True
    ):
        group = factor.effects.group
        if np.linalg.matrix_rank(matrix, tol=SINGULAR) < len(matrix) and group not in " ".join(said):
            said.append(f"some combination of the random effects of {group} has no variance")
    return "; ".join(said)
