import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest

from stimuli.pairs import Pair
from stimuli.photographs import write_png
from stimuli.sources import difference_warnings, read_sources


def write_tem(path: Path, n_points: int) -> Path:
    points = np.random.default_rng(n_points).uniform(180, 270, (n_points, 2))
    rows = [str(n_points), *(f"{x}\t{y}" for x, y in points)]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def make_pair(folder: Path, first: np.ndarray, second: np.ndarray, *files: Path | None) -> Pair:
    photographs = (folder / "first.png", folder / "second.png")
    for path, image in zip(photographs, (first, second), strict=True):
        write_png(path, image)
    one, other = files or (None, None)
    return Pair(pair="p", identity="p", sex="male", photographs=photographs, landmark_files=(one, other))


@pytest.mark.parametrize(("n_first", "n_second"), [(189, 106), (50, 51), (189, None)])
def test_two_templates_are_refused_by_name_and_number(
    astronaut: np.ndarray, tmp_path: Path, n_first: int, n_second: int | None
) -> None:
    files = [
        write_tem(tmp_path / f"{number}.tem", number) if number else None for number in (n_first, n_second)
    ]
    pair = make_pair(tmp_path, astronaut, astronaut, *files)
    with pytest.raises(
        ValueError, match=rf"different templates: \w+ with {n_first} points.*{n_second or 478} points"
    ):
        read_sources([pair])


def test_all_pairs_that_cannot_be_used_are_listed(astronaut: np.ndarray, tmp_path: Path) -> None:
    wall = np.full_like(astronaut, 90)
    bad = make_pair(tmp_path, astronaut, wall)
    other = dataclasses.replace(bad, pair="q", photographs=(tmp_path / "absent.png", tmp_path / "first.png"))
    with pytest.raises(ValueError, match=r"pair p: no face found in second\.png(.|\n)*pair q: .*absent\.png"):
        read_sources([bad, other])


def test_photographs_that_differ_in_size_or_colour_are_told(astronaut: np.ndarray, tmp_path: Path) -> None:
    large = cv2.resize(astronaut, None, fx=1.8, fy=1.8, interpolation=cv2.INTER_CUBIC)
    grey = np.repeat(cv2.cvtColor(astronaut, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    (same,) = read_sources([make_pair(tmp_path, astronaut, astronaut)])
    assert difference_warnings(same) == []
    (sizes,) = read_sources([make_pair(tmp_path, astronaut, large)])
    assert len(difference_warnings(sizes)) == 1
    assert "first.png and 7" in difference_warnings(sizes)[0]
    (colours,) = read_sources([make_pair(tmp_path, astronaut, grey)])
    assert "second.png is grey and first.png is not" in difference_warnings(colours)[0]


def test_heads_turned_differently_are_told(astronaut: np.ndarray, tmp_path: Path) -> None:
    (sources,) = read_sources([make_pair(tmp_path, astronaut, astronaut)])
    turned = dataclasses.replace(sources.second.landmarks, yaw_deg=20.0)
    second = dataclasses.replace(sources.second, landmarks=turned)
    (warning,) = difference_warnings(dataclasses.replace(sources, second=second))
    assert "turns by about" in warning
