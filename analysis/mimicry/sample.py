"""Who took part: Table 1 of Korb et al. (2023), as far as a study knows it.

Notes
-----
Differences from the paper:

- Groups are categories: F has 2 and 127 degrees of freedom for three groups of 130 (the paper prints 1 and
  127).
- Whether the groups differ in sex, in usable recordings and in guesses is asked of the whole table of counts,
  groups by answers. The paper compares the number of women in each group with equal numbers (goodness of
  fit). Where the sizes of the groups are fixed by the allocation, that test can hardly ever find anything:
  its false-positive rate at 5 % is below 0.1 %. ``as_paper=True`` gives the paper's.
- Right guesses are counted, not turned into percentages before a chi-square (the paper's 17.6 is 11.15 on
  the counts). By default they are not tested here at all, since the group of the most popular guess is right
  most often without knowing anything; see `analysis.mimicry.guesses`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from analysis.mimicry.measurements import LABELS, known_guesses, measure_participants
from analysis.models.blinding import DONT_KNOW
from analysis.models.classical import contingency, goodness_of_fit, one_way_anova
from analysis.report import Column, Table
from analysis.report.table import MISSING

ALL = "all"
SMALLEST_EXPECTED = 5
"""With fewer expected in a cell, the distribution of chi-square is only roughly that of the table."""
NEARLY_ALL = 0.9
"""Where more than this part gave the same number, F tests find less than their level says."""
_SEXES = {"F": "Female", "M": "Male", "O": "Other"}
_DIGITS = {"bmi": 2, "nausea_t1": 2, "nausea_t2": 2}
_UNUSED = ("height_cm", "weight_kg", "minutes_since_pill")


def describe_sample(
    participants: pd.DataFrame,
    *,
    measured: Sequence[str],
    phenotype: Mapping[str, pd.DataFrame] | None = None,
    group_names: Mapping[str, str] | None = None,
    as_paper: bool = False,
) -> pd.DataFrame:
    """Count and average the participants, per group, with tests between groups.

    Parameters
    ----------
    participants : pandas.DataFrame
        One row per participant: `participant`, `group` (named already, if unblinded), and what else is known
        (`sex`, `age`, other numbers).
    measured : sequence of str
        Ids of the participants with usable EMG.
    phenotype : mapping, optional
        Questionnaires and circumstances, as `analysis.datasets.read_study` reads them.
    group_names : mapping, optional
        Code of a group -> its name, where guesses are codes.
    as_paper : bool
        Whether counts are compared with equal counts in all groups (chi-square goodness of fit), and right
        guesses between the groups, as the paper did.

    Returns
    -------
    pandas.DataFrame
        One row per characteristic: `characteristic`, a column per group and `all`; where there are two groups
        or more, `test`, `p` and `doubtful` (too few for the test). The number of participants is compared
        with equal groups, other counts between groups (chi-square; the test stands in the first row of those
        that belong together), numbers (mean and SD) by a one-way analysis of variance.

    Examples
    --------
    >>> people = pd.DataFrame({"participant": list("1234"), "group": list("AABB"), "age": [20, 22, 24, 26]})
    >>> table = describe_sample(people, measured=["1", "3"])
    >>> table[["characteristic", "A", "B", "all"]].values.tolist()
    [['N', '2', '2', '4'], ['N with usable EMG', '1', '1', '2'],
     ['Age', '21.0 (1.4)', '25.0 (1.4)', '23.0 (2.6)']]
    """
    people = measure_participants(participants, phenotype, group_names=group_names)
    people = people.assign(group=people["group"].map(str, na_action="ignore").astype(object))
    usable = people["participant"].isin(list(measured)).map({True: "yes", False: "no"})
    rows = [_count_row("N", people, people["participant"].notna(), equal=True)]
    rows += _answer_rows({"yes": "N with usable EMG"}, people, usable, as_paper=as_paper)
    if "sex" in people:
        rows += _answer_rows(_SEXES, people, people["sex"], as_paper=as_paper)
    rows += _number_rows(people, [name for name in LABELS if not name.startswith("nausea")])
    if "guess" in people:
        rows += _guess_rows(people, as_paper=as_paper)
    rows += _number_rows(people, [name for name in LABELS if name.startswith("nausea")])
    own = participants.drop(columns=["participant", "group"]).select_dtypes("number")
    rows += _number_rows(people, [str(name) for name in own if name not in (*LABELS, *_UNUSED)])
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
        columns["test"] = Column(
            description="Test between the groups; in the first row of those that are tested together.",
            heading="Test",
            missing="",
        )
        columns["p"] = Column(description="p value of the test.", kind="p", heading="p", missing="")
    return Table(
        name="sample",
        caption="The sample: counts, or mean (SD)."
        + (" Counts are compared by χ², means by one-way ANOVA." if tested else ""),
        data=described,
        columns=columns,
        note=_doubt(described),
    )


def _doubt(described: pd.DataFrame) -> str:
    if "doubtful" not in described:
        return ""
    doubtful = described[described["doubtful"] == True]  # noqa: E712  (there are NaN)
    said = []
    for statistic, why in (
        ("χ²", f"fewer than {SMALLEST_EXPECTED} are expected in a cell"),
        ("F", "nearly all gave the same answer"),
    ):
        names = doubtful.loc[doubtful["test"].str.startswith(statistic), "characteristic"]
        if len(names):
            said.append(f"{statistic} is doubtful where {why}: {', '.join(names)}.")
    return " ".join(said)


def _answer_rows(
    labels: Mapping[str, str], people: pd.DataFrame, answers: pd.Series, *, as_paper: bool
) -> list[dict[str, object]]:
    """Count every answer that occurs; the first row has the test of all, or each its own as in the paper."""
    rows: list[dict[str, object]] = []
    for answer, label in labels.items():
        chosen = answers == answer
        if not chosen.any() and answer != "yes":
            continue
        rows.append(_count_row(label, people, chosen, equal=as_paper))
    if rows and not as_paper:
        rows[0] |= _independence(people["group"], answers)
    return rows


def _count_row(name: str, people: pd.DataFrame, chosen: pd.Series, *, equal: bool) -> dict[str, object]:
    counts = chosen.groupby(people["group"]).sum().astype(int)
    row: dict[str, object] = {"characteristic": name, **counts.astype(str), ALL: str(chosen.sum())}
    return row | _equal_counts(counts) if equal else row


def _equal_counts(counts: pd.Series) -> dict[str, object]:
    if len(counts) < 2 or not counts.sum():
        return {}
    return _chi_square(goodness_of_fit(counts))


def _independence(groups: pd.Series, answers: pd.Series) -> dict[str, object]:
    table = pd.crosstab(groups, answers)
    return _chi_square(contingency(table)) if min(table.shape) > 1 else {}


def _chi_square(tested: pd.DataFrame) -> dict[str, object]:
    test = tested.iloc[0]
    return {
        "test": f"χ²({test['df']:.0f}) = {test['chi2']:.2f}",
        "p": test["p"],
        "doubtful": bool(test["smallest_expected"] < SMALLEST_EXPECTED),
    }


def _guess_rows(people: pd.DataFrame, *, as_paper: bool) -> list[dict[str, object]]:
    """Count what was guessed, and how often it was right where that is known."""
    answers = sorted(people["guess"].dropna().unique(), key=lambda answer: (answer == DONT_KNOW, answer))
    labels = {answer: f"Guess: {answer}" for answer in answers if answer != DONT_KNOW}
    labels |= {DONT_KNOW: "Would not guess"} if DONT_KNOW in answers else {}
    rows = _answer_rows(labels, people, people["guess"], as_paper=as_paper)
    known = known_guesses(people)
    if known.empty:
        return rows
    right = known["guess"] == known["group"].astype(str)
    counts = right.groupby(known["group"]).agg(["sum", "size"])
    shown = {str(group): f"{n} ({100 * n / size:.1f} %)" for group, (n, size) in counts.iterrows()}
    total = f"{right.sum()} ({100 * right.mean():.1f} %)"
    row: dict[str, object] = {"characteristic": "Right guesses", **shown, ALL: total}
    return [*rows, row | (_independence(known["group"], right) if as_paper else {})]


def _number_rows(people: pd.DataFrame, names: Sequence[str]) -> list[dict[str, object]]:
    rows = []
    for name in names:
        if name in people and people[name].notna().any():
            label = LABELS.get(name, str(name).replace("_", " ").capitalize())
            rows.append(_number_row(label, people, name))
    return rows


def _number_row(label: str, people: pd.DataFrame, column: str) -> dict[str, object]:
    values, digits = people[column].astype(float), _DIGITS.get(column, 1)
    by_group = values.groupby(people["group"])
    shown = {str(group): _mean_sd(part, digits) for group, part in by_group}
    row: dict[str, object] = {"characteristic": label, **shown, ALL: _mean_sd(values, digits)}
    known = people[values.notna() & people["group"].notna()]
    varies = known.assign(value=values).groupby("group")["value"].nunique().gt(1).any()
    if varies and known["group"].nunique() > 1 and (known["group"].value_counts() > 1).all():
        test = one_way_anova(known.assign(value=values), value="value", group="group").iloc[0]
        row |= {"test": f"F({test['num_df']:.0f}, {test['den_df']:.0f}) = {test['F']:.2f}", "p": test["p"]}
        row["doubtful"] = bool(values.value_counts(normalize=True).iloc[0] > NEARLY_ALL)
    return row


def _mean_sd(values: pd.Series, digits: int) -> str:
    known = values.dropna()
    if known.empty:
        return MISSING
    mean = f"{known.mean():.{digits}f}"
    return f"{mean} ({known.std():.{digits}f})" if len(known) > 1 else mean
