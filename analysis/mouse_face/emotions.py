"""Which emotion an event is taken to stand for: a table that the reader can change.

Everything in this analysis is defined by events. A prototype is the face after an event (quinine), and no
number depends on the name of the emotion (disgust) that it is taken for; names appear in labels only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import pandas as pd

FILE_NAME = "emotions.tsv"
"""Looked for in the folder of a study."""
COLUMNS = ("event", "emotion")
BUILT_IN: Mapping[str, str] = MappingProxyType(
    {
        "quinine": "disgust",
        "sucrose": "pleasure",
        "tail_shock": "pain",
        "shock": "pain",
        "lithium": "malaise",
        "escape": "active fear",
        "freezing": "passive fear",
    }
)
"""Dolensek et al. 2020: "assuming the following event ≈ emotion state contingencies"."""
BUILT_IN_SOURCE = "the assumptions of Dolensek et al. (2020)"


@dataclass(frozen=True)
class EmotionNames:
    """Event -> emotion, and where that comes from.

    Examples
    --------
    >>> names = EmotionNames()
    >>> names.emotion("tail_shock"), names.emotion("sucrose@20"), names.emotion("neutral")
    ('pain', 'pleasure', '')
    >>> names.event("tail_shock@0.5", unit="mA"), names.prototype("quinine")
    ('tail shock 0.5 mA', 'quinine prototype (disgust)')
    """

    table: Mapping[str, str] = field(default_factory=lambda: BUILT_IN)
    source: str = BUILT_IN_SOURCE
    """In words, for the report."""

    def emotion(self, label: str) -> str:
        """Give the emotion that an event, or label such as ``sucrose@20``, is taken for; empty: none."""
        return self.table.get(label, self.table.get(label.partition("@")[0], ""))

    def event(self, label: str, *, unit: str = "") -> str:
        """Give an event or label in words."""
        name, _, value = label.partition("@")
        return " ".join(part for part in (name.replace("_", " "), value, unit if value else "") if part)

    def prototype(self, label: str, *, unit: str = "") -> str:
        """Name the prototype of an event, with the emotion it is taken for."""
        return f"{self.event(label, unit=unit)} prototype{self._bracket(label)}"

    def event_and_emotion(self, label: str, *, unit: str = "") -> str:
        """Name an event, with the emotion it is taken for.

        >>> EmotionNames().event_and_emotion("lithium")
        'lithium (malaise)'
        """
        return self.event(label, unit=unit) + self._bracket(label)

    def _bracket(self, label: str) -> str:
        emotion = self.emotion(label)
        return f" ({emotion})" if emotion else ""


def read_emotions(path: Path) -> EmotionNames:
    """Read a table of events and the emotions they are taken for.

    Parameters
    ----------
    path : Path
        Tab-separated text with the columns ``event`` and ``emotion``; an empty emotion is none.

    Raises
    ------
    ValueError
        If a column is missing, an event is named twice, or a line has too many fields.
    FileNotFoundError
        If there is no such file.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"no table of emotions at {path}; it should have the columns event and emotion"
        )
    text = path.read_text(encoding="utf-8-sig")
    lines = [line.rstrip("\r") for line in text.split("\n")]
    head = [word.strip() for word in lines[0].split("\t")]
    absent = [name for name in COLUMNS if name not in head]
    if absent:
        raise ValueError(
            f"{path}: the first line should name the columns event and emotion, separated by a tab; absent: "
            f"{', '.join(absent)}; found {head}"
        )
    table: dict[str, str] = {}
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        cells = [cell.strip() for cell in line.split("\t")]
        if len(cells) != len(head):
            raise ValueError(
                f"{path}, line {number}: expected {len(head)} fields separated by tabs, found {len(cells)} "
                f"in {line!r}"
            )
        event, emotion = (cells[head.index(name)] for name in COLUMNS)
        if not event:
            raise ValueError(f"{path}, line {number}: no event is named")
        if event in table:
            raise ValueError(f"{path}, line {number}: the event {event!r} is named a second time; keep one")
        table[event] = "" if emotion.lower() == "n/a" else emotion
    if not table:
        raise ValueError(f"{path} names no event; give a line for each, or remove the file")
    return EmotionNames(MappingProxyType(table), f"the table {path.name}")


def find_emotions(study: Path, given: Path | None = None) -> EmotionNames:
    """Choose the table: the one given, the study's own ``emotions.tsv``, or the built-in one."""
    if given is not None:
        return read_emotions(given)
    own = study / FILE_NAME
    return read_emotions(own) if own.exists() else EmotionNames()


def emotions_frame(names: EmotionNames, events: Iterable[str]) -> pd.DataFrame:
    """Tabulate the events of a study with their emotions.

    Parameters
    ----------
    names : EmotionNames
    events : iterable of str
        Events of the study; those without an emotion have an empty one.

    Returns
    -------
    pandas.DataFrame
        Columns ``event``, ``emotion``; in the order given, each once.
    """
    rows = [(event, names.emotion(event)) for event in dict.fromkeys(events)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def unknown_events(names: EmotionNames, events: Iterable[str]) -> list[str]:
    """List the events of a table of the user that the study does not have: a slip of the pen is likely.

    >>> unknown_events(EmotionNames({"quinin": "disgust"}, "the table emotions.tsv"), ["quinine"])
    ['quinin']
    """
    if names.table is BUILT_IN:
        return []
    labels = set(events)
    known = labels | {label.partition("@")[0] for label in labels}
    return [event for event in names.table if event not in known]
