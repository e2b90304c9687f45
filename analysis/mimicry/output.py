"""Where results go: a folder of their own, which only the same analysis may renew."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from analysis.datasets import Study
from analysis.report import results_folder
from analysis.report.results_folder import write_results
from experiments.dataset.provenance import suite_version

GENERATOR = "countenance analysis.mimicry"

__all__ = ["GENERATOR", "check_folder", "default_folder", "describe_derivative", "write_results"]


def default_folder(study: Study, *, preset: str, unblinded: bool) -> Path:
    """Give the folder of an analysis inside the study.

    Unblinded results have a folder of their own, so that a blind report stays blind.
    """
    name = f"mimicry-{preset}" + ("-unblinded" if unblinded else "")
    return study.path / "derivatives" / "countenance" / name


def check_folder(folder: Path, *, analysis: dict[str, Any]) -> None:
    """Refuse a folder that holds anything but an earlier result of the same analysis; see the reports'."""
    results_folder.check_folder(folder, generator=GENERATOR, analysis=analysis)


def describe_derivative(study: Study) -> None:
    """Describe the folder of results inside the study as BIDS asks; an existing description stays."""
    folder = study.path / "derivatives" / "countenance"
    folder.mkdir(parents=True, exist_ok=True)
    description = folder / "dataset_description.json"
    if description.exists():
        return
    content = {
        "Name": f"{study.name}: results",
        "BIDSVersion": "1.11.1",
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": "Countenance", "Version": suite_version()}],
        **({"simulated": True} if study.simulated else {}),
    }
    description.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8", newline="\n")
    (folder / ".bidsignore").write_text("mimicry-*\n", encoding="utf-8", newline="\n")
