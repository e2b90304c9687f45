"""What part of the frame is seen, the same in all three panes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from PyQt6.QtCore import QPointF
from PyQt6.QtGui import QColor, QImage

ZOOMS = (0.1, 60.0)
"""Smallest and largest zoom."""
ZOOM_STEP = 1.25
"""Change of zoom by one notch of the wheel or one key."""
BACKGROUND = QColor("#3b3b3b")
"""Colour around photographs."""


class Camera(NamedTuple):
    """What part of the frame is seen: both photographs lie in it with their eyes at the same places.

    Examples
    --------
    >>> Camera(10, 20, 2).zoomed(2, QPointF(8, 0))
    Camera(x=12.0, y=20.0, zoom=4.0)
    """

    x: float
    """Middle of the view, in pixels of the frame."""
    y: float
    """Middle of the view."""
    zoom: float
    """Pixels of the screen per pixel of the frame."""

    def limited(self) -> Camera:
        """Return it with a zoom that is neither too small nor too large."""
        return self._replace(zoom=float(np.clip(self.zoom, *ZOOMS)))

    def panned(self, by: QPointF) -> Camera:
        """Return it after what is seen was moved by so many pixels of the screen."""
        return self._replace(x=self.x - by.x() / self.zoom, y=self.y - by.y() / self.zoom)

    def zoomed(self, factor: float, about: QPointF) -> Camera:
        """Return it enlarged; what is at a place, counted from the middle of the view, stays there."""
        zoom = float(np.clip(self.zoom * factor, *ZOOMS))
        change = 1 / self.zoom - 1 / zoom
        return Camera(self.x + about.x() * change, self.y + about.y() * change, zoom)


def to_qimage(image: np.ndarray) -> QImage:
    """Return an image for Qt with its own memory; uint8, RGB."""
    height_px, width_px = image.shape[:2]
    data = np.ascontiguousarray(image)
    return QImage(data.tobytes(), width_px, height_px, 3 * width_px, QImage.Format.Format_RGB888).copy()
