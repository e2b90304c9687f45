"""The tables behind the quality report: every verdict, and every curve frame by frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from stimuli.manifest import write_json, write_text
from stimuli.quality_gates import GATES, Verdict
from stimuli.quality_video import VideoMeasures

GATE_COLUMNS: dict[str, str] = {
    "video": "Name of the video",
    "gate": "What must hold; see the description of each gate below",
    "status": "passed, failed, or unmeasured",
    "value": "What was measured; n/a if it could not be",
    "limit": "Largest good value for this video",
    "finding": "What was found, in words",
}
FRAME_COLUMNS: dict[str, tuple[str, str]] = {
    "video": ("Name of the video", ""),
    "frame": ("Number of the frame, from 1", ""),
    "time": ("Time of the frame from the first frame", "s"),
    "level": ("Planned level: 0 = first photograph, 1 = second; of the lower face, where there are two", ""),
    "level_measured": ("Level measured from the landmarks; n/a in frames that were not looked at", ""),
    "luminance": ("Mean relative luminance of the skin, 0 to 1", ""),
    "contrast": ("Standard deviation of the face's luminance, divided by its mean", ""),
    "sharpness": ("Standard deviation of the Laplacian of the face's grey levels", "grey levels"),
    "change": ("Mean absolute change in grey level to the next frame; n/a in the last", "grey levels"),
    "smile": ("Score mouthSmile of the face model, mean of left and right", ""),
    "frown": ("Score browDown of the face model, mean of left and right", ""),
}


def write_gates(folder: Path, verdicts: Mapping[str, Sequence[Verdict]]) -> None:
    """Write every verdict as a table, with its dictionary."""
    lines = ["\t".join(GATE_COLUMNS)]
    for video, each in verdicts.items():
        for one in each:
            value = "n/a" if one.value is None else f"{one.value:.6g}"
            finding = " ".join(one.finding.split())
            lines.append("\t".join([video, one.gate, one.status, value, f"{one.limit:.6g}", finding]))
    dictionary: dict[str, Any] = {name: {"Description": meaning} for name, meaning in GATE_COLUMNS.items()}
    dictionary["gate"]["Levels"] = {
        key: f"{gate.title}: {gate.measure} ({gate.unit if gate.unit != '%' else 'fraction'}). "
        f"Limit: {gate.source}"
        for key, gate in GATES.items()
    }
    write_text(folder / "gates.tsv", "\n".join(lines) + "\n")
    write_json(folder / "gates.json", dictionary)


def write_frames(folder: Path, videos: Sequence[VideoMeasures]) -> None:
    """Write the curves as a table, a row per frame, with its dictionary."""
    lines = ["\t".join(FRAME_COLUMNS)]
    for video in videos:
        lines += ["\t".join(_texts(row)) for row in _frame_rows(video)]
    write_text(folder / "frames.tsv", "\n".join(lines) + "\n")
    write_json(
        folder / "frames.json",
        {
            name: {"Description": meaning} | ({"Units": unit} if unit else {})
            for name, (meaning, unit) in FRAME_COLUMNS.items()
        },
    )


def _frame_rows(video: VideoMeasures) -> list[list[object]]:
    n_frames = len(video.light)
    sparse = {name: np.full(n_frames, np.nan) for name in ("level", "smile", "frown")}
    if n_frames and len(video.seen):
        sparse["smile"][video.seen], sparse["frown"][video.seen] = video.smile, video.frown
        if "whole" in video.measured:
            sparse["level"][video.seen] = video.measured["whole"]
        else:
            sparse["level"][video.seen] = video.measured["lower"]
    change = [*video.change.tolist(), np.nan]
    return [
        [
            video.name,
            index + 1,
            index / video.row.fps,
            float(video.levels[index]),
            float(sparse["level"][index]),
            light.luminance,
            light.contrast,
            light.sharpness,
            change[index],
            float(sparse["smile"][index]),
            float(sparse["frown"][index]),
        ]
        for index, light in enumerate(video.light)
    ]


def _texts(row: Sequence[object]) -> list[str]:
    return [
        ("n/a" if not np.isfinite(value) else f"{value:.6g}") if isinstance(value, float) else str(value)
        for value in row
    ]
