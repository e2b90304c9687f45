"""The landmarks of one pair while they are edited: what was moved, undone and saved; pure."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Step(NamedTuple):
    """A change that can be undone."""

    label: str
    """What was done, for people."""
    before: np.ndarray
    """All points before it, shape ``(2, n_points, 2)``."""
    after: np.ndarray
    """All points after it."""


class PairDocument:
    """The points of both photographs of a pair, with everything that was done to them.

    Parameters
    ----------
    points_px
        Points of the first and of the second photograph, shape ``(2, n_points, 2)``; each x, y in its
        photograph.

    Examples
    --------
    >>> document = PairDocument(np.zeros((2, 3, 2)))
    >>> document.apply("move", np.ones((2, 3, 2)))
    >>> document.changed, document.undo(), document.changed, document.redo()
    (True, 'move', False, 'move')
    """

    def __init__(self, points_px: np.ndarray) -> None:
        self._points = np.array(points_px, float)
        self.opened = self._points.copy()
        """The points as they were when the pair was opened."""
        self._saved = self._points.copy()
        self._done: list[Step] = []
        self._undone: list[Step] = []
        self._before: np.ndarray | None = None

    @property
    def points(self) -> np.ndarray:
        """The points as they are now, shape ``(2, n_points, 2)``; a copy."""
        return self._points.copy()

    @property
    def n_points(self) -> int:
        """Number of points in each photograph."""
        return self._points.shape[1]

    @property
    def changed(self) -> bool:
        """Whether there is anything to save."""
        return not np.array_equal(self._points, self._saved)

    @property
    def unsaved(self) -> tuple[bool, bool]:
        """Whether the first and the second photograph's points differ from those saved."""
        first, second = (self._points != self._saved).any(axis=(1, 2)).tolist()
        return first, second

    @property
    def moved(self) -> np.ndarray:
        """Which points differ from those opened, boolean, shape ``(2, n_points)``."""
        return (self._points != self.opened).any(axis=2)

    @property
    def can_undo(self) -> str | None:
        """What would be undone."""
        return self._done[-1].label if self._done else None

    @property
    def can_redo(self) -> str | None:
        """What would be done again."""
        return self._undone[-1].label if self._undone else None

    @property
    def dragging(self) -> bool:
        """Whether a movement has begun and not ended."""
        return self._before is not None

    def apply(self, label: str, points_px: np.ndarray, *, merge: bool = False) -> None:
        """Set the points, as one step.

        Parameters
        ----------
        label
            What is done, for people.
        points_px
            All points, shape ``(2, n_points, 2)``.
        merge
            Make it one step with the former one of the same label, as for a key that is held down.

        Raises
        ------
        ValueError
            If there are more or fewer points than before, or a place is not a number.
        """
        after = self._checked(points_px)
        before = self._points
        if np.array_equal(before, after):
            return
        if merge and self._done and self._done[-1].label == label:
            before = self._done.pop().before
        self._done.append(Step(label, before, after))
        self._undone.clear()
        self._points = after

    def begin(self) -> None:
        """Begin a movement whose way does not count, only its end."""
        if self._before is None:
            self._before = self._points

    def drag(self, points_px: np.ndarray) -> None:
        """Show the points on the way; `begin` comes before."""
        self.begin()
        self._points = self._checked(points_px)

    def finish(self, label: str) -> None:
        """End a movement: it becomes one step."""
        if self._before is None:
            return
        after, self._points, self._before = self._points, self._before, None
        self.apply(label, after)

    def cancel(self) -> None:
        """End a movement as if it had not begun."""
        if self._before is not None:
            self._points, self._before = self._before, None

    def undo(self) -> str | None:
        """Undo the last step and return what it was; None if there is nothing left."""
        self.cancel()
        if not self._done:
            return None
        step = self._done.pop()
        self._undone.append(step)
        self._points = step.before
        return step.label

    def redo(self) -> str | None:
        """Do the step that was undone last again and return what it was; None if there is none."""
        self.cancel()
        if not self._undone:
            return None
        step = self._undone.pop()
        self._done.append(step)
        self._points = step.after
        return step.label

    def mark_saved(self) -> None:
        """Take the present points as saved."""
        self._saved = self._points.copy()

    def _checked(self, points_px: np.ndarray) -> np.ndarray:
        points = np.array(points_px, float)
        if points.shape != self._points.shape:
            raise ValueError(f"expected points of shape {self._points.shape}, got {points.shape}")
        if not np.isfinite(points).all():
            raise ValueError("a point has no place")
        return points
