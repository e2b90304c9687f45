"""The answers of a study: what was asked, what was found, and how sure that is; all from the results."""

from __future__ import annotations

from typing import NamedTuple

from analysis.mimicry.emotions import emotion_name
from analysis.mimicry.figures import muscle_name
from analysis.mimicry.group_effect import GroupEffect
from analysis.mimicry.group_tables import unit_of
from analysis.mimicry.mimicry_contrasts import ALL_GROUPS
from analysis.mimicry.model_fit import ModelResult
from analysis.mimicry.model_tables import term_name
from analysis.mimicry.sentences import f_text, p_text
from analysis.mimicry.tables import P_EMPHASIS
from analysis.models.bayes_factors import evidence_words
from analysis.report.table import format_number, format_value


class Answer(NamedTuple):
    """One row of the conclusions."""

    question: str
    answer: str
    evidence: str


def mimicry_answer(effect: GroupEffect) -> list[Answer]:
    """Say whether a muscle showed mimicry.

    Returns
    -------
    list of Answer
        One per pair of emotions for which mimicry predicts a difference.
    """
    rows = effect.mimicry[(effect.mimicry["group"] == ALL_GROUPS) & effect.mimicry["predicted"]]
    return [
        Answer(f"{muscle_name(effect.muscle)}: was there mimicry?", _mimicry_word(row), mimicry_evidence(row))
        for row in rows.to_dict("records")
    ]


def _mimicry_word(row: dict) -> str:
    if not row["p"] < P_EMPHASIS:
        return "not shown: inconclusive"
    return "yes" if row["estimate"] > 0 else "no: the opposite was found"


def mimicry_evidence(row: dict) -> str:
    """Write the size of mimicry with its interval and test.

    >>> mimicry_evidence({"first": "AngryToHappy", "second": "HappyToAngry", "measure": "slope",
    ...     "estimate": 0.0411, "lower": 0.0318, "upper": 0.0504, "t": 8.74, "df": 127.0, "p": 1e-9})
    'slope of angry to happy minus happy to angry 0.0411 log units/s, 95 % CI 0.0318 to 0.0504, t(127) = 8.74,
    p < 0.001'
    """
    first, second = (emotion_name(row[name]).lower() for name in ("first", "second"))
    what = f"{row['measure']} of {first} minus {second}"
    size = f"{three(row['estimate'])} {unit_of(row['measure'])}"
    interval = f"95 % CI {three(row['lower'])} to {three(row['upper'])}"
    test = f"t({format_value(row['df'], 'df')}) = {row['t']:.2f}, {p_text(row['p'])}".replace("= -", "= −")
    return f"{what} {size}, {interval}, {test}"


def group_answer(effect: GroupEffect, *, alpha: float, power: float) -> Answer | None:
    """Say whether the groups differ in the mimicry of a muscle; None without groups.

    Parameters
    ----------
    effect : GroupEffect
        Of one muscle.
    alpha : float
        Level of the tests of equivalence.
    power : float
        Power of the smallest detectable difference.
    """
    if not effect.has_groups:
        return None
    test = effect.decisive_test
    evidence = [f"{term_name(effect.decisive)}, {f_text(test)}", *_absence(effect, alpha, power)]
    question = f"{muscle_name(effect.muscle)}: does mimicry differ between groups?"
    return Answer(question, _group_word(effect), "; ".join(evidence))


def _group_word(effect: GroupEffect) -> str:
    table = effect.differences
    verdicts = set(table["verdict"]) - {""}
    if effect.decisive_test["p"] < P_EMPHASIS:
        small = " (smaller than the bound of equivalence)" if verdicts <= {"both", "equivalent"} else ""
        return f"yes{small}"
    if verdicts == {"equivalent"}:
        return "no: equivalent within the bound"
    size, excluded = abs(_size(effect)), table["excluded"].max()
    if not excluded < size:
        return "none found, but inconclusive: a difference as large as mimicry itself is not excluded"
    return f"none found; one of up to {100 * excluded / size:.0f} % of the mimicry is not excluded"


def _absence(effect: GroupEffect, alpha: float, power: float) -> list[str]:
    """Say what the data exclude, how the Bayes factors lie, and what could have been found."""
    table = effect.differences
    unit, size = unit_of(table["measure"].iloc[0]), _size(effect)
    beyond = table["excluded"].max()
    bound = f"{three(table['bound'].iloc[0])} {unit}"
    n_equal, n_pairs = int(table["verdict"].isin(["equivalent", "both"]).sum()), len(table)
    pairs = "pair" if n_pairs == 1 else "pairs"
    level = f"{100 * (1 - 2 * alpha):g} %"
    texts = [
        f"equivalence within ±{bound} shown for {n_equal} of {n_pairs} {pairs} of groups",
        f"differences beyond {three(beyond)} {unit}{_relative(beyond, size)} are excluded ({level} "
        "intervals)",
        _factor_words(table["bf01"].min(), table["bf01"].max()),
    ]
    if "detectable" in table:
        largest = table["detectable"].max()
        texts.append(
            f"a study like this one finds {three(largest)} {unit}{_relative(largest, size)} with a power of "
            f"{100 * power:g} %"
        )
    return texts


def _factor_words(low: float, high: float) -> str:
    """Put the Bayes factors of all pairs into words, the least favourable first."""
    weakest = evidence_words(
        1 / low, presence="a difference of the size of the bound", absence="no difference"
    )
    if f"{low:.2g}" == f"{high:.2g}":
        return f"Bayes factor: {weakest}"
    return f"Bayes factors: between {weakest} and BF01 = {high:.2g}"


def _size(effect: GroupEffect) -> float:
    """Give the mimicry over all groups, where it was found."""
    row = effect.mimicry[effect.mimicry["group"] == ALL_GROUPS].iloc[0]
    return float(row["estimate"]) if row["p"] < P_EMPHASIS else float("nan")


def _relative(value: float, size: float) -> str:
    return f" ({100 * value / abs(size):.0f} % of the mimicry found)" if size == size else ""


def times_answer(model: ModelResult) -> Answer | None:
    """Say whether response times differ between groups; None where that was not tested."""
    if not model.fitted:
        return None
    tests = model.anova[model.anova["term"].map(lambda term: "group" in str(term).split(":"))].dropna()
    if tests.empty:
        return None
    clear = tests[tests["p"] < P_EMPHASIS]
    evidence = "; ".join(f"{term_name(str(row['term']))}, {f_text(row)}" for row in tests.to_dict("records"))
    word = "yes" if len(clear) else "no difference found"
    return Answer("Response times: do they differ between groups?", word, evidence)


def three(value: float) -> str:
    """Write a number with three significant digits.

    >>> three(0.041234), three(-0.5), three(12.345)
    ('0.0412', '−0.500', '12.3')
    """
    text = format_number(float(f"{value:.3g}"))
    return text[:-1] if len(text.replace("−", "").replace(".", "").lstrip("0")) > 3 and "." in text else text
