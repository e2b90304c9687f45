"""What is done to the pair that is open: choosing and moving points; knows nothing of windows."""

from __future__ import annotations

import numpy as np

from stimuli.editor.open_pair import OpenPair
from stimuli.editor.selection import Selection


class Editing:
    """The work on one pair.

    Parameters
    ----------
    pair
        The pair.
    former
        The work on the pair before, whose settings are kept.
    """

    def __init__(self, pair: OpenPair, former: Editing | None = None) -> None:
        self.pair = pair
        self.selection = Selection(pair.groups)
        self.active: int = former.active if former else 0
        """The photograph whose points keys move: 0 or 1."""
        self._start: np.ndarray | None = None
        if former:
            self.selection.adopt(former.selection)

    def pick(self, point: int, *, add: bool = False) -> None:
        """Select a point; one of several selected stays with them, so that all can be dragged."""
        if add or not self.selection.selected[point]:
            self.selection.pick(point, add=add)
        else:
            self.selection.current = point

    def drag(self, which: int, by_px: np.ndarray) -> None:
        """Move the selected points of a photograph; `by_px` counts from where the drag began."""
        document = self.pair.document
        if self._start is None:
            self._start = document.points
            document.begin()
        document.drag(self._moved(self._start, which, by_px))

    def drop(self) -> bool:
        """End a drag; tell whether there was one."""
        if self._start is None:
            return False
        self._start = None
        self.pair.document.finish(f"move {self.selection.describe()}")
        return True

    def cancel(self) -> bool:
        """End a drag as if it had not begun; tell whether there was one."""
        dragging, self._start = self._start is not None, None
        self.pair.document.cancel()
        return dragging

    def nudge(self, by_px: np.ndarray, *, held: bool) -> bool:
        """Move the selected points of the active photograph; tell whether there are any.

        A key that is held down makes one step of history.
        """
        if self.selection.current is None:
            return False
        moved = self._moved(self.pair.document.points, self.active, by_px)
        self.pair.document.apply(f"move {self.selection.describe()}", moved, merge=held)
        return True

    def undo(self) -> bool:
        """Undo a step, or a drag that has not ended; tell whether there was any."""
        return self.cancel() or self.pair.document.undo() is not None

    def redo(self) -> bool:
        """Do again what was undone; tell whether there was anything."""
        return self.pair.document.redo() is not None

    def reset_selected(self) -> None:
        """Bring the selected points of the active photograph back to where they were when it was opened."""
        points, chosen = self.pair.document.points, self.selection.selected
        points[self.active, chosen] = self.pair.document.opened[self.active, chosen]
        self.pair.document.apply(f"reset {self.selection.describe()}", points)

    def reset_all(self) -> None:
        """Bring all points of both photographs back to where they were when the pair was opened."""
        self.pair.document.apply("reset all", self.pair.document.opened)

    def detect(self) -> None:
        """Find the points of the active photograph anew.

        Raises
        ------
        ValueError
            If they are not the face model's, or the face is not found.
        """
        points = self.pair.document.points
        points[self.active] = self.pair.detect(self.active)
        self.pair.document.apply("detect again", points)

    def radius_px(self, which: int) -> float:
        """Return the softness in pixels of a photograph; 0 if neighbours do not follow."""
        return self.selection.radius * self._eye_distance_px(which) if self.selection.soft else 0.0

    def _moved(self, points: np.ndarray, which: int, by_px: np.ndarray) -> np.ndarray:
        moved = points.copy()
        distance_px = self._eye_distance_px(which)
        moved[which] = self.selection.moved(points[which], by_px, eye_distance_px=distance_px)
        return moved

    def _eye_distance_px(self, which: int) -> float:
        first, second = self.pair.eyes_px(which)
        return float(np.linalg.norm(second - first))
