"""What the codes of emotions say: one emotion (happy), or the direction of a morph (AngryToHappy)."""

from __future__ import annotations

import re
from collections.abc import Iterable

_BETWEEN = re.compile(r"(?<=[a-z])To(?=[A-Z])")


def expressions(emotion: str) -> tuple[str, str]:
    """Split a direction into its expressions; a single emotion comes second, after nothing.

    >>> expressions("AngryToHappy"), expressions("angry"), expressions("Tonic")
    (('Angry', 'Happy'), ('', 'angry'), ('', 'Tonic'))
    """
    first, *second = _BETWEEN.split(emotion, maxsplit=1)
    return (first, second[0]) if second else ("", first)


def emotion_name(emotion: str) -> str:
    """Give the label of a direction or an emotion in words.

    >>> emotion_name("AngryToHappy"), emotion_name("angry")
    ('Angry to happy', 'Angry')
    """
    first, second = expressions(emotion)
    return f"{_capitalised(first)} to {second.lower()}" if first else _capitalised(second)


def are_directions(emotions: Iterable[str]) -> bool:
    """Say whether all emotions are directions of a morph.

    >>> are_directions(["AngryToHappy", "HappyToAngry"]), are_directions(["angry", "happy"])
    (True, False)
    """
    return all([expressions(emotion)[0] for emotion in emotions] or [""])


def emotion_noun(emotions: Iterable[str]) -> str:
    """Give the word for what differs between the stimuli: "direction" or "emotion"."""
    return "direction" if are_directions(emotions) else "emotion"


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]
