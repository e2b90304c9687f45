"""The same command in real time, against the compiled firmware in its simulator, with a replayed video."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from analysis.mouse_sessions import read_session
from hardware.cameras.video_writer import VideoWriter

pytestmark = [
    pytest.mark.skipif(
        os.name == "nt", reason="the simulator of the microcontroller needs a pseudo-terminal"
    ),
    pytest.mark.real_time,
    pytest.mark.slow,
]

ROOT = Path(__file__).parents[3]
SCHEDULE = """\
name: firmware
title: Quinine, sucrose and a shock, for tests
order: {kind: fixed, sequence: [quinine, neutral, tail_shock, sucrose]}
lead_in_s: 2
intervals: {kind: fixed, interval_s: 1}
lead_out_s: 1
stimuli:
  quinine: {channel: valve1, intensity: 10, unit: mM, volume_ul: 4, duration_s: 1}
  sucrose: {channel: valve2, intensity: 20, unit: "% w/v", volume_ul: 4, duration_s: 1}
  tail_shock: {channel: shock, current_ma: 0.3, pulse_ms: 300, duration_s: 1}
  neutral: {channel: none, duration_s: 1}
"""
RIG = """\
[mouse_rig]
port = "compiled-firmware"

[mouse_rig.liquids]
valve1 = "quinine 10 mM"
valve2 = "sucrose 20 % w/v"

[mouse_rig.limits]
n_shocks = 1
current_ma = 0.3

[camera]
backend = "replay"
source = "filmed.mkv"
fps = 20
sync = "host"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    from hardware.simulated.compiled_rig import why_not

    problem = why_not()
    if problem:
        pytest.skip(problem)
    (tmp_path / "firmware.yaml").write_text(SCHEDULE, encoding="utf-8")
    (tmp_path / "rig.toml").write_text(RIG, encoding="utf-8")
    rng = np.random.default_rng(1)
    with VideoWriter(tmp_path / "filmed.mkv", width_px=96, height_px=72, fps=20) as video:
        for frame in range(40):
            video.write(rng.integers(0, 255, (72, 96), dtype=np.uint8), frame / 20)
    return tmp_path


def run(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    called = [
        sys.executable, "-m", "experiments.mouse_face", str(folder / "study"), "--animal", "m01",
        "--schedule", str(folder / "firmware.yaml"), "--rig", str(folder / "rig.toml"), "--no-preview",
        "--json", *more,
    ]  # fmt: skip
    return subprocess.run(
        called, capture_output=True, text=True, cwd=ROOT, stdin=subprocess.DEVNULL, timeout=300
    )


def test_a_session_runs_against_the_compiled_firmware(folder: Path) -> None:
    refused = run(folder, "--yes-shock", "one shock")
    assert refused.returncode == 2
    assert "1 shock up to 0.3 mA" in refused.stderr
    assert not (folder / "study").exists()
    done = run(folder, "--yes-shock", "1 shock up to 0.3 mA")
    if "silent for too long" in done.stderr or "do not agree" in done.stderr:
        pytest.skip("the computer is too busy for a microcontroller in real time")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout.splitlines()[-1])
    assert summary["simulated"] is True
    assert summary["outcomes"] == {"delivered": 3, "nothing": 1}
    found = read_session(Path(summary["path"]))
    given = found.delivered[found.delivered["event"].isin(["valve1", "valve2", "shock"])]
    assert given["event"].tolist() == ["valve1", "shock", "valve2"]
    assert np.allclose(given["duration"], [0.042, 0.3, 0.042], atol=2e-4)
    assert found.metadata["device"]["board"] == "atmega328p"
    assert len(found.videos[0].times_s) == summary["n_frames"] > 100


def test_a_valve_that_holds_something_else_is_refused(folder: Path) -> None:
    rig = folder / "rig.toml"
    rig.write_text(RIG.replace('valve1 = "quinine 10 mM"', 'valve1 = "water"'), encoding="utf-8")
    done = run(folder, "--yes-shock", "1 shock up to 0.3 mA")
    assert done.returncode == 2
    assert "quinine 10 mM is not in valve1" in done.stderr
