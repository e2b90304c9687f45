"""What is known of each participant beside the task, in one table: body, pill, mood, nausea, guess.

It comes from participants.tsv and from the tables in ``phenotype``; whatever a study has not got is left out.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from analysis.models.blinding import DONT_KNOW

LABELS = {
    "age": "Age",
    "bmi": "BMI",
    "hours_since_pill": "Hours from pill",
    "positive_affect_change": "PANAS+ (t1–t2)",
    "negative_affect_change": "PANAS− (t1–t2)",
    "nausea_t1": "Nausea (t1)",
    "nausea_t2": "Nausea (t2)",
}
"""Column -> how Table 1 of Korb et al. (2023) calls it, in the order of its rows."""
UNKNOWN_GUESS = (DONT_KNOW, "don't know", "unknown", "none")
"""Answers of those who would not guess."""
_PARTICIPANT = ["participant", "group"]


def measure_participants(
    participants: pd.DataFrame,
    phenotype: Mapping[str, pd.DataFrame] | None = None,
    *,
    group_names: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Put the numbers and the guess of every participant into one row.

    Parameters
    ----------
    participants : pandas.DataFrame
        One row per participant: `participant`, `group` and what participants.tsv has.
    phenotype : mapping, optional
        What `analysis.datasets.read_study` read: "panas" with `positive_affect_t1` and so on (or with a
        column `time`, t1 and t2, and two rows per participant) and "session" with `bmi`, `minutes_since_pill`
        (or `pill_time` and `task_start`), `guess`, `nausea_t1`, `nausea_t2`.
    group_names : mapping, optional
        Code of a group -> its name, for guesses that are codes.

    Returns
    -------
    pandas.DataFrame
        The rows of `participants` with the columns of `LABELS` that are known, and `guess` (as text, NaN
        where there is none; "dont_know" where the participant would not guess). Changes of mood are first
        minus second questionnaire, as in the paper.

    Raises
    ------
    ValueError
        If a table has two rows for one participant, or a time of day cannot be read.

    Examples
    --------
    >>> people = pd.DataFrame({"participant": ["1", "2"], "group": ["A", "B"]})
    >>> session = pd.DataFrame({"participant": ["2"], "minutes_since_pill": [252], "guess": ["placebo"]})
    >>> measure_participants(people, {"session": session})[["hours_since_pill", "guess"]].values.tolist()
    [[nan, nan], [4.2, 'placebo']]
    """
    phenotype = phenotype or {}
    table = participants.copy()
    session = _one_row_each(phenotype.get("session", pd.DataFrame()), "session")
    table = _joined(table, session)
    table = _joined(table, _mood(phenotype.get("panas", pd.DataFrame())))
    if "minutes_since_pill" in table:
        table["hours_since_pill"] = pd.to_numeric(table["minutes_since_pill"], errors="coerce") / 60
    elif {"pill_time", "task_start"} <= set(table):
        passed = _clock_minutes(table["task_start"]) - _clock_minutes(table["pill_time"])
        table["hours_since_pill"] = passed.where(passed >= 0, passed + 24 * 60) / 60
    if "bmi" not in table and {"weight_kg", "height_cm"} <= set(table):
        table["bmi"] = table["weight_kg"] / (table["height_cm"] / 100) ** 2
    if "guess" in table:
        table["guess"] = _plain_guess(table["guess"], group_names or {})
    return table


def known_guesses(measured: pd.DataFrame) -> pd.DataFrame:
    """Return the participants whose guess can be compared with their group: `participant group guess`.

    Empty while groups are codes and guesses are names, that is before unblinding.
    """
    if "guess" not in measured:
        return pd.DataFrame(columns=[*_PARTICIPANT, "guess"])
    known = measured.loc[measured["guess"].notna() & measured["group"].notna(), [*_PARTICIPANT, "guess"]]
    groups = set(known["group"].astype(str))
    comparable = set(known["guess"]) - {DONT_KNOW} <= groups and len(groups) > 1
    return known if comparable else known.iloc[:0]


def _one_row_each(table: pd.DataFrame, name: str) -> pd.DataFrame:
    if table.empty:
        return pd.DataFrame({"participant": pd.Series(dtype=object)})
    twice = table.loc[table["participant"].duplicated(), "participant"]
    if len(twice):
        raise ValueError(f"phenotype/{name}.tsv has two rows of {twice.iloc[0]}: it should have one")
    return table


def _joined(table: pd.DataFrame, more: pd.DataFrame) -> pd.DataFrame:
    """Add the columns that are not there yet."""
    new = ["participant", *(name for name in more if name not in table)]
    return table.merge(more[new], on="participant", how="left") if len(new) > 1 else table


def _mood(panas: pd.DataFrame) -> pd.DataFrame:
    """Return `participant positive_affect_change negative_affect_change`, as far as they are known."""
    if "time" in panas:
        if panas.duplicated(["participant", "time"]).any():
            raise ValueError("phenotype/panas.tsv has a participant twice at the same time")
        wide = panas.pivot(index="participant", columns="time")
        panas = wide.set_axis(
            ["_".join(map(str, pair)) for pair in wide.columns.to_flat_index()], axis=1
        ).reset_index()
    panas = _one_row_each(panas, "panas")
    changes = panas[["participant"]].copy()
    for name in ("positive_affect", "negative_affect"):
        if {f"{name}_t1", f"{name}_t2"} <= set(panas):
            changes[f"{name}_change"] = panas[f"{name}_t1"] - panas[f"{name}_t2"]
    return changes


def _plain_guess(guesses: pd.Series, group_names: Mapping[str, str]) -> pd.Series:
    """Name guesses as the groups are named."""
    text = guesses.astype(object).where(guesses.isna(), guesses.astype(str).str.strip())
    unsure = text.astype(str).str.lower().isin(UNKNOWN_GUESS)
    return text.map(lambda guess: group_names.get(guess, guess)).mask(unsure & text.notna(), DONT_KNOW)


def _clock_minutes(times: pd.Series) -> pd.Series:
    """Turn times of day such as 09:35 into minutes since midnight."""
    parts = times.astype(str).str.extract(r"^(\d{1,2}):(\d{2})(?::\d{2})?$").astype(float)
    wrong = times.notna() & parts[0].isna()
    if wrong.any():
        raise ValueError(f"a time of day should look like 09:35; phenotype has {times[wrong].iloc[0]!r}")
    return parts[0] * 60 + parts[1]
