"""The pairs of a table: which is open, which were edited, which cannot be used; no widgets."""

from __future__ import annotations

from collections.abc import Sequence

from stimuli.editor.open_pair import OpenPair
from stimuli.pairs import PairTable


class Workspace:
    """All pairs of a table; they are read when they are first opened, and keep their history.

    Parameters
    ----------
    table
        The table of pairs; its first usable pair is opened.

    Raises
    ------
    ValueError
        If none of the pairs can be used; the message says why for each.
    """

    def __init__(self, table: PairTable) -> None:
        self.table = table
        self.opened: dict[str, OpenPair] = {}
        """Pairs that have been opened, by name."""
        self.unusable: dict[str, str] = {}
        """Why pairs cannot be used, by name."""
        self.number = -1
        """Row of the pair that is open, from 0."""
        for number in range(len(table.pairs)):
            if self.go(number):
                return
        problems = "\n  ".join(f"pair {name}: {problem}" for name, problem in self.unusable.items())
        raise ValueError(f"none of the pairs in {table.path} can be used:\n  {problems}")

    @property
    def names(self) -> Sequence[str]:
        """Names of all pairs, in the order of the table."""
        return [row.pair for row in self.table.pairs]

    @property
    def pair(self) -> OpenPair:
        """The pair that is open."""
        return self.opened[self.names[self.number]]

    @property
    def changed(self) -> Sequence[bool]:
        """Whether each pair has changes that are not saved, in the order of the table."""
        return [name in self.opened and self.opened[name].document.changed for name in self.names]

    def go(self, number: int) -> bool:
        """Open the pair of a row; where it cannot be used, stay, note why in `unusable`, and return False."""
        row = self.table.pairs[number]
        if row.pair not in self.opened:
            try:
                self.opened[row.pair] = OpenPair(row)
            except (ValueError, OSError) as error:
                self.unusable[row.pair] = str(error)
                return False
            self.unusable.pop(row.pair, None)
        if 0 <= self.number != number:
            self.pair.close()
        self.number = number
        return True

    def adopt(self, table: PairTable) -> None:
        """Go on with a table of the same pairs, to whose landmark files the points were just written."""
        self.table = table
        for row in table.pairs:
            if row.pair in self.opened:
                self.opened[row.pair].adopt(row)
