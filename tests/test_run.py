"""The bootstrap: what it refuses, what it says, and that it works from any directory."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def run() -> ModuleType:
    spec = importlib.util.spec_from_file_location("countenance_run", ROOT / "run.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def call(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "run.py"), *arguments], cwd=cwd, capture_output=True, text=True
    )


def test_without_a_command_it_shows_the_usage_and_fails(tmp_path: Path) -> None:
    shown = call(cwd=tmp_path)
    assert shown.returncode == 2
    assert "usage: python run.py" in shown.stdout


def test_an_unknown_command_is_named(tmp_path: Path) -> None:
    shown = call("analyse", cwd=tmp_path)
    assert shown.returncode == 2
    assert "'analyse'" in shown.stderr


def test_the_demo_never_writes_over_a_folder(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "data.txt").write_text("precious")
    environment = ROOT / ".venv" / "countenance-stamp.json"
    if not environment.exists():
        pytest.skip("needs the environment that run.py makes")
    shown = call("demo", "mine", cwd=tmp_path)
    assert shown.returncode == 2
    assert "exists already" in shown.stderr
    assert (tmp_path / "mine" / "data.txt").read_text() == "precious"


def test_free_name_counts_up(run: ModuleType, tmp_path: Path) -> None:
    assert run.free_name(tmp_path / "demo") == tmp_path / "demo"
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo-2").mkdir()
    assert run.free_name(tmp_path / "demo") == tmp_path / "demo-3"


def test_no_supported_python_says_which_and_how(run: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "SUPPORTED_PYTHONS", ((3, 99),))
    with pytest.raises(run.SetupError, match=r"3\.10, 3\.11 or 3\.12(?s:.*)winget install"):
        run.find_python()


def test_the_lock_covers_every_dependency_of_the_project() -> None:
    tomllib = pytest.importorskip("tomllib")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["test"]
    locked = {
        line.split("==")[0].lower() for line in (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    }
    names = {requirement.split(";")[0].split(">")[0].strip().lower() for requirement in wanted}
    assert names - locked == set()
