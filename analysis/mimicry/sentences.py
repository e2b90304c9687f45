"""Results in words, as a results section has them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.mimicry.figures import emotion_name, muscle_name
from analysis.mimicry.model_fit import ModelResult
from analysis.mimicry.model_tables import term_name
from analysis.mimicry.tables import P_EMPHASIS
from analysis.report.table import format_number, format_value


def p_text(p: float) -> str:
    """Write a p value with its sign.

    >>> p_text(0.0312), p_text(0.00001)
    ('p = 0.031', 'p < 0.001')
    """
    text = format_value(p, "p")
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def f_text(test: Mapping[Any, Any]) -> str:
    """Write an F test.

    >>> f_text({"F": 51.2184, "num_df": 1, "den_df": 126.64, "p": 1e-9})
    'F(1, 126.6) = 51.22, p < 0.001'
    """
    if math.isnan(test["F"]):
        return "no test possible"
    df = f"{format_value(test['num_df'], 'df')}, {format_value(test['den_df'], 'df')}"
    return f"F({df}) = {test['F']:.2f}, {p_text(test['p'])}"


def slope_text(slope: Mapping[Any, Any]) -> str:
    """Write the slope of time for one direction.

    >>> slope_text({"emotion": "AngryToHappy", "slope": 0.0187, "se": 0.00416, "t": 4.488, "df": 126.0,
    ...             "p": 1.6e-05})
    'angry to happy, rising: b = 0.01870 per s, SE = 0.004160, t(126) = 4.49, p < 0.001'
    """
    clear = slope["p"] < P_EMPHASIS
    trend = "no clear change" if not clear else "rising" if slope["slope"] > 0 else "falling"
    name = emotion_name(slope["emotion"])
    return (
        f"{name[0].lower() + name[1:]}, {trend}: b = {format_number(slope['slope'])} per s, "
        f"SE = {format_number(slope['se'])}, t({format_value(slope['df'], 'df')}) = "
        f"{slope['t']:.2f}, {p_text(slope['p'])}".replace("= -", "= −")
    )


def muscle_summary(model: ModelResult) -> str:
    """Say in a few sentences what the model of one muscle shows."""
    name = muscle_name(model.name)
    if not model.fitted:
        return f"{name}: no model ({model.refusal})."
    tests = model.anova.set_index("term")
    sentences = []
    for term in ("emotion:time", "emotion", "time"):
        if term in tests.index:
            sentences.append(f"{name}: {term_name(term)}, {f_text(tests.loc[term].to_dict())}.")
            break
    overall = model.slopes[model.slopes["group"] == "all"] if len(model.slopes) else model.slopes
    if len(overall):
        slopes = "; ".join(slope_text(row) for row in overall.to_dict(orient="records"))
        sentences.append(f"Change over time: {slopes}.")
    sentences.append(group_summary(tests))
    return " ".join(sentence for sentence in sentences if sentence)


def group_summary(tests: pd.DataFrame) -> str:
    """Say whether any test with the group is below the threshold; empty where there is no group."""
    with_group = tests[["group" in str(term).split(":") for term in tests.index]]
    if with_group.empty:
        return ""
    with_group = with_group.dropna(subset=["p"])
    if with_group.empty:
        return "No effect of the group could be tested."
    clear = with_group[with_group["p"] < P_EMPHASIS]
    if clear.empty:
        return f"No clear effect of the group (all p ≥ {format_value(with_group['p'].min(), 'p')})."
    texts = [f"{term_name(str(term))}, {f_text(row.to_dict())}" for term, row in clear.iterrows()]
    return f"With the group: {'; '.join(texts)}."
