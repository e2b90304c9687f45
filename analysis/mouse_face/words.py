"""Intervals, shares and counts in sentences; `phrases` has the rest."""

from __future__ import annotations

import math

from analysis.mouse_face.phrases import interval_words


def said_interval(lower: float, upper: float, *, level: float = 0.95, digits: int = 3) -> str:
    """Give an interval in a sentence; empty without one.

    >>> said_interval(-0.1, 0.25), said_interval(float("nan"), 1.0)
    ('95 % interval −0.100 to 0.250', '')
    """
    text = interval_words(lower, upper, digits)
    return f"{100 * level:g} % interval {text}" if text else ""


def said_share(share: float) -> str:
    """Give a share as a percentage.

    >>> said_share(0.4567), said_share(float("nan"))
    ('46 %', 'n/a')
    """
    return "n/a" if math.isnan(share) else f"{100 * share:.0f} %"


def plural(number: int, word: str) -> str:
    """Count things.

    >>> plural(1, "neuron"), plural(3, "neuron")
    ('1 neuron', '3 neurons')
    """
    return f"{number} {word}" + "s" * (number != 1)


def bracketed(*parts: str) -> str:
    """Join what there is, in brackets.

    >>> bracketed("p = 0.031", "", "n = 9"), bracketed("", "")
    (' (p = 0.031, n = 9)', '')
    """
    kept = [part for part in parts if part]
    return f" ({', '.join(kept)})" if kept else ""
