import numpy as np
import pytest

from stimuli.editor.document import PairDocument


@pytest.fixture
def document() -> PairDocument:
    return PairDocument(np.arange(20.0).reshape(2, 5, 2))


def test_a_movement_is_one_step_however_long_its_way(document: PairDocument) -> None:
    start = document.points
    document.begin()
    for way in range(1, 30):
        document.drag(start + way)
        assert document.dragging
    document.finish("move point 3")
    assert np.array_equal(document.points, start + 29)
    assert document.undo() == "move point 3"
    assert np.array_equal(document.points, start)
    assert document.undo() is None


def test_undo_and_redo_go_through_all_steps(document: PairDocument) -> None:
    states = [document.points]
    for number in range(6):
        document.apply(f"step {number}", states[-1] * 1.5 + number)
        states.append(document.points)
    for number in reversed(range(6)):
        assert document.can_undo == f"step {number}"
        document.undo()
        assert np.array_equal(document.points, states[number])
    for number in range(6):
        assert document.redo() == f"step {number}"
        assert np.array_equal(document.points, states[number + 1])
    assert document.redo() is None


def test_a_new_step_ends_what_could_be_done_again(document: PairDocument) -> None:
    document.apply("one", document.points + 1)
    document.undo()
    assert document.can_redo == "one"
    document.apply("two", document.points + 2)
    assert document.can_redo is None


def test_a_held_key_is_one_step(document: PairDocument) -> None:
    start = document.points
    document.apply("nudge", start + 1)
    for way in range(2, 9):
        document.apply("nudge", start + way, merge=True)
    document.undo()
    assert np.array_equal(document.points, start)
    document.apply("nudge", start + 1)
    document.apply("nudge", start + 2)
    document.undo()
    assert np.array_equal(document.points, start + 1)


def test_a_cancelled_movement_leaves_nothing(document: PairDocument) -> None:
    start = document.points
    document.begin()
    document.drag(start + 4)
    document.cancel()
    assert np.array_equal(document.points, start)
    assert document.can_undo is None
    assert not document.changed
    document.begin()
    document.finish("nothing moved")
    assert document.can_undo is None


def test_changed_is_told_by_what_was_saved_not_by_steps(document: PairDocument) -> None:
    start = document.points
    document.apply("one", start + 1)
    assert document.changed
    document.mark_saved()
    assert not document.changed
    document.undo()
    assert document.changed
    document.redo()
    assert not document.changed
    document.apply("there", start + 2)
    document.apply("and back", start + 1)
    assert not document.changed
    assert document.moved.all()


def test_points_cannot_be_changed_from_outside(document: PairDocument) -> None:
    document.points[0, 0, 0] = 99
    assert document.points[0, 0, 0] == 0


def test_wrong_points_are_refused(document: PairDocument) -> None:
    with pytest.raises(ValueError, match="expected points of shape"):
        document.apply("x", document.points[:, :4])
    with pytest.raises(ValueError, match="no place"):
        document.drag(document.points * np.nan)
    assert np.array_equal(document.points, document.opened)
