"""What is drawn onto a frame: a crop, outlines of the face and of the spout; without a window."""

from __future__ import annotations

from typing import Literal

import numpy as np

from analysis.faces.masks import Crop, FaceMask, MaskedCells, Outline

Tool = Literal["crop", "face", "spout"]
"""What the mouse draws: a rectangle, or the corners of an outline that counts or is cut out."""

CLOSE_PX = 8.0
"""Distance from its first corner at which a click closes an outline, in pixels of the screen."""


class MaskDrawing:
    """A mask that is being drawn.

    Parameters
    ----------
    shape
        ``(height_px, width_px)`` of the whole frame.
    mask
        A mask to go on with.

    Examples
    --------
    >>> drawing = MaskDrawing((100, 200))
    >>> drawing.drag((10.2, 20.0), (250.0, 90.0))
    >>> drawing.mask().crop
    Crop(left_px=10, top_px=20, width_px=190, height_px=70)
    >>> drawing.tool = "spout"
    >>> for corner in [(20, 30), (40, 30), (40, 60)]:
    ...     drawing.click(corner)
    >>> drawing.close()
    >>> drawing.mask().spout
    (((20.0, 30.0), (40.0, 30.0), (40.0, 60.0)),)
    """

    def __init__(self, shape: tuple[int, int], mask: FaceMask | None = None) -> None:
        self.shape = shape
        self.tool: Tool = "crop"
        """What is drawn next."""
        self.crop: Crop | None = None
        self.corners: list[tuple[float, float]] = []
        """Corners of the outline that is not closed yet."""
        self.outlines: list[tuple[Literal["face", "spout"], Outline]] = []
        """Closed outlines, in the order in which they were drawn."""
        self._masked_cells: MaskedCells = "any"
        if mask is not None:
            mask.cropped_shape(shape)
            self.crop, self._masked_cells = mask.crop, mask.masked_cells
            self.outlines = [("face", outline) for outline in mask.face]
            self.outlines += [("spout", outline) for outline in mask.spout]

    def drag(self, start: tuple[float, float], stop: tuple[float, float]) -> None:
        """Draw the crop from one corner to the opposite one; a click without a drag takes it away."""
        height, width = self.shape
        left, right = sorted(min(max(round(x), 0), width) for x in (start[0], stop[0]))
        top, bottom = sorted(min(max(round(y), 0), height) for y in (start[1], stop[1]))
        self.crop = None
        if right > left and bottom > top:
            self.crop = Crop(left_px=left, top_px=top, width_px=right - left, height_px=bottom - top)

    def click(self, corner: tuple[float, float], *, close_px: float = CLOSE_PX) -> None:
        """Set a corner of the face or the spout; near the first corner, close the outline.

        Parameters
        ----------
        corner
            Position ``(x_px, y_px)`` in the whole frame.
        close_px
            What counts as near, in pixels of the frame.
        """
        x = min(max(float(corner[0]), 0.0), float(self.shape[1]))
        y = min(max(float(corner[1]), 0.0), float(self.shape[0]))
        if len(self.corners) >= 3:
            first = self.corners[0]
            if (x - first[0]) ** 2 + (y - first[1]) ** 2 <= close_px**2:
                self.close()
                return
        self.corners.append((round(x, 1), round(y, 1)))

    def close(self) -> None:
        """Close the outline; one of fewer than three corners is dropped."""
        if len(self.corners) >= 3 and self.tool != "crop":
            self.outlines.append((self.tool, tuple(self.corners)))
        self.corners = []

    def undo(self) -> None:
        """Take the last corner back, or else the last outline, or else the crop."""
        if self.corners:
            self.corners.pop()
        elif self.outlines:
            self.outlines.pop()
        else:
            self.crop = None

    def mask(self) -> FaceMask:
        """Return the mask as drawn, with the size of the frame that it was drawn on.

        Raises
        ------
        ValueError
            If it leaves no pixel.
        """
        drawn = FaceMask(
            crop=self.crop,
            face=tuple(outline for kind, outline in self.outlines if kind == "face"),
            spout=tuple(outline for kind, outline in self.outlines if kind == "spout"),
            masked_cells=self._masked_cells,
            frame_width_px=self.shape[1],
            frame_height_px=self.shape[0],
        )
        drawn.pixels(self.shape)
        return drawn


def stretched(picture: np.ndarray) -> np.ndarray:
    """Return a frame for the eye: grey from its 1st to its 99.5th percentile, uint8, same shape.

    Examples
    --------
    >>> stretched(np.linspace(0, 1, 1001)[:, None])[[0, 500, 1000], 0].tolist()
    [0, 126, 255]
    """
    low, high = np.percentile(picture, [1, 99.5])
    share = (np.asarray(picture, float) - low) / max(float(high - low), 1e-9)
    return (255 * np.clip(share, 0, 1)).astype(np.uint8)
