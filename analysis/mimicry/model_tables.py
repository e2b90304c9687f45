"""The tables of a mixed model in the report."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.mimicry.emotions import are_directions, emotion_name, emotion_noun
from analysis.mimicry.model_fit import ModelResult
from analysis.mimicry.tables import DF_COLUMN, F_COLUMNS, P_COLUMN, P_EMPHASIS, emotion_column
from analysis.report import Column, Table
from analysis.report.table import format_value


def interval_columns(unit: str) -> dict[str, Column]:
    """Describe a standard error and the 95 % confidence interval."""
    return {
        "se": Column(description="Standard error.", kind="number", unit=unit, heading="SE"),
        "lower": Column(
            description="Lower end of the 95 % confidence interval.",
            kind="number",
            unit=unit,
            heading="95 % from",
        ),
        "upper": Column(
            description="Upper end of the 95 % confidence interval.", kind="number", unit=unit, heading="to"
        ),
    }


def anova_table(model: ModelResult, *, title: str, origin: str) -> Table:
    """Tabulate the type III tests of a model; with the other origin of time beside them where there is time.

    Parameters
    ----------
    model : ModelResult
        A fitted model.
    title : str
        What was modelled, for the caption.
    origin : str
        Where time is zero, for the caption; empty for a model without time.
    """
    data = model.anova
    columns = {
        "term": Column(
            description="Fixed effect; a colon stands for an interaction.",
            heading="Effect",
            levels={term: term_name(term) for term in data["term"]},
        ),
        **F_COLUMNS,
    }
    if len(model.anova_other_origin):
        other = model.anova_other_origin.set_index("term").loc[data["term"]]
        data = data.assign(F_other_origin=other["F"].to_numpy(), p_other_origin=other["p"].to_numpy())
        columns["F_other_origin"] = Column(
            description="F statistic with the other origin of time.",
            kind="statistic",
            heading="F, other origin",
        )
        columns["p_other_origin"] = Column(
            description="p value with the other origin of time.", kind="p", heading="p, other origin"
        )
    caption = f"{title}: tests of the fixed effects (type III, Satterthwaite)."
    return Table(
        name=f"anova_{model.name}",
        caption=f"{caption} {origin}".strip(),
        data=data,
        columns=columns,
        emphasise_p_below=P_EMPHASIS,
    )


def slopes_table(model: ModelResult, *, title: str) -> Table:
    """Tabulate the slopes of time, as the paper reports them per direction (or emotion)."""
    return Table(
        name=f"slopes_{model.name}",
        caption=f"{title}: change of the log EMG over the windows, per "
        f"{emotion_noun(model.slopes['emotion'])}.",
        data=model.slopes,
        columns={
            "emotion": emotion_column(model.slopes["emotion"]),
            "group": Column(description="Group, or all: averaged over groups.", heading="Group"),
            "slope": Column(description="Slope of time (b).", kind="number", unit="log units/s", heading="b"),
            **interval_columns("log units/s"),
            "df": DF_COLUMN,
            "t": Column(description="t statistic.", kind="statistic", heading="t"),
            "p": Column(description="p value of t, two-sided.", kind="p", heading="p"),
            "z": Column(
                description="The same ratio, to be read against the normal distribution as in the paper.",
                kind="statistic",
                heading="z",
            ),
        },
        note="The paper prints z; the p value here is that of t with Satterthwaite's degrees of freedom, "
        "which does not take the participants for infinitely many.",
        emphasise_p_below=P_EMPHASIS,
    )


def means_table(model: ModelResult, *, title: str) -> Table:
    """Tabulate the estimated marginal mean of each emotion in the middle of the epoch."""
    directions = are_directions(model.means["emotion"])
    return Table(
        name=f"estimated_means_{model.name}",
        caption=f"{title}: estimated marginal means per {emotion_noun(model.means['emotion'])}, in the "
        "middle of the epoch (in this model the average over the windows); 0 is the baseline.",
        data=model.means,
        columns={
            "emotion": emotion_column(model.means["emotion"]),
            "mean": Column(description="Estimated mean.", kind="number", unit="log units", heading="Mean"),
            **interval_columns("log units"),
            "df": DF_COLUMN,
        },
        note="Each video shows both of its expressions: how the response turns from one to the other is in "
        "the slopes of time."
        if directions
        else "",
    )


def differences_table(model: ModelResult, *, title: str) -> Table:
    """Tabulate the differences between the estimated means of all pairs of emotions."""
    noun, data = emotion_noun(model.means["emotion"]), model.differences
    names = {emotion: emotion_name(emotion) for emotion in model.means["emotion"]}
    return Table(
        name=f"differences_{model.name}",
        caption=f"{title}: differences between the estimated means of all pairs of {noun}s, in the middle "
        "of the epoch.",
        data=data,
        columns={
            "first": Column(description=f"{noun.capitalize()}.", heading="First", levels=names),
            "second": Column(description=f"{noun.capitalize()}.", heading="Second", levels=names),
            "difference": Column(
                description="Mean of the first minus mean of the second.",
                kind="number",
                unit="log units",
                heading="First − second",
            ),
            **interval_columns("log units"),
            "df": DF_COLUMN,
            "t": Column(description="t statistic.", kind="statistic", heading="t"),
            "p": P_COLUMN,
            "p_holm": Column(
                description="p value corrected for the number of pairs in this table (Holm).",
                kind="p",
                heading="p (Holm)",
            ),
        },
        note="Corrected for the number of pairs in this table is the last column only.",
    )


def fixed_effects_table(model: ModelResult, *, title: str, unit: str, contrasts: str) -> Table:
    """Tabulate the coefficients of a model."""
    return Table(
        name=f"fixed_effects_{model.name}",
        caption=f"{title}: fixed effects ({contrasts} contrasts).",
        data=model.fixed_effects,
        columns={
            "term": Column(description="Coefficient.", heading="Term"),
            "estimate": Column(description="Estimate.", kind="number", unit=unit, heading="Estimate"),
            "se": Column(description="Standard error.", kind="number", unit=unit, heading="SE"),
            "df": DF_COLUMN,
            "t": Column(description="t statistic.", kind="statistic", heading="t"),
            "p": P_COLUMN,
        },
    )


def random_effects_table(model: ModelResult, *, title: str, unit: str) -> Table:
    """Tabulate the standard deviations and correlations of the random effects, and the residual's."""
    effects = model.random_effects.rename(columns={"group": "by"})
    correlations = _correlation_columns(effects["correlations"])
    effects = effects.drop(columns="correlations").join(correlations)
    criterion = format_value(model.criterion, "statistic")
    columns = {
        "by": Column(description="Grouping factor.", heading="By"),
        "term": Column(description="Random effect.", heading="Effect", missing=""),
        "sd": Column(description="Standard deviation.", kind="number", unit=unit, heading="SD"),
    }
    for i, name in enumerate(correlations.columns, start=1):
        columns[name] = Column(
            description=f"Correlation with effect {i} of the same grouping factor.",
            kind="statistic",
            heading=f"r with {i}.",
            missing="",
        )
    counts = f"{model.n_observations} observations, {model.n_participants} participants"
    faces = f", {model.n_faces} faces" if model.n_faces else ""
    return Table(
        name=f"random_effects_{model.name}",
        caption=f"{title}: random effects ({counts}{faces}; REML criterion {criterion}).",
        data=effects,
        columns=columns,
        note="r with 1., 2., ...: correlation with the first, second, ... effect of the same grouping factor."
        if correlations.size
        else "",
    )


def _correlation_columns(correlations: pd.Series) -> pd.DataFrame:
    """Give each correlation with an earlier effect a column: `correlation_1`, `correlation_2`, ..."""
    n_columns = max(map(len, correlations), default=0)
    rows = [[*row, *[np.nan] * (n_columns - len(row))] for row in correlations]
    names = [f"correlation_{i}" for i in range(1, n_columns + 1)]
    return pd.DataFrame(rows, columns=names, index=correlations.index, dtype=float)


def term_name(term: str) -> str:
    """Write a model's term for people.

    >>> term_name("emotion:group:time")
    'emotion × group × time'
    """
    return " × ".join(term.split(":"))
