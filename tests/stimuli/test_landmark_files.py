import json
from pathlib import Path

import numpy as np
import pytest

from stimuli.landmark_files import read_landmark_file, write_landmark_file

TEM = "3\n1.5\t2\n30\t4\n5\t60.25\n2\n0\n3\n0 1 2\n1\n2\n2 0\n"
PTS = "version: 1\nn_points: 3\n{\n1 1\n31.5 5\n6 61\n}\n"


def test_own_files_give_back_what_was_written(tmp_path: Path) -> None:
    points, eyes = np.array([[1.25, 2.5], [3, 4], [5, 6.125]]), np.array([[1.0, 2.0], [3.0, 4.0]])
    path = tmp_path / "x.json"
    write_landmark_file(
        path, points, template="mine", size_px=(640, 480), eyes_px=eyes, more={"scores": {"a": 1}}
    )
    read = read_landmark_file(path)
    assert np.array_equal(read.points_px, points)
    assert (read.template, read.size_px) == ("mine", (640, 480))
    assert read.eyes_px is not None
    assert np.array_equal(read.eyes_px, eyes)
    assert json.loads(path.read_text(encoding="utf-8"))["scores"] == {"a": 1}


def test_tem_files_with_and_without_lines(tmp_path: Path) -> None:
    (tmp_path / "x.tem").write_text(TEM, encoding="utf-8")
    read = read_landmark_file(tmp_path / "x.tem")
    assert read.points_px.tolist() == [[1.5, 2], [30, 4], [5, 60.25]]
    assert read.lines == [[0, 1, 2], [2, 0]]
    assert read.template == "tem3"
    (tmp_path / "y.TEM").write_text("\n".join(TEM.splitlines()[:4]).replace("\t", " "), encoding="utf-8")
    assert np.array_equal(read_landmark_file(tmp_path / "y.TEM").points_px, read.points_px)


def test_a_real_webmorph_template(london: Path) -> None:
    read = read_landmark_file(london / "neutral_front/001_03.tem")
    assert read.template == "frl189"
    assert read.points_px.shape == (189, 2)
    assert read.points_px[0].tolist() == [565, 632]
    assert len(read.lines) == 44


def test_pts_files_begin_at_one(tmp_path: Path) -> None:
    (tmp_path / "x.pts").write_text(PTS, encoding="utf-8")
    read = read_landmark_file(tmp_path / "x.pts")
    assert read.points_px.tolist() == [[0, 0], [30.5, 4], [5, 60]]
    assert read.template == "ibug3"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.tem", ""),
        ("x.tem", "4\n1 2\n3 4\n5 6\n"),
        ("x.tem", "three\n1 2\n"),
        ("x.tem", TEM.replace("0 1 2", "0 1 3")),
        ("x.tem", TEM.replace("30\t4", "nan\t4")),
        ("x.tem", "2\n1 2\n3 4\n"),
        ("x.pts", PTS.replace("}", "")),
        ("x.pts", PTS.replace("31.5 5\n", "")),
        ("x.json", "{"),
        ("x.json", "[]"),
        ("x.json", '{"format": "other"}'),
        ("x.json", '{"format": "countenance-landmarks", "version": 2}'),
        ("x.json", '{"format": "countenance-landmarks", "version": 1, "template": "t"}'),
        (
            "x.json",
            '{"format": "countenance-landmarks", "version": 1, "template": "t", "points_px": [1, 2, 3]}',
        ),
        ("x.txt", TEM),
    ],
)
def test_files_that_are_not_as_they_should_be_are_named(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=name.replace(".", r"\.")):
        read_landmark_file(tmp_path / name)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"x\.tem"):
        read_landmark_file(tmp_path / "x.tem")
