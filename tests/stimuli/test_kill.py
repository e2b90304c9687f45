"""A run that is killed outright goes on where it stopped."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stimuli.manifest import read_manifest
from stimuli.parameters import MorphParameters
from stimuli.production import make_set

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system cannot kill without warning")
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_killed_run_goes_on_and_keeps_what_was_finished(
    london_pairs: Path, tmp_path: Path, workers: str
) -> None:
    options = ["--seconds", "0.2", "--width", "300", "--height", "400", "--flow-passes", "1"]
    command = [sys.executable, "-m", "stimuli", "morph", str(london_pairs), str(tmp_path / "set"), *options]
    with (tmp_path / "log").open("w") as log:
        run = subprocess.Popen([*command, "--workers", workers], cwd=ROOT, stdout=log, stderr=log)
        deadline = time.monotonic() + 120
        while not list(tmp_path.glob("set/videos/*.json")) and time.monotonic() < deadline:
            assert run.poll() is None, (tmp_path / "log").read_text()
            time.sleep(0.005)
        os.kill(run.pid, signal.SIGKILL)
        run.wait()
    time.sleep(0.3)
    finished = {path.with_suffix(".mp4") for path in tmp_path.glob("set/videos/*.json")}
    for path in finished:
        json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    if not (tmp_path / "set/manifest.tsv").exists():
        with pytest.raises(FileNotFoundError, match="interrupted"):
            read_manifest(tmp_path / "set")
    parameters = MorphParameters(duration_s=0.2, width_px=300, height_px=400, flow_passes=1)
    rows = make_set(london_pairs, tmp_path / "set", parameters=parameters)
    whole = make_set(london_pairs, tmp_path / "whole", parameters=parameters)
    assert [row.file_sha256 for row in rows] == [row.file_sha256 for row in whole]
    assert not list((tmp_path / "set").rglob("*.unfinished"))
