"""Crop, face and spout: in YAML and back, and which pixels they leave."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from analysis.faces.masks import Crop, FaceMask, inside_outline, mask_from_record, read_mask, write_mask

SQUARE = ((10.0, 10.0), (30.0, 10.0), (30.0, 30.0), (10.0, 30.0))
MASK = FaceMask(
    crop=Crop(left_px=5, top_px=8, width_px=40, height_px=30),
    face=(SQUARE,),
    spout=(((20.0, 20.0), (40.0, 20.0), (40.0, 40.0), (20.0, 40.0)),),
    masked_cells="most",
    frame_width_px=100,
    frame_height_px=80,
)


def test_a_mask_is_the_same_after_writing_and_reading(tmp_path: Path) -> None:
    for mask in (MASK, FaceMask(), FaceMask(face=(SQUARE, SQUARE))):
        write_mask(tmp_path / "mask.yaml", mask)
        assert read_mask(tmp_path / "mask.yaml") == mask


def test_pixels_are_the_face_without_the_spout_in_the_crop() -> None:
    whole = np.zeros((80, 100), bool)
    whole[10:30, 10:30] = True
    whole[20:40, 20:40] = False
    np.testing.assert_array_equal(MASK.pixels((80, 100)), whole[8:38, 5:45])
    frame = np.arange(8000).reshape(80, 100)
    np.testing.assert_array_equal(MASK.crop_frame(frame), frame[8:38, 5:45])


def test_two_outlines_of_a_face_are_joined_and_a_star_is_even_odd() -> None:
    apart = FaceMask(face=(SQUARE, tuple((x + 40, y) for x, y in SQUARE)))
    assert apart.pixels((80, 100)).sum() == 800
    bow_tie = [(0, 0), (10, 10), (10, 0), (0, 10)]
    inside = inside_outline((10, 10), bow_tie)
    assert inside[5, 0] and inside[5, 9] and not inside[0, 5] and not inside[9, 5]


def test_one_outline_may_stand_without_brackets(tmp_path: Path) -> None:
    (tmp_path / "mask.yaml").write_text("face: [[10, 10], [30, 10], [30, 30], [10, 30]]\n", encoding="utf-8")
    assert read_mask(tmp_path / "mask.yaml").face == (SQUARE,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("crop: {left_px: 1}", "crop needs left_px, top_px"),
        ("crop: {left_px: 1.5, top_px: 0, width_px: 3, height_px: 3}", "left_px is a whole number"),
        ("crop: {left_px: 1, top_px: 0, width_px: 0, height_px: 3}", "width_px is a whole number"),
        ("crop: 3", "crop needs"),
        ("nose: []", "unknown part 'nose'"),
        ("face: [[1, 2], [3, 4]]", "at least three corners"),
        ("face: [[1, 2], [3, x], [3, 4]]", "a list of outlines"),
        ("face: {a: 1}", "a list of outlines"),
        ("spout: [[[1, 2], [3, .nan], [5, 6]]]", "finite"),
        ("masked_cells: some", "'any' or 'most'"),
        ("[1, 2]", "expected the parts"),
        ("a: [", "not readable YAML"),
        ("!!python/object/apply:os.system ['true']", "not readable YAML"),
    ],
)
def test_a_wrong_file_is_explained(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "mask.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        read_mask(tmp_path / "mask.yaml")


def test_no_file() -> None:
    with pytest.raises(FileNotFoundError, match="mask not found"):
        read_mask(Path("nowhere.yaml"))


def test_a_mask_of_another_camera_setting_is_refused() -> None:
    with pytest.raises(ValueError, match="drawn on frames of 100 x 80"):
        MASK.pixels((100, 80))
    with pytest.raises(ValueError, match="beyond the frame"):
        FaceMask(crop=Crop(left_px=90, top_px=0, width_px=20, height_px=10)).pixels((80, 100))
    with pytest.raises(ValueError, match="leaves no pixel"):
        FaceMask(face=(((200.0, 0.0), (300.0, 0.0), (300.0, 90.0)),)).pixels((80, 100))


def test_a_record_without_parts_is_the_whole_frame() -> None:
    assert mask_from_record({}).pixels((5, 7)).all()
