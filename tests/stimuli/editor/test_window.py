"""The real window on a real X server: the mouse is moved and keys are pressed there."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stimuli.editor.groups import GROUPS
from stimuli.editor.open_pair import OpenPair
from stimuli.landmark_files import read_landmark_file
from stimuli.pairs import read_pairs

pytestmark = pytest.mark.display

ROOT = Path(__file__).resolve().parent.parent.parent.parent
MOUTH, NOSE_TIP = 61, 4
State = dict[str, Any]
Start = Callable[..., Any]


@pytest.fixture
def editor(start: Start, with_files: Callable[..., Path]) -> Any:
    return start(with_files("json"))


def points(state: State) -> np.ndarray:
    return np.array(state["points"])


def shift(state: State, which: int = 0) -> np.ndarray:
    """How far each point of a photograph is from where it was when it was opened."""
    return (np.array(state["points"]) - np.array(state["opened"]))[which]


def test_dragging_undoing_and_keys(editor: Any) -> None:
    """One window, to save time: everything that moves points."""
    screen = editor.screen
    # a soft drag: the point follows the mouse, neighbours less, the other photograph not
    zoom = editor.ask()["cameras"][0][2]
    start = editor.ask(0, MOUTH)
    before = editor.ask()["ticket"]
    screen.drag(start, (20, 10), drop=False)
    # the morph follows quickly, while the button is still down
    editor.wait(lambda state: state["frames"][-1][0] > before and state["preview"] == "50 % (quick)")
    screen.button(False)
    state = editor.wait(lambda state: state["undo"])
    assert state["current"] == MOUTH
    end = editor.ask(0, MOUTH)
    assert np.allclose(np.array(end) - start, (20, 10), atol=1.5)
    moved = np.linalg.norm(shift(state), axis=1)
    assert moved[MOUTH] == moved.max()
    assert 3 < (moved > 0.02 * moved.max()).sum() < 60
    assert not shift(state, 1).any()
    assert state["changed"] == [True, False]
    assert zoom == state["cameras"][0][2]
    # the morph is made as the videos will be, once the mouse rests
    editor.wait(lambda state: [state["ticket"], True] in state["frames"] and state["preview"] == "50 %")
    # undo and redo, exactly
    screen.key("z", "Control_L")
    assert not shift(editor.wait(lambda state: state["redo"])).any()
    screen.key("y", "Control_L")
    again = editor.wait(lambda state: state["undo"])
    assert np.array_equal(points(again), points(state))
    screen.key("z", "Control_L")
    # single points
    screen.key("m")
    editor.wait(lambda state: not state["soft"])
    screen.drag(editor.ask(1, NOSE_TIP), (-12, 0))
    state = editor.wait(lambda state: state["undo"])
    assert np.nonzero(shift(state, 1).any(axis=1))[0].tolist() == [NOSE_TIP]
    assert state["active"] == 1
    # arrow keys: 1 px, 10 px and 0.1 px of the photograph, along the screen
    before = points(state)[1, NOSE_TIP]
    for key, modifiers, length in (("Right", (), 1), ("Up", ("Shift_L",), 10), ("Left", ("Control_L",), 0.1)):
        label = editor.ask()["points"][1][NOSE_TIP]
        screen.key(key, *modifiers)
        state = editor.wait(lambda state, label=label: state["points"][1][NOSE_TIP] != label)
        now = points(state)[1, NOSE_TIP]
        assert np.linalg.norm(now - before) == pytest.approx(length, abs=1e-9)
        direction = {"Right": (1, 0), "Up": (0, -1), "Left": (-1, 0)}[key]
        assert np.allclose((now - before) / length, direction, atol=0.12)
        before = now
    # the other photograph, its next point, and escape
    screen.key("x")
    editor.wait(lambda state: state["active"] == 0)
    screen.key("Tab")
    editor.wait(lambda state: state["current"] == NOSE_TIP + 1)
    screen.key("Tab", "Shift_L")
    editor.wait(lambda state: state["current"] == NOSE_TIP)
    screen.key("Escape")
    editor.wait(lambda state: state["current"] is None)
    # several points at once
    screen.click(editor.ask(0, MOUTH))
    with screen.held("Shift_L"):
        screen.click(editor.ask(0, NOSE_TIP))
    editor.wait(lambda state: state["selected"] == [NOSE_TIP, MOUTH])
    screen.drag(editor.ask(0, MOUTH), (0, 15))
    state = editor.wait(lambda state: state["undo"] == "move 2 points")
    assert np.nonzero(shift(state).any(axis=1))[0].tolist() == [NOSE_TIP, MOUTH]
    # escape stops a drag
    before = points(state)
    screen.drag(editor.ask(0, NOSE_TIP), (30, 0), drop=False)
    editor.wait(lambda state: not np.array_equal(points(state), before))
    screen.key("Escape")
    assert np.array_equal(points(editor.wait(lambda state: np.array_equal(points(state), before))), before)
    screen.button(False)
    # reset the selected points, and everything
    screen.key("r")
    state = editor.wait(lambda state: not shift(state).any())
    assert shift(state, 1).any()
    screen.key("r", "Shift_L")
    assert not editor.wait(lambda state: not shift(state, 1).any())["changed"][0]
    # found again, after a point was moved
    screen.drag(editor.ask(0, MOUTH), (9, 9))
    editor.wait(lambda state: shift(state).any())
    screen.key("d")
    editor.wait(lambda state: state["undo"] == "detect again" and not shift(state).any())
    assert editor.said() == ""


def test_looking(editor: Any) -> None:
    """Everything that changes what is seen: it is the same in both photographs."""
    screen = editor.screen
    place, zoom = editor.ask(0, MOUTH), editor.ask()["cameras"][0][2]
    for _ in range(3):
        screen.click(place, 4)
    state = editor.wait(lambda state: state["cameras"][0][2] > 1.9 * zoom)
    assert state["cameras"][0] == state["cameras"][1]
    assert np.allclose(editor.ask(0, MOUTH), place, atol=2)
    screen.drag([place[0] + 60, place[1] + 60], (40, -25), 2)
    editor.wait(
        lambda state: np.allclose(editor.ask(0, MOUTH), np.array(place) + np.array([40, -25]), atol=2)
    )
    state = editor.ask()
    assert state["cameras"][0] == state["cameras"][1]
    screen.key("0")
    editor.wait(lambda state: state["cameras"][0][2] < 2)
    # under the mouse: the same point is marked in both photographs
    screen.move([5, 5])
    editor.wait(lambda state: state["hovered"] == [None, None])
    plain = screen.screenshot()
    screen.move(editor.ask(0, NOSE_TIP))
    editor.wait(lambda state: state["hovered"] == [NOSE_TIP, NOSE_TIP])
    time.sleep(0.3)
    marked = screen.screenshot()
    for which in (0, 1):
        x, y = map(round, editor.ask(which, NOSE_TIP))
        around = np.s_[y - 12 : y + 12, x - 12 : x + 12]
        assert np.abs(marked[around].astype(int) - plain[around]).mean() > 10
    # triangles, and one that folds
    screen.key("t")
    state = editor.wait(lambda state: state["triangles"])
    assert state["triangles"] > 800
    folded = state["folded"]
    screen.key("m")
    screen.drag(editor.ask(1, NOSE_TIP), (60, 0))
    editor.wait(lambda state: state["folded"] > folded and "fold over" in state["status"])
    # parts of the face
    whole = editor.ask()["visible"]
    screen.key(str(GROUPS.index("lips") + 1))
    editor.wait(lambda state: state["visible"] < whole)
    screen.key(str(GROUPS.index("lips") + 1))
    editor.wait(lambda state: state["visible"] == whole)
    screen.key("g")
    alone = editor.wait(lambda state: state["visible"] < whole)["visible"]
    assert alone < 100
    screen.key("g")
    editor.wait(lambda state: state["visible"] == whole)
    # the help page takes the key that closes it
    screen.key("F1")
    before = editor.wait(lambda state: state["help"])
    screen.key("t")
    state = editor.wait(lambda state: not state["help"])
    assert state["triangles"] == before["triangles"]
    assert editor.said() == ""


def test_saving_asks_and_keeps_a_copy(editor: Any) -> None:
    screen = editor.screen
    table = Path(editor.ask()["table"])
    (files, _) = (pair.landmark_files for pair in read_pairs(table).pairs)
    former = files[0].read_bytes()
    screen.drag(editor.ask(0, MOUTH), (20, 10))
    wanted = points(editor.wait(lambda state: state["undo"]))
    screen.key("s", "Control_L")
    assert "over ann_neutral.json" in editor.answer("Cancel")
    editor.wait(lambda state: state["dialog"] is None)
    assert files[0].read_bytes() == former
    screen.key("s", "Control_L")
    editor.wait(lambda state: state["dialog"])
    screen.key("Return")
    state = editor.wait(lambda state: not state["changed"][0])
    assert "former files kept as ann_neutral.before_edit1.json" in state["status"]
    assert files[0].with_name("ann_neutral.before_edit1.json").read_bytes() == former
    assert np.array_equal(read_landmark_file(files[0]).points_px, wanted[0])
    # closing with changes asks; what is discarded is not written
    former = [file.read_bytes() for file in sorted(files[0].parent.iterdir())]
    screen.drag(editor.ask(0, MOUTH), (20, 10))
    editor.wait(lambda state: state["changed"][0])
    screen.key("q", "Control_L")
    assert "The landmarks of ann have been changed" in editor.answer("Cancel")
    assert editor.wait(lambda state: state["dialog"] is None)["changed"] == [True, False]
    screen.key("q", "Control_L")
    editor.answer("Discard")
    assert editor.ended() == 0
    assert [file.read_bytes() for file in sorted(files[0].parent.iterdir())] == former
    assert editor.said() == ""


def test_a_table_without_landmarks_is_saved_to_a_new_folder(start: Start, table: Path) -> None:
    (table.parent / "pairs_landmarks").mkdir()
    (table.parent / "bad.png").write_bytes(b"no picture")
    with table.open("a", encoding="utf-8") as stream:
        stream.write("cid\tcid\tmale\tbad.png\tann_1.png\n")
    editor = start(table)
    screen = editor.screen
    screen.key("Next")
    editor.wait(lambda state: state["pair"] == "bea")
    # a pair that cannot be used is told, and left
    screen.key("Next")
    assert "bad.png cannot be read" in editor.answer("OK")
    assert editor.wait(lambda state: state["dialog"] is None)["pair"] == "bea"
    screen.drag(editor.ask(1, MOUTH), (-15, 6))
    wanted = points(editor.wait(lambda state: state["undo"]))
    screen.key("Prior")
    editor.wait(lambda state: state["pair"] == "ann")
    screen.key("Prior")
    screen.key("s", "Control_L")
    assert "pairs_landmarks_2 ?" in editor.answer("Save")
    state = editor.wait(lambda state: "pairs_landmarks_2" in state["table"])
    assert not any(state["changed"])
    assert "python -m stimuli morph" in state["status"]
    _, row, unusable = read_pairs(Path(state["table"])).pairs
    assert unusable.landmark_files == (None, None)
    bea = OpenPair(row)
    assert np.array_equal(bea.document.points, wanted)
    # what is changed now goes into the new files, and closing saves it if wanted
    screen.drag(editor.ask(0, MOUTH), (10, 0))
    editor.wait(lambda state: state["changed"][0])
    screen.key("q", "Control_L")
    editor.answer("Save")
    assert "copy of the former file" in editor.answer("Save")
    assert editor.ended() == 0
    assert len(list(Path(state["table"]).parent.glob("*.before_edit1.json"))) == 1


def test_templates_made_by_hand_and_twice_as_many_pixels(start: Start, london: Path, tmp_path: Path) -> None:
    """A WebMorph template, in a window scaled for a dense screen."""
    names = [london / "neutral_front" / name for name in ("001_03", "002_03")]
    for name in names:
        (tmp_path / f"{name.name}.tem").write_bytes(name.with_suffix(".tem").read_bytes())
    row = ["x", "female", *(f"{name}.jpg" for name in names), *(f"{name.name}.tem" for name in names)]
    columns = ["identity", "sex", "calm", "calmer", "calm_landmarks", "calmer_landmarks"]
    (tmp_path / "pairs.tsv").write_text("\t".join(columns) + "\n" + "\t".join(row) + "\n", encoding="utf-8")
    editor = start(tmp_path / "pairs.tsv", QT_SCALE_FACTOR="2")
    state = editor.ask()
    assert len(state["points"][0]) == 189
    editor.screen.drag(editor.ask(0, 87), (24, 0))
    state = editor.wait(lambda state: state["undo"])
    assert state["current"] == 87
    editor.screen.key("d")
    assert "template frl189, which is placed by hand" in editor.answer("OK")
    editor.screen.key("s", "Control_L")
    editor.answer("Save")
    state = editor.wait(lambda state: not state["changed"][0])
    saved, former = (read_landmark_file(tmp_path / f"001_03{kind}.tem") for kind in ("", ".before_edit1"))
    assert np.array_equal(saved.points_px, points(state)[0])
    assert saved.lines == former.lines


def run_edit(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "stimuli", "edit", *map(str, arguments)]
    variables = {**os.environ, **environment}
    return subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)


def test_bad_input_is_told_before_a_window_opens(screen: Any, table: Path, tmp_path: Path) -> None:
    done = run_edit(tmp_path / "absent.tsv", DISPLAY=screen.name)
    assert (done.returncode, "table of pairs not found" in done.stderr) == (2, True)
    for photograph in table.parent.glob("*_1.png"):
        photograph.write_bytes(b"")
    done = run_edit(table, DISPLAY=screen.name)
    assert done.returncode == 2
    assert "none of the pairs" in done.stderr and "bea_1.png cannot be read" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems always have a screen")
def test_without_a_screen_it_is_told_what_to_do(table: Path) -> None:
    done = run_edit(table, DISPLAY="", WAYLAND_DISPLAY="")
    assert done.returncode == 1
    assert "no window can be shown" in done.stderr and "xvfb-run" in done.stderr
    assert "Traceback" not in done.stderr


def test_other_commands_do_not_load_qt() -> None:
    code = "import sys, stimuli.__main__; print([name for name in sys.modules if 'Qt' in name])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
