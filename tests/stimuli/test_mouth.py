import numpy as np
import pytest

from stimuli.face_model import face_model
from stimuli.face_points import INNER_LIPS, OUTER_LIPS
from stimuli.mouth import MouthInside, complete_lips
from stimuli.warp import pixel_grid


@pytest.fixture(scope="module")
def points(astronaut: np.ndarray) -> np.ndarray:
    """Points of a smiling face with its mouth open, the eyes 43 px apart."""
    return face_model().find_faces(astronaut)[0].points_px


def closed(points: np.ndarray) -> np.ndarray:
    """The same face with both lips on one line."""
    shut = points.copy()
    shut[INNER_LIPS, 1] = points[INNER_LIPS, 1].mean()
    return shut


def test_a_template_that_follows_the_lips_is_left_alone(points: np.ndarray) -> None:
    lips = np.concatenate([points[::2], points[INNER_LIPS]])
    first, second = complete_lips((lips, lips), (points, points), eye_distance_px=43)
    assert first is lips
    assert second is lips


def test_a_template_without_the_inner_lips_gets_them(points: np.ndarray) -> None:
    face = (points, closed(points))
    near_and_far = [points[[152, 10, 17]] for _ in range(2)]  # chin, forehead, and just below the lower lip
    first, second = complete_lips((near_and_far[0], near_and_far[1]), face, eye_distance_px=43)
    lips = [*INNER_LIPS, *OUTER_LIPS]
    assert np.array_equal(first[-40:], face[0][lips])
    assert np.array_equal(second[-40:], face[1][lips])
    assert np.array_equal(first[:2], points[[152, 10]])
    assert len(first) == len(second)


@pytest.mark.parametrize("which", [0, 1])
def test_the_inside_is_seen_between_the_lips_only_and_is_the_open_mouths(
    points: np.ndarray, which: int
) -> None:
    light = np.full((512, 512, 3), 10_000, np.uint16)
    both = (points, closed(points)) if which == 0 else (closed(points), points)
    inside = MouthInside(light, both, which=which, ramp=0.3)
    pixels = pixel_grid(512, 512)
    middle = points[INNER_LIPS].mean(axis=0).round().astype(int)
    seen = []
    for openness in (0.0, 0.02, 0.5, 1.0):
        images = (np.zeros((512, 512, 3), np.uint16), np.zeros((512, 512, 3), np.uint16))
        inside.show(images, (pixels, pixels), pixels, level=openness if which == 1 else 1 - openness)
        assert np.array_equal(*images)
        assert images[0][:100].max() == 0  # far from the mouth nothing changes
        seen.append(int(images[0][middle[1], middle[0], 0]))
    assert seen[0] == 0
    assert 0 < seen[1] < seen[2]
    assert seen[3] > 9_000
