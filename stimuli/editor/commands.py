"""What the editor can do, with its keys: one list for menus, keys and the help page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Command(NamedTuple):
    """Something the editor does when it is asked to."""

    name: str
    """Name in the program."""
    menu: str
    """Menu that shows it."""
    text: str
    """What it does, for people."""
    keys: Sequence[str] = ()
    """Keys, as Qt names them."""
    switch: bool = False
    """Whether it is on or off."""


COMMANDS: Sequence[Command] = (
    Command("save", "File", "Save", ("Ctrl+S",)),
    Command("save_as_json", "File", "Save all as .json in a new folder…", ("Ctrl+Shift+S",)),
    Command("save_as_tem", "File", "Save all as .tem (Psychomorph, WebMorph)…"),
    Command("save_as_pts", "File", "Save all as .pts (iBUG)…"),
    Command("save_as_tps", "File", "Save all as .tps (tpsDig)…"),
    Command("close", "File", "Close", ("Ctrl+Q", "Ctrl+W")),
    Command("undo", "Edit", "Undo", ("Ctrl+Z",)),
    Command("redo", "Edit", "Redo", ("Ctrl+Shift+Z", "Ctrl+Y")),
    Command("reset_points", "Edit", "Reset the selected points", ("R",)),
    Command("reset_all", "Edit", "Reset all points of both photographs", ("Shift+R",)),
    Command("detect", "Edit", "Detect the active photograph's points again", ("D",)),
    Command("next_point", "Points", "Next point", ("Tab",)),
    Command("previous_point", "Points", "Previous point", ("Shift+Tab",)),
    Command("other_photograph", "Points", "Go to the other photograph", ("X", "F6")),
    Command("select_all", "Points", "Select all shown points", ("Ctrl+A",)),
    Command("select_none", "Points", "Select nothing; stop a movement", ("Escape",)),
    Command("soft", "Points", "Neighbours follow softly", ("M",), switch=True),
    Command("wider", "Points", "Wider softness", ("]",)),
    Command("narrower", "Points", "Narrower softness", ("[",)),
    Command("only_group", "Points", "This part of the face alone, or all", ("G",)),
    Command("triangles", "View", "Triangles of the morph", ("T",), switch=True),
    Command("numbers", "View", "Numbers of the points", ("N",), switch=True),
    Command("points", "View", "Points", ("V",), switch=True),
    Command("zoom_in", "View", "Zoom in", ("+", "=")),
    Command("zoom_out", "View", "Zoom out", ("-",)),
    Command("zoom_point", "View", "Zoom to the point", (".",)),
    Command("fit", "View", "Show the whole face", ("0", "F")),
    Command("next_pair", "Pair", "Next pair", ("PgDown",)),
    Command("previous_pair", "Pair", "Previous pair", ("PgUp",)),
    Command("help", "Help", "Keys and mouse", ("F1", "H", "?")),
)

MENUS = tuple(dict.fromkeys(command.menu for command in COMMANDS))

BY_HAND: Sequence[tuple[str, str]] = (
    ("Arrow keys", "move the selected points by 1 px"),
    ("Shift + arrow", "by 10 px"),
    ("Ctrl + arrow", "by 0.1 px"),
    ("1 … 6", "show or hide a part of the face"),
    ("Drag a point", "move it, its neighbours softly"),
    ("Shift + click", "select one more, or one less"),
    ("Shift + drag elsewhere", "select what is in the rectangle"),
    ("Drag elsewhere", "move all pictures (or middle button)"),
    ("Wheel", "zoom all pictures at the mouse"),
)
"""What keys and mouse do without a command."""


def keys_text(command: Command) -> str:
    """Return the keys of a command as people read them.

    Examples
    --------
    >>> keys_text(COMMANDS[0])
    'Ctrl+S'
    """
    return " or ".join(command.keys)
