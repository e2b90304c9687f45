import numpy as np
import pytest

from stimuli.editor.groups import GROUPS
from stimuli.editor.selection import Selection


@pytest.fixture
def selection() -> Selection:
    return Selection(np.array([0, 0, 1, 2, 2, 4, 5]))


def test_tab_goes_around_the_shown_points(selection: Selection) -> None:
    for expected in [0, 1, 2, 3, 4, 5, 6, 0]:
        selection.step(1)
        assert selection.current == expected
    selection.step(-1)
    assert selection.current == 6
    selection.show(GROUPS.index("eyes"), False)
    selection.pick(2)
    selection.step(1)
    assert selection.current == 5
    selection.step(-1)
    assert selection.current == 2


def test_without_a_shown_point_tab_does_nothing(selection: Selection) -> None:
    for group in range(len(GROUPS)):
        selection.show(group, False)
    selection.step(1)
    assert selection.current is None


def test_hiding_a_part_gives_up_its_points(selection: Selection) -> None:
    selection.pick(0)
    selection.pick(3, add=True)
    selection.show(0, False)
    assert np.nonzero(selection.selected)[0].tolist() == [3]
    selection.show(2, False)
    assert selection.current is None


def test_adding_twice_takes_away(selection: Selection) -> None:
    selection.pick(1)
    selection.pick(2, add=True)
    assert selection.describe() == "2 points"
    selection.pick(2, add=True)
    assert selection.describe() == "1 outline"
    selection.pick(1, add=True)
    assert selection.describe() == "no point"


def test_a_rectangle_selects_only_what_is_shown(selection: Selection) -> None:
    selection.show(2, False)
    selection.pick_all(np.ones(7, bool))
    assert np.nonzero(selection.selected)[0].tolist() == [0, 1, 2, 5, 6]


def test_one_part_alone_and_all_again(selection: Selection) -> None:
    selection.pick(3)
    selection.show_only_current()
    assert np.nonzero(selection.visible)[0].tolist() == [3, 4]
    selection.show_only_current()
    assert selection.visible.all()


def test_soft_movement_takes_neighbours_of_the_same_part_and_skin_along(selection: Selection) -> None:
    points = np.column_stack([np.arange(7.0), np.zeros(7)])
    selection.pick(3)
    selection.radius = 0.4
    moved = selection.moved(points, np.array([0, 10]), eye_distance_px=5)[:, 1]
    assert moved[3] == 10
    assert moved[4] == pytest.approx(10 * np.exp(-0.125))
    assert moved[6] == pytest.approx(10 * np.exp(-1.125))
    assert np.nonzero(moved)[0].tolist() == [3, 4, 6]
    selection.show(GROUPS.index("skin"), False)
    moved = selection.moved(points, np.array([0, 10]), eye_distance_px=5)[:, 1]
    assert np.nonzero(moved)[0].tolist() == [3, 4]
    selection.soft = False
    moved = selection.moved(points, np.array([0, 10]), eye_distance_px=5)[:, 1]
    assert np.nonzero(moved)[0].tolist() == [3]


def test_the_next_pair_keeps_settings_and_points(selection: Selection) -> None:
    selection.pick(3)
    selection.soft = False
    selection.show(1, False)
    same, other = Selection(np.array([0, 0, 1, 2, 2, 4, 5])), Selection(np.zeros(3, int))
    same.adopt(selection)
    other.adopt(selection)
    assert (same.current, same.soft, same.shows(1)) == (3, False, False)
    assert (other.current, other.soft) == (None, False)
