"""Colours of events, the same in every figure; people with a colour-vision deficiency can tell them apart."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType

from matplotlib.colors import LinearSegmentedColormap

from analysis.report.drawing import GROUP_COLOURS

NEUTRAL_COLOUR = "#7F868C"
"""Of neutral trials and of everything at rest."""
REST_COLOUR = "#C9CED3"
"""Of the time before an event, beside the colour of the event."""
INK = "#333333"

EVENT_COLOURS = MappingProxyType(
    {
        "neutral": NEUTRAL_COLOUR,
        "quinine": "#CC79A7",
        "sucrose": "#009E73",
        "tail_shock": "#D55E00",
        "shock": "#D55E00",
        "lithium": "#E69F00",
        "escape": "#0072B2",
        "freezing": "#56B4E9",
    }
)
"""Events of Dolensek et al. (2020), in the order of the figures; colours of Okabe & Ito (2008)."""

SIMILARITY_MAP = "cividis"
"""From unlike to like; even in lightness, and the same for all eyes (Nunez et al. 2018)."""
CHANGE_MAP = LinearSegmentedColormap.from_list("change", ["#2166AC", "#F7F7F7", "#B2182B"])
"""From less to more like, white where nothing changes; blue and red can be told apart by all."""
SHARE_MAP = LinearSegmentedColormap.from_list("share", ["#FFFFFF", "#B9D3E8", "#4A90C2", "#08306B"])
"""From none to all."""


def event_order(events: Iterable[str]) -> list[str]:
    """Sort events as the paper's figures have them; others follow in alphabetical order.

    >>> event_order(["water", "tail_shock", "neutral", "air_puff", "quinine"])
    ['neutral', 'quinine', 'tail_shock', 'air_puff', 'water']
    """
    known = list(EVENT_COLOURS)
    return sorted(
        dict.fromkeys(map(str, events)),
        key=lambda label: (known.index(_event(label)) if _event(label) in known else len(known), label),
    )


def event_colours(events: Iterable[str]) -> dict[str, str]:
    """Give each event its colour; those that the paper does not have get the colours that are left.

    >>> event_colours(["quinine", "water"])
    {'quinine': '#CC79A7', 'water': '#0072B2'}
    """
    events = event_order(events)
    found = {label: EVENT_COLOURS[_event(label)] for label in events if _event(label) in EVENT_COLOURS}
    free = [colour for colour in GROUP_COLOURS if colour not in found.values()] or list(GROUP_COLOURS)
    others = [label for label in events if label not in found]
    return found | {label: free[number % len(free)] for number, label in enumerate(others)}


def _event(label: str) -> str:
    """Return the event of a label such as ``sucrose@20``."""
    return label.partition("@")[0]
