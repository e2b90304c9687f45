from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from stimuli.photographs import read_photograph, write_png


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (20, 30, 3), dtype=np.uint8)


def test_what_is_written_is_what_is_read(tmp_path: Path, picture: np.ndarray) -> None:
    write_png(tmp_path / "p.png", picture)
    assert np.array_equal(read_photograph(tmp_path / "p.png"), picture)
    assert [path.name for path in tmp_path.iterdir()] == ["p.png"]


@pytest.mark.parametrize(
    ("orientation", "upright"),
    [
        (1, lambda stored: stored),
        (3, lambda stored: np.rot90(stored, 2)),
        (6, lambda stored: np.rot90(stored, -1)),
        (8, lambda stored: np.rot90(stored)),
        (2, lambda stored: stored[:, ::-1]),
    ],
)
def test_the_orientation_noted_by_the_camera_is_applied(
    tmp_path: Path, picture: np.ndarray, orientation: int, upright: object
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(picture).save(tmp_path / "p.png", exif=exif)
    assert callable(upright)
    assert np.array_equal(read_photograph(tmp_path / "p.png"), upright(picture))


def test_grey_becomes_three_equal_channels(tmp_path: Path, picture: np.ndarray) -> None:
    Image.fromarray(picture[..., 0]).save(tmp_path / "p.png")
    read = read_photograph(tmp_path / "p.png")
    assert all(np.array_equal(read[..., channel], picture[..., 0]) for channel in range(3))


def test_sixteen_bit_grey_becomes_eight_bit(tmp_path: Path, picture: np.ndarray) -> None:
    Image.fromarray(picture[..., 0].astype(np.uint16) * 257).save(tmp_path / "p.png")
    assert np.array_equal(read_photograph(tmp_path / "p.png")[..., 1], picture[..., 0])


def test_what_is_transparent_shows_the_background(tmp_path: Path, picture: np.ndarray) -> None:
    alpha = np.full((20, 30, 1), 255, np.uint8)
    alpha[:, :10] = 0
    Image.fromarray(np.concatenate([picture, alpha], axis=2)).save(tmp_path / "p.png")
    read = read_photograph(tmp_path / "p.png", background="#102030")
    assert (read[:, :10] == (0x10, 0x20, 0x30)).all()
    assert np.array_equal(read[:, 10:], picture[:, 10:])


def test_palettes_with_transparency_and_cmyk_are_read(tmp_path: Path, picture: np.ndarray) -> None:
    palette = Image.fromarray(picture).quantize(8)
    palette.save(tmp_path / "p.png", transparency=0)
    clear = np.array(palette) == 0
    assert (read_photograph(tmp_path / "p.png")[clear] == 128).all()
    Image.fromarray(picture).convert("CMYK").save(tmp_path / "p.tif")
    assert read_photograph(tmp_path / "p.tif").shape == picture.shape


def test_an_embedded_profile_is_converted_and_a_broken_one_ignored(
    tmp_path: Path, picture: np.ndarray
) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(picture).save(tmp_path / "p.png", icc_profile=profile)
    assert np.abs(read_photograph(tmp_path / "p.png").astype(int) - picture).max() <= 1
    Image.fromarray(picture).save(tmp_path / "q.png", icc_profile=b"nonsense")
    assert np.array_equal(read_photograph(tmp_path / "q.png"), picture)


def test_missing_foreign_and_truncated_files_are_named(tmp_path: Path, picture: np.ndarray) -> None:
    with pytest.raises(FileNotFoundError, match="absent"):
        read_photograph(tmp_path / "absent.jpg")
    (tmp_path / "text.jpg").write_text("no picture", encoding="utf-8")
    with pytest.raises(ValueError, match=r"text\.jpg"):
        read_photograph(tmp_path / "text.jpg")
    Image.fromarray(picture).save(tmp_path / "p.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "p.png").read_bytes()[:200])
    with pytest.raises(ValueError, match=r"cut\.png"):
        read_photograph(tmp_path / "cut.png")
    (tmp_path / "empty.png").touch()
    with pytest.raises(ValueError, match=r"empty\.png"):
        read_photograph(tmp_path / "empty.png")
