"""Tables of mimicry and of its differences between groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from analysis.mimicry.emotions import emotion_name, emotion_noun
from analysis.mimicry.figures import muscle_name
from analysis.mimicry.group_effect import GroupEffect
from analysis.mimicry.mimicry_contrasts import ALL_GROUPS
from analysis.mimicry.model_fit import ModelResult
from analysis.mimicry.model_tables import interval_columns, term_name
from analysis.mimicry.tables import DF_COLUMN, F_COLUMNS, P_COLUMN, P_EMPHASIS, emotion_column, muscle_column
from analysis.models.equivalence import VERDICTS
from analysis.report import Column, Table
from analysis.report.table import format_number

VERDICT_WORDS = {
    "equivalent": "equivalent",
    "different": "different",
    "both": "different, but within the bounds",
    "inconclusive": "inconclusive",
}


def unit_of(measure: str) -> str:
    """Give the unit of mimicry: of slopes, or of means."""
    return "log units/s" if measure == "slope" else "log units"


def mimicry_table(effects: Iterable[GroupEffect]) -> Table:
    """Tabulate the size of mimicry per muscle, over all groups and in each."""
    data = _together(effects, "mimicry")
    unit = unit_of(data["measure"].iloc[0])
    columns = {
        **_compared(data),
        "group": Column(description="Group, or all: averaged over groups.", heading="Group"),
        "estimate": Column(
            description="The first emotion's slope (of means: mean) minus the second's.",
            kind="number",
            unit=unit,
            heading="Mimicry",
        ),
        **interval_columns(unit),
        "df": DF_COLUMN,
        "t": Column(description="t statistic.", kind="statistic", heading="t"),
        "p": P_COLUMN,
    }
    if (data["group"] == ALL_GROUPS).all():
        del columns["group"]
    what = (
        "the difference between the slopes of time"
        if unit == "log units/s"
        else "the difference between the means in the middle of the epoch"
    )
    return Table(
        name="mimicry",
        caption=f"Mimicry, as {what} ({_what(data) or 'first minus second'}): positive where the muscle did "
        "what mimicry predicts."
        if data["predicted"].all()
        else f"The response to the emotions, as {what}.",
        data=data,
        columns=columns,
        emphasise_p_below=P_EMPHASIS,
    )


def group_differences_table(effects: Iterable[GroupEffect]) -> Table:
    """Tabulate the difference of mimicry between each pair of groups."""
    data = _together(effects, "differences")
    unit = unit_of(data["measure"].iloc[0])
    return Table(
        name="group_differences",
        caption="Mimicry in one group minus mimicry in another, for each pair of groups.",
        data=data,
        columns={
            **_compared(data),
            "groups": _groups(data),
            "estimate": Column(
                description="Mimicry in the first group minus in the second.",
                kind="number",
                unit=unit,
                heading="Difference",
            ),
            **interval_columns(unit),
            "df": DF_COLUMN,
            "t": Column(description="t statistic.", kind="statistic", heading="t"),
            "p": P_COLUMN,
            "p_holm": Column(
                description="p value corrected for the pairs of groups of this muscle (Holm).",
                kind="p",
                heading="p (Holm)",
            ),
        },
        emphasise_p_below=P_EMPHASIS,
    )


def equivalence_table(effects: Iterable[GroupEffect], *, alpha: float, power: float) -> Table:
    """Tabulate what the data exclude, for each pair of groups.

    Parameters
    ----------
    effects : iterable of GroupEffect
        One per muscle.
    alpha : float
        Level of each one-sided test.
    power : float
        Power of the smallest detectable effect.
    """
    data = _together(effects, "differences")
    unit = unit_of(data["measure"].iloc[0])
    level = f"{100 * (1 - 2 * alpha):g} %"
    columns = {
        **_compared(data),
        "groups": _groups(data),
        "lower_90": Column(
            description=f"Lower end of the {level} confidence interval of the difference.",
            kind="number",
            unit=unit,
            heading=f"{level} from",
        ),
        "upper_90": Column(
            description=f"Upper end of the {level} interval.", kind="number", unit=unit, heading="to"
        ),
        "p_equivalence": Column(
            description="p value of the two one-sided tests, small where the difference lies within the "
            "bounds.",
            kind="p",
            heading="p",
        ),
        "verdict": Column(
            description="; ".join(f"{VERDICT_WORDS[code]}: {text}" for code, text in VERDICTS.items()) + ".",
            heading="Verdict",
            levels=VERDICT_WORDS,
        ),
        "excluded": Column(
            description="Differences larger than this are excluded by the data, at this level.",
            kind="number",
            unit=unit,
            heading="Excluded beyond",
        ),
        "bf01": Column(
            description="Bayes factor for no difference against one around zero of the size of the bound "
            "(Cauchy prior).",
            kind="statistic",
            heading="BF01",
        ),
    }
    if "detectable" in data:
        columns["detectable"] = Column(
            description=f"Difference that a study like this one finds with a power of {100 * power:g} %, "
            "from simulated studies.",
            kind="number",
            unit=unit,
            heading="Detectable",
        )
    return Table(
        name="equivalence",
        caption="How large a difference between groups the data exclude, for each pair of groups (bound of "
        f"equivalence ±{format_number(data['bound'].iloc[0])} {unit}).",
        data=data,
        columns=columns,
        note="Bayes factors above 3 count as moderate, above 10 as strong evidence; between 1/3 and 3 the "
        "data hardly tell. The bounds were set in the parameters, not after the data were seen.",
    )


def follow_up_table(models: Mapping[tuple[str, str], ModelResult]) -> Table:
    """Tabulate the tests of the models of one emotion alone, by muscle and emotion."""
    parts = [
        model.anova.assign(muscle=muscle, emotion=emotion)
        for (muscle, emotion), model in models.items()
        if model.fitted
    ]
    data = pd.concat(parts, ignore_index=True)
    return Table(
        name="follow_up",
        caption=f"Models of one {emotion_noun(data['emotion'])} alone: tests of the fixed effects (type III, "
        "Satterthwaite).",
        data=data,
        columns={
            "muscle": muscle_column(data["muscle"]),
            "emotion": emotion_column(data["emotion"]),
            "term": Column(
                description="Fixed effect; a colon stands for an interaction.",
                heading="Effect",
                levels={term: term_name(term) for term in data["term"]},
            ),
            **F_COLUMNS,
        },
        emphasise_p_below=P_EMPHASIS,
    )


def _groups(data: pd.DataFrame) -> Column:
    return Column(
        description="First group minus second group.", heading="Groups", levels=minus_signs(data["groups"])
    )


def minus_signs(pairs: Iterable[str]) -> dict[str, str]:
    """Give the names of differences with a real minus sign, for the page.

    >>> minus_signs(["A - B"])
    {'A - B': 'A − B'}
    """
    return {pair: pair.replace(" - ", " − ") for pair in pairs}


def _compared(data: pd.DataFrame) -> dict[str, Column]:
    """Describe muscle and emotions; the latter only where a muscle has several comparisons."""
    if data.groupby("muscle")["first"].nunique().max() == 1 and data["predicted"].all():
        return {"muscle": muscle_column(data["muscle"])}
    names = {name: emotion_name(name) for name in [*data["first"], *data["second"]] if name}
    return {
        "muscle": muscle_column(data["muscle"]),
        "first": Column(
            description="Emotion or direction to which more activity is predicted.",
            heading="First",
            levels=names,
        ),
        "second": Column(
            description="The one to which less is predicted; none where there is one emotion only.",
            heading="Second",
            levels=names,
            missing="none",
        ),
    }


def _together(effects: Iterable[GroupEffect], name: str) -> pd.DataFrame:
    tables = [getattr(effect, name).assign(muscle=effect.muscle) for effect in effects]
    data = pd.concat([table for table in tables if len(table)], ignore_index=True)
    return data.assign(groups=data["group_1"] + " - " + data["group_2"]) if "group_1" in data else data


def _what(data: pd.DataFrame) -> str:
    """Say which emotion is subtracted from which, per muscle, where that is not in the table."""
    if "first" in _compared(data):
        return ""
    pairs = data.drop_duplicates("muscle")
    return "; ".join(
        f"{muscle_name(row['muscle']).lower()}: {emotion_name(row['first']).lower()} minus "
        f"{emotion_name(row['second']).lower()}"
        for row in pairs.to_dict("records")
    )
