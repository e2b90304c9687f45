"""Landmark files: the suite's own JSON, WebMorph's and Psychomorph's ``.tem``, and iBUG's ``.pts``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from stimuli.manifest import write_json

FORMAT = "countenance-landmarks"
"""Value of ``format`` in the suite's own files."""
FORMAT_VERSION = 1
"""Value of ``version`` in the suite's own files."""

TEM_TEMPLATES = {189: "frl189", 106: "fpp106", 83: "fpp83", 70: "dlib70", 7: "dlib7"}
"""Names of WebMorph's built-in templates by their number of points."""


@dataclass(frozen=True, kw_only=True)
class LandmarkFile:
    """What a landmark file says."""

    points_px: np.ndarray
    """Points, shape ``(n_points, 2)``: x to the right and y down, from the centre of the first pixel."""
    template: str
    """Which points these are: files of one template have the same points in the same order."""
    size_px: tuple[int, int] | None = None
    """Width and height of the photograph, where the file tells them."""
    eyes_px: np.ndarray | None = None
    """Centres of the eyes, shape ``(2, 2)``, left one in the picture first, where the file tells them."""
    lines: Sequence[Sequence[int]] = field(default_factory=tuple)
    """Lines that the template draws, as indices of points (``.tem`` only)."""


def read_landmark_file(path: Path) -> LandmarkFile:
    """Read a landmark file; its ending tells the format.

    ``.json``: the suite's own, as `write_landmark_file` makes it; ``format``, ``template`` and
    ``points_px`` are needed. ``.tem``: a number of points, one ``x y`` per line, and optionally lines.
    ``.pts``: iBUG's, whose coordinates begin at 1 and are moved to begin at 0.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the ending is unknown or the content is not as its format demands.
    """
    readers = {".json": _read_json, ".tem": _read_tem, ".pts": _read_pts}
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"landmark file not found: {path}")
    if path.suffix.lower() not in readers:
        raise ValueError(f"unknown kind of landmark file: {path}. Known endings: {', '.join(readers)}")
    try:
        content = readers[path.suffix.lower()](path.read_text(encoding="utf-8-sig"))
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise ValueError(f"the landmark file {path} cannot be read: {error}") from error
    points = content.points_px
    if points.ndim != 2 or points.shape[1] != 2 or len(points) < 3 or not np.isfinite(points).all():
        raise ValueError(f"the landmark file {path} must have at least 3 points, each with a finite x and y")
    return content


def write_landmark_file(
    path: Path,
    points_px: np.ndarray,
    *,
    template: str,
    size_px: tuple[int, int],
    eyes_px: np.ndarray,
    more: Mapping[str, Any],
) -> None:
    """Write a landmark file in the suite's own format.

    Parameters
    ----------
    path
        File to write, ending in ``.json``.
    points_px
        Points, shape ``(n_points, 2)``: x to the right and y down, from the centre of the first pixel.
    template
        Name of the set of points: two photographs can be morphed when their templates have the same name.
    size_px
        Width and height of the photograph.
    eyes_px
        Centres of the eyes, shape ``(2, 2)``, left one in the picture first.
    more
        Anything else to keep in the file, such as expression scores.
    """
    left_px, right_px = np.round(eyes_px, 3).tolist()
    content = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "template": template,
        "image_width_px": size_px[0],
        "image_height_px": size_px[1],
        "eyes": {"left_px": left_px, "right_px": right_px},
        **more,
        "points_px": np.round(np.asarray(points_px, float), 3).tolist(),
    }
    write_json(path, content)


def _read_json(text: str) -> LandmarkFile:
    content = json.loads(text)
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ValueError(f'expected "format": "{FORMAT}"')
    if content.get("version") != FORMAT_VERSION:
        raise ValueError(f"version {content.get('version')} of the format is unknown")
    size = (content.get("image_width_px"), content.get("image_height_px"))
    eyes = content.get("eyes")
    return LandmarkFile(
        points_px=np.array(content["points_px"], float),
        template=str(content["template"]),
        size_px=(int(size[0]), int(size[1])) if size[0] and size[1] else None,
        eyes_px=np.array([eyes["left_px"], eyes["right_px"]], float) if eyes else None,
    )


def _read_tem(text: str) -> LandmarkFile:
    lines = [line.split() for line in text.splitlines() if line.strip()]
    n_points = int(lines[0][0])
    rows = lines[1 : n_points + 1]
    if len(rows) < n_points or any(len(row) != 2 for row in rows):
        raise ValueError(f"expected {n_points} lines of x and y after the first line")
    template = TEM_TEMPLATES.get(n_points, f"tem{n_points}")
    return LandmarkFile(
        points_px=np.array(rows, float), template=template, lines=_tem_lines(lines[n_points + 1 :], n_points)
    )


def _tem_lines(rows: Sequence[Sequence[str]], n_points: int) -> list[list[int]]:
    """Read the lines of a template: for each whether it is closed, how many points it has, and these."""
    if not rows:
        return []
    found = []
    for number in range(int(rows[0][0])):
        _, _, indices = rows[1 + 3 * number : 4 + 3 * number]
        line = [int(index) for index in indices]
        if any(not 0 <= index < n_points for index in line):
            raise ValueError(f"line {number + 1} of the template names a point that does not exist")
        found.append(line)
    return found


def _read_pts(text: str) -> LandmarkFile:
    head, _, rest = text.partition("{")
    body, end, _ = rest.partition("}")
    if not end:
        raise ValueError("expected points between { and }")
    points = np.array([row.split() for row in body.splitlines() if row.strip()], float)
    declared = [line.split(":")[1] for line in head.splitlines() if line.strip().startswith("n_points")]
    if declared and int(declared[0]) != len(points):
        raise ValueError(f"{len(points)} points, but n_points is {declared[0].strip()}")
    return LandmarkFile(points_px=points - 1, template=f"ibug{len(points)}")
