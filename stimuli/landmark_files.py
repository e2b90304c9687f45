"""Landmark files: the suite's own JSON, WebMorph's and Psychomorph's ``.tem``, iBUG's ``.pts``, and TPS."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath
from typing import Any, Literal

import numpy as np

from stimuli.face_points import MODEL_TEMPLATE
from stimuli.landmark_text import (
    Specimen,
    TemplateLine,
    format_pts,
    format_tem,
    format_tps,
    make_specimen,
    parse_pts,
    parse_tem,
    parse_tps,
    specimen_points,
)
from stimuli.manifest import write_json, write_text

FORMAT = "countenance-landmarks"
"""Value of ``format`` in the suite's own files."""
FORMAT_VERSION = 1
"""Value of ``version`` in the suite's own files."""

LandmarkFormat = Literal["json", "tem", "pts", "tps"]
"""Endings of landmark files."""
LANDMARK_FORMATS: tuple[LandmarkFormat, ...] = ("json", "tem", "pts", "tps")

KNOWN_TEMPLATES = {
    478: MODEL_TEMPLATE,
    189: "frl189",
    106: "fpp106",
    83: "fpp83",
    70: "dlib70",
    68: "ibug68",
    7: "dlib7",
}
"""Names of templates by their number of points: the face model's, WebMorph's built-in ones, and iBUG's."""

_OWN_KEYS = (
    *("format", "version", "template", "image_width_px", "image_height_px"),
    *("eyes", "lines", "points_px"),
)


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
    lines: Sequence[TemplateLine] = ()
    """Lines that the template draws."""
    more: Mapping[str, Any] = field(default_factory=dict)
    """What else the file holds (``.json``, and the entries of ``.tps`` under ``tps``)."""


def template_name(n_points: int) -> str:
    """Name the template of a file that tells only its points.

    Examples
    --------
    >>> template_name(189), template_name(50)
    ('frl189', 'points50')
    """
    return KNOWN_TEMPLATES.get(n_points, f"points{n_points}")


def landmark_format(path: Path) -> LandmarkFormat:
    """Return the format that a file's ending tells.

    Raises
    ------
    ValueError
        If the ending is none of `LANDMARK_FORMATS`.
    """
    for name in LANDMARK_FORMATS:
        if Path(path).suffix.lower() == f".{name}":
            return name
    known = ", ".join(f".{name}" for name in LANDMARK_FORMATS)
    raise ValueError(f"unknown kind of landmark file: {path}. Known endings: {known}")


def read_landmark_file(
    path: Path, *, photograph: str | None = None, size_px: tuple[int, int] | None = None
) -> LandmarkFile:
    """Read a landmark file; its ending tells the format.

    ``.json``: the suite's own, as `write_landmark_file` makes it; ``format``, ``template`` and
    ``points_px`` are needed. ``.tem``: a number of points, one ``x y`` per line, and optionally lines.
    ``.pts``: iBUG's, whose coordinates begin at 1 and are moved to begin at 0. ``.tps``: of tpsDig, whose y
    begins at the centre of the lowest pixel and goes up.

    Parameters
    ----------
    path
        The file.
    photograph
        Name of the photograph's file; needed for ``.tps`` files of several pictures.
    size_px
        Width and height of the photograph; needed for ``.tps``, which does not tell them.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the ending is unknown or the content is not as its format demands.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"landmark file not found: {path}")
    kind = landmark_format(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
        if kind == "json":
            content = _read_json(text)
        elif kind == "tps":
            content = _read_tps(text, photograph, size_px)
        else:
            points_px, lines = parse_tem(text) if kind == "tem" else (parse_pts(text), ())
            content = LandmarkFile(points_px=points_px, template=template_name(len(points_px)), lines=lines)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
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
    lines: Sequence[TemplateLine] = (),
) -> None:
    """Write a landmark file; its ending tells the format.

    `read_landmark_file` gives exactly the same points back. Only ``.json`` keeps everything: ``.tem`` holds
    points and lines, ``.pts`` points alone, ``.tps`` points, the photograph's name, and curves. A ``.tps``
    file that holds other pictures too keeps their entries.

    Parameters
    ----------
    path
        File to write, ending in ``.json``, ``.tem``, ``.pts`` or ``.tps``.
    points_px
        Points, shape ``(n_points, 2)``: x to the right and y down, from the centre of the first pixel.
    template
        Name of the set of points: two photographs can be morphed when their templates have the same name.
    size_px
        Width and height of the photograph.
    eyes_px
        Centres of the eyes, shape ``(2, 2)``, left one in the picture first.
    more
        Anything else to keep in the file, such as expression scores. ``photograph`` is the name of the
        photograph's file.
    lines
        Lines that the template draws.

    Raises
    ------
    ValueError
        If the ending is unknown.
    """
    kind = landmark_format(path)
    if kind == "tem":
        write_text(path, format_tem(points_px, lines))
    elif kind == "pts":
        write_text(path, format_pts(points_px))
    elif kind == "tps":
        entries = _tps_entries(more)
        specimen = make_specimen(points_px, lines, height_px=size_px[1], more=entries)
        write_text(path, format_tps(_with_other_specimens(path, specimen)))
    else:
        left_px, right_px = np.asarray(eyes_px, float).tolist()
        content = {
            "format": FORMAT,
            "version": FORMAT_VERSION,
            "template": template,
            "image_width_px": size_px[0],
            "image_height_px": size_px[1],
            "eyes": {"left_px": left_px, "right_px": right_px},
            **{name: value for name, value in more.items() if name not in _OWN_KEYS},
            **({"lines": [line._asdict() for line in lines]} if lines else {}),
            "points_px": np.asarray(points_px, float).tolist(),
        }
        write_json(path, content)


def _read_json(text: str) -> LandmarkFile:
    content = json.loads(text)
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ValueError(f'expected "format": "{FORMAT}"')
    if content.get("version") != FORMAT_VERSION:
        raise ValueError(f"version {content.get('version')} of the format is unknown")
    points_px = np.array(content["points_px"], float)
    size = (content.get("image_width_px"), content.get("image_height_px"))
    eyes = content.get("eyes")
    lines = [
        TemplateLine(tuple(map(int, line["points"])), bool(line["closed"]))
        for line in content.get("lines", ())
    ]
    if any(not 0 <= index < len(points_px) for line in lines for index in line.points):
        raise ValueError("a line names a point that does not exist")
    return LandmarkFile(
        points_px=points_px,
        template=str(content["template"]),
        size_px=(int(size[0]), int(size[1])) if size[0] and size[1] else None,
        eyes_px=np.array([eyes["left_px"], eyes["right_px"]], float) if eyes else None,
        lines=tuple(lines),
        more={name: value for name, value in content.items() if name not in _OWN_KEYS},
    )


def _read_tps(text: str, photograph: str | None, size_px: tuple[int, int] | None) -> LandmarkFile:
    if size_px is None:
        raise ValueError("TPS counts y from the lower edge: the photograph's size is needed")
    specimens = parse_tps(text)
    chosen = [specimen for specimen in specimens if _shows(specimen, photograph)]
    if len(specimens) == 1 and (photograph is None or "IMAGE" not in specimens[0].more):
        chosen = specimens
    if len(chosen) != 1:
        named = ", ".join(specimen.more.get("IMAGE", "(none)") for specimen in specimens)
        raise ValueError(f"expected one entry whose IMAGE is {photograph}; the entries' images are: {named}")
    points_px, lines = specimen_points(chosen[0], height_px=size_px[1])
    more = {"tps": dict(chosen[0].more)}
    return LandmarkFile(points_px=points_px, template=template_name(len(points_px)), lines=lines, more=more)


def _shows(specimen: Specimen, photograph: str | None) -> bool:
    """Whether an entry is of a photograph; folders, and capitals as on Windows, do not count."""
    name = PureWindowsPath(specimen.more.get("IMAGE", "")).name.lower()
    return photograph is not None and name == PureWindowsPath(photograph).name.lower()


def _tps_entries(more: Mapping[str, Any]) -> dict[str, str]:
    entries = {str(name): str(value) for name, value in more.get("tps", {}).items()}
    if "photograph" in more and "IMAGE" not in entries:
        entries = {"IMAGE": str(more["photograph"]), **entries}
    return entries


def _with_other_specimens(path: Path, specimen: Specimen) -> list[Specimen]:
    """Put an entry in the place of the former one of the same photograph; keep the others of the file."""
    if not path.is_file():
        return [specimen]
    former = parse_tps(path.read_text(encoding="utf-8-sig"))
    if len(former) == 1 and "IMAGE" not in former[0].more:
        return [specimen]
    same = [_shows(other, specimen.more.get("IMAGE")) for other in former]
    if not any(same):
        return [*former, specimen]
    return [specimen if is_same else other for other, is_same in zip(former, same, strict=True)]
