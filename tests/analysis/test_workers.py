"""Workers of a pool end with the program that began them."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAM = """
import multiprocessing, os, sys, time
from concurrent.futures import ProcessPoolExecutor
from analysis.workers import end_with_parent

if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context, initializer=end_with_parent) as pool:
        print(pool.submit(os.getpid).result(), flush=True)
        time.sleep(60)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="looks for the process as POSIX does")
def test_a_worker_ends_when_its_program_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(PROGRAM, encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": str(ROOT)}
    ) as program:
        assert program.stdout is not None
        worker = int(program.stdout.readline())
        assert _runs(worker)
        program.kill()
    end_s = time.monotonic() + 20
    while _runs(worker) and time.monotonic() < end_s:
        time.sleep(0.1)
    assert not _runs(worker)


def _runs(process: int) -> bool:
    status = Path(f"/proc/{process}/stat")
    if Path("/proc").is_dir():
        return status.exists() and status.read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] != "Z"
    return subprocess.run(["ps", "-p", str(process)], capture_output=True).returncode == 0
