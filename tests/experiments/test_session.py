"""Trigger pulses, keys, records and the orderly end of a session."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from experiments import session
from experiments.dataset.rows import EventRow, read_rows
from experiments.display import KeyPress, Watched


class Port:
    """A line that remembers its states."""

    pulse = "next_flip"

    def __init__(self) -> None:
        self.states: list[int] = []

    def send(self, code: int) -> None:
        self.states.append(code)

    def reset(self) -> None:
        self.states.append(0)

    def close(self) -> None:
        self.states.append(0)


def flip(line: session.TriggerLine, code: int | None = None) -> None:
    call = line.at_flip(code)
    if call is not None:
        call()


def test_a_code_goes_down_at_the_next_flip_and_only_once() -> None:
    port = Port()
    line = session.TriggerLine(port)
    flip(line)
    flip(line, 11)
    flip(line)
    flip(line)
    assert port.states == [11, 0]


def test_a_code_that_follows_at_once_replaces_the_one_before() -> None:
    port = Port()
    line = session.TriggerLine(port)
    flip(line, 11)
    assert line.send_now(21)
    flip(line, 31)
    flip(line)
    assert port.states == [11, 21, 31, 0]


def test_the_same_code_needs_a_visible_gap() -> None:
    port = Port()
    line = session.TriggerLine(port)
    assert line.send_now(21)
    assert not line.send_now(21)
    flip(line)
    assert not line.send_now(21)
    flip(line)
    assert line.send_now(21)
    assert port.states == [21, 0, 21]


class Board:
    """A keyboard whose presses are given."""

    def __init__(self, *presses: KeyPress) -> None:
        self.coming = list(presses)

    def begin(self, watched: Watched) -> None:
        pass

    def presses(self) -> list[KeyPress]:
        given, self.coming = self.coming, []
        return given

    def close(self) -> None:
        pass


def test_keys_before_the_onset_and_lock_keys_do_not_count_and_escape_is_remembered() -> None:
    board = Board(
        KeyPress("up", 0.9), KeyPress("escape", 0.95), KeyPress("numlock", 1.2), KeyPress("up", 1.0)
    )
    keys = session.Keys(board, escape_key="escape")
    keys.begin(Watched(onset_s=1.0))
    assert keys.presses() == [KeyPress("up", 1.0)]
    assert keys.escape_pressed


def test_a_log_goes_on_after_a_crash_even_when_a_table_is_missing(tmp_path: Path) -> None:
    log = session.SessionLog(tmp_path)
    log.event("session_start", 0.0, value=210)
    log.close()
    log.close()
    (tmp_path / "frames.tsv").unlink()
    with (tmp_path / "events.tsv").open("a", encoding="utf-8") as file:
        file.write("1.5\tn/a\tfixa")
    with pytest.raises(FileExistsError):
        session.SessionLog(tmp_path)
    again = session.SessionLog(tmp_path, resume=True)
    again.event("aborted", 2.0)
    again.close()
    rows = read_rows(tmp_path / "events.tsv", EventRow)
    assert [row.trial_type for row in rows] == ["session_start", "aborted"]


@pytest.mark.parametrize("left", [b"", b"onset\tdura"])
def test_a_log_goes_on_after_a_power_cut_that_left_a_table_empty(tmp_path: Path, left: bytes) -> None:
    session.SessionLog(tmp_path).close()
    (tmp_path / "events.tsv").write_bytes(left)
    again = session.SessionLog(tmp_path, resume=True)
    again.event("aborted", 2.0)
    again.close()
    assert [row.trial_type for row in read_rows(tmp_path / "events.tsv", EventRow)] == ["aborted"]


def test_the_record_is_replaced_as_a_whole(tmp_path: Path) -> None:
    session.write_record(tmp_path, {"seed": 1})
    session.write_record(tmp_path, {"seed": 2})
    assert session.read_record(tmp_path) == {"seed": 2}
    assert [path.name for path in tmp_path.iterdir()] == ["session.json"]


def test_what_is_no_record_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no session to go on with"):
        session.read_record(tmp_path)
    for content in ("{", "[1]"):
        (tmp_path / "session.json").write_text(content, encoding="utf-8")
        with pytest.raises(ValueError, match=r"session\.json"):
            session.read_record(tmp_path)


def test_the_record_of_the_software_names_no_person_and_no_computer() -> None:
    described = json.dumps(session.software())
    for name in (os.uname().nodename if hasattr(os, "uname") else "", os.environ.get("USER", "")):
        assert len(name) < 3 or name not in described
    assert json.loads(described)["versions"]["numpy"]


@pytest.mark.parametrize("participant", ["", "sub-01", "a b", "../x", "ü"])
def test_ids_have_letters_and_digits_only(participant: str) -> None:
    with pytest.raises(ValueError, match="letters and digits"):
        session.live_folder(Path("study"), participant)


@pytest.mark.skipif(not hasattr(signal, "SIGTERM") or os.name == "nt", reason="needs POSIX signals")
def test_a_request_to_end_runs_every_finally() -> None:
    code = (
        "import sys, time\n"
        "from experiments.session import SessionStopped, stopped_by_signals\n"
        "try:\n"
        "    with stopped_by_signals():\n"
        "        print('ready', flush=True); time.sleep(30)\n"
        "except SessionStopped as stopped:\n"
        "    print(stopped)\n"
    )
    root = Path(__file__).resolve().parents[2]
    process = subprocess.Popen([sys.executable, "-c", code], cwd=root, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "ready"
    process.terminate()
    output, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "SIGTERM" in output
