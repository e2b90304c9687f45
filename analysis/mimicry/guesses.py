"""Did participants know their group: what they guessed, against chance and against the other groups.

Korb et al. (2023), Results, Behaviour, compare how often each group guessed its own condition, and find a
difference "due to most participants believing they were part of the placebo condition". That belief is not
knowledge. Here the question of blinding is whether the groups *answer differently*.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from analysis.mimicry.measurements import known_guesses, measure_participants
from analysis.models.blinding import (
    DONT_KNOW,
    bang_index,
    guess_counts,
    guesses_against_chance,
    guesses_by_group,
    james_index,
)
from analysis.models.classical import contingency
from analysis.report import Column, Table
from analysis.report.table import format_p

LARGEST_INDEX = 0.2
"""Bang's index from minus to plus this is commonly called successful blinding."""


@dataclass(frozen=True, kw_only=True)
class Guesses:
    """What the participants believed; tables are empty where a study has no guesses."""

    counts: pd.DataFrame
    """Groups (codes, while blind) by answers."""
    by_group: pd.DataFrame
    """Chi-square of groups by answers: `chi2 df p n smallest_expected`; needs no unblinding."""
    per_group: pd.DataFrame
    """Unblinded: per group `n n_correct percent_correct chance p_chance percent_others p_others n_dont_know
    bang se lower upper`."""
    james: pd.DataFrame
    """Unblinded: `n n_dont_know james se lower upper`."""

    @property
    def asked(self) -> bool:
        """Whether there are guesses in two groups or more."""
        return not self.counts.empty


def judge_guesses(
    participants: pd.DataFrame,
    phenotype: Mapping[str, pd.DataFrame],
    *,
    group_names: Mapping[str, str] | None = None,
) -> Guesses:
    """Compare the participants' guesses with chance and between groups.

    Parameters
    ----------
    participants : pandas.DataFrame
        `participant` and `group`, the latter named already where the analysis is unblinded.
    phenotype : mapping
        What `analysis.datasets.read_study` read; guesses are in "session".
    group_names : mapping, optional
        Code of a group -> its name, where guesses are codes.

    Examples
    --------
    >>> people = pd.DataFrame({"participant": list("123456"), "group": ["drug"] * 3 + ["placebo"] * 3})
    >>> session = pd.DataFrame({"participant": list("123456"), "guess": ["placebo", "drug", "placebo"] * 2})
    >>> found = judge_guesses(people, {"session": session})
    >>> found.per_group[["n_correct", "bang"]].round(2).values.tolist()
    [[1.0, -0.33], [2.0, 0.33]]
    """
    people = measure_participants(participants, phenotype, group_names=group_names)
    if "guess" not in people:
        return Guesses(counts=_none(), by_group=_none(), per_group=_none(), james=_none())
    answered = people[people["guess"].notna() & people["group"].notna()]
    if answered["group"].nunique() < 2:
        return Guesses(counts=_none(), by_group=_none(), per_group=_none(), james=_none())
    known = known_guesses(people)
    if known.empty:
        counts = pd.crosstab(answered["group"].astype(str), answered["guess"])
        counts = counts.rename_axis(index=None, columns=None)
        return Guesses(counts=counts, by_group=_between(counts), per_group=_none(), james=_none())
    counts = guess_counts(known["group"], known["guess"])
    indices = bang_index(counts)[["n_dont_know", "bang", "se", "lower", "upper"]]
    return Guesses(
        counts=counts,
        by_group=guesses_by_group(counts),
        per_group=guesses_against_chance(counts).join(indices),
        james=james_index(counts),
    )


def guess_sentences(guesses: Guesses) -> list[str]:
    """Say what the guesses mean for the blinding.

    Examples
    --------
    >>> people = pd.DataFrame({"participant": range(60), "group": ["A", "B"] * 30})
    >>> session = pd.DataFrame({"participant": range(60), "guess": (["drug"] * 2 + ["placebo"] * 2) * 15})
    >>> guess_sentences(judge_guesses(people, {"session": session}))[0]
    'The groups did not answer differently when asked what they had been given, χ²(1) = 0.00, p = 1.000.'
    """
    if not guesses.asked:
        return []
    test = guesses.by_group.iloc[0]
    if pd.isna(test["p"]):
        said = ["All participants guessed the same group, whatever they had been given."]
    else:
        differ = "answered differently" if test["p"] < 0.05 else "did not answer differently"
        said = [
            f"The groups {differ} when asked what they had been given, χ²({test['df']:.0f}) = "
            f"{test['chi2']:.2f}, p {_equals(test['p'])}."
        ]
    if guesses.per_group.empty:
        return said
    parts = [
        f"{group}: {row['n_correct']:.0f} of {row['n']:.0f} guesses right, Bang's index {row['bang']:.2f} "
        f"[{row['lower']:.2f}, {row['upper']:.2f}]"
        for group, row in guesses.per_group.iterrows()
    ]
    james = guesses.james.iloc[0]
    overall = f"James' index of the study {james['james']:.2f} [{james['lower']:.2f}, {james['upper']:.2f}]"
    said.append(f"{'; '.join(parts)}; {overall} (0.5: random guesses).".replace("-", "−"))
    table = guesses.per_group
    if (table["bang"].abs() > LARGEST_INDEX).any() and not test["p"] < 0.05:
        said.append(
            "Where one answer is popular, its group is right more often than chance, and the others less, "
            "without anybody knowing. As the groups did not answer differently, there is no sign that "
            "anybody knew."
        )
    return said


def guess_tables(guesses: Guesses) -> list[Table]:
    """Put the counts of the guesses, and the indices of blinding, into the report's form."""
    if not guesses.asked:
        return []
    counts = guesses.counts.rename_axis("group").reset_index()
    group = Column(description="What the participants were given.", heading="Group")
    answers = {
        str(name): Column(
            description="Participants who would not guess." if name == DONT_KNOW else f"Guesses of {name}.",
            kind="count",
            heading="Would not guess" if name == DONT_KNOW else f"Guess: {name}",
        )
        for name in guesses.counts
    }
    tables = [
        Table(
            name="guesses",
            caption="What the participants of each group believed they had been given.",
            data=counts,
            columns={"group": group, **answers},
        )
    ]
    if guesses.per_group.empty:
        return tables
    return [*tables, _blinding_table(guesses, group)]


def _blinding_table(guesses: Guesses, group: Column) -> Table:
    columns = {
        "group": group,
        "n": Column(description="Participants who guessed.", kind="count", heading="Guesses"),
        "n_correct": Column(description="Right guesses.", kind="count", heading="Right"),
        "percent_correct": Column(description="Right guesses.", kind="percent", unit="%", heading="Right"),
        "p_chance": Column(
            description="Exact binomial test of the right guesses against one in the number of groups.",
            kind="p",
            heading="p (chance)",
        ),
        "percent_others": Column(
            description="How often the other groups named this one.",
            kind="percent",
            unit="%",
            heading="Named by others",
        ),
        "p_others": Column(
            description="Chi-square test: does the group name itself more, or less, often than others do?",
            kind="p",
            heading="p (others)",
        ),
        "bang": Column(description="Bang's index of blinding.", kind="statistic", heading="Bang's index"),
        "lower": Column(description="95 % interval of the index.", kind="statistic", heading="Lower"),
        "upper": Column(description="95 % interval of the index.", kind="statistic", heading="Upper"),
    }
    return Table(
        name="blinding",
        caption="Right guesses of each group, against chance and against what the other groups answered.",
        data=guesses.per_group.rename_axis("group").reset_index(),
        columns=columns,
        note="The test against chance finds popular beliefs as well as knowledge; the test against the other "
        "groups finds knowledge only. Bang's index: 0 is random guessing, 1 everybody knows; from "
        f"−{LARGEST_INDEX} to {LARGEST_INDEX} blinding is commonly called successful.",
    )


def _between(counts: pd.DataFrame) -> pd.DataFrame:
    """Test groups by answers while the groups are codes."""
    if min(counts.shape) < 2:
        row = {"chi2": float("nan"), "df": 0, "p": float("nan"), "n": int(counts.to_numpy().sum())}
        return pd.DataFrame([{**row, "smallest_expected": float("nan")}])
    return contingency(counts)


def _equals(p: float) -> str:
    text = format_p(p)
    return text if text.startswith("<") else f"= {text}"


def _none() -> pd.DataFrame:
    return pd.DataFrame()
