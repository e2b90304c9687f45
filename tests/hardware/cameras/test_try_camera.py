"""``python -m hardware camera``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from experiments.dataset.frame_table import read_frame_table
from hardware.__main__ import app
from hardware.mouse_settings import read_mouse_rig

RIG = """
[mouse_rig]
port = "socket://127.0.0.1:1"
"""
CAMERA = """
[camera]
backend = "synthetic"
fps = 25
width_px = 160
height_px = 120
"""


def write_rig(folder: Path, camera: str) -> str:
    path = folder / "rig.toml"
    path.write_text(RIG + camera, encoding="utf-8")
    return str(path)


def test_a_trial_says_what_came_and_leaves_nothing(tmp_path: Path) -> None:
    rig = write_rig(tmp_path, CAMERA)
    done = CliRunner().invoke(app, ["camera", "--rig", rig, "--seconds", "1", "--json"])
    assert done.exit_code == 0, done.output
    summary = json.loads(done.stdout.splitlines()[-1])
    assert summary["n_lost"] == 0
    assert summary["n_frames"] >= 5
    assert summary["camera"]["simulated"] is True
    assert "Exposure:" in done.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rig.toml"]


def test_a_lossy_trial_is_kept_and_warned_of(tmp_path: Path) -> None:
    rig = write_rig(tmp_path, CAMERA + 'codec = "h264_crf23"\n')
    keep = tmp_path / "trial"
    done = CliRunner().invoke(app, ["camera", "--rig", rig, "--seconds", "1", "--keep", str(keep)])
    assert done.exit_code == 0, done.output
    assert "WARNING  codec h264_crf23 is lossy" in done.stdout
    assert len(read_frame_table(keep / "frames.tsv")) >= 5
    again = CliRunner().invoke(app, ["camera", "--rig", rig, "--keep", str(keep)])
    assert isinstance(again.exception, FileExistsError)


def test_a_camera_that_is_not_there_ends_in_words(tmp_path: Path) -> None:
    rig = write_rig(tmp_path, '\n[camera]\nbackend = "opencv"\nfps = 30\nsource = "absent.avi"\n')
    done = CliRunner().invoke(app, ["camera", "--rig", rig])
    assert done.exit_code == 1
    assert "cannot open camera absent.avi" in done.stderr
    rig = write_rig(tmp_path, "")
    done = CliRunner().invoke(app, ["camera", "--rig", rig])
    assert isinstance(done.exception, ValueError)
    assert "no section [camera]" in str(done.exception)


def test_the_example_has_a_camera_and_every_setting_of_it_is_known(tmp_path: Path) -> None:
    example = Path(__file__).parents[3] / "hardware" / "rigs" / "mouse_example.toml"
    camera = read_mouse_rig(example).camera
    assert camera is not None
    assert camera.codec == "ffv1"
    lines = example.read_text(encoding="utf-8").partition("[camera]")[2].splitlines()
    hidden = [line[2:].partition("#")[0] for line in lines if line.startswith("# ")]
    all_of_it = 'backend = "pylon"\nfps = 30\nexposure_us = 5000\n' + "\n".join(hidden)
    rig = write_rig(tmp_path, "\n[camera]\n" + all_of_it)
    known = read_mouse_rig(Path(rig)).camera
    assert known is not None
    assert known.exposure_line == "Line2"


@pytest.mark.parametrize("seconds", ["0", "-1"])
def test_no_time_is_no_trial(tmp_path: Path, seconds: str) -> None:
    rig = write_rig(tmp_path, CAMERA)
    assert CliRunner().invoke(app, ["camera", "--rig", rig, "--seconds", seconds]).exit_code == 2
