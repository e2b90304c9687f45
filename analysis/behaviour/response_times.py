"""Response times: which trials count, the 2 SD rule, z-scores within participants."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import numpy as np
import pandas as pd

KEPT_COLUMNS = ["participant", "group", "emotion", "face", "video", "trial", "response_time", "response_z"]
EXCLUSION_COLUMNS = ["participant", "group", "emotion", "trial", "rule", "value", "lower", "upper"]


class ResponseTimes(NamedTuple):
    """Response times that count, and those that do not."""

    kept: pd.DataFrame
    """One row per kept trial: `participant group emotion face video trial response_time response_z`."""
    exclusions: pd.DataFrame
    """One row per excluded trial: `... rule value lower upper`; rule is "outlier" or the trial's outcome."""


def select_response_times(
    behaviour: pd.DataFrame, *, n_sd: float, outcomes: Collection[str]
) -> ResponseTimes:
    """Leave out practice, trials with another outcome, and then the outliers of each participant.

    Parameters
    ----------
    behaviour : pandas.DataFrame
        What `analysis.datasets.read_behaviour` returned: `participant`, `group`, `trial`, `direction`,
        `response_time` (s from video onset, NaN without a press), `outcome`; `block` or `practice`, `face`
        and `video` where they are known.
    n_sd : float
        A response time further than this many SD (with n - 1) from the participant's mean is an outlier.
    outcomes : collection of str
        Outcomes of the trials that count, such as "correct".

    Returns
    -------
    ResponseTimes
        `response_z` is scaled over all trials of the participant that had one of the outcomes, before the
        outliers are left out, in the paper's order.

    Raises
    ------
    ValueError
        If a column is missing.

    Examples
    --------
    >>> behaviour = pd.DataFrame({"trial": range(1, 9)})
    >>> behaviour = behaviour.assign(participant="1", group="A", direction="AngryToHappy")
    >>> behaviour["response_time"] = [2.0, 2.1, 1.9, 2.0, 2.1, 1.9, 4.9, np.nan]
    >>> behaviour["outcome"] = ["correct"] * 7 + ["no_press"]
    >>> times = select_response_times(behaviour, n_sd=2, outcomes=["correct"])
    >>> len(times.kept), times.exclusions[["trial", "rule"]].values.tolist()
    (6, [[7, 'outlier'], [8, 'no_press']])
    """
    _check_columns(behaviour)
    trials = behaviour[~_is_practice(behaviour)].rename(columns={"direction": "emotion"})
    trials = trials.assign(**{name: None for name in ("face", "video") if name not in trials})
    counts = trials["outcome"].isin(list(outcomes)) & trials["response_time"].notna()
    valid = trials[counts]
    limits = _limits(valid, n_sd)
    outlying = (valid["response_time"] < limits["lower"]) | (valid["response_time"] > limits["upper"])
    valid = valid.assign(response_z=scale_within(valid["response_time"], within=valid["participant"]))
    other, outliers = trials[~counts], valid[outlying]
    gone = pd.concat(
        [
            other.assign(rule=other["outcome"], lower=np.nan, upper=np.nan),
            outliers.assign(rule="outlier", **limits[outlying]),
        ]
    ).assign(value=lambda table: table["response_time"])
    order = ["participant", "trial"]
    return ResponseTimes(
        valid.loc[~outlying, KEPT_COLUMNS].reset_index(drop=True),
        gone.sort_values(order, kind="stable", ignore_index=True)[EXCLUSION_COLUMNS],
    )


def scale_within(values: pd.Series, *, within: pd.Series) -> pd.Series:
    """Turn values into z-scores within each group of rows, as mousetrap's scale_within does in R.

    Parameters
    ----------
    values : pandas.Series
        Numbers; NaN stay NaN.
    within : pandas.Series
        Group of each row, for instance the participant.

    Returns
    -------
    pandas.Series
        (value - mean) / SD of the group, SD with n - 1; NaN where a group has one value or no variation.

    Examples
    --------
    >>> scale_within(pd.Series([1.0, 2.0, 3.0, 8.0]), within=pd.Series(["a", "a", "a", "b"])).tolist()
    [-1.0, 0.0, 1.0, nan]
    """
    groups = values.groupby(within)
    spread = groups.transform("std")
    return (values - groups.transform("mean")) / spread.where(spread > 0)


def count_response_exclusions(times: ResponseTimes) -> pd.DataFrame:
    """Count each participant's trials and those that were excluded.

    Returns
    -------
    pandas.DataFrame
        `participant group n_trials n_outcome n_excluded percent_excluded`: trials in all, those without the
        right outcome, outliers among the others, and these in percent of the others (as the paper counts).

    Examples
    --------
    >>> kept = pd.DataFrame({"participant": ["1", "1"], "group": "A"})
    >>> exclusions = pd.DataFrame({"participant": ["1", "1"], "group": "A", "rule": ["outlier", "no_press"]})
    >>> count_response_exclusions(ResponseTimes(kept, exclusions)).values.tolist()
    [['1', 'A', 4, 1, 1, 33.3...]]
    """
    keys = ["participant", "group"]
    rule = times.exclusions["rule"]
    parts = [
        times.kept[keys].assign(n_outcome=0, n_excluded=0),
        times.exclusions[keys].assign(n_outcome=(rule != "outlier") * 1, n_excluded=(rule == "outlier") * 1),
    ]
    trials = pd.concat([part for part in parts if len(part)] or parts[:1]).assign(n_trials=1)
    columns = ["n_trials", "n_outcome", "n_excluded"]
    counts = trials.groupby(keys, dropna=False, sort=True)[columns].sum().reset_index()
    judged = counts["n_trials"] - counts["n_outcome"]
    return counts.assign(percent_excluded=100 * counts["n_excluded"] / judged.where(judged > 0))


def _check_columns(behaviour: pd.DataFrame) -> None:
    needed = ("participant", "group", "trial", "direction", "response_time", "outcome")
    absent = [name for name in needed if name not in behaviour]
    if absent:
        raise ValueError(f"the behavioural data lack {', '.join(absent)}; they have {list(behaviour)}")


def _is_practice(behaviour: pd.DataFrame) -> pd.Series:
    if "practice" in behaviour:
        return behaviour["practice"].astype(str).str.lower() == "true"
    if "block" in behaviour:
        return behaviour["block"] == 0
    return pd.Series(False, index=behaviour.index)


def _limits(valid: pd.DataFrame, n_sd: float) -> pd.DataFrame:
    groups = valid.groupby("participant")["response_time"]
    mean, reach = groups.transform("mean"), n_sd * groups.transform("std")
    return pd.DataFrame({"lower": mean - reach, "upper": mean + reach})
