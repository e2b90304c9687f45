"""The tiny filmed study that several tests share."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_mouse_study import make_tiny_study


@pytest.fixture(scope="session")
def filmed_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three simulated mice before a camera; what is made of it stays for the tests that follow."""
    return make_tiny_study(tmp_path_factory.mktemp("mice") / "study")
