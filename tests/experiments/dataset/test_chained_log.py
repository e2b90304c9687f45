"""The log: whatever is done to it afterwards is seen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

import pytest

from experiments.dataset.chained_log import ChainedLog

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=timezone.utc)
KEY = b"k" * 32
ROOT = Path(__file__).resolve().parent.parent.parent.parent


@pytest.fixture
def log(tmp_path: Path) -> ChainedLog:
    made = ChainedLog(tmp_path / "log.jsonl")
    made.append("create", by="keeper", now=NOW, details={"id": "1"}, key=KEY)
    for number in range(1, 5):
        made.append("assign", by="CB", now=NOW, details={"participant": f"{number:03}"})
    made.append("release", by="keeper", now=NOW, details={"reason": "Blödsinn"}, key=KEY)
    return made


def lines(log: ChainedLog) -> list[str]:
    return log.path.read_text(encoding="utf-8").splitlines()


def put(log: ChainedLog, changed: list[str]) -> None:
    log.path.write_text("".join(line + "\n" for line in changed), encoding="utf-8", newline="\n")


def test_entries_come_back_as_they_were_written(log: ChainedLog) -> None:
    assert log.problems(key=KEY) == []
    entries = log.entries()
    assert [entry.number for entry in entries] == [1, 2, 3, 4, 5, 6]
    assert entries[-1].details == {"reason": "Blödsinn"}
    assert entries[0].time == NOW
    assert log.problems(receipts=tuple(entry.receipt for entry in entries)) == []


@pytest.mark.parametrize("number", range(6))
def test_a_changed_line_is_seen(log: ChainedLog, number: int) -> None:
    changed = lines(log)
    record = json.loads(changed[number])
    record["by"] = "somebody else"
    changed[number] = json.dumps(record)
    put(log, changed)
    assert any(f"entry {number + 1}" in problem and "changed" in problem for problem in log.problems())


@pytest.mark.parametrize("number", range(5))
def test_a_line_that_was_removed_is_seen(log: ChainedLog, number: int) -> None:
    put(log, [line for place, line in enumerate(lines(log)) if place != number])
    assert any("removed or added" in problem for problem in log.problems())


def test_lines_in_another_order_or_twice_are_seen(log: ChainedLog) -> None:
    whole = lines(log)
    put(log, [*whole[:2], whole[3], whole[2], *whole[4:]])
    assert log.problems()
    put(log, [*whole[:3], whole[2], *whole[3:]])
    assert log.problems()


def test_a_log_that_was_cut_is_seen_by_a_receipt(log: ChainedLog) -> None:
    receipt = log.entries()[-1].receipt
    put(log, lines(log)[:4])
    assert log.problems(key=KEY) == []  # a shorter log is a log
    assert log.problems(receipts=(receipt,)) == [f"the log has no entry with the receipt {receipt}"]


def test_a_log_that_was_written_anew_is_seen_with_the_key(log: ChainedLog, tmp_path: Path) -> None:
    """Whoever knows how the chain is made can make another; the signatures they cannot make."""
    other = ChainedLog(tmp_path / "other.jsonl")
    for entry in log.entries():
        participant = {"participant": "999"} if entry.number == 3 else entry.details
        other.append(entry.action, by=entry.by, now=entry.time, details=participant, key=b"guessed")
    assert other.problems() == []
    assert len(other.problems(key=KEY)) == 6


def test_half_a_line_that_a_crash_left_behind_is_kept_and_no_problem(log: ChainedLog) -> None:
    with log.path.open("ab") as file:
        file.write(b'{"number": 7, "time": "2026-')
    assert [entry.number for entry in log.entries()] == [1, 2, 3, 4, 5, 6]
    assert log.problems() == []
    assert log.append("assign", by="CB", now=NOW).number == 7
    assert log.problems(key=KEY) == []
    assert '{"number": 7, "time": "2026-\n' in log.path.read_text(encoding="utf-8")


def test_a_whole_line_that_cannot_be_read_is_a_problem(log: ChainedLog) -> None:
    put(log, [*lines(log)[:3], "not JSON", *lines(log)[3:]])
    assert "line 4 of the log cannot be read" in log.problems()
    log.path.write_bytes(b"\xff\xfe\x00\n")
    assert log.problems() == ["line 1 of the log cannot be read"]
    log.path.write_bytes(b"")
    assert log.problems() == ["the log is empty"]


def test_a_time_without_a_zone_is_refused(log: ChainedLog) -> None:
    with pytest.raises(ValueError, match="time zone"):
        log.append("assign", by="CB", now=datetime(2026, 11, 23))
    assert len(log.entries()) == 6


def test_a_log_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there is no log"):
        ChainedLog(tmp_path / "none.jsonl").entries()


def test_programs_that_write_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    code = (
        "import sys; from datetime import datetime, timezone; from pathlib import Path\n"
        "from experiments.dataset.chained_log import ChainedLog\n"
        "log = ChainedLog(Path(sys.argv[1]))\n"
        "for number in range(15):\n"
        "    log.append('assign', by=sys.argv[2], now=datetime.now(timezone.utc), details={'n': number})\n"
    )
    path = tmp_path / "log.jsonl"
    running = [
        subprocess.Popen([sys.executable, "-c", code, str(path), name], cwd=ROOT) for name in ("a", "b", "c")
    ]
    assert [process.wait(timeout=60) for process in running] == [0, 0, 0]
    log = ChainedLog(path)
    assert log.problems() == []
    assert len(log.entries()) == 45


def test_a_lock_that_a_crash_left_behind_does_not_last(log: ChainedLog) -> None:
    lock = log.path.with_name("log.jsonl.lock")
    lock.touch()
    impatient = ChainedLog(log.path, longest_wait_s=0.1)
    with pytest.raises(ValueError, match="another program is writing"):
        impatient.append("assign", by="CB", now=NOW)
    old_s = time.time() - 120
    os.utime(lock, (old_s, old_s))
    assert impatient.append("assign", by="CB", now=NOW).number == 7
    assert not lock.exists()
