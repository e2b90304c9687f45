"""A small window to draw the crop, the outline of the face and the spout onto a frame.

Without a screen, write the YAML by hand: `analysis.faces.masks.write_mask` says its form.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PyQt6.QtCore import QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PyQt6.QtWidgets import (
    QApplication,
    QButtonGroup,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from analysis.faces.hog import hog_cells
from analysis.faces.mask_drawing import CLOSE_PX, MaskDrawing, Tool, stretched
from analysis.faces.masks import FaceMask, write_mask

_TOOLS: tuple[tuple[Tool, str, str], ...] = (
    ("crop", "Crop", "Drag a rectangle around the face; click once to take it away."),
    (
        "face",
        "Face",
        "Click the corners of the face's outline; click the first again, or press Enter, to close.",
    ),
    ("spout", "Cut out", "Click the corners of what is not the face: lick spout, head post, cable."),
)
_COLOURS = {"crop": QColor("#f0e442"), "face": QColor("#56b4e9"), "spout": QColor("#e69f00")}
"""Colour-blind safe (Okabe and Ito), light enough for dark frames."""


def draw_mask(picture: np.ndarray, out: Path, *, mask: FaceMask | None = None, cell_px: int = 32) -> bool:
    """Show the window until it is closed.

    Parameters
    ----------
    picture
        Grey frame, ``(height_px, width_px)``.
    out
        YAML file that Save writes.
    mask
        A mask to go on with.
    cell_px
        Cell of the descriptors, to show how many of them stay.

    Returns
    -------
    bool
        Whether the mask was saved.

    Raises
    ------
    ValueError
        If the mask was drawn on frames of another size.
    """
    application = QApplication.instance() or QApplication(["countenance"])
    window = MaskWindow(picture, out, mask=mask, cell_px=cell_px)
    window.show()
    application.exec()
    return window.saved


class MaskWindow(QWidget):
    """The window; its parameters are those of `draw_mask`."""

    def __init__(
        self, picture: np.ndarray, out: Path, *, mask: FaceMask | None = None, cell_px: int = 32
    ) -> None:
        super().__init__()
        self.drawing = MaskDrawing((picture.shape[0], picture.shape[1]), mask)
        self.saved = False
        self._out, self._cell_px = out, cell_px
        self.setWindowTitle(f"Crop and mask: {out.name}")
        self.canvas = Canvas(picture, self.drawing, self._changed)
        self.hint, self.status = QLabel(), QLabel()
        column = QVBoxLayout(self)
        column.addLayout(self._buttons())
        column.addWidget(self.hint)
        column.addWidget(self.canvas, 1)
        column.addWidget(self.status)
        self.choose("crop")
        self.resize(1000, 760)

    def choose(self, tool: Tool) -> None:
        """Draw with this tool from now on; an outline that was begun is closed."""
        self.drawing.close()
        self.drawing.tool = tool
        self.buttons[tool].setChecked(True)
        self.hint.setText(next(text for name, _, text in _TOOLS if name == tool))
        self._changed()

    def save(self) -> None:
        """Write the mask and close; if it leaves nothing, say so and stay."""
        self.drawing.close()
        try:
            write_mask(self._out, self.drawing.mask())
        except (ValueError, OSError) as error:
            self.status.setText(f"Not saved: {error}")
            return
        self.saved = True
        self.close()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802
        """Close the outline with Enter, take back with Backspace."""
        key = None if event is None else event.key()
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.drawing.close()
        elif key in (Qt.Key.Key_Backspace, Qt.Key.Key_Delete):
            self.drawing.undo()
        self._changed()

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.buttons: dict[Tool, QPushButton] = {}
        group = QButtonGroup(self)
        for tool, name, _ in _TOOLS:
            button = QPushButton(name)
            button.setCheckable(True)
            button.clicked.connect(lambda _checked, chosen=tool: self.choose(chosen))
            self.buttons[tool] = button
            group.addButton(button)
            row.addWidget(button)
        row.addStretch(1)
        for name, act in (("Undo", self._undo), ("Save", self.save), ("Cancel", self.close)):
            button = QPushButton(name)
            button.clicked.connect(act)
            row.addWidget(button)
        return row

    def _undo(self) -> None:
        self.drawing.undo()
        self._changed()

    def _changed(self) -> None:
        self.canvas.update()
        try:
            mask = self.drawing.mask()
            height, width = mask.cropped_shape(self.drawing.shape)
            kept = mask.pixels(self.drawing.shape)
            cells = hog_cells((height, width), self._cell_px, kept, masked_cells=mask.masked_cells)
        except ValueError as error:
            self.status.setText(str(error))
            return
        stay = f"{np.sum(cells)} of {np.size(cells)} cells of {self._cell_px} px stay"
        self.status.setText(f"{width} x {height} px; {kept.mean():.0%} of them count; {stay}")


class Canvas(QWidget):
    """The frame, with what is drawn on it; as large as there is room."""

    def __init__(self, picture: np.ndarray, drawing: MaskDrawing, changed: Callable[[], None]) -> None:
        super().__init__()
        self._drawing, self._changed = drawing, changed
        grey = np.ascontiguousarray(stretched(picture))
        height, width = grey.shape
        self._image = QImage(grey.tobytes(), width, height, width, QImage.Format.Format_Grayscale8).copy()
        self._dragged: tuple[float, float] | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(QSize(320, 240))
        self.setCursor(Qt.CursorShape.CrossCursor)

    @property
    def zoom(self) -> float:
        """Pixels of the screen per pixel of the frame."""
        return min(self.width() / self._image.width(), self.height() / self._image.height())

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Begin a crop, or set a corner."""
        if event is None:
            return
        place = self._place(event)
        if self._drawing.tool == "crop":
            self._dragged = place
        else:
            self._drawing.click(place, close_px=CLOSE_PX / self.zoom)
        self._changed()

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Follow with the crop."""
        if event is not None and self._dragged is not None:
            self._drawing.drag(self._dragged, self._place(event))
            self._changed()

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """End the crop."""
        if event is not None and self._dragged is not None:
            self._drawing.drag(self._dragged, self._place(event))
            self._dragged = None
            self._changed()

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Draw the frame and what is drawn on it."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.scale(self.zoom, self.zoom)
        painter.drawImage(0, 0, self._image)
        for kind, outline in self._drawing.outlines:
            self._outline(painter, list(outline), kind, closed=True)
        if self._drawing.corners:
            self._outline(painter, self._drawing.corners, self._drawing.tool, closed=False)
        crop = self._drawing.crop
        if crop is not None:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(self._pen("crop"))
            painter.drawRect(QRectF(crop.left_px, crop.top_px, crop.width_px, crop.height_px))
        painter.end()

    def _outline(
        self, painter: QPainter, corners: list[tuple[float, float]], kind: Tool, *, closed: bool
    ) -> None:
        polygon = QPolygonF([QPointF(x, y) for x, y in corners])
        painter.setPen(self._pen(kind))
        if closed:
            fill = QColor(_COLOURS[kind])
            fill.setAlpha(110 if kind == "spout" else 40)
            painter.setBrush(fill)
            painter.drawPolygon(polygon)
            return
        painter.drawPolyline(polygon)
        painter.setBrush(_COLOURS[kind])
        for x, y in corners:
            painter.drawEllipse(QPointF(x, y), 4 / self.zoom, 4 / self.zoom)

    def _pen(self, kind: Tool) -> QPen:
        return QPen(_COLOURS[kind], 2 / self.zoom)

    def _place(self, event: QMouseEvent) -> tuple[float, float]:
        return event.position().x() / self.zoom, event.position().y() / self.zoom


def screen_is_missing() -> bool:
    """Whether there can be no window, because this Linux has no screen."""
    shown = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))
    return sys.platform.startswith("linux") and not shown
