"""The checklist of files that other parts of the suite wrote: a whole simulated day, and damaged files."""

from __future__ import annotations

import contextlib
import io
import json
import secrets
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from experiments.allocation.actions import Given, assign, drop_out, record_pill
from experiments.allocation.creation import create
from experiments.allocation.files import open_allocation
from experiments.allocation.settings import AllocationSettings
from experiments.allocation.times import now_here
from experiments.checklist.__main__ import main
from experiments.checklist.day import DAY, read_day
from experiments.checklist.facts import read_facts
from experiments.checklist.texts import read_texts
from experiments.checklist.ticks import read_ticks, tick, ticks_path
from experiments.dataset.bids import add_participant, create_study
from experiments.dataset.phenotype import add_measurement
from experiments.questionnaires.__main__ import main as questionnaires_main


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


def give(command: Callable[[], None], *words: object) -> Done:
    """Give a command in this process."""
    out, err, status = io.StringIO(), io.StringIO(), 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["command", *map(str, words)])
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                command()
            except SystemExit as end:
                status = int(end.code or 0)
    return Done(status, out.getvalue(), err.getvalue())


def looked(study: Path, *words: object) -> dict[str, dict[str, str]]:
    done = give(main, study, "--participant", "007", "--text", "--json", *words)
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout.splitlines()[-1])
    return {step["id"]: step for step in summary.pop("steps")} | {"": summary}


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "study"
    settings = AllocationSettings(
        id=secrets.token_hex(8),
        groups=("drug", "placebo"),
        ratio=(1, 1),
        strata={"sex": ("F", "M")},
        n_in={"F": 4, "M": 4},
        simulated=True,
    )
    given = Given(by="keeper", now=now_here() - timedelta(days=3))
    create(
        folder,
        settings,
        multiples=(2,),
        passphrase="five words that do not belong",
        given=given,
        scrypt_n=2**10,
    )
    yield folder


def test_a_simulated_day_is_followed_from_its_files(study: Path) -> None:
    assert looked(study)[""]["next_step"] == "consent"
    assert looked(study, "--done", "consent", "--by", "CB")[""]["next_step"] == "demographics"
    asked = give(
        questionnaires_main, study, "--participant", "007", "--time", "t1", "--simulate", "--seed", 1
    )
    assert asked.returncode == 0, asked.stderr
    assert looked(study)[""]["next_step"] == "allocation"
    given = Given(by="CB", now=now_here())
    person, _ = assign(open_allocation(study), "007", {"sex": "F"}, given)
    found = looked(study)
    assert person.package in found["allocation"]["detail"]
    record_pill(open_allocation(study), "007", given.now - timedelta(minutes=240), given)
    found = looked(study)
    assert found[""]["clock"]["kind"] == "in_window"  # type: ignore[index]
    assert found[""]["clock"]["minutes"] == pytest.approx(240, abs=1)  # type: ignore[index]
    assert found["panas_t2"]["state"] == "late"
    give(questionnaires_main, study, "--participant", "007", "--time", "t2", "--simulate", "--seed", 2)
    looked(study, "--done", "electrodes", "--done", "signals")
    assert looked(study)[""]["next_step"] == "task"
    from experiments.mimicry.__main__ import main as mimicry_main

    session = ("--participant", "007", "--simulate", "--trials", 4, "--practice", 0, "--seed", 3)
    done = give(mimicry_main, study, *session)
    assert done.returncode == 0, done.stderr
    found = looked(study)
    assert found["task"]["state"] == "done"
    assert "4 of 4 trials" in found["task"]["detail"]
    assert found[""]["next_step"] == "guess"
    give(questionnaires_main, study, "--participant", "007", "--time", "end", "--simulate", "--seed", 4)
    assert looked(study, "--done", "debrief")[""]["next_step"] is None
    assert found[""]["simulated"] is True


def test_an_unfinished_session_can_be_resumed(study: Path) -> None:
    folder = study / "sourcedata" / "sub-007"
    folder.mkdir(parents=True)
    record = {"date": now_here().isoformat(timespec="seconds"), "n_trials": 96}
    (folder / "session.json").write_text(json.dumps(record), encoding="utf-8")
    found = looked(study)["task"]
    assert found["state"] == "begun"
    assert "0 of 96 trials" in found["detail"]
    assert "--resume" in found["command"]


def test_the_sessions_own_check_of_the_signals_counts(study: Path) -> None:
    folder = study / "sourcedata" / "sub-007"
    folder.mkdir(parents=True)
    moment = now_here().isoformat(timespec="seconds")
    for check, state in (({"skipped": True}, "missed"), ({"checked": moment, "accepted": True}, "done")):
        record = {"date": moment, "n_trials": 96, "signal_check": check}
        (folder / "session.json").write_text(json.dumps(record), encoding="utf-8")
        assert looked(study)["signals"]["state"] == state


def test_ticks_are_only_added(tmp_path: Path) -> None:
    now = now_here()
    for done in (True, False, True):
        tick(tmp_path, "007", "consent", done=done, by="CB", now=now)
    tick(tmp_path, "007", "debrief", done=True, by="XY", now=now)
    tick(tmp_path, "007", "debrief", done=False, by="XY", now=now)
    assert set(read_ticks(tmp_path, "007")) == {"consent"}
    assert len(ticks_path(tmp_path, "007").read_text(encoding="utf-8").splitlines()) == 6
    # a crash left half a line behind
    with ticks_path(tmp_path, "007").open("a", encoding="utf-8") as file:
        file.write("2026-11-23T09")
    assert set(read_ticks(tmp_path, "007")) == {"consent"}
    tick(tmp_path, "007", "electrodes", done=True, by="CB", now=now)
    assert set(read_ticks(tmp_path, "007")) == {"consent", "electrodes"}
    with pytest.raises(ValueError, match="time zone"):
        tick(tmp_path, "007", "consent", done=True, by="CB", now=datetime(2026, 1, 1))


def test_ticks_do_not_make_a_participant_of_the_task(study: Path) -> None:
    """The session refuses ids that have left a trace; the checklist must not be one."""
    from experiments.mimicry.__main__ import main as mimicry_main

    looked(study, "--done", "consent")
    session = ("--participant", "007", "--simulate", "--trials", 4, "--practice", 0, "--seed", 3)
    assert give(mimicry_main, study, *session).returncode == 0


def test_data_that_came_otherwise_count_as_done(tmp_path: Path) -> None:
    study = tmp_path / "study"
    create_study(study, name="s", simulated=False)
    add_participant(study, "007")
    add_measurement(study, "panas", "007", {"positive_affect_t1": 30}, simulated=False)
    add_measurement(study, "session", "007", {"guess": "placebo", "bmi": 22.0}, simulated=False)
    facts = read_facts(study, "007", now_here())
    assert set(facts.forms) == {"panas_t1", "guess", "body"}
    assert not facts.has_allocation


def test_damaged_files_are_said_and_the_rest_is_shown(study: Path) -> None:
    log = study / "sourcedata" / "allocation" / "log.jsonl"
    assign(open_allocation(study), "007", {"sex": "F"}, Given(by="CB", now=now_here()))
    log.write_text(log.read_text(encoding="utf-8").replace('"007"', '"008"'), encoding="utf-8")
    folder = study / "sourcedata" / "sub-007"
    folder.mkdir(parents=True)
    (folder / "session.json").write_text("{", encoding="utf-8")
    (study / "sourcedata" / "checklist").mkdir()
    ticks_path(study, "007").write_text("nonsense\nmore\n", encoding="utf-8")
    problems = looked(study)[""]["problems"]
    assert any("entry 2 (assign) was changed" in problem for problem in problems)
    assert any("session.json cannot be read" in problem for problem in problems)
    assert any("expected the columns" in problem for problem in problems)


def test_a_dropout_is_shown(study: Path) -> None:
    given = Given(by="CB", now=now_here(), reason="moved")
    assign(open_allocation(study), "007", {"sex": "F"}, given)
    drop_out(open_allocation(study), "007", given)
    assert "left the study" in looked(study)[""]["clock"]["words"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere", "--participant", "007"], "there is no folder nowhere"),
        ([".", "--participant", "0-7"], "letters and digits"),
        ([".", "--participant", "007", "--language", "fr"], "choose de, en"),
        ([".", "--participant", "007", "--day", "none.toml"], "no file of steps"),
        ([".", "--participant", "007", "--done", "task"], "task is not a step that is ticked"),
        ([], ""),
    ],
)
def test_wrong_input_is_answered(words: list[str], message: str) -> None:
    done = give(main, *words, *(["--text"] if words else []))
    assert done.returncode == 2
    assert message in done.stderr
    assert not Path("sourcedata").exists()


def test_without_a_screen_it_is_text(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("elsewhere there is always a screen")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    done = give(main, study, "--participant", "007", "--language", "de")
    assert done.returncode == 0
    assert done.stdout.startswith("Checkliste, Person 007 (SIMULIERT)")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("[[step]]\nid = 'a'\n", "kind is one of"),
        ("[[step]]\nkind = 'tick'\n", "needs an id"),
        ("[[step]]\nid = 'a'\nkind = 'tick'\nfrom = 'x'\n", "which is unknown"),
        ("[[step]]\nid = 'a'\nkind = 'form'\n", "says which"),
        ("[[step]]\nid = 'a'\nkind = 'wait'\n", "needs its window"),
        ("[[step]]\nid = 'a'\nkind = 'tick'\nwindow = 'noon'\n", "window is one of"),
        ("[[step]]\nid = 'a'\nkind = 'tick'\nbefore = 'b'\n", "which is not a step"),
        ("[[step]]\nid = 'a'\nkind = 'tick'\n" * 2, "more than once"),
        ("step = 3", "needs steps"),
        ("step = [", "is not a file of steps"),
    ],
)
def test_days_that_cannot_be_are_refused(tmp_path: Path, change: str, message: str) -> None:
    (tmp_path / "day.toml").write_text(change, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        read_day(tmp_path / "day.toml")


def test_a_day_of_ones_own(study: Path, tmp_path: Path) -> None:
    day = tmp_path / "day.toml"
    day.write_text("[[step]]\nid = 'coffee'\nkind = 'tick'\nlabel = 'Coffee offered'\n", encoding="utf-8")
    found = looked(study, "--day", day)
    assert found["coffee"]["label"] == "Coffee offered"
    assert list(found) == ["coffee", ""]


def test_languages_have_all_texts_of_all_steps(tmp_path: Path) -> None:
    for language in ("en", "de"):
        texts = read_texts(language)
        assert {step.id for step in read_day(DAY)} <= set(texts.steps)
    english = (Path(DAY).parent.parent / "texts" / "english.toml").read_text(encoding="utf-8")
    for old, new, message in (
        ('until = "at {time}, in {duration}"', 'until = "at {hour}"', "braces that cannot be filled"),
        ('open = "to do"', "", "lacks open; in English it is 'to do'"),
        ('code = "en"', "", "expected a language code"),
    ):
        (tmp_path / "mine.toml").write_text(english.replace(old, new), encoding="utf-8")
        with pytest.raises(ValueError, match=message):
            read_texts(str(tmp_path / "mine.toml"))
