"""Photographs that the tests of the stimulus room use."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from stimuli.parameters import MorphParameters


@pytest.fixture(scope="session")
def astronaut() -> np.ndarray:
    """A photograph (NASA, public domain) of one face whose eyes are 43 px apart."""
    return skimage.data.astronaut()


@pytest.fixture
def astronaut_file(astronaut: np.ndarray, tmp_path: Path) -> Path:
    path = tmp_path / "astronaut.png"
    Image.fromarray(astronaut).save(path)
    return path


@pytest.fixture(scope="session")
def london(shared: Path) -> Path:
    """Photographs of the Face Research Lab London Set."""
    return shared / "data" / "london_faces"


@pytest.fixture(scope="session")
def small() -> MorphParameters:
    """Parameters of a short and small video, so that tests are fast."""
    return MorphParameters(duration_s=0.36, width_px=300, height_px=400)


def write_pairs(path: Path, rows: list[tuple[str, ...]], columns: tuple[str, ...]) -> Path:
    lines = ["\t".join(row) for row in [columns, *rows]]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def london_pairs(london: Path, tmp_path: Path) -> Path:
    """A table of two real pairs: one smile shows teeth, the other does not."""
    rows = [
        (
            f"id{person}",
            sex,
            str(london / f"neutral_front/{person}_03.jpg"),
            str(london / f"smiling_front/{person}_08.jpg"),
        )
        for person, sex in (("025", "female"), ("045", "male"))
    ]
    return write_pairs(tmp_path / "pairs.tsv", rows, ("identity", "sex", "neutral", "happy"))
