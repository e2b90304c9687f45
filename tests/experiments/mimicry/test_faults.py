"""What may go wrong in a laboratory: the session ends in order, and the next start goes on with it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import killed_sessions as kills
import numpy as np
import pytest

from experiments.dataset.rows import EventRow, TrialRow, read_rows
from experiments.mimicry.progress import last_run, read_progress
from experiments.session import stopped_by_signals

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the sessions are forked")

OPTIONS = ("--simulate", "--trials", 8, "--practice", 1)


@pytest.fixture(scope="module")
def driver() -> Iterator[kills.Driver]:
    with kills.running_driver() as running:
        yield running


def live(study: Path, participant: str) -> Path:
    return study / "sourcedata" / f"sub-{participant}"


def codes_heard(folder: Path) -> list[int]:
    lines = (folder / "amplifier_journal.jsonl").read_text(encoding="utf-8").splitlines()
    return [entry["code"] for entry in map(json.loads, lines) if "code" in entry]


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_request_to_end_never_comes_between_a_code_and_its_row(
    driver: kills.Driver, tmp_path: Path, name: str
) -> None:
    study, number = tmp_path / "study", getattr(signal, name)
    whole = driver.run(study, "--participant", "whole", *OPTIONS, moment={"kind": "count_calls"})
    rng = np.random.default_rng(number)
    n_stopped = 0
    for index in range(4):
        participant, count = f"{index:03}", int(rng.integers(1, whole["counts"]["call"]))
        moment = {"kind": "signal", "number": int(number), "count": count}
        done = driver.run(study, "--participant", participant, *OPTIONS, moment=moment)
        assert "Traceback" not in done["output"]
        if last_run(study, participant) == 0:  # Ctrl-C before anything was planned: as in any program
            assert "did not begin" in done["output"] or done["status"] == 130
            continue
        assert done["status"] in (0, 1), done["output"]
        events = read_rows(live(study, participant) / "events.tsv", EventRow)
        assert codes_heard(live(study, participant)) == [event.value for event in events if event.value]
        if done["status"] == 1:
            n_stopped += 1
            assert events[-1].trial_type == "aborted"
            progress = read_progress(study, participant, 1)
            assert f"next is {progress.next_trial}" in done["output"]
            assert "--resume" in done["output"] and "--new-run" in done["output"]
            assert ("Ctrl-C" if name == "SIGINT" else name) in done["output"]
        kills.go_on(driver, study, participant, *OPTIONS)
        kills.check_finished(study, participant)
    assert n_stopped >= 2
    assert kills.errors_of(study) == []


def test_ctrl_c_a_second_time_breaks_off_a_program_that_hangs() -> None:
    with stopped_by_signals() as requests:
        requests.wait_for_checks()
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def ended_by_the_disk(done: dict, study: Path, participant: str) -> None:
    """The message names the file and the ways out; every row is whole, every finished trial is there."""
    assert done["status"] == 1, done["output"]
    assert "Traceback" not in done["output"]
    assert "Make room on the disk" in done["output"] and "--resume" in done["output"]
    assert kills.check_killed(study, participant) in ("in a trial", "between trials")
    for table in live(study, participant).glob("*.tsv"):
        assert table.read_bytes().endswith(b"\n")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs a small file system")
def test_a_full_disk_costs_the_running_trial_only(driver: kills.Driver, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=120m", "tmpfs", str(disk)], capture_output=True, text=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr}")
    try:
        study = disk / "study"
        for number, kib in enumerate((200, 500, 900)):
            participant = f"{number:03}"
            moment = {"kind": "full", "left_kib": kib, "count": 40}
            done = driver.run(study, "--participant", participant, "--simulate", moment=moment)
            assert "No space left on device" in done["output"]
            ended_by_the_disk(done, study, participant)
            shutil.rmtree(disk / "ballast")
            assert kills.errors_of(study) == []
            kills.go_on(driver, study, participant, "--simulate")
            kills.check_finished(study, participant)
        assert kills.errors_of(study) == []
        (disk / "ballast").write_bytes(bytes(shutil.disk_usage(disk).free - 40_000_000))
        refused = driver.run(study, "--participant", "9", *OPTIONS)
        assert refused["status"] == 2 and "MB are free" in refused["output"]
        assert last_run(study, "9") == 0
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_file_that_may_not_grow_costs_the_running_trial_only(driver: kills.Driver, tmp_path: Path) -> None:
    study = tmp_path / "study"
    done = driver.run(study, "--participant", "1", "--simulate", moment={"kind": "limit", "bytes": 200_000})
    ended_by_the_disk(done, study, "1")
    kills.go_on(driver, study, "1", "--simulate")
    kills.check_finished(study, "1")
    assert kills.errors_of(study) == []


def test_a_power_cut_costs_the_running_trial_only(driver: kills.Driver, tmp_path: Path) -> None:
    study = tmp_path / "study"
    whole = driver.run(study, "--participant", "whole", *OPTIONS)
    rng = np.random.default_rng(5)
    for index in range(6):
        participant, count = f"{index:03}", int(rng.integers(20, whole["counts"]["write"] - 25))
        moment = {"kind": "power", "count": count, "seed": int(rng.integers(1000))}
        done = driver.run(study, "--participant", participant, *OPTIONS, moment=moment)
        assert done["status"] == -signal.SIGKILL, done["output"]
        kills.check_killed(study, participant)
        heard = codes_heard(live(study, participant))
        n_ended = heard.count(kills.CODES["feedback"]) + heard.count(kills.CODES["practice_feedback"])
        rows = kills.rows_of(live(study, participant), "trials", TrialRow)
        assert n_ended - 1 <= len(rows) <= n_ended
        kills.go_on(driver, study, participant, *OPTIONS)
        kills.check_finished(study, participant)
    assert kills.errors_of(study) == []


def test_two_programs_never_write_into_one_session(driver: kills.Driver, tmp_path: Path) -> None:
    study = tmp_path / "study"
    moment = {"kind": "write", "count": 60, "how": "after"}
    driver.run(study, "--participant", "1", *OPTIONS, moment=moment)
    other = kills.Driver()
    try:
        with (study / "sourcedata" / ".sub-1.lock").open("ab") as lock:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX)
            before = kills.files(study)
            refused = other.run(study, "--participant", "1", *OPTIONS, "--resume")
            assert refused["status"] == 2 and "running already" in refused["output"]
            assert kills.files(study) == before
        kills.go_on(driver, study, "1", *OPTIONS)  # the lock went with its holder
    finally:
        other.close()
    kills.check_finished(study, "1")


def test_a_new_run_is_begun_only_when_asked_and_leaves_the_first_as_it_is(
    driver: kills.Driver, tmp_path: Path
) -> None:
    study = tmp_path / "study"
    moment = {"kind": "write", "count": 80, "how": "after"}
    driver.run(study, "--participant", "1", *OPTIONS, "--new-run")
    assert not (study / "sourcedata").exists()  # there is nothing to run anew
    driver.run(study, "--participant", "1", *OPTIONS, moment=moment)
    first = kills.files(live(study, "1"))
    kills.check_offer(driver, study, "1", *OPTIONS)
    done = driver.run(study, "--participant", "1", *OPTIONS, "--new-run")
    assert done["status"] == 0, done["output"]
    assert {path: content for path, content in kills.files(study).items() if path in first} == first
    assert (live(study, "1") / "run-2" / "session.json").is_file()
    names = {path.name for path in (study / "sub-1" / "beh").iterdir()}
    assert names == {"sub-1_task-mimicry_run-02_beh.tsv", "sub-1_task-mimicry_run-02_beh.json"}
    third = driver.run(study, "--participant", "1", *OPTIONS, "--new-run", moment=moment)
    assert third["status"] == -signal.SIGKILL
    resumed = driver.run(study, "--participant", "1", *OPTIONS, "--resume")
    assert resumed["status"] == 0, resumed["output"]
    trials = read_rows(live(study, "1") / "run-3" / "trials.tsv", TrialRow)
    assert [row.trial for row in trials if not row.practice] == list(range(1, 9))
    assert kills.errors_of(study) == []


DAMAGES = {
    "empty": lambda text: "",
    "half": lambda text: text[: len(text) // 2],
    "no table": lambda text: "[1, 2]",
    "no seed": lambda text: text.replace('"seed"', '"sead"'),
    "seed is text": lambda text: json.dumps({**json.loads(text), "seed": "seven"}),
    "other person": lambda text: json.dumps({**json.loads(text), "person": {"years": 3}}),
    "other parameters": lambda text: json.dumps({**json.loads(text), "parameters": {"n_blocks": 0}}),
    "no language": lambda text: json.dumps({**json.loads(text), "language": 5}),
    "rig is a list": lambda text: json.dumps({**json.loads(text), "rig": []}),
    "rig of another kind": lambda text: json.dumps({**json.loads(text), "rig": {"colour": "blue"}}),
}


@pytest.fixture(scope="module")
def killed_study(driver: kills.Driver, tmp_path_factory: pytest.TempPathFactory) -> Path:
    study = tmp_path_factory.mktemp("killed") / "study"
    driver.run(study, "--participant", "1", *OPTIONS, moment={"kind": "write", "count": 80, "how": "half"})
    return study


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_record_is_told_and_can_be_mended(
    driver: kills.Driver, killed_study: Path, tmp_path: Path, damage: str
) -> None:
    study = tmp_path / "study"
    shutil.copytree(killed_study, study)
    record = live(study, "1") / "session.json"
    record.write_text(DAMAGES[damage](record.read_text(encoding="utf-8")), encoding="utf-8")
    refused = driver.run(study, "--participant", "1", *OPTIONS, "--resume")
    assert refused["status"] == 2, refused["output"]
    assert "Traceback" not in refused["output"] and "session.json" in refused["output"]
    assert "session_part-1.json" in refused["output"]
    if damage != "half":
        return
    shutil.copy(live(study, "1") / "session_part-1.json", record)
    kills.go_on(driver, study, "1", *OPTIONS)
    kills.check_finished(study, "1")


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("design.tsv", lambda text: text.replace("\t2\t", "\t1\t"), "somebody has changed it"),
        ("design.tsv", lambda text: text.replace("fixation_s", "cross_s"), "a row without 'fixation_s'"),
        ("design.tsv", lambda text: text.replace("\nid", "\nx"), None),
        (
            "trials.tsv",
            lambda text: text.replace("_AngryToHappy", "_AngryToSad"),
            "one of the two files was changed",
        ),
        ("trials.tsv", lambda text: text.replace("\ttrue\t", "\tperhaps\t"), "line 2, column practice"),
        ("trials.tsv", lambda text: text.replace("outcome", "result"), "expected the columns"),
    ],
)
def test_a_changed_table_is_told(
    driver: kills.Driver, killed_study: Path, tmp_path: Path, name: str, change, message: str | None
) -> None:
    study = tmp_path / "study"
    shutil.copytree(killed_study, study)
    table = live(study, "1") / name
    table.write_text(change(table.read_text(encoding="utf-8")), encoding="utf-8")
    refused = driver.run(study, "--participant", "1", *OPTIONS, "--resume")
    if message is None:
        assert refused["status"] == 0, refused["output"]
        return
    assert refused["status"] == 2, refused["output"]
    assert message in refused["output"] and "Traceback" not in refused["output"]


def at_terminal(study: Path, typed: str) -> subprocess.CompletedProcess[str]:
    """Give the command at a terminal at which something is typed."""
    ours, its = os.openpty()
    os.write(ours, typed.encode())
    words = [
        sys.executable,
        "-m",
        "experiments.mimicry",
        str(study),
        "--participant",
        "1",
        *map(str, OPTIONS),
    ]
    try:
        return subprocess.run(
            words, cwd=kills.ROOT, stdin=its, capture_output=True, text=True, timeout=120, check=False
        )
    finally:
        os.close(ours)
        os.close(its)


def test_at_a_terminal_the_next_start_asks(driver: kills.Driver, killed_study: Path, tmp_path: Path) -> None:
    study = tmp_path / "study"
    shutil.copytree(killed_study, study)
    progress, before = read_progress(study, "1", 1), kills.files(study)
    for nothing in ("3\n", "\x04", "x\n3\n"):
        left = at_terminal(study, nothing)
        assert left.returncode == 1
        assert f"{progress.n_finished} of 8 trials are saved" in left.stderr
        assert f"Next is trial {progress.left[0].trial}" in left.stderr
        assert "nothing was begun" in left.stderr and "Traceback" not in left.stderr
        assert kills.files(study) == before
    again = at_terminal(study, "2\n")
    assert again.returncode == 0, again.stderr
    assert last_run(study, "1") == 2
    shutil.rmtree(study)
    shutil.copytree(killed_study, study)
    resumed = at_terminal(study, "1\n")
    assert resumed.returncode == 0, resumed.stderr
    kills.check_finished(study, "1")


@pytest.mark.parametrize("name", ["session.json", "design.tsv"])
def test_a_missing_file_is_told(driver: kills.Driver, killed_study: Path, tmp_path: Path, name: str) -> None:
    study = tmp_path / "study"
    shutil.copytree(killed_study, study)
    (live(study, "1") / name).unlink()
    for option in ((), ("--resume",)):
        refused = driver.run(study, "--participant", "1", *OPTIONS, *option)
        assert refused["status"] == 2, refused["output"]
        assert name in refused["output"] and "Traceback" not in refused["output"]
