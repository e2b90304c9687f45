"""How many threads linear algebra may use."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache

from threadpoolctl import ThreadpoolController

_LARGE = 2000
"""Order of a matrix from which several threads gain more than they cost.

Measured on two busy cores: a gradient with 12 rows takes 14 ms with two threads and 0.6 ms with one; with
1156 rows 3 s and 0.2 s.
"""


def blas_threads(order: int) -> AbstractContextManager:
    """Use a single BLAS thread while the matrices are small.

    Parameters
    ----------
    order : int
        Number of rows of the largest square matrix that is factored.
    """
    return _controller().limit(limits=1 if order < _LARGE else None, user_api="blas")


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()
