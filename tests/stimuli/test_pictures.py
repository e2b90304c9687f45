import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stimuli.face_model import face_model
from stimuli.pairs import read_pairs
from stimuli.parameters import MorphParameters
from stimuli.pictures import average_faces, make_averages, make_levels
from stimuli.sources import align_source, read_sources

SMALL = MorphParameters(width_px=300, height_px=400, flow_passes=1)


def read(path: Path) -> np.ndarray:
    return np.array(Image.open(path))


def test_levels_and_continua(london_pairs: Path, tmp_path: Path) -> None:
    table = make_levels(london_pairs, tmp_path / "levels", percents=[0, 12.5, 100], parameters=SMALL)
    with table.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    assert [(row["pair"], row["level"]) for row in rows[:4]] == [
        ("id025", "0"),
        ("id025", "12.5"),
        ("id025", "100"),
        ("id045", "0"),
    ]
    assert rows[1]["file"] == "id025_neutral_happy_012p5.png"
    assert set(rows[0]) < set(json.loads((tmp_path / "levels/levels.json").read_text(encoding="utf-8")))
    (sources, _) = read_sources(read_pairs(london_pairs).pairs)
    face = (slice(150, 260), slice(120, 180))
    for row, source in ((rows[0], sources.first), (rows[2], sources.second)):
        photograph = align_source(source, SMALL).image
        assert np.array_equal(read(tmp_path / "levels" / row["file"])[face], photograph[face])
    with pytest.raises(FileExistsError, match="not empty"):
        make_levels(london_pairs, tmp_path / "levels", percents=[0], parameters=SMALL)


@pytest.mark.parametrize("percents", [[], [0, 101], [50, 50], [-1]])
def test_impossible_levels_are_refused(london_pairs: Path, tmp_path: Path, percents: list[float]) -> None:
    with pytest.raises(ValueError, match="level"):
        make_levels(london_pairs, tmp_path / "levels", percents=percents, parameters=SMALL)
    assert not (tmp_path / "levels").exists()


def test_the_average_of_a_face_with_itself_is_that_face(london_pairs: Path) -> None:
    (sources, _) = read_sources(read_pairs(london_pairs).pairs)
    face = align_source(sources.first, SMALL)
    average, points = average_faces([face, face, face])
    assert np.abs(average.astype(int) - face.image).max() <= 1
    assert np.allclose(points, face.points_px)
    with pytest.raises(ValueError, match="at least two"):
        average_faces([face])


def test_averages_lie_between_the_faces_and_can_be_morphed(london_pairs: Path, tmp_path: Path) -> None:
    table = make_averages(london_pairs, tmp_path / "average", parameters=SMALL)
    (average,) = read_sources(read_pairs(table).pairs)
    pairs = read_sources(read_pairs(london_pairs).pairs)
    ends = [align_source(pair.second, SMALL) for pair in pairs]
    expected = np.mean([end.points_px for end in ends], axis=0)
    assert np.allclose(average.second.landmarks.points_px, expected, atol=0.01)
    seen = face_model().find_faces(read(tmp_path / "average/average_happy.png"))[0].points_px
    assert np.linalg.norm(seen - expected, axis=1).mean() < 0.03 * 75
    levels = make_levels(table, tmp_path / "levels", percents=[50], parameters=SMALL)
    assert len(levels.read_text(encoding="utf-8").splitlines()) == 2


def test_averages_need_two_of_each(london_pairs: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least two photographs of neutral and happy"):
        make_averages(london_pairs, tmp_path / "average", parameters=SMALL, by_sex=True)
    with pytest.raises(ValueError, match="none of the identities carl"):
        make_averages(london_pairs, tmp_path / "average", parameters=SMALL, identities=["carl"])
    assert not (tmp_path / "average").exists()
