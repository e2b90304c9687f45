"""Table 1: what phenotype adds to the participants, its tests, and what happens when it is not there."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.mimicry.guesses import guess_sentences, guess_tables, judge_guesses
from analysis.mimicry.measurements import known_guesses, measure_participants
from analysis.mimicry.sample import describe_sample, sample_table
from analysis.report.table import formatted_rows


def people(groups: str = "AABB", **columns: list) -> pd.DataFrame:
    table = pd.DataFrame({"participant": [str(i + 1) for i in range(len(groups))], "group": list(groups)})
    return table.assign(**columns)


def session(**columns: list) -> dict[str, pd.DataFrame]:
    n = len(next(iter(columns.values())))
    return {"session": pd.DataFrame({"participant": [str(i + 1) for i in range(n)], **columns})}


def test_without_phenotype_participants_stay_as_they_are() -> None:
    table = people(age=[20.0, 21.0, 22.0, 23.0])
    pd.testing.assert_frame_equal(measure_participants(table), table)


def test_mood_changes_are_first_minus_second_in_both_layouts() -> None:
    wide = pd.DataFrame(
        {"participant": ["1", "2"], "positive_affect_t1": [30, 28], "positive_affect_t2": [25, 29]}
    )
    long = pd.DataFrame(
        {
            "participant": ["1", "1", "2", "2"],
            "time": ["t1", "t2", "t2", "t1"],
            "positive_affect": [30, 25, 29, 28],
        }
    )
    for panas in (wide, long):
        measured = measure_participants(people("AB"), {"panas": panas})
        assert measured["positive_affect_change"].tolist() == [5, -1]
        assert "negative_affect_change" not in measured


def test_a_missing_second_questionnaire_leaves_the_participant_out_of_one_test() -> None:
    panas = pd.DataFrame(
        {
            "participant": list("1234"),
            "positive_affect_t1": [30.0, 31.0, 32.0, 34.0],
            "positive_affect_t2": [29.0, np.nan, 30.0, 29.0],
        }
    )
    described = describe_sample(people("AABB", age=[1, 2, 3, 5]), measured=[], phenotype={"panas": panas})
    row = described.set_index("characteristic").loc["PANAS+ (t1–t2)"]
    assert row[["A", "B", "all"]].tolist() == ["1.0", "3.5 (2.1)", "2.7 (2.1)"]
    assert pd.isna(row["test"])  # a group of one has no variance


def test_hours_and_body_mass_are_computed_where_they_are_not_given() -> None:
    measured = measure_participants(
        people("AB"),
        session(
            pill_time=["09:30", "22:00"],
            task_start=["13:42", "01:30"],
            weight_kg=[60, 80],
            height_cm=[165, 180],
        ),
    )
    assert measured["hours_since_pill"].round(2).tolist() == [4.2, 3.5]
    assert measured["bmi"].round(1).tolist() == [22.0, 24.7]


def test_a_time_of_day_that_is_none_is_named() -> None:
    with pytest.raises(ValueError, match="should look like 09:35; phenotype has 'noon'"):
        measure_participants(people("AB"), session(pill_time=["noon", "9:00"], task_start=["13:00", "13:00"]))


def test_two_rows_of_one_participant_are_refused() -> None:
    twice = {"session": pd.DataFrame({"participant": ["1", "1"], "bmi": [20.0, 21.0]})}
    with pytest.raises(ValueError, match=r"session\.tsv has two rows of 1"):
        measure_participants(people("AB"), twice)
    panas = pd.DataFrame({"participant": ["1", "1"], "time": ["t1", "t1"], "positive_affect": [1, 2]})
    with pytest.raises(ValueError, match="twice at the same time"):
        measure_participants(people("AB"), {"panas": panas})


def test_all_rows_of_table_1_have_the_right_degrees_of_freedom() -> None:
    rng = np.random.default_rng(1)
    groups = np.repeat(["amisulpride", "naltrexone", "placebo"], [42, 44, 44])
    who = [f"{i:03d}" for i in range(130)]
    table = pd.DataFrame({"participant": who, "group": groups, "age": rng.normal(23, 4, 130)})
    table["sex"] = rng.permutation(["F"] * 87 + ["M"] * 43)
    phenotype = {
        "session": pd.DataFrame(
            {
                "participant": who,
                "bmi": rng.normal(22.6, 2.5, 130),
                "minutes_since_pill": rng.normal(252, 12, 130),
                "guess": rng.choice(["amisulpride", "naltrexone", "placebo"], 130, p=[0.25, 0.26, 0.49]),
                "nausea_t1": rng.integers(1, 3, 130),
                "nausea_t2": rng.integers(1, 3, 130),
            }
        ),
        "panas": pd.DataFrame(
            {
                "participant": who,
                **{
                    f"{sign}_affect_{t}": rng.normal(30, 5, 130)
                    for sign in ("positive", "negative")
                    for t in ("t1", "t2")
                },
            }
        ),
    }
    described = describe_sample(table, measured=who, phenotype=phenotype).set_index("characteristic")
    numbers = [
        "Age",
        "BMI",
        "Hours from pill",
        "PANAS+ (t1–t2)",
        "PANAS− (t1–t2)",
        "Nausea (t1)",
        "Nausea (t2)",
    ]
    assert described.index.tolist() == [
        *["N", "N with usable EMG", "Female", "Male"],
        *numbers[:5],
        *["Guess: amisulpride", "Guess: naltrexone", "Guess: placebo", "Right guesses"],
        *numbers[5:],
    ]
    assert described.loc[numbers, "test"].str.startswith("F(2, 127) = ").all()
    assert described.loc["Female", "test"].startswith("χ²(2) = ") and pd.isna(described.loc["Male", "test"])
    assert described.loc["Guess: amisulpride", "test"].startswith("χ²(4) = ")
    assert pd.isna(described.loc["Right guesses", "test"])
    as_paper = describe_sample(table, measured=who, phenotype=phenotype, as_paper=True)
    tests = as_paper.set_index("characteristic")["test"]
    assert tests[["Female", "Male", "Guess: placebo", "Right guesses"]].str.startswith("χ²(2) = ").all()
    assert formatted_rows(sample_table(described.reset_index()))[3][-2:] == ["", ""]


def test_numeric_group_codes_are_names() -> None:
    described = describe_sample(
        people("AABBCC", age=[1, 2, 3, 5, 8, 9]).replace({"group": {"A": 1, "B": 2, "C": 3}}), measured=[]
    )
    row = described.set_index("characteristic").loc["Age"]
    assert row["test"].startswith("F(2, 3)") and row["1"] == "1.5 (0.7)"


def test_guesses_are_compared_with_groups_only_when_they_are_known() -> None:
    guessed = session(guess=["placebo", " drug ", "Don't know", "drug"])
    blind = measure_participants(people("AABB"), guessed)
    assert blind["guess"].tolist() == ["placebo", "drug", "dont_know", "drug"]
    assert known_guesses(blind).empty
    named = people("AABB").replace({"group": {"A": "placebo", "B": "drug"}})
    assert len(known_guesses(measure_participants(named, guessed))) == 4
    coded = measure_participants(
        named, session(guess=["A", "B", "B", None]), group_names={"A": "placebo", "B": "drug"}
    )
    assert known_guesses(coded)["guess"].tolist() == ["placebo", "drug", "drug"]


def test_blind_guesses_are_tested_between_codes_and_not_called_right() -> None:
    found = judge_guesses(people("AB" * 20), session(guess=["placebo", "drug"] * 20))
    assert found.by_group.loc[0, "chi2"] == pytest.approx(40)
    assert found.per_group.empty and found.james.empty
    assert [table.name for table in guess_tables(found)] == ["guesses"]
    sentences = guess_sentences(found)
    assert len(sentences) == 1 and "answered differently" in sentences[0] and "p < 0.001" in sentences[0]


def test_a_study_without_guesses_says_nothing_about_them() -> None:
    for found in (judge_guesses(people(), {}), judge_guesses(people("AAAA"), session(guess=["placebo"] * 4))):
        assert not found.asked
        assert guess_sentences(found) == [] and guess_tables(found) == []


def test_everybody_guessing_the_same_is_said() -> None:
    found = judge_guesses(people("AABB"), session(guess=["placebo"] * 4))
    assert guess_sentences(found) == [
        "All participants guessed the same group, whatever they had been given."
    ]


def test_unblinded_guesses_have_indices_with_intervals() -> None:
    named = people("AB" * 30).replace({"group": {"A": "placebo", "B": "drug"}})
    found = judge_guesses(named, session(guess=["placebo"] * 50 + ["drug"] * 10))
    tables = {table.name: table for table in guess_tables(found)}
    assert list(tables) == ["guesses", "blinding"]
    assert found.per_group.loc["placebo", "bang"] > 0.5 > found.per_group.loc["drug", "bang"]
    assert (found.per_group["lower"] < found.per_group["bang"]).all()
    assert "no sign that anybody knew" in guess_sentences(found)[-1]


def test_numbers_that_are_nearly_all_the_same_are_marked() -> None:
    table = people("AABB" * 10)
    nausea = session(nausea_t1=[1] * 38 + [2, 3], nausea_t2=[1, 2] * 20)
    described = describe_sample(table, measured=list(table["participant"]), phenotype=nausea)
    marked = described.set_index("characteristic")["doubtful"]
    assert marked["Nausea (t1)"] is True and marked["Nausea (t2)"] is False
    assert sample_table(described).note == "F is doubtful where nearly all gave the same answer: Nausea (t1)."
