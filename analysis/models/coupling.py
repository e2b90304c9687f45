"""Products of the smaller grouping factors with the largest, level by level.

Where most levels meet (every participant sees every face) a dense array is fastest; where few do (every trial
belongs to one participant) only the pairs that meet are kept. Both forms answer the same five questions, so
the likelihood does not know which it is given.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from scipy import sparse

_CROWDED = 0.25
"""Share of pairs of levels that meet, above which the dense form is faster (our measurement)."""
_SMALL = 50_000
"""Number of entries below which the dense form is faster in any case."""


class Coupling(Protocol):
    """Values a[d, l, i] for each of n_dense random effects d, level l and random effect i of that level."""

    def times(self, blocks: np.ndarray) -> Coupling:
        """Multiply each level from the right by its own block, (n_levels, q, q)."""

    def minus(self, other: Coupling) -> Coupling:
        """Subtract a coupling of the same form."""

    def gram(self) -> np.ndarray:
        """Return the products of the n_dense rows with each other, (n_dense, n_dense)."""

    def to_levels(self, values: np.ndarray) -> np.ndarray:
        """Sum (n_dense, n_columns) values over the n_dense, giving (n_levels, q, n_columns)."""

    def to_dense(self, values: np.ndarray) -> np.ndarray:
        """Sum (n_levels, q, n_columns) values over the levels, giving (n_dense, n_columns)."""

    def traced(self, weights: np.ndarray, other: Coupling) -> np.ndarray:
        """Return the sum over levels of this level's part, transposed, weights, and the other's, (q, q)."""


def couple(matrix: sparse.csr_array, n_levels: int, q: int) -> Coupling:
    """Choose the form for a (n_dense, n_levels * q) matrix of products."""
    entries = matrix.tocoo()
    rows, columns = entries.coords
    pairs = np.unique(rows.astype(np.int64) * n_levels + columns // q)
    n_dense = matrix.shape[0]
    if n_dense * n_levels * q < _SMALL or len(pairs) > _CROWDED * n_dense * n_levels:
        return DenseCoupling(matrix.toarray().reshape(n_dense, n_levels, q))
    values = np.zeros((len(pairs), q))
    values[np.searchsorted(pairs, rows.astype(np.int64) * n_levels + columns // q), columns % q] = (
        entries.data
    )
    starts = np.searchsorted(pairs, np.arange(n_dense + 1, dtype=np.int64) * n_levels)
    return SparseCoupling(values, pairs % n_levels, starts, n_levels)


@dataclass(frozen=True)
class DenseCoupling:
    """All values, (n_dense, n_levels, q)."""

    values: np.ndarray

    def times(self, blocks: np.ndarray) -> DenseCoupling:
        """See `Coupling`."""
        return DenseCoupling((self.values.transpose(1, 0, 2) @ blocks).transpose(1, 0, 2))

    def minus(self, other: Coupling) -> DenseCoupling:
        """See `Coupling`."""
        assert isinstance(other, DenseCoupling)
        return DenseCoupling(self.values - other.values)

    def gram(self) -> np.ndarray:
        """See `Coupling`."""
        return self._flat() @ self._flat().T

    def to_levels(self, values: np.ndarray) -> np.ndarray:
        """See `Coupling`."""
        return np.tensordot(self.values, values, (0, 0))

    def to_dense(self, values: np.ndarray) -> np.ndarray:
        """See `Coupling`."""
        return np.tensordot(self.values, values, 2)

    def traced(self, weights: np.ndarray, other: Coupling) -> np.ndarray:
        """See `Coupling`."""
        assert isinstance(other, DenseCoupling)
        weighted = (weights @ other._flat()).reshape(self.values.shape)
        return np.tensordot(self.values, weighted, ((0, 1), (0, 1)))

    def _flat(self) -> np.ndarray:
        n_dense, n_levels, q = self.values.shape
        return self.values.reshape(n_dense, n_levels * q)


@dataclass(frozen=True)
class SparseCoupling:
    """Values of the pairs (d, l) that meet, ordered by d and then by l."""

    values: np.ndarray
    """(n_pairs, q)"""
    levels: np.ndarray
    """(n_pairs,)"""
    starts: np.ndarray
    """(n_dense + 1,) position of each d's first pair."""
    n_levels: int

    def times(self, blocks: np.ndarray) -> SparseCoupling:
        """See `Coupling`."""
        return replace(self, values=(self.values[:, None, :] @ blocks[self.levels])[:, 0, :])

    def minus(self, other: Coupling) -> SparseCoupling:
        """See `Coupling`."""
        assert isinstance(other, SparseCoupling)
        return replace(self, values=self.values - other.values)

    def gram(self) -> np.ndarray:
        """See `Coupling`."""
        return sum(matrix @ matrix.T for matrix in self._matrices()).toarray()

    def to_levels(self, values: np.ndarray) -> np.ndarray:
        """See `Coupling`."""
        return np.stack([matrix.T @ values for matrix in self._matrices()], axis=1)

    def to_dense(self, values: np.ndarray) -> np.ndarray:
        """See `Coupling`."""
        return sum(matrix @ values[:, i] for i, matrix in enumerate(self._matrices()))

    def traced(self, weights: np.ndarray, other: Coupling) -> np.ndarray:
        """See `Coupling`."""
        assert isinstance(other, SparseCoupling)
        pairs = [[(a @ b.T).tocoo() for b in other._matrices()] for a in self._matrices()]
        return np.array([[product.data @ weights[product.coords] for product in row] for row in pairs])

    def _matrices(self) -> list[sparse.csr_array]:
        """Return one (n_dense, n_levels) matrix per random effect."""
        shape = (len(self.starts) - 1, self.n_levels)
        return [sparse.csr_array((column, self.levels, self.starts), shape=shape) for column in self.values.T]
