"""The command line of the hardware room."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def hardware(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hardware", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60
    )


def test_list_names_the_ports() -> None:
    ran = hardware("list", "--json")
    assert ran.returncode == 0, ran.stderr
    assert isinstance(json.loads(ran.stdout.splitlines()[-1])["serial_ports"], list)


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX")
def test_check_sends_a_staircase_through_the_configured_port(tmp_path: Path) -> None:
    import pty
    import tty

    device, computer = pty.openpty()
    tty.setraw(computer)
    rig = tmp_path / "rig.toml"
    rig.write_text(f'[trigger]\nkind = "serial_byte"\nport = "{os.ttyname(computer)}"\n', encoding="utf-8")
    ran = hardware("check", "--rig", str(rig), "--json")
    assert ran.returncode == 0, ran.stderr
    sent = json.loads(ran.stdout.splitlines()[-1])["sent"]
    received = os.read(device, 1000)
    os.close(device)
    os.close(computer)
    assert [code for code in received if code] == sent == [1, 2, 4, 8, 16, 32, 64, 128, 255]
    assert received == b"".join(bytes((code, 0)) for code in sent) + b"\x00"


def test_wrong_input_ends_with_a_sentence_and_2(tmp_path: Path) -> None:
    rig = tmp_path / "rig.toml"
    rig.write_text('[trigger]\nkind = "serial_byte"\nport = "/dev/no-such-port"\n', encoding="utf-8")
    for arguments in (
        ("check", "--rig", str(rig)),
        ("check", "--rig", str(tmp_path / "none.toml")),
        ("check", "--no-such-option"),
        ("no-such-command",),
    ):
        ran = hardware(*arguments)
        assert ran.returncode == 2, arguments
        assert ran.stderr
        assert "Traceback" not in ran.stderr
