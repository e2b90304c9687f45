"""The descriptors are those of scikit-image, the reference, whatever the picture."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numba.core.caching
import numpy as np
import pytest
from skimage.feature import hog

from analysis.faces.compiled import compiled
from analysis.faces.hog import (
    FrameDescriber,
    clipped_share,
    compare_precision,
    describe_frames,
    hog_cells,
)
from analysis.faces.video_frames import VideoReader


def reference(image: np.ndarray, **parameters: Any) -> np.ndarray:
    cell_px = parameters.get("cell_px", 32)
    return hog(
        image,
        orientations=parameters.get("orientations", 8),
        pixels_per_cell=(cell_px, cell_px),
        cells_per_block=(1, 1),
        block_norm=parameters.get("block_norm", "L2-Hys"),
        transform_sqrt=parameters.get("square_root", True),
    )


def assert_as_reference(image: np.ndarray, **parameters: Any) -> None:
    expected = reference(image, **parameters)
    found = describe_frames(image, dtype=np.float64, **parameters)[0]
    if sys.platform == "linux":
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
    single = describe_frames(image, **parameters)[0]
    assert single.dtype == np.float32
    np.testing.assert_array_equal(single, found.astype(np.float32))


@pytest.fixture(scope="module")
def real_frames(shared: Path) -> np.ndarray:
    return np.load(shared / "data" / "ibl_headfixed_frames" / "frames_left.npy")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20200403)


def test_real_frames_of_head_fixed_mice(real_frames: np.ndarray) -> None:
    for frame in real_frames:
        assert_as_reference(frame)
        assert_as_reference(frame[200:675, 100:1016], block_norm="L2")


def test_every_tenth_frame_of_a_real_video(shared: Path) -> None:
    reader = VideoReader(shared / "data" / "lightningpose_headfixed_video" / "test_vid.mp4")
    n = 0
    for number, _, grey in reader.frames():
        if number % 10 == 0:
            assert_as_reference(grey)
            n += 1
    assert (reader.n_frames, n) == (994, 100)


@pytest.mark.parametrize("levels", [2, 3, 5, 9, 40, 256])
@pytest.mark.parametrize("block_norm", ["L2", "L2-Hys"])
def test_noise_and_darkness_where_orientations_are_ties(
    levels: int, block_norm: str, rng: np.random.Generator
) -> None:
    assert_as_reference(rng.integers(0, levels, (475, 916), dtype=np.uint8), block_norm=block_norm)


def test_ties_are_settled_alike_in_later_frames_and_in_one_call(rng: np.random.Generator) -> None:
    frames = rng.integers(0, 6, (5, 130, 200), dtype=np.uint8)
    together = describe_frames(frames, dtype=np.float64, block_norm="L2")
    for frame, row in zip(frames, together, strict=True):
        np.testing.assert_allclose(row, reference(frame, block_norm="L2"), rtol=0, atol=1e-6)
        np.testing.assert_array_equal(row, describe_frames(frame, dtype=np.float64, block_norm="L2")[0])


@pytest.mark.parametrize("value", [0, 1, 128, 255])
def test_flat_pictures(value: int) -> None:
    picture = np.full((100, 100), value, np.uint8)
    assert_as_reference(picture)
    assert not describe_frames(picture).any()


def test_saturated_pictures_ramps_and_diagonals(rng: np.random.Generator) -> None:
    assert_as_reference(np.where(rng.random((200, 300)) > 0.5, 255, 0).astype(np.uint8))
    assert_as_reference(np.where(rng.random((64, 64)) > 0.98, 0, 255).astype(np.uint8))
    y, x = np.mgrid[:96, :128]
    for slope in (x, y, x + y, np.abs(x - y), 2 * x + y):
        assert_as_reference((slope % 256).astype(np.uint8), square_root=False)
        assert_as_reference((slope % 256).astype(np.uint8))


@pytest.mark.parametrize("shape", [(32, 32), (33, 63), (65, 97), (101, 203), (475, 916), (32, 500)])
def test_odd_sizes(shape: tuple[int, int], rng: np.random.Generator) -> None:
    assert_as_reference(rng.integers(0, 256, shape, dtype=np.uint8), block_norm="L2")


@pytest.mark.parametrize(
    "dtype", [np.uint8, np.uint16, np.int16, np.int64, np.float16, np.float32, np.float64, ">u2"]
)
def test_types_of_pixels(dtype: Any, rng: np.random.Generator) -> None:
    picture = (rng.random((100, 131)) * 250).astype(dtype)
    assert_as_reference(picture, block_norm="L2")
    assert_as_reference(picture, square_root=False)


@pytest.mark.parametrize("orientations", [1, 2, 3, 4, 6, 7, 9, 12, 13, 18, 29])
def test_other_numbers_of_orientations(orientations: int, rng: np.random.Generator) -> None:
    for levels in (4, 256):
        picture = rng.integers(0, levels, (100, 131), dtype=np.uint8)
        assert_as_reference(picture, orientations=orientations)


@pytest.mark.parametrize("cell_px", [2, 3, 7, 8, 16, 24, 33, 100])
def test_other_sizes_of_cells(cell_px: int, rng: np.random.Generator) -> None:
    assert_as_reference(rng.integers(0, 256, (100, 131), dtype=np.uint8), cell_px=cell_px, block_norm="L2")


@pytest.mark.parametrize("block_norm", ["L1", "L1-sqrt", "L2", "L2-Hys"])
@pytest.mark.parametrize("orientations", [8, 9])
def test_block_norms(block_norm: str, orientations: int, rng: np.random.Generator) -> None:
    picture = rng.integers(0, 256, (100, 131), dtype=np.uint8)
    assert_as_reference(picture, block_norm=block_norm, orientations=orientations)


@pytest.mark.parametrize(("masked_cells", "n_cells"), [("any", 9), ("most", 11)])
def test_masked_cells_are_dropped_and_the_others_stay(
    masked_cells: Any, n_cells: int, rng: np.random.Generator
) -> None:
    picture = rng.integers(0, 256, (100, 131), dtype=np.uint8)  # 3 x 4 cells
    mask = np.ones(picture.shape, bool)
    mask[:32, :32] = False  # the whole of the first cell
    mask[40, 70] = False  # one pixel
    mask[64:80, 0:32] = False  # exactly half
    mask[97:, :] = False  # outside all cells
    kept = hog_cells(picture.shape, 32, mask, masked_cells=masked_cells)
    assert kept.sum() == n_cells
    found = describe_frames(picture, mask=mask, masked_cells=masked_cells, dtype=np.float64)[0]
    np.testing.assert_array_equal(found, reference(picture).reshape(3, 4, 8)[kept].ravel())


def test_float32_is_near_and_says_how_often_it_is_not(rng: np.random.Generator) -> None:
    bright = rng.integers(0, 256, (10, 128, 128), dtype=np.uint8)
    report = compare_precision(bright, block_norm="L2")
    assert (report.n_frames, report.n_components) == (10, 10 * 128)
    assert report.share_different < 0.05
    dark = compare_precision(rng.integers(0, 4, (10, 128, 128), dtype=np.uint8), block_norm="L2")
    assert dark.share_different > report.share_different
    assert dark.greatest > 1e-5
    exact = describe_frames(bright, block_norm="L2")
    fast = describe_frames(bright, block_norm="L2", exact=False)
    assert np.median(np.abs(exact - fast)) < 1e-6
    assert not np.array_equal(exact, fast)


def test_clipping_is_counted_as_it_happens(rng: np.random.Generator) -> None:
    frames = rng.integers(0, 256, (4, 96, 96), dtype=np.uint8)
    unclipped = describe_frames(frames, block_norm="L2", dtype=np.float64)
    assert clipped_share(describe_frames(frames)) == pytest.approx((unclipped > 0.2).mean())
    assert clipped_share(np.zeros((2, 16))) == 0
    with pytest.raises(ValueError, match="24 orientations"):
        clipped_share(np.zeros((2, 25)), orientations=25)


def test_no_frames_give_no_rows() -> None:
    assert describe_frames(np.zeros((0, 64, 96), np.uint8)).shape == (0, 48)


@pytest.mark.parametrize(
    ("frames", "parameters", "message"),
    [
        (np.zeros((64, 64, 3, 2), np.uint8), {}, "Convert colour"),
        (np.zeros(64, np.uint8), {}, "expected grey frames"),
        (np.zeros((64, 64), bool), {}, "integer or floating"),
        (np.zeros((31, 64), np.uint8), {}, "fits into the frame"),
        (np.zeros((64, 64), np.uint8), {"cell_px": 1}, "at least 2 px"),
        (np.zeros((64, 64), np.uint8), {"orientations": 0}, "at least one"),
        (np.zeros((64, 64), np.uint8), {"block_norm": "L3"}, "block_norm is one of"),
        (np.full((64, 64), np.nan), {}, "NaN"),
        (np.full((64, 64), -1.0), {}, "negative pixels"),
        (np.zeros((64, 64), np.uint8), {"mask": np.ones((64, 63), bool)}, "size of the frames"),
        (np.zeros((64, 64), np.uint8), {"mask": np.ones((64, 64))}, "must be boolean"),
        (np.zeros((64, 64), np.uint8), {"mask": np.zeros((64, 64), bool)}, "leaves no cell"),
    ],
)
def test_wrong_input_is_explained(frames: np.ndarray, parameters: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        describe_frames(frames, **parameters)


def test_a_describer_takes_only_its_own_size_and_type() -> None:
    describer = FrameDescriber((64, 64), np.dtype(np.uint8))
    with pytest.raises(ValueError, match="expected frames of shape"):
        describer.describe(np.zeros((64, 96), np.uint8))
    with pytest.raises(ValueError, match="type uint8"):
        describer.describe(np.zeros((64, 64), np.uint16))


def test_without_a_folder_to_write_to_it_is_compiled_at_each_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numba.core.caching.CacheImpl, "_locator_classes", [], raising=False)
    for name in ("_CacheImpl", "CompileResultCacheImpl"):
        if hasattr(numba.core.caching, name):
            monkeypatch.setattr(getattr(numba.core.caching, name), "_locator_classes", [])

    @compiled()
    def double(number: int) -> int:
        return 2 * number

    assert double(21) == 42
