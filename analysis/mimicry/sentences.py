"""Results in words, as a results section has them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.mimicry.emotions import are_directions, emotion_name, emotion_noun, expressions
from analysis.mimicry.figures import muscle_name
from analysis.mimicry.model_fit import ModelResult
from analysis.mimicry.model_tables import term_name
from analysis.mimicry.tables import P_EMPHASIS
from analysis.report.table import format_number, format_value

PREDICTED = {"zygomaticus": ("happy", "angry"), "corrugator": ("angry", "happy")}
"""The expressions to which mimicry predicts more and less activity of a muscle."""
MANY_PAIRS = 6
"""More pairs of emotions than this are left to their table."""


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


def muscle_summary(model: ModelResult) -> list[str]:
    """Say in a few sentences what the model of one muscle shows.

    Returns
    -------
    list of str
        Paragraphs: the tests of emotion, time and group; then what the muscle did with each emotion, where
        there are several.
    """
    name = muscle_name(model.name)
    if not model.fitted:
        return [f"{name}: no model ({model.refusal})."]
    sentences = [f"{name}: {_emotion_tests(model)}."]
    overall = model.slopes[model.slopes["group"] == "all"] if len(model.slopes) else model.slopes
    if len(overall):
        slopes = "; ".join(slope_text(row) for row in overall.to_dict(orient="records"))
        sentences.append(f"Change over time: {slopes}.")
    sentences.append(group_summary(model.anova.set_index("term")))
    paragraphs = [sentences, [*mimicry_answers(model), pairs_text(model)]]
    texts = [" ".join(text for text in paragraph if text) for paragraph in paragraphs]
    return [text for text in texts if text]


def _emotion_tests(model: ModelResult) -> str:
    """Write the tests of emotion and emotion × time; of time where there is one emotion only."""
    tests, middle = model.anova.set_index("term"), model.anova_middle.set_index("term")
    texts = []
    if "emotion" in middle.index:
        where = " in the middle of the epoch" if "time" in tests.index else ""
        texts.append(f"emotion{where}, {f_text(middle.loc['emotion'].to_dict())}")
    if "emotion:time" in tests.index:
        texts.append(f"{term_name('emotion:time')}, {f_text(tests.loc['emotion:time'].to_dict())}")
    if not texts and "time" in tests.index:
        texts.append(f"time, {f_text(tests.loc['time'].to_dict())}")
    return "; ".join(texts) or "one emotion, without a test"


def mimicry_answers(model: ModelResult) -> list[str]:
    """Say whether a muscle answered to the emotions as mimicry predicts.

    The zygomaticus is predicted to be more active to happy than to angry faces, the corrugator more to angry
    than to happy ones; of a direction, the expression that it ends in counts.

    Returns
    -------
    list of str
        A sentence or two for each pair of a happy and an angry emotion; none for other muscles or emotions.
    """
    answers = []
    for row in model.differences.to_dict(orient="records"):
        if _is_predicted(row, model.name):
            in_order = expressions(row["first"])[1].lower() == PREDICTED[model.name][0]
            row = row if in_order else _turned(row)
            answers.append(_answer(row, muscle_name(model.name).lower(), n_pairs=len(model.differences)))
    return answers


def _is_predicted(row: Mapping[Any, Any], muscle: str) -> bool:
    ends = {expressions(row[side])[1].lower() for side in ("first", "second")}
    return muscle in PREDICTED and ends == set(PREDICTED[muscle])


def _answer(row: Mapping[Any, Any], muscle: str, *, n_pairs: int) -> str:
    more, less = (emotion_name(row[side]).lower() for side in ("first", "second"))
    moving = are_directions([row["first"], row["second"]])
    pair = f"in videos from {more} than from {less}" if moving else f"to {more} than to {less} faces"
    prediction = f"Mimicry predicts a more active {muscle} {pair}"
    if math.isnan(row["p"]):
        return f"{prediction}; these data allow no test of it."
    numbers = difference_text(row, n_pairs=n_pairs)
    if row["p"] >= P_EMPHASIS:
        return (
            f"{prediction}. No clear difference was found; values inside the confidence interval remain "
            f"possible: {numbers}."
        )
    found = "This was found" if row["difference"] > 0 else "The opposite was found"
    if row["p_holm"] >= P_EMPHASIS:
        found += " before, but not after, the correction for the number of pairs"
    return f"{prediction}. {found}: {numbers}."


def pairs_text(model: ModelResult) -> str:
    """List the differences between emotions that `mimicry_answers` does not speak of.

    Empty for the two directions of a morph, whose one difference is the effect of emotion.
    """
    n_pairs = len(model.differences)
    rows = [row for row in model.differences.to_dict("records") if not _is_predicted(row, model.name)]
    if not rows or n_pairs > MANY_PAIRS or (n_pairs == 1 and are_directions(model.means["emotion"])):
        return ""
    texts = []
    for row in rows:
        first, second = (emotion_name(row[side]).lower() for side in ("first", "second"))
        texts.append(f"{first} minus {second}, {difference_text(row, n_pairs=n_pairs)}")
    head = "Other pairs" if len(rows) < n_pairs else "Pairs"
    return f"{head} of {emotion_noun(model.means['emotion'])}s: {'; '.join(texts)}."


def difference_text(row: Mapping[Any, Any], *, n_pairs: int) -> str:
    """Write a difference of two means with its test.

    >>> difference_text({"difference": 0.16, "lower": 0.01, "upper": 0.31, "se": 0.0671, "df": 9.96,
    ...                  "t": 2.384, "p": 0.0384, "p_holm": 0.115}, n_pairs=3)
    'difference = 0.1600 log units, 95 % CI 0.01000 to 0.3100, t(10) = 2.38, p = 0.038 (Holm: p = 0.115)'
    """
    if math.isnan(row["p"]):
        return "no test possible"
    corrected = f" (Holm: {p_text(row['p_holm'])})" if n_pairs > 1 else ""
    lower, upper = format_number(row["lower"]), format_number(row["upper"])
    test = f"t({format_value(row['df'], 'df')}) = {row['t']:.2f}, {p_text(row['p'])}".replace("= -", "= −")
    size = f"difference = {format_number(row['difference'])} log units, 95 % CI {lower} to {upper}"
    return f"{size}, {test}{corrected}"


def _turned(row: Mapping[Any, Any]) -> dict[Any, Any]:
    """Subtract the other way round."""
    return {
        **row,
        "first": row["second"],
        "second": row["first"],
        "difference": -row["difference"],
        "t": -row["t"],
        "lower": -row["upper"],
        "upper": -row["lower"],
    }


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
