"""What a comparison of models says in words, and when it must not be trusted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

UNRELIABLE_COLUMN = {"participant": "n_bad_k_participant", "loo": "n_bad_k", "waic": "n_bad_p"}
"""Criterion to the column that counts the units for which it fails."""

_CLEAR_DIFFERENCE = 4.0
"""Smaller differences of elpd say little (Sivula, Magnusson, Matamoros & Vehtari 2020, arXiv:2008.10296)."""
_LARGEST_CHANGE = 0.1
"""Weights that change by more between halves of the draws are called unstable (our choice)."""
_LARGEST_ERROR = 1.0
"""Monte-Carlo error of a difference, in units of log density, that makes it useless (our choice)."""
_UNITS = {"participant": "participants", "loo": "observations", "waic": "observations"}


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What a comparison of models says."""

    preferred: str
    """The model with the highest expected log density."""
    clear: bool
    """Whether it is ahead of every other by more than 4 and by more than two standard errors."""
    trustworthy: bool
    """Whether its numbers are reliable: no large Pareto k, stable weights, small Monte-Carlo errors."""
    sentences: list[str]
    """The result, then one sentence per reason for caution."""


def judge(table: pd.DataFrame) -> Judgement:
    """Say what a table of `analysis.models.comparison.compare_models` means, and when not to trust it.

    Judged by participants when the table has them, else by PSIS-LOO. A preferred model that is not clearly
    ahead is still the best guess, but then the data do not tell it apart from the next.
    """
    judged = "participant" if "elpd_participant" in table else "loo"
    others = table[~table["preferred"]]
    best = str(table.index[table["preferred"]][0])
    cautions = _cautions(table, judged)
    sentences = [_best_sentence(table, best, judged), _next_sentence(others, judged), *cautions]
    if judged == "participant":
        sentences += [
            f"{criterion.upper()} of single observations: {caution}"
            for criterion in ("loo", "waic")
            for caution in _cautions(table, criterion)
        ]
    clear = bool(np.all(-others[f"diff_{judged}"] > _needed_difference(others, judged)))
    return Judgement(preferred=best, clear=clear, trustworthy=not cautions, sentences=sentences)


def _needed_difference(others: pd.DataFrame, criterion: str) -> np.ndarray:
    return np.maximum(_CLEAR_DIFFERENCE, 2 * others[f"se_diff_{criterion}"].to_numpy())


def _best_sentence(table: pd.DataFrame, best: str, judged: str) -> str:
    weight, stacked = table.loc[best, [f"{judged}_weight", f"{judged}_stacking"]].astype(float)
    return f"Model {best!r} predicts new {_UNITS[judged]} best (weight {weight:.2f}, stacking {stacked:.2f})."


def _next_sentence(others: pd.DataFrame, judged: str) -> str:
    following = others.iloc[[0]]
    difference, se = (
        -float(following[f"diff_{judged}"].iloc[0]),
        float(following[f"se_diff_{judged}"].iloc[0]),
    )
    behind = f"Model {following.index[0]!r} comes next, {difference:.1f} lower in expected log density"
    if difference <= _CLEAR_DIFFERENCE:
        end = f"differences below {_CLEAR_DIFFERENCE:g} are too small to tell models apart."
    elif difference <= 2 * se:
        end = "within two standard errors, so not clearly worse."
    else:
        end = "clearly worse."
    return f"{behind} (SE {se:.1f}): {end}"


def _cautions(table: pd.DataFrame, criterion: str) -> list[str]:
    cautions = []
    bad = table[UNRELIABLE_COLUMN[criterion]]
    if bad.any():
        reason = "the variance of the log density (p)" if criterion == "waic" else "Pareto k"
        counts = ", ".join(f"{name}: {count}" for name, count in bad.items())
        cautions.append(
            f"For some {_UNITS[criterion]} {reason} is too large ({counts}); distrust small differences."
        )
    change = table[f"{criterion}_weight_change"]
    if change.max() > _LARGEST_CHANGE:
        cautions.append(
            f"The weight of {change.idxmax()!r} differs by {change.max():.2f} between halves of the draws; "
            "run longer chains, or do not rely on these weights."
        )
    error = table[f"mcse_diff_{criterion}"].max()
    if error > _LARGEST_ERROR:
        cautions.append(f"Differences carry a Monte-Carlo error of up to {error:.1f}; run longer chains.")
    return cautions
