"""Fixtures that every test may use."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

os.environ["LSLAPICFG"] = str(ROOT / "tests" / "lsl_api.cfg")
"""Streams of tests, also those of processes that tests start, do not leave this computer."""

collect_ignore = ["benchmarks"]
"""Benchmarks are scripts, some of them for the environments of other programs."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run the simulation studies (many minutes)")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    TIMED.update(item.path for item in items if item.keywords.keys() & {"display", "real_time"})
    if config.getoption("--slow"):
        return
    skip = pytest.mark.skip(reason="minutes long: run with --slow")
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(skip)


TIMED: set[Path] = set()
"""Files with tests that run against the clock (marked ``display`` or ``real_time``)."""


@pytest.fixture(scope="module", autouse=True)
def never_two_against_the_clock(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """Let files with timed tests wait for one another, where several processes run tests side by side."""
    if not hasattr(request.config, "workerinput") or request.node.path not in TIMED:
        yield
        return
    taken = tmp_path_factory.getbasetemp().parent / "against_the_clock"
    end_s = time.monotonic() + 600
    while time.monotonic() < end_s:  # after that, whoever held it has died
        try:
            taken.mkdir()
            break
        except FileExistsError:
            time.sleep(0.1)
    yield
    with contextlib.suppress(FileNotFoundError):
        taken.rmdir()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data made by others, which lies beside the checkout and is never part of it."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        message = f"the shared data folder is absent: {folder}"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return folder
