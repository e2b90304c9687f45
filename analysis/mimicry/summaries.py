"""Means and counts of a mimicry study: tidy tables in, smaller tables out."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

RULES = {
    "mean": "mean of the epoch",
    "peak": "peak of the epoch",
    "baseline_mean": "mean of the baseline",
    "baseline_peak": "peak of the baseline",
    "no_signal": "no usable signal (flat or missing)",
    "incomplete": "epoch not wholly recorded",
}
"""Why a trial is excluded for a muscle. A trial may break several rules."""

NO_GROUP = ""
"""Stands for the group where the study has none."""


def group_labels(groups: pd.Series) -> pd.Series:
    """Write groups as text, empty where there is none.

    >>> group_labels(pd.Series(["A", None])).tolist()
    ['A', '']
    """
    return groups.astype(object).where(groups.notna(), NO_GROUP).astype(str)


def participant_means(windows: pd.DataFrame) -> pd.DataFrame:
    """Average each participant's trials.

    Parameters
    ----------
    windows : pandas.DataFrame
        One row per kept trial, muscle and window: `participant`, `group`, `emotion`, `trial`, `muscle`,
        `window` and `emg` (natural log of the proportion of baseline).

    Returns
    -------
    pandas.DataFrame
        One row per participant, muscle, emotion and window: `emg` (mean) and `n_trials`; `group` is empty
        where there is none.
    """
    keys = ["participant", "group", "muscle", "emotion", "window"]
    cells = windows.assign(group=group_labels(windows["group"])).groupby(keys)["emg"]
    return cells.agg(emg="mean", n_trials="count").reset_index()


def group_means(means: pd.DataFrame) -> pd.DataFrame:
    """Average the participants' means.

    Parameters
    ----------
    means : pandas.DataFrame
        What :func:`participant_means` returned.

    Returns
    -------
    pandas.DataFrame
        One row per muscle, emotion, group and window: `n` participants, `mean` and `sem`, the standard
        error of the mean across participants (NaN for a single one).
    """
    cells = means.groupby(["muscle", "emotion", "group", "window"])["emg"]
    return cells.agg(n="count", mean="mean", sem="sem").reset_index()


def exclusions_by_group(counts: pd.DataFrame) -> pd.DataFrame:
    """Sum the excluded trials per group and muscle.

    Parameters
    ----------
    counts : pandas.DataFrame
        What :func:`analysis.emg.exclusions.count_exclusions` returned.

    Returns
    -------
    pandas.DataFrame
        One row per group and muscle: `n_participants`, `n_trials`, `n_excluded`, `percent_excluded`, and the
        `mean` and `sd` of the number excluded per participant.
    """
    cells = counts.assign(group=group_labels(counts["group"])).groupby(["group", "muscle"])
    sums = cells[["n_trials", "n_excluded"]].sum()
    sums.insert(0, "n_participants", cells["participant"].nunique())
    sums["percent_excluded"] = 100.0 * sums["n_excluded"] / sums["n_trials"]
    sums["mean"], sums["sd"] = cells["n_excluded"].mean(), cells["n_excluded"].std(ddof=1)
    return sums.reset_index()


def worst_trials(exclusions: pd.DataFrame, *, n: int, scale: Literal["log", "percent"]) -> pd.DataFrame:
    """Find each participant's most deviant trials.

    Parameters
    ----------
    exclusions : pandas.DataFrame
        One row per trial, muscle and broken rule, with `value`, `lower` and `upper` (the limits of the rule).
    n : int
        How many per participant and muscle.
    scale : {"log", "percent"}
        The scale on which the limits were set.

    Returns
    -------
    pandas.DataFrame
        The rows with the largest `excess`: the distance from the middle of the limits in half-widths, on that
        scale, so that 1 is the limit itself. Trials without signal have no value and are not here.

    Examples
    --------
    >>> broken = pd.DataFrame({"participant": "1", "muscle": "corrugator", "trial": [4, 9], "rule": "peak",
    ...                        "value": [300.0, 500.0], "lower": 100.0, "upper": 200.0})
    >>> worst_trials(broken, n=1, scale="percent")[["trial", "excess"]].values.tolist()
    [[9.0, 7.0]]
    """
    known = exclusions.dropna(subset=["value", "lower", "upper"])
    columns = [known[name].to_numpy(dtype=float) for name in ("value", "lower", "upper")]
    value, lower, upper = np.log(columns) if scale == "log" else columns
    half = (upper - lower) / 2
    excess = np.abs(value - (upper + lower) / 2) / np.where(half > 0, half, np.nan)
    ranked = known.assign(excess=excess).dropna(subset=["excess"])
    ranked = ranked.sort_values("excess", ascending=False, kind="stable")
    ranked = ranked.drop_duplicates(["participant", "muscle", "trial"])
    ranked = ranked.groupby(["participant", "muscle"], sort=False).head(n)
    ranked = ranked.sort_values(["participant", "muscle", "excess"], ascending=[True, True, False])
    return ranked.reset_index(drop=True)
