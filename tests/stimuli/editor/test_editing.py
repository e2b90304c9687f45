from pathlib import Path

import numpy as np
import pytest

from stimuli.editor.commands import COMMANDS
from stimuli.editor.editing import Editing
from stimuli.editor.workspace import Workspace
from stimuli.pairs import read_pairs


@pytest.fixture
def workspace(table: Path) -> Workspace:
    return Workspace(read_pairs(table))


@pytest.fixture
def editing(workspace: Workspace) -> Editing:
    return Editing(workspace.pair)


def test_a_drag_counts_from_its_beginning(editing: Editing) -> None:
    editing.selection.soft = False
    editing.pick(7)
    for way in range(1, 6):
        editing.drag(1, np.array([way, -way]))
    assert editing.drop()
    assert not editing.drop()
    moved = editing.pair.document.points - editing.pair.document.opened
    assert moved[1, 7].tolist() == [5, -5]
    assert np.count_nonzero(moved) == 2


def test_undo_during_a_drag_stops_it(editing: Editing) -> None:
    editing.pick(7)
    editing.drag(0, np.array([9, 9]))
    assert editing.undo()
    assert not editing.pair.document.changed
    assert not editing.undo()
    assert not editing.drop()


def test_a_selected_point_is_dragged_with_the_others(editing: Editing) -> None:
    editing.pick(7)
    editing.pick(8, add=True)
    editing.pick(7)
    assert editing.selection.describe() == "2 points"
    editing.pick(9)
    assert editing.selection.current == 9
    assert editing.selection.selected.sum() == 1


def test_without_a_selected_point_keys_move_nothing(editing: Editing) -> None:
    assert not editing.nudge(np.array([1, 0]), held=False)
    assert not editing.pair.document.changed


def test_a_held_key_is_undone_at_once(editing: Editing) -> None:
    editing.pick(7)
    editing.nudge(np.array([1, 0]), held=False)
    for _ in range(5):
        editing.nudge(np.array([1, 0]), held=True)
    assert editing.undo()
    assert not editing.pair.document.changed


def test_reset_is_a_step_too(editing: Editing) -> None:
    editing.selection.soft = False
    for point in (7, 8):
        editing.pick(point)
        editing.nudge(np.array([3, 0]), held=False)
    editing.reset_selected()
    moved = editing.pair.document.moved
    assert np.argwhere(moved).tolist() == [[0, 7]]
    editing.reset_all()
    assert not editing.pair.document.changed
    assert editing.undo()
    assert np.argwhere(editing.pair.document.moved).tolist() == [[0, 7]]


def test_pairs_keep_their_changes_and_settings_go_along(workspace: Workspace) -> None:
    first = Editing(workspace.pair)
    first.selection.soft, first.active = False, 1
    first.pick(7)
    first.nudge(np.array([3, 0]), held=False)
    assert workspace.go(1)
    second = Editing(workspace.pair, first)
    assert (second.active, second.selection.soft, second.selection.current) == (1, False, 7)
    assert workspace.changed == [True, False]
    assert workspace.go(0)
    assert workspace.pair is first.pair
    assert workspace.pair.images[0].shape == (512, 512, 3)


def test_a_pair_that_cannot_be_used_is_skipped_until_it_can(table: Path) -> None:
    photograph = table.parent / "ann_1.png"
    content = photograph.read_bytes()
    photograph.write_bytes(b"")
    workspace = Workspace(read_pairs(table))
    assert workspace.number == 1
    assert not workspace.go(0)
    assert "ann_1.png cannot be read" in workspace.unusable["ann"]
    photograph.write_bytes(content)
    assert workspace.go(0)
    assert not workspace.unusable


def test_no_key_is_given_twice() -> None:
    keys = [key for command in COMMANDS for key in command.keys] + [str(number) for number in range(1, 7)]
    assert len(keys) == len(set(keys))
