"""What made a result: versions of the suite, of Python and of the packages, and the commit."""

from __future__ import annotations

import platform
from collections.abc import Iterable

import pandas as pd

from experiments.dataset.provenance import package_versions, suite_commit, suite_version

PACKAGES = ("numpy", "scipy", "pandas", "formulaic", "mne", "edfio", "matplotlib", "jinja2")
"""Packages whose version may change a number or a drawing of a report."""


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
    rows += package_versions(packages).items()
    return pd.DataFrame(rows, columns=["component", "version"])
