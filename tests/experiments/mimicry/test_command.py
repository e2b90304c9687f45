"""The command line: what it makes, and what it answers to wrong input."""

from __future__ import annotations

import datetime
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from experiments.allocation.actions import Given, assign, record_pill
from experiments.allocation.blocks import name_strata
from experiments.allocation.creation import create
from experiments.allocation.settings import AllocationSettings
from experiments.dataset.tables import read_table
from experiments.mimicry import __main__ as command

SPEC = importlib.util.spec_from_file_location(
    "screens", Path(__file__).resolve().parent.parent / "conftest.py"
)
assert SPEC is not None and SPEC.loader is not None
screens = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(screens)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Run the command in this process, without a screen; return exit status, output and messages."""
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["experiments.mimicry", *map(str, arguments)])
        try:
            command.main()
            status = 0
        except SystemExit as ended:
            status = int(ended.code or 0)
        shown = capsys.readouterr()
        return status, shown.out, shown.err

    return run


@pytest.fixture
def stimuli(tmp_path: Path) -> Path:
    return screens.make_set(tmp_path / "set", n_frames=5)


def test_a_simulated_session_without_a_set_is_the_papers(run, tmp_path: Path) -> None:
    status, output, _ = run(tmp_path / "study", "--participant", "007", "--simulate", "--seed", 1, "--json")
    summary = json.loads(output.splitlines()[-1])
    assert status == 0
    assert summary["finished"] is True
    assert summary["trials"] == sum(summary["outcomes"].values()) == 96
    (person,) = read_table(tmp_path / "study" / "participants.tsv")
    assert 18 <= float(person["age"]) <= 35 and person["sex"] in ("F", "M")
    truth = tmp_path / "study" / "sourcedata" / "simulation_truth.json"
    assert json.loads(truth.read_text(encoding="utf-8"))["simulated"] is True


def test_a_simulated_session_does_not_load_psychopy(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        f"sys.argv = ['x', {str(tmp_path / 'study')!r}]\n"
        "sys.argv += ['--participant', '1', '--simulate', '--trials', '4']\n"
        "from experiments.mimicry.__main__ import main\n"
        "try:\n    main()\nexcept SystemExit as ended:\n    assert not ended.code, ended.code\n"
        "loaded = [name for name in sys.modules if name.split('.')[0] in ('psychopy', 'pyglet', 'pandas')]\n"
        "print('LOADED', loaded)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=screens.ROOT, capture_output=True, text=True)
    assert "LOADED []" in done.stdout, done.stdout + done.stderr


def test_a_simulated_study_has_blind_groups_of_equal_size_and_a_key(run, tmp_path: Path) -> None:
    study = tmp_path / "study"
    arguments = ["--simulate", "--participants", 3, "--trials", 4, "--seed", 5, "--json"]
    status, output, messages = run(study, *arguments)
    assert status == 0, messages
    assert json.loads(output.splitlines()[-1])["participants"] == 3
    people = read_table(study / "participants.tsv")
    assert [person["participant_id"] for person in people] == [f"sub-{number:03}" for number in range(1, 4)]
    assert Counter(person["group"] for person in people) == {"A": 1, "B": 1, "C": 1}
    key = read_table(study / "sourcedata" / "group_key.tsv")
    assert [row["group"] for row in key] == ["A", "B", "C"]
    assert {row["drug"] for row in key} == {"amisulpride", "naltrexone", "placebo"}
    for person in people:
        assert list((study / person["participant_id"] / "emg").glob("*_emg.bdf"))
    lists = {path.read_bytes() for path in study.glob("sourcedata/sub-*/design.tsv")}
    assert len(lists) == 3
    assert not [path for path in study.rglob("*") if path.is_file() and b"amisulpride" in path.read_bytes()][
        1:
    ]

    again = tmp_path / "again"
    run(again, *arguments)
    for path in sorted(study.rglob("*_events.tsv")):
        assert path.read_bytes() == (again / path.relative_to(study)).read_bytes()
    status, _, messages = run(study, *arguments)
    assert status == 2 and "has participants already" in messages


def test_the_null_is_known(run, tmp_path: Path) -> None:
    run(tmp_path / "s", "--participant", "1", "--simulate", "--null", "--trials", 4)
    truth = json.loads((tmp_path / "s/sourcedata/simulation_truth.json").read_text(encoding="utf-8"))
    assert all(window["asymptote"] == 0 for window in truth["windows"])
    status, _, messages = run(tmp_path / "s", "--participant", "2", "--simulate", "--trials", 4)
    assert status == 2 and "other effects" in messages


def test_a_participant_that_exists_is_refused(run, tmp_path: Path) -> None:
    study = tmp_path / "study"
    run(study, "--participant", "007", "--simulate", "--trials", 4)
    before = {path: path.read_bytes() for path in study.rglob("*") if path.is_file()}
    status, _, messages = run(study, "--participant", "007", "--simulate", "--trials", 4)
    assert status == 2
    assert "error: participant 007 exists" in messages and "--new-run" in messages
    assert before == {path: path.read_bytes() for path in study.rglob("*") if path.is_file()}


def test_real_and_simulated_participants_do_not_share_a_study(run, stimuli: Path, tmp_path: Path) -> None:
    study = tmp_path / "study"
    run(study, "--participant", "1", "--simulate", "--trials", 4)
    description = study / "dataset_description.json"
    real = description.read_text(encoding="utf-8").replace('"simulated": true', '"simulated": false')
    description.write_text(real, encoding="utf-8")
    status, _, messages = run(study, "--participant", "2", "--simulate", "--trials", 4)
    assert status == 2 and "folder of their own" in messages


def damage_video(folder: Path) -> None:
    path = folder / "id01_AngryToHappy.mp4"
    path.write_bytes(path.read_bytes()[:-200])


def remove_video(folder: Path) -> None:
    (folder / "id01_AngryToHappy.mp4").unlink()


def change_frame_count(folder: Path) -> None:
    path = folder / "manifest.tsv"
    lines = path.read_text(encoding="utf-8").split("\n")
    columns = lines[0].split("\t")
    cells = lines[1].split("\t")
    cells[columns.index("n_frames")] = "6"
    path.write_text("\n".join([lines[0], "\t".join(cells), *lines[2:]]), encoding="utf-8")


def remove_manifest(folder: Path) -> None:
    (folder / "manifest.tsv").unlink()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (damage_video, "is not the one that was made"),
        (remove_video, "is missing"),
        (change_frame_count, "the manifest 6 frames"),
        (remove_manifest, "no stimulus set"),
    ],
)
def test_a_damaged_set_is_refused_before_anything_is_written(
    run, stimuli: Path, tmp_path: Path, damage, message: str
) -> None:
    damage(stimuli)
    status, _, messages = run(tmp_path / "study", "--participant", "1", "--stimuli", stimuli, "--simulate")
    assert status == 2
    assert message in messages
    assert not (tmp_path / "study").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--participant", "a-b", "--simulate"], "letters and digits"),
        (["--participant", "1"], "which videos"),
        (["--simulate"], "Give --participant ID"),
        (["--simulate", "--json"], "With --json nothing is asked"),
        (["--participant", "1", "--simulate", "--trials", "7"], "4 or a multiple of it"),
        (["--participant", "1", "--simulate", "--seed", "-1"], "from 0"),
        (["--participant", "1", "--simulate", "--language", "xx"], "choose de, en"),
        (["--participant", "1", "--simulate", "--sex", "x"], "F, M or O"),
        (["--participant", "1", "--simulate", "--practice", "-1"], "negative"),
        (["--participant", "1", "--simulate", "--rig", "none.toml"], "no rig file"),
        (["--participant", "1", "--simulate", "--simulate-keys"], "choose"),
        (["--participant", "1", "--null", "--stimuli", "x"], "--simulate"),
        (["--participants", "3"], "with --simulate"),
        (["--participants", "0", "--simulate"], "at least one"),
        (["--participants", "2", "--simulate", "--trials", "6"], "4 or a multiple of it"),
        (["--resume", "--simulate"], "which session"),
        (["--participant", "1", "--resume", "--simulate"], "no session to go on with"),
        (["--participant", "1", "--close"], "no session to go on with"),
        (
            ["--participant", "1", "--resume", "--new-run", "--simulate"],
            "choose one of --resume and --new-run",
        ),
        (["--new-run", "--simulate"], "which session"),
        (["--participant", "1", "--new-run", "--simulate"], "has no session"),
    ],
)
def test_wrong_input_is_told_and_leaves_nothing(
    run, tmp_path: Path, arguments: list[str], message: str
) -> None:
    status, _, messages = run(tmp_path / "study", *arguments)
    assert status == 2
    assert "error: " in messages and message in messages
    assert not (tmp_path / "study").exists()


def test_without_a_screen_no_session_is_begun(run, stimuli: Path, tmp_path: Path) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("a screen is always assumed")
    status, _, messages = run(tmp_path / "study", "--participant", "1", "--stimuli", stimuli)
    assert status == 2
    assert "no screen" in messages
    assert not (tmp_path / "study").exists()


def test_a_study_that_cannot_be_written_is_a_failure_without_a_traceback(run, tmp_path: Path) -> None:
    status, _, message = run(tmp_path / ("x" * 300), "--participant", "1", "--simulate")
    assert status == 1
    assert "name a place where you may write" in message


def test_a_folder_that_is_no_study_is_not_touched(run, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.txt").write_text("x", encoding="utf-8")
    status, _, messages = run(other, "--participant", "1", "--simulate")
    assert status == 2 and "not a study" in messages
    assert [path.name for path in other.iterdir()] == ["thesis.txt"]


def test_a_crashed_session_is_closed_from_the_command_line(run, tmp_path: Path) -> None:
    study = tmp_path / "study"
    run(study, "--participant", "1", "--simulate", "--trials", 4)
    shutil.rmtree(study / "sub-1")
    table = study / "participants.tsv"
    table.write_text(table.read_text(encoding="utf-8").splitlines()[0] + "\n", encoding="utf-8")
    status, output, messages = run(study, "--participant", "1", "--close")
    assert status == 0, messages
    assert (study / "sub-1" / "emg").is_dir()
    assert "4 trials" in output


@pytest.mark.skipif(os.name == "nt", reason="the validator is tried where the tests of the dataset run")
def test_the_dataset_of_a_session_is_valid(run, tmp_path: Path) -> None:
    validator = shutil.which("bids-validator-deno", path=str(Path(sys.executable).parent)) or shutil.which(
        "bids-validator-deno"
    )
    if validator is None:
        absent = pytest.fail if os.environ.get("CI") else pytest.skip
        absent("bids-validator-deno is not installed")
    study = tmp_path / "study"
    run(study, "--participant", "1", "--simulate", "--trials", 4)
    checked = subprocess.run([validator, str(study), "--json"], capture_output=True, text=True)
    issues = json.loads(checked.stdout)["issues"]["issues"]
    assert [issue for issue in issues if issue["severity"] == "error"] == []


def test_a_session_at_another_time_than_planned_after_the_pill_is_warned_of(run, tmp_path: Path) -> None:
    study = tmp_path / "study"
    run(study, "--participant", "1", "--simulate", "--trials", 4)
    taken = datetime.datetime.now().astimezone() - datetime.timedelta(minutes=90)
    by_keeper, by_experimenter = (Given(by=by, now=taken, reason="a test") for by in ("keeper", "CB"))
    settings = AllocationSettings(
        id="0" * 16,
        groups=("A", "B"),
        ratio=(1, 1),
        strata={},
        n_in=dict.fromkeys(name_strata({}), 4),
        simulated=True,
    )
    phrase = "five words that do not belong"
    allocation, _ = create(
        study, settings, multiples=(2,), passphrase=phrase, given=by_keeper, seed=1, scrypt_n=2**10
    )
    assign(allocation, "2", {}, by_experimenter)
    record_pill(allocation, "2", taken, by_experimenter)
    status, _, messages = run(study, "--participant", "2", "--simulate", "--trials", 4)
    assert status == 0
    assert "Pill: too early: the pill was 1 h 30 min ago" in messages
    record = json.loads((study / "sourcedata" / "sub-2" / "session.json").read_text(encoding="utf-8"))
    assert record["minutes_since_pill"] == pytest.approx(90, abs=2)
    assert record["pill_warning"].startswith("too early")
    next(study.rglob("allocation.json")).write_text("{", encoding="utf-8")
    status, _, messages = run(study, "--participant", "3", "--simulate", "--trials", 4)
    assert status == 0 and "Pill: when the pill was taken cannot be read" in messages


def test_every_waiting_session_is_put_into_the_dataset_by_close(run, tmp_path: Path) -> None:
    study = tmp_path / "study"
    for extra in ((), ("--new-run",)):
        run(study, "--participant", "1", "--simulate", "--trials", 4, *extra)
    shutil.rmtree(study / "sub-1")
    status, _, messages = run(study, "--participant", "1", "--close")
    assert status == 0, messages
    names = {path.name for path in (study / "sub-1" / "beh").glob("*.tsv")}
    assert names == {"sub-1_task-mimicry_beh.tsv", "sub-1_task-mimicry_run-02_beh.tsv"}
    status, _, messages = run(study, "--participant", "1", "--close")
    assert status == 2 and "nothing was changed" in messages


def test_what_is_known_of_a_participant_is_not_contradicted(run, tmp_path: Path) -> None:
    study = tmp_path / "study"
    run(study, "--participant", "1", "--simulate", "--trials", 4)
    with (study / "participants.tsv").open("a", encoding="utf-8") as table:
        table.write("sub-2\t31\tM\tB\n")
    status, _, messages = run(study, "--participant", "2", "--simulate", "--trials", 4, "--sex", "F")
    assert status == 2 and "says that the sex of participant 2 is M, not F" in messages
    status, _, messages = run(study, "--participant", "2", "--simulate", "--trials", 4, "--age", 31)
    assert status == 0, messages
    record = json.loads((study / "sourcedata" / "sub-2" / "session.json").read_text(encoding="utf-8"))
    assert record["person"] == {"age": 31.0, "sex": "M", "group": "B"}
