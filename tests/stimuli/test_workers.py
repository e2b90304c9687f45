from __future__ import annotations

import os
from pathlib import Path

import pytest

from stimuli.workers import default_workers, run_jobs


@pytest.mark.parametrize("n_workers", [1, 2])
def test_every_job_is_done_once_and_reported(n_workers: int, tmp_path: Path) -> None:
    folders = [tmp_path / str(number) for number in range(5)]
    assert len(list(run_jobs(os.mkdir, folders, n_workers=n_workers))) == 5
    assert sorted(tmp_path.iterdir()) == folders


@pytest.mark.parametrize("n_workers", [1, 2])
def test_what_a_job_raises_is_raised(n_workers: int, tmp_path: Path) -> None:
    with pytest.raises(FileExistsError):
        list(run_jobs(os.mkdir, [tmp_path, tmp_path / "new"], n_workers=n_workers))


def test_no_jobs_is_no_work() -> None:
    assert list(run_jobs(print, [], n_workers=4)) == []


def test_the_default_is_at_least_one_and_bounded() -> None:
    assert 1 <= default_workers() <= 4
