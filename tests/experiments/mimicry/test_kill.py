"""A session is killed at any moment: what was shown is on the disk, and the session goes on."""

from __future__ import annotations

import os
import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from killed_sessions import (
    Driver,
    analyse,
    check_finished,
    check_killed,
    check_offer,
    errors_of,
    go_on,
    running_driver,
)

from experiments.mimicry.progress import last_run, read_progress

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the sessions are forked")


@pytest.fixture(scope="module")
def driver() -> Iterator[Driver]:
    with running_driver() as running:
        yield running


def random_moments(driver: Driver, study: Path, rng: np.random.Generator, n: int, *options: object) -> list:
    """Draw moments over a whole session: of its writes, of its function calls and of its time."""
    whole = driver.run(study, "--participant", "whole", *options, moment={"kind": "count_calls"})
    assert whole["status"] == 0, whole["output"]
    seconds = driver.run(study, "--participant", "timed", *options)["seconds"]
    kinds = ("write", "write", "call", "time")
    moments: list[dict[str, Any]] = []
    for index in range(n):
        kind = kinds[index % len(kinds)]
        if kind == "time":
            moments.append({"kind": "time", "seconds": float(rng.uniform(0, seconds))})
        else:
            count = int(rng.integers(1, whole["counts"][kind] + 1))
            moments.append(
                {"kind": kind, "count": count, "how": str(rng.choice(["before", "half", "after"]))}
            )
    return moments


def kill_and_go_on(
    driver: Driver, folder: Path, n: int, *options: object, seed: int = 1
) -> tuple[Counter[str], Path]:
    """Kill a session of another participant at each moment; return how far they were."""
    moments = random_moments(driver, folder / "tried", np.random.default_rng(seed), n, *options)
    study, untouched, closed = folder / "study", folder / "untouched", folder / "closed"
    where: Counter[str] = Counter()
    for number, moment in enumerate(moments, start=1):
        participant = f"{number:03}"
        killed = driver.run(study, "--participant", participant, *options, moment=moment)
        assert killed["status"] in (-signal.SIGKILL, 0), killed["output"]
        state = "it was finished before" if killed["status"] == 0 else check_killed(study, participant)
        where[f"{moment['kind']}: {state}"] += 1
        if last_run(study, participant):
            check_offer(driver, study, participant, *options)
    shutil.copytree(study, untouched)
    shutil.copytree(study, closed)
    for number in range(1, n + 1):
        if last_run(closed, f"{number:03}") and not read_progress(closed, f"{number:03}", 1).in_dataset:
            done = driver.run(closed, "--participant", f"{number:03}", "--close")
            assert done["status"] == 0, done["output"]
        go_on(driver, study, f"{number:03}", *options)
        check_finished(study, f"{number:03}")
    for made in (untouched, closed, study):
        if (made / "dataset_description.json").exists():
            assert errors_of(made) == []
    return where, study


def test_a_session_that_is_killed_goes_on_with_the_next_trial(driver: Driver, tmp_path: Path) -> None:
    _, study = kill_and_go_on(driver, tmp_path, 8, "--simulate", "--trials", 8)
    assert not list(study.glob("**/*unfinished*"))


@pytest.mark.parametrize("n_moved", [0, 1, 3, 6, None])
def test_a_kill_while_files_move_into_the_dataset_is_offered_and_closed(
    driver: Driver, tmp_path: Path, n_moved: int | None
) -> None:
    study, options = tmp_path / "study", ("--simulate", "--trials", 4)
    for session in ((), ("--new-run",)):
        assert driver.run(study, "--participant", "1", *options, *session)["status"] == 0
    folder, on_its_way = study / "sub-1", study / "sourcedata" / ".sub-1.complete"
    whole = {path: path.read_bytes() for path in folder.glob("*/*")}
    on_its_way.mkdir()
    for path in sorted(path for path in whole if "run-2" in path.name)[n_moved:]:
        if n_moved is not None:
            (on_its_way / path.parent.name).mkdir(exist_ok=True)
            path.rename(on_its_way / path.parent.name / path.name)
    assert not read_progress(study, "1", 2).in_dataset
    done = driver.run(study, "--participant", "1", "--close")
    assert done["status"] == 0, done["output"]
    assert {path: path.read_bytes() for path in folder.glob("*/*")} == whole
    assert read_progress(study, "1", 2).in_dataset and not on_its_way.exists()
    again = driver.run(study, "--participant", "1", "--close")
    assert again["status"] == 2 and "already" in again["output"]


@pytest.mark.slow
def test_a_hundred_whole_sessions_that_are_killed_go_on(driver: Driver, tmp_path: Path, capsys) -> None:
    where, _ = kill_and_go_on(driver, tmp_path, 100, "--simulate", seed=20231)
    for name in ("study", "closed"):
        analyse(tmp_path / name, tmp_path / f"report_{name}")
    with capsys.disabled():
        print("\nkilled 100 sessions of 96 trials")
        for state, count in sorted(where.items()):
            print(f"  {count:3}  {state}")
    assert sum(where.values()) == 100
