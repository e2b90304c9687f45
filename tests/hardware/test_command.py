"""The command line of the hardware room, on pseudo-terminals and real LSL streams."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hardware.__main__ import main

pytestmark = pytest.mark.real_time

ROOT = Path(__file__).resolve().parents[2]
SCREEN = "[monitor]\nsize_px = [800, 800]\nwidth_cm = 21\n"
"""What Qt's platform without a screen has."""

posix = pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX")
STAIRCASE = [1, 2, 4, 8, 16, 32, 64, 128, 255]


def hardware(
    *arguments: str, answer: str | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hardware", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        input=answer,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen", **environment},
    )


def rig_file(folder: Path, text: str) -> str:
    path = folder / "rig.toml"
    path.write_text(SCREEN + text, encoding="utf-8")
    return str(path)


def summary(ran: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert ran.stdout, ran.stderr
    return json.loads(ran.stdout.splitlines()[-1])


def found(ran: subprocess.CompletedProcess[str], what: str) -> list[tuple[str, str]]:
    findings = summary(ran)["findings"]
    return [(finding["level"], finding["message"]) for finding in findings if finding["what"] == what]


@pytest.fixture
def serial_line() -> Iterator[tuple[str, bytearray]]:
    """The name of a serial line, and what has arrived at its other end."""
    import pty
    import tty

    device, computer = pty.openpty()
    tty.setraw(computer)
    received = bytearray()

    def read() -> None:
        while True:
            try:
                received.extend(os.read(device, 4096))
            except OSError:
                return

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    yield os.ttyname(computer), received
    os.close(computer)
    thread.join(timeout=5)
    os.close(device)


def test_list_names_what_is_there() -> None:
    import pylsl

    name = f"amplifier {uuid.uuid4()}"
    outlet = pylsl.StreamOutlet(pylsl.StreamInfo(name, "EMG", 3, 1200, "float32", "serial-7"))
    ran = hardware("list", "--json")
    assert ran.returncode == 0, ran.stderr
    listed = summary(ran)
    assert isinstance(listed["serial_ports"], list)
    assert isinstance(listed["parallel_ports"], list)
    (stream,) = [stream for stream in listed["lsl_streams"] if stream["name"] == name]
    assert (stream["type"], stream["n_channels"], stream["fs_hz"], stream["source_id"]) == (
        "EMG",
        3,
        1200,
        "serial-7",
    )
    assert [screen["size_px"] for screen in listed["screens"]] == [[800, 800]]
    assert f"{name!r}  type 'EMG', 3 channels, 1200 Hz" in ran.stdout
    del outlet


def test_list_says_what_is_missing() -> None:
    ran = hardware("list", DISPLAY="", WAYLAND_DISPLAY="", QT_QPA_PLATFORM="")
    assert ran.returncode == 0
    assert sys.platform != "linux" or "there is no screen here (DISPLAY is not set)" in ran.stdout


@posix
def test_check_sends_a_staircase_through_the_configured_port(
    tmp_path: Path, serial_line: tuple[str, bytearray]
) -> None:
    name, received = serial_line
    ran = hardware(
        "check", "--rig", rig_file(tmp_path, f'[trigger]\nkind = "serial_byte"\nport = "{name}"\n'), "--json"
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    told = summary(ran)
    assert told["sent"] == STAIRCASE
    assert told["failed"] == 0
    assert 0 < told["longest_write_ms"] < 1000
    assert bytes(received) == b"".join(bytes((code, 0)) for code in STAIRCASE) + b"\x00"
    assert [level for level, _ in found(ran, "screen")] == ["OK"]
    assert found(ran, "recorder") == [("WARNING", "another program records, which cannot be asked")]
    assert "python -m hardware calibrate --rig" in ran.stdout


@posix
@pytest.mark.parametrize(("answer", "level", "status"), [("y\n", "OK", 0), ("n\n", "FAILED", 1)])
def test_the_experimenter_is_asked_what_the_recording_shows(
    tmp_path: Path, serial_line: tuple[str, bytearray], answer: str, level: str, status: int
) -> None:
    rig = rig_file(tmp_path, f'[trigger]\nkind = "bbtk"\nport = "{serial_line[0]}"\n')
    ran = hardware("check", "--rig", rig, "--ask", answer=answer)
    assert ran.returncode == status, ran.stdout + ran.stderr
    assert "Does the recording show 1 2 4 8 16 32 64 128 255" in ran.stdout
    assert f"{level:<8} recorder" in ran.stdout
    assert bytes(serial_line[1]).startswith(b"RR0100020004000800100020004000")


def test_markers_are_heard_and_a_listener_is_looked_for(tmp_path: Path) -> None:
    name = f"triggers {uuid.uuid4()}"
    ran = hardware(
        "check", "--rig", rig_file(tmp_path, f'[trigger]\nkind = "lsl"\nstream_name = "{name}"\n'), "--json"
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert found(ran, "recorder")[:2] == [
        ("WARNING", f"no program listens to the LSL stream '{name}'"),
        ("OK", f"all codes of the staircase came to the LSL stream '{name}', in order"),
    ]


class Amplifier:
    """An LSL stream of two muscles and a status channel, on which bytes of a serial line appear."""

    def __init__(self, received: bytearray, *, lost: int = 0) -> None:
        import pylsl

        self.name = f"amplifier {uuid.uuid4()}"
        info = pylsl.StreamInfo(self.name, "EMG", 3, 1200, "float32", f"id {uuid.uuid4()}")
        channels = info.desc().append_child("channels")
        for label, unit in (("corrugator", "microvolts"), ("zygomaticus", "microvolts"), ("Status", "none")):
            channel = channels.append_child("channel")
            channel.append_child_value("label", label)
            channel.append_child_value("unit", unit)
        self._outlet = pylsl.StreamOutlet(info, chunk_size=60)
        self._received, self._lost = received, lost
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        start_s, n_sent, n_seen = time.monotonic(), 0, 0
        while not self._stopped.wait(0.02):
            n_due = int((time.monotonic() - start_s) * 1200) - n_sent
            codes = [code for code in self._received[n_seen:] if code and code != self._lost]
            n_seen = len(self._received)
            status = [float(code) for code in codes for _ in range(5)] + [0.0] * 2
            rows = [[1.0, -1.0, status[index] if index < len(status) else 0.0] for index in range(n_due)]
            self._outlet.push_chunk(rows)
            n_sent += n_due

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()
        del self._outlet


@posix
@pytest.mark.parametrize("lost", [0, 4])
def test_codes_are_looked_for_in_the_amplifier_s_stream(
    tmp_path: Path, serial_line: tuple[str, bytearray], lost: int
) -> None:
    port, received = serial_line
    amplifier = Amplifier(received, lost=lost)
    rig = rig_file(
        tmp_path,
        f'[trigger]\nkind = "serial_byte"\nport = "{port}"\npulse = "device"\n'
        f'[recorder]\nkind = "lsl"\nstream_name = "{amplifier.name}"\n',
    )
    ran = hardware("check", "--rig", rig, "--json")
    amplifier.stop()
    stream, codes = found(ran, "recorder")
    assert stream[0] == "OK", stream
    assert "1200 Hz, corrugator = 'corrugator'" in stream[1]
    assert ran.returncode == (1 if lost else 0)
    if lost:
        assert codes[0] == "FAILED"
        assert "line D2 of the trigger cable is broken" in ran.stdout
    else:
        assert codes[1].startswith("all codes of the staircase came to channel 'Status'")


def test_what_fails_is_said_with_a_remedy_and_1(tmp_path: Path) -> None:
    rig = rig_file(
        tmp_path,
        '[[trigger]]\nkind = "serial_byte"\nport = "/dev/no-such-port"\n[[trigger]]\nkind = "parallel"\n'
        'port = "/dev/parport77"\n',
    )
    ran = hardware("check", "--rig", rig, "--json")
    assert ran.returncode == 1
    assert summary(ran)["failed"] == 2
    assert summary(ran)["sent"] == []
    assert all(finding["remedy"] for finding in summary(ran)["findings"] if finding["level"] == "FAILED")
    assert "2 failed" in ran.stdout


def test_a_stream_that_is_not_there_is_answered(tmp_path: Path) -> None:
    rig = rig_file(
        tmp_path,
        f'[trigger]\nkind = "lsl"\nstream_name = "{uuid.uuid4()}"\n'
        '[recorder]\nkind = "lsl"\nstream_name = "no such amplifier"\n',
    )
    ran = hardware("check", "--rig", rig)
    assert ran.returncode == 1
    assert "no such amplifier" in ran.stdout
    assert "start the amplifier's LSL program" in " ".join(ran.stdout.split())


def test_signals_of_a_stream_that_is_not_there_are_answered_in_a_sentence(tmp_path: Path) -> None:
    rig = rig_file(tmp_path, f'[recorder]\nkind = "lsl"\nstream_name = "none {uuid.uuid4().hex[:8]}"\n')
    ran = hardware("check", "--rig", rig, "--signals", "--text", "--no-ask")
    assert ran.returncode == 2
    assert ran.stderr.startswith("error: there is no LSL stream")  # and no notes of LSL itself


def test_wrong_input_ends_with_a_sentence_and_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rig = tmp_path / "rig.toml"
    rig.write_text('[trigger]\nkind = "seriel_byte"\nport = "COM3"\n', encoding="utf-8")
    for arguments, said in (
        (("check", "--rig", str(rig)), "line 2: [trigger] kind: unknown kind of trigger device"),
        (("check", "--rig", str(tmp_path / "none.toml")), "there is no rig file"),
        (("check", "--no-such-option"), "No such option"),
        (("calibrate",), "--rig"),
        (("calibrate", "--rig", str(rig)), "did you mean 'serial_byte'"),
        (
            ("calibrate", "--rig", str(ROOT / "hardware/rigs/bbtk_usb_ttl.toml"), "--recording", "x"),
            "channel",
        ),
        (("no-such-command",), "No such command"),
    ):
        monkeypatch.setattr(sys, "argv", ["hardware", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 2, arguments
        assert said in capsys.readouterr().err
