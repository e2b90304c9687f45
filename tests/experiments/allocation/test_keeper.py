"""The keeper's side: made once, opened with a reason, and everything that was changed is found."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from experiments.allocation.actions import assign, record_pill
from experiments.allocation.creation import read_seed
from experiments.allocation.files import Allocation, open_allocation
from experiments.allocation.keeper import (
    Key,
    accept_damage,
    release,
    reveal,
    unseal,
    verify,
    write_list,
)
from experiments.dataset.bids import add_participant
from experiments.dataset.sealed_key import WrongPassphrase
from experiments.dataset.tables import read_table

from .conftest import MORNING, PASSPHRASE, at

Make = Callable[..., Allocation]
KeyOf = Callable[[Allocation], Key]


def public_files(allocation: Allocation) -> dict[str, bytes]:
    folder = allocation.study
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def rewrite(path: Path, old: str, new: str) -> None:
    content = path.read_text(encoding="utf-8")
    assert old in content
    path.write_text(content.replace(old, new), encoding="utf-8", newline="\n")


def test_a_list_is_drawn_once(make: Make) -> None:
    made = make()
    before = public_files(made)
    with pytest.raises(FileExistsError, match="drawn once"):
        make()
    assert public_files(made) == before
    assert not list(made.study.rglob("*unfinished*"))


def test_the_same_seed_gives_the_same_groups_but_never_the_same_codes(
    make: Make, key: KeyOf, tmp_path: Path
) -> None:
    first, again, other = (make(tmp_path / name, seed=seed) for name, seed in (("a", 5), ("b", 5), ("c", 6)))
    lists = [unseal(made, key(made), at())[0] for made in (first, again, other)]
    groups = [[row["group"] for row in rows] for rows in lists]
    assert groups[0] == groups[1] != groups[2]
    assert not {row["package"] for row in lists[0]} & {row["package"] for row in lists[1]}


def test_nothing_on_the_experimenters_computer_tells_a_group(make: Make, tmp_path: Path) -> None:
    """Even one who has the files and the seeds of all others: what is public does not depend on the seed."""
    made = make(tmp_path / "one", seed=1)
    text = b"".join(public_files(made).values()).decode()
    for word in ("block", "multiples", "seed", f"{1:064x}"):
        assert word not in text.replace("sealed", "")
    # the same settings with other seeds: the public files have the same form, place for place
    other = make(tmp_path / "two", seed=2)
    sizes = [{name: len(content) for name, content in public_files(made).items()} for made in (made, other)]
    assert sizes[0].keys() == sizes[1].keys()
    assert {k: v for k, v in sizes[0].items() if k != "log.jsonl"} == {
        k: v for k, v in sizes[1].items() if k != "log.jsonl"
    }


def test_codes_are_independent_of_groups(make: Make, key: KeyOf, tmp_path: Path) -> None:
    made = make(tmp_path / "large", n=900, multiples=(2, 3))
    rows = [row for row in unseal(made, key(made), at())[0] if row["replacement"] == 0]
    for place in range(7):
        table = Counter((row["package"][place], row["group"]) for row in rows)
        characters = sorted({character for character, _ in table})
        groups = sorted({group for _, group in table})
        counts = np.array([[table[character, group] for group in groups] for character in characters])
        expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0) / counts.sum()
        df = (len(characters) - 1) * (len(groups) - 1)
        assert ((counts - expected) ** 2 / expected).sum() <= df + 6.5 * np.sqrt(
            2 * df
        )  # by chance once in a million


def test_blind_codes_do_not_follow_the_order_of_the_groups(make: Make, key: KeyOf, tmp_path: Path) -> None:
    seen = set()
    for number in range(20):
        made = make(tmp_path / str(number), n=3, seed=7)
        rows = unseal(made, key(made), at())[0]
        seen.add(tuple(sorted({(row["group"], row["blind_code"]) for row in rows})))
    assert len(seen) > 2


def test_a_wrong_passphrase_is_refused_and_logged(make: Make) -> None:
    made = make()
    assign(made, "007", {"sex": "F"}, at())
    with pytest.raises(WrongPassphrase):
        reveal(made, "007", Key(path=made.default_key, passphrase="something else entirely"), at(by="XY"))
    last = made.log.entries()[-1]
    assert last.action == "reveal refused: wrong passphrase"
    assert (last.by, last.details) == ("XY", {"participant": "007", "reason": "a test"})
    assert last.signature is None


def test_reveal_shows_one_participant_and_is_logged_with_its_reason(make: Make, key: KeyOf) -> None:
    made = make()
    person, _ = assign(made, "007", {"sex": "F"}, at())
    with pytest.raises(ValueError, match="needs a reason"):
        reveal(made, "007", key(made), at(reason=None))
    with pytest.raises(ValueError, match="has no package"):
        reveal(made, "999", key(made), at())
    assert [entry.action for entry in made.log.entries()] == ["create", "assign"]
    found = reveal(made, "007", key(made), at(by="doctor", reason="rash"))
    rows = unseal(made, key(made), at())[0]
    assert found.group == next(row["group"] for row in rows if row["package"] == person.package)
    entry = made.log.entries()[2]
    assert (entry.action, entry.by, entry.details["reason"]) == ("reveal", "doctor", "rash")
    assert found.group not in json.dumps([entry.details for entry in made.log.entries()])


def test_reveal_says_what_was_really_taken(make: Make, key: KeyOf) -> None:
    made = make(ratio=(1, 1), groups=("drug", "placebo"), multiples=(1,), n=2)
    assign(made, "007", {"sex": "F"}, at())
    other = [place.package for place in made.places if place.stratum == "F"][1]
    record_pill(made, "007", MORNING, at(), package=other, deviation=True)
    found = reveal(made, "007", key(made), at())
    assert {found.group, found.taken_group} == {"drug", "placebo"}
    assert found.taken_package == other


def test_released_codes_stand_for_the_groups(make: Make, key: KeyOf) -> None:
    made = make()
    for number in range(8):
        assign(made, f"{number:03}", {"sex": "FM"[number % 2]}, at())
        if number < 6:
            add_participant(made.study, f"{number:03}", age=20 + number, sex="FM"[number % 2])
    codes, missing, _ = release(made, key(made), at())
    assert missing == ["006", "007"]
    rows = {row["participant_id"]: row for row in read_table(made.study / "participants.tsv")}
    assert {f"sub-{name}": code for name, code in codes.items()} == {
        label: row["group"] for label, row in rows.items()
    }
    assert rows["sub-003"]["age"] == "23"
    names = {row["participant"]: row for row in unseal(made, key(made), at())[0] if row["participant"]}
    assert all(names[name]["blind_code"] == code for name, code in codes.items())
    # those who came later are filled in; nothing else changes
    add_participant(made.study, "006")
    assert release(made, key(made), at())[1] == ["007"]
    again = {row["participant_id"]: row for row in read_table(made.study / "participants.tsv")}
    assert {label: again[label] for label in rows} == rows


def test_a_group_that_was_typed_in_is_not_overwritten(make: Make, key: KeyOf) -> None:
    made = make()
    assign(made, "007", {"sex": "F"}, at())
    add_participant(made.study, "007", group="Z")
    before = (made.study / "participants.tsv").read_bytes()
    with pytest.raises(ValueError, match="has the group Z for sub-007"):
        release(made, key(made), at())
    assert (made.study / "participants.tsv").read_bytes() == before


def test_the_unsealed_list_is_whole_and_stays_out_of_the_study(
    make: Make, key: KeyOf, tmp_path: Path
) -> None:
    made = make(replacement_packages=1)
    rows, _ = unseal(made, key(made), at())
    assert len(rows) == 2 * 12 * 2
    assert len({row["package"] for row in rows}) == len(rows)
    for pair in range(0, len(rows), 2):
        assert rows[pair]["group"] == rows[pair + 1]["group"]
    write_list(tmp_path / "packing.tsv", rows, study=made.study)
    assert len(read_table(tmp_path / "packing.tsv")) == len(rows)
    with pytest.raises(ValueError, match="in the study's folder"):
        write_list(made.study / "sourcedata" / "packing.tsv", rows, study=made.study)
    with pytest.raises(FileExistsError, match="not written over"):
        write_list(tmp_path / "packing.tsv", rows, study=made.study)


def test_the_key_may_lie_elsewhere_and_belongs_to_its_study(make: Make, key: KeyOf, tmp_path: Path) -> None:
    one, two = make(tmp_path / "one"), make(tmp_path / "two")
    elsewhere = tmp_path / "stick" / "mine.sealed"
    elsewhere.parent.mkdir()
    one.default_key.rename(elsewhere)
    assert verify(one, Key(path=elsewhere, passphrase=PASSPHRASE), at()) == []
    with pytest.raises(ValueError, match="key of another allocation"):
        unseal(two, Key(path=elsewhere, passphrase=PASSPHRASE), at())
    with pytest.raises(FileNotFoundError, match="no sealed key"):
        unseal(one, key(one), at())


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("packages.tsv", "F\t1\t", "F\t9\t", "packages.tsv was changed"),
        ("allocation.json", '"tolerance_min": 30.0', '"tolerance_min": 90.0', "allocation.json was changed"),
        ("log.jsonl", '"participant": "007"', '"participant": "008"', "was changed after it was written"),
    ],
)
def test_changed_files_stop_the_study_until_the_keeper_accepts(
    make: Make, key: KeyOf, name: str, old: str, new: str, message: str
) -> None:
    made = make()
    assign(made, "007", {"sex": "F"}, at())
    rewrite(made.folder / name, old, new)
    assert any(message in problem for problem in verify(open_allocation(made.study, check=False), None, at()))
    with pytest.raises(ValueError, match="not as it was written"):
        open_allocation(made.study)
    damaged = open_allocation(made.study, check=False)
    with pytest.raises(WrongPassphrase):
        accept_damage(damaged, Key(path=made.default_key, passphrase="not the passphrase"), at())
    found, _ = accept_damage(damaged, key(made), at(1, reason="asked CB, a typing error"))
    assert any(message in problem for problem in found)
    going_on = open_allocation(made.study)
    assert assign(going_on, "050", {"sex": "F"}, at(2))[0].package
    rewrite(made.folder / "log.jsonl", '"participant": "050"', '"participant": "051"')
    with pytest.raises(ValueError, match="entry"):
        open_allocation(made.study)


def test_with_the_key_the_list_is_drawn_again_and_compared(make: Make, key: KeyOf) -> None:
    made = make()
    assert verify(made, key(made), at()) == []
    assert verify(made, None, at(), receipts=(made.log.entries()[0].receipt,)) == []
    assert verify(made, None, at(), receipts=("3-00000000",)) != []


def test_another_list_of_packages_is_found_even_when_the_log_was_made_to_fit(make: Make, key: KeyOf) -> None:
    """Somebody swaps two packages, and writes the whole log anew so that the chain is whole."""
    made = make()
    from experiments.allocation.files import file_hash
    from experiments.dataset.chained_log import ChainedLog

    path = made.folder / "packages.tsv"
    first, second = made.places[0].package, made.places[1].package
    content = path.read_text(encoding="utf-8").replace(first, "?").replace(second, first).replace("?", second)
    path.write_text(content, encoding="utf-8", newline="\n")
    entry = made.log.entries()[0]
    made.log.path.unlink()
    hashes = {**entry.details["sha256"], "packages.tsv": file_hash(path)}
    forged = ChainedLog(made.log.path)
    forged.append(entry.action, by=entry.by, now=entry.time, details={**entry.details, "sha256": hashes})
    without_key = open_allocation(made.study)
    assert verify(without_key, None, at()) == []
    problems = verify(without_key, key(made), at())
    assert "the log's first entry was not signed with the sealed key" in problems
    assert "packages.tsv is not the one that was sealed" in problems


def test_seeds_that_could_be_guessed_are_refused() -> None:
    assert read_seed("0x" + "ab" * 16) == int("ab" * 16, 16)
    for text, message in (("20230706", "at least 32"), ("hello", "hexadecimal"), ("", "hexadecimal")):
        with pytest.raises(ValueError, match=message):
            read_seed(text)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"groups": ("drug",), "ratio": (1,)}, "two groups or more"),
        ({"groups": ("drug", "Drug", "x")}, "different names"),
        ({"ratio": (1, 1)}, "one whole number from 1 per group"),
        ({"ratio": (2, 2, 2)}, "lowest terms"),
        ({"strata": {"sex": ("F", "f")}}, "must differ"),
        ({"strata": {"site": ("a/b",)}}, "no '/'"),
        ({"n": 0}, "at least one participant"),
        ({"multiples": ()}, "block sizes"),
        ({"multiples": (2, 2)}, "block sizes"),
        ({"multiples": (0, 1)}, "block sizes"),
        ({"tolerance_min": -1.0}, "is not a window"),
        ({"pill_to_task_min": 20.0}, "is not a window"),
        ({"replacement_packages": -1}, "0 or more"),
    ],
)
def test_settings_that_cannot_be_are_refused(make: Make, tmp_path: Path, changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(tmp_path / "refused", **changes)
    assert not (tmp_path / "refused").exists()
