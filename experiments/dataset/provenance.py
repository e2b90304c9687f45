"""Which program made a file: version and commit of the suite, versions of packages. Standard library only."""

from __future__ import annotations

import functools
import re
import subprocess
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def package_versions(names: Iterable[str]) -> dict[str, str]:
    """Return the installed version of each package, leaving out those that are not installed."""
    found = {}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def suite_version() -> str:
    """Return the version of the suite, whether it runs from its folder or was installed."""
    project = ROOT / "pyproject.toml"
    if project.is_file():
        stated = re.search(r'^version = "(.+)"', project.read_text(encoding="utf-8"), flags=re.MULTILINE)
        if stated:
            return stated[1]
    return package_versions(["countenance"]).get("countenance", "unknown")


@functools.cache
def suite_commit() -> str | None:
    """Return the commit of the working tree, ``-modified`` where files differ; None outside a repository."""
    if not (ROOT / ".git").exists():
        return None
    options = ["--always", "--abbrev=40", "--exclude=*", "--dirty=-modified"]
    try:
        described = subprocess.run(
            ["git", "-C", str(ROOT), "describe", *options], capture_output=True, text=True, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return described.stdout.strip() or None
