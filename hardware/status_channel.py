"""Trigger codes in a recorded status channel."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def code_begins(status: npt.ArrayLike) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Find the samples at which codes begin; the lowest eight bits count, as amplifiers use the others.

    Parameters
    ----------
    status : array_like, shape (n_samples,)
        The status channel.

    Returns
    -------
    indices : ndarray, shape (n_codes,)
        Their samples, from 0.
    codes : ndarray, shape (n_codes,)
        The codes, 1 to 255.

    Examples
    --------
    >>> indices, codes = code_begins([0, 0, 5, 5, 0, 65536 + 7, 65536, 8, 9])
    >>> indices.tolist(), codes.tolist()
    ([2, 5, 7, 8], [5, 7, 8, 9])
    """
    values = np.rint(np.asarray(status, dtype=float)).astype(np.int64) & 0xFF
    begins = np.flatnonzero(np.diff(values, prepend=values[:1]))
    begins = begins[values[begins] != 0]
    return begins.astype(np.int64), values[begins]
