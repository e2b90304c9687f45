"""The tables of a mixed model in the report."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.mimicry.figures import emotion_name
from analysis.mimicry.model_fit import ModelResult
from analysis.mimicry.tables import DF_COLUMN, EMOTION, F_COLUMNS, P_COLUMN, P_EMPHASIS
from analysis.report import Column, Table
from analysis.report.table import format_value


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
    data = model.anova.assign(effect=model.anova["term"].map(term_name))
    columns = {
        "effect": Column(description="Fixed effect; × is an interaction.", heading="Effect"),
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
    """Tabulate the slopes of time, as the paper reports them per direction."""
    data = model.slopes.assign(emotion=model.slopes["emotion"].map(emotion_name))
    return Table(
        name=f"slopes_{model.name}",
        caption=f"{title}: change of the log EMG over the five windows, per direction.",
        data=data,
        columns={
            "emotion": EMOTION,
            "group": Column(description="Group, or all: averaged over groups.", heading="Group"),
            "slope": Column(description="Slope of time (b).", kind="number", unit="log units/s", heading="b"),
            "se": Column(description="Standard error.", kind="number", unit="log units/s", heading="SE"),
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
    effects = effects.assign(correlations=effects["correlations"].map(_correlations_text))
    criterion = format_value(model.criterion, "statistic")
    columns = {
        "by": Column(description="Grouping factor.", heading="By"),
        "term": Column(description="Random effect.", heading="Effect"),
        "sd": Column(description="Standard deviation.", kind="number", unit=unit, heading="SD"),
        "correlations": Column(
            description="Correlations with the effects above it, in their order.", heading="Correlations"
        ),
    }
    counts = f"{model.n_observations} observations, {model.n_participants} participants"
    faces = f", {model.n_faces} faces" if model.n_faces else ""
    return Table(
        name=f"random_effects_{model.name}",
        caption=f"{title}: random effects ({counts}{faces}; REML criterion {criterion}).",
        data=effects,
        columns=columns,
    )


def term_name(term: str) -> str:
    """Write a model's term for people.

    >>> term_name("emotion:group:time")
    'emotion × group × time'
    """
    return " × ".join(term.split(":"))


def _correlations_text(correlations: Sequence[float]) -> str:
    return ", ".join(format_value(value, "statistic") for value in correlations)
