"""The quality report of a stimulus set: one HTML file, and the tables behind it."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from markupsafe import Markup

from stimuli.decoders import decoders
from stimuli.manifest import DICTIONARY_NAME, StimulusVideo, write_text
from stimuli.quality_charts import BLUE, ORANGE, PALE, RED, SOFT, Line, chart
from stimuli.quality_gates import GATES, Verdict, told, written
from stimuli.quality_pace import on_line, pacing, speeds
from stimuli.quality_tables import write_frames, write_gates
from stimuli.quality_video import VideoMeasures
from stimuli.versions import versions

REPORT_NAME = "quality.html"
TABLE_FOLDER = "quality"
_TEMPLATE = Path(__file__).with_name("quality_report.html")


def write_report(
    folder: Path,
    videos: Sequence[VideoMeasures],
    verdicts: Mapping[str, Sequence[Verdict]],
    *,
    problems: Sequence[str],
) -> Path:
    """Write the report of a set and the tables behind it.

    Parameters
    ----------
    folder
        Folder of the set.
    videos
        What was measured, in the order of the manifest.
    verdicts
        Verdicts by video.
    problems
        Problems of the folder as a whole.

    Returns
    -------
    Path
        ``quality.html``, which needs no other file.
    """
    tables = folder / TABLE_FOLDER
    tables.mkdir(exist_ok=True)
    write_gates(tables, verdicts)
    write_frames(tables, videos)
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))
    path = folder / REPORT_NAME
    write_text(path, template.render(**_content(folder, videos, verdicts, problems)))
    return path


def _content(
    folder: Path,
    videos: Sequence[VideoMeasures],
    verdicts: Mapping[str, Sequence[Verdict]],
    problems: Sequence[str],
) -> dict[str, Any]:
    """Everything that the template shows."""
    failed = {video.name: [one for one in verdicts[video.name] if one.status == "failed"] for video in videos}
    pairs = [list(group) for _, group in itertools.groupby(videos, key=lambda video: video.row.pair)]
    return {
        "name": folder.resolve().name,
        "n_videos": len(videos),
        "n_failed": sum(bool(each) for each in failed.values()),
        "problems": problems,
        "facts": _facts(folder, videos),
        "gates": [_gate_row(key, videos, verdicts) for key in GATES],
        "failures": _failures(videos, failed),
        "overview": _overview(videos, failed),
        "matrix": [_matrix_row(video, verdicts[video.name]) for video in videos],
        "gate_titles": [gate.title for gate in GATES.values()],
        "pairs": [_pair(pair, failed, verdicts) for pair in pairs],
        "parameters": _parameters(folder),
        "decoders": decoders(),
        "versions": versions(),
        "n_seen": int(np.median([len(video.seen) for video in videos])) if videos else 0,
    }


def _facts(folder: Path, videos: Sequence[VideoMeasures]) -> dict[str, str]:
    rows = [video.row for video in videos]
    sexes = {row.identity: row.sex for row in rows}
    n_female = sum(sex == "female" for sex in sexes.values())
    directions = dict.fromkeys(row.direction for row in rows)
    return {
        "videos": f"{len(rows)} of {len(sexes)} people ({n_female} female, {len(sexes) - n_female} male)",
        "directions": ", ".join(directions),
        "frames": _range([row.n_frames for row in rows]) + " per video",
        "rate": _range([row.fps for row in rows]) + " frames per second",
        "duration": _range([row.duration_s for row in rows]) + " s",
        "size": " and ".join(dict.fromkeys(f"{row.width_px} × {row.height_px} px" for row in rows)),
        "file": "H.264 RGB, lossless, MP4",
    }


def _range(values: Sequence[float]) -> str:
    low, high = min(values), max(values)
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def _parameters(folder: Path) -> dict[str, Any]:
    try:
        described = json.loads((folder / DICTIONARY_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return dict(described.get("parameters") or {})


def _gate_row(
    key: str, videos: Sequence[VideoMeasures], verdicts: Mapping[str, Sequence[Verdict]]
) -> dict[str, Any]:
    """One row of the table of gates: the set's worst video counts."""
    number, gate = list(GATES).index(key), GATES[key]
    each = [(video.name, verdicts[video.name][number]) for video in videos]
    measured = [(name, one) for name, one in each if one.status != "unmeasured"]
    n_failed = sum(one.status == "failed" for _, one in each)
    worst_name, worst = max(
        measured,
        key=lambda pair: (pair[1].status == "failed", (pair[1].value or 0.0) / (pair[1].limit or 1.0)),
        default=("", None),
    )
    status = "failed" if n_failed else ("passed" if measured else "unmeasured")
    return {
        "key": key,
        "gate": gate,
        "limit": written(key, gate.limit),
        "worst": written(key, worst.value) if worst else "–",
        "worst_video": worst_name if worst and (worst.value or n_failed) else "",
        "status": status,
        "n_failed": n_failed,
        "n_unmeasured": len(each) - len(measured),
        "reason": next((one.finding for _, one in each if one.status == "unmeasured"), ""),
    }


def _failures(
    videos: Sequence[VideoMeasures], failed: Mapping[str, Sequence[Verdict]]
) -> list[dict[str, Any]]:
    """Failures by pair and gate, because videos of one pair mostly fail together."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for video in videos:
        for one in failed[video.name]:
            row = found.setdefault(
                (video.row.pair, one.gate),
                {"pair": video.row.pair, "gate": GATES[one.gate], "videos": [], "told": told(one)},
            )
            row["videos"].append(video.name)
    return list(found.values())


def _matrix_row(video: VideoMeasures, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    return {
        "video": video.name,
        "pair": video.row.pair,
        "cells": [
            {
                "status": one.status,
                "title": f"{GATES[one.gate].title}: {written(one.gate, one.value)} "
                f"(limit {written(one.gate, one.limit)}). {one.finding}",
            }
            for one in verdicts
        ],
    }


def _pair(
    pair: Sequence[VideoMeasures],
    failed: Mapping[str, Sequence[Verdict]],
    verdicts: Mapping[str, Sequence[Verdict]],
) -> dict[str, Any]:
    first = pair[0]
    pictures = [video.strip_jpeg for video in pair if video.strip_jpeg]
    return {
        "pair": first.row.pair,
        "identity": first.row.identity,
        "sex": first.row.sex,
        "failed": any(failed[video.name] for video in pair),
        "picture": base64.b64encode(pictures[0]).decode("ascii") if pictures else "",
        "warnings": list(
            dict.fromkeys(warning for video in pair for warning in video.sidecar.get("warnings") or [])
        ),
        "videos": [
            {
                "video": video.name,
                "sha256": video.row.frames_sha256,
                "charts": _charts(video) if video.light else [],
                "verdicts": [
                    {
                        "title": GATES[one.gate].title,
                        "value": written(one.gate, one.value),
                        "limit": written(one.gate, one.limit),
                        "one": one,
                    }
                    for one in verdicts[video.name]
                ],
            }
            for video in pair
        ],
    }


def _times_s(video: VideoMeasures) -> np.ndarray:
    return np.arange(len(video.levels)) / video.row.fps


def _charts(video: VideoMeasures) -> list[Markup]:
    """The curves of one video over time."""
    times_s, levels = _times_s(video), pacing(video)
    luminance, line = _on_line(video, "luminance")
    contrast, _ = _on_line(video, "contrast")
    sharpness, sharp_line = _on_line(video, "sharpness")
    limit, fine = GATES["luminance"].limit, 1 - GATES["sharpness"].limit
    level_lines = [Line(times_s, levels, SOFT, 1, dashed=True)]
    if video.levels_upper is not None:
        level_lines = [
            Line(times_s, each, SOFT, 1, dashed=True) for each in (video.levels, video.levels_upper)
        ]
    colours = itertools.cycle([BLUE, ORANGE])
    level_lines += [
        Line(times_s[video.seen], measured, colour, 3.2, dots=True)
        for measured, colour in zip(video.measured.values(), colours, strict=False)
    ]
    return [
        chart("Level: planned (dashed), measured", level_lines, y_range=(0, 1), x_label="s"),
        chart(
            "Smile (blue) and brow (orange) score",
            [Line(times_s[video.seen], video.smile, BLUE), Line(times_s[video.seen], video.frown, ORANGE)],
            y_range=(0, 1),
            x_label="s",
        ),
        chart(
            "Luminance, relative to straight line",
            [Line(times_s, luminance / line - 1)],
            y_range=(-2 * limit, 2 * limit),
            band=(-limit, limit),
            percent=True,
            x_label="s",
        ),
        chart(
            "Contrast (SD / mean of luminance)",
            [Line(times_s, contrast)],
            y_range=(0.8 * contrast.min(), 1.1 * contrast.max()),
            x_label="s",
        ),
        chart(
            "Sharpness, relative to straight line",
            [Line(times_s, sharpness / sharp_line)],
            y_range=(0.4, 1.1),
            band=(fine, 1.1),
            percent=True,
            x_label="s",
        ),
        chart(
            "Change to next frame (grey levels)",
            [Line(times_s[:-1], video.change)],
            y_range=(0, 1.3 * float(np.max(video.change, initial=0.1))),
            x_label="s",
        ),
    ]


def _on_line(video: VideoMeasures, name: str) -> tuple[np.ndarray, np.ndarray]:
    values = np.array([getattr(light, name) for light in video.light])
    line = on_line(values, pacing(video), middle=bool(video.sidecar.get("middle")))
    return values, np.maximum(line, 1e-9)


def _overview(videos: Sequence[VideoMeasures], failed: Mapping[str, Sequence[Verdict]]) -> list[Markup]:
    """Curves of all videos in one chart each, over the level; those that fail there are red."""
    shown = [video for video in videos if video.light]
    if not shown:
        return []
    limits = {key: GATES[key].limit for key in GATES}
    panels: list[tuple[str, tuple[str, ...], dict[str, Any], Any]] = [
        (
            "Measured minus planned level",
            ("level", "monotone"),
            {"y_range": (-0.15, 0.15), "band": (-limits["level"], limits["level"])},
            _level_errors,
        ),
        ("Smile score", ("ends",), {"y_range": (0, 1)}, lambda video: _seen(video, video.smile)),
        ("Brow score (browDown)", ("ends",), {"y_range": (0, 1)}, lambda video: _seen(video, video.frown)),
        (
            "Luminance, relative to straight line",
            ("luminance",),
            {"y_range": (-0.01, 0.01), "band": (-limits["luminance"], limits["luminance"]), "percent": True},
            lambda video: _relative(video, "luminance"),
        ),
        (
            "Sharpness, relative to straight line",
            ("sharpness", "flicker"),
            {"y_range": (0.4, 1.1), "band": (1 - limits["sharpness"], 1.1), "percent": True},
            lambda video: _relative(video, "sharpness"),
        ),
        (
            "Change per level, relative to its median",
            ("steps", "jumps", "repeats"),
            {"y_range": (0.4, 1.6), "band": (0, limits["jumps"])},
            _relative_speed,
        ),
    ]
    charts = []
    for title, keys, options, curve in panels:
        lines = []
        for video in sorted(shown, key=lambda video: _fails(failed[video.name], keys)):
            bad = _fails(failed[video.name], keys)
            x, y = curve(video)
            lines.append(Line(x, y, RED if bad else PALE, 1.6 if bad else 1.0))
        charts.append(chart(title, lines, x_label="planned level", **options))
    return charts


def _fails(verdicts: Sequence[Verdict], keys: Sequence[str]) -> bool:
    return any(one.gate in keys for one in verdicts)


def _seen(video: VideoMeasures, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return pacing(video)[video.seen], values


def _level_errors(video: VideoMeasures) -> tuple[np.ndarray, np.ndarray]:
    if not video.measured:
        return np.zeros(0), np.zeros(0)
    name = "whole" if "whole" in video.measured else "lower"
    return video.levels[video.seen], video.measured[name] - video.levels[video.seen]


def _relative(video: VideoMeasures, name: str) -> tuple[np.ndarray, np.ndarray]:
    values, line = _on_line(video, name)
    return pacing(video), values / line - (name == "luminance")


def _relative_speed(video: VideoMeasures) -> tuple[np.ndarray, np.ndarray]:
    speed, steps = speeds(video)
    levels = pacing(video)
    return (levels[steps] + levels[steps + 1]) / 2, speed / max(float(np.median(speed)), 1e-9)


def rows_by_pair(rows: Sequence[StimulusVideo]) -> list[list[StimulusVideo]]:
    """Put the videos of each pair together, in the order of the manifest."""
    pairs: dict[str, list[StimulusVideo]] = {}
    for row in rows:
        pairs.setdefault(row.pair, []).append(row)
    return list(pairs.values())
