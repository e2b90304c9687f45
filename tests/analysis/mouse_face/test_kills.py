"""A run that is killed, whenever that is, goes on and gives the same numbers."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_mouse_study import copy_study

N_KILLS = 10
NOT_COMPARED = ("durations.tsv",)
"""Tables that say how long steps took."""


def start(study: Path) -> subprocess.Popen[bytes]:
    """Start the command."""
    command = [sys.executable, "-m", "analysis.mouse_face", str(study), "--quick", "--workers", "2"]
    with (study.parent / "said.txt").open("ab") as said:
        return subprocess.Popen(command, stdout=said, stderr=said)


def results_of(study: Path) -> dict[str, Any]:
    """Return every number of a report, and every drawing."""
    folder = study / "derivatives" / "countenance" / "mouse_face-recommended-quick"
    found: dict[str, Any] = {
        path.name: path.read_bytes()
        for path in sorted([*folder.glob("tables/*.tsv"), *folder.glob("figures/*.svg")])
        if path.name not in NOT_COMPARED
    }
    found["results.json"] = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    return found


def files_of(study: Path) -> dict[str, bytes]:
    """Return the files of descriptors."""
    faces = study / "derivatives" / "countenance" / "faces"
    return {path.name: path.read_bytes() for path in sorted(faces.glob("*_faces.h5"))}


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="kills processes with SIGKILL, which Windows does not have")
def test_ten_kills_at_random_moments_change_nothing(filmed_study: Path, tmp_path: Path) -> None:
    whole = copy_study(filmed_study, tmp_path / "whole" / "study")
    begun = time.monotonic()
    assert start(whole).wait() == 0, (tmp_path / "whole" / "said.txt").read_text(encoding="utf-8")
    lasts_s = time.monotonic() - begun

    killed = copy_study(filmed_study, tmp_path / "killed" / "study")
    rng = np.random.default_rng(6)
    n_kills = 0
    while n_kills < N_KILLS:
        process, begun = start(killed), time.monotonic()
        try:
            process.wait(timeout=float(rng.uniform(0.5, 0.9 * lasts_s)))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            n_kills += 1
        else:  # done before it could be killed: once more from the beginning
            assert process.returncode == 0
            lasts_s = min(lasts_s, time.monotonic() - begun)
            shutil.rmtree(killed / "derivatives")
    assert start(killed).wait() == 0
    assert files_of(killed) == files_of(whole)
    found, expected = results_of(killed), results_of(whole)
    assert found.keys() == expected.keys()
    assert [name for name in expected if found[name] != expected[name]] == []
    assert not list(killed.rglob("*.unfinished"))
