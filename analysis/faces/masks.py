"""Which part of a frame is the face: crop, outline of the face, and the spout cut out; kept as YAML.

All positions are pixels of the whole frame, x to the right and y down, before any crop; a pixel belongs to an
outline if its centre lies inside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import yaml

Outline = tuple[tuple[float, float], ...]
"""Corners ``(x_px, y_px)`` of a polygon, at least three."""

MaskedCells = Literal["any", "most"]
"""When a cell of the descriptor is left out: if any of its pixels is masked, or more than half of them."""


@dataclass(frozen=True, kw_only=True)
class Crop:
    """The rectangle that is cut out of each frame, in pixels of the whole frame."""

    left_px: int
    top_px: int
    width_px: int
    height_px: int

    def rows_columns(self) -> tuple[slice, slice]:
        """Return the slices that cut it out of a frame ``(height_px, width_px)``."""
        return (
            slice(self.top_px, self.top_px + self.height_px),
            slice(self.left_px, self.left_px + self.width_px),
        )


@dataclass(frozen=True, kw_only=True)
class FaceMask:
    """Crop, outline of the face and outlines to cut out, such as the spout.

    Examples
    --------
    >>> mask = FaceMask(crop=Crop(left_px=10, top_px=0, width_px=4, height_px=3),
    ...                 spout=(((12, 0), (13, 0), (13, 2), (12, 2)),))
    >>> mask.pixels((3, 20)).astype(int)
    array([[1, 1, 0, 1],
           [1, 1, 0, 1],
           [1, 1, 1, 1]])
    """

    crop: Crop | None = None
    """Rectangle; None: the whole frame."""
    face: tuple[Outline, ...] = ()
    """Outlines of the face; without any, all of the crop counts."""
    spout: tuple[Outline, ...] = ()
    """Outlines that are cut out: lick spout, head post, cable."""
    masked_cells: MaskedCells = "any"
    """When a cell of the descriptor is left out."""
    frame_width_px: int | None = None
    """Width of the frames that this was drawn on; None: not checked."""
    frame_height_px: int | None = None
    """Height of the frames that this was drawn on; None: not checked."""

    def crop_frame(self, frame: np.ndarray) -> np.ndarray:
        """Return the cropped part of a frame ``(height_px, width_px)``, a view."""
        return frame if self.crop is None else frame[self.crop.rows_columns()]

    def cropped_shape(self, frame_shape: tuple[int, ...]) -> tuple[int, int]:
        """Return ``(height_px, width_px)`` of what is left of such a frame.

        Raises
        ------
        ValueError
            If the mask was drawn on frames of another size, or the crop reaches beyond the frame.
        """
        height, width = frame_shape[:2]
        drawn_on = (self.frame_height_px or height, self.frame_width_px or width)
        if drawn_on != (height, width):
            raise ValueError(
                f"the mask was drawn on frames of {drawn_on[1]} x {drawn_on[0]} px; these have "
                f"{width} x {height} px. Draw it anew for this camera setting"
            )
        if self.crop is None:
            return height, width
        crop = self.crop
        if crop.left_px + crop.width_px > width or crop.top_px + crop.height_px > height:
            raise ValueError(
                f"the crop of {crop.width_px} x {crop.height_px} px at ({crop.left_px}, {crop.top_px}) "
                f"reaches beyond the frame of {width} x {height} px"
            )
        return crop.height_px, crop.width_px

    def pixels(self, frame_shape: tuple[int, ...]) -> np.ndarray:
        """Return which pixels of the cropped frame count, boolean ``(height_px, width_px)`` of the crop.

        Parameters
        ----------
        frame_shape
            ``(height_px, width_px)`` of the whole frames.

        Raises
        ------
        ValueError
            As `cropped_shape`, or if nothing is left.
        """
        shape = self.cropped_shape(frame_shape)
        left, top = (self.crop.left_px, self.crop.top_px) if self.crop else (0, 0)
        kept = np.ones(shape, bool)
        if self.face:
            kept = np.any([inside_outline(shape, face, left, top) for face in self.face], axis=0)
        for spout in self.spout:
            kept &= ~inside_outline(shape, spout, left, top)
        if not kept.any():
            raise ValueError("the mask leaves no pixel; see that the face lies within the crop")
        return kept


def inside_outline(
    shape: tuple[int, int], outline: Sequence[tuple[float, float]], left_px: int = 0, top_px: int = 0
) -> np.ndarray:
    """Return which pixel centres lie inside a polygon (even-odd rule), boolean of that shape.

    Parameters
    ----------
    shape
        ``(height_px, width_px)`` of the result.
    outline
        Corners ``(x_px, y_px)``; the last is joined to the first.
    left_px, top_px
        Position of the result's first pixel in the coordinates of the outline.

    Examples
    --------
    >>> inside_outline((2, 4), [(1, 0), (3, 0), (3, 1), (1, 1)]).astype(int)
    array([[0, 1, 1, 0],
           [0, 0, 0, 0]])
    """
    y = top_px + 0.5 + np.arange(shape[0])[:, None]
    x = left_px + 0.5 + np.arange(shape[1])[None, :]
    inside = np.zeros(shape, bool)
    corners = np.asarray(outline, float)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if y0 != y1:
            crosses = (y >= min(y0, y1)) & (y < max(y0, y1))
            inside ^= crosses & (x < x0 + (y - y0) * (x1 - x0) / (y1 - y0))
    return inside


def read_mask(path: Path) -> FaceMask:
    """Read a mask from YAML; see `write_mask` for the form, in which every part may be left out.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not YAML, or a part is misspelt, missing or not a number.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"mask not found: {path}")
    try:
        record = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        return mask_from_record({} if record is None else record)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"the mask {path} is not readable YAML: {error}") from None
    except ValueError as error:
        raise ValueError(f"in the mask {path}: {error}") from None


def write_mask(path: Path, mask: FaceMask) -> None:
    """Write a mask as YAML.

    Notes
    -----
    The file looks like this::

        crop: {left_px: 180, top_px: 40, width_px: 916, height_px: 475}
        face:
        - [[200, 60], [1000, 60], [900, 500], [220, 480]]
        spout:
        - [[640, 400], [720, 400], [720, 515], [640, 515]]
        masked_cells: any
        frame_width_px: 1280
        frame_height_px: 1024
    """
    text = yaml.safe_dump(mask_record(mask), sort_keys=False, default_flow_style=None, allow_unicode=True)
    Path(path).write_text(text, encoding="utf-8", newline="\n")


def mask_record(mask: FaceMask) -> dict[str, Any]:
    """Return a mask as plain lists and numbers, without the parts that are not used."""
    record: dict[str, Any] = {}
    if mask.crop is not None:
        record["crop"] = asdict(mask.crop)
    for name in ("face", "spout"):
        outlines = getattr(mask, name)
        if outlines:
            record[name] = [[list(corner) for corner in outline] for outline in outlines]
    record["masked_cells"] = mask.masked_cells
    for name in ("frame_width_px", "frame_height_px"):
        if getattr(mask, name) is not None:
            record[name] = getattr(mask, name)
    return record


def mask_from_record(record: Mapping[str, Any]) -> FaceMask:
    """Return the mask that `mask_record` wrote, after checking it.

    Raises
    ------
    ValueError
        If a part is misspelt, missing or not a number.

    Examples
    --------
    >>> mask_from_record({"crop": {"left_px": 0, "top_px": 0, "width_px": 9}})
    Traceback (most recent call last):
    ...
    ValueError: crop needs left_px, top_px, width_px, height_px; got left_px, top_px, width_px
    """
    if not isinstance(record, Mapping):
        raise ValueError("expected the parts crop, face, spout, masked_cells")
    known = list(FaceMask.__dataclass_fields__)
    unknown = [name for name in record if name not in known]
    if unknown:
        raise ValueError(f"unknown part {unknown[0]!r}; known are {', '.join(known)}")
    masked_cells = record.get("masked_cells", "any")
    if masked_cells not in get_args(MaskedCells):
        raise ValueError(f"masked_cells is 'any' or 'most', got {masked_cells!r}")
    sizes = {
        name: _whole_number(record[name], name, least=1)
        for name in ("frame_width_px", "frame_height_px")
        if record.get(name) is not None
    }
    return FaceMask(
        crop=_crop(record["crop"]) if record.get("crop") is not None else None,
        face=_outlines(record.get("face"), "face"),
        spout=_outlines(record.get("spout"), "spout"),
        masked_cells=masked_cells,
        **sizes,
    )


def _crop(record: Any) -> Crop:
    names = list(Crop.__dataclass_fields__)
    if not isinstance(record, Mapping) or sorted(record) != sorted(names):
        got = ", ".join(map(str, record)) if isinstance(record, Mapping) else repr(record)
        raise ValueError(f"crop needs {', '.join(names)}; got {got}")
    return Crop(
        **{
            name: _whole_number(record[name], name, least=1 if name in ("width_px", "height_px") else 0)
            for name in names
        }
    )


def _outlines(record: Any, name: str) -> tuple[Outline, ...]:
    """Outlines from a list of them, or from a single one."""
    if record is None or len(record) == 0:
        return ()
    try:
        depth = np.ndim(record[0][0])
        outlines = record if depth == 1 else [record]
        found = tuple(tuple((float(x), float(y)) for x, y in outline) for outline in outlines)
    except (TypeError, ValueError, IndexError, KeyError):
        raise ValueError(f"{name} is a list of outlines, each a list of corners [x, y]") from None
    if any(len(outline) < 3 for outline in found) or not np.isfinite(np.concatenate(found)).all():
        raise ValueError(f"each outline of {name} needs at least three corners of finite numbers")
    return found


def _whole_number(value: Any, name: str, *, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"{name} is a whole number of pixels, at least {least}; got {value!r}")
    return value
