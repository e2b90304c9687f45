from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from stimuli.editor.open_pair import OpenPair
from stimuli.editor.preview import QUICK, Snapshot
from stimuli.editor.storage import Storage, free_folder, save_to_folder
from stimuli.face_points import INNER_LIPS, OUTER_LIPS
from stimuli.landmark_files import LandmarkFormat, read_landmark_file, write_landmark_file
from stimuli.pairs import read_pairs
from stimuli.photographs import read_photograph, write_png

With = Callable[..., Path]


def open_first(table: Path) -> OpenPair:
    return OpenPair(read_pairs(table).pairs[0])


def move(pair: OpenPair, which: int, point: int, by: tuple[float, float]) -> None:
    points = pair.document.points
    points[which, point] += by
    pair.document.apply("move", points)


@pytest.mark.parametrize("ending", ["json", "tem", "pts", "tps"])
def test_saving_keeps_a_copy_of_what_was_there(with_files: With, ending: LandmarkFormat) -> None:
    pair, storage = open_first(with_files(ending)), Storage()
    first, second = pair.sources.pair.landmark_files
    assert first is not None and second is not None
    former = first.read_bytes(), second.read_bytes()
    move(pair, 0, 61, (2.25, -1 / 3))
    plan = storage.plan([pair])
    assert list(plan.files) == [first] == list(plan.backups)
    assert not plan.without_file and not plan.changed_outside
    (copy,) = storage.save([pair])
    assert copy.name == f"ann_neutral.before_edit1.{ending}"
    assert copy.read_bytes() == former[0]
    assert second.read_bytes() == former[1]
    assert not pair.document.changed
    again = open_first(first.parent / "pairs.tsv")
    assert np.array_equal(again.document.points, pair.document.points)
    move(pair, 0, 61, (1, 1))
    assert list(storage.plan([pair]).backups) == []
    assert storage.save([pair]) == []


def test_each_session_keeps_its_own_copy_and_foreign_changes_are_told(with_files: With) -> None:
    table = with_files("tem")
    for number in (1, 2):
        pair, storage = open_first(table), Storage()
        move(pair, 0, 61, (number, 0))
        assert storage.save([pair])[0].name == f"ann_neutral.before_edit{number}.tem"
    pair, storage = open_first(table), Storage()
    file = pair.sources.pair.landmark_files[0]
    assert file is not None
    file.write_text(file.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    move(pair, 0, 61, (5, 0))
    assert list(storage.plan([pair]).changed_outside) == [file]
    assert storage.save([pair])[0].name == "ann_neutral.before_edit3.tem"


def test_pairs_without_files_are_saved_to_a_folder(table: Path, tmp_path: Path) -> None:
    pair = open_first(table)
    move(pair, 1, 13, (0, 3))
    assert list(Storage().plan([pair]).without_file) == ["ann"]
    with pytest.raises(ValueError, match=r"no landmark file is named for ann_2\.png"):
        Storage().save([pair])
    written = save_to_folder(read_pairs(table), {"ann": pair}, tmp_path / "new")
    ann, bea = read_pairs(written).pairs
    assert np.array_equal(OpenPair(ann).document.points, pair.document.points)
    assert bea.landmark_files[1] is not None
    edited = [read_landmark_file(file).more.get("edited_by_hand") for file in ann.landmark_files if file]
    assert edited == [None, True]
    with pytest.raises(FileExistsError, match="not empty"):
        save_to_folder(read_pairs(table), {"ann": pair}, tmp_path / "new")


def test_a_pair_that_cannot_be_used_stays_in_the_table(table: Path, tmp_path: Path) -> None:
    (table.parent / "bea_1.png").write_bytes((table.parent / "bea_1.png").read_bytes()[:999])
    with pytest.raises(ValueError, match=r"bea_1\.png cannot be read"):
        OpenPair(read_pairs(table).pairs[1])
    written = save_to_folder(read_pairs(table), {}, tmp_path / "new")
    assert [pair.landmark_files[0] is not None for pair in read_pairs(written).pairs] == [True, False]


def test_nothing_changed_saves_nothing(with_files: With) -> None:
    pair, storage = open_first(with_files()), Storage()
    assert storage.plan([pair]) == ([], [], [], [])
    assert storage.save([pair]) == []


def test_a_folder_that_is_taken_gets_a_number(tmp_path: Path) -> None:
    assert free_folder(tmp_path / "x") == tmp_path / "x"
    (tmp_path / "x").mkdir()
    (tmp_path / "x_2").mkdir()
    assert free_folder(tmp_path / "x") == tmp_path / "x_3"


def test_the_eyes_follow_their_points(table: Path) -> None:
    pair = open_first(table)
    before = pair.eyes_px(0)
    move(pair, 0, 468, (3, 4))
    assert np.allclose(pair.eyes_px(0) - before, [[3, 4], [0, 0]])
    assert np.array_equal(pair.edited_sources().first.landmarks.eyes_px, pair.eyes_px(0))


def test_eyes_told_by_the_file_follow_the_points_that_lie_on_them(with_files: With) -> None:
    table = with_files()
    for file in table.parent.glob("ann_*.json"):
        file.write_text(file.read_text(encoding="utf-8").replace("face478", "mine"), encoding="utf-8")
    pair = open_first(table)
    assert pair.template == "mine"
    before = pair.eyes_px(1)
    move(pair, 1, 473, (-2, 1))
    assert np.allclose(pair.eyes_px(1) - before, [[0, 0], [-2, 1]])
    with pytest.raises(ValueError, match="template mine, which is placed by hand"):
        pair.detect(0)


def test_detecting_again_finds_the_same_points(table: Path) -> None:
    pair = open_first(table)
    move(pair, 0, 100, (30, 0))
    assert np.array_equal(pair.detect(0), pair.document.opened[0])


def test_the_preview_is_the_morph_of_the_present_points(table: Path) -> None:
    pair = open_first(table)
    before = Snapshot(pair, QUICK).make().frame(0.5)
    taken = Snapshot(pair, QUICK)
    move(pair, 0, 4, (12, 0))
    after = Snapshot(pair, QUICK).make().frame(0.5)
    assert before.shape == (400, 300, 3)
    assert np.array_equal(taken.make().frame(0.5), before)
    assert not np.array_equal(after, before)


def test_points_on_a_line_have_no_morph(table: Path) -> None:
    pair = open_first(table)
    points = pair.document.points
    points[:, :, :] = 10.0
    pair.document.apply("collapse", points)
    with pytest.raises(ValueError, match=r"both eyes are at the same place|no morph can be made"):
        Snapshot(pair, QUICK).make()


def test_triangles_lie_on_the_points(table: Path) -> None:
    pair = open_first(table)
    corners, folded = pair.triangles()
    assert corners.shape == (2, len(folded), 3, 2)
    assert len(folded) > 800
    for which in (0, 1):
        apart = np.linalg.norm(corners[which].reshape(-1, 1, 2) - pair.document.points[which], axis=2)
        assert apart.min(axis=1).max() < 1e-6
    assert not pair.unused().any()
    move(pair, 1, 4, (60, 0))
    assert pair.triangles()[1].sum() > folded.sum()


def test_points_that_the_morph_replaces_are_known(with_files: With) -> None:
    """A template without points along the lips: the morph takes the face model's."""
    table = with_files("pts")
    lips = [*INNER_LIPS, *OUTER_LIPS]
    for file in table.parent.glob("ann_*.pts"):
        points = read_landmark_file(file).points_px
        few = np.concatenate([np.delete(points, lips, axis=0)[::3], points[[14, 17]] + 1])
        write_landmark_file(file, few, template="few", size_px=(0, 0), eyes_px=few[:2], more={})
    pair = open_first(table)
    unused = pair.unused()
    assert unused[-2:].all()
    assert unused.sum() < 30
    before = Snapshot(pair, QUICK).make().frame(0.5)
    move(pair, 0, pair.document.n_points - 2, (1, 0))
    assert np.array_equal(Snapshot(pair, QUICK).make().frame(0.5), before)


def test_a_large_photograph_is_reduced_for_the_quick_preview(table: Path) -> None:
    small = Snapshot(open_first(table), QUICK).make().frame(0.5)
    for name in ("ann_1.png", "ann_2.png"):
        image = read_photograph(table.parent / name)
        write_png(table.parent / name, np.ascontiguousarray(image.repeat(6, axis=0).repeat(6, axis=1)))
    pair = open_first(table)
    assert pair.reduced_image(0, 3).shape == (1024, 1024, 3)
    large = Snapshot(pair, QUICK).make().frame(0.5)
    assert np.abs(large.astype(int) - small).mean() < 2


def test_after_saving_to_a_folder_its_files_are_written_over(table: Path, tmp_path: Path) -> None:
    pair, storage = open_first(table), Storage()
    move(pair, 0, 61, (2, 0))
    row = read_pairs(save_to_folder(read_pairs(table), {"ann": pair}, tmp_path / "new")).pairs[0]
    pair.adopt(row)
    assert not pair.document.changed
    move(pair, 1, 61, (1, 0))
    plan = storage.plan([pair])
    assert list(plan.files) == [row.landmark_files[1]]
    storage.save([pair])
    assert np.array_equal(OpenPair(row).document.points, pair.document.points)
