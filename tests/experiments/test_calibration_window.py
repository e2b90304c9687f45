"""The command that calibrates, in a real window on a virtual screen, with a pseudo-terminal as its device."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Protocol

import pytest

pytestmark = pytest.mark.display

ROOT = Path(__file__).resolve().parents[2]


class Screen(Protocol):
    """See conftest."""

    name: str


def test_the_command_flashes_measures_and_keeps_what_it_measured(screen: Screen, tmp_path: Path) -> None:
    import tty

    device, computer = os.openpty()
    tty.setraw(computer)
    received = bytearray()

    def read() -> None:
        while True:
            try:
                received.extend(os.read(device, 4096))
            except OSError:
                return

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    rig = tmp_path / "rig.toml"
    rig.write_text(
        "[monitor]\nsize_px = [640, 480]\nwidth_cm = 20\nfullscreen = false\n"
        f'[trigger]\nkind = "serial_byte"\nport = "{os.ttyname(computer)}"\n',
        encoding="utf-8",
    )
    environment = {**os.environ, "DISPLAY": screen.name, "HOME": str(tmp_path)}
    environment.pop("WAYLAND_DISPLAY", None)

    def calibrate(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "hardware", "calibrate", "--rig", str(rig), "--json", *arguments],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )

    ran = calibrate("--flips", "60", "--flashes", "10", "--allow-unmeasured-refresh")
    assert ran.returncode == 0, ran.stderr
    measured = json.loads(ran.stdout.splitlines()[-1])
    assert Path(measured["file"]).parent == tmp_path
    kept = json.loads(Path(measured["file"]).read_text(encoding="utf-8"))
    assert kept == {name: value for name, value in measured.items() if name != "file"}
    assert measured["display"]["kind"] == "window"
    assert measured["trigger_delay"]["n"] == 10
    assert measured["trigger_delay"]["median_ms"] < 5
    assert bytes(received) == bytes((255, 0)) * 10 + b"\x00"

    without_refresh = calibrate("--flips", "60", "--flashes", "10")
    assert without_refresh.returncode == 2
    assert "the refresh of this screen cannot be measured" in without_refresh.stderr
    assert len(list(tmp_path.glob("*.calibration_*.json"))) == 1
    os.close(computer)
    reader.join(timeout=5)
    os.close(device)
