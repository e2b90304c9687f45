"""Who took part: Table 1 of Korb et al. (2023), as far as participants.tsv knows it."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from analysis.models.classical import goodness_of_fit, one_way_anova
from analysis.report import Column, Table
from analysis.report.table import MISSING

ALL = "all"
SMALLEST_EXPECTED = 5
"""With fewer expected in a group, the distribution of chi-square is only roughly that of the table."""
_SEXES = {"F": "Female", "M": "Male", "O": "Other"}


def describe_sample(participants: pd.DataFrame, *, measured: Sequence[str]) -> pd.DataFrame:
    """Count and average the participants, per group, with the paper's tests between groups.

    Parameters
    ----------
    participants : pandas.DataFrame
        One row per participant: `participant`, `group`, and what else is known (`sex`, `age`, other
        numbers).
    measured : sequence of str
        Ids of the participants with usable EMG.

    Returns
    -------
    pandas.DataFrame
        One row per characteristic: `characteristic`, a column per group and `all`; where there are two groups
        or more, `test`, `p` and `doubtful` (too few for the test). Counts are compared with a chi-square
        goodness-of-fit test, numbers (mean and SD) with a one-way analysis of variance.

    Examples
    --------
    >>> people = pd.DataFrame({"participant": list("1234"), "group": list("AABB"), "age": [20, 22, 24, 26]})
    >>> table = describe_sample(people, measured=["1", "3"])
    >>> table[["characteristic", "A", "B", "all"]].values.tolist()
    [['N', '2', '2', '4'], ['N with usable EMG', '1', '1', '2'],
     ['Age', '21.0 (1.4)', '25.0 (1.4)', '23.0 (2.6)']]
    """
    participants = participants.assign(group=participants["group"].astype(object))
    counted = {"N": participants["participant"].notna()}
    counted["N with usable EMG"] = participants["participant"].isin(list(measured))
    if "sex" in participants:
        for code in [code for code in _SEXES if (participants["sex"] == code).any()]:
            counted[_SEXES[code]] = participants["sex"] == code
    rows = [_count_row(name, participants, chosen) for name, chosen in counted.items()]
    numbers = participants.drop(columns=["participant", "group"]).select_dtypes("number")
    for name in numbers.columns[numbers.notna().any()]:
        rows.append(_number_row(str(name).replace("_", " ").capitalize(), participants, str(name)))
    return pd.DataFrame(rows)


def sample_table(described: pd.DataFrame) -> Table:
    """Put the description of the sample into the report's form."""
    groups = [name for name in described if name not in ("characteristic", ALL, "test", "p", "doubtful")]
    tested = "test" in described
    columns = {"characteristic": Column(description="What is counted or averaged.", heading="Characteristic")}
    for group in groups:
        columns[str(group)] = Column(description=f"Group {group}: count, or mean (SD).")
    columns[ALL] = Column(description="All participants: count, or mean (SD).", heading="All")
    if tested:
        columns["test"] = Column(description="Test between the groups.", heading="Test")
        columns["p"] = Column(description="p value of the test.", kind="p", heading="p")
    return Table(
        name="sample",
        caption="The sample: counts, or mean (SD)."
        + (" Counts are compared by χ² (goodness of fit), means by one-way ANOVA." if tested else ""),
        data=described,
        columns=columns,
        note=_doubt(described),
    )


def _doubt(described: pd.DataFrame) -> str:
    if "doubtful" not in described:
        return ""
    doubtful = described.loc[described["doubtful"] == True, "characteristic"]  # noqa: E712  (there are NaN)
    few = f"χ² is doubtful where fewer than {SMALLEST_EXPECTED} are expected in a group: "
    return f"{few}{', '.join(doubtful)}." if len(doubtful) else ""


def _count_row(name: str, participants: pd.DataFrame, chosen: pd.Series) -> dict[str, object]:
    counts = chosen.groupby(participants["group"]).sum()
    row: dict[str, object] = {"characteristic": name, **counts.astype(str), ALL: str(chosen.sum())}
    if len(counts) > 1 and counts.sum():
        test = goodness_of_fit(counts.astype(int)).iloc[0]
        row |= {"test": f"χ²({test['df']:.0f}) = {test['chi2']:.2f}", "p": test["p"]}
        row["doubtful"] = test["smallest_expected"] < SMALLEST_EXPECTED
    return row


def _number_row(name: str, participants: pd.DataFrame, column: str) -> dict[str, object]:
    values = participants[column].astype(float)
    by_group = values.groupby(participants["group"])
    row: dict[str, object] = {"characteristic": name, **by_group.apply(_mean_sd), ALL: _mean_sd(values)}
    known = participants[values.notna() & participants["group"].notna()]
    varies = known.assign(value=values).groupby("group")["value"].nunique().gt(1).any()
    if varies and known["group"].nunique() > 1 and (known["group"].value_counts() > 1).all():
        test = one_way_anova(known.assign(value=values), value="value", group="group").iloc[0]
        row |= {"test": f"F({test['num_df']:.0f}, {test['den_df']:.0f}) = {test['F']:.2f}", "p": test["p"]}
    return row


def _mean_sd(values: pd.Series) -> str:
    known = values.dropna()
    if known.empty:
        return MISSING
    return f"{known.mean():.1f} ({known.std():.1f})" if len(known) > 1 else f"{known.mean():.1f}"
