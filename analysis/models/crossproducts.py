"""Everything that a mixed model needs of its rows: sums of products, formed once.

After this step the cost of evaluating the likelihood no longer depends on the number of observations. The
fixed-effects columns are made orthonormal, the response is reduced to its least-squares residual with unit
standard deviation, and the columns of every block of correlated random effects are whitened. None of this
changes the model; it makes the optimum independent of the units and of the origin of the covariates, in exact
arithmetic and nearly so in floating point. The whitening matrix is lower triangular, so that the covariance
factor that is optimised is a linear function of the one that lme4 calls theta.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg, sparse

from analysis.models.coupling import Coupling, couple
from analysis.models.design import RandomEffects


@dataclass(frozen=True)
class Factor:
    """One grouping factor with whitened random-effect columns."""

    effects: RandomEffects
    whitening: np.ndarray
    """(n_effects, n_effects) lower triangular; whitened columns = columns @ whitening."""
    entries: tuple[np.ndarray, np.ndarray]
    """Rows and columns of the covariance factor's free entries, column by column within each block."""

    @property
    def n_levels(self) -> int:
        """Number of levels of the grouping factor."""
        return len(self.effects.levels)

    @property
    def n_effects(self) -> int:
        """Number of random effects of each level."""
        return len(self.effects.names)


@dataclass(frozen=True)
class Design:
    """The products of the design with itself: the same for every response.

    The factor with most random effects comes first and is stored level by level; all others form one dense
    block of ``n_dense`` random effects.
    """

    fixed: np.ndarray
    """(n_observations, n_coefficients), orthogonal columns with mean square 1; weighted."""
    triangle: np.ndarray
    """(n_coefficients, n_coefficients); the given columns, weighted, are ``fixed @ triangle``."""
    factors: tuple[Factor, ...]
    random: sparse.csr_array
    """(n_observations, n_random_effects), whitened; weighted."""
    first: np.ndarray
    """(n_levels, n_effects, n_effects): the first factor with itself."""
    dense_first: Coupling
    """The other factors with the first, (n_dense, n_levels, n_effects)."""
    dense: np.ndarray
    """(n_dense, n_dense): the other factors with themselves."""
    random_fixed: np.ndarray
    """(n_random_effects, n_coefficients)"""
    root_weights: np.ndarray
    """(n_observations,) by which the rows of the design and of the response are multiplied; 1 if plain."""

    @property
    def n_observations(self) -> int:
        """Number of rows."""
        return self.fixed.shape[0]

    @property
    def n_coefficients(self) -> int:
        """Number of fixed effects."""
        return self.fixed.shape[1]


@dataclass(frozen=True)
class Response:
    """A response, reduced to what the likelihood needs."""

    values: np.ndarray
    """(n_observations,) as given."""
    coefficients: np.ndarray
    """(n_coefficients,) least-squares solution on the orthogonal columns."""
    scale: float
    """Root mean square of the (weighted) least-squares residual, in the unit of the response."""
    residual: np.ndarray
    """(n_observations,) weighted residual divided by ``scale``."""
    random_residual: np.ndarray
    """(n_random_effects,) product of the random-effect columns with the residual."""


def reduce_design(
    fixed: np.ndarray, effects: Sequence[RandomEffects], weights: np.ndarray | None = None
) -> Design:
    """Form the products of the design with itself.

    Parameters
    ----------
    fixed : numpy.ndarray
        Fixed-effects columns, (n_observations, n_coefficients), linearly independent.
    effects : sequence of RandomEffects
        One entry per grouping factor.
    weights : numpy.ndarray, optional
        (n_observations,) positive: the residual variance of a row is sigma squared divided by its weight.

    Raises
    ------
    ValueError
        If random-effect columns of one block are linearly dependent, a weight is not positive, or there are
        more fixed effects than rows.
    """
    n_observations, n_coefficients = fixed.shape
    if n_observations <= n_coefficients:
        raise ValueError(f"{n_observations} observations are too few for {n_coefficients} fixed effects")
    root_weights = _root_weights(weights, n_observations)
    orthonormal, triangle = np.linalg.qr(fixed * root_weights[:, None])
    root = np.sqrt(n_observations)
    orthogonal = orthonormal * root
    ordered = sorted(effects, key=lambda effect: -len(effect.levels) * len(effect.names))
    factors = tuple(_whitened(effect, root_weights) for effect in ordered)
    random = sparse.hstack([_indicator(factor, root_weights) for factor in factors], format="csr")
    products = (random.T @ random).tocsr()
    q, n_levels = factors[0].n_effects, factors[0].n_levels
    size = q * n_levels
    rest = products[size:]
    return Design(
        fixed=orthogonal,
        triangle=triangle / root,
        factors=factors,
        random=random,
        first=_diagonal_blocks(products[:size, :size], n_levels, q),
        dense_first=couple(rest[:, :size].tocsr(), n_levels, q),
        dense=rest[:, size:].toarray(),
        random_fixed=random.T @ orthogonal,
        root_weights=root_weights,
    )


def _root_weights(weights: np.ndarray | None, n_observations: int) -> np.ndarray:
    """Return the square roots of the weights, 1 where there are none."""
    if weights is None:
        return np.ones(n_observations)
    if not (weights > 0).all():
        raise ValueError(
            f"weights should be positive; {int((weights <= 0).sum())} are not: leave out rows of no weight"
        )
    return np.sqrt(weights)


def reduce_response(design: Design, values: np.ndarray) -> Response:
    """Form the products of a response with a design.

    Raises
    ------
    ValueError
        If the response has another length than the design, is not finite, or is explained without residual.
    """
    values = np.asarray(values, dtype=float)
    if values.shape != (design.n_observations,):
        raise ValueError(f"expected {design.n_observations} response values, one per row; got {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError("the response has missing or infinite values")
    if np.ptp(values) == 0:
        raise ValueError(f"the response is constant ({values[0]:g} in every row): there is nothing to model")
    weighted = values * design.root_weights
    coefficients = design.fixed.T @ weighted / design.n_observations
    residual = weighted - design.fixed @ coefficients
    correction = design.fixed.T @ residual / design.n_observations
    residual -= design.fixed @ correction
    scale = float(np.sqrt(np.mean(residual**2)))
    if scale <= 1e-13 * np.abs(weighted).max():
        raise ValueError("the fixed effects explain the response without residual: nothing is left to model")
    residual /= scale
    return Response(values, coefficients + correction, scale, residual, design.random.T @ residual)


def _whitened(effect: RandomEffects, root_weights: np.ndarray) -> Factor:
    """Find the lower-triangular matrix that makes the columns of each block orthonormal on average."""
    whitening = np.zeros((len(effect.names),) * 2)
    rows, columns = [], []
    for block in effect.blocks:
        values = effect.columns[:, block] * root_weights[:, None]
        lengths = np.sqrt(np.mean(values**2, axis=0))
        names = ", ".join(effect.names[position] for position in block)
        if not lengths.all():
            raise ValueError(f"a random effect of {effect.group} is zero in every row (one of {names})")
        upper = np.linalg.qr(values[:, ::-1] / lengths[::-1], mode="r") / np.sqrt(len(values))
        if np.abs(np.diag(upper)).min() < 1e-7:
            raise ValueError(
                f"the random effects of {effect.group} ({names}) are linearly dependent: "
                "leave one of them out"
            )
        lower = np.sign(np.diag(upper))[::-1, None] * upper[::-1, ::-1] * lengths
        whitening[np.ix_(block, block)] = linalg.solve_triangular(lower, np.eye(len(block)), lower=True)
        for start, column in enumerate(block):
            rows += list(block[start:])
            columns += [column] * (len(block) - start)
    return Factor(effect, whitening, (np.array(rows), np.array(columns)))


def _indicator(factor: Factor, root_weights: np.ndarray) -> sparse.csr_array:
    """Spread the whitened columns over the levels, (n_observations, n_levels * n_effects)."""
    effects, q = factor.effects, factor.n_effects
    values = (effects.columns @ factor.whitening) * root_weights[:, None]
    columns = effects.codes[:, None] * q + np.arange(q)
    starts = np.arange(len(values) + 1) * q
    shape = (len(values), factor.n_levels * q)
    return sparse.csr_array((values.ravel(), columns.ravel(), starts), shape=shape)


def _diagonal_blocks(matrix: sparse.csr_array, n_levels: int, q: int) -> np.ndarray:
    """Return the q x q blocks along the diagonal, (n_levels, q, q)."""
    entries = matrix.tocoo()
    rows, columns = entries.coords
    blocks = np.zeros((n_levels, q, q))
    blocks[rows // q, rows % q, columns % q] = entries.data
    return blocks
