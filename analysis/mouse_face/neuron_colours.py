"""Colours and marks of neurons by what they follow, the same in all panels of Figure 4."""

from __future__ import annotations

from collections.abc import Iterable

from matplotlib.colors import to_hex, to_rgb

from analysis.mouse_face.colours import event_colours

BOTH_COLOUR = "#111111"
NONE_COLOUR = "#C4C9CE"
MARKS = {"stimulus": "s", "face": "o", "both": "D", "none": "o"}
"""Beside the colours, for those who cannot tell them apart."""
_DARK = 0.55


def neuron_colours(events: Iterable[str]) -> dict[tuple[str, str], str]:
    """Give each pair of (stimulus or face, event) its colour.

    The event's own for the face, a darker one for the stimulus.

    >>> neuron_colours(["sucrose"])
    {('stimulus', 'sucrose'): '#00573f', ('face', 'sucrose'): '#009e73'}
    """
    found = {}
    for event, colour in event_colours(events).items():
        found["stimulus", event] = darker(colour)
        found["face", event] = to_hex(colour)
    return found


def darker(colour: str, share: float = _DARK) -> str:
    """Mix a colour with black.

    >>> darker("#ffffff", 0.5)
    '#808080'
    """
    red, green, blue = (share * part for part in to_rgb(colour))
    return str(to_hex((red, green, blue)))
