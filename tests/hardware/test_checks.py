"""Lines of the check: what works, what does not, and what to do."""

from __future__ import annotations

import dataclasses
import datetime
import re
from pathlib import Path

import pytest

from hardware import checks
from hardware.calibration import (
    Calibration,
    calibration_problem,
    calibration_record,
    in_words,
    latest_calibration,
    spread,
    write_calibration,
)
from hardware.inventory import SerialPort, _latency_ms, guess_usb, parallel_ports
from hardware.screens import Screen
from hardware.settings import RigSettings, TriggerSettings

pytestmark = pytest.mark.real_time

SCREEN = Screen(number=0, name="DELL", size_px=(1920, 1080), width_cm=52.7, refresh_hz=59.95)


def levels(findings: list[checks.Finding]) -> list[str]:
    return [finding.level for finding in findings]


def test_the_screen_of_the_rig_file_is_there() -> None:
    assert levels(checks.check_screen(RigSettings(), [SCREEN], None)) == ["OK"]


@pytest.mark.parametrize(
    ("rig", "screen", "level", "remedy"),
    [
        ({"screen": 1}, {}, "FAILED", r"correct screen in \[monitor\]: 0: DELL"),
        ({"refresh_hz": 100.0}, {}, "FAILED", r"set the screen to 100 Hz, or refresh_hz = 59.95"),
        ({"monitor_size_px": (1280, 1024)}, {}, "WARNING", r"size_px = \[1920, 1080\]"),
        ({"monitor_width_cm": 60.0}, {}, "WARNING", r"with a ruler"),
        ({"fullscreen": False}, {}, "WARNING", r"fullscreen = true"),
    ],
)
def test_what_differs_is_said(
    rig: dict[str, object], screen: dict[str, object], level: str, remedy: str
) -> None:
    settings = dataclasses.replace(RigSettings(), **rig)  # type: ignore[arg-type]
    found = checks.check_screen(settings, [dataclasses.replace(SCREEN, **screen)], None)  # type: ignore[arg-type]
    (worst,) = [finding for finding in found if finding.level != "OK"]
    assert worst.level == level
    assert re.search(remedy, worst.remedy)


@pytest.mark.parametrize(
    ("names", "problem", "level"),
    [
        (["keypad"], None, "OK"),
        ([], None, "FAILED"),
        ([], "Psychtoolbox cannot read keyboards (error)", "FAILED"),
        ([], "keyboards are read where there is a screen (DISPLAY is not set)", "WARNING"),
    ],
)
def test_keyboards_are_judged(names: list[str], problem: str | None, level: str) -> None:
    finding = checks.check_keyboards(names, problem)
    assert finding.level == level
    assert bool(finding.remedy) == (level != "OK")


def test_without_a_screen_the_check_fails() -> None:
    (finding,) = checks.check_screen(RigSettings(), [], "there is no screen here")
    assert finding.level == "FAILED"
    assert finding.remedy


@pytest.mark.parametrize(
    ("seen", "level", "said"),
    [
        (checks.STAIRCASE, "OK", "all codes"),
        ([code for step in checks.STAIRCASE for code in (step, 0)], "OK", "all codes"),
        ([], "FAILED", "is the cable in the amplifier's trigger input"),
        ([1, 2, 8, 16, 32, 64, 128, 251], "FAILED", "line D2 of the trigger cable is broken"),
        ([1, 2, 4, 8, 15], "FAILED", "line D4, D5, D6, D7"),
        ([code for step in checks.STAIRCASE for code in (step, step)], "FAILED", "came twice"),
        (tuple(reversed(checks.STAIRCASE)), "FAILED", "another program"),
    ],
)
def test_codes_that_the_recorder_saw_are_judged(seen: list[int], level: str, said: str) -> None:
    finding = checks.check_codes_seen(seen, "the status channel")
    assert finding.level == level
    assert said in finding.message + finding.remedy


def test_a_finding_is_one_line_and_its_remedy() -> None:
    finding = checks.failed("screen", "there is none", "connect one " + 30 * "and look ")
    first, *rest = str(finding).splitlines()
    assert first == "FAILED   screen       there is none"
    assert rest[0].startswith(" " * 22 + "-> connect one")
    assert max(map(len, rest)) <= 110


def serial_port(**values: object) -> SerialPort:
    described = {"port": "/dev/ttyUSB0", "description": "FT232R", "guess": "an FTDI", "usb": "0403:6001"}
    return SerialPort(**{"starts_anew": False, "latency_ms": None, **described, **values})  # type: ignore[arg-type]


def test_what_is_known_of_adapters_is_said() -> None:
    device = TriggerSettings(kind="serial_byte", port="/dev/ttyUSB0")
    slow = checks._check_adapter(device, [serial_port(latency_ms=16)])
    assert "echo 1 | sudo tee /sys/bus/usb-serial/devices/ttyUSB0/latency_timer" in slow[0].remedy
    assert checks._check_adapter(device, [serial_port(latency_ms=1)]) == []
    (arduino,) = checks._check_adapter(device, [serial_port(starts_anew=True)])
    assert "wait_s = 2" in arduino.remedy
    waits = dataclasses.replace(device, wait_s=2.0)
    assert checks._check_adapter(waits, [serial_port(starts_anew=True)]) == []


def test_a_wrong_port_is_answered_with_those_that_are_there() -> None:
    device = TriggerSettings(kind="serial_byte", port="/dev/no-such-port")
    port, (finding,) = checks.check_device(device, [serial_port()])
    assert port is None
    assert finding.level == "FAILED"
    assert "/dev/ttyUSB0 (an FTDI)" in finding.remedy


def test_boards_are_guessed_by_their_numbers() -> None:
    assert "BioSemi" in str(guess_usb(0x0403, 0x6001))
    assert "MMBT-S" in str(guess_usb(0x2341, 0x8037))
    assert "USB2TTL8" in str(guess_usb(0x16C0, 0x0483))
    assert guess_usb(None, None) is None


def test_the_system_s_files_are_read(tmp_path: Path) -> None:
    timer = tmp_path / "sys/bus/usb-serial/devices/ttyUSB3/latency_timer"
    timer.parent.mkdir(parents=True)
    timer.write_text("16\n")
    assert _latency_ms("/dev/ttyUSB3", tmp_path) == 16
    assert _latency_ms("/dev/ttyUSB4", tmp_path) is None
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "parport0").touch()
    (tmp_path / "dev" / "parport").touch()
    assert parallel_ports(tmp_path) in (["/dev/parport0"], [])


def calibration(**values: object) -> Calibration:
    usual: dict[str, object] = {
        "date": "2026-03-01T10:00:00+00:00",
        "rig": "rig.toml",
        "refresh_hz": 60.01,
        "interval_mean_ms": 16.66,
        "interval_sd_ms": 0.05,
        "n_flips": 3000,
        "n_missed": 0,
        "triggers": (),
        "trigger_delay": spread([0.1, 0.2, 0.3]),
        "display": {"kind": "window"},
    }
    return Calibration(**{**usual, **values})  # type: ignore[arg-type]


NOW = datetime.datetime(2026, 4, 1, tzinfo=datetime.timezone.utc)


def test_calibrations_are_kept_beside_the_rig_file_and_never_written_over(tmp_path: Path) -> None:
    rig = tmp_path / "rig.toml"
    assert "never calibrated" in str(calibration_problem(rig, RigSettings(), now=NOW))
    assert latest_calibration(rig) is None
    assert calibration_record(rig) is None
    first = write_calibration(rig, calibration())
    assert first.name == "rig.calibration_2026-03-01T100000.json"
    with pytest.raises(FileExistsError):
        write_calibration(rig, calibration())
    later = calibration(date="2026-03-02T10:00:00+00:00", light_delay=spread([20.0, 20.5]))
    path = write_calibration(rig, later)
    assert latest_calibration(rig) == (path, later)
    assert calibration_problem(rig, RigSettings(), now=NOW) is None
    assert "light 20.2 ms after the trigger" in in_words(later)
    record = calibration_record(rig)
    assert record is not None
    assert (record["file"], record["refresh_hz"]) == (path.name, 60.01)


@pytest.mark.parametrize(
    ("values", "rig", "problem"),
    [
        ({"date": "2025-03-01T10:00:00+00:00"}, {}, "days old"),
        ({"refresh_hz": 75.0}, {}, "calibrated at 75.00 Hz"),
        ({}, {"triggers": (TriggerSettings(kind="lsl"),)}, "other trigger devices .none. than"),
        ({"trigger_delay": spread([0.1, 3.0])}, {}, "not steady"),
    ],
)
def test_a_calibration_that_no_longer_holds_is_told(
    tmp_path: Path, values: dict[str, object], rig: dict[str, object], problem: str
) -> None:
    path = tmp_path / "rig.toml"
    write_calibration(path, calibration(**values))
    found = calibration_problem(path, RigSettings(**rig), now=NOW)  # type: ignore[arg-type]
    assert found is not None
    assert re.search(problem, found)
    assert "python -m hardware calibrate --rig" in found


def test_a_damaged_calibration_is_told(tmp_path: Path) -> None:
    rig = tmp_path / "rig.toml"
    (tmp_path / "rig.calibration_2026-03-01T100000.json").write_text("{}")
    assert "cannot be read" in str(calibration_problem(rig, RigSettings()))
    assert calibration_record(rig) is None
    assert checks.check_calibration(rig, RigSettings()).level == "WARNING"
