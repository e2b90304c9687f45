"""Compile a function to machine code once, and keep it on the disk where that is possible."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(*, fastmath: bool | set[str] = False) -> Callable[[Function], Function]:
    """Return a decorator that compiles with numba, without the interpreter's lock.

    The machine code is kept in ``__pycache__`` beside the source, or, where that folder is read-only, in the
    user's cache folder (``NUMBA_CACHE_DIR`` names another one), so that only the first start of a version
    takes the seconds of compiling. Where no folder can be written at all, it is compiled at every start.

    Parameters
    ----------
    fastmath
        What the compiler may change of IEEE arithmetic; nothing by default, so that values are those of the
        same operations in numpy.
    """
    options: dict[str, Any] = {
        "nogil": True,
        "boundscheck": False,
        "error_model": "numpy",
        "fastmath": fastmath,
    }

    def decorate(function: Function) -> Function:
        try:
            return numba.njit(cache=True, **options)(function)
        except RuntimeError:  # numba found no folder to keep the code in
            return numba.njit(cache=False, **options)(function)

    return decorate
