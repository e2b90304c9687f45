"""The rules of the house that the import contracts in pyproject.toml cannot express."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("analysis", "experiments", "hardware", "stimuli")


def modules() -> Iterator[Path]:
    for room in ROOMS:
        yield from sorted((ROOT / room).rglob("*.py"))


def imported_names(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


NAMED_IN_RIG_FILES = {
    "experiments/mouse_face/rig_session.py",  # port = "compiled-firmware"
    "hardware/cameras/choose.py",  # backend = "synthetic"
}
"""Where a rig file may ask for a twin; what is recorded with it says that it is simulated."""


def test_only_commands_import_the_simulated_twins() -> None:
    offenders = [
        path.relative_to(ROOT).as_posix()
        for path in modules()
        if path.name != "__main__.py"
        and "simulated" not in path.parts
        and any(name.startswith("hardware.simulated") for name in imported_names(path))
    ]
    assert set(offenders) == NAMED_IN_RIG_FILES


def test_every_module_of_the_suite_has_a_docstring() -> None:
    bare = [
        str(p.relative_to(ROOT)) for p in modules() if not ast.get_docstring(ast.parse(p.read_text("utf-8")))
    ]
    assert bare == []


@pytest.mark.parametrize(
    "command", ["stimuli", "hardware", "experiments.mimicry", "experiments.mouse_face", "analysis.mimicry"]
)
def test_commands_show_their_help_from_any_directory_without_a_display(command: str, tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    environment["PYTHONPATH"] = str(ROOT)
    shown = subprocess.run(
        [sys.executable, "-m", command, "--help"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert shown.returncode == 0, shown.stderr
    assert "Usage" in shown.stdout
