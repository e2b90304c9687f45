"""The same work on many items, in processes of their own."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

import numpy as np

from analysis.workers import end_with_parent

Shared = TypeVar("Shared")
Item = TypeVar("Item")
Result = TypeVar("Result")

_REMEMBERED: list[Any] = []


def in_processes(
    work: Callable[[Shared, Item], Result], shared: Shared, items: Sequence[Item], *, n_processes: int
) -> Iterator[Result]:
    """Yield ``work(shared, item)`` for every item, in their order.

    Parameters
    ----------
    work : callable
        A function of a module (no lambda), which another process can import.
    shared : object
        What all items need; it is sent to every process once.
    items : sequence
        The items.
    n_processes : int
        Number of processes; with 1 everything happens in this one. With more, a script that calls this
        needs ``if __name__ == "__main__":`` around it, because every process imports the script.

    Raises
    ------
    ValueError
        If there are fewer than one process.
    RuntimeError
        If the processes die, in most cases because the script lacks that line.

    Examples
    --------
    >>> list(in_processes(pow, 2, [1, 2, 3], n_processes=1))
    [2, 4, 8]
    """
    if n_processes < 1:
        raise ValueError(f"n_processes should be 1 or more; got {n_processes}")
    if n_processes == 1 or len(items) < 2:
        for item in items:
            yield work(shared, item)
        return
    context = multiprocessing.get_context("spawn")
    n_processes = min(n_processes, len(items), 61)  # 61: what Windows can wait for
    try:
        with ProcessPoolExecutor(
            n_processes, mp_context=context, initializer=_remember, initargs=(work, shared)
        ) as pool:
            yield from pool.map(_worked, items)
    except BrokenProcessPool:
        raise RuntimeError(
            "the processes ended before their work was done: put the call under "
            "'if __name__ == \"__main__\":' in the script, use n_processes=1, or free some memory"
        ) from None


def check_generator(rng: object) -> None:
    """Refuse a source of randomness that is none, such as a seed."""
    if not isinstance(rng, np.random.Generator):
        raise ValueError(f"rng should be a random generator, such as np.random.default_rng(1); got {rng!r}")


def _remember(work: Callable, shared: object) -> None:
    """Keep in a process what all its items need."""
    end_with_parent()
    _REMEMBERED[:] = [work, shared]


def _worked(item: Any) -> Any:
    work, shared = _REMEMBERED
    return work(shared, item)
