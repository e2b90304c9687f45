"""Known movements are found and undone; what cannot be undone is said."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from moving_face import MovingFace

from analysis.faces.registration import Model, Registration, mean_picture, register, register_sessions


@pytest.fixture(scope="module")
def faces(shared: Path) -> list[np.ndarray]:
    """Three real faces, 640 x 512 px."""
    frames = np.load(shared / "data" / "ibl_headfixed_frames" / "frames_left.npy")
    return [
        cv2.resize(frame, (640, 512), interpolation=cv2.INTER_AREA).astype(np.float32) for frame in frames
    ]


def as_moved(
    face: np.ndarray, rotation_deg: float, scale: float, x: float, y: float, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """The face as another session would show it, with the camera's noise, and the map that made it."""
    height, width = face.shape
    middle = ((width - 1) / 2, (height - 1) / 2)
    matrix = cv2.getRotationMatrix2D(middle, -rotation_deg, scale)
    matrix[:, 2] += (x, y)
    drawn = cv2.warpAffine(face, matrix, (width, height), borderMode=cv2.BORDER_REFLECT)
    return noisy(drawn, seed + 1), matrix


def noisy(face: np.ndarray, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, 3, face.shape)
    return np.clip(face + noise, 0, 255).astype(np.uint8)


def worst_error_px(found: Registration, matrix: np.ndarray, shape: tuple[int, ...]) -> float:
    corners = np.array([[x, y, 1] for x in (0, shape[1] - 1) for y in (0, shape[0] - 1)]).T
    return float(np.hypot(*(found.matrix @ corners - matrix @ corners)).max())


@pytest.mark.parametrize(("model", "error_px"), [("phase", 0.5), ("translation", 0.1), ("affine", 0.2)])
@pytest.mark.parametrize("shift", [(8.0, -5.0), (2.5, 0.25), (-40.0, 25.0)])
def test_shifts_are_found(
    faces: list[np.ndarray], model: Model, error_px: float, shift: tuple[float, float]
) -> None:
    for face in faces:
        picture, matrix = as_moved(face, 0, 1, *shift)
        found = register(noisy(face, 0), picture, model=model)
        assert worst_error_px(found, matrix, face.shape) < error_px
        assert found.shift_px == pytest.approx(shift, abs=error_px)
        assert found.correlation_after > 0.99 > found.correlation_before
        assert found.converged and found.warnings == ()


@pytest.mark.parametrize(("rotation", "scale"), [(1.0, 1.0), (2.5, 1.0), (-5.0, 1.03), (10.0, 1.05)])
def test_rotation_and_scale_are_found_and_large_rotation_is_warned_of(
    faces: list[np.ndarray], rotation: float, scale: float
) -> None:
    picture, matrix = as_moved(faces[0], rotation, scale, 9, -6)
    found = register(noisy(faces[0], 0), picture)
    assert worst_error_px(found, matrix, faces[0].shape) < 0.3
    assert found.rotation_deg == pytest.approx(rotation, abs=0.05)
    assert found.scale == pytest.approx(scale, abs=0.001)
    assert any("cannot undo" in warning for warning in found.warnings) == (abs(rotation) > 2)


def test_applying_it_brings_the_frame_back(faces: list[np.ndarray]) -> None:
    picture, _ = as_moved(faces[1], 1.0, 1.0, 12, 4)
    found = register(faces[1], picture)
    back = found.apply(picture)
    assert back.dtype == picture.dtype and back.shape == picture.shape
    seen = found.seen(picture.shape)
    assert 0.9 < seen.mean() < 1
    assert not seen[:, -1].any()
    difference = (back.astype(float) - faces[1])[seen]
    assert np.sqrt(np.mean(difference**2)) < 6
    assert found.residual_levels == pytest.approx(np.std(difference), rel=0.3)


def test_descriptors_come_back_after_a_shift_and_less_so_after_a_rotation(faces: list[np.ndarray]) -> None:
    pictures = {
        "first": noisy(faces[0], 0),
        "again": noisy(faces[0], 50),
        "shifted": as_moved(faces[0], 0, 1, 8, -5)[0],
        "a little rotated": as_moved(faces[0], 0.2, 1, 8, -5)[0],
        "rotated": as_moved(faces[0], 6, 1, 8, -5)[0],
    }
    found, table = register_sessions(pictures)
    rows = table.set_index("session")
    ceiling = rows.loc["again", "descriptor_r_before"]
    assert rows.loc["shifted", "descriptor_r_after"] > ceiling - 0.03
    assert rows.loc["shifted", "descriptor_r_after"] > rows.loc["shifted", "descriptor_r_before"] + 0.05
    assert rows.loc["rotated", "r_after"] > 0.99
    assert rows.loc["rotated", "descriptor_r_after"] < rows.loc["shifted", "descriptor_r_after"] - 0.01
    assert "rotated by 6.0 degrees" in rows.loc["rotated", "warnings"]
    assert rows.loc["first", "r_after"] == pytest.approx(1) and set(found) == set(pictures)
    whole = rows.index[[one.moves_whole_pixels for one in found.values()]]
    assert whole.tolist() == ["first", "again", "shifted", "a little rotated"]


def test_a_whole_shift_gives_back_the_very_pixels(faces: list[np.ndarray]) -> None:
    frame = noisy(faces[0], 1)
    found = register(frame, np.roll(frame, (7, -4), (0, 1)))
    seen = found.seen(frame.shape)
    np.testing.assert_array_equal(found.apply(np.roll(frame, (7, -4), (0, 1)))[seen], frame[seen])


def test_brightness_of_the_lamp_does_not_matter(faces: list[np.ndarray]) -> None:
    picture, matrix = as_moved(faces[0], 0, 1, 6, 6)
    found = register(faces[0], 0.6 * picture + 20)
    assert worst_error_px(found, matrix, faces[0].shape) < 0.2
    assert found.correlation_after > 0.99


def test_the_mask_registers_the_face_and_not_what_stands_around() -> None:
    """An animal fixed anew by 5 px, in a chamber that stands where it stood."""
    rng = np.random.default_rng(3)
    first = MovingFace(rng).frame()
    chamber = np.clip(cv2.GaussianBlur(rng.normal(100, 300, first.shape), (0, 0), 2.5), 0, 255)
    face = np.zeros(first.shape, np.uint8)
    cv2.ellipse(face, (115, 105), (80, 50), 0, 0, 360, 1, -1)

    def scene(x: int, y: int) -> np.ndarray:
        moved = np.roll(first, (y, x), (0, 1))
        return noisy(np.where(np.roll(face, (y, x), (0, 1)) > 0, moved, chamber), x + 10)

    found = register(scene(0, 0), scene(5, -3), model="translation", mask=face > 0)
    assert found.shift_px == pytest.approx((5, -3), abs=0.3)


def test_other_animals_are_not_taken_for_the_same(faces: list[np.ndarray]) -> None:
    for other in (1, 2):
        assert register(faces[0], faces[other]).warnings
    flat = np.random.default_rng(0).normal(128, 5, faces[0].shape).astype(np.float32)
    found = register(faces[0], flat)
    assert any("correlate at" in warning for warning in found.warnings)


def test_the_mean_picture_leaves_bad_frames_out() -> None:
    frames = [(i, i / 30, np.full((4, 5), value, np.uint8)) for i, value in enumerate([10, 20, 250, 30])]
    valid = np.array([True, True, False, True])
    assert (mean_picture(frames, valid=valid) == 20).all()
    with pytest.raises(ValueError, match="no valid frame"):
        mean_picture(frames, valid=np.zeros(4, bool))


def test_wrong_input_is_told(faces: list[np.ndarray]) -> None:
    with pytest.raises(ValueError, match="in one size to be registered"):
        register(faces[0], faces[1][:100])
    with pytest.raises(ValueError, match="flat or not finite"):
        register(faces[0], np.zeros_like(faces[0]))
    with pytest.raises(ValueError, match="model is one of phase, translation, affine; got 'rigid'"):
        register(faces[0], faces[1], model="rigid")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="fewer than 100 pixels"):
        register(faces[0], faces[1], mask=np.zeros(faces[0].shape, bool))
    with pytest.raises(ValueError, match="'day9' is not among day1"):
        register_sessions({"day1": faces[0]}, reference="day9")
    with pytest.raises(ValueError, match="no session"):
        register_sessions({})
