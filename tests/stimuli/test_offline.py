"""No photograph leaves the computer: finding, morphing and checking opens no socket at all."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from stimuli.photographs import write_png

ROOT = Path(__file__).resolve().parent.parent.parent
WATCHED = """
import sys
from pathlib import Path

def refuse(event, arguments):
    if event.startswith("socket.") and event != "socket.__new__":
        raise RuntimeError(f"{event} {arguments}")
    if event == "socket.__new__" and arguments[1:2] != (1,):
        raise RuntimeError(f"a socket of family {arguments[1]}")

sys.addaudithook(refuse)
"""
RUN = """
import json
import sys
from stimuli.__main__ import app

statuses = []
for command in json.loads(sys.argv[1]):
    try:
        statuses.append(app(command, standalone_mode=False) or 0)
    except SystemExit as left:
        statuses.append(left.code)
print("statuses", statuses)
"""
GATES_FAIL = "statuses [0, 1, 1]"
"""Everything ran; the quality gates refuse the pair, which shows the same expression twice."""
SMALL = ["--seconds", "0.12", "--width", "120", "--height", "160", "--workers", "1"]


@pytest.fixture
def table(astronaut: np.ndarray, tmp_path: Path) -> Path:
    write_png(tmp_path / "a.png", astronaut)
    write_png(tmp_path / "b.png", np.roll(astronaut, 4, axis=1))
    (tmp_path / "pairs.tsv").write_text(
        "identity\tsex\tneutral\thappy\nx\tfemale\ta.png\tb.png\n", encoding="utf-8"
    )
    return tmp_path / "pairs.tsv"


def commands(table: Path) -> list[list[str]]:
    folder = table.parent
    found = folder / "found" / "pairs.tsv"
    return [
        ["landmarks", str(table), "--out", str(found.parent)],
        ["morph", str(found), str(folder / "set"), *SMALL],
        ["check", str(folder / "set")],
    ]


def test_the_watch_notices_a_connection(tmp_path: Path) -> None:
    server = socket.create_server(("127.0.0.1", 0))
    code = WATCHED + f"import socket; socket.create_connection({server.getsockname()!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    server.close()
    assert done.returncode == 1
    assert "RuntimeError" in done.stderr


def test_finding_morphing_and_checking_open_no_socket(table: Path) -> None:
    command = [sys.executable, "-c", WATCHED + RUN, json.dumps(commands(table))]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert GATES_FAIL in done.stdout, done.stderr


def test_nor_does_any_library_below_python(table: Path, tmp_path: Path) -> None:
    program = shutil.which("strace")
    if program is None:
        pytest.skip("strace is not installed (apt-get install strace)")
    log = tmp_path / "calls.txt"
    watched = [program, "-f", "-e", "trace=socket,connect", "-o", str(log), sys.executable]
    command = [*watched, "-c", RUN, json.dumps(commands(table))]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if "not permitted" in done.stderr:
        pytest.skip("this computer does not allow strace")
    assert done.returncode == 0 and GATES_FAIL in done.stdout, done.stderr
    calls = [line for line in log.read_text(encoding="utf-8").splitlines() if "AF_" in line]
    assert not [line for line in calls if "AF_UNIX" not in line]
