"""What experimenters do: the next package, the pill, dropouts and their replacements."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from experiments.allocation.actions import (
    assign,
    drop_out,
    record_pill,
    replace_package,
    replace_participant,
    write_note,
)
from experiments.allocation.files import Allocation, open_allocation
from experiments.allocation.keeper import Key, reveal
from experiments.allocation.register import count_strata

from .conftest import MORNING, at

Make = Callable[..., Allocation]


def packages(allocation: Allocation, stratum: str) -> list[str]:
    return [place.package for place in allocation.places if place.stratum == stratum]


def test_packages_are_given_in_the_order_of_each_stratum(make: Make) -> None:
    made = make()
    given = [
        assign(made, f"{number:03}", {"sex": sex}, at())[0]
        for number, sex in enumerate(["F", "M", "F", "f", " m "])
    ]
    assert [person.package for person in given if person.stratum == "F"] == packages(made, "F")[:3]
    assert [person.package for person in given if person.stratum == "M"] == packages(made, "M")[:2]


def test_nobody_is_allocated_twice(make: Make) -> None:
    made = make()
    person, _ = assign(made, "007", {"sex": "F"}, at())
    with pytest.raises(FileExistsError, match=f"007 has the package {person.package}"):
        assign(made, "007", {"sex": "M"}, at(1))
    assert len(made.log.entries()) == 2


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        ({}, "sex decides .* give --sex F"),
        ({"sex": "X"}, "one of F, M in this study; found 'X'"),
        ({"sex": "F", "site": "Vienna"}, "stratified by sex, and knows nothing of site"),
    ],
)
def test_a_stratum_that_is_not_known_is_refused(make: Make, levels: dict[str, str], message: str) -> None:
    made = make()
    with pytest.raises(ValueError, match=message):
        assign(made, "007", levels, at())
    assert len(made.log.entries()) == 1


def test_several_factors_and_none(make: Make, tmp_path: object) -> None:
    made = make(strata={"sex": ("F", "M"), "site": ("Vienna", "Basel")}, n=3)
    assert assign(made, "1", {"site": "basel", "sex": "M"}, at())[0].stratum == "M/Basel"
    with pytest.raises(ValueError, match=r"site decides .* --stratum site=Vienna"):
        assign(made, "2", {"sex": "M"}, at())
    alone = make(made.study.with_name("other"), strata={}, n=3)
    assert assign(alone, "1", {"sex": None}, at())[0].stratum == "all"


def test_a_list_that_is_used_up_says_so(make: Make) -> None:
    made = make(n=2)
    for number in range(2):
        assign(made, str(number), {"sex": "F"}, at())
    with pytest.raises(ValueError, match="stratum F is used up"):
        assign(made, "9", {"sex": "F"}, at())
    assert assign(made, "9", {"sex": "M"}, at())[0].stratum == "M"


def test_a_pill_is_written_down_once_and_corrected_with_a_reason(make: Make) -> None:
    made = make()
    with pytest.raises(ValueError, match="007 has no package yet"):
        record_pill(made, "007", MORNING, at())
    assign(made, "007", {"sex": "F"}, at())
    person, _ = record_pill(made, "007", MORNING, at(0.1, reason=None))
    assert person.pill == MORNING
    with pytest.raises(FileExistsError, match="--correct"):
        record_pill(made, "007", MORNING + timedelta(hours=1), at(1))
    with pytest.raises(ValueError, match="correction needs a reason"):
        record_pill(made, "007", MORNING + timedelta(hours=1), at(1, reason=None), correct=True)
    later, _ = record_pill(made, "007", MORNING + timedelta(hours=1), at(1), correct=True)
    assert later.pill == MORNING + timedelta(hours=1)
    assert [entry.action for entry in made.log.entries()] == ["create", "assign", "pill", "pill"]


def test_a_wrong_package_is_noticed_and_a_deviation_remembered(make: Make) -> None:
    made = make()
    person, _ = assign(made, "007", {"sex": "F"}, at())
    own, other = packages(made, "F")[:2]
    with pytest.raises(ValueError, match=f"WRONG PACKAGE: participant 007 gets {own}, not {other}"):
        record_pill(made, "007", MORNING, at(), package=other)
    with pytest.raises(ValueError, match="a character is wrong"):
        record_pill(made, "007", MORNING, at(), package=other[1] + other[0] + other[2:])
    person, _ = record_pill(made, "007", MORNING, at(), package=other.lower(), deviation=True)
    assert person.deviates
    # the package that was taken by mistake goes to nobody else
    assert assign(made, "008", {"sex": "F"}, at())[0].package == packages(made, "F")[2]
    assert count_strata(made.register(), made.settings.n_in)[0]["deviations"] == 1


def test_the_right_package_is_confirmed(make: Make) -> None:
    made = make()
    own = assign(made, "007", {"sex": "F"}, at())[0].package
    person, _ = record_pill(made, "007", MORNING, at(), package=own.replace("-", "").lower())
    assert person.taken_package == own
    assert not person.deviates


def test_the_next_place_replaces_a_dropout(make: Make) -> None:
    made = make()
    assign(made, "007", {"sex": "F"}, at())
    with pytest.raises(ValueError, match="has not left the study"):
        replace_participant(made, "007", "045", "next", at(1))
    with pytest.raises(ValueError, match="dropout needs a reason"):
        drop_out(made, "007", at(1, reason=" "))
    drop_out(made, "007", at(1))
    person, _ = replace_participant(made, "007", "045", "next", at(2))
    assert person.package == packages(made, "F")[1]
    assert person.replaces == "007"
    assert made.register().person("007").replaced_by == "045"
    with pytest.raises(FileExistsError, match="replaced by 045 already"):
        replace_participant(made, "007", "046", "next", at(3))
    with pytest.raises(FileExistsError, match="dropout already"):
        drop_out(made, "007", at(3))
    with pytest.raises(ValueError, match="has left the study"):
        record_pill(made, "007", MORNING, at(3))


def test_a_replacement_in_the_same_group_is_in_the_same_group(
    make: Make, key: Callable[[Allocation], Key]
) -> None:
    made = make(replacement_packages=1)
    for number in range(6):
        assign(made, f"1{number}", {"sex": "M"}, at())
        drop_out(made, f"1{number}", at(1))
        replace_participant(made, f"1{number}", f"2{number}", "same-group", at(2))
    for number in range(6):
        gone = reveal(made, f"1{number}", key(made), at(3))
        newcomer = reveal(made, f"2{number}", key(made), at(3))
        assert newcomer.group == gone.group
        assert newcomer.package != gone.package
    # it is not another place of the list
    assert count_strata(made.register(), made.settings.n_in)[1]["packages_left"] == 6
    drop_out(made, "20", at(4))
    with pytest.raises(ValueError, match=r"no replacement package .* \(--policy next\)"):
        replace_participant(made, "20", "30", "same-group", at(5))
    assert replace_participant(made, "20", "30", "next", at(5))[0].package == packages(made, "M")[6]


def test_a_lost_package_is_replaced_by_one_with_the_same_content(
    make: Make, key: Callable[[Allocation], Key]
) -> None:
    made = make()
    first = assign(made, "007", {"sex": "F"}, at())[0]
    before = reveal(made, "007", key(made), at())
    with pytest.raises(ValueError, match="another package needs a reason"):
        replace_package(made, "007", at(reason=None))
    person, _ = replace_package(made, "007", at(1))
    assert person.packages == (first.package, person.package)
    assert reveal(made, "007", key(made), at(2)).group == before.group
    record_pill(made, "007", MORNING, at(2), package=person.package)
    with pytest.raises(ValueError, match="has taken the pill already"):
        replace_package(made, "007", at(3))


def test_counts_per_stratum(make: Make) -> None:
    made = make()
    for number in range(3):
        assign(made, str(number), {"sex": "F"}, at())
    record_pill(made, "0", MORNING, at())
    drop_out(made, "1", at())
    replace_participant(made, "1", "9", "next", at())
    assert count_strata(open_allocation(made.study).register(), made.settings.n_in)[0] == {
        "stratum": "F",
        "planned": 12,
        "assigned": 4,
        "pill": 1,
        "dropouts": 1,
        "replaced": 1,
        "deviations": 0,
        "packages_left": 8,
    }


def test_notes_are_kept(make: Make) -> None:
    made = make()
    entry = write_note(made, "007 is male, was entered as F", at(reason=None), "007")
    assert entry.details == {"text": "007 is male, was entered as F", "participant": "007"}
    with pytest.raises(ValueError, match="nothing to write down"):
        write_note(made, "  ", at())
