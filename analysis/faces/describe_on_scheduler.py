"""Describe videos on the machines of a dask cluster, which see the same files under the same paths.

Optional: needs ``distributed`` (``pip install distributed``) here, and on every worker the suite itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from analysis.faces.describe import DescribedVideo, describe_video
from analysis.faces.describe_many import Job

CONNECT_S = 10
"""Seconds to wait for the scheduler."""


def describe_on_scheduler(
    jobs: Sequence[Job], *, address: str, progress: Callable[[int], None]
) -> list[DescribedVideo | Exception]:
    """Describe each video on a worker of a dask cluster.

    Parameters
    ----------
    jobs : sequence of Job
        The videos. Paths must be the same on all machines.
    address : str
        Address of the scheduler, such as ``tcp://10.0.0.5:8786``.
    progress : callable
        Is called with the number of frames of each video that is done.

    Returns
    -------
    list of DescribedVideo or Exception
        In the order of the jobs, the same files as without a cluster.

    Raises
    ------
    ValueError
        If distributed is not installed, no scheduler answers, or it has no workers.
    """
    try:
        from distributed import Client, as_completed
    except ImportError as error:
        raise ValueError(
            "--scheduler hands the videos to a dask cluster, for which dask's package distributed is needed: "
            "pip install distributed. Without --scheduler the processors of this machine are used"
        ) from error
    try:
        client = Client(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"no dask scheduler answers at {address}: start one (dask scheduler), or give its address, such "
            "as tcp://10.0.0.5:8786"
        ) from error
    with client:
        if not client.scheduler_info()["workers"]:
            raise ValueError(f"the scheduler at {address} has no workers; start some (dask worker {address})")
        tasks = {client.submit(_describe, job, pure=False): place for place, job in enumerate(jobs)}
        results: dict[int, DescribedVideo | Exception] = {}
        for task in as_completed(list(tasks), loop=client.loop):
            place = tasks[task]
            failure = task.exception()
            results[place] = failure if isinstance(failure, Exception) else task.result()
            progress(jobs[place].n_frames)
    return [results[place] for place in range(len(jobs))]


def _describe(job: Job) -> DescribedVideo | Exception:
    """Run on a worker: one video; what is wrong with it comes back as the exception."""
    try:
        return describe_video(job.video.resolve(), job.path.resolve(), **job.options)
    except (ValueError, OSError) as error:
        return error
