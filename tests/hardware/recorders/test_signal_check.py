"""The check before a session at a real LSL stream: as text, and in a window."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from lsl_twin import ROOT, running_amplifier
from virtual_screen import missing_program, started_screen

from hardware.recorders.signal_check import bars, run_signal_check
from hardware.settings import RigSettings

pytestmark = pytest.mark.real_time


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    if not sys.platform.startswith("linux"):
        pytest.skip("the virtual screen is an X server: Linux only")
    if (reason := missing_program()) is not None:
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with started_screen() as screen:
        yield screen.name


def start_check(
    rig: RigSettings, *, display: str, pictures: Path, by_itself: bool = True
) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "hardware.recorders.signal_check"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "DISPLAY": display, "WAYLAND_DISPLAY": ""},
    )
    job = {"rig": dataclasses.asdict(rig), "by_itself": by_itself, "window": True, "pictures": str(pictures)}
    assert process.stdin is not None
    process.stdin.write(json.dumps(job) + "\n")
    process.stdin.flush()
    return process


@pytest.mark.display
def test_the_window_sees_a_smile_and_a_frown_and_closes(tmp_path: Path, display: str) -> None:
    with running_amplifier() as amplifier:
        process = start_check(amplifier.rig(), display=display, pictures=tmp_path)
        output, errors = process.communicate(timeout=90)
    assert process.returncode == 0, errors
    result = json.loads(output.strip().splitlines()[-1])
    assert result["accepted"], result
    assert result["expressions"]["seen"] == {"smile": "right", "frown": "right"}
    for name in ("signal_check_smile.png", "signal_check_result.png"):
        assert 10_000 < (tmp_path / name).stat().st_size < 150_000


@pytest.mark.slow
@pytest.mark.display
def test_the_window_says_that_the_cables_are_swapped(tmp_path: Path, display: str) -> None:
    with running_amplifier("--swapped") as amplifier:
        process = start_check(amplifier.rig(), display=display, pictures=tmp_path)
        output, errors = process.communicate(timeout=90)
    result = json.loads(output.strip().splitlines()[-1])
    assert result["expressions"]["swapped"], errors
    assert not result["accepted"]
    assert (tmp_path / "signal_check_swapped.png").exists()


@pytest.mark.display
@pytest.mark.slow
def test_a_window_whose_stream_ends_does_not_wait_for_ever(tmp_path: Path, display: str) -> None:
    with running_amplifier("--seconds", 20) as amplifier:
        process = start_check(amplifier.rig(), display=display, pictures=tmp_path)
        output, _ = process.communicate(timeout=90)
    assert "no samples come any more" in json.loads(output.strip().splitlines()[-1])["error"]


@pytest.mark.slow
def test_the_check_as_text_says_that_the_cables_are_swapped(capsys: pytest.CaptureFixture[str]) -> None:
    with running_amplifier("--swapped") as amplifier:
        result = run_signal_check(amplifier.rig(), window=False, by_itself=True)
    said = capsys.readouterr().out
    assert result["expressions"]["swapped"]
    assert not result["accepted"]
    assert "Please SMILE" in said
    assert "SWAPPED" in said


def test_the_test_can_be_left_out() -> None:
    with running_amplifier("--flat", "zygomaticus") as amplifier:
        begun = time.monotonic()
        result = run_signal_check(amplifier.rig(), window=False, ask=lambda question: "s")
    assert time.monotonic() - begun < 15
    assert result["accepted"]
    assert result["expressions"] is None
    assert not result["fit"]
    assert "flat line" in result["message"]


def test_without_an_lsl_recorder_there_is_nothing_to_look_at() -> None:
    with pytest.raises(ValueError, match=r"kind = 'external'\. Take kind = \"lsl\""):
        run_signal_check(RigSettings())


def test_bars_never_leave_the_line() -> None:
    assert "####" in bars({"corrugator": 20.0})
    assert len(bars({"corrugator": 1e9})) < 70
    assert "#" not in bars({"corrugator": 0.0})
