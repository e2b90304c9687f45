"""Fixtures that every test may use."""

from __future__ import annotations

import os
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
    if config.getoption("--slow"):
        return
    skip = pytest.mark.skip(reason="minutes long: run with --slow")
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(skip)


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
