"""Many videos side by side, with one line of progress for all of them."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from pathlib import Path
from typing import Any, NamedTuple

from analysis.faces.describe import DescribedVideo, describe_video
from analysis.workers import end_with_parent


class Job(NamedTuple):
    """One video to describe."""

    video: Path
    """Video, or folder of pictures."""
    path: Path
    """File to write."""
    n_frames: int
    """Its frames, for the progress."""
    options: dict[str, Any]
    """Further arguments of `describe_video`."""


_done: Any = None  # the counter that a worker shares with its command


def describe_videos(
    jobs: Sequence[Job], *, workers: int, progress: Callable[[int], None]
) -> list[DescribedVideo | Exception]:
    """Describe videos, one process per video, the longest first; more workers than videos become threads.

    Parameters
    ----------
    jobs
        The videos.
    workers
        Processors to use, at least 1.
    progress
        Is called with the number of frames done since the last call.

    Returns
    -------
    list of DescribedVideo or Exception
        In the order of the jobs. One video that cannot be read does not end the others.
    """
    processes = max(1, min(workers, len(jobs)))
    threads = max(1, workers // processes)
    if processes == 1:
        return [_describe(job, threads, progress) for job in jobs]
    context = multiprocessing.get_context("spawn")
    counter = context.Value("q", 0)
    order = sorted(range(len(jobs)), key=lambda i: -jobs[i].n_frames)
    with ProcessPoolExecutor(processes, context, initializer=_share, initargs=(counter,)) as pool:
        tasks = {pool.submit(_describe_in_worker, jobs[i], threads): i for i in order}
        _watch(list(tasks), counter, progress)
        results = {i: _outcome(task) for task, i in tasks.items()}
    return [results[i] for i in range(len(jobs))]


def _watch(tasks: list[Future[Any]], counter: Any, progress: Callable[[int], None]) -> None:
    """Report the frames that the workers have done until all are done."""
    reported, waiting = 0, set(tasks)
    while waiting:
        _, waiting = wait(waiting, timeout=0.25, return_when=FIRST_COMPLETED)
        now = counter.value
        progress(now - reported)
        reported = now


def _describe(job: Job, threads: int, progress: Callable[[int], None]) -> DescribedVideo | Exception:
    try:
        return describe_video(job.video, job.path, threads=threads, progress=progress, **job.options)
    except (ValueError, OSError) as error:
        return error


def _share(counter: Any) -> None:
    global _done
    _done = counter
    end_with_parent()


def _describe_in_worker(job: Job, threads: int) -> DescribedVideo | Exception:
    def count(n_frames: int) -> None:
        with _done.get_lock():
            _done.value += n_frames

    return _describe(job, threads, count)


def _outcome(task: Future[Any]) -> DescribedVideo | Exception:
    error = task.exception()
    if error is None:
        return task.result()
    return error if isinstance(error, Exception) else RuntimeError(str(error))
