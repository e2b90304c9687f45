from pathlib import Path

import numpy as np
import pytest

from stimuli.align import eye_transform, outside_fraction, transform_image, transform_points
from stimuli.face_model import face_model
from stimuli.face_points import eye_centres
from stimuli.pairs import Pair
from stimuli.parameters import MorphParameters
from stimuli.sources import align_source, read_sources


def test_the_transform_turns_and_scales_without_distortion() -> None:
    transform = eye_transform(np.array([[10.0, 10.0], [40.0, 50.0]]), np.array([[0.0, 0.0], [100.0, 0.0]]))
    turn = transform[:, :2]
    assert np.allclose(turn @ turn.T, np.eye(2) * 4)
    assert np.linalg.det(turn) > 0


def test_eyes_at_one_place_are_refused() -> None:
    with pytest.raises(ValueError, match="same place"):
        eye_transform(np.array([[10.0, 10.0], [10.0, 10.0]]), np.array([[0.0, 0.0], [100.0, 0.0]]))


def test_pixels_go_where_points_go() -> None:
    image = np.zeros((60, 60, 3), np.uint8)
    image[30, 20] = 255
    transform = eye_transform(np.array([[10.0, 30.0], [30.0, 30.0]]), np.array([[20.0, 40.0], [60.0, 40.0]]))
    moved = transform_image(image, transform, width_px=80, height_px=80)
    brightest = np.unravel_index(moved[..., 0].argmax(), moved.shape[:2])
    assert transform_points(np.array([20.0, 30.0]), transform).tolist() == [brightest[1], brightest[0]]


def test_nothing_moves_where_eyes_are_already_in_place() -> None:
    image = np.random.default_rng(5).integers(0, 256, (40, 30, 3), dtype=np.uint8)
    eyes = np.array([[8.0, 12.0], [20.0, 12.0]])
    assert np.array_equal(transform_image(image, eye_transform(eyes, eyes), width_px=30, height_px=40), image)


def test_fine_stripes_shrink_to_even_grey_and_not_to_false_patterns() -> None:
    image = np.zeros((600, 600, 3), np.uint8)
    image[:, ::2] = 200
    transform = np.array([[0.19, 0, 0], [0, 0.19, 0]])
    small = transform_image(image, transform, width_px=100, height_px=100)[10:-10, 10:-10]
    assert small.std() < 2
    assert small.mean() == pytest.approx(100, abs=2)


def test_the_part_outside_the_photograph_is_counted_where_it_is_shown() -> None:
    transform = np.array([[1.0, 0, 0], [0, 1.0, -10]])
    shown = np.zeros((40, 30), bool)
    shown[20:] = True
    assert outside_fraction((40, 30), transform, shown=shown) == 0.5
    assert outside_fraction((40, 30), transform, shown=~shown) == 0


def test_real_faces_of_different_people_have_their_eyes_at_the_same_places(london: Path) -> None:
    parameters = MorphParameters()
    people = ("001", "002", "006", "025", "045", "135")
    pairs = [
        Pair(
            pair=person,
            identity=person,
            sex="female",
            photographs=(
                london / f"neutral_front/{person}_03.jpg",
                london / f"smiling_front/{person}_08.jpg",
            ),
            landmark_files=(None, None),
        )
        for person in people
    ]
    for sources in read_sources(pairs):
        for source in (sources.first, sources.second):
            (face,) = face_model().find_faces(align_source(source, parameters).image)
            distance = np.linalg.norm(eye_centres(face.points_px, "face478") - parameters.eyes_px, axis=1)
            assert distance.max() < 0.02 * 150, source.photograph
