import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from stimuli.landmark_files import LANDMARK_FORMATS, read_landmark_file, write_landmark_file
from stimuli.landmark_text import (
    TemplateLine,
    format_pts,
    format_tem,
    format_tps,
    make_specimen,
    parse_pts,
    parse_tem,
    parse_tps,
    specimen_points,
)

TEM = "3\n1.5\t2\n30\t4\n5\t60.25\n2\n0\n3\n0 1 2\n1\n2\n2 0\n"
TPS = "LM=3\n0 99\n30.5 95\n5 39.25\nIMAGE=C:\\photos\\Anna.JPG\nID=7\nSCALE=0.05\n"
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
    assert read.lines == (TemplateLine((0, 1, 2), False), TemplateLine((2, 0), True))
    assert read.template == "points3"
    (tmp_path / "y.TEM").write_text("\n".join(TEM.splitlines()[:4]).replace("\t", " "), encoding="utf-8")
    assert np.array_equal(read_landmark_file(tmp_path / "y.TEM").points_px, read.points_px)


def test_a_real_webmorph_template(london: Path) -> None:
    read = read_landmark_file(london / "neutral_front/001_03.tem")
    assert read.template == "frl189"
    assert read.points_px.shape == (189, 2)
    assert read.points_px[0].tolist() == [565, 632]
    assert len(read.lines) == 44
    assert not any(line.closed for line in read.lines)


def test_pts_files_begin_at_one(tmp_path: Path) -> None:
    (tmp_path / "x.pts").write_text(PTS, encoding="utf-8")
    read = read_landmark_file(tmp_path / "x.pts")
    assert read.points_px.tolist() == [[0, 0], [30.5, 4], [5, 60]]
    assert read.template == "points3"


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
        ("x.tem", TEM.replace("3\n0 1 2", "2\n0 1 2")),
        ("x.tem", TEM + "1\n"),
        ("x.pts", PTS.replace("31.5 5", "31.5 5 2")),
        ("x.pts", PTS.replace("31.5", "left")),
        ("x.tps", TPS),
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


def eyes() -> np.ndarray:
    return np.array([[1.0, 2.0], [3.0, 4.0]])


def test_tps_files_count_upwards_from_the_lowest_pixel(tmp_path: Path) -> None:
    (tmp_path / "x.tps").write_text(TPS, encoding="utf-8")
    read = read_landmark_file(tmp_path / "x.tps", photograph="anna.jpg", size_px=(80, 100))
    assert read.points_px.tolist() == [[0, 0], [30.5, 4], [5, 59.75]]
    assert read.template == "points3"
    assert read.more == {"tps": {"IMAGE": "C:\\photos\\Anna.JPG", "ID": "7", "SCALE": "0.05"}}
    with pytest.raises(ValueError, match=r"x\.tps.*IMAGE is ben\.jpg.*Anna"):
        read_landmark_file(tmp_path / "x.tps", photograph="ben.jpg", size_px=(80, 100))


def test_tps_files_with_a_minus_count_downwards(tmp_path: Path) -> None:
    (tmp_path / "x.tps").write_text("LM=3\n0 0\n30.5 -4\n5\t-60\nID=anna\n", encoding="utf-8")
    read = read_landmark_file(tmp_path / "x.tps", photograph="anna.jpg", size_px=(80, 100))
    assert read.points_px.tolist() == [[0, 0], [30.5, 4], [5, 60]]


def test_curves_of_tps_files_are_lines(tmp_path: Path) -> None:
    text = "LM=1\n1 2\nCURVES=2\nPOINTS=2\n3 4\n5 6\nPOINTS=3\n7 8\n9 10\n11 12\nIMAGE=a.png\n"
    (tmp_path / "x.tps").write_text(text, encoding="utf-8")
    read = read_landmark_file(tmp_path / "x.tps", photograph="a.png", size_px=(80, 100))
    assert [line.points for line in read.lines] == [(1, 2), (3, 4, 5)]
    assert len(read.points_px) == 6
    write_landmark_file(
        tmp_path / "x.tps",
        read.points_px,
        template=read.template,
        size_px=(80, 100),
        eyes_px=eyes(),
        more=read.more,
        lines=read.lines,
    )
    assert parse_tps((tmp_path / "x.tps").read_text(encoding="utf-8")) == parse_tps(text)


@pytest.mark.parametrize(
    "text",
    [
        "1 2\n3 4\n",
        "LM=2\n1 2\n",
        "LM=1\n1 2\n3 4\n",
        "LM3=1\n1 2 3\n",
        "LM=1\n1 x\n",
        "LM=2\n1 2\nID=3\n4 5\n",
    ],
)
def test_wrong_tps_files_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_tps(text)


def test_a_tps_file_of_several_pictures_keeps_the_others(tmp_path: Path) -> None:
    both = TPS + TPS.replace("Anna.JPG", "Ben.JPG").replace("ID=7", "ID=8")
    (tmp_path / "x.tps").write_text(both, encoding="utf-8")
    read = read_landmark_file(tmp_path / "x.tps", photograph="Ben.JPG", size_px=(80, 100))
    assert read.more["tps"]["ID"] == "8"
    write_landmark_file(
        tmp_path / "x.tps",
        read.points_px + 1,
        template=read.template,
        size_px=(80, 100),
        eyes_px=eyes(),
        more=read.more,
    )
    anna, ben = parse_tps((tmp_path / "x.tps").read_text(encoding="utf-8"))
    assert anna == parse_tps(TPS)[0]
    assert specimen_points(ben, height_px=100)[0].tolist() == (read.points_px + 1).tolist()


positions = arrays.arrays(
    np.float64, st.tuples(st.integers(3, 6), st.just(2)), elements=st.floats(-1e5, 1e5, allow_subnormal=False)
)


@given(positions)
@settings(max_examples=60, deadline=None)
def test_every_format_gives_back_exactly_what_was_written(points: np.ndarray) -> None:
    lines = (TemplateLine((0, 2), True), TemplateLine((1,), False))
    read, read_lines = parse_tem(format_tem(points, lines))
    assert np.array_equal(read, points)
    assert read_lines == lines
    assert np.array_equal(parse_pts(format_pts(points)), points)
    if points[:, 1].min() < 4000:  # with all points far above the photograph, TPS reads as webmorphR's
        (again,) = parse_tps(format_tps([make_specimen(points, lines, height_px=4001, more={"ID": "1"})]))
        assert np.array_equal(specimen_points(again, height_px=4001)[0], points)


@pytest.mark.parametrize("ending", LANDMARK_FORMATS)
def test_files_of_every_format_round_trip_exactly(tmp_path: Path, ending: str) -> None:
    points = np.random.default_rng(2).uniform(0, 900, (478, 2))
    path = tmp_path / f"x.{ending}"
    write_landmark_file(
        path, points, template="face478", size_px=(900, 901), eyes_px=eyes() / 3, more={"photograph": "x.png"}
    )
    read = read_landmark_file(path, photograph="x.png", size_px=(900, 901))
    assert np.array_equal(read.points_px, points)
    assert read.template == "face478"
    if ending == "json":
        assert read.eyes_px is not None
        assert np.array_equal(read.eyes_px, eyes() / 3)
        assert read.more == {"photograph": "x.png"}


def test_lines_and_other_entries_survive_in_our_format(tmp_path: Path) -> None:
    lines = (TemplateLine((0, 1, 2), True),)
    write_landmark_file(
        tmp_path / "x.json",
        np.eye(3)[:, :2],
        template="mine",
        size_px=(9, 9),
        eyes_px=eyes(),
        more={"note": "by hand", "template": "not this"},
        lines=lines,
    )
    read = read_landmark_file(tmp_path / "x.json")
    assert (read.lines, read.more, read.template) == (lines, {"note": "by hand"}, "mine")


def test_an_unknown_ending_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"Known endings: \.json, \.tem, \.pts, \.tps"):
        write_landmark_file(
            tmp_path / "x.csv", np.eye(3), template="t", size_px=(9, 9), eyes_px=eyes(), more={}
        )
