"""The rig file: read, checked, and answered when something is wrong."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from hardware.rig_checks import SECTIONS
from hardware.settings import RecorderSettings, RigSettings, TriggerSettings, read_rig

EXAMPLE = Path(__file__).resolve().parents[2] / "hardware" / "rigs" / "example.toml"


def rig_file(folder: Path, text: str) -> Path:
    path = folder / "rig.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_without_a_file_there_is_a_screen_and_no_trigger_line() -> None:
    rig = read_rig(None)
    assert rig == RigSettings()
    assert rig.triggers == ()
    assert rig.recorder == RecorderSettings(kind="external")
    assert rig.response_keys == ("up", "num_8", "num_up")


def test_the_example_names_every_setting_with_its_default() -> None:
    rig, defaults = read_rig(EXAMPLE), RigSettings()
    differing = {name for name, value in vars(rig).items() if value != getattr(defaults, name)}
    assert differing == {"triggers"}
    assert rig.triggers == (TriggerSettings(kind="serial_byte", port="/dev/ttyUSB0"),)
    text = EXAMPLE.read_text(encoding="utf-8")
    named = [setting for section in SECTIONS.values() for setting in section]
    named += [
        field.name for kind in (TriggerSettings, RecorderSettings) for field in dataclasses.fields(kind)
    ]
    assert [name for name in named if f"{name} =" not in text and f".{name}]" not in text] == []


def test_a_file_changes_what_it_names(tmp_path: Path) -> None:
    rig = read_rig(
        rig_file(
            tmp_path,
            '[monitor]\nsize_px = [2560, 1600]\nrefresh_hz = 100\n[keys]\nresponse = ["space"]\n'
            '[trigger]\nkind = "serial_byte"\nport = "COM4"\npulse = "device"\n'
            '[amplifier.channels]\ncorrugator = "EMG 1"\nzygomaticus = "EMG 2"\n',
        )
    )
    assert rig == dataclasses.replace(
        RigSettings(),
        monitor_size_px=(2560, 1600),
        refresh_hz=100,
        response_keys=("space",),
        triggers=(TriggerSettings(kind="serial_byte", port="COM4", baud=115200, pulse="device"),),
        amplifier_channels={"corrugator": "EMG 1", "zygomaticus": "EMG 2"},
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[monitor\n", "rig.toml"),
        ("[monitr]\nscreen = 1\n", "unknown section 'monitr'; did you mean 'monitor'"),
        ("[trigger]\nbaut = 9600\n", "did you mean 'baud'"),
        ("monitor = 3\n", "must be a section"),
        ("[monitor]\nsize_px = [1920]\n", "two whole numbers"),
        ("[monitor]\nsize_px = 1920\n", "two whole numbers"),
        ('[monitor]\nrefresh_hz = "fast"\n', "refresh_hz: expected a positive number"),
        ("[monitor]\nrefresh_hz = inf\n", "refresh_hz: expected a positive number"),
        ("[monitor]\nwidth_cm = -3\n", "expected a positive number"),
        ("[monitor]\nfullscreen = 1\n", "expected true or false"),
        ("[monitor]\nscreen = -1\n", "line 2: [monitor] screen: expected 0, 1"),
        ('[trigger]\nkind = "seriel_byte"\n', "did you mean 'serial_byte'"),
        ('[trigger]\nkind = "serial_byte"\n', "expected the name of the port"),
        ('[trigger]\npulse = "auto"\n', "next_flip, device"),
        (
            '[trigger]\nkind = "serial_byte"\nport = "COM3"\nbaud = 0.5\n',
            "line 4: [trigger] baud: expected a whole number",
        ),
        ("[keys]\nresponse = []\n", "list of key names"),
        ('[keys]\nresponse = "up"\n', "list of key names"),
        ('[keys]\nescape = "up"\n', "must not be a response key"),
        ('[amplifier.channels]\ncorrugator = "A"\nzygomaticus = "A"\n', "different channel"),
        ("[amplifier]\nmains_hz = 55\n", "expected 50 or 60"),
        ('[amplifier]\nmetadata = "g.tec"\n', "[amplifier] metadata"),
        ('[amplifier]\nstatus_channel = ""\n', "[amplifier] status_channel"),
    ],
)
def test_wrong_settings_are_answered(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=r"rig\.toml") as caught:
        read_rig(rig_file(tmp_path, text))
    assert message in str(caught.value)


def test_a_missing_file_is_answered(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"copy one of hardware/rigs"):
        read_rig(tmp_path / "rig.toml")
