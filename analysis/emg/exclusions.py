"""Counts of excluded trials, and whether groups differ in them."""

from __future__ import annotations

import pandas as pd

from analysis.models.classical import one_way_anova

RULE_PREFIX = "n_"


def count_exclusions(windows: pd.DataFrame, exclusions: pd.DataFrame) -> pd.DataFrame:
    """Count the trials of each participant and muscle, and those that were excluded.

    A participant none of whose trials was kept is counted as well.

    Parameters
    ----------
    windows, exclusions : pandas.DataFrame
        What `preprocess` returned, for one participant or for several below each other.

    Returns
    -------
    pandas.DataFrame
        `participant group muscle n_trials n_excluded percent_excluded` and a column per rule, `n_mean` and
        so on; a trial that broke two rules counts in both of these and once in `n_excluded`.

    Examples
    --------
    >>> who = {"participant": "1", "group": "A", "muscle": "corrugator"}
    >>> windows = pd.DataFrame({**who, "trial": [1, 1, 2, 2]})
    >>> exclusions = pd.DataFrame({**who, "trial": [3, 3], "rule": ["mean", "peak"]})
    >>> print(count_exclusions(windows, exclusions).to_string(index=False))
    participant group     muscle  n_trials  n_excluded  percent_excluded  n_mean  n_peak
              1     A corrugator         3           1         33.333333       1       1
    """
    keys = ["participant", "group", "muscle"]
    kept = windows[[*keys, "trial"]].drop_duplicates().assign(excluded=0)
    gone = exclusions[[*keys, "trial"]].drop_duplicates().assign(excluded=1)
    trials = pd.concat([table for table in (kept, gone) if len(table)] or [kept])
    counts = trials.groupby(keys, dropna=False, sort=False)["excluded"].agg(["size", "sum"]).reset_index()
    counts.columns = pd.Index([*keys, "n_trials", "n_excluded"])
    counts["percent_excluded"] = 100 * counts["n_excluded"] / counts["n_trials"]
    for rule in exclusions["rule"].unique():
        broke = exclusions[exclusions["rule"] == rule].groupby(["participant", "muscle"]).size()
        names = pd.MultiIndex.from_frame(counts[["participant", "muscle"]])
        counts[RULE_PREFIX + rule] = broke.reindex(names, fill_value=0).to_numpy()
    return counts.sort_values(["participant", "muscle"], kind="stable", ignore_index=True)


def compare_exclusions(counts: pd.DataFrame) -> pd.DataFrame:
    """Test whether the groups differ in the number of excluded trials: a one-way analysis of variance.

    Groups are categories. (The paper prints 1 and 128 degrees of freedom for three groups of 130, which is
    what comes out when the group's code is taken for a number; it should be 2 and 127.)

    Parameters
    ----------
    counts : pandas.DataFrame
        What `count_exclusions` returned.

    Returns
    -------
    pandas.DataFrame
        `muscle F num_df den_df p`: a row per muscle and one for "all" (the sum over muscles); F and p are
        NaN where there are fewer than two groups, a group of one, or no variation within groups.

    Examples
    --------
    >>> counts = pd.DataFrame({"participant": list("abcdef"), "group": list("XXYYZZ")})
    >>> counts = counts.assign(muscle="corrugator", n_excluded=[1, 3, 2, 4, 3, 5])
    >>> print(compare_exclusions(counts).to_string(index=False))
        muscle   F  num_df  den_df   p
    corrugator 1.0       2       3 0.46...
           all 1.0       2       3 0.46...
    """
    counts = counts[counts["group"].notna()]
    rows = []
    for muscle, part in counts.groupby("muscle", sort=True):
        rows.append({"muscle": muscle, **_one_way(part)})
    everything = counts.groupby(["participant", "group"])["n_excluded"].sum().reset_index()
    rows.append({"muscle": "all", **_one_way(everything)})
    return pd.DataFrame(rows)


def _one_way(part: pd.DataFrame) -> dict[str, float]:
    groups = part.groupby("group")["n_excluded"]
    sizes = groups.size()
    if len(sizes) < 2 or sizes.min() < 2 or groups.nunique().max() < 2:
        num_df, den_df = max(0, len(sizes) - 1), len(part) - len(sizes)
        return {"F": float("nan"), "num_df": num_df, "den_df": den_df, "p": float("nan")}
    row = one_way_anova(part, value="n_excluded", group="group").iloc[0]
    return {"F": row["F"], "num_df": int(row["num_df"]), "den_df": int(row["den_df"]), "p": row["p"]}
