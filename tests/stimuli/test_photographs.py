from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

from stimuli.landmarks import find_landmarks
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


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_sixteen_bit_colour_becomes_eight_bit(tmp_path: Path, picture: np.ndarray, ending: str) -> None:
    name = tmp_path / f"p.{ending}"
    cv2.imwrite(str(name), picture[..., ::-1].astype(np.uint16) * 257)
    assert np.abs(read_photograph(name).astype(int) - picture).max() <= 1


def test_floating_point_pictures_are_refused(tmp_path: Path, picture: np.ndarray) -> None:
    Image.fromarray(picture[..., 0].astype(np.float32) / 255).save(tmp_path / "f.tif")
    with pytest.raises(ValueError, match=r"f\.tif holds floating-point numbers.*8 or 16 bits"):
        read_photograph(tmp_path / "f.tif")


def test_grey_with_transparency_shows_the_background(tmp_path: Path, picture: np.ndarray) -> None:
    both = picture[..., :2].copy()
    both[:, :10, 1], both[:, 10:, 1] = 0, 255
    Image.merge("LA", [Image.fromarray(both[..., channel].copy()) for channel in (0, 1)]).save(
        tmp_path / "p.png"
    )
    read = read_photograph(tmp_path / "p.png", background="#102030")
    assert (read[:, :10] == (0x10, 0x20, 0x30)).all()
    assert np.array_equal(read[:, 10:, 2], picture[:, 10:, 0])


def test_a_rotated_jpeg_of_a_phone_shows_its_face(tmp_path: Path, astronaut: np.ndarray) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.rot90(astronaut)).save(tmp_path / "p.jpg", exif=exif, quality=95)
    eyes_px = find_landmarks(read_photograph(tmp_path / "p.jpg"), name="p.jpg").eyes_px
    assert np.abs(eyes_px - find_landmarks(astronaut, name="a").eyes_px).max() < 1


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
    Image.fromarray(picture).save(tmp_path / "p.jpg")
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "p.jpg").read_bytes()[:700])
    with pytest.raises(ValueError, match=r"cut\.jpg.*truncated.*Save it again"):
        read_photograph(tmp_path / "cut.jpg")
    (tmp_path / "empty.png").touch()
    with pytest.raises(ValueError, match=r"empty\.png"):
        read_photograph(tmp_path / "empty.png")
