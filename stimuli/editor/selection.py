"""Which points are shown and selected, and what moves with them; pure."""

from __future__ import annotations

import numpy as np

from stimuli.editor.geometry import soft_weights
from stimuli.editor.groups import GROUPS

SMALLEST_RADIUS, LARGEST_RADIUS = 0.01, 1.0
"""Limits of the soft radius, in eye distances."""


class Selection:
    """The points that the next movement takes, and the parts of the face that are shown.

    Parameters
    ----------
    groups
        Part of the face of each point, numbers into `GROUPS`, shape ``(n_points,)``.

    Examples
    --------
    >>> selection = Selection(np.array([0, 4, 4]))
    >>> selection.pick(1), selection.step(1), selection.current
    (None, None, 2)
    """

    def __init__(self, groups: np.ndarray) -> None:
        self._groups = groups
        self._shown = set(range(len(GROUPS)))
        self.selected = np.zeros(len(groups), bool)
        """Which points are selected, shape ``(n_points,)``."""
        self.current: int | None = None
        """The point selected last."""
        self.soft = True
        """Whether neighbours follow."""
        self.radius = 0.08
        """How far they do so, in eye distances (standard deviation)."""

    @property
    def visible(self) -> np.ndarray:
        """Which points are shown, boolean, shape ``(n_points,)``."""
        return np.isin(self._groups, list(self._shown))

    def adopt(self, former: Selection) -> None:
        """Keep the settings of the pair before, and the selection if the template is the same."""
        self._shown = set(former._shown)
        self.soft, self.radius = former.soft, former.radius
        if len(former.selected) == len(self.selected):
            self.selected, self.current = former.selected.copy(), former.current

    def shows(self, group: int) -> bool:
        """Whether a part of the face is shown."""
        return group in self._shown

    def show(self, group: int, shown: bool) -> None:
        """Show or hide a part of the face; hidden points cannot be selected or moved."""
        (self._shown.add if shown else self._shown.discard)(group)
        self._forget_hidden()

    def show_only_current(self) -> None:
        """Show the current point's part of the face alone; all again if it is alone."""
        if self.current is None or len(self._shown) == 1:
            self._shown = set(range(len(GROUPS)))
        else:
            self._shown = {int(self._groups[self.current])}
        self._forget_hidden()

    def pick(self, point: int, *, add: bool = False) -> None:
        """Select a point; with `add` beside the others, or no longer if it is selected."""
        if not add:
            self.selected[:] = False
        self.selected[point] = not (add and self.selected[point])
        self.current = point if self.selected[point] else self._any_selected()

    def pick_all(self, points: np.ndarray, *, add: bool = False) -> None:
        """Select those of some points that are shown."""
        found = points & self.visible
        self.selected = found | self.selected if add else found
        self.current = self._any_selected()

    def clear(self) -> None:
        """Select nothing."""
        self.selected[:] = False
        self.current = None

    def step(self, by: int) -> None:
        """Select the next (1) or previous (-1) of the shown points; from the last on to the first."""
        shown = np.nonzero(self.visible)[0]
        if not len(shown):
            return
        if self.current is None:
            self.pick(int(shown[0 if by > 0 else -1]))
            return
        after = np.searchsorted(shown, self.current, side="right" if by > 0 else "left")
        self.pick(int(shown[(after if by > 0 else after - 1) % len(shown)]))

    def moved(self, points_px: np.ndarray, by_px: np.ndarray, *, eye_distance_px: float) -> np.ndarray:
        """Return where all points are after the selected ones were moved.

        Neighbours follow if they are shown and of the same part of the face, or skin, so that a brow does not
        pull at the eye below it.

        Parameters
        ----------
        points_px
            Points of one photograph before, shape ``(n_points, 2)``.
        by_px
            Movement, x and y.
        eye_distance_px
            Distance between the eyes in that photograph.
        """
        radius_px = self.radius * eye_distance_px if self.soft else 0
        parts = {*self._groups[self.selected].tolist(), GROUPS.index("skin")}
        movable = self.visible & np.isin(self._groups, list(parts))
        weights = soft_weights(points_px, self.selected, radius_px=radius_px, movable=movable)
        return points_px + weights[:, None] * np.asarray(by_px)

    def describe(self) -> str:
        """Say what is selected."""
        n_selected = int(self.selected.sum())
        if n_selected == 0 or self.current is None:
            return "no point"
        return point_name(self.current, self._groups) if n_selected == 1 else f"{n_selected} points"

    def _any_selected(self) -> int | None:
        numbers = np.nonzero(self.selected)[0]
        return int(numbers[0]) if len(numbers) else None

    def _forget_hidden(self) -> None:
        self.selected &= self.visible
        if self.current is not None and not self.selected[self.current]:
            self.current = self._any_selected()


def point_name(point: int, groups: np.ndarray) -> str:
    """Name a point by its number and its part of the face.

    Examples
    --------
    >>> point_name(1, np.array([0, 4]))
    '1 lips'
    """
    return f"{point} {GROUPS[groups[point]]}"
