"""The way between two photographs, straight or through a third one in the middle."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stimuli.morph import Morph
from stimuli.warp import SplitLevel

Level = float | SplitLevel
"""Level of a whole face, or of its upper and its lower half."""


class Way:
    """One morph, or two that meet at the photograph in the middle.

    Parameters
    ----------
    morphs
        Morphs in order; each begins where the one before it ends.
    """

    def __init__(self, morphs: Sequence[Morph]) -> None:
        self.morphs = list(morphs)

    def frame(self, level: Level) -> np.ndarray:
        """Return the frame at a level: 0 = first photograph, 1 = last, the middle one half way."""
        morph, own = self._locate(level)
        return morph.frame(own)

    def frame_with_alpha(self, level: Level) -> np.ndarray:
        """Return the frame at a level with alpha in place of the background; see `Morph.frame_with_alpha`."""
        morph, own = self._locate(level)
        return morph.frame_with_alpha(own)

    def _locate(self, level: Level) -> tuple[Morph, Level]:
        """Find the morph that a level belongs to, and the level in it."""
        if not isinstance(level, SplitLevel):
            number = self._number(level)
            return self.morphs[number], level * len(self.morphs) - number
        number = self._number(min(level.upper, level.lower))
        upper, lower = (each * len(self.morphs) - number for each in (level.upper, level.lower))
        if max(upper, lower) > 1:
            raise ValueError(
                "upper and lower face lie on different sides of the middle photograph; "
                "a face in two halves needs both on one side"
            )
        return self.morphs[number], level._replace(upper=upper, lower=lower)

    def _number(self, level: float) -> int:
        if not 0 <= level <= 1:
            raise ValueError(f"a level is from 0 to 1, got {level}")
        return min(int(level * len(self.morphs)), len(self.morphs) - 1)
