"""The tables of a mimicry study's report, each with what its columns mean."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import pandas as pd

from analysis.mimicry.emotions import are_directions, emotion_name, emotion_noun
from analysis.mimicry.figures import NO_GROUP_NAME, muscle_name, ordered_muscles
from analysis.mimicry.summaries import NO_GROUP, RULES
from analysis.report import Column, Table

P_EMPHASIS = 0.05
"""Rows with a smaller p value are set in bold; no more is meant by it."""

_PARTICIPANT = Column(description="Participant's id.", heading="Participant")
_GROUP = Column(
    description="Code or name of the participant's group.", heading="Group", missing=NO_GROUP_NAME
)
P_COLUMN = Column(description="p value, two-sided for t and z.", kind="p", heading="p")
F_COLUMNS = {
    "num_df": Column(description="Numerator degrees of freedom.", kind="df", heading="df effect"),
    "den_df": Column(description="Denominator degrees of freedom.", kind="df", heading="df error"),
    "F": Column(description="F statistic.", kind="statistic", heading="F"),
    "p": P_COLUMN,
}
DF_COLUMN = Column(description="Degrees of freedom (Satterthwaite).", kind="df", heading="df")


def muscle_column(muscles: Iterable[str]) -> Column:
    """Describe a column of muscles: codes in the file, names on the page."""
    names = {muscle: muscle_name(muscle) for muscle in ordered_muscles(muscles)}
    return Column(description="Muscle whose EMG was measured.", heading="Muscle", levels=names)


def emotion_column(emotions: Iterable[str]) -> Column:
    """Describe a column of directions (or emotions): codes in the file, words on the page."""
    emotions = list(emotions)
    return Column(
        description="Direction of the expression: the emotion seen first, then the one it turns into."
        if are_directions(emotions)
        else "Emotion that the stimulus showed.",
        heading=emotion_noun(emotions).capitalize(),
        levels={emotion: emotion_name(emotion) for emotion in sorted(set(emotions))},
    )


def exclusions_table(counts: pd.DataFrame) -> Table:
    """Tabulate each participant's excluded trials."""
    data = counts
    columns = {
        "participant": _PARTICIPANT,
        "group": _GROUP,
        "muscle": muscle_column(data["muscle"]),
        "n_trials": Column(description="Trials recorded.", kind="count", heading="Trials"),
        "n_excluded": Column(description="Trials excluded by any rule.", kind="count", heading="Excluded"),
        "percent_excluded": Column(
            description="Excluded trials.", kind="percent", unit="%", heading="Excluded"
        ),
    }
    for rule, text in RULES.items():
        if f"n_{rule}" in data:
            heading = rule.replace("_", " ")
            columns[f"n_{rule}"] = Column(
                description=f"Trials excluded for: {text}.", kind="count", heading=heading
            )
    return Table(
        name="exclusions",
        caption="Trials excluded from the EMG analysis, per participant and muscle, and by which rule. "
        "A trial may break several rules.",
        data=data,
        columns=_without_empty_group(columns, data),
    )


def exclusions_by_group_table(by_group: pd.DataFrame) -> Table:
    """Tabulate the excluded trials per group."""
    data = by_group
    columns = {
        "group": _GROUP,
        "muscle": muscle_column(data["muscle"]),
        "n_participants": Column(description="Participants.", kind="count", heading="Participants"),
        "n_trials": Column(description="Trials recorded.", kind="count", heading="Trials"),
        "n_excluded": Column(description="Trials excluded.", kind="count", heading="Excluded"),
        "percent_excluded": Column(
            description="Excluded trials.", kind="percent", unit="%", heading="Excluded"
        ),
        "mean": Column(
            description="Excluded trials per participant: mean.",
            kind="percent",
            heading="Mean per participant",
        ),
        "sd": Column(
            description="Excluded trials per participant: standard deviation.", kind="percent", heading="SD"
        ),
    }
    return Table(
        name="exclusions_by_group",
        caption="Trials excluded from the EMG analysis, per group and muscle.",
        data=data,
        columns=_without_empty_group(columns, data),
    )


def worst_trials_table(worst: pd.DataFrame) -> Table:
    """Tabulate the most deviant trials."""
    return Table(
        name="worst_trials",
        caption="Each participant's most deviant trials. An excess of 1 is the limit of the rule.",
        data=worst,
        columns={
            "participant": _PARTICIPANT,
            "muscle": muscle_column(worst["muscle"]),
            "trial": Column(description="Number of the trial in the session.", kind="count", heading="Trial"),
            "rule": Column(description="Rule that the trial broke by most.", heading="Rule", levels=RULES),
            "value": Column(
                description="The trial's value, in the unit of the rule.", kind="number", heading="Value"
            ),
            "lower": Column(description="Lower limit, same unit.", kind="number", heading="Lower limit"),
            "upper": Column(description="Upper limit, same unit.", kind="number", heading="Upper limit"),
            "unit": Column(
                description="Unit of the value and the limits: % of baseline, or microvolts (rules of the "
                "baseline).",
                heading="Unit",
                levels={"%": "% of baseline", "uV": "µV"},
            ),
            "excess": Column(
                description="Distance from the middle of the limits in half-widths.",
                kind="statistic",
                heading="Excess",
            ),
        },
    )


def trial_tables(windows: pd.DataFrame, times: pd.DataFrame) -> list[Table]:
    """Tabulate what the models were fitted to, trial by trial; a table without rows is left out."""
    trial = {
        "participant": _PARTICIPANT,
        "group": _GROUP,
        "emotion": emotion_column([*windows["emotion"], *times["emotion"]]),
        "face": Column(description="Identity of the face that was shown."),
        "trial": Column(description="Number of the trial in the session.", kind="count"),
    }
    emg = Table(
        name="emg_windows",
        caption="the log EMG of every kept trial, muscle and window.",
        data=windows,
        columns={
            **trial,
            "muscle": muscle_column(windows["muscle"]),
            "window": Column(description="Window after stimulus onset, from 1.", kind="count"),
            "emg": Column(
                description="Natural log of the proportion of baseline; 0 is the baseline.",
                kind="number",
                unit="log units",
            ),
        },
    )
    responses = Table(
        name="response_time_trials",
        caption="the response time of every kept trial.",
        data=times,
        columns={
            **trial,
            "response_time": Column(
                description="From stimulus onset to the key press.", kind="number", unit="s"
            ),
            "response_z": Column(
                description="The same as z-score within the participant, over all trials before the outliers "
                "were removed.",
                kind="number",
            ),
        },
    )
    return [table for table in (emg, responses) if len(table.data)]


def exclusion_tests_table(tests: pd.DataFrame) -> Table:
    """Tabulate the tests of the numbers of excluded trials."""
    muscle = muscle_column(tests["muscle"])
    muscle = replace(muscle, levels={**muscle.levels, "all": "All muscles together"})
    return Table(
        name="exclusion_tests",
        caption="Number of excluded trials per participant: one-way analysis of variance between groups.",
        data=tests,
        columns={"muscle": muscle, **F_COLUMNS},
    )


def noise_table(noise: pd.DataFrame) -> Table:
    """Tabulate the size of the raw signals and the hum in them."""
    return Table(
        name="signals",
        caption="The raw signals: strength in the pass band, and hum from the mains, before the filters.",
        data=noise,
        columns={
            "participant": _PARTICIPANT,
            "muscle": muscle_column(noise["muscle"]),
            "fs_hz": Column(description="Sampling rate.", kind="number", unit="Hz", heading="Sampling rate"),
            "signal": Column(
                description="Whether the recorder delivered the raw or an already rectified signal.",
                heading="Signal",
                levels={"raw": "not rectified", "rectified": "rectified and averaged by the recorder"},
            ),
            "rms_uv": Column(
                description="Root mean square in the pass band without the mains, median over time.",
                kind="number",
                unit="µV",
                heading="RMS",
            ),
            "mains_percent": Column(
                description="Part of the pass band's power at the mains frequency and its multiples.",
                kind="percent",
                unit="%",
                heading="Hum",
            ),
        },
    )


def response_times_table(means: pd.DataFrame) -> Table:
    """Tabulate the response times per direction (or emotion) and group.

    Parameters
    ----------
    means : pandas.DataFrame
        One row per participant and emotion: `participant`, `group`, `emotion`, `mean` (s).
    """
    data = means.groupby(["emotion", "group"])["mean"].agg(n="count", average="mean", sd="std").reset_index()
    columns = {
        "emotion": emotion_column(data["emotion"]),
        "group": _GROUP,
        "n": Column(description="Participants.", kind="count", heading="N"),
        "average": Column(
            description="Mean of the participants' means.", kind="number", unit="s", heading="Mean"
        ),
        "sd": Column(
            description="Standard deviation between participants.", kind="number", unit="s", heading="SD"
        ),
    }
    return Table(
        name="response_times",
        caption=f"Response times from stimulus onset, after exclusions, per {emotion_noun(data['emotion'])} "
        "and group.",
        data=data,
        columns=_without_empty_group(columns, data),
    )


def time_exclusions_table(counts: pd.DataFrame) -> Table:
    """Tabulate each participant's excluded response times."""
    columns = {
        "participant": _PARTICIPANT,
        "group": _GROUP,
        "n_trials": Column(description="Trials of the session.", kind="count", heading="Trials"),
        "n_outcome": Column(
            description="Trials without exactly one press of the right key.",
            kind="count",
            heading="Other outcome",
        ),
        "n_excluded": Column(
            description="Outliers among the other trials.", kind="count", heading="Outliers"
        ),
        "percent_excluded": Column(
            description="Outliers, of the trials with the right outcome.",
            kind="percent",
            unit="%",
            heading="Outliers",
        ),
    }
    return Table(
        name="response_time_exclusions",
        caption="Trials excluded from the analysis of the response times, per participant.",
        data=counts,
        columns=_without_empty_group(columns, counts),
    )


def means_table(means: pd.DataFrame) -> Table:
    """Tabulate what Figure 1 shows."""
    columns = {
        "muscle": muscle_column(means["muscle"]),
        "emotion": emotion_column(means["emotion"]),
        "group": _GROUP,
        "window": Column(description="Window after stimulus onset, from 1.", kind="count", heading="Window"),
        "n": Column(description="Participants.", kind="count", heading="N"),
        "mean": Column(
            description="Mean of the participants' means: natural log of the proportion of baseline.",
            kind="number",
            unit="log units",
            heading="Mean",
        ),
        "sem": Column(
            description="Standard error of the mean across participants.",
            kind="number",
            unit="log units",
            heading="SEM",
        ),
    }
    return Table(
        name="window_means",
        caption=f"What the figure of the windows shows: log EMG per muscle, "
        f"{emotion_noun(means['emotion'])}, group and "
        "window.",
        data=means,
        columns=_without_empty_group(columns, means),
    )


def versions_table(versions: pd.DataFrame) -> Table:
    """Tabulate what computed the results."""
    return Table(
        name="versions",
        caption="What computed these results.",
        data=versions,
        columns={
            "component": Column(description="Program or package.", heading="Component"),
            "version": Column(description="Its version.", heading="Version"),
        },
    )


def has_results(table: Table, *, besides: Sequence[str] = ()) -> bool:
    """Say whether a table has any result to show.

    Parameters
    ----------
    table : Table
        A table of texts, counts or degrees of freedom alone has always something to show.
    besides : sequence of str
        Columns of numbers that are no results, such as a sampling rate.
    """
    kinds = ("number", "percent", "statistic", "p")
    results = [name for name, column in table.columns.items() if column.kind in kinds and name not in besides]
    return not results or bool(table.data[results].notna().any(axis=None))


def _without_empty_group(columns: dict[str, Column], data: pd.DataFrame) -> dict[str, Column]:
    """Leave the column of groups out where the study has none."""
    if (data["group"].isna() | (data["group"] == NO_GROUP)).all():
        return {name: column for name, column in columns.items() if name != "group"}
    return columns
