"""What simulated participants answer beside the task: mood, body, the pill, and what they believe it was.

Sizes are those of Table 1 of Korb et al. (2023), the same in every group: no drug does anything, and nobody
knows what was taken. About half believe in the placebo, as in the paper.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

BELIEFS: Mapping[str, float] = {"amisulpride": 0.25, "naltrexone": 0.26, "placebo": 0.49}
"""How many believe to be in each group; 64 of the paper's 130 guessed placebo."""
NAUSEOUS = (0.02, 0.07)
"""Proportion with any nausea before and after the pill: near the paper's means of 1.02 and 1.07."""
PANAS_ITEMS = (10, 50)
"""Range of the sum of ten items from 1 to 5."""


def session_answers(rng: np.random.Generator, *, sex: str | None, drugs: Sequence[str]) -> dict[str, Any]:
    """Draw a row of ``phenotype/session.tsv``.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    sex : str or None
        F or M; body heights differ.
    drugs : sequence of str
        What can be guessed.

    Examples
    --------
    >>> row = session_answers(np.random.default_rng(1), sex="F", drugs=["amisulpride", "placebo"])
    >>> row["guess"], 17 < row["bmi"] < 30, 200 < row["minutes_since_pill"] < 310
    ('placebo', True, True)
    """
    mean_cm, sd_cm = (180.0, 7.0) if sex == "M" else (167.0, 6.5)
    height_cm = round(float(rng.normal(mean_cm, sd_cm)))
    wanted = float(np.clip(rng.normal(22.6, 2.49), 17.7, 29.3))
    weight_kg = round(wanted * (height_cm / 100) ** 2, 1)
    pill_min = 9 * 60 + 5 * int(rng.integers(0, 37))
    minutes = int(np.clip(round(rng.normal(252, 14)), 205, 300))
    beliefs = np.array([BELIEFS.get(drug, 1 / len(drugs)) for drug in drugs])
    before, after = (1 + int(rng.random() < part) * int(rng.integers(1, 3)) for part in NAUSEOUS)
    return {
        "height_cm": height_cm,
        "weight_kg": weight_kg,
        "bmi": round(weight_kg / (height_cm / 100) ** 2, 1),
        "pill_time": _clock(pill_min),
        "task_start": _clock(pill_min + minutes),
        "minutes_since_pill": minutes,
        "guess": str(rng.choice(list(drugs), p=beliefs / beliefs.sum())),
        "nausea_t1": before,
        "nausea_t2": after,
    }


def mood_answers(rng: np.random.Generator) -> dict[str, int]:
    """Draw a row of ``phenotype/panas.tsv``: mood before and after the pill.

    Examples
    --------
    >>> row = mood_answers(np.random.default_rng(1))
    >>> row["minutes_since_pill_t1"] < 0, 10 <= row["positive_affect_t2"] <= 50
    (True, True)
    """
    low, high = PANAS_ITEMS
    positive, negative = rng.normal(31, 5.5), low + rng.gamma(1.5, 2.2)
    later_positive, later_negative = positive - rng.normal(3.7, 4.5), negative - rng.normal(1.4, 2.0)
    row = {
        "positive_affect_t1": positive,
        "negative_affect_t1": negative,
        "positive_affect_t2": later_positive,
        "negative_affect_t2": later_negative,
    }
    sums = {name: int(np.clip(round(value), low, high)) for name, value in row.items()}
    sums["minutes_since_pill_t1"] = -int(rng.integers(3, 20))
    sums["minutes_since_pill_t2"] = int(np.clip(round(rng.normal(180, 6)), 160, 200))
    return sums


def _clock(minutes: int) -> str:
    """Write minutes since midnight as a time of day.

    >>> _clock(9 * 60 + 5)
    '09:05'
    """
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
