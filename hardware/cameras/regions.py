"""What is drawn onto the live picture: a crop, outlines of the face, and of what is cut out; kept as YAML.

The file is the one that ``python -m analysis.faces describe --mask`` reads. Positions are pixels of the whole
frame, x to the right and y down, before any crop.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import yaml

Tool = Literal["crop", "face", "spout"]
"""What the pointer draws: a rectangle, or the corners of an outline that counts, or is cut out."""
Corner = tuple[float, float]
CLOSE_PX = 8.0
"""A click this near to the first corner closes an outline (pixels of the screen)."""


class Regions:
    """Regions that are being drawn.

    Parameters
    ----------
    width_px, height_px
        Size of the whole frame.

    Examples
    --------
    >>> regions = Regions(200, 100)
    >>> regions.drag((10.2, 20.0), (250.0, 90.0))
    >>> regions.choose("spout")
    >>> for corner in [(20, 30), (40, 30), (40, 60)]:
    ...     regions.click(corner)
    >>> regions.close()
    >>> regions.record()["crop"]
    {'left_px': 10, 'top_px': 20, 'width_px': 190, 'height_px': 70}
    >>> regions.record()["spout"]
    [[[20.0, 30.0], [40.0, 30.0], [40.0, 60.0]]]
    """

    def __init__(self, width_px: int, height_px: int) -> None:
        self.width_px, self.height_px = width_px, height_px
        self.tool: Tool = "crop"
        self.crop: tuple[int, int, int, int] | None = None
        """Left, top, width and height (px)."""
        self.corners: list[Corner] = []
        """Corners of the outline that is not closed yet."""
        self.outlines: list[tuple[Tool, list[Corner]]] = []
        """Closed outlines, in the order in which they were drawn."""

    def choose(self, tool: Tool) -> None:
        """Draw with this tool from now on; an outline that was begun is closed."""
        self.close()
        self.tool = tool

    def drag(self, start: Corner, stop: Corner) -> None:
        """Draw the crop between two opposite corners; a click without a drag takes it away."""
        left, right = sorted(min(max(round(x), 0), self.width_px) for x in (start[0], stop[0]))
        top, bottom = sorted(min(max(round(y), 0), self.height_px) for y in (start[1], stop[1]))
        self.crop = (left, top, right - left, bottom - top) if right > left and bottom > top else None

    def click(self, corner: Corner, *, close_px: float = CLOSE_PX) -> None:
        """Set a corner of an outline; a click near its first one closes it."""
        x = round(min(max(float(corner[0]), 0.0), float(self.width_px)), 1)
        y = round(min(max(float(corner[1]), 0.0), float(self.height_px)), 1)
        if len(self.corners) >= 3:
            first = self.corners[0]
            if (x - first[0]) ** 2 + (y - first[1]) ** 2 <= close_px**2:
                self.close()
                return
        self.corners.append((x, y))

    def close(self) -> None:
        """Close the outline; one of fewer than three corners is dropped."""
        if len(self.corners) >= 3 and self.tool != "crop":
            self.outlines.append((self.tool, self.corners))
        self.corners = []

    def undo(self) -> None:
        """Take the last corner back, or else the last outline, or else the crop."""
        if self.corners:
            self.corners.pop()
        elif self.outlines:
            self.outlines.pop()
        else:
            self.crop = None

    def counted(self) -> np.ndarray:
        """Return which pixels count, boolean ``(height_px, width_px)`` of the frame; all if none would."""
        kept = np.zeros((self.height_px, self.width_px), np.uint8)
        left, top, width, height = self.crop or (0, 0, self.width_px, self.height_px)
        faces = [corners for tool, corners in self.outlines if tool == "face"]
        for corners in faces:
            cv2.fillPoly(kept, [np.round(corners).astype(np.int32)], 1)
        if not faces:
            kept[:] = 1
        for tool, corners in self.outlines:
            if tool == "spout":
                cv2.fillPoly(kept, [np.round(corners).astype(np.int32)], 0)
        inside = np.zeros_like(kept, bool)
        inside[top : top + height, left : left + width] = True
        inside &= kept.astype(bool)
        return inside if inside.any() else np.ones_like(inside)

    def record(self) -> dict[str, Any]:
        """Return what is drawn as plain lists and numbers, with the size of the frame."""
        record: dict[str, Any] = {}
        if self.crop is not None:
            names = ("left_px", "top_px", "width_px", "height_px")
            record["crop"] = dict(zip(names, self.crop, strict=True))
        for kind in ("face", "spout"):
            drawn = [[list(corner) for corner in corners] for tool, corners in self.outlines if tool == kind]
            if drawn:
                record[kind] = drawn
        return record | {
            "masked_cells": "any",
            "frame_width_px": self.width_px,
            "frame_height_px": self.height_px,
        }

    def save(self, path: Path) -> None:
        """Write the file, whole or not at all; an older one of the same name is replaced.

        Raises
        ------
        ValueError
            If nothing is drawn.
        """
        self.close()
        if self.crop is None and not self.outlines:
            raise ValueError("nothing is drawn yet: drag a crop, or click the corners of the face")
        text = yaml.safe_dump(self.record(), sort_keys=False, default_flow_style=None)
        unfinished = path.with_name(path.name + ".unfinished")
        unfinished.write_text(text, encoding="utf-8", newline="\n")
        unfinished.replace(path)


def read_regions(path: Path, width_px: int, height_px: int) -> Regions:
    """Read regions to go on with, such as those of the animal's session before.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no such file, or was drawn on frames of another size.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no file of regions {path}")
    regions = Regions(width_px, height_px)
    try:
        record = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        size = (record.get("frame_width_px", width_px), record.get("frame_height_px", height_px))
        crop = record.get("crop")
        if crop is not None:
            regions.crop = (
                int(crop["left_px"]), int(crop["top_px"]), int(crop["width_px"]), int(crop["height_px"])
            )  # fmt: skip
        kinds: tuple[Tool, Tool] = ("face", "spout")
        for kind in kinds:
            for corners in record.get(kind) or []:
                regions.outlines.append((kind, [(float(x), float(y)) for x, y in corners]))
    except (yaml.YAMLError, UnicodeDecodeError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is not a file of crop, face and spout ({error}): draw them anew") from None
    if size != (width_px, height_px):
        raise ValueError(
            f"{path} was drawn on frames of {size[0]} x {size[1]} px, the camera gives {width_px} x "
            f"{height_px}: draw the regions anew"
        )
    return regions
