"""The whole day on the twin: what is on disk, what goes on, what is refused; the dataset is valid."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from experiments.dataset.answers import (
    Administration,
    AnswerRow,
    begin_administration,
    read_administrations,
    which_counts,
)
from experiments.dataset.phenotype import add_measurement, update_phenotype
from experiments.dataset.rows import RowWriter, read_rows
from experiments.dataset.study import add_participant, create_study
from experiments.dataset.tables import read_table
from experiments.display import KeyPress
from experiments.display.pages import Layout, Page, PageInput, WindowClosed
from experiments.display.pages_simulated import SimulatedPages
from experiments.display.simulated import VirtualClock
from experiments.questionnaires import __main__ as command
from experiments.questionnaires.forms import read_form
from experiments.questionnaires.procedure import READING_S, Stage, put_form
from experiments.questionnaires.run import plan_forms
from experiments.questionnaires.tables import update_tables
from experiments.questionnaires.texts import read_texts
from experiments.stopping import SessionStopped

MORNING = datetime(2026, 11, 22, 9, 0, tzinfo=timezone(timedelta(hours=1)))


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr("sys.argv", ["questionnaires", *map(str, arguments)])
    try:
        command.main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


@pytest.fixture
def study(tmp_path: Path) -> Path:
    create_study(tmp_path / "study", name="Pilot", simulated=True)
    add_participant(tmp_path / "study", "007", age=24, sex="F")
    return tmp_path / "study"


class Script:
    """A respondent who presses what was planned for each page; `stop` breaks off there."""

    def __init__(
        self, presses: dict[str, Sequence[str]], *, default: str = "3", stop: str | None = None
    ) -> None:
        self.presses = {name: list(keys) for name, keys in presses.items()}
        self.default = default
        self.stop = stop
        self.seen: list[Page] = []

    def react(self, page: Page, layout: Layout, onset_s: float) -> Sequence[PageInput]:
        self.seen.append(page)
        if page.name == self.stop:
            raise KeyboardInterrupt
        if page.name in ("instruction", "end", "thanks"):
            keys = self.presses.pop(page.name, ["return"])
        else:
            keys = self.presses.pop(page.name, [self.default])
        return [KeyPress(key, onset_s + 0.5 + 0.1 * place) for place, key in enumerate(keys)]


def ask(
    study: Path,
    form: str,
    script: Script,
    *,
    time: str | None = None,
    at: datetime = MORNING,
    known: dict[str, str] | None = None,
    language: str = "en",
) -> Administration:
    """Put a questionnaire to a scripted respondent; what was begun goes on."""
    clock = VirtualClock()
    stage = Stage(
        display=SimulatedPages(clock, script),
        texts=read_texts(language),
        wall=lambda: at + timedelta(seconds=clock.now()),
        monotonic=clock.now,
    )
    one = which_counts(read_administrations(study, "007")).get(f"{form}_{time}" if time else form)
    if one is None or one.finished:
        content = read_form(form, language)
        record = {
            "time": time,
            "started": stage.wall().isoformat(),
            "order": [item.id for item in content.items],
            "order_kind": "fixed",
            "seed": None,
            "form": dict(content.content),
        }
        one = begin_administration(study, "007", record)
    put_form(one, stage, known=known or {})
    return which_counts(read_administrations(study, "007"))[one.label]


def row(study: Path, table: str) -> dict[str, str]:
    (only,) = read_table(study / "phenotype" / f"{table}.tsv")
    return only


def test_a_whole_day(
    study: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(study)
    for time in ("t1", "pill", "t2", "end"):
        assert (
            run(
                monkeypatch,
                study,
                "--participant",
                "007",
                "--time",
                time,
                "--simulate",
                "--seed",
                4,
                "--json",
            )
            == 0
        )
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert said["forms"] == {"guess": {"items": 1, "answered": 1, "finished": True}}
    assert not (study / "phenotype").exists(), "tables list only who is in participants.tsv"
    add_participant(study, "007", age=24, sex="F")
    assert run(monkeypatch, study, "--tables") == 0
    panas, session = row(study, "panas"), row(study, "session")
    assert 10 <= int(panas["positive_affect_t1"]) <= 50 or int(panas["positive_affect_n_missing_t1"]) > 0
    assert panas["minutes_since_pill_t2"] in ("0", "1"), "the pill was taken in the minute before"
    assert {"proud_t1", "proud_t2", "negative_affect_n_missing_t2", "remarks"} <= set(panas)
    assert float(session["bmi"]) > 10
    assert session["guess"] in ("amisulpride", "naltrexone", "placebo", "dont_know", "n/a")
    assert row(study, "demographics")["age"] != ""


def test_the_same_seed_gives_the_same_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = []
    for name in ("one", "two"):
        run(monkeypatch, tmp_path / name, "--participant", "1", "--time", "t1", "--simulate", "--seed", 8)
        given.append([one.answers for one in read_administrations(tmp_path / name, "1")])
    assert given[0] == given[1]


def test_every_answer_and_every_correction_is_a_row(study: Path) -> None:
    script = Script({"excited": ["backspace"]})
    one = ask(study, "panas", script, time="t1")
    actions = [(row.action, row.item, row.value) for row in one.rows]
    assert actions[:6] == [
        ("start", None, None),
        ("answer", "interested", "3"),
        ("answer", "distressed", "3"),
        ("back", "excited", None),
        ("answer", "distressed", "3"),
        ("answer", "excited", "3"),
    ]
    assert actions[-1] == ("finish", None, None)
    assert one.rows[1].response_time == pytest.approx(0.5, abs=0.06)
    assert one.rows[1].source == "keyboard"
    assert [page.progress for page in script.seen if page.name == "distressed"] == ["2 / 20", "2 / 20"]


def test_no_answer_is_explicit_counted_and_shown_at_the_end(study: Path) -> None:
    script = Script({"proud": ["right", "down", "return"], "alert": ["right", "down", "return"]})
    one = ask(study, "panas", script, time="t1")
    assert one.answers["proud"] is None
    end = next(page for page in script.seen if page.name == "end")
    assert "2 questions have no answer: numbers 10, 12" in end.text
    update_tables(study)
    table = row(study, "panas")
    assert (table["positive_affect_t1"], table["positive_affect_n_missing_t1"]) == ("n/a", "2")
    assert (table["negative_affect_t1"], table["proud_t1"], table["strong_t1"]) == ("30", "n/a", "3")


def test_from_the_end_one_gets_to_the_open_question_and_back(study: Path) -> None:
    script = Script({"proud": ["right", "down", "return"], "end": ["left", "return"]})
    one = ask(study, "panas", script, time="t1")
    names = [page.name for page in script.seen]
    assert names[-3:] == ["end", "proud", "end"]
    assert one.answers["proud"] == "3"
    assert [row.action for row in one.rows if row.item == "proud"] == ["no_answer", "answer"]


def test_a_double_click_does_not_answer_the_next_page(study: Path) -> None:
    class Hasty(Script):
        def react(self, page: Page, layout: Layout, onset_s: float) -> Sequence[PageInput]:
            early = KeyPress("5", onset_s + READING_S / 2)
            return [early, *super().react(page, layout, onset_s)]

    one = ask(study, "panas", Hasty({}, default="2"), time="t1")
    assert set(one.answers.values()) == {"2"}


def test_after_an_interruption_the_next_item_is_asked(study: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        ask(study, "panas", Script({}, stop="strong"), time="t1")
    (one,) = read_administrations(study, "007")
    assert not one.finished
    assert len(one.answers) == 4
    before = (one.folder / "answers.tsv").read_bytes()
    script = Script({}, default="1")
    whole = ask(study, "panas", script, time="t1", at=MORNING + timedelta(minutes=5))
    assert script.seen[0].name == "strong", "neither the instruction nor what was answered is shown again"
    assert whole.folder == one.folder
    assert (whole.folder / "answers.tsv").read_bytes().startswith(before)
    assert [row.onset for row in whole.rows] == sorted(row.onset for row in whole.rows)
    assert whole.finished
    assert list(whole.answers.values()) == ["3"] * 4 + ["1"] * 16


def test_a_line_that_was_cut_in_two_costs_only_its_item(study: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        ask(study, "panas", Script({}, stop="strong"), time="t1")
    (one,) = read_administrations(study, "007")
    path = one.folder / "answers.tsv"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:4]) + lines[4][:30])
    script = Script({})
    assert ask(study, "panas", script, time="t1").finished
    assert script.seen[0].name == "excited"


def test_an_unfinished_questionnaire_is_in_the_table_and_marked(study: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        ask(study, "panas", Script({}, stop="strong"), time="t1")
    update_tables(study)
    table = row(study, "panas")
    assert table["remarks"] == "panas_t1 not finished (4 of 20 items)"
    assert (table["upset_t1"], table["strong_t1"], table["positive_affect_t1"]) == ("3", "n/a", "n/a")
    assert table["positive_affect_n_missing_t1"] == "8"
    ask(study, "panas", Script({}), time="t1")
    assert update_tables(study) == []
    assert row(study, "panas")["remarks"] == "n/a"
    assert row(study, "panas")["positive_affect_t1"] == "30"


def test_a_closed_window_stops_in_order(study: Path) -> None:
    class Closing(Script):
        def react(self, page: Page, layout: Layout, onset_s: float) -> Sequence[PageInput]:
            if page.name == "excited":
                raise WindowClosed
            return super().react(page, layout, onset_s)

    with pytest.raises(SessionStopped, match="the window was closed"):
        ask(study, "panas", Closing({}), time="t1")
    (one,) = read_administrations(study, "007")
    assert [row.action for row in one.rows] == ["start", "answer", "answer", "stop"]


def test_escape_asks_whether_to_stop(study: Path) -> None:
    script = Script({"excited": ["escape"], "stop": ["return"]})
    assert ask(study, "panas", script, time="t1").finished, "Enter goes on"
    with pytest.raises(SessionStopped, match="stopped with Escape"):
        ask(study, "panas", Script({"upset": ["escape"], "stop": ["left", "return"]}), time="t2")


def test_what_was_answered_is_not_asked_again_unless_wanted(
    study: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first = ask(study, "panas", Script({}, default="2"), time="t1")
    before = {path: path.read_bytes() for path in first.folder.iterdir()}
    options = [study, "--participant", "007", "--time", "t1", "--form", "panas", "--simulate", "--seed", 1]
    assert run(monkeypatch, *options) == 2
    assert "has answered panas_t1 already, and nothing is ever written over" in capsys.readouterr().err
    update_tables(study)
    assert run(monkeypatch, *options, "--again") == 0
    assert {path: path.read_bytes() for path in first.folder.iterdir()} == before
    again = which_counts(read_administrations(study, "007"))["panas_t1"]
    assert again.folder.name == "panas_t1_again_2"
    table = row(study, "panas")
    assert table["remarks"] == "panas_t1 asked 2 times, number 2 counts"
    assert table["interested_t1"] == again.answers["interested"]
    former = read_table(study / "sourcedata" / "former_phenotype" / "panas_1.tsv")
    assert former[0]["interested_t1"] == "2", "a table whose values changed is kept"


def test_the_rest_of_a_time_is_asked_when_some_was_answered(study: Path) -> None:
    ask(study, "nausea", Script({}), time="t1")
    forms = [read_form(name, "en") for name in ("nausea", "panas")]
    planned = plan_forms(study, "007", forms, time="t1", now=MORNING)
    assert [one.label for one in planned] == ["panas_t1"]


def test_after_a_long_interruption_someone_has_to_decide(study: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        ask(study, "panas", Script({}, stop="strong"), time="t1")
    form, later = read_form("panas", "en"), MORNING + timedelta(hours=2)
    with pytest.raises(
        ValueError, match=r"interrupted 120 minutes ago, after 4 of 20 items.*--resume.*--again"
    ):
        plan_forms(study, "007", [form], time="t1", now=later)
    (resumed,) = plan_forms(study, "007", [form], time="t1", now=later, resume=True)
    assert resumed.begun is not None
    (anew,) = plan_forms(study, "007", [form], time="t1", now=later, again=True)
    assert anew.begun is None


def test_a_random_order_is_drawn_from_the_seed_and_kept(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = ["--participant", "007", "--form", "panas", "--simulate", "--order", "random", "--seed", 6]
    for time in ("t1", "t2"):
        assert run(monkeypatch, study, *options, "--time", time) == 0
    one, two = read_administrations(study, "007")
    items = [item.id for item in one.form.items]
    assert one.record["order"] == two.record["order"] != items
    assert sorted(one.record["order"]) == sorted(items)
    assert (one.record["order_kind"], one.record["seed"]) == ("random", 6)
    first = list(dict.fromkeys(row.item for row in one.rows if row.item))
    assert first == one.record["order"]


def test_an_answer_that_contradicts_participants_tsv_is_refused(study: Path) -> None:
    script = Script(
        {"age": ["3", "1", "return", "backspace", "backspace", "2", "4", "return"], "sex": ["2", "1"]}
    )
    one = ask(study, "demographics", script, known={"age": "24.0", "sex": "F"})
    assert one.answers == {"age": "24", "sex": "F", "handedness": "both"}
    refused = [row for row in one.rows if row.action == "refused"]
    assert [(row.item, row.value) for row in refused] == [("age", "31"), ("sex", "M")]
    assert all("not what was noted before" in str(row.message) for row in refused)


def test_minutes_since_the_pill(study: Path) -> None:
    ask(study, "panas", Script({}), time="t1")
    pill = Script({"pill_time": ["0", "9", "1", "5", "return"]})
    ask(study, "pill", pill, at=MORNING + timedelta(minutes=30))
    ask(study, "panas", Script({}), time="t2", at=MORNING + timedelta(hours=3, minutes=15))
    record = {"date": (MORNING + timedelta(hours=4, minutes=27)).isoformat(), "person": {"age": 24}}
    (study / "sourcedata" / "sub-007" / "session.json").write_text(json.dumps(record), encoding="utf-8")
    update_tables(study)
    panas, session = row(study, "panas"), row(study, "session")
    assert (panas["minutes_since_pill_t1"], panas["minutes_since_pill_t2"]) == ("-15", "180")
    assert (session["pill_time"], session["task_start"]) == ("09:15", "13:27")
    assert session["minutes_since_pill"] == "252"


def test_the_pill_in_the_log_counts_more_than_the_form(study: Path) -> None:
    ask(study, "pill", Script({"pill_time": ["0", "8", "3", "0", "return"]}))
    logged = {"007": MORNING + timedelta(minutes=-10)}
    (note,) = update_phenotype(study, pill_taken=logged)
    assert "the form says that the pill was taken at 08:30, the allocation log 08:50" in note
    assert row(study, "session")["pill_time"] == "08:50"


def test_the_log_of_pills_is_enough(study: Path) -> None:
    assert update_phenotype(study, pill_taken={"007": MORNING}) == []
    assert row(study, "session")["pill_time"] == "09:00"


def test_what_was_added_by_hand_stays(study: Path) -> None:
    add_participant(study, "008")
    add_measurement(study, "panas", "008", {"positive_affect_t1": 31}, simulated=True)
    path = study / "phenotype" / "panas.tsv"
    lines = path.read_text("utf-8").splitlines()
    path.write_text(f"{lines[0]}\ttired\n{lines[1]}\t4\n", encoding="utf-8")
    ask(study, "panas", Script({}), time="t1")
    assert update_tables(study) == []
    rows = {row["participant_id"]: row for row in read_table(path)}
    assert (rows["sub-008"]["positive_affect_t1"], rows["sub-008"]["tired"]) == ("31", "4")
    assert (rows["sub-007"]["positive_affect_t1"], rows["sub-007"]["tired"]) == ("30", "n/a")
    before = path.stat().st_mtime_ns
    update_tables(study)
    assert path.stat().st_mtime_ns == before, "a table that would be the same is not touched"


def test_tables_need_a_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, tmp_path / "absent", "--tables") == 2
    assert not (tmp_path / "absent").exists()


def test_damaged_answers_are_named_and_tables_stay(
    study: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    one = ask(study, "panas", Script({}), time="t1")
    update_tables(study)
    before = (study / "phenotype" / "panas.tsv").read_bytes()
    (one.folder / "record.json").write_text("{}", encoding="utf-8")
    assert run(monkeypatch, study, "--tables") == 2
    assert "is not the record of a questionnaire" in capsys.readouterr().err
    assert (study / "phenotype" / "panas.tsv").read_bytes() == before


def test_full_disk_keeps_what_was_answered(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = RowWriter.write

    def write(self: RowWriter, row: AnswerRow) -> None:
        if row.item == "upset":
            raise OSError(28, "No space left on device", str(self.path))
        written(self, row)

    monkeypatch.setattr(RowWriter, "write", write)
    with pytest.raises(OSError, match="No space left"):
        ask(study, "panas", Script({}), time="t1")
    monkeypatch.undo()
    (one,) = read_administrations(study, "007")
    assert list(one.answers) == ["interested", "distressed", "excited"]
    assert ask(study, "panas", Script({}), time="t1").finished


def test_the_validator_finds_no_error(study: Path) -> None:
    validator = Path(".venv/bin/bids-validator-deno")
    program = str(validator) if validator.is_file() else shutil.which("bids-validator-deno")
    if program is None:
        pytest.skip("the BIDS validator is not installed")
    (study / "sub-007" / "beh").mkdir(parents=True)
    beh = study / "sub-007" / "beh" / "sub-007_task-mimicry_beh"
    beh.with_suffix(".tsv").write_text("trial\n1\n", encoding="utf-8")
    beh.with_suffix(".json").write_text('{"trial": {"Description": "x"}}', encoding="utf-8")
    for form, time in (
        ("demographics", None),
        ("body", None),
        ("nausea", "t1"),
        ("panas", "t1"),
        ("guess", None),
    ):
        keys = {"age": ["2", "4", "return"], "height_cm": ["1", "7", "2", "return"], "sex": ["1"]}
        ask(study, form, Script({**keys, "weight_kg": ["7", "0", "return"]}), time=time)
    update_tables(study)
    checked = subprocess.run([program, str(study), "--format", "json"], capture_output=True, text=True)
    issues = json.loads(checked.stdout)["issues"]["issues"]
    assert [issue for issue in issues if issue["severity"] == "error"] == []
    for path in (study / "phenotype").glob("*.tsv"):
        explained = json.loads(path.with_suffix(".json").read_text("utf-8"))
        assert set(read_table(path)[0]) <= set(explained)
        assert explained["simulated"] is True
    levels = json.loads((study / "phenotype" / "panas.json").read_text("utf-8"))["proud_t2"]["Levels"]
    assert levels["5"] == "extremely"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--time", "t1"], "who is asked? Give --participant ID"),
        (["--participant", "0/7", "--time", "t1"], "letters and digits only"),
        (["--participant", "007"], "what is to be asked? Choose --time t1: demographics"),
        (["--participant", "007", "--time", "t9"], "there is no time 't9'. Choose --time t1"),
        (["--participant", "007", "--form", "panas"], "panas is asked at t1 and t2: say which with --time"),
        (["--participant", "007", "--form", "panas", "--time", "end"], "found 'end'"),
        (["--participant", "007", "--form", "mood.toml"], "there is no questionnaire mood.toml"),
        (["--participant", "007", "--time", "t1", "--language", "xx"], "no language 'xx'"),
        (["--participant", "007", "--time", "t1", "--pictures", "x"], "add --simulate"),
        (["--participant", "007", "--time", "t1", "--window", "big"], "expected width x height"),
        (["--participant", "007", "--time", "end", "--groups", "drug", "--simulate"], "two different names"),
    ],
)
def test_wrong_input_is_told_in_one_line_and_writes_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    assert run(monkeypatch, tmp_path / "study", *arguments) == 2
    told = capsys.readouterr().err
    assert message in told
    assert told.count("\n") == 1
    assert not (tmp_path / "study").exists()


def test_real_and_simulated_participants_do_not_meet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    create_study(tmp_path / "study", name="Pilot", simulated=False)
    options = [tmp_path / "study", "--participant", "007", "--time", "t1", "--simulate"]
    assert run(monkeypatch, *options) == 2
    assert "is a study of real participants" in capsys.readouterr().err


def test_answers_of_ones_own_questionnaire_have_a_table_of_their_own(
    study: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own = tmp_path / "sleep.toml"
    own.write_text(
        'name = "sleep"\nlanguage = "en"\ntitle = "Sleep"\ntable = "sleep"\n[[items]]\nid = "hours"\n'
        'kind = "number"\ntext = "Hours of sleep?"\nunit = "h"\nminimum = 0\nmaximum = 24\ndecimals = 1\n',
        encoding="utf-8",
    )
    assert run(monkeypatch, study, "--participant", "007", "--form", own, "--simulate", "--seed", 2) == 0
    assert 0 <= float(row(study, "sleep")["hours"]) <= 24
    (one,) = read_administrations(study, "007")
    assert read_rows(one.folder / "answers.tsv", AnswerRow)[-1].action == "finish"
