"""Where the results of a study of mouse faces go, and their machine-readable summary."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.mouse_face.results import Results
from analysis.report import results_folder
from experiments.dataset.provenance import suite_version

GENERATOR = "countenance analysis.mouse_face"


def default_folder(study: Path, *, preset: str, only: tuple[str, ...], quick: bool) -> Path:
    """Give the folder of an analysis inside the study; parts and quick looks have folders of their own."""
    name = f"mouse_face-{preset}" + ("-quick" if quick else "")
    if only:
        name += "-" + "-".join(panel.lower() for panel in sorted(only))
    return study / "derivatives" / "countenance" / name


def check_folder(folder: Path, *, study: Path, preset: str) -> None:
    """Refuse a folder that holds anything but an earlier result of the same analysis.

    Raises
    ------
    FileExistsError, NotADirectoryError
        See `analysis.report.results_folder.check_folder`.
    """
    analysis = {"study": study.resolve().name, "preset": preset}
    results_folder.check_folder(folder, generator=GENERATOR, analysis=analysis)


def describe_derivatives(study: Path, *, simulated: bool) -> None:
    """Say what the folder of results inside the study is; an existing description stays."""
    folder = study / "derivatives" / "countenance"
    folder.mkdir(parents=True, exist_ok=True)
    description = folder / "dataset_description.json"
    if description.exists():
        return
    content = {
        "Name": f"{study.resolve().name}: results",
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": "Countenance", "Version": suite_version()}],
        **({"simulated": True} if simulated else {}),
    }
    description.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8", newline="\n")


def summarise(results: Results) -> dict[str, Any]:
    """Give the numbers that a program would want of an analysis.

    Returns
    -------
    dict
        Of plain values, ready for JSON: numbers that do not exist are None.
    """
    data = results.data
    return {
        "generated_by": GENERATOR,
        "study": data.name,
        "simulated": results.simulated,
        "preset": results.preset,
        "quick": results.quick,
        "panels_asked_for": list(results.only),
        "parameters": {
            name: _plain(dataclasses.asdict(parameters)) for name, parameters in results.parameters.items()
        },
        "emotions": dict(results.emotions.table),
        "versions": results.versions.set_index("component")["version"].to_dict(),
        "n_animals": len(data.animals),
        "n_sessions": len(data.sessions),
        "n_frames": int(data.sessions["n_frames"].sum()),
        "n_valid_frames": int(data.sessions["n_valid"].sum()),
        "n_trials": len(data.trials),
        "n_trials_analysed": int(data.trials["kept"].sum()),
        "panels": {panel.name: _panel(panel.title, panel.missing, panel.claims) for panel in results.panels},
        "other_preset": {
            "name": results.other_preset,
            "panels": {
                name: _panel("", results.other_missing.get(name, ""), claims)
                for name, claims in results.other_claims.items()
            },
        },
        "warnings": [
            *results.warnings,
            *(f"{p.name}: {text}" for p in results.panels for text in p.warnings),
        ],
    }


def _panel(title: str, missing: str, claims: pd.DataFrame) -> dict[str, Any]:
    found: dict[str, Any] = {"title": title} if title else {}
    if missing:
        found["missing"] = missing
    return {**found, "claims": _plain(claims.astype(object).to_dict("records"))}


def _plain(value: Any) -> Any:
    """Return plain values that JSON knows."""
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if value is None or value is pd.NA or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return value.item() if hasattr(value, "item") else value
