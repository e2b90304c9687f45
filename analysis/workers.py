"""How many processors there are, and processes of a pool that end with the program that began them."""

from __future__ import annotations

import multiprocessing
import os
import threading


def available_cores() -> int:
    """Return how many processors this program may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def end_with_parent() -> None:
    """Let this process end when its parent has ended; for the initializer of a pool's workers.

    A pool whose program was killed leaves idle workers behind, which hold memory and never end.
    """
    threading.Thread(target=_wait_for_parent, daemon=True).start()


def _wait_for_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
