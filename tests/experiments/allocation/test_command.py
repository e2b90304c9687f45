"""The commands, as experimenter and keeper type them."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from experiments.allocation.__main__ import main
from experiments.allocation.files import open_allocation
from experiments.dataset.bids import add_participant
from experiments.dataset.tables import read_table

ROOT = Path(__file__).resolve().parent.parent.parent.parent
PASSPHRASE = "five words that do not belong"
GROUPS = ("amisulpride", "naltrexone", "placebo")


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Done]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Give a command, in this process, as starting another takes most of the time."""
    phrase = tmp_path_factory.mktemp("phrase") / "phrase.txt"
    phrase.write_text(PASSPHRASE + "\n", encoding="utf-8")

    def run(study: Path, *words: object, key: bool = False) -> Done:
        more = ["--passphrase-file", phrase] if key else []
        out, err, status = io.StringIO(), io.StringIO(), 0
        with pytest.MonkeyPatch.context() as patch:
            patch.delenv("COUNTENANCE_PASSPHRASE", raising=False)
            patch.setattr(sys, "argv", ["allocation", *map(str, [study, *words, *more])])
            patch.setattr(sys, "stdin", io.StringIO())
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                try:
                    main()
                except SystemExit as end:
                    status = int(end.code or 0)
        return Done(status, out.getvalue(), err.getvalue())

    yield run


@pytest.fixture(scope="module")
def study(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("allocated") / "study"
    done = run(folder, "create", "--groups", ",".join(GROUPS), "--n", 12, "--n-in", "M=6", "--json", key=True)
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout.splitlines()[-1])
    assert summary["places"] == 18
    assert 0.4 < summary["best_guesses"] < 0.7
    return folder


def test_a_day_at_the_desk(run: Run, study: Path) -> None:
    said = []

    def give(*words: object) -> dict[str, object]:
        who = [] if words[0] == "status" else ["--by", "CB"]
        done = run(study, *words, *who, "--json")
        assert done.returncode == 0, done.stderr
        said.append(done.stdout)
        return json.loads(done.stdout.splitlines()[-1])

    first = give("assign", "--participant", "007", "--sex", "F")
    assert first["package"] == open_allocation(study).places[0].package
    assert str(first["package"]) in said[-1].splitlines()[2]
    give("pill", "--participant", "007", "--package", first["package"])
    give("note", "sneezed twice", "--participant", "007")
    give("assign", "--participant", "008", "--sex", "m")
    give("dropout", "--participant", "008", "--reason", "moved away")
    newcomer = give("replace", "--participant", "008", "--with", "009", "--policy", "same-group")
    assert newcomer["replaces"] == "008"
    lost = give("replace", "--participant", "009", "--lost-package", "--reason", "fell into the sink")
    assert lost["package"] not in (newcomer["package"], first["package"])
    status = give("status")
    assert [row["assigned"] for row in status["strata"]] == [1, 2]  # type: ignore[attr-defined]
    assert give("status", "--participant", "007")["minutes_since_pill"] == pytest.approx(0, abs=2)
    # nothing that an experimenter sees names a group, but for the ratio of all
    seen = "".join(said).replace("Ratio of the groups: amisulpride 1, naltrexone 1, placebo 1.", "")
    assert not any(group in seen for group in GROUPS)
    log = (study / "sourcedata" / "allocation" / "log.jsonl").read_text(encoding="utf-8")
    assert not any(group in log for group in GROUPS)
    assert log.count('"by": "CB"') == 7


def test_the_keepers_commands(run: Run, study: Path, tmp_path: Path) -> None:
    run(study, "assign", "--participant", "100", "--sex", "F")
    add_participant(study, "100")
    listed = run(study, "unseal", "--reason", "packing", "--out", tmp_path / "list.tsv", key=True)
    assert listed.returncode == 0, listed.stderr
    rows = {row["participant"]: row for row in read_table(tmp_path / "list.tsv")}
    shown = run(study, "reveal", "--participant", "100", "--reason", "rash", "--json", key=True)
    assert json.loads(shown.stdout.splitlines()[-1])["group"] == rows["100"]["group"]
    assert run(study, "release", "--reason", "blind analysis", key=True).returncode == 0
    assert rows["100"]["blind_code"] in {row["group"] for row in read_table(study / "participants.tsv")}
    again = run(study, "reveal", "--participant", "100", "--reason", "rash", key=True)
    assert "blind codes of the groups were released" in again.stdout
    assert "should not do the blind analysis" in run(study, "release", "--reason", "more", key=True).stdout
    checked = run(study, "verify", "--with-key", key=True)
    assert checked.returncode == 0, checked.stdout
    assert "Nothing was changed" in checked.stdout


def test_a_wrong_passphrase_ends_with_2_and_stands_in_the_log(run: Run, study: Path, tmp_path: Path) -> None:
    (tmp_path / "wrong.txt").write_text("something else entirely\n", encoding="utf-8")
    words = ("unseal", "--reason", "curious", "--passphrase-file", tmp_path / "wrong.txt", "--by", "XY")
    done = run(study, *words)
    assert done.returncode == 2
    assert done.stderr.startswith("error: the passphrase does not open the sealed key")
    assert not any(group in done.stdout for group in GROUPS)
    last = open_allocation(study).log.entries()[-1]
    assert (last.action, last.by) == ("unseal refused: wrong passphrase", "XY")


def test_a_changed_log_stops_experimenters_not_an_emergency(run: Run, tmp_path: Path) -> None:
    study = tmp_path / "study"
    run(study, "create", "--groups", "drug,placebo", "--n", 4, "--no-strata", key=True)
    run(study, "assign", "--participant", "007")
    path = study / "sourcedata" / "allocation" / "log.jsonl"
    path.write_text(path.read_text(encoding="utf-8").replace('"007"', '"008"'), encoding="utf-8")
    refused = run(study, "assign", "--participant", "009")
    assert refused.returncode == 2
    assert "entry 2 (assign) was changed after it was written" in refused.stderr
    found = run(study, "verify")
    assert found.returncode == 1
    assert "entry 2 (assign)" in found.stdout
    urgent = run(study, "reveal", "--participant", "008", "--reason", "emergency", key=True)
    assert urgent.returncode == 0
    assert "warning: entry 2" in urgent.stderr
    assert run(study, "accept-damage", "--reason", "typing error of CB", key=True).returncode == 0
    assert run(study, "assign", "--participant", "009").returncode == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["assign", "--participant", "007"], "sex decides"),
        (["assign", "--participant", "0/7", "--sex", "F"], "letters and digits"),
        (["assign", "--participant", "7", "--stratum", "site"], "takes a factor and its level"),
        (["pill", "--participant", "999"], "has no package yet"),
        (["replace", "--participant", "999"], "--with ID"),
        (["dropout", "--participant", "999"], "needs a reason"),
        (["reveal", "--participant", "007"], "needs a reason"),
        (["unseal", "--reason", "x"], "passphrase"),
        (["create", "--groups", "a,b", "--n", 3], "passphrase"),
        (["create", "--groups", "a", "--n", 3], "two groups or more"),
        (["create", "--groups", "a,b"], "how many participants"),
        (["create", "--groups", "a,b", "--n", 3, "--ratio", "1;2"], "whole numbers"),
        (["create", "--groups", "a,b", "--n", 3, "--strata", "sex"], "a factor and its levels"),
        (["create", "--groups", "a,b", "--n-in", "X=3"], "and the strata are F, M; found"),
        (["create", "--groups", "a,b", "--n", 3, "--seed-file", "none.txt"], "no file with the seed"),
        (["unseal", "--reason", "x", "--key", "none"], "there is no sealed key"),
        (["frobnicate"], "No such command"),
    ],
)
def test_wrong_input_is_answered_without_a_traceback(
    run: Run, study: Path, words: list[object], message: str
) -> None:
    done = run(study, *words)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("option", ["--passphrase-file", "--seed-file"])
def test_a_file_that_is_not_utf_8_is_named(run: Run, tmp_path: Path, option: str) -> None:
    (tmp_path / "written.txt").write_bytes("ein Schl\u00fcssel, lang genug".encode("latin-1"))
    words = ["create", "--groups", "a,b", "--n", 3, option, tmp_path / "written.txt"]
    done = run(tmp_path / "study", *words)
    assert done.returncode == 2
    assert "written.txt is not in UTF-8 (byte 9 cannot be read): save it again" in done.stderr
    assert not (tmp_path / "study").exists()


def test_a_list_that_cannot_be_written_leaves_nothing_behind(run: Run, tmp_path: Path) -> None:
    words = ("create", "--groups", "a,b", "--n", 3, "--key", tmp_path / "no" / "where")
    done = run(tmp_path / "study", *words, key=True)
    assert done.returncode == 2
    assert "no folder" in done.stderr
    assert not (tmp_path / "study").exists()
    (tmp_path / "other").write_text("not a key", encoding="utf-8")
    run(tmp_path / "study", "create", "--groups", "a,b", "--n", 3, "--no-strata", key=True)
    done = run(tmp_path / "study", "unseal", "--reason", "x", "--key", tmp_path / "other", key=True)
    assert done.returncode == 2
    assert "is not a sealed key" in done.stderr


def test_a_study_without_allocation_is_told_how_to_make_one(run: Run, tmp_path: Path) -> None:
    done = run(tmp_path, "status")
    assert done.returncode == 2
    assert "create" in done.stderr


def test_help(run: Run, study: Path) -> None:
    done = run(study, "create", "--help")
    assert done.returncode == 0
    assert "--passphrase-file" in done.stdout


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo terminal")
def test_the_passphrase_is_asked_for_twice_and_not_shown(tmp_path: Path) -> None:
    words = ["create", "--groups", "drug,placebo", "--n", "4", "--no-strata"]
    code = (
        "import sys, os; os.environ.pop('COUNTENANCE_PASSPHRASE', None); "
        "from experiments.allocation.__main__ import main; "
        f"sys.argv = ['x', {str(tmp_path / 'study')!r}, *{words!r}]; main()"
    )
    status = subprocess.run(
        [sys.executable, "-c", _SPAWN, sys.executable, code, PASSPHRASE],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert status.returncode == 0, status.stdout + status.stderr
    assert "The list is drawn: 4 places" in status.stdout
    assert PASSPHRASE not in status.stdout


_SPAWN = """
import os, pty, sys
typed = [sys.argv[3], sys.argv[3]]
def read(descriptor):
    content = os.read(descriptor, 1024)
    if content.rstrip().endswith((b"(nothing is shown):", b"again:")) and typed:
        os.write(descriptor, typed.pop(0).encode() + b"\\n")
    return content
sys.exit(os.waitstatus_to_exitcode(pty.spawn([sys.argv[1], "-c", sys.argv[2]], read)))
"""
