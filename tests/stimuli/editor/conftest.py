"""A pair of photographs that are not the built-in faces', so that tests need not render."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from stimuli.landmark_files import LandmarkFormat
from stimuli.landmark_table import write_landmarks
from stimuli.pairs import read_pairs
from stimuli.photographs import write_png
from stimuli.sources import read_sources

HEADER = "pair\tidentity\tsex\tneutral\thappy"


def smaller_and_turned(image: np.ndarray) -> np.ndarray:
    turn = cv2.getRotationMatrix2D((225, 110), 4, 0.97)
    return cv2.warpAffine(image, turn, (540, 520), borderMode=cv2.BORDER_REPLICATE)


@pytest.fixture
def table(astronaut: np.ndarray, tmp_path: Path) -> Path:
    """Two pairs without landmark files; the second person is the first, mirrored."""
    folder = tmp_path / "photos"
    folder.mkdir()
    rows = [HEADER]
    for name, image in (("ann", astronaut), ("bea", np.ascontiguousarray(astronaut[:, ::-1]))):
        write_png(folder / f"{name}_1.png", image)
        write_png(folder / f"{name}_2.png", smaller_and_turned(image))
        rows.append(f"{name}\t{name}\tfemale\t{name}_1.png\t{name}_2.png")
    (folder / "pairs.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder / "pairs.tsv"


@pytest.fixture
def with_files(table: Path, tmp_path: Path) -> Callable[[LandmarkFormat], Path]:
    """The same with landmark files of a format."""

    def make(to: LandmarkFormat = "json") -> Path:
        pairs = read_pairs(table)
        return write_landmarks(pairs, read_sources(pairs.pairs), tmp_path / f"as_{to}", to=to)

    return make
