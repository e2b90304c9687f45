"""Jobs in several processes: one processor each, and no process left behind."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any

import cv2

MAX_WORKERS = 4
"""More processes than this are not started unasked: each may need 0.6 GB."""


def default_workers() -> int:
    """Number of processes that fit: one for each processor that this process may use, within bounds."""
    may_use = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(MAX_WORKERS, may_use)


def run_jobs(work: Callable[[Any], Any], jobs: Sequence[Any], *, n_workers: int) -> Iterator[Any]:
    """Do ``work(job)`` for every job, and yield what it returns, in whatever order they are done.

    Parameters
    ----------
    work
        Function at the top level of a module, or a `functools.partial` of one, because it is sent to other
        processes.
    jobs
        Its arguments, one a call.
    n_workers
        Number of processes; with 1 the work is done in this one. OpenCV uses one thread in each.

    Raises
    ------
    Exception
        Whatever a job raises; jobs that have not begun are dropped then.
    """
    n_workers = min(n_workers, len(jobs))
    if n_workers <= 1:
        yield from _run_here(work, jobs)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(n_workers, mp_context=context, initializer=_start_worker) as pool:
        try:
            for done in as_completed([pool.submit(work, job) for job in jobs]):
                yield done.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _run_here(work: Callable[[Any], Any], jobs: Sequence[Any]) -> Iterator[Any]:
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        for job in jobs:
            yield work(job)
    finally:
        cv2.setNumThreads(threads)


def _start_worker() -> None:
    """Let the main process alone answer Ctrl-C, and end when it has ended, however that happened."""
    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
