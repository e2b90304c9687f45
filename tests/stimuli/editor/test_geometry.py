import numpy as np
import pytest

from stimuli.editor.geometry import folded_triangles, nearest_point, points_inside, soft_weights
from stimuli.editor.groups import GROUPS, group_points
from stimuli.face_model import face_model
from stimuli.face_points import CONTOUR, INNER_LIPS, LEFT_EYELIDS, OUTER_LIPS, RIGHT_EYELIDS


def test_without_a_radius_only_grabbed_points_move() -> None:
    points, grabbed = np.random.default_rng(1).uniform(0, 9, (20, 2)), np.zeros(20, bool)
    grabbed[[3, 7]] = True
    assert soft_weights(points, grabbed, radius_px=0).tolist() == grabbed.astype(float).tolist()
    assert not soft_weights(points, np.zeros(20, bool), radius_px=5).any()


def test_points_that_may_not_follow_stay_and_grabbed_ones_always_move() -> None:
    points = np.column_stack([np.arange(6.0), np.zeros(6)])
    grabbed = np.array([True, False, False, False, False, False])
    movable = np.array([False, True, False, True, False, False])
    weights = soft_weights(points, grabbed, radius_px=2, movable=movable)
    assert weights[0] == 1
    assert weights[1] == pytest.approx(np.exp(-0.125))
    assert weights[3] == pytest.approx(np.exp(-1.125))
    assert not weights[[2, 4, 5]].any()


def test_between_two_grabbed_points_the_nearer_one_counts() -> None:
    points = np.array([[0.0, 0], [4, 0], [10, 0]])
    weights = soft_weights(points, np.array([True, False, True]), radius_px=4)
    assert weights.tolist() == [1, pytest.approx(np.exp(-0.5)), 1]


def test_the_nearest_visible_point_is_found() -> None:
    points = np.array([[0.0, 0], [3, 0], [50, 50]])
    everywhere = np.ones(3, bool)
    assert nearest_point(points, np.array([2.0, 0]), within_px=5, among=everywhere) == 1
    assert nearest_point(points, np.array([2.0, 0]), within_px=5, among=np.array([True, False, True])) == 0
    assert nearest_point(points, np.array([20.0, 0]), within_px=5, among=everywhere) is None
    assert nearest_point(points, np.array([2.0, 0]), within_px=5, among=np.zeros(3, bool)) is None


def test_a_rectangle_may_be_drawn_from_any_corner() -> None:
    points = np.array([[1.0, 1], [5, 5], [9, 9]])
    for corners in (([0, 0], [6, 6]), ([6, 6], [0, 0]), ([0, 6], [6, 0])):
        assert points_inside(points, *map(np.array, corners)).tolist() == [True, True, False]


def test_a_point_dragged_over_an_edge_folds_its_triangles() -> None:
    first = np.array([[0.0, 0], [10, 0], [10, 10], [0, 10], [5, 5]])
    triangles = np.array([[0, 1, 4], [1, 2, 4], [2, 3, 4], [3, 0, 4]])
    assert not folded_triangles(first, first + 3, triangles).any()
    second = first.copy()
    second[4] = [5, -8]
    assert folded_triangles(first, second, triangles).tolist() == [True, False, False, False]


def test_parts_of_the_face_hold_their_points(astronaut: np.ndarray) -> None:
    face = face_model().find_faces(astronaut)[0].points_px
    groups = group_points(face, face)
    for name, points in (("lips", INNER_LIPS), ("lips", OUTER_LIPS), ("outline", CONTOUR)):
        assert (groups[points] == GROUPS.index(name)).all(), name
    for points in (RIGHT_EYELIDS, LEFT_EYELIDS, list(range(468, 478))):
        assert (groups[points] == GROUPS.index("eyes")).all()
    assert (groups[[1, 4, 5, 6, 195]] == GROUPS.index("nose")).all()
    assert (groups[[105, 66, 334, 296]] == GROUPS.index("brows")).all()
    assert (groups[[50, 280, 151]] == GROUPS.index("skin")).all()
    assert set(groups) == set(range(len(GROUPS)))


def test_any_template_has_parts(astronaut: np.ndarray) -> None:
    face = face_model().find_faces(astronaut)[0].points_px
    points = np.array([face[13], face[468], face[4], face.max(axis=0) + 50])
    assert [GROUPS[number] for number in group_points(points, face)] == ["lips", "eyes", "nose", "outline"]
    assert [GROUPS[number] for number in group_points(points, None)] == ["skin"] * 4
