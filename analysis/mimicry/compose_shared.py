"""What the parts of a report share: captions, names, and which tables are worth showing."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from analysis.mimicry import figures, tables
from analysis.mimicry.blinding import blinding_words
from analysis.mimicry.emotions import emotion_noun
from analysis.mimicry.sentences import f_text
from analysis.mimicry.study import MimicryResults
from analysis.mimicry.summaries import NO_GROUP
from analysis.report import Report, Table


def groups_in_words(results: MimicryResults) -> str:
    """Say which groups there are, how many participants each has, and whether the analysis is blind."""
    groups = results.study.participants["group"].dropna().astype(str)
    if groups.empty:
        return "none"
    names = groups.map(results.group_names) if results.group_names else groups
    sizes = ", ".join(f"{name} (n = {n})" for name, n in names.value_counts(sort=False).sort_index().items())
    return f"{sizes}; {blinding(results)}"


def blinding(results: MimicryResults) -> str:
    """Say what the labels of the groups are."""
    groups = results.study.participants["group"].dropna().astype(str)
    return blinding_words(groups, results.group_names)


def show(report: Report, table: Table, *, besides: Sequence[str] = ()) -> bool:
    """Put a table into the report unless all its results are missing; say whether it is there."""
    shown = tables.has_results(table, besides=besides)
    if shown:
        report.table(table)
    return shown


def noun(results: MimicryResults) -> str:
    """Give the word for what differs between the stimuli."""
    return emotion_noun([*results.means["emotion"], *results.times.kept["emotion"]])


def unit_words(unit: str) -> str:
    """Name the unit of response times."""
    return "z-scores within participants" if unit == "z" else "seconds"


def by_group_words(results: MimicryResults) -> str:
    """Say "and group" where there are several."""
    return " and group" if results.means["group"].nunique() > 1 else ""


def group_caption(results: MimicryResults, cells: pd.DataFrame) -> str:
    """Say how many participants a figure shows, per group; `cells` has `group` and `n`."""
    counts = {}
    for group in figures.ordered_groups(cells["group"]):
        n = cells.loc[cells["group"] == group, "n"]
        counts[group] = f"n = {n.min()}" + (f" to {n.max()}" if n.min() < n.max() else "")
    if list(counts) == [NO_GROUP]:
        return f"{counts[NO_GROUP]} participants."
    sizes = ", ".join(f"{figures.group_name(group)} ({count})" for group, count in counts.items())
    return f"Groups: {sizes}; {blinding(results)}."


def exclusion_test_words(tests: pd.DataFrame, muscle: str, what: str) -> str:
    """Say whether groups differ in a number of excluded trials; empty where that was not tested."""
    row = tests[tests["muscle"] == muscle]
    if row.empty or row["F"].isna().all():
        return ""
    test = row.iloc[0].to_dict()
    differs = "differed" if test["p"] < tables.P_EMPHASIS else "did not clearly differ"
    return f"The number of {what} {differs} between groups ({f_text(test)})."
