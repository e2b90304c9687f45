"""What made a result: versions of the suite, of Python and of the packages, and the commit."""

from __future__ import annotations

import platform
import re
import subprocess
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

import pandas as pd

PACKAGES = ("numpy", "scipy", "pandas", "formulaic", "mne", "edfio", "matplotlib", "jinja2")
"""Packages whose version may change a number or a drawing of a report."""


def package_version(name: str) -> str | None:
    """Give the installed version of a package, None where it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def suite_version() -> str:
    """Give the version of the suite, installed or run from its folder."""
    installed = package_version("countenance")
    if installed:
        return installed
    project = Path(__file__).resolve().parents[2] / "pyproject.toml"
    found = re.search(r'^version = "(.+)"', project.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return found[1] if found else "unknown"


def suite_commit() -> str | None:
    """Give the commit of the checkout this code runs from, marked where files differ; None outside of one."""
    folder = Path(__file__).resolve().parents[2]
    if not (folder / ".git").exists():
        return None
    command = [
        "git",
        "-C",
        str(folder),
        "describe",
        "--always",
        "--dirty=+changed",
        "--abbrev=12",
        "--exclude=*",
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None


def versions(packages: Iterable[str] = PACKAGES) -> pd.DataFrame:
    """Tabulate what computed a result.

    Returns
    -------
    pandas.DataFrame
        Columns ``component`` and ``version``; packages that are not installed are left out.
    """
    rows = [("Countenance", suite_version())]
    commit = suite_commit()
    if commit:
        rows.append(("Countenance commit", commit))
    rows.append(("Python", platform.python_version()))
    rows.append(("Operating system", f"{platform.system()} {platform.release()} ({platform.machine()})"))
    found = [(name, package_version(name)) for name in packages]
    rows += [(name, version) for name, version in found if version]
    return pd.DataFrame(rows, columns=["component", "version"])
