"""Which columns of a design can be told apart."""

from __future__ import annotations

import numpy as np

_DEPENDENT = 1e-7
"""Share of its length that a column must have beside the others, or it counts as explained (as in R's lm)."""


def independent_columns(matrix: np.ndarray) -> list[int]:
    """Return the leftmost columns that no other kept column explains.

    Examples
    --------
    >>> independent_columns(np.array([[1.0, 0.0, 1.0], [1.0, 1.0, 2.0], [1.0, 2.0, 3.0]]))
    [0, 1]
    """
    lengths = np.linalg.norm(matrix, axis=0)
    triangle = np.asarray(np.linalg.qr(matrix / np.where(lengths > 0, lengths, 1.0), mode="r"))
    basis = np.zeros((len(triangle), 0))
    kept = []
    for position in np.flatnonzero(lengths > 0):
        rest = triangle[:, position]
        for _ in range(2):
            rest = rest - basis @ (basis.T @ rest)
        size = np.linalg.norm(rest)
        if size > _DEPENDENT:
            kept.append(int(position))
            basis = np.column_stack([basis, rest / size])
    return kept


def null_space(full: np.ndarray, kept: list[int], dropped: list[int]) -> np.ndarray:
    """Return the combinations of all columns that are zero in the data, (n_columns, n_dropped)."""
    null = np.zeros((full.shape[1], len(dropped)))
    if dropped:
        null[kept] = np.linalg.lstsq(full[:, kept], full[:, dropped], rcond=None)[0]
        null[dropped, range(len(dropped))] = -1.0
    return null
