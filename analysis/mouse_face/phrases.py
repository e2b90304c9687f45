"""Counts, lists and numbers as they stand in the sentences of Figures 1 and 2."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from analysis.report.table import format_p


def mice(number: int) -> str:
    """Count mice.

    >>> mice(1), mice(9)
    ('1 mouse', '9 mice')
    """
    return f"{number} mouse" if number == 1 else f"{number} mice"


def counted(trials: pd.DataFrame) -> str:
    """Say how many mice and trials there are.

    >>> counted(pd.DataFrame({"animal": ["a", "a", "b"], "trial": [1, 2, 1]}))
    'N = 2 mice, n = 3 trials'
    """
    n_trials = len(trials[["animal", "trial"]].drop_duplicates())
    return f"N = {mice(trials['animal'].nunique())}, n = {n_trials} trial" + "s" * (n_trials != 1)


def listed(words: Iterable[str]) -> str:
    """Join words as in a sentence.

    >>> listed(["a"]), listed(["a", "b", "c"]), listed([])
    ('a', 'a, b and c', '')
    """
    parts = list(words)
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def p_words(p: float) -> str:
    """Give a p value in a sentence.

    >>> p_words(0.0001), p_words(0.04), p_words(float("nan"))
    ('p < 0.001', 'p = 0.040', 'not tested')
    """
    if np.isnan(p):
        return "not tested"
    text = format_p(p)
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def number_words(value: float, digits: int = 3) -> str:
    """Give a number with a fixed number of digits and a real minus.

    >>> number_words(-0.0123), number_words(-0.00001), number_words(float("nan"))
    ('−0.012', '0.000', 'n/a')
    """
    if np.isnan(value):
        return "n/a"
    text = f"{value:.{digits}f}"
    return text.replace("-", "−") if float(text) else text.replace("-", "")


def interval_words(lower: float, upper: float, digits: int = 3) -> str:
    """Give an interval in a sentence; empty if there is none.

    >>> interval_words(-0.5, 1.0, 1), interval_words(float("nan"), 1.0)
    ('−0.5 to 1.0', '')
    """
    if np.isnan(lower) or np.isnan(upper):
        return ""
    return f"{number_words(lower, digits)} to {number_words(upper, digits)}"
