"""The sealed key of an allocation opens the names of the groups, and its log says so."""

from __future__ import annotations

import contextlib
import io
import json
import secrets
import sys
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from analysis.datasets import read_study
from analysis.mimicry.__main__ import main
from analysis.mimicry.blinding import read_key
from experiments.allocation.actions import Given, assign
from experiments.allocation.creation import create
from experiments.allocation.files import Allocation, open_allocation
from experiments.allocation.keeper import Key, release, unseal
from experiments.allocation.settings import AllocationSettings
from experiments.dataset.sealed_key import WrongPassphrase
from experiments.dataset.tables import read_table

MakeStudy = Callable[..., Path]
PASSPHRASE = "five words that do not belong"
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=timezone(timedelta(hours=1)))
GIVEN = Given(by="keeper", now=NOW, reason="a test")


def run(*words: object) -> tuple[int, str, str]:
    out, err, status = io.StringIO(), io.StringIO(), 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["analysis.mimicry", *map(str, words), "--quick"])
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                main()
            except SystemExit as stop:
                status = int(stop.code or 0)
    return status, out.getvalue(), err.getvalue()


@pytest.fixture
def allocated(make: MakeStudy) -> tuple[Path, Key]:
    """Seven participants, of whom six were allocated to two groups."""
    study = make(n_participants=7, n_trials=16, emg=False)
    settings = AllocationSettings(
        id=secrets.token_hex(8),
        groups=("naltrexone", "placebo"),
        ratio=(1, 1),
        strata={},
        n_in={"all": 6},
        simulated=True,
    )
    made, _ = create(
        study, settings, multiples=(1,), seed=1, passphrase=PASSPHRASE, given=GIVEN, scrypt_n=2**10
    )
    for number in range(1, 7):
        assign(made, f"{number:03}", {}, GIVEN)
    return study, Key(path=made.default_key, passphrase=PASSPHRASE)


@pytest.fixture
def phrase(tmp_path: Path) -> Path:
    (tmp_path / "phrase.txt").write_text(PASSPHRASE + "\n", encoding="utf-8")
    return tmp_path / "phrase.txt"


def test_names_come_from_the_sealed_key_and_the_log_says_who_asked(
    allocated: tuple[Path, Key], phrase: Path
) -> None:
    study, key = allocated
    opened = open_allocation(study)
    release(opened, key, GIVEN)
    status, said, error = run(
        study, "--unblind", key.path, "--passphrase-file", phrase, "--by", "CB", "--json"
    )
    assert status == 0, error
    summary = json.loads(said.splitlines()[-1])
    assert summary["unblinded"] is True
    page = Path(summary["report"]).read_text(encoding="utf-8")
    rows, _ = unseal(opened, key, GIVEN)
    names = {row["blind_code"]: row["group"] for row in rows}
    assert f"unblinded: A = {names['A']}, B = {names['B']}" in page
    # everybody is in the group that was in the package; who was not allocated stays without
    study_read = read_study(study)
    codes = read_table(study / "participants.tsv")
    given = {row["participant"]: row["group"] for row in rows if row["participant"]}
    assert {row["participant_id"]: names.get(row["group"]) for row in codes} == {
        f"sub-{number:03}": given.get(f"{number:03}") for number in range(1, 8)
    }
    assert study_read.participants["group"].isna().sum() == 1
    actions = [(entry.action, entry.by) for entry in opened.log.entries()]
    assert ("unblind", "CB") in actions
    assert opened.problems() == []


def test_without_the_key_it_stays_blind(allocated: tuple[Path, Key]) -> None:
    study, key = allocated
    release(open_allocation(study), key, GIVEN)
    status, said, error = run(study, "--json")
    assert status == 0, error
    page = Path(json.loads(said.splitlines()[-1])["report"]).read_text(encoding="utf-8")
    assert "A (n = 3), B (n = 3)" in page
    assert "naltrexone" not in page


def test_a_wrong_passphrase_is_refused_and_logged(allocated: tuple[Path, Key], tmp_path: Path) -> None:
    study, key = allocated
    release(open_allocation(study), key, GIVEN)
    (tmp_path / "wrong.txt").write_text("something else entirely", encoding="utf-8")
    status, _, error = run(study, "--unblind", key.path, "--passphrase-file", tmp_path / "wrong.txt")
    assert status == 2
    assert "does not open the sealed key" in error
    assert open_allocation(study).log.entries()[-1].action == "unblind refused: wrong passphrase"
    assert not list((study / "derivatives").rglob("*unblinded*"))
    with pytest.raises(WrongPassphrase):
        read_key(key.path, read_study(study), passphrase_file=tmp_path / "wrong.txt")


def test_before_the_release_there_is_nothing_to_name(allocated: tuple[Path, Key], phrase: Path) -> None:
    study, key = allocated
    status, _, error = run(study, "--unblind", key.path, "--passphrase-file", phrase)
    assert status == 2
    assert "no participant of" in error
    assert "release --reason" in error
    assert [entry.action for entry in open_allocation(study).log.entries()] == ["create", *["assign"] * 6]


def test_the_key_of_another_study_is_refused(
    allocated: tuple[Path, Key], phrase: Path, tmp_path: Path
) -> None:
    study, key = allocated
    release(open_allocation(study), key, GIVEN)
    other: Allocation = create(
        tmp_path / "other",
        AllocationSettings(id="1", groups=("a", "b"), ratio=(1, 1), strata={}, n_in={"all": 2}),
        multiples=(1,),
        passphrase=PASSPHRASE,
        given=GIVEN,
        scrypt_n=2**10,
    )[0]
    status, _, error = run(study, "--unblind", other.default_key, "--passphrase-file", phrase)
    assert status == 2
    assert "key of another allocation" in error


def test_a_passphrase_without_a_key_is_wrong_input(allocated: tuple[Path, Key], phrase: Path) -> None:
    status, _, error = run(allocated[0], "--passphrase-file", phrase)
    assert status == 2
    assert "give --unblind as well" in error
