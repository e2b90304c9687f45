"""The rig file: read, checked, and answered when something is wrong."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from hardware.rig_file_checks import RECORDER_KINDS, SECTIONS
from hardware.settings import RecorderSettings, RigSettings, TriggerSettings, read_rig, rig_from_record
from hardware.trigger_kinds import TRIGGER_KINDS

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
        ("[monitor]\nwidth_cm = 52,5\n", "decimals have a point: 52.5"),
        ("[monitor]\nfullscreen = True\n", "written true and false"),
        ("[keys]\nescape = escape\n", "texts stand in quotes"),
        ('[trigger]\nkind = "parallel"\nlibrary = "C:\\labs\\x.dll"\n', "single quotes: 'C:\\labs"),
        ('[trigger]\nkind = "lsl"\n[trigger]\nkind = "lsl"\n', "written as [[trigger]] each"),
        ("[monitor]\nscreen = 0\nscreen = 1\n", "anything else is said once"),
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
        ('[keys]\nresponse = ["up", "banana"]\n', "no key is called 'banana'"),
        ('[keys]\nresponse = ["Up"]\n', "did you mean 'up'"),
        ('[amplifier.channels]\ncorrugator = "A"\nzygomaticus = "A"\n', "different channel"),
        ("[amplifier]\nmains_hz = 55\n", "expected 50 or 60"),
        # wrong units
        (
            "[monitor]\ndistance_cm = 0.6\n",
            "line 2: [monitor] distance_cm: expected cm, and this looks like metres: write 60",
        ),
        ("[monitor]\ndistance_cm = 600\n", "looks like millimetres: write 60, found 600"),
        ("[monitor]\ndistance_cm = 60000\n", "expected 20 to 300 cm"),
        ("[monitor]\nwidth_cm = 520\n", "looks like millimetres: write 52"),
        ("[monitor]\nwidth_cm = 0.52\n", "looks like metres: write 52"),
        (
            "[monitor]\nrefresh_hz = 16.7\n",
            "this looks like the refresh's length in ms: write 60, found 16.7",
        ),
        ("[monitor]\nrefresh_hz = 6.944\n", "write 144"),
        ("[monitor]\nrefresh_hz = 0.0167\n", "its length in s: write 60"),
        ("[monitor]\nrefresh_hz = 5000\n", "expected 20 to 500 Hz"),
        ("[monitor]\nsize_px = [52, 29]\n", "two whole numbers"),
        ("[monitor]\nsize_px = [8000, 6000]\nwidth_cm = 9\n", "pixels of 0.0112 mm"),
        # wrong devices
        (
            '[trigger]\nkind = "arduino"\n',
            "unknown kind of trigger device 'arduino'; known are none, serial_byte",
        ),
        ('[trigger]\nkind = "paralel"\n', "did you mean 'parallel'"),
        (
            '[trigger]\nkind = "bbtk"\nport = "COM3"\npulse = "device"\n',
            'holds a code until it is told the next: write pulse = "next_flip"',
        ),
        (
            '[trigger]\nkind = "parallel"\nport = "0x378"\npulse = "device"\n',
            "line 4: [trigger] pulse: 'device' is impossible",
        ),
        ('[trigger]\nkind = "lsl"\npulse = "next_flip"\n', "a marker has a time and no length"),
        (
            '[trigger]\nkind = "lsl"\nport = "COM3"\n',
            "a device of kind 'lsl' has no such setting: take it out",
        ),
        ('[trigger]\nkind = "lsl"\nvalues = "text"\n', 'expected "int" or "string"'),
        ('[trigger]\nkind = "lsl"\nstream_name = ""\n', "expected a text in quotes"),
        # wrong ports
        ('[trigger]\nkind = "serial_byte"\nport = 4\n', "name of the port in quotes"),
        ('[trigger]\nkind = "serial_byte"\nport = "4"\n', 'such as "COM4" or "/dev/ttyUSB4"'),
        ('[trigger]\nkind = "serial_byte"\nport = "COM 4:"\n', 'expected "COM4" without blank and colon'),
        ('[trigger]\nkind = "serial_byte"\nport = "LPT1"\n', 'write kind = "parallel"'),
        ('[trigger]\nkind = "serial_byte"\nport = "0x378"\n', 'write kind = "parallel"'),
        ('[trigger]\nkind = "parallel"\n', "Device Manager"),
        ('[trigger]\nkind = "parallel"\nport = "COM3"\n', "expected the address of the parallel port"),
        ('[trigger]\nkind = "parallel"\nport = "378"\n', "expected the address of the parallel port"),
        ('[trigger]\nkind = "parallel"\nport = 0x10000\n', "expected the address of the parallel port"),
        ('[trigger]\nkind = "serial_byte"\nport = "COM3"\nbaud = 11520\n', "did you mean 115200?"),
        ('[trigger]\nkind = "serial_byte"\nport = "COM3"\nbaud = 115000\n', "did you mean 115200?"),
        ('[trigger]\nkind = "bbtk"\nport = "COM3"\nbaud = 9600\n', "speaks 115200 baud: leave baud out"),
        ('[trigger]\nkind = "serial_byte"\nport = "COM3"\nwait_s = 2000\n', "(milliseconds? write 2)"),
        (
            '[[trigger]]\nkind = "bbtk"\nport = "com3"\n[[trigger]]\nkind = "serial_byte"\nport = "COM3"\n',
            "line 6: [trigger] port: 'COM3' is that of the first [[trigger]] too",
        ),
        (
            '[[trigger]]\nkind = "lsl"\n[[trigger]]\nkind = "none"\n[[trigger]]\nkind = "lsl"\n',
            "line 5: [trigger] stream_name: 'Countenance triggers' is that of the first",
        ),
        ("trigger = 3\n", "must be a section"),
        # recorders
        ('[recorder]\nkind = "internal"\n', "did you mean 'external'"),
        ('[recorder]\nstream_name = "EMG"\n', 'this belongs to kind = "lsl"'),
        ('[recorder]\nkind = "lsl"\nfile_format = "edf"\n', "did you mean 'xdf'"),
        ('[recorder]\nkind = "lsl"\nstream_name = 3\n', "expected a text in quotes"),
        # codes
        (
            "[codes]\nresponse = 30\nfeedback = 30\n",
            "line 3: [codes] feedback: the code 30 is that of response too",
        ),
        ("[codes]\nresponse = 0\n", "whole number from 1 to 255"),
        ("[codes]\nresponse = 256\n", "whole number from 1 to 255"),
        ('[codes]\nresponse = "21"\n', "whole number from 1 to 255"),
        # keys
        ('[keys]\nresponse = ["up", "escape"]\n', "'escape' is both"),
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


def test_other_units_and_writings_that_are_right(tmp_path: Path) -> None:
    rig = read_rig(
        rig_file(
            tmp_path,
            "[monitor]\nrefresh_hz = 59.94\ndistance_cm = 120\n"
            '[[trigger]]\nkind = "parallel"\nport = 0xDFF8\n'
            '[[trigger]]\nkind = "usb2ttl8"\nport = "COM12"\npulse = "device"\n'
            '[[trigger]]\nkind = "none"\n[codes]\nresponse = 99\n',
        )
    )
    assert [trigger.name for trigger in rig.triggers] == ["parallel '0xdff8'", "usb2ttl8 'COM12'"]
    assert [trigger.pulse for trigger in rig.triggers] == ["next_flip", "device"]
    assert [trigger.baud for trigger in rig.triggers] == [None, 128000]
    assert rig.codes == {"response": 99}


def test_a_file_with_the_mark_of_windows_editors_is_read(tmp_path: Path) -> None:
    path = tmp_path / "rig.toml"
    path.write_bytes(b"\xef\xbb\xbf[monitor]\r\nscreen = 1\r\n")
    assert read_rig(path).screen == 1


def test_a_file_in_another_encoding_is_answered(tmp_path: Path) -> None:
    path = tmp_path / "rig.toml"
    path.write_text("[monitor]\n# für das Labor\n", encoding="utf-16")
    with pytest.raises(ValueError, match=r"rig.toml: .*save the file as UTF-8"):
        read_rig(path)


RIGS = sorted((Path(__file__).resolve().parents[2] / "hardware" / "rigs").glob("*.toml"))


@pytest.mark.parametrize("path", RIGS, ids=lambda path: path.stem)
def test_every_example_can_be_read_and_is_explained(path: Path) -> None:
    rig = read_rig(path)
    assert (len(rig.triggers) > 0) == (path.stem not in ("behaviour_only", "mouse_example"))
    assert path.read_text(encoding="utf-8").startswith("# ")
    assert rig_from_record(json.loads(json.dumps(dataclasses.asdict(rig)))) == rig


def test_every_kind_of_device_has_an_example() -> None:
    shown = {trigger.kind for path in RIGS for trigger in read_rig(path).triggers}
    assert shown == set(TRIGGER_KINDS)
    assert {read_rig(path).recorder.kind for path in RIGS} == set(RECORDER_KINDS)


@pytest.mark.parametrize(
    ("record", "triggers"),
    [
        ({}, ()),
        (
            {"trigger_kind": "none", "trigger_port": None, "trigger_baud": 115200, "trigger_pulse": "device"},
            (),
        ),
        (
            {
                "trigger_kind": "serial_byte",
                "trigger_port": "COM4",
                "trigger_baud": 9600,
                "trigger_pulse": "device",
            },
            (TriggerSettings(kind="serial_byte", port="COM4", baud=9600, pulse="device"),),
        ),
    ],
)
def test_records_of_earlier_sessions_are_read(
    record: dict[str, object], triggers: tuple[TriggerSettings, ...]
) -> None:
    rig = rig_from_record({"monitor_size_px": [1280, 900], "response_keys": ["up"], **record})
    assert rig == RigSettings(monitor_size_px=(1280, 900), response_keys=("up",), triggers=triggers)


@pytest.mark.parametrize("record", [{"colour": "red"}, {"triggers": [{"kind": "lsl", "wire": 3}]}])
def test_another_kind_of_record_is_answered(record: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"another kind of rig .* say which with --rig"):
        rig_from_record(record)
